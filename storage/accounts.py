"""Accounts: made, suspended and removed by the site administrator; one login, one password (ACC-01)."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from storage import collections as tree
from storage import groups, numbering, plans, preferences, trees
from storage import principals as people
from storage.errors import Denied, Exists, NotFound, Refused
from storage.mail import mailboxes
from storage.schema import accounts, addresses, collections, items, memberships, principals
from storage.schema import groups as group_table
from storage.schema import plans as plan_table
from storage.store import Transaction
from storage.types import SITE, Principal, PrincipalId, Right, SpaceKind

RESERVED_LOGINS: Final = frozenset({"principals", "groups", "private", "public", "remote", "accounts"})
"""SYS-12: path elements of the URL map, compared without case."""

_LOGIN: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?\Z")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What `auth` needs to verify somebody."""

    id: PrincipalId
    login: str
    password_hash: str
    version: int
    """Raised by whatever must void earlier verifications."""
    suspended: bool


@dataclass(frozen=True, slots=True)
class Account:
    """An account as its owner and the site administrator see it."""

    principal: Principal
    plan: str
    suspended: bool
    language: str
    country: str
    created: float


_version: Final = accounts.c.credential_version + 1
_CREDENTIALS: Final = sa.select(
    principals.c.id,
    principals.c.name,
    accounts.c.password_hash,
    accounts.c.credential_version,
    accounts.c.suspended,
).join(accounts, accounts.c.id == principals.c.id)
_BY_LOGIN: Final = _CREDENTIALS.where(
    principals.c.kind == SpaceKind.PRIVATE.value, principals.c.name_fold == sa.bindparam("name")
)
_BY_ADDRESS: Final = _CREDENTIALS.join(addresses, addresses.c.account_id == accounts.c.id).where(
    addresses.c.address == sa.bindparam("name"), addresses.c.position == 0, addresses.c.confirmed
)
_ACCOUNTS: Final = (
    sa.select(principals, accounts.c.suspended, accounts.c.country, plan_table.c.name.label("plan_name"))
    .join(accounts, accounts.c.id == principals.c.id)
    .join(plan_table, plan_table.c.id == accounts.c.plan_id)
    .order_by(principals.c.name_fold)
)


def create(
    tx: Transaction,
    login: str,
    password_hash: str,
    *,
    plan: str = plans.FULL,
    email: str = "",
    display_name: str = "",
    language: str = "en",
    country: str = "",
) -> Principal:
    """Make an account with its default collections; `password_hash` comes from `auth.passwords`.

    Raises:
        Denied: only the site administrator makes accounts (ACC-01).
        Refused: the login is reserved (SYS-12) or cannot be one; the address cannot be one.
        Exists: the login or the address is taken.
        NotFound: no such plan.
    """
    _demand_site(tx)
    name = clean_login(login)
    main = clean_address(email) if email else ""
    taken = sa.select(principals.c.id).where(
        principals.c.kind == SpaceKind.PRIVATE.value, principals.c.name_fold == name
    )
    if tx.db.execute(taken).first():
        raise Exists(f"the login {name} is taken")
    shown = _clean_line(display_name, "name")
    values = {
        "kind": SpaceKind.PRIVATE.value,
        "name": name,
        "name_fold": name,
        "display_name": shown,
        "email": main,
        "language": preferences.clean_language(language),
        "created": tx.now,
    }
    made_row = sa.insert(principals).values(**values).returning(principals.c.id)
    try:
        number = PrincipalId(tx.db.execute(made_row).scalar_one())
    except sa.exc.IntegrityError:  # at this very moment
        raise Exists(f"the login {name} is taken") from None
    tx.db.execute(sa.insert(accounts).values(id=number, password_hash=password_hash, plan_id=plans.number_of(tx, plan)))
    made = Principal(number, SpaceKind.PRIVATE, name, shown, main)
    if country:
        preferences.set_language(tx, made, language, country)
    if main:
        free_address(tx, main, number)
        row = {"account_id": number, "address": main, "confirmed": True, "position": 0}
        tx.db.execute(sa.insert(addresses).values(**row))
    tree.create_defaults(tx, number, SpaceKind.PRIVATE)
    trees.create_defaults(tx, number, SpaceKind.PRIVATE)
    mailboxes.create_defaults(tx, number)
    return made


