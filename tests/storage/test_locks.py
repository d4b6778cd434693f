"""DAV locks: who is kept from what (RFC 4918 §6, §7), against a small model of the RFC's words."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import collections, items, locks, moving
from storage.errors import LimitReached, Locked, LockMissing
from storage.store import Store, Transaction
from storage.types import SITE, Actor, Principal, SpaceKind, Tool
from tests.storage import desk


@pytest.fixture
def home(store: Store) -> Principal:
    """Alice's space."""
    return desk.principal(store, "alice")


def test_an_exclusive_lock_keeps_everybody_out_who_does_not_show_it(
    store: Store, alice: Actor, bob: Actor, home: Principal
) -> None:
    with store.write(alice) as tx:
        held = locks.lock(tx, home, "events/a.ics", owner_xml="<D:href>alice</D:href>", timeout_s=600)
    assert held.token.startswith("urn:uuid:")
    assert held.path == "alice/private/events/a.ics"
    assert (held.owner, held.exclusive, held.infinite, held.timeout_s) == ("alice", True, False, 600)
    with store.write(alice) as tx, pytest.raises(Locked) as refused:
        locks.check(tx, home, "events/a.ics")
    assert refused.value.root == held.path
    with store.write(alice, frozenset({held.token})) as tx:
        locks.check(tx, home, "events/a.ics", member=True)
        locks.check(tx, home, "events/b.ics")
    # RFC 4918 §6.4: the authenticated principal must be the lock's creator, too.
    with store.write(bob, frozenset({held.token})) as tx, pytest.raises(Locked):
        locks.check(tx, home, "events/a.ics")
    with store.write(SITE) as tx:
        locks.check(tx, home, "events/a.ics")


def test_one_shared_token_is_enough_and_needed(store: Store, alice: Actor, bob: Actor, home: Principal) -> None:
    with store.write(alice) as tx:
        one = locks.lock(tx, home, "events/a.ics", exclusive=False)
    with store.write(bob) as tx:
        two = locks.lock(tx, home, "events/a.ics", exclusive=False)
        assert {lock.token for lock in locks.covering(tx, home, "events/a.ics")} == {one.token, two.token}
        with pytest.raises(Locked):
            locks.lock(tx, home, "events/a.ics", exclusive=True)
    with store.write(bob, frozenset({two.token})) as tx:
        locks.check(tx, home, "events/a.ics")
    with store.write(bob, frozenset({one.token})) as tx, pytest.raises(Locked):
        locks.check(tx, home, "events/a.ics")


def test_depth_infinity_covers_what_is_below_and_depth_0_the_membership(
    store: Store, alice: Actor, home: Principal
) -> None:
    with store.write(alice) as tx:
        flat = locks.lock(tx, home, "events")
        locks.check(tx, home, "events/a.ics")  # a member's content is not covered
        with pytest.raises(Locked):
            locks.check(tx, home, "events/a.ics", member=True)  # RFC 4918 §7.4
        with pytest.raises(Locked):
            locks.check(tx, home, "events")
        with pytest.raises(Locked):
            locks.lock(tx, home, "events/new.ics", reserved=True)  # a new member too
        locks.lock(tx, home, "events/a.ics")
        with pytest.raises(Locked):
            locks.lock(tx, home, "", infinite=True)
        deep = locks.lock(tx, home, "contacts", infinite=True)
        with pytest.raises(Locked) as refused:
            locks.check(tx, home, "contacts/x.vcf")
        assert refused.value.root == deep.path == "alice/private/contacts"
        with pytest.raises(Locked):
            locks.lock(tx, home, "contacts/x.vcf", exclusive=False)
        assert [lock.path for lock in locks.below(tx, home, "")] == [
            "alice/private/contacts",
            "alice/private/events",
            "alice/private/events/a.ics",
        ]
        assert locks.covering(tx, home, "events/b.ics") == []
        assert flat in locks.covering(tx, home, "events")


def test_removing_a_tree_needs_every_token_in_it(store: Store, alice: Actor, home: Principal) -> None:
    with store.write(alice) as tx:
        inner = locks.lock(tx, home, "events/a.ics")
        locks.check(tx, home, "events")
        with pytest.raises(Locked) as refused:
            locks.check(tx, home, "events", tree=True)
        assert refused.value.root.endswith("events/a.ics")
    with store.write(alice, frozenset({inner.token})) as tx:
        locks.check(tx, home, "events", tree=True)
        locks.forget(tx, home, "events")
        assert locks.below(tx, home, "") == []


def test_forgetting_takes_no_namesakes_along(store: Store, alice: Actor, home: Principal) -> None:
    with store.write(alice) as tx:
        for path in ("events", "events/a", "eventsx", "event_", "event%"):
            locks.lock(tx, home, path)
        locks.forget(tx, home, "events")
        assert {lock.path for lock in locks.below(tx, home, "")} == {
            "alice/private/eventsx",
            "alice/private/event_",
            "alice/private/event%",
        }


