"""Busy times and availability (RFC 4791 §7.10, RFC 7953)."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.errors import BadFormat, BadObject, StorageError
from storage.formats import availability as vavailability
from storage.formats.availability import availability
from storage.formats.contentline import Component, Property, parse
from storage.formats.freebusy import Period, ended_before, freebusy, kind_of, merged
from storage.formats.icalendar import read

MONTREAL = ZoneInfo("America/Montreal")


def local(text: str) -> int:
    return int(datetime.strptime(text, "%Y-%m-%d %H").replace(tzinfo=MONTREAL).timestamp())


def at(text: str) -> int:
    return int(datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("status", "transparent", "kind"),
    [
        ("", False, "BUSY"),
        ("CONFIRMED", False, "BUSY"),
        ("CANCELLED", False, None),
        ("tentative", False, "BUSY-TENTATIVE"),
        ("X-NAME", False, "BUSY"),
        ("CONFIRMED", True, None),
        ("TENTATIVE", True, None),
    ],
)
def test_kinds(status: str, transparent: bool, kind: str | None) -> None:
    """RFC 4791 §7.10, the table."""
    assert kind_of(status, transparent=transparent) == kind


def test_consecutive_and_overlapping_periods_of_one_kind_are_joined() -> None:
    """RFC 4791 §7.10: coalesce; cut at the range; no periods without length."""
    found = merged(
        [
            (50, 60, "BUSY"),
            (0, 20, "BUSY"),
            (20, 30, "BUSY"),
            (10, 15, "BUSY"),
            (15, 55, "BUSY-TENTATIVE"),
            (70, 70, "BUSY"),
            (90, 120, "BUSY"),
        ],
        5,
        100,
    )
    assert found == [(5, 30, "BUSY"), (15, 55, "BUSY-TENTATIVE"), (50, 60, "BUSY"), (90, 100, "BUSY")]


periods = st.lists(
    st.tuples(st.integers(0, 50), st.integers(0, 50), st.sampled_from(["BUSY", "BUSY-TENTATIVE"])), max_size=12
)


@settings(max_examples=150)
@given(periods, st.integers(0, 25), st.integers(25, 50))
def test_joining_keeps_every_second(found: list[tuple[int, int, str]], start: int, end: int) -> None:
    joined = merged(found, start, end)
    for second in range(51):
        for kind in ("BUSY", "BUSY-TENTATIVE"):
            before = any(a <= second < b and k == kind for a, b, k in found) and start <= second < end
            assert before == any(a <= second < b and k == kind for a, b, k in joined)
    for kind in ("BUSY", "BUSY-TENTATIVE"):
        own = [period for period in joined if period.kind == kind]
        assert all(one.end < other.start for one, other in itertools.pairwise(own))


def test_the_answer_of_the_rfc() -> None:
    """RFC 4791 §7.10.1."""
    body = freebusy(
        [
            (at("20060104T150000Z"), at("20060104T160000Z"), "BUSY-TENTATIVE"),
            (at("20060104T190000Z"), at("20060104T200000Z"), "BUSY"),
        ],
        at("20060104T140000Z"),
        at("20060105T220000Z"),
        [Property("UID", "u"), Property("ORGANIZER", "mailto:a@example.test")],
        method="REPLY",
    )
    [calendar] = parse(body)
    [found] = calendar.components
    assert calendar.value("METHOD") == "REPLY"
    assert [(p.name, p.param("FBTYPE"), p.value) for p in found.properties if p.name != "DTSTAMP"] == [
        ("UID", None, "u"),
        ("ORGANIZER", None, "mailto:a@example.test"),
        ("DTSTART", None, "20060104T140000Z"),
        ("DTEND", None, "20060105T220000Z"),
        ("FREEBUSY", "BUSY-TENTATIVE", "20060104T150000Z/20060104T160000Z"),
        ("FREEBUSY", "BUSY", "20060104T190000Z/20060104T200000Z"),
    ]
    assert found.value("DTSTAMP").endswith("Z")


def test_nothing_busy_and_no_bounds() -> None:
    """§7.10: "a VFREEBUSY component with no FREEBUSY property MUST be returned"."""
    [calendar] = parse(freebusy([], -(2**62), 2**62))
    assert calendar.components[0].value("DTSTART") == "00010101T000000Z"
    assert calendar.components[0].value("DTEND") == "99991231T235959Z"
    assert calendar.components[0].all("FREEBUSY") == []


def available(*components: str) -> Component:
    inner = "\n".join(text.strip() for text in components)
    return vavailability.read(f"BEGIN:VCALENDAR\nVERSION:2.0\n{inner}\nEND:VCALENDAR\n".encode())


BASE = """BEGIN:VAVAILABILITY
ORGANIZER:mailto:bernard@example.com
UID:84D0F948-7FC6-4C1D-BBF3-BA9827B424B5
DTSTAMP:20111005T133225Z
DTSTART;TZID=America/Montreal:20111002T000000
BEGIN:AVAILABLE
UID:7B33093A-7F98-4EED-B381-A5652530F04D
DTSTAMP:20111005T133225Z
DTSTART;TZID=America/Montreal:20111002T080000
DTEND;TZID=America/Montreal:20111002T180000
RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR
END:AVAILABLE
END:VAVAILABILITY"""
DENVER = """BEGIN:VAVAILABILITY
UID:A1FF55E3-555C-433A-8548-BF4864B5621E
DTSTAMP:20111005T133225Z
DTSTART;TZID=America/Denver:20111023T000000
DTEND;TZID=America/Denver:20111030T000000
PRIORITY:1
BEGIN:AVAILABLE
UID:57DD4AAF-3835-46B5-8A39-B3B253157F01
DTSTAMP:20111005T133225Z
DTSTART;TZID=America/Denver:20111023T080000
DTEND;TZID=America/Denver:20111023T180000
RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR
END:AVAILABLE
END:VAVAILABILITY"""


def test_simple_example_of_rfc_7953() -> None:
    """§5.1.1 (the RFC says Monday, 6th; that Monday is the 7th)."""
    found = availability(available(BASE), local("2011-11-07 00"), local("2011-11-08 00"))
    assert found == [
        (local("2011-11-07 00"), local("2011-11-07 08"), "BUSY-UNAVAILABLE"),
        (local("2011-11-07 18"), local("2011-11-08 00"), "BUSY-UNAVAILABLE"),
    ]


def test_further_example_of_rfc_7953() -> None:
    """§5.1.2: a week in Denver at higher priority."""
    found = availability(available(BASE, DENVER), local("2011-10-24 00"), local("2011-10-25 00"))
    assert found == [
        (local("2011-10-24 00"), local("2011-10-24 10"), "BUSY-UNAVAILABLE"),
        (local("2011-10-24 20"), local("2011-10-25 00"), "BUSY-UNAVAILABLE"),
    ]


def block(priority: int, kind: str, first: int, last: int, *free: tuple[int, int]) -> str:
    """A VAVAILABILITY in hours of 2 January 2024."""
    lines = [
        "BEGIN:VAVAILABILITY",
        f"PRIORITY:{priority}",
        f"BUSYTYPE:{kind}",
        f"DTSTART:20240102T{first:02}0000Z",
        f"DURATION:PT{last - first}H",
    ]
    for begin, end in free:
        lines += [
            "BEGIN:AVAILABLE",
            f"DTSTART:20240102T{begin:02}0000Z",
            f"DTEND:20240102T{end:02}0000Z",
            "END:AVAILABLE",
        ]
    return "\n".join([*lines, "END:VAVAILABILITY"])


def hours(*blocks: str) -> str:
    """One letter per hour: what shows."""
    day = at("20240102T000000Z")
    found = availability(available(*blocks), day, day + 86_400)
    letters = {"BUSY": "B", "BUSY-UNAVAILABLE": "U", "BUSY-TENTATIVE": "T"}
    return "".join(
        next((letters[kind] for a, b, kind in found if a <= day + hour * 3600 < b), ".") for hour in range(24)
    )


def test_priorities_and_kinds() -> None:
    """§4: 0 and 9 are low, 1 is high; of equal ones BUSY > BUSY-UNAVAILABLE > BUSY-TENTATIVE."""
    assert hours(block(0, "BUSY", 0, 6)) == "BBBBBB" + "." * 18
    assert hours(block(1, "BUSY-TENTATIVE", 2, 4), block(0, "BUSY", 0, 6)) == "BBTTBB" + "." * 18
    assert hours(block(1, "BUSY", 0, 6, (2, 3)), block(9, "BUSY", 0, 8, (7, 8))) == "BB.BBBB" + "." * 17
    assert hours(block(5, "BUSY-TENTATIVE", 0, 6), block(5, "BUSY", 2, 4)) == "TTBBTT" + "." * 18
    assert hours(block(5, "BUSY", 2, 4), block(5, "NONSENSE", 0, 6)) == "UUBBUU" + "." * 18
    # A lower one's free time does not show through a higher one that is busy.
    assert hours(block(1, "BUSY", 0, 6), block(0, "BUSY-UNAVAILABLE", 0, 23, (0, 23))) == "BBBBBB" + "." * 18
    # Free time counts within its own block only.
    assert hours(block(0, "BUSY", 4, 6, (5, 23)), block(9, "BUSY", 0, 8)) == "BBBBBBBB" + "." * 16


def test_overridden_available() -> None:
    """§3.1: AVAILABLE recurs and is overridden like an event."""
    inner = """BEGIN:VAVAILABILITY
