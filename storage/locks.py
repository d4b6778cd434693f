"""DAV locks that hold across processes and protocols (RFC 4918 §6, §7).

A path here is below its space: "" is the home itself, "events" a collection, "events/a.ics" an item.
Who may lock is judged by the caller; whether a lock forbids a write is judged here, for every writer.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from storage import lock_order
from storage.errors import LimitReached, LockConflict, Locked, LockMissing
from storage.schema import collections, locks, memberships, principals
from storage.statements import Statement
from storage.store import Transaction
from storage.types import SITE, Principal, PrincipalId, SpaceKind

MAX_TIMEOUT_S: Final = 86_400
"""Longer wishes are cut: the server chooses (RFC 4918 §6.6)."""

MAX_LOCKS_PER_OWNER: Final = 1_000
"""In one space; a further one is refused."""

MAX_OWNER_OCTETS: Final = 16_384


@dataclass(frozen=True, slots=True)
class Lock:
    """One write lock that has not expired."""

    token: str
    """`urn:uuid:…`"""
    path: str
    """The lock's root in full: `alice/private/events/a.ics`, `groups/IAB/events`."""
    owner: str
    """Login of its creator, who alone may use the token (RFC 4918 §6.4)."""
    exclusive: bool
    infinite: bool
    """Depth infinity: it covers everything below its root."""
    of_collection: bool
    """Its root is a home, a collection or a folder: its URL ends with a slash (RFC 4918 §5.2)."""
    reserved: bool
    """The name was unmapped when it was locked (RFC 4918 §7.3)."""
    owner_xml: str
    """DAV:owner as the client sent it."""
    timeout_s: int
    """Seconds that remain."""
    expires: float


_covers: Final = sa.and_(
    locks.c.space_id == sa.bindparam("space"),
    locks.c.path.in_(sa.bindparam("paths", expanding=True)),
    locks.c.expires > sa.bindparam("now"),
)
_below: Final = sa.and_(
    locks.c.space_id == sa.bindparam("space"),
    sa.func.substr(locks.c.path, 1, sa.bindparam("length", type_=sa.Integer)) == sa.bindparam("prefix", type_=sa.Text),
    locks.c.path != "",
    locks.c.expires > sa.bindparam("now"),
)
_of_collection: Final = (
    sa.exists()
    .where(collections.c.space_id == locks.c.space_id, collections.c.path == locks.c.path)
    .correlate(locks)
    .label("of_collection")
)
_VALUES: Final = sa.select(locks, principals.c.name.label("login"), _of_collection).join(
    principals, principals.c.id == locks.c.owner_id
)
_COVERING: Final = _VALUES.where(_covers).order_by(locks.c.path, locks.c.expires)
_BELOW: Final = _VALUES.where(_below).order_by(locks.c.path, locks.c.expires)

_JUDGED: Final = sa.select(locks.c.token, locks.c.path, locks.c.owner_id, locks.c.exclusive, locks.c.infinite)
_ANY: Final = Statement(
    sa.select(sa.literal_column("1"))
    .select_from(locks)
    .where(locks.c.space_id == sa.bindparam("space"))
    .limit(sa.literal_column("1"))
)
"""Whether the space has any lock at all, expired ones included: nearly always it has none."""
_CHECK_DEEP: Final = _JUDGED.where(_covers)
_CHECK_TREE: Final = _JUDGED.where(sa.or_(_covers, _below))
# Every write asks this one: home, collection, item.
_CHECK: Final = Statement(
    _JUDGED.where(
        locks.c.space_id == sa.bindparam("space"),
        locks.c.path.in_([sa.bindparam(key, type_=sa.Text) for key in ("home", "collection", "item")]),
        locks.c.expires > sa.bindparam("now"),
    )
)


