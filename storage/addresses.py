"""An account's e-mail addresses: added, confirmed by a mailed link, one account each (ACC-02, MTG-17).

A confirmation needs no table of its own: its token is signed with the account's own password hash,
which nobody else knows, and which a change of the password replaces.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from storage import accounts as account_store
from storage import principals as people
from storage.errors import Denied, LimitReached, NotFound, Refused
from storage.schema import accounts, addresses, principals
from storage.store import Transaction
from storage.types import SITE, Principal, Right

CONFIRMATION_S: Final = 30 * 86_400
ADDRESSES_PER_ACCOUNT: Final = 20


@dataclass(frozen=True, slots=True)
class Address:
    """One address of an account."""

    address: str
    confirmed: bool
    main: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """An address that waits for its confirmation; `token` belongs into the mailed link and nowhere else."""

    address: str
    token: str
    expires: float


def listing(tx: Transaction, account: Principal) -> list[Address]:
    """All addresses, unconfirmed ones too, the main one first.

    Raises:
        Denied, NotFound: it is somebody else's account.
    """
    _demand_own(tx, account)
    query = (
        sa.select(addresses).where(addresses.c.account_id == account.id).order_by(addresses.c.position, addresses.c.id)
    )
    return [Address(row.address, row.confirmed, row.position == 0) for row in tx.db.execute(query)]


def add(tx: Transaction, account: Principal, address: str) -> Claim:
    """Claim an address; it is usable only once it is confirmed (ACC-02). Adding again renews the claim.

    Raises:
        Denied, NotFound: it is somebody else's account.
        Refused: it cannot be an address.
        Exists: it belongs to an account already.
        LimitReached: too many addresses.
    """
    _demand_own(tx, account)
    _lock(tx, account.id)
    clean = account_store.clean_address(address)
    row = _row(tx, account, clean)
    if row is None or row.confirmed:
        present = listing(tx, account)
        if len(present) >= ADDRESSES_PER_ACCOUNT:
            raise LimitReached("addresses_per_account", ADDRESSES_PER_ACCOUNT)
        account_store.free_address(tx, clean, account.id)
        last = sa.select(sa.func.coalesce(sa.func.max(addresses.c.position), 0)).where(
            addresses.c.account_id == account.id
        )
        position = int(tx.db.execute(last).scalar_one()) + 1
        tx.db.execute(
            sa.insert(addresses).values(account_id=account.id, address=clean, confirmed=False, position=position)
        )
        row = _row(tx, account, clean)
        assert row is not None
    expires = int(tx.now + CONFIRMATION_S)
    return Claim(clean, f"{row.id}.{expires}.{_signature(tx, row, expires)}", expires)


def confirm(tx: Transaction, account: Principal, address: str) -> None:
    """Confirm by the site administrator's word; the first confirmed address becomes the main one.

    Raises:
        Denied: only the site administrator confirms without a link.
        NotFound: the account has no such address.
    """
    if tx.actor.id != SITE.id:
        raise Denied(Right.ADMINISTER, account.name)
    row = _row(tx, account, account_store.clean_address(address))
    if row is None:
        raise NotFound(f"{account.name} has no address {address}")
    _confirm(tx, row)


def confirm_by_token(tx: Transaction, token: str) -> str:
    """Confirm by the mailed link, and return the address. Works once.

    Raises:
        NotFound: the link is wrong, used, expired, or was voided by a change of the password.
    """
    row = _claimed(tx, token)
    _confirm(tx, row)
    return str(row.address)


def claimed_by_token(tx: Transaction, token: str) -> tuple[str, str]:
    """The address that the mailed link would confirm, and the login of its account.

    Raises:
        NotFound: as in `confirm_by_token`.
    """
    row = _claimed(tx, token)
    name = sa.select(principals.c.name).where(principals.c.id == row.account_id)
    return str(row.address), str(tx.db.execute(name).scalar_one())


def _claimed(tx: Transaction, token: str) -> Any:
    number, _, rest = token.partition(".")
    expiry, _, signature = rest.partition(".")
    refusal = NotFound("this link is no longer valid")
    if not (number.isdecimal() and expiry.isdecimal() and number.isascii() and len(number) < 18):
        raise refusal
    if not expiry.isascii() or len(expiry) > 12 or int(expiry) < tx.now:
        raise refusal
    row = tx.db.execute(sa.select(addresses).where(addresses.c.id == int(number))).first()
    if row is None or row.confirmed:
        raise refusal
    expected = _signature(tx, row, int(expiry))
    if not hmac.compare_digest(expected.encode(), signature.encode(errors="replace")):
        raise refusal
    return row


def remove(tx: Transaction, account: Principal, address: str) -> None:
    """Give up an address.

    Raises:
        Denied, NotFound: it is somebody else's account, or not one of its addresses.
        Refused: it is the main one: choose another first.
    """
    _demand_own(tx, account)
    _lock(tx, account.id)
    row = _row(tx, account, account_store.clean_address(address))
    if row is None:
        raise NotFound(f"{account.name} has no address {address}")
    if row.position == 0:
        raise Refused("this is the main address: choose another main address first")
    tx.db.execute(sa.delete(addresses).where(addresses.c.id == row.id))


def set_main(tx: Transaction, account: Principal, address: str) -> None:
    """Make a confirmed address the main one: alias of the login, and what others are shown.

    Raises:
        Denied, NotFound: it is somebody else's account, or not one of its addresses.
        Refused: it is not confirmed yet.
    """
    _demand_own(tx, account)
    _lock(tx, account.id)
    row = _row(tx, account, account_store.clean_address(address))
    if row is None:
        raise NotFound(f"{account.name} has no address {address}")
    if not row.confirmed:
        raise Refused("this address is not confirmed yet")
    _make_main(tx, row)


def _lock(tx: Transaction, account: int) -> None:
    """Let nobody else choose the account's main address until the commit (PostgreSQL)."""
    if not tx.store.engines.sqlite:
        tx.db.execute(sa.select(accounts.c.id).where(accounts.c.id == account).with_for_update(key_share=True))


