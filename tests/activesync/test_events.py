"""Events on a phone and in the calendar: times, series, exceptions, people, and nothing lost ([MS-ASCAL], EAS-01)."""

from __future__ import annotations

import base64
import struct
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from servers.activesync.classes import events, timezone_blob
from servers.activesync.classes.item_class import Context, Unconvertible
from servers.activesync.options import HTML, PLAIN, Options, Preference
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, AirSyncBase, Calendar
from storage.formats import icalendar

BERLIN = ZoneInfo("Europe/Berlin")


def context(version: int = 141, zone: ZoneInfo = BERLIN, managed: frozenset[str] | None = None) -> Context:
    options = Options(0, (Preference(PLAIN, None, False, 0),))
    return Context(options, version, zone, 1_700_000_000.0, ("alice@example.test",), managed)


def ics(*lines: str, zone: str = "", more: str = "") -> bytes:
    head = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\n"
    body = "".join(f"{line}\r\n" for line in lines)
    event = f"BEGIN:VEVENT\r\nUID:u1\r\nDTSTAMP:20260101T000000Z\r\n{body}END:VEVENT\r\n"
    return (head + event + more + "END:VCALENDAR\r\n").encode()


def shown(body: bytes, version: int = 141, zone: ZoneInfo = BERLIN) -> Element:
    return AirSync.ApplicationData(*events.CLASS.show(body, context(version, zone)))


def merged(data: Element, before: bytes | None, version: int = 141, zone: ZoneInfo = BERLIN) -> str:
    body = events.CLASS.merge(data, before, "new-uid", context(version, zone))
    return icalendar.read(body).body.decode().replace("\r\n ", "")


def swap(data: Element, *elements: Element) -> Element:
    """The data with some elements in place of those with the same tag."""
    tags = {one.tag for one in elements}
    return AirSync.ApplicationData(*(one for one in data.children if one.tag not in tags), *elements)


def without(data: Element, *tags: object) -> Element:
    return AirSync.ApplicationData(*(one for one in data.children if one.tag not in tags))


MEETING = ics(
    "DTSTART;TZID=Europe/Berlin:20260706T100000",
    "DURATION:PT90M",
    "SUMMARY:Plan\\, all of it",
    "LOCATION:Room 1",
    "DESCRIPTION:line one\\nline two",
    "CATEGORIES:Work,Urgent",
    "X-CUSTOM;X-P=1:kept",
    "ATTACH:https://a.test/x",
    "BEGIN:VALARM",
    "ACTION:DISPLAY",
    "DESCRIPTION:x",
    "TRIGGER:-PT15M",
    "END:VALARM",
    "BEGIN:VALARM",
    "ACTION:EMAIL",
    "DESCRIPTION:x",
    "SUMMARY:x",
    "ATTENDEE:mailto:a@b.test",
    "TRIGGER:-P1D",
    "END:VALARM",
)


@pytest.mark.parametrize("version", [121, 140, 141, 161])
def test_what_comes_back_unchanged_changes_nothing(version: int) -> None:
    for body in (MEETING, SERIES, ALL_DAY, INVITED):
        assert events.CLASS.merge(shown(body, version), body, "", context(version)) == body


def test_a_plain_event_is_shown() -> None:
    found = shown(MEETING)
    for tag, text in (
        (Calendar.Subject, "Plan, all of it"),
        (Calendar.StartTime, "20260706T080000Z"),
        (Calendar.EndTime, "20260706T093000Z"),
        (Calendar.Location, "Room 1"),
        (Calendar.Reminder, "15"),
        (Calendar.AllDayEvent, "0"),
        (Calendar.BusyStatus, "2"),
        (Calendar.Sensitivity, "0"),
        (Calendar.MeetingStatus, "0"),
        (Calendar.UID, "u1"),
    ):
        assert found.text_of(tag) == text, tag
    assert found.text_of(AirSyncBase.Body, AirSyncBase.Data) == "line one\nline two"
    blob = timezone_blob.read(found.text_of(Calendar.Timezone) or "")
    assert blob is not None
    assert blob[0].bias == -60
    latest = shown(MEETING, 161)
    assert latest.text_of(AirSyncBase.Location, AirSyncBase.DisplayName) == "Room 1"
    assert Calendar.Location not in latest


def test_a_change_touches_what_changed_only() -> None:
    text = merged(swap(shown(MEETING), Calendar.Subject("Other"), Calendar.Reminder(30)), MEETING)
    assert "SUMMARY:Other" in text
    assert "TRIGGER:-PT30M" in text
    for kept in (
        "DTSTART;TZID=Europe/Berlin:20260706T100000",
        "DURATION:PT90M",
        "X-CUSTOM;X-P=1:kept",
        "ATTACH:https://a.test/x",
        "ACTION:EMAIL",
        "TRIGGER:-P1D",
        "CATEGORIES:Work,Urgent",
    ):
        assert kept in text


