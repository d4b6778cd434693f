"""VAVAILABILITY: when somebody can be asked for at all (RFC 7953), as periods beside those of his events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, tzinfo
from heapq import heappop, heappush
from itertools import pairwise
from typing import Final

from storage.errors import BadFormat, BadObject
from storage.formats import timezones
from storage.formats.contentline import Component, Property, parse
from storage.formats.datetimes import instant, read_duration, read_moment
from storage.formats.freebusy import BUSY, TENTATIVE, UNAVAILABLE, Period, merged
from storage.formats.icalendar import one_calendar
from storage.formats.series import FOREVER, Series

MAX_INSTANCES: Final = 20_000
"""Instances of all AVAILABLE together in the range asked about."""
_RANK: Final = (TENTATIVE, UNAVAILABLE, BUSY)
"""RFC 7953 §4: BUSY > BUSY-UNAVAILABLE > BUSY-TENTATIVE; the last one painted shows."""


def read(text: bytes) -> Component:
    """Check a CALDAV:calendar-availability value: a VCALENDAR with VAVAILABILITY components (§7.2.4).

    Raises:
        BadFormat: not iCalendar, or a time or rule that nobody can understand; its line is named.
        BadObject: something else than availability is in it.
    """
    calendar = one_calendar(parse(text))
    for each in calendar.components:
        if each.name not in ("VAVAILABILITY", "VTIMEZONE") and not each.name.startswith("X-"):
            raise BadObject(f"line {each.line}: {each.name[:40]} beside VAVAILABILITY")
    if not calendar.of("VAVAILABILITY"):
        raise BadObject("no VAVAILABILITY in it")
    zones = _zones(calendar)
    for each in calendar.of("VAVAILABILITY"):
        _bounds(each, zones, UTC)
        for series in _available(each, calendar):
            series.instances(0, 1, UTC, MAX_INSTANCES)
    return calendar


def availability(calendar: Component, start: int, end: int, floating: tzinfo = UTC) -> list[Period]:
    """The periods in [start, end) (UTC seconds) when he is not available (§4).

    Raises:
        TooManyInstances: more than `MAX_INSTANCES` of AVAILABLE.
    """
    zones, left = _zones(calendar), MAX_INSTANCES
    paint: list[tuple[int, int, str]] = []
    found = calendar.of("VAVAILABILITY")
    # Lowest priority first: 0, 9, 8 … 1.
    for priority in sorted({_priority(each) for each in found}, reverse=True):
        busy: list[tuple[int, int, str]] = []
        free: list[tuple[int, int, str]] = []
        for each in found:
            if _priority(each) != priority:
                continue
            first, last = _bounds(each, zones, floating)
            first, last = max(first, start), min(last, end)
            if first >= last:
                continue
            kind = each.value("BUSYTYPE").strip().upper()
            busy.append((first, last, kind if kind in _RANK else UNAVAILABLE))
            for series in _available(each, calendar):
                # 64 KiB of property have room for a thousand, and whoever asks when he is free counts them all.
                found_here = series.instances(first, last, floating, left)
                left -= len(found_here)
                free += [(max(inner.start, first), min(inner.end, last), "") for inner in found_here]
        paint += sorted(busy, key=lambda period: _RANK.index(period[2])) + free
    return merged(_visible(paint), start, end)


def _visible(paint: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """What shows of periods painted one over the other; "" is free and does not show."""
    opening = sorted((first, -layer) for layer, (first, last, _) in enumerate(paint) if first < last)
    moments = sorted({moment for first, last, _ in paint for moment in (first, last)})
    found: list[tuple[int, int, str]] = []
    layers: list[int] = []  # negative, so that the uppermost comes first
    position = 0
    for moment, following in pairwise(moments):
        while position < len(opening) and opening[position][0] <= moment:
            heappush(layers, opening[position][1])
            position += 1
        while layers and paint[-layers[0]][1] <= moment:
            heappop(layers)
        if layers and (kind := paint[-layers[0]][2]):
            found.append((moment, following, kind))
    return found


def _priority(component: Component) -> int:
    """1 is the highest, 9 the lowest but for 0 and none (§4), which count as 10 here."""
    text = component.value("PRIORITY").strip()
    return int(text) if text in set("123456789") else 10


def _bounds(component: Component, zones: Mapping[str, Component], floating: tzinfo) -> tuple[int, int]:
    """Which time a VAVAILABILITY speaks about; unbounded where it does not say (§3.1)."""
    begin, finish, length = component.get("DTSTART"), component.get("DTEND"), component.get("DURATION")
    start = _instant(begin, zones, floating) if begin is not None else -FOREVER
    if finish is not None:
        return start, _instant(finish, zones, floating)
    if length is not None and begin is not None:
        return start, start + max(0, read_duration(length.value, length.line).total)
    return start, FOREVER


def _instant(prop: Property, zones: Mapping[str, Component], floating: tzinfo) -> int:
    moment = read_moment(prop.value, prop.line)
    if moment.is_utc:
        return moment.wall
    tzid = prop.param("TZID")
    return instant(moment.wall, (timezones.resolve(tzid, zones) if tzid else None) or floating)


def _available(component: Component, calendar: Component) -> list[Series]:
    """The recurrence sets of the AVAILABLE components, which recur and are overridden like events (§3.1)."""
    groups: dict[str, list[Component]] = {}
    for number, each in enumerate(component.of("AVAILABLE")):
        if each.get("DTSTART") is None:
            raise BadFormat("AVAILABLE without DTSTART", each.line)
        event = Component("VEVENT", each.properties, line=each.line)
        groups.setdefault(each.value("UID").strip() or f"#{number}", []).append(event)
    zones = calendar.of("VTIMEZONE")
    return [Series.of(Component("VCALENDAR", [], [*zones, *events])) for events in groups.values()]


def _zones(calendar: Component) -> dict[str, Component]:
    return {each.value("TZID").strip(): each for each in calendar.of("VTIMEZONE")}
