"""A placement of a contact or document goes or moves while another one is written (CON-12, DOC-17; PostgreSQL)."""

from __future__ import annotations

import pytest

from storage import (
    bodies,
    card_placements,
    check,
    collections,
    files,
    folders,
    items,
    moving,
    placements,
    transplant,
)
from storage.errors import NotFound
from storage.filing import File
from storage.store import Store, Transaction
from storage.types import SITE, Actor, SpaceKind, Tool
from tests.storage import desk, side_by_side

P = SpaceKind.PRIVATE


@pytest.fixture
def shared(store: Store, alice: Actor) -> None:
    """A contact of alice's that her group has, too."""
    with store.write(alice) as tx:
        put(tx, "alice", "Ada")
        put(tx, "IAB", "Ada")


def put(tx: Transaction, space: str, name: str) -> None:
    desk.put(tx, desk.contacts(tx, space), "ada", desk.card("ada", name))


def test_a_placement_goes_while_the_other_is_written(store: Store, alice: Actor, shared: None) -> None:
    """CON-12: who wrote the contact hears nothing of it, and the group's book counts right."""
    side_by_side.then(
        store,
        alice,
        lambda tx: items.delete(tx, desk.contacts(tx, "IAB"), "ada"),
        alice,
        lambda tx: put(tx, "alice", "Bea"),
    )
    with store.read(SITE) as tx:
        assert check.run(tx) == []


def test_a_placement_moves_while_the_other_is_written(store: Store, alice: Actor, shared: None) -> None:
    """It is written where it is now."""
    with store.write(alice) as tx:
        collections.create(tx, SpaceKind.GROUP, "IAB", "old", Tool.CONTACTS)

    def move(tx: Transaction) -> None:
        old = collections.find(tx, SpaceKind.GROUP, "IAB", "old")
        moving.move(tx, desk.contacts(tx, "IAB"), "ada", old, "ada", overwrite=False)

    side_by_side.then(store, alice, move, alice, lambda tx: put(tx, "alice", "Bea, who was Ada"))
    with store.read(SITE) as tx:
        assert check.run(tx) == []
        there = items.get(tx, collections.find(tx, SpaceKind.GROUP, "IAB", "old"), "ada")
        assert b"Bea" in (there.body or b"")


def test_a_placement_is_taken_back_while_it_goes(store: Store, alice: Actor, shared: None) -> None:
    with pytest.raises(NotFound):
        side_by_side.then(
            store,
            alice,
            lambda tx: items.delete(tx, desk.contacts(tx, "IAB"), "ada"),
            alice,
            lambda tx: card_placements.unshare(tx, desk.contacts(tx, "alice"), "ada", "IAB"),
        )


def test_a_placement_of_a_document_goes_while_the_other_is_written(store: Store, alice: Actor) -> None:
    """DOC-17: the same of documents."""

    def write(tx: Transaction, octets: int) -> None:
        files.put(tx, folders.place(tx, P, "alice", "f"), bodies.small(b"x" * octets))

    def away(tx: Transaction) -> None:
        transplant.delete(tx, folders.find(tx, SpaceKind.GROUP, "IAB", "f"))

    with store.write(alice) as tx:
        write(tx, 1)
    with store.write(alice) as tx:
        file = folders.find(tx, P, "alice", "f")
        assert isinstance(file, File)
        placements.share(tx, file, "IAB")
    side_by_side.then(store, alice, away, alice, lambda tx: write(tx, 10))
    with store.read(SITE) as tx:
        assert check.run(tx) == []