def test_refresh_and_unlock_are_the_creators(
    store: Store, alice: Actor, bob: Actor, carol: Actor, home: Principal, iab: Principal
) -> None:
    with store.write(bob) as tx:
        held = locks.lock(tx, iab, "events", infinite=True, timeout_s=60)
        assert held.path == "groups/IAB/events"
        # Any resource in the lock's scope may be named (RFC 4918 §9.10.2, §9.11).
        assert locks.refresh(tx, iab, "events/a.ics", held.token, 3600).timeout_s == 3600
        assert locks.refresh(tx, iab, "events", held.token, 10**9).timeout_s == locks.MAX_TIMEOUT_S
        for path, token in (("contacts", held.token), ("events", "urn:uuid:unknown")):
            with pytest.raises(LockMissing):
                locks.refresh(tx, iab, path, token)
            with pytest.raises(LockMissing):
                locks.unlock(tx, iab, path, token)
    with store.write(carol) as tx:
        with pytest.raises(LockMissing):
            locks.refresh(tx, iab, "events", held.token)
        with pytest.raises(LockMissing):
            locks.unlock(tx, iab, "events", held.token)
    with store.write(bob) as tx:
        locks.unlock(tx, iab, "events/a.ics", held.token)
        assert locks.covering(tx, iab, "events") == []


def test_nobody_can_lock_the_owner_out_of_his_own_space(
    store: Store, alice: Actor, bob: Actor, home: Principal
) -> None:
    """ACL-03; RFC 4918 §6.4 lets the resource's owner destroy a lock."""
    with store.write(bob) as tx:
        held = locks.lock(tx, home, "events", infinite=True)
    with store.write(alice) as tx:
        with pytest.raises(LockMissing):
            locks.unlock(tx, home, "contacts", held.token)
        locks.unlock(tx, home, "events", held.token)


def test_an_expired_lock_is_none(store: Store, alice: Actor, bob: Actor, home: Principal) -> None:
    with store.write(alice) as tx:
        held = locks.lock(tx, home, "events/a.ics", timeout_s=60)
        tx.now += 61
        assert locks.covering(tx, home, "events/a.ics") == []
        assert locks.below(tx, home, "events") == []
        locks.check(tx, home, "events/a.ics", member=True, tree=True)
        with pytest.raises(LockMissing):
            locks.refresh(tx, home, "events/a.ics", held.token)
        locks.lock(tx, home, "events/a.ics")
        assert tx.db.execute(sa.text("SELECT count(*) FROM dav_lock")).scalar() == 1
        tx.now += 10**6
        assert locks.sweep(tx) == 1


def test_limits(store: Store, alice: Actor, home: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    with store.write(alice) as tx:
        with pytest.raises(LimitReached):
            locks.lock(tx, home, "events", owner_xml="x" * (locks.MAX_OWNER_OCTETS + 1))
        monkeypatch.setattr(locks, "MAX_LOCKS_PER_OWNER", 2)
        locks.lock(tx, home, "events/1")
        locks.lock(tx, home, "events/2")
        with pytest.raises(LimitReached):
            locks.lock(tx, home, "events/3")


def test_items_obey_locks_and_their_removal_drops_them(store: Store, alice: Actor, home: Principal) -> None:
    """The locks hold for every writer, not only for DAV (SYS-01)."""
    with store.write(alice) as tx:
        book = desk.contacts(tx, "alice")
        desk.put(tx, book, "a.vcf", desk.card("1"))
        held = locks.lock(tx, home, "contacts/a.vcf")
        for act in (
            lambda: desk.put(tx, book, "a.vcf", desk.card("1", "Grace")),
            lambda: items.delete(tx, book, "a.vcf"),
            lambda: moving.move(tx, book, "a.vcf", book, "b.vcf", overwrite=False),
        ):
            with pytest.raises(Locked):
                act()
    with store.write(alice, frozenset({held.token})) as tx:
        book = desk.contacts(tx, "alice")
        desk.put(tx, book, "a.vcf", desk.card("1", "Grace"))
        items.delete(tx, book, "a.vcf")
        assert locks.below(tx, home, "contacts") == []
        desk.put(tx, book, "a.vcf", desk.card("1"))


def test_a_removed_collection_drops_its_locks(store: Store, alice: Actor, home: Principal) -> None:
    with store.write(alice) as tx:
        made = collections.create(tx, SpaceKind.PRIVATE, "alice", "work", Tool.CALENDAR)
        held = locks.lock(tx, home, "work", infinite=True)
        with pytest.raises(Locked):
            collections.delete(tx, made)
    with store.write(alice, frozenset({held.token})) as tx:
        collections.delete(tx, collections.find(tx, SpaceKind.PRIVATE, "alice", "work"))
        assert locks.below(tx, home, "") == []


def test_of_simultaneous_exclusive_locks_one_is_granted(
    store: Store, alice: Actor, bob: Actor, home: Principal
) -> None:
    outcomes: list[str] = []
    together = threading.Barrier(6)

    def attempt(who: Actor, path: str, infinite: bool) -> None:
        together.wait(20)
        try:
            with store.write(who) as tx:
                locks.lock(tx, home, path, infinite=infinite)
            outcomes.append("granted")
        except Locked:
            outcomes.append("locked")

    wishes = [("events/a.ics", False), ("events", True), ("", True)] * 2
    threads = [
        threading.Thread(target=attempt, args=((alice, bob)[number % 2], *wish)) for number, wish in enumerate(wishes)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["granted"] + ["locked"] * 5


def test_a_lock_waits_for_the_write_that_came_first(store: Store, alice: Actor, bob: Actor, home: Principal) -> None:
    """Once LOCK is answered, nobody's write that did not show the token becomes visible."""
    order: list[str] = []

    def take_lock() -> None:
        with store.write(alice) as tx:
            locks.lock(tx, home, "contacts/a.vcf")
            order.append("locked")

    with store.write(alice) as tx:
        book = desk.contacts(tx, "alice")
        thread = threading.Thread(target=take_lock)
        thread.start()
        desk.put(tx, book, "a.vcf", desk.card("a"))
        thread.join(0.2)
        order.append("written")
    thread.join(30)
    assert order == ["written", "locked"]


# --- the model -----------------------------------------------------------------------------------

PATHS = ("", "a", "b", "a/x", "a/y", "b/x")


@dataclass(frozen=True)
class _Held:
    path: str
    owner: str
    exclusive: bool
    infinite: bool
    token: str

    def covers(self, path: str) -> bool:
        return self.path == path or (self.infinite and _inside(path, self.path))


def _inside(path: str, above: str) -> bool:
    return path != above and (above == "" or path.startswith(above + "/"))


def _model_conflict(held: list[_Held], path: str, exclusive: bool, infinite: bool) -> bool:
    near = [one for one in held if one.covers(path) or (infinite and _inside(one.path, path))]
    return any(exclusive or one.exclusive for one in near)


def _model_allows(held: list[_Held], path: str, who: str, shown: set[str], member: bool, tree: bool) -> bool:
    resources = {path} | ({path.rpartition("/")[0]} if member and path else set())
    if tree:
        resources |= {one.path for one in held if _inside(one.path, path)}
    for resource in resources:
        covering = [one for one in held if one.covers(resource)]
        usable = [one for one in covering if one.token in shown and one.owner == who]
        if covering and not usable:
            return False
    return True


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["lock", "lock", "unlock", "forget"]),
        st.sampled_from(PATHS),
        st.sampled_from(["alice", "bob"]),
        st.booleans(),
        st.booleans(),
    ),
    max_size=12,
)


