"""Replaced and removed bodies stay recoverable for 30 days (SYS-06)."""

from __future__ import annotations

import pytest

from storage import blob_collection, history, items, purge
from storage.errors import Denied, NotFound
from storage.store import Store
from storage.types import Actor
from tests.storage import desk


def test_what_was_replaced_and_removed_can_be_read_and_restored(store: Store, alice: Actor) -> None:
    bodies = [desk.event("a", summary) for summary in ("one", "two", "three")]
    with store.write(alice) as tx:
        calendar = desk.events(tx, "alice")
        for body in bodies:
            desk.put(tx, calendar, "a.ics", body)
        items.delete(tx, calendar, "a.ics")
        desk.put(tx, calendar, "other.ics", desk.event("other"))
        kept = history.listing(tx, calendar, "a.ics")
        assert history.listing(tx, calendar) == kept
        assert [version.removed for version in kept] == [True, False, False]
        assert {version.replaced_by for version in kept} == {"alice"}
        assert [history.read(tx, calendar, version.id) for version in kept] == bodies[::-1]
        history.restore(tx, calendar, kept[1].id)
        assert items.get(tx, calendar, "a.ics").body == bodies[1]
        history.restore(tx, calendar, kept[0].id)
        assert items.get(tx, calendar, "a.ics").body == bodies[2]
        assert len(history.listing(tx, calendar, "a.ics")) == 4  # what the second one replaced
        with pytest.raises(NotFound):
            history.read(tx, calendar, 10**9)
        with pytest.raises(NotFound):
            history.read(tx, desk.contacts(tx, "alice"), kept[0].id)


def test_large_bodies_are_kept_until_the_purge(store: Store, alice: Actor) -> None:
    with store.write(alice) as tx:
        book = desk.contacts(tx, "alice")
        large = desk.card("a", note="x" * 100_000)
        desk.put(tx, book, "a.vcf", large)
        desk.put(tx, book, "a.vcf", desk.card("a"))
        (version,) = history.listing(tx, book)
        assert history.read(tx, book, version.id) == large
        assert version.size == len(large)
    assert purge.run(store).versions == 0
    with store.write(alice) as tx:
        assert history.purge(tx, tx.now + 1) == 1
        assert list(blob_collection.unreferenced(tx, store.blobs.keys())) == list(store.blobs.keys())


def test_a_guest_does_not_see_what_was(store: Store, alice: Actor, bob: Actor) -> None:
    """A kept body is the stored one: private events and the owner's alarms included (ACL-24, SYS-08)."""
    with store.write(alice) as tx:
        for space in ("alice", "IAB"):
            desk.put(tx, desk.events(tx, space), "a.ics", desk.event("a", "one"))
            desk.put(tx, desk.events(tx, space), "a.ics", desk.event("a", "two"))
    with store.read(bob) as tx:
        with pytest.raises(Denied):
            history.listing(tx, desk.events(tx, "alice"))
        (version,) = history.listing(tx, desk.events(tx, "IAB"))  # all members see all of it (table 3.3)
        assert b"one" in history.read(tx, desk.events(tx, "IAB"), version.id)
    with store.write(bob) as tx, pytest.raises(Denied):  # but he may not edit it
        history.restore(tx, desk.events(tx, "IAB"), version.id)
