"""Collations: how text is folded before it is compared (RFC 4790; RFC 4791 §7.5, RFC 6352 §8.3).

Every comparison folds both sides and then compares code points, which is i;octet over the folded text.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

ASCII_CASEMAP: Final = "i;ascii-casemap"
OCTET: Final = "i;octet"
UNICODE_CASEMAP: Final = "i;unicode-casemap"
IDENTIFIERS: Final = (ASCII_CASEMAP, OCTET, UNICODE_CASEMAP)
"""The collations we announce (CALDAV:supported-collation-set, CARDDAV:supported-collation-set)."""
_ASCII_UPPER: Final = {lower: lower - 32 for lower in range(ord("a"), ord("z") + 1)}


def named(identifier: str, default: str) -> str | None:
    """The collation that a client means by `identifier`; `default` for "" and "default" (RFC 4790 §3.1).

    None if we do not have it, wildcards included (RFC 4791 §7.5 forbids them): a precondition failure.
    """
    if identifier in ("", "default"):
        return default
    return identifier if identifier in IDENTIFIERS else None


def fold(collation: str, text: str) -> str:
    """Bring `text` into the form in which texts that are equal by `collation` have equal code points.

    Raises:
        ValueError: `collation` is none of `IDENTIFIERS`.
    """
    if collation == OCTET:
        return text
    if collation not in IDENTIFIERS:
        raise ValueError(collation)
    if text.isascii():
        return text.upper()
    if collation == ASCII_CASEMAP:  # RFC 4790 §9.2: a to z only
        return text.translate(_ASCII_UPPER)
    # RFC 5051 §2: the simple titlecase of each character, then its full compatibility decomposition.
    return unicodedata.normalize("NFKD", "".join(map(_title, text)))


def contains(collation: str, text: str, wanted: str) -> bool:
    """Whether `wanted` occurs somewhere in `text` (RFC 4790 §4.2.3)."""
    return _folded(collation, wanted) in fold(collation, text)


@lru_cache(maxsize=4096)
def _title(character: str) -> str:
    """The simple titlecase mapping: never more than one character (`ß` stays)."""
    title = character.title()
    return title if len(title) == 1 else character


_folded = lru_cache(maxsize=256)(fold)
"""What a filter asks for is folded once and compared with many texts."""
