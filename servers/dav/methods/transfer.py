"""COPY and MOVE (RFC 4918 §9.8, §9.9): items between collections, and a collection's new name."""

from __future__ import annotations

from servers.dav import escape, resources
from servers.dav.context import INFINITY, Context
from servers.dav.methods.put import representation, represented
from servers.dav.resources import Address, Kind, Resource
from servers.dav.transactions import find, holder, writing
from servers.http import conditions
from servers.http.errors import BadRequest, HttpError
from servers.http.response import Response
from storage import collections as tree
from storage import items
from storage import moving as moving_items
from storage import properties as dead
from storage.errors import Exists, NotFound, Refused
from storage.store import Transaction
from storage.types import Item


def copy(context: Context) -> Response:
    """Copy an item: 201, or 204 over an existing one."""
    return _transfer(context, moving=False)


def move(context: Context) -> Response:
    """Move an item, or rename a collection in its home."""
    return _transfer(context, moving=True)


def _transfer(context: Context, *, moving: bool) -> Response:
    destination = destination_of(context)
    overwrite = may_overwrite(context)
    precondition = conditions.precondition(context.request)
    context.depth(INFINITY, 0, INFINITY)
    schedule_tag = ""
    shown: Item | None = None
    with writing(context) as tx:
        found = find(context, tx)
        if found.kind is Kind.COLLECTION:
            conditions.check_untagged(context.request)
            if moving:
                context.depth(INFINITY, INFINITY)  # RFC 4918 §9.9.2: of collections only
            created = _rename(context, tx, found, destination, overwrite, moving)
        else:
            if destination.kind is not Kind.ITEM or found.item is None:
                raise HttpError(409, "the destination lies in no collection")
            items.check(found.item, precondition)
            conditions.check_unmodified_since(context.request, found.item.modified)
            holder(context, tx, context.address)
            target = holder(context, tx, destination)
            source = found.owned_collection
            if (source.id, found.item.name) == (target.id, destination.item):
                raise HttpError(403, "source and destination are the same")  # RFC 4918 §9.8.5
            name = found.item.name
            change = moving_items.move if moving else moving_items.copy
            kept = dead.get_all(tx, source, name) if not moving or source.space.id != target.space.id else {}
            written = change(tx, source, name, target, destination.item, overwrite=overwrite)
            if kept:
                dead.put(tx, target, destination.item, dict(kept))
            created, schedule_tag = written.created, written.schedule_tag
            shown = represented(context, tx, target, destination.item)
    location = escape.path(*destination.segments, directory=destination.kind is not Kind.ITEM)
    headers = [("Location", location)] if created else []
    if schedule_tag:
        headers.append(("Schedule-Tag", f'"{schedule_tag}"'))  # RFC 6638 §3.2.10
    if shown is not None and shown.body is not None:
        fields, body = representation(context, target, shown, location)
        return Response(201 if created else 200, [*headers, *fields], body)
    return Response(201 if created else 204, headers)


def _rename(
    context: Context,
    tx: Transaction,
    found: Resource,
    destination: Address,
    overwrite: bool,
    moving: bool,
) -> bool:
    collection = found.owned_collection
    if not moving:
        raise Refused("a whole collection cannot be copied: make a new one, and copy the items")
    here = (collection.space.kind, collection.space.name)
    if destination.kind is not Kind.COLLECTION or (destination.space_kind, destination.space) != here:
        raise Refused("a collection can be renamed in its own home only")
    if destination.collection == collection.name:
        raise HttpError(403, "source and destination are the same")
    replaced = False
    try:
        other = tree.find(tx, destination.space_kind, destination.space, destination.collection)
    except NotFound:
        pass
    else:
        if not overwrite:
            raise Exists(destination.collection)
        tree.delete(tx, other)
        replaced = True
    tree.rename(tx, collection, destination.collection)
    return not replaced


def destination_of(context: Context) -> Address:
    """Where to (RFC 4918 §10.3).

    Raises:
        HttpError: 400 without the field, 502 for another server, 409 outside the map of URLs.
    """
    value = context.request.header("Destination")
    if not value:
        raise BadRequest("a Destination is required")
    address = resources.of_href(context, value)
    if address is not None:
        return address
    if value.startswith("/") or context.is_own_origin(*_origin(value)):
        raise HttpError(409, "the destination lies in no collection")
    raise HttpError(502, "the destination is on another server")  # RFC 4918 §9.8.5


def _origin(url: str) -> tuple[str, str]:
    scheme, _, rest = url.partition("://")
    return scheme, rest.partition("/")[0]


def may_overwrite(context: Context) -> bool:
    """The Overwrite field; True without it (RFC 4918 §10.6)."""
    value = (context.request.header("Overwrite") or "T").upper()
    if value not in ("T", "F"):
        raise BadRequest("Overwrite is T or F")  # RFC 4918 §10.6
    return value == "T"
