"""Which messages no session was told of yet: `\\Recent` of IMAP4rev1 (RFC 3501 §2.3.2).

A mailbox keeps the first uid that nobody was told of. No session waits for that to be written: its own process knows at
once, the others within about a second. Two that are told in the same second may both call a message recent, as they
should where it cannot be known who was first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from storage.gathering import Gathering
from storage.mail.tables import messages
from storage.mail.tables import told as marks
from storage.schema import collections
from storage.statements import Statement
from storage.store import Store, Transaction
from storage.types import CollectionId, Tool

_FIRST: Final = Statement(sa.select(marks.c.uid).where(marks.c.collection_id == sa.bindparam("collection")))
_COUNT: Final = Statement(
    sa.select(sa.func.count()).where(
        messages.c.collection_id == sa.bindparam("collection"), messages.c.uid >= sa.bindparam("first")
    )
)

_COUNTS: Final = Statement(
    sa.select(messages.c.collection_id, sa.func.count())
    .join(collections, collections.c.id == messages.c.collection_id)
    .outerjoin(marks, marks.c.collection_id == messages.c.collection_id)
    .where(
        collections.c.space_id == sa.bindparam("actor"),
        collections.c.tool == Tool.MESSAGES.value,
        messages.c.uid >= sa.func.coalesce(marks.c.uid, 1),
    )
    .group_by(messages.c.collection_id)
)


def first(tx: Transaction, number: CollectionId) -> int:
    """The first uid of which no session was told; the next uid of the mailbox if there is none."""
    stored: int | None = _FIRST.scalar(tx, {"collection": number})
    return max(stored or 1, _marks.known(tx.store, number) or 1)


def count(tx: Transaction, number: CollectionId, since: int) -> int:
    """How many messages have this uid or a higher one."""
    return int(_COUNT.scalar(tx, {"collection": number, "first": since}))


def counts(tx: Transaction) -> dict[int, int]:
    """Of the actor's mailboxes: how many messages no session was told of; those without any are left out."""
    found: dict[int, int] = {}
    for number, many in _COUNTS.raw(tx, {"actor": tx.actor.id}):
        mark = _marks.known(tx.store, number)
        found[number] = many if mark is None else count(tx, number, mark)
    return found


def told(store: Store, number: CollectionId, until: int) -> None:
    """A session was told of all messages with uids below `until`."""
    _marks.add(store, number, until)


def flush(store: Store) -> None:
    """Write what sessions were told, now."""
    _marks.flush(store)


def _write(tx: Transaction, found: Mapping[int, int]) -> None:
    for number, until in sorted(found.items()):
        # It may have been removed meanwhile, or be at this moment; two processes may do this at once.
        fresh = sa.select(collections.c.id, sa.literal(until)).where(collections.c.id == number)
        fresh = fresh.with_for_update(read=True, key_share=True)
        insert = (sqlite.insert if tx.store.engines.sqlite else postgresql.insert)(marks)
        made = insert.from_select(["collection_id", "uid"], fresh)
        tx.db.execute(
            made.on_conflict_do_update(
                index_elements=[marks.c.collection_id], set_={"uid": made.excluded.uid}, where=marks.c.uid < until
            )
        )


_marks: Final = Gathering[int]("recent", max, _write)
