"""Recurrence of a task, and RRULE ([MS-ASTASK] §2.2.2.20, RFC 5545 §3.8.5.3)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from servers.activesync.classes import event_times, recurrences, task_dates
from servers.activesync.classes.item_class import Context, Unconvertible
from servers.activesync.classes.task_dates import Dates
from servers.activesync.options import number
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import Tasks
from storage.formats.contentline import Component, Property
from storage.formats.datetimes import DAY, instant, read_moment, wall_at, write_wall
from storage.formats.recurrence import Rule

REGENERATE: Final = "X-ESCRITOIRE-REGENERATE"
"""A rule that counts from the day on which the task is done: iCalendar has none such (task_regeneration.py)."""
_RULES: Final = ("RRULE", REGENERATE)
_OWN: Final = (Tasks.Start, Tasks.Regenerate, Tasks.DeadOccur)
"""What a task's Recurrence has beside the pattern."""
_MOST: Final = 999
"""Of Interval and Occurrences ([MS-ASTASK] §2.2.2.15, §2.2.2.18)."""


def of(task: Component, dates: Dates, context: Context) -> Element | None:
    """The Recurrence of a task; None if it has none, or one that no device knows."""
    rules = [one for one in task.properties if one.name in _RULES]
    if len(rules) != 1 or dates.first is None or task.get("EXRULE") is not None:
        return None

    def until(rule: Rule) -> str:
        assert rule.until is not None
        return task_dates.long(rule.until.wall)

    wall = dates.first.wall
    shown = recurrences.show(Rule.parse(rules[0].value), wall, recurrences.TASK, until, context.version)
    if shown is None:
        return None
    shown.children.insert(1, Tasks.Start(task_dates.long(wall - dates.shift)))
    shown.children.append(Tasks.Regenerate(1 if rules[0].name == REGENERATE else 0))
    shown.children.append(Tasks.DeadOccur(0))
    return shown


def said(data: Element) -> Element | None:
    """The Recurrence that a device gives a task; None for one that is done, and of a series no longer.

    Raises:
        Unconvertible: it lacks what it must have, or has what its type has not.
    """
    found = data.find(Tasks.Recurrence)
    if found is None or not found.known:
        return None
    if not found.text_of(Tasks.Type) or Tasks.Start not in found:  # "the server MUST respond with status error 6"
        raise Unconvertible("a rule without its type or its start")
    kind = number(found.text_of(Tasks.Type), 99)
    if Tasks.DayOfMonth in found and kind not in (2, 5):  # [MS-ASTASK] §2.2.2.9
        raise Unconvertible("a day of the month in a rule that has none")
    if any(number(found.text_of(tag), 0) > _MOST for tag in (Tasks.Interval, Tasks.Occurrences)):
        raise Unconvertible("a rule with too large a number")
    return None if is_dead(data) else found


def is_dead(data: Element) -> bool:
    """DeadOccur: any number but zero says that this is one that is done ([MS-ASTASK] §2.2.2.11)."""
    return number(data.text_of(Tasks.Recurrence, Tasks.DeadOccur), 0) != 0


def write(
    calendar: Component, task: Component, data: Element, was: Element | None, start: Property | None, context: Context,
    *, ends: bool, moved: bool, index: int,
) -> None:  # fmt: skip
    """Write the rule that a device gives; `was` is the one that it was shown, `start` the DTSTART before the change.

    Where the series `ends` it becomes a single task; `moved` says that its dates are others now, and that it begins
    with what was instance `index` of it.

    Raises:
        Unconvertible: it is no rule, or there is no day from which on it recurs.
    """
    zones = event_times.zones_of(calendar)
    given = said(data)
    if moved and index:
        if (
            given is not None
            and was is not None
            and recurrences.same(_bare(was), _bare(given) or given, recurrences.TASK)
        ):
            given = _remaining(given, index)
        _shorten(task, index)
    dates = task_dates.of(task, zones, context)
    if ends:
        _drop(calendar, task)
    elif given is not None and (
        not recurrences.same(_bare(of(task, dates, context)), _bare(given) or given, recurrences.TASK)
        or (was is not None and was.text_of(Tasks.Regenerate) != (given.text_of(Tasks.Regenerate) or "0"))
    ):
        _set(task, given, dates, context)
        moved = True
    if moved and any(one.name in _RULES for one in task.properties):
        _settle(task, given, start, dates, context)


