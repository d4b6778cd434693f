"""CALDAV:filter: which objects a query means, and what of it the index can answer (RFC 4791 §9.7).

`matches` is the rule. `prefilter` says which part of a filter the index columns decide, and whether they decide alone.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import lru_cache
from typing import Final

from storage.errors import BadFormat
from storage.formats import collation, timezones
from storage.formats.contentline import Component, Property, unescape_text
from storage.formats.datetimes import instant, read_moment
from storage.formats.icalendar import STORABLE, CalendarObject, load
from storage.formats.series import FOREVER, Effort, Series, alarm_overlaps


@dataclass(frozen=True, slots=True)
class TimeRange:
    """CALDAV:time-range (§9.9) in UTC seconds, [start, end); None where it is open."""

    start: int | None = None
    end: int | None = None

    @property
    def bounds(self) -> tuple[int, int]:
        return (
            -FOREVER if self.start is None else self.start,
            FOREVER if self.end is None else self.end,
        )


@dataclass(frozen=True, slots=True)
class TextMatch:
    """CALDAV:text-match (§9.7.5): a substring; `collation` is one of `collation.IDENTIFIERS`."""

    text: str
    collation: str = collation.ASCII_CASEMAP
    negate: bool = False


@dataclass(frozen=True, slots=True)
class ParamFilter:
    """CALDAV:param-filter (§9.7.3); `name` upper case, as in all filters."""

    name: str
    is_not_defined: bool = False
    text_match: TextMatch | None = None


@dataclass(frozen=True, slots=True)
class PropFilter:
    """CALDAV:prop-filter (§9.7.2)."""

    name: str
    is_not_defined: bool = False
    time_range: TimeRange | None = None
    text_match: TextMatch | None = None
    params: tuple[ParamFilter, ...] = ()


@dataclass(frozen=True, slots=True)
class CompFilter:
    """CALDAV:comp-filter (§9.7.1); the outermost one names VCALENDAR."""

    name: str
    is_not_defined: bool = False
    time_range: TimeRange | None = None
    props: tuple[PropFilter, ...] = ()
    comps: tuple[CompFilter, ...] = ()


@dataclass(frozen=True, slots=True)
class Prefilter:
    """What must hold of the index row of every object that matches."""

    component: str | None = None
    start: int | None = None
    """With `end`: some instance overlaps this range (`Series.overlaps`); None where it is open."""
    end: int | None = None
    uid: str | None = None
    """The UID contains this text (i;ascii-casemap or i;octet, hence compare without case)."""
    exact: bool = False
    """The converse holds too: component and range decide alone, no body need be read."""


_ESCAPED: Final = re.compile(r"[\\,;:\"'^\s]")
_TIMED: Final = frozenset({"DTSTART", "DTEND", "DUE"})


def matches(wanted: CompFilter, obj: CalendarObject, floating: tzinfo = UTC) -> bool:
    """Whether an object satisfies a filter; floating and all-day times are read in `floating` (§9.8)."""
    if wanted.name != obj.calendar.name:
        return wanted.is_not_defined
    if wanted.is_not_defined or wanted.time_range is not None:
        return False  # it is defined; and a range on VCALENDAR has no meaning (§9.9)
    return _Matcher(obj, floating).calendar(wanted)


def matches_body(wanted: CompFilter, body: bytes, floating: tzinfo = UTC) -> bool:
    """The same for a stored body, which is parsed only if what the filter asks for occurs in it at all."""
    unfolded = body.replace(b"\r\n ", b"").replace(b"\r\n\t", b"").upper()
    if not all(needle in unfolded for needle in _needles(wanted)):
        return False
    return matches(wanted, load(body), floating)


@lru_cache(maxsize=64)
def _needles(wanted: CompFilter) -> tuple[bytes, ...]:
    """Octets, ASCII letters upper case, that occur in every unfolded body that matches."""
    if wanted.is_not_defined:
        return ()
    found = [b"BEGIN:" + wanted.name.encode("utf-8").upper()]
    for comp in wanted.comps:
        found += _needles(comp)
    for prop in wanted.props:
        if prop.is_not_defined:
            continue
        if prop.name not in ("DTEND", "DUE"):  # these may be meant by a DURATION
            found.append(prop.name.encode("utf-8").upper())
        texts = [prop.text_match]
        for param in prop.params:
            if not param.is_not_defined:
                found.append(param.name.encode("utf-8").upper())
                texts.append(param.text_match)
        for text in texts:
            if text is None or text.negate or text.collation == collation.UNICODE_CASEMAP:
                continue
            # What may be escaped in the body separates the runs that stand there as they are.
            longest = max(_ESCAPED.split(text.text), key=len)
            found.append(longest.encode("utf-8", "surrogatepass").upper())
    return tuple(dict.fromkeys(found))


class _Matcher:
    """One object under examination."""

    def __init__(self, obj: CalendarObject, floating: tzinfo) -> None:
        self.obj = obj
        self.floating = floating
        self.effort = Effort()
        self.zones = _zones(obj.calendar)
        self.indices = {
            id(each): index
            for index, each in enumerate(each for each in obj.calendar.components if each.name != "VTIMEZONE")
        }

    def calendar(self, wanted: CompFilter) -> bool:
        calendar = self.obj.calendar
        return all(self.prop(prop, calendar) for prop in wanted.props) and all(
            self.outer(comp) for comp in wanted.comps
        )

    def outer(self, wanted: CompFilter) -> bool:
        """A filter on the events (to-dos, journals, time zones) of the object."""
        found = self.obj.calendar.of(wanted.name)
        if wanted.is_not_defined or not found:
            return wanted.is_not_defined and not found
        fitting = [
            each
            for each in found
            if all(self.prop(prop, each) for prop in wanted.props)
            and all(self.inner(comp, each) for comp in wanted.comps)
        ]
        if not fitting or wanted.time_range is None:
            return bool(fitting)
        if wanted.name not in STORABLE:
            return False  # §9.9 gives a range no meaning there
        series = self.obj.series
        if len(fitting) < len(found):
            # The instance in the range must be one that the other conditions hold of.
            series = _narrowed(series, {self.indices[id(each)] for each in fitting})
        return series.overlaps(*wanted.time_range.bounds, self.floating)

    def inner(self, wanted: CompFilter, outer: Component) -> bool:
        """A filter on what is inside an event or a to-do: its alarms."""
        found = outer.of(wanted.name)
        if wanted.is_not_defined or not found:
            return wanted.is_not_defined and not found
        return any(
            all(self.prop(prop, each) for prop in wanted.props)
            and all(self.inner(comp, each) for comp in wanted.comps)
            and (wanted.time_range is None or self.goes_off(each, outer, wanted.time_range))
            for each in found
        )

    def goes_off(self, alarm: Component, outer: Component, wanted: TimeRange) -> bool:
        if alarm.name != "VALARM" or id(outer) not in self.indices:
            return False
        try:
            index = self.indices[id(outer)]
            return alarm_overlaps(self.obj.series, index, alarm, *wanted.bounds, self.floating, self.effort)
        except BadFormat:
            return False  # stored though nobody understands when it goes off

    def prop(self, wanted: PropFilter, component: Component) -> bool:
        found = component.all(wanted.name)
        if wanted.is_not_defined:
            return not found
        wanted_range = wanted.time_range
        if not found:
            # §9.9: where DTEND (DUE) is missing and DURATION is not, the effective one counts.
            effective = {"DTEND": "VEVENT", "DUE": "VTODO"}.get(wanted.name) == component.name
            if wanted_range is None or wanted.params or not effective:
                return False
            return component.get("DURATION") is not None and self.timed(wanted.name, component, wanted_range)
        return any(
            (wanted.text_match is None or _text(wanted.text_match, [unescape_text(prop.value)]))
            and (wanted_range is None or self.in_range(prop, component, wanted_range))
            and all(_param(param, prop) for param in wanted.params)
            for prop in found
        )

    def in_range(self, prop: Property, component: Component, wanted: TimeRange) -> bool:
        """start <= date-time and end > date-time (§9.9)."""
        if prop.name in _TIMED and id(component) in self.indices:
            return self.timed(prop.name, component, wanted)
        start, end = wanted.bounds
        try:
            moment = read_moment(prop.value)
        except BadFormat:
            return False
        if moment.is_utc:
            return start <= moment.wall < end
        tzid = prop.param("TZID")
        zone = timezones.resolve(tzid, self.zones) if tzid is not None else None
        return start <= instant(moment.wall, zone or self.floating) < end

    def timed(self, name: str, component: Component, wanted: TimeRange) -> bool:
        """DTSTART, DTEND and DUE: every instance counts with its own (§9.9).

        A fictitious alarm at the very start (end) goes off in the range just when it lies there.
        """
        trigger = Property("TRIGGER", "PT0S", [] if name == "DTSTART" else [("RELATED", ["END"])])
        return self.goes_off(Component("VALARM", [trigger]), component, wanted)


def _narrowed(series: Series, indices: set[int]) -> Series:
    """The series without the instances of all other components."""
    others = [part for part in series.others if part.index in indices]
    gone = [part.key for part in series.others if part.index not in indices and part.key is not None]
    recurrence = series.recurrence
    if recurrence is not None:
        recurrence = recurrence._replace(exception_keys=[*recurrence.exception_keys, *gone])
    master = series.master if series.master is not None and series.master.index in indices else None
    return dataclasses.replace(series, master=master, others=others, recurrence=recurrence)


def _zones(calendar: Component) -> Mapping[str, Component]:
    return {each.value("TZID").strip(): each for each in calendar.components if each.name == "VTIMEZONE"}


def _param(wanted: ParamFilter, prop: Property) -> bool:
    values = prop.params_of(wanted.name)
    if wanted.is_not_defined or not values:
        return wanted.is_not_defined and not values
    return wanted.text_match is None or _text(wanted.text_match, values)


def _text(wanted: TextMatch, values: Iterable[str]) -> bool:
    """One of the values contains the text; negated: none does."""
    hit = any(collation.contains(wanted.collation, value, wanted.text) for value in values)
    return hit != wanted.negate


def prefilter(wanted: CompFilter) -> Prefilter:
    """What the index can decide of a filter."""
    if wanted.name != "VCALENDAR" or wanted.is_not_defined or wanted.time_range is not None:
        return Prefilter()
    named = [comp for comp in wanted.comps if comp.name in STORABLE and not comp.is_not_defined]
    if not named:
        return Prefilter(exact=not wanted.props and not wanted.comps)
    comp = named[0]
    uid = next(filter(None, map(_uid, comp.props)), None)
    start = comp.time_range.start if comp.time_range is not None else None
    end = comp.time_range.end if comp.time_range is not None else None
    alone = len(wanted.comps) == 1 and not (wanted.props or comp.props or comp.comps)
    return Prefilter(comp.name, start, end, uid, alone)


def _uid(prop: PropFilter) -> str | None:
    """The text that a UID must contain for this condition to hold."""
    wanted = prop.text_match
    if prop.name != "UID" or prop.is_not_defined or wanted is None or wanted.negate:
        return None
    return wanted.text if wanted.text.isascii() and wanted.collation != collation.UNICODE_CASEMAP else None
