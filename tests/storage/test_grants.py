"""Granting and withdrawing, through sessions: ACL-04, ACL-06…11, ACL-20…24, SYS-10."""

from __future__ import annotations

import pytest

from storage import accounts, changes, collections, grants, groups, items
from storage.errors import Denied, Fixed, NotFound, Refused
from storage.store import Store
from storage.types import SITE, Actor, Changes, Collection, ModSeq, Principal, Right, SpaceKind, Tool, View
from tests.storage import bodies, desk


def _grant(store: Store, who: Actor, space: str, where: str, to: str, right: Right, item: str | None = None) -> None:
    with store.write(who) as tx:
        grants.grant(tx, bodies.find(tx, space, where), desk.principal(store, to), right, item)


def _withdraw(store: Store, who: Actor, space: str, where: str, to: str, right: Right, item: str | None = None) -> None:
    with store.write(who) as tx:
        grants.withdraw(tx, bodies.find(tx, space, where), desk.principal(store, to), right, item)


def _put(store: Store, who: Actor, space: str, where: str, name: str, body: bytes | None = None) -> None:
    made = body or (bodies.card(name) if where == "contacts" else bodies.event(name))
    with store.write(who) as tx:
        bodies.put(tx, bodies.find(tx, space, where), name, made)


def _rights(store: Store, who: Actor, space: str, where: str) -> Right:
    with store.read(who) as tx:
        return bodies.find(tx, space, where).rights


def _shown(store: Store, who: Actor, space: str, where: str) -> dict[str, View]:
    with store.read(who) as tx:
        return {item.name: item.view for item in items.listing(tx, bodies.find(tx, space, where))}


def _sync(store: Store, who: Actor, space: str, where: str, after: int = 0) -> tuple[list[str], list[str], ModSeq]:
    with store.read(who) as tx:
        found: Changes = changes.since(tx, bodies.find(tx, space, where), ModSeq(after))
    return sorted(row.name for row in found.items), sorted(found.removed), found.modseq


def _new(store: Store, login: str, *names: str) -> Actor:
    """An account in some groups."""
    with store.write(SITE) as tx:
        made = accounts.create(tx, login, "*", email=f"{login}@example.test", display_name=login.title())
    for name in names:
        _enter(store, login, name)
    return Actor(made.id, login)


def _enter(store: Store, login: str, name: str) -> None:
    with store.write(SITE) as tx:
        groups.add_member(tx, desk.principal(store, name), desk.principal(store, login))


def _leave(store: Store, login: str, name: str) -> None:
    with store.write(desk.actor(store, login)) as tx:
        groups.leave(tx, desk.principal(store, name))


@pytest.fixture
def xyz(store: Store) -> Principal:
    """A second group of alice and bob."""
    with store.write(SITE) as tx:
        made = groups.create(tx, "XYZ", admin=desk.principal(store, "alice"))
        groups.add_member(tx, made, desk.principal(store, "bob"))
    return made


# --- to whom, by whom, what ---------------------------------------------------------------------------------


def test_only_co_members_and_members_can_be_granted_something(store: Store, alice: Actor, carol: Actor) -> None:
    """ACL-04: anyone else must first join a group."""
    for space in ("alice", "IAB"):
        with pytest.raises(Refused, match="ACL-04"):
            _grant(store, alice, space, "events", "carol", Right.ADD)
    with pytest.raises(Refused, match="ACL-03"):
        _grant(store, alice, "alice", "events", "alice", Right.ADD)
    with store.write(SITE) as tx:
        groups.create(tx, "OTHERS", admin=desk.principal(store, "carol"))
    for space in ("alice", "IAB"):
        with pytest.raises(Refused):
            _grant(store, alice, space, "events", "OTHERS", Right.ADD)


def test_only_the_owner_sets_rights_in_his_space(store: Store, alice: Actor, bob: Actor) -> None:
    """ACL-07: "a grantee cannot pass rights on"."""
    _grant(store, alice, "alice", "events", "bob", Right.SEE | Right.EDIT | Right.ADD | Right.DELETE)
    _put(store, bob, "alice", "events", "b")
    for item in (None, "b"):
        with pytest.raises(Denied):
            _grant(store, bob, "alice", "events", "IAB", Right.SEE, item)
        with pytest.raises(Denied), store.read(bob) as tx:
            grants.grid(tx, desk.events(tx, "alice"), item)
    with pytest.raises(Denied):
        _withdraw(store, bob, "alice", "events", "bob", Right.SEE)


