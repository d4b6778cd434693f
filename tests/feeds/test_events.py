"""Feeds of events: spans, the reader's zone and week, busy entries (CALSYNC-18, CALSYNC-20, CAL-07)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from storage import agenda
from storage.agenda import Habits, Span
from storage.store import Store
from storage.types import Right
from tests.dav.desk import Client
from tests.feeds import desk

PARIS = ZoneInfo("Europe/Paris")
MIDDAY = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def path(span: str, form: str = "rss", place: str = "alice/private") -> str:
    return f"/feeds/{place}/events/{span}.{form}"


@pytest.mark.parametrize(
    ("span", "weekday", "first", "last"),
    [
        (Span.TODAY, 0, date(2026, 3, 29), date(2026, 3, 29)),
        (Span.WEEK, 0, date(2026, 3, 23), date(2026, 3, 29)),  # Monday first
        (Span.WEEK, 6, date(2026, 3, 29), date(2026, 4, 4)),  # Sunday first
        (Span.WEEK, 5, date(2026, 3, 28), date(2026, 4, 3)),
        (Span.MONTH, 0, date(2026, 3, 1), date(2026, 3, 31)),
        (Span.DAYS_30, 0, date(2026, 3, 29), date(2026, 4, 27)),
    ],
)
def test_spans_as_the_reader_counts_days(span: Span, weekday: int, first: date, last: date) -> None:
    """CALSYNC-20: Saturday 23:30 in London is Sunday in Paris."""
    habits = Habits(PARIS, weekday, 24)
    now = datetime(2026, 3, 28, 23, 30, tzinfo=UTC).timestamp()
    assert agenda.days(span, habits, now) == (first, last)


def test_a_day_of_23_hours() -> None:
    habits = Habits(PARIS, 0, 24)
    begin, end = agenda.seconds(date(2026, 3, 29), date(2026, 3, 29), habits)
    assert end - begin == 23 * 3600


@pytest.mark.parametrize("form", ["rss", "atom"])
def test_what_happens_today(store: Store, alice: Client, form: str) -> None:
    """CALSYNC-18, both forms; the order is that of the day."""
    desk.put(store, "alice", "late.ics", desk.event("late", MIDDAY + HOUR, MIDDAY + 2 * HOUR, "Late & last"))
    desk.put(
        store,
        "alice",
        "tea.ics",
        desk.event(
            "tea",
            MIDDAY,
            MIDDAY + HOUR,
            "Tea <b>now</b>",
            "LOCATION:Room 5\r\nDESCRIPTION:Bring\\ncups\r\nCATEGORIES:A,B\r\n",
        ),
    )
    desk.put(store, "alice", "other.ics", desk.event("other", MIDDAY + 2 * DAY, MIDDAY + 2 * DAY + HOUR, "Other day"))
    found = desk.read(alice.request("GET", path("today", form)))
    tea, late = found.entries
    assert found.feed.title == "Alice: today"
    assert late.title.endswith("13:00 Late & last")
    assert tea.title == f"{MIDDAY.date()} 12:00 Tea &lt;b&gt;now&lt;/b&gt;" or tea.title.endswith("Tea <b>now</b>")
    assert "Room 5" in tea.summary
    assert "Bring<br" in tea.summary
    assert [tag.term for tag in tea.tags] == ["A", "B"]
    assert tea.link == "https://desk.test/dav/alice/private/events/tea.ics"


def test_all_spans_and_a_series(store: Store, alice: Client) -> None:
    """Every instance is an entry of its own; an override has its own title."""
    first = MIDDAY - 40 * DAY
    body = desk.event("daily", first, first + HOUR, "Daily", "RRULE:FREQ=DAILY\r\n")
    override = desk.event(
        "daily", MIDDAY + HOUR, MIDDAY + 2 * HOUR, "Moved", f"RECURRENCE-ID:{MIDDAY:%Y%m%dT%H%M%SZ}\r\n"
    )
    inner = override[override.index(b"BEGIN:VEVENT") : override.index(b"END:VCALENDAR")]
    desk.put(store, "alice", "daily.ics", body.replace(b"END:VCALENDAR", inner + b"END:VCALENDAR"))
    [today] = desk.titles(alice.request("GET", path("today")))
    assert today.endswith("13:00 Moved")
    assert len(desk.titles(alice.request("GET", path("week")))) == 7
    assert 28 <= len(desk.titles(alice.request("GET", path("month", "atom")))) <= 31
    month = desk.read(alice.request("GET", path("30days"))).entries
    assert len(month) == 30
    assert len({entry.id for entry in month}) == 30


def test_days_in_the_readers_zone(store: Store, alice: Client, bob: Client) -> None:
    """CALSYNC-20: the same event is today's for one member and not for the other."""
    east = ZoneInfo("Pacific/Kiritimati")
    now = datetime.now(east)
    hour = 14 if now.hour == 0 else 0  # 25 hours earlier it is not today, whenever this runs
    today = now.replace(hour=hour, minute=15, second=0, microsecond=0)
    desk.put(store, "alice", "e.ics", desk.event("e", today, today + HOUR / 2, "Early"), group="IAB")
    desk.prefer(store, "alice", timezone="Pacific/Kiritimati")
    [title] = desk.titles(alice.request("GET", path("today", place="groups/IAB")))
    assert title == f"{today:%Y-%m-%d %H}:15 Early"
    desk.prefer(store, "alice", clock_h="12")
    [title] = desk.titles(alice.request("GET", path("today", place="groups/IAB")))
    assert title == f"{today:%Y-%m-%d %I}:15 {today:%p} Early"
    desk.prefer(store, "bob", timezone="Pacific/Pago_Pago")  # 25 hours behind
    assert desk.titles(bob.request("GET", path("today", place="groups/IAB"))) == []


