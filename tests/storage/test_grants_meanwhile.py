"""Somebody leaves a group while something is granted to him, or what was granted goes (ACL-04, ACL-10; PostgreSQL)."""

from __future__ import annotations

import pytest

from storage import check, collections, grants, groups
from storage.errors import Refused
from storage.store import Store, Transaction
from storage.types import SITE, Actor, Principal, Right, SpaceKind, Tool
from tests.storage import desk, side_by_side

P = SpaceKind.PRIVATE


@pytest.fixture(autouse=True)
def calendar(store: Store, alice: Actor) -> None:
    """A further calendar of alice's."""
    with store.write(alice) as tx:
        collections.create(tx, P, "alice", "tea", Tool.CALENDAR, components=("VEVENT",))


def grant(tx: Transaction, to: Principal) -> None:
    grants.grant(tx, collections.find(tx, P, "alice", "tea"), to, Right.SEE)


def test_who_leaves_is_granted_nothing(store: Store, alice: Actor, bob: Actor, iab: Principal) -> None:
    him = desk.principal(store, "bob")
    with pytest.raises(Refused):
        side_by_side.then(store, bob, lambda tx: groups.leave(tx, iab), alice, lambda tx: grant(tx, him))
    with store.read(SITE) as tx:
        assert check.run(tx) == []


def test_what_was_granted_just_before_ends(store: Store, alice: Actor, bob: Actor, iab: Principal) -> None:
    him = desk.principal(store, "bob")
    side_by_side.then(store, alice, lambda tx: grant(tx, him), bob, lambda tx: groups.leave(tx, iab))
    with store.read(SITE) as tx:
        assert check.run(tx) == []


@pytest.mark.parametrize("to", ["bob", "IAB"])
def test_what_was_granted_goes(store: Store, alice: Actor, bob: Actor, iab: Principal, to: str) -> None:
    whom = desk.principal(store, to)
    with store.write(alice) as tx:
        grant(tx, whom)

    def remove(tx: Transaction) -> None:
        collections.delete(tx, collections.find(tx, P, "alice", "tea"))

    side_by_side.then(store, alice, remove, bob, lambda tx: groups.leave(tx, iab))
    with store.read(SITE) as tx:
        assert check.run(tx) == []