def test_in_groups_admins_set_the_whole_and_creators_their_own(store: Store, alice: Actor, bob: Actor) -> None:
    """ACL-07, CAL-16."""
    dave = _new(store, "dave", "IAB")
    with pytest.raises(Denied):
        _grant(store, bob, "IAB", "events", "dave", Right.ADD)
    _grant(store, alice, "IAB", "events", "bob", Right.ADD)
    _put(store, bob, "IAB", "events", "b")
    with pytest.raises(Denied):
        _grant(store, alice, "IAB", "events", "dave", Right.EDIT, "b")
    _grant(store, bob, "IAB", "events", "dave", Right.EDIT, "b")
    _put(store, dave, "IAB", "events", "b", bodies.event("b", summary="by dave"))
    _withdraw(store, bob, "IAB", "events", "dave", Right.EDIT, "b")
    with pytest.raises(Denied):
        _put(store, dave, "IAB", "events", "b", bodies.event("b", summary="again"))
    _grant(store, alice, "IAB", "events", "dave", Right.EDIT)  # for the whole calendar
    _put(store, dave, "IAB", "events", "b", bodies.event("b", summary="again"))
    with store.write(alice) as tx:
        groups.set_co_admin(tx, desk.principal(store, "IAB"), desk.principal(store, "bob"), True)
    _grant(store, bob, "IAB", "events", "dave", Right.DELETE)
    assert _rights(store, dave, "IAB", "events") & Right.DELETE


@pytest.mark.parametrize(
    ("space", "where", "right", "item"),
    [
        ("alice", "events", Right.SEE_BUSY, None),
        ("alice", "events", Right.ADD, "a"),
        ("alice", "events", Right.ADMINISTER, None),
        ("alice", "contacts", Right.SEE, "a"),  # ACL-22
        ("alice", "contacts", Right.EDIT, "a"),
        ("alice", "tasks", Right.ADD, None),
        ("alice", "tasks", Right.EDIT, None),
        ("alice", "notes", Right.SEE, None),
        ("IAB", "events", Right.SEE, None),
        ("IAB", "events", Right.SEE, "a"),
        ("IAB", "contacts", Right.SEE, None),
        ("IAB", "contacts", Right.EDIT, None),
        ("IAB", "notes", Right.SEE_FOLDER, None),
        ("IAB", "tasks", Right.DELETE, None),
    ],
)
def test_fixed_rights(store: Store, alice: Actor, space: str, where: str, right: Right, item: str | None) -> None:
    """ACL-11: neither granted nor withdrawn."""
    if item:
        _put(store, alice, space, where, item)
    for act in (_grant, _withdraw):
        with pytest.raises(Fixed):
            act(store, alice, space, where, "bob", right, item)


# --- all members ----------------------------------------------------------------------------------------------


def test_all_members_covers_future_ones_and_single_ones_do_not(store: Store, alice: Actor, bob: Actor) -> None:
    """ACL-08."""
    _grant(store, alice, "alice", "events", "IAB", Right.SEE)
    _grant(store, alice, "IAB", "events", "bob", Right.ADD)
    dave = _new(store, "dave", "IAB")
    assert _rights(store, dave, "alice", "events") & Right.SEE
    assert not _rights(store, dave, "IAB", "events") & Right.ADD
    assert _rights(store, bob, "IAB", "events") & Right.ADD


def test_unticking_all_members_leaves_the_present_ones(store: Store, alice: Actor, bob: Actor) -> None:
    """ACL-09: one entry a present member; then single ones can be taken; future members get nothing."""
    dave = _new(store, "dave", "IAB")
    _grant(store, alice, "alice", "events", "IAB", Right.SEE | Right.ADD)
    with pytest.raises(Refused, match="ACL-09"):
        _withdraw(store, alice, "alice", "events", "bob", Right.SEE)
    _withdraw(store, alice, "alice", "events", "IAB", Right.SEE)
    erin = _new(store, "erin", "IAB")
    assert [bool(_rights(store, who, "alice", "events") & Right.SEE) for who in (bob, dave, erin)] == [
        True,
        True,
        False,
    ]
    assert all(_rights(store, who, "alice", "events") & Right.ADD for who in (bob, dave, erin))
    _withdraw(store, alice, "alice", "events", "bob", Right.SEE)
    assert [bool(_rights(store, who, "alice", "events") & Right.SEE) for who in (bob, dave)] == [False, True]


