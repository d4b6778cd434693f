"""A download is counted while its file is described, deleted, or deleted for good (DOC-11, SYS-02; PostgreSQL)."""

from __future__ import annotations

import pytest

from storage import bodies, downloads, files, folders, transplant, trees
from storage.filing import File
from storage.store import Store, Transaction
from storage.types import SITE, Actor, SpaceKind
from tests.storage import side_by_side

P = SpaceKind.PRIVATE


@pytest.fixture(autouse=True)
def file(store: Store, alice: Actor) -> File:
    """A file of which there is nothing more to say, nor has been."""
    with store.write(alice) as tx:
        files.put(tx, folders.place(tx, P, "alice", "f"), bodies.small(b"x"))
        return find(tx, "f")


def find(tx: Transaction, path: str) -> File:
    found = folders.find(tx, P, "alice", path)
    assert isinstance(found, File)
    return found


def count(file: File, tx: Transaction) -> None:
    downloads._write(tx, {file.id: 1})


def test_a_file_is_deleted_while_it_is_counted(store: Store, alice: Actor, file: File) -> None:
    side_by_side.then(store, SITE, lambda tx: count(file, tx), alice, lambda tx: transplant.delete(tx, find(tx, "f")))
    with store.read(alice) as tx:
        found = find(tx, "Trash/f")
        assert (found.downloads, found.trashed_from) == (1, "f")


def test_a_file_is_counted_while_it_is_described(store: Store, alice: Actor, file: File) -> None:
    side_by_side.then(
        store, alice, lambda tx: trees.describe(tx, find(tx, "f"), "Tea"), SITE, lambda tx: count(file, tx)
    )
    with store.read(alice) as tx:
        found = find(tx, "f")
        assert (found.downloads, found.description) == (1, "Tea")


def test_a_file_is_counted_while_it_goes(store: Store, alice: Actor, file: File) -> None:
    with store.write(alice) as tx:
        files.put(tx, folders.place(tx, P, "alice", "~$f"), bodies.small(b"x"))
        work = find(tx, "~$f")
    side_by_side.then(store, alice, lambda tx: transplant.delete(tx, find(tx, "~$f")), SITE, lambda tx: count(work, tx))
    with store.write(SITE) as tx:
        count(work, tx)
