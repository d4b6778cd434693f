"""How many connections a process holds, in all and from one address (SYS-17)."""

from __future__ import annotations

from collections import Counter
from typing import Final


class Limits:
    """Counts the open connections; used in the loop only."""

    def __init__(self, total: int, per_address: int) -> None:
        self._total: Final = total
        self._per_address: Final = per_address
        self._open: Counter[str] = Counter()
        self._count = 0

    def admit(self, address: str, *, exempt: bool) -> bool:
        """Count a new connection; False if it is one too many, and then it is not counted."""
        if self._count >= self._total or (not exempt and self._open[address] >= self._per_address):
            return False
        self._count += 1
        self._open[address] += 1
        return True

    def release(self, address: str) -> None:
        """An admitted connection is gone."""
        self._count -= 1
        self._open[address] -= 1
        if not self._open[address]:
            del self._open[address]

    def __len__(self) -> int:
        return self._count
