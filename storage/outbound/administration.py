"""What the site's administrator does with the queue; nobody else sees it, for mail is personal (MSG-67)."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from storage.errors import Denied, NotFound
from storage.outbound import bell
from storage.outbound.tables import messages, recipients
from storage.outbound.types import Queued, QueuedRecipient, QueueId
from storage.store import Transaction
from storage.types import SITE, PrincipalId, Right

PAGE: Final = 1000


def every(tx: Transaction, *, domain: str = "", sender: str | None = None, after: int = 0) -> list[Queued]:
    """The messages in the queue in the order they came, up to `PAGE` after the number `after`, with their recipients.

    Raises:
        Denied: the actor is not the site.
    """
    _allow(tx)
    query = sa.select(messages.c.id).where(messages.c.id > after)
    if domain:
        here = sa.select(recipients.c.message_id).where(recipients.c.domain == domain)
        query = query.where(messages.c.id.in_(here))
    if sender is not None:
        query = query.where(messages.c.sender == sender)
    return _read(tx, list(tx.db.execute(query.order_by(messages.c.id).limit(PAGE)).scalars()))


def show(tx: Transaction, number: QueueId) -> Queued:
    """One message with its recipients.

    Raises:
        NotFound: it is not in the queue.
        Denied: the actor is not the site.
    """
    _allow(tx)
    found = _read(tx, [number])
    if not found:
        raise NotFound(f"there is no message {number} in the queue")
    return found[0]


def retry(tx: Transaction, number: QueueId) -> None:
    """Have it tried now, held or not; whoever delivers it at this moment goes on.

    Raises:
        NotFound, Denied: as in `show`.
    """
    _change(tx, number, {"held": False, "due": tx.now})
    bell.ring(tx.db, tx.touched)


def hold(tx: Transaction, number: QueueId) -> None:
    """Have it stay until `retry`; an attempt under way is not broken off.

    Raises:
        NotFound, Denied: as in `show`.
    """
    _change(tx, number, {"held": True})


def delete(tx: Transaction, number: QueueId) -> None:
    """Take it out without a word to its sender; an attempt under way may still succeed.

    Raises:
        NotFound, Denied: as in `show`.
    """
    _allow(tx)
    if not tx.db.execute(sa.delete(messages).where(messages.c.id == number)).rowcount:
        raise NotFound(f"there is no message {number} in the queue")


def _allow(tx: Transaction) -> None:
    if tx.actor != SITE:
        raise Denied(Right.ADMINISTER, reason="only the site's administrator sees the queue")


def _change(tx: Transaction, number: QueueId, values: dict[str, Any]) -> None:
    _allow(tx)
    here = recipients.c.message_id == number
    if not tx.db.execute(sa.update(recipients).where(here).values(**values)).rowcount:
        raise NotFound(f"there is no message {number} in the queue")


def _read(tx: Transaction, numbers: list[QueueId]) -> list[Queued]:
    rows: dict[int, list[QueuedRecipient]] = {number: [] for number in numbers}
    query = sa.select(recipients).where(recipients.c.message_id.in_(numbers)).order_by(recipients.c.id)
    for row in tx.db.execute(query):
        state = "delivering" if row.lease_until > tx.now else "held" if row.held else "waiting"
        rows[row.message_id].append(
            QueuedRecipient(
                row.address, row.domain, state, row.due, row.attempts, row.tried, row.status, row.reply, row.host
            )
        )
    columns = [messages.c[name] for name in ("id", "sender", "account_id", "octets", "created")]
    found = tx.db.execute(sa.select(*columns).where(messages.c.id.in_(numbers)).order_by(messages.c.id))
    return [
        Queued(QueueId(row.id), row.sender, PrincipalId(row.account_id), row.octets, row.created, tuple(rows[row.id]))
        for row in found
    ]
