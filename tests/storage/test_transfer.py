"""Bulk work on whole collections: imports in batches, ranges, pruning in somebody's zone (CAL-18, CAL-28, CON-23)."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from storage import grants, items, plans, principals, transfer
from storage.errors import BadFormat, Denied, NotFound, Refused
from storage.store import Store
from storage.transfer import AT_ONCE, Place
from storage.types import SITE, Actor, Right, SpaceKind
from tests.storage import desk

EVENTS = Place(SpaceKind.PRIVATE, "alice", "events")
CONTACTS = Place(SpaceKind.PRIVATE, "alice", "contacts")


def calendar(*events: str) -> bytes:
    """A file of events, each given by the lines that differ."""
    blocks = (f"BEGIN:VEVENT\r\nDTSTAMP:20250101T000000Z\r\n{lines}\r\nEND:VEVENT\r\n" for lines in events)
    head = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n"
    return (head + "".join(blocks) + "END:VCALENDAR\r\n").encode()


def many_cards(number: int) -> bytes:
    return b"".join(desk.card(f"uid-{n:04}", f"N{n}") for n in range(number))


def names(store: Store, actor: Actor, place: Place) -> set[str]:
    with store.read(actor) as tx:
        found = desk.events(tx, place.space) if place.name == "events" else desk.contacts(tx, place.space)
        return {row.name for row in items.rows(tx, found)}


def test_batches_and_progress(store: Store, alice: Actor) -> None:
    told: list[tuple[int, int]] = []
    number = 2 * AT_ONCE + 5
    report = transfer.run(store, alice, CONTACTS, many_cards(number), lambda done, total: told.append((done, total)))
    assert (report.added, report.failed, report.skipped) == (number, [], [])
    assert told == [(AT_ONCE, number), (2 * AT_ONCE, number), (number, number)]
    assert transfer.run(store, alice, CONTACTS, many_cards(number)).unchanged == number


def test_a_limit_stops_in_the_middle_of_a_batch(store: Store, alice: Actor) -> None:
    """CON-23: what was stored before stays, the rest is counted as not tried."""
    with store.write(SITE) as tx:
        plans.add(tx, "some", [], {"contacts_max": AT_ONCE + 3})
        plans.assign(tx, alice.id, "some")
    report = transfer.run(store, alice, CONTACTS, many_cards(2 * AT_ONCE + 5))
    assert "contacts_max" in report.stopped
    assert (report.added, report.not_tried) == (AT_ONCE + 3, AT_ONCE + 2)
    with store.read(alice) as tx:
        assert transfer.room(tx, desk.contacts(tx, "alice")) == 0


def test_names_follow_uids_where_they_can(store: Store, alice: Actor) -> None:
    lines = ("UID:plain-1@x.test\r\nDTSTART:20250301T100000Z", "UID:../odd uid\r\nDTSTART:20250302T100000Z")
    assert transfer.run(store, alice, EVENTS, calendar(*lines)).added == 2
    found = names(store, alice, EVENTS)
    assert "plain-1@x.test.ics" in found
    assert all("/" not in name and " " not in name for name in found)


def test_a_name_that_is_taken_by_another_uid(store: Store, alice: Actor) -> None:
    with store.write(alice) as tx:
        desk.put(tx, desk.contacts(tx, "alice"), "ada.vcf", desk.card("someone-else"))
    assert transfer.run(store, alice, CONTACTS, desk.card("ada")).added == 1
    assert len(names(store, alice, CONTACTS)) == 2


def test_a_todo_does_not_belong_among_events(store: Store, alice: Actor) -> None:
    todo = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VTODO\r\nUID:t\r\nDTSTAMP:20250101T000000Z\r\nEND:VTODO\r\nEND:VCALENDAR\r\n"
    (skipped,) = transfer.run(store, alice, EVENTS, todo).skipped
    assert "VTODO" in skipped.reason
    assert transfer.run(store, alice, Place(SpaceKind.PRIVATE, "alice", "tasks"), todo).added == 1


def test_an_update_only_where_one_may_edit(store: Store, alice: Actor, bob: Actor, carol: Actor) -> None:
    """CAL-28: same UID = update if the user may edit, else skipped."""
    with pytest.raises(Denied):
        transfer.run(store, bob, EVENTS, calendar("UID:a\r\nDTSTART:20250301T100000Z"))
    with pytest.raises(NotFound):
        transfer.run(store, carol, EVENTS, calendar("UID:a\r\nDTSTART:20250301T100000Z"))
    transfer.run(store, alice, EVENTS, calendar("UID:a\r\nDTSTART:20250301T100000Z"))
    with store.write(alice) as tx:
        grants.grant(tx, desk.events(tx, "alice"), principals.find(tx, SpaceKind.PRIVATE, "bob"), Right.ADD)
    both = calendar("UID:a\r\nDTSTART:20250301T120000Z", "UID:b\r\nDTSTART:20250301T120000Z")
    report = transfer.run(store, bob, EVENTS, both)
    assert (report.added, report.updated, [one.uid for one in report.skipped]) == (1, 0, ["a"])
    report = transfer.run(store, bob, EVENTS, calendar("UID:b\r\nDTSTART:20250301T130000Z"))
    assert report.updated == 1  # ACL-05: he made that one


def test_files_that_are_nothing(store: Store, alice: Actor) -> None:
    with pytest.raises(BadFormat):
        transfer.run(store, alice, EVENTS, b"hello")
    with pytest.raises(BadFormat):
        transfer.run(store, alice, CONTACTS, b"PK\x03\x04 not a zip")
    with pytest.raises(BadFormat):
        transfer.run(store, alice, CONTACTS, b"\0\0\0")


def test_a_zip_of_cards(store: Store, alice: Actor) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.vcf", desk.card("a"))
        archive.writestr("folder/b.vcf", desk.card("b"))
        archive.writestr("readme.txt", "no card")
    assert transfer.run(store, alice, CONTACTS, out.getvalue()).added == 2


def test_pruning_goes_by_the_zone(store: Store, alice: Actor, bob: Actor) -> None:
    """CAL-18: ended before that date 00:00 in the user's zone."""
    file = calendar(
        "UID:late\r\nDTSTART:20250301T223000Z\r\nDTEND:20250301T233000Z",  # over at 00:30 in Brussels
        "UID:day\r\nDTSTART;VALUE=DATE:20250301\r\nDTEND;VALUE=DATE:20250302",
        "UID:next\r\nDTSTART;VALUE=DATE:20250302",
        "UID:over\r\nDTSTART:20250220T100000Z\r\nRRULE:FREQ=DAILY;COUNT=3",
        "UID:ever\r\nDTSTART:20250220T100000Z\r\nRRULE:FREQ=DAILY",
        "UID:until\r\nDTSTART:20250220T100000Z\r\nDTEND:20250220T110000Z\r\nRRULE:FREQ=DAILY;UNTIL=20250302T100000Z",
    )
    assert transfer.run(store, alice, EVENTS, file).added == 6
    with store.write(bob) as tx, pytest.raises(Denied):
        transfer.prune(tx, desk.events(tx, "alice"), date(2025, 3, 2), ZoneInfo("UTC"))
    with store.write(alice) as tx:
        assert transfer.prune(tx, desk.events(tx, "alice"), date(2025, 3, 2), ZoneInfo("Europe/Brussels")) == 2
        with pytest.raises(Refused):
            transfer.prune(tx, desk.contacts(tx, "alice"), date(2025, 3, 2), ZoneInfo("UTC"))
    assert names(store, alice, EVENTS) == {"late.ics", "next.ics", "ever.ics", "until.ics"}
    with store.write(alice) as tx:
        assert transfer.prune(tx, desk.events(tx, "alice"), date(2025, 3, 2), ZoneInfo("UTC")) == 1
    assert "late.ics" not in names(store, alice, EVENTS)


def test_emptying_is_for_ones_own_private_book(store: Store, alice: Actor, bob: Actor) -> None:
    """CON-18."""
    transfer.run(store, alice, CONTACTS, many_cards(3))
    with store.write(alice) as tx:
        grants.grant(
            tx,
            desk.contacts(tx, "alice"),
            principals.find(tx, SpaceKind.PRIVATE, "bob"),
            Right.SEE | Right.ADD | Right.DELETE,
        )
        with pytest.raises(Refused):
            transfer.empty(tx, desk.contacts(tx, "IAB"))
    with store.write(bob) as tx, pytest.raises(Denied):
        transfer.empty(tx, desk.contacts(tx, "alice"))
    with store.write(alice) as tx:
        assert transfer.empty(tx, desk.contacts(tx, "alice")) == 3
        assert desk.contacts(tx, "alice").item_count == 0
