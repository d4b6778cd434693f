"""The process that reads documents for the search: what is due, what waits, what wakes it (DOC-34)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from servers.jobs.app import Jobs
from servers.jobs.extractor import Extractor, Text
from servers.jobs.texts import Texts
from storage.formats.search_query import advanced
from storage.search import run
from storage.store import Store
from storage.types import Actor
from tests.storage import desk, disk


class Reader(Extractor):
    """Reads in this process, and counts."""

    def __init__(self) -> None:
        super().__init__(1 << 30, 10)
        self.asked: list[bytes] = []

    def extract(self, data: bytes, kind: str) -> Text:
        self.asked.append(data)
        return Text(data.decode("utf-8", "replace"), not data.startswith(b"broken"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    one = Store.open(f"sqlite:///{tmp_path}/desk.sqlite3", tmp_path / "blobs")
    one.migrate()
    desk.furnish(one)
    yield one
    one.close()


@pytest.fixture
def alice(store: Store) -> Actor:
    return desk.actor(store, "alice")


def found(store: Store, who: Actor, query: str) -> list[str]:
    with store.read(who) as tx:
        return [one.path for one in run(tx, advanced(query)).hits]


def test_new_and_changed_documents_are_read_once(store: Store, alice: Actor) -> None:
    reader = Reader()
    texts = Texts(store, reader)
    with store.write(alice) as tx:
        disk.put(tx, "alice", "a.txt", b"zebra")
        disk.put(tx, "alice", "b.txt", b"broken zebra")
        disk.put(tx, "alice", "c.jpg", b"zebra")
        disk.put(tx, "alice", "~$d.txt", b"zebra")
        disk.put(tx, "alice", "empty.txt", b"")
    assert texts.run() == 2
    assert texts.run() == 0
    assert found(store, alice, "content:zebra") == ["a.txt"]
    with store.write(alice) as tx:
        disk.put(tx, "alice", "a.txt", b"lion")
        disk.copy(tx, "alice", "a.txt", "copy.txt")
    assert texts.run() == 2
    assert reader.asked.count(b"lion") == 1, "the copy has its original's text"
    assert sorted(found(store, alice, "content:lion")) == ["a.txt", "copy.txt"]
    assert Texts(store, reader).run() == 0, "another process knows what was done"


def test_large_bodies_come_from_the_blob_store(store: Store, alice: Actor) -> None:
    from storage import bodies, files, folders
    from storage.types import SpaceKind

    body = bodies.receive(store, [b"word " * 20_000, b"elephant"])
    with store.write(alice) as tx:
        files.put(tx, folders.place(tx, SpaceKind.PRIVATE, "alice", "large.txt"), body)
    Texts(store, Reader()).run()
    assert found(store, alice, "elephant") == ["large.txt"]


@pytest.mark.slow
def test_many_documents_in_one_folder(store: Store, alice: Actor) -> None:
    with store.write(alice) as tx:
        for number in range(450):
            disk.put(tx, "alice", f"{number}.txt", b"n%d" % number)
    assert Texts(store, Reader()).run() == 450
    assert found(store, alice, "content:n449") == ["449.txt"]


def test_a_document_that_cannot_be_kept_holds_up_no_other(store: Store, alice: Actor) -> None:
    class Odd(Reader):
        def extract(self, data: bytes, kind: str) -> Text:
            return Text("\0\ud800 fine" if data == b"odd" else "fine", True)

    with store.write(alice) as tx:
        disk.put(tx, "alice", "a.txt", b"odd")
        disk.put(tx, "alice", "b.txt", b"even")
    Texts(store, Odd()).run()
    assert sorted(found(store, alice, "content:fine")) == ["a.txt", "b.txt"]


def wait_for(what: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not what():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.slow
def test_a_change_wakes_it(store: Store, alice: Actor) -> None:
    """It waits on the bus, in new folders too."""
    stopped = threading.Event()
    jobs = Jobs(store, Reader())
    thread = threading.Thread(target=jobs.run, args=(stopped.is_set,))
    thread.start()
    try:
        with store.write(alice) as tx:
            disk.put(tx, "alice", "first.txt", b"one")
        wait_for(lambda: found(store, alice, "content:one") == ["first.txt"])
        with store.write(alice) as tx:
            disk.mkdir(tx, "alice", "New")
            disk.put(tx, "alice", "New/second.txt", b"two")
        wait_for(lambda: found(store, alice, "content:two") == ["New/second.txt"])
    finally:
        stopped.set()
        thread.join()