def test_all_day_events_keep_their_date(store: Store, alice: Client) -> None:
    desk.prefer(store, "alice", timezone="America/New_York")
    today = datetime.now(ZoneInfo("America/New_York"))
    desk.put(store, "alice", "feast.ics", desk.all_day("feast", today))
    assert desk.titles(alice.request("GET", path("today"))) == [f"{today.date()} Feast"]


def test_busy_entries_tell_times_only(store: Store, alice: Client, bob: Client, carol: Client) -> None:
    """CAL-07, ACL-24, SYS-09."""
    desk.put(store, "alice", "tea.ics", desk.event("tea", MIDDAY, MIDDAY + HOUR, "Tea", "LOCATION:Here\r\n"))
    desk.put(store, "alice", "no.ics", desk.event("no", MIDDAY, MIDDAY + HOUR, "Dentist", "CLASS:PRIVATE\r\n"))
    answer = bob.request("GET", path("today", "atom"))
    assert desk.titles(answer) == [f"{MIDDAY.date()} 12:00 Busy"]
    for word in (b"Tea", b"Here", b"Dentist", b"tea.ics", b"no.ics"):
        assert word not in answer.body
    desk.grant(store, "alice", "bob", Right.SEE, "tea.ics")
    assert desk.titles(bob.request("GET", path("today"))) == [f"{MIDDAY.date()} 12:00 Tea"]
    hidden = carol.request("GET", path("today"))
    assert (hidden.status, hidden.body) == (404, carol.request("GET", path("today", place="nobody/private")).body)
    assert carol.request("GET", path("today", place="groups/IAB")).status == 404


def test_unchanged_is_304(store: Store, alice: Client) -> None:
    """SYS-07; other preferences are another feed."""
    desk.put(store, "alice", "tea.ics", desk.event("tea", MIDDAY, MIDDAY + HOUR))
    tag = alice.request("GET", path("week")).headers["etag"]
    assert alice.request("GET", path("week"), if_none_match=tag).status == 304
    assert alice.request("GET", path("month"), if_none_match=tag).status == 200
    desk.prefer(store, "alice", first_day="sunday")
    assert alice.request("GET", path("week"), if_none_match=tag).status == 200


def test_ids_stay_when_an_event_changes(store: Store, alice: Client) -> None:
    """RFC 4287 §4.2.6: one event is one entry for a reader, whatever happens to its text."""
    desk.put(store, "alice", "tea.ics", desk.event("tea", MIDDAY, MIDDAY + HOUR))
    [before] = desk.read(alice.request("GET", path("today", "atom"))).entries
    desk.put(store, "alice", "tea.ics", desk.event("tea", MIDDAY, MIDDAY + 2 * HOUR, "Long tea"))
    [after] = desk.read(alice.request("GET", path("today", "atom"))).entries
    assert (before.id, before.title) != (after.id, after.title)
    assert before.id == after.id


def test_a_series_of_seconds_does_not_drown_the_reader(store: Store, alice: Client) -> None:
    """Bad input: a series with 2.6 million instances in a month gives its first ones."""
    body = desk.event("s", MIDDAY - DAY, MIDDAY - DAY + timedelta(seconds=1), "Tick", "RRULE:FREQ=SECONDLY\r\n")
    desk.put(store, "alice", "s.ics", body)
    assert 0 < len(desk.titles(alice.request("GET", path("month")))) <= agenda.MOST


def test_text_that_xml_cannot_hold(store: Store, alice: Client) -> None:
    """XML 1.0 §2.2: U+FFFE is no character; quotes and angles are data."""
    desk.put(store, "alice", "x.ics", desk.event("x", MIDDAY, MIDDAY + HOUR, "a\ufffeb ]]> \"q\" 'r' 😀"))
    for form in ("rss", "atom"):
        [title] = desk.titles(alice.request("GET", path("today", form)))
        assert "😀" in title


@pytest.mark.parametrize("span", ["year.rss", "today.xml", "today", "TODAY.rss"])
def test_there_are_four_spans_in_two_forms(alice: Client, span: str) -> None:
    assert alice.request("GET", f"/feeds/alice/private/events/{span}").status == 404
