"""GET and HEAD (RFC 4918 §9.4): an item's body as the actor may read it; of other resources, a short page."""

from __future__ import annotations

import html

from servers.dav.context import Context
from servers.dav.resources import Kind
from servers.dav.transactions import find, reading
from servers.http import conditions, ranges
from servers.http.response import Response
from storage import collections as tree
from storage.errors import Denied
from storage.types import Right


def get(context: Context) -> Response:
    """The item, with its validators; conditions and ranges as RFC 9110 §13 and §14 say."""
    request = context.request
    with reading(context) as tx:
        found = find(context, tx, body=True)
    item, collection = found.item, found.collection
    if item is None or collection is None:
        conditions.check_untagged(request)
        return _page(context, found.kind, found.name)
    if item.body is None:  # only its existence is known (ACL-06)
        raise Denied(Right.SEE, f"{tree.path(collection)}/{item.name}")
    shown = context.protocol.represent(collection, item, request)
    caching = [("Cache-Control", "private, no-cache"), *([("Vary", shown.vary)] if shown.vary else [])]
    unchanged = conditions.check_read(request, item.etag, item.modified)
    if unchanged is not None:
        unchanged.headers += caching  # RFC 9110 §15.4.5
        return unchanged
    response = Response(
        200,
        [
            ("Content-Type", shown.content_type),
            ("ETag", f'"{item.etag}"'),
            ("Last-Modified", conditions.format_date(item.modified)),
            ("Accept-Ranges", "bytes"),
            *caching,
        ],
        shown.body,
    )
    if item.schedule_tag:
        response.headers.append(("Schedule-Tag", f'"{item.schedule_tag}"'))  # RFC 6638 §8.2
    wanted = request.header("Range")
    if wanted is None or request.method != "GET":
        return response
    if not conditions.range_applies(request, item.etag):
        return response
    return ranges.partial(response, wanted)


def _page(context: Context, kind: Kind, name: str) -> Response:
    """What a person sees who opens the address in a browser."""
    what = {
        Kind.COLLECTION: "This address is for a calendar or contacts program, not for a browser.",
        Kind.HOME: "This is a home of calendars and address books.",
        Kind.PRINCIPAL: "This is the address of a person or group, for calendar and contacts programs.",
    }.get(kind, "Enter this address in your calendar or contacts program.")
    title = html.escape(name or "Escritoire")
    body = (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>'
        f"<body><h1>{title}</h1><p>{what}</p></body></html>\n"
    )
    return Response(
        200,
        [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Security-Policy", "default-src 'none'"),
            ("X-Content-Type-Options", "nosniff"),
        ],
        body.encode(),
    )
