"""Groups and memberships: GRP-03…06, 11, 12, 14…22, 25, and the rights that end with them (ACL-10, SYS-10)."""

from __future__ import annotations

import pytest

from storage import changes, collections, grants, groups, items, principals
from storage.errors import Denied, Exists, NotFound, Refused
from storage.store import Store
from storage.types import SITE, Actor, Principal, Right, SpaceKind, View
from tests.storage import desk

PRIVATE, GROUP = SpaceKind.PRIVATE, SpaceKind.GROUP


def test_the_creator_becomes_admin_and_the_group_has_its_tools(store: Store, carol: Actor) -> None:
    """GRP-03, GRP-19."""
    with store.write(carol) as tx:
        made = groups.create(tx, "Choir-1", full_name="The choir")
        sheet = groups.sheet(tx, made)
        assert (sheet.admin.name, sheet.access, sheet.activity) == ("carol", "closed", "non-professional")
        assert [member.role for member in groups.members(tx, made)] == [groups.Role.ADMIN]
        home = collections.home(tx, GROUP, "Choir-1")
        assert [collection.name for collection in home] == ["events", "tasks", "notes", "contacts"]


@pytest.mark.parametrize(
    "name", ["", "a b", "x" * 13, "é", "a/b", ".", "..", "Private", "remote", "PRINCIPALS", "accounts", "a\n"]
)
def test_names_that_are_refused(name: str) -> None:
    """GRP-04, SYS-12."""
    with pytest.raises(Refused):
        groups.clean_name(name)


def test_names_are_unique_without_case(store: Store, carol: Actor) -> None:
    with store.write(carol) as tx:
        with pytest.raises(Exists):
            groups.create(tx, "iab")
        assert groups.create(tx, "x" * 12).name == "x" * 12
        assert groups.create(tx, "carol").name == "carol"  # a login of that name is no obstacle


def test_a_person_makes_groups_for_himself_only(store: Store, carol: Actor, iab: Principal) -> None:
    alice = desk.principal(store, "alice")
    with store.write(carol) as tx, pytest.raises(Denied):
        groups.create(tx, "CHOIR", admin=alice)
    with store.write(SITE) as tx:
        with pytest.raises(Refused):
            groups.create(tx, "CHOIR", admin=iab)
        assert groups.sheet(tx, groups.create(tx, "CHOIR", admin=alice)).admin.name == "alice"


def test_parameters_belong_to_the_admin(store: Store, alice: Actor, bob: Actor, carol: Actor, iab: Principal) -> None:
    """GRP-05, GRP-06: a private directory flag overrides open access."""
    with store.write(alice) as tx:
        sheet = groups.update(tx, iab, full_name="Bureau", open=True, language="fr", activity="Professional")
        assert (sheet.group.display_name, sheet.access, sheet.language) == ("Bureau", "open", "fr")
        assert groups.update(tx, iab, directory_public=False).access == "private"
        with pytest.raises(Refused):
            groups.update(tx, iab, activity="idle")
        groups.set_co_admin(tx, iab, principals.find(tx, PRIVATE, "bob"), True)
    with store.write(bob) as tx, pytest.raises(Denied):  # GRP-21: not a co-admin's business
        groups.update(tx, iab, open=True)
    with store.write(carol) as tx, pytest.raises(NotFound):
        groups.update(tx, iab, open=True)
    with store.read(carol) as tx, pytest.raises(NotFound):
        groups.members(tx, iab)


def test_the_directory(store: Store, alice: Actor, carol: Actor, iab: Principal) -> None:
    """GRP-11: two criteria, three letters; private groups never; members if their list is public."""
    with store.write(alice) as tx:
        groups.update(tx, iab, activity="professional", sector="Books")
    with store.write(carol) as tx:
        for wrong in (
            {"name": "iab"},
            {"name": "ia", "language": "en"},
            {"sector": "Books", "language": "en"},
            {},
        ):
            with pytest.raises(Refused):
                groups.search(tx, **wrong)
        (found,) = groups.search(tx, name="IAB", language="en")
        assert (found.sheet.group.name, found.sheet.admin.email, found.members) == ("IAB", "alice@example.test", None)
        assert len(groups.search(tx, activity="professional", sector="Books")) == 1
        assert groups.search(tx, name="a%b", language="en") == []
        assert groups.search(tx, name="IAB", language="fr") == []
    with store.write(alice) as tx:
        groups.update(tx, iab, members_public=True)
        assert groups.search(tx, name="iab", language="en")[0].members == ("Alice", "Bob")
        groups.update(tx, iab, directory_public=False)
    for actor in (carol, SITE):
        with store.read(actor) as tx:
            assert groups.search(tx, name="iab", language="en") == []


