"""A series cut in two happens when the whole did (RFC 5545 §3.3.10, §3.8.5)."""

from __future__ import annotations

from datetime import UTC

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.formats import cutting, icalendar, itip
from storage.formats.contentline import Component, Property, render
from storage.formats.series import Series


def calendar(*lines: str, start: str = "DTSTART:20250601T100000Z", more: tuple[str, ...] = ()) -> Component:
    rows = [
        *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//tests//EN", "BEGIN:VEVENT", "UID:m", "DTSTAMP:20250101T000000Z"),
        *(start, "DURATION:PT1H" if "VALUE=DATE" not in start else "DURATION:P1D", "SUMMARY:Plan", *lines),
        *("END:VEVENT", *more, "END:VCALENDAR", ""),
    ]
    return icalendar.read("\r\n".join(rows).encode()).calendar


def starts(found: Component) -> list[int]:
    series = Series.of(found)
    return [one.start for one in series.instances(series.span[0], series.span[0] + 86_400 * 4000, UTC, 5_000)]


def halves(found: Component, instance: str, *params: tuple[str, list[str]]) -> tuple[Component, Component]:
    made = cutting.cut(found, Property("RECURRENCE-ID", instance, [*params]), "n")
    assert made is not None
    for half in made:
        icalendar.read(render(half))
    return made


@pytest.mark.parametrize(
    ("lines", "instance"),
    [
        (["RRULE:FREQ=DAILY;COUNT=5"], "20250603T100000Z"),
        (["RRULE:FREQ=DAILY;COUNT=5", "EXDATE:20250602T100000Z,20250604T100000Z"], "20250603T100000Z"),
        (["RRULE:FREQ=DAILY;UNTIL=20250610T100000Z", "RDATE:20250601T150000Z,20250620T150000Z"], "20250605T100000Z"),
        (["RDATE:20250603T100000Z,20250607T100000Z"], "20250603T100000Z"),
        (["RRULE:FREQ=WEEKLY;BYDAY=SU,WE;COUNT=9"], "20250611T100000Z"),
    ],
)
def test_nothing_is_lost_and_nothing_is_new(lines: list[str], instance: str) -> None:
    whole = calendar(*lines)
    head, tail = halves(whole, instance)
    assert starts(head) + starts(tail) == starts(whole)
    assert tail.components[0].value("UID") == "n"
    assert "RELATED-TO" in {prop.name for prop in itip.parts(tail)[0].properties}


def test_days_and_zones() -> None:
    whole = calendar("RRULE:FREQ=DAILY;COUNT=4", start="DTSTART;VALUE=DATE:20250601")
    head, tail = halves(whole, "20250603", ("VALUE", ["DATE"]))
    assert starts(head) + starts(tail) == starts(whole)
    assert "UNTIL=20250602" in itip.parts(head)[0].value("RRULE")
    whole = calendar("RRULE:FREQ=DAILY;COUNT=4", start="DTSTART;TZID=Europe/Paris:20250328T100000")
    head, tail = halves(whole, "20250330T100000", ("TZID", ["Europe/Paris"]))
    assert starts(head) + starts(tail) == starts(whole)
    assert itip.parts(tail)[0].get("DTSTART").param("TZID") == "Europe/Paris"  # type: ignore[union-attr]
    whole = calendar("RRULE:FREQ=DAILY;COUNT=4", start="DTSTART:20250328T100000")
    head, tail = halves(whole, "20250330T100000")
    assert starts(head) + starts(tail) == starts(whole)
    assert not itip.parts(head)[0].value("RRULE").endswith("Z")


def test_changed_instances_go_with_their_half() -> None:
    more = (
        *("BEGIN:VEVENT", "UID:m", "DTSTAMP:20250101T000000Z", "RECURRENCE-ID:20250602T100000Z"),
        *("DTSTART:20250602T120000Z", "DURATION:PT1H", "END:VEVENT"),
        *("BEGIN:VEVENT", "UID:m", "DTSTAMP:20250101T000000Z", "RECURRENCE-ID:20250603T100000Z"),
        *("DTSTART:20250603T130000Z", "DURATION:PT1H", "END:VEVENT"),
    )
    whole = calendar("RRULE:FREQ=DAILY;COUNT=5", more=more)
    head, tail = halves(whole, "20250603T100000Z")
    assert sorted(starts(head) + starts(tail)) == sorted(starts(whole))
    assert [itip.instance(each) for each in itip.parts(tail)] == ["", "20250603T100000Z"]


@pytest.mark.parametrize("instance", ["20250601T100000Z", "20250602T110000Z", "20260101T100000Z", "never", ""])
def test_where_a_series_cannot_be_cut(instance: str) -> None:
    whole = calendar("RRULE:FREQ=DAILY;COUNT=5")
    assert cutting.cut(whole, Property("RECURRENCE-ID", instance), "n") is None


@settings(max_examples=60, deadline=None)
@given(
    rule=st.sampled_from(
        ["FREQ=DAILY", "FREQ=DAILY;INTERVAL=3", "FREQ=WEEKLY;BYDAY=MO,SU", "FREQ=MONTHLY;BYMONTHDAY=1,-1"]
    ),
    count=st.integers(2, 20),
    at=st.integers(1, 19),
    gone=st.sets(st.integers(0, 19), max_size=4),
)
def test_every_cut_keeps_every_instance(rule: str, count: int, at: int, gone: set[int]) -> None:
    plain = calendar(f"RRULE:{rule};COUNT={count}")
    when = [one.recurrence_id for one in Series.of(plain).instances(0, 2**34, UTC, 100)]
    left = [f"EXDATE:{when[n]}" for n in gone if n < len(when) and n != at]
    whole = calendar(f"RRULE:{rule};COUNT={count}", *left)
    if at >= len(when):
        return
    found = cutting.cut(whole, Property("RECURRENCE-ID", when[at]), "n")
    assert found is not None
    assert starts(found[0]) + starts(found[1]) == starts(whole)


def test_what_counts_as_shorter() -> None:
    whole = calendar("RRULE:FREQ=DAILY;COUNT=5")
    for lines, expected in (
        (["RRULE:FREQ=DAILY;COUNT=3"], True),
        (["RRULE:FREQ=DAILY;UNTIL=20250603T000000Z"], True),
        (["RRULE:FREQ=DAILY;COUNT=5", "EXDATE:20250602T100000Z"], True),
        (["RRULE:FREQ=DAILY;COUNT=6"], False),
        (["RRULE:FREQ=DAILY"], False),
        (["RRULE:FREQ=WEEKLY;COUNT=1"], False),
        (["RRULE:FREQ=DAILY;COUNT=3", "LOCATION:x"], False),
        (["RRULE:FREQ=DAILY;COUNT=3", "RDATE:20250604T100000Z"], False),
    ):
        assert cutting.shortened(whole, calendar(*lines)) is expected, lines