def test_lines_of_a_text_stay_for_a_device_that_wants_html() -> None:
    """EAS-13: the text is given back as HTML with another title; its lines are not doubled (decision 0224)."""
    before = ics("DTSTART:20260601T100000Z", "DTEND:20260601T110000Z", "SUMMARY:Tea", r"DESCRIPTION:one\ntwo\n\nthree")
    wanting = replace(context(), options=Options(0, (Preference(HTML, None, False, 0),)))
    given = AirSync.ApplicationData(*events.CLASS.show(before, wanting))
    body = given.find(AirSyncBase.Body)
    assert body is not None
    assert body.text_of(AirSyncBase.Type) == str(HTML)
    after = merged(swap(given, Calendar.Subject("Coffee")), before)
    assert r"DESCRIPTION:one\ntwo\n\nthree" in after
    assert "SUMMARY:Coffee" in after


def test_an_event_is_moved_in_its_zone() -> None:
    data = swap(shown(MEETING), Calendar.StartTime("20261206T090000Z"), Calendar.EndTime("20261206T100000Z"))
    text = merged(data, MEETING)
    assert "DTSTART;TZID=Europe/Berlin:20261206T100000" in text
    assert "DTEND;TZID=Europe/Berlin:20261206T110000" in text
    assert "DURATION" not in text


def test_omitted_elements() -> None:
    """[MS-ASCMD] §2.2.3.179; from 16.0 on what is absent is kept."""
    data = without(shown(MEETING), Calendar.Location, Calendar.Reminder, Calendar.Categories)
    text = merged(data, MEETING)
    assert "LOCATION" not in text
    assert "-PT15M" not in text
    assert "-P1D" in text
    assert "CATEGORIES" not in text
    ghosted = events.CLASS.merge(data, MEETING, "", context(managed=frozenset({"Calendar:Subject"})))
    assert b"LOCATION" in ghosted
    assert b"-PT15M" in ghosted
    assert events.CLASS.merge(AirSync.ApplicationData(Calendar.Subject("S")), MEETING, "", context(161)).count(
        b"Room 1"
    )


def new(*elements: Element, start: str = "20260706T080000Z", end: str = "20260706T090000Z") -> Element:
    return AirSync.ApplicationData(Calendar.StartTime(start), Calendar.EndTime(end), Calendar.Subject("N"), *elements)


@pytest.mark.parametrize(
    "key", ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Sydney", "UTC", "America/Sao_Paulo"]
)
def test_zones_are_recognised_and_written(key: str) -> None:
    zone = ZoneInfo(key)
    blob = timezone_blob.write(zone, 2026)
    assert len(blob) == 232  # 172 octets
    begin = datetime(2026, 7, 6, 9, 30, tzinfo=zone).astimezone(UTC)
    data = new(Calendar.Timezone(blob), start=begin.strftime("%Y%m%dT%H%M%SZ"), end=begin.strftime("%Y%m%dT%H%M%SZ"))
    body = events.CLASS.merge(data, None, "u", context())
    assert icalendar.read(body).series.span[0] == int(begin.timestamp())
    text = body.decode()
    assert ("DTSTART:" in text) if key == "UTC" else (f"DTSTART;TZID={key}:20260706T093000" in text)
    assert (f"TZID:{key}" in text) is (key != "UTC")
    found = shown(body)
    assert found.text_of(Calendar.StartTime) == begin.strftime("%Y%m%dT%H%M%SZ")


def test_the_zone_of_germany_as_phones_write_it() -> None:
    """[MS-ASDTYPE] §2.7.6, with names that say nothing."""
    form = struct.Struct("<i64s8Hi64s8Hi")
    octets = form.pack(-60, b"", 0, 10, 0, 5, 3, 0, 0, 0, 0, b"", 0, 3, 0, 5, 2, 0, 0, 0, -60)
    blob = base64.b64encode(octets).decode()
    assert timezone_blob.find(blob, 2026, []) == BERLIN
    text = merged(new(Calendar.Timezone(blob)), None, zone=ZoneInfo("America/New_York"))
    assert "DTSTART;TZID=Europe/Berlin:20260706T100000" in text


@pytest.mark.parametrize("blob", ["", "A" * 232, "!!", "AAAA", "/" * 232])
def test_a_zone_that_says_nothing_means_the_account_s(blob: str) -> None:
    assert "DTSTART;TZID=Europe/Berlin:20260706T100000" in merged(new(Calendar.Timezone(blob)), None)


