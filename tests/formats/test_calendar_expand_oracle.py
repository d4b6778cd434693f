"""Expansion against an independent implementation (CAL-03, RFC 4791 §9.6.5)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar as oracle
import recurring_ical_events
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.formats.calendar_data import expand
from storage.formats.contentline import render
from storage.formats.icalendar import read

ZONE = ZoneInfo("Europe/Paris")


@st.composite
def series(draw: st.DrawFn) -> bytes:
    """A zoned or all-day series with excluded and moved instances that exist."""
    all_day = draw(st.booleans())
    step = draw(st.sampled_from(["DAILY", "WEEKLY"]))
    days = 1 if step == "DAILY" else 7
    first = date(2024, 3, 20) + timedelta(days=draw(st.integers(0, 14)))

    def spell(day: date, hour: int = 10) -> str:
        if all_day:
            return f";VALUE=DATE:{day:%Y%m%d}"
        return f";TZID=Europe/Paris:{day:%Y%m%d}T{hour:02}0000"

    numbers = draw(st.lists(st.integers(1, 9), unique=True, max_size=4))
    cut = draw(st.integers(0, len(numbers)))
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:p", "BEGIN:VEVENT", "UID:u", "DTSTAMP:20240101T000000Z"]
    lines += [f"DTSTART{spell(first)}", "DURATION:P1D" if all_day else "DURATION:PT1H"]
    lines += [f"RRULE:FREQ={step};COUNT={draw(st.integers(10, 15))}"]
    lines += [f"EXDATE{spell(first + timedelta(days=days * number))}" for number in numbers[:cut]]
    lines += ["END:VEVENT"]
    for number in numbers[cut:]:
        day = first + timedelta(days=days * number)
        moved = day + timedelta(days=draw(st.integers(-2, 2)))
        lines += ["BEGIN:VEVENT", "UID:u", "DTSTAMP:20240101T000000Z", f"RECURRENCE-ID{spell(day)}"]
        lines += [f"DTSTART{spell(moved, 15)}", "DURATION:P1D" if all_day else "DURATION:PT1H", "END:VEVENT"]
    return "".join(f"{line}\r\n" for line in [*lines, "END:VCALENDAR"]).encode()


@settings(max_examples=60, deadline=None)
@given(series(), st.integers(0, 60), st.integers(1, 40))
def test_expand_finds_the_same_instances(body: bytes, offset: int, length: int) -> None:
    start = datetime(2024, 3, 15, tzinfo=UTC) + timedelta(days=offset)
    end = start + timedelta(days=length)
    found = expand(read(body), int(start.timestamp()), int(end.timestamp()), UTC)
    ours = [str(event["DTSTART"].dt) for event in oracle.Calendar.from_ical(render(found)).walk("VEVENT")]
    theirs = [
        str(at.astimezone(UTC) if isinstance(at, datetime) else at)
        for event in recurring_ical_events.of(oracle.Calendar.from_ical(body)).between(start, end)
        if (at := event["DTSTART"].dt)
    ]
    assert sorted(ours) == sorted(theirs)
