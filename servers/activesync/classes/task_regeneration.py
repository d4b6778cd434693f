"""A task that comes again some time after it was done: the next one is made ([MS-ASTASK] §2.2.2.21).

iCalendar has no rule that counts from the day on which something is done; to other programs each is a task by itself.
"""

from __future__ import annotations

import calendar as months
from datetime import timedelta
from typing import Final

from servers.activesync.classes import event_times, task_dates, task_rule, task_series
from servers.activesync.classes.item_class import Context
from storage.formats import icalendar, itip
from storage.formats.contentline import Component, Property, escape_text, render
from storage.formats.datetimes import DAY, datetime_of, read_moment, wall_at, write_wall
from storage.formats.recurrence import Freq, Rule

RULE: Final = task_rule.REGENERATE
_NOT_ITS_OWN: Final = frozenset(
    {"UID", "COMPLETED", "STATUS", "PERCENT-COMPLETE", "DTSTAMP", "CREATED", "LAST-MODIFIED", "SEQUENCE", RULE}
)
_DAYS: Final = {Freq.DAILY: 1, Freq.WEEKLY: 7}
_MONTHS: Final = {Freq.MONTHLY: 1, Freq.YEARLY: 12}


def follows(before: bytes, after: bytes, uid: str, context: Context) -> tuple[bytes, bytes] | None:
    """The task that was just done, without its rule, and the next one; None if none follows."""
    was, now = icalendar.load(before).components[0], icalendar.load(after)
    task = now.components[0]
    rule = was.get(RULE)
    if rule is None or task_series.is_done(was) or not task_series.is_done(task):
        return None
    fresh = _next(now.calendar, task, rule, context)
    if fresh is None:
        return None
    stamp = write_wall(int(context.now), utc=True)
    head = [("UID", escape_text(uid)), ("DTSTAMP", stamp), ("CREATED", stamp), ("LAST-MODIFIED", stamp)]
    fresh.properties = [Property(*one) for one in head] + fresh.properties
    others = [one for one in now.calendar.components if one.name == "VTIMEZONE"]
    following = render(Component("VCALENDAR", now.calendar.properties, [*others, fresh]))
    task.properties = [one for one in task.properties if one.name != RULE]
    return render(now.calendar), following


def _next(calendar: Component, task: Component, rule: Property, context: Context) -> Component | None:
    parsed, zones = Rule.parse(rule.value), event_times.zones_of(calendar)
    first = task_dates.of(task, zones, context).first
    finished = task.get("COMPLETED")
    if first is None or (parsed.count is not None and parsed.count < 2):
        return None
    at = int(context.now) if finished is None else event_times.of_stamp(finished)
    day = _after(wall_at(at, context.zone) // DAY, parsed)
    shift = (day - first.wall // DAY) * DAY
    until = parsed.until
    if until is not None and (wall_at(until.wall, context.zone) if until.is_utc else until.wall) // DAY < day:
        return None
    fresh = itip.clone(task)
    fresh.properties = [_shifted(one, shift) for one in fresh.properties if one.name not in _NOT_ITS_OWN]
    parts = [part for part in rule.value.split(";") if not part.upper().startswith("COUNT=")]
    parts += [f"COUNT={parsed.count - 1}"] if parsed.count is not None else []
    fresh.properties.append(Property(RULE, ";".join(parts)))
    for alarm in fresh.of("VALARM"):
        alarm.properties = [
            _moved(one, shift) if (one.param("VALUE") or "").upper() == "DATE-TIME" else one
            for one in alarm.properties
            if one.name != "ACKNOWLEDGED"
        ]
    return fresh


def _after(day: int, rule: Rule) -> int:
    """The day on which the next one is, both counted since the epoch; a month without such a day has its last."""
    if rule.freq in _DAYS:
        return day + rule.interval * _DAYS[rule.freq]
    date = datetime_of(day * DAY)
    count = date.year * 12 + date.month - 1 + rule.interval * _MONTHS.get(rule.freq, 1)
    year, month = min(count // 12, 9999), count % 12 + 1
    wanted = date.replace(year=year, month=month, day=min(date.day, months.monthrange(year, month)[1]))
    return day + (wanted - date) // timedelta(days=1)


def _shifted(prop: Property, seconds: int) -> Property:
    return _moved(prop, seconds) if prop.name in ("DTSTART", "DUE") else prop


def _moved(prop: Property, seconds: int) -> Property:
    moment = read_moment(prop.value.partition(",")[0])
    value = write_wall(moment.wall + seconds, is_date=moment.is_date, utc=moment.is_utc)
    return Property(prop.name, value, [*prop.params])
