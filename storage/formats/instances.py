"""One instance of a series as a component of its own, made from the series alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import tzinfo

from storage.errors import BadFormat, TooManyInstances
from storage.formats import timezones
from storage.formats.contentline import Component, Property
from storage.formats.datetimes import instant, read_moment
from storage.formats.series import Instance, Series

_TIMES = frozenset({"RRULE", "RDATE", "EXDATE", "EXRULE", "DTSTART", "DTEND", "DURATION", "DUE"})
_TEXTS = ("SUMMARY", "DESCRIPTION", "LOCATION")
_DAY = 86_400


def override(calendar: Component, master: Component, recurrence_id: Property) -> Component | None:
    """The instance that a RECURRENCE-ID names, with the times of the series; None if there is no such one."""
    fitting = _found(calendar, recurrence_id, lambda index: index == -1)
    if fitting is None:
        return None
    params = [pair for pair in recurrence_id.params if pair[0] in ("TZID", "VALUE")]
    value = recurrence_id.value.strip()
    properties = [Property(p.name, p.value, [*p.params], p.group) for p in master.properties if p.name not in _TIMES]
    properties += [Property("RECURRENCE-ID", value, [*params]), Property("DTSTART", value, [*params])]
    length = fitting.end - fitting.start
    if length:
        whole = fitting.all_day and length % _DAY == 0
        properties.append(Property("DURATION", f"P{length // _DAY}D" if whole else f"PT{length}S"))
    return Component(master.name, properties)


def plain(calendar: Component, master: Component, part: Component) -> bool:
    """Whether an instance of its own takes place as its series says, in all that people answer to."""
    named = part.get("RECURRENCE-ID")
    if named is None or any(_text(master, name) != _text(part, name) for name in _TEXTS):
        return False
    zones = calendar.of("VTIMEZONE")
    before = _found(Component("VCALENDAR", [], [*zones, master]), named, lambda index: index == -1)
    after = _found(Component("VCALENDAR", [], [*zones, master, part]), named, lambda index: index != -1)
    return before is not None and after is not None and (before.start, before.end) == (after.start, after.end)


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


def align(old: Component, new: Component) -> bool:
    """Name the instances of `new` as `old` does, where a client says it otherwise; gives whether it said any so."""
    known = [each for each in old.components if each.get("RECURRENCE-ID") is not None]
    fresh = [each for each in new.components if each.name != "VTIMEZONE"]
    if len(known) == len(fresh) == 1 and not _recurs(fresh[0]) and len(old.components) == 1 + len(old.of("VTIMEZONE")):
        # Some programs take the only instance that they have for an event of its own.
        fresh[0].properties += [prop for prop in known[0].properties if prop.name == "RECURRENCE-ID"]
        return True
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


def _text(component: Component, name: str) -> str:
    return component.value(name).strip().replace("\\N", "\\n")


def _found(calendar: Component, recurrence_id: Property, fits: Callable[[int], bool]) -> Instance | None:
    """The instance that begins when a RECURRENCE-ID says, and is made as `fits` likes it."""
    at = moment(calendar, recurrence_id)
    if at is None:
        return None
    try:
        found = Series.of(calendar).instances(at, at + 1, limit=500)
    except (BadFormat, TooManyInstances):
        return None
    return next((one for one in found if one.start == at and fits(one.override_index)), None)