def test_joining(store: Store, alice: Actor, carol: Actor, iab: Principal) -> None:
    """GRP-06, GRP-12: an open group at once; a closed one not; a private one is not there."""
    with store.write(carol) as tx, pytest.raises(Refused, match="invitation"):
        groups.join(tx, "IAB")
    with store.write(alice) as tx:
        groups.update(tx, iab, open=True, directory_public=False)
    with store.write(carol) as tx:
        with pytest.raises(NotFound):
            groups.join(tx, "IAB")
        with pytest.raises(NotFound):
            groups.join(tx, "nothing")
    with store.write(alice) as tx:
        groups.update(tx, iab, directory_public=True)
    with store.write(carol) as tx:
        groups.join(tx, "IAB")
        assert [who.name for who in principals.members(tx, iab)] == ["alice", "bob", "carol"]
        with pytest.raises(Exists):
            groups.join(tx, "IAB")


def test_the_admin_invites_and_does_not_conscript(store: Store, alice: Actor, iab: Principal) -> None:
    carol = desk.principal(store, "carol")
    with store.write(alice) as tx, pytest.raises(Denied):
        groups.add_member(tx, iab, carol)


def test_leaving_and_removal(store: Store, alice: Actor, bob: Actor, iab: Principal) -> None:
    """GRP-14, GRP-15."""
    me = desk.principal(store, "alice")
    with store.write(bob) as tx:
        with pytest.raises(Denied):
            groups.expel(tx, iab, me)
        groups.leave(tx, iab)
        with pytest.raises(NotFound):
            groups.leave(tx, iab)
    with store.write(alice) as tx:
        with pytest.raises(Refused):
            groups.leave(tx, iab)
        with pytest.raises(Refused):
            groups.expel(tx, iab, me)
        with pytest.raises(NotFound):
            groups.expel(tx, iab, desk.principal(store, "carol"))


def test_content_stays_and_creators_rights_go(store: Store, alice: Actor, bob: Actor, iab: Principal) -> None:
    """GRP-15: not even when he returns."""
    with store.write(alice) as tx:
        grants.grant(tx, desk.events(tx, "IAB"), principals.find(tx, PRIVATE, "bob"), Right.ADD)
    with store.write(bob) as tx:
        desk.put(tx, desk.events(tx, "IAB"), "b.ics", desk.event("b"))
        desk.put(tx, desk.events(tx, "IAB"), "b.ics", desk.event("b", "Coffee"))
        groups.leave(tx, iab)
    with store.write(SITE) as tx:
        groups.add_member(tx, iab, principals.find(tx, PRIVATE, "bob"))
    with store.write(bob) as tx:
        calendar = desk.events(tx, "IAB")
        assert calendar.item_count == 1
        assert not calendar.rights & Right.ADD  # ACL-10: re-joining restores no grant
        with pytest.raises(Denied):
            desk.put(tx, calendar, "b.ics", desk.event("b", "Tea again"))


def test_grants_lapse_with_the_last_common_group(store: Store, alice: Actor, bob: Actor, iab: Principal) -> None:
    """ACL-10, GRP-15: as long as another group is shared they stay."""
    you = desk.principal(store, "bob")
    with store.write(alice) as tx:
        grants.grant(tx, desk.events(tx, "alice"), you, Right.SEE)
        second = groups.create(tx, "CHOIR")
    with store.write(SITE) as tx:
        groups.add_member(tx, second, you)
        groups.expel(tx, second, you)
    with store.read(bob) as tx:
        assert desk.events(tx, "alice").view is View.FULL
    with store.write(SITE) as tx:
        groups.expel(tx, iab, you)
    with store.read(bob) as tx, pytest.raises(NotFound):
        desk.events(tx, "alice")
    with store.write(SITE) as tx:
        groups.add_member(tx, iab, you)
    with store.read(bob) as tx:
        assert desk.events(tx, "alice").view is View.BUSY


