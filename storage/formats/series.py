"""When a calendar object happens: every instance of a series in a range, without its iCalendar text.

A series is read once at write time and kept as a short text in the index row; questions about ranges are answered
from that text alone, by arithmetic (RFC 5545 §3.8.5, RFC 4791 §9.9).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from typing import Final, NamedTuple

from storage.errors import TooManyInstances
from storage.formats import timezones
from storage.formats.contentline import Component
from storage.formats.datetimes import DAY, instant, read_duration, read_moment, wall_at, write_wall
from storage.formats.recurrence import Rule
from storage.formats.series_parts import (
    ALL_DAY,
    AND_FUTURE,
    FLOATING,
    FOREVER,
    TRANSPARENT,
    Form,
    Part,
    Recurrence,
    extent,
    hits,
    ranged,
    ruling_of,
)
from storage.formats.series_reader import Reader

__all__ = ["FOREVER", "Effort", "Instance", "Series", "alarm_overlaps"]

MAX_PERIODS: Final = 20_000
"""Instances that a free-busy answer looks at in one series."""
MAX_EFFORT: Final = 500_000
_WALK: Final = 20_000
"""What a walk along one rule costs, in instances, whatever it finds."""
_SLACK: Final = DAY
"""No wall is farther from UTC than this (seconds)."""
_FINE: Final = ("FREQ=SECONDLY", "FREQ=MINUTELY", "FREQ=HOURLY")
_MAX_EXCLUDED: Final = 5_000
"""Instances taken away one after the other, after which a series counts as ended."""


class Instance(NamedTuple):
    """One instance of a series; times in UTC seconds."""

    recurrence_id: str
    """As RECURRENCE-ID spells it: UTC for zoned series, a DATE for all-day ones, local for floating ones;
    "" if the object does not recur."""
    start: int
    end: int
    override_index: int
    """Which of the object's components (time zones not counted) replaces the master here; -1: none."""
    all_day: bool
    transparent: bool
    status: str


