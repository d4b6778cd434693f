"""What has outlived its time goes, and the log's floor says so (SYS-07)."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from storage import changes, items, locks, purge
from storage.errors import LogTruncated
from storage.schema import collections, invitations, throttles, tombstones
from storage.store import Store
from storage.types import SITE, Actor, ModSeq, Principal
from tests.storage import desk

DAY_S = 86_400


def test_old_tombstones_go_and_tokens_below_them_are_refused(store: Store, alice: Actor) -> None:
    with store.write(alice) as tx:
        calendar = desk.events(tx, "alice")
        for name in ("old", "young", "alive"):
            desk.put(tx, calendar, name, desk.event(name))
        start = desk.events(tx, "alice").modseq
        items.delete(tx, calendar, "old")
        middle = desk.events(tx, "alice").modseq
        items.delete(tx, calendar, "young")
        tx.db.execute(
            sa.update(tombstones)
            .where(tombstones.c.name == "old")
            .values(removed=tx.now - store.limits.tombstone_days * DAY_S - 1)
        )
    assert purge.run(store).tombstones == 1
    with store.read(alice) as tx:
        calendar = desk.events(tx, "alice")
        floor = tx.db.execute(sa.select(collections.c.log_floor).where(collections.c.id == calendar.id)).scalar()
        assert floor == middle
        with pytest.raises(LogTruncated):
            changes.since(tx, calendar, start)
        assert changes.since(tx, calendar, middle).removed == ("young",)
        assert [row.name for row in changes.since(tx, calendar, ModSeq(0)).items] == ["alive"]
    assert purge.run(store).tombstones == 0


def test_a_young_tombstone_below_an_old_one_goes_too(store: Store, alice: Actor) -> None:
    """The floor is one number: nothing at or below it may be left to be told by halves."""
    with store.write(alice) as tx:
        calendar = desk.events(tx, "alice")
        for name in ("a", "b"):
            desk.put(tx, calendar, name, desk.event(name))
            items.delete(tx, calendar, name)
        tx.db.execute(sa.update(tombstones).where(tombstones.c.name == "b").values(removed=0))
    assert purge.run(store).tombstones == 2


def test_the_small_things(store: Store, alice: Actor, iab: Principal) -> None:
    with store.write(alice) as tx:
        locks.lock(tx, iab, "events", timeout_s=10)
        locks.lock(tx, iab, "contacts", timeout_s=1000)
        tx.db.execute(sa.text("UPDATE dav_lock SET expires = 1 WHERE path = 'events'"))
        for token, expires in (("old", 1.0), ("young", tx.now + DAY_S)):
            values = {"group_id": iab.id, "address": "x@example.test", "token": token}
            tx.db.execute(sa.insert(invitations).values(**values, created=1.0, expires=expires))
        for key, first, until in (
            ("old", 1.0, 2.0),
            ("slowed", 1.0, tx.now + 60),
            ("recent", tx.now, tx.now - 1),
        ):
            tx.db.execute(sa.insert(throttles).values(key=key, failures=3, first=first, until=until))
    assert purge.run(store) == purge.Purged(0, 0, 1, 1, 1, 0, 0)
    with store.read(SITE) as tx:
        assert set(tx.db.execute(sa.select(throttles.c.key)).scalars()) == {"slowed", "recent"}
