"""What the spam filter is to learn from its readers: mails moved into `Spam?` and out of it (MSG-47).

Moving enters a lesson in its own transaction, one for each content, whatever the number of its copies; `outbound` hands
it over with none open. What was taught stays noted while the mail exists, so that nothing is taught twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from storage.errors import NotFound
from storage.mail import reading
from storage.mail.tables import contents, lessons
from storage.mail.types import SEPARATOR, SPAM, TRASH, Mailbox, State
from storage.statements import Statement
from storage.store import Store, Transaction
from storage.types import SITE, Actor, PrincipalId

OCTETS_MAX: Final = 2 * 1024 * 1024
"""Larger mails are rarely spam; the filter is not asked about them either."""
LIFETIME_S: Final = 3 * 86_400.0
LEASE_S: Final = 300.0
FIRST_RETRY_S: Final = 60.0
LONGEST_RETRY_S: Final = 3_600.0
BATCH: Final = 5
"""So few that a filter that lets everybody wait is done with them before the lease is over."""
_AT_ONCE: Final = 1_000
NOTHING: Final = -1
"""In `taught`: the filter has not learned this mail yet; else 1 is spam, 0 is none."""


class Lesson(NamedTuple):
    """One mail for the filter, and what its reader said of it."""

    id: int
    spam: bool
    data: bytes


class Outcome(Enum):
    """What became of an attempt."""

    TAUGHT = "taught"
    """The filter learned it, or knew it."""
    AGAIN = "again"
    """It could not be reached, or not now."""
    REFUSED = "refused"
    """It will never learn this one."""


def _chosen(lite: bool) -> Any:
    """The numbers of some contents, one JSON array."""
    numbers = sa.bindparam("numbers", type_=sa.Text)
    if lite:
        return sa.select(sa.func.json_each(numbers).table_valued("value").c.value)
    post = sa.func.json_array_elements_text(sa.cast(numbers, sa.JSON)).table_valued("value")
    return sa.select(sa.cast(post.c.value, sa.BigInteger))


def _turn(lite: bool) -> Statement:
    """Lessons whose reader changed his mind: what the filter knows already is not taught again."""
    spam, now = sa.bindparam("spam", type_=sa.BigInteger), sa.bindparam("now", type_=sa.Float)
    due = sa.case((lessons.c.taught == spam, sa.null()), else_=now)
    here = sa.and_(lessons.c.content_id.in_(_chosen(lite)), lessons.c.spam != spam)
    return Statement(sa.update(lessons).where(here).values(spam=spam, due=due, created=now, attempts=0))


def _begin(lite: bool) -> Statement:
    """Lessons of mails that have none."""
    spam, now = sa.bindparam("spam", type_=sa.BigInteger), sa.bindparam("now", type_=sa.Float)
    known = sa.select(sa.literal(1)).where(lessons.c.content_id == contents.c.id).exists()
    new = sa.select(contents.c.id, spam, now, now).where(contents.c.id.in_(_chosen(lite)), ~known)
    return Statement(sa.insert(lessons).from_select(["content_id", "spam", "due", "created"], new))


_TURN: Final = {lite: _turn(lite) for lite in (True, False)}
_BEGIN: Final = {lite: _begin(lite) for lite in (True, False)}


def note(tx: Transaction, source: Mailbox, target: Mailbox, states: Sequence[State]) -> None:
    """Have the filter taught by a move or a copy, if there is one that learns; in the transaction that moves.

    Both mailboxes are locked, so nobody else enters lessons of this account now.
    """
    spam = _meant(source, target)
    if spam is None or not tx.store.limits.spam_learning:
        return
    numbers = sorted({state.content for state in states if state.octets <= OCTETS_MAX})
    for at in range(0, len(numbers), _AT_ONCE):
        values = {"numbers": json.dumps(numbers[at : at + _AT_ONCE]), "spam": int(spam), "now": tx.now}
        _TURN[tx.store.engines.sqlite].run(tx, values)
        _BEGIN[tx.store.engines.sqlite].run(tx, values)


def _meant(source: Mailbox, target: Mailbox) -> bool | None:
    """What its reader says by moving a mail: True it is spam, False it is none, None nothing."""
    if source.id == target.id:
        return None
    if target.name == SPAM:
        return True
    away = target.name == TRASH or target.name.startswith(TRASH + SEPARATOR)
    return False if source.name == SPAM and not away else None


def waiting(store: Store) -> int:
    """How many lessons are to be handed over."""
    with store.read(SITE) as tx:
        return int(tx.db.execute(sa.select(sa.func.count()).where(lessons.c.due.is_not(None))).scalar_one())


def run(store: Store, teach: Callable[[Lesson], Outcome], stopped: Callable[[], bool] = lambda: False) -> int:
    """Hand over all that is due; gives how many the filter took. No transaction is open while it learns."""
    taught = 0
    while not stopped():
        rows = _lease(store)
        for at, row in enumerate(rows):
            data = _data(store, row)
            outcome = Outcome.REFUSED if data is None else teach(Lesson(row.content_id, bool(row.spam), data))
            with store.write(SITE) as tx:
                _settle(tx, row, outcome)
                if outcome is Outcome.AGAIN:  # the others of them would only wait as long
                    _release(tx, rows[at + 1 :])
            if outcome is Outcome.AGAIN:
                return taught
            taught += outcome is Outcome.TAUGHT
        if len(rows) < BATCH:
            break
    return taught


def _lease(store: Store) -> list[Any]:
    with store.read(SITE) as tx:  # most looks find nothing, and a reader disturbs nobody
        if tx.db.execute(sa.select(lessons.c.content_id).where(_due(tx.now)).limit(1)).first() is None:
            return []
    with store.write(SITE) as tx:
        query = (
            sa.select(lessons, contents.c.account_id)
            .join(contents, contents.c.id == lessons.c.content_id)
            .where(_due(tx.now))
            .order_by(lessons.c.due, lessons.c.content_id)
            .limit(BATCH)
            .with_for_update(of=lessons, skip_locked=True)
        )
        rows = list(tx.db.execute(query))
        taken = lessons.c.content_id.in_([row.content_id for row in rows])
        tx.db.execute(sa.update(lessons).where(taken).values(lease_until=tx.now + LEASE_S))
        return rows


def _due(now: float) -> sa.ColumnElement[bool]:
    return sa.and_(lessons.c.due.is_not(None), lessons.c.due <= now, lessons.c.lease_until <= now)


def _data(store: Store, row: Any) -> bytes | None:
    """The mail, from which the transaction is over when it is sent; None: it is gone."""
    with store.read(Actor(PrincipalId(row.account_id), "")) as tx:
        try:
            return reading.body(tx, row.content_id)
        except NotFound:
            return None


def _settle(tx: Transaction, row: Any, outcome: Outcome) -> None:
    """Note what became of a lesson; whoever moved the mail back meanwhile has the filter taught anew."""
    here = lessons.c.content_id == row.content_id
    changes: dict[str, Any] = {"lease_until": 0}
    changed = lessons.c.spam != row.spam
    if outcome is Outcome.AGAIN:
        wait = min(LONGEST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(row.attempts, 10))
        if tx.now + wait < row.created + LIFETIME_S:
            later = {"attempts": row.attempts + 1, "due": tx.now + wait}
        else:
            later = {"due": None}
        changes |= {name: sa.case((changed, lessons.c[name]), else_=value) for name, value in later.items()}
    else:
        changes |= {"taught": int(row.spam), "due": sa.case((changed, tx.now), else_=sa.null())}
    tx.db.execute(sa.update(lessons).where(here).values(**changes))


def _release(tx: Transaction, rows: Sequence[Any]) -> None:
    others = lessons.c.content_id.in_([row.content_id for row in rows])
    tx.db.execute(sa.update(lessons).where(others).values(lease_until=0))
