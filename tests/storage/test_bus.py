"""The bus: whoever waits is woken by a commit of any process, and by nothing else (DESIGN §2, "The bus")."""

from __future__ import annotations

import multiprocessing
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from storage import accounts, collections, groups
from storage.bus import Bus
from storage.mail import mailboxes
from storage.store import Store
from storage.types import SITE, Actor, CollectionId, SpaceKind, Tool
from tests import postgresql
from tests.storage import desk

LONG_S = 20.0
"""Far longer than any wake-up takes: only a broken bus waits for its end."""


@pytest.fixture
def bus(store: Store) -> Iterator[Bus]:
    opened = Bus(store)
    yield opened
    opened.close()


def _number(store: Store, who: Actor, tool: str = "events") -> CollectionId:
    with store.read(who) as tx:
        return collections.find(tx, SpaceKind.PRIVATE, who.login, tool).id


def _write(url: str, blobs: Path, who: Actor, name: str) -> None:
    store = Store.open(url, blobs)
    with store.write(who) as tx:
        desk.put(tx, desk.events(tx, who.login), name, desk.event(name))
    store.close()


def _wait_process(url: str, blobs: Path, number: int, said: multiprocessing.Queue[object]) -> None:
    store = Store.open(url, blobs)
    bus = Bus(store)
    with bus.subscribe({CollectionId(number)}) as subscription:
        said.put("ready")
        said.put(subscription.wait(LONG_S))
    bus.close()
    store.close()


@pytest.mark.slow
def test_a_commit_of_another_process_wakes(store: Store, bus: Bus, url: str, alice: Actor, bob: Actor) -> None:
    mine, other = _number(store, alice), _number(store, bob)
    spawn = multiprocessing.get_context("spawn")
    with bus.subscribe({mine, other}) as subscription:
        writer = spawn.Process(target=_write, args=(url, store.blobs.root, alice, "a.ics"))
        writer.start()
        assert subscription.wait(LONG_S) == {mine}
        writer.join()
        assert writer.exitcode == 0
        assert subscription.wait(0) == frozenset()  # told once


@pytest.mark.slow
def test_waiting_in_another_process(store: Store, url: str, alice: Actor) -> None:
    mine = _number(store, alice)
    spawn = multiprocessing.get_context("spawn")
    said: multiprocessing.Queue[object] = spawn.Queue()
    waiter = spawn.Process(target=_wait_process, args=(url, store.blobs.root, mine, said))
    waiter.start()
    assert said.get(timeout=LONG_S) == "ready"
    with store.write(alice) as tx:
        desk.put(tx, desk.events(tx, "alice"), "a.ics", desk.event("a"))
    assert said.get(timeout=LONG_S) == {mine}
    waiter.join()
    assert waiter.exitcode == 0


def test_what_is_rolled_back_or_elsewhere_wakes_nobody(store: Store, bus: Bus, alice: Actor) -> None:
    events, contacts = _number(store, alice), _number(store, alice, "contacts")

    def rolled_back() -> None:
        with store.write(alice) as tx:
            desk.put(tx, desk.events(tx, "alice"), "a.ics", desk.event("a"))
            raise ZeroDivisionError

    with bus.subscribe({events}) as subscription, bus.subscribe({contacts}) as witness:
        with pytest.raises(ZeroDivisionError):
            rolled_back()
        with store.write(alice) as tx:
            desk.put(tx, desk.contacts(tx, "alice"), "a.vcf", desk.card("a"))
        assert witness.wait(LONG_S) == {contacts}
        assert subscription.wait(0.05) == frozenset()


def test_changes_between_waits_are_kept(store: Store, bus: Bus, alice: Actor) -> None:
    events, contacts = _number(store, alice), _number(store, alice, "contacts")
    with bus.subscribe({events, contacts}) as subscription:
        with store.write(alice) as tx:
            desk.put(tx, desk.events(tx, "alice"), "a.ics", desk.event("a"))
            desk.put(tx, desk.contacts(tx, "alice"), "a.vcf", desk.card("a"))
        assert subscription.wait(LONG_S) == {events, contacts}


def test_no_change_is_missed_however_they_come(store: Store, bus: Bus, alice: Actor) -> None:
    """Whoever reads after each wake-up ends with the last number: the law that IDLE and Ping lean on."""
    mine = _number(store, alice)
    seen: list[int] = []

    def listen() -> None:
        with bus.subscribe({mine}) as subscription:
            subscribed.set()
            while not seen or seen[-1] < last:
                assert subscription.wait(LONG_S), "a change was missed"
                with store.read(alice) as tx:
                    seen.append(desk.events(tx, "alice").item_count)

    last, subscribed = 30, threading.Event()
    listener = threading.Thread(target=listen)
    listener.start()
    subscribed.wait(LONG_S)
    for number in range(last):
        with store.write(alice) as tx:
            desk.put(tx, desk.events(tx, "alice"), f"{number}.ics", desk.event(str(number)))
    listener.join(LONG_S)
    assert seen[-1] == last


