"""Who is there, as far as the actor may know: himself, his groups, and those who share one with him.

A stranger is answered exactly as somebody who does not exist (SYS-09, ACL-27).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, Final

import sqlalchemy as sa

from storage.errors import NotFound
from storage.schema import addresses as address_table
from storage.schema import collections, grants, memberships, principals
from storage.statements import Statement
from storage.store import Transaction
from storage.types import SITE, Principal, PrincipalId, Right, SpaceKind, Tool

PROXY_WRITE: Final = Right.SEE | Right.ADD | Right.EDIT | Right.DELETE
"""All four make a read-write delegate; anything in between counts as read (CALSYNC-11)."""

SEARCHABLE: Final = frozenset({"displayname", "email", "address", "login"})
MATCH_TYPES: Final = frozenset({"contains", "equals", "starts-with", "ends-with"})

_mine: Final = memberships.alias("mine")
_theirs: Final = memberships.alias("theirs")

_KNOWN: Final = sa.or_(
    sa.bindparam("actor") == SITE.id,
    principals.c.id == sa.bindparam("actor"),
    sa.exists().where(memberships.c.group_id == principals.c.id, memberships.c.account_id == sa.bindparam("actor")),
    sa.exists().where(
        _mine.c.account_id == sa.bindparam("actor"),
        _theirs.c.group_id == _mine.c.group_id,
        _theirs.c.account_id == principals.c.id,
    ),
)
"""SYS-09: the condition under which the actor may know of a principal."""

_FIND: Final = Statement(
    sa.select(principals).where(
        principals.c.kind == sa.bindparam("kind"), principals.c.name == sa.bindparam("name"), _KNOWN
    )
)
_BY_ID: Final = Statement(sa.select(principals).where(principals.c.id == sa.bindparam("number"), _KNOWN))

# The same set as `_KNOWN`, but walked from the actor's memberships: it never reads the whole table.
_REACHED: Final = (
    sa.select(_mine.c.group_id.label("id"))
    .where(_mine.c.account_id == sa.bindparam("actor"))
    .union(
        sa.select(_theirs.c.account_id)
        .join(_mine, _mine.c.group_id == _theirs.c.group_id)
        .where(_mine.c.account_id == sa.bindparam("actor")),
        sa.select(sa.cast(sa.bindparam("actor"), sa.BigInteger)),
    )
)
_VISIBLE: Final = (
    sa.select(principals).where(principals.c.id.in_(_REACHED)).order_by(principals.c.kind, principals.c.name_fold)
)
_EVERYONE: Final = sa.select(principals).order_by(principals.c.kind, principals.c.name_fold)

_GROUPS_OF: Final = Statement(
    sa.select(principals)
    .join(memberships, memberships.c.group_id == principals.c.id)
    .where(memberships.c.account_id == sa.bindparam("account"))
    .order_by(principals.c.name_fold)
)
_MEMBERS: Final = Statement(
    sa.select(principals)
    .join(memberships, memberships.c.account_id == principals.c.id)
    .where(memberships.c.group_id == sa.bindparam("group"))
    .order_by(principals.c.name_fold)
)
_ADDRESSES: Final = Statement(
    sa.select(address_table.c.address)
    .where(address_table.c.account_id == sa.bindparam("account"), address_table.c.confirmed)
    .order_by(address_table.c.position, address_table.c.id)
)


def find(tx: Transaction, kind: SpaceKind, name: str) -> Principal:
    """The principal of that login (any case, ACC-01) or short name (exact case, SPEC 0.3).

    Raises:
        NotFound: there is none, or the actor may not know of it.
    """
    if "\0" in name:  # PostgreSQL stores no such text
        raise NotFound("no such principal")
    exact = name.lower() if kind is SpaceKind.PRIVATE else name
    row = _FIND.first(tx, {"actor": tx.actor.id, "kind": kind.value, "name": exact})
    if row is None:
        raise NotFound(name)
    return of_row(row)


def by_id(tx: Transaction, number: PrincipalId) -> Principal:
    """The principal of that number.

    Raises:
        NotFound: there is none, or the actor may not know of it.
    """
    row = _BY_ID.first(tx, {"actor": tx.actor.id, "number": number})
    if row is None:
        raise NotFound(str(number))
    return of_row(row)


def language_of(tx: Transaction, number: PrincipalId) -> str:
    """The language recorded for an account or a group, without its region; "en" if there is no such (SYS-16)."""
    found: str | None = tx.db.execute(sa.select(principals.c.language).where(principals.c.id == number)).scalar()
    return (found or "en").partition("-")[0]


def me(tx: Transaction) -> Principal:
    """The actor himself.

    Raises:
        NotFound: the site administrator is no principal.
    """
    return by_id(tx, tx.actor.id)


def visible(tx: Transaction) -> list[Principal]:
    """Everyone the actor may know of, groups first, by name."""
    if tx.actor.id == SITE.id:
        return [of_row(row) for row in tx.db.execute(_EVERYONE)]
    return [of_row(row) for row in tx.db.execute(_VISIBLE, {"actor": tx.actor.id})]


def groups_of(tx: Transaction, principal: Principal) -> list[Principal]:
    """The groups of an account that the actor may know of: of another's, the common ones."""
    if principal.kind is SpaceKind.GROUP:
        return []
    found = [of_row(row) for row in _GROUPS_OF.all(tx, {"account": principal.id})]
    if principal.id == tx.actor.id or tx.actor.id == SITE.id:
        return found
    own = {row.id for row in _GROUPS_OF.all(tx, {"account": tx.actor.id})}
    return [group for group in found if group.id in own]