ALL_DAY = ics("DTSTART;VALUE=DATE:20260131", "DTEND;VALUE=DATE:20260202", "SUMMARY:Fair", "TRANSP:TRANSPARENT")


def test_whole_days() -> None:
    """14.1: midnight of the zone; from 16.0 on plain days ([MS-ASCAL] §2.2.2.1)."""
    found = shown(ALL_DAY)
    assert found.text_of(Calendar.StartTime) == "20260130T230000Z"
    assert found.text_of(Calendar.EndTime) == "20260201T230000Z"
    assert found.text_of(Calendar.BusyStatus) == "0"
    latest = shown(ALL_DAY, 161)
    assert latest.text_of(Calendar.StartTime) == "20260131T000000Z"
    assert Calendar.Timezone not in latest


@pytest.mark.parametrize(
    ("start", "end", "zone"),
    [
        ("20260130T230000Z", "20260131T230000Z", "Europe/Berlin"),
        ("20260131T050000Z", "20260201T050000Z", "America/New_York"),
        ("20260131T000000Z", "20260201T000000Z", "Europe/Berlin"),  # UTC's midnight
        ("20260130T230000Z", "20260131T225900Z", "Europe/Berlin"),  # a minute early
        ("20260130T230000Z", "20260130T230000Z", "Europe/Berlin"),  # no length
    ],
)
def test_whole_days_as_devices_write_them(start: str, end: str, zone: str) -> None:
    blob = Calendar.Timezone(timezone_blob.write(ZoneInfo(zone), 2026))
    text = merged(new(Calendar.AllDayEvent(1), blob, start=start, end=end), None)
    assert "DTSTART;VALUE=DATE:20260131\r\n" in text
    assert "DTEND;VALUE=DATE:20260201\r\n" in text


SERIES = ics(
    "DTSTART;TZID=Europe/Berlin:20260302T100000",
    "DTEND;TZID=Europe/Berlin:20260302T110000",
    "RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=20",
    "EXDATE;TZID=Europe/Berlin:20260309T100000,20260330T100000",
    "SUMMARY:Weekly",
    "LOCATION:Here",
    more="BEGIN:VEVENT\r\nUID:u1\r\nDTSTAMP:20260101T000000Z\r\nRECURRENCE-ID;TZID=Europe/Berlin:20260406T100000\r\n"
    "DTSTART;TZID=Europe/Berlin:20260407T120000\r\nDTEND;TZID=Europe/Berlin:20260407T130000\r\nSUMMARY:Moved\r\n"
    "X-OWN:1\r\nEND:VEVENT\r\n",
)


def exceptions(data: Element) -> dict[str, Element]:
    found = data.find(Calendar.Exceptions)
    return {} if found is None else {one.text_of(Calendar.ExceptionStartTime) or "": one for one in found.children}


def test_an_exception_says_what_is_different_and_nothing_else() -> None:
    """[MS-ASCAL] §2.2.2.21; else a device that changes the series has the old values in each of its instances."""
    moved = exceptions(shown(SERIES))["20260406T080000Z"]
    assert {one.tag.name for one in moved.children} == {
        "ExceptionStartTime", "StartTime", "EndTime", "Subject", "Location",
    }  # fmt: skip


def test_a_series_with_exceptions_over_the_change_of_clocks() -> None:
    found = shown(SERIES)
    rule = found.find(Calendar.Recurrence)
    assert rule is not None
    assert {one.tag.name: one.text for one in rule.children} == {
        "Type": "1", "Interval": "1", "Occurrences": "20", "DayOfWeek": "2", "FirstDayOfWeek": "1",
    }  # fmt: skip
    told = exceptions(found)
    assert set(told) == {"20260309T090000Z", "20260330T080000Z", "20260406T080000Z"}
    assert told["20260309T090000Z"].text_of(Calendar.Deleted) == "1"
    moved = told["20260406T080000Z"]
    assert moved.text_of(Calendar.StartTime) == "20260407T100000Z"
    assert moved.text_of(Calendar.Subject) == "Moved"
    assert moved.text_of(Calendar.Location) == ""  # it has none, the series has


def exception(original: str, *elements: Element) -> Element:
    return Calendar.Exception(Calendar.ExceptionStartTime(original), *elements)


