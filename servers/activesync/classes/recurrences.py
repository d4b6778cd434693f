"""Recurrence of events and tasks, and RRULE ([MS-ASCAL] §2.2.2.37, [MS-ASTASK] §2.2.2.18, RFC 5545 §3.3.10).

A device knows seven kinds of rules. What is none of them exactly is not shown to it as a rule at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from servers.activesync.classes.item_class import Unconvertible
from servers.activesync.options import number
from servers.activesync.wbxml.code_page import Tag
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import Calendar, Tasks
from storage.errors import BadFormat
from storage.formats.datetimes import datetime_of
from storage.formats.recurrence import Freq, Rule

_DAYS: Final = ("SU", "MO", "TU", "WE", "TH", "FR", "SA")
"""Bit 0 is Sunday."""
_EVERY = 127
_GREGORIAN: Final = 1
"""CalendarType, which rules by month and year have to name ([MS-ASCAL] §2.2.2.10)."""
_SETS: Final = (_EVERY, 62, 65)
"""Every day, Monday to Friday, the weekend."""


@dataclass(frozen=True, slots=True)
class Names:
    """The elements of a Recurrence; events and tasks have their own, and Until means another thing."""

    recurrence: Tag
    type: Tag
    interval: Tag
    until: Tag
    occurrences: Tag
    day_of_week: Tag
    day_of_month: Tag
    week_of_month: Tag
    month_of_year: Tag
    first_day_of_week: Tag
    calendar_type: Tag


def _names(page: type[Calendar] | type[Tasks]) -> Names:
    return Names(
        page.Recurrence, page.Type, page.Interval, page.Until, page.Occurrences, page.DayOfWeek, page.DayOfMonth,
        page.WeekOfMonth, page.MonthOfYear, page.FirstDayOfWeek, page.CalendarType,
    )  # fmt: skip


EVENT: Final = _names(Calendar)
TASK: Final = _names(Tasks)


@dataclass(frozen=True, slots=True)
class Pattern:
    """One rule as a device has it; its end left aside."""

    kind: int
    """0 daily, 1 weekly, 2 monthly, 3 monthly by weekday, 5 yearly, 6 yearly by weekday."""
    interval: int = 1
    days: int = 0
    """Sum of bits, Sunday is 1."""
    day: int = 0
    week: int = 0
    """1 to 4, 5 is the last."""
    month: int = 0


def pattern_of(rule: Rule, wall: int) -> Pattern | None:
    """The pattern of a rule whose first instance is at `wall`; None if it is none."""
    if rule.by_hour or rule.by_minute or rule.by_second or rule.by_week_no or rule.by_year_day:
        return None
    start = datetime_of(wall)
    own_day = 1 << ((start.weekday() + 1) % 7)
    if rule.freq == Freq.DAILY and not (rule.by_month or rule.by_month_day or rule.by_set_pos):
        if not rule.by_day:
            return Pattern(0, rule.interval)
        return Pattern(1, 1, _mask(rule)) if rule.interval == 1 and _plain(rule) else None
    if rule.freq == Freq.WEEKLY and not (rule.by_month or rule.by_month_day or rule.by_set_pos) and _plain(rule):
        return Pattern(1, rule.interval, _mask(rule) or own_day)
    if rule.freq == Freq.MONTHLY and not rule.by_month:
        month, by_date, by_week = 0, 2, 3
    elif rule.freq == Freq.YEARLY and len(rule.by_month) <= 1:
        month, by_date, by_week = (rule.by_month or (start.month,))[0], 5, 6
        if rule.by_day and not rule.by_month:
            return None  # the n-th of the year
    else:
        return None
    if not rule.by_day:
        return _by_date(rule, start.day, month, by_date, by_week)
    return _by_week(rule, month, by_week)


def _by_date(rule: Rule, own: int, month: int, by_date: int, by_week: int) -> Pattern | None:
    if rule.by_set_pos or len(rule.by_month_day) > 1:
        return None
    day = (rule.by_month_day or (own,))[0]
    if day == -1:
        return Pattern(by_week, rule.interval, _EVERY, 0, 5, month)
    return Pattern(by_date, rule.interval, 0, day, 0, month) if day > 0 else None


def _by_week(rule: Rule, month: int, kind: int) -> Pattern | None:
    if rule.by_month_day:
        return None
    mask = _mask(rule)
    if len(rule.by_day) == 1 and not rule.by_set_pos:
        which = rule.by_day[0][1]
    elif len(rule.by_set_pos) == 1 and _plain(rule) and (len(rule.by_day) == 1 or mask in _SETS):
        which = rule.by_set_pos[0]
    else:
        return None
    week = 5 if which == -1 else which
    return Pattern(kind, rule.interval, mask, 0, week, month) if 1 <= week <= 5 and which != 5 else None


def _plain(rule: Rule) -> bool:
    return all(not which for _, which in rule.by_day)


def _mask(rule: Rule) -> int:
    return sum({1 << ((day + 1) % 7) for day, _ in rule.by_day})


def show(rule: Rule, wall: int, names: Names, until: Callable[[Rule], str], version: int) -> Element | None:
    """The Recurrence of a rule; `until` gives the text of its UNTIL. None if no device has such a rule."""
    pattern = pattern_of(rule, wall)
    if pattern is None or pattern.interval > 999:
        return None
    limited = rule.count is not None and rule.count < 1000
    if rule.count is not None and not limited:
        return None
    first = (rule.week_start + 1) % 7
    return names.recurrence(
        names.type(pattern.kind),
        names.interval(pattern.interval),
        names.occurrences(rule.count) if rule.count is not None else None,
        names.until(until(rule)) if rule.until is not None and rule.count is None else None,
        names.day_of_week(pattern.days) if pattern.days else None,
        names.day_of_month(pattern.day) if pattern.day else None,
        names.week_of_month(pattern.week) if pattern.week else None,
        names.month_of_year(pattern.month) if pattern.month else None,
        names.calendar_type(_GREGORIAN) if pattern.kind > 1 and version >= 140 else None,
        names.first_day_of_week(first) if pattern.kind == 1 and version >= 141 else None,
    )


def read(said: Element, names: Names, until: Callable[[str], str]) -> str:
    """The RRULE of a Recurrence; `until` turns the text of Until into an UNTIL.

    Raises:
        Unconvertible: it is no rule, or one of another calendar than ours.
    """

    def value(tag: Tag) -> int:
        return number(said.text_of(tag), 0)

    if value(names.calendar_type) not in (0, 1, 2):
        raise Unconvertible("a rule of another calendar")
    kind, days, day, week, month = (
        value(tag)
        for tag in (names.type, names.day_of_week, names.day_of_month, names.week_of_month, names.month_of_year)
    )
    if days > 127 or day > 31 or week > 5 or month > 12:
        raise Unconvertible("a rule with a day that is none")
    parts = _parts(kind, days, day, week, month)
    if (interval := value(names.interval)) > 1:
        parts.insert(1, f"INTERVAL={interval}")
    if count := value(names.occurrences):
        parts.append(f"COUNT={count}")
    elif text := said.text_of(names.until):
        parts.append(f"UNTIL={until(text)}")
    first = number(said.text_of(names.first_day_of_week), 1)
    if first > 6:  # "the server MUST return protocol status error 6" ([MS-ASTASK] §2.2.2.14)
        raise Unconvertible("a week that begins on no day")
    if kind == 1 and first != 1:
        parts.append(f"WKST={_DAYS[first]}")
    text = ";".join(parts)
    try:
        Rule.parse(text)
    except BadFormat as error:
        raise Unconvertible(str(error)) from None
    return text


def _parts(kind: int, days: int, day: int, week: int, month: int) -> list[str]:
    by_day = f"BYDAY={_day_list(days)}"
    if kind == 0:
        return ["FREQ=WEEKLY", by_day] if days and days != _EVERY else ["FREQ=DAILY"]
    if kind == 1:
        return ["FREQ=WEEKLY", by_day] if days else ["FREQ=WEEKLY"]
    if kind not in (2, 3, 5, 6):
        raise Unconvertible(f"there is no rule of the type {kind}")
    parts = ["FREQ=MONTHLY"] if kind in (2, 3) else ["FREQ=YEARLY"]
    if kind in (5, 6) and month:
        parts.append(f"BYMONTH={month}")
    if kind in (2, 5):
        return [*parts, f"BYMONTHDAY={day}"] if day else parts
    if not week or not days:
        raise Unconvertible("a rule by weekday without its week or its day")
    which = -1 if week == 5 else week
    if days == _EVERY:
        return [*parts, f"BYMONTHDAY={which}"]
    if days & (days - 1):
        return [*parts, by_day, f"BYSETPOS={which}"]
    return [*parts, f"BYDAY={which}{_day_list(days)}"]


def _day_list(days: int) -> str:
    return ",".join(name for bit, name in enumerate(_DAYS) if days & 1 << bit)


def same(shown: Element | None, said: Element, names: Names) -> bool:
    """Whether a device gives back the very rule that it was shown."""
    if shown is None:
        return False
    ignored = {names.first_day_of_week, names.calendar_type, Calendar.IsLeapMonth, Tasks.IsLeapMonth}
    return _facts(shown, names, ignored) == _facts(said, names, ignored)


def _facts(one: Element, names: Names, ignored: set[Tag]) -> dict[Tag, str]:
    found = {child.tag: child.text.strip() for child in one.known if child.tag not in ignored}
    if found.get(names.interval, "1") in ("0", "1", ""):
        found.pop(names.interval, None)
    return found  # type: ignore[return-value]