def test_hiding_a_group_note_from_one_member(store: Store, alice: Actor, bob: Actor) -> None:
    """ACL-09 on an item that all members see by default; ACL-06: admins know that it exists, no more."""
    dave = _new(store, "dave", "IAB")
    _grant(store, alice, "IAB", "notes", "bob", Right.ADD)
    _put(store, bob, "IAB", "notes", "n", bodies.thing("VJOURNAL", "n", summary="Surprise"))
    _, _, token = _sync(store, dave, "IAB", "notes")
    with pytest.raises(Refused, match="ACL-09"):
        _withdraw(store, bob, "IAB", "notes", "dave", Right.SEE, "n")
    _withdraw(store, bob, "IAB", "notes", "IAB", Right.SEE, "n")
    assert _shown(store, dave, "IAB", "notes") == {"n": View.FULL}
    _withdraw(store, bob, "IAB", "notes", "dave", Right.SEE, "n")
    assert _shown(store, dave, "IAB", "notes") == {}
    assert _sync(store, dave, "IAB", "notes", token)[:2] == ([], ["n"])
    with pytest.raises(NotFound):
        _read(store, dave, "IAB", "notes", "n")
    erin = _new(store, "erin", "IAB")
    assert _shown(store, erin, "IAB", "notes") == {}
    _withdraw(store, bob, "IAB", "notes", "alice", Right.SEE, "n")
    with store.write(alice) as tx:
        here = bodies.find(tx, "IAB", "notes")
        known = items.get(tx, here, "n")
        assert (known.view, known.body, bool(known.rights & Right.EDIT)) == (View.EXISTENCE, None, False)
        assert known.creator == bob.id
        items.delete(tx, here, "n")
    assert _sync(store, erin, "IAB", "notes", 1)[:2] == ([], [])
    assert _sync(store, bob, "IAB", "notes", 1)[:2] == ([], ["n"])


def test_what_is_hidden_is_not_edited_either(store: Store, alice: Actor, bob: Actor) -> None:
    """ACL-09, DOC-18: whoever may edit sees; so hiding takes both, also where all members may edit; the grid says so."""
    dave = _new(store, "dave", "IAB")
    _put(store, alice, "IAB", "notes", "n", bodies.thing("VJOURNAL", "n"))
    _grant(store, alice, "IAB", "notes", "bob", Right.EDIT, "n")
    _grant(store, alice, "IAB", "notes", "IAB", Right.EDIT, "n")
    _withdraw(store, alice, "IAB", "notes", "IAB", Right.SEE, "n")
    assert [_shown(store, who, "IAB", "notes") for who in (bob, dave)] == [{"n": View.FULL}] * 2
    _withdraw(store, alice, "IAB", "notes", "bob", Right.SEE, "n")
    assert [_shown(store, who, "IAB", "notes") for who in (bob, dave)] == [{}, {"n": View.FULL}]
    with store.read(alice) as tx:
        rows = {row.grantee.name: row.held for row in grants.grid(tx, bodies.find(tx, "IAB", "notes"), "n").rows}
    assert [bool(rows[name] & Right.SEE) for name in ("bob", "dave", "IAB")] == [False, True, False]


def test_details_of_a_calendar_go_with_the_right_to_edit_it(store: Store, alice: Actor, bob: Actor) -> None:
    """CAL-07, decision 0002: whoever edits all events reads them; taken back, there are busy times alone."""
    _put(store, alice, "alice", "events", "a")
    _grant(store, alice, "alice", "events", "bob", Right.EDIT)
    with store.read(alice) as tx:
        rows = {row.grantee.name: row.held for row in grants.grid(tx, bodies.find(tx, "alice", "events")).rows}
    assert rows["bob"] & Right.SEE
    _withdraw(store, alice, "alice", "events", "bob", Right.SEE)
    assert _shown(store, bob, "alice", "events") == {"a": View.BUSY}
    assert not _rights(store, bob, "alice", "events") & Right.EDIT


def _read(store: Store, who: Actor, space: str, where: str, name: str) -> bytes | None:
    with store.read(who) as tx:
        return items.get(tx, bodies.find(tx, space, where), name).body


