"""Partial retrieval: comp, prop, expand and the limits (RFC 4791 §9.6)."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from storage.errors import TooManyInstances
from storage.formats.calendar_data import (
    CompSelection,
    PropSelection,
    expand,
    limit_freebusy_set,
    limit_recurrence_set,
    select,
)
from storage.formats.contentline import Component, parse, render
from storage.formats.icalendar import CalendarObject, read


def at(text: str) -> int:
    return int(datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp())


def obj(text: str) -> CalendarObject:
    whole = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Test//Test//EN\n{text.strip()}\nEND:VCALENDAR\n"
    return read(whole.replace("\n", "\r\n").encode())


def text_of(component: Component) -> list[str]:
    return render(component).decode().split("\r\n")[:-1]


# RFC 4791 Appendix B, abcd2.ics: daily at noon from 2 January 2006, one instance moved to 14:00, one overridden.
EASTERN = """BEGIN:VTIMEZONE
LAST-MODIFIED:20040110T032845Z
TZID:US/Eastern
BEGIN:DAYLIGHT
DTSTART:20000404T020000
RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=4
TZNAME:EDT
TZOFFSETFROM:-0500
TZOFFSETTO:-0400
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:20001026T020000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
TZNAME:EST
TZOFFSETFROM:-0400
TZOFFSETTO:-0500
END:STANDARD
END:VTIMEZONE"""
ABCD2 = f"""{EASTERN}
BEGIN:VEVENT
DTSTAMP:20060206T001121Z
DTSTART;TZID=US/Eastern:20060102T120000
DURATION:PT1H
RRULE:FREQ=DAILY;COUNT=5
SUMMARY:Event #2
UID:00959BC664CA650E933C892C@example.com
END:VEVENT
BEGIN:VEVENT
DTSTAMP:20060206T001121Z
DTSTART;TZID=US/Eastern:20060104T140000
DURATION:PT1H
RECURRENCE-ID;TZID=US/Eastern:20060104T120000
SUMMARY:Event #2 bis
UID:00959BC664CA650E933C892C@example.com
END:VEVENT
BEGIN:VEVENT
DTSTAMP:20060206T001121Z
DTSTART;TZID=US/Eastern:20060106T140000
DURATION:PT1H
RECURRENCE-ID;TZID=US/Eastern:20060106T120000
SUMMARY:Event #2 bis bis
UID:00959BC664CA650E933C892C@example.com
END:VEVENT"""


def test_select_as_in_the_rfc() -> None:
    """§7.8.1: VTIMEZONE without any element is whole; of VEVENT only what is named."""
    names = ("SUMMARY", "UID", "DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXRULE", "EXDATE", "RECURRENCE-ID")
    wanted = CompSelection(
        "VCALENDAR",
        props=(PropSelection("VERSION"),),
        comps=(CompSelection("VEVENT", props=tuple(map(PropSelection, names))), CompSelection("VTIMEZONE")),
    )
    lines = text_of(select(obj(ABCD2).calendar, wanted))
    assert lines[:2] == ["BEGIN:VCALENDAR", "VERSION:2.0"]
    assert lines[2:20] == EASTERN.split("\n")
    assert "DTSTAMP:20060206T001121Z" not in lines
    assert not any(line.startswith("PRODID") for line in lines)
    assert lines.count("UID:00959BC664CA650E933C892C@example.com") == 3


def test_select_novalue_allprop_allcomp() -> None:
    found = obj(
        "BEGIN:VEVENT\nUID:u\nDTSTAMP:20240101T000000Z\nDTSTART:20240101T000000Z\nATTENDEE;CN=Ann:mailto:a@example.test\n"
        "BEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:PT0S\nEND:VALARM\nEND:VEVENT"
    )
    novalue = CompSelection("VEVENT", props=(PropSelection("ATTENDEE", novalue=True),))
    assert text_of(select(found.components[0], novalue)) == ["BEGIN:VEVENT", "ATTENDEE;CN=Ann:", "END:VEVENT"]
    assert "BEGIN:VALARM" not in text_of(select(found.components[0], CompSelection("VEVENT", allprop=True)))
    whole = CompSelection("VEVENT", allprop=True, allcomp=True)
    assert select(found.components[0], whole) == found.components[0]
    assert select(found.calendar, CompSelection("VCALENDAR")) == found.calendar
    none = CompSelection("VCALENDAR", comps=(CompSelection("VTODO"),))
    assert text_of(select(found.calendar, none))[1:3] == ["VERSION:2.0", "PRODID:-//Test//Test//EN"]
    assert select(found.calendar, none).components == []


def test_expand_as_in_the_rfc() -> None:
    """§7.8.3: 2006-01-03 to 01-05 in UTC, without VTIMEZONE, each with its RECURRENCE-ID."""
    found = expand(obj(ABCD2), at("20060103T000000Z"), at("20060105T000000Z"))
    assert text_of(found) == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Test//Test//EN",
        "BEGIN:VEVENT",
        "DTSTAMP:20060206T001121Z",
        "DTSTART:20060103T170000Z",
        "RECURRENCE-ID:20060103T170000Z",
        "DURATION:PT1H",
        "SUMMARY:Event #2",
        "UID:00959BC664CA650E933C892C@example.com",
        "END:VEVENT",
        "BEGIN:VEVENT",
        "DTSTAMP:20060206T001121Z",
        "DTSTART:20060104T190000Z",
        "RECURRENCE-ID:20060104T170000Z",
        "DURATION:PT1H",
        "SUMMARY:Event #2 bis",
        "UID:00959BC664CA650E933C892C@example.com",
        "END:VEVENT",
        "END:VCALENDAR",
    ]


def series(times: str) -> CalendarObject:
    return obj(f"BEGIN:VEVENT\nUID:u\nDTSTAMP:20240101T000000Z\n{times}\nEND:VEVENT")


def test_expand_keeps_all_day_and_floating_times() -> None:
    days = expand(
        series("DTSTART;VALUE=DATE:20240310\nDTEND;VALUE=DATE:20240312\nRRULE:FREQ=DAILY;INTERVAL=7"),
        at("20240318T120000Z"),
        at("20240319T000000Z"),
        ZoneInfo("America/New_York"),
    )
    assert text_of(days)[5:9] == [
        "DTSTAMP:20240101T000000Z",
        "DTSTART;VALUE=DATE:20240317",
        "RECURRENCE-ID;VALUE=DATE:20240317",
        "DTEND;VALUE=DATE:20240319",
    ]
    floating = expand(
        series("DTSTART:20240310T090000\nDTEND:20240310T100000\nRRULE:FREQ=DAILY"),
        at("20240312T130000Z"),
        at("20240312T140000Z"),
        ZoneInfo("America/New_York"),
    )
    assert text_of(floating)[6:9] == [
        "DTSTART:20240312T090000",
        "RECURRENCE-ID:20240312T090000",
        "DTEND:20240312T100000",
    ]


@pytest.mark.parametrize(
    ("length", "series", "lengths"),
    [
        ("DURATION:PT1H", "RDATE;VALUE=PERIOD;TZID=US/Eastern:20060103T120000/PT3H", ["PT1H", "PT10800S"]),
        ("X-NONE:1", "RDATE;VALUE=PERIOD;TZID=US/Eastern:20060103T120000/PT3H", ["", "PT10800S"]),
        ("DURATION:P1D", "RDATE;TZID=US/Eastern:20060401T120000", ["P1D", "PT82800S"]),
    ],
)
def test_expand_tells_how_long_each_instance_is(length: str, series: str, lengths: list[str]) -> None:
    """RFC 5545 §3.8.5.2: a PERIOD "defines the duration of the recurrence instance"; §3.3.6: days are the wall's."""
    event = f"BEGIN:VEVENT\nUID:r\nDTSTART;TZID=US/Eastern:20060102T120000\n{length}\n{series}\nEND:VEVENT"
    whole = expand(obj(f"{EASTERN}\n{event}"), at("20060101T000000Z"), at("20060501T000000Z"))
    assert [each.value("DURATION") for each in whole.components] == lengths


