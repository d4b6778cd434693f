"""CALDAV:calendar-data: which parts of an object a client wants to read (RFC 4791 §9.6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Final

from storage.errors import BadFormat, TooManyInstances
from storage.formats import timezones
from storage.formats.contentline import Component, Property
from storage.formats.datetimes import instant, read_duration, read_moment, wall_at, write_wall
from storage.formats.icalendar import CalendarObject
from storage.formats.series import Instance, Series
from storage.formats.series_parts import AND_FUTURE, FLOATING, Part, extent, hits

MAX_INSTANCES: Final = 10_000
"""Instances that one object may be expanded into."""
_MOST_LINES: Final = 500_000
"""And properties of all of them: each instance names everybody who is invited."""
_RECURRENCE: Final = frozenset({"RRULE", "RDATE", "EXDATE", "EXRULE", "RECURRENCE-ID"})


@dataclass(frozen=True, slots=True)
class PropSelection:
    """CALDAV:prop (§9.6.4); `name` upper case."""

    name: str
    novalue: bool = False


@dataclass(frozen=True, slots=True)
class CompSelection:
    """CALDAV:comp (§9.6.1); `name` upper case.

    One that says nothing means the whole component, as in the example of §7.8.1. One that names properties and no
    components wants none of these; one that names components and no properties has all its own.
    """

    name: str
    allprop: bool = False
    props: tuple[PropSelection, ...] = ()
    allcomp: bool = False
    comps: tuple[CompSelection, ...] = ()


def select(calendar: Component, wanted: CompSelection) -> Component:
    """Leave out of a component what was not asked for (§9.6.1 to §9.6.4)."""
    new = Component(calendar.name, line=calendar.line)
    if wanted.allprop or not wanted.props:
        new.properties = calendar.properties
    else:
        novalue = {prop.name: prop.novalue for prop in wanted.props}
        new.properties = [
            Property(prop.name, "", prop.params, prop.group, prop.line) if novalue[prop.name] else prop
            for prop in calendar.properties
            if prop.name in novalue
        ]
    if wanted.allcomp or not (wanted.allprop or wanted.props or wanted.comps):
        new.components = calendar.components
    else:
        named = {comp.name: comp for comp in wanted.comps}
        new.components = [select(inner, named[inner.name]) for inner in calendar.components if inner.name in named]
    return new


def expand(obj: CalendarObject, start: int, end: int, floating: tzinfo = UTC, limit: int = MAX_INSTANCES) -> Component:
    """Every instance in [start, end) as a component of its own, in UTC, without rules and time zones (§9.6.5).

    All-day and floating times stay what they are: no time zone tells their UTC.

    Raises:
        TooManyInstances: more than `limit`, or than can be told with so many properties each.
    """
    calendar = obj.calendar
    zones = _zones(calendar)
    sources = [_without_recurrence(each) for each in calendar.components if each.name != "VTIMEZONE"]
    master = _without_recurrence(obj.components[0])
    new = Component(calendar.name, calendar.properties)
    lines = 0
    for number, found in enumerate(obj.series.instances(start, end, floating, limit)):
        source = sources[found.override_index] if found.override_index >= 0 else master
        lines += len(source.properties) + sum(len(inner.properties) for inner in source.components)
        if lines > _MOST_LINES:
            raise TooManyInstances(number)
        new.components.append(_instance(source, found, zones, floating))
    return new


def _without_recurrence(source: Component) -> Component:
    left = [prop for prop in source.properties if prop.name not in _RECURRENCE]
    return Component(source.name, left, source.components, source.line)


def _instance(source: Component, found: Instance, zones: Mapping[str, Component], floating: tzinfo) -> Component:
    properties: list[Property] = []
    for prop in source.properties:
        name = prop.name
        if name == "DTSTART" or (name == "DUE" and source.get("DTSTART") is None):
            properties.append(_at(prop, found.start, found.all_day, zones, floating))
            if found.recurrence_id:
                is_date = "T" not in found.recurrence_id
                params = [("VALUE", ["DATE"])] if is_date else []
                properties.append(Property("RECURRENCE-ID", found.recurrence_id, params))
        elif name in ("DTEND", "DUE"):
            properties.append(_at(prop, found.end, found.all_day, zones, floating))
        elif prop.params and prop.param("TZID") is not None:
            properties.append(_in_utc(prop, zones))
        else:
            properties.append(prop)
    return Component(source.name, _as_long(properties, found), source.components)


def _as_long(properties: list[Property], found: Instance) -> list[Property]:
    """A DURATION that an instance in UTC has: a PERIOD's own (RDATE), or days of another length than UTC's."""
    names = {prop.name: prop for prop in properties}
    known, length = names.get("DURATION"), found.end - found.start
    if "DTSTART" not in names or not names["DTSTART"].value.endswith("Z") or names.keys() & {"DTEND", "DUE"}:
        return properties
    before = read_duration(known.value, known.line).total if known is not None else 0
    if before == length:
        return properties
    left = [prop for prop in properties if prop.name != "DURATION"]
    return [*left, Property("DURATION", f"PT{length}S")]


def _at(prop: Property, instant_s: int, all_day: bool, zones: Mapping[str, Component], floating: tzinfo) -> Property:
    """A time property of one instance, in the form in which §9.6.5 wants it."""
    params = [(name, values) for name, values in prop.params if name not in ("TZID", "VALUE")]
    if all_day:
        text = write_wall(wall_at(instant_s, floating), is_date=True)
        return Property(prop.name, text, [*params, ("VALUE", ["DATE"])])
    if prop.value.strip()[-1:] not in ("Z", "z"):
        tzid = prop.param("TZID")
        if tzid is None or timezones.resolve(tzid, zones) is None:
            return Property(prop.name, write_wall(wall_at(instant_s, floating)), params)
    return Property(prop.name, write_wall(instant_s, utc=True), params)


def _in_utc(prop: Property, zones: Mapping[str, Component]) -> Property:
    """Any other property with a TZID; a value that is no time only loses the reference."""
    params = [(name, values) for name, values in prop.params if name != "TZID"]
    zone = timezones.resolve(prop.param("TZID") or "", zones)
    try:
        moments = [read_moment(piece) for piece in prop.value.split(",")]
    except BadFormat:
        return Property(prop.name, prop.value, params)
    if zone is None or any(moment.is_date for moment in moments):
        return Property(prop.name, prop.value, params)
    walls = [moment.wall if moment.is_utc else instant(moment.wall, zone) for moment in moments]
    return Property(prop.name, ",".join(write_wall(wall, utc=True) for wall in walls), params)


def _zones(calendar: Component) -> dict[str, Component]:
    return {each.value("TZID").strip(): each for each in calendar.components if each.name == "VTIMEZONE"}


def limit_recurrence_set(obj: CalendarObject, start: int, end: int, floating: tzinfo = UTC) -> Component:
    """The master, and of the overridden instances those that are or would have been in [start, end) (§9.6.6)."""
    series = obj.series
    others = {part.index: part for part in series.others if part.key is not None}
    new = Component(obj.calendar.name, obj.calendar.properties)
    index = -1
    for each in obj.calendar.components:
        if each.name != "VTIMEZONE":
            index += 1
            part = others.get(index)
            if part is not None and not _impacts(series, part, start, end, floating):
                continue
        new.components.append(each)
    return new


def _impacts(series: Series, part: Part, start: int, end: int, floating: tzinfo) -> bool:
    def zone_of(index: int) -> tzinfo:
        return floating if index == FLOATING else timezones.loads(series.zones[index]) or floating

    if hits(part.form, *extent(part, part.wall, zone_of(part.zone)), start, end):
        return True
    master = series.master
    if master is None or part.key is None:
        return False
    zone = zone_of(master.zone)
    wall = part.key if master.zone == FLOATING else wall_at(part.key, zone)
    before, after = extent(master, wall, zone)
    if part.flags & AND_FUTURE and before < end:
        return True  # later instances follow it, and some may be in the range
    return hits(master.form, before, after, start, end)


def limit_freebusy_set(calendar: Component, start: int, end: int) -> Component:
    """Only the FREEBUSY values that intersect [start, end) (§9.6.7)."""
    new = Component(calendar.name, calendar.properties)
    for each in calendar.components:
        if each.name != "VFREEBUSY":
            new.components.append(each)
            continue
        kept: list[Property] = []
        for prop in each.properties:
            if prop.name != "FREEBUSY":
                kept.append(prop)
                continue
            periods = [text for text in prop.value.split(",") if _intersects(text, prop.line, start, end)]
            if periods:
                kept.append(Property(prop.name, ",".join(periods), prop.params))
        new.components.append(Component(each.name, kept, each.components))
    return new


def _intersects(period: str, line: int, start: int, end: int) -> bool:
    first, _, last = period.partition("/")
    begin = read_moment(first, line).wall
    if last.strip()[:1] in ("P", "p", "+"):
        finish = begin + read_duration(last, line).total
    else:
        finish = read_moment(last, line).wall
    return start < finish and end > begin
