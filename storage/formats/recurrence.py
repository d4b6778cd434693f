"""Recurrence rules answered by arithmetic: jump to the window, never unroll (RFC 5545 §3.3.10).

A rule cuts time into periods (years, months, weeks, days, hours, minutes or seconds), takes every
`interval`-th and picks instances inside each. So the first period that can touch a window is found by one
division. Rules that never match end because the calendar repeats itself after 400 years.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from enum import IntEnum
from functools import lru_cache
from itertools import islice
from typing import Final

from storage.errors import BadFormat, TooManyInstances
from storage.formats.datetimes import (
    DAY,
    EPOCH_DAY,
    MAX_WALL,
    MIN_WALL,
    Moment,
    datetime_of,
    instant,
    read_moment,
    wall_at,
    wall_of,
)
from storage.formats.gregorian import (
    BEFORE_MONTH,
    Days,
    first_week,
    is_leap,
    month_days,
    month_index,
    new_year,
    weekday_of,
    weekdays_in,
)


class Freq(IntEnum):
    """The period, finest first."""

    SECONDLY = 0
    MINUTELY = 1
    HOURLY = 2
    DAILY = 3
    WEEKLY = 4
    MONTHLY = 5
    YEARLY = 6


MAX_COUNTED: Final = 20_000
"""Instances walked to find where COUNT ends, for rules that no formula answers."""
MAX_TIMES_A_DAY: Final = 1_440
"""Times that BYHOUR, BYMINUTE and BYSECOND may make of one day together."""

# The Gregorian calendar repeats after 400 years = 146,097 days = 20,871 weeks = 4,800 months. Stepping by
# any interval visits no more residues than that, so a longer run of empty periods never ends.
_CYCLE: Final = {Freq.YEARLY: 400, Freq.MONTHLY: 4_800, Freq.WEEKLY: 20_871, Freq.DAILY: 146_097}
_FINE_BUDGET: Final = 150_000
_STEPS: Final = 64
"""Days or weeks without an instance after which the next one is looked for by the year."""
_UNIT: Final = {Freq.SECONDLY: 1, Freq.MINUTELY: 60, Freq.HOURLY: 3_600}
_ABOUT: Final = {
    Freq.SECONDLY: 1,
    Freq.MINUTELY: 60,
    Freq.HOURLY: 3_600,
    Freq.DAILY: DAY,
    Freq.WEEKLY: 7 * DAY,
    Freq.MONTHLY: 31 * DAY,
    Freq.YEARLY: 366 * DAY,
}
_WEEKDAYS: Final = {"MO": 0, "TU": 1, "WE": 2, "TH": 3, "FR": 4, "SA": 5, "SU": 6}


@dataclass(frozen=True, slots=True)
class Rule:
    """One RRULE; lists are sorted and without repeats, empty where the rule has no such part."""

    freq: Freq
    interval: int = 1
    count: int | None = None
    until: Moment | None = None
    by_month: tuple[int, ...] = ()
    by_week_no: tuple[int, ...] = ()
    by_year_day: tuple[int, ...] = ()
    by_month_day: tuple[int, ...] = ()
    by_day: tuple[tuple[int, int], ...] = ()
    """Weekday (Monday is 0) and which one in the month or year; 0 for every."""
    by_hour: tuple[int, ...] = ()
    by_minute: tuple[int, ...] = ()
    by_second: tuple[int, ...] = ()
    by_set_pos: tuple[int, ...] = ()
    week_start: int = 0

    @classmethod
    def parse(cls, text: str, line: int = 0) -> Rule:
        """Read a RECUR value.

        Takes what old writers made where it is clear: lower case, empty parts, BYxxx in a FREQ that RFC 5545
        does not allow it in (it limits), COUNT beside UNTIL (the earlier ends it).

        Raises:
            BadFormat: no FREQ, an unknown part, a number out of its range, or a calendar scale that is not
                ours; carries `line`.
        """
        try:
            return _parsed(text)
        except BadFormat as error:
            raise BadFormat(error.reason, line) from None

    def starts(self, dtstart: datetime | date, after: datetime, before: datetime) -> Iterator[datetime | date]:
        """Every start s with after <= s < before, in order; DTSTART is always the first one (§3.8.5.3).

        They have DTSTART's type and zone. If it has a zone, naive bounds are walls of that zone.
        """
        zone = dtstart.tzinfo if isinstance(dtstart, datetime) else None
        is_date = not isinstance(dtstart, datetime)
        start = wall_of(dtstart)
        low, high = _bound(after, zone), _bound(before, zone)
        last = self.last_wall(start, zone, is_date=is_date)
        if last is not None:
            high = min(high, last + 1)
        if low <= start < high:
            yield dtstart
        for wall in self.walls(start, max(low, start + 1), high):
            moment = datetime_of(wall)
            yield moment.date() if is_date else moment.replace(tzinfo=zone)

    def last(self, dtstart: datetime | date) -> datetime | date | None:
        """The last start, of DTSTART's type and zone; None if the rule goes on past the year 9999."""
        zone = dtstart.tzinfo if isinstance(dtstart, datetime) else None
        is_date = not isinstance(dtstart, datetime)
        wall = self.last_wall(wall_of(dtstart), zone, is_date=is_date)
        if wall is None:
            return None
        moment = datetime_of(wall)
        return moment.date() if is_date else moment.replace(tzinfo=zone)

    def last_wall(self, start: int, zone: tzinfo | None, *, is_date: bool) -> int | None:
        """Wall of the last instance of a series that begins at wall `start` in `zone` (None: floating).

        Raises:
            TooManyInstances: COUNT is larger than `MAX_COUNTED` and only counting would tell.
        """
        ends: list[int] = []
        if self.count is not None:
            end = self._counted(start, self.count)
            if end is not None:
                ends.append(end)
        if self.until is not None:
            ends.append(self._last_until(start, self.until, zone, is_date=is_date))
        return min(ends) if ends else None

    def walls(self, start: int, after: int, before: int) -> Iterator[int]:
        """Walls w of the bare rule, without COUNT and UNTIL: max(start, after) <= w < before, in order."""
        low = max(start, after, MIN_WALL)
        before = min(before, MAX_WALL + 1)
        if low >= before:
            return
        if self.freq < Freq.DAILY:
            yield from self._fine(start, low, before)
            return
        first_day, clock = divmod(start, DAY)
        times = self._times(clock)
        positions = self.by_set_pos
        empty = 0
        for days in self._day_sets(first_day, low // DAY, (before - 1) // DAY):
            if positions:
                size, width = len(days) * len(times), len(times)
                chosen = {p - 1 if p > 0 else size + p for p in positions}
                walls = [days[i // width] * DAY + times[i % width] for i in sorted(chosen) if 0 <= i < size]
                empty = 0 if walls else empty + 1
                if empty > _CYCLE[self.freq]:
                    return
            elif len(times) == 1:
                clock = times[0]
                walls = [day * DAY + clock for day in days]
            else:
                walls = [day * DAY + clock for day in days for clock in times]
            for wall in walls:
                if wall >= before:
                    return
                if wall >= low:
                    yield wall

    def _times(self, clock: int) -> list[int]:
        """Seconds of the day at which instances begin; what the rule leaves open comes from DTSTART."""
        return [
            hour * 3600 + minute * 60 + second
            for hour in self.by_hour or (clock // 3600,)
            for minute in self.by_minute or (clock // 60 % 60,)
            for second in self.by_second or (clock % 60,)
        ]

    def _day_sets(self, first_day: int, low_day: int, high_day: int) -> Iterator[list[int]]:
        """The days (since 1970-01-01, ascending) of each period from the one that holds `low_day`."""
        interval = self.interval
        first = date.fromordinal(first_day + EPOCH_DAY)
        low = date.fromordinal(max(low_day, first_day) + EPOCH_DAY)
        pick: Callable[[int], list[int]]
        ahead: Days | None = None
        """Where the next days lie, if only few days have them: each week or day on the way would be looked at."""
        span = 0
        if self.freq is Freq.YEARLY:
            pick, origin, target, stop = self._year_picker(first), first.year, low.year, 10_000
        elif self.freq is Freq.MONTHLY:
            pick, origin, target = self._month_picker(first), month_index(first), month_index(low)
            stop = 10_000 * 12
        elif self.freq is Freq.WEEKLY:
            # Weeks are counted by their first day; the one that holds DTSTART is the first (WKST matters).
            origin = first_day - (weekday_of(first_day) - self.week_start) % 7
            pick, target, stop = self._week_picker(first_day), low_day - 6, high_day + 1
            interval, span = interval * 7, 6
            ahead = Days(lambda day: day in pick(day - (weekday_of(day) - self.week_start) % 7))
        else:
            ok = self._day_filter()
            ahead = Days(ok) if ok is not None else None
            pick = (lambda day: [day]) if ok is None else (lambda day: [day] if ok(day) else [])
            origin, target, stop = first_day, low_day, high_day + 1
        if self.freq is Freq.YEARLY:
            stop = min(stop, date.fromordinal(high_day + EPOCH_DAY).year + 1)
        elif self.freq is Freq.MONTHLY:
            stop = min(stop, month_index(date.fromordinal(high_day + EPOCH_DAY)) + 1)
        period = origin + max(0, -((origin - target) // interval)) * interval
        empty, patience, rare = 0, _CYCLE[self.freq], False
        while period < stop:
            days = pick(period)
            if days:
                empty = 0
                yield days
            else:
                empty += 1
                if empty > patience:
                    return
                rare = rare or empty > _STEPS
                if rare and ahead is not None:
                    day = ahead.first(period + interval)
                    if day is None:
                        return
                    period -= (period + span - day) // interval * interval
                    continue
            period += interval

    def _year_picker(self, first: date) -> Callable[[int], list[int]]:
        """Days of a year (RFC 5545 §3.3.10, table and note 2)."""
        by_month, by_month_day, by_day = self.by_month, self.by_month_day, self.by_day
        if not (self.by_week_no or self.by_year_day or by_month_day or by_day):
            by_month, by_month_day = by_month or (first.month,), (first.day,)
        if self.by_week_no and not (by_day or by_month_day or self.by_year_day):
            by_day = ((first.weekday(), 0),)
        months = by_month or range(1, 13)
        weekdays = {weekday for weekday, _ in by_day}

        def pick(year: int) -> list[int]:
            begin, end = new_year(year), new_year(year + 1)
            starts = BEFORE_MONTH[end - begin == 366]
            days: set[int] | None = None
            if self.by_week_no:
                days = {day for day in self._days_of_weeks(year) if not weekdays or weekday_of(day) in weekdays}
            if self.by_year_day:
                numbered = {begin + n - 1 if n > 0 else end + n for n in self.by_year_day}
                numbered = {day for day in numbered if begin <= day < end}
                days = numbered if days is None else days & numbered
            if by_month_day:
                dated = {day for m in months for day in month_days(begin, starts, m, by_month_day)}
                days = dated if days is None else days & dated
            elif by_month and days is not None:
                spans = [(begin + starts[m], begin + starts[m + 1]) for m in by_month]
                days = {day for day in days if any(a <= day < b for a, b in spans)}
            if by_day and not self.by_week_no:
                if by_month:
                    spans = [(begin + starts[m], begin + starts[m + 1]) for m in by_month]
                else:
                    spans = [(begin, end)]
                named = {day for a, b in spans for day in weekdays_in(a, b, by_day)}
                days = named if days is None else days & named
            return sorted(days or ())

        return pick

    def _month_picker(self, first: date) -> Callable[[int], list[int]]:
        """Days of a month (table and note 1)."""
        by_month, by_month_day, by_day = self.by_month, self.by_month_day, self.by_day
        if not (by_month_day or by_day or self.by_year_day or self.by_week_no):
            by_month_day = (first.day,)
        odd = self._day_filter(odd_only=True)

        def pick(index: int) -> list[int]:
            year, month = index // 12, index % 12 + 1
            if by_month and month not in by_month:
                return []
            begin = new_year(year)
            starts = BEFORE_MONTH[is_leap(year)]
            days: list[int]
            if by_month_day:
                days = sorted(month_days(begin, starts, month, by_month_day))
                if by_day:
                    named = weekdays_in(begin + starts[month], begin + starts[month + 1], by_day)
                    days = [day for day in days if day in named]
            elif by_day:
                days = sorted(weekdays_in(begin + starts[month], begin + starts[month + 1], by_day))
            else:
                days = list(range(begin + starts[month], begin + starts[month + 1]))
            return days if odd is None else [day for day in days if odd(day)]

        return pick

    def _week_picker(self, first_day: int) -> Callable[[int], list[int]]:
        weekdays = {weekday for weekday, _ in self.by_day} or {weekday_of(first_day)}
        offsets = sorted((weekday - self.week_start) % 7 for weekday in weekdays)
        ok = self._day_filter(weekdays=False)
        if ok is None:
            return lambda week: [week + offset for offset in offsets]
        return lambda week: [week + offset for offset in offsets if ok(week + offset)]

    def _day_filter(self, *, weekdays: bool = True, odd_only: bool = False) -> Callable[[int], bool] | None:
        """Whether a day passes every part that limits; None if nothing limits.

        `odd_only` leaves out what MONTHLY handles itself.
        """
        by_month = frozenset(() if odd_only else self.by_month)
        by_month_day = frozenset(() if odd_only else self.by_month_day)
        by_weekday = frozenset(d for d, _ in self.by_day) if weekdays and not odd_only else frozenset()
        by_year_day, by_week_no = frozenset(self.by_year_day), frozenset(self.by_week_no)
        if not (by_month or by_month_day or by_weekday or by_year_day or by_week_no):
            return None
        week_start = self.week_start

        def ok(day: int) -> bool:
            if by_weekday and weekday_of(day) not in by_weekday:
                return False
            if not (by_month or by_month_day or by_year_day or by_week_no):
                return True
            if not MIN_WALL <= day * DAY <= MAX_WALL:
                return False
            value = date.fromordinal(day + EPOCH_DAY)
            if by_month and value.month not in by_month:
                return False
            starts = BEFORE_MONTH[is_leap(value.year)]
            if by_month_day and value.day not in by_month_day:
                length = starts[value.month + 1] - starts[value.month]
                if value.day - length - 1 not in by_month_day:
                    return False
            if by_year_day:
                number = starts[value.month] + value.day
                if number not in by_year_day and number - starts[13] - 1 not in by_year_day:
                    return False
            if by_week_no:
                year = value.year
                if day < first_week(year, week_start):
                    year -= 1
                elif day >= first_week(year + 1, week_start):
                    year += 1
                week = (day - first_week(year, week_start)) // 7
                total = (first_week(year + 1, week_start) - first_week(year, week_start)) // 7
                return week + 1 in by_week_no or week - total in by_week_no
            return True

        return ok

    def _days_of_weeks(self, year: int) -> Iterator[int]:
        """Days of `year` that lie in a week of BYWEEKNO, be it a week of this year or of a neighbour."""
        begin, end = new_year(year), new_year(year + 1)
        for owner in (year - 1, year, year + 1):
            week1 = first_week(owner, self.week_start)
            total = (first_week(owner + 1, self.week_start) - week1) // 7
            for number in self.by_week_no:
                index = number - 1 if number > 0 else total + number
                if 0 <= index < total:
                    first = week1 + 7 * index
                    yield from range(max(first, begin), min(first + 7, end))

    def _fine(self, start: int, low: int, before: int) -> Iterator[int]:
        """HOURLY, MINUTELY and SECONDLY: leap over hours and days that a part excludes."""
        unit = _UNIT[self.freq]
        step = self.interval * unit
        origin = start - start % unit
        offsets = [0]
        if self.freq is Freq.HOURLY:
            minutes, seconds = self.by_minute or (start // 60 % 60,), self.by_second or (start % 60,)
            offsets = [minute * 60 + second for minute in minutes for second in seconds]
        elif self.freq is Freq.MINUTELY:
            offsets = list(self.by_second or (start % 60,))
        if self.by_set_pos:
            size = len(offsets)
            chosen = {p - 1 if p > 0 else size + p for p in self.by_set_pos}
            offsets = [offsets[i] for i in sorted(chosen) if 0 <= i < size]
        hours = frozenset(self.by_hour)
        minute_set = frozenset(self.by_minute if self.freq < Freq.HOURLY else ())
        second_set = frozenset(self.by_second if self.freq is Freq.SECONDLY else ())
        ok = self._day_filter()
        period = origin + max(0, -((origin - (low - unit + 1)) // step)) * step
        ahead = Days(ok) if ok is not None else None
        known_day, known_ok, passed = MIN_WALL, True, 0
        budget = _FINE_BUDGET
        while period < before:
            day = period // DAY
            if ok is not None and day != known_day:
                known_day, known_ok = day, ok(day)
            if not known_ok:
                passed += 1
                following = ahead.first(day + 1) if ahead is not None and passed > _STEPS else day + 1
                if following is None:
                    return
                leap = following * DAY
            elif hours and period // 3600 % 24 not in hours:
                leap = (period // 3600 + 1) * 3600
            elif minute_set and period // 60 % 60 not in minute_set:
                leap = (period // 60 + 1) * 60
            elif (second_set and period % 60 not in second_set) or not offsets:
                leap = period + 1
            else:
                budget = _FINE_BUDGET
                for offset in offsets:
                    if low <= period + offset < before:
                        yield period + offset
                period += step
                continue
            budget -= 1
            if budget < 0:
                return
            period = origin - ((origin - leap) // step) * step

    def _counted(self, start: int, count: int) -> int | None:
        """Wall of instance number `count`, DTSTART being the first (§3.3.10); None past the year 9999."""
        if count == 1:
            return start
        wall = self._nth_by_formula(start, count)
        if wall is None:
            rest = self.walls(start, start + 1, MAX_WALL + 1)
            walked = list(islice(rest, min(count, MAX_COUNTED) - 1))
            wall = walked[-1] if walked else start
            if count > MAX_COUNTED and len(walked) == MAX_COUNTED - 1:
                raise TooManyInstances(MAX_COUNTED)
        return None if wall > MAX_WALL else wall

    def _nth_by_formula(self, start: int, count: int) -> int | None:
        """Instance number `count` of the everyday rules, None for any other."""
        if self.by_set_pos or self.by_hour or self.by_minute or self.by_second:
            return None
        if self.by_month or self.by_month_day or self.by_year_day or self.by_week_no:
            return None
        if self.freq <= Freq.DAILY and not self.by_day:
            return start + (count - 1) * self.interval * _ABOUT[self.freq]
        if self.freq is Freq.WEEKLY:
            first_day, clock = divmod(start, DAY)
            week = first_day - (weekday_of(first_day) - self.week_start) % 7
            offsets = self._week_picker(first_day)(0)
            before = sum(1 for offset in offsets if week + offset <= first_day)
            # A DTSTART that is none of the rule's days counts as well, in front of them.
            weeks, index = divmod(before + count - 2, len(offsets))
            return (week + weeks * 7 * self.interval + offsets[index]) * DAY + clock
        if self.freq >= Freq.MONTHLY and not self.by_day:
            first_day, clock = divmod(start, DAY)
            value = date.fromordinal(first_day + EPOCH_DAY)
            if value.day > 28:
                return None
            months = self.interval * (count - 1) * (12 if self.freq is Freq.YEARLY else 1)
            year, month = divmod(month_index(value) + months, 12)
            if year > 9999:
                return MAX_WALL + 1
            return (new_year(year) + BEFORE_MONTH[is_leap(year)][month + 1] + value.day - 1) * DAY + clock
        return None

    def _last_until(self, start: int, until: Moment, zone: tzinfo | None, *, is_date: bool) -> int:
        """Wall of the last instance not after UNTIL, looked for backwards in growing windows."""
        exact: int | None = None
        limit = until.wall
        if is_date:
            limit -= limit % DAY
        elif until.is_date:
            limit += DAY - 1  # the whole day, as most writers mean it
        elif until.is_utc and zone is not None:
            exact = limit
            limit = wall_at(limit, zone) + DAY  # an hour shown twice: only the instant decides
        high = min(limit, MAX_WALL) + 1
        if next(self.walls(start, start + 1, high), None) is None:
            return start
        width = _ABOUT[self.freq] * self.interval * 2
        while high > start + 1:
            low = max(high - width, start + 1)
            found = [
                wall
                for wall in self.walls(start, low, high)
                if exact is None or zone is None or instant(wall, zone) <= exact
            ]
            if found:
                return found[-1]
            high = low
            width *= 4
        return start


_NUMBERS: Final = {
    "BYSECOND": (0, 60),
    "BYMINUTE": (0, 59),
    "BYHOUR": (0, 23),
    "BYMONTHDAY": (-31, 31),
    "BYYEARDAY": (-366, 366),
    "BYWEEKNO": (-53, 53),
    "BYMONTH": (1, 12),
    "BYSETPOS": (-366, 366),
}
_WEEKDAY: Final = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)")


@lru_cache(maxsize=2048)
def _parsed(text: str) -> Rule:
    if len(text) > 8_192:
        raise BadFormat("a recurrence rule of more than 8192 characters")
    parts: dict[str, str] = {}
    for part in text.upper().split(";"):
        name, equals, value = part.partition("=")
        name, value = name.strip(), value.strip()
        if not name and not value:
            continue
        if not equals:
            raise BadFormat(f"recurrence rule: no '=' in {part[:40]!r}")
        if parts.get(name, value) != value:
            raise BadFormat(f"recurrence rule: {name[:40]} given twice")
        parts[name] = value
    freq = parts.pop("FREQ", "")
    if freq not in Freq.__members__:
        raise BadFormat(f"recurrence rule: FREQ={freq[:40]} is none")
    # RFC 7529 §4.1, §4.2: no other calendar and no other way to skip is computed here.
    if parts.pop("RSCALE", "GREGORIAN") != "GREGORIAN":
        raise BadFormat("recurrence rule: of the RSCALEs only GREGORIAN is supported")
    if parts.pop("SKIP", "OMIT") != "OMIT":
        raise BadFormat("recurrence rule: of the SKIPs only OMIT is supported")
    lists = {name: _numbers(name, parts.pop(name, "")) for name in _NUMBERS}
    by_day = _days(parts.pop("BYDAY", ""))
    week_start = parts.pop("WKST", "MO") or "MO"
    if week_start not in _WEEKDAYS:
        raise BadFormat(f"recurrence rule: WKST={week_start[:40]} is no weekday")
    until = parts.pop("UNTIL", "")
    rule = Rule(
        freq=Freq[freq],
        interval=_positive("INTERVAL", parts.pop("INTERVAL", "")) or 1,
        count=_positive("COUNT", parts.pop("COUNT", "")),
        until=read_moment(until) if until else None,
        by_month=lists["BYMONTH"],
        by_week_no=lists["BYWEEKNO"],
        by_year_day=lists["BYYEARDAY"],
        by_month_day=lists["BYMONTHDAY"],
        by_day=by_day,
        by_hour=lists["BYHOUR"],
        by_minute=lists["BYMINUTE"],
        by_second=tuple(sorted({min(second, 59) for second in lists["BYSECOND"]})),
        by_set_pos=lists["BYSETPOS"],
        week_start=_WEEKDAYS[week_start],
    )
    unknown = [name for name in parts if not name.startswith("X-")]
    if unknown:
        raise BadFormat(f"recurrence rule: unknown part {unknown[0][:40]}")
    if rule.by_week_no and rule.freq is Freq.YEARLY and any(n for _, n in rule.by_day):
        raise BadFormat("recurrence rule: BYDAY with a number beside BYWEEKNO")
    times = max(len(rule.by_hour), 1) * max(len(rule.by_minute), 1) * max(len(rule.by_second), 1)
    if times > MAX_TIMES_A_DAY:
        raise BadFormat(f"recurrence rule: more than {MAX_TIMES_A_DAY} times in one day")
    return rule


def _numbers(name: str, text: str) -> tuple[int, ...]:
    if not text:
        return ()
    low, high = _NUMBERS[name]
    numbers: set[int] = set()
    for piece in text.split(","):
        piece = piece.strip()
        if not re.fullmatch(r"[+-]?[0-9]{1,4}", piece):
            raise BadFormat(f"recurrence rule: {name}={piece[:40]} is no number")
        number = int(piece)
        if not low <= number <= high or (number == 0 and low < 0):
            raise BadFormat(f"recurrence rule: {name}={number} is out of range")
        numbers.add(number)
    return tuple(sorted(numbers))


def _days(text: str) -> tuple[tuple[int, int], ...]:
    days: set[tuple[int, int]] = set()
    for piece in text.split(",") if text else ():
        found = _WEEKDAY.fullmatch(piece.strip())
        if found is None or (found[1] and not 1 <= abs(int(found[1])) <= 53):
            raise BadFormat(f"recurrence rule: BYDAY={piece[:40]} is no weekday")
        days.add((_WEEKDAYS[found[2]], int(found[1] or 0)))
    return tuple(sorted(days))


def _positive(name: str, text: str) -> int | None:
    if not text:
        return None
    if not re.fullmatch(r"\+?[0-9]{1,10}", text) or int(text) == 0:
        raise BadFormat(f"recurrence rule: {name}={text[:40]} is no positive number")
    return int(text)


def _bound(value: datetime, zone: tzinfo | None) -> int:
    """The first whole second not before `value`, as a wall."""
    more = 1 if value.microsecond else 0
    if value.tzinfo is None or zone is None:
        return wall_of(value) + more
    return wall_at(wall_of(value.astimezone(UTC)) + more, zone)
