"""Ranges of results, from the front or from the end (RFC 9394 §3.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple, TypeVar

from servers.imap.errors import Bad
from servers.imap.reader import Reader

_RANGE: Final = re.compile(rb"(-?)(\d{1,10}):(-?)(\d{1,10})")
_T = TypeVar("_T")


class Range(NamedTuple):
    """From and to, both counted from 1; negative ones count from the end."""

    first: int
    last: int

    def of(self, found: Sequence[_T]) -> list[_T]:
        """The results of the range, in their order."""
        low, high = sorted((abs(self.first), abs(self.last)))
        if self.first > 0:
            return list(found[low - 1 : high])
        count = len(found)
        return list(found[max(count - high, 0) : max(count - low + 1, 0)])

    @property
    def label(self) -> str:
        """As it is told: 4:2 is the same as 2:4 (RFC 9394 §4)."""
        low, high = sorted((self.first, self.last)) if self.first > 0 else (self.first, self.last)
        return f"{low}:{high}"


def read_range(reader: Reader) -> Range:
    """Raises: Bad: it is none."""
    text = reader.match(_RANGE, "a range")
    found = _RANGE.match(text)
    assert found is not None
    if found[1] != found[3] or not int(found[2]) or not int(found[4]):
        raise Bad("both ends of a range are above zero, or both are below")
    sign = -1 if found[1] else 1
    return Range(sign * int(found[2]), sign * int(found[4]))