def test_showing_it_to_all_members_again(store: Store, alice: Actor, bob: Actor) -> None:
    _put(store, alice, "IAB", "notes", "n", bodies.thing("VJOURNAL", "n"))
    _withdraw(store, alice, "IAB", "notes", "IAB", Right.SEE, "n")
    _withdraw(store, alice, "IAB", "notes", "bob", Right.SEE, "n")
    _, _, token = _sync(store, bob, "IAB", "notes")
    _grant(store, alice, "IAB", "notes", "IAB", Right.SEE, "n")
    assert _sync(store, bob, "IAB", "notes", token)[:2] == (["n"], [])
    assert _shown(store, _new(store, "erin", "IAB"), "IAB", "notes") == {"n": View.FULL}


# --- lapse ----------------------------------------------------------------------------------------------------


def test_a_grant_ends_with_the_membership_and_does_not_come_back(store: Store, alice: Actor, bob: Actor) -> None:
    """ACL-10."""
    _put(store, alice, "alice", "events", "a")
    _grant(store, alice, "alice", "events", "bob", Right.SEE)
    _grant(store, alice, "alice", "events", "bob", Right.EDIT, "a")
    _grant(store, alice, "IAB", "events", "bob", Right.ADD)
    _grant(store, bob, "bob", "events", "alice", Right.SEE)
    _grant(store, bob, "bob", "contacts", "IAB", Right.SEE)
    _leave(store, "bob", "IAB")
    with pytest.raises(NotFound):
        _rights(store, bob, "alice", "events")
    with pytest.raises(NotFound):
        _rights(store, alice, "bob", "events")
    _enter(store, "bob", "IAB")
    assert _rights(store, bob, "alice", "events") == Right.SEE_BUSY
    assert _rights(store, alice, "bob", "events") == Right.SEE_BUSY
    assert not _rights(store, bob, "IAB", "events") & Right.ADD
    assert _shown(store, bob, "alice", "events") == {"a": View.BUSY}
    with pytest.raises(NotFound):
        _rights(store, alice, "bob", "contacts")


def test_a_grant_stays_while_another_group_is_shared(store: Store, alice: Actor, bob: Actor, xyz: Principal) -> None:
    _grant(store, alice, "alice", "events", "bob", Right.SEE)
    _grant(store, alice, "alice", "events", "IAB", Right.ADD)
    _leave(store, "bob", "IAB")
    assert _rights(store, bob, "alice", "events") == Right.SEE_BUSY | Right.SEE


def test_leaving_a_group_takes_its_view_along(store: Store, alice: Actor, bob: Actor, xyz: Principal) -> None:
    """SYS-10: bob stays a co-member, but what he saw as a member of IAB goes, and comes with it."""
    _grant(store, alice, "alice", "events", "IAB", Right.SEE)
    _put(store, alice, "alice", "events", "block")
    _put(store, alice, "alice", "events", "free", bodies.event("free", status="CANCELLED"))
    names, _, token = _sync(store, bob, "alice", "events")
    assert names == ["block", "free"]
    _leave(store, "bob", "IAB")
    assert _sync(store, bob, "alice", "events", token)[:2] == (["block"], ["free"])
    _, _, token = _sync(store, bob, "alice", "events")
    _enter(store, "bob", "IAB")
    assert _sync(store, bob, "alice", "events", token)[:2] == (["block", "free"], [])


# --- what a right shows -----------------------------------------------------------------------------------------


def test_a_grant_appears_in_the_next_synchronisation(store: Store, alice: Actor, bob: Actor) -> None:
    """SYS-10: without a reset, and nobody else's token moves."""
    dave = _new(store, "dave", "IAB")
    _put(store, alice, "alice", "events", "a")
    _, _, his = _sync(store, bob, "alice", "events")
    _, _, daves = _sync(store, dave, "alice", "events")
    _, _, hers = _sync(store, alice, "alice", "events")
    _grant(store, alice, "alice", "events", "bob", Right.SEE)
    names, removed, newer = _sync(store, bob, "alice", "events", his)
    assert (names, removed) == (["a"], [])
    assert newer > his
    for who, token in ((dave, daves), (alice, hers)):
        assert _sync(store, who, "alice", "events", token) == ([], [], token)
    _withdraw(store, alice, "alice", "events", "bob", Right.SEE)
    assert _sync(store, bob, "alice", "events", newer)[:2] == (["a"], [])  # the block again
    _, _, token = _sync(store, bob, "alice", "events", newer)
    _withdraw(store, alice, "alice", "events", "bob", Right.SEE)  # of nothing
    assert _sync(store, bob, "alice", "events", token) == ([], [], token)


