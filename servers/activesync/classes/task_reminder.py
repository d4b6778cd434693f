"""ReminderSet and ReminderTime of a task, and VALARM ([MS-ASTASK] §2.2.2.22, §2.2.2.23, RFC 5545 §3.6.6)."""

from __future__ import annotations

from servers.activesync.classes import event_times, task_dates
from servers.activesync.classes.item_class import Unconvertible
from servers.activesync.classes.task_dates import Dates
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import Tasks
from storage.errors import BadFormat
from storage.formats.contentline import Component, Property
from storage.formats.datetimes import read_duration, read_moment, write_wall


def of(task: Component, dates: Dates) -> int | None:
    """UTC seconds of the first alarm that is shown; None if there is none."""
    return next((at for alarm in _alarms(task) if (at := _time(alarm, dates)) is not None), None)


def write(task: Component, data: Element, dates: Dates, was: int | None) -> None:
    """Set or take away the reminder; `dates` are those that the task has now, `was` is the reminder that was shown.

    A device knows one reminder. Switching it off takes away all that are shown, lest the next one take its place;
    alarms by mail stay. In a series it is kept as a distance, so that each instance has it.

    Raises:
        Unconvertible: the time is none, or ReminderSet is neither 0 nor 1 ([MS-ASTASK] §2.2.2.21).
    """
    said, when = data.text_of(Tasks.ReminderSet), data.text_of(Tasks.ReminderTime)
    if said and said.strip() not in ("0", "1"):
        raise Unconvertible("a reminder is set or not")
    if said is None or (said == "1" and not when):
        return
    alarms = _alarms(task)
    if said != "1":
        if was is None:
            return  # what the device was not shown it cannot switch off
        task.components = [one for one in task.components if not any(one is alarm for alarm in alarms)]
        return
    seconds = event_times.seconds_of(when or "")
    now = of(task, dates)
    if now is not None and task_dates.long(now) == task_dates.long(seconds):
        return
    trigger = _trigger(task, seconds, dates)
    # One whose date was taken out goes off never: it is the one to be set anew.
    alarm = next((one for one in alarms if _time(one, dates) is not None), alarms[0] if alarms else None)
    if alarm is not None:
        alarm.properties = [one for one in alarm.properties if one.name != "TRIGGER"] + [trigger]
        return
    text = task.value("SUMMARY") or "Reminder"
    task.components.append(Component("VALARM", [Property("ACTION", "DISPLAY"), Property("DESCRIPTION", text), trigger]))


def _alarms(task: Component) -> list[Component]:
    """Those that are shown or heard."""
    return [one for one in task.of("VALARM") if one.value("ACTION").strip().upper() in ("DISPLAY", "AUDIO")]


def _time(alarm: Component, dates: Dates) -> int | None:
    trigger = alarm.get("TRIGGER")
    if trigger is None:
        return None
    try:
        if (trigger.param("VALUE") or "").upper() == "DATE-TIME":
            return read_moment(trigger.value).wall
        base = dates.due if (trigger.param("RELATED") or "").upper() == "END" else dates.first
        return None if base is None else base.seconds + read_duration(trigger.value).total
    except BadFormat:
        return None


def _trigger(task: Component, seconds: int, dates: Dates) -> Property:
    if task.get("RRULE") is not None and dates.start is not None:
        length = seconds - dates.start.seconds
        size, sign = abs(length), "-" if length < 0 else ""
        value = f"{sign}PT{size // 60}M" if size % 60 == 0 else f"{sign}PT{size}S"
        if len(str(size)) < 9:  # else so far away that it is no distance any more
            return Property("TRIGGER", value)
    return Property("TRIGGER", write_wall(seconds, utc=True), [("VALUE", ["DATE-TIME"])])
