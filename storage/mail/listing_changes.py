"""That the list of an account's mailboxes changed: their names, the subscriptions, the annotations (RFC 5465 §5.4…7).

To the bus an account's list is a collection with a number far below zero (docs/decisions/0160 and
`storage/activesync/waits.py` have others of that sort); docs/decisions/0274 says why it is one row of the annotations.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from storage.mail.tables import metadata_values
from storage.store import Transaction
from storage.types import CollectionId, PrincipalId

ENTRY: Final = ""
"""The name of the row; those of annotations begin with a slash."""
_BASE: Final = 1 << 40
_mark: Final = sa.and_(metadata_values.c.collection_id == 0, metadata_values.c.entry == ENTRY)


def topic(account: PrincipalId) -> CollectionId:
    """What to watch on the bus."""
    return CollectionId(-_BASE - account)


def is_topic(number: int) -> bool:
    return number <= -_BASE


def note(tx: Transaction) -> None:
    """The list of the actor's mailboxes changes with this transaction.

    Last of all: the row is locked from here on, and nobody shall wait for others while he has it.
    """
    wanted = topic(PrincipalId(tx.actor.id))
    if wanted in tx.touched:
        return
    tx.touched.add(wanted)
    insert = sqlite.insert if tx.store.engines.sqlite else postgresql.insert
    value = secrets.token_bytes(7)
    first = insert(metadata_values).values(account_id=tx.actor.id, collection_id=0, entry=ENTRY, value=value)
    key = ["account_id", "collection_id", "entry"]
    tx.db.execute(first.on_conflict_do_update(index_elements=key, set_={"value": value}))


def numbers(db: sa.Connection, topics: Collection[CollectionId]) -> dict[CollectionId, int]:
    """What the bus compares: it differs after every change; lists that never changed are left out."""
    if not topics:
        return {}
    accounts = [-one - _BASE for one in topics]
    query = sa.select(metadata_values.c.account_id, metadata_values.c.value).where(
        _mark, metadata_values.c.account_id.in_(accounts)
    )
    return {topic(PrincipalId(row.account_id)): int.from_bytes(row.value, "big") for row in db.execute(query)}
