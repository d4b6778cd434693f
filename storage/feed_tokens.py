"""Rows of the secret-token URLs: each opens one feed with the eyes of one account (CALSYNC-19, CALSYNC-21)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from storage import principals as people
from storage.errors import Denied, LimitReached, NotFound
from storage.schema import accounts, feed_tokens, principals
from storage.statements import Statement
from storage.store import Transaction
from storage.types import SITE, Actor, Principal, PrincipalId, Right

PER_ACCOUNT: Final = 200


@dataclass(frozen=True, slots=True)
class FeedToken:
    """One secret-token URL, without its secret, which was shown once."""

    id: int
    feed: str
    """Path of the feed below `/feeds/`, without `.rss` or `.atom`."""
    name: str
    """What its owner called it, such as the reader it is for."""
    created: float
    last_used: float | None


_OPENED: Final = Statement(
    sa.select(
        feed_tokens.c.id,
        feed_tokens.c.feed,
        feed_tokens.c.name,
        feed_tokens.c.created,
        feed_tokens.c.last_used,
        feed_tokens.c.account_id,
        principals.c.name.label("login"),
    )
    .join(accounts, accounts.c.id == feed_tokens.c.account_id)
    .join(principals, principals.c.id == accounts.c.id)
    .where(feed_tokens.c.secret_hash == sa.bindparam("secret"), sa.not_(accounts.c.suspended))
)


def opened_by(tx: Transaction, secret_hash: str) -> tuple[Actor, FeedToken] | None:
    """Who reads with this secret and what; None if it was revoked or the account is suspended."""
    row = _OPENED.first(tx, {"secret": secret_hash})
    if row is None:
        return None
    return Actor(PrincipalId(row.account_id), row.login), _value(row)


def used(tx: Transaction, number: int) -> None:
    """Note that a token was used now."""
    tx.db.execute(sa.update(feed_tokens).where(feed_tokens.c.id == number).values(last_used=tx.now))


def listing(tx: Transaction, account: Principal) -> list[FeedToken]:
    """All tokens of an account, oldest first.

    Raises:
        Denied, NotFound: it is somebody else's account.
    """
    _demand_own(tx, account)
    query = sa.select(feed_tokens).where(feed_tokens.c.account_id == account.id).order_by(feed_tokens.c.id)
    return [_value(row) for row in tx.db.execute(query)]


def add(tx: Transaction, account: Principal, feed: str, name: str, secret_hash: str) -> FeedToken:
    """Store a new token.

    Raises:
        Denied, NotFound: it is somebody else's account.
        LimitReached: it has too many.
    """
    if len(listing(tx, account)) >= PER_ACCOUNT:
        raise LimitReached("feed_tokens_per_account", PER_ACCOUNT)
    values = {
        "account_id": account.id,
        "feed": feed,
        "name": name,
        "secret_hash": secret_hash,
        "created": tx.now,
    }
    number = tx.db.execute(sa.insert(feed_tokens).values(**values).returning(feed_tokens.c.id)).scalar_one()
    return FeedToken(number, feed, name, tx.now, None)


def revoke(tx: Transaction, account: Principal, number: int) -> None:
    """Delete a token: its URL is none from the commit on.

    Raises:
        Denied, NotFound: it is somebody else's account, or there is no such token.
    """
    _demand_own(tx, account)
    here = sa.and_(feed_tokens.c.id == number, feed_tokens.c.account_id == account.id)
    if not tx.db.execute(sa.delete(feed_tokens).where(here)).rowcount:
        raise NotFound(f"there is no feed token {number}")


def _value(row: Any) -> FeedToken:
    return FeedToken(row.id, row.feed, row.name, row.created, row.last_used)


def _demand_own(tx: Transaction, account: Principal) -> None:
    if tx.actor.id not in (account.id, SITE.id):
        people.by_id(tx, account.id)
        raise Denied(Right.ADMINISTER, account.name)
