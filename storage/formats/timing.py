"""Whether two forms of an event say the same times: by DTEND or DURATION, in one zone or another (RFC 5545 §3.8.2)."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone
from typing import Final

from storage.errors import BadFormat, TooManyInstances
from storage.formats import timezones
from storage.formats.contentline import Component, Property
from storage.formats.datetimes import DAY, instant, read_moment
from storage.formats.series import FOREVER, Series

TIMES: Final = ("DTSTART", "DTEND", "DURATION", "DUE", "RRULE", "RDATE")
_ZONES: Final = (UTC, timezone(timedelta(hours=11)))
"""Floating times are the same only if they are so wherever their reader is."""
_WINDOW_S: Final = 800 * DAY
_MOST: Final = 2_000


def same(old_calendar: Component, old: Component, new_calendar: Component, new: Component) -> bool:
    """Whether two components take place at the same times, exceptions aside; zones are those of their calendars."""
    if _written(old) == _written(new):
        return True
    try:
        was, now = Series.of(_bare(old_calendar, old)), Series.of(_bare(new_calendar, new))
        if was.span != now.span or was.span[0] <= -FOREVER:
            return False
        begin = was.span[0] - DAY
        end = min(begin + _WINDOW_S, was.span[1] + 2 * DAY)
        for zone in _ZONES:
            lists = [one.instances(begin, end, zone, limit=_MOST) for one in (was, now)]
            if [(i.start, i.end, i.all_day) for i in lists[0]] != [(i.start, i.end, i.all_day) for i in lists[1]]:
                return False
    except (BadFormat, TooManyInstances):
        return False
    return True


def exceptions(calendar: Component, part: Component) -> set[int | str]:
    """The moments of EXDATE in UTC seconds, of floating times as if they were UTC; as written where they are none."""
    zones = {each.value("TZID").strip(): each for each in calendar.of("VTIMEZONE")}
    found: set[int | str] = set()
    for prop in part.all("EXDATE"):
        for value in prop.value.split(","):
            try:
                found.add(_moment(value.strip(), prop, zones))
            except BadFormat:
                found.add(value.strip())
    return found


def _moment(value: str, prop: Property, zones: dict[str, Component]) -> int:
    moment, tzid = read_moment(value, prop.line), prop.param("TZID")
    zone = timezones.resolve(tzid, zones) if tzid is not None and not moment.is_utc else None
    return instant(moment.wall, zone) if zone is not None else moment.wall


def _written(part: Component) -> list[tuple[str, str, str, str]]:
    found: list[tuple[str, str, str, str]] = []
    for name in TIMES:
        for prop in part.all(name):
            value = ";".join(sorted(prop.value.strip().upper().split(";")))
            found.append((name, value, prop.param("TZID") or "", prop.param("VALUE") or ""))
    return sorted(found)


def _bare(calendar: Component, part: Component) -> Component:
    left = [prop for prop in part.properties if prop.name not in ("EXDATE", "RECURRENCE-ID")]
    return Component("VCALENDAR", [], [*calendar.of("VTIMEZONE"), Component(part.name, left)])
