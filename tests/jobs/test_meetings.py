"""The process `jobs` finishes large meetings soon after they were written (MTG-04, decision 237)."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from servers.jobs.app import Jobs
from servers.jobs.extractor import Extractor
from storage import accounts, collections
from storage.scheduling import later
from storage.store import Store
from storage.types import SITE, SpaceKind
from tests.storage import desk
from tests.storage.test_scheduling import meeting, put

PEOPLE = [f"p{number}" for number in range(12)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    one = Store.open(f"sqlite:///{tmp_path}/desk.sqlite3", tmp_path / "blobs")
    one.migrate()
    desk.furnish(one)
    with one.write(SITE) as tx:
        for login in PEOPLE:
            accounts.create(tx, login, "*", email=f"{login}@example.test")
    yield one
    one.close()


def test_inboxes_are_filled_while_it_runs(store: Store) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=Jobs(store, Extractor(1 << 30, 10)).run, args=(stop.is_set,))
    thread.start()
    try:
        put(store, "alice", "m.ics", meeting([f"{login}@example.test" for login in PEOPLE]))
        until = time.monotonic() + 15
        while later.waiting(store) and time.monotonic() < until:
            time.sleep(0.05)
    finally:
        stop.set()
        thread.join(20)
    with store.read(SITE) as tx:
        assert {collections.find(tx, SpaceKind.PRIVATE, one, "inbox").item_count for one in PEOPLE} == {1}
