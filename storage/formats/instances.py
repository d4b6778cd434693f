"""One instance of a series as a component of its own, made from the series alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable

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
    moment = part.get("RECURRENCE-ID")
    if moment is None or any(_text(master, name) != _text(part, name) for name in _TEXTS):
        return False
    zones = calendar.of("VTIMEZONE")
    before = _found(Component("VCALENDAR", [], [*zones, master]), moment, lambda index: index == -1)
    after = _found(Component("VCALENDAR", [], [*zones, master, part]), moment, lambda index: index != -1)
    return before is not None and after is not None and (before.start, before.end) == (after.start, after.end)


def same(calendar: Component, parts: Iterable[Component], recurrence_id: Property) -> Component | None:
    """The one of these parts of a calendar that is the instance of a RECURRENCE-ID, in whatever form it says when."""
    try:
        at = _at(calendar, recurrence_id)
        for each in parts:
            known = each.get("RECURRENCE-ID")
            if known is not None and _at(calendar, known) == at:
                return each
    except BadFormat:
        return None
    return None


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
    aligned = False
    for each in strange if known else ():
        mine = each.get("RECURRENCE-ID")
        stored = same(old, known, mine) if mine is not None else None
        form = stored.get("RECURRENCE-ID") if stored is not None else None
        if mine is not None and form is not None:
            mine.value, mine.params = form.value, [*form.params]
            aligned = True
    return aligned


def _recurs(part: Component) -> bool:
    return any(part.get(name) is not None for name in ("RECURRENCE-ID", "RRULE", "RDATE"))


def _form(part: Component) -> str:
    return part.value("RECURRENCE-ID").strip().upper()


def _at(calendar: Component, recurrence_id: Property) -> int:
    """UTC seconds, of floating times as if they were UTC; zones are those of `calendar`."""
    moment = read_moment(recurrence_id.value.strip(), recurrence_id.line)
    tzid = recurrence_id.param("TZID")
    zones = {each.value("TZID").strip(): each for each in calendar.of("VTIMEZONE")}
    zone = timezones.resolve(tzid, zones) if tzid is not None and not moment.is_utc else None
    return instant(moment.wall, zone) if zone is not None else moment.wall


def _text(component: Component, name: str) -> str:
    return component.value(name).strip().replace("\\N", "\\n")


def _found(calendar: Component, recurrence_id: Property, fits: Callable[[int], bool]) -> Instance | None:
    """The instance that begins when a RECURRENCE-ID says, and is made as `fits` likes it."""
    try:
        at = _at(calendar, recurrence_id)
        found = Series.of(calendar).instances(at, at + 1, limit=500)
    except (BadFormat, TooManyInstances):
        return None
    return next((one for one in found if one.start == at and fits(one.override_index)), None)
