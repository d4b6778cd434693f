"""The one place where rights are judged: relation, tables 3.2 and 3.3, creator, grants (ACL-01…27)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from storage import filing, rights
from storage.errors import Denied, NotFound
from storage.schema import collections, grants, memberships
from storage.statements import Statement
from storage.store import Transaction
from storage.types import (
    SITE,
    Collection,
    CollectionId,
    Principal,
    PrincipalId,
    Relation,
    Right,
    SpaceKind,
    Tool,
    View,
)

_ROLES: Final = {
    "admin": Relation.ADMIN,
    "co-admin": Relation.CO_ADMIN,
    "member": Relation.MEMBER,
}

_ROLE: Final = Statement(
    sa.select(memberships.c.role).where(
        memberships.c.group_id == sa.bindparam("space"), memberships.c.account_id == sa.bindparam("actor")
    )
)

_theirs: Final = memberships.alias("theirs")
_SHARED_GROUPS: Final = Statement(
    sa.select(memberships.c.group_id)
    .join(_theirs, _theirs.c.group_id == memberships.c.group_id)
    .where(memberships.c.account_id == sa.bindparam("actor"), _theirs.c.account_id == sa.bindparam("space"))
)

_SHARED_WITH_MANY: Final = (
    sa.select(_theirs.c.account_id, memberships.c.group_id)
    .join(_theirs, _theirs.c.group_id == memberships.c.group_id)
    .where(
        memberships.c.account_id == sa.bindparam("actor"),
        _theirs.c.account_id.in_(sa.bindparam("spaces", expanding=True)),
    )
)
_GRANTS_IN_SPACES: Final = sa.select(grants.c.collection_id, grants.c.grantee_id, grants.c.rights).where(
    grants.c.collection_id.in_(sa.bindparam("collections", expanding=True)),
    grants.c.item_id.is_(None),
    grants.c.grantee_id.in_(sa.bindparam("grantees", expanding=True)),
)

_TOGETHER: Final = 5_000

_COLLECTION_GRANTS: Final = sa.select(grants.c.rights).where(
    grants.c.collection_id == sa.bindparam("collection"),
    grants.c.item_id.is_(None),
    grants.c.grantee_id.in_(sa.bindparam("grantees", expanding=True)),
)

_CALENDAR_GRANTS: Final = (
    sa.select(grants.c.rights)
    .join(collections, collections.c.id == grants.c.collection_id)
    .where(
        collections.c.space_id == sa.bindparam("space"),
        collections.c.tool == Tool.CALENDAR.value,
        grants.c.item_id.is_(None),
        grants.c.grantee_id.in_(sa.bindparam("grantees", expanding=True)),
    )
)

_EDIT_ALL_CONTACTS: Final = Statement(
    # ACL-21: U's "edit contacts" also covers what U creates in any group, whichever group it was granted to.
    sa.select(collections.c.space_id)
    .join(grants, grants.c.collection_id == collections.c.id)
    .where(
        collections.c.tool == Tool.CONTACTS.value,
        grants.c.item_id.is_(None),
        sa.or_(
            grants.c.grantee_id == sa.bindparam("actor"),
            grants.c.grantee_id.in_(
                sa.select(memberships.c.group_id).where(memberships.c.account_id == sa.bindparam("actor"))
            ),
        ),
        grants.c.rights.op("&")(Right.EDIT.value) != 0,
    )
)


def relation(tx: Transaction, space_id: PrincipalId, kind: SpaceKind) -> tuple[Relation, list[int]]:
    """What the actor is to a space, and as whom he can be granted something there (ACL-04, ACL-10)."""
    actor = tx.actor.id
    if actor == SITE.id:
        return Relation.SITE, []
    if actor == space_id:
        return Relation.OWNER, []
    keys = {"actor": actor, "space": space_id}
    if kind is SpaceKind.GROUP:
        role = _ROLE.scalar(tx, keys)
        return (_ROLES[role], [actor, space_id]) if role else (Relation.STRANGER, [])
    shared = _SHARED_GROUPS.scalars(tx, keys)
    return (Relation.CO_MEMBER, [actor, *shared]) if shared else (Relation.STRANGER, [])


def relations(tx: Transaction, spaces: Sequence[PrincipalId]) -> dict[PrincipalId, tuple[Relation, list[int]]]:
    """`relation` to many private spaces, in one query; strangers are left out (SYS-09)."""
    actor = tx.actor.id
    if actor == SITE.id:
        return dict.fromkeys(spaces, (Relation.SITE, []))
    shared: dict[int, list[int]] = {}
    for row in tx.db.execute(_SHARED_WITH_MANY, {"actor": actor, "spaces": list(spaces)}):
        shared.setdefault(row.account_id, []).append(row.group_id)
    found = {one: (Relation.CO_MEMBER, [actor, *shared[one]]) for one in spaces if one in shared}
    if actor in spaces:
        found[actor] = Relation.OWNER, []
    return found


def judge_spaces(
    tx: Transaction,
    rows: Sequence[tuple[CollectionId, PrincipalId, Tool]],
    known: Mapping[PrincipalId, tuple[Relation, list[int]]],
) -> dict[CollectionId, Right]:
    """`judge` of collections in many private spaces, whose owners are `known`, in a few queries."""
    kind = SpaceKind.PRIVATE
    held = {number: rights.defaults(kind, tool, known[space][0]) for number, space, tool in rows}
    spaces = {number: space for number, space, _ in rows}
    grantees, numbers = sorted({one for _, some in known.values() for one in some}), list(held)
    for start in range(0, len(numbers), _TOGETHER):  # a space has up to 500, and databases bind some 32,000
        keys = {"collections": numbers[start : start + _TOGETHER], "grantees": grantees}
        for row in tx.db.execute(_GRANTS_IN_SPACES, keys):
            if row.grantee_id in known[spaces[row.collection_id]][1]:
                held[row.collection_id] |= Right(row.rights)
    return {number: _presuming(kind, tool, held[number]) for number, _, tool in rows}


def judge(
    tx: Transaction, collection: CollectionId, kind: SpaceKind, tool: Tool, who: Relation, grantees: list[int]
) -> Right:
    """Rights over the whole collection: the tables' defaults and every grant, united (ACL-01)."""
    held = rights.defaults(kind, tool, who)
    if grantees:
        keys = {"collection": collection, "grantees": grantees}
        for granted in tx.db.execute(_COLLECTION_GRANTS, keys).scalars():
            held |= Right(granted)
    return _presuming(kind, tool, held)