def lock(
    tx: Transaction,
    space: Principal,
    path: str,
    *,
    exclusive: bool = True,
    infinite: bool = False,
    timeout_s: int = MAX_TIMEOUT_S,
    owner_xml: str = "",
    reserved: bool = False,
) -> Lock:
    """Lock a path for the actor (RFC 4918 §9.10); `reserved` says that nothing has this name yet.

    Raises:
        LockConflict: another lock, also one of his own, is in the way (RFC 4918 §9.10.5, §9.10.6).
        Locked: the name is `reserved`, and a lock on its collection forbids new members.
        LimitReached: he holds too many locks here, or says too much in `owner_xml`.
    """
    if len(owner_xml.encode()) > MAX_OWNER_OCTETS:
        raise LimitReached("lock_owner_octets", MAX_OWNER_OCTETS)
    _serialise(tx, space, path, tree=infinite)
    tx.db.execute(sa.delete(locks).where(locks.c.space_id == space.id, locks.c.expires <= tx.now))
    for other in covering(tx, space, path):
        if exclusive or other.exclusive:
            raise LockConflict(other.path)
    for other in below(tx, space, path) if infinite else ():
        if exclusive or other.exclusive:
            raise LockConflict(other.path)
    if reserved:  # a new member of its collection (RFC 4918 §7.4)
        check(tx, space, _parent(path))
    held = sa.select(sa.func.count()).where(locks.c.space_id == space.id, locks.c.owner_id == tx.actor.id)
    if tx.db.execute(held).scalar_one() >= MAX_LOCKS_PER_OWNER:
        raise LimitReached("locks", MAX_LOCKS_PER_OWNER)
    tx.unlocked.discard(space.id)
    token = uuid.uuid4().urn
    tx.db.execute(
        sa.insert(locks).values(
            token=token,
            space_id=space.id,
            path=path,
            owner_id=tx.actor.id,
            exclusive=exclusive,
            infinite=infinite,
            reserved=reserved,
            owner_xml=owner_xml,
            expires=tx.now + _timeout(timeout_s),
        )
    )
    return _own(tx, space, path, token)


def refresh(tx: Transaction, space: Principal, path: str, token: str, timeout_s: int = MAX_TIMEOUT_S) -> Lock:
    """Start the time of one's own lock that covers `path` anew (RFC 4918 §9.10.2).

    Raises:
        LockMissing: no such lock here, or it is somebody else's.
    """
    _own(tx, space, path, token)
    tx.db.execute(sa.update(locks).where(locks.c.token == token).values(expires=tx.now + _timeout(timeout_s)))
    return _own(tx, space, path, token)


def unlock(tx: Transaction, space: Principal, path: str, token: str) -> None:
    """Remove the lock `token` that covers `path` (RFC 4918 §9.11).

    Beside its creator, the owner of a private space and the site administrator may (RFC 4918 §6.4):
    nothing takes the owner's rights away (ACL-03).

    Raises:
        LockMissing: no such lock here, or it is somebody else's.
    """
    if tx.actor.id in (space.id, SITE.id):
        if not any(found.token == token for found in covering(tx, space, path)):
            raise LockMissing("no such lock here")
    else:
        _own(tx, space, path, token)
    tx.db.execute(sa.delete(locks).where(locks.c.token == token))


def covering(tx: Transaction, space: Principal, path: str) -> list[Lock]:
    """The locks that hold for `path`: its own, and those of depth infinity above it."""
    keys = {"space": space.id, "paths": _ancestry(path), "now": tx.now}
    rows = tx.db.execute(_COVERING, keys)
    return [_value(tx, space, row) for row in rows if row.infinite or row.path == path]


def below(tx: Transaction, space: Principal, path: str) -> list[Lock]:
    """The locks whose roots lie below `path`, at any depth."""
    keys = {"space": space.id, "now": tx.now, **_prefix(path)}
    return [_value(tx, space, row) for row in tx.db.execute(_BELOW, keys)]


def check(
    tx: Transaction,
    space: Principal,
    path: str,
    *,
    member: bool = False,
    tree: bool = False,
) -> None:
    """Pass if no lock forbids the actor to write `path`: he showed the tokens of those that cover it.

    `member`: the name itself comes or goes, so the locks of its collection count too, whatever their
    depth (RFC 4918 §7.4). `tree`: everything below is concerned as well (removal, renaming). Of shared
    locks on one resource a single token is enough.

    Raises:
        Locked: with the root of the first lock whose token is missing.
    """
    if tx.actor.id == SITE.id:
        return
    if not _any(tx, space):
        return
    rows = _judged(tx, space, path, tree)
    if not rows:
        return
    resources = [path]
    if member and path:
        resources.append(_parent(path))
    if tree:
        inside = path + "/" if path else ""
        resources += sorted({row.path for row in rows if row.path.startswith(inside) and row.path != path})
    for resource in resources:
        _demand_token(tx, space, resource, rows)


def forget(tx: Transaction, space: Principal, path: str) -> None:
    """Drop the locks on `path` and below it: what was there has gone (RFC 4918 §9.6, §7.6)."""
    if not _any(tx, space):
        return
    prefix = _prefix(path)
    here = sa.or_(
        locks.c.path == path,
        sa.func.substr(locks.c.path, 1, prefix["length"]) == prefix["prefix"],
    )
    tx.db.execute(sa.delete(locks).where(locks.c.space_id == space.id, here))


