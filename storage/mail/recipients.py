"""Whose mail it is: addresses of this desk to accounts, and those an account may send from (MSG-09, MSG-66)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from storage import preferences, quota
from storage.containment import contains
from storage.outbound.domains import a_labels, plain
from storage.schema import accounts, addresses, plans, principals
from storage.statements import Statement
from storage.store import Transaction
from storage.types import Actor, PrincipalId, SpaceKind, Tool

_columns: Final = (
    *(principals.c.id, principals.c.name, principals.c.language, accounts.c.suspended),
    sa.select(plans.c.limits).where(plans.c.id == accounts.c.plan_id).scalar_subquery().label("limits"),
)
_BY_ADDRESS: Final = Statement(
    sa.select(*_columns)
    .join(accounts, accounts.c.id == principals.c.id)
    .join(addresses, addresses.c.account_id == principals.c.id)
    .where(addresses.c.address == sa.bindparam("address"), addresses.c.confirmed)
)
_BY_LOGIN: Final = Statement(
    sa.select(*_columns)
    .join(accounts, accounts.c.id == principals.c.id)
    .where(principals.c.kind == SpaceKind.PRIVATE.value, principals.c.name_fold == sa.bindparam("login"))
)
_typed: Final = contains(accounts.c.preferences, '"calendar_user_type":"r') | contains(
    accounts.c.preferences, '"calendar_user_type": "r'
)
"""A room or a resource, as storage/preferences.py writes it."""
_MANY: Final = (4, 32, 256)
_BY_ADDRESSES: Final = {
    size: Statement(
        sa.select(addresses.c.address, principals.c.id, principals.c.name, _typed.label("typed"))
        .join(addresses, addresses.c.account_id == principals.c.id)
        .join(accounts, accounts.c.id == principals.c.id)
        .where(addresses.c.address.in_([sa.bindparam(f"n{number}") for number in range(size)]), addresses.c.confirmed)
    )
    for size in _MANY
}
_OF: Final = Statement(
    sa.select(addresses.c.address)
    .where(addresses.c.account_id == sa.bindparam("account"), addresses.c.confirmed)
    .order_by(addresses.c.position, addresses.c.id)
)


@dataclass(frozen=True, slots=True)
class Recipient:
    """One account that a mail is for."""

    account: PrincipalId
    login: str
    address: str
    """As the sender wrote it, the suffix included."""
    language: str
    limited: bool = True
    """There may be no room for his mail; False: his plan, as it was when he was looked up, has no limit for it."""

    @property
    def actor(self) -> Actor:
        """Who acts when the mail is delivered: the account itself."""
        return Actor(self.account, self.login)


def find(tx: Transaction, address: str, domains: Collection[str] = ()) -> Recipient | None:
    """The account behind an address, or None.

    It is a confirmed address of an account, or `login@domain` with one of the desk's own `domains` (lower
    case); of `local+suffix@domain` the suffix is passed over (MSG-66). The case does not matter.
    """
    local, _, domain = address.lower().rpartition("@")
    for name in dict.fromkeys((local, local.partition("+")[0])):
        if not name:
            continue
        row: Any = _BY_ADDRESS.first(tx, {"address": f"{name}@{domain}"})
        if row is None and domain in domains:
            row = _BY_LOGIN.first(tx, {"login": name})
        if row is not None:
            limited = quota.is_limited(row.limits, Tool.MESSAGES)
            return Recipient(PrincipalId(row.id), row.name, address, row.language, limited)
    return None


def find_many(tx: Transaction, wanted: Sequence[str]) -> list[Any]:
    """Rows of `address`, account `id`, `name` and whether it is a room (`typed`), for those that are somebody's.

    The addresses are in lower case.
    """
    found: list[Any] = []
    for start in range(0, len(wanted), _MANY[-1]):
        some = wanted[start : start + _MANY[-1]]
        size = next(size for size in _MANY if size >= len(some))
        # The list is filled up with its last value, so that a few constant statements serve every length.
        padded = {f"n{number}": some[min(number, len(some) - 1)] for number in range(size)}
        found += _BY_ADDRESSES[size].all(tx, padded)
    return found


def sender_addresses(tx: Transaction, account: PrincipalId, login: str, domains: Collection[str]) -> tuple[str, ...]:
    """The addresses that an account may send from, in lower case, the main one first (MSG-09, ACC-19)."""
    found: list[str] = list(_OF.scalars(tx, {"account": account}))
    for domain in domains:
        own = f"{login}@{domain}"
        holder: Any = _BY_ADDRESS.first(tx, {"address": own})
        if own not in found and (holder is None or holder.id == account):
            found.append(own)
    return tuple(found)


def addresses_of(tx: Transaction, account: PrincipalId) -> list[str]:
    """The confirmed addresses of an account, the main one first."""
    return list(_OF.scalars(tx, {"account": account}))


def default_sender(tx: Transaction, account: PrincipalId, own: Sequence[str]) -> str:
    """The one of `own` that new mail comes from, and that reminders go to: the chosen one, else the first (ACC-19)."""
    chosen = preferences.default_sender_of(tx, account)
    return chosen if chosen in own else own[0]


_TOGETHER: Final = 500
_OF_MANY: Final = (
    sa.select(addresses.c.account_id, addresses.c.address, accounts.c.preferences)
    .join(accounts, accounts.c.id == addresses.c.account_id)
    .where(addresses.c.account_id.in_(sa.bindparam("accounts", expanding=True)), addresses.c.confirmed)
    .order_by(addresses.c.position, addresses.c.id)
)


def notified_at(tx: Transaction, people: Sequence[PrincipalId]) -> dict[PrincipalId, str]:
    """Where each of many accounts hears of things: its default address; who has none is left out (ACC-19)."""
    found: dict[PrincipalId, str] = {}
    for start in range(0, len(people), _TOGETHER):
        for row in tx.db.execute(_OF_MANY, {"accounts": list(people[start : start + _TOGETHER])}):
            first = found.setdefault(row.account_id, row.address)
            if first != row.address == preferences.chosen_sender(row.preferences):
                found[row.account_id] = row.address
    return found


def may_send_from(own: Collection[str], address: str) -> bool:
    """Whether an address is one of `own`, a suffix left aside, and whatever its domain is written in (RFC 5890)."""
    local, _, domain = address.lower().rpartition("@")
    bare = local.partition("+")[0]
    if f"{local}@{domain}" in own or f"{bare}@{domain}" in own:
        return True
    if domain.isascii() and "xn--" not in domain:
        return False
    labels = a_labels(domain)
    return any(plain(one) in (f"{local}@{labels}", f"{bare}@{labels}") for one in own)


_OLDEST: Final = Statement(
    sa.select(principals.c.name).join(accounts, accounts.c.id == principals.c.id).order_by(principals.c.id).limit(1)
)


def oldest(tx: Transaction) -> str:
    """The login of the first account, who reads what is for the postmaster; "" without accounts."""
    found: str | None = _OLDEST.scalar(tx, {})
    return found or ""
