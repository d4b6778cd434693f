"""The waiting requests of a device, counted: the newest ends those before it, in whatever process they wait (EAS-10).

To the bus a device is a collection with a number below zero (docs/decisions/0160 has another of that sort).
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from storage.activesync.devices import Device
from storage.activesync.tables import waiting
from storage.store import Transaction
from storage.types import CollectionId


def topic(device: Device) -> CollectionId:
    """What to watch on the bus for newer requests of the device."""
    return CollectionId(-device.id)


def begin(tx: Transaction, device: Device) -> int:
    """Count a request that is going to wait; its number."""
    tx.touched.add(topic(device))
    insert = sqlite.insert if tx.store.engines.sqlite else postgresql.insert
    first = insert(waiting).values(device=device.id, number=1)
    raised = first.on_conflict_do_update(index_elements=["device"], set_={"number": waiting.c.number + 1})
    return int(tx.db.execute(raised.returning(waiting.c.number)).scalar_one())


def newest(tx: Transaction, device: Device) -> int:
    """The number of the newest one."""
    return numbers(tx.db, [topic(device)]).get(topic(device), 0)


def numbers(db: sa.Connection, topics: Collection[CollectionId]) -> dict[CollectionId, int]:
    """The same of many, for the bus; devices that never waited are left out."""
    if not topics:
        return {}
    query = sa.select(waiting).where(waiting.c.device.in_([-one for one in topics]))
    return {CollectionId(-row.device): row.number for row in db.execute(query)}
