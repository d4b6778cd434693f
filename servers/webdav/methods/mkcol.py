"""MKCOL on the disk (RFC 4918 §9.3): a plain folder; extended with properties (RFC 5689)."""

from __future__ import annotations

from typing import Final

from servers.dav import xml
from servers.dav.context import Context, Reader
from servers.dav.errors import XML, refuse
from servers.dav.methods import proppatch as kernel
from servers.dav.methods.options import refused
from servers.dav.names import DAV, DECLARATIONS
from servers.dav.resources import Kind
from servers.dav.transactions import writing
from servers.http import conditions
from servers.http.errors import BadRequest, HttpError
from servers.http.response import Response
from servers.webdav import tree
from servers.webdav.methods import proppatch
from storage import trees
from storage.errors import Exists
from storage.filing import File, Place

_TYPE: Final = f"{DAV}resourcetype"


def mkcol(context: Context) -> Response:
    """Make a folder: 201.

    Raises:
        HttpError: 405 where something is already, 403 in the first level (DOC-02), 415 for a body that is not
            what RFC 5689 knows.
        Conflict: its parent is missing (RFC 4918 §9.3.1).
    """
    root = _described(context)
    with writing(context) as tx:
        fixed = tree.fixed_kind(tx, context.address)
        if fixed is not None:
            raise _occupied(context, fixed)
        place = tree.place(tx, context.address)
        if place.present is not None:
            raise _occupied(context, _kind(place))
        conditions.check_absent(context.request)
        try:
            made = trees.mkdir(tx, place.folder, place.name)
        except Exists:
            raise _occupied(context, _kind(place)) from None
        if root is not None:
            reader = Reader(context, tx)
            found = tree.resource(context.address, made)
            wishes = [(name, value) for name, value in kernel.read(root) if name != _TYPE]
            update = proppatch.judge(reader, found, wishes)
            update.done.append(_TYPE)
            if update.failed:
                raise _failed(update)
            proppatch.apply(reader, found, update)
    return Response(201)


def _described(context: Context) -> xml.Element | None:
    """The body, if it is an extended one."""
    content_type = (context.request.header("Content-Type") or "").lower()
    if not context.request.has_body and not context.request.unmeasured:
        return None
    # Without the field the body is looked at (RFC 9110 §8.3).
    if context.request.has_body and content_type and "xml" not in content_type:
        raise HttpError(415)  # RFC 4918 §9.3
    root = xml.body(context.request, context.settings)
    if root is None:
        return None
    if root.tag != f"{DAV}mkcol":
        raise HttpError(415)
    for name, value in kernel.read(root):
        if name == _TYPE:
            types = {xml.tag(one) for one in xml.children(value)} if value is not None else set[str]()
            if types != {f"{DAV}collection"}:
                raise refuse(403, f"{DAV}valid-resourcetype", reason="folders only")
    if not list(kernel.read(root)):
        raise BadRequest("nothing is set")
    return root


def _kind(place: Place) -> Kind:
    return Kind.ITEM if isinstance(place.present, File) else Kind.COLLECTION


def _occupied(context: Context, kind: Kind) -> HttpError:
    return HttpError(405, "something is already there", headers=[refused(context, kind, "MKCOL")])


def _failed(update: kernel.Update) -> HttpError:
    outcome = f"<D:mkcol-response{DECLARATIONS}>{update.propstats()}</D:mkcol-response>"
    body = f'<?xml version="1.0" encoding="utf-8"?>\n{outcome}\n'
    return HttpError(update.failed[0][1], body=body.encode(), content_type=XML)
