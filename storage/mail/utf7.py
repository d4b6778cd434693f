"""Modified UTF-7: how IMAP4rev1 writes names of mailboxes (RFC 3501 §5.1.3)."""

from __future__ import annotations

import binascii
import re
from typing import Final

_SHIFTED: Final = re.compile(rb"&([A-Za-z0-9+,]*)-")
_PLAIN: Final = re.compile(r"[\x20-\x25\x27-\x7e]+|&|[^\x20-\x7e]+")


def encode(name: str) -> bytes:
    """A name in ASCII."""

    def one(match: re.Match[str]) -> str:
        text = match[0]
        if text == "&":
            return "&-"
        if text.isascii() and text.isprintable():
            return text
        base = binascii.b2a_base64(text.encode("utf-16-be", "surrogatepass"), newline=False).rstrip(b"=")
        return f"&{base.decode().replace('/', ',')}-"

    return _PLAIN.sub(one, name).encode("ascii")


def decode(name: bytes) -> str:
    """The name; octets that are no modified UTF-7 are read as UTF-8, which many servers send."""

    def one(match: re.Match[bytes]) -> bytes:
        if not match[1]:
            return b"&"
        padded = match[1].replace(b",", b"/") + b"=" * (-len(match[1]) % 4)
        return binascii.a2b_base64(padded).decode("utf-16-be").encode()

    try:
        return _SHIFTED.sub(one, name).decode()
    except (UnicodeError, binascii.Error, ValueError):
        return name.decode("utf-8", "replace")
