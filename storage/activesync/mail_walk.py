"""Mails of a mailbox from the newest down, some at a time: how a device gets a mailbox at first."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from storage.mail.tables import messages
from storage.mail.types import Mailbox, State
from storage.statements import Statement
from storage.store import Transaction

_BELOW: Final = Statement(
    sa.select(*(messages.c[name] for name in State._fields[:-1]), messages.c.content_id)
    .where(
        messages.c.collection_id == sa.bindparam("collection"),
        messages.c.uid < sa.bindparam("below"),
        messages.c.internal >= sa.bindparam("since"),
    )
    .order_by(messages.c.uid.desc())
    .limit(sa.bindparam("most", type_=sa.Integer)),
    State,
)

_BETWEEN: Final = Statement(
    sa.select(messages.c.uid).where(
        messages.c.collection_id == sa.bindparam("collection"),
        messages.c.internal >= sa.bindparam("first"),
        messages.c.internal < sa.bindparam("last"),
    )
)


def below(tx: Transaction, mailbox: Mailbox, uid: int, since: int, most: int) -> list[State]:
    """Up to `most` mails with smaller uids whose INTERNALDATE is not before `since` (seconds), newest first."""
    found: list[State] = _BELOW.all(tx, {"collection": mailbox.id, "below": uid, "since": since, "most": most})
    return found


def between(tx: Transaction, mailbox: Mailbox, first: int, last: int) -> list[int]:
    """The uids of mails whose INTERNALDATE (seconds) is not before `first` and before `last`."""
    return _BETWEEN.scalars(tx, {"collection": mailbox.id, "first": first, "last": last})
