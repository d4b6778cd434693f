"""COPY and MOVE of items: inside an environment, and between two (ACL-19, RFC 4918 §9.8, §9.9, RFC 4791 §5.3.2.1)."""

from __future__ import annotations

import pytest

from storage import changes, check, collections, grants, items, moving, plans
from storage.errors import (
    Conflict,
    Denied,
    Exists,
    NotFound,
    Stale,
    UidConflict,
    UnsupportedComponent,
    UnsupportedMedia,
)
from storage.store import Store
from storage.types import SITE, Actor, ModSeq, Right, SpaceKind, Tool, View, Written
from tests.storage import bodies, desk


@pytest.fixture(autouse=True)
def work(store: Store, alice: Actor) -> None:
    """A second calendar of alice, and an event in the first."""
    with store.write(alice) as tx:
        collections.create(tx, SpaceKind.PRIVATE, "alice", "work", Tool.CALENDAR, components=("VEVENT",))
        bodies.put(tx, desk.events(tx, "alice"), "a", bodies.event("a", alarm=5))


def _move(
    store: Store,
    who: Actor,
    name: str,
    target: tuple[str, str, str],
    source: tuple[str, str] = ("alice", "events"),
    *,
    overwrite: bool = False,
    copy: bool = False,
) -> Written:
    act = moving.copy if copy else moving.move
    with store.write(who) as tx:
        there = bodies.find(tx, target[0], target[1])
        return act(tx, bodies.find(tx, *source), name, there, target[2], overwrite=overwrite)


def _names(store: Store, who: Actor, space: str, where: str) -> list[str]:
    with store.read(who) as tx:
        return sorted(row.name for row in items.rows(tx, bodies.find(tx, space, where)))


def _sync(store: Store, who: Actor, space: str, where: str, after: int) -> tuple[list[str], list[str]]:
    with store.read(who) as tx:
        found = changes.since(tx, bodies.find(tx, space, where), ModSeq(after))
    return sorted(row.name for row in found.items), sorted(found.removed)


def _put(store: Store, who: Actor, space: str, where: str, name: str, body: bytes) -> None:
    with store.write(who) as tx:
        bodies.put(tx, bodies.find(tx, space, where), name, body)


def _grant(store: Store, space: str, where: str, right: Right, item: str | None = None) -> None:
    with store.write(desk.actor(store, "alice")) as tx:
        grants.grant(tx, bodies.find(tx, space, where), desk.principal(store, "bob"), right, item)


def _sound(store: Store) -> None:
    with store.read(SITE) as tx:
        assert check.run(tx) == []


def test_a_move_keeps_the_item(store: Store, alice: Actor, bob: Actor) -> None:
    """The same item under another name: creator, viewers' parts and grants go with it."""
    _grant(store, "alice", "events", Right.SEE, "a")
    with store.write(bob) as tx:
        bodies.put(tx, desk.events(tx, "alice"), "a", bodies.event("a", alarm=9))
    with store.read(alice) as tx:
        before = items.get(tx, desk.events(tx, "alice"), "a")
    assert _move(store, alice, "a", ("alice", "work", "b")).created
    with store.read(alice) as tx:
        after = items.get(tx, bodies.find(tx, "alice", "work"), "b")
    assert (after.id, after.body, after.creator, after.created) == (
        before.id,
        before.body,
        before.creator,
        before.created,
    )
    with store.read(bob) as tx:
        his = items.get(tx, bodies.find(tx, "alice", "work"), "b")
        assert (his.view, his.body) == (View.FULL, bodies.event("a", alarm=9))
        assert his.modseq <= bodies.find(tx, "alice", "work").modseq, "no number of another collection"
    assert _sync(store, alice, "alice", "events", 2) == ([], ["a"])
    assert _sync(store, bob, "alice", "work", 1) == (["b"], [])
    _sound(store)


def test_a_rename(store: Store, alice: Actor) -> None:
    _move(store, alice, "a", ("alice", "events", "z"))
    assert _names(store, alice, "alice", "events") == ["z"]
    assert _sync(store, alice, "alice", "events", 2) == (["z"], ["a"])
    _move(store, alice, "z", ("alice", "events", "a"))
    assert _sync(store, alice, "alice", "events", 2) == (["a"], ["z"])
    with pytest.raises(Conflict):
        _move(store, alice, "a", ("alice", "events", "a"))
    with pytest.raises(Conflict):
        _move(store, alice, "a", ("alice", "events", "b/c"))
    with pytest.raises(NotFound):
        _move(store, alice, "z", ("alice", "events", "y"))
    _sound(store)


def test_overwriting(store: Store, alice: Actor) -> None:
    """RFC 4918 §9.9.4; but never an object of another UID (RFC 4791 §5.3.2.1)."""
    _put(store, alice, "alice", "work", "same", bodies.event("a", summary="older"))
    _put(store, alice, "alice", "work", "other", bodies.event("b"))
    with pytest.raises(Exists):
        _move(store, alice, "a", ("alice", "work", "same"))
    with pytest.raises(Stale):
        _move(store, alice, "a", ("alice", "work", "same"), copy=True)
    with pytest.raises(UidConflict):
        _move(store, alice, "a", ("alice", "work", "other"), overwrite=True)
    with pytest.raises(UidConflict) as refused:
        _move(store, alice, "a", ("alice", "work", "new"))
    assert refused.value.name == "same"
    assert not _move(store, alice, "a", ("alice", "work", "same"), overwrite=True).created
    assert _names(store, alice, "alice", "work") == ["other", "same"]
    assert _names(store, alice, "alice", "events") == []
    _sound(store)