@dataclass(slots=True)
class Series:
    """Master and overrides of one UID, reduced to their times."""

    span: tuple[int, int]
    """[start, end) in UTC seconds of all instances; end is FOREVER if there is no last one."""
    component: str
    zones: list[str]
    master: Part | None
    others: list[Part]
    """Overrides, and what stands beside the master."""
    recurrence: Recurrence | None
    _places: dict[int, Part] | None = field(default=None, init=False, compare=False, repr=False)

    @classmethod
    def of(cls, calendar: Component) -> Series:
        """Read the times of a VCALENDAR whose components share one UID.

        Raises:
            BadFormat: a date, duration or rule cannot be understood, or a VEVENT has no DTSTART.
            TooManyInstances: a COUNT too large to be counted.
        """
        found = Reader(calendar)
        return cls(found.span(), found.component, found.zones, found.master, found.others, found.recurrence)

    def dumps(self) -> str:
        """A short text that `loads` understands."""
        fields = [*self.span, self.component, self.zones, self.master, self.others, self.recurrence]
        return json.dumps(fields, separators=(",", ":"))

    @classmethod
    def loads(cls, text: str) -> Series:
        """Undo `dumps`."""
        begin, end, component, zones, master, others, recurrence = json.loads(text)
        return cls(
            (begin, end),
            component,
            zones,
            Part(*master) if master is not None else None,
            [Part(*other) for other in others] if others else [],
            Recurrence.loaded(*recurrence) if recurrence is not None else None,
        )

    @property
    def recurring(self) -> bool:
        """Whether it can have more than one instance, or is one of a series."""
        return self.recurrence is not None or any(part.key is not None for part in self.others)

    def overlaps(self, start: int, end: int, floating: tzinfo = UTC) -> bool:
        """Whether any instance overlaps [start, end) in UTC seconds (RFC 4791 §9.9).

        `floating` is the zone in which floating and all-day times are read.
        """
        return any(hits(part.form, s, e, start, end) for part, _, s, e in self._candidates(start, end, floating))

    def instances(self, start: int, end: int, floating: tzinfo = UTC, limit: int = 10_000) -> list[Instance]:
        """Every instance that overlaps [start, end), by start.

        Raises:
            TooManyInstances: there are more than `limit`.
        """
        found: list[Instance] = []
        seen: set[int] = set()
        for part, key, s, e in self._candidates(start, end, floating):
            if not hits(part.form, s, e, start, end):
                continue
            if key is not None:
                if key in seen:
                    continue
                seen.add(key)
            if len(found) >= limit:
                raise TooManyInstances(limit)
            found.append(
                Instance(
                    self._spell(key),
                    s,
                    max(s, e),
                    -1 if self.master is not None and part.index == self.master.index else part.index,
                    bool(part.flags & ALL_DAY),
                    bool(part.flags & TRANSPARENT),
                    part.status,
                )
            )
        found.sort(key=lambda instance: (instance.start, instance.end, instance.recurrence_id))
        return found

    def periods(self, start: int, end: int, floating: tzinfo = UTC) -> list[tuple[int, int, str]]:
        """What makes [start, end) busy: (start, end, FBTYPE), cut to the range, by start (RFC 4791 §7.10).

        Raises:
            TooManyInstances: more than `MAX_PERIODS` instances lie in the range.
        """
        found: list[tuple[int, int, str]] = []
        if self.component == "VFREEBUSY":
            for part in self.others:
                if part.form != Form.FREE_BUSY and part.status != "FREE":
                    s, e = extent(part, part.wall, UTC)
                    found.append((max(s, start), min(e, end), part.status))
        elif self.component == "VEVENT":
            told = replace(self, recurrence=None) if self._says_nothing() else self
            for number, (part, _, s, e) in enumerate(told._candidates(start, end, floating)):
                if number > MAX_PERIODS:
                    raise TooManyInstances(MAX_PERIODS)
                if part.flags & TRANSPARENT or part.status == "CANCELLED":
                    continue
                kind = "BUSY-TENTATIVE" if part.status == "TENTATIVE" else "BUSY"
                found.append((max(s, start), min(e, end), kind))
        return sorted({period for period in found if period[0] < period[1]})

    def _says_nothing(self) -> bool:
        """Whether the series itself takes no time, so that only its overrides can."""
        master = self.master
        if master is None or any(part.flags & AND_FUTURE for part in self.others):
            return False
        return bool(master.flags & TRANSPARENT) or master.status == "CANCELLED"

    def _candidates(self, start: int, end: int, floating: tzinfo) -> Iterator[tuple[Part, int | None, int, int]]:
        """Every instance that may overlap, and few others: its part, its key, start and end."""
        for part in self.others:
            yield part, part.key, *extent(part, part.wall, self._zone(part.zone, floating))
        master = self.master
        if master is None:
            return
        zone = self._zone(master.zone, floating)
        if self.recurrence is None:
            if not self.others or self._key(master.wall, zone, master.zone) not in self._replaced():
                yield master, None, *extent(master, master.wall, zone)
            return
        yield from self._recurring(master, self.recurrence, zone, start, end, floating)

    def _recurring(
        self, master: Part, recurrence: Recurrence, zone: tzinfo, start: int, end: int, floating: tzinfo
    ) -> Iterator[tuple[Part, int | None, int, int]]:
        gone = {*recurrence.exception_keys, *self._replaced()}
        days = set(recurrence.exception_days)
        modes: list[Part] = []
        lag, reach = 0, master.days * DAY + master.seconds
        if self.others:
            modes = ranged(self.others)
            for mode in modes:
                lag = max(lag, -mode.shift)
                reach = max(reach, mode.days * DAY + mode.seconds + mode.shift)
        low, high = start - reach - _SLACK, end + lag + _SLACK
        if any(text.startswith(_FINE) for text, _ in recurrence.rules):
            # A day of slack is many instances here: go by the zone's offset, which leaps by an hour or so.
            slack = 0 if zone is UTC else 3 * 3600
            low, high = wall_at(start - reach, zone) - slack, wall_at(end + lag, zone) + slack
        excluded = 0
        for wall in self._walls(master, recurrence, low, high):
            key = self._key(wall, zone, master.zone)
            if (
                key in gone
                or (days and wall // DAY in days)
                or (recurrence.exception_rules and _excluded(recurrence, master.wall, wall))
            ):
                excluded += 1
                if excluded > _MAX_EXCLUDED:
                    break
                continue
            excluded = 0
            if modes and (ruling := ruling_of(modes, key)) is not None:
                yield ruling, key, *extent(ruling, wall + ruling.shift, self._zone(ruling.zone, floating))
            else:
                yield master, key, *extent(master, wall, zone)
        for wall, where, nominal, seconds in recurrence.dates:
            there = self._zone(where, floating)
            key = self._key(wall, there, where)
            home = wall if master.zone == FLOATING else wall_at(key, zone)
            if key in gone or (days and home // DAY in days):
                continue
            if modes and (ruling := ruling_of(modes, key)) is not None:
                yield ruling, key, *extent(ruling, home + ruling.shift, self._zone(ruling.zone, floating))
            else:
                yield (part := master._replace(days=nominal, seconds=seconds)), key, *extent(part, wall, there)

    def of_component(self, index: int) -> Series:
        """What says when the instances of one component take place: of most overrides they alone."""
        if self._places is None:
            self._places = {part.index: part for part in self.others if not part.flags & AND_FUTURE}
        alone = self._places.get(index)
        return self if alone is None else replace(self, master=None, others=[alone], recurrence=None)

    def key_of(self, date: tuple[int, int, int, int]) -> int:
        """Which instance an RDATE makes, as overrides name it; of floating ones as if they were UTC."""
        wall, where, _, _ = date
        return self._key(wall, self._zone(where, UTC), where)

    @staticmethod
    def _walls(master: Part, recurrence: Recurrence, low: int, high: int) -> Iterator[int]:
        """Walls of DTSTART and of the rules' instances in [low, high); some may come twice."""
        first = master.wall
        if low <= first < high:
            yield first
        for text, last in recurrence.rules:
            before = high if last is None else min(high, last + 1)
            yield from Rule.parse(text).walls(first, max(low, first + 1), before)

    def _replaced(self) -> set[int]:
        return {part.key for part in self.others if part.key is not None}

    def _zone(self, index: int, floating: tzinfo) -> tzinfo:
        return floating if index == FLOATING else timezones.loads(self.zones[index]) or floating

    @staticmethod
    def _key(wall: int, zone: tzinfo, index: int) -> int:
        return wall if index == FLOATING else instant(wall, zone)

    def _spell(self, key: int | None) -> str:
        if key is None:
            return ""
        guide = self.master or next(part for part in self.others if part.key == key)
        return write_wall(key, is_date=bool(guide.flags & ALL_DAY), utc=guide.zone != FLOATING)


class Effort:
    """How many instances may be looked at for all alarms and times of one object together."""

    def __init__(self, most: int = MAX_EFFORT) -> None:
        self._most: Final = most
        self._left = most

    def spend(self, instances: int = 1) -> None:
        """Look at some more.

        Raises:
            TooManyInstances: there were enough.
        """
        self._left -= instances
        if self._left < 0:
            raise TooManyInstances(self._most)


def alarm_overlaps(
    series: Series,
    index: int,
    alarm: Component,
    start: int,
    end: int,
    floating: tzinfo = UTC,
    effort: Effort | None = None,
) -> bool:
    """Whether a VALARM goes off in [start, end), repetitions included (RFC 4791 §9.9, RFC 5545 §3.8.6.3).

    `index` says which of the object's components (time zones not counted) holds it; all instances that this
    component describes are asked.

    Raises:
        BadFormat: its TRIGGER, DURATION or REPEAT cannot be understood.
        TooManyInstances: the `effort` would be too great.
    """
    trigger = alarm.get("TRIGGER")
    if trigger is None:
        return False
    effort = effort or Effort()
    times, pause = _repetition(alarm)
    text = trigger.value.strip()
    if text[:1].isdigit():
        return _goes_off(read_moment(text, trigger.line).wall, times, pause, start, end)
    delta = read_duration(text, trigger.line).total
    at_end = (trigger.param("RELATED") or "").upper() == "END"
    low, high = start - delta - times * pause - 1, end - delta + 1
    asked = series.of_component(index)
    if asked.recurrence is not None:
        # A rule that never comes true is walked all the same, for each alarm.
        effort.spend(_WALK * len(asked.recurrence.rules))
    for part, _, s, e in asked._candidates(low, high, floating):
        effort.spend()
        if (
            part.index == index
            and part.form <= Form.DUE_ONLY
            and _goes_off((e if at_end else s) + delta, times, pause, start, end)
        ):
            return True
    return False


def _repetition(alarm: Component) -> tuple[int, int]:
    """How often it repeats and after how many seconds; (0, 0) if not."""
    count, pause = alarm.value("REPEAT").strip(), alarm.get("DURATION")
    if pause is None or not count.isascii() or not count.isdigit() or len(count) > 6:
        return 0, 0
    seconds = read_duration(pause.value, pause.line).total
    return (int(count), seconds) if seconds > 0 else (0, 0)


def _goes_off(at: int, times: int, pause: int, start: int, end: int) -> bool:
    if times and at < start:
        at += min(times, -((at - start) // pause)) * pause
    return start <= at < end


def _excluded(recurrence: Recurrence, first: int, wall: int) -> bool:
    """Whether an EXRULE (RFC 2445 §4.8.5.2) takes this instance away."""
    for text, last in recurrence.exception_rules:
        if last is not None and wall > last:
            continue
        if wall == first or any(True for _ in Rule.parse(text).walls(first, wall, wall + 1)):
            return True
    return False