def find(tx: Transaction, login: str) -> Account:
    """The account of that login, for its owner and the site administrator.

    Raises:
        NotFound: there is none, or the actor may not know of it.
        Denied: it is somebody else's.
    """
    principal = people.find(tx, SpaceKind.PRIVATE, login)
    _demand_own(tx, principal)
    return _account(tx.db.execute(_ACCOUNTS.where(principals.c.id == principal.id)).one())


def listing(tx: Transaction) -> list[Account]:
    """All accounts, by login.

    Raises:
        Denied: for the site administrator only.
    """
    _demand_site(tx)
    return [_account(row) for row in tx.db.execute(_ACCOUNTS)]


def credentials(tx: Transaction, login_or_address: str) -> Credentials | None:
    """What belongs to a login, or to a main e-mail address as its alias (SYS-04); None for neither."""
    name = fold_login(login_or_address)
    if "\0" in name:  # a URL can hold one (RFC 4467), and PostgreSQL takes none
        return None
    row = tx.db.execute(_BY_ADDRESS if "@" in name else _BY_LOGIN, {"name": name}).first()
    if row is None:
        return None
    return Credentials(PrincipalId(row.id), row.name, row.password_hash, row.credential_version, row.suspended)


def set_password_hash(tx: Transaction, account: Principal, password_hash: str) -> None:
    """Change the password; every verification remembered anywhere is void from the commit on.

    Raises:
        NotFound, Denied: it is neither the actor's account nor is he the site administrator.
    """
    _demand_own(tx, account)
    _change(tx, account, password_hash=password_hash, credential_version=_version)


def renew_password_hash(tx: Transaction, number: PrincipalId, old: str, new: str) -> None:
    """Store the same password under stronger parameters, unless it was changed meanwhile."""
    here = sa.update(accounts).where(accounts.c.id == number, accounts.c.password_hash == old)
    tx.db.execute(here.values(password_hash=new))


def void_verifications(tx: Transaction, number: PrincipalId) -> None:
    """Make every process verify this account anew, from the commit on."""
    tx.db.execute(sa.update(accounts).where(accounts.c.id == number).values(credential_version=_version))


def set_display_name(tx: Transaction, account: Principal, display_name: str) -> Principal:
    """Change the name that others read.

    Raises:
        NotFound, Denied: as in `set_password_hash`.
        Refused: it is too long or holds control characters.
    """
    _demand_own(tx, account)
    shown = _clean_line(display_name, "name")
    tx.db.execute(sa.update(principals).where(principals.c.id == account.id).values(display_name=shown))
    return people.by_id(tx, account.id)


def suspend(tx: Transaction, account: Principal) -> None:
    """Refuse every login from the commit on; the data stay, and what others may see of them.

    Raises:
        Denied: only the site administrator suspends accounts.
    """
    _demand_site(tx)
    _change(tx, account, suspended=True, credential_version=_version)


def resume(tx: Transaction, account: Principal) -> None:
    """Let a suspended account log in again.

    Raises:
        Denied: only the site administrator resumes accounts.
    """
    _demand_site(tx)
    _change(tx, account, suspended=False, credential_version=_version)


def remove(tx: Transaction, account: Principal) -> None:
    """Delete an account with its private environment; what it put into groups stays there (GRP-15).

    Groups that it administers alone go with it.

    Raises:
        Denied: only the site administrator removes accounts.
        Refused: it administers a group that has other members: name another admin first (GRP-14).
    """
    _demand_site(tx)
    _hold(tx, account)
    administered = (
        sa.select(principals)
        .join(group_table, group_table.c.id == principals.c.id)
        .where(group_table.c.admin_id == account.id)
        .order_by(principals.c.name_fold)
    )
    own = [people.of_row(row) for row in tx.db.execute(administered)]
    for group in own:
        if len(people.members(tx, group)) > 1:
            raise Refused(f"{account.name} administers the group {group.name}: name another admin first")
    for group in own:
        groups.remove(tx, group)
    joined = sa.select(memberships.c.group_id).where(memberships.c.account_id == account.id)
    for number in tx.db.execute(joined).scalars().all():
        groups.expel(tx, people.by_id(tx, PrincipalId(number)), account)
    tx.db.execute(sa.update(items).where(items.c.creator_id == account.id).values(creator_id=0))
    numbering.gone_with(tx, account.id)
    tx.db.execute(sa.delete(principals).where(principals.c.id == account.id))


