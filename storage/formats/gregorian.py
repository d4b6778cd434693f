"""Days of the Gregorian calendar as numbers from 1970-01-01, so that months and weeks are additions."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from datetime import date
from typing import Final

from storage.formats.datetimes import EPOCH_DAY

BEFORE_MONTH: Final = (
    (0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365),
    (0, 0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335, 366),
)
"""Days before each month (index 1 is January, 13 the next year), in common and in leap years."""

_LAST_DAY: Final = date.max.toordinal() - EPOCH_DAY


def weekday_of(day: int) -> int:
    return (day + 3) % 7  # 1970-01-01 was a Thursday


def is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def new_year(year: int) -> int:
    """Day number of 1 January, also of the years 0 and 10000."""
    before = year - 1
    return before * 365 + before // 4 - before // 100 + before // 400 + 1 - EPOCH_DAY


def first_week(year: int, week_start: int) -> int:
    """First day of week 1: the first week with at least four days in the year (§3.3.10)."""
    jan1 = new_year(year)
    into = (weekday_of(jan1) - week_start) % 7
    return jan1 - into if into <= 3 else jan1 - into + 7


def month_index(value: date) -> int:
    return value.year * 12 + value.month - 1


def month_days(jan1: int, starts: tuple[int, ...], month: int, numbers: tuple[int, ...]) -> set[int]:
    begin, end = jan1 + starts[month], jan1 + starts[month + 1]
    days = {begin + n - 1 if n > 0 else end + n for n in numbers}
    return {day for day in days if begin <= day < end}


def weekdays_in(begin: int, end: int, by_day: tuple[tuple[int, int], ...]) -> set[int]:
    """Days of [begin, end) that BYDAY names there."""
    days: set[int] = set()
    for weekday, number in by_day:
        first = begin + (weekday - weekday_of(begin)) % 7
        if number == 0:
            days.update(range(first, end, 7))
            continue
        last = end - 1 - (weekday_of(end - 1) - weekday) % 7
        day = first + 7 * (number - 1) if number > 0 else last + 7 * (number + 1)
        if begin <= day < end:
            days.add(day)
    return days


class Days:
    """The days of which something holds that month, day, weekday and week alone decide: years of a kind are alike."""

    def __init__(self, holds: Callable[[int], bool]) -> None:
        self._holds: Final = holds
        self._kinds: Final[dict[tuple[int, bool, bool, bool], list[int]]] = {}
        """Days from 1 January, by its weekday and by which of three years are leap years."""

    def first(self, day: int) -> int | None:
        """The first such day that is not before `day`; None if there is none up to the year 9999."""
        if day > _LAST_DAY:
            return None
        year = date.fromordinal(day + EPOCH_DAY).year
        for later in range(year, min(year + 401, 10_000)):  # after 400 years all comes again
            begin = new_year(later)
            offsets = self._of(later, begin)
            number = bisect_left(offsets, day - begin)
            if number < len(offsets):
                return begin + offsets[number]
        return None

    def _of(self, year: int, begin: int) -> list[int]:
        kind = weekday_of(begin), is_leap(year - 1), is_leap(year), is_leap(year + 1)
        found = self._kinds.get(kind)
        if found is None:
            days = range(begin, new_year(year + 1))
            found = self._kinds[kind] = [day - begin for day in days if self._holds(day)]
        return found
