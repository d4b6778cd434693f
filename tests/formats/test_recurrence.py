"""Recurrence rules against dateutil on random rules, RFC 5545's own examples, and hostile ones (§3.3.10)."""

from __future__ import annotations

import datetime as datetime_module
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from unittest.mock import patch
from zoneinfo import ZoneInfo

import dateutil.rrule
import pytest
from dateutil.rrule import rrulestr
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from storage.errors import BadFormat, TooManyInstances
from storage.formats.gregorian import Days
from storage.formats.recurrence import Rule

pytestmark = pytest.mark.slow

FAR = datetime(9999, 12, 31, 23, 59, 59)


def numbers(low: int, high: int, size: int = 3) -> st.SearchStrategy[str]:
    values = st.integers(low, high).filter(lambda n: n != 0 or low >= 0)
    return st.lists(values, min_size=1, max_size=size, unique=True).map(lambda ns: ",".join(map(str, ns)))


WEEKDAYS = st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"])
PLAIN_DAYS = st.lists(WEEKDAYS, min_size=1, max_size=4, unique=True).map(",".join)
NUMBERED_DAYS = st.lists(
    st.builds(lambda n, day: f"{n}{day}", st.integers(-5, 5).filter(bool), WEEKDAYS), min_size=1, max_size=3
).map(",".join)


@st.composite
def rules(draw: st.DrawFn) -> str:
    freq = draw(st.sampled_from(["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY"]))
    parts = {"FREQ": freq, "INTERVAL": str(draw(st.sampled_from([1, 1, 2, 3, 5, 7, 13])))}
    optional: dict[str, st.SearchStrategy[str]] = {
        "BYMONTH": numbers(1, 12),
        "BYHOUR": numbers(0, 23, 2),
        "BYMINUTE": numbers(0, 59, 2),
        "BYSECOND": numbers(0, 59, 2),
        "BYDAY": st.one_of(PLAIN_DAYS, NUMBERED_DAYS) if freq in ("YEARLY", "MONTHLY") else PLAIN_DAYS,
        "WKST": WEEKDAYS,
    }
    if freq in ("MINUTELY", "SECONDLY"):  # dateutil walks every one of them to find the day
        del optional["BYMONTH"], optional["BYDAY"]
    elif freq != "WEEKLY":
        optional["BYMONTHDAY"] = st.one_of(numbers(1, 31), numbers(-31, -1))
    if freq in ("HOURLY", "YEARLY"):
        optional["BYYEARDAY"] = st.one_of(numbers(1, 366), numbers(-366, -1))
    if freq == "YEARLY":
        # The weeks that two years share are tested below: -53 and -52 may be a year's first week, whose days in the year
        # before dateutil knows by the number 1 only; and it counts 53 weeks in some years that have 52, such as 2010.
        optional["BYWEEKNO"] = numbers(-51, 51)
    chosen = draw(st.lists(st.sampled_from(sorted(optional)), max_size=3, unique=True))
    if "BYWEEKNO" in chosen:  # a number beside BYWEEKNO is forbidden; without BYDAY dateutil takes the whole week
        optional["BYDAY"] = PLAIN_DAYS
        chosen.append("BYDAY")
    for name in chosen:
        parts[name] = draw(optional[name])
    if len(parts) > 2 and freq != "WEEKLY" and draw(st.integers(0, 3)) == 0:
        fine = freq in ("HOURLY", "MINUTELY", "SECONDLY")  # where it never matches, dateutil walks on and on
        parts["BYSETPOS"] = draw(st.sampled_from(["1", "-1", "1,-1"]) if fine else numbers(-5, 5))
    return ";".join(f"{name}={value}" for name, value in parts.items())


starts = st.datetimes(datetime(1990, 1, 1), datetime(2030, 1, 1)).map(lambda d: d.replace(microsecond=0))
SPAN = {"YEARLY": 20 * 366, "MONTHLY": 2000, "WEEKLY": 800, "DAILY": 400, "HOURLY": 20, "MINUTELY": 1, "SECONDLY": 0.02}


def oracle(text: str, start: datetime, after: datetime, before: datetime) -> list[datetime]:
    """What dateutil says, plus DTSTART, which RFC 5545 §3.8.5.3 always counts."""
    try:
        rule = rrulestr("RRULE:" + text, dtstart=start)
    except ValueError:  # dateutil knows that it never matches
        return [start] if after <= start < before else []
    # dateutil looks for a rule's next match until the year 9999; here it may stop after the window.
    near = SimpleNamespace(**{**vars(datetime_module), "MAXYEAR": before.year})
    found: list[datetime] = []
    with patch.object(dateutil.rrule, "datetime", near):
        for moment in rule:
            if moment >= before or len(found) > 5_000:
                break
            if moment >= after:
                found.append(moment)
    if after <= start < before and start not in found:
        found.insert(0, start)
    return found


