"""The patterns of LIST and LSUB: `*` is anything, `%` anything without the separator (RFC 9051 §6.3.9).

All places in the pattern that a part of the name leads to are one number, a bit for each: a name takes as many steps as
it has characters, whatever wildcards the pattern has.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from storage.mail.types import INBOX, SEPARATOR

_RUN: Final = re.compile(r"[*%]{2,}")


class _Compiled(NamedTuple):
    """Bits of places in a pattern."""

    signs: dict[str, int]
    """Where each character stands."""
    anything: int
    """Where `*` stands."""
    wild: int
    """Where `*` or `%` stands; no two of them are neighbours."""
    end: int


def matches(pattern: str, name: str) -> bool:
    """Whether a name fits a pattern; INBOX does in any case (RFC 9051 §5.1)."""
    signs, anything, wild, end = _compiled(pattern.upper() if name == INBOX else pattern)
    at = 1 | (wild & 1) << 1  # a wildcard may also be nothing: who stands before it, stands behind it
    for sign in name:
        at = at & (anything if sign == SEPARATOR else wild) | (at & signs.get(sign, 0)) << 1
        at |= (at & wild) << 1
        if not at:
            return False
    return bool(at & end)


@lru_cache(256)
def _compiled(pattern: str) -> _Compiled:
    # Wildcards that follow one another are one: the wider of them.
    short = _RUN.sub(lambda run: "*" if "*" in run[0] else "%", pattern)
    signs: dict[str, int] = {}
    for place, sign in enumerate(short):
        signs[sign] = signs.get(sign, 0) | 1 << place
    anything = signs.pop("*", 0)
    return _Compiled(signs, anything, anything | signs.pop("%", 0), 1 << len(short))
