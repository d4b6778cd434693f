"""Events as a device is shown them ([MS-ASCAL] §2.2.2, RFC 5545)."""

from __future__ import annotations

from datetime import tzinfo
from typing import Final

from servers.activesync import bodies
from servers.activesync.classes import (
    event_details,
    event_files,
    event_merge,
    event_people,
    event_place,
    event_times,
    timezone_blob,
)
from servers.activesync.classes.event_times import Times
from servers.activesync.classes.item_class import Context, ItemClass
from servers.activesync.options import PLAIN
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSyncBase, Calendar
from storage.formats import icalendar
from storage.formats.contentline import Component, unescape_text
from storage.formats.datetimes import datetime_of
from storage.formats.vcard import listed
from storage.types import Tool

_BUSY: Final = {"FREE": 0, "TENTATIVE": 1, "BUSY": 2, "OOF": 3, "WORKINGELSEWHERE": 4}
_SENSITIVITY: Final = {"PUBLIC": 0, "PRIVATE": 2, "CONFIDENTIAL": 3}
EXCEPTIONS_MAX: Final = 1_000
_EMPTIED: Final = (Calendar.Location, Calendar.Reminder, Calendar.Categories, AirSyncBase.Location)
"""What an exception says empty if it has none and the series has one."""


def show(body: bytes, context: Context) -> list[Element]:
    """The elements of a stored event; of one of which only single instances are known, those of the first."""
    found = icalendar.load(body)
    zones = event_times.zones_of(found.calendar)
    first = found.components[0]
    times = event_times.of(first, zones, context.zone)
    elements = _details(first, times, context)
    if not (times.all_day and context.version >= 160):
        year = datetime_of(times.begin).year
        elements.insert(0, Calendar.Timezone(timezone_blob.write(_zone(times, context), year)))
    elements.append(Calendar.UID(found.uid))
    elements += event_people.organizer(first, context)
    if context.version >= 140:  # "A command response contains one" ([MS-ASCAL] §2.2.2.17)
        elements.append(Calendar.DisallowNewTimeProposal(event_people.is_fixed(first)))
    if (files := event_files.show(first, context)) is not None:
        elements.append(files)
    if found.master is not None:
        rule = event_times.rule_of(first, times, context)
        if rule is not None:
            elements.append(rule)
            elements += _exceptions(found, first, times, elements, context)
    return elements


def _zone(times: Times, context: Context) -> tzinfo:
    return context.zone if times.all_day else times.zone


def _details(component: Component, times: Times, context: Context) -> list[Element]:
    """What a series and a single instance of it can both say."""
    place = unescape_text(component.value("LOCATION"))
    location = Calendar.Location.given(place)
    if context.version >= 160:
        location = event_place.show(component)
    categories = listed(component.all("CATEGORIES"))[:300]
    reminder = event_details.minutes_before(component)
    stamp = component.get("DTSTAMP") or component.get("LAST-MODIFIED")
    busy = _busy(component, context)
    elements: list[Element | None] = [
        Calendar.AllDayEvent(1 if times.all_day else 0),
        Calendar.StartTime(event_times.wire_moment(times.start, times.zone, context.version)),
        Calendar.EndTime(event_times.wire_moment(times.end, times.zone, context.version)),
        Calendar.DtStamp(event_times.wire(event_times.of_stamp(stamp))) if stamp is not None else None,
        Calendar.Subject(unescape_text(component.value("SUMMARY"))),
        location,
        Calendar.BusyStatus(busy if busy < 4 or context.version >= 160 else 2),
        Calendar.Sensitivity(_SENSITIVITY[icalendar.class_of(component)]),
        Calendar.Reminder(reminder) if reminder is not None else None,
        Calendar.Categories(*(Calendar.Category(name) for name in categories)) if categories else None,
        *event_people.meeting(component, context),
        *_body(component, context),
    ]
    return [one for one in elements if one is not None]


def _busy(component: Component, context: Context) -> int:
    said = component.value("X-MICROSOFT-CDO-BUSYSTATUS").strip().upper()
    if component.value("TRANSP").strip().upper() == "TRANSPARENT":
        return 0
    if said in _BUSY and said != "FREE":
        return _BUSY[said]
    if component.value("STATUS").strip().upper() == "TENTATIVE" or event_people.is_open(component, context):
        return 1
    return 2


def _body(component: Component, context: Context) -> list[Element | None]:
    forms = event_details.forms(component)
    return [bodies.body(forms, context.options.bodies)] if forms else []


def _exceptions(
    found: icalendar.CalendarObject, master: Component, times: Times, elements: list[Element], context: Context
) -> list[Element]:
    """Instances that are different or taken away, by the time at which the series has them (§2.2.2.21)."""
    zones = event_times.zones_of(found.calendar)
    general = {one.tag: one for one in elements}
    told: dict[str, Element] = {}
    for prop in master.all("EXDATE"):
        for value in prop.value.split(","):
            moment, zone = event_times.instance_of(event_times.of_value(prop, value), zones, times)
            original = event_times.wire_moment(moment, zone, context.version)
            told[original] = Calendar.Exception(Calendar.Deleted(1), _original(original, context))
    for each in found.overrides:
        replaced = each.get("RECURRENCE-ID")
        assert replaced is not None
        moment, zone = event_times.instance_of(replaced, zones, times)
        original = event_times.wire_moment(moment, zone, context.version)
        if each.value("STATUS").strip().upper() == "CANCELLED":
            told[original] = Calendar.Exception(Calendar.Deleted(1), _original(original, context))
            continue
        own = _details(each, event_times.of(each, zones, context.zone), context)
        kept = [one for one in own if one.tag in _TIMES or one != general.get(one.tag)]
        tags = {one.tag for one in own}
        kept += [Element(tag) for tag in _EMPTIED if tag in general and tag not in tags]
        if AirSyncBase.Body in general and AirSyncBase.Body not in tags:
            kept += [one for one in (bodies.body({PLAIN: ""}, context.options.bodies),) if one is not None]
        told[original] = Calendar.Exception(_original(original, context), *kept)
    if not told:
        return []
    return [Calendar.Exceptions(*list(told.values())[:EXCEPTIONS_MAX])]


_TIMES: Final = (Calendar.StartTime, Calendar.EndTime)


def _original(text: str, context: Context) -> Element:
    return AirSyncBase.InstanceId(text) if context.version >= 160 else Calendar.ExceptionStartTime(text)


def uid(data: Element) -> str:
    """The UID that a device gives its event: UID up to 14.1, ClientUid from 16.0 on."""
    return (data.text_of(Calendar.UID) or data.text_of(Calendar.ClientUid) or "")[:300]


def file(body: bytes, place: str) -> tuple[bytes, str] | None:
    """An attachment, by its place."""
    return event_files.read(icalendar.load(body).components[0], place)


def added(data: Element, after: bytes, before: bytes | None, context: Context) -> list[Element]:
    """What is answered for attachments that were just added."""
    return event_files.added(data, icalendar.load(after).components[0], context) if context.version >= 160 else []


CLASS: Final = ItemClass(
    "Calendar", Tool.CALENDAR, (8, 13), ".ics", show, event_merge.merge, uid, "text/calendar", windowed=True,
    merge_one=event_merge.merge_one, added=added, file=file,
)  # fmt: skip
