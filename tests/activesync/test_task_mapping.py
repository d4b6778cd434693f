"""Start, due, rule and reminder of tasks: nothing is lost on the way there and back ([MS-ASTASK] §2.2.2, EAS-01)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servers.activesync.classes import tasks
from servers.activesync.classes.item_class import Unconvertible
from servers.activesync.wbxml.code_page import Tag
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, AirSyncBase, Tasks
from storage import kinds
from storage.errors import StorageError
from tests.activesync.test_tasks_and_notes import context, ics, merged, shown, swap

BERLIN = "TZID=Europe/Berlin"
DAYS = (
    Tasks.UtcStartDate("2026-07-07T22:00:00.000Z"), Tasks.StartDate("2026-07-08T00:00:00.000Z"),
    Tasks.UtcDueDate("2026-07-07T22:00:00.000Z"), Tasks.DueDate("2026-07-08T00:00:00.000Z"),
)  # fmt: skip
START = Tasks.Start("2026-07-08T00:00:00.000Z")
BINS = ics(
    "SUMMARY:Bins", f"DTSTART;{BERLIN}:20261005T100000", f"DUE;{BERLIN}:20261005T110000", "RRULE:FREQ=WEEKLY", "X-C:1"
)


def data(*elements: Element) -> Element:
    return AirSync.ApplicationData(Tasks.Subject("t"), *elements)


def test_a_series_that_is_moved_keeps_its_time_when_clocks_change() -> None:
    moved = swap(
        shown(BINS),
        Tasks.UtcStartDate("2026-11-02T09:00:00.000Z"), Tasks.StartDate("2026-11-02T10:00:00.000Z"),
        Tasks.UtcDueDate("2026-11-02T10:00:00.000Z"), Tasks.DueDate("2026-11-02T11:00:00.000Z"),
    )  # fmt: skip
    text = merged(moved, BINS)
    assert f"DTSTART;{BERLIN}:20261102T100000" in text
    assert f"DUE;{BERLIN}:20261102T110000" in text
    assert "RRULE:FREQ=WEEKLY" in text


def test_a_new_series_with_a_time_is_in_the_zone_of_the_account() -> None:
    times = (Tasks.UtcStartDate("2026-07-08T08:00:00.000Z"), Tasks.StartDate("2026-07-08T10:00:00.000Z"))
    text = merged(data(*times, Tasks.Recurrence(Tasks.Type(1), START, Tasks.DayOfWeek(8))), None)
    assert f"DTSTART;{BERLIN}:20260708T100000" in text
    assert "BEGIN:VTIMEZONE" in text
    assert "DTSTART:20260708T080000Z" in merged(data(*times), None)


def test_a_time_that_a_device_leaves_alone_stays_a_time() -> None:
    """Phones that know days only send the other date as midnight."""
    before = ics("SUMMARY:t", f"DTSTART;{BERLIN}:20260706T100000", f"DUE;{BERLIN}:20260707T180000")
    later = (Tasks.UtcDueDate("2026-07-08T22:00:00.000Z"), Tasks.DueDate("2026-07-09T00:00:00.000Z"))
    text = merged(swap(shown(before), *later), before)
    assert f"DTSTART;{BERLIN}:20260706T100000" in text
    assert f"DUE;{BERLIN}:20260709T000000" in text
    same_day = (Tasks.UtcDueDate("2026-07-05T22:00:00.000Z"), Tasks.DueDate("2026-07-06T00:00:00.000Z"))
    text = merged(swap(shown(before), *same_day), before)
    assert "DTSTART;VALUE=DATE:20260706" in text
    assert "DUE;VALUE=DATE:20260706" in text


def test_a_duration_is_a_due_date() -> None:
    before = ics("SUMMARY:t", f"DTSTART;{BERLIN}:20261024T100000", "DURATION:P1DT1H")
    assert shown(before).text_of(Tasks.UtcDueDate) == "2026-10-25T10:00:00.000Z"  # a day of 25 hours
    assert shown(before).text_of(Tasks.DueDate) == "2026-10-25T11:00:00.000Z"
    start = (Tasks.UtcStartDate("2026-10-23T08:00:00.000Z"), Tasks.StartDate("2026-10-23T10:00:00.000Z"))
    text = merged(swap(shown(before), *start), before)
    assert "DURATION" not in text
    assert f"DUE;{BERLIN}:20261025T110000" in text


def test_a_day_is_the_same_day_in_another_zone() -> None:
    before = ics("SUMMARY:t", "DUE;VALUE=DATE:20260708", "X-LAST:1")
    tokyo = (Tasks.UtcDueDate("2026-07-07T15:00:00.000Z"), Tasks.DueDate("2026-07-08T00:00:00.000Z"))
    assert tasks.CLASS.merge(swap(shown(before), *tokyo), before, "", context()) == before


def test_the_day_that_is_due_is_not_moved_by_a_rule() -> None:
    """A rule needs a DTSTART (RFC 5545 §3.8.5.3), and the due date that somebody entered stays what it is."""
    text = merged(data(*DAYS[2:], Tasks.Recurrence(Tasks.Type(1), START, Tasks.DayOfWeek(8))), None)
    assert "DTSTART;VALUE=DATE:20260708" in text
    assert "DUE;VALUE=DATE:20260708" in text


@pytest.mark.parametrize(
    ("dates", "until", "written"),
    [
        ((), "2026-12-31T00:00:00.000Z", "20261231"),
        (DAYS, "2026-12-30T23:00:00.000Z", "20261231"),
        (
            (Tasks.UtcStartDate("2026-07-08T08:00:00.000Z"), Tasks.StartDate("2026-07-08T10:00:00.000Z")),
            "2026-12-31T00:00:00.000Z",
            "20261231T225959Z",
        ),
    ],
)
def test_until_is_of_the_kind_of_the_start(dates: tuple[Element, ...], until: str, written: str) -> None:
    """RFC 5545 §3.3.10; a midnight means the whole day."""
    text = merged(data(*dates, Tasks.Recurrence(Tasks.Type(0), START, Tasks.Until(until))), None)
    assert f"UNTIL={written}\r\n" in text


def test_until_follows_when_times_become_days() -> None:
    before = ics("SUMMARY:t", f"DTSTART;{BERLIN}:20261005T100000", "RRULE:FREQ=DAILY;UNTIL=20261105T090000Z")
    assert "RRULE:FREQ=DAILY;UNTIL=20261105\r\n" in merged(swap(shown(before), *DAYS[:2]), before)


def test_a_series_that_no_device_knows_keeps_its_start() -> None:
    before = ics("SUMMARY:t", "DTSTART;VALUE=DATE:20260706", "RRULE:FREQ=YEARLY;BYWEEKNO=20")
    assert Tasks.Recurrence not in shown(before)
    text = merged(swap(shown(before), drop=(Tasks.UtcStartDate, Tasks.StartDate)), before)
    assert "RRULE:FREQ=YEARLY;BYWEEKNO=20" in text
    assert "DTSTART;VALUE=DATE:20260706" in text


def test_a_series_that_becomes_a_single_task_leaves_no_instances_behind() -> None:
    instance = (
        "END:VTODO", "BEGIN:VTODO", "UID:u1", "DTSTAMP:20260101T000000Z", f"RECURRENCE-ID;{BERLIN}:20261012T100000",
        f"DTSTART;{BERLIN}:20261012T120000", "SUMMARY:Later",
    )  # fmt: skip
    before = ics("SUMMARY:Bins", f"DTSTART;{BERLIN}:20261005T100000", "RRULE:FREQ=WEEKLY", *instance)
    assert "SUMMARY:Later" in merged(swap(shown(before), Tasks.Importance(2)), before)
    text = merged(swap(shown(before), drop=(Tasks.Recurrence,)), before)
    assert "RRULE" not in text
    assert "RECURRENCE-ID" not in text


def test_another_day_of_completion_is_taken() -> None:
    before = ics("SUMMARY:t", "STATUS:COMPLETED", "COMPLETED:20260701T080000Z")
    text = merged(swap(shown(before), Tasks.DateCompleted("2026-07-02T08:00:00.000Z")), before)
    assert "COMPLETED:20260702T080000Z" in text


ALARM = ("BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:x", "TRIGGER;RELATED=END:-PT1H", "END:VALARM")
MAIL = (
    "BEGIN:VALARM", "ACTION:EMAIL", "SUMMARY:x", "DESCRIPTION:x", "ATTENDEE:mailto:a@example.test", "TRIGGER:-PT2H",
    "END:VALARM",
)  # fmt: skip


def test_one_reminder_stays_one() -> None:
    before = ics("SUMMARY:t", "DUE:20260701T000000Z", *ALARM)
    text = merged(swap(shown(before), drop=(Tasks.UtcDueDate, Tasks.DueDate)), before)
    assert text.count("BEGIN:VALARM") == 1
    assert "TRIGGER;VALUE=DATE-TIME:20260630T230000Z" in text


def test_no_reminder_is_none_at_all_but_for_mails() -> None:
    before = ics("SUMMARY:t", "DTSTART:20260630T000000Z", "DUE:20260701T000000Z", *ALARM, *MAIL, *ALARM)
    text = merged(swap(shown(before), Tasks.ReminderSet(0), drop=(Tasks.ReminderTime,)), before)
    assert text.count("BEGIN:VALARM") == 1
    assert "ACTION:EMAIL" in text


def test_the_reminder_of_a_series_goes_on_with_it() -> None:
    reminder = (Tasks.ReminderSet(1), Tasks.ReminderTime("2026-10-05T07:30:00.000Z"))
    text = merged(swap(shown(BINS), *reminder), BINS)
    assert "TRIGGER:-PT30M" in text
    assert shown(text.encode()).text_of(Tasks.ReminderTime) == "2026-10-05T07:30:00.000Z"


@pytest.mark.parametrize(
    "rule",
    [
        (Tasks.Type(0),),  # no Start
        (START, Tasks.Interval(1)),  # no Type
        (Tasks.Type(4), START),
        (Tasks.Type(1), START, Tasks.DayOfWeek(2), Tasks.DayOfMonth(3)),
        (Tasks.Type(0), START, Tasks.Interval(1000)),
        (Tasks.Type(0), START, Tasks.Occurrences(4_000_000_000)),
        (Tasks.Type(0), START, Tasks.Until("never")),
        (Tasks.Type(0), Tasks.Start("")),
        (Tasks.Type(2), START, Tasks.DayOfMonth(32)),
        (Tasks.Type(0), START, Tasks.CalendarType(8)),
        (Tasks.Type(1), START, Tasks.DayOfWeek(2), Tasks.FirstDayOfWeek(7)),  # MS-ASTASK_R171
    ],
)
def test_rules_that_are_none_are_refused(rule: tuple[Element, ...]) -> None:
    """[MS-ASTASK] §2.2.2.9, §2.2.2.20, §2.2.2.25: Status 6."""
    with pytest.raises(Unconvertible):
        tasks.CLASS.merge(data(Tasks.Recurrence(*rule)), None, "u", context())


def test_a_reminder_is_set_or_not() -> None:
    """MS-ASTASK_R252: any other value is a conversion error."""
    with pytest.raises(Unconvertible):
        merged(data(Tasks.ReminderSet(2)), None)


# --- laws

FORMS = st.sampled_from(["", ";VALUE=DATE", f";{BERLIN}", ";TZID=America/New_York", "Z"])
RULES = st.sampled_from([
    "", "FREQ=DAILY", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR", "FREQ=MONTHLY;BYMONTHDAY=-1", "FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10",
    "FREQ=DAILY;COUNT=5", "FREQ=HOURLY", "FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=2", "FREQ=YEARLY;BYMONTHDAY=1,15;BYMONTH=3",
])  # fmt: skip


def stamp(name: str, form: str, day: int, hour: int) -> str:
    if form == ";VALUE=DATE":
        return f"{name};VALUE=DATE:202610{day:02}"
    return f"{name}{'' if form == 'Z' else form}:202610{day:02}T{hour:02}3000{'Z' if form == 'Z' else ''}"


@st.composite
def stored_tasks(draw: st.DrawFn) -> bytes:
    form, day, hour = draw(FORMS), draw(st.integers(1, 26)), draw(st.integers(0, 23))
    lines = ["SUMMARY:t", stamp("DTSTART", form, day, hour)]
    end = draw(st.sampled_from(["", "DUE", "DURATION"]))
    if end == "DUE":
        lines.append(stamp("DUE", form, day + 2, hour))
    elif end:
        lines.append(
            "DURATION:P2D" if form == ";VALUE=DATE" else draw(st.sampled_from(["DURATION:P1D", "DURATION:PT90M"]))
        )
    if rule := draw(RULES):
        lines.append(f"RRULE:{rule}")
    lines += draw(st.lists(st.sampled_from(["X-KEPT:1", "PRIORITY:7", "CLASS:CONFIDENTIAL", "CATEGORIES:a,b", "STATUS:COMPLETED",
                                            "STATUS:CANCELLED", "PERCENT-COMPLETE:40", "DESCRIPTION:two\\nlines", "LOCATION:here"]),
                           unique=True))  # fmt: skip
    for alarm in draw(st.lists(st.sampled_from([ALARM, MAIL]), max_size=2)):
        lines += alarm
    return ics(*lines)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(stored_tasks())
def test_what_comes_back_unchanged_changes_nothing(body: bytes) -> None:
    assert tasks.CLASS.merge(shown(body), body, "", context()) == body


DATES = st.sampled_from(["", "x", "0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z", "20260708T000000Z", "2026-02-30T00:00:00Z",
                         "2026-07-08T00:00:00.000Z", "2026-07-07T22:00:00.000Z", "2026-07-08T10:00:00.000Z", "٢٠٢٦-07-08T10:00:00Z"])  # fmt: skip
NUMBERS = st.sampled_from(
    ["", "0", "1", "2", "3", "5", "6", "31", "127", "255", "-1", "1e9", "99999999999999999999", "٣"]
)
TEXTS = st.text(max_size=12) | st.sampled_from(["a\r\nEND:VTODO", "\x00", "\u2028", ";,\\"])
DATED = (Tasks.UtcStartDate, Tasks.StartDate, Tasks.UtcDueDate, Tasks.DueDate, Tasks.DateCompleted, Tasks.ReminderTime)
NUMBERED = (Tasks.Importance, Tasks.Complete, Tasks.Sensitivity, Tasks.ReminderSet)
WRITTEN = (Tasks.Subject, Tasks.OrdinalDate, Tasks.SubOrdinalDate)
RULED = (Tasks.Type, Tasks.Interval, Tasks.Occurrences, Tasks.DayOfWeek, Tasks.DayOfMonth, Tasks.WeekOfMonth, Tasks.MonthOfYear,
         Tasks.Regenerate, Tasks.DeadOccur, Tasks.CalendarType, Tasks.FirstDayOfWeek)  # fmt: skip


def one(tags: tuple[Tag, ...], values: st.SearchStrategy[str]) -> st.SearchStrategy[Element]:
    return st.builds(lambda tag, value: tag(value), st.sampled_from(tags), values)


ELEMENTS = st.lists(
    one(DATED, DATES)
    | one(NUMBERED, NUMBERS)
    | one(WRITTEN, TEXTS)
    | st.builds(lambda found: Tasks.Recurrence(*found), st.lists(one(RULED, NUMBERS) | one((Tasks.Start, Tasks.Until), DATES)))
    | st.builds(lambda found: Tasks.Categories(*map(Tasks.Category, found)), st.lists(TEXTS, max_size=3))
    | st.builds(lambda kind, text: AirSyncBase.Body(AirSyncBase.Type(kind), AirSyncBase.Data(text)), NUMBERS, TEXTS),
    max_size=8,
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=600, deadline=None)
@given(ELEMENTS, st.none() | stored_tasks())
def test_whatever_a_device_sends_is_stored_or_refused(elements: list[Element], before: bytes | None) -> None:
    """Nothing but a refusal comes of hostile values, and what is stored is shown again (Status 6, EAS-13)."""
    try:
        body = tasks.CLASS.merge(AirSync.ApplicationData(*elements), before, "u", context())
        kinds.EVENTS.prepare(body, "text/calendar")
    except (Unconvertible, StorageError):
        return
    back = shown(body)
    assert tasks.CLASS.merge(back, body, "", context()) == body
    text = body.decode()
    assert text.count("BEGIN:VTODO") <= 2  # an instance that is done, at most
    if "RRULE" in text:
        assert "DTSTART" in text
