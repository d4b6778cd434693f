"""Annotations of mailboxes and of the account: a name, and octets that mean something to a client (RFC 5464)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import sqlalchemy as sa

from storage.errors import LimitReached, TooLarge
from storage.mail import listing_changes, numbers
from storage.mail.tables import metadata_values
from storage.store import Transaction
from storage.types import CollectionId

ENTRIES_MAX: Final = 100
"""Of one mailbox."""
VALUE_OCTETS: Final = 64 * 1024
ACCOUNT: Final = CollectionId(0)
"""The number under which the account's own are."""


def every(tx: Transaction, number: CollectionId) -> dict[str, bytes]:
    """All annotations of one of the actor's mailboxes, or of his account."""
    query = sa.select(metadata_values.c.entry, metadata_values.c.value).where(
        metadata_values.c.account_id == tx.actor.id,
        metadata_values.c.collection_id == number,
        metadata_values.c.entry != listing_changes.ENTRY,
    )
    return {row.entry: bytes(row.value) for row in tx.db.execute(query.order_by(metadata_values.c.entry))}


def put(tx: Transaction, number: CollectionId, values: Mapping[str, bytes | None]) -> None:
    """Set annotations, or take away those that are None; all or nothing.

    Raises:
        TooLarge: a value is too long.
        LimitReached: too many.
    """
    present = every(tx, number)
    if number != ACCOUNT and any(present.get(entry) != value for entry, value in values.items()):
        numbers.take(tx, number)  # a change of the mailbox, as those of its messages are (RFC 7162 §3.2)
    for entry, value in values.items():
        if value is not None and len(value) > VALUE_OCTETS:
            raise TooLarge(VALUE_OCTETS)
        here = sa.and_(
            metadata_values.c.account_id == tx.actor.id,
            metadata_values.c.collection_id == number,
            metadata_values.c.entry == entry,
        )
        if entry in present:
            tx.db.execute(sa.delete(metadata_values).where(here))
            del present[entry]
        if value is not None:
            if len(present) >= ENTRIES_MAX:
                raise LimitReached("annotations", ENTRIES_MAX)
            row = {"account_id": tx.actor.id, "collection_id": number, "entry": entry, "value": value}
            tx.db.execute(sa.insert(metadata_values).values(**row))
            present[entry] = value
    listing_changes.note(tx)


def marks(tx: Transaction) -> dict[CollectionId, dict[str, int]]:
    """Of all annotations of the actor: a number that differs when the value does, by mailbox and entry."""
    query = sa.select(metadata_values).where(
        metadata_values.c.account_id == tx.actor.id, metadata_values.c.entry != listing_changes.ENTRY
    )
    found: dict[CollectionId, dict[str, int]] = {}
    for row in tx.db.execute(query.order_by(metadata_values.c.entry).execution_options(yield_per=100)):
        found.setdefault(CollectionId(row.collection_id), {})[row.entry] = hash(bytes(row.value))
    return found


def forget(tx: Transaction, number: CollectionId) -> None:
    """A mailbox is gone."""
    tx.db.execute(sa.delete(metadata_values).where(metadata_values.c.collection_id == number))
