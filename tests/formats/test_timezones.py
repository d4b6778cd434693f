"""What a TZID means, and VTIMEZONEs evaluated and made (RFC 5545 §3.6.5, RFC 7809 §3.1)."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.formats import timezones
from storage.formats.contentline import Component, parse, render
from storage.formats.datetimes import instant, wall_of
from storage.formats.windows_zones import WINDOWS

NAMES = [
    "Europe/Paris",
    "America/New_York",
    "Asia/Jerusalem",
    "America/Nuuk",
    "Australia/Lord_Howe",
    "Europe/Dublin",
    "Asia/Kolkata",
    "America/Sao_Paulo",
    "Pacific/Apia",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Etc/UTC",
]

OUTLOOK = b"""BEGIN:VTIMEZONE
TZID:Somewhere of our own
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
"""


def custom(data: bytes = OUTLOOK) -> tzinfo:
    [definition] = parse(data)
    tzid = definition.value("TZID")
    zone = timezones.resolve(tzid, {tzid: definition})
    assert zone is not None
    return zone


@pytest.mark.parametrize(
    ("tzid", "key"),
    [
        ("Europe/Paris", "Europe/Paris"),
        ("europe/paris", "Europe/Paris"),
        ('"Europe/Paris"', "Europe/Paris"),
        ("/mozilla.org/20050126_1/Europe/Paris", "Europe/Paris"),
        ("/freeassociation.sourceforge.net/Tzfile/America/Indiana/Knox", "America/Indiana/Knox"),
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("romance standard time", "Europe/Paris"),
    ],
)
def test_names(tzid: str, key: str) -> None:
    zone = timezones.resolve(tzid, {})
    assert isinstance(zone, ZoneInfo)
    assert zone.key == key
    assert timezones.loads(timezones.dumps(zone)) is zone


@pytest.mark.parametrize("tzid", ["", "Nowhere", "../../etc/passwd", "/etc/passwd", "Europe", "a" * 5000, "\x00"])
def test_unknown_names(tzid: str) -> None:
    assert timezones.resolve(tzid, {}) is None
    assert timezones.by_reference(tzid) is None


def test_every_windows_name_is_known() -> None:
    for name in WINDOWS:
        assert timezones.resolve(name, {}) is not None, name


def test_utc_is_utc() -> None:
    assert timezones.resolve("Etc/UTC", {}) is UTC
    assert timezones.loads(timezones.dumps(UTC)) is UTC
    assert timezones.loads(timezones.dumps(None)) is None


def test_location_of_a_definition_is_taken() -> None:
    [definition] = parse(b"BEGIN:VTIMEZONE\nTZID:x\nX-LIC-LOCATION:Europe/Rome\nEND:VTIMEZONE")
    assert timezones.resolve("x", {"x": definition}) == ZoneInfo("Europe/Rome")


@settings(max_examples=150, deadline=None)
@given(st.datetimes(datetime(1997, 1, 1), datetime(2200, 1, 1)), st.booleans())
def test_a_definition_agrees_with_the_zone_it_describes(moment: datetime, late: bool) -> None:
    zone, paris = custom(), ZoneInfo("Europe/Paris")
    moment = moment.replace(fold=int(late))
    assert moment.replace(tzinfo=zone).utcoffset() == moment.replace(tzinfo=paris).utcoffset()
    assert moment.replace(tzinfo=zone).dst() == moment.replace(tzinfo=paris).dst()
    there = moment.replace(tzinfo=UTC)
    ours, theirs = there.astimezone(zone), there.astimezone(paris)
    assert (ours.replace(tzinfo=None), ours.fold) == (theirs.replace(tzinfo=None), theirs.fold)


@pytest.mark.parametrize("moment", [(2024, 3, 31, 2), (2024, 3, 31, 3), (2024, 10, 27, 2), (2024, 10, 27, 3)])
@pytest.mark.parametrize("minute", [0, 30, 59])
def test_gap_and_overlap(moment: tuple[int, int, int, int], minute: int) -> None:
    """RFC 5545 §3.3.5: what never was is read with the offset before the gap, what was twice means the first."""
    wall = datetime(*moment, minute)
    assert instant(wall_of(wall), custom()) == instant(wall_of(wall), ZoneInfo("Europe/Paris"))
    gap = datetime(2024, 3, 31, 2, 30)
    assert instant(wall_of(gap), custom()) == wall_of(datetime(2024, 3, 31, 1, 30))


def test_custom_zones_travel_as_text() -> None:
    zone = custom()
    again = timezones.loads(timezones.dumps(zone))
    assert again is not None
    summer = datetime(2024, 7, 1, 12)
    assert summer.replace(tzinfo=again).utcoffset() == timedelta(hours=2)
    assert pickle.loads(pickle.dumps(zone)).text == timezones.dumps(zone)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"BEGIN:STANDARD\nDTSTART:20000101T000000\nEND:STANDARD\n",
        b"BEGIN:STANDARD\nDTSTART:20000101T000000\nTZOFFSETFROM:+2500\nTZOFFSETTO:+0100\nEND:STANDARD\n",
        b"BEGIN:STANDARD\nDTSTART:20000101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\n"
        b"RRULE:FREQ=SECONDLY\nEND:STANDARD\n",
    ],
)
def test_broken_definitions_count_as_unknown(body: bytes) -> None:
    [definition] = parse(b"BEGIN:VTIMEZONE\nTZID:x\n" + body + b"END:VTIMEZONE\n")
    assert timezones.resolve("x", {"x": definition}) is None


def test_rdates_and_a_rule_that_ended() -> None:
    zone = custom(
        b"BEGIN:VTIMEZONE\nTZID:x\nBEGIN:STANDARD\nDTSTART:20000101T000000\nTZOFFSETFROM:+0000\nTZOFFSETTO:+0100\n"
        b"RDATE:20100101T000000\nEND:STANDARD\nBEGIN:DAYLIGHT\nDTSTART:20050101T000000\nTZOFFSETFROM:+0100\n"
        b"TZOFFSETTO:+0300\nRRULE:FREQ=YEARLY;UNTIL=20061231T230000Z\nEND:DAYLIGHT\nEND:VTIMEZONE\n"
    )
    hours = [
        (datetime(year, 6, 1, tzinfo=zone).utcoffset() or timedelta()) // timedelta(hours=1)
        for year in (1990, 2001, 2005, 2009, 2010, 2400)
    ]
    assert hours == [0, 1, 3, 3, 1, 1]


@pytest.mark.parametrize("name", NAMES)
def test_by_reference_describes_the_zone(name: str) -> None:
    definition = timezones.by_reference(name)
    assert isinstance(definition, Component)
    assert parse(render(definition)) == [definition]
    zone = timezones.CustomZone("x", timezones._observances(definition))
    truth = ZoneInfo(name)
    moment = datetime(1970, 1, 2, tzinfo=UTC)
    while moment.year < 2060:
        assert moment.astimezone(zone).utcoffset() == moment.astimezone(truth).utcoffset(), moment
        moment += timedelta(days=3, hours=5)
