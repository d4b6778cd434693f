"""The counters of a mailbox, kept with every change, so that STATUS counts nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import sqlalchemy as sa

from storage.errors import NotFound
from storage.mail import change_log
from storage.mail.flags import DELETED, SEEN
from storage.mail.tables import mailboxes, vanished
from storage.mail.types import Mailbox
from storage.schema import collections
from storage.statements import Statement, insert
from storage.store import Transaction
from storage.types import CollectionId

KEYWORDS_MAX: Final = 500
"""Keywords that a mailbox is known to have; more may be set."""
_take: Final = (
    sa.update(collections)
    .where(collections.c.id == sa.bindparam("collection"))
    .values(
        modseq=collections.c.modseq + 1,
        shared_modseq=collections.c.modseq + 1,
        modified=sa.bindparam("now"),
        item_count=collections.c.item_count + sa.bindparam("count", type_=sa.BigInteger),
        octets=collections.c.octets + sa.bindparam("more", type_=sa.BigInteger),
        uid_next=collections.c.uid_next + sa.bindparam("new", type_=sa.BigInteger),
    )
)
_TAKE: Final = Statement(_take.returning(collections.c.modseq, collections.c.uid_next, collections.c.uid_validity))
_TAKE_NEXT: Final = Statement(_take.where(collections.c.modseq == sa.bindparam("known")))
_COUNT: Final = Statement(
    sa.update(mailboxes)
    .where(mailboxes.c.collection_id == sa.bindparam("collection"))
    .values(
        unseen=mailboxes.c.unseen + sa.bindparam("more_unseen", type_=sa.BigInteger),
        deleted=mailboxes.c.deleted + sa.bindparam("more_deleted", type_=sa.BigInteger),
    )
)
_LOCK: Final = Statement(
    sa.select(collections.c.modseq).where(collections.c.id == sa.bindparam("collection")).with_for_update()
)
_KEYWORDS: Final = Statement(
    sa.select(mailboxes.c.keywords).where(mailboxes.c.collection_id == sa.bindparam("collection"))
)
_BURY: Final = insert(vanished, "collection_id", "modseq", "uid", "removed")


def lock(tx: Transaction, *numbers: CollectionId) -> dict[CollectionId, int]:
    """Let nobody else write to these mailboxes until the end; in one order, so that no two wait for each other.

    Gives the change number of each, which nobody else moves from here on.
    """
    return {number: _LOCK.scalar(tx, {"collection": number}) for number in sorted(numbers)}


def take(
    tx: Transaction, collection: CollectionId, *, count: int = 0, octets: int = 0, new: int = 0
) -> tuple[int, int, int]:
    """The next change number, the first of `new` uids, and the mailbox's UIDVALIDITY.

    Whoever gives the number to messages says so in storage/mail/change_log.py; those of `new` uids are noted here.

    Raises:
        NotFound: it went since it was found, unlocked.
    """
    values = {"collection": collection, "count": count, "more": octets, "new": new, "now": tx.now}
    row: Any = _TAKE.first(tx, values)
    if row is None:
        raise NotFound(str(collection))
    return _taken(tx, collection, int(row.modseq), int(row.uid_next) - new, int(row.uid_validity), new)


def take_for(tx: Transaction, mailbox: Mailbox, *, octets: int, new: int) -> tuple[int, int, int]:
    """The same for `new` messages; where nothing changed in `mailbox` since it was read, nothing is read again."""
    values = {
        "collection": mailbox.id,
        "count": new,
        "more": octets,
        "new": new,
        "now": tx.now,
        "known": mailbox.modseq,
    }
    if not _TAKE_NEXT.run(tx, values):
        return take(tx, mailbox.id, count=new, octets=octets, new=new)
    return _taken(tx, mailbox.id, mailbox.modseq + 1, mailbox.uid_next, mailbox.uid_validity, new)


def _taken(
    tx: Transaction, collection: CollectionId, modseq: int, uid: int, validity: int, new: int
) -> tuple[int, int, int]:
    tx.touched.add(collection)
    change_log.tidy(tx, collection, modseq)
    if new:
        change_log.note(tx, collection, modseq, [(uid, uid + new - 1)])
    return modseq, uid, validity


def count(tx: Transaction, collection: CollectionId, added: Iterable[str] = (), gone: Iterable[str] = ()) -> None:
    """Keep the counters of unseen and deleted messages; texts are canonical flags, or how many there are of each."""
    unseen = deleted = 0
    for sign, texts in ((1, added), (-1, gone)):
        for flags, amount in texts.items() if isinstance(texts, Counter) else ((one, 1) for one in texts):
            unseen += sign * amount * (SEEN not in flags)
            deleted += sign * amount * (DELETED in flags)
    if unseen or deleted:
        _COUNT.run(tx, {"collection": collection, "more_unseen": unseen, "more_deleted": deleted})


def learn(tx: Transaction, mailbox: Mailbox, flags: Iterable[str]) -> None:
    """Remember keywords that are new in a mailbox, whose row is locked; texts are canonical flags."""
    fresh = {word for text in set(flags) for word in text.split() if not word.startswith("\\")}
    if fresh.issubset(mailbox.keywords.split()):
        return
    # As they are now: what was read before the lock, or with it, may lack those that another transaction noted.
    known = set(_KEYWORDS.scalar(tx, {"collection": mailbox.id}).split())
    fresh -= known
    if fresh and len(known) < KEYWORDS_MAX:
        here = mailboxes.c.collection_id == mailbox.id
        every = " ".join(sorted(known | fresh)[:KEYWORDS_MAX])
        tx.db.execute(sa.update(mailboxes).where(here).values(keywords=every))


def bury(tx: Transaction, collection: CollectionId, modseq: int, uids: Iterable[int]) -> None:
    """Remember that these uids went with this number (RFC 7162 §3.2.10)."""
    _BURY.run_many(tx, ({"collection_id": collection, "modseq": modseq, "uid": uid, "removed": tx.now} for uid in uids))