def test_all_members_covers_those_who_join_later(store: Store, alice: Actor, carol: Actor, iab: Principal) -> None:
    """ACL-08, SYS-10: the change of view reaches the next synchronisation."""
    who = desk.principal(store, "carol")
    with store.write(alice) as tx:
        desk.put(tx, desk.events(tx, "alice"), "a.ics", desk.event("a", "Secret tea"))
        second = groups.create(tx, "CHOIR")
        grants.grant(tx, desk.events(tx, "alice"), iab, Right.SEE)
    with store.write(SITE) as tx:
        groups.add_member(tx, second, who)
    with store.read(carol) as tx:  # a co-member through CHOIR: busy only
        calendar = desk.events(tx, "alice")
        token = changes.since(tx, calendar, calendar.modseq).modseq
        assert calendar.view is View.BUSY
    with store.write(SITE) as tx:
        groups.add_member(tx, iab, who)
    with store.read(carol) as tx:
        calendar = desk.events(tx, "alice")
        assert calendar.view is View.FULL
        told = changes.since(tx, calendar, token)
        assert [row.name for row in told.items] == ["a.ics"]
        assert b"Secret tea" in (items.get(tx, calendar, "a.ics").body or b"")
        token = told.modseq
    with store.write(carol) as tx:
        groups.leave(tx, iab)
    with store.read(carol) as tx:
        calendar = desk.events(tx, "alice")
        assert calendar.view is View.BUSY
        assert [row.name for row in changes.since(tx, calendar, token).items] == ["a.ics"]


def test_change_of_admin_and_co_admins(store: Store, alice: Actor, bob: Actor, carol: Actor, iab: Principal) -> None:
    """GRP-19…21, ACL-06: a co-admin holds the admin's content rights and nothing else."""
    you, me = desk.principal(store, "bob"), desk.principal(store, "alice")
    with store.read(bob) as tx:
        assert not desk.events(tx, "IAB").rights & Right.ADD
    with store.write(alice) as tx:
        groups.set_co_admin(tx, iab, you, True)
        with pytest.raises(Refused):
            groups.set_co_admin(tx, iab, me, True)
        with pytest.raises(NotFound):
            groups.set_admin(tx, iab, desk.principal(store, "carol"))
    with store.write(bob) as tx:
        assert desk.events(tx, "IAB").rights & (Right.ADD | Right.DELETE) == Right.ADD | Right.DELETE
        for attempt in (
            lambda: groups.set_admin(tx, iab, you),
            lambda: groups.set_co_admin(tx, iab, you, False),
            lambda: groups.remove(tx, iab),
        ):
            with pytest.raises(Denied):
                attempt()
    with store.write(alice) as tx:
        groups.set_co_admin(tx, iab, you, False)
        groups.set_admin(tx, iab, you)
        roles = {member.principal.name: member.role for member in groups.members(tx, iab)}
        assert roles == {"alice": groups.Role.MEMBER, "bob": groups.Role.ADMIN}
        assert groups.sheet(tx, iab).admin.name == "bob"
        with pytest.raises(Denied):
            groups.set_admin(tx, iab, me)


def test_deleting_a_group(store: Store, alice: Actor, bob: Actor, iab: Principal) -> None:
    """GRP-25: the admin when alone, the site administrator any; rights that came from it end."""
    you = desk.principal(store, "bob")
    with store.write(alice) as tx:
        grants.grant(tx, desk.events(tx, "alice"), you, Right.SEE)
        grants.grant(tx, desk.events(tx, "alice"), iab, Right.EDIT)
        with pytest.raises(Refused):
            groups.remove(tx, iab)
    with store.write(SITE) as tx:
        groups.remove(tx, iab)
    with store.read(bob) as tx:
        assert [who.name for who in principals.visible(tx)] == ["bob"]
        with pytest.raises(NotFound):
            collections.home(tx, PRIVATE, "alice")
    with store.write(alice) as tx:
        second = groups.create(tx, "IAB")
        assert all(row.granted is Right.NONE for row in grants.grid(tx, desk.events(tx, "alice")).rows)
        groups.remove(tx, second)
