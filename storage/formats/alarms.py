"""When the server itself is to remind: the next moment of an object's EMAIL alarms (REM-01, REM-08)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, tzinfo
from itertools import islice
from typing import Final, NamedTuple

from storage.errors import BadFormat, TooManyInstances
from storage.formats.contentline import Component
from storage.formats.datetimes import read_duration, read_moment
from storage.formats.icalendar import CalendarObject
from storage.formats.series import Effort, Instance, Series

MARK: Final = b"ACTION:EMAIL"
_DAY: Final = 86_400
_SMS: Final = re.compile(r"mailto:\+?([0-9]{5,15})@sms\s*\Z", re.IGNORECASE)
_ALARMS: Final = 20
"""Of one component; more of them are passed over."""
_EFFORT: Final = 100_000
"""Instances and alarms that are looked at for one object."""
_OVER: Final = ("CANCELLED", "COMPLETED")
"""Nobody is to be reminded of what was called off, or of a task that is done."""
_HORIZON_S: Final = 9_000 * _DAY
_FIRST_S: Final = 2 * _DAY
"""So far is looked at first: most instances are near."""
_MOST: Final = 500
_LOOKED: Final = 3_000
"""Instances that are looked at for one alarm: those that others of the object replace are none of its own."""


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
    found: list[Due] = []
    effort = Effort(_EFFORT)
    with suppress(TooManyInstances):  # what is looked at no more has no reminder
        for index, wanted, alarm in _alarms(obj):
            one = _of(obj, index, wanted, alarm, after, floating, effort)
            found += [one] if one is not None else []
    first = min(found, default=None)
    if first is None:
        return None
    together = [one for one in found if one.at == first.at]  # what falls due together is told together
    numbers = tuple(dict.fromkeys(number for one in together for number in one.numbers))
    return first._replace(numbers=numbers, mail=any(one.mail for one in together))


def _alarms(obj: CalendarObject) -> Iterator[tuple[int, int, Component]]:
    """Which component each EMAIL alarm is in, what `Instance.override_index` is there, and the alarm."""
    parts = [each for each in obj.calendar.components if each.name != "VTIMEZONE"]
    for index, part in enumerate(parts):
        if part.value("STATUS").strip().upper() in _OVER or (part.name == "VTODO" and part.get("COMPLETED")):
            continue
        mails = (alarm for alarm in part.of("VALARM") if alarm.value("ACTION").strip().upper() == "EMAIL")
        for alarm in islice(mails, _ALARMS):
            yield index, -1 if part is obj.master else index, alarm


def _of(
    obj: CalendarObject, index: int, wanted: int, alarm: Component, after: int, floating: tzinfo, effort: Effort
) -> Due | None:
    effort.spend(10)
    attendees = [prop.value.strip() for prop in alarm.all("ATTENDEE")[:20]]
    told = tuple(phone[1] for phone in map(_SMS.match, attendees) if phone)
    by_mail = len(told) < len(attendees) or not attendees
    trigger = alarm.get("TRIGGER")
    if trigger is None:
        return None
    text = trigger.value.strip()
    try:
        if text[:1].isdigit():
            at = read_moment(text, trigger.line).wall
            return Due(at, max(at, obj.series.span[0]), False, wanted, told, by_mail) if at > after else None
        delta = read_duration(text, trigger.line).total
    except BadFormat:
        return None
    at_end = (trigger.param("RELATED") or "").upper() == "END"
    # An instance of its own may lie far behind others of its series, which then need not be looked at.
    for instance in _following(obj.series.of_component(index), after - delta, floating, effort):
        at = (instance.end if at_end else instance.start) + delta
        if instance.override_index == wanted and at > after:
            return Due(at, instance.start, instance.all_day, wanted, told, by_mail)
    return None


def _following(series: Series, moment: int, floating: tzinfo, effort: Effort) -> Iterator[Instance]:
    """Instances that begin or end after a moment, in spans that grow; one that lies in two of these comes twice."""
    start, left = max(moment, series.span[0] - _DAY), _LOOKED
    until = min(series.span[1] + _DAY, start + _HORIZON_S)
    width = _FIRST_S if series.recurrence is not None else until - start
    while start < until and left > 0:
        try:
            found = series.instances(start, start + width, floating, _MOST)
        except TooManyInstances:
            left -= _MOST
            effort.spend(_MOST)
            width = max(1, width // 4)
            continue
        left -= len(found)
        effort.spend(len(found) + len(series.others) + 1)
        yield from found
        start += width
        width *= 4 if len(found) * 4 < _MOST else 1
