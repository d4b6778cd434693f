"""Byte ranges of a body that is in memory: single and multipart (RFC 9110 §14)."""

from __future__ import annotations

import re
import secrets
from typing import Final

from servers.http.errors import HttpError
from servers.http.response import Response

MAX_RANGES: Final = 16
"""More of them are an attack or a mistake: the whole body is sent (RFC 9110 §17.15)."""

_SPEC: Final = re.compile(r"\s*(\d{0,18})\s*-\s*(\d{0,18})\s*\Z")


def parse(value: str, length: int) -> list[tuple[int, int]] | None:
    """Satisfiable ranges as (first, last) octet; None if the field is to be ignored (§14.2).

    Raises:
        HttpError: 416, no range lies within the body.
    """
    unit, equals, specs = value.partition("=")
    if not equals or unit.strip().lower() != "bytes":
        return None
    found: list[tuple[int, int]] = []
    wanted = specs.split(",")
    if len(wanted) > MAX_RANGES:
        return None
    for spec in wanted:
        if not spec.strip():
            continue
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
    if not isinstance(response.body, bytes) or response.status != 200:
        return response
    body = response.body
    ranges = parse(value, len(body))
    if ranges is None:
        return response
    if len(ranges) == 1:
        first, last = ranges[0]
        headers = [*response.headers, ("Content-Range", f"bytes {first}-{last}/{len(body)}")]
        return Response(206, headers, body[first : last + 1])
    boundary = secrets.token_hex(12)
    content_type = response.header("Content-Type") or "application/octet-stream"
    parts: list[bytes] = []
    for first, last in ranges:
        head = (
            f"--{boundary}\r\nContent-Type: {content_type}\r\nContent-Range: bytes {first}-{last}/{len(body)}\r\n\r\n"
        )
        parts += [head.encode(), body[first : last + 1], b"\r\n"]
    parts.append(f"--{boundary}--\r\n".encode())
    headers = [pair for pair in response.headers if pair[0].lower() != "content-type"]
    headers.append(("Content-Type", f"multipart/byteranges; boundary={boundary}"))
    return Response(206, headers, b"".join(parts))
