"""When an event is, on the wire and in iCalendar ([MS-ASCAL] §2.2.2.1, §2.2.2.19, §2.2.2.42; RFC 5545 §3.8.2).

The wire has instants in UTC and a zone beside them. Whole days are midnights of that zone up to 14.1, and plain days
from 16.0 on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Final

from servers.activesync.classes import recurrences
from servers.activesync.classes.item_class import Context, Unconvertible
from servers.activesync.wbxml.element import Element
from storage.errors import BadFormat
from storage.formats import timezones
from storage.formats.contentline import Component, Property
from storage.formats.datetimes import DAY, MAX_WALL, Moment, instant, read_duration, read_moment, wall_at, write_wall
from storage.formats.recurrence import Rule

_WIRE: Final = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)T(\d\d):?(\d\d)(?::?(\d\d))?(?:\.\d{1,9})?Z?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Times:
    """Start and end of one component."""

    start: Moment
    end: Moment
    zone: tzinfo
    """What its walls are read in; of whole days and floating times, the account's own."""
    tzid: str
    """"" for UTC, whole days and floating times."""

    @property
    def all_day(self) -> bool:
        return self.start.is_date

    @property
    def begin(self) -> int:
        """UTC seconds."""
        return _instant(self.start, self.zone)

    @property
    def over(self) -> int:
        """UTC seconds."""
        return _instant(self.end, self.zone)


def zones_of(calendar: Component) -> Mapping[str, Component]:
    """The VTIMEZONEs of an object by TZID."""
    return {part.value("TZID"): part for part in calendar.components if part.name == "VTIMEZONE"}