@settings(max_examples=100, deadline=None)
@given(rules(), starts, st.floats(0, 1), st.floats(0, 1))
def test_windows_agree_with_dateutil(text: str, start: datetime, skip: float, width: float) -> None:
    span = timedelta(days=SPAN[text[5:].partition(";")[0]])
    after = start + span * skip
    before = after + span * width
    assert list(Rule.parse(text).starts(start, after, before)) == oracle(text, start, after, before)


@settings(max_examples=60, deadline=None)
@given(rules(), starts, st.integers(1, 40))
def test_count_agrees_with_dateutil(text: str, start: datetime, count: int) -> None:
    freq = text[5:].partition(";")[0]
    assume(freq not in ("HOURLY", "MINUTELY", "SECONDLY"))
    found: list[datetime] = []
    for moment in oracle(text, start, start, start + timedelta(days=40 * 366)):
        if moment != start:
            found.append(moment)
        if len(found) == count - 1 or count == 1:
            break
    assume(len(found) == count - 1 or count == 1)
    expected = found[-1] if found and count > 1 else start
    rule = Rule.parse(f"{text};COUNT={count}")
    assert rule.last(start) == expected
    assert len(list(rule.starts(start, datetime(1900, 1, 1), FAR))) == count


@settings(max_examples=60, deadline=None)
@given(rules(), starts, st.floats(0.05, 1))
def test_until_agrees_with_dateutil(text: str, start: datetime, part: float) -> None:
    span = timedelta(days=SPAN[text[5:].partition(";")[0]])
    until = (start + span * part).replace(microsecond=0)
    bounded = f"{text};UNTIL={until:%Y%m%dT%H%M%S}"
    expected = oracle(text, start, start, until + timedelta(seconds=1))
    rule = Rule.parse(bounded)
    assert list(rule.starts(start, start, FAR)) == expected
    assert rule.last(start) == expected[-1]


@pytest.mark.parametrize("week", [1, 52, 53])
@pytest.mark.parametrize("day", range(7))
def test_weeks_that_two_years_share(week: int, day: int) -> None:
    """ISO 8601's own count of weeks, as Python knows it: such a week goes on in the other year."""
    name = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")[day]
    first = datetime(1990, 1, 1) + timedelta(days=day)
    days = (first + timedelta(weeks=number) for number in range(60 * 53))
    expected = [one for one in days if one.isocalendar().week == week]
    rule = Rule.parse(f"FREQ=YEARLY;BYWEEKNO={week};BYDAY={name}")
    assert list(rule.starts(expected[0], expected[0], expected[-1] + timedelta(days=1))) == expected


@pytest.mark.parametrize(
    ("text", "start", "expected"),
    [  # RFC 5545 §3.8.5.3, examples, in New York's wall time
        ("FREQ=DAILY;COUNT=10", "19970902T0900", "19970902 19970903 19970904"),
        ("FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH", "19970902T0900", "19970902 19970904 19970916"),
        ("FREQ=MONTHLY;BYDAY=-2MO", "19970922T0900", "19970922 19971020 19971117"),
        ("FREQ=MONTHLY;BYMONTHDAY=-3", "19970928T0900", "19970928 19971029 19971128"),
        ("FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1", "19970930T0900", "19970930 19971001 19971031"),
        ("FREQ=YEARLY;INTERVAL=3;BYYEARDAY=1,100,200", "19970101T0900", "19970101 19970410 19970719 20000101"),
        ("FREQ=YEARLY;BYDAY=20MO", "19970519T0900", "19970519 19980518 19990517"),
        ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "19970512T0900", "19970512 19980511 19990517"),
        ("FREQ=YEARLY;BYWEEKNO=20", "19970512T0900", "19970512 19980511 19990517"),
        ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "19980213T0900", "19980213 19980313 19981113"),
        ("FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13", "19970913T0900", "19970913 19971011 19971108"),
        (
            "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
            "19961105T0900",
            "19961105 20001107 20041102",
        ),
        ("FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "19970904T0900", "19970904 19971007 19971106"),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2", "19970929T0900", "19970929 19971030 19971127"),
        ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "19970805T0900", "19970805 19970810 19970819 19970824"),
        ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "19970805T0900", "19970805 19970817 19970819 19970831"),
        ("FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", "20070115T0900", "20070115 20070130 20070215 20070315 20070330"),
    ],
)
def test_examples_of_the_rfc(text: str, start: str, expected: str) -> None:
    dtstart = datetime.strptime(start, "%Y%m%dT%H%M")
    want = [datetime.strptime(day, "%Y%m%d").replace(hour=9) for day in expected.split()]
    got = Rule.parse(text).starts(dtstart, dtstart, datetime(2010, 1, 1))
    assert [next(got) for _ in want] == want


