"""MOVE from one environment to another: a copy followed by a deletion, by which nothing of others is lost (ACL-19)."""

from __future__ import annotations

from storage import grants
from storage import principals as people
from storage.store import Store
from storage.types import Right, SpaceKind
from tests.dav.desk import Client
from tests.storage import disk
from tests.webdav.test_lock_roots import GROUP, actor

HERS, HIS = GROUP % "alice", GROUP % "bob"
HOME = "/docs/alice/private/"


def fill(bob: Client, store: Store) -> None:
    """A folder of the group with two documents of bob's, one of them hidden from alice, who administers the group."""
    with store.write(actor(store, "alice")) as tx:
        grants.grant(tx, disk.folder(tx, "IAB"), people.find(tx, SpaceKind.PRIVATE, "bob"), Right.ADD)
    bob.request("MKCOL", HIS + "x/")
    for name in ("hidden", "open"):
        assert bob.request("PUT", HIS + "x/" + name, name.encode()).status == 201
    with store.write(actor(store, "bob")) as tx:
        for kind, whom in ((SpaceKind.GROUP, "IAB"), (SpaceKind.PRIVATE, "alice")):
            grants.withdraw(tx, disk.folder(tx, "IAB", "x"), people.find(tx, kind, whom), Right.SEE, "hidden")


def test_what_is_hidden_in_a_folder_goes_to_the_trash(alice: Client, bob: Client, store: Store) -> None:
    """ACL-06, ACL-17, DOC-25: it could not be copied, and was gone for good."""
    fill(bob, store)
    assert alice.request("MOVE", HERS + "x/", destination=HOME + "x/").status == 201
    assert alice.propfind(HOME + "x/", depth="1").hrefs() == [HOME + "x/", HOME + "x/open"]
    assert bob.request("GET", HIS + "x/hidden").status == 404
    assert HERS + "Trash/x/hidden" in alice.propfind(HERS + "Trash/", depth="infinity").hrefs()
    refused = alice.request("MOVE", HERS + "Trash/x/", destination=HOME + "y/")
    assert refused.status == 403, "from there nothing can be thrown away but for good"
    assert alice.request("MOVE", HERS + "Trash/x/", destination=HERS + "x/").status == 201
    assert bob.request("GET", HIS + "x/hidden").body == b"hidden"


def test_what_was_copied_as_a_whole_is_gone(alice: Client, bob: Client, store: Store) -> None:
    """ACL-19: then the Trash gets nothing."""
    fill(bob, store)
    with store.write(actor(store, "bob")) as tx:
        whom = people.find(tx, SpaceKind.PRIVATE, "alice")
        grants.grant(tx, disk.folder(tx, "IAB", "x"), whom, Right.SEE, "hidden")
    assert alice.request("MOVE", HERS + "x/", destination=HOME + "x/").status == 201
    assert alice.request("GET", HOME + "x/hidden").body == b"hidden"
    assert alice.propfind(HERS + "Trash/", depth="1").hrefs() == [HERS + "Trash/"]
