"""Thousands of zones, exceptions, instances and alarms in one object cost what they are, not their square (SYS-17).

Each of these took minutes, in which nobody else in the process was served.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from storage.errors import TooManyInstances
from storage.formats import (
    availability,
    calendar_data,
    calendar_files,
    calendar_filter,
    calendar_views,
    icalendar,
    reminders,
    timezones,
    timing,
)
from storage.formats.calendar_filter import CompFilter, PropFilter, TimeRange
from storage.formats.contentline import Component, parse

pytestmark = pytest.mark.slow

MANY = 10_000
START = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
DAY = 86_400
DAILY = "RRULE:FREQ=DAILY\r\n"


def moment(number: int, clock: str = "T090000") -> str:
    return f"{datetime(2026, 1, 1) + timedelta(days=number):%Y%m%d}{clock}"


def zone(changes: int, every: int = 5) -> str:
    """A time zone with its changes one by one, as some programs write it."""
    observances = [
        f"BEGIN:STANDARD\r\nDTSTART:{moment(number * every - 50_000)}\r\nTZOFFSETFROM:+0100\r\n"
        f"TZOFFSETTO:+0{number % 9}00\r\nEND:STANDARD\r\n"
        for number in range(changes)
    ]
    return f"BEGIN:VTIMEZONE\r\nTZID:Own\r\n{''.join(observances)}END:VTIMEZONE\r\n"


def event(*lines: str, instance: str = "", tzid: str = "", start: str = moment(0)) -> str:
    where = f";TZID={tzid}" if tzid else ""
    begin = f"{instance}DTSTART{where}:{start}\r\nDURATION:PT1H\r\nSUMMARY:x\r\n"
    return f"BEGIN:VEVENT\r\nUID:u\r\nDTSTAMP:20260101T000000Z\r\n{begin}{''.join(lines)}END:VEVENT\r\n"


def calendar(*components: str) -> Component:
    return parse(text(*components))[0]


def text(*components: str) -> bytes:
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{''.join(components)}END:VCALENDAR\r\n".encode()


def overrides(many: int, *lines: str, params: str = "") -> list[str]:
    found = [moment(number) for number in range(many)]
    return [event(*lines, instance=f"RECURRENCE-ID{params}:{one}\r\n", start=one) for one in found]


def exceptions(first: int, many: int, params: str = "") -> list[str]:
    return [f"EXDATE{params}:{moment(first + number)}\r\n" for number in range(many)]


def test_dates_in_a_zone_of_thousands_of_changes() -> None:
    found = icalendar.read(text(zone(MANY), event(DAILY, *exceptions(0, MANY, ";TZID=Own"), tzid="Own")))
    assert len(timing.exceptions(found.calendar, found.components[0])) == MANY
    expanded = calendar_data.expand(found, START + MANY * DAY, START + 2 * MANY * DAY)
    assert len(expanded.components) > MANY - 10


def test_no_place_on_earth_changes_as_often() -> None:
    """Its times are read as those of a zone that nobody knows: each of them would be looked for among thousands."""
    (often,) = parse(zone(101, every=1).encode())
    assert timezones.resolve("Own", {"Own": often}) is None
    rules = "".join(
        f"BEGIN:STANDARD\r\nDTSTART:19700101T00{number:02}00\r\nTZOFFSETFROM:+0000\r\nTZOFFSETTO:+0100\r\n"
        "RRULE:FREQ=MONTHLY\r\nEND:STANDARD\r\n"
        for number in range(timezones.MAX_ENDLESS + 1)
    )
    (endless,) = parse(f"BEGIN:VTIMEZONE\r\nTZID:Own\r\n{rules}END:VTIMEZONE\r\n".encode())
    assert timezones.resolve("Own", {"Own": endless}) is None


def test_a_change_is_found_among_many() -> None:
    (definition,) = parse(zone(MANY).encode())
    known = timezones.resolve("Own", {"Own": definition})
    assert known is not None
    for number in (9_990, 9_991, 9_998):
        change = datetime(2026, 1, 1, 9) + timedelta(days=number * 5 - 50_000)
        later = change + timedelta(days=2)
        assert later.replace(tzinfo=known).utcoffset() == timedelta(hours=number % 9)
        there = later.replace(tzinfo=UTC).astimezone(known)
        assert there.utcoffset() == timedelta(hours=number % 9)
        assert there.astimezone(UTC) == later.replace(tzinfo=UTC)


def test_expanding_a_meeting_of_thousands_has_an_end() -> None:
    """10,000 instances that name 10,000 people each would be four gigabytes (RFC 4791 §7.8, max-instances)."""
    people = [f"ATTENDEE:mailto:a{number}@example.test\r\n" for number in range(MANY)]
    found = icalendar.read(text(event(DAILY, *people)))
    assert len(calendar_data.expand(found, START, START + 20 * DAY).components) == 20
    with pytest.raises(TooManyInstances):
        calendar_data.expand(found, START, START + (MANY - 1) * DAY)


def test_dates_and_instances_from_which_on_all_is_otherwise() -> None:
    """RDATE beside THISANDFUTURE: of each date one component decides, the last one before it."""
    dates = [f"RDATE:{moment(number, 'T120000')}\r\n" for number in range(MANY)]
    moved = [
        event(instance=f"RECURRENCE-ID;RANGE=THISANDFUTURE:{moment(number)}\r\n", start=moment(number, "T100000"))
        for number in range(1, MANY)
    ]
    found = icalendar.read(text(event("RRULE:FREQ=DAILY;COUNT=3\r\n", *dates), *moved))
    assert found.series.span[1] >= START + (MANY - 1) * DAY + 14 * 3600
    last = found.series.instances(START + (MANY - 1) * DAY, START + MANY * DAY)
    assert [one.start % DAY // 3600 for one in last] == [10, 13]  # an RDATE moves by an hour as the others do


def test_alarms_by_the_ten_thousand() -> None:
    alarm = "BEGIN:VALARM\r\nX-A:\r\nEND:VALARM\r\n"
    others = "BEGIN:X-REST\r\n" + ("X-B:" + "b" * 60 + "\r\n") * 60_000 + "END:X-REST\r\n"
    found = icalendar.read(text(event(alarm * 40_000, others)))
    shared, parts = calendar_views.split_viewer(found)
    assert parts is not None
    assert parts.lines[""] == alarm * 40_000
    assert shared == text(event(others))


def test_free_hours_by_the_minute_have_an_end() -> None:
    """RFC 7953: 64 KiB of them are a property, and whoever asks when its owner is free counts them."""
    free = [
        f"BEGIN:AVAILABLE\r\nUID:{number}\r\nDTSTART:20260101T090000Z\r\nDURATION:PT1S\r\nRRULE:FREQ=MINUTELY\r\n"
        "END:AVAILABLE\r\n"
        for number in range(600)
    ]
    inside = f"BEGIN:VAVAILABILITY\r\nUID:a\r\nDTSTAMP:20260101T000000Z\r\n{''.join(free)}END:VAVAILABILITY\r\n"
    with pytest.raises(TooManyInstances):
        availability.availability(availability.read(text(inside)), START, START + 13 * DAY)


def test_a_file_whose_zone_is_larger_than_all_its_events() -> None:
    """Each object gets the zones that it needs: 10,000 times three megabytes."""
    events = [event(tzid="Own").replace("UID:u", f"UID:{number}") for number in range(MANY)]
    found = calendar_files.split_objects(text(zone(20_000), *events))
    assert len(found.objects) == MANY
    assert b"VTIMEZONE" not in found.objects[0][1]
    small = calendar_files.split_objects(text(zone(10), *events[:2]))
    assert all(b"VTIMEZONE" in body for _, body in small.objects)


def test_each_of_thousands_of_instances_is_asked_when_it_is() -> None:
    """A range on DTSTART or on alarms (RFC 4791 §9.9) held each override against all others."""
    alarm = "BEGIN:VALARM\r\nACTION:AUDIO\r\nTRIGGER:-PT1H\r\nEND:VALARM\r\n"
    found = icalendar.read(text(event(DAILY), *overrides(MANY, alarm)))
    for begin, fits in ((START - 1_000 * DAY, False), (START + (MANY - 1) * DAY, True)):
        when = TimeRange(begin, begin + 10 * 3600)
        for inner in (
            CompFilter("VEVENT", props=(PropFilter("DTSTART", time_range=when),)),
            CompFilter("VEVENT", comps=(CompFilter("VALARM", time_range=when),)),
        ):
            assert calendar_filter.matches(CompFilter("VCALENDAR", comps=(inner,)), found) is fits
    ranged = event(instance=f"RECURRENCE-ID;RANGE=THISANDFUTURE:{moment(1)}\r\n", start=moment(1))
    never = icalendar.read(
        text(event("RRULE:FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30\r\n", alarm.replace("1H", "2H") * 4_000))
    )
    inner = CompFilter("VEVENT", comps=(CompFilter("VALARM", time_range=TimeRange(START + 90_000 * DAY, None)),))
    with pytest.raises(TooManyInstances):
        calendar_filter.matches(CompFilter("VCALENDAR", comps=(inner,)), never)
    hidden = icalendar.read(text(event("RRULE:FREQ=DAILY;COUNT=2\r\n", alarm * 500), ranged, *overrides(MANY)[2:]))
    inner = CompFilter("VEVENT", comps=(CompFilter("VALARM", time_range=TimeRange(START + 90_000 * DAY, None)),))
    with pytest.raises(TooManyInstances):
        calendar_filter.matches(CompFilter("VCALENDAR", comps=(inner,)), hidden)


def test_reminders_by_the_ten_thousand_are_handed_over() -> None:
    def parts(first: int, many: int) -> str:
        blocks = [
            f"BEGIN:VALARM\r\nACTION:EMAIL\r\nTRIGGER:-PT{number:07}S\r\nEND:VALARM\r\n"
            for number in range(first, first + many)
        ]
        return calendar_views.ViewerParts({"": "".join(blocks)}).dumps()

    both = reminders.handed_over(parts(0, 2 * MANY), parts(MANY, MANY), parts(2 * MANY, 3 * MANY))
    assert (
        both
        == calendar_views.ViewerParts(
            {
                "": calendar_views.ViewerParts.loads(parts(0, MANY)).lines[""]
                + calendar_views.ViewerParts.loads(parts(2 * MANY, 3 * MANY)).lines[""]
            }
        ).dumps()
    )


def test_a_series_that_takes_no_time_is_not_walked() -> None:
    """What is transparent every second is free, and none of its instances is looked at (RFC 4791 §7.10)."""
    free = [event("RRULE:FREQ=SECONDLY\r\n", "TRANSP:TRANSPARENT\r\n")]
    busy = event("TRANSP:OPAQUE\r\n", instance=f"RECURRENCE-ID:{moment(1)}\r\n", start=moment(1))
    assert icalendar.read(text(*free)).series.periods(START, START + 700 * DAY) == []
    found = icalendar.read(text(*free, busy)).series.periods(START, START + 700 * DAY)
    assert found == [(START + DAY + 9 * 3600, START + DAY + 10 * 3600, "BUSY")]
    with pytest.raises(TooManyInstances):
        icalendar.read(text(event("RRULE:FREQ=SECONDLY\r\n"))).series.periods(START, START + 700 * DAY)
