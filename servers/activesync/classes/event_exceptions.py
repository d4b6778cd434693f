"""Single instances of a series that a device changed or took away ([MS-ASCAL] §2.2.2.21, §2.2.2.20; RFC 5545 §3.8.4.4).

Up to 14.1 a change brings the whole list of them; from 16.0 on a device names one instance and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from servers.activesync.classes import event_details, event_people, event_times
from servers.activesync.classes.event_times import Times
from servers.activesync.classes.item_class import Context, Unconvertible
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSyncBase, Calendar
from storage.formats import itip
from storage.formats.contentline import Component, Property, render
from storage.formats.datetimes import Moment, instant, wall_at, write_wall
from storage.formats.icalendar import CalendarObject

EXCEPTIONS_MAX: Final = 1_000
_NOT_OF_ONE: Final = frozenset(
    {"RRULE", "EXRULE", "RDATE", "EXDATE", "RECURRENCE-ID", "DTSTART", "DTEND", "DURATION"}
)
"""What an instance does not have of its series."""


def write(
    calendar: Component, master: Component, data: Element, times: Times, context: Context, *, keep: bool
) -> None:
    """Make the exceptions of a series those of the device; without its list they stay, if `keep` is set."""
    said = data.find(Calendar.Exceptions)
    recurs = master.get("RRULE") is not None or master.get("RDATE") is not None
    if said is None or not recurs:
        if not keep:
            _forget(calendar, master)
        return
    zones = event_times.zones_of(calendar)
    known = _Known(calendar, master, times, zones)
    told_all = len(known.overrides) + len(known.excluded) <= EXCEPTIONS_MAX
    kept: set[str] = set()
    for one in said.all(Calendar.Exception)[:EXCEPTIONS_MAX]:
        kept.add(change(calendar, master, one, _original(one), times, context, zones, known))
    if told_all:  # else it says nothing of those that it does not know
        gone = [one for key, one in known.overrides.items() if key not in kept]
        calendar.components = [one for one in calendar.components if all(one is not each for each in gone)]
        known.again |= known.excluded - kept
    known.include()


def write_own(calendar: Component, master: Component, data: Element, times: Times, context: Context) -> None:
    """What a guest's device up to 14.1 says of single instances: which he takes out of his calendar, what is his own.

    One that he took away before and does not name now stays away.

    Raises:
        Unconvertible: an exception is at no time.
    """
    said = data.find(Calendar.Exceptions)
    if said is None or (master.get("RRULE") is None and master.get("RDATE") is None):
        return
    zones = event_times.zones_of(calendar)
    known = _Known(calendar, master, times, zones)
    for one in said.all(Calendar.Exception)[:EXCEPTIONS_MAX]:
        change(calendar, master, one, _original(one), times, context, zones, known)


def _original(said: Element) -> int:
    text = said.text_of(Calendar.ExceptionStartTime) or said.text_of(AirSyncBase.InstanceId)
    if not text:
        raise Unconvertible("an exception without its time")
    return event_times.seconds_of(text)


def change(
    calendar: Component, master: Component, said: Element, original: int, times: Times, context: Context,
    zones: Mapping[str, Component], among: _Known | None = None,
) -> str:  # fmt: skip
    """Change or take away one instance, by the instant at which the series has it; its id as `_key` spells it."""
    moment = _moment(original, times, context)
    key = _key(moment)
    known = among or _Known(calendar, master, times, zones)
    override = known.overrides.get(key)
    if said.text_of(Calendar.Deleted) == "1":
        if override is not None and override.value("STATUS").strip().upper() == "CANCELLED":
            return key
        if override is not None:
            calendar.components = [one for one in calendar.components if one is not override]
            del known.overrides[key]
        known.again.discard(key)
        if key not in known.excluded:
            known.excluded.add(key)
            master.properties.append(_property("EXDATE", moment, times))
        return key
    if event_people.attends(master, context):
        if key not in known.excluded:
            part = override or _made(calendar, master, moment, times)
            _change_own(calendar, part, said, context, fresh=override is None)
        return key
    if override is None:
        override = known.overrides[key] = _made(calendar, master, moment, times)
    own = event_times.of(override, zones, context.zone)
    event_details.write_times(calendar, override, said, own, context)
    event_details.write_details(override, said, context, inherits=True)
    people = said.find(Calendar.Attendees)
    if people is not None and people.children:
        event_people.write(override, people.all(Calendar.Attendee))
    known.again.add(key)
    if among is None:
        known.include()
    return key


def _change_own(calendar: Component, part: Component, said: Element, context: Context, *, fresh: bool) -> None:
    """Take from what a guest says of an instance what is his own; one of its own is made only for something of that."""
    before = render(part)
    event_details.write_own(part, said, context, inherits=True)
    event_people.answer(part, said, context)
    if fresh and render(part) == before:
        calendar.components = [one for one in calendar.components if one is not part]


class _Known:
    """The exceptions that a series has, by their ids; a device speaks of a thousand of them at once."""

    def __init__(
        self, calendar: Component, master: Component, times: Times, zones: Mapping[str, Component]
    ) -> None:
        self._master: Final = master
        self._as: Final = (times, zones)
        self.overrides: Final[dict[str, Component]] = {}
        for one in _overrides(calendar):
            prop = one.get("RECURRENCE-ID")
            if prop is not None:
                self.overrides.setdefault(_spelled(prop, prop.value, *self._as), one)
        self.excluded: Final = {
            _spelled(prop, value, *self._as) for prop in master.all("EXDATE") for value in prop.value.split(",")
        }
        self.again: set[str] = set()
        """Instances that were taken away and are there again."""

    def include(self) -> None:
        """Take `again` out of what is taken away."""
        wanted = self.again & self.excluded
        if not wanted:
            return
        kept: list[Property] = []
        for prop in self._master.properties:
            if prop.name == "EXDATE":
                values = [value for value in prop.value.split(",") if _spelled(prop, value, *self._as) not in wanted]
                if not values:
                    continue
                prop.value = ",".join(values)
            kept.append(prop)
        self._master.properties = kept


def instance(calendar: Component, master: Component, original: int, times: Times, context: Context) -> Component:
    """The component of one instance, by the instant at which the series has it; it is made where there is none."""
    moment = _moment(original, times, context)
    found = _override(calendar, _key(moment), times, event_times.zones_of(calendar))
    return _made(calendar, master, moment, times) if found is None else found


def known_instance(found: CalendarObject, original: int, context: Context) -> Component | None:
    """The same of a series as it is stored; None if it has no such instance."""
    master = found.master
    assert master is not None
    zones = event_times.zones_of(found.calendar)
    times = event_times.of(master, zones, context.zone)
    moment = _moment(original, times, context)
    known = _override(found.calendar, _key(moment), times, zones)
    if known is not None:
        return known
    at = moment.wall if moment.is_utc else instant(moment.wall, times.zone)
    there = found.series.instances(at, at + 1, context.zone)
    if all(one.start != at or one.override_index != -1 for one in there):
        return None
    return _made(found.calendar, master, moment, times)


def _made(calendar: Component, master: Component, moment: Moment, times: Times) -> Component:
    own = itip.copies(one for one in master.properties if one.name not in _NOT_OF_ONE)
    override = Component(master.name, own, [itip.clone(each) for each in master.components])
    length = times.over - times.begin
    if times.all_day:
        ends = moment._replace(wall=moment.wall + times.end.wall - times.start.wall)
    else:
        ends = moment._replace(wall=moment.wall + length)
    override.properties += [
        _property("RECURRENCE-ID", moment, times),
        _property("DTSTART", moment, times),
        _property("DTEND", ends, times),
    ]
    calendar.components.append(override)
    return override


def _moment(original: int, times: Times, context: Context) -> Moment:
    if times.all_day:
        return Moment(event_times.day_of(original, times.zone, context), True, False)
    if times.start.is_utc:
        return Moment(original, False, True)
    return Moment(wall_at(original, times.zone), False, False)


def _key(moment: Moment) -> str:
    return write_wall(moment.wall, is_date=moment.is_date)


def _property(name: str, moment: Moment, times: Times) -> Property:
    if moment.is_date:
        return Property(name, write_wall(moment.wall, is_date=True), [("VALUE", ["DATE"])])
    return Property(
        name, write_wall(moment.wall, utc=moment.is_utc), [("TZID", [times.tzid])] if times.tzid else []
    )


def _overrides(calendar: Component) -> list[Component]:
    return [one for one in calendar.components if one.name == "VEVENT" and one.get("RECURRENCE-ID") is not None]


def _spelled(prop: Property, value: str, times: Times, zones: Mapping[str, Component]) -> str:
    """The id of an instance as `_key` spells it, whatever its own spelling."""
    moment, zone = event_times.instance_of(event_times.of_value(prop, value), zones, times)
    if not moment.is_date and (moment.is_utc != times.start.is_utc or zone is not times.zone):
        seconds = moment.wall if moment.is_utc else instant(moment.wall, zone)
        moment = Moment(seconds if times.start.is_utc else wall_at(seconds, times.zone), False, times.start.is_utc)
    return _key(moment)


def _override(calendar: Component, key: str, times: Times, zones: Mapping[str, Component]) -> Component | None:
    for one in _overrides(calendar):
        prop = one.get("RECURRENCE-ID")
        if prop is not None and _spelled(prop, prop.value, times, zones) == key:
            return one
    return None


def _forget(calendar: Component, master: Component) -> None:
    calendar.components = [one for one in calendar.components if one.get("RECURRENCE-ID") is None]
    master.properties = [one for one in master.properties if one.name != "EXDATE"]