def test_a_removed_collection_has_changed(store: Store, bus: Bus, alice: Actor) -> None:
    with store.write(alice) as tx:
        made = collections.create(tx, SpaceKind.PRIVATE, "alice", "work", Tool.CALENDAR)
    with bus.subscribe({made.id}) as subscription:
        with store.write(alice) as tx:
            collections.delete(tx, collections.find(tx, SpaceKind.PRIVATE, "alice", "work"))
        assert subscription.wait(LONG_S) == {made.id}


def test_what_goes_with_its_owner_has_changed(store: Store, bus: Bus, alice: Actor, carol: Actor) -> None:
    """Phones that wait for a group's calendar, sessions that idle in the INBOX of an account that is removed."""
    with store.read(SITE) as tx:
        iab = desk.events(tx, "IAB").id
    with store.read(carol) as tx:
        inbox = mailboxes.find(tx, "INBOX").id
    with bus.subscribe({iab}) as group, bus.subscribe({inbox}) as account:
        with store.write(SITE) as tx:
            groups.remove(tx, desk.principal(store, "IAB"))
        assert group.wait(LONG_S) == {iab}
        with store.write(SITE) as tx:
            accounts.remove(tx, desk.principal(store, "carol"))
        assert account.wait(LONG_S) == {inbox}


def test_loops_are_woken_by_a_call(store: Store, bus: Bus, alice: Actor) -> None:
    mine, called = _number(store, alice), threading.Event()
    with bus.subscribe({mine}, called.set) as subscription:
        with store.write(alice) as tx:
            desk.put(tx, desk.events(tx, "alice"), "a.ics", desk.event("a"))
        assert called.wait(LONG_S)
        assert subscription.take() == {mine}
        assert subscription.take() == frozenset()


@pytest.mark.slow
def test_thousands_of_subscriptions_share_one_thread(store: Store, bus: Bus, alice: Actor) -> None:
    mine = _number(store, alice)
    before = threading.active_count()
    many = [bus.subscribe({mine, CollectionId(10_000 + number)}) for number in range(2_000)]
    assert threading.active_count() == before + 1
    with store.write(alice) as tx:
        desk.put(tx, desk.events(tx, "alice"), "a.ics", desk.event("a"))
    assert all(subscription.wait(LONG_S) == {mine} for subscription in many)
    for subscription in many:
        subscription.close()
    assert bus._known == {}
    assert bus._listeners == {}


def test_closing_ends_every_wait(store: Store, alice: Actor) -> None:
    bus = Bus(store)
    one, two = bus.subscribe({_number(store, alice)}), bus.subscribe(set())
    answers: list[frozenset[CollectionId]] = []
    threads = [threading.Thread(target=lambda s=s: answers.append(s.wait(LONG_S))) for s in (one, two)]
    for thread in threads:
        thread.start()
    two.close()
    bus.close()
    for thread in threads:
        thread.join(LONG_S)
    assert answers == [frozenset()] * 2
    with pytest.raises(OSError, match="closed"):
        bus.subscribe({CollectionId(1)})
    bus.close()


def test_who_begins_to_watch_lets_a_writer_finish(sqlite_template: Path, tmp_path: Path) -> None:
    """The log grew for that commit already, which does not count yet: nothing else would tell of it (EAS-10, SYS-02)."""
    shutil.copy(sqlite_template, tmp_path / "desk.sqlite3")
    store = Store.open(f"sqlite:///{tmp_path}/desk.sqlite3", tmp_path / "blobs")
    bus = Bus(store)
    begun = threading.Event()

    def subscribe() -> None:
        with bus.subscribe({CollectionId(1)}):
            begun.set()

    watching = threading.Thread(target=subscribe)
    try:
        with store.engines.turn():
            watching.start()
            assert not begun.wait(0.3)
        assert begun.wait(LONG_S)
    finally:
        watching.join()
        bus.close()
        store.close()


def test_a_read_transaction_may_be_open_while_subscribing(store: Store, bus: Bus, alice: Actor) -> None:
    with store.read(alice) as tx:
        mine = desk.events(tx, "alice").id
        with bus.subscribe({mine}) as subscription:
            assert subscription.take() == frozenset()


@pytest.mark.postgresql
def test_a_lost_connection_loses_no_change(cluster: postgresql.Cluster, tmp_path: Path) -> None:
    store = Store.open(cluster.create(f"bus_{tmp_path.name}"[:60]), tmp_path)
    store.migrate()
    desk.furnish(store)
    alice = desk.actor(store, "alice")
    bus = Bus(store)
    with bus.subscribe({_number(store, alice)}) as subscription:
        with store.engines.writer.begin() as db:
            db.execute(
                sa.text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
                )
            )
        with store.write(alice) as tx:
            desk.put(tx, desk.events(tx, "alice"), "a.ics", desk.event("a"))
        assert subscription.wait(LONG_S)
    bus.close()
    store.close()
