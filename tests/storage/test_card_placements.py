"""CON-12: one contact with several placements; edits appear in both, the creator stays, unticking removes one."""

from __future__ import annotations

import pytest

from storage import card_placements, check, contacts, grants, groups, items, principals
from storage.errors import Denied, Exists, NotFound
from storage.store import Store
from storage.types import SITE, Right, SpaceKind
from tests.storage import desk


def put(store: Store, login: str, space: str, body: bytes, name: str = "dora.vcf") -> None:
    with store.write(desk.actor(store, login)) as tx:
        items.put(tx, desk.contacts(tx, space), name, contacts.prepare(body, "text/vcard"))


def read(store: Store, login: str, space: str, name: str = "dora.vcf") -> bytes:
    with store.read(desk.actor(store, login)) as tx:
        return items.get(tx, desk.contacts(tx, space), name).body or b""


def tagged(body: bytes) -> bytes:
    return body.replace(b"END:VCARD", b"CATEGORIES:Secret\r\nEND:VCARD")


def test_shared_and_edited_in_both(store: Store) -> None:
    put(store, "alice", "alice", tagged(desk.card("dora", "Dora")))
    with store.write(desk.actor(store, "alice")) as tx:
        assert card_placements.share(tx, desk.contacts(tx, "alice"), "dora.vcf", "IAB") == "dora.vcf"
        with pytest.raises(Exists):
            card_placements.share(tx, desk.contacts(tx, "alice"), "dora.vcf", "IAB")
    assert b"FN:Dora" in read(store, "bob", "IAB")
    assert b"Secret" not in read(store, "bob", "IAB")
    put(store, "alice", "alice", tagged(desk.card("dora", "Dora Dumont")))
    assert b"FN:Dora Dumont" in read(store, "bob", "IAB")
    put(store, "alice", "IAB", desk.card("dora", "Dora D."))
    mine = read(store, "alice", "alice")
    assert b"FN:Dora D." in mine
    assert b"CATEGORIES:Secret" in mine
    alice = desk.actor(store, "alice")
    with store.read(desk.actor(store, "bob")) as tx:
        assert items.get(tx, desk.contacts(tx, "IAB"), "dora.vcf").creator == alice.id
    with store.write(SITE) as tx:
        assert check.run(tx) == []


def test_unticked(store: Store) -> None:
    """Removing the group's placement leaves the private one, which is alone from then on."""
    put(store, "alice", "alice", desk.card("dora", "Dora"))
    put(store, "alice", "IAB", desk.card("dora", "Dora"), "other-name.vcf")  # CardDAV: the same UID by its creator
    put(store, "alice", "alice", desk.card("dora", "Dora D."))
    assert b"Dora D." in read(store, "bob", "IAB", "other-name.vcf")
    with store.write(desk.actor(store, "alice")) as tx:
        items.delete(tx, desk.contacts(tx, "IAB"), "other-name.vcf")
    put(store, "alice", "alice", desk.card("dora", "Dora E."))
    assert b"Dora E." in read(store, "alice", "alice")


def test_who_shared_it_takes_it_back(store: Store) -> None:
    """CON-12: bob may add to the group's book and not delete; the tick is his all the same."""
    alice, bob = desk.actor(store, "alice"), desk.actor(store, "bob")
    with store.write(alice) as tx:
        iab = desk.contacts(tx, "IAB")
        grants.grant(tx, iab, principals.find(tx, SpaceKind.PRIVATE, "bob"), Right.ADD)
    put(store, "bob", "bob", tagged(desk.card("dora", "Dora")))
    with store.write(bob) as tx:
        card_placements.share(tx, desk.contacts(tx, "bob"), "dora.vcf", "IAB")
        with pytest.raises(Denied):
            items.delete(tx, desk.contacts(tx, "IAB"), "dora.vcf")
        with pytest.raises(NotFound):
            card_placements.unshare(tx, desk.contacts(tx, "bob"), "dora.vcf", "iab")
        card_placements.unshare(tx, desk.contacts(tx, "bob"), "dora.vcf", "IAB")
        with pytest.raises(NotFound):
            card_placements.unshare(tx, desk.contacts(tx, "bob"), "dora.vcf", "IAB")
        assert items.listing(tx, desk.contacts(tx, "IAB")) == []
    assert b"CATEGORIES:Secret" in read(store, "bob", "bob")
    with store.write(bob) as tx:
        card_placements.share(tx, desk.contacts(tx, "bob"), "dora.vcf", "IAB")
    put(store, "bob", "bob", desk.card("dora", "Dora D."))
    assert b"Dora D." in read(store, "alice", "IAB")
    with store.write(SITE) as tx:
        assert check.run(tx) == []


def test_not_by_chance(store: Store) -> None:
    """The same UID by another creator is another contact; who may not add or see shares nothing."""
    put(store, "alice", "alice", desk.card("dora", "Dora"))
    put(store, "bob", "bob", desk.card("dora", "Bob's Dora"))
    put(store, "alice", "IAB", desk.card("dora", "Dora"))
    put(store, "bob", "bob", desk.card("dora", "Changed"))
    assert b"FN:Dora" in read(store, "alice", "alice")
    assert b"FN:Dora" in read(store, "bob", "IAB")
    put(store, "carol", "carol", desk.card("x", "X"))
    with store.write(desk.actor(store, "carol")) as tx, pytest.raises(NotFound):
        card_placements.share(tx, desk.contacts(tx, "carol"), "dora.vcf", "IAB")
    with store.write(desk.actor(store, "bob")) as tx, pytest.raises((Denied, NotFound)):
        card_placements.share(tx, desk.contacts(tx, "alice"), "dora.vcf", "IAB")


def test_who_left_writes_into_the_group_no_more(store: Store) -> None:
    """GRP-15, ACL-10: both have the contact as it was; what either writes is its own, also when he returns."""
    bob, iab = desk.actor(store, "bob"), desk.principal(store, "IAB")
    with store.write(desk.actor(store, "alice")) as tx:
        for who in (desk.principal(store, "bob"), iab):
            grants.grant(tx, desk.contacts(tx, "IAB"), who, Right.ADD)
    put(store, "bob", "bob", desk.card("dora", "Dora"))
    with store.write(bob) as tx:
        card_placements.share(tx, desk.contacts(tx, "bob"), "dora.vcf", "IAB")
        item = items.get(tx, desk.contacts(tx, "IAB"), "dora.vcf")
        grants.grant(tx, desk.contacts(tx, "IAB"), iab, Right.EDIT, item.name)
        groups.leave(tx, iab)
    put(store, "bob", "bob", desk.card("dora", "Bob's Dora"))
    assert b"FN:Dora\r\n" in read(store, "alice", "IAB")
    put(store, "alice", "IAB", desk.card("dora", "Our Dora"))
    assert b"FN:Bob's Dora" in read(store, "bob", "bob")
    with store.write(SITE) as tx:
        groups.add_member(tx, iab, desk.principal(store, "bob"))
    put(store, "bob", "bob", desk.card("dora", "Dora again"))
    assert b"FN:Our Dora" in read(store, "bob", "IAB")
    with store.write(SITE) as tx:
        assert check.run(tx) == []
