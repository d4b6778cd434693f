"""Start and due of a task ([MS-ASTASK] §2.2.2.12, §2.2.2.26, §2.2.2.31, §2.2.2.32; RFC 5545 §3.8.2.3, §3.8.2.4).

A device sends each twice: as an instant, and as what the clock shows then. Most devices know days only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Final
from zoneinfo import ZoneInfo

from servers.activesync.classes import event_times
from servers.activesync.classes.item_class import Context
from servers.activesync.wbxml.code_page import Tag
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import Tasks
from storage.formats import timezones
from storage.formats.contentline import Component, Property
from storage.formats.datetimes import DAY, instant, read_duration, read_moment, wall_at, write_wall

Zones = Mapping[str, Component]
_START: Final = (Tasks.UtcStartDate, Tasks.StartDate)
_DUE: Final = (Tasks.UtcDueDate, Tasks.DueDate)
_UTC_NAMES: Final = ("UTC", "Etc/UTC")


@dataclass(frozen=True, slots=True)
class Point:
    """A start or a due date."""

    seconds: int
    """UTC; of a day, its midnight in the account's zone."""
    wall: int
    """What the clock of its zone shows then, counted as seconds."""
    day: bool
    """A whole day, not a time."""


@dataclass(frozen=True, slots=True)
class Dates:
    """Both of a task."""

    start: Point | None
    due: Point | None
    shift: int = 0
    """Of an instance of a series: seconds on the wall since the first one."""
    index: int = 0
    """Of an instance of a series: how many come before it."""

    @property
    def first(self) -> Point | None:
        """What a series counts from."""
        return self.start or self.due


def of(task: Component, zones: Zones, context: Context, *, shift: int = 0, index: int = 0) -> Dates:
    """Read them; the due date may be given by a DURATION (RFC 5545 §3.6.2). With `shift`, those of a later instance."""
    start, due = (_point(task.get(name), zones, context, shift) for name in ("DTSTART", "DUE"))
    duration, begin = task.get("DURATION"), task.get("DTSTART")
    if due is None and duration is not None and start is not None and begin is not None:
        length = read_duration(duration.value)
        zone = event_times.moment_of(begin, zones, context.zone)[1]
        if start.day:
            wall = start.wall + length.total
            due = Point(instant(wall, context.zone), wall, length.total % DAY == 0)
        else:
            over = instant(wall_at(start.seconds, zone) + length.days * DAY, zone) + length.seconds
            due = Point(over, wall_at(over, context.zone if zone is UTC else zone), False)
    return Dates(start, due, shift, index)


def shown(dates: Dates) -> list[Element]:
    """The elements of both; what the clock shows ends with Z all the same (§2.2.2.12, §2.2.2.26)."""
    found: list[Element] = []
    for point, (utc, local) in ((dates.start, _START), (dates.due, _DUE)):
        if point is not None:
            found += [utc(long(point.seconds)), local(long(point.wall))]
    return found


def long(seconds: int) -> str:
    """A time as tasks have it: `2026-01-31T10:20:30.000Z`."""
    return event_times.long(event_times.wire(seconds))


def write(
    calendar: Component, task: Component, data: Element, old: Dates, context: Context,
    *, whole: bool, recurs: bool, ends: bool = False,
) -> bool:  # fmt: skip
    """Write what a device says otherwise than it was shown; whether it said anything otherwise.

    With `whole` a date that is left out is taken out. Times stay in the zone that they are in, so that a series
    that is moved keeps its time of day when clocks change. If `old` is a later instance, the series begins there now,
    and so does the single task that it becomes where it `ends`.

    Raises:
        Unconvertible: a value is no date.
    """
    start = _said(data, _START, old.start, context, whole=whole)
    due = _said(data, _DUE, old.due, context, whole=whole)
    if start is old.start and due is old.due and not (ends and old.shift):
        return False
    day = _are_days(start, due, old)
    zones = event_times.zones_of(calendar)
    forms = {name: task.get(name) for name in ("DTSTART", "DUE")}
    if start is None:
        _drop(task, "DTSTART")
    elif not _is_at(of(task, zones, context).start, start, day=day):
        put(task, _spelled("DTSTART", start, day, (forms["DTSTART"], forms["DUE"]), calendar, context, recurs=recurs))
    if due is None:
        _drop(task, "DUE", "DURATION")
    elif not _is_at(of(task, zones, context).due, due, day=day):
        _drop(task, "DURATION")
        put(task, _spelled("DUE", due, day, (forms["DUE"], forms["DTSTART"]), calendar, context, recurs=recurs))
    return True


