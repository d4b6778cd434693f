"""Which events a device's window leaves out: those that ended before it ([MS-ASCMD] §2.2.3.68.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from storage.schema import event_index, items
from storage.store import Transaction
from storage.types import Collection

_CHUNK: Final = 500


def ended_before(tx: Transaction, collection: Collection, names: Sequence[str], moment: int) -> frozenset[str]:
    """Those of the named items whose last occurrence ended before `moment` (UTC seconds)."""
    found: set[str] = set()
    for at in range(0, len(names), _CHUNK):
        query = (
            sa.select(items.c.name)
            .join(event_index, event_index.c.item_id == items.c.id)
            .where(
                items.c.collection_id == collection.id,
                items.c.name.in_(names[at : at + _CHUNK]),
                event_index.c.ends < moment,
            )
        )
        found.update(tx.db.execute(query).scalars())
    return frozenset(found)


def ended_between(tx: Transaction, collection: Collection, first: int, last: int) -> list[str]:
    """Names of the items whose last occurrence ended in [first, last), UTC seconds."""
    query = (
        sa.select(items.c.name)
        .join(event_index, event_index.c.item_id == items.c.id)
        .where(event_index.c.collection_id == collection.id, event_index.c.ends >= first, event_index.c.ends < last)
    )
    return list(tx.db.execute(query).scalars())
