"""Bodies on their way in: how long they are to be, and that they are (RFC 9112 §8)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from servers.http.errors import BadRequest, HttpError
from servers.http.request import Request

EXPECTED: Final = "X-Expected-Entity-Length"
"""What Finder announces the length of a chunked body with."""


def announced(request: Request) -> int:
    """How many octets the body will have.

    Raises:
        BadRequest: Content-Length is not a number.
        HttpError: 411, it is chunked and nothing says how long it is: the server under WSGI cannot tell its end
            from a broken connection, and a half file must not pass for a whole one (docs/decisions/0111).
    """
    length = request.content_length
    if length is not None:
        return length
    expected = request.header(EXPECTED)
    if expected is not None and expected.isascii() and expected.isdigit():
        return int(expected)
    if request.has_body:
        raise HttpError(411, f"say how long the body is, with Content-Length or {EXPECTED}")
    return 0


def exactly(blocks: Iterator[bytes], length: int) -> Iterator[bytes]:
    """The same blocks, as long as they are together what was announced.

    Raises:
        BadRequest: they are not; what was read is to be thrown away.
    """
    came = 0
    for block in blocks:
        came += len(block)
        if came > length:
            raise BadRequest("the body is longer than was announced")
        yield block
    if came != length:
        raise BadRequest("the body is shorter than was announced")
