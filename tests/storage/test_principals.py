"""Who may know of whom (SYS-09, ACL-27), how they are found, and who is whose delegate (CALSYNC-11)."""

from __future__ import annotations

import pytest

from storage import accounts, grants, groups, principals
from storage.errors import NotFound
from storage.store import Store
from storage.types import SITE, Actor, Principal, Right, SpaceKind
from tests.storage import desk

PRIVATE, GROUP = SpaceKind.PRIVATE, SpaceKind.GROUP


def test_oneself_own_groups_and_co_members_are_known_and_nobody_else(store: Store, alice: Actor) -> None:
    with store.read(alice) as tx:
        assert [who.name for who in principals.visible(tx)] == ["IAB", "alice", "bob"]
        assert principals.find(tx, PRIVATE, "bob").email == "bob@example.test"
        assert principals.me(tx).name == "alice"
        for kind, name in ((PRIVATE, "carol"), (PRIVATE, "nobody"), (GROUP, "XYZ")):
            with pytest.raises(NotFound):
                principals.find(tx, kind, name)


def test_a_stranger_knows_only_himself(store: Store, carol: Actor, alice: Actor) -> None:
    with store.read(carol) as tx:
        assert [who.name for who in principals.visible(tx)] == ["carol"]
        with pytest.raises(NotFound):
            principals.find(tx, GROUP, "IAB")
        with pytest.raises(NotFound):
            principals.by_id(tx, alice.id)


def test_the_site_administrator_sees_all(store: Store) -> None:
    with store.read(SITE) as tx:
        assert [who.name for who in principals.visible(tx)] == ["IAB", "alice", "bob", "carol"]
        assert principals.find(tx, PRIVATE, "carol").name == "carol"
        with pytest.raises(NotFound):
            principals.me(tx)


def test_a_group_in_wrong_case_is_not_there_but_a_login_is(store: Store, alice: Actor) -> None:
    """SPEC 0.3: `<GROUP>` is case-sensitive; ACC-01: logins are matched without case."""
    with store.read(alice) as tx:
        assert principals.find(tx, PRIVATE, "Bob").name == "bob"
        with pytest.raises(NotFound):
            principals.find(tx, GROUP, "iab")


def test_members_and_groups(store: Store, alice: Actor, iab: Principal) -> None:
    with store.write(SITE) as tx:
        carol = principals.find(tx, PRIVATE, "carol")
        other = groups.create(tx, "CHOIR", admin=principals.find(tx, PRIVATE, "bob"))
        groups.add_member(tx, other, carol)
    with store.read(alice) as tx:
        assert [who.name for who in principals.members(tx, iab)] == ["alice", "bob"]
        bob = principals.find(tx, PRIVATE, "bob")
        assert [group.name for group in principals.groups_of(tx, bob)] == ["IAB"]
        assert principals.groups_of(tx, iab) == []
    with store.read(Actor(bob.id, "bob")) as tx:
        assert [group.name for group in principals.groups_of(tx, bob)] == ["CHOIR", "IAB"]


def test_addresses_are_the_confirmed_ones(store: Store, alice: Actor, iab: Principal) -> None:
    with store.read(alice) as tx:
        assert principals.addresses(tx, principals.me(tx)) == ["alice@example.test"]
        assert principals.addresses(tx, iab) == ["IAB@group"]


SEARCHES: list[tuple[list[tuple[str, str, str]], bool, list[str]]] = [
    ([("displayname", "ALI", "contains")], True, ["alice"]),
    ([("displayname", "li", "starts-with")], True, []),
    ([("login", "bob", "equals"), ("login", "alice", "equals")], False, ["alice", "bob"]),
    ([("login", "bob", "equals"), ("displayname", "x", "contains")], True, []),
    ([("email", "@example.test", "ends-with")], True, ["alice", "bob"]),
    ([("email", "@group", "ends-with")], True, ["IAB"]),
    ([("login", "carol", "equals")], True, []),  # SYS-09: a stranger is not found
    ([("shoe-size", "4", "contains")], True, []),
    ([], True, []),
]


def test_search(store: Store, alice: Actor) -> None:
    """RFC 3744 §9.4: one of the terms, or all of them."""
    with store.read(alice) as tx:
        for terms, every, names in SEARCHES:
            assert [who.name for who in principals.search(tx, terms, every)] == names


def test_search_compares_unicode_without_case(store: Store, alice: Actor) -> None:
    with store.write(SITE) as tx:
        accounts.set_display_name(tx, principals.find(tx, PRIVATE, "bob"), "Élodie")
    with store.read(alice) as tx:
        found = principals.search(tx, [("displayname", "é", "starts-with")], True)
        assert [who.name for who in found] == ["bob"]


def _levels(store: Store, owner: str, viewer: Actor) -> tuple[list[str], list[str]]:
    """Names of read and of write delegates of `owner`, as `viewer` is told."""
    with store.read(viewer) as tx:
        account = principals.find(tx, PRIVATE, owner)
        reading = principals.delegates(tx, account, write=False)
        writing = principals.delegates(tx, account, write=True)
    return [who.name for who in reading], [who.name for who in writing]


def test_delegates_follow_the_grants(store: Store, alice: Actor, bob: Actor, iab: Principal) -> None:
    """CALSYNC-11: anything between *see details* and all four rights counts as read."""
    assert _levels(store, "alice", alice) == ([], [])
    with store.write(alice) as tx:
        grants.grant(tx, desk.events(tx, "alice"), principals.find(tx, PRIVATE, "bob"), Right.SEE | Right.ADD)
    assert _levels(store, "alice", alice) == (["bob"], [])
    assert _levels(store, "alice", bob) == (["bob"], [])
    with store.read(bob) as tx:
        assert [who.name for who in principals.delegators(tx, write=False)] == ["alice"]
        assert principals.delegators(tx, write=True) == []
    with store.write(alice) as tx:  # the rest through "all members": rights are a union (ACL-01)
        grants.grant(tx, desk.events(tx, "alice"), iab, Right.EDIT | Right.DELETE)
    assert _levels(store, "alice", alice) == ([], ["bob"])
    with store.read(bob) as tx:
        assert principals.delegators(tx, write=False) == []
        assert [who.name for who in principals.delegators(tx, write=True)] == ["alice"]
    with store.write(SITE) as tx:
        groups.expel(tx, iab, principals.find(tx, PRIVATE, "bob"))
    assert _levels(store, "alice", alice) == ([], [])
    with store.read(bob) as tx:
        assert principals.delegators(tx, write=True) == []
