"""Bodies on their way in: how long they are to be, and that they are whole (RFC 9112 §8)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from servers.http.errors import BadRequest, HttpError
from servers.http.request import Request

EXPECTED: Final = "X-Expected-Entity-Length"
"""What Finder announces the length of a chunked body with."""
MOST_UNMEASURED_OCTETS: Final = 64 * 1024 * 1024
"""The front counts so far too (servers/front.py)."""


def announced(request: Request) -> int | None:
    """How many octets the body will have; None if one may come and nothing tells: take it with `whole`.

    Raises:
        BadRequest: Content-Length is not a number.
    """
    length = request.content_length
    if length is not None:
        return length
    expected = request.header(EXPECTED)
    if expected is not None and expected.isascii() and expected.isdigit():
        return int(expected)
    return None if request.unmeasured else 0


def whole(request: Request) -> bytes:
    """A body that nothing measures, in memory: half a file must not pass for a whole one (docs/decisions/0285).

    Raises:
        HttpError: 411, it is empty or broke off, or comes straight from elsewhere, where nobody limits it before us;
            413, it is longer than `MOST_UNMEASURED_OCTETS`.
    """
    if not request.by_front:
        raise _unmeasured()
    body = request.whole()
    if not body:
        raise _unmeasured()
    if len(body) > MOST_UNMEASURED_OCTETS:
        raise HttpError(413, f"say how long the body is: without it {MOST_UNMEASURED_OCTETS} octets are taken")
    return body


def _unmeasured() -> HttpError:
    return HttpError(411, f"say how long the body is, with Content-Length or {EXPECTED}")


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
