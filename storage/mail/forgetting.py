"""Forget which messages vanished long ago: an older number then leads to a snapshot (SYS-07, RFC 7162 §3.2)."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from storage.mail.tables import vanished
from storage.schema import collections
from storage.store import Store
from storage.types import SITE

_AT_ONCE: Final = 100


def run(store: Store, before: float) -> int:
    """Drop the rows of messages that vanished before that time, and raise their logs' floors; how many went."""
    gone = 0
    last = 0
    due = (
        sa.select(vanished.c.collection_id, sa.func.max(vanished.c.modseq).label("floor"))
        .where(vanished.c.removed < before, vanished.c.collection_id > sa.bindparam("last"))
        .group_by(vanished.c.collection_id)
        .order_by(vanished.c.collection_id)
        .limit(_AT_ONCE)
    )
    while True:
        with store.write(SITE) as tx:
            rows = tx.db.execute(due, {"last": last}).all()
            for number, floor in rows:
                here = sa.and_(collections.c.id == number, collections.c.log_floor < floor)
                tx.db.execute(sa.update(collections).where(here).values(log_floor=floor))
                old = sa.and_(vanished.c.collection_id == number, vanished.c.modseq <= floor)
                gone += tx.db.execute(sa.delete(vanished).where(old)).rowcount
        if not rows:
            return gone
        last = rows[-1].collection_id
