"""Store and engines: snapshots, failures in the block, threads that end, nested and opposite transactions."""

from __future__ import annotations

import gc
import multiprocessing
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from storage import collections, items, moving
from storage.blobs import full_disk_told
from storage.errors import Busy, NoRoom, NotFound
from storage.schema import items as item_rows
from storage.schema import site_values
from storage.store import Store
from storage.types import SITE, Actor, SpaceKind, Tool
from tests.storage import bodies, desk


def _put(store: Store, who: Actor, name: str) -> None:
    with store.write(who) as tx:
        bodies.put(tx, desk.events(tx, "alice"), name, bodies.event(name))


def _names(store: Store, who: Actor) -> list[str]:
    with store.read(who) as tx:
        return sorted(row.name for row in items.rows(tx, desk.events(tx, "alice")))


def _aside(work: Callable[[], None]) -> None:
    """Do something in a thread of its own, and wait for it."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # told to the waiting thread
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


def test_a_reader_sees_one_moment(store: Store, alice: Actor) -> None:
    """By SQLAlchemy and by the constant statements alike."""
    with store.read(alice) as tx:
        here = desk.events(tx, "alice")
        _aside(lambda: _put(store, alice, "a"))
        assert list(items.rows(tx, here)) == []
        assert tx.db.execute(sa.select(sa.func.count()).select_from(item_rows)).scalar() == 0
        assert desk.events(tx, "alice").modseq == here.modseq
    assert _names(store, alice) == ["a"]


def test_a_reader_cannot_write(store: Store, alice: Actor) -> None:
    with pytest.raises(Exception, match=r"read-?only"), store.read(alice) as tx:
        bodies.put(tx, desk.events(tx, "alice"), "a", bodies.event("a"))
    assert _names(store, alice) == []


def test_an_exception_in_the_block_leaves_nothing(store: Store, alice: Actor) -> None:
    def fail() -> None:
        with store.write(alice) as tx:
            bodies.put(tx, desk.events(tx, "alice"), "a", bodies.event("a"))
            tx.after_commit.append(lambda: pytest.fail("nothing was committed"))
            raise KeyError("a")

    for _ in range(3):
        with pytest.raises(KeyError):
            fail()
    assert _names(store, alice) == []
    _put(store, alice, "b")
    assert _names(store, alice) == ["b"]


def test_a_failing_statement_does_not_spoil_the_connection(store: Store, alice: Actor) -> None:
    for _ in range(2):
        with pytest.raises(sa.exc.DBAPIError), store.write(alice) as tx:
            tx.db.execute(sa.text("SELECT nonsense FROM nowhere"))
        with pytest.raises(Exception, match="nowhere"), store.read(alice) as tx:
            tx.raw.execute("SELECT nonsense FROM nowhere")
    _put(store, alice, "a")
    assert _names(store, alice) == ["a"]


def test_a_thread_that_dies_leaves_no_transaction_and_no_connection(store: Store, alice: Actor) -> None:
    def die() -> None:
        with store.write(alice) as tx:
            bodies.put(tx, desk.events(tx, "alice"), "a", bodies.event("a"))
            raise SystemExit

    _put(store, alice, "b")
    assert _names(store, alice) == ["b"]
    before = len(store.engines._held)
    for _ in range(5):
        with pytest.raises(SystemExit):
            _aside(die)
        _aside(lambda: _put(store, alice, "c"))
    gc.collect()
    assert len(store.engines._held) <= before + 1  # the last one goes when the next thread comes
    assert _names(store, alice) == ["b", "c"]


def test_more_threads_than_a_pool_has_connections(store: Store, alice: Actor) -> None:
    """One after the other, as a server's threads come and go."""
    for _ in range(70):
        _aside(lambda: print(_names(store, alice)))


def test_a_thread_goes_on_after_close(store: Store, alice: Actor) -> None:
    _put(store, alice, "a")
    store.close()
    _put(store, alice, "b")
    assert _names(store, alice) == ["a", "b"]


def test_nested_transactions_are_refused_not_waited_for(store: Store, alice: Actor) -> None:
    with store.write(alice), pytest.raises(RuntimeError, match="open already"), store.write(alice):
        pass
    with store.read(alice), pytest.raises(RuntimeError, match="open already"), store.read(alice):
        pass
    with store.write(alice), store.read(alice) as tx:  # on two connections
        assert desk.events(tx, "alice")
    _put(store, alice, "a")


def _use_after_fork(store: Store, alice: Actor) -> None:
    _put(store, alice, "child")
    os._exit(0 if _names(store, alice) == ["child", "parent"] else 1)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_opens_connections_of_its_own(store: Store, alice: Actor) -> None:
    _put(store, alice, "parent")
    child = multiprocessing.get_context("fork").Process(target=_use_after_fork, args=(store, alice))
    child.start()
    child.join()
    assert child.exitcode == 0
    assert _names(store, alice) == ["child", "parent"]
    _put(store, alice, "z")