def _shorten(task: Component, instances: int) -> None:
    """Let the first instances of a series go: COUNT is as many less."""
    prop = task.get("RRULE")
    count = Rule.parse(prop.value).count if prop is not None else None
    if prop is None or count is None:
        return
    parts = (part for part in prop.value.split(";") if not part.upper().startswith("COUNT="))
    prop.value = ";".join([*parts, f"COUNT={max(count - instances, 1)}"])


def _remaining(given: Element, instances: int) -> Element:
    """The same rule without its first instances."""
    count = number(given.text_of(Tasks.Occurrences), 0)
    if not count:
        return given
    kept = [one for one in given.known if one.tag is not Tasks.Occurrences]
    return Element(given.tag, "", [*kept, Tasks.Occurrences(max(count - instances, 1))])


def _bare(shown: Element | None) -> Element | None:
    if shown is None:
        return None
    return Element(shown.tag, "", [one for one in shown.known if one.tag not in _OWN])


def _drop(calendar: Component, task: Component) -> None:
    """A series becomes a single task; what replaced instances of it goes with it."""
    task.properties = [one for one in task.properties if one.name not in (*_RULES, "RDATE", "EXDATE")]
    calendar.components = [
        one for one in calendar.components if one.name != task.name or one.get("RECURRENCE-ID") is None or one is task
    ]


def _set(task: Component, given: Element, dates: Dates, context: Context) -> None:
    is_day = dates.first is None or dates.first.day

    def until(text: str) -> str:
        return _until(event_times.seconds_of(text), context, is_day=is_day)

    value = recurrences.read(_bare(given) or given, recurrences.TASK, until)
    name = REGENERATE if given.text_of(Tasks.Regenerate) == "1" else "RRULE"
    before = [one for one in task.properties if one.name in _RULES]
    if len(before) == 1 and (before[0].name, before[0].value) == (name, value):
        return
    task.properties = [one for one in task.properties if one.name not in _RULES]
    task.properties.append(Property(name, value))


def _until(seconds: int, context: Context, *, is_day: bool) -> str:
    """UNTIL; a midnight is the day on which the last one is, whenever on that day it is."""
    day = event_times.day_of(seconds, context.zone, replace(context, version=min(context.version, 141)))
    if is_day:
        return write_wall(day, is_date=True)
    midnight = seconds % DAY == 0 or wall_at(seconds, context.zone) % DAY == 0
    return write_wall(instant(day + DAY - 1, context.zone) if midnight else seconds, utc=True)


def _settle(task: Component, given: Element | None, start: Property | None, dates: Dates, context: Context) -> None:
    """A rule has a DTSTART (RFC 5545 §3.8.5.3), and an UNTIL of the same kind (§3.3.10)."""
    begin = task.get("DTSTART")
    if begin is None:
        due = task.get("DUE")
        if due is not None:
            # A device gave a due date alone, and that is the day that is meant: DUE is as early as DTSTART, not later.
            begin = Property("DTSTART", due.value, [*due.params])
        elif given is not None:
            wall = event_times.seconds_of(given.text_of(Tasks.Start) or "")
            begin = task_dates.day_property("DTSTART", wall)
        elif start is not None:
            begin = start
        else:
            raise Unconvertible("a task that recurs from no day on")
        task.properties.append(begin)
    is_day = read_moment(begin.value.partition(",")[0]).is_date
    for prop in task.properties:
        if prop.name not in _RULES:
            continue
        until = Rule.parse(prop.value).until
        if until is None or until.is_date == is_day:
            continue
        wall = until.wall if until.is_date or not until.is_utc else wall_at(until.wall, context.zone)
        spelled = (
            write_wall(wall // DAY * DAY, is_date=True)
            if is_day
            else write_wall(instant(wall // DAY * DAY + DAY - 1, context.zone), utc=True)
        )
        parts = (part for part in prop.value.split(";") if not part.upper().startswith("UNTIL="))
        prop.value = ";".join([*parts, f"UNTIL={spelled}"])
