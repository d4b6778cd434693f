"""Mails about meetings: what makes a device show buttons to answer with ([MS-ASEMAIL] §2.2.2.40, §2.2.2.41)."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC
from typing import Final

from servers.activesync.classes import event_people, event_place, event_times, recurrences, timezone_blob
from servers.activesync.options import number
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import Calendar, Email, Email2
from storage.errors import StorageError
from storage.formats import icalendar, imip, itip
from storage.formats.contentline import Component, unescape_text
from storage.formats.datetimes import datetime_of
from storage.formats.imip import Meeting
from storage.formats.message_parts import Part
from storage.formats.recurrence import Rule

_OTHER, _INVITATION, _UPDATE = 0, 1, 2
_ANSWERS: Final = {"ACCEPTED": "Pos", "TENTATIVE": "Tent", "DECLINED": "Neg"}
_SECURED: Final = {
    "multipart/signed": "IPM.Note.SMIME.MultipartSigned",
    "application/pkcs7-mime": "IPM.Note.SMIME",
    "application/x-pkcs7-mime": "IPM.Note.SMIME",
}
_SENSITIVITY: Final = {"PUBLIC": 0, "PRIVATE": 2, "CONFIDENTIAL": 3}
_RULE: Final = recurrences.Names(
    Email.Recurrence, Email.Type, Email.Interval, Email.Until, Email.Occurrences, Email.DayOfWeek, Email.DayOfMonth,
    Email.WeekOfMonth, Email.MonthOfYear, Email2.FirstDayOfWeek, Email2.CalendarType,
)  # fmt: skip
_GLOBAL: Final = bytes.fromhex("040000008200E00074C5B7101A82E008") + bytes(4 + 8 + 8)


def classified(data: bytes, parts: Sequence[Part], version: int) -> list[Element]:
    """MessageClass and ContentClass of a mail, and what it says of a meeting."""
    meeting = None
    if any(part.kind in ("text/calendar", "application/ics") for part in parts):
        meeting = imip.find(data)
    if meeting is None:
        kind = _SECURED.get(parts[0].kind, "IPM.Note") if parts else "IPM.Note"
        return [Email.MessageClass(kind), Email.ContentClass("urn:content-classes:message")]
    known = [Email.ContentClass("urn:content-classes:calendarmessage")]
    if meeting.method == "REPLY":
        answer = itip.partstat(next(iter(itip.attendees(meeting.calendar).values()), None))
        kind = f"IPM.Schedule.Meeting.Resp.{_ANSWERS.get(answer, 'Tent')}"
        return [Email.MessageClass(kind), *known]
    if meeting.method not in ("REQUEST", "CANCEL"):
        return [Email.MessageClass("IPM.Note"), *known]
    kind = "IPM.Schedule.Meeting.Request" if meeting.method == "REQUEST" else "IPM.Schedule.Meeting.Canceled"
    try:
        return [Email.MessageClass(kind), *known, _request(meeting, version)]
    except StorageError:  # a time that is none: the mail is shown as a mail
        return [Email.MessageClass("IPM.Note"), known[0]]


def global_object_id(uid: str) -> str:
    """The GlobalObjId of a UID of iCalendar, in base64 ([MS-ASEMAIL] §2.2.2.38)."""
    inner = b"vCal-Uid" + (1).to_bytes(4, "little") + uid.encode("utf-8", "replace")[:500] + b"\0"
    return base64.b64encode(_GLOBAL + len(inner).to_bytes(4, "little") + inner).decode("ascii")


def _request(meeting: Meeting, version: int) -> Element:
    part = itip.parts(meeting.calendar)[0]
    times = event_times.of(part, event_times.zones_of(meeting.calendar), UTC)
    instance = part.get("RECURRENCE-ID")
    rule = _rule(part, times, version) if instance is None else None
    organizer = part.get("ORGANIZER")
    address = itip.address(organizer.value) if organizer is not None else ""
    name = (organizer.param("CN") or "") if organizer is not None else ""
    place = unescape_text(part.value("LOCATION"))[:32_000]
    stamp = part.get("DTSTAMP")
    asked = any((prop.param("RSVP") or "").upper() == "TRUE" for prop in part.all("ATTENDEE"))
    elements: list[Element | None] = [
        Email.AllDayEvent(1 if times.all_day else 0),
        Email.StartTime(_long(times.begin)),
        Email.DtStamp(_long(event_times.of_stamp(stamp))) if stamp is not None else None,
        Email.EndTime(_long(times.over)),
        Email.InstanceType(2 if instance is not None else 1 if rule is not None else 0),
        Email.Location.given(place) if version < 160 else None,
        event_place.show(part) if version >= 160 else None,
        Email.Organizer(f'"{name}" <{address}>' if name else address),
        Email.RecurrenceId(_long(_instance(part, meeting.calendar))) if instance is not None else None,
        Email.ResponseRequested(1 if asked or meeting.method == "REQUEST" else 0),
        Email.Recurrences(rule) if rule is not None else None,
        Email.Sensitivity(_SENSITIVITY[icalendar.class_of(part)]),
        Email.BusyStatus(0 if part.value("TRANSP").strip().upper() == "TRANSPARENT" else 2),
        Email.TimeZone(timezone_blob.write(times.zone, datetime_of(times.begin).year)),
        Email.GlobalObjId(global_object_id(meeting.uid)) if version < 160 else Calendar.UID(meeting.uid),
        Email.DisallowNewTimeProposal(event_people.is_fixed(part)) if version >= 140 else None,
        Email2.MeetingMessageType(_kind(meeting, part)) if version >= 141 else None,
    ]
    return Email.MeetingRequest(*elements)


def _kind(meeting: Meeting, part: Component) -> int:
    """MeetingMessageType: an invitation, or that something is other than in the one before ([MS-ASEMAIL] §2.2.2.47)."""
    if meeting.method != "REQUEST":
        return _OTHER
    return _UPDATE if number(part.value("SEQUENCE").strip(), 0) else _INVITATION


def _rule(part: Component, times: event_times.Times, version: int) -> Element | None:
    rules = part.all("RRULE")
    if len(rules) != 1:
        return None

    def until(rule: Rule) -> str:
        assert rule.until is not None
        return event_times.wire_moment(event_times.last_of(rule.until, times), times.zone, 141)

    return recurrences.show(Rule.parse(rules[0].value), times.start.wall, _RULE, until, version)


def _instance(part: Component, calendar: Component) -> int:
    prop = part.get("RECURRENCE-ID")
    assert prop is not None
    moment, zone = event_times.moment_of(prop, event_times.zones_of(calendar), UTC)
    return event_times.seconds_of(event_times.wire_moment(moment, zone, 141))


def _long(seconds: int) -> str:
    return event_times.long(event_times.wire(seconds))
