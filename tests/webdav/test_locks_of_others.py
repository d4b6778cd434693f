"""Locks by which one keeps others from their own: a drop box, and locks of those who left (DOC-30, ACL-10)."""

from __future__ import annotations

from storage import groups
from storage import principals as people
from storage.store import Store
from storage.types import SITE, SpaceKind
from tests.dav.desk import DAV, Client
from tests.webdav.test_lock_roots import GROUP
from tests.webdav.test_trees import HOME, LOCK, lock


def test_a_drop_box_cannot_be_closed(alice: Client, bob: Client) -> None:
    """DOC-30, DOC-33: who may only deposit locks nothing there; its owner may."""
    box = HOME + "Drop%20box/"
    assert bob.request("PUT", box + "cv", b"1").status == 201
    for depth in ("0", "infinity"):
        refused = bob.request("LOCK", box, LOCK % "exclusive", depth=depth)
        assert (refused.status, refused.precondition) == (403, f"{DAV}need-privileges")
    assert alice.request("DELETE", box + "cv").status == 204
    lock(alice, box, depth="infinity")
    assert bob.request("PUT", box + "cv", b"1").status == 201


def test_locks_end_with_the_membership(alice: Client, bob: Client, store: Store) -> None:
    """ACL-10, RFC 4918 §6.6: nobody has the token of one who left, and until it expired nobody could work there."""
    shared, own = GROUP % "alice" + "a", "/docs/bob/private/a"
    for client, path in ((alice, shared), (bob, own)):
        client.request("PUT", path, b"1")
    with store.write(SITE) as tx:
        iab, him = people.find(tx, SpaceKind.GROUP, "IAB"), people.find(tx, SpaceKind.PRIVATE, "bob")
        groups.set_co_admin(tx, iab, him, True)
    lock(bob, GROUP % "bob" + "a")
    lock(bob, own)
    assert alice.request("PUT", shared, b"2").status == 423
    with store.write(SITE) as tx:
        groups.expel(tx, iab, him)
    assert alice.request("PUT", shared, b"2").status == 204
    assert bob.request("PUT", own, b"2").status == 423