def members(tx: Transaction, group: Principal) -> list[Principal]:
    """The members of a group that the actor was shown by `find`; of an account, none."""
    return [of_row(row) for row in _MEMBERS.all(tx, {"group": group.id})]


def addresses(tx: Transaction, principal: Principal) -> list[str]:
    """The confirmed addresses, the main one first (MTG-17); for a group `<GROUP>@group` (GRP-24)."""
    if principal.kind is SpaceKind.GROUP:
        return [principal.email]
    return _ADDRESSES.scalars(tx, {"account": principal.id})


def search(tx: Transaction, terms: list[tuple[str, str, str]], all: bool) -> list[Principal]:
    """Visible principals that meet one of `terms`, or `all` of them (RFC 3744 §9.4).

    A term is (field, text, match type): `SEARCHABLE`, compared without case, `MATCH_TYPES`. A field
    that is not searchable matches nobody.
    """
    if not terms:
        return []
    people = visible(tx)
    known = _all_addresses(tx, people) if any(field in ("email", "address") for field, _, _ in terms) else {}
    folded = [(field, _fold(text), how) for field, text, how in terms]
    verdict = _every if all else _any
    return [who for who in people if verdict(_meets(who, known, term) for term in folded)]


def delegates(tx: Transaction, account: Principal, write: bool) -> list[Principal]:
    """Who works in `account`'s calendar: read-write delegates, or those who may only read (CALSYNC-11).

    The owner is told all of them, anybody else only whether he is one himself.
    """
    held: dict[int, Right] = {}
    query = (
        sa.select(grants.c.grantee_id, grants.c.rights)
        .join(collections, collections.c.id == grants.c.collection_id)
        .where(collections.c.space_id == account.id, _IS_THE_CALENDAR, grants.c.item_id.is_(None))
    )
    entries = {row.grantee_id: Right(row.rights) for row in tx.db.execute(query)}
    for group in _GROUPS_OF.all(tx, {"account": account.id}):
        whole = entries.get(group.id, Right.NONE)
        for person in _MEMBERS.all(tx, {"group": group.id}):
            if person.id != account.id:
                given = held.get(person.id, Right.NONE) | whole | entries.get(person.id, Right.NONE)
                held[person.id] = given
    wanted = {number for number, right in held.items() if _level(right) is write}
    if tx.actor.id not in (account.id, SITE.id):
        wanted &= {tx.actor.id}
    return _named(tx, wanted)