def test_one_event_opened_to_one_person(store: Store, alice: Actor, bob: Actor) -> None:
    """ACL-23, CAL-10."""
    _put(store, alice, "alice", "events", "a")
    _put(store, alice, "alice", "events", "b")
    _grant(store, alice, "alice", "events", "bob", Right.SEE | Right.EDIT, "a")
    _put(store, bob, "alice", "events", "a", bodies.event("a", summary="by bob"))
    assert _shown(store, bob, "alice", "events") == {"a": View.FULL, "b": View.BUSY}
    with pytest.raises(Denied):
        _put(store, bob, "alice", "events", "b", bodies.event("b", summary="by bob"))


def test_a_private_event_is_hidden_whatever_was_granted(store: Store, alice: Actor, bob: Actor) -> None:
    """ACL-24; in group calendars the flag is ignored."""
    private = bodies.event("p", klass="PRIVATE")
    _put(store, alice, "alice", "events", "p", private)
    _put(store, alice, "IAB", "events", "p", private)
    _grant(store, alice, "alice", "events", "bob", Right.SEE | Right.EDIT)
    _grant(store, alice, "alice", "events", "bob", Right.SEE, "p")
    assert _shown(store, bob, "alice", "events") == {}
    assert _shown(store, bob, "IAB", "events") == {"p": View.FULL}
    _put(store, alice, "alice", "events", "p", bodies.event("p"))
    assert _shown(store, bob, "alice", "events") == {"p": View.FULL}


def test_contacts_presuppose_the_list(store: Store, alice: Actor, bob: Actor) -> None:
    """ACL-20: granted only with it, withdrawn along with it."""
    with pytest.raises(Refused, match="SEE first"):
        _grant(store, alice, "alice", "contacts", "bob", Right.ADD)
    _grant(store, alice, "alice", "contacts", "bob", Right.SEE | Right.DELETE)
    _grant(store, alice, "alice", "contacts", "bob", Right.ADD)
    _withdraw(store, alice, "alice", "contacts", "bob", Right.SEE)
    with pytest.raises(NotFound):
        _rights(store, bob, "alice", "contacts")
    _grant(store, alice, "alice", "contacts", "bob", Right.SEE)
    assert _rights(store, bob, "alice", "contacts") == Right.SEE


def test_edit_all_contacts_reaches_into_groups(store: Store, alice: Actor, bob: Actor, xyz: Principal) -> None:
    """ACL-21: granted by U, also through another group, it covers what U creates in any group."""
    _put(store, alice, "IAB", "contacts", "c")
    changed = bodies.card("c", "Countess")
    with pytest.raises(Denied):
        _put(store, bob, "IAB", "contacts", "c", changed)
    _grant(store, alice, "alice", "contacts", "XYZ", Right.EDIT)
    _put(store, bob, "IAB", "contacts", "c", changed)
    with pytest.raises(NotFound):  # the private list itself stays closed
        _rights(store, bob, "alice", "contacts")
    _withdraw(store, alice, "alice", "contacts", "XYZ", Right.EDIT)
    _withdraw(store, alice, "alice", "contacts", "bob", Right.EDIT)
    with pytest.raises(Denied):
        _put(store, bob, "IAB", "contacts", "c", bodies.card("c", "Baroness"))


def test_notes_need_their_folder(store: Store, alice: Actor, bob: Actor) -> None:
    """ACL-12, ACL-16: nothing in a folder that one does not see."""
    _put(store, alice, "alice", "notes", "n", bodies.thing("VJOURNAL", "n"))
    _grant(store, alice, "alice", "notes", "bob", Right.SEE, "n")
    _grant(store, alice, "alice", "notes", "bob", Right.ADD)
    with pytest.raises(NotFound):
        _rights(store, bob, "alice", "notes")
    _grant(store, alice, "alice", "notes", "bob", Right.SEE_FOLDER)
    assert _shown(store, bob, "alice", "notes") == {"n": View.FULL}
    _put(store, alice, "alice", "notes", "m", bodies.thing("VJOURNAL", "m"))
    assert _shown(store, bob, "alice", "notes") == {"n": View.FULL}


