"""The capacity of a private disk is its owner's to know, as its content is (SYS-09, DOC-32; RFC 4331 §3, §4)."""

from __future__ import annotations

from storage import grants
from storage import principals as people
from storage.store import Store
from storage.types import Right, SpaceKind
from tests.dav.desk import DAV, Client
from tests.storage import disk
from tests.webdav.test_lock_roots import actor
from tests.webdav.test_trees import HOME

USED = f"{DAV}quota-used-bytes"


def test_the_owner_alone_is_told(alice: Client, bob: Client, store: Store) -> None:
    """Neither the drop box nor a shared folder tells a co-member how much lies beside it."""
    alice.request("PUT", HOME + "secret", b"12345")
    with store.write(actor(store, "alice")) as tx:
        him = people.find(tx, SpaceKind.PRIVATE, "bob")
        for where in (disk.folder(tx, "alice"), disk.mkdir(tx, "alice", "a")):
            grants.grant(tx, where, him, Right.SEE_FOLDER)
    for where in (HOME, HOME + "a/", HOME + "Drop%20box/"):
        assert bob.propfind(where, USED).prop(where, USED) is None
        assert bob.propfind(where, f"{DAV}displayname").prop(where, f"{DAV}displayname") is not None
        told = alice.propfind(where, USED).prop(where, USED)
        assert told is not None
        assert told.text == "5"
