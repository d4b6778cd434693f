"""Texts as they are compared: IMAP's substring meaning without case (in the spirit of RFC 5051)."""

from __future__ import annotations

import unicodedata
from typing import Final

_LINE_CHARACTERS: Final = 25
"""Shorter lines, on the average, are not worth being looked at one by one."""


def fold(text: str) -> str:
    """Compatibility form without case and without NUL; a substring of folded texts is found as people expect."""
    if text.isascii():
        return text.lower().replace("\0", " ")
    if text.count("\n") * _LINE_CHARACTERS > len(text):
        return _folded(text).replace("\0", " ")
    # No form joins characters over the end of a line, and most lines are ASCII in most languages.
    lines = [line.lower() if line.isascii() else _folded(line) for line in text.split("\n")]
    return "\n".join(lines).replace("\0", " ")


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
