"""The lock of an account's maildrop: one POP3 session at a time, on whichever machine (POP-05, RFC 1939 §4)."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from storage.mail.tables import maildrops
from storage.store import Transaction

LEASE_S: Final = 120.0
"""A session that does not renew its lock for so long has lost it."""


def hold(tx: Transaction, holder: str) -> bool:
    """Take or renew the actor's lock; False if another session holds it."""
    mine = maildrops.c.account_id == tx.actor.id
    free = sa.or_(maildrops.c.holder == holder, maildrops.c.until < tx.now)
    values = {"holder": holder, "until": tx.now + LEASE_S}
    if tx.db.execute(sa.update(maildrops).where(mine, free).values(**values)).rowcount:
        return True
    if tx.db.execute(sa.select(maildrops.c.holder).where(mine)).first() is not None:
        return False
    try:
        with tx.db.begin_nested():
            tx.db.execute(sa.insert(maildrops).values(account_id=tx.actor.id, **values))
    except sa.exc.IntegrityError:
        return False
    return True


def release(tx: Transaction, holder: str) -> None:
    """Give the lock back."""
    tx.db.execute(sa.delete(maildrops).where(maildrops.c.account_id == tx.actor.id, maildrops.c.holder == holder))
