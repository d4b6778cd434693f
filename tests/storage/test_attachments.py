"""Attachments of events in the store: who uses them, when they go, what is put back finds them (RFC 8607)."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from storage import blob_collection, bodies, calendar, history, items, purge, quota
from storage.attachments import changing, keeping
from storage.attachments.errors import UnknownAttachment
from storage.attachments.foreign import Foreign
from storage.attachments.tables import attachments, uses
from storage.errors import NotFound
from storage.store import Store, Transaction
from storage.types import SITE, Actor, Tool
from tests.storage import desk
from tests.storage.at_once import beside, writing

DAY_S = 86_400


def attach(tx: Transaction, owner: str, name: str, content: bytes = b"hello") -> str:
    collection = desk.events(tx, owner)
    made = keeping.keep(
        tx, collection, bodies.receive(tx.store, [content]), name="a.txt", media_type="text/plain", base="http://x/"
    )
    changing.add(tx, collection, name, made, ())
    return made.managed_id


def event(tx: Transaction, owner: str, uid: str, managed: str = "", foreign: Foreign = Foreign.REFUSED) -> None:
    body = desk.event(uid)
    if managed:
        body = body.replace(b"END:VEVENT", f"ATTACH;MANAGED-ID={managed}:x\r\nEND:VEVENT".encode())
    items.put(tx, desk.events(tx, owner), f"{uid}.ics", calendar.prepare(body), foreign=foreign)


def age(store: Store, days: int) -> None:
    with store.write(SITE) as tx:
        tx.db.execute(sa.update(attachments).values(unused=attachments.c.unused - days * DAY_S))


def test_what_nothing_uses_goes_after_the_days_of_versions(store: Store, alice: Actor) -> None:
    with store.write(alice) as tx:
        event(tx, "alice", "a")
        managed = attach(tx, "alice", "a.ics", b"x" * 100_000)
    assert purge.run(store).attachments == 0
    with store.write(alice) as tx:
        items.delete(tx, desk.events(tx, "alice"), "a.ics")
        with pytest.raises(NotFound):
            keeping.read(tx, managed)
    assert purge.run(store).attachments == 0  # marked now
    age(store, store.limits.version_days + 1)
    assert purge.run(store).attachments == 1
    with store.read(SITE) as tx:
        assert blob_collection.collect(tx, 0) == 1
        assert tx.db.execute(sa.select(sa.func.count()).select_from(uses)).scalar() == 0


def test_a_body_that_is_used_is_not_collected(store: Store, alice: Actor) -> None:
    with store.write(alice) as tx:
        event(tx, "alice", "a")
        managed = attach(tx, "alice", "a.ics", b"y" * 100_000)
    with store.read(alice) as tx:
        assert blob_collection.collect(tx, 0) == 0
        found = keeping.read(tx, managed)
        assert found.blob is not None
        assert store.blobs.read(found.blob) == b"y" * 100_000


def test_a_version_put_back_has_its_attachments_again(store: Store, alice: Actor) -> None:
    """SYS-06; and the mark of the purge goes."""
    with store.write(alice) as tx:
        event(tx, "alice", "a")
        managed = attach(tx, "alice", "a.ics")
        changing.remove(tx, desk.events(tx, "alice"), "a.ics", managed, ())
    purge.run(store)
    with store.write(alice) as tx:
        collection = desk.events(tx, "alice")
        newest = history.listing(tx, collection, "a.ics")[0]
        history.restore(tx, collection, newest.id)
        assert keeping.read(tx, managed).body == b"hello"
    age(store, store.limits.version_days + 1)
    assert purge.run(store).attachments == 0


def test_another_ones_is_refused_or_becomes_a_link(store: Store, alice: Actor, bob: Actor) -> None:
    with store.write(alice) as tx:
        event(tx, "alice", "a")
        managed = attach(tx, "alice", "a.ics")
    with store.write(bob) as tx:
        with pytest.raises(UnknownAttachment):
            event(tx, "bob", "b", managed)
        for foreign in (Foreign.UNMANAGED, Foreign.OF_SPACE):
            event(tx, "bob", "b", managed, foreign)
            body = items.get(tx, desk.events(tx, "bob"), "b.ics").body
            assert body is not None
            assert b"ATTACH:x\r\n" in body
        with pytest.raises(NotFound):
            keeping.read(tx, managed)


def test_each_counts_once_in_the_space_it_was_added_in(store: Store, alice: Actor) -> None:
    with store.write(alice) as tx:
        event(tx, "alice", "a")
        before = quota.used(tx, desk.principal(store, "alice"), Tool.DOCUMENTS).octets
        managed = attach(tx, "alice", "a.ics", b"12345")
        event(tx, "alice", "b", managed)
        assert quota.used(tx, desk.principal(store, "alice"), Tool.DOCUMENTS).octets == before + 5
        for name in ("a.ics", "b.ics"):
            items.delete(tx, desk.events(tx, "alice"), name)
        assert quota.used(tx, desk.principal(store, "alice"), Tool.DOCUMENTS).octets == before


def test_what_is_put_back_as_the_unused_go_stays(store: Store, alice: Actor) -> None:
    """SYS-06, RFC 8607 §3.12.3: an event that says that it has an attachment has it."""
    with store.write(alice) as tx:
        event(tx, "alice", "a")
        managed = attach(tx, "alice", "a.ics")
        changing.remove(tx, desk.events(tx, "alice"), "a.ics", managed, ())
    purge.run(store)
    age(store, store.limits.version_days + 1)
    other = writing(store, SITE, lambda tx: keeping.purge(tx, tx.now - 1))
    with beside(store, alice, other) as tx:
        collection = desk.events(tx, "alice")
        history.restore(tx, collection, history.listing(tx, collection, "a.ics")[0].id)
    assert other.error is None
    with store.read(alice) as tx:
        assert keeping.read(tx, managed).size == len(b"hello")