def test_given_tasks_are_seen_by_who_gave_them(store: Store, alice: Actor, bob: Actor) -> None:
    """Table 3.2: co-members assign tasks, see those they assigned and, if allowed, the whole list."""
    _put(store, alice, "alice", "tasks", "own", bodies.thing("VTODO", "own"))
    _put(store, bob, "alice", "tasks", "given", bodies.thing("VTODO", "given"))
    assert _shown(store, bob, "alice", "tasks") == {"given": View.FULL}
    _, _, token = _sync(store, bob, "alice", "tasks")
    with store.write(alice) as tx:
        items.delete(tx, bodies.find(tx, "alice", "tasks"), "own")
    assert _sync(store, bob, "alice", "tasks", token)[:2] == ([], [])  # SYS-09: its name was never his to know
    _put(store, alice, "alice", "tasks", "own", bodies.thing("VTODO", "own"))
    _grant(store, alice, "alice", "tasks", "bob", Right.SEE)
    assert _sync(store, bob, "alice", "tasks", token)[:2] == (["given", "own"], [])
    _, _, token = _sync(store, bob, "alice", "tasks")
    _withdraw(store, alice, "alice", "tasks", "bob", Right.SEE)
    assert _sync(store, bob, "alice", "tasks", token)[:2] == (["given"], ["own"])


# --- the grid ---------------------------------------------------------------------------------------------------


def test_the_grid_lists_people_under_their_groups(store: Store, alice: Actor, xyz: Principal) -> None:
    """ACL-28: "all members" first, then each person; what was given to exactly this entry, and what is held."""
    _new(store, "dave", "IAB")
    _grant(store, alice, "alice", "events", "IAB", Right.SEE)
    _grant(store, alice, "alice", "events", "bob", Right.ADD)
    with store.read(alice) as tx:
        grid = grants.grid(tx, desk.events(tx, "alice"))
    assert grid.rights == (Right.SEE, Right.ADD, Right.EDIT, Right.DELETE)
    assert [(row.group, row.grantee.name, row.all_members) for row in grid.rows] == [
        ("IAB", "IAB", True),
        ("IAB", "bob", False),
        ("IAB", "dave", False),
        ("XYZ", "XYZ", True),
        ("XYZ", "bob", False),
    ]
    assert [row.granted for row in grid.rows] == [Right.SEE, Right.ADD, Right.NONE, Right.NONE, Right.ADD]
    assert grid.rows[1].held == Right.SEE_BUSY | Right.SEE | Right.ADD
    _put(store, alice, "IAB", "notes", "n", bodies.thing("VJOURNAL", "n"))
    with store.read(alice) as tx:
        grid = grants.grid(tx, bodies.find(tx, "IAB", "notes"), "n")
    assert (grid.rights, grid.rows[0].granted) == ((Right.SEE, Right.EDIT), Right.SEE)
    _withdraw(store, alice, "IAB", "notes", "IAB", Right.SEE, "n")
    _withdraw(store, alice, "IAB", "notes", "bob", Right.SEE, "n")
    with store.read(alice) as tx:
        grid = grants.grid(tx, bodies.find(tx, "IAB", "notes"), "n")
    held = {row.grantee.name: bool(row.held & Right.SEE) for row in grid.rows}
    assert held == {"IAB": False, "alice": True, "bob": False, "dave": True}, "from whom it is hidden (ACL-09)"


def test_united_entries(store: Store, alice: Actor, bob: Actor) -> None:
    """ACL-01: a right is held if any entry gives it."""
    _grant(store, alice, "alice", "events", "IAB", Right.SEE)
    _grant(store, alice, "alice", "events", "bob", Right.EDIT)
    _grant(store, alice, "alice", "events", "bob", Right.NONE)
    held = _rights(store, bob, "alice", "events")
    assert held == Right.SEE_BUSY | Right.SEE | Right.EDIT
    _withdraw(store, alice, "alice", "events", "bob", Right.EDIT)
    assert _rights(store, bob, "alice", "events") == Right.SEE_BUSY | Right.SEE


def test_rights_of_further_collections(store: Store, alice: Actor, bob: Actor) -> None:
    with store.write(alice) as tx:
        made: Collection = collections.create(tx, SpaceKind.PRIVATE, "alice", "book", Tool.CONTACTS)
        assert made.rights & Right.ADMINISTER
    with pytest.raises(NotFound):
        _rights(store, bob, "alice", "book")
    _grant(store, alice, "alice", "book", "bob", Right.SEE)
    assert _rights(store, bob, "alice", "book") == Right.SEE
