"""Changes that wait for one another are committed together, and each is still whole, alone and on disk (SYS-06)."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from storage import group_commit
from storage.engine import Engines
from storage.errors import Busy

TABLE = sa.table("t", sa.column("a"))


@pytest.fixture
def engines(tmp_path: Path) -> Iterator[Engines]:
    """SQLite with one table of distinct numbers."""
    engines = Engines(f"sqlite:///{tmp_path}/desk.sqlite3")
    with engines.writing() as held:
        held.raw.execute("CREATE TABLE t (a INTEGER UNIQUE)")
        held.raw.execute("CREATE TABLE log (a INTEGER)")
    yield engines
    engines.close()


def numbers(path: Path) -> list[int]:
    """What another process finds."""
    connection = sqlite3.connect(path / "desk.sqlite3")
    found = [row[0] for row in connection.execute("SELECT a FROM t ORDER BY a")]
    connection.close()
    return found


class Crowd:
    """Threads of which each makes one change, all of them while the first is still in its own."""

    def __init__(self, engines: Engines) -> None:
        self.engines = engines
        self.results: dict[int, BaseException | None] = {}
        self.found_on_disk: dict[int, bool] = {}

    def run(self, path: Path, count: int, *, wrong: frozenset[int] = frozenset(), dying: int = -1) -> None:
        ready = threading.Barrier(count)
        threads = [
            threading.Thread(target=self._change, args=(path, number, ready, number in wrong, number == dying))
            for number in range(count)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive()

    def _change(self, path: Path, number: int, ready: threading.Barrier, wrong: bool, dying: bool) -> None:
        ready.wait()
        try:
            with self.engines.writing() as held:
                held.raw.execute("INSERT INTO log VALUES (?)", (number,))
                held.db.execute(sa.insert(TABLE).values(a=number))
                if wrong:
                    held.db.execute(sa.insert(TABLE).values(a=number))
                if dying:
                    held.raw.rollback()  # as SQLite does by itself when the disk is full
                    raise sqlite3.OperationalError("database or disk is full")
            self.results[number] = None
            self.found_on_disk[number] = number in numbers(path)
        except BaseException as error:
            self.results[number] = error


def test_all_of_a_crowd_are_on_disk_when_they_are_told_so(engines: Engines, tmp_path: Path) -> None:
    crowd = Crowd(engines)
    crowd.run(tmp_path, 40)
    assert set(crowd.results.values()) == {None}
    assert all(crowd.found_on_disk.values())
    assert numbers(tmp_path) == list(range(40))


def test_a_refused_change_undoes_itself_alone(engines: Engines, tmp_path: Path) -> None:
    wrong = frozenset(range(0, 40, 3))
    crowd = Crowd(engines)
    crowd.run(tmp_path, 40, wrong=wrong)
    for number, error in crowd.results.items():
        assert isinstance(error, sa.exc.IntegrityError) if number in wrong else error is None
    assert numbers(tmp_path) == [number for number in range(40) if number not in wrong]
    with engines.reading().transaction() as db:
        logged = db.exec_driver_sql("SELECT count(*) FROM log").scalar_one()
    assert logged == 40 - len(wrong)


def test_a_lost_transaction_is_acknowledged_to_nobody(engines: Engines, tmp_path: Path) -> None:
    """Disk full: SQLite undoes what others did in the same transaction, so they are told to try again."""
    crowd = Crowd(engines)
    crowd.run(tmp_path, 20, dying=7)
    stored = set(numbers(tmp_path))
    for number, error in crowd.results.items():
        assert (error is None) == (number in stored)
        assert error is None or isinstance(error, Busy | sqlite3.OperationalError)
    assert 7 not in stored
    with engines.writing() as held:
        held.raw.execute("INSERT INTO t VALUES (1000)")
    assert 1000 in numbers(tmp_path)


def test_a_crowd_shares_commits(engines: Engines, tmp_path: Path) -> None:
    """While the first one writes the others come to wait, and share what follows."""
    commits = 0
    held_back = threading.Event()
    inside = threading.Event()

    def count(statement: str) -> None:
        nonlocal commits
        commits += statement == "COMMIT"

    def first() -> None:
        with engines.writing() as held:
            held.raw.set_trace_callback(count)
            inside.set()
            held_back.wait(10)

    def other(number: int) -> None:
        with engines.writing() as held:
            held.raw.execute("INSERT INTO t VALUES (?)", (number,))

    leader = threading.Thread(target=first)
    leader.start()
    assert inside.wait(10)
    others = [threading.Thread(target=other, args=(number,)) for number in range(20)]
    for thread in others:
        thread.start()
    group = engines._group
    assert group is not None
    while group._waiting < 20:
        pass
    held_back.set()
    for thread in [leader, *others]:
        thread.join(10)
    assert numbers(tmp_path) == list(range(20))
    assert 1 <= commits <= 2
    assert group_commit.MEMBERS_MAX >= 21


def test_processes_take_turns(engines: Engines, tmp_path: Path) -> None:
    """A second group over the same file, as another process has it, is let in."""
    second = Engines(f"sqlite:///{tmp_path}/desk.sqlite3")
    crowds = [Crowd(engines), Crowd(second)]
    threads = [
        threading.Thread(target=crowd._change, args=(tmp_path, number, threading.Barrier(1), False, False))
        for number in range(60)
        for crowd in [crowds[number % 2]]
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert numbers(tmp_path) == list(range(60))
    second.close()


def test_a_writer_inside_itself_is_our_own_mistake(engines: Engines) -> None:
    with engines.writing(), pytest.raises(RuntimeError, match="open already"), engines.writing():
        pass
    with engines.writing() as held:
        held.raw.execute("INSERT INTO t VALUES (1)")
