"""CALDAV:filter and what of it an index decides (RFC 4791 §9.7, §9.9)."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.formats.calendar_filter import (
    CompFilter,
    ParamFilter,
    Prefilter,
    PropFilter,
    TextMatch,
    TimeRange,
    matches,
    matches_body,
    prefilter,
)
from storage.formats.collation import OCTET, UNICODE_CASEMAP
from storage.formats.contentline import Component, Property, escape_text, render
from storage.formats.icalendar import CalendarObject, read


def at(text: str) -> int:
    return int(datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp())


def between(start: str | None, end: str | None) -> TimeRange:
    return TimeRange(at(start) if start else None, at(end) if end else None)


def obj(text: str) -> CalendarObject:
    whole = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Test//Test//EN\n{text.strip()}\nEND:VCALENDAR\n"
    return read(whole.replace("\n", "\r\n").encode())


def of(
    kind: str, *props: PropFilter, comps: tuple[CompFilter, ...] = (), during: TimeRange | None = None
) -> CompFilter:
    return CompFilter("VCALENDAR", comps=(CompFilter(kind, time_range=during, props=props, comps=comps),))


EVENT = obj("""BEGIN:VEVENT
UID:DC6C50A017428C5216A2F1CD@example.com
DTSTAMP:20060206T001102Z
CREATED:20060101T000000Z
DTSTART;TZID=Europe/Paris:20060102T110000
DURATION:PT1H
SUMMARY:Café with Ann\\, Bob
CATEGORIES:PERSONAL,Work
ATTENDEE;PARTSTAT=ACCEPTED;CN=Ann;ROLE=CHAIR:mailto:ann@example.com
ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:lisa@example.com
BEGIN:VALARM
ACTION:DISPLAY
DESCRIPTION:Coffee
TRIGGER;RELATED=START:-PT10M
END:VALARM
END:VEVENT""")
TODO = obj("""BEGIN:VTODO
UID:todo
DTSTAMP:20060205T235335Z
DUE;VALUE=DATE:20060104
STATUS:NEEDS-ACTION
SUMMARY:Task #1
BEGIN:VALARM
ACTION:AUDIO
TRIGGER;VALUE=DATE-TIME:20060104T100000Z
REPEAT:3
DURATION:PT1H
END:VALARM
END:VTODO""")


@pytest.mark.parametrize(
    ("wanted", "event", "todo"),
    [
        (CompFilter("VCALENDAR"), True, True),
        (CompFilter("VCALENDAR", is_not_defined=True), False, False),
        (CompFilter("VADDRESSBOOK"), False, False),
        (CompFilter("VCALENDAR", props=(PropFilter("VERSION", text_match=TextMatch("2.0")),)), True, True),
        (CompFilter("VCALENDAR", props=(PropFilter("METHOD", is_not_defined=True),)), True, True),
        (CompFilter("VCALENDAR", props=(PropFilter("METHOD"),)), False, False),
        (of("VEVENT"), True, False),
        (of("VTODO"), False, True),
        (CompFilter("VCALENDAR", comps=(CompFilter("VTODO", is_not_defined=True),)), True, False),
        (CompFilter("VCALENDAR", comps=(CompFilter("VEVENT"), CompFilter("VTODO"))), False, False),
        # §7.8.5: alarms
        (of("VTODO", comps=(CompFilter("VALARM", time_range=between("20060104T100000Z", "20060105T100000Z")),)), False, True),
        (of("VTODO", comps=(CompFilter("VALARM", time_range=between("20060104T123000Z", "20060104T131500Z")),)), False, True),  # third repetition
        (of("VTODO", comps=(CompFilter("VALARM", time_range=between("20060104T133000Z", "20060105T100000Z")),)), False, False),
        (of("VEVENT", comps=(CompFilter("VALARM", time_range=between("20060102T095000Z", "20060102T095001Z")),)), True, False),
        (of("VEVENT", comps=(CompFilter("VALARM", time_range=between("20060102T095001Z", "20060103T000000Z")),)), False, False),
        (of("VEVENT", comps=(CompFilter("VALARM", is_not_defined=True),)), False, False),
        (of("VEVENT", comps=(CompFilter("VALARM", props=(PropFilter("ACTION", text_match=TextMatch("display")),)),)), True, False),
        # §7.8.6: UID
        (of("VEVENT", PropFilter("UID", text_match=TextMatch("DC6C50A017428C5216A2F1CD@example.com", OCTET))), True, False),
        (of("VEVENT", PropFilter("UID", text_match=TextMatch("dc6c50a0", OCTET))), False, False),
        (of("VEVENT", PropFilter("UID", text_match=TextMatch("dc6c50a0"))), True, False),
        # §7.8.7: PARTSTAT of one attendee; text and parameter belong to the same property
        (of("VEVENT", PropFilter("ATTENDEE", text_match=TextMatch("mailto:lisa@example.com"), params=(ParamFilter("PARTSTAT", text_match=TextMatch("NEEDS-ACTION")),))), True, False),
        (of("VEVENT", PropFilter("ATTENDEE", text_match=TextMatch("mailto:ann@example.com"), params=(ParamFilter("PARTSTAT", text_match=TextMatch("NEEDS-ACTION")),))), False, False),
        (of("VEVENT", PropFilter("ATTENDEE", params=(ParamFilter("ROLE", is_not_defined=True),))), True, False),
        (of("VEVENT", PropFilter("ATTENDEE", params=(ParamFilter("ROLE"), ParamFilter("CN", text_match=TextMatch("ann")),))), True, False),
        (of("VEVENT", PropFilter("ATTENDEE", params=(ParamFilter("X-NONE"),))), False, False),
        # §7.8.9: to-dos that are pending
        (of("VTODO", PropFilter("COMPLETED", is_not_defined=True), PropFilter("STATUS", text_match=TextMatch("CANCELLED", negate=True))), False, True),
        (of("VTODO", PropFilter("STATUS", text_match=TextMatch("NEEDS-ACTION", negate=True))), False, False),
        # §9.7.5 "components with a STATUS property not set to": without the property nothing matches
        (of("VEVENT", PropFilter("STATUS", text_match=TextMatch("CANCELLED", negate=True))), False, False),
        # text is compared as people read it
        (of("VEVENT", PropFilter("SUMMARY", text_match=TextMatch("ann, bob"))), True, False),
        (of("VEVENT", PropFilter("SUMMARY", text_match=TextMatch("CAFÉ"))), False, False),
        (of("VEVENT", PropFilter("SUMMARY", text_match=TextMatch("CAFÉ", UNICODE_CASEMAP))), True, False),
        (of("VEVENT", PropFilter("CATEGORIES", text_match=TextMatch("work"))), True, False),
        # §9.9: ranges on properties
        (of("VEVENT", PropFilter("CREATED", time_range=between("20060101T000000Z", "20060101T000001Z"))), True, False),
        (of("VEVENT", PropFilter("CREATED", time_range=between(None, "20060101T000000Z"))), False, False),
        (of("VEVENT", PropFilter("DTSTART", time_range=between("20060102T100000Z", "20060102T100001Z"))), True, False),
        (of("VEVENT", PropFilter("DTEND", time_range=between("20060102T110000Z", None))), True, False),  # effective
        (of("VEVENT", PropFilter("DTEND", time_range=between("20060102T110001Z", None))), False, False),
        (of("VEVENT", PropFilter("DTEND")), False, False),
        (of("VTODO", PropFilter("DUE", time_range=between("20060104T000000Z", "20060104T000001Z"))), False, True),
        (of("VEVENT", PropFilter("LAST-MODIFIED", time_range=between("20060104T000000Z", None))), False, False),
    ],
)  # fmt: skip
def test_filters(wanted: CompFilter, event: bool, todo: bool) -> None:
    for found, expected in ((EVENT, event), (TODO, todo)):
        assert matches(wanted, found) is expected
        assert matches_body(wanted, found.body) is expected
        plan = prefilter(wanted)
        if plan.exact:
            assert expected is (plan.component in (None, found.component))
        elif expected:
            assert plan.component in (None, found.component)


DAILY = obj("""BEGIN:VEVENT
UID:u
DTSTAMP:20240101T000000Z
DTSTART:20240101T100000Z
DTEND:20240101T110000Z
RRULE:FREQ=DAILY
EXDATE:20240105T100000Z
SUMMARY:standing
BEGIN:VALARM
ACTION:DISPLAY
TRIGGER:-P1D
END:VALARM
END:VEVENT
BEGIN:VEVENT
UID:u
DTSTAMP:20240101T000000Z
RECURRENCE-ID:20240103T100000Z
DTSTART:20240103T200000Z
DTEND:20240103T210000Z
SUMMARY:moved
END:VEVENT""")


@pytest.mark.parametrize(
    ("summary", "start", "end", "expected"),
    [
        ("standing", "20240102T100000Z", "20240102T110000Z", True),
        ("standing", "20240103T000000Z", "20240104T000000Z", False),  # that day only the moved one
        ("moved", "20240103T000000Z", "20240104T000000Z", True),
        ("moved", "20240103T100000Z", "20240103T110000Z", False),  # where it was
        ("moved", "20240104T000000Z", None, False),
        ("standing", "20240104T000000Z", None, True),
        ("", "20240105T000000Z", "20240106T000000Z", False),  # excluded
        ("", "20990105T000000Z", "20990106T000000Z", True),
        ("other", None, "20990106T000000Z", False),
    ],
)
def test_range_and_text_hold_of_the_same_instance(
    summary: str, start: str | None, end: str | None, expected: bool
) -> None:
    """§9.7.1: "at least one recurrence instance in the targeted calendar component"."""
    wanted = of("VEVENT", PropFilter("SUMMARY", text_match=TextMatch(summary)), during=between(start, end))
    assert matches(wanted, DAILY) is expected


def test_properties_of_every_instance() -> None:
    """§9.9: the effective DTSTART and DTEND of an instance, not those written in the master."""

    def starts(name: str, start: str, end: str) -> bool:
        return matches(of("VEVENT", PropFilter(name, time_range=between(start, end))), DAILY)

    assert starts("DTSTART", "20300101T100000Z", "20300101T100001Z")
    assert not starts("DTSTART", "20300101T103000Z", "20300101T110000Z")
    assert starts("DTEND", "20300101T110000Z", "20300101T110001Z")
    assert not starts("DTSTART", "20240103T100000Z", "20240103T100001Z")
    assert starts("DTSTART", "20240103T200000Z", "20240103T200001Z")


def test_alarms_of_every_instance() -> None:
    def rings(start: str | None, end: str | None) -> bool:
        return matches(of("VEVENT", comps=(CompFilter("VALARM", time_range=between(start, end)),)), DAILY)

    assert rings("20231231T100000Z", "20231231T100001Z")
    assert not rings("20240102T000000Z", "20240103T000000Z")  # the moved one has no alarm
    assert not rings("20240104T000000Z", "20240105T000000Z")  # the excluded one
    assert rings("20300101T100000Z", None)
    assert not rings(None, "20231231T100000Z")


@pytest.mark.parametrize(
    ("zone", "expected"),
    [(UTC, False), (ZoneInfo("America/New_York"), True), (ZoneInfo("Asia/Tokyo"), False)],
)
def test_floating_and_all_day_times_are_read_in_the_given_zone(zone: tzinfo, expected: bool) -> None:
    """§9.8, §5.2.2."""
    during = between("20240111T040000Z", "20240111T043000Z")  # still 10 January in New York
    day = obj("BEGIN:VEVENT\nUID:u\nDTSTAMP:20240101T000000Z\nDTSTART;VALUE=DATE:20240110\nEND:VEVENT")
    late = obj("BEGIN:VEVENT\nUID:u\nDTSTAMP:20240101T000000Z\nDTSTART:20240110T230000\nDURATION:PT50M\nEND:VEVENT")
    assert matches(of("VEVENT", during=during), day, zone) is expected
    assert matches(of("VEVENT", during=during), late, zone) is expected


def test_odd_filters_match_nothing() -> None:
    during = between("20060101T000000Z", None)
    assert not matches(CompFilter("VCALENDAR", time_range=during), EVENT)
    assert not matches(of("VEVENT", PropFilter("SUMMARY", time_range=during)), EVENT)
    zoned = obj("BEGIN:VTIMEZONE\nTZID:X\nEND:VTIMEZONE\nBEGIN:VEVENT\nUID:u\nDTSTART:20240101T000000Z\nEND:VEVENT")
    assert matches(of("VTIMEZONE"), zoned)
    assert not matches(of("VTIMEZONE", during=during), zoned)
    broken = obj(
        "BEGIN:VEVENT\nUID:u\nDTSTAMP:20240101T000000Z\nDTSTART:20240101T000000Z\n"
        "BEGIN:VALARM\nTRIGGER:soon\nEND:VALARM\nEND:VEVENT"
    )
    assert not matches(of("VEVENT", comps=(CompFilter("VALARM", time_range=during),)), broken)


def test_prefilter() -> None:
    during = between("20060101T000000Z", "20060201T000000Z")
    start, end = during.bounds
    assert prefilter(of("VEVENT", during=during)) == Prefilter("VEVENT", start, end, None, True)
    assert prefilter(of("VTODO")) == Prefilter("VTODO", None, None, None, True)
    assert prefilter(CompFilter("VCALENDAR")) == Prefilter(exact=True)
    assert prefilter(of("VEVENT", PropFilter("SUMMARY"), during=during)) == Prefilter("VEVENT", start, end)
    by_uid = of("VEVENT", PropFilter("UID", text_match=TextMatch("abc", OCTET)))
    assert prefilter(by_uid) == Prefilter("VEVENT", uid="abc")
    negated = of("VEVENT", PropFilter("UID", text_match=TextMatch("abc", negate=True)))
    assert prefilter(negated) == Prefilter("VEVENT")
    assert prefilter(of("VTIMEZONE")) == Prefilter()
    assert prefilter(CompFilter("VCALENDAR", comps=(CompFilter("VEVENT", is_not_defined=True),))) == Prefilter()


ranges = st.builds(
    lambda a, b: TimeRange(
        None if a == 0 else at("20231230T000000Z") + a * 1800,
        None if b == 0 else at("20231230T000000Z") + (a + b) * 1800,
    ),
    st.integers(0, 400),
    st.integers(0, 100),
)


@settings(max_examples=150)
@given(ranges, st.sampled_from([EVENT, TODO, DAILY]), st.sampled_from(["VEVENT", "VTODO"]))
def test_the_index_never_loses_a_match(during: TimeRange, found: CalendarObject, kind: str) -> None:
    """Span and component are necessary, and with `exact` `Series.overlaps` is sufficient."""
    wanted = of(kind, during=during)
    plan = prefilter(wanted)
    assert plan.exact
    low, high = during.bounds
    answer = plan.component == found.component and found.series.overlaps(low, high)
    assert matches(wanted, found) is answer
    if answer:
        begin, end = found.series.span
        assert begin < high
        assert end >= low


words = st.text(st.sampled_from("aAbBéÉ ,;:\\\n\"'^x"), max_size=60)


@settings(max_examples=150)
@given(words, st.data(), st.sampled_from([OCTET, UNICODE_CASEMAP, "i;ascii-casemap"]))
def test_looking_before_parsing_loses_nothing(text: str, data: st.DataObject, collation: str) -> None:
    """Whatever part of a summary, comment parameter included, is looked for: parsed or not, the answer is the same."""
    calendar = Component("VCALENDAR", [Property("VERSION", "2.0"), Property("PRODID", "p")])
    event = Component("VEVENT", [Property("UID", "u"), Property("DTSTAMP", "20240101T000000Z")])
    summary = Property("SUMMARY", escape_text(text), [("X-NOTE", [text])])
    event.properties += [Property("DTSTART", "20240101T000000Z"), summary]
    calendar.components = [event]
    body = read(render(calendar)).body
    start = data.draw(st.integers(0, len(text)))
    part = text[start : data.draw(st.integers(start, len(text)))]
    wanted = TextMatch(part, collation)
    for prop in (
        PropFilter("SUMMARY", text_match=wanted),
        PropFilter("SUMMARY", params=(ParamFilter("X-NOTE", text_match=wanted),)),
    ):
        if "\r" not in part and text == text.strip():
            assert matches_body(of("VEVENT", prop), body)
        assert matches_body(of("VEVENT", prop), body) == matches(of("VEVENT", prop), read(body))
