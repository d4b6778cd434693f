"""Sets of numbers as spans, asked for each of many numbers (RFC 9051 §9, sequence-set)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Final


class Spans:
    """Numbers in any of some spans, ends included; a question takes no longer with more of them."""

    def __init__(self, spans: Iterable[tuple[int, int]]) -> None:
        self._first: Final[list[int]] = []
        self._last: Final[list[int]] = []
        for first, last in sorted(spans):
            if self._last and first <= self._last[-1]:
                self._last[-1] = max(self._last[-1], last)
            elif first <= last:
                self._first.append(first)
                self._last.append(last)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Ascending, none overlapping another."""
        return zip(self._first, self._last, strict=True)

    def __contains__(self, number: int) -> bool:
        place = bisect_right(self._first, number) - 1
        return place >= 0 and number <= self._last[place]