def fold_login(login: str) -> str:
    """A login as it is compared: without case and surrounding space (ACC-01)."""
    return unicodedata.normalize("NFC", login).strip().lower()


def clean_login(login: str) -> str:
    """The login in its stored form.

    Raises:
        Refused: it is reserved (SYS-12) or cannot be a login.
    """
    name = fold_login(login)
    if name in RESERVED_LOGINS:
        raise Refused(f"the login {name} is reserved")
    if not _LOGIN.match(name):
        raise Refused(
            "a login has 1 to 64 characters of a-z, 0-9, dot, dash and underscore, "
            "and begins and ends with a letter or digit"
        )
    return name


def clean_address(address: str) -> str:
    """An e-mail address in its stored form: lower case, without `mailto:`.

    Raises:
        Refused: it cannot be one, or it is one of the suite's pseudo-addresses.
    """
    text = unicodedata.normalize("NFC", address).strip().lower().removeprefix("mailto:")
    local, _, domain = text.rpartition("@")
    plain = text.isprintable() and not any(character in text for character in ' ,;:<>()[]"\\')
    if not plain or not local or not domain or "@" in local or len(text.encode()) > 254:
        raise Refused("this cannot be an e-mail address")
    if domain in {"group", "list", "sms", "fax"}:  # GRP-24, MSG-03, MSG-24: never somebody's mailbox
        raise Refused(f"addresses at {domain} belong to the suite itself")
    if any(not label or label.startswith("-") or len(label) > 63 for label in domain.split(".")):
        raise Refused("this cannot be an e-mail address")
    return text


def free_address(tx: Transaction, address: str, taker: PrincipalId) -> None:
    """An address belongs to one account (MTG-17); a mere claim yields to the next claim."""
    held = tx.db.execute(sa.select(addresses).where(addresses.c.address == address)).first()
    if held is None:
        return
    if held.confirmed or held.account_id == taker:
        raise Exists("this address belongs to an account already")
    claim = sa.delete(addresses).where(addresses.c.id == held.id, ~addresses.c.confirmed)
    if not tx.db.execute(claim).rowcount:
        raise Exists("this address belongs to an account already")  # it was confirmed at this moment


def _clean_line(text: str, what: str) -> str:
    clean = unicodedata.normalize("NFC", text).strip()
    if len(clean) > 200 or not clean.isprintable():
        raise Refused(f"a {what} has at most 200 characters, none of them a control character")
    return clean


def _account(row: Any) -> Account:
    return Account(people.of_row(row), row.plan_name, row.suspended, row.language, row.country, row.created)


def _change(tx: Transaction, account: Principal, **values: Any) -> None:
    if not tx.db.execute(sa.update(accounts).where(accounts.c.id == account.id).values(**values)).rowcount:
        raise NotFound(account.name)


def _hold(tx: Transaction, account: Principal) -> None:
    """Wait for all who write into a private environment, and let nobody begin to, before it goes (PostgreSQL).

    In the order of whoever writes there: they hold a collection, and then refer to the account. If this began with
    the account, a mail that comes and the removal would wait for each other.
    """
    if not tx.store.engines.sqlite:
        tx.db.execute(sa.select(accounts.c.id).where(accounts.c.id == account.id).with_for_update(key_share=True))
        own = sa.select(collections.c.id).where(collections.c.space_id == account.id).order_by(collections.c.id)
        tx.db.execute(own.with_for_update()).all()


def _demand_own(tx: Transaction, account: Principal) -> None:
    if tx.actor.id not in (account.id, SITE.id):
        people.by_id(tx, account.id)  # a stranger is told that there is nobody
        raise Denied(Right.ADMINISTER, account.name)


def _demand_site(tx: Transaction) -> None:
    if tx.actor.id != SITE.id:
        raise Denied(Right.ADMINISTER, "accounts")