def test_a_device_changes_single_instances() -> None:
    found = shown(SERIES)
    kept = exceptions(found)
    data = swap(
        found,
        Calendar.Exceptions(
            kept["20260309T090000Z"],
            kept["20260406T080000Z"],
            exception("20260413T080000Z", Calendar.Deleted(1)),
            exception("20260420T080000Z", Calendar.Subject("Alone"), Calendar.StartTime("20260420T090000Z"),
                      Calendar.EndTime("20260420T103000Z")),
        ),
    )  # fmt: skip
    text = merged(data, SERIES)
    found_object = icalendar.read(text.encode())
    assert "20260309T100000" in text
    assert "20260330T100000" not in text  # no longer taken away
    assert "EXDATE;TZID=Europe/Berlin:20260413T100000" in text
    assert "X-OWN:1" in text
    own = next(one for one in found_object.overrides if one.value("SUMMARY") == "Alone")
    assert own.value("RECURRENCE-ID") == "20260420T100000"
    assert own.value("DTSTART") == "20260420T110000"
    assert own.value("DTEND") == "20260420T123000"
    assert own.value("LOCATION") == "Here"
    assert own.get("RRULE") is None
    again = exceptions(shown(text.encode()))
    assert set(again) == {"20260309T090000Z", "20260406T080000Z", "20260413T080000Z", "20260420T080000Z"}


def test_deleted_instances_do_not_come_back() -> None:
    """The list of exceptions is left out by some devices when they change something else."""
    data = without(swap(shown(SERIES), Calendar.Subject("Renamed")), Calendar.Exceptions)
    text = merged(data, SERIES)
    assert "EXDATE" in text
    assert "RECURRENCE-ID" in text
    moved = without(
        swap(shown(SERIES), Calendar.StartTime("20260302T120000Z"), Calendar.EndTime("20260302T130000Z")),
        Calendar.Exceptions,
    )
    assert "EXDATE" not in merged(moved, SERIES)


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY",
        "FREQ=DAILY;INTERVAL=3;COUNT=9",
        "FREQ=WEEKLY;BYDAY=MO,WE,FR",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO;UNTIL=20260801T080000Z",
        "FREQ=MONTHLY;BYMONTHDAY=15",
        "FREQ=MONTHLY;BYMONTHDAY=-1",
        "FREQ=MONTHLY;BYDAY=2TU",
        "FREQ=MONTHLY;BYDAY=-1FR",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1",
        "FREQ=YEARLY;BYMONTH=7;BYMONTHDAY=6",
        "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH",
    ],
)
def test_rules_survive_the_way_there_and_back(rule: str) -> None:
    body = ics(
        "DTSTART;TZID=Europe/Berlin:20260706T100000", "DTEND;TZID=Europe/Berlin:20260706T110000", f"RRULE:{rule}"
    )
    data = shown(body)
    assert Calendar.Recurrence in data
    assert f"RRULE:{rule}\r\n" in merged(data, body)
    fresh = merged(without(data, Calendar.UID), None)
    assert f"RRULE:{rule}\r\n" in fresh


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=HOURLY",
        "FREQ=MONTHLY;BYMONTHDAY=1,15",
        "FREQ=YEARLY;BYWEEKNO=20",
        "FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=2",
        "FREQ=DAILY;BYHOUR=9,17",
        "FREQ=YEARLY;BYMONTH=1,7",
        "FREQ=MONTHLY;BYDAY=5MO",
        "FREQ=MONTHLY;BYMONTHDAY=-2",
    ],
)
def test_rules_that_no_device_knows_are_left_alone(rule: str) -> None:
    body = ics("DTSTART:20260706T100000Z", "DTEND:20260706T110000Z", f"RRULE:{rule}", "SUMMARY:s")
    data = shown(body)
    assert Calendar.Recurrence not in data
    assert f"RRULE:{rule}\r\n" in merged(swap(data, Calendar.Subject("Other")), body)
    with pytest.raises(Unconvertible):
        merged(swap(data, Calendar.StartTime("20260707T100000Z")), body)


def test_a_series_becomes_a_single_event_and_the_other_way() -> None:
    text = merged(without(shown(SERIES), Calendar.Recurrence, Calendar.Exceptions), SERIES)
    assert "RRULE" not in text
    assert "RECURRENCE-ID" not in text
    rule = Calendar.Recurrence(Calendar.Type(0), Calendar.Interval(1), Calendar.Until("20260710T080000Z"))
    assert "RRULE:FREQ=DAILY;UNTIL=20260710T080000Z" in merged(swap(shown(MEETING), rule), MEETING)
    days = merged(
        swap(shown(ALL_DAY), Calendar.Recurrence(Calendar.Type(5), Calendar.Until("20300130T230000Z"))), ALL_DAY
    )
    assert "RRULE:FREQ=YEARLY;UNTIL=20300131" in days