def lapse(tx: Transaction, account: PrincipalId) -> None:
    """Drop the locks of those whom a membership that just ended parted from each other (ACL-10).

    Nobody else has their tokens: until they expire, others could not work on what was locked.
    """
    theirs = memberships.alias("theirs")
    groups = sa.select(memberships.c.group_id).where(memberships.c.account_id == account)
    still = sa.select(theirs.c.account_id).where(theirs.c.group_id.in_(groups)).union(sa.select(sa.literal(account)))
    his = sa.and_(locks.c.owner_id == account, locks.c.space_id.not_in(groups), locks.c.space_id.not_in(still))
    on_his = sa.and_(locks.c.space_id == account, locks.c.owner_id.not_in(still))
    tx.db.execute(sa.delete(locks).where(sa.or_(his, on_his)))


def sweep(tx: Transaction) -> int:
    """Remove the locks that expired, of all spaces; return how many."""
    return tx.db.execute(sa.delete(locks).where(locks.c.expires <= tx.now)).rowcount


def _any(tx: Transaction, space: Principal) -> bool:
    """Whether the space has any lock; all that a write pays where it has none, and once a transaction.

    Who locks a path waits for the writers of its folder, and of all below it if it locks a tree (`_serialise`), so what
    was seen when these looked holds.
    """
    if space.id not in tx.unlocked and _ANY.scalar(tx, {"space": space.id}) is None:
        tx.unlocked.add(space.id)
    return space.id not in tx.unlocked


def _judged(tx: Transaction, space: Principal, path: str, tree: bool) -> Sequence[Any]:
    keys: dict[str, Any] = {"space": space.id, "now": tx.now}
    if tree:
        return tx.db.execute(_CHECK_TREE, keys | {"paths": _ancestry(path)} | _prefix(path)).all()
    collection, _, below_it = path.partition("/")
    if "/" in below_it:
        return tx.db.execute(_CHECK_DEEP, keys | {"paths": _ancestry(path)}).all()
    return _CHECK.all(tx, keys | {"home": "", "collection": collection, "item": path})


def _demand_token(tx: Transaction, space: Principal, resource: str, rows: Iterable[Any]) -> None:
    above = set(_ancestry(resource))
    shared: Any = None
    satisfied = False
    for row in rows:
        if row.path != resource and not (row.infinite and row.path in above):
            continue
        shown = row.token in tx.locks and row.owner_id == tx.actor.id
        if row.exclusive:
            if not shown:
                raise Locked(_full(space, row.path))
        else:
            shared = shared or row
            satisfied = satisfied or shown
    if shared is not None and not satisfied:
        raise Locked(_full(space, shared.path))


def _serialise(tx: Transaction, space: Principal, path: str, *, tree: bool) -> None:
    """Make LOCKs of one space, and writers of what is locked, wait for each other until the commit (PostgreSQL)."""
    if tx.store.engines.sqlite:
        return
    rows = sa.select(collections.c.id).where(collections.c.space_id == space.id)
    if path:
        here = collections.c.path.in_([path, _parent(path)])
        prefix = _prefix(path)
        inside = sa.func.substr(collections.c.path, 1, prefix["length"]) == prefix["prefix"]
        rows = rows.where(sa.or_(here, inside) if tree else here)
    tx.db.execute(rows.order_by(*lock_order.ORDER).with_for_update(key_share=True)).all()
    one = sa.select(principals.c.id).where(principals.c.id == space.id)
    tx.db.execute(one.with_for_update(key_share=True)).all()


def _own(tx: Transaction, space: Principal, path: str, token: str) -> Lock:
    for found in covering(tx, space, path):
        if found.token == token and found.owner == tx.actor.login:
            return found
    raise LockMissing("no such lock here")


def _timeout(wish_s: int) -> int:
    return max(1, min(wish_s, MAX_TIMEOUT_S))


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _ancestry(path: str) -> list[str]:
    """`path` and everything above it up to the home: "a/b" gives "a/b", "a", ""."""
    found = [path]
    while path:
        path = _parent(path)
        found.append(path)
    return found


def _prefix(path: str) -> dict[str, Any]:
    # Not LIKE and not a range: both depend on the collation of a PostgreSQL database.
    prefix = path + "/" if path else ""
    return {"prefix": prefix, "length": len(prefix)}


def _full(space: Principal, path: str) -> str:
    home = f"groups/{space.name}" if space.kind is SpaceKind.GROUP else f"{space.name}/private"
    return f"{home}/{path}" if path else home


def _value(tx: Transaction, space: Principal, row: Any) -> Lock:
    return Lock(
        token=row.token,
        path=_full(space, row.path),
        owner=row.login,
        exclusive=row.exclusive,
        infinite=row.infinite,
        of_collection=row.of_collection or not row.path,
        reserved=row.reserved,
        owner_xml=row.owner_xml,
        timeout_s=max(0, int(row.expires - tx.now)),
        expires=row.expires,
    )