def _is_at(written: Point | None, meant: Point, *, day: bool) -> bool:
    if written is None or written.day != day:
        return False
    return written.wall == meant.wall if day else written.seconds == meant.seconds


def put(task: Component, prop: Property) -> None:
    """Give a component one property of a name, where it had it before."""
    for at, one in enumerate(task.properties):
        if one.name == prop.name:
            task.properties[at] = prop
            return
    task.properties.append(prop)


def day_property(name: str, wall: int) -> Property:
    """A DATE."""
    return Property(name, write_wall(wall // DAY * DAY, is_date=True), [("VALUE", ["DATE"])])


def _drop(task: Component, *names: str) -> None:
    task.properties = [one for one in task.properties if one.name not in names]


def _point(prop: Property | None, zones: Zones, context: Context, shift: int) -> Point | None:
    if prop is None:
        return None
    moment, zone = event_times.moment_of(prop, zones, context.zone)
    wall = moment.wall + shift
    if moment.is_utc:
        return Point(wall, wall_at(wall, context.zone), False)
    return Point(instant(wall, zone), wall, moment.is_date)


def _said(data: Element, tags: tuple[Tag, Tag], before: Point | None, context: Context, *, whole: bool) -> Point | None:
    utc, local = (data.text_of(tag) for tag in tags)
    if not utc and not local:
        return None if whole or utc is not None or local is not None else before
    wall = event_times.seconds_of(local) if local else wall_at(event_times.seconds_of(utc or ""), context.zone)
    seconds = event_times.seconds_of(utc) if utc else instant(wall, context.zone)
    if before is not None:
        # A day is the same day in whatever zone the device is. What no device has, as the year 9, is shown as another.
        by_wall = before.day or not utc
        if (long(wall) == long(before.wall)) if by_wall else (long(seconds) == long(before.seconds)):
            return before
    return Point(seconds, wall, False)


def _are_days(start: Point | None, due: Point | None, old: Dates) -> bool:
    """Whether both are written as days: they are of one kind (RFC 5545 §3.8.2.3)."""
    pairs = [(now, before) for now, before in ((start, old.start), (due, old.due)) if now is not None]
    if start is not None and due is not None and due.wall % DAY == 0 and due.wall < start.wall < due.wall + DAY:
        return True  # due on the day on which it starts: as a time it would be over before it began
    if any(now is before and not now.day for now, before in pairs):
        return False  # a time that the device left alone stays one
    return all(now.wall % DAY == 0 for now, _ in pairs)


def _spelled(
    name: str, point: Point, day: bool, forms: tuple[Property | None, ...], calendar: Component, context: Context,
    *, recurs: bool,
) -> Property:  # fmt: skip
    """A property of that name in the form of the first of `forms` that is a time: both are local, or none."""
    if day:
        return day_property(name, point.wall)
    zones = event_times.zones_of(calendar)
    for form in forms:
        if form is None or (moment := read_moment(form.value.partition(",")[0])).is_date:
            continue
        if moment.is_utc:
            return Property(name, write_wall(point.seconds, utc=True))
        zone = event_times.moment_of(form, zones, context.zone)[1]
        tzid = form.param("TZID")
        params = [("TZID", [tzid])] if tzid else []
        return Property(name, write_wall(wall_at(point.seconds, zone)), params)
    if recurs and isinstance(context.zone, ZoneInfo) and (tzid := _defined(calendar, context.zone.key)):
        return event_times.property_of(name, point.seconds, context.zone, tzid)
    return Property(name, write_wall(point.seconds, utc=True))


def _defined(calendar: Component, name: str) -> str:
    """The name of a zone that the calendar has now a VTIMEZONE of; "" if there is none."""
    if name in _UTC_NAMES:
        return ""
    if name not in event_times.zones_of(calendar):
        definition = timezones.by_reference(name)
        if definition is None:
            return ""
        calendar.components.insert(0, definition)
    return name
