"""Baggage: what hangs on a file is known before it moves or is copied (DOC-12)."""

from __future__ import annotations

import pytest

from storage import baggage, filing, folders, grants, locating, properties
from storage.store import Store
from storage.types import Actor, Right, SpaceKind
from tests.storage import desk, disk


@pytest.mark.parametrize(
    ("hangs", "there"),
    [
        ((), "b/y"),
        (("described", "shared", "buried"), "b/y"),
        (("described", "shared", "buried"), "a/y"),
        (("buried",), "b"),
        (("shared",), "a/x/y"),
    ],
)
def test_two_paths_that_are_read_at_once_bring_what_hangs_on_the_first(
    store: Store, alice: Actor, hangs: tuple[str, ...], there: str
) -> None:
    """DOC-12, SYS-07: the same as a read of the file alone says, wherever the second path lies."""
    with store.write(alice) as tx:
        for path in ("a", "b"):
            disk.mkdir(tx, "alice", path)
        disk.put(tx, "alice", "a/x")
        if "buried" in hangs:
            disk.move(tx, "alice", "a/x", "b/x")
            disk.put(tx, "alice", "a/x", b"again")
        if "described" in hangs:
            properties.put(tx, disk.folder(tx, "alice", "a"), "x", {("urn:x", "p"): "<p/>"})
        if "shared" in hangs:
            grants.grant(tx, disk.folder(tx, "alice", "a"), desk.principal(store, "bob"), Right.SEE_FOLDER)
    with store.write(alice) as tx:
        rows = locating.read(tx, SpaceKind.PRIVATE, "alice", filing.DOCS, "a/x", there)
        brought = rows.carried("a/x")
        assert brought == baggage.read(tx, disk.folder(tx, "alice", "a").id, "x")
        assert {name for name in ("described", "shared", "buried") if getattr(brought, name)} == set(hangs)
        assert rows.carried(there) is None
        assert folders.found_at(tx, rows, "a/x") == folders.find(tx, SpaceKind.PRIVATE, "alice", "a/x")
