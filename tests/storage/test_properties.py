"""Dead properties: kept as sent, limited, and told only to whoever sees the details (RFC 4918 §4, SYS-09)."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from storage import grants, items, locks, moving, properties
from storage.errors import Denied, LimitReached, Locked, NotFound
from storage.store import Store
from storage.types import Actor, Right
from tests.storage import desk

NOTE = ("http://example.test/ns", "note")
PLAIN = ("", "plain")


def test_set_change_and_remove(store: Store, alice: Actor) -> None:
    with store.write(alice) as tx:
        calendar = desk.events(tx, "alice")
        desk.put(tx, calendar, "a.ics", desk.event("a"))
        for name in (None, "a.ics"):
            assert properties.get_all(tx, calendar, name) == {}
            properties.put(tx, calendar, name, {NOTE: "<n>1</n>", PLAIN: "<plain/>"})
            properties.put(tx, calendar, name, {NOTE: "<n>2</n>", ("x", "absent"): None})
            assert properties.get_all(tx, calendar, name) == {NOTE: "<n>2</n>", PLAIN: "<plain/>"}
            properties.put(tx, calendar, name, {PLAIN: None})
            assert properties.get_all(tx, calendar, name) == {NOTE: "<n>2</n>"}
        with pytest.raises(NotFound):
            properties.put(tx, calendar, "absent.ics", {NOTE: "<n/>"})
        assert properties.of_items(tx, calendar) == {"a.ics": {NOTE: "<n>2</n>"}}
        assert properties.of_items(tx, calendar, ["a.ics", "b.ics"]) == {"a.ics": {NOTE: "<n>2</n>"}}
        assert properties.of_items(tx, calendar, []) == {}
        assert properties.of_collections(tx, [calendar]) == {calendar.id: {NOTE: "<n>2</n>"}}


def test_limits(store: Store, alice: Actor) -> None:
    with store.write(alice) as tx:
        calendar = desk.events(tx, "alice")
        with pytest.raises(LimitReached):
            properties.put(tx, calendar, None, {NOTE: "x" * (properties.PROPERTY_OCTETS + 1)})
        full = {("n", str(number)): "<x/>" for number in range(properties.PROPERTIES_PER_RESOURCE)}
        properties.put(tx, calendar, None, full)
        properties.put(tx, calendar, None, full)  # the same ones again are no more
    with store.write(alice) as tx, pytest.raises(LimitReached):
        properties.put(tx, desk.events(tx, "alice"), None, {NOTE: "<x/>"})


def test_many_at_once_keep_nobody_waiting(store: Store, alice: Actor) -> None:
    """SYS-17: a PROPPATCH of 4 MiB held the one writer of the database for five seconds, a statement for each name."""
    with store.write(alice) as tx:
        calendar = desk.events(tx, "alice")
        asked: list[str] = []
        event.listen(tx.db, "before_cursor_execute", lambda _, __, statement, *___: asked.append(statement))
        with pytest.raises(LimitReached):
            properties.put(tx, calendar, None, {("n", str(number)): "<x/>" for number in range(5_000)})
        properties.put(tx, calendar, None, {NOTE: "<n/>"})
        properties.put(tx, calendar, None, {("n", str(number)): None for number in range(5_000)} | {NOTE: None})
        assert properties.get_all(tx, calendar, None) == {}
        assert len(asked) < 50


def test_they_follow_a_move_and_go_with_the_item(store: Store, alice: Actor) -> None:
    with store.write(alice) as tx:
        calendar = desk.events(tx, "alice")
        desk.put(tx, calendar, "a.ics", desk.event("a"))
        properties.put(tx, calendar, "a.ics", {NOTE: "<n/>"})
        moving.move(tx, calendar, "a.ics", calendar, "b.ics", overwrite=False)
        assert properties.of_items(tx, calendar) == {"b.ics": {NOTE: "<n/>"}}
        desk.put(tx, calendar, "c.ics", desk.event("c"))
        properties.put(tx, calendar, "c.ics", {PLAIN: "<old/>"})
        properties.copy(tx, calendar, "b.ics", calendar, "c.ics")
        assert properties.get_all(tx, calendar, "c.ics") == {NOTE: "<n/>"}  # RFC 4918 §9.8.2
        items.delete(tx, calendar, "b.ics")
        desk.put(tx, calendar, "b.ics", desk.event("a"))
        assert properties.get_all(tx, calendar, "b.ics") == {}


def test_who_reads_and_who_writes(store: Store, alice: Actor, bob: Actor) -> None:
    with store.write(alice) as tx:
        calendar = desk.events(tx, "alice")
        desk.put(tx, calendar, "a.ics", desk.event("a"))
        properties.put(tx, calendar, "a.ics", {NOTE: "<secret/>"})
    with store.write(bob) as tx:  # a co-member, who sees times only (CAL-07)
        calendar = desk.events(tx, "alice")
        assert properties.of_items(tx, calendar) == {}
        assert properties.get_all(tx, calendar, "a.ics") == {}
        with pytest.raises(Denied):
            properties.put(tx, calendar, "a.ics", {NOTE: "<n/>"})
        with pytest.raises(Denied):
            properties.put(tx, calendar, None, {NOTE: "<n/>"})
    with store.write(alice) as tx:
        grants.grant(tx, desk.events(tx, "alice"), desk.principal(store, "bob"), Right.SEE)
    with store.write(bob) as tx:
        calendar = desk.events(tx, "alice")
        assert properties.of_items(tx, calendar) == {"a.ics": {NOTE: "<secret/>"}}
        with pytest.raises(Denied):
            properties.put(tx, calendar, "a.ics", {NOTE: "<n/>"})
    with store.write(alice) as tx:
        grants.grant(tx, desk.events(tx, "alice"), desk.principal(store, "bob"), Right.EDIT)
    with store.write(bob) as tx:
        properties.put(tx, desk.events(tx, "alice"), "a.ics", {NOTE: "<n/>"})


def test_locks_keep_properties_too(store: Store, alice: Actor) -> None:
    """RFC 4918 §7: a write lock covers any dead property."""
    with store.write(alice) as tx:
        calendar = desk.events(tx, "alice")
        held = locks.lock(tx, calendar.space, "events")
        with pytest.raises(Locked):
            properties.put(tx, calendar, None, {NOTE: "<n/>"})
    with store.write(alice, frozenset({held.token})) as tx:
        properties.put(tx, desk.events(tx, "alice"), None, {NOTE: "<n/>"})