@pytest.mark.slow
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=_STEPS, shown=st.sets(st.integers(0, 5)))
def test_locks_do_what_the_model_does(
    store: Store,
    alice: Actor,
    bob: Actor,
    home: Principal,
    steps: list[tuple[str, str, str, bool, bool]],
    shown: set[int],
) -> None:
    people = {"alice": alice, "bob": bob}
    held: list[_Held] = []
    with store.write(SITE) as tx:
        tx.db.execute(sa.text("DELETE FROM dav_lock"))
    with store.write(alice) as tx:
        for verb, path, who, exclusive, infinite in steps:
            acting = Transaction(tx.store, tx.db, tx.raw, people[who], True, frozenset(), tx.now)
            if verb == "lock":
                _lock(acting, home, held, path, exclusive, infinite)
            elif verb == "unlock":
                mine = [one for one in held if one.owner == who and one.covers(path)]
                for one in mine[:1]:
                    locks.unlock(acting, home, path, one.token)
                    held.remove(one)
            else:
                locks.forget(acting, home, path)
                held = [one for one in held if one.path != path and not _inside(one.path, path)]
        _compare(tx, home, held, people, shown)


def _lock(tx: Transaction, home: Principal, held: list[_Held], path: str, exclusive: bool, infinite: bool) -> None:
    try:
        made = locks.lock(tx, home, path, exclusive=exclusive, infinite=infinite)
    except Locked:
        assert _model_conflict(held, path, exclusive, infinite)
        return
    assert not _model_conflict(held, path, exclusive, infinite)
    held.append(_Held(path, tx.actor.login, exclusive, infinite, made.token))


def _compare(tx: Transaction, home: Principal, held: list[_Held], people: dict[str, Actor], shown: set[int]) -> None:
    tokens = {one.token for number, one in enumerate(held) if number in shown}
    for path in (*PATHS, "a/z", "c"):
        assert {lock.token for lock in locks.covering(tx, home, path)} == {
            one.token for one in held if one.covers(path)
        }
        assert {lock.token for lock in locks.below(tx, home, path)} == {
            one.token for one in held if _inside(one.path, path)
        }
        for (who, actor), member, tree in itertools.product(people.items(), (False, True), (False, True)):
            acting = Transaction(tx.store, tx.db, tx.raw, actor, True, frozenset(tokens), tx.now)
            allowed = True
            try:
                locks.check(acting, home, path, member=member, tree=tree)
            except Locked:
                allowed = False
            assert allowed == _model_allows(held, path, who, tokens, member, tree)
