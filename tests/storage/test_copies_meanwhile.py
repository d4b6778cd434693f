"""Two change one copy of a meeting at the same moment: an attendee's answer and its organizer (RFC 6638 §3.2, SYS-06; PostgreSQL)."""

from __future__ import annotations

from storage import collections
from storage.scheduling import copies
from storage.store import Store, Transaction
from storage.types import Actor, SpaceKind, Tool
from tests.storage import desk, side_by_side

P = SpaceKind.PRIVATE


def test_a_copy_is_held_from_when_it_is_read(store: Store, alice: Actor, bob: Actor) -> None:
    """Else two answers that come at once are both written into what both read, and one is lost."""
    owner = desk.principal(store, "alice")
    with store.write(alice) as tx:
        other = collections.create(tx, P, "alice", "other", Tool.CALENDAR, components=("VEVENT",))
        desk.put(tx, other, "tea", desk.event("tea"))

    def reads(tx: Transaction) -> bytes:
        found = copies.find(tx, owner.id, "tea")
        assert found is not None
        assert side_by_side.is_held(store, found.collection)
        return found.body

    def changes(tx: Transaction) -> None:
        desk.put(tx, collections.find(tx, P, "alice", "other"), "tea", desk.event("tea", "Cake"))

    assert b"Cake" in side_by_side.then(store, alice, changes, bob, reads)
