"""Writing a part of a file: PUT with Content-Range (RFC 9110 §14.5), PATCH with X-Update-Range.

The second is sabre/dav's extension, which davfs-like clients and resumed uploads use. Both make a new
body of the old one's octets and the new ones; who reads meanwhile reads the old one, whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

from servers.dav.context import Context
from servers.dav.methods.options import refused
from servers.dav.resources import Kind
from servers.dav.transactions import reading, writing
from servers.http import conditions
from servers.http.errors import BadRequest, HttpError
from servers.http.response import Response
from servers.webdav import incoming, tree
from storage import bodies, files
from storage.filing import File, Place
from storage.types import ANY, Precondition, Written

UPDATE_TYPE: Final = "application/x-sabredav-partialupdate"
MOST_GAP_OCTETS: Final = 64 * 1024 * 1024
"""How far beyond the end a patch may begin: the zeros between are stored, and nobody sent them."""
_BLOCK: Final = 128 * 1024
_CONTENT_RANGE: Final = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)\Z", re.ASCII)
_UPDATE_RANGE: Final = re.compile(r"(?:bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))|append)\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Part:
    """Where the octets go."""

    start: int | None
    """First octet; None = at the end."""
    from_end: int = 0
    """With `start` None: so many octets before the end."""
    length: int | None = None
    """How long the body must be; None = whatever comes."""


def put(context: Context, value: str) -> Response:
    """PUT of the octets that Content-Range names: 201 or 204.

    Raises:
        BadRequest: the field breaks the grammar, or contradicts Content-Length.
    """
    found = _CONTENT_RANGE.match(value.strip())
    if found is None or int(found[2]) < int(found[1]):
        raise BadRequest("Content-Range is badly formed")
    first, last = int(found[1]), int(found[2])
    if found[3] != "*" and last >= int(found[3]):
        raise BadRequest("Content-Range reaches beyond its own total")
    written = _splice(context, Part(first, length=last - first + 1), create=True)
    return Response(201 if written.created else 204, [("ETag", f'"{written.etag}"')])


def patch(context: Context) -> Response:
    """PATCH of an existing file: 204.

    Raises:
        HttpError: 415 for another kind of patch, 411 without a length, 404; 416 for a range that is not as long as
            the body, ends before it begins, or begins more than `MOST_GAP_OCTETS` beyond the end.
    """
    content_type = (context.request.header("Content-Type") or "").partition(";")[0].strip().lower()
    if content_type != UPDATE_TYPE:
        raise HttpError(415, f"a patch is {UPDATE_TYPE}", headers=[("Accept-Patch", UPDATE_TYPE)])  # RFC 5789 §2.2
    found = _UPDATE_RANGE.match((context.request.header("X-Update-Range") or "").strip())
    if found is None:
        raise BadRequest("X-Update-Range is missing or badly formed")
    if context.request.content_length is None:
        raise HttpError(411, "a patch needs a Content-Length")
    if found[1] is None:
        part = Part(None, from_end=int(found[3] or 0))
    elif found[2]:
        if int(found[2]) < int(found[1]):
            raise HttpError(416)
        part = Part(int(found[1]), length=int(found[2]) - int(found[1]) + 1)
        if part.length != context.request.content_length:
            raise HttpError(416, "the range is not as long as the body")
    else:
        part = Part(int(found[1]))
    written = _splice(context, part, create=False)
    return Response(204, [("ETag", f'"{written.etag}"')])


def _splice(context: Context, part: Part, *, create: bool) -> Written:
    """Read the octets, and put the new body in place of the very one that was read."""
    asked = conditions.precondition(context.request)
    length = context.request.content_length
    if part.length is not None and length is not None and length != part.length:
        raise BadRequest("the range is not as long as the body")
    coming = (length or 0) if part.length is None else part.length
    with reading(context) as tx:
        place = tree.place(tx, context.address)
        base = _base(context, place, create=create)
        size = base.size if base is not None else 0
        start = max(0, size - part.from_end) if part.start is None else part.start
        if start > size + (0 if create else MOST_GAP_OCTETS):
            raise HttpError(416, "the range begins beyond the end", headers=[("Content-Range", f"bytes */{size}")])
        most = files.admit(tx, place, max(size, start + coming), asked)
        if base is not None:
            base = tree.file_of(context.tables.urls.resolve(tx, context.address, body=True))
    blocks = chain(_zeros(start - size), incoming.exactly(context.request.blocks(), coming))
    body = bodies.splice(context.store, base, min(start, size), blocks, most=most)
    unchanged = Precondition(none_match=ANY) if base is None else Precondition(match=frozenset({base.etag}))
    with writing(context) as tx:
        place = tree.place(tx, context.address)
        media_type = base.media_type if base is not None else context.request.header("Content-Type") or ""
        return files.put(tx, place, body, unchanged, media_type=media_type)


def _zeros(octets: int) -> Iterator[bytes]:
    """What lies between the end of a file and a patch beyond it."""
    while octets > 0:
        yield bytes(min(octets, _BLOCK))
        octets -= _BLOCK


def _base(context: Context, place: Place, *, create: bool) -> File | None:
    if isinstance(place.present, File):
        conditions.check_unmodified_since(context.request, place.present.modified)
        return place.present
    if place.present is not None:
        raise HttpError(405, "a folder has this name", headers=[refused(context, Kind.COLLECTION, "PATCH", "PUT")])
    if not create:
        raise HttpError(404)
    return None