INVITED = ics(
    "DTSTART:20260706T100000Z",
    "DTEND:20260706T110000Z",
    "SUMMARY:Theirs",
    "ORGANIZER;CN=Bob:mailto:bob@example.test",
    "ATTENDEE;CN=Bob;PARTSTAT=ACCEPTED:mailto:bob@example.test",
    "ATTENDEE;CN=Alice;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:alice@example.test",
    "ATTENDEE;CUTYPE=ROOM;PARTSTAT=ACCEPTED:mailto:room@example.test",
)


def test_an_invitation_is_shown_as_one() -> None:
    found = shown(INVITED)
    assert found.text_of(Calendar.MeetingStatus) == "3"
    assert found.text_of(Calendar.ResponseType) == "5"
    assert found.text_of(Calendar.ResponseRequested) == "1"
    assert found.text_of(Calendar.BusyStatus) == "1"
    assert found.text_of(Calendar.OrganizerEmail) == "bob@example.test"
    people = found.find(Calendar.Attendees)
    assert people is not None
    assert [one.text_of(Calendar.AttendeeType) for one in people.children] == ["1", "1", "3"]
    assert [one.text_of(Calendar.AttendeeStatus) for one in people.children] == ["3", "5", "3"]
    assert Calendar.ResponseType not in shown(INVITED, 121)


def test_a_guest_changes_what_is_his_own_and_nothing_else() -> None:
    """MTG-08: a plain change that looks like an answer is one."""
    data = swap(
        shown(INVITED),
        Calendar.Subject("Mine now"),
        Calendar.StartTime("20260707T100000Z"),
        Calendar.Reminder(5),
        Calendar.ResponseType(3),
        Calendar.Attendees(),
    )
    text = merged(data, INVITED)
    assert "SUMMARY:Theirs" in text
    assert "DTSTART:20260706T100000Z" in text
    assert "TRIGGER:-PT5M" in text
    assert text.count("ATTENDEE") == 3
    assert "PARTSTAT=ACCEPTED:mailto:alice@example.test" in text


def attendee(address: str, kind: int = 1, name: str = "") -> Element:
    return Calendar.Attendee(Calendar.Email(address), Calendar.Name(name or address), Calendar.AttendeeType(kind))


def test_who_invites_becomes_the_organizer() -> None:
    data = new(
        Calendar.Attendees(attendee("bob@example.test", name="Bob"), attendee("x@far.test", 2), attendee("nonsense"))
    )
    text = merged(data, None)
    assert "ORGANIZER:mailto:alice@example.test" in text
    assert "CN=Bob" in text
    assert "ROLE=OPT-PARTICIPANT" in text
    assert text.count("ATTENDEE") == 2
    found = shown(text.encode())
    assert found.text_of(Calendar.MeetingStatus) == "1"
    assert found.text_of(Calendar.ResponseType) == "1"
    fewer = merged(swap(found, Calendar.Attendees(attendee("x@far.test", 2))), text.encode())
    assert "bob@" not in fewer
    assert "ORGANIZER" in fewer
    alone = merged(without(found, Calendar.Attendees), text.encode())
    assert "ORGANIZER" not in alone


DAY = (Calendar.StartTime("20260101T000000Z"), Calendar.EndTime("20260102T000000Z"))


@pytest.mark.parametrize(
    "elements",
    [
        (Calendar.StartTime("yesterday"),),
        (Calendar.StartTime("20261301T000000Z"),),
        (*DAY, Calendar.Recurrence(Calendar.Type(9))),
        (*DAY, Calendar.Recurrence(Calendar.Type(3))),
        (*DAY, Calendar.Recurrence(Calendar.Type(0), Calendar.CalendarType(8))),
        (*DAY, Calendar.Recurrence(Calendar.Type(0), Calendar.Until("never"))),
        (
            *DAY,
            Calendar.Recurrence(Calendar.Type(0)),
            Calendar.Exceptions(Calendar.Exception(Calendar.Deleted(1))),
        ),
    ],
)
def test_hostile_values_are_refused(elements: tuple[Element, ...]) -> None:
    with pytest.raises(Unconvertible):
        events.CLASS.merge(AirSync.ApplicationData(*elements), None, "u", context())


