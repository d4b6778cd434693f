"""A series of tasks as a device has it: the instance to be done next ([MS-ASTASK] §2.2.2.11, RFC 5545 §3.8.4.4).

A device knows one task with a rule. When it is completed that instance is done, and the next one takes its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import Final

from servers.activesync.classes import event_times, task_dates, task_rule
from servers.activesync.classes.item_class import Context
from servers.activesync.classes.task_dates import Dates, Zones
from servers.activesync.wbxml.element import Element
from storage.errors import BadFormat, TooManyInstances
from storage.formats import itip
from storage.formats.contentline import Component, Property
from storage.formats.datetimes import DAY, MAX_WALL, instant, read_moment, wall_at, write_wall
from storage.formats.recurrence import Rule

_OF_SERIES: Final = frozenset({"RRULE", "RDATE", "EXDATE", "EXRULE", "DTSTART", "DUE", "DURATION", "RECURRENCE-ID"})
_OVER: Final = ("COMPLETED", "CANCELLED")


def is_done(task: Component) -> bool:
    """Whether a task, or an instance of one, is complete."""
    return task.value("STATUS").strip().upper() == "COMPLETED" or task.get("COMPLETED") is not None


def current(calendar: Component, task: Component, context: Context) -> tuple[Dates, bool]:
    """The dates of the first instance that is neither done nor taken away, and whether there is one.

    Of a single task, of a series that no device knows and of one without such an instance: those of the task itself.
    """
    zones = event_times.zones_of(calendar)
    own = task_dates.of(task, zones, context)
    over = _over(calendar, task, zones, context)
    if not over or not _is_known(task, own, context):
        return own, True
    found = next(_open(task, over, zones, context), None)
    if found is None:
        return own, False
    return task_dates.of(task, zones, context, shift=found[1], index=found[0]), True


def goes_on(calendar: Component, task: Component, dates: Dates, context: Context) -> bool:
    """Whether there is an instance to be done after the one at `dates`."""
    if task.get("RRULE") is None or is_done(task) or not _is_known(task, dates, context):
        return False
    zones = event_times.zones_of(calendar)
    over = _over(calendar, task, zones, context)
    return next((True for index, _ in _open(task, over, zones, context) if index > dates.index), False)


def complete(
    calendar: Component, task: Component, dates: Dates, data: Element, finished: str, context: Context
) -> None:
    """Make the instance at `dates` one that is done, by a component of its own; `finished` is when (COMPLETED).

    Raises:
        Unconvertible: a date of the instance that the device gives is none.
    """
    begin = task.get("DTSTART")
    assert begin is not None  # else nothing goes on
    found = _override(calendar, task, begin, dates, context)
    if found is None:
        at = _shifted(begin, dates.shift)
        properties = itip.copies(one for one in task.properties if one.name not in _OF_SERIES)
        properties += [Property("RECURRENCE-ID", at.value, [*at.params]), at]
        for name in ("DUE", "DURATION"):
            if (prop := task.get(name)) is not None:
                properties.append(_shifted(prop, dates.shift) if name == "DUE" else itip.copies([prop])[0])
        found = Component(task.name, properties)  # without alarms: what is done needs none
        calendar.components.append(found)
        task_dates.write(calendar, found, data, dates, context, whole=False, recurs=False)
    itip.set_value(found, "COMPLETED", finished)
    itip.set_value(found, "STATUS", "COMPLETED")
    itip.set_value(found, "PERCENT-COMPLETE", "100")


def done_instances(components: list[Component]) -> int:
    """How many instances of a series are done."""
    return sum(one.get("RECURRENCE-ID") is not None and is_done(one) for one in components)


def _is_known(task: Component, dates: Dates, context: Context) -> bool:
    return task.get("RRULE") is not None and dates.start is not None and task_rule.of(task, dates, context) is not None


def _open(task: Component, over: Set[int], zones: Zones, context: Context) -> Iterator[tuple[int, int]]:
    """Of each instance that is not over, how many come before it and how many seconds on the wall."""
    begin = task.get("DTSTART")
    if begin is None:
        return
    moment, zone = event_times.moment_of(begin, zones, context.zone)
    rule = Rule.parse(task.value("RRULE"))
    try:
        last = rule.last_wall(moment.wall, zone, is_date=moment.is_date)
    except (BadFormat, TooManyInstances):
        return
    if moment.wall not in over:
        yield 0, 0
    high = MAX_WALL if last is None else last + 1
    for index, wall in enumerate(rule.walls(moment.wall, moment.wall + 1, high), 1):
        if wall not in over:
            yield index, wall - moment.wall


def _over(calendar: Component, task: Component, zones: Zones, context: Context) -> set[int]:
    """Walls of the instances that are done, cancelled or taken away, in the zone of the series."""
    ids = [
        found
        for one in calendar.of(task.name)
        if (found := one.get("RECURRENCE-ID")) is not None
        and (is_done(one) or one.value("STATUS").strip().upper() in _OVER)
    ]
    ids += [event_times.of_value(one, value) for one in task.all("EXDATE") for value in one.value.split(",")]
    begin = task.get("DTSTART")
    return set() if begin is None else {_wall_of(one, begin, zones, context) for one in ids}


def _wall_of(prop: Property, begin: Property, zones: Zones, context: Context) -> int:
    """When an instance is, on the wall that the series is on; a day and a time of one mean the other."""
    moment, zone = event_times.moment_of(prop, zones, context.zone)
    first, own = event_times.moment_of(begin, zones, context.zone)
    if first.is_date:
        return (moment.wall if not moment.is_utc else wall_at(moment.wall, context.zone)) // DAY * DAY
    if moment.is_date:
        return moment.wall + first.wall % DAY
    return wall_at(instant(moment.wall, zone), own)


def _override(
    calendar: Component, task: Component, begin: Property, dates: Dates, context: Context
) -> Component | None:
    zones = event_times.zones_of(calendar)
    wall = read_moment(begin.value.partition(",")[0]).wall + dates.shift
    for one in calendar.of(task.name):
        found = one.get("RECURRENCE-ID")
        if found is not None and _wall_of(found, begin, zones, context) == wall:
            return one
    return None


def _shifted(prop: Property, seconds: int) -> Property:
    moment = read_moment(prop.value.partition(",")[0])
    value = write_wall(moment.wall + seconds, is_date=moment.is_date, utc=moment.is_utc)
    return Property(prop.name, value, [*prop.params])
