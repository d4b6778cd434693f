"""Flags and keywords: their canonical text, and one change of them (RFC 9051 §2.3.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, Literal

from storage.errors import LimitReached, Refused

SEEN: Final = "\\Seen"
ANSWERED: Final = "\\Answered"
FLAGGED: Final = "\\Flagged"
DELETED: Final = "\\Deleted"
DRAFT: Final = "\\Draft"
FLAGS: Final = (ANSWERED, FLAGGED, DELETED, SEEN, DRAFT)
KEYWORDS_MAX: Final = 64
"""Keywords of one message."""
_FEW: Final = 8
"""What is made of so many flags is remembered."""

Change = Literal["replace", "add", "remove"]

_SYSTEM: Final = {flag.lower(): flag for flag in FLAGS}
# RFC 9051 §2.3.2 and the registry: the same keyword in every client's spelling.
_KNOWN: Final = {
    keyword.lower(): keyword
    for keyword in ("$Forwarded", "$MDNSent", "$Junk", "$NotJunk", "$Phishing", "$Important", "Junk", "NonJunk")
}
_KEYWORD: Final = re.compile(r'[^\x00-\x20\x7f-\U0010ffff(){%*"\\\]]{1,250}\Z')


class BadFlag(Refused):
    """Not a flag that can be stored: no atom, too long, or an unknown one with a backslash."""


def canonical(flags: Iterable[str]) -> str:
    """One text for a set of flags: system flags in the order of `FLAGS`, then keywords by name.

    `\\Recent` is left out: no client may set it (RFC 3501 §2.3.2).

    Raises:
        BadFlag: one is none.
        LimitReached: too many keywords.
    """
    given = tuple(flags)
    return _remembered(given) if len(given) <= _FEW else _canonical(given)


def _canonical(flags: tuple[str, ...]) -> str:
    found: dict[str, str] = {}
    for flag in flags:
        folded = flag.lower()
        if folded == "\\recent":
            continue
        if folded not in _SYSTEM and not _KEYWORD.match(flag):
            raise BadFlag(f"{flag[:40]!r} is no flag that can be stored")
        found.setdefault(folded, _SYSTEM.get(folded) or _KNOWN.get(folded) or flag)
    system = [flag for folded, flag in _SYSTEM.items() if found.pop(folded, None)]
    if len(found) > KEYWORDS_MAX:
        raise LimitReached("keywords", KEYWORDS_MAX)
    return " ".join([*system, *(found[folded] for folded in sorted(found))])


_remembered = lru_cache(1024)(_canonical)


@lru_cache(4096)
def changed(flags: str, change: Change, given: str) -> str:
    """The canonical text after a change by another canonical text."""
    if change == "replace":
        return given
    present = flags.split()
    if change == "add":
        return canonical([*present, *given.split()])
    gone = {flag.lower() for flag in given.split()}
    return " ".join(flag for flag in present if flag.lower() not in gone)


@lru_cache(4096)
def has(flags: str, flag: str) -> bool:
    """Whether a canonical text has a flag, in any case."""
    return flag.lower() in flags.lower().split()
