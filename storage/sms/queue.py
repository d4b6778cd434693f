"""SMS on their way: paid for when they go in, leased by whoever hands them to the gateway (SMS-02, SMS-08).

What the gateway took and nobody could note is handed over again with the same number, by which it may tell.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from storage import preferences
from storage.formats import sms_text
from storage.sms import credit
from storage.sms.tables import messages
from storage.store import Store, Transaction
from storage.types import SITE, Principal, PrincipalId, SpaceKind

LIFETIME_S: Final = 86_400.0
LEASE_S: Final = 120.0
FIRST_RETRY_S: Final = 60.0
LONGEST_RETRY_S: Final = 3_600.0
BATCH: Final = 5
"""So few that a gateway that lets everybody wait is done with them before the lease is over."""


class Outcome(Enum):
    """What became of an attempt."""

    SENT = "sent"
    AGAIN = "again"
    """The gateway could not be reached, or not now."""
    REFUSED = "refused"


class Message(NamedTuple):
    """One SMS for the gateway."""

    id: int
    number: str
    """Digits of E.164, without +."""
    text: str


def put(tx: Transaction, account: PrincipalId, login: str, number: str, text: str, *, expires: float = 0) -> bool:
    """Take an SMS of an account over, cut to the parts it wants to pay for (ACC-04).

    It is not sent after `expires` (seconds since the epoch; a day without it). False, and nothing done, without
    credit.
    """
    owner = Principal(account, SpaceKind.PRIVATE, login, "", "")
    message = sms_text.fit(text, int(preferences.of(tx, owner)["sms_parts_max"]))
    if not message.text.strip() or not credit.debit(tx, account, message.parts):
        return False
    values = {"account_id": account, "number": number, "text": message.text, "parts": message.parts}
    values |= {"month": credit.month(tx.now), "created": tx.now, "due": tx.now}
    tx.db.execute(sa.insert(messages).values(**values, expires=expires or tx.now + LIFETIME_S))
    return True


def waiting(tx: Transaction, account: PrincipalId) -> int:
    """How many SMS of an account are on their way."""
    query = sa.select(sa.func.count()).where(messages.c.account_id == account)
    return int(tx.db.execute(query).scalar_one())


def next_due(store: Store) -> float | None:
    """When the next attempt is due, seconds since the epoch; None if nothing waits."""
    with store.read(SITE) as tx:
        moment = sa.case((messages.c.lease_until > messages.c.due, messages.c.lease_until), else_=messages.c.due)
        found: float | None = tx.db.execute(sa.select(sa.func.min(moment))).scalar()
    return found


def run(store: Store, send: Callable[[Message], Outcome], stopped: Callable[[], bool] = lambda: False) -> int:
    """Hand over all that is due; gives how many the gateway took. No transaction is open while it is asked."""
    sent = 0
    while not stopped():
        rows = _lease(store)
        outcomes = []
        for row in rows:
            outcome = send(Message(row.id, row.number, row.text))
            outcomes.append(outcome)
            with store.write(SITE) as tx:
                _settle(tx, row, outcome)
        sent += outcomes.count(Outcome.SENT)
        if len(rows) < BATCH or Outcome.AGAIN in outcomes:
            break
    return sent


def _lease(store: Store) -> list[Any]:
    with store.read(SITE) as tx:  # most looks find nothing, and a reader disturbs nobody
        if tx.db.execute(sa.select(messages.c.id).where(_due(tx.now)).limit(1)).first() is None:
            return []
    with store.write(SITE) as tx:
        query = sa.select(messages).where(_due(tx.now)).order_by(messages.c.due, messages.c.id).limit(BATCH)
        rows = list(tx.db.execute(query.with_for_update(skip_locked=True)))
        taken = messages.c.id.in_([row.id for row in rows])
        tx.db.execute(sa.update(messages).where(taken).values(lease_until=tx.now + LEASE_S))
        return rows


def _due(now: float) -> sa.ColumnElement[bool]:
    return sa.and_(messages.c.due <= now, messages.c.lease_until <= now)


def _settle(tx: Transaction, row: Any, outcome: Outcome) -> None:
    here = messages.c.id == row.id
    wait = min(LONGEST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(row.attempts, 10))
    if outcome is Outcome.AGAIN and tx.now + wait < row.expires:
        again = {"attempts": row.attempts + 1, "due": tx.now + wait, "lease_until": 0}
        tx.db.execute(sa.update(messages).where(here).values(**again))
        return
    gone = tx.db.execute(sa.delete(messages).where(here)).rowcount
    if gone and outcome is not Outcome.SENT:
        credit.refund(tx, PrincipalId(row.account_id), row.month, row.parts)