def test_rights_inside_one_environment(store: Store, alice: Actor, bob: Actor) -> None:
    """ACL-19: *edit* on the item and *add* at the destination; no *delete* at the source."""
    with pytest.raises(Denied):
        _move(store, bob, "a", ("alice", "work", "a"))
    _grant(store, "alice", "events", Right.EDIT, "a")
    with pytest.raises(Denied) as refused:
        _move(store, bob, "a", ("alice", "work", "a"))
    assert refused.value.missing is Right.ADD
    _move(store, bob, "a", ("alice", "events", "renamed"))
    _grant(store, "alice", "work", Right.ADD)
    _move(store, bob, "renamed", ("alice", "work", "a"))
    assert _names(store, alice, "alice", "work") == ["a"]


def test_between_environments(store: Store, alice: Actor, bob: Actor) -> None:
    """ACL-19: a copy followed by a deletion, hence *delete* at the source; whole or not at all."""
    _grant(store, "IAB", "events", Right.ADD)
    _grant(store, "alice", "events", Right.SEE)
    with pytest.raises(Denied) as refused:
        _move(store, bob, "a", ("IAB", "events", "a"))
    assert refused.value.missing is Right.DELETE
    assert _names(store, alice, "IAB", "events") == []
    _grant(store, "alice", "events", Right.DELETE)
    _move(store, bob, "a", ("IAB", "events", "a"))
    with store.read(alice) as tx:
        moved = items.get(tx, desk.events(tx, "IAB"), "a")
        assert (moved.creator, moved.body) == (bob.id, bodies.event("a"))
    assert _names(store, alice, "alice", "events") == []
    _sound(store)


def test_a_copy_needs_to_see(store: Store, alice: Actor, bob: Actor) -> None:
    _grant(store, "IAB", "events", Right.ADD)
    with pytest.raises(Denied) as refused:
        _move(store, bob, "a", ("IAB", "events", "a"), copy=True)
    assert refused.value.missing is Right.SEE
    _put(store, alice, "alice", "events", "p", bodies.event("p", klass="PRIVATE"))
    with pytest.raises(NotFound):
        _move(store, bob, "p", ("IAB", "events", "p"), copy=True)
    _grant(store, "alice", "events", Right.SEE)
    _move(store, bob, "a", ("IAB", "events", "a"), copy=True)
    assert _names(store, alice, "alice", "events") == ["a", "p"]


def test_a_hidden_target_is_no_target(store: Store, alice: Actor, bob: Actor) -> None:
    """SYS-09: neither 412 nor 409, and the same words whether or not it may be overwritten."""
    _put(store, alice, "alice", "work", "secret", bodies.event("s", klass="PRIVATE"))
    _grant(store, "alice", "events", Right.SEE | Right.EDIT)
    _grant(store, "alice", "work", Right.ADD)
    for overwrite in (True, False):
        for copy in (True, False):
            with pytest.raises(Denied) as refused:
                _move(store, bob, "a", ("alice", "work", "secret"), overwrite=overwrite, copy=copy)
            assert (refused.value.missing, refused.value.on) == (Right.ADD, "alice/private/work")
    _put(store, alice, "alice", "work", "twin", bodies.event("a", klass="PRIVATE"))
    with pytest.raises(UidConflict) as conflict:
        _move(store, bob, "a", ("alice", "work", "new"))
    assert conflict.value.name == ""


def test_a_private_event_that_is_renamed_stays_unknown(store: Store, alice: Actor, bob: Actor) -> None:
    """SYS-09: also where its new name was in use before."""
    _put(store, alice, "alice", "events", "p", bodies.event("p", klass="PRIVATE"))
    _put(store, alice, "alice", "events", "q", bodies.event("q", klass="PRIVATE"))
    with store.read(bob) as tx:
        token = desk.events(tx, "alice").modseq
    with store.write(alice) as tx:
        items.delete(tx, desk.events(tx, "alice"), "q")
    _move(store, alice, "p", ("alice", "events", "q"))
    assert _sync(store, bob, "alice", "events", token) == ([], [])
    assert _sync(store, bob, "alice", "events", 1) == (["a"], [])
    assert _sync(store, alice, "alice", "events", token) == (["q"], ["p"])


def test_wrong_kinds(store: Store, alice: Actor) -> None:
    with pytest.raises(UnsupportedComponent):
        _move(store, alice, "a", ("alice", "tasks", "a"))
    with pytest.raises(UnsupportedMedia):
        _move(store, alice, "a", ("alice", "contacts", "a"))
    with pytest.raises((UnsupportedMedia, UnsupportedComponent)):
        _move(store, alice, "a", ("alice", "contacts", "a"), copy=True)


def test_a_move_between_ones_own_books_adds_nothing(store: Store, alice: Actor) -> None:
    """ACC-12: at the limit of contacts too."""
    with store.write(SITE) as tx:
        plans.add(tx, "tiny", (), {"contacts_max": 1})
        plans.assign(tx, alice.id, "tiny")
    with store.write(alice) as tx:
        collections.create(tx, SpaceKind.PRIVATE, "alice", "book", Tool.CONTACTS)
    _put(store, alice, "alice", "contacts", "c", bodies.card("c"))
    _move(store, alice, "c", ("alice", "book", "c"), ("alice", "contacts"))
    assert _names(store, alice, "alice", "book") == ["c"]
    _sound(store)
