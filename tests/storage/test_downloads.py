"""Downloads are counted by the thousand, a few hundred in a transaction (DOC-11)."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from storage import downloads, files, folders, gathering
from storage.bodies import small
from storage.schema import file_index, items
from storage.store import Store
from storage.types import SITE, Actor, ItemId, Precondition, SpaceKind


def put(store: Store, alice: Actor, *names: str) -> dict[str, int]:
    with store.write(alice) as tx:
        for name in names:
            place = folders.place(tx, SpaceKind.PRIVATE, "alice", name)
            files.put(tx, place, small(name.encode()), Precondition(), media_type="text/plain")
        rows = tx.db.execute(sa.select(items.c.name, items.c.id).where(items.c.name.in_(names)))
        return {row.name: row.id for row in rows}


def counted(store: Store) -> dict[int, int]:
    with store.read(SITE) as tx:
        rows = tx.db.execute(sa.select(file_index.c.item_id, file_index.c.downloads))
        return {row.item_id: row.downloads for row in rows}


def test_many_are_written_in_parts(store: Store, alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "AT_ONCE", 2)
    monkeypatch.setattr(gathering, "DELAY_S", 60.0)
    found = put(store, alice, "a", "b", "c", "d", "e")
    gone = ItemId(max(found.values()) + 1)
    for turn in (1, 2):
        for name, item in found.items():
            for _ in range(len(found) - sorted(found).index(name)):
                downloads._counts.add(store, item, 1)
        downloads._counts.add(store, gone, 1)
        downloads.flush(store)
        assert [counted(store)[found[name]] for name in "abcde"] == [5 * turn, 4 * turn, 3 * turn, 2 * turn, turn]
    assert gone not in counted(store)
