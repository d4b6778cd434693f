"""What a device's window leaves out: events that ended before it, tasks that are done ([MS-ASCMD] §2.2.3.68.2)."""

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
    return _named(tx, collection, names, event_index.c.ends < moment)


def completed(tx: Transaction, collection: Collection, names: Sequence[str]) -> frozenset[str]:
    """Those of the named tasks that are done."""
    return _named(tx, collection, names, event_index.c.status == "COMPLETED")


def _named(
    tx: Transaction, collection: Collection, names: Sequence[str], condition: sa.ColumnElement[bool]
) -> frozenset[str]:
    found: set[str] = set()
    for at in range(0, len(names), _CHUNK):
        query = (
            sa.select(items.c.name)
            .join(event_index, event_index.c.item_id == items.c.id)
            .where(items.c.collection_id == collection.id, items.c.name.in_(names[at : at + _CHUNK]), condition)
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