@pytest.mark.parametrize(
    ("elements", "times"),
    [
        ((), ("20231114T220000Z", "20231114T223000Z")),  # it is 22:13:20
        ((Calendar.EndTime("20260101T000000Z"),), ("20231114T220000Z", "20260101T000000Z")),
        ((Calendar.EndTime("20200101T000000Z"),), None),
        ((Calendar.StartTime("20260101T000000Z"),), None),
        ((Calendar.StartTime("20260101T000000Z"), Calendar.EndTime("")), None),
        ((Calendar.EndTime(""),), None),
    ],
)
def test_a_start_or_an_end_that_is_left_out(elements: tuple[Element, ...], times: tuple[str, str] | None) -> None:
    """[MS-ASCAL] §3.2.4.1 (R52516, R52518; MS-ASCMD_R752)."""
    data = AirSync.ApplicationData(Calendar.Subject("x"), *elements)
    if times is None:
        with pytest.raises(Unconvertible):
            merged(data, None)
        return
    found = shown(merged(data, None).encode())
    assert (found.text_of(Calendar.StartTime), found.text_of(Calendar.EndTime)) == times


def test_texts_cannot_break_out() -> None:
    text = merged(new(Calendar.Location("x\r\nEND:VEVENT\x00;,\\")), None)
    assert text.count("END:VEVENT") == 2
    assert shown(text.encode()).text_of(Calendar.Location) == "x\nEND:VEVENT;,\\"


def test_times_that_float_are_the_account_s() -> None:
    body = ics("DTSTART:20260706T100000", "DTEND:20260706T110000", "SUMMARY:f")
    assert shown(body).text_of(Calendar.StartTime) == "20260706T080000Z"
    assert merged(swap(shown(body), Calendar.Subject("g")), body).count("DTSTART:20260706T100000\r\n") == 1


@pytest.mark.slow
def test_a_thousand_exceptions_in_a_series_of_tens_of_thousands() -> None:
    """Each was looked for among all others (SYS-17); and what a device was never told of is not gone."""
    days = [datetime(2026, 1, 1, 9) + timedelta(days=number) for number in range(20_000)]
    gone = [f"EXDATE;TZID=Europe/Berlin:{day:%Y%m%dT%H%M%S}" for day in days]
    body = ics("DTSTART;TZID=Europe/Berlin:20260101T090000", "DURATION:PT1H", "SUMMARY:x", "RRULE:FREQ=DAILY", *gone)
    data = shown(body)
    exceptions = data.find(Calendar.Exceptions)
    assert exceptions is not None
    assert len(exceptions.children) == 1_000
    again = exceptions.children[0]
    again.children = [one for one in again.children if one.tag is not Calendar.Deleted]
    again.children.append(Calendar.Subject("here again"))
    text = merged(data, body)
    assert text.count("EXDATE") == 19_999
    assert text.count("here again") == 1


@pytest.mark.parametrize("version", [141, 161])
def test_what_began_before_1970_began_then(version: int) -> None:
    """[MS-ASDTYPE] §2.3 has dates of any year: a birthday stays on its day, and does not move when it is renamed."""
    birthday = ics("DTSTART;VALUE=DATE:19650531", "DTEND;VALUE=DATE:19650601", "RRULE:FREQ=YEARLY", "SUMMARY:Ada")
    found = shown(birthday, version)
    assert found.text_of(Calendar.StartTime) == {141: "19650530T230000Z", 161: "19650531T000000Z"}[version]
    text = merged(swap(found, Calendar.Subject("Ada's birthday")), birthday, version)
    assert "DTSTART;VALUE=DATE:19650531\r\n" in text
    assert "SUMMARY:Ada's birthday" in text


NEW_YORK = (
    "DTSTART;TZID=America/New_York:20260302T100000", "DTEND;TZID=America/New_York:20260302T110000", "SUMMARY:Weekly",
)  # fmt: skip


@pytest.mark.parametrize("gone", ["EXDATE:20260309T100000", "EXDATE;VALUE=DATE:20260309"])
def test_an_instance_taken_away_without_a_zone_is_in_that_of_its_series(gone: str) -> None:
    """RFC 5545 §3.8.5.1: other programs write them so, and the calendar has them by the clock of the series."""
    body = ics(*NEW_YORK, "RRULE:FREQ=WEEKLY;COUNT=4", gone)
    found = shown(body)
    assert set(exceptions(found)) == {"20260309T140000Z"}
    assert gone in merged(swap(found, Calendar.Subject("Renamed")), body)


@pytest.mark.parametrize(("until", "zone", "told"), [
    ("20260323", "America/New_York", "20260324T035959Z"),
    ("20260323T140000Z", "America/New_York", "20260323T140000Z"),
])  # fmt: skip
def test_the_day_of_the_last_instance_is_all_of_it(until: str, zone: str, told: str) -> None:
    """RFC 5545 §3.3.10: where UNTIL is a day and the series has times, as many write it, its last instance counts."""
    found = shown(ics(*NEW_YORK, f"RRULE:FREQ=WEEKLY;UNTIL={until}"), zone=ZoneInfo(zone))
    assert found.text_of(Calendar.Recurrence, Calendar.Until) == told


