"""Octets as IMAP's `string` and `nstring` write them (RFC 9051 §9)."""

from __future__ import annotations

import re
from typing import Final

_PLAIN: Final = re.compile(rb'[^\x00\r\n"\\\x80-\xff]*\Z')
_TEXT_OCTETS: Final = 64 * 1024


def string(value: bytes) -> bytes:
    """A quoted string, or a literal where that cannot be one."""
    value = value[:_TEXT_OCTETS]
    if value.isalnum() or _PLAIN.match(value):  # ASCII letters and digits, for octets
        return b'"%b"' % value
    if value.isascii() and b"\0" not in value and b"\r" not in value and b"\n" not in value:
        return b'"%b"' % value.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    value = value.replace(b"\0", b"")
    return b"{%d}\r\n%b" % (len(value), value)


def nstring(value: bytes | None) -> bytes:
    """The same for what may be missing."""
    return b"NIL" if value is None else string(value)
