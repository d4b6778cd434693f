"""What is gathered is written when its store is closed, and by nobody afterwards (DOC-11)."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from operator import add
from pathlib import Path

import pytest
import sqlalchemy as sa

from storage import gathering
from storage.gathering import Gathering
from storage.schema import site_values
from storage.store import Store, Transaction
from storage.types import SITE


@pytest.fixture
def counts() -> Gathering[int]:
    def write(tx: Transaction, found: Mapping[int, int]) -> None:
        for key, value in found.items():
            tx.db.execute(sa.insert(site_values).values(name=f"counted {key}", value=str(value)))

    return Gathering[int]("counts", add, write)


def counted(store: Store) -> dict[str, str]:
    with store.read(SITE) as tx:
        rows = tx.db.execute(sa.select(site_values).where(site_values.c.name.like("counted %")))
        return {row.name: row.value for row in rows}


def test_closing_writes_what_waits(
    url: str, tmp_path: Path, counts: Gathering[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "DELAY_S", 0.2)
    store = Store.open(url, tmp_path / "blobs")
    counts.add(store, 7, 2)
    counts.add(store, 7, 3)
    store.close()
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join()
    if not store.engines.sqlite:
        assert store.engines.writer.pool.checkedout() == 0  # type: ignore[attr-defined]
    again = Store.open(url, tmp_path / "blobs")
    found = counted(again)
    with again.write(SITE) as tx:  # other tests begin without them
        tx.db.execute(sa.delete(site_values).where(site_values.c.name.like("counted %")))
    again.close()
    assert found == {"counted 7": "5"}


def test_closing_waits_for_who_is_at_it(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A timer that went off is not left without its connection."""
    monkeypatch.setattr(gathering, "DELAY_S", 0.0)
    begun, done = threading.Event(), threading.Event()

    def write(tx: Transaction, found: Mapping[int, int]) -> None:
        begun.set()
        done.wait(0.3)
        assert tx.db.execute(sa.select(sa.func.count()).select_from(site_values)).scalar_one() > 0
        done.set()

    counts = Gathering[int]("counts", add, write)
    store = Store.open(url, tmp_path / "blobs")
    counts.add(store, 7, 2)
    assert begun.wait(30)
    store.close()
    assert done.is_set()


def test_little_is_written_at_once_and_much_together(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DOC-11: what comes now and then is there for every process; the rest waits."""
    monkeypatch.setattr(gathering, "DELAY_S", 600.0)
    written: list[dict[int, int]] = []
    turn = threading.Event()

    def write(tx: Transaction, found: Mapping[int, int]) -> None:
        written.append(dict(found))
        turn.set()

    counts = Gathering[int]("counts", add, write, prompt=2)
    monkeypatch.setattr(gathering.time, "monotonic", lambda: 1000.0)
    store = Store.open(url, tmp_path / "blobs")
    for number in (1, 2):
        turn.clear()
        counts.add(store, number, 1)
        assert turn.wait(30)
    counts.flush(store)  # its turn comes when the second was written
    for _ in range(5):
        counts.add(store, 3, 1)
    assert written == [{1: 1}, {2: 1}]
    store.close()
    assert written == [{1: 1}, {2: 1}, {3: 5}]