def test_until_in_utc_and_the_hour_shown_twice() -> None:
    paris = ZoneInfo("Europe/Paris")
    start = datetime(2024, 10, 25, 2, 30, tzinfo=paris)
    # 02:30 of the 27th is shown twice; the first one is 00:30Z.
    assert Rule.parse("FREQ=DAILY;UNTIL=20241027T003000Z").last(start) == datetime(2024, 10, 27, 2, 30, tzinfo=paris)
    assert Rule.parse("FREQ=DAILY;UNTIL=20241027T010000Z").last(start) == datetime(2024, 10, 27, 2, 30, tzinfo=paris)
    assert Rule.parse("FREQ=DAILY;UNTIL=20241027T002959Z").last(start) == datetime(2024, 10, 26, 2, 30, tzinfo=paris)
    found = list(
        Rule.parse("FREQ=DAILY").starts(
            start, datetime(2024, 10, 26, 0, 30, tzinfo=UTC), datetime(2024, 10, 28, 0, tzinfo=UTC)
        )
    )
    assert [str(moment)[:16] for moment in found] == ["2024-10-26 02:30", "2024-10-27 02:30"]


def test_dates_and_until_as_written_by_others() -> None:
    start = date(2024, 1, 1)
    rule = Rule.parse("FREQ=WEEKLY;UNTIL=20240115")
    assert list(rule.starts(start, datetime(2024, 1, 2), FAR)) == [date(2024, 1, 8), date(2024, 1, 15)]
    assert Rule.parse("FREQ=DAILY;UNTIL=20240103T230000Z").last(start) == date(2024, 1, 3)
    # UNTIL as a DATE for a DATE-TIME: that whole day
    assert Rule.parse("FREQ=DAILY;UNTIL=20240103").last(datetime(2024, 1, 1, 15)) == datetime(2024, 1, 3, 15)


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6;BYDAY=MO",
        "FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=31",
        "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30,31",
        "FREQ=WEEKLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=HOURLY;INTERVAL=24;BYHOUR=5",
        "FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MINUTELY;INTERVAL=60;BYMINUTE=7",
        "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=31;BYSETPOS=1",
        "FREQ=SECONDLY;INTERVAL=60;BYSECOND=7",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=366",
    ],
)
def test_rules_that_never_match_end(text: str) -> None:
    start = datetime(2023, 2, 1, 9, 30)
    rule = Rule.parse(text)
    assert list(rule.starts(start, datetime(2024, 1, 1), FAR)) == []
    assert list(rule.starts(start, start, datetime(2024, 1, 1))) == [start]
    assert Rule.parse(text + ";COUNT=5").last(start) == start


def test_gaps_of_the_calendar_are_crossed() -> None:
    leap = Rule.parse("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29")
    assert list(leap.starts(datetime(1896, 2, 29), datetime(1897, 1, 1), datetime(1905, 1, 1))) == [
        datetime(1904, 2, 29)
    ]
    monday = Rule.parse("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO")
    found = list(monday.starts(datetime(1988, 2, 29), datetime(1988, 3, 1), datetime(2050, 1, 1)))
    assert found == [datetime(2016, 2, 29), datetime(2044, 2, 29)]


@pytest.mark.parametrize(
    ("parts", "yearly"),
    [
        ("BYMONTH=2;BYMONTHDAY=29", ""),
        ("BYWEEKNO=53,-53", ";BYDAY=MO,TU,WE,TH,FR,SA,SU"),
        ("BYMONTH=1,12;BYWEEKNO=1,53;BYDAY=SA", ""),
        ("BYYEARDAY=366,-366;BYDAY=SU", ""),
    ],
)
@pytest.mark.parametrize("often", ["DAILY", "WEEKLY", "HOURLY"])
def test_rare_days_are_those_of_the_year(parts: str, yearly: str, often: str) -> None:
    """§3.3.10: what limits days does so whatever the period; of a year's days all are there."""
    start, end = datetime(1600, 1, 1, 9), datetime(3000, 1, 1)
    days = "BYDAY=MO,TU,WE,TH,FR,SA,SU;" if often == "WEEKLY" and "BYDAY" not in parts else ""
    hour = ";BYHOUR=9" if often == "HOURLY" else ""
    found = Rule.parse(f"FREQ={often};{days}{parts}{hour}").starts(start, datetime(1600, 1, 2), end)
    assert list(found) == list(Rule.parse(f"FREQ=YEARLY;{parts}{yearly}").starts(start, datetime(1600, 1, 2), end))


