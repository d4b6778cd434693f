"""Threads that go to one mailbox as a whole, with the mails that come later ([MS-ASCON] §2.2.2.8; MSG-40).

What their owner writes himself stays where it is, and so does what was taken for spam.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from storage.mail import appending, mailboxes, moving, names
from storage.mail.appending import Prepared
from storage.mail.tables import contents, messages, thread_moves, threads
from storage.mail.types import DRAFTS, INBOX, SENT, SPAM, TEMPLATES, Mailbox
from storage.many import SIZES, among, chunks
from storage.schema import collections
from storage.statements import Statement, insert
from storage.store import Transaction
from storage.types import CollectionId

OWN: Final = frozenset({SENT, DRAFTS, TEMPLATES})
"""Mailboxes of what the owner writes himself: no thread is moved out of them, nor into them."""
MOVES_MAX: Final = 1_000
"""Threads of one account whose later mails are moved; the oldest give way to new ones."""

_mine: Final = contents.c.account_id == sa.bindparam("actor")
_THREADS: Final = Statement(sa.select(contents.c.thread).where(_mine).distinct())
_MESSAGES: Final = Statement(
    sa.select(messages.c.collection_id, messages.c.uid)
    .join(contents, contents.c.id == messages.c.content_id)
    .where(_mine, contents.c.thread == sa.bindparam("thread"))
    .order_by(messages.c.collection_id, messages.c.uid)
)
_FORGET: Final = Statement(
    sa.delete(thread_moves).where(
        thread_moves.c.account_id == sa.bindparam("actor"), thread_moves.c.thread == sa.bindparam("thread")
    )
)
_NOTE: Final = insert(thread_moves, "account_id", "thread", "collection_id", "made")
_OLD: Final = Statement(
    sa.select(thread_moves.c.thread)
    .where(thread_moves.c.account_id == sa.bindparam("actor"))
    .order_by(thread_moves.c.made.desc(), thread_moves.c.thread.desc())
    .offset(MOVES_MAX)
)


def _place(size: int) -> Statement:
    """Find the mailbox that the thread of the first known Message-ID goes to, else the one of `path`."""
    target = collections.alias("target")
    order = sa.case({sa.bindparam(f"n{place}"): place for place in range(size)}, value=threads.c.message_id)
    chosen = (
        sa.select(target.c.path)
        .select_from(threads)
        .outerjoin(
            thread_moves,
            sa.and_(thread_moves.c.account_id == threads.c.account_id, thread_moves.c.thread == threads.c.thread),
        )
        .outerjoin(target, target.c.id == thread_moves.c.collection_id)
        .where(threads.c.account_id == sa.bindparam("actor"), among(threads.c.message_id, size))
        .order_by(order)
        .limit(1)
        .scalar_subquery()
    )
    return mailboxes.to_write(collections.c.path == sa.func.coalesce(chosen, sa.bindparam("path", type_=sa.Text)))


_PLACE: Final = {size: _place(size) for size in SIZES}


def place(tx: Transaction, prepared: Prepared) -> Mailbox:
    """The mailbox that a mail comes into: INBOX, or the one that its thread goes to.

    Raises:
        NotFound: as in `mailboxes.find`.
    """
    here: dict[str, Any] = {"actor": tx.actor.id, "path": names.path(INBOX)}
    for size, ids in chunks(appending.thread_ids(prepared)):
        row = _PLACE[size].first(tx, here | ids)
        if row is not None:
            return mailboxes.value(row)
    return mailboxes.find(tx, INBOX)


def known(tx: Transaction) -> list[int]:
    """The threads of all mails of the actor."""
    return _THREADS.scalars(tx, {"actor": tx.actor.id})


def move(tx: Transaction, thread: int, target: Mailbox) -> bool:
    """Move all mails of a thread, but for those that stay (`OWN`, spam); False if there is no mail of it anywhere."""
    found: dict[int, list[int]] = {}
    for number, uid in _MESSAGES.raw(tx, {"actor": tx.actor.id, "thread": thread}):
        found.setdefault(number, []).append(uid)
    for number, uids in found.items():
        source = mailboxes.by_id(tx, CollectionId(number))
        if source.id != target.id and source.name not in OWN and source.name != SPAM:
            moving.move(tx, source, uids, target)
    return bool(found)


def always(tx: Transaction, thread: int, target: Mailbox) -> None:
    """Let later mails of a thread come into a mailbox; INBOX is where they come without this."""
    end(tx, thread)
    if target.name == INBOX:
        return
    row = {"account_id": tx.actor.id, "thread": thread, "collection_id": target.id, "made": tx.now}
    _NOTE.run(tx, row)
    for old in _OLD.scalars(tx, {"actor": tx.actor.id}):
        end(tx, old)


def end(tx: Transaction, thread: int) -> None:
    """Let later mails of a thread come into INBOX, as others do."""
    _FORGET.run(tx, {"actor": tx.actor.id, "thread": thread})
