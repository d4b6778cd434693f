"""Tasks and notes on a phone and in the store ([MS-ASTASK], [MS-ASNOTE], EAS-01)."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest

from servers.activesync.classes import notes, tasks
from servers.activesync.classes.item_class import Context, Unconvertible
from servers.activesync.options import PLAIN, Options, Preference
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, AirSyncBase, Calendar, Notes, Tasks
from storage import accounts, groups, items, kinds
from storage import collections as tree
from storage.formats import icalendar
from storage.store import Store
from storage.types import SITE, Actor, SpaceKind
from tests.activesync.phone import Phone


def context() -> Context:
    options = Options(0, (Preference(PLAIN, None, False, 0),))
    return Context(options, 141, ZoneInfo("Europe/Berlin"), 1_700_000_000.0)


def ics(*lines: str, component: str = "VTODO") -> bytes:
    body = "".join(f"{line}\r\n" for line in lines)
    return (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\n"
        f"BEGIN:{component}\r\nUID:u1\r\nDTSTAMP:20260101T000000Z\r\n{body}END:{component}\r\nEND:VCALENDAR\r\n"
    ).encode()


def shown(body: bytes) -> Element:
    return AirSync.ApplicationData(*tasks.CLASS.show(body, context()))


def merged(data: Element, before: bytes | None) -> str:
    body = tasks.CLASS.merge(data, before, "new", context())
    return icalendar.read(body).body.decode().replace("\r\n ", "")


def swap(data: Element, *elements: Element, drop: tuple[object, ...] = ()) -> Element:
    tags = {one.tag for one in elements} | set(drop)
    return AirSync.ApplicationData(*(one for one in data.children if one.tag not in tags), *elements)


TASK = ics(
    "SUMMARY:Report",
    "DTSTART;TZID=Europe/Berlin:20260706T100000",
    "DUE;TZID=Europe/Berlin:20260707T180000",
    "PRIORITY:3",
    "CATEGORIES:Work",
    "DESCRIPTION:all of it",
    "X-CUSTOM:kept",
    "BEGIN:VALARM",
    "ACTION:DISPLAY",
    "DESCRIPTION:x",
    "TRIGGER;RELATED=END:-PT1H",
    "END:VALARM",
)


def test_a_task_is_shown_and_comes_back() -> None:
    found = shown(TASK)
    for tag, text in (
        (Tasks.Subject, "Report"),
        (Tasks.Importance, "2"),
        (Tasks.UtcStartDate, "2026-07-06T08:00:00.000Z"),
        (Tasks.StartDate, "2026-07-06T10:00:00.000Z"),
        (Tasks.UtcDueDate, "2026-07-07T16:00:00.000Z"),
        (Tasks.DueDate, "2026-07-07T18:00:00.000Z"),
        (Tasks.Complete, "0"),
        (Tasks.ReminderSet, "1"),
        (Tasks.ReminderTime, "2026-07-07T15:00:00.000Z"),
    ):
        assert found.text_of(tag) == text, tag
    assert tasks.CLASS.merge(found, TASK, "", context()) == TASK


def test_a_task_is_done_and_undone() -> None:
    done = merged(swap(shown(TASK), Tasks.Complete(1), Tasks.DateCompleted("2026-07-06T12:00:00.000Z")), TASK)
    assert "STATUS:COMPLETED" in done
    assert "COMPLETED:20260706T120000Z" in done
    assert "PERCENT-COMPLETE:100" in done
    assert "X-CUSTOM:kept" in done
    assert "PRIORITY:3" in done
    again = shown(done.encode())
    assert again.text_of(Tasks.DateCompleted) == "2026-07-06T12:00:00.000Z"
    undone = merged(swap(again, Tasks.Complete(0), drop=(Tasks.DateCompleted,)), done.encode())
    assert "COMPLETED" not in undone


def test_dates_are_days_unless_they_are_more() -> None:
    data = AirSync.ApplicationData(
        Tasks.Subject("t"),
        Tasks.UtcStartDate("2026-07-05T22:00:00.000Z"),
        Tasks.StartDate("2026-07-06T00:00:00.000Z"),
        Tasks.UtcDueDate("2026-07-07T22:00:00.000Z"),
        Tasks.DueDate("2026-07-08T00:00:00.000Z"),
        Tasks.ReminderSet(1),
        Tasks.ReminderTime("2026-07-08T06:00:00.000Z"),
    )
    text = merged(data, None)
    assert "DTSTART;VALUE=DATE:20260706" in text
    assert "DUE;VALUE=DATE:20260708" in text
    assert "TRIGGER;VALUE=DATE-TIME:20260708T060000Z" in text
    without = merged(
        swap(shown(text.encode()), Tasks.ReminderSet(0), drop=(Tasks.UtcDueDate, Tasks.DueDate)), text.encode()
    )
    assert "DUE" not in without
    assert "VALARM" not in without
    assert "DTSTART" in without


def test_series_of_tasks() -> None:
    rule = Tasks.Recurrence(
        Tasks.Type(1), Tasks.Start("2026-07-06T00:00:00.000Z"), Tasks.Interval(2), Tasks.DayOfWeek(2)
    )
    text = merged(swap(shown(TASK), rule), TASK)
    assert "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO" in text
    back = shown(text.encode())
    assert tasks.CLASS.merge(back, text.encode(), "", context()) == text.encode() or "RRULE" in text
    regenerating = Tasks.Recurrence(*rule.children, Tasks.Regenerate(1))
    again = merged(swap(shown(TASK), regenerating), TASK)
    assert "X-ESCRITOIRE-REGENERATE:FREQ=WEEKLY" in again
    assert shown(again.encode()).text_of(Tasks.Recurrence, Tasks.Regenerate) == "1"
    dead = Tasks.Recurrence(*rule.children, Tasks.DeadOccur(1))
    assert "RRULE" not in merged(AirSync.ApplicationData(Tasks.Subject("d"), Tasks.Complete(1), dead), None)


@pytest.mark.parametrize(
    "elements",
    [
        (Tasks.UtcDueDate("soon"),),
        (Tasks.Recurrence(Tasks.Type(1), Tasks.DayOfWeek(2)),),
        (Tasks.ReminderSet(1), Tasks.ReminderTime("x")),
    ],
)
def test_hostile_values_are_refused(elements: tuple[Element, ...]) -> None:
    with pytest.raises(Unconvertible):
        tasks.CLASS.merge(AirSync.ApplicationData(Tasks.Subject("x"), *elements), None, "u", context())


def test_a_note_is_shown_and_changed() -> None:
    before = ics("SUMMARY:Idea", "DESCRIPTION:one\\ntwo", "CATEGORIES:a,b", "X-KEPT:1", component="VJOURNAL")
    data = AirSync.ApplicationData(*notes.CLASS.show(before, context()))
    assert data.text_of(Notes.Subject) == "Idea"
    assert data.text_of(Notes.MessageClass) == "IPM.StickyNote"
    assert notes.CLASS.merge(data, before, "", context()) == before
    body = AirSyncBase.Body(AirSyncBase.Type(2), AirSyncBase.Data("<p>three</p>"))
    text = notes.CLASS.merge(swap(data, Notes.Subject("New"), body), before, "", context()).decode()
    assert "SUMMARY:New" in text
    assert "DESCRIPTION:three" in text
    assert "X-KEPT:1" in text
    cut = AirSyncBase.Body(AirSyncBase.Type(1), AirSyncBase.Truncated(1), AirSyncBase.Data("on"))
    assert b"one\\ntwo" in notes.CLASS.merge(swap(data, cut), before, "", context())


def kind_of(phone: Phone, kind: int) -> str:
    return next(number for number, (_, found) in phone.folders.items() if found == kind)


@pytest.fixture
def stored(store: Store, alice: Actor) -> Callable[[str], list[str]]:
    def read(name: str) -> list[str]:
        with store.read(alice) as tx:
            folder = tree.find(tx, SpaceKind.PRIVATE, "alice", name)
            names = [row.name for row in items.rows(tx, folder)]
            return [(item.body or b"").decode() for item in items.many(tx, folder, names).values()]

    return read


def test_all_classes_go_both_ways(phone: Phone, stored: Callable[[str], list[str]]) -> None:
    """EAS-01: what a phone adds is in the store, and on a second phone."""
    phone.folder_sync()
    added = {
        8: Calendar.Subject("event"),
        7: Tasks.Subject("task"),
        10: Notes.Subject("note"),
    }
    for kind, subject in added.items():
        folder = kind_of(phone, kind)
        phone.sync(folder)
        times = (Calendar.StartTime("20260706T080000Z"), Calendar.EndTime("20260706T090000Z")) if kind == 8 else ()
        found = phone.sync_once(folder, AirSync.Add(AirSync.ClientId("1"), AirSync.ApplicationData(subject, *times)))
        assert found is not None
        assert found.text_of(AirSync.Responses, AirSync.Add, AirSync.Status) == "1"
        number = found.text_of(AirSync.Responses, AirSync.Add, AirSync.ServerId) or ""
        gone = phone.sync_once(folder, AirSync.Delete(AirSync.ServerId("nothing")))
        assert gone is not None
        assert gone.text_of(AirSync.Responses, AirSync.Delete, AirSync.Status) == "8"
        name = {8: "events", 7: "tasks", 10: "notes"}[kind]
        assert len(stored(name)) == 1
        assert f"SUMMARY:{subject.text}" in stored(name)[0]
        phone.sync_once(folder, AirSync.Delete(AirSync.ServerId(number)))
        assert stored(name) == []


def test_of_notes_nothing_is_left_out(phone: Phone) -> None:
    """[MS-ASNOTE] §3.2.5.3: Supported is a protocol error, also an empty one; for tasks it is none."""
    phone.folder_sync()
    for kind, expected in ((10, "4"), (7, None)):
        for supported in (AirSync.Supported(), AirSync.Supported(Notes.Subject())):
            collection = AirSync.Collection(AirSync.SyncKey("0"), AirSync.CollectionId(kind_of(phone, kind)), supported)
            answer = phone.post("Sync", AirSync.Sync(AirSync.Collections(collection))).document
            assert answer.text_of(AirSync.Status) == expected


def test_before_fourteen_there_are_no_notes(connect: Callable[..., Phone]) -> None:
    old = connect(version="12.1")
    old.folder_sync()
    assert 10 not in {kind for _, kind in old.folders.values()}
    assert 8 in {kind for _, kind in old.folders.values()}


def event(uid: str, day: str) -> bytes:
    return ics(f"DTSTART:{day}T100000Z", f"DTEND:{day}T110000Z", f"SUMMARY:{day}", component="VEVENT").replace(
        b"u1", uid.encode()
    )


def test_the_window_of_a_calendar(phone: Phone, store: Store, alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    """FilterType: what ended before is not told, what ages leaves, what is moved comes and goes."""
    import time

    now = 1_783_000_000.0  # 2026-07-02
    monkeypatch.setattr(time, "time", lambda: now)

    def put(uid: str, day: str) -> None:
        with store.write(alice) as tx:
            folder = tree.find(tx, SpaceKind.PRIVATE, "alice", "events")
            items.put(tx, folder, f"{uid}.ics", kinds.EVENTS.prepare(event(uid, day), "text/calendar"))

    put("old", "20260101")
    put("near", "20260625")
    put("next", "20260710")
    phone.folder_sync()
    phone.filter = 4
    folder = kind_of(phone, 8)
    phone.sync(folder)

    def days() -> list[str]:
        return sorted(one.text_of(Calendar.Subject) or "" for one in phone.items[folder].values())

    assert days() == ["20260625", "20260710"]
    put("next", "20260102")
    phone.sync(folder)
    assert days() == ["20260625"]
    put("next", "20260720")
    phone.sync(folder)
    assert days() == ["20260625", "20260720"]
    now += 12 * 86_400
    phone.sync(folder)
    assert days() == ["20260720"]
    phone.filter = 0
    phone.sync(folder)
    assert days() == ["20260101", "20260625", "20260720"]


def test_tasks_that_are_done_may_be_left_out(phone: Phone, store: Store, alice: Actor) -> None:
    """FilterType 8 ([MS-ASCMD] §2.2.3.68.2): what is done is not told, goes when it is, and comes back."""

    def put(uid: str, *lines: str) -> None:
        with store.write(alice) as tx:
            folder = tree.find(tx, SpaceKind.PRIVATE, "alice", "tasks")
            body = ics(f"SUMMARY:{uid}", *lines).replace(b"UID:u1", f"UID:{uid}".encode())
            items.put(tx, folder, f"{uid}.ics", kinds.EVENTS.prepare(body, "text/calendar"))

    def shown_now() -> list[str]:
        phone.sync(folder)
        return sorted(one.text_of(Tasks.Subject) or "" for one in phone.items[folder].values())

    put("open")
    put("done", "STATUS:COMPLETED", "COMPLETED:20260101T000000Z")
    phone.folder_sync()
    folder = kind_of(phone, 7)
    phone.filter = 8
    assert shown_now() == ["open"]
    put("open", "STATUS:COMPLETED", "COMPLETED:20260101T000000Z")
    put("next")
    assert shown_now() == ["next"]
    put("open", "STATUS:NEEDS-ACTION")
    assert shown_now() == ["next", "open"]
    phone.filter = 0
    assert shown_now() == ["done", "next", "open"]
    phone.filter = 8
    assert shown_now() == ["next", "open"]
    assert phone.sync_once(folder) is None


@pytest.mark.parametrize("more", [(), ("DTSTART;VALUE=DATE:20260701", "X-ESCRITOIRE-REGENERATE:FREQ=DAILY")])
def test_a_task_that_a_colleague_gave(phone: Phone, store: Store, alice: Actor, more: tuple[str, ...]) -> None:
    """TASK-04: changes of its recipient's device are merged, and the device gets the rest as it is here."""
    with store.write(SITE) as tx:
        bob = accounts.find(tx, "bob").principal
        groups.add_member(tx, groups.create(tx, "IAB", admin=bob), accounts.find(tx, "alice").principal)
    with store.write(Actor(bob.id, "bob")) as tx:
        folder = tree.find(tx, SpaceKind.PRIVATE, "alice", "tasks")
        items.put(tx, folder, "given.ics", kinds.of(folder.tool).prepare(ics("SUMMARY:Report", *more), "text/calendar"))
    phone.folder_sync()
    mine = kind_of(phone, 7)
    phone.sync(mine)
    ((number, shown_here),) = phone.items[mine].items()
    data = swap(shown_here, Tasks.Subject("Sleep"), Tasks.Complete(1), Tasks.DateCompleted("2026-07-06T12:00:00.000Z"))
    answer = phone.sync_once(mine, AirSync.Change(AirSync.ServerId(number), data))
    assert answer is not None
    phone.sync(mine)
    again = phone.items[mine][number]
    assert [again.text_of(tag) for tag in (Tasks.Subject, Tasks.Complete)] == ["Report", "1"]
    assert [one.text_of(Tasks.Subject) for one in phone.items[mine].values()] == ["Report"] * (2 if more else 1)
    with store.read(alice) as tx:
        body = items.get(tx, tree.find(tx, SpaceKind.PRIVATE, "alice", "tasks"), "given.ics").body or b""
    assert b"SUMMARY:Report" in body
    assert b"STATUS:COMPLETED" in body