def _confirm(tx: Transaction, row: Any) -> None:
    _lock(tx, row.account_id)
    if not tx.db.execute(sa.update(addresses).where(addresses.c.id == row.id).values(confirmed=True)).rowcount:
        raise NotFound("this address was claimed anew, or given up, at this moment")
    main = sa.select(addresses.c.id).where(
        addresses.c.account_id == row.account_id, addresses.c.position == 0, addresses.c.confirmed
    )
    if tx.db.execute(main).first() is None:
        _make_main(tx, row)


def _make_main(tx: Transaction, row: Any) -> None:
    mine = addresses.c.account_id == row.account_id
    shifted = sa.update(addresses).where(mine, addresses.c.position < row.position)
    tx.db.execute(shifted.values(position=addresses.c.position + 1))
    tx.db.execute(sa.update(addresses).where(addresses.c.id == row.id).values(position=0))
    here = sa.update(principals).where(principals.c.id == row.account_id)
    tx.db.execute(here.values(email=row.address))
    # The alias of the login changed: what was verified under the old one is void.
    account_store.void_verifications(tx, row.account_id)


def _row(tx: Transaction, account: Principal, address: str) -> Any:
    query = sa.select(addresses).where(addresses.c.account_id == account.id, addresses.c.address == address)
    return tx.db.execute(query).first()


def _signature(tx: Transaction, row: Any, expires: int) -> str:
    secret = sa.select(accounts.c.password_hash).where(accounts.c.id == row.account_id)
    key = str(tx.db.execute(secret).scalar_one()).encode()
    message = f"confirm {row.id} {row.address} {expires}".encode()
    return hmac.new(key, message, hashlib.sha256).hexdigest()


def _demand_own(tx: Transaction, account: Principal) -> None:
    if tx.actor.id not in (account.id, SITE.id):
        people.by_id(tx, account.id)
        raise Denied(Right.ADMINISTER, account.name)
