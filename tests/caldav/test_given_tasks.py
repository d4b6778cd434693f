"""Tasks that a co-member gave: their recipient says how far he has come (TASK-04, TASK-08, TASK-11)."""

from __future__ import annotations

import pytest

from tests.caldav.desk import TASKS, Client, event, put
from tests.caldav.meetings import text

PATH = f"{TASKS}given.ics"
LINES = ("SUMMARY:Write", "DESCRIPTION:the report", "DUE;TZID=Europe/Paris:20250610T120000")
DONE = ("STATUS:COMPLETED", "PERCENT-COMPLETE:100", "COMPLETED:20250609T080000Z")
ALARM = ("BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:x", "TRIGGER;RELATED=END:-PT1H", "END:VALARM")


def task(*lines: str) -> bytes:
    return event("given", *lines, around="VTODO")


@pytest.fixture
def given(bob: Client) -> None:
    put(bob, PATH, task(*LINES))


@pytest.mark.usefixtures("given")
def test_its_recipient_ticks_it_off(alice: Client, bob: Client) -> None:
    put(alice, PATH, task(*LINES, *DONE, "LAST-MODIFIED:20250609T080000Z", "X-APPLE-SORT-ORDER:7", *ALARM))
    assert all(line in text(bob, PATH) for line in DONE)
    assert "VALARM" not in text(bob, PATH)
    assert "TRIGGER;RELATED=END:-PT1H" in text(alice, PATH)
    assert "X-APPLE-SORT-ORDER" not in text(alice, PATH)


@pytest.mark.usefixtures("given")
@pytest.mark.parametrize(
    "lines",
    [
        ("SUMMARY:Sleep", *LINES[1:]),
        (*LINES[:2], "DUE;TZID=Europe/Paris:20250611T120000"),
        LINES[:2],
        (*LINES, "PRIORITY:1"),
        (*LINES, "RRULE:FREQ=DAILY"),
    ],
)
def test_nothing_else_is_his_to_change(alice: Client, bob: Client, lines: tuple[str, ...]) -> None:
    before = text(bob, PATH)
    refused = alice.request("PUT", PATH, task(*lines, *DONE), content_type="text/calendar")
    assert refused.status == 403
    assert "status-only" in refused.text
    assert text(bob, PATH) == before


@pytest.mark.usefixtures("given")
def test_who_gave_it_changes_everything(alice: Client, bob: Client) -> None:
    put(alice, PATH, task(*LINES, "STATUS:IN-PROCESS"))
    put(bob, PATH, task("SUMMARY:Sleep"))
    assert "SUMMARY:Sleep" in text(alice, PATH)
    assert alice.request("DELETE", PATH).status == 204  # TASK-05


def test_one_of_a_series_is_ticked_off_alone(alice: Client, bob: Client) -> None:
    start = "DTSTART;TZID=Europe/Paris:20250610T120000"
    series = ("SUMMARY:Water", start)
    put(bob, PATH, task(*series, "RRULE:FREQ=DAILY"))
    one = (*series, "UID:given", "DTSTAMP:20250101T000000Z", f"RECURRENCE-ID{start[7:]}", *DONE)
    both = ("END:VTODO", "BEGIN:VTODO", *one)
    put(alice, PATH, task(*series, "RRULE:FREQ=DAILY", *both))
    assert text(bob, PATH).count("STATUS:COMPLETED") == 1
    moved = tuple(line.replace("0610T12", "0610T13") if line == start else line for line in both)
    answer = alice.request("PUT", PATH, task(*series, "RRULE:FREQ=DAILY", *moved), content_type="text/calendar")
    assert answer.status == 403


def test_ones_own_tasks_are_ones_own(alice: Client) -> None:
    put(alice, PATH, task(*LINES))
    put(alice, PATH, task("SUMMARY:Sleep", *DONE))
    assert "SUMMARY:Sleep" in text(alice, PATH)


def test_with_people_in_it_the_rules_of_meetings_hold(alice: Client, bob: Client) -> None:
    """MTG-16: what a colleague writes in one's list with participants, one organizes oneself."""
    people = ("ORGANIZER:mailto:alice@example.test", "ATTENDEE:mailto:alice@example.test", "ATTENDEE:mailto:eve@else.test")
    put(bob, PATH, task(*LINES, *people))
    put(alice, PATH, text(alice, PATH).replace("SUMMARY:Write", "SUMMARY:Sleep").encode())
    assert "SUMMARY:Sleep" in text(alice, PATH)
