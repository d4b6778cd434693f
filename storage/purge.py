"""Drop what has outlived its time: tombstones, kept bodies, attachments, locks, invitations, throttles, stray blobs.

Each step is a short transaction of its own, so that nobody waits long for the turn to write.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from storage import blob_collection, history, locks
from storage.attachments import keeping as attachments
from storage.mail import forgetting
from storage.scheduling import sequencing
from storage.schema import collections, contact_checks, invitations, throttles, tombstones
from storage.store import Store, Transaction
from storage.types import SITE, CollectionId, ModSeq

_DAY_S: Final = 86_400.0
_ATTACHMENTS_AT_ONCE: Final = 1_000
_VERSIONS_AT_ONCE: Final = 1_000
_COLLECTIONS_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class Purged:
    """How many of each went."""

    tombstones: int
    versions: int
    locks: int
    invitations: int
    throttles: int
    attachments: int
    blobs: int


def run(store: Store) -> Purged:
    """Purge the whole desk by its `limits`; safe at any time, in any number of processes."""
    stones = bodies = 0
    before = 0
    while True:
        with store.write(SITE) as tx:
            due = _due(tx, before)
            stones += sum(tombstones_of(tx, number) for number in due)
        if not due:
            break
        before = due[-1]
    stones += forgetting.run(store, time.time() - store.limits.tombstone_days * _DAY_S)
    while True:
        with store.write(SITE) as tx:
            limit = tx.now - store.limits.version_days * _DAY_S
            dropped = history.purge(tx, limit, _VERSIONS_AT_ONCE)
        bodies += dropped
        if dropped < _VERSIONS_AT_ONCE:
            break
    unused = 0
    while True:
        with store.write(SITE) as tx:
            limit = tx.now - store.limits.version_days * _DAY_S
            dropped = attachments.purge(tx, limit, _ATTACHMENTS_AT_ONCE)
        unused += dropped
        if dropped < _ATTACHMENTS_AT_ONCE:
            break
    with store.write(SITE) as tx:
        released = locks.sweep(tx)
        expired = tx.db.execute(sa.delete(invitations).where(invitations.c.expires <= tx.now)).rowcount
        tx.db.execute(sa.delete(contact_checks).where(contact_checks.c.expires <= tx.now))
        sequencing.purge(tx)
        # A throttle whose last refusal is a day old slows nobody down any more (SYS-17).
        old = sa.and_(throttles.c.until <= tx.now, throttles.c.first <= tx.now - _DAY_S)
        forgiven = tx.db.execute(sa.delete(throttles).where(old)).rowcount
    with store.read(SITE) as tx:
        blobs = blob_collection.collect(tx)
    return Purged(stones, bodies, released, expired, forgiven, unused, blobs)


def tombstones_of(tx: Transaction, collection: CollectionId) -> int:
    """Drop a collection's tombstones older than the limit and raise its log's floor; return how many.

    A token below the floor is answered by a full resynchronisation (SYS-07), so the floor is raised in
    the same transaction, before the rows go.
    """
    mine = tombstones.c.collection_id == collection
    limit = tx.now - tx.store.limits.tombstone_days * _DAY_S
    last = sa.select(sa.func.max(tombstones.c.modseq)).where(mine, tombstones.c.removed < limit)
    floor: ModSeq | None = tx.db.execute(last).scalar()
    if floor is None:
        return 0
    tx.db.execute(
        sa.update(collections)
        .where(collections.c.id == collection, collections.c.log_floor < floor)
        .values(log_floor=floor)
    )
    return tx.db.execute(sa.delete(tombstones).where(mine, tombstones.c.modseq <= floor)).rowcount


def _due(tx: Transaction, after: int) -> list[CollectionId]:
    limit = tx.now - tx.store.limits.tombstone_days * _DAY_S
    query = (
        sa.select(tombstones.c.collection_id)
        .where(tombstones.c.collection_id > after, tombstones.c.removed < limit)
        .distinct()
        .order_by(tombstones.c.collection_id)
        .limit(_COLLECTIONS_AT_ONCE)
    )
    return [CollectionId(number) for number in tx.db.execute(query).scalars()]