def test_expand_what_does_not_recur() -> None:
    """No RECURRENCE-ID; other properties lose their time zone too (§9.6.5)."""
    found = series(
        "DTSTART;TZID=Europe/Paris:20240710T100000\nDTEND;TZID=Europe/Paris:20240710T110000\n"
        "X-SEEN;TZID=Europe/Paris:20240709T100000\nX-ODD;TZID=Europe/Paris:not a time"
    )
    assert text_of(expand(found, 0, 2**40))[6:10] == [
        "DTSTART:20240710T080000Z",
        "DTEND:20240710T090000Z",
        "X-SEEN:20240709T080000Z",
        "X-ODD:not a time",
    ]
    assert expand(found, 0, 1).components == []
    todo = obj("BEGIN:VTODO\nUID:u\nDTSTAMP:20240101T000000Z\nDUE;TZID=Europe/Paris:20240710T100000\nEND:VTODO")
    assert text_of(expand(todo, 0, 2**40))[6] == "DUE:20240710T080000Z"


def test_expand_has_a_limit() -> None:
    with pytest.raises(TooManyInstances):
        expand(series("DTSTART:20240310T090000Z\nRRULE:FREQ=SECONDLY"), 0, 2**40)


def test_limit_recurrence_set() -> None:
    """§7.8.2 and §9.6.6: overrides that are in the range, or were before they were moved."""

    def left(start: str, end: str) -> list[str]:
        found = limit_recurrence_set(obj(ABCD2), at(start), at(end))
        assert found.components[0].name == "VTIMEZONE"
        return [each.value("SUMMARY") for each in found.components[1:]]

    assert left("20060103T000000Z", "20060105T000000Z") == ["Event #2", "Event #2 bis"]
    assert left("20060104T170000Z", "20060104T180000Z") == ["Event #2", "Event #2 bis"]  # where it was
    assert left("20060104T190000Z", "20060104T200000Z") == ["Event #2", "Event #2 bis"]  # where it is
    assert left("20060104T180000Z", "20060104T190000Z") == ["Event #2"]
    assert left("20060101T000000Z", "20070101T000000Z") == ["Event #2", "Event #2 bis", "Event #2 bis bis"]


def test_limit_recurrence_set_keeps_changes_that_last() -> None:
    """§9.6.6: a RANGE bears on later instances as well."""
    text = ABCD2.replace(
        "RECURRENCE-ID;TZID=US/Eastern:20060104", "RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=US/Eastern:20060104"
    )
    found = limit_recurrence_set(obj(text), at("20060105T000000Z"), at("20060105T235900Z"))
    assert [each.value("SUMMARY") for each in found.components[1:]] == ["Event #2", "Event #2 bis"]


def test_limit_freebusy_set() -> None:
    """§9.6.7."""
    text = """BEGIN:VCALENDAR
BEGIN:VFREEBUSY
DTSTAMP:20050125T090000Z
FREEBUSY;FBTYPE=BUSY-TENTATIVE:20060102T100000Z/20060102T120000Z
FREEBUSY:20060103T100000Z/PT1H,20060104T100000Z/20060104T120000Z
END:VFREEBUSY
END:VCALENDAR
"""
    [calendar] = parse(text.encode())
    found = limit_freebusy_set(calendar, at("20060103T110000Z"), at("20060104T110000Z"))
    assert text_of(found)[3:-2] == ["FREEBUSY:20060104T100000Z/20060104T120000Z"]