def test_the_last_of_a_series_of_days_is_a_day() -> None:
    """A midnight of UTC is before that day begins in New York, where the instance is then ([MS-ASCAL] §2.2.2.45)."""
    body = ics("DTSTART;VALUE=DATE:20260302", "RRULE:FREQ=WEEKLY;UNTIL=20260323T000000Z", "SUMMARY:Weekly")
    found = shown(body, zone=ZoneInfo("America/New_York"))
    assert found.text_of(Calendar.Recurrence, Calendar.Until) == "20260323T040000Z"


THEIRS = ics(
    "DTSTART:20260706T100000Z",
    "DTEND:20260706T110000Z",
    "RRULE:FREQ=WEEKLY;COUNT=5",
    "SUMMARY:Theirs",
    "ORGANIZER;CN=Bob:mailto:bob@example.test",
    "ATTENDEE;CN=Bob;PARTSTAT=ACCEPTED:mailto:bob@example.test",
    "ATTENDEE;CN=Alice;PARTSTAT=ACCEPTED:mailto:alice@example.test",
)


def test_a_guest_takes_single_instances_out_of_his_calendar() -> None:
    """RFC 6638 §3.2.2.1; up to 14.1 the list of exceptions says so ([MS-ASCAL] §2.2.2.21), as it does of his reminders."""
    gone = exception("20260713T100000Z", Calendar.Deleted(1))
    told = exception("20260720T100000Z", Calendar.Subject("Mine now"), Calendar.Reminder(5))
    theirs = exception("20260727T100000Z", Calendar.Subject("Mine now"))
    text = merged(swap(shown(THEIRS), Calendar.Exceptions(gone, told, theirs)), THEIRS)
    assert "EXDATE:20260713T100000Z" in text
    assert text.count("RECURRENCE-ID") == text.count("RECURRENCE-ID:20260720T100000Z") == 1
    assert "TRIGGER:-PT5M" in text
    assert "Mine now" not in text
    again = exceptions(shown(text.encode()))
    assert set(again) == {"20260713T100000Z", "20260720T100000Z"}
    assert "EXDATE:20260713T100000Z" in merged(swap(shown(THEIRS), Calendar.Exceptions(told)), text.encode())


def test_a_guest_of_sixteen_changes_what_is_his_own_of_an_instance() -> None:
    """[MS-ASCAL] §2.2.2.24; an instance that he says nothing of his own about stays one of the series."""
    merge_one = events.CLASS.merge_one
    assert merge_one is not None
    theirs = merge_one(AirSync.ApplicationData(Calendar.Subject("Mine")), THEIRS, "20260713T100000Z", context(161))
    assert b"RECURRENCE-ID" not in theirs
    own = merge_one(AirSync.ApplicationData(Calendar.Reminder(5)), THEIRS, "20260713T100000Z", context(161))
    assert b"TRIGGER:-PT5M" in own


WITH_MOVED = ics(
    "DTSTART;TZID=Europe/Berlin:20260302T100000",
    "DTEND;TZID=Europe/Berlin:20260302T110000",
    "RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=20",
    "SUMMARY:Weekly",
    "LOCATION:Here",
    "ORGANIZER:mailto:alice@example.test",
    "ATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@example.test",
    more="BEGIN:VEVENT\r\nUID:u1\r\nDTSTAMP:20260101T000000Z\r\nRECURRENCE-ID;TZID=Europe/Berlin:20260406T100000\r\n"
    "DTSTART;TZID=Europe/Berlin:20260407T120000\r\nDTEND;TZID=Europe/Berlin:20260407T130000\r\nSUMMARY:Weekly\r\n"
    "LOCATION:There\r\nORGANIZER:mailto:alice@example.test\r\n"
    "ATTENDEE;PARTSTAT=TENTATIVE:mailto:bob@example.test\r\nEND:VEVENT\r\n",
)


@pytest.mark.parametrize("version", [141, 161])
def test_what_an_exception_does_not_say_is_the_series(version: int) -> None:
    """[MS-ASCAL] §2.2.2.21: a device that renames a series shows its moved instance by the new name, and so do others."""
    found = shown(WITH_MOVED, version)
    (moved,) = found.find(Calendar.Exceptions).children  # type: ignore[union-attr]
    assert Calendar.Subject not in moved
    data = AirSync.ApplicationData(Calendar.Subject("Monthly, nearly"), Calendar.Reminder(5))
    if version < 160:  # else it would say of the guests that they stay as they are
        moved.children = [one for one in moved.children if one.tag is not Calendar.Attendees]
        data = swap(found, *data.children)
    guests = Calendar.Attendees(attendee("bob@example.test"), attendee("carol@example.test"))
    text = merged(swap(data, guests), WITH_MOVED, version)
    (instance,) = icalendar.read(text.encode()).overrides
    assert instance.value("SUMMARY") == "Monthly\\, nearly"
    assert instance.value("LOCATION") == "There"
    assert instance.value("DTSTART") == "20260407T120000"
    assert len(instance.of("VALARM")) == 1
    assert [one.value for one in instance.all("ATTENDEE")] == ["mailto:bob@example.test", "mailto:carol@example.test"]
    assert "PARTSTAT=TENTATIVE:mailto:bob@example.test" in text
    assert exceptions(shown(text.encode())).keys() == {"20260406T080000Z"}


