"""Collations: how text is folded before it is compared (RFC 4790; RFC 4791 §7.5, RFC 6352 §8.3).

Every comparison folds both sides and then compares code points, which is i;octet over the folded text.
"""

from __future__ import annotations

import unicodedata
from enum import Enum
from functools import lru_cache
from typing import Final


class Collation(Enum):
    """The collations we announce; the value is the registered identifier."""

    ASCII_CASEMAP = "i;ascii-casemap"
    OCTET = "i;octet"
    UNICODE_CASEMAP = "i;unicode-casemap"


class Match(Enum):
    """Where the text must stand; the value is RFC 6352 §10.5.4's `match-type`."""

    EQUALS = "equals"
    CONTAINS = "contains"
    STARTS_WITH = "starts-with"
    ENDS_WITH = "ends-with"


IDENTIFIERS: Final = tuple(collation.value for collation in Collation)
_ASCII_UPPER: Final = {lower: lower - 32 for lower in range(ord("a"), ord("z") + 1)}


def named(identifier: str, default: Collation) -> Collation | None:
    """The collation of that identifier, `default` for "" and "default" (RFC 4790 §3.1).

    None if we do not have it, wildcards included (RFC 4791 §7.5 forbids them): a precondition failure.
    """
    if identifier in ("", "default"):
        return default
    try:
        return Collation(identifier)
    except ValueError:
        return None


def fold(text: str, collation: Collation) -> str:
    """Bring `text` into the form in which equal texts have equal code points."""
    if collation is Collation.OCTET:
        return text
    if text.isascii():
        return text.upper()
    if collation is Collation.ASCII_CASEMAP:  # RFC 4790 §9.2: a to z only
        return text.translate(_ASCII_UPPER)
    # RFC 5051 §2: simple titlecase of each character, then its full compatibility decomposition.
    return unicodedata.normalize("NFKD", "".join(map(_title, text)))


def matches(text: str, wanted: str, collation: Collation, match: Match = Match.CONTAINS) -> bool:
    """Whether `wanted` occurs in `text` at the place that `match` says (RFC 4790 §4.2)."""
    folded, needle = fold(text, collation), _folded(wanted, collation)
    if match is Match.CONTAINS:
        return needle in folded
    if match is Match.EQUALS:
        return needle == folded
    if match is Match.STARTS_WITH:
        return folded.startswith(needle)
    return folded.endswith(needle)


@lru_cache(maxsize=4096)
def _title(character: str) -> str:
    """The simple titlecase mapping: never more than one character (`ß` stays)."""
    title = character.title()
    return title if len(title) == 1 else character


_folded = lru_cache(maxsize=256)(fold)
"""What a filter asks for is folded once and compared with many texts."""
