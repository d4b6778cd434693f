"""Locks by which one keeps others from their own: a drop box, and locks of those who left (DOC-30, ACL-10)."""

from __future__ import annotations

from storage import grants, groups, placements
from storage import principals as people
from storage.store import Store
from storage.types import SITE, Right, SpaceKind
from tests.dav.desk import DAV, Client
from tests.storage import disk
from tests.webdav.test_lock_roots import GROUP, actor
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


def test_a_shared_document_is_locked_in_all_its_places(alice: Client, bob: Client, store: Store) -> None:
    """DOC-17, RFC 4918 §6.1, §7: one document with two URLs; who works on it by one is not overwritten by the other."""
    mine, shared = HOME + "t.txt", "/docs/bob/IAB/t.txt"
    alice.request("PUT", mine, b"1")
    alice.request("PUT", HOME + "other.txt", b"3")
    with store.write(actor(store, "alice")) as tx:
        placements.share(tx, disk.file(tx, "alice", "t.txt"), "IAB")
        him = people.find(tx, SpaceKind.PRIVATE, "bob")
        grants.grant(tx, disk.folder(tx, "IAB"), him, Right.EDIT, "t.txt")
    token = lock(bob, shared)
    refused = alice.request("PUT", mine, b"2")
    assert (refused.status, refused.precondition) == (423, f"{DAV}lock-token-submitted")
    assert f"<D:href>{GROUP % 'alice'}t.txt</D:href>" in refused.text
    for method in ("COPY", "MOVE"):  # over it: so office programs save (DOC-28)
        assert alice.request(method, HOME + "other.txt", destination=mine).status == 423
    assert bob.request("PUT", shared, b"2", **{"if": f"(<{token}>)"}).status == 204
    assert alice.request("GET", mine).body == b"2"
    assert bob.request("UNLOCK", shared, lock_token=f"<{token}>").status == 204
    assert alice.request("PUT", mine, b"3").status == 204
