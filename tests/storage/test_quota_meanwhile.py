"""Two who write into different collections share the last room there is (ACC-12; PostgreSQL)."""

from __future__ import annotations

import pytest

from storage import bodies, collections, files, folders, trees
from storage.errors import LimitReached, OverQuota
from storage.store import Store, Transaction
from storage.types import Actor, SpaceKind, Tool
from tests.storage import desk, side_by_side
from tests.storage.test_quota import _plan

P = SpaceKind.PRIVATE


def put(tx: Transaction, path: str) -> None:
    files.put(tx, folders.place(tx, P, "alice", path), bodies.small(b"x" * 60))


def test_documents(store: Store, alice: Actor) -> None:
    _plan(store, "alice", docs_bytes=100)
    with store.write(alice) as tx:
        root = folders.place(tx, P, "alice", "a").folder
        for name in ("a", "b"):
            trees.mkdir(tx, root, name)
    with pytest.raises(OverQuota):
        side_by_side.then(store, alice, lambda tx: put(tx, "a/f"), alice, lambda tx: put(tx, "b/f"))


def test_contacts(store: Store, alice: Actor) -> None:
    _plan(store, "alice", contacts_max=1)
    with store.write(alice) as tx:
        collections.create(tx, P, "alice", "more", Tool.CONTACTS)

    def add(tx: Transaction) -> None:
        desk.put(tx, collections.find(tx, P, "alice", "more"), "a", desk.card("a"))

    with pytest.raises(LimitReached):
        side_by_side.then(
            store, alice, lambda tx: desk.put(tx, desk.contacts(tx, "alice"), "b", desk.card("b")), alice, add
        )