def test_names_of_people_hold_no_controls() -> None:
    """RFC 5545 §3.1: no parameter holds one; the meeting is taken all the same."""
    text = merged(
        new(Calendar.OrganizerName("Al\x07ice"), Calendar.Attendees(attendee("bob@example.test", name="B\x01ob"))), None
    )
    assert "CN=Alice:mailto:alice@example.test" in text
    assert "CN=Bob" in text


@pytest.mark.parametrize("version", [141, 161])
@pytest.mark.parametrize(
    ("lines", "times"),
    [
        (("DTSTART;VALUE=DATE:20260131", "DTEND;VALUE=DATE:20260131"), ("20260130T230000Z", "20260131T230000Z")),
        (("DTSTART:20260131T100000Z", "DTEND:20260131T090000Z"), ("20260131T100000Z", "20260131T100000Z")),
    ],
)
def test_nothing_ends_before_it_began(lines: tuple[str, str], times: tuple[str, str], version: int) -> None:
    """Some programs write the last day itself as DTEND (RFC 5545 §3.8.2.2): the calendar has the day, and so have phones."""
    body = ics(*lines, "SUMMARY:Odd")
    found = shown(body, version)
    told = (found.text_of(Calendar.StartTime), found.text_of(Calendar.EndTime))
    days = ("20260131T000000Z", "20260201T000000Z")
    assert told == (days if version == 161 and "DATE" in lines[0] else times)
    for line in lines:
        assert line in merged(swap(found, Calendar.Subject("Renamed")), body, version)


def test_html_that_says_something_else_than_the_text_is_older() -> None:
    """NOTE-02, and so of events: a program that knows DESCRIPTION alone leaves Outlook's X-ALT-DESC as it was."""
    html = "X-ALT-DESC;FMTTYPE=text/html:<html><body><b>room</b> 7</body></html>"
    wanting = replace(context(), options=Options(0, (Preference(HTML, None, False, 0),)))

    def text(*lines: str) -> str:
        found = AirSync.ApplicationData(*events.CLASS.show(ics("DTSTART:20260706T100000Z", *lines), wanting))
        return found.text_of(AirSyncBase.Body, AirSyncBase.Data) or ""

    assert "<b>room</b> 7" in text("DESCRIPTION:room 7", html)
    assert "<b>room</b> 7" in text(html)
    assert "room 8" in text("DESCRIPTION:room 8", html)


@pytest.mark.parametrize("kind", [PLAIN, HTML])
def test_an_instance_without_the_text_of_its_series_has_none(kind: int) -> None:
    """[MS-ASCAL] §2.2.2.21: what an exception leaves out is that of the series."""
    body = SERIES.replace(b"SUMMARY:Weekly", b"DESCRIPTION:Agenda\r\nSUMMARY:Weekly")
    wanting = replace(context(), options=Options(0, (Preference(kind, None, False, 0),)))
    found = AirSync.ApplicationData(*events.CLASS.show(body, wanting))
    moved = exceptions(found)["20260406T080000Z"]
    assert AirSyncBase.Body in moved
    assert "Agenda" not in (moved.text_of(AirSyncBase.Body, AirSyncBase.Data) or "")
    (instance,) = icalendar.read(events.CLASS.merge(found, body, "", wanting)).overrides
    assert instance.get("DESCRIPTION") is None
    assert instance.get("X-ALT-DESC") is None


def test_html_alone_stays_for_a_device_that_wants_plain_text() -> None:
    """NOTE-02: what comes back as it was shown is no other text, though it is in another form ([MS-ASAIRS] §2.2.2.9)."""
    html = "X-ALT-DESC;FMTTYPE=text/html:<p>the <b>plan</b></p>"
    body = ics("DTSTART:20260706T100000Z", "SUMMARY:s", html)
    text = merged(swap(shown(body), Calendar.Subject("Renamed")), body)
    assert html in text
    assert "DESCRIPTION" not in text
