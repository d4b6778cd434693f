"""Collections: homes, names, looks per viewer, and what cannot be removed (CAL-11, CALSYNC-05, SYS-08, SYS-09)."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from storage import collections, grants, items
from storage.errors import Conflict, Denied, Exists, Fixed, LimitReached, NotFound
from storage.schema import collections as collection_rows
from storage.store import Store
from storage.types import SITE, Actor, Collection, Right, SpaceKind, Tool, View
from tests.storage import bodies, desk

P, G = SpaceKind.PRIVATE, SpaceKind.GROUP


def _home(store: Store, who: Actor, kind: SpaceKind, space: str) -> list[str]:
    with store.read(who) as tx:
        return [found.name for found in collections.home(tx, kind, space)]


def _create(store: Store, who: Actor, name: str, kind: SpaceKind = P, space: str = "alice") -> Collection:
    with store.write(who) as tx:
        return collections.create(tx, kind, space, name, Tool.CALENDAR)


def _find(store: Store, who: Actor, space: str, name: str) -> Collection:
    with store.read(who) as tx:
        return bodies.find(tx, space, name)


def test_everybody_has_the_default_collections(store: Store, alice: Actor, bob: Actor, carol: Actor) -> None:
    assert _home(store, alice, P, "alice") == ["events", "tasks", "notes", "contacts"]
    assert _home(store, bob, G, "IAB") == ["events", "tasks", "notes", "contacts"]
    # Of a co-member: busy time (CAL-07), and the list that tasks are assigned to (TASK-08).
    assert _home(store, bob, P, "alice") == ["events", "tasks"]
    for kind, space in ((P, "alice"), (G, "IAB"), (P, "nobody"), (G, "iab"), (G, "alice"), (P, "IAB")):
        with pytest.raises(NotFound):
            _home(store, carol, kind, space)
    with pytest.raises(NotFound):
        _find(store, alice, "alice", "Events")


def test_aliases_are_the_collections_of_ones_groups(store: Store, alice: Actor, carol: Actor) -> None:
    """CALSYNC-05."""
    with store.read(alice) as tx:
        assert {(found.space.name, found.name) for found in collections.aliases(tx)} == {
            ("IAB", name) for name in ("events", "tasks", "notes", "contacts")
        }
    with store.read(carol) as tx:
        assert collections.aliases(tx) == []


def test_making_and_removing(store: Store, alice: Actor, bob: Actor) -> None:
    made = _create(store, alice, "work")
    assert (made.name, made.components, made.view) == ("work", ("VEVENT", "VTODO", "VJOURNAL"), View.FULL)
    with pytest.raises(Exists):
        _create(store, alice, "work")
    with pytest.raises(Exists):
        _create(store, alice, "events")
    with pytest.raises(Denied):
        _create(store, bob, "his")
    with pytest.raises(Denied):
        _create(store, bob, "his", G, "IAB")
    _create(store, alice, "work", G, "IAB")
    with store.write(bob) as tx, pytest.raises(Denied):
        collections.delete(tx, bodies.find(tx, "alice", "work"))
    with store.write(alice) as tx:
        here = bodies.find(tx, "alice", "work")
        bodies.put(tx, here, "a", bodies.event("a"))
        collections.delete(tx, here)
    with pytest.raises(NotFound):
        _find(store, alice, "alice", "work")
    anew = _create(store, alice, "work")
    assert anew.id != made.id, "no token of the old one is good for the new one"
    assert anew.item_count == 0


def test_a_stranger_makes_nothing(store: Store, carol: Actor) -> None:
    for kind, space in ((P, "alice"), (G, "IAB")):
        with pytest.raises(NotFound):
            _create(store, carol, "hers", kind, space)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\0", "a\n", "x" * 256])
def test_impossible_names(store: Store, alice: Actor, name: str) -> None:
    with pytest.raises(Conflict):
        _create(store, alice, name)


def test_names_are_nfc(store: Store, alice: Actor) -> None:
    """SYS-13."""
    assert _create(store, alice, "Cafe\u0301").name == "Caf\u00e9"
    with pytest.raises(Exists):
        _create(store, alice, "Caf\u00e9")


def test_not_without_end(store: Store, alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    with store.read(alice) as tx:
        mine = sa.and_(
            collection_rows.c.space_id == alice.id,
            collection_rows.c.parent_id.is_(None),
            collection_rows.c.tool != Tool.MESSAGES.value,
        )
        present = tx.db.execute(sa.select(sa.func.count()).where(mine)).scalar_one()
    monkeypatch.setattr(collections, "COLLECTIONS_PER_SPACE", present + 2)
    for number in range(2):
        _create(store, alice, f"n{number}")
    with pytest.raises(LimitReached):
        _create(store, alice, "one-more")


@pytest.mark.parametrize("name", ["events", "tasks", "notes", "contacts"])
def test_the_default_ones_stay(store: Store, alice: Actor, name: str) -> None:
    for space in ("alice", "IAB"):
        with store.write(alice) as tx:
            here = bodies.find(tx, space, name)
            assert collections.is_default(here)
            with pytest.raises(Fixed):
                collections.delete(tx, here)
            with pytest.raises(Fixed):
                collections.rename(tx, here, "other")


def test_renaming(store: Store, alice: Actor, bob: Actor) -> None:
    _create(store, alice, "work")
    _create(store, alice, "play")
    with store.write(bob) as tx, pytest.raises(Denied):
        collections.rename(tx, bodies.find(tx, "alice", "work"), "his")
    with store.write(alice) as tx:
        here = bodies.find(tx, "alice", "work")
        bodies.put(tx, here, "a", bodies.event("a"))
        with pytest.raises(Exists):
            collections.rename(tx, here, "play")
        with pytest.raises(Conflict):
            collections.rename(tx, here, "a/b")
        assert collections.rename(tx, here, "job").name == "job"
    with store.read(alice) as tx:
        assert [row.name for row in items.rows(tx, bodies.find(tx, "alice", "job"))] == ["a"]
    with pytest.raises(NotFound):
        _find(store, alice, "alice", "work")


def test_colour_and_order_are_the_viewers_own(store: Store, alice: Actor, bob: Actor) -> None:
    """SYS-08: bob's look needs no right but to see, and moves nobody else's token."""
    with store.write(alice) as tx:
        collections.update(tx, desk.events(tx, "alice"), color="#112233", order=5)
    before = _find(store, alice, "alice", "events")
    assert (_find(store, bob, "alice", "events").color, before.order) == ("#112233", 5)
    with store.write(bob) as tx:
        collections.update(tx, desk.events(tx, "alice"), color="#445566", order=9)
    his = _find(store, bob, "alice", "events")
    assert (his.color, his.order) == ("#445566", 9)
    assert his.modseq > before.modseq
    assert _find(store, alice, "alice", "events") == before
    with store.write(bob) as tx:
        collections.update(tx, desk.events(tx, "alice"), color="")
    assert _find(store, bob, "alice", "events").color == "#112233"
    with store.write(alice) as tx:
        assert collections.update(tx, desk.events(tx, "IAB"), color="tomato").color == "tomato"
    assert _find(store, bob, "IAB", "events").color == ""


@pytest.mark.parametrize(
    ("color", "kept"),
    [(" #AABBCC ", "#AABBCC"), ("#AABBCCDD", "#AABBCCDD"), ("Red", "red"), ("url(x)", ""), ("#12", "")],
)
def test_colours_are_colours(store: Store, alice: Actor, color: str, kept: str) -> None:
    with store.write(alice) as tx:
        assert collections.update(tx, desk.events(tx, "alice"), color=color).color == kept


def test_what_all_see_belongs_to_the_administrator(store: Store, alice: Actor, bob: Actor) -> None:
    with store.write(alice) as tx:
        grants.grant(tx, desk.events(tx, "alice"), desk.principal(store, "bob"), Right.SEE | Right.EDIT | Right.ADD)
    for space in ("alice", "IAB"):
        for values in ({"display_name": "x"}, {"description": "x"}, {"timezone": "x"}, {"transparent": True}):
            with store.write(bob) as tx, pytest.raises(Denied):
                collections.update(tx, desk.events(tx, space), **values)
    before = _find(store, bob, "alice", "events").modseq
    with store.write(alice) as tx:
        mine = collections.update(
            tx, desk.events(tx, "alice"), display_name="Mine", description="About", transparent=True
        )
    assert (mine.display_name, mine.description, mine.transparent) == ("Mine", "About", True)
    assert _find(store, bob, "alice", "events").modseq > before
    with store.write(alice) as tx, pytest.raises(LimitReached):
        collections.update(tx, desk.events(tx, "alice"), description="x" * 70_000)


def test_the_owners_name_is_on_others_calendars(store: Store, alice: Actor, bob: Actor) -> None:
    """CAL-11."""
    with store.write(alice) as tx:
        collections.update(tx, desk.events(tx, "alice"), display_name="My life")
        collections.create(tx, P, "alice", "work", Tool.CALENDAR, display_name="Work")
    assert _find(store, alice, "alice", "events").display_name == "My life"
    assert _find(store, bob, "alice", "events").display_name == "Alice"
    assert _find(store, bob, "alice", "work").display_name == "Alice: Work"
    with store.write(alice) as tx:
        collections.update(tx, desk.events(tx, "IAB"), display_name="Our dates")
    assert _find(store, bob, "IAB", "events").display_name == "Our dates"


def test_the_site_administrator_sees_and_changes_all(store: Store) -> None:
    assert _home(store, SITE, P, "alice") == ["events", "tasks", "notes", "contacts"]
    _create(store, SITE, "made-by-site")
    with store.write(SITE) as tx:
        assert collections.update(tx, desk.events(tx, "alice"), color="#010203").color == "#010203"
        collections.delete(tx, bodies.find(tx, "alice", "made-by-site"))
