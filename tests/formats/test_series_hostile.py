"""Whatever a client sends as times is answered or refused, in bounded work, never with a crash."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.errors import BadFormat, TooManyInstances
from storage.formats.contentline import parse
from storage.formats.datetimes import read_duration, read_moment, read_offset, write_wall
from storage.formats.series import FOREVER, Series, alarm_overlaps

pytestmark = pytest.mark.slow

MOMENTS = st.sampled_from(
    [
        "20240102T030405Z",
        "20240102T030405",
        "20240102",
        "00010101",
        "00010101T000000",
        "99991231T235959Z",
        "99991231",
        "20240330T023000",
        "2024-02-29T10:00:00Z",
        "20240105T100000Z",
        "20240105T100000",
        "20240105",
        "20230229",
    ]
)
ZONES = st.sampled_from(["", ";TZID=Europe/Paris", ";TZID=Pacific/Kiritimati", ";TZID=Own", ";TZID=?", ";VALUE=DATE"])
DURATIONS = st.sampled_from(["PT1H", "P1D", "-PT1H", "P9999999W", "P1W2DT3H", "PT9999999999S", "PT0S"])
RULES = st.sampled_from(
    [
        "FREQ=DAILY",
        "FREQ=SECONDLY",
        "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;INTERVAL=9999999999",
        "FREQ=SECONDLY;INTERVAL=9999999999;COUNT=9999999999",
        "FREQ=HOURLY;BYDAY=MO;COUNT=9999999999",
        "FREQ=WEEKLY;UNTIL=00010101",
        "FREQ=WEEKLY;UNTIL=99991231T235959Z",
        "FREQ=MONTHLY;BYMONTHDAY=31;COUNT=19999",
        "FREQ=YEARLY;BYWEEKNO=-53,53;BYDAY=SU;WKST=SU",
        "FREQ=MINUTELY;BYSETPOS=5",
    ]
)
OWN = """BEGIN:VTIMEZONE
TZID:Own
BEGIN:STANDARD
DTSTART:16010101T000000
TZOFFSETFROM:+1400
TZOFFSETTO:-1200
RRULE:FREQ=YEARLY;BYMONTH=1;BYDAY=1MO
END:STANDARD
END:VTIMEZONE
"""

dated = st.builds(
    lambda name, zone, moment: f"{name}{zone}:{moment}",
    st.sampled_from(["DTSTART", "DTEND", "DUE", "RECURRENCE-ID", "RDATE", "EXDATE", "COMPLETED", "CREATED"]),
    ZONES,
    MOMENTS,
)
lines = st.one_of(
    dated,
    st.builds("DURATION:{}".format, DURATIONS),
    st.builds("RRULE:{}".format, RULES),
    st.builds("EXRULE:{}".format, RULES),
    st.builds("RDATE;VALUE=PERIOD:{}/{}".format, MOMENTS, st.one_of(MOMENTS, DURATIONS)),
    st.builds("RECURRENCE-ID;RANGE=THISANDFUTURE:{}".format, MOMENTS),
)
components = st.builds(
    lambda name, zone, moment, more: "\n".join([f"BEGIN:{name}", f"DTSTART{zone}:{moment}", *more, f"END:{name}"]),
    st.sampled_from(["VEVENT", "VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY"]),
    ZONES,
    MOMENTS,
    st.lists(lines, max_size=5),
)


@settings(max_examples=120, deadline=None)
@given(st.lists(components, min_size=1, max_size=3), st.sampled_from([UTC, ZoneInfo("America/New_York")]))
def test_any_times_are_answered_or_refused(texts: list[str], floating: ZoneInfo) -> None:
    [calendar] = parse(("BEGIN:VCALENDAR\n" + OWN + "\n".join(texts) + "\nEND:VCALENDAR").encode())
    try:
        found = Series.of(calendar)
    except (BadFormat, TooManyInstances):
        return
    again = Series.loads(found.dumps())
    assert again == found
    begin, end = found.span
    for start, stop in ((0, 10_000_000), (1_700_000_000, 1_710_000_000), (-FOREVER, 0), (1_700_000_000, FOREVER)):
        overlaps = again.overlaps(start, stop, floating)
        # The index row must not hide what the exact test finds.
        assert not overlaps or (begin < stop and end > start)
        try:
            assert bool(again.instances(start, stop, floating, limit=200)) == overlaps
        except TooManyInstances:
            assert overlaps
        try:
            for first, last, _ in again.periods(start, stop, floating)[:100]:
                assert start <= first < last <= stop
        except TooManyInstances:
            pass


@settings(max_examples=60, deadline=None)
@given(components, st.one_of(DURATIONS, MOMENTS), st.sampled_from(["0", "3", "999999", "x"]), DURATIONS)
def test_any_alarm_is_answered_or_refused(text: str, trigger: str, repeat: str, pause: str) -> None:
    [calendar] = parse(("BEGIN:VCALENDAR\n" + OWN + text + "\nEND:VCALENDAR").encode())
    alarm = f"BEGIN:VALARM\nTRIGGER:{trigger}\nREPEAT:{repeat}\nDURATION:{pause}\nEND:VALARM"
    try:
        found = Series.of(calendar)
        alarm_overlaps(found, 0, parse(alarm.encode())[0], 1_700_000_000, 1_710_000_000)
    except (BadFormat, TooManyInstances):
        pass


def test_values() -> None:
    assert read_moment("2024-02-29T10:20:30.5Z") == read_moment("20240229T102030Z")
    assert read_moment("20240229T235960").wall == read_moment("20240229T235959").wall
    assert read_moment("20240229T1020").wall == read_moment("20240229T102000").wall
    assert write_wall(read_moment("00010203T040506").wall, utc=True) == "00010203T040506Z"
    assert write_wall(read_moment("20240229").wall, is_date=True) == "20240229"
    assert read_duration("-P1DT2H3M4S") == (-1, -7384)
    assert read_duration("P2W") == (14, 0)
    assert read_offset("-0330") == -12_600
    assert read_offset("+023456") == 9_296


@pytest.mark.parametrize("text", ["", "P", "PT", "1H", "P1", "P1H", "PT1D", "P-1D", "P99999999999D"])
def test_no_durations(text: str) -> None:
    with pytest.raises(BadFormat):
        read_duration(text)


@pytest.mark.parametrize("text", ["", "0100", "+1", "+2400", "+0060", "+010060", "Z"])
def test_no_offsets(text: str) -> None:
    with pytest.raises(BadFormat):
        read_offset(text)