def on_behalf(tx: Transaction, space: PrincipalId, grantees: list[int]) -> Right:
    """What the actor, granted things as `grantees`, may send in the name of a private space's owner (MTG-16).

    It follows from what he may do in any of the owner's calendars; nothing else grants it (ACL-11).
    """
    held = Right.NONE
    if grantees:
        for granted in tx.db.execute(_CALENDAR_GRANTS, {"space": space, "grantees": grantees}).scalars():
            held |= Right(granted)
    return rights.speaking(held)


_SIZES: Final = (8, 64, 512)
_of_many: Final = sa.select(grants.c.collection_id, grants.c.rights).where(grants.c.item_id.is_(None))
_GRANTS_OF_MANY: Final = {
    (some, people): Statement(
        _of_many.where(
            grants.c.collection_id.in_([sa.bindparam(f"c{number}") for number in range(some)]),
            grants.c.grantee_id.in_([sa.bindparam(f"g{number}") for number in range(people)]),
        )
    )
    for some in _SIZES
    for people in _SIZES
}


def _grants_of_many(
    tx: Transaction, wanted: list[CollectionId], grantees: list[int]
) -> Iterable[tuple[CollectionId, int]]:
    """Collection and rights of every grant to one of `grantees` on one of the collections."""
    sizes = tuple(next((size for size in _SIZES if size >= len(one)), 0) for one in (wanted, grantees))
    if not all(sizes):
        chosen = _of_many.where(grants.c.collection_id.in_(wanted), grants.c.grantee_id.in_(grantees))
        return [(row.collection_id, row.rights) for row in tx.db.execute(chosen)]
    # The lists are filled up with their last value, so that a few constant statements serve every length.
    binds: dict[str, Any] = {f"c{number}": wanted[min(number, len(wanted) - 1)] for number in range(sizes[0])}
    binds |= {f"g{number}": grantees[min(number, len(grantees) - 1)] for number in range(sizes[1])}
    return [(CollectionId(row[0]), int(row[1])) for row in _GRANTS_OF_MANY[sizes[0], sizes[1]].raw(tx, binds)]


def judge_many(
    tx: Transaction, rows: list[tuple[CollectionId, SpaceKind, Tool]], who: Relation, grantees: list[int]
) -> dict[CollectionId, Right]:
    """The same for all collections of one space, in one query."""
    held = {number: rights.defaults(kind, tool, who) for number, kind, tool in rows}
    if grantees and rows:
        for number, granted in _grants_of_many(tx, list(held), grantees):
            held[CollectionId(number)] |= Right(granted)
    return {number: _presuming(kind, tool, held[number]) for number, kind, tool in rows}


def _presuming(kind: SpaceKind, tool: Tool, held: Right) -> Right:
    """ACL-20: no change to contacts without seeing the list; ACL-12, ACL-16: nothing in a folder one does not see."""
    needed, rest = rights.presupposed(kind, tool)
    return held & ~rest if needed and not held & needed else held


def view(kind: SpaceKind, tool: Tool, held: Right) -> View:
    """How much of the collection's items these rights show, item grants apart.

    Whoever may edit all events also reads them: an edit of what one does not see would be blind.
    """
    if held & Right.SEE or (tool is Tool.CALENDAR and held & Right.EDIT):
        return View.FULL
    if tool is Tool.CALENDAR and held & Right.SEE_BUSY:
        return View.BUSY
    return View.HIDDEN


def edit_all_creators(tx: Transaction) -> frozenset[int]:
    """Accounts whose contacts in groups the actor may edit as well (ACL-21)."""
    return frozenset(_EDIT_ALL_CONTACTS.scalars(tx, {"actor": tx.actor.id}))


def is_published(tx: Transaction, collection: Collection) -> bool:
    """Whether a folder is the published `web`, or lies in it: then all who know the space read all of it (DOC-37)."""
    web = filing.join(filing.DOCS, filing.WEB)
    if not filing.is_within(collection.name, web):
        return False
    here = sa.and_(collections.c.space_id == collection.space.id, collections.c.path == web)
    return bool(tx.db.execute(sa.select(collections.c.published).where(here)).scalar())


def demand(held: Right, needed: Right, on: str) -> None:
    """Pass if `needed` is held.

    Raises:
        Denied: it is not; the thing itself is visible (SYS-09).
    """
    if not held & needed:
        raise Denied(needed, on)


def demand_owner(tx: Transaction, space: Principal) -> None:
    """Pass for the owner of a private space, the admin of a group and the site administrator.

    Raises:
        NotFound: the actor may not know of the space.
        Denied: he knows it, but it is not his.
    """
    who, _ = relation(tx, space.id, space.kind)
    if who is Relation.STRANGER:
        raise NotFound(space.name)
    if who not in (Relation.OWNER, Relation.ADMIN, Relation.SITE):
        raise Denied(Right.ADMINISTER, space.name)
