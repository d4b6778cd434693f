"""What a device's Add or Change makes of a stored event ([MS-ASCAL], RFC 5545).

Only what the device changed is written, in the form that the event has it: its zone, its parameters, and all that no
device knows stay. In a meeting of somebody else only what is the account's own is taken (MTG-08).
"""

from __future__ import annotations

from servers.activesync.classes import (
    event_details,
    event_exceptions,
    event_files,
    event_inheritance,
    event_people,
    event_times,
    property_text,
    recurrences,
)
from servers.activesync.classes.event_times import Times
from servers.activesync.classes.item_class import Context, Unconvertible
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import Calendar
from storage.formats import icalendar, itip
from storage.formats.contentline import Component, Property, escape_text, render
from storage.formats.datetimes import write_wall


def merge(data: Element, before: bytes | None, uid: str, context: Context) -> bytes:
    """The event after an Add or a Change.

    Raises:
        Unconvertible: a value is none of its kind, or it would tear a series that no device can show whole.
    """
    stamp = write_wall(int(context.now), utc=True)
    if before is None:
        event = Component("VEVENT", [Property("UID", escape_text(uid)), Property("DTSTAMP", stamp)])
        calendar = Component("VCALENDAR", [Property("VERSION", "2.0"), Property("PRODID", icalendar.PRODID)], [event])
        old: Times | None = None
    else:
        found = icalendar.load(before)
        calendar, event = found.calendar, found.components[0]
        old = event_times.of(event, event_times.zones_of(calendar), context.zone)
    was = itip.clone(event)
    if old is not None and event_people.attends(event, context):
        event_details.write_own(event, data, context)
        event_people.answer(event, data, context)
        event_inheritance.follow(calendar, was, event)
        if context.version < 160:
            event_exceptions.write_own(calendar, event, data, old, context)
        return _finished(calendar, event, before, stamp)
    times = event_details.write_times(calendar, event, data, old, context)
    event_details.write_details(event, data, context, inherits=old is not None and context.version >= 160)
    if context.version >= 160:
        event_files.write(event, data)
    _write_people(event, data, context, fresh=old is None)
    event_people.write_fixed(event, data)
    event_inheritance.follow(calendar, was, event)
    rule_kept = _write_rule(event, data, old, times, context)
    moved = old is not None and (old.begin, old.all_day) != (times.begin, times.all_day)
    event_exceptions.write(calendar, event, data, times, context, keep=rule_kept and not moved)
    return _finished(calendar, event, before, stamp)


def merge_one(data: Element | None, before: bytes, instance: str, context: Context) -> bytes:
    """The event after a change of one instance, or its removal ([MS-ASCAL] §2.2.2.24: by InstanceId, from 16.0 on).

    Raises:
        Unconvertible: it is no series, or a value is none of its kind.
    """
    found = icalendar.load(before)
    master = found.components[0]
    if found.master is None or (master.get("RRULE") is None and master.get("RDATE") is None):
        raise Unconvertible("an instance of what is no series")
    zones = event_times.zones_of(found.calendar)
    times = event_times.of(master, zones, context.zone)
    said = Calendar.Exception(Calendar.Deleted(1)) if data is None else Calendar.Exception(*data.children)
    original = event_times.seconds_of(instance)
    event_exceptions.change(found.calendar, master, said, original, times, context, zones)
    return _finished(found.calendar, master, before, write_wall(int(context.now), utc=True))


def _finished(calendar: Component, event: Component, before: bytes | None, stamp: str) -> bytes:
    body = render(calendar)
    if body == before:
        return body
    itip.set_value(event, "DTSTAMP", stamp)
    itip.set_value(event, "LAST-MODIFIED", stamp)
    return render(calendar)


def _write_people(event: Component, data: Element, context: Context, *, fresh: bool) -> None:
    people = data.find(Calendar.Attendees)
    said = [] if people is None else people.all(Calendar.Attendee)
    if people is None and (fresh or context.version >= 160 or not context.clears(Calendar.Attendees)):
        return
    if people is None and Calendar.StartTime not in data:
        return  # a small change, of something else
    if said and event.get("ORGANIZER") is None and context.own:
        address = next(iter(context.own))
        name = property_text.clean(" ".join((data.text_of(Calendar.OrganizerName) or "").split()))
        event.properties.append(Property("ORGANIZER", f"mailto:{address}", [("CN", [name])] if name else []))
    event_people.write(event, said)
    if not said and event_people.organizes(event, context):
        event.properties = [one for one in event.properties if one.name != "ORGANIZER"]


def _write_rule(event: Component, data: Element, old: Times | None, times: Times, context: Context) -> bool:
    """The rule of a series; whether it is the one that was there."""
    said = data.find(Calendar.Recurrence)
    before = None if old is None else event_times.rule_of(event, old, context)
    if said is not None and said.known:
        if before is not None and recurrences.same(before, said, recurrences.EVENT):
            return True
        rule = recurrences.read(said, recurrences.EVENT, lambda text: _until(text, times, context))
        event.properties = [one for one in event.properties if one.name not in ("RRULE", "EXRULE")]
        event.properties.append(Property("RRULE", rule))
        return False
    if event.get("RRULE") is None and event.get("RDATE") is None:
        return True
    if before is None:  # it was shown as a single event: its rule is none of the device's business
        if old is not None and (old.begin, old.over) != (times.begin, times.over):
            raise Unconvertible("a series that this device cannot show is moved where it can be shown")
        return True
    if said is None and (context.version >= 160 or Calendar.StartTime not in data):
        return True
    if said is None and not context.clears(Calendar.Recurrence):
        return True
    event.properties = [one for one in event.properties if one.name not in ("RRULE", "EXRULE", "RDATE", "EXDATE")]
    return False


def _until(text: str, times: Times, context: Context) -> str:
    """UNTIL in the kind that DTSTART is of (RFC 5545 §3.3.10)."""
    seconds = event_times.seconds_of(text)
    if times.all_day:
        return write_wall(event_times.day_of(seconds, times.zone, context), is_date=True)
    return write_wall(seconds, utc=True)

