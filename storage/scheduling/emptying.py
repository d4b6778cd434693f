"""A calendar goes with all its meetings: each is called off, or refused (RFC 6638 §3.2.3.2).

What is still to come at once; what is over a moment later, by `jobs`: an old calendar has thousands of them.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from storage import writing
from storage.scheduling import implicit, later
from storage.scheduling.people import Person
from storage.schema import event_index, items
from storage.store import Transaction
from storage.types import Collection, SpaceKind

_TOGETHER: Final = 200


def removed(tx: Transaction, collection: Collection, *, reply: bool) -> None:
    """Tell whom it concerns of everything in a calendar that is about to be removed; as `implicit.removed`."""
    for row in tx.db.execute(_meetings(collection).where(event_index.c.ends > tx.now)).all():
        implicit.removed(tx, collection, row, reply=reply)
    last = 0
    while rows := tx.db.execute(_meetings(collection).where(items.c.id > last).limit(_TOGETHER)).all():
        last = rows[-1].id
        over = [row for row in rows if row.ends <= tx.now]
        if collection.space.kind is SpaceKind.PRIVATE:
            owner = Person(collection.space.id, collection.space.name)
            later.remove(tx, owner, [(row.uid_of_meeting, writing.body_of(tx, row)) for row in over], reply=reply)
        else:  # where everybody's meeting is his own (MTG-18)
            for row in over:
                implicit.removed(tx, collection, row, reply=reply, notices=False)


def _meetings(collection: Collection) -> sa.Select[Any]:
    return (
        sa.select(items, event_index.c.ends, event_index.c.uid.label("uid_of_meeting"))
        .join(event_index, event_index.c.item_id == items.c.id)
        .where(items.c.collection_id == collection.id, items.c.schedule_tag != 0)
        .order_by(items.c.id)
    )
