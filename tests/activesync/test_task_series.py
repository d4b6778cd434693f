"""A series of tasks on a phone: what is done is done, and the next one takes its place ([MS-ASTASK] §2.2.2.11, EAS-01)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from servers.activesync.classes import tasks
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, Tasks
from storage import collections as tree
from storage import grants, groups, items, kinds
from storage.store import Store
from storage.types import SITE, Actor, Right, SpaceKind
from tests.activesync.phone import Phone
from tests.activesync.test_task_mapping import BERLIN
from tests.activesync.test_tasks_and_notes import context, ics, merged, shown, swap
from tests.storage import desk

BINS = ics(
    "SUMMARY:Bins", f"DTSTART;{BERLIN}:20261013T100000", f"DUE;{BERLIN}:20261013T110000", "RRULE:FREQ=WEEKLY;COUNT=3",
    "X-C:1", "BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:x", "TRIGGER:-PT30M", "END:VALARM",
)  # fmt: skip


def done(found: Element, dead: str = "1", *more: Element) -> Element:
    """What a phone sends when its user ticks a task off."""
    rule = found.find(Tasks.Recurrence)
    assert rule is not None
    kept = (one for one in rule.known if one.tag is not Tasks.DeadOccur)
    finished = Tasks.DateCompleted("2026-10-13T09:00:00.000Z")
    return swap(found, Tasks.Complete(1), finished, Tasks.Recurrence(*kept, Tasks.DeadOccur(dead)), *more)


@pytest.mark.parametrize("dead", ["0", "1", "255"])
def test_one_is_done_and_the_next_is_to_do(dead: str) -> None:
    text = merged(done(shown(BINS), dead), BINS)
    assert f"RECURRENCE-ID;{BERLIN}:20261013T100000" in text
    assert "COMPLETED:20261013T090000Z" in text
    assert "RRULE:FREQ=WEEKLY;COUNT=3" in text
    assert text.count("X-C:1") == 2
    assert text.count("BEGIN:VALARM") == 1
    found = shown(text.encode())
    assert found.text_of(Tasks.Complete) == "0"
    assert found.text_of(Tasks.StartDate) == "2026-10-20T10:00:00.000Z"
    assert found.text_of(Tasks.DueDate) == "2026-10-20T11:00:00.000Z"
    assert found.text_of(Tasks.ReminderTime) == "2026-10-20T07:30:00.000Z"
    assert found.text_of(Tasks.Recurrence, Tasks.Start) == "2026-10-13T10:00:00.000Z"
    assert found.text_of(Tasks.Recurrence, Tasks.Occurrences) == "3"
    assert tasks.CLASS.merge(found, text.encode(), "", context()) == text.encode()


def test_over_the_change_of_clocks_to_the_end() -> None:
    body = BINS
    for start in ("2026-10-13T08:00:00.000Z", "2026-10-20T08:00:00.000Z", "2026-10-27T09:00:00.000Z"):
        assert shown(body).text_of(Tasks.UtcStartDate) == start
        assert shown(body).text_of(Tasks.Complete) == "0"
        body = merged(done(shown(body)), body).encode()
    assert shown(body).text_of(Tasks.Complete) == "1"
    assert body.count(b"STATUS:COMPLETED") == 3
    assert b"RRULE" in body


@pytest.mark.parametrize(
    "rule", ["RRULE:FREQ=WEEKLY;UNTIL=20261020T080000Z", "RRULE:FREQ=WEEKLY;COUNT=3\r\nEXDATE;TZID=Europe/Berlin:20261027T100000"]
)  # fmt: skip
def test_the_last_one_is_known(rule: str) -> None:
    body = BINS.replace(b"RRULE:FREQ=WEEKLY;COUNT=3", rule.encode())
    body = merged(done(shown(body)), body).encode()
    assert shown(body).text_of(Tasks.StartDate) == "2026-10-20T10:00:00.000Z"
    body = merged(done(shown(body)), body).encode()
    assert shown(body).text_of(Tasks.Complete) == "1"


def test_days_without_a_time() -> None:
    body = ics(
        "SUMMARY:t", "DTSTART;VALUE=DATE:20260131", "DUE;VALUE=DATE:20260131", "RRULE:FREQ=MONTHLY;BYMONTHDAY=31"
    )
    text = merged(done(shown(body)), body)
    assert "RECURRENCE-ID;VALUE=DATE:20260131" in text
    assert shown(text.encode()).text_of(Tasks.DueDate) == "2026-03-31T00:00:00.000Z"


def test_what_other_programs_ticked_off_is_done() -> None:
    """Instances that CalDAV clients completed or cancelled, by ids in UTC too."""
    instance = (
        "END:VTODO\r\nBEGIN:VTODO\r\nUID:u1\r\nDTSTAMP:20260101T000000Z\r\nSTATUS:{}\r\nRECURRENCE-ID:{}\r\nSUMMARY:x"
    )
    lines = [instance.format("COMPLETED", "20261013T080000Z"), instance.format("CANCELLED", "20261020T080000Z")]
    body = ics("SUMMARY:Bins", f"DTSTART;{BERLIN}:20261013T100000", "RRULE:FREQ=WEEKLY", *lines)
    assert shown(body).text_of(Tasks.StartDate) == "2026-10-27T10:00:00.000Z"
    assert tasks.CLASS.merge(shown(body), body, "", context()) == body


def test_an_instance_that_was_moved_is_ticked_off_itself() -> None:
    body = ics(
        "SUMMARY:Bins", f"DTSTART;{BERLIN}:20261013T100000", "RRULE:FREQ=WEEKLY",
        "END:VTODO", "BEGIN:VTODO", "UID:u1", "DTSTAMP:20260101T000000Z", f"RECURRENCE-ID;{BERLIN}:20261013T100000",
        f"DTSTART;{BERLIN}:20261014T100000", "SUMMARY:Bins a day later",
    )  # fmt: skip
    text = merged(done(shown(body)), body)
    assert text.count("BEGIN:VTODO") == 2
    assert "SUMMARY:Bins a day later" in text
    assert shown(text.encode()).text_of(Tasks.StartDate) == "2026-10-20T10:00:00.000Z"


def test_a_series_that_goes_on_is_moved_from_there_on() -> None:
    body = merged(done(shown(BINS)), BINS).encode()
    later = (Tasks.UtcStartDate("2026-10-21T08:00:00.000Z"), Tasks.StartDate("2026-10-21T10:00:00.000Z"))
    due = (Tasks.UtcDueDate("2026-10-21T09:00:00.000Z"), Tasks.DueDate("2026-10-21T11:00:00.000Z"))
    text = merged(swap(shown(body), *later, *due), body)
    assert f"DTSTART;{BERLIN}:20261021T100000" in text
    assert f"DUE;{BERLIN}:20261021T110000" in text
    assert "RRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=2" in text  # the phone left the rule alone: every Tuesday
    assert f"RECURRENCE-ID;{BERLIN}:20261013T100000" in text
    assert shown(text.encode()).text_of(Tasks.StartDate) == "2026-10-21T10:00:00.000Z"


def test_a_series_that_goes_on_becomes_a_single_task_where_it_is() -> None:
    body = merged(done(shown(BINS)), BINS).encode()
    text = merged(swap(shown(body), drop=(Tasks.Recurrence,)), body)
    assert "RRULE" not in text
    assert f"DTSTART;{BERLIN}:20261020T100000" in text
    assert text.count("BEGIN:VTODO") == 1


def test_an_instance_of_its_own_has_no_rule() -> None:
    """Some devices go on by themselves: they add what is done as a task that recurs no more."""
    rule = Tasks.Recurrence(Tasks.Type(0), Tasks.Start("2026-10-13T00:00:00.000Z"), Tasks.DeadOccur(7))
    text = merged(AirSync.ApplicationData(Tasks.Subject("t"), Tasks.Complete(1), rule), None)
    assert "RRULE" not in text
    assert "STATUS:COMPLETED" in text


@pytest.fixture
def bins(store: Store, alice: Actor) -> Callable[[], str]:
    """Put the series into the tasks of alice; read it."""
    with store.write(alice) as tx:
        folder = tree.find(tx, SpaceKind.PRIVATE, "alice", "tasks")
        items.put(tx, folder, "u1.ics", kinds.EVENTS.prepare(BINS, "text/calendar"))

    def read() -> str:
        with store.read(alice) as tx:
            return (items.get(tx, tree.find(tx, SpaceKind.PRIVATE, "alice", "tasks"), "u1.ics").body or b"").decode()

    return read


def test_the_phone_is_told_of_the_next_one_at_once(
    phone: Phone, connect: Callable[..., Phone], bins: Callable[[], str]
) -> None:
    phone.folder_sync()
    folder = next(number for number, (_, kind) in phone.folders.items() if kind == 7)
    phone.sync(folder)
    other = connect(device="PHONE2")
    other.folder_sync()
    other.sync(folder)
    ((number, found),) = phone.items[folder].items()
    phone.items[folder][number] = done(found)
    key = phone.keys[folder]
    change = AirSync.Change(AirSync.ServerId(number), AirSync.ApplicationData(*done(found).children))
    phone.sync_once(folder, change)
    assert phone.items[folder][number].text_of(Tasks.Complete) == "0"
    assert phone.items[folder][number].text_of(Tasks.StartDate) == "2026-10-20T10:00:00.000Z"
    # The answer was lost: the same once more, and not the next instance as well (EAS-04).
    phone.keys[folder] = key
    phone.sync_once(folder, change)
    assert phone.items[folder][number].text_of(Tasks.StartDate) == "2026-10-20T10:00:00.000Z"
    assert bins().count("STATUS:COMPLETED") == 1
    assert phone.sync_once(folder) is None  # nothing is told twice
    other.sync(folder)
    assert other.items[folder][number].text_of(Tasks.StartDate) == "2026-10-20T10:00:00.000Z"
    assert "X-C:1" in bins()


def test_who_may_only_read_ticks_nothing_off(
    store: Store, connect: Callable[..., Phone], bins: Callable[[], str], alice: Actor
) -> None:
    """EAS-11, EAS-13: the series of somebody else stays as it is, and the phone is told so."""
    people = {name: desk.principal(store, name) for name in ("alice", "bob")}
    with store.write(SITE) as tx:
        groups.add_member(tx, groups.create(tx, "IAB", admin=people["alice"]), people["bob"])
    with store.write(alice) as tx:
        grants.grant(tx, tree.find(tx, SpaceKind.PRIVATE, "alice", "tasks"), people["bob"], Right.SEE)
    bobs = connect(login="bob", password="bob-secret", device="BOBS")
    bobs.folder_sync()
    folder = next(number for number, (name, kind) in bobs.folders.items() if kind == 15 and "alice" in name)
    bobs.sync(folder)
    ((number, found),) = bobs.items[folder].items()
    bobs.items[folder][number] = done(found)
    change = AirSync.Change(AirSync.ServerId(number), AirSync.ApplicationData(*done(found).children))
    answer = bobs.sync_once(folder, change)
    assert answer is not None
    assert answer.text_of(AirSync.Responses, AirSync.Change, AirSync.Status) == "6"  # SPEC 0.4
    assert bobs.items[folder][number].text_of(Tasks.Complete) == "0"
    assert bobs.items[folder][number].text_of(Tasks.StartDate) == "2026-10-13T10:00:00.000Z"
    assert "STATUS:COMPLETED" not in bins()
