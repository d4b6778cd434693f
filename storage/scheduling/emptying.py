"""A calendar goes with all its meetings: what is still to come is called off, or refused (RFC 6638 §3.2.3.2)."""

from __future__ import annotations

import sqlalchemy as sa

from storage.scheduling import implicit
from storage.schema import event_index, items
from storage.store import Transaction
from storage.types import Collection


def removed(tx: Transaction, collection: Collection) -> None:
    """Tell whom it concerns of everything in a calendar that is about to be removed, but of nothing that is over."""
    query = (
        sa.select(items)
        .join(event_index, event_index.c.item_id == items.c.id)
        .where(items.c.collection_id == collection.id, items.c.schedule_tag != 0, event_index.c.ends > tx.now)
        .order_by(items.c.id)
    )
    for row in tx.db.execute(query).all():
        implicit.removed(tx, collection, row, reply=True)
