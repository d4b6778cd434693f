"""POP3 on the wire: command lines in, status lines and dot-stuffed texts out (RFC 1939 §3)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

LINE_OCTETS: Final = 512
"""Of a command (RFC 2449 §4 asks for 255)."""
RESPONSE_OCTETS: Final = 24 * 1024
"""Of a line in an authentication exchange."""
_BARE: Final = re.compile(rb"(?<!\r)\n|\r(?!\n)")


def cut_line(buffer: bytearray) -> bytes | None:
    """Take a line off the front, without its end; bare LF is taken for CRLF. None: there is none yet."""
    end = buffer.find(b"\n")
    if end < 0:
        return None
    line = bytes(buffer[:end]).removesuffix(b"\r")
    del buffer[: end + 1]
    return line


def ok(text: str = "") -> bytes:
    """A success."""
    return f"+OK {text}".rstrip().encode("utf-8", "replace") + b"\r\n"


def error(text: str, code: str = "") -> bytes:
    """A refusal, with a response code of RFC 2449 §8 or RFC 3206."""
    return f"-ERR {f'[{code}] ' if code else ''}{text}".encode("utf-8", "replace") + b"\r\n"


def listing(lines: Iterable[bytes]) -> bytes:
    """A text of several lines with its end."""
    return b"".join(line + b"\r\n" for line in lines) + b".\r\n"


def stuffed(data: bytes) -> bytes:
    """A message as it is sent: CRLF line ends, dots doubled, and the end (RFC 1939 §3)."""
    if _BARE.search(data):
        data = _BARE.sub(b"\r\n", data)
    if data.startswith(b"."):
        data = b"." + data
    data = data.replace(b"\n.", b"\n..")
    return data + (b".\r\n" if data.endswith(b"\r\n") or not data else b"\r\n.\r\n")


def top(data: bytes, lines: int) -> bytes:
    """The header, the blank line and so many lines of the text (RFC 1939 §7, TOP)."""
    match = re.search(rb"\A\r?\n|\r?\n\r?\n", data)
    if match is None:
        return data
    end = match.end()
    for _ in range(lines):
        found = data.find(b"\n", end)
        if found < 0:
            return data
        end = found + 1
    return data[:end]
