"""What happens in a calendar in some span of time, one entry for each instance (CALSYNC-18, CAL-07)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from enum import Enum
from typing import Final
from zoneinfo import ZoneInfo

from storage import calendar, preferences, principals
from storage.errors import TooManyInstances
from storage.formats import icalendar
from storage.formats.calendar_filter import CompFilter, TimeRange
from storage.formats.contentline import Component, split_value, unescape_text
from storage.formats.series import Instance, Series
from storage.store import Transaction
from storage.transfer import day_range
from storage.types import Collection, Item, View

MOST: Final = 1_000
"""Entries of one list; of one series half as many."""


class Span(Enum):
    """The four spans of CALSYNC-18."""

    TODAY = "today"
    WEEK = "week"
    MONTH = "month"
    DAYS_30 = "30days"


@dataclass(frozen=True, slots=True)
class Habits:
    """How a person reads times."""

    zone: tzinfo
    first_weekday: int
    """0 is Monday."""
    clock_h: int
    """12 or 24."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One instance of one event as the actor sees it; times in UTC seconds."""

    item: Item
    recurrence_id: str
    start: int
    end: int
    all_day: bool
    status: str
    summary: str
    """ "" where only busy time is visible."""
    location: str
    description: str
    organizer: str
    categories: tuple[str, ...]

    @property
    def busy(self) -> bool:
        """Only the time may be known (CAL-07)."""
        return self.item.view is View.BUSY


def habits(tx: Transaction) -> Habits:
    """Those of the actor, for whoever's calendar he looks at (CALSYNC-20)."""
    held = preferences.of(tx, principals.me(tx))
    weekday = preferences.WEEKDAYS.index(str(held["first_day"]))
    return Habits(ZoneInfo(str(held["timezone"])), weekday, int(held["clock_h"]))


def days(span: Span, habits: Habits, now: float) -> tuple[date, date]:
    """First and last day of a span around the moment `now`, as its reader counts days and weeks."""
    today = datetime.fromtimestamp(now, habits.zone).date()
    if span is Span.TODAY:
        return today, today
    if span is Span.WEEK:
        first = today - timedelta(days=(today.weekday() - habits.first_weekday) % 7)
        return first, first + timedelta(days=6)
    if span is Span.MONTH:
        after = date(today.year + today.month // 12, today.month % 12 + 1, 1)
        return today.replace(day=1), after - timedelta(days=1)
    return today, today + timedelta(days=29)


def seconds(first: date, last: date, habits: Habits) -> tuple[int, int]:
    """The same days in UTC seconds, the end exclusive."""
    return day_range(first, last, habits.zone)


def happenings(tx: Transaction, collection: Collection, start: int, end: int, zone: tzinfo) -> list[Happening]:
    """Every instance in [start, end) that the actor may know of, by start; at most `MOST`.

    Floating and all-day times are read in `zone`. The index says which events these are; of a busy
    block the block alone decides when it happens (ACL-24).
    """
    events = CompFilter("VEVENT", time_range=TimeRange(start, end))
    found: list[Happening] = []
    for item in calendar.query(tx, collection, CompFilter("VCALENDAR", comps=(events,)), zone):
        if item.body is not None:
            found += _of_item(item, item.body, start, end, zone)
    found.sort(key=lambda one: (one.start, one.end, one.item.id))
    return found[:MOST]


def _of_item(item: Item, body: bytes, start: int, end: int, zone: tzinfo) -> Iterator[Happening]:
    read = icalendar.load(body)
    components = [each for each in read.calendar.components if each.name != "VTIMEZONE"]
    for instance in _instances(read.series, start, end, zone):
        source = components[instance.override_index] if instance.override_index >= 0 else read.components[0]
        yield _happening(item, instance, source)


def _instances(series: Series, start: int, end: int, zone: tzinfo) -> list[Instance]:
    """All of them, or the first ones of a series that happens every few seconds."""
    start = max(start, series.span[0])
    while end > start:
        try:
            return series.instances(start, end, zone, MOST // 2)
        except TooManyInstances:
            end = start + (end - start) // 2
    return []


def _happening(item: Item, instance: Instance, source: Component) -> Happening:
    shown = item.view is not View.BUSY
    return Happening(
        item,
        instance.recurrence_id,
        instance.start,
        instance.end,
        instance.all_day,
        instance.status,
        _text(source, "SUMMARY") if shown else "",
        _text(source, "LOCATION") if shown else "",
        _text(source, "DESCRIPTION") if shown else "",
        _organizer(source) if shown else "",
        _categories(source) if shown else (),
    )


def _text(source: Component, name: str) -> str:
    return unescape_text(source.value(name)).strip()


def _organizer(source: Component) -> str:
    found = source.get("ORGANIZER")
    if found is None:
        return ""
    return found.param("CN") or found.value.strip().removeprefix("mailto:")


def _categories(source: Component) -> tuple[str, ...]:
    values = (part.strip() for prop in source.all("CATEGORIES") for part in split_value(prop.value, ","))
    return tuple(dict.fromkeys(value for value in values if value))