BEGIN:AVAILABLE
UID:a
DTSTART:20240101T080000Z
DTEND:20240101T100000Z
RRULE:FREQ=DAILY
END:AVAILABLE
BEGIN:AVAILABLE
UID:a
RECURRENCE-ID:20240102T080000Z
DTSTART:20240102T200000Z
DTEND:20240102T220000Z
END:AVAILABLE
END:VAVAILABILITY"""
    assert hours(inner) == "U" * 20 + ".." + "UU"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (b"", BadObject),
        (b"BEGIN:VCALENDAR\nVERSION:2.0\nEND:VCALENDAR\n", BadObject),
        (b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VEVENT\nEND:VCALENDAR\n", BadObject),
        (b"BEGIN:VCALENDAR\nBEGIN:VAVAILABILITY\nDTSTART:x\nEND:VAVAILABILITY\nEND:VCALENDAR\n", BadFormat),
        (
            b"BEGIN:VCALENDAR\nBEGIN:VAVAILABILITY\nBEGIN:AVAILABLE\nUID:a\nEND:AVAILABLE\nEND:VAVAILABILITY\nEND:VCALENDAR\n",
            BadFormat,
        ),
    ],
)
def test_what_is_no_availability(text: bytes, error: type[StorageError]) -> None:
    with pytest.raises(error):
        vavailability.read(text)


def test_series_and_freebusy_agree() -> None:
    """Events through Series.periods, as a free-busy query puts them together."""
    event = read(
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:p\r\nBEGIN:VEVENT\r\nUID:u\r\nDTSTAMP:20240101T000000Z\r\n"
        b"DTSTART:20240101T100000Z\r\nDTEND:20240101T110000Z\r\nRRULE:FREQ=HOURLY;COUNT=3\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    day = at("20240101T000000Z")
    found = merged(event.series.periods(day, day + 86_400), day, day + 86_400)
    assert found == [Period(day + 36_000, day + 46_800, "BUSY")]


@pytest.mark.parametrize(
    ("times", "ended"),
    [
        ("DTSTART:20240109T220000Z\r\nDTEND:20240109T230000Z", True),
        ("DTSTART:20240109T220000Z\r\nDTEND:20240109T230001Z", False),
        ("DTSTART;VALUE=DATE:20240109", True),  # until midnight in the user's zone
        ("DTSTART;VALUE=DATE:20240110", False),
        ("DTSTART:20240109T235900\r\nDURATION:PT1M", True),
        ("DTSTART:20240110T000000", False),
        ("DTSTART:20230101T100000Z\r\nRRULE:FREQ=WEEKLY", False),
        ("DTSTART:20230101T100000Z\r\nRRULE:FREQ=WEEKLY;COUNT=50", True),
        ("DTSTART:20230101T100000Z\r\nRRULE:FREQ=WEEKLY;COUNT=60", False),
    ],
)
def test_ended_before(times: str, ended: bool) -> None:
    """CAL-18: before that date 00:00 in the user's zone; a series only if its last instance is before."""
    zone = ZoneInfo("Europe/Paris")
    text = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:p\r\nBEGIN:VEVENT\r\nUID:u\r\nDTSTAMP:20240101T000000Z\r\n{times}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    midnight = int(datetime(2024, 1, 10, tzinfo=zone).timestamp())
    assert ended_before(read(text.encode()).series, midnight, zone) is ended
