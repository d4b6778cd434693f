"""When the server itself is to remind: the next moment of an object's EMAIL alarms (REM-01, REM-08)."""

from __future__ import annotations

import re
from datetime import UTC, tzinfo
from typing import Final, NamedTuple

from storage.errors import BadFormat, TooManyInstances
from storage.formats.contentline import Component
from storage.formats.datetimes import read_duration, read_moment
from storage.formats.icalendar import CalendarObject
from storage.formats.series import Instance

MARK: Final = b"ACTION:EMAIL"
_DAY: Final = 86_400
_SMS: Final = re.compile(r"mailto:\+?([0-9]{5,15})@sms\s*\Z", re.IGNORECASE)
_HORIZONS: Final = (2 * _DAY, 40 * _DAY, 800 * _DAY, 9_000 * _DAY)
"""How far is looked, from near to far: most instances are near."""
_MOST: Final = 500


class Due(NamedTuple):
    """One reminder; times in UTC seconds."""

    at: int
    start: int
    """Of the instance that it reminds of."""
    all_day: bool
    part: int
    """Which of the object's components describes the instance; -1 is the first one."""
    numbers: tuple[str, ...] = ()
    """Digits of the phones that its alarms name as `<number>@sms` (REM-02)."""
    mail: bool = True
    """Whether one of its alarms is for mail."""


def due(obj: CalendarObject, after: int, floating: tzinfo = UTC) -> Due | None:
    """The first reminder after a moment; None if there is none, or nobody can tell when."""
    found = [one for one in (_of(obj, alarm, index, after, floating) for index, alarm in _alarms(obj)) if one]
    first = min(found, default=None)
    if first is None:
        return None
    together = [one for one in found if one.at == first.at]  # what falls due together is told together
    numbers = tuple(dict.fromkeys(number for one in together for number in one.numbers))
    return first._replace(numbers=numbers, mail=any(one.mail for one in together))


def _alarms(obj: CalendarObject) -> list[tuple[int, Component]]:
    parts = [each for each in obj.calendar.components if each.name != "VTIMEZONE"]
    return [
        (index, alarm)
        for index, part in enumerate(parts)
        for alarm in part.of("VALARM")
        if alarm.value("ACTION").strip().upper() == "EMAIL"
    ][:20]


def _of(obj: CalendarObject, alarm: Component, index: int, after: int, floating: tzinfo) -> Due | None:
    attendees = [prop.value.strip() for prop in alarm.all("ATTENDEE")[:20]]
    told = tuple(phone[1] for phone in map(_SMS.match, attendees) if phone)
    by_mail = len(told) < len(attendees) or not attendees
    trigger = alarm.get("TRIGGER")
    if trigger is None:
        return None
    text = trigger.value.strip()
    master = obj.calendar.components.index(obj.components[0]) if obj.master is not None else -1
    parts = [each for each in obj.calendar.components if each.name != "VTIMEZONE"]
    wanted = -1 if master >= 0 and parts[index] is obj.components[0] else index
    try:
        if text[:1].isdigit():
            at = read_moment(text, trigger.line).wall
            return Due(at, max(at, obj.series.span[0]), False, wanted, told, by_mail) if at > after else None
        delta = read_duration(text, trigger.line).total
    except BadFormat:
        return None
    at_end = (trigger.param("RELATED") or "").upper() == "END"
    for instance in _following(obj, after - delta, floating):
        at = (instance.end if at_end else instance.start) + delta
        if instance.override_index == wanted and at > after and instance.status != "CANCELLED":
            return Due(at, instance.start, instance.all_day, wanted, told, by_mail)
    return None


def _following(obj: CalendarObject, moment: int, floating: tzinfo) -> list[Instance]:
    """Instances that begin or end after a moment, the near ones; a longer look only where there is none."""
    start, last = max(moment, obj.series.span[0] - _DAY), obj.series.span[1]
    for horizon in _HORIZONS:
        end = start + horizon
        while end > start:
            try:
                found = obj.series.instances(start, end, floating, _MOST)
            except TooManyInstances:
                end = start + (end - start) // 4
                continue
            if any(max(one.start, one.end) > moment for one in found):
                return found
            break
        if end > last:
            return []
    return []