def test_opposite_moves_are_one_done_one_busy_at_worst(store: Store, alice: Actor) -> None:
    """PostgreSQL finds the deadlock and ends one of the two: `Busy`, nothing half done."""
    with store.write(alice) as tx:
        for name in ("one", "two"):
            here = collections.create(tx, SpaceKind.PRIVATE, "alice", name, Tool.CALENDAR)
            bodies.put(tx, here, f"of-{name}", bodies.event(name))
    gate = threading.Barrier(2)
    done: list[str] = []

    def move(source: str, target: str) -> None:
        try:
            with store.write(alice) as tx:
                first = bodies.find(tx, "alice", source)
                if not store.engines.sqlite:
                    gate.wait()
                second = bodies.find(tx, "alice", target)
                moving.move(tx, first, f"of-{source}", second, f"of-{source}", overwrite=False)
            done.append("moved")
        except Busy:
            done.append("busy")

    threads = [threading.Thread(target=move, args=pair) for pair in (("one", "two"), ("two", "one"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) in (["busy", "moved"], ["moved", "moved"])
    assert len(done) == 2
    with store.read(alice) as tx:
        held = [row.name for name in ("one", "two") for row in items.rows(tx, bodies.find(tx, "alice", name))]
    assert sorted(held) == ["of-one", "of-two"]


def test_finding_to_write_waits_for_the_writer_before(store: Store, alice: Actor) -> None:
    """On PostgreSQL the row is locked, in spite of the outer join, and read anew when the wait is over."""
    entered, release = threading.Event(), threading.Event()

    def hold() -> None:
        with store.write(alice) as tx:
            bodies.put(tx, desk.events(tx, "alice"), "a", bodies.event("a"))
            entered.set()
            release.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    assert entered.wait(10)
    timer = threading.Timer(0.1, release.set)
    timer.start()
    with store.write(alice) as tx:
        here = desk.events(tx, "alice")
        assert release.is_set()
        assert here.item_count == 1
        assert items.get(tx, here, "a")
    thread.join()


def test_two_who_make_the_same_collection(store: Store, alice: Actor) -> None:
    results: list[str] = []

    def make() -> None:
        try:
            with store.write(alice) as tx:
                collections.create(tx, SpaceKind.PRIVATE, "alice", "same", Tool.CALENDAR)
            results.append("made")
        except Exception as error:  # its kind is what is judged
            results.append(type(error).__name__)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["Exists", "Exists", "Exists", "made"]


def test_a_removed_collection_is_gone_for_who_waited(store: Store, alice: Actor) -> None:
    with store.write(alice) as tx:
        collections.create(tx, SpaceKind.PRIVATE, "alice", "extra", Tool.CALENDAR)
    with store.write(alice) as tx:
        collections.delete(tx, bodies.find(tx, "alice", "extra"))
    with pytest.raises(NotFound), store.write(alice) as tx:
        bodies.find(tx, "alice", "extra")


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_who_writes_maps_no_file(store: Store, alice: Actor) -> None:
    """SYS-07: a map is made anew after each commit of another process; readers share theirs."""
    with store.write(alice) as tx:
        assert tx.db.execute(sa.text("PRAGMA mmap_size")).scalar() == 0
    with store.read(alice) as tx:
        assert tx.db.execute(sa.text("PRAGMA mmap_size")).scalar() != 0


def test_the_rows_are_not_read_by_others_of_the_machine(tmp_path: Path) -> None:
    """SYS-17: mails and passwords' hashes lie in them, and `useradd --create-home` makes a directory for everybody."""
    tmp_path.chmod(0o755)
    store = Store.open(f"sqlite:///{tmp_path}/desk.sqlite3", tmp_path / "blobs")
    store.migrate()
    with store.read(SITE):  # its connection is kept, and so are the journal and the index of it
        pass

    def modes() -> dict[str, int]:
        return {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("desk.sqlite3*")}

    assert modes() == {f"desk.sqlite3{end}": 0o600 for end in ("", "-wal", "-shm", ".writer")}
    for end in ("", "-wal", "-shm"):  # what an older release made, or a backup
        (tmp_path / f"desk.sqlite3{end}").chmod(0o664)
    Store.open(f"sqlite:///{tmp_path}/desk.sqlite3", tmp_path / "blobs").migrate()
    assert {mode & 0o007 for mode in modes().values()} == {0}
    store.close()


def test_a_database_server_that_is_away_is_busy(tmp_path: Path) -> None:
    """The first connection as well as one that breaks: 503, and again later."""
    store = Store.open("postgresql+psycopg://nobody@127.0.0.1:1/desk", tmp_path)
    with pytest.raises(Busy), store.read(SITE):
        pass
    with pytest.raises(Busy), store.write(SITE):
        pass
    store.close()


def test_a_full_disk_is_a_refusal_that_ends(sqlite_template: Path, tmp_path: Path) -> None:
    """DESIGN §2: nothing of it is left, each protocol has an answer for it, and with room again it goes on."""
    shutil.copy(sqlite_template, tmp_path / "desk.sqlite3")
    store = Store.open(f"sqlite:///{tmp_path}/desk.sqlite3", tmp_path / "blobs")

    def keep(pages: int, name: str) -> None:
        with store.write(SITE) as tx:
            tx.raw.execute(f"PRAGMA max_page_count={pages}")  # of this connection, which is kept
            tx.db.execute(sa.insert(site_values).values(name=name, value="x" * 100_000))

    try:
        with pytest.raises(NoRoom):
            keep(1, "a")
        keep(1_000_000, "b")
        with store.read(SITE) as tx:
            assert set(tx.db.execute(sa.select(site_values.c.name)).scalars()) >= {"b"}
            assert "a" not in set(tx.db.execute(sa.select(site_values.c.name)).scalars())
    finally:
        store.close()


def test_a_body_that_has_no_room() -> None:
    with pytest.raises(NoRoom), full_disk_told(), Path("/dev/full").open("wb", buffering=0) as file:
        file.write(b"x")
    with pytest.raises(FileNotFoundError), full_disk_told():
        Path("/nowhere/at/all").read_bytes()
