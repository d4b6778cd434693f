"""Tasks as a device has them, and as to-dos ([MS-ASTASK] §2.2.2, RFC 5545 §3.6.2)."""

from __future__ import annotations

from typing import Final

from servers.activesync import bodies
from servers.activesync.classes import (
    event_times,
    item_text,
    task_dates,
    task_regeneration,
    task_reminder,
    task_rule,
    task_series,
)
from servers.activesync.classes.item_class import Context, ItemClass, no_uid
from servers.activesync.classes.task_dates import Dates
from servers.activesync.options import number
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import Tasks
from storage.formats import icalendar, itip
from storage.formats.contentline import Component, Property, escape_text, render, unescape_text
from storage.formats.datetimes import write_wall
from storage.types import Tool

_SENSITIVITY: Final = {"PUBLIC": 0, "PRIVATE": 2, "CONFIDENTIAL": 3}
_CLASSES: Final = {0: "PUBLIC", 1: "PRIVATE", 2: "PRIVATE", 3: "CONFIDENTIAL"}
_KEPT: Final = {Tasks.OrdinalDate: "X-ORDINAL-DATE", Tasks.SubOrdinalDate: "X-SUB-ORDINAL-DATE"}
_PRIORITIES: Final = {0: "9", 1: "5", 2: "1"}


def show(body: bytes, context: Context) -> list[Element]:
    """The elements of a stored to-do."""
    found = icalendar.load(body)
    task = found.components[0]
    dates, is_open = task_series.current(found.calendar, task, context)
    done, finished = task_series.is_done(task) or not is_open, _finished(task)
    names = item_text.categories(task)
    reminder = task_reminder.of(task, dates)
    elements: list[Element | None] = [
        Tasks.Subject(unescape_text(task.value("SUMMARY"))),
        Tasks.Importance(importance(task)),
        *task_dates.shown(dates),
        Tasks.Complete(1 if done else 0),
        Tasks.DateCompleted(task_dates.long(finished)) if done and finished is not None else None,
        Tasks.Sensitivity(_SENSITIVITY[icalendar.class_of(task)]),
        Tasks.ReminderSet(0 if reminder is None else 1),
        Tasks.ReminderTime(task_dates.long(reminder)) if reminder is not None else None,
        Tasks.Categories(*(Tasks.Category(name) for name in names)) if names else None,
        task_rule.of(task, dates, context),
        *(tag.given(unescape_text(task.value(name))) for tag, name in _KEPT.items()),
        bodies.body(item_text.forms(task), context.options.bodies),
    ]
    return [one for one in elements if one is not None]


def importance(task: Component) -> int:
    """PRIORITY as devices have it: 0 low, 1 normal, 2 high (RFC 5545 §3.8.1.9)."""
    priority = number(task.value("PRIORITY").strip(), 0)
    return 2 if 1 <= priority <= 4 else 0 if priority >= 6 else 1


def merge(data: Element, before: bytes | None, uid: str, context: Context) -> bytes:
    """The to-do after a device's Add or Change.

    Raises:
        Unconvertible: a value is none of its kind.
    """
    stamp = write_wall(int(context.now), utc=True)
    if before is None:
        task = Component("VTODO", [Property("UID", escape_text(uid)), Property("DTSTAMP", stamp)])
        calendar = Component("VCALENDAR", [Property("VERSION", "2.0"), Property("PRODID", icalendar.PRODID)], [task])
    else:
        found = icalendar.load(before)
        calendar, task = found.calendar, found.components[0]
    as_it_was = render(calendar)
    if (subject := data.text_of(Tasks.Subject)) is not None:
        item_text.write_line(task, "SUMMARY", subject)
    if (said := data.text_of(Tasks.Importance)) is not None and number(said, 1) != importance(task):
        itip.set_value(task, "PRIORITY", _PRIORITIES.get(number(said, 1), "5"))
    if (said := data.text_of(Tasks.Sensitivity)) is not None:
        wanted = _CLASSES.get(number(said, 0), "PUBLIC")
        if wanted != icalendar.class_of(task):
            itip.set_value(task, "CLASS", wanted)
    whole = Tasks.Subject in data  # a change of everything: what is left out is taken out
    old, _ = task_series.current(calendar, task, context)
    if data.text_of(Tasks.Complete) == "1" and task_series.goes_on(calendar, task, old, context):
        task_series.complete(calendar, task, old, data, _completed(data, stamp), context)
    else:
        _write_times(calendar, task, data, old, context, whole=whole)
        _write_completion(task, data, stamp)
    if whole or Tasks.Categories in data:
        item_text.write_categories(task, data.find(Tasks.Categories))
    for tag, name in _KEPT.items():
        if (said := data.text_of(tag)) is not None:
            item_text.write_line(task, name, said[:200])
    item_text.write(task, data, context)
    if before is not None and render(calendar) == as_it_was:
        return before  # in the octets of whoever wrote it
    itip.set_value(task, "DTSTAMP", stamp)
    itip.set_value(task, "LAST-MODIFIED", stamp)
    return render(calendar)


def _finished(task: Component) -> int | None:
    """When it was completed, as far as that is known, in UTC seconds."""
    prop = task.get("COMPLETED") or task.get("LAST-MODIFIED") or task.get("DTSTAMP")
    return None if prop is None else event_times.of_stamp(prop)


def _completed(data: Element, stamp: str) -> str:
    """COMPLETED as a device says it, else now."""
    when = data.text_of(Tasks.DateCompleted)
    return write_wall(event_times.seconds_of(when), utc=True) if when else stamp


def goes_on(before: bytes, after: bytes) -> bool:
    """Whether a device that completed a task is to be told of the next instance in its place."""
    done = (task_series.done_instances(icalendar.load(body).components) for body in (before, after))
    return next(done) < next(done)


def _write_times(
    calendar: Component, task: Component, data: Element, old: Dates, context: Context, *, whole: bool
) -> None:
    """Start, due, rule and reminder: what one of them says depends on the others."""
    was, start, reminder = task_rule.of(task, old, context), task.get("DTSTART"), task_reminder.of(task, old)
    recurs = task_rule.said(data) is not None
    ends = whole and was is not None and not recurs and not task_rule.is_dead(data)
    moved = task_dates.write(calendar, task, data, old, context, whole=whole, recurs=recurs, ends=ends)
    task_rule.write(calendar, task, data, was, start, context, ends=ends, moved=moved, index=old.index)
    task_reminder.write(task, data, task_series.current(calendar, task, context)[0], reminder)


def _write_completion(task: Component, data: Element, stamp: str) -> None:
    said, when = data.text_of(Tasks.Complete), data.text_of(Tasks.DateCompleted)
    done = task_series.is_done(task)
    if said == "1":
        before = _finished(task) or 0
        if done and (not when or task_dates.long(event_times.seconds_of(when)) == task_dates.long(before)):
            return
        itip.set_value(task, "COMPLETED", _completed(data, stamp))
        if not done:
            itip.set_value(task, "STATUS", "COMPLETED")
            itip.set_value(task, "PERCENT-COMPLETE", "100")
    elif said is not None and done:
        itip.set_value(task, "STATUS", "NEEDS-ACTION")
        task.properties = [one for one in task.properties if one.name not in ("COMPLETED", "PERCENT-COMPLETE")]


CLASS: Final = ItemClass(
    "Tasks", Tool.TASKS, (7, 15), ".ics", show, merge, no_uid, "text/calendar", goes_on=goes_on, finishes=True,
    follows=task_regeneration.follows,
)  # fmt: skip
