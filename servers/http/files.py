"""A stored file as an answer: conditions, ranges, blocks, no script that runs (RFC 9110 §13, §14; DOC-11, DOC-46)."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Final

from servers.http import conditions, ranges
from servers.http.request import Request
from servers.http.response import Response, Stream
from storage import bodies, downloads
from storage import collections as tree
from storage.errors import Denied
from storage.filing import File
from storage.store import Store
from storage.types import Right

BLOCK: Final = 512 * 1024
"""Below what malloc maps anew each time (servers/memory.py): 1 MiB takes twice as long, 256 KiB a sixth longer."""
SANDBOX: Final = (
    "sandbox allow-popups allow-top-navigation-by-user-activation; default-src 'self' data: 'unsafe-inline'; "
    "script-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'"
)
"""For whatever a browser may take for a document: it is shown, and can do nothing."""
_INERT: Final = (
    "audio/",
    "video/",
    "font/",
    "text/plain",
    "text/calendar",
    "text/vcard",
    "application/pdf",
    "application/zip",
    "application/octet-stream",
)
_PLAIN_TEXTS: Final = frozenset({"text/plain", "text/csv", "text/markdown", "text/tab-separated-values"})
_LOOKED_AT: Final = 64 * 1024
_ACTIVE_IMAGES: Final = ("image/svg",)


def send(request: Request, store: Store, file: File, fields: list[tuple[str, str]]) -> Response:
    """The file's content, found with its body; counted where it is read from its beginning.

    `fields` are further ones for the answer, and for its 304.

    Raises:
        Denied: the actor may know of the file but not read it (ACL-06).
        HttpError: 412, 416.
    """
    if file.body is None and file.blob is None:
        raise Denied(Right.SEE, tree.path(file.folder, file.name))
    unchanged = conditions.check_read(request, file.etag, file.modified)
    if unchanged is not None:
        unchanged.headers += fields
        return unchanged
    headers = [
        ("Content-Type", _content_type(request, store, file)),
        ("ETag", f'"{file.etag}"'),
        ("Last-Modified", conditions.format_date(file.modified)),
        ("Accept-Ranges", "bytes"),
        ("X-Content-Type-Options", "nosniff"),
        *fields,
    ]
    if is_active(file.media_type):
        headers.append(("Content-Security-Policy", SANDBOX))
    whole = file.body if file.body is not None else Stream(file.size, _blocks(store, file, 0, file.size - 1))
    response = Response(200, headers, whole)
    if request.method != "GET":
        return response
    wanted = request.header("Range")
    if wanted is not None and conditions.range_applies(request, file.etag):
        response = _partial(store, file, response, wanted)
    if response.status == 200 or (response.header("Content-Range") or "").startswith("bytes 0-"):
        downloads.count(store, file)
    return response


def _content_type(request: Request, store: Store, file: File) -> str:
    """The media type; a browser, which takes plain text for Latin-1, is told where it is UTF-8 and nobody said so."""
    plain = file.media_type.strip().lower() in _PLAIN_TEXTS
    if not plain or "text/html" not in (request.header("Accept") or ""):
        return file.media_type
    start = file.body
    if start is None:
        start = b"".join(_blocks(store, file, 0, min(file.size, _LOOKED_AT) - 1))
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start[:_LOOKED_AT], file.size <= _LOOKED_AT)
    except UnicodeDecodeError:
        return file.media_type
    return f"{file.media_type.strip()}; charset=utf-8"


def is_active(media_type: str) -> bool:
    """Whether a browser might run something in it: all but what certainly cannot."""
    plain = media_type.partition(";")[0].strip().lower()
    if plain.startswith("image/"):
        return plain.startswith(_ACTIVE_IMAGES)
    return not plain.startswith(_INERT)


def _partial(store: Store, file: File, response: Response, wanted: str) -> Response:
    if file.body is not None:
        return ranges.partial(response, wanted)
    return ranges.of_stream(response, wanted, file.size, lambda first, last: _blocks(store, file, first, last))


def _blocks(store: Store, file: File, first: int, last: int) -> Iterator[bytes]:
    """The octets `first` to `last`; the body stays readable if the file is replaced meanwhile."""
    with bodies.open_file(store, file) as source:
        source.seek(first)
        missing = last - first + 1
        while missing > 0:
            data = source.read(min(missing, BLOCK))
            if not data:
                raise OSError("a stored body is shorter than its row says")
            missing -= len(data)
            yield data
