"""MKCOL, also extended (RFC 4918 §9.3, RFC 5689): a calendar or an address book with its properties."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from servers.dav import escape, multistatus, xml
from servers.dav.context import Context, Reader
from servers.dav.errors import refuse
from servers.dav.methods import proppatch
from servers.dav.methods.options import refused
from servers.dav.methods.proppatch import Update
from servers.dav.names import CALDAV, CARDDAV, DAV, DECLARATIONS
from servers.dav.resources import Kind, Resource
from servers.dav.transactions import writing
from servers.http import conditions
from servers.http.errors import HttpError
from servers.http.response import Response
from storage import collections as tree
from storage import principals as people
from storage import properties as dead
from storage.errors import Conflict, NotFound
from storage.store import Transaction
from storage.types import Collection, CollectionId, ModSeq, Principal, Relation, Right, Tool, View

KNOWN_TYPES: Final[Mapping[str, Tool]] = {
    f"{CALDAV}calendar": Tool.CALENDAR,
    f"{CARDDAV}addressbook": Tool.CONTACTS,
}
_BY_COMPONENT: Final = {("VTODO",): Tool.TASKS, ("VJOURNAL",): Tool.NOTES}


def mkcol(context: Context) -> Response:
    """Make the collection that the body describes.

    Raises:
        HttpError: 403 `valid-resourcetype` for a plain collection, which no home has; 415 for a body
            that is not XML.
    """
    content_type = context.request.header("Content-Type") or ""
    if content_type and "xml" not in content_type.lower() and context.request.content_length:
        raise HttpError(415)  # RFC 4918 §9.3
    root = xml.body(context.request, context.settings)
    if root is None:
        raise refuse(403, f"{DAV}valid-resourcetype", reason="say in the body what kind of collection")
    xml.expect(root, f"{DAV}mkcol")
    return create(context, tool=_tool(context, root), sets=root, answer="mkcol-response")


def create(
    context: Context, *, tool: Tool, sets: xml.Element | None, answer: str = "", method: str = "MKCOL"
) -> Response:
    """Make a collection at the request's URL with the properties of `sets` (its DAV:set children).

    `answer` names the DAV element that tells which property failed (RFC 5689 §5.2); "" = a 207.

    Raises:
        HttpError: 405 where something is already (403 `resource-must-be-null` for MKCALENDAR), 403
            where no collection can be.
        Conflict: the home does not exist (RFC 4918 §9.3.1).
    """
    address = context.address
    skip = frozenset({f"{DAV}resourcetype"})
    with writing(context) as tx:
        _vacant(context, tx, method)
        conditions.check_absent(context.request)
        if address.kind is Kind.ITEM:
            name = f"{CARDDAV}addressbook" if tool is Tool.CONTACTS else f"{CALDAV}calendar"
            raise refuse(403, f"{name}-collection-location-ok", reason="collections lie in a home only")
        owner = _owner(tx, context)
        reader = Reader(context, tx)
        planned = Resource(Kind.COLLECTION, "", "", owner, _plan(owner, tool))
        instructions = [
            (name, value) for name, value in (proppatch.read(sets) if sets is not None else ()) if value is not None
        ]
        update = proppatch.judge(reader, planned, instructions, creating=True, skip=skip)
        if update.failed:
            return _failed(context, update, answer)
        values = dict(update.values)
        transparent = values.pop("transparent", None)
        if tool is Tool.CALENDAR:
            # A calendar of tasks alone is a task list: the rights of tasks hold there (table 3.2).
            tool = _BY_COMPONENT.get(tuple(values.get("components", ())), tool)
        made = tree.create(tx, address.space_kind, address.space, address.collection, tool, **values)
        if transparent is not None:
            made = tree.update(tx, made, transparent=transparent)
        if update.dead:
            dead.put(tx, made, None, update.dead)
    return Response(201, [("Cache-Control", "no-cache")])


def _tool(context: Context, root: xml.Element) -> Tool:
    types = {**KNOWN_TYPES, **context.protocol.collection_types}
    for name, value in proppatch.read(root):
        if name == f"{DAV}resourcetype" and value is not None:
            wanted = {xml.tag(one) for one in xml.children(value)} - {f"{DAV}collection"}
            known = [types[one] for one in wanted if one in types and context.serves(types[one])]
            if len(wanted) == 1 and known and xml.child(value, f"{DAV}collection") is not None:
                return known[0]
    raise refuse(403, f"{DAV}valid-resourcetype", reason="this kind of collection cannot be made here")


def _vacant(context: Context, tx: Transaction, method: str) -> None:
    address = context.address
    try:
        if address.kind is Kind.COLLECTION:
            tree.find(tx, address.space_kind, address.space, address.collection)
        elif address.kind is Kind.ITEM:
            tree.find(tx, address.space_kind, address.space, address.collection)
            return
    except NotFound:
        if address.kind is Kind.ITEM:
            raise Conflict("there is no such collection") from None
        return
    if method == "MKCALENDAR":
        raise refuse(403, f"{DAV}resource-must-be-null")  # RFC 4791 §5.3.1
    raise HttpError(405, "something is already there", headers=[refused(context, address.kind, "MKCOL", "MKCALENDAR")])


def _owner(tx: Transaction, context: Context) -> Principal:
    address = context.address
    try:
        return people.find(tx, address.space_kind, address.space)
    except NotFound:
        raise Conflict("there is no such home") from None


def _plan(owner: Principal, tool: Tool) -> Collection:
    """What will be made, for the properties' tables to judge before it is there."""
    return Collection(
        id=CollectionId(0),
        space=owner,
        tool=tool,
        name="",
        rights=Right.NONE,
        view=View.FULL,
        relation=Relation.OWNER,
        display_name="",
        description="",
        color="",
        order=0,
        timezone="",
        components=(),
        transparent=False,
        modseq=ModSeq(0),
        uid_validity=0,
        item_count=0,
        created=0.0,
        modified=0.0,
    )


def _failed(context: Context, update: Update, answer: str) -> Response:
    href = escape.path(*context.address.segments, directory=True)
    if not answer:
        return multistatus.document([multistatus.response(href, update.propstats())])
    body = f'<?xml version="1.0" encoding="utf-8"?>\n<D:{answer}{DECLARATIONS}>{update.propstats()}</D:{answer}>\n'
    status = update.failed[0][1]  # RFC 5689 §3: the status of the failure itself
    return Response(status, [("Content-Type", 'application/xml; charset="utf-8"')], body.encode())
