"""GET and HEAD on the disk (RFC 4918 §9.4): files streamed, with conditions and ranges; folders as a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from servers.dav.context import Context, Reader
from servers.dav.resources import Kind
from servers.dav.transactions import find, reading
from servers.http import conditions, ranges
from servers.http.response import Response, Stream
from servers.webdav import fixed, page, tree
from storage import bodies, downloads
from storage import collections as storage_tree
from storage.errors import Denied
from storage.filing import File
from storage.store import Store
from storage.types import Right

BLOCK: Final = 1024 * 1024
_SANDBOX: Final = "sandbox; default-src 'none'; img-src data: 'self'; style-src 'unsafe-inline'; form-action 'none'"
"""No script of a document may act with the reader's password (the whole desk is one origin)."""
_INERT: Final = ("image/png", "image/jpeg", "image/gif", "image/webp", "audio/", "video/", "application/pdf")


def get(context: Context) -> Response:
    """The file, the folder's page, or the calendar."""
    with reading(context) as tx:
        found = find(context, tx, body=True)
        if found.kind is not Kind.ITEM:
            return page.of(Reader(context, tx), found)
        file = tree.file_of(found)
        if file is None:
            return fixed.get(context, tx)
    return send(context, file)


def send(context: Context, file: File) -> Response:
    """A file's content; counted where it is read from its beginning (DOC-11).

    Raises:
        Denied: the actor may know of the file but not read it (ACL-06).
        HttpError: 412, 416.
    """
    request = context.request
    if file.body is None and file.blob is None:
        raise Denied(Right.SEE, storage_tree.path(file.folder, file.name))
    unchanged = conditions.check_read(request, file.etag, file.modified)
    if unchanged is not None:
        return unchanged
    response = Response(
        200,
        [
            ("Content-Type", file.media_type),
            ("ETag", f'"{file.etag}"'),
            ("Last-Modified", conditions.format_date(file.modified)),
            ("Accept-Ranges", "bytes"),
            ("Cache-Control", "private, no-cache"),
            ("X-Content-Type-Options", "nosniff"),
        ],
        file.body if file.body is not None else Stream(file.size, _blocks(context.store, file, 0, file.size - 1)),
    )
    if not file.media_type.startswith(_INERT):
        response.headers.append(("Content-Security-Policy", _SANDBOX))
    if request.method != "GET":
        return response
    wanted = request.header("Range")
    if wanted is not None and conditions.range_applies(request, file.etag, file.modified):
        response = _partial(context.store, file, response, wanted)
    if response.status == 200 or (response.header("Content-Range") or "").startswith("bytes 0-"):
        downloads.count(context.store, file)
    return response


def _partial(store: Store, file: File, response: Response, wanted: str) -> Response:
    if file.body is not None:
        return ranges.partial(response, wanted)
    return ranges.of_stream(response, wanted, file.size, lambda first, last: _blocks(store, file, first, last))


def _blocks(store: Store, file: File, first: int, last: int) -> Iterator[bytes]:
    """The octets `first` to `last` in blocks; the body stays readable if the file is replaced meanwhile."""
    with bodies.open_file(store, file) as source:
        source.seek(first)
        missing = last - first + 1
        while missing > 0:
            data = source.read(min(missing, BLOCK))
            if not data:
                raise OSError("a stored body is shorter than its row says")
            missing -= len(data)
            yield data
