"""GET: a managed attachment (RFC 8607 §3.10), a whole calendar, or whatever else the kernel knows."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

from servers.caldav.names import ATTACHMENTS
from servers.dav.context import Context
from servers.dav.methods import get as kernel
from servers.dav.resources import Kind
from servers.dav.transactions import find, reading
from servers.http import conditions, ranges
from servers.http.request import Request
from servers.http.response import Response, Stream
from storage import calendar_feed
from storage.attachments import keeping
from storage.attachments.keeping import Attachment
from storage.errors import NotFound
from storage.types import CALENDAR_TOOLS

_BLOCK: Final = 1024 * 1024
_MANAGED_ID: Final = re.compile(r"[0-9a-f]{32}")
_CACHING: Final = ("Cache-Control", "private, no-cache")  # in a 304 too (RFC 9110 §15.4.5)
_POLICY: Final = "default-src 'none'; sandbox"
"""Somebody else's file is saved, not run in the desk's origin (RFC 8607 §7)."""


def get(context: Context) -> Response:
    """The attachment for whom its event concerns, the calendar for programs; else it is the kernel's to answer."""
    address = context.address
    if address.kind is Kind.COLLECTION and _is_program(context.request):
        with reading(context) as tx:
            calendar = find(context, tx).owned_collection
            if calendar.tool in CALENDAR_TOOLS:
                conditions.check_untagged(context.request)
                headers = [("Content-Type", calendar_feed.MEDIA_TYPE), _CACHING, ("Vary", "Accept")]
                return Response(200, headers, calendar_feed.joined(tx, calendar))
    if address.kind is Kind.ITEM and address.collection == ATTACHMENTS and _MANAGED_ID.fullmatch(address.item):
        try:
            with reading(context) as tx:
                found = keeping.read(tx, address.item)
        except NotFound:
            return kernel.get(context)
        return _send(context, found)
    return kernel.get(context)


def _is_program(request: Request) -> bool:
    """Whether somebody subscribes by the calendar's own URL, and no browser asks (RFC 9110 §12.5.1).

    There is no entity tag: PROPFIND would have to tell it too (RFC 4918 §15.6).
    """
    accepted = (request.header("Accept") or "text/html").lower()
    return "text/calendar" in accepted or "text/html" not in accepted


def _send(context: Context, found: Attachment) -> Response:
    request = context.request
    unchanged = conditions.check_read(request, found.hash, found.created)
    if unchanged is not None:
        unchanged.headers.append(_CACHING)
        return unchanged
    whole = found.body if found.body is not None else Stream(found.size, _blocks(context, found, 0, found.size - 1))
    headers = [
        ("Content-Type", found.media_type),
        ("Content-Disposition", _disposition(found.name)),
        ("ETag", f'"{found.hash}"'),
        ("Last-Modified", conditions.format_date(found.created)),
        ("Accept-Ranges", "bytes"),
        _CACHING,
        ("X-Content-Type-Options", "nosniff"),
        ("Content-Security-Policy", _POLICY),
    ]
    response = Response(200, headers, whole)
    wanted = request.header("Range")
    if wanted is None or request.method != "GET" or not conditions.range_applies(request, found.hash):
        return response
    if found.body is not None:
        return ranges.partial(response, wanted)
    return ranges.of_stream(response, wanted, found.size, lambda first, last: _blocks(context, found, first, last))


def _disposition(name: str) -> str:
    """RFC 6266 §4: for programs of every age."""
    if not name:
        return "attachment"
    plain = re.sub(r"[^A-Za-z0-9 ._()-]", "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _blocks(context: Context, found: Attachment, first: int, last: int) -> Iterator[bytes]:
    """The octets `first` to `last`."""
    source = context.store.blobs.open(found.blob) if found.blob is not None else io.BytesIO(found.body or b"")
    with source:
        source.seek(first)
        missing = last - first + 1
        while missing > 0:
            data = source.read(min(missing, _BLOCK))
            if not data:
                raise OSError("a stored body is shorter than its row says")
            missing -= len(data)
            yield data
