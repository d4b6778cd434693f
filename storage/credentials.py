"""Rows that only `auth` reads: how an account stands, its app passwords, and counted failures (SYS-04, SYS-17)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from storage import accounts
from storage import principals as people
from storage.errors import Denied, LimitReached, NotFound
from storage.schema import accounts as account_table
from storage.schema import app_passwords, plans, throttles
from storage.statements import Statement
from storage.store import Transaction
from storage.types import SITE, Principal, PrincipalId, Right

APP_PASSWORDS_PER_ACCOUNT: Final = 100


class Standing(NamedTuple):
    """What a remembered verification is compared with at every request."""

    version: int
    suspended: bool
    until: float | None
    """Until when the asked throttle key must wait; None without failures."""


class Failures(NamedTuple):
    """Failed logins counted under one key."""

    number: int
    first: float
    until: float


@dataclass(frozen=True, slots=True)
class AppPassword:
    """A password of one device (SYS-04); its secret is shown once, when it is made."""

    id: int
    name: str
    protocols: tuple[str, ...]
    """() is all."""
    created: float
    last_used: float | None


_STANDING: Final = Statement(
    sa.select(
        account_table.c.credential_version,
        account_table.c.suspended,
        sa.select(throttles.c.until).where(throttles.c.key == sa.bindparam("throttle")).scalar_subquery(),
    ).where(account_table.c.id == sa.bindparam("number")),
    row=Standing,
)


def standing(tx: Transaction, number: PrincipalId, throttle_key: str) -> Standing | None:
    """How an account stands now, and one throttle, in one indexed read; None if the account is gone."""
    found: Standing | None = _STANDING.first(tx, {"number": number, "throttle": throttle_key})
    return found


_OPEN: Final = Statement(
    sa.select(account_table.c.credential_version, account_table.c.suspended, plans.c.gates)
    .join(plans, plans.c.id == account_table.c.plan_id)
    .where(account_table.c.id == sa.bindparam("number"))
)


def still_open(tx: Transaction, number: PrincipalId, version: int, gate: str) -> bool:
    """Whether who was let in under this version still would be, his plan's gate included; one indexed read."""
    row = _OPEN.first(tx, {"number": number})
    return row is not None and not row.suspended and row.credential_version == version and gate in json.loads(row.gates)


def failures(tx: Transaction, keys: Sequence[str]) -> dict[str, Failures]:
    """The counted failures under those of `keys` that have any; locked until a writing transaction ends."""
    query = sa.select(throttles).where(throttles.c.key.in_(list(keys))).order_by(throttles.c.key)
    if tx.writing:
        query = query.with_for_update()
    return {row.key: Failures(row.failures, row.first, row.until) for row in tx.db.execute(query)}


def put_failures(tx: Transaction, rows: Mapping[str, Failures]) -> None:
    """Write the counts under their keys."""
    upsert = postgresql.insert if tx.db.dialect.name == "postgresql" else sqlite.insert
    for key in sorted(rows):
        values = {"failures": rows[key].number, "first": rows[key].first, "until": rows[key].until}
        fresh = upsert(throttles).values(key=key, **values)
        tx.db.execute(fresh.on_conflict_do_update(index_elements=["key"], set_=values))


def forget_failures(tx: Transaction, keys: Sequence[str], *, older_than: float | None = None) -> None:
    """Delete the counts under `keys`, and those whose wait ended before `older_than`."""
    if keys:
        tx.db.execute(sa.delete(throttles).where(throttles.c.key.in_(list(keys))))
    if older_than is not None:
        old = sa.and_(throttles.c.first < older_than, throttles.c.until < older_than)
        tx.db.execute(sa.delete(throttles).where(old))


def app_password(tx: Transaction, account: PrincipalId, secret_hash: str) -> AppPassword | None:
    """The app password of that hash, if the account has one."""
    query = sa.select(app_passwords).where(
        app_passwords.c.account_id == account, app_passwords.c.secret_hash == secret_hash
    )
    row = tx.db.execute(query).first()
    return None if row is None else _value(row)


def app_password_used(tx: Transaction, number: int) -> None:
    """Note that an app password was used now."""
    tx.db.execute(sa.update(app_passwords).where(app_passwords.c.id == number).values(last_used=tx.now))


def app_password_listing(tx: Transaction, account: Principal) -> list[AppPassword]:
    """All app passwords of an account, oldest first.

    Raises:
        Denied, NotFound: it is somebody else's account.
    """
    _demand_own(tx, account)
    query = sa.select(app_passwords).where(app_passwords.c.account_id == account.id).order_by(app_passwords.c.id)
    return [_value(row) for row in tx.db.execute(query)]


def add_app_password(
    tx: Transaction, account: Principal, name: str, secret_hash: str, protocols: Sequence[str]
) -> AppPassword:
    """Store a new app password.

    Raises:
        Denied, NotFound: it is somebody else's account.
        LimitReached: it has too many.
    """
    if len(app_password_listing(tx, account)) >= APP_PASSWORDS_PER_ACCOUNT:
        raise LimitReached("app_passwords_per_account", APP_PASSWORDS_PER_ACCOUNT)
    values = {
        "account_id": account.id,
        "name": name,
        "secret_hash": secret_hash,
        "protocols": json.dumps(list(protocols)),
        "created": tx.now,
    }
    number = tx.db.execute(sa.insert(app_passwords).values(**values).returning(app_passwords.c.id)).scalar_one()
    return AppPassword(number, name, tuple(protocols), tx.now, None)


def revoke_app_password(tx: Transaction, account: Principal, number: int) -> None:
    """Delete an app password; what was verified by it is void from the commit on.

    Raises:
        Denied, NotFound: it is somebody else's account, or there is no such password.
    """
    _demand_own(tx, account)
    here = sa.and_(app_passwords.c.id == number, app_passwords.c.account_id == account.id)
    if not tx.db.execute(sa.delete(app_passwords).where(here)).rowcount:
        raise NotFound(str(number))
    accounts.void_verifications(tx, account.id)


def _value(row: Any) -> AppPassword:
    return AppPassword(row.id, row.name, tuple(json.loads(row.protocols)), row.created, row.last_used)


def _demand_own(tx: Transaction, account: Principal) -> None:
    if tx.actor.id not in (account.id, SITE.id):
        people.by_id(tx, account.id)
        raise Denied(Right.ADMINISTER, account.name)
