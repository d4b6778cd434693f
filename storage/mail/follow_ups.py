"""What is to be done with a flagged message, until when, or when it was done: what IMAP has no words for.

A row belongs to a flag: whoever sets or clears `\\Flagged` without saying more (`flagging.set_flags`) takes it away.
Copies and moves carry it along. A message that is done has a row and is not `\\Flagged`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import sqlalchemy as sa

from storage.mail import change_log, numbers
from storage.mail.tables import follow_ups, messages
from storage.mail.types import Mailbox
from storage.statements import Statement, insert
from storage.store import Transaction
from storage.types import CollectionId

_CHUNK: Final = 500


class FollowUp(NamedTuple):
    """The details; "" where nothing is said. Times are texts of ISO 8601 as the program wrote them."""

    complete: bool = False
    """It was done."""
    kind: str = ""
    """What is to be done, as people read it."""
    subject: str = ""
    starts: str = ""
    """When to begin, by the clock of whoever set it."""
    starts_utc: str = ""
    due: str = ""
    due_utc: str = ""
    completed: str = ""
    completed_on: str = ""
    """The same as `completed` by the clock of whoever did it."""
    reminder: str = ""
    """"1" if the program reminds of it, "0" if not."""
    reminder_at: str = ""
    ordinal: str = ""
    """Its place in a list, and among those of the same place."""
    sub_ordinal: str = ""


_of_message: Final = sa.and_(
    follow_ups.c.collection_id == sa.bindparam("collection"), follow_ups.c.uid == sa.bindparam("uid")
)
_FORGET: Final = Statement(sa.delete(follow_ups).where(_of_message))
_PUT: Final = insert(follow_ups, "collection_id", "uid", *FollowUp._fields)
_WITHIN: Final = Statement(
    sa.select(follow_ups.c.uid, *(follow_ups.c[name] for name in FollowUp._fields)).where(
        follow_ups.c.collection_id == sa.bindparam("collection"),
        follow_ups.c.uid.between(sa.bindparam("first"), sa.bindparam("last")),
    )
)
_RENUMBER: Final = Statement(
    sa.update(messages)
    .where(messages.c.collection_id == sa.bindparam("collection"), messages.c.uid == sa.bindparam("uid"))
    .values(modseq=sa.bindparam("number"))
)


def of(tx: Transaction, collection: CollectionId, uids: Iterable[int]) -> dict[int, FollowUp]:
    """The details of those of some messages that have any, by uid; one query."""
    wanted = set(uids)
    if not wanted:
        return {}
    rows = _WITHIN.raw(tx, {"collection": collection, "first": min(wanted), "last": max(wanted)})
    return {int(uid): FollowUp(bool(complete), *rest) for uid, complete, *rest in rows if uid in wanted}


def put(tx: Transaction, mailbox: Mailbox, uid: int, value: FollowUp | None) -> None:
    """Give a message these details, or none; where they are other ones, the message has a new change number."""
    numbers.lock(tx, mailbox.id)
    before = of(tx, mailbox.id, [uid]).get(uid)
    if value == before:
        return
    _FORGET.run(tx, {"collection": mailbox.id, "uid": uid})
    if value is not None:
        _PUT.run(tx, {"collection_id": mailbox.id, "uid": uid, **value._asdict()})
    number, _, _ = numbers.take(tx, mailbox.id)
    _RENUMBER.run(tx, {"collection": mailbox.id, "uid": uid, "number": number})
    change_log.note(tx, mailbox.id, number, [(uid, uid)])


def carry(tx: Transaction, source: CollectionId, placed: Sequence[tuple[int, int]], target: CollectionId) -> None:
    """Give messages in `target` the details of those that they are copies of; old and new uid of each."""
    found = of(tx, source, (old for old, _ in placed))
    if not found:
        return
    _PUT.run_many(
        tx,
        ({"collection_id": target, "uid": fresh, **found[old]._asdict()} for old, fresh in placed if old in found),
    )


def forget(tx: Transaction, collection: CollectionId, span: tuple[int, int], uids: Iterable[int]) -> None:
    """Take the details of messages away, which lie in `span`; they are looked at only if anything there has details."""
    first, last = span
    known = [row[0] for row in _WITHIN.raw(tx, {"collection": collection, "first": first, "last": last})]
    if not known:
        return
    wanted = set(uids)
    gone = [uid for uid in known if uid in wanted]
    for at in range(0, len(gone), _CHUNK):
        some = follow_ups.c.uid.in_(gone[at : at + _CHUNK])
        tx.db.execute(sa.delete(follow_ups).where(follow_ups.c.collection_id == collection, some))
