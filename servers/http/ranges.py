"""Byte ranges of a body, in memory or streamed: single and multipart (RFC 9110 §14)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeAlias

from servers.http.errors import HttpError
from servers.http.response import Response, Stream

Cut: TypeAlias = Callable[[int, int], Iterable[bytes]]
"""First and last octet to the blocks that hold them."""

MAX_RANGES: Final = 16
"""More of them are an attack or a mistake: the whole body is sent (RFC 9110 §17.15)."""

_SPEC: Final = re.compile(r"\s*+(\d{0,18}+)\s*+-\s*+(\d{0,18}+)\s*+\Z")


def parse(value: str, length: int) -> list[tuple[int, int]] | None:
    """Satisfiable ranges as (first, last) octet; None if the field is to be ignored (§14.2).

    Raises:
        HttpError: 416, no range lies within the body.
    """
    unit, equals, specs = value.partition("=")
    if not equals or unit.strip().lower() != "bytes":
        return None
    found: list[tuple[int, int]] = []
    wanted = [spec for spec in specs.split(",") if spec.strip()]  # §5.6.1: empty elements of a list are none
    if not 0 < len(wanted) <= MAX_RANGES:
        return None
    for spec in wanted:
        match = _SPEC.match(spec)
        if match is None or not (match[1] or match[2]):
            return None
        if match[1]:
            first = int(match[1])
            last = int(match[2]) if match[2] else length - 1
            if match[2] and last < first:
                return None
        else:
            first, last = max(0, length - int(match[2])), length - 1
            if int(match[2]) == 0:
                continue
            if not length:
                return None  # §14.1.2: the suffix of an empty body is all of it, and no range can say that
        if first < length:
            found.append((first, min(last, length - 1)))
    if not found:
        raise HttpError(416, headers=[("Content-Range", f"bytes */{length}")])
    if sum(last - first + 1 for first, last in found) > length:
        return None  # overlapping ones are not worth more than the body
    return found


def partial(response: Response, value: str) -> Response:
    """The 206 for a Range field, or `response` itself where the field is to be ignored.

    Raises:
        HttpError: 416.
    """
    body = response.body
    if not isinstance(body, bytes) or response.status != 200:
        return response
    answer = of_stream(response, value, len(body), lambda first, last: (body[first : last + 1],))
    if isinstance(answer.body, Stream):
        answer.body = b"".join(answer.body.blocks)
    return answer


def of_stream(response: Response, value: str, length: int, cut: Cut) -> Response:
    """The same for a body that is read when it is sent: `cut` gives the blocks of a range.

    Raises:
        HttpError: 416.
    """
    ranges = parse(value, length)
    if ranges is None:
        return response
    if len(ranges) == 1:
        first, last = ranges[0]
        headers = [*response.headers, ("Content-Range", f"bytes {first}-{last}/{length}")]
        return Response(206, headers, Stream(last - first + 1, cut(first, last)))
    boundary = secrets.token_hex(12)
    content_type = response.header("Content-Type") or "application/octet-stream"
    heads = [
        (
            f"--{boundary}\r\nContent-Type: {content_type}\r\nContent-Range: bytes {first}-{last}/{length}\r\n\r\n"
        ).encode()
        for first, last in ranges
    ]
    end = f"--{boundary}--\r\n".encode()
    total = sum(len(head) + last - first + 3 for head, (first, last) in zip(heads, ranges, strict=True)) + len(end)

    def blocks() -> Iterator[bytes]:
        for head, (first, last) in zip(heads, ranges, strict=True):
            yield head
            yield from cut(first, last)
            yield b"\r\n"
        yield end

    headers = [pair for pair in response.headers if pair[0].lower() != "content-type"]
    headers.append(("Content-Type", f"multipart/byteranges; boundary={boundary}"))
    return Response(206, headers, Stream(total, blocks()))
