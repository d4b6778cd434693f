"""Texts as they are compared: IMAP's substring meaning without case (in the spirit of RFC 5051)."""

from __future__ import annotations

import unicodedata


def fold(text: str) -> str:
    """Compatibility form without case and without NUL; a substring of folded texts is found as people expect."""
    if text.isascii():
        return text.lower().replace("\0", " ")
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).replace("\0", " ")
