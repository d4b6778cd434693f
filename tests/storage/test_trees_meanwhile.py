"""Others work in a tree while it is moved, deleted, locked: nothing in it is left out (DOC-02, SYS-02; PostgreSQL)."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from storage import bodies, check, files, filing, folders, links, locating, locks, transplant, trees
from storage.errors import Conflict, Linked, Locked, NotFound
from storage.filing import File, Folder
from storage.schema import collections
from storage.store import Store, Transaction
from storage.types import SITE, Actor, SpaceKind
from tests.storage import desk, side_by_side

P = SpaceKind.PRIVATE
Does = Callable[[Transaction], object]


@pytest.fixture(autouse=True)
def tree(store: Store, alice: Actor) -> None:
    """Folders a, a/b and z of alice's."""
    with store.write(alice) as tx:
        for path in ("a", "a/b", "z"):
            mkdir(tx, path)


def mkdir(tx: Transaction, path: str) -> Folder:
    at = folders.place(tx, P, "alice", path)
    return trees.mkdir(tx, at.folder, at.name)


def put(tx: Transaction, path: str, body: bytes = b"x") -> None:
    files.put(tx, folders.place(tx, P, "alice", path), bodies.small(body))


def move(tx: Transaction, path: str, to: str) -> None:
    rows = locating.read(tx, P, "alice", filing.DOCS, path, to)
    place = folders.place_at(tx, rows, to)
    if place is None:
        raise Conflict(to)
    transplant.move(tx, folders.found_at(tx, rows, path), place, overwrite=False)


def delete(tx: Transaction, path: str) -> None:
    transplant.delete(tx, folders.find(tx, P, "alice", path))


def paths(store: Store) -> set[str]:
    alice = desk.principal(store, "alice").id
    with store.read(SITE) as tx:
        query = sa.select(collections.c.path).where(collections.c.space_id == alice, collections.c.path.like("docs/%"))
        assert check.run(tx) == []
        return {path.removeprefix("docs/") for path in tx.db.execute(query).scalars()} - {"Trash", "wiki", "Drop box"}


def test_a_folder_made_in_a_tree_that_is_moved(store: Store, alice: Actor) -> None:
    """It comes along, and nobody writes to it before the move is over."""
    made: list[Folder] = []

    def moves(tx: Transaction) -> bool:
        trees.lock(tx, folders.find(tx, P, "alice", "a").id)
        held = side_by_side.is_held(store, made[0].id)
        move(tx, "a", "z/a")
        return held

    assert side_by_side.then(store, alice, lambda tx: made.append(mkdir(tx, "a/b/new")), alice, moves)
    assert paths(store) == {"z", "z/a", "z/a/b", "z/a/b/new"}


def test_a_folder_made_anew_under_its_name(store: Store, alice: Actor) -> None:
    """Who waited for the former one holds the new one: else two put a file of one name into it."""

    def anew(tx: Transaction) -> None:
        delete(tx, "a")
        mkdir(tx, "a")

    def places(tx: Transaction) -> bool:
        return side_by_side.is_held(store, folders.place(tx, P, "alice", "a/report.txt").folder.id)

    assert side_by_side.then(store, alice, anew, alice, places)
    assert paths(store) == {"a", "z", "Trash/a", "Trash/a/b"}


def test_put_into_a_folder_that_goes(store: Store, alice: Actor) -> None:
    with pytest.raises(Conflict):
        side_by_side.then(store, alice, lambda tx: delete(tx, "a"), alice, lambda tx: put(tx, "a/b/f"))
    assert paths(store) == {"z", "Trash/a", "Trash/a/b"}


def test_two_folders_move_into_each_other(store: Store, alice: Actor) -> None:
    """The second one finds its target gone: no circle that nobody reaches."""
    with store.write(alice) as tx:
        mkdir(tx, "z/y")
    with pytest.raises((Conflict, NotFound)):
        side_by_side.then(store, alice, lambda tx: move(tx, "a", "z/y/a"), alice, lambda tx: move(tx, "z", "a/b/z"))
    assert paths(store) == {"z", "z/y", "z/y/a", "z/y/a/b"}


def test_what_comes_to_be_linked_below_is_protected(store: Store, alice: Actor) -> None:
    """DOC-61: the deletion of a tree waits for who attaches a document in it, and then is refused."""
    with store.write(alice) as tx:
        desk.put(tx, desk.contacts(tx, "alice"), "ada", desk.card("ada"))
        put(tx, "a/b/f")

    def attach(tx: Transaction) -> None:
        found = folders.find(tx, P, "alice", "a/b/f")
        assert isinstance(found, File)
        links.attach(tx, found, desk.contacts(tx, "alice"), "ada")

    with pytest.raises(Linked):
        side_by_side.then(store, alice, attach, alice, lambda tx: delete(tx, "a"))


def test_what_comes_to_be_locked_below_stays(store: Store, alice: Actor) -> None:
    """RFC 4918 §9.6.1: the deletion of a tree waits for a LOCK in it, and then is refused."""
    space = desk.principal(store, "alice")
    with pytest.raises(Locked):
        side_by_side.then(store, alice, lambda tx: locks.lock(tx, space, "docs/a/b"), alice, lambda tx: delete(tx, "a"))


def test_a_lock_of_a_tree_waits_for_who_writes_in_it(store: Store, alice: Actor) -> None:
    """RFC 4918 §7: what was under way when the lock was asked for is there when it is granted."""
    space = desk.principal(store, "alice")

    def locks_all(tx: Transaction) -> int:
        locks.lock(tx, space, "docs/a", infinite=True)
        found = folders.find(tx, P, "alice", "a/b/f")
        assert isinstance(found, File)
        return found.size

    assert side_by_side.then(store, alice, lambda tx: put(tx, "a/b/f", b"12345"), alice, locks_all) == 5


def test_a_stranger_keeps_nobody_waiting(store: Store, alice: Actor, bob: Actor) -> None:
    """Who may not see where he wants to write locks nothing further up: two of them and the owner made a circle."""

    def looks(tx: Transaction) -> None:
        with pytest.raises(Conflict):
            folders.place(tx, P, "alice", "z/f")

    assert alongside(store, alice, lambda tx: mkdir(tx, "x"), bob, looks)


def test_writers_in_a_folder_and_below_it_do_not_wait_for_each_other(store: Store, alice: Actor) -> None:
    """A second number of one folder in a transaction has PostgreSQL look at the folder above it."""
    with store.write(alice) as tx:
        put(tx, "a/b/f")
    assert alongside(store, alice, lambda tx: put(tx, "a/f"), alice, lambda tx: move(tx, "a/b", "a/c"), waits=True)
    assert alongside(store, alice, lambda tx: put(tx, "a/g"), alice, lambda tx: move(tx, "a/c/f", "a/c/g"))


def alongside(store: Store, first: Actor, does: Does, second: Actor, wants: Does, *, waits: bool = False) -> bool:
    """Whether `wants` is done before the transaction of `does` ends (or only after it, if it `waits`)."""

    done: list[bool] = []

    def ask() -> None:
        with store.write(second) as tx:
            wants(tx)
        done.append(True)

    asking = threading.Thread(target=ask)
    with store.write(first) as tx:
        does(tx)
        asking.start()
        asking.join(0.3 if waits or store.engines.sqlite else 5)
        waited = asking.is_alive()
    asking.join()
    assert done
    return waited or not waits if store.engines.sqlite else waited is waits