def test_rare_days_are_looked_for_by_the_year() -> None:
    """SYS-17: else each day of 8,000 years is looked at, which takes seconds for one event."""
    asked: list[int] = []

    def sunday_29_february(day: int) -> bool:
        asked.append(day)
        value = date(1970, 1, 1) + timedelta(days=day)
        return (value.month, value.day, value.weekday()) == (2, 29, 6)

    days = Days(sunday_29_february)
    found, day = list[date](), 0
    while (first := days.first(day)) is not None:
        found.append(date(1970, 1, 1) + timedelta(days=first))
        day = first + 1
    assert found[:3] == [date(1976, 2, 29), date(2004, 2, 29), date(2032, 2, 29)]
    assert found[-1].year > 9960
    assert len(asked) <= 56 * 366


def test_the_end_of_time_is_an_end() -> None:
    start = datetime(9999, 12, 1, 12)
    assert list(Rule.parse("FREQ=WEEKLY").starts(start, start, FAR))[-1] == datetime(9999, 12, 29, 12)
    assert len(list(Rule.parse("FREQ=YEARLY;BYDAY=MO").starts(datetime(9999, 1, 4), start, FAR))) == 4
    assert len(list(Rule.parse("FREQ=WEEKLY;BYDAY=MO,SU").starts(datetime(9999, 12, 30), start, FAR))) == 1
    assert Rule.parse("FREQ=MONTHLY;COUNT=4000000000").last(datetime(2024, 1, 1)) is None
    assert Rule.parse("FREQ=DAILY;COUNT=4000000000").last(datetime(2024, 1, 1)) is None
    assert Rule.parse("FREQ=YEARLY;COUNT=15000").last(datetime(2024, 2, 29)) == datetime(9996, 2, 29)
    assert Rule.parse("FREQ=DAILY").last(datetime(2024, 1, 1)) is None


def test_large_counts() -> None:
    start = datetime(2024, 1, 1)
    assert Rule.parse("FREQ=SECONDLY;COUNT=1000001").last(start) == start + timedelta(seconds=1_000_000)
    assert Rule.parse("FREQ=WEEKLY;BYDAY=MO,WE;COUNT=100001").last(start) == start + timedelta(weeks=50_000)
    with pytest.raises(TooManyInstances):
        Rule.parse("FREQ=DAILY;BYHOUR=1,2,3;COUNT=1000000").last(start)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "COUNT=1",
        "FREQ=FORTNIGHTLY",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=-1",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=99999999999",
        "FREQ=DAILY;UNTIL=yesterday",
        "FREQ=DAILY;UNTIL=20240231",
        "FREQ=DAILY;BYHOUR=24",
        "FREQ=DAILY;BYMINUTE=60",
        "FREQ=DAILY;BYSECOND=61",
        "FREQ=YEARLY;BYMONTH=13",
        "FREQ=YEARLY;BYMONTH=5L",
        "FREQ=YEARLY;BYMONTHDAY=0",
        "FREQ=YEARLY;BYMONTHDAY=32",
        "FREQ=YEARLY;BYYEARDAY=367",
        "FREQ=YEARLY;BYWEEKNO=54",
        "FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO",
        "FREQ=YEARLY;BYDAY=0MO",
        "FREQ=YEARLY;BYDAY=54MO",
        "FREQ=YEARLY;BYDAY=XX",
        "FREQ=YEARLY;BYSETPOS=367;BYDAY=MO",
        "FREQ=YEARLY;WKST=XX",
        "FREQ=YEARLY;FREQ=DAILY",
        "FREQ=YEARLY;NONSENSE=1",
        "FREQ=YEARLY;RSCALE=CHINESE",
        "FREQ=YEARLY;RSCALE=GREGORIAN;SKIP=FORWARD",
        "FREQ=DAILY;BYHOUR="
        + ",".join(map(str, range(24)))
        + ";BYMINUTE="
        + ",".join(map(str, range(60)))
        + ";BYSECOND=0,1",
        "FREQ=YEARLY;BYYEARDAY=" + ",".join(["1"] * 5000),
    ],
)
def test_absurd_rules_are_refused(text: str) -> None:
    with pytest.raises(BadFormat) as refusal:
        Rule.parse(text, 7)
    assert refusal.value.line == 7


def test_clear_meaning_is_taken() -> None:
    assert Rule.parse("rscale=gregorian; freq=weekly; skip=omit;byday=;X-OLD=1;") == Rule.parse("FREQ=WEEKLY")
    assert Rule.parse("FREQ=DAILY;BYSECOND=60").by_second == (59,)
