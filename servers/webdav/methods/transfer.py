"""COPY and MOVE on the disk (RFC 4918 §9.8, §9.9): files and trees, in one transaction, without reading bodies."""

from __future__ import annotations

from servers.dav import escape
from servers.dav.context import INFINITY, Context
from servers.dav.errors import refuse
from servers.dav.methods.transfer import destination_of, may_overwrite
from servers.dav.names import ESCRITOIRE
from servers.dav.resources import Address, Resource
from servers.dav.transactions import find, writing
from servers.http import conditions
from servers.http.response import Response
from servers.webdav import tree
from servers.webdav.methods.delete import partly
from storage import items, transplant
from storage.errors import Linked, Locked
from storage.filing import File, Folder


def copy(context: Context) -> Response:
    """201, or 204 over an existing member."""
    return _transfer(context, moving=False)


def move(context: Context) -> Response:
    """The same; a file over a file is how programs save, and keeps the target's rights (DOC-28)."""
    return _transfer(context, moving=True)


def _transfer(context: Context, *, moving: bool) -> Response:
    destination = destination_of(context)
    overwrite = may_overwrite(context)
    precondition = conditions.precondition(context.request)
    depth = context.depth(INFINITY, 0, INFINITY)
    found: Resource | None = None
    try:
        with writing(context) as tx:
            rows = tree.read_both(tx, context.address, destination)
            found = find(context, tx) if rows is None else tree.resolve_in(tx, rows, context.address)
            source = tree.member(found)
            carried = None if rows is None else tree.carried(rows, context.address)
            if isinstance(source, File):
                items.check(source, precondition)
                conditions.check_unmodified_since(context.request, source.modified)
            else:
                conditions.check_untagged(context.request)
                if moving:
                    context.depth(INFINITY, INFINITY)  # RFC 4918 §9.9.2: of collections only
            place = tree.place(tx, destination, rows)
            _apart(context, source, destination)
            if moving:
                created = transplant.move(tx, source, place, overwrite=overwrite, carried=carried)
            else:
                deep = depth == INFINITY
                created = transplant.copy(tx, source, place, overwrite=overwrite, deep=deep, carried=carried)
    except (Linked, Locked) as error:
        answer = partly(context, found, error)
        if answer is None:
            raise
        return answer
    if not created:
        return Response(204)
    directory = isinstance(source, Folder)
    return Response(201, [("Location", escape.path(*destination.segments, directory=directory))])


def _apart(context: Context, source: Folder | File, destination: Address) -> None:
    """Pass unless the destination is the source, or lies in it (RFC 4918 §9.8.5, §9.9.4).

    Raises:
        HttpError: 403.
    """
    here = context.address
    if (here.space_kind, here.space) != (destination.space_kind, destination.space):
        return
    if destination.collection == here.collection:
        raise refuse(403, f"{ESCRITOIRE}same", reason="source and destination are the same")
    if isinstance(source, Folder) and destination.collection.startswith(here.collection + "/"):
        raise refuse(403, f"{ESCRITOIRE}into-itself", reason="the destination lies in the source")
    if here.collection.startswith(destination.collection + "/"):
        raise refuse(403, f"{ESCRITOIRE}into-itself", reason="the source lies in what would be replaced")
