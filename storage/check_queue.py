"""Is the outbound queue consistent? Every mail has recipients, and a body (a part of storage/check.py)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import sqlalchemy as sa

from storage import blob_collection
from storage.check_disk import Problem
from storage.outbound.tables import messages, recipients
from storage.store import Transaction

_WHERE: Final = "outbound queue"


def queue(tx: Transaction, repair: bool) -> Iterator[Problem]:
    """All rules of the queue."""
    waits = sa.select(sa.literal(1)).where(recipients.c.message_id == messages.c.id).exists()
    for number in tx.db.execute(sa.select(messages.c.id).where(~waits)).scalars().all():
        if repair:
            tx.db.execute(sa.delete(messages).where(messages.c.id == number))
        yield Problem("queue", _WHERE, f"mail {number} is for nobody", repair)
    missing = set(blob_collection.missing(tx))
    stored = sa.select(messages.c.id, messages.c.blob).where(messages.c.blob.is_not(None))
    for row in tx.db.execute(stored).all():
        if row.blob in missing:
            yield Problem("blob", _WHERE, f"the body {row.blob} of mail {row.id} is missing")
    empty = sa.select(messages.c.id).where(messages.c.blob.is_(None), messages.c.body.is_(None))
    for number in tx.db.execute(empty).scalars().all():
        yield Problem("queue", _WHERE, f"mail {number} has no body")
