"""Tasks that come again some time after they were done ([MS-ASTASK] §2.2.2.21; EAS-01, EAS-04)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from servers.activesync.classes import task_regeneration
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, Tasks
from storage import collections as tree
from storage import items, kinds
from storage.store import Store
from storage.types import Actor, SpaceKind
from tests.activesync.phone import Phone
from tests.activesync.test_task_mapping import BERLIN
from tests.activesync.test_tasks_and_notes import context, ics, merged, shown, swap

FILTER = ics(
    "SUMMARY:Change the filter", f"DTSTART;{BERLIN}:20261001T100000", f"DUE;{BERLIN}:20261003T110000",
    "X-ESCRITOIRE-REGENERATE:FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=1;COUNT=3", "X-C:1", "BEGIN:VALARM", "ACTION:DISPLAY",
    "DESCRIPTION:x", "TRIGGER;VALUE=DATE-TIME:20261001T060000Z", "END:VALARM",
)  # fmt: skip


def done(found: Element, when: str = "2026-10-30T09:00:00.000Z") -> Element:
    return swap(found, Tasks.Complete(1), Tasks.DateCompleted(when))


def following(body: bytes, when: str = "2026-10-30T09:00:00.000Z") -> tuple[str, str] | None:
    after = merged(done(shown(body), when), body).encode()
    both = task_regeneration.follows(body, after, "next", context())
    return None if both is None else (both[0].decode(), both[1].decode())


def test_the_next_one_counts_from_the_day_on_which_it_was_done() -> None:
    both = following(FILTER)
    assert both is not None
    old, new = both
    assert "REGENERATE" not in old
    assert "STATUS:COMPLETED" in old
    assert f"DTSTART;{BERLIN}:20270130T100000" in new
    assert f"DUE;{BERLIN}:20270201T110000" in new
    assert "TRIGGER;VALUE=DATE-TIME:20270130T060000Z" in new
    assert "INTERVAL=3;BYMONTHDAY=1;COUNT=2" in new
    assert "UID:next" in new
    assert "X-C:1" in new
    assert "COMPLETED" not in new
    assert shown(new.encode()).text_of(Tasks.Complete) == "0"
    assert shown(new.encode()).text_of(Tasks.Recurrence, Tasks.Regenerate) == "1"


@pytest.mark.parametrize(
    ("rule", "when", "start"),
    [
        ("FREQ=DAILY;INTERVAL=10", "2026-10-30T09:00:00.000Z", "20261109"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", "2026-10-30T09:00:00.000Z", "20261113"),
        ("FREQ=MONTHLY", "2027-01-31T09:00:00.000Z", "20270228"),
        ("FREQ=YEARLY", "2028-02-29T09:00:00.000Z", "20290228"),
        ("FREQ=MONTHLY;UNTIL=20261130", "2026-10-30T09:00:00.000Z", "20261130"),
        ("FREQ=DAILY", "2026-10-30T23:30:00.000Z", "20261101"),  # in Berlin it is the 31st
    ],
)
def test_intervals(rule: str, when: str, start: str) -> None:
    both = following(ics("SUMMARY:t", "DTSTART;VALUE=DATE:20261001", f"X-ESCRITOIRE-REGENERATE:{rule}"), when)
    assert both is not None
    assert f"DTSTART;VALUE=DATE:{start}" in both[1]


@pytest.mark.parametrize("rule", ["FREQ=DAILY;COUNT=1", "FREQ=DAILY;UNTIL=20261030"])
def test_the_last_one_has_no_next(rule: str) -> None:
    assert following(ics("SUMMARY:t", "DTSTART;VALUE=DATE:20261001", f"X-ESCRITOIRE-REGENERATE:{rule}")) is None


def test_what_was_done_before_makes_nothing() -> None:
    body = FILTER.replace(b"X-C:1", b"STATUS:COMPLETED")
    assert following(body) is None
    assert following(FILTER.replace(b"X-ESCRITOIRE-REGENERATE", b"X-D")) is None


@pytest.fixture
def stored(store: Store, alice: Actor) -> Callable[[], list[str]]:
    with store.write(alice) as tx:
        folder = tree.find(tx, SpaceKind.PRIVATE, "alice", "tasks")
        items.put(tx, folder, "u1.ics", kinds.EVENTS.prepare(FILTER, "text/calendar"))

    def read() -> list[str]:
        with store.read(alice) as tx:
            folder = tree.find(tx, SpaceKind.PRIVATE, "alice", "tasks")
            names = [row.name for row in items.listing(tx, folder)]
            return sorted((one.body or b"").decode() for one in items.many(tx, folder, names).values())

    return read


def test_the_phone_gets_the_next_one_once(phone: Phone, stored: Callable[[], list[str]]) -> None:
    phone.folder_sync()
    folder = next(number for number, (_, kind) in phone.folders.items() if kind == 7)
    phone.sync(folder)
    ((number, found),) = phone.items[folder].items()
    phone.items[folder][number] = done(found)
    key = phone.keys[folder]
    change = AirSync.Change(AirSync.ServerId(number), AirSync.ApplicationData(*done(found).children))
    phone.sync_once(folder, change)
    phone.sync(folder)
    held = sorted(one.text_of(Tasks.StartDate) or "" for one in phone.items[folder].values())
    assert held == ["2026-10-01T10:00:00.000Z", "2027-01-30T10:00:00.000Z"]
    assert phone.items[folder][number].text_of(Tasks.Complete) == "1"
    again = Phone(phone.app, keys={folder: key})
    again.items[folder] = {number: found}
    again.sync_once(folder, change)  # the answer was lost long ago
    assert len(stored()) == 2
