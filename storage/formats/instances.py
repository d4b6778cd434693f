"""One instance of a series as a component of its own, made from the series alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from datetime import tzinfo
from typing import Final, Self

from storage.errors import BadFormat, TooManyInstances
from storage.formats import timezones
from storage.formats.contentline import Component, Property
from storage.formats.datetimes import instant, read_moment
from storage.formats.series import Instance, Series
from storage.formats.series_parts import ranged

_TIMES = frozenset({"RRULE", "RDATE", "EXDATE", "EXRULE", "DTSTART", "DTEND", "DURATION", "DUE"})
_TEXTS = ("SUMMARY", "DESCRIPTION", "LOCATION")
_DAY = 86_400
_MOST: Final = 500


def override(calendar: Component, master: Component, recurrence_id: Property) -> Component | None:
    """The instance that a RECURRENCE-ID names, with the times of the series; None if there is no such one."""
    return Whole(calendar, master).override(recurrence_id)


class Whole:
    """A series without its exceptions' components, which is read once however many of its instances are asked for."""

    def __init__(self, calendar: Component, master: Component) -> None:
        """`calendar` has the time zones, and whatever else decides when an instance of `master` takes place."""
        self._zones: Final = calendar.of("VTIMEZONE")
        self._name: Final = master.name
        self._kept: Final = [prop for prop in master.properties if prop.name not in _TIMES]
        self._alarms: Final = [each for each in master.of("VALARM") if not _is_fixed(each)]
        self._texts: Final = [_text(master, name) for name in _TEXTS]
        self._moments: Final = _Moments(calendar)
        self._series: Series | None = None
        self._gone: set[int] = set()
        self._days: frozenset[int] = frozenset()
        self._dates: dict[int, list[tuple[int, int, int, int]]] = {}
        self._before: int | None = None
        """From which moment on another component says how instances take place (RANGE)."""
        with suppress(BadFormat, TooManyInstances):
            self._read(Series.of(calendar))

    @classmethod
    def alone(cls, calendar: Component, master: Component) -> Self:
        """The series as its own component says it, with the time zones of a calendar."""
        return cls(Component("VCALENDAR", [], [*calendar.of("VTIMEZONE"), master]), master)

    def _read(self, series: Series) -> None:
        self._gone = {part.key for part in series.others if part.key is not None}
        modes = ranged(series.others)
        self._before = modes[0].key if modes else None
        found = series.recurrence
        if found is not None:
            self._gone.update(found.exception_keys)
            self._days = frozenset(found.exception_days)
            for date in found.dates:
                self._dates.setdefault(series.key_of(date), []).append(date)
        self._series = replace(series, others=[])

    def override(self, recurrence_id: Property) -> Component | None:
        """The instance that a RECURRENCE-ID names, as a component; None if there is no such one."""
        fitting = self._found(recurrence_id)
        if fitting is None:
            return None
        params = [pair for pair in recurrence_id.params if pair[0] in ("TZID", "VALUE")]
        value = recurrence_id.value.strip()
        properties = [Property(p.name, p.value, [*p.params], p.group) for p in self._kept]
        properties += [Property("RECURRENCE-ID", value, [*params]), Property("DTSTART", value, [*params])]
        length = fitting.end - fitting.start
        if length:
            whole = fitting.all_day and length % _DAY == 0
            properties.append(Property("DURATION", f"P{length // _DAY}D" if whole else f"PT{length}S"))
        return Component(self._name, properties, deepcopy(self._alarms))

    def has(self, recurrence_id: Property) -> bool:
        """Whether there is the instance that a RECURRENCE-ID names."""
        return self._found(recurrence_id) is not None

    def plain(self, part: Component) -> bool:
        """Whether an instance of its own takes place as its series says, in all that people answer to."""
        named = part.get("RECURRENCE-ID")
        if named is None or self._texts != [_text(part, name) for name in _TEXTS]:
            return False
        before = self._found(named)
        if before is None:
            return False
        try:
            alone = Series.of(Component("VCALENDAR", [], [*self._zones, part]))
            after = alone.instances(before.start, before.start + 1, limit=_MOST)
        except (BadFormat, TooManyInstances):
            return False
        return any((before.start, before.end) == (one.start, one.end) for one in after)

    def _found(self, recurrence_id: Property) -> Instance | None:
        """The instance of the series itself that begins when a RECURRENCE-ID says."""
        at = self._moments.of(recurrence_id)
        series = self._series
        if at is None or series is None or at in self._gone or (self._before is not None and at >= self._before):
            return None
        if series.recurrence is not None:
            # All other dates are left aside: they may be thousands, and so may those who ask.
            days = [day for day in range(at // _DAY - 2, at // _DAY + 3) if day in self._days]
            near = series.recurrence._replace(dates=self._dates.get(at, []), exception_keys=[], exception_days=days)
            series = replace(series, recurrence=near)
        try:
            found = series.instances(at, at + 1, limit=_MOST)
        except TooManyInstances:
            return None
        return next((one for one in found if one.start == at and one.override_index == -1), None)


def by_moment(calendar: Component, parts: Iterable[Component]) -> dict[int, Component]:
    """The instances among some parts of a calendar, by the UTC seconds of their RECURRENCE-ID in whatever form."""
    moments = _Moments(calendar)
    found: dict[int, Component] = {}
    for each in parts:
        prop = each.get("RECURRENCE-ID")
        at = moments.of(prop) if prop is not None else None
        if at is not None:
            found[at] = each
    return found


def moment(calendar: Component, recurrence_id: Property) -> int | None:
    """When a RECURRENCE-ID says, in UTC seconds, of floating times as if they were UTC; None if it says nothing."""
    return _Moments(calendar).of(recurrence_id)


def moments(calendar: Component) -> Callable[[Property], int | None]:
    """The same of many properties of one calendar, each of whose zones is read once."""
    return _Moments(calendar).of


def align(old: Component, new: Component) -> bool:
    """Name the instances of `new` as `old` does, where a client says it otherwise; gives whether it said any so."""
    known = [each for each in old.components if each.get("RECURRENCE-ID") is not None]
    fresh = [each for each in new.components if each.name != "VTIMEZONE"]
    if len(known) == len(fresh) == 1 and not _recurs(fresh[0]) and len(old.components) == 1 + len(old.of("VTIMEZONE")):
        # Some programs take the only instance that they have for an event of its own.
        fresh[0].properties += [prop for prop in known[0].properties if prop.name == "RECURRENCE-ID"]
        return True
    return rename(old, new)


def rename(old: Component, new: Component) -> bool:
    """The same, and nothing else, of those that `new` names as instances."""
    known = [each for each in old.components if each.get("RECURRENCE-ID") is not None]
    forms = {_form(each) for each in known}
    strange = [each for each in new.components if each.get("RECURRENCE-ID") is not None and _form(each) not in forms]
    if not known or not strange:
        return False
    stored = by_moment(old, known)
    aligned = False
    for at, each in by_moment(new, strange).items():
        form = stored[at].get("RECURRENCE-ID") if at in stored else None
        mine = each.get("RECURRENCE-ID")
        if mine is not None and form is not None:
            mine.value, mine.params = form.value, [*form.params]
            aligned = True
    return aligned


def timed(series: Component, new: Component) -> bool:
    """Give the time of day of a series to instances that `new` names by their day alone; say if there are any.

    RFC 5545 §3.8.4.4 wants the value type of DTSTART there; RFC 2445 did not, and its programs still write mails.
    """
    start = series.get("DTSTART")
    if start is None or series.get("RECURRENCE-ID") is not None or "T" not in start.value.upper():
        return False
    found = False
    for each in new.components:
        mine = each.get("RECURRENCE-ID")
        if mine is not None and len(mine.value.strip()) == 8:
            mine.value = mine.value.strip() + start.value.strip()[8:]
            kept = [pair for pair in mine.params if pair[0] not in ("VALUE", "TZID")]
            mine.params = [*kept, *(pair for pair in start.params if pair[0] == "TZID")]
            found = True
    return found


def _recurs(part: Component) -> bool:
    return any(part.get(name) is not None for name in ("RECURRENCE-ID", "RRULE", "RDATE"))


def _form(part: Component) -> str:
    return part.value("RECURRENCE-ID").strip().upper()


class _Moments:
    """When the properties of a calendar say; each of its zones is read once."""

    def __init__(self, calendar: Component) -> None:
        self._zones = {each.value("TZID").strip(): each for each in calendar.of("VTIMEZONE")}
        self._read: dict[str, tzinfo | None] = {}

    def of(self, prop: Property) -> int | None:
        try:
            found = read_moment(prop.value.strip(), prop.line)
        except BadFormat:
            return None
        tzid = prop.param("TZID")
        if tzid is None or found.is_utc:
            return found.wall
        if tzid not in self._read:
            self._read[tzid] = self._zone(tzid)
        zone = self._read[tzid]
        return instant(found.wall, zone) if zone is not None else found.wall

    def _zone(self, tzid: str) -> tzinfo | None:
        try:
            return timezones.resolve(tzid, self._zones)
        except BadFormat:
            return None


def _is_fixed(alarm: Component) -> bool:
    """Whether it goes off once, at a moment of its own, and not before each instance (RFC 5545 §3.8.6.3)."""
    return alarm.value("TRIGGER").strip()[:1].isdigit()


def _text(component: Component, name: str) -> str:
    return component.value(name).strip().replace("\\N", "\\n")
