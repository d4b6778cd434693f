"""One time in a series, and the tables that say when it overlaps a range (RFC 4791 §9.9)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import tzinfo
from enum import IntEnum
from typing import Any, Final, NamedTuple

from storage.formats.datetimes import DAY, instant

FOREVER: Final = 2**62
"""UTC seconds of an end that never comes; its negative is a beginning that never was."""
FLOATING: Final = -1
"""In place of a zone's index: the time floats, the reader's zone decides."""
ALL_DAY: Final = 1
TRANSPARENT: Final = 2
AND_FUTURE: Final = 4


class Form(IntEnum):
    """Which row of RFC 4791 §9.9 judges it; s and e are its start and end."""

    SPAN = 0
    """VEVENT, VJOURNAL, a VTODO with DTSTART only: [s, e), or the point s."""
    TODO_DURATION = 1
    TODO_DUE = 2
    DUE_ONLY = 3
    CREATED_COMPLETED = 4
    COMPLETED = 5
    CREATED = 6
    ALWAYS = 7
    NEVER = 8
    FREE_BUSY = 9


class Part(NamedTuple):
    """The time of one component: the master's, an override's, or one that stands alone."""

    form: int
    wall: int
    zone: int
    """Index into the series' zones, or FLOATING."""
    days: int
    """Nominal part of its length."""
    seconds: int
    """Exact part of its length."""
    flags: int
    status: str
    """STATUS; of a VFREEBUSY's period its FBTYPE."""
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks a Part for
    """Which of the object's components it is, time zones not counted."""
    key: int | None = None
    """Which instance it replaces: UTC seconds, or the wall if the series floats."""
    shift: int = 0
    """How far it moves the instance it replaces, on the wall."""


class Recurrence(NamedTuple):
    """What makes instances of the master and what takes them away."""

    rules: list[tuple[str, int | None]]
    """Rule without COUNT and UNTIL; wall of its last instance."""
    exception_rules: list[tuple[str, int | None]]
    dates: list[tuple[int, int, int, int]]
    """RDATEs: wall, zone, days, seconds."""
    exception_keys: list[int]
    exception_days: list[int]
    """Days on the master's wall (since 1970) of which no instance counts."""

    @classmethod
    def loaded(
        cls,
        rules: list[list[Any]],
        exception_rules: list[list[Any]],
        dates: list[list[int]],
        exception_keys: list[int],
        exception_days: list[int],
    ) -> Recurrence:
        """From JSON, which knows no tuples."""
        return cls(
            [(text, last) for text, last in rules],
            [(text, last) for text, last in exception_rules],
            [(wall, zone, days, seconds) for wall, zone, days, seconds in dates],
            exception_keys,
            exception_days,
        )


def ranged(parts: Iterable[Part]) -> list[Part]:
    """The THISANDFUTURE overrides among some parts, by the instance from which they rule (RFC 5545 §3.2.13)."""
    return sorted((part for part in parts if part.flags & AND_FUTURE), key=_from)


def ruling_of(modes: Sequence[Part], key: int) -> Part | None:
    """Which of `ranged` an instance falls under: the last one rules."""
    number = bisect_right(modes, key, key=_from)
    return modes[number - 1] if number else None


def _from(part: Part) -> int:
    return part.key or 0


def hits(form: int, s: int, e: int, start: int, end: int) -> bool:
    """Whether a time overlaps the range [start, end), row by row as RFC 4791 §9.9 has it."""
    if form == Form.SPAN:
        return start < e and end > s if e > s else start <= s < end
    if form == Form.TODO_DURATION:
        return start <= e and (end > s or end >= e)
    if form == Form.TODO_DUE:
        return (start < e or start <= s) and (end > s or end >= e)
    if form == Form.DUE_ONLY:
        return start < e <= end
    if form == Form.CREATED_COMPLETED:
        return (start <= s or start <= e) and (end >= s or end >= e)
    if form == Form.COMPLETED:
        return start <= s <= end
    if form == Form.CREATED:
        return end > s
    if form == Form.FREE_BUSY:
        return start <= e and end > s
    return form == Form.ALWAYS


def extent(part: Part, wall: int, zone: tzinfo) -> tuple[int, int]:
    """Start and end, in UTC seconds, of `part` beginning at `wall` in `zone`.

    Days of its length are days on the wall, the rest is exact time (RFC 5545 §3.3.6, §3.8.5.3).
    """
    s = instant(wall, zone)
    if part.days:
        return s, instant(wall + part.days * DAY, zone) + part.seconds
    return s, s + part.seconds