def of(component: Component, vtimezones: Mapping[str, Component], own: tzinfo) -> Times:
    """Read a component's times; `own` is the account's zone.

    Raises:
        BadFormat: they are none; what is stored was checked.
    """
    prop = component.get("DTSTART")
    if prop is None:
        raise BadFormat("an event without DTSTART")
    start, zone = moment_of(prop, vtimezones, own)
    tzid = (prop.param("TZID") or "") if not (start.is_date or start.is_utc) else ""
    ends = component.get("DTEND")
    if ends is not None:
        end, end_zone = moment_of(ends, vtimezones, own)
        if end_zone is not zone and not end.is_date:
            end = Moment(wall_at(_instant(end, end_zone), zone), False, start.is_utc)
        return Times(start, _no_less(end, start), zone, tzid)
    duration = component.get("DURATION")
    if duration is None:
        return Times(start, start._replace(wall=start.wall + (DAY if start.is_date else 0)), zone, tzid)
    length = read_duration(duration.value)
    if start.is_date:
        return Times(start, start._replace(wall=start.wall + max(DAY, length.total // DAY * DAY)), zone, tzid)
    over = instant(start.wall + length.days * DAY, zone) + length.seconds
    return Times(start, start._replace(wall=wall_at(over, zone)), zone, tzid)


def _no_less(end: Moment, start: Moment) -> Moment:
    """An end; of what others write as over before it began, or of a day that ends on itself, what the calendar has."""
    least = start.wall + (DAY if start.is_date else 0)
    return end if end.wall >= least else start._replace(wall=least)


def moment_of(prop: Property, vtimezones: Mapping[str, Component], own: tzinfo) -> tuple[Moment, tzinfo]:
    """A date or date-time and the zone that its wall is read in."""
    moment = read_moment(prop.value.partition(",")[0])
    if moment.is_date:
        return moment, own
    if moment.is_utc:
        return moment, UTC
    tzid = prop.param("TZID")
    return moment, (timezones.resolve(tzid, vtimezones) if tzid else None) or own


def wire(seconds: int) -> str:
    """An instant as events have it: `20260131T102030Z` ([MS-ASDTYPE] §2.3)."""
    return write_wall(min(seconds, MAX_WALL - DAY), utc=True)


def long(text: str) -> str:
    """The same instant as mails and tasks have it: `2026-01-31T10:20:30.000Z`."""
    return f"{text[:4]}-{text[4:6]}-{text[6:11]}:{text[11:13]}:{text[13:15]}.000Z"


def wire_moment(moment: Moment, zone: tzinfo, version: int) -> str:
    """A time on the wire; whole days from 16.0 on are plain days."""
    if moment.is_date and version >= 160:
        return wire(moment.wall)
    return wire(_instant(moment, zone))


def seconds_of(text: str) -> int:
    """The instant that a text of the wire means, in UTC seconds.

    Raises:
        Unconvertible: it is none.
    """
    if _WIRE.fullmatch(text.strip()) is None:
        raise Unconvertible(f"no date: {text[:40]!r}")
    try:
        return read_moment(text.strip().removesuffix("Z") + "Z").wall
    except BadFormat:
        raise Unconvertible(f"no date: {text[:40]!r}") from None


def day_of(seconds: int, zone: tzinfo, context: Context, *, end: bool = False) -> int:
    """The wall of the day that an instant of a whole-day event means.

    Devices send midnight of the event's zone, of their own, or of UTC; some end a minute early.
    """
    if context.version >= 160:
        return _midnight(seconds, end=end)
    for candidate in (zone, context.zone):
        wall = wall_at(seconds, candidate)
        if wall % DAY == 0:
            return wall
    if seconds % DAY == 0:
        return seconds
    return _midnight(wall_at(seconds, zone), end=end)


def _midnight(wall: int, *, end: bool) -> int:
    return -(-wall // DAY) * DAY if end else wall // DAY * DAY


def property_of(name: str, seconds: int, zone: tzinfo, tzid: str) -> Property:
    """A date-time property at an instant: in its zone if that has a name, else in UTC."""
    if tzid:
        return Property(name, write_wall(wall_at(seconds, zone)), [("TZID", [tzid])])
    return Property(name, write_wall(seconds, utc=True))


def _instant(moment: Moment, zone: tzinfo) -> int:
    return moment.wall if moment.is_utc else instant(moment.wall, zone)


def of_stamp(prop: Property) -> int:
    """UTC seconds of DTSTAMP or LAST-MODIFIED; 0 if it is none."""
    try:
        return read_moment(prop.value).wall
    except BadFormat:
        return 0


def of_value(prop: Property, value: str) -> Property:
    """One value of a list as a property of its own."""
    return Property(prop.name, value, prop.params)


def in_kind(moment: Moment, times: Times) -> Moment:
    """The id of an instance in the kind of the series: some write a time where a day is meant, or a day for a time."""
    if times.all_day and not moment.is_date:
        return Moment(moment.wall // DAY * DAY, True, False)
    if moment.is_date and not times.all_day:
        return Moment(moment.wall + times.start.wall % DAY, False, times.start.is_utc)
    return moment


def instance_of(prop: Property, vtimezones: Mapping[str, Component], times: Times) -> tuple[Moment, tzinfo]:
    """The id of an instance in the kind of the series, and the zone of its wall: the series' own, if it names none."""
    moment, zone = moment_of(prop, vtimezones, times.zone)
    found = in_kind(moment, times)
    return found, zone if found.is_date is moment.is_date else times.zone


def last_of(until: Moment, times: Times) -> Moment:
    """UNTIL in the kind of the series (RFC 5545 §3.3.10): where it has times, a day that others write is all of it."""
    if times.all_day:
        return Moment(until.wall // DAY * DAY, True, False)
    if until.is_date:
        return Moment(until.wall + DAY - 1, False, times.start.is_utc)
    return until


def rule_of(master: Component, times: Times, context: Context) -> Element | None:
    """The Recurrence of a series; None if it is none, or one that no device knows."""
    rules = master.all("RRULE")
    if len(rules) != 1 or master.get("EXRULE") is not None:
        return None

    def until(rule: Rule) -> str:
        assert rule.until is not None
        return wire_moment(last_of(rule.until, times), times.zone, context.version)

    return recurrences.show(Rule.parse(rules[0].value), times.start.wall, recurrences.EVENT, until, context.version)
