"""What an account may still send: its plan's SMS of this month; what is left over is lost (ACC-14, SMS-08)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

import sqlalchemy as sa

from storage import plans
from storage.schema import accounts
from storage.sms.tables import usages
from storage.store import Transaction
from storage.types import PrincipalId

GATE = "sms"


class Credit(NamedTuple):
    """The allotment of this month, in SMS."""

    allotted: int | None
    """None is without limit; 0 also where the plan has no SMS at all."""
    used: int

    @property
    def left(self) -> int | None:
        """What may still be sent; None is without limit."""
        return None if self.allotted is None else max(0, self.allotted - self.used)


def month(now: float) -> int:
    """The month of a moment, as in 202611; months begin at midnight UTC."""
    moment = datetime.fromtimestamp(now, UTC)
    return moment.year * 100 + moment.month


def of(tx: Transaction, account: PrincipalId) -> Credit:
    """What an account may send this month, and what it sent.

    Raises:
        NotFound: there is no such account.
    """
    plan = plans.of(tx, account)
    here = sa.and_(usages.c.account_id == account, usages.c.month == month(tx.now))
    used = tx.db.execute(sa.select(usages.c.parts).where(here)).scalar() or 0
    return Credit(plan.limits.get("sms_per_month") if GATE in plan.gates else 0, int(used))


def debit(tx: Transaction, account: PrincipalId, parts: int) -> bool:
    """Take so many SMS from this month's allotment; False, and nothing taken, if they are not left."""
    # The account's row is locked, so that two who send at once cannot both have the last one.
    tx.db.execute(sa.select(accounts.c.id).where(accounts.c.id == account).with_for_update())
    left = of(tx, account).left
    if left is not None and left < parts:
        return False
    _add(tx, account, month(tx.now), parts)
    return True


def refund(tx: Transaction, account: PrincipalId, of_month: int, parts: int) -> None:
    """Give back what was not sent after all, to the month that it was taken from."""
    _add(tx, account, of_month, -parts)


def _add(tx: Transaction, account: PrincipalId, of_month: int, parts: int) -> None:
    here = sa.and_(usages.c.account_id == account, usages.c.month == of_month)
    if not tx.db.execute(sa.update(usages).where(here).values(parts=usages.c.parts + parts)).rowcount:
        tx.db.execute(sa.insert(usages).values(account_id=account, month=of_month, parts=parts))