def delegators(tx: Transaction, write: bool) -> list[Principal]:
    """Whose calendars the actor works in: read-write, or only reading (CALSYNC-11)."""
    actor = {"actor": tx.actor.id}
    query = (
        sa.select(collections.c.space_id, grants.c.grantee_id, grants.c.rights)
        .join(collections, collections.c.id == grants.c.collection_id)
        .join(principals, principals.c.id == collections.c.space_id)
        .where(
            principals.c.kind == SpaceKind.PRIVATE.value,
            principals.c.id != sa.bindparam("actor"),
            _IS_THE_CALENDAR,
            grants.c.item_id.is_(None),
            sa.or_(
                sa.and_(grants.c.grantee_id == sa.bindparam("actor"), _IS_CO_MEMBER),
                sa.exists().where(  # an "all members" entry of a group that both belong to (ACL-04)
                    _mine.c.group_id == grants.c.grantee_id,
                    _mine.c.account_id == sa.bindparam("actor"),
                    _theirs.c.group_id == grants.c.grantee_id,
                    _theirs.c.account_id == collections.c.space_id,
                ),
            ),
        )
    )
    held: dict[int, Right] = {}
    for row in tx.db.execute(query, actor):
        held[row.space_id] = held.get(row.space_id, Right.NONE) | Right(row.rights)
    return _named(tx, {number for number, right in held.items() if _level(right) is write})


def of_row(row: Any) -> Principal:
    """The value of a row of the principals' table."""
    return Principal(PrincipalId(row.id), SpaceKind(row.kind), row.name, row.display_name, row.email)


_IS_THE_CALENDAR: Final = sa.and_(collections.c.tool == Tool.CALENDAR.value, collections.c.path == "events")
_IS_CO_MEMBER: Final = sa.exists().where(
    _mine.c.account_id == sa.bindparam("actor"),
    _theirs.c.group_id == _mine.c.group_id,
    _theirs.c.account_id == collections.c.space_id,
)


def _level(right: Right) -> bool | None:
    """True for a read-write delegate, False for one who reads, None for neither."""
    if right & PROXY_WRITE == PROXY_WRITE:
        return True
    return False if right & Right.SEE else None


def _named(tx: Transaction, numbers: set[int]) -> list[Principal]:
    if not numbers:
        return []
    query = sa.select(principals).where(principals.c.id.in_(numbers)).order_by(principals.c.name_fold)
    return [of_row(row) for row in tx.db.execute(query)]


def _all_addresses(tx: Transaction, people: list[Principal]) -> Mapping[int, list[str]]:
    query = sa.select(address_table.c.account_id, address_table.c.address).where(address_table.c.confirmed)
    if tx.actor.id != SITE.id:
        query = query.where(address_table.c.account_id.in_(_REACHED))
    found: dict[int, list[str]] = {who.id: [who.email] for who in people}
    for row in tx.db.execute(query, {"actor": tx.actor.id}):
        found.setdefault(row.account_id, []).append(row.address)
    return found


def _meets(who: Principal, known: Mapping[int, list[str]], term: tuple[str, str, str]) -> bool:
    field, text, how = term
    if field == "displayname":
        values = [who.display_name or who.name]
    elif field == "login":
        values = [who.name]
    elif field == "email":
        values = known.get(who.id, [])
    elif field == "address":  # of a calendar user: a URI (RFC 6638 §2.4.1), though many ask for the bare address
        values = [form for one in known.get(who.id, []) for form in (one, f"mailto:{one}")]
    else:
        return False
    return any(_compare(_fold(value), text, how) for value in values)


def _compare(value: str, text: str, how: str) -> bool:
    if how == "equals":
        return value == text
    if how == "starts-with":
        return value.startswith(text)
    if how == "ends-with":
        return value.endswith(text)
    return text in value


def _fold(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _every(verdicts: Iterable[bool]) -> bool:
    return all(verdicts)


def _any(verdicts: Iterable[bool]) -> bool:
    return any(verdicts)
