"""Two collections get one name at the same moment (RFC 4918 §9.9; PostgreSQL)."""

from __future__ import annotations

import pytest

from storage import collections
from storage.errors import Exists
from storage.store import Store, Transaction
from storage.types import Actor, Collection, SpaceKind, Tool
from tests.storage import side_by_side

P = SpaceKind.PRIVATE


def make(tx: Transaction, name: str) -> Collection:
    return collections.create(tx, P, "alice", name, Tool.CALENDAR, components=("VEVENT",))


def rename(tx: Transaction, name: str, to: str) -> Collection:
    return collections.rename(tx, collections.find(tx, P, "alice", name), to)


def test_two_get_one_name(store: Store, alice: Actor) -> None:
    """The second MOVE of a collection finds its name taken, by another one that moved or was made."""
    with store.write(alice) as tx:
        make(tx, "one")
        make(tx, "two")
    with pytest.raises(Exists):
        side_by_side.then(store, alice, lambda tx: rename(tx, "one", "a"), alice, lambda tx: rename(tx, "two", "a"))
    with pytest.raises(Exists):
        side_by_side.then(store, alice, lambda tx: make(tx, "b"), alice, lambda tx: rename(tx, "two", "b"))
