"""Is the desk consistent? Every rule that rows must keep among themselves, checked and, where safe, mended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import sqlalchemy as sa

from storage import blob_collection, changes, check_bodies, check_disk, check_mail, check_queue, kinds, writing
from storage.check_disk import Problem, located, where_of
from storage.errors import NotFound, StorageError
from storage.schema import (
    accounts,
    card_index,
    collections,
    event_index,
    grants,
    groups,
    items,
    memberships,
    principals,
    tombstones,
    versions,
    viewer_collections,
    viewer_items,
)
from storage.store import Transaction
from storage.types import CALENDAR_TOOLS, SCHEDULE_TOOLS, CollectionId, PrincipalId, SpaceKind, Tool

__all__ = ["Problem", "Progress", "run"]

_PAGE: Final = 500
_INDEXES: Final = (event_index, card_index)
_CALENDARS: Final = [tool.value for tool in CALENDAR_TOOLS | SCHEDULE_TOOLS]


Progress = Callable[[str, int, int], None]
"""Called with a step's name, how much of it is done, and how much there is."""


def run(
    tx: Transaction, repair: bool = False, *, progress: Progress | None = None, bodies: bool = True
) -> list[Problem]:
    """Check the whole desk as the site administrator; with `repair`, mend what loses nothing.

    Lost bodies cannot be mended. `bodies` reads every stored body and compares its hash: all else is
    quick. In a writing transaction nothing changes meanwhile; with `repair` it must be one.
    """
    report = progress or (lambda step, done, total: None)
    steps: tuple[tuple[str, Callable[[Transaction, bool], Iterator[Problem]]], ...] = (
        ("file", _file),
        ("counters", _counters),
        ("numbers", _numbers),
        ("uids", _uids),
        ("index", _index),
        ("tree", check_disk.tree),
        ("files", check_disk.files),
        ("blobs", _blobs),
        ("mail", check_mail.mail),
        ("queue", check_queue.queue),
        ("members", _members),
        ("grants", _grants),
    )
    found: list[Problem] = []
    for done, (name, step) in enumerate(steps):
        report(name, done, len(steps))
        found.extend(step(tx, repair))
    if bodies:
        found.extend(_bodies(tx, report))
        found.extend(check_bodies.run(tx, report))
    return found


def _file(tx: Transaction, repair: bool) -> Iterator[Problem]:
    """SQLite's own check of its file and of all references."""
    if tx.db.dialect.name != "sqlite":
        return
    for row in tx.db.exec_driver_sql("PRAGMA quick_check(20)"):
        if row[0] != "ok":
            yield Problem("file", "", str(row[0]))
    for row in tx.db.exec_driver_sql("PRAGMA foreign_key_check"):
        yield Problem("file", str(row[0]), f"row {row[1]} refers to a missing row of {row[2]}")


def _counters(tx: Transaction, repair: bool) -> Iterator[Problem]:
    """`item_count` and `octets` are sums over the items."""
    real = (
        sa.select(
            items.c.collection_id,
            sa.func.count().label("item_count"),
            sa.func.sum(items.c.size).label("octets"),
        )
        .group_by(items.c.collection_id)
        .subquery()
    )
    count, octets = sa.func.coalesce(real.c.item_count, 0), sa.func.coalesce(real.c.octets, 0)
    query = (
        located(collections.c.item_count, collections.c.octets, count.label("held"), octets.label("held_octets"))
        .outerjoin(real, real.c.collection_id == collections.c.id)
        .where(
            sa.or_(collections.c.item_count != count, collections.c.octets != octets),
            collections.c.tool != Tool.MESSAGES.value,
        )
    )
    for row in tx.db.execute(query).all():
        if repair:
            _set(tx, row.id, item_count=row.held, octets=int(row.held_octets))
        text = f"says {row.item_count} items of {row.octets} octets, has {row.held} of {row.held_octets}"
        yield Problem("counter", where_of(row), text, repair)


def _numbers(tx: Transaction, repair: bool) -> Iterator[Problem]:
    """No row bears a number that its collection has not given out (SYS-07)."""

    def highest(table: sa.Table, column: sa.Column[Any]) -> Any:
        query = sa.select(sa.func.coalesce(sa.func.max(column), 0)).where(table.c.collection_id == collections.c.id)
        return query.correlate(collections).scalar_subquery()

    shared = [highest(items, items.c.modseq), highest(tombstones, tombstones.c.modseq)]
    own = [
        highest(viewer_items, viewer_items.c.modseq),
        highest(viewer_collections, viewer_collections.c.modseq),
        highest(grants, grants.c.since_modseq),
    ]
    query = located(
        collections.c.modseq,
        collections.c.shared_modseq,
        collections.c.uid_next,
        *(column.label(f"shared_{i}") for i, column in enumerate(shared)),
        *(column.label(f"own_{i}") for i, column in enumerate(own)),
        highest(items, items.c.uid).label("uid"),
    )
    for row in tx.db.execute(query).all():
        told = max(row.shared_0, row.shared_1)
        most = max(told, row.own_0, row.own_1, row.own_2, row.shared_modseq)
        if row.modseq < most or row.shared_modseq < told:
            if repair:
                _set(tx, row.id, modseq=max(row.modseq, most), shared_modseq=max(row.shared_modseq, told))
            text = f"is at number {row.modseq} (shared {row.shared_modseq}), its rows at {most} (shared {told})"
            yield Problem("number", where_of(row), text, repair)
        if row.uid_next <= row.uid:
            if repair:
                _set(tx, row.id, uid_next=row.uid + 1)
            yield Problem("number", where_of(row), f"would give out uid {row.uid_next} again", repair)


def _uids(tx: Transaction, repair: bool) -> Iterator[Problem]:
    """Numbers within a collection are unique, and so are UIDs (RFC 4791 §4.1, RFC 6352 §5.1)."""
    for table, column, kind in (
        (items, items.c.uid, "number"),
        *((index, index.c.uid, "uid") for index in _INDEXES),
    ):
        twice = (
            sa.select(table.c.collection_id, column.label("uid"), sa.func.count().label("times"))
            .group_by(table.c.collection_id, column)
            .having(sa.func.count() > 1)
            .subquery()
        )
        query = located(twice.c.uid, twice.c.times).join(twice, twice.c.collection_id == collections.c.id)
        for row in tx.db.execute(query).all():
            yield Problem(kind, where_of(row), f"{row.times} items share the UID {row.uid!r}")


def _index(tx: Transaction, repair: bool) -> Iterator[Problem]:
    """Every item of an indexed tool has one row in that tool's table, in its own collection, and no other."""
    for table, tools in ((event_index, _CALENDARS), (card_index, [Tool.CONTACTS.value])):
        missing = (
            located(
                items.c.id.label("item_id"),
                items.c.name.label("item_name"),
                *(items.c[name] for name in ("media_type", "shared_hash", "body", "blob")),
                collections.c.tool,
            )
            .join(items, items.c.collection_id == collections.c.id)
            .outerjoin(table, table.c.item_id == items.c.id)
            .where(collections.c.tool.in_(tools), table.c.item_id.is_(None))
        )
        for row in tx.db.execute(missing).all():
            mended = repair and _reindex(tx, table, row)
            yield Problem("index", f"{where_of(row)}/{row.item_name}", "is not indexed", mended)
        wrong = (
            located(items.c.id.label("item_id"), items.c.name.label("item_name"), collections.c.tool)
            .join(items, items.c.collection_id == collections.c.id)
            .join(table, table.c.item_id == items.c.id)
            .where(sa.or_(collections.c.tool.not_in(tools), table.c.collection_id != collections.c.id))
        )
        for row in tx.db.execute(wrong).all():
            here = table.c.item_id == row.item_id
            if repair and row.tool in tools:
                tx.db.execute(sa.update(table).where(here).values(collection_id=row.id))
            elif repair:
                tx.db.execute(sa.delete(table).where(here))
            yield Problem("index", f"{where_of(row)}/{row.item_name}", f"has a wrong row in {table.name}", repair)


def _blobs(tx: Transaction, repair: bool) -> Iterator[Problem]:
    """What rows refer to is stored; what is stored long since is referred to."""
    for key in blob_collection.missing(tx):
        for table in (items, versions):
            query = (
                located(table.c.name.label("item_name"))
                .join(table, table.c.collection_id == collections.c.id)
                .where(table.c.blob == key)
            )
            for row in tx.db.execute(query).all():
                what = "body" if table is items else "former body"
                yield Problem("blob", f"{where_of(row)}/{row.item_name}", f"its {what} {key} is missing")
    blobs = tx.store.blobs
    limit = tx.now - blob_collection.GRACE_S
    old = (key for key in blobs.keys() if (blobs.stored(key) or tx.now) <= limit)  # noqa: SIM118
    for key in blob_collection.unreferenced(tx, old):
        gone = repair and blobs.remove(key, blob_collection.GRACE_S)
        yield Problem("stray-blob", key, "nothing refers to it", gone)


def _members(tx: Transaction, repair: bool) -> Iterator[Problem]:
    """A group has one admin, the one its row names, and he is a member (GRP-19)."""
    query = sa.select(groups.c.id, groups.c.admin_id, principals.c.name).join(
        principals, principals.c.id == groups.c.id
    )
    for group in tx.db.execute(query).all():
        mine = memberships.c.group_id == group.id
        held = sa.select(memberships.c.account_id).where(mine, memberships.c.role == "admin")
        admins = tx.db.execute(held).scalars().all()
        if admins == [group.admin_id]:
            continue
        if repair:
            tx.db.execute(sa.update(memberships).where(mine, memberships.c.role == "admin").values(role="member"))
            named = sa.and_(mine, memberships.c.account_id == group.admin_id)
            if not tx.db.execute(sa.update(memberships).where(named).values(role="admin")).rowcount:
                values = {"group_id": group.id, "account_id": group.admin_id, "role": "admin", "joined": tx.now}
                tx.db.execute(sa.insert(memberships).values(values))
        yield Problem("member", group.name, f"has {len(admins)} admins, or not the one it names", repair)
    nobody = sa.select(principals.c.id, principals.c.name).where(
        principals.c.id.not_in(sa.select(accounts.c.id)), principals.c.id.not_in(sa.select(groups.c.id))
    )
    for stray in tx.db.execute(nobody).all():
        yield Problem("principal", stray.name, "is neither an account nor a group")


def _grants(tx: Transaction, repair: bool) -> Iterator[Problem]:
    """Grants only to those who may hold one: members of the group, co-members of the owner (ACL-04, ACL-10)."""
    grantee = principals.alias("grantee")
    theirs = memberships.alias("theirs")
    is_group = principals.c.kind == SpaceKind.GROUP.value
    to_group = grantee.c.kind == SpaceKind.GROUP.value
    member = sa.exists().where(
        memberships.c.group_id == collections.c.space_id, memberships.c.account_id == grants.c.grantee_id
    )
    co_member = sa.exists().where(
        memberships.c.account_id == collections.c.space_id,
        theirs.c.group_id == memberships.c.group_id,
        theirs.c.account_id == grants.c.grantee_id,
    )
    owner_in = sa.exists().where(
        memberships.c.group_id == grants.c.grantee_id, memberships.c.account_id == collections.c.space_id
    )
    possible = sa.case(
        (sa.and_(is_group, to_group), grants.c.grantee_id == collections.c.space_id),
        (is_group, member),
        (to_group, owner_in),
        else_=sa.and_(co_member, grants.c.grantee_id != collections.c.space_id),
    )
    query = (
        located(grants.c.id.label("grant_id"), grants.c.item_id, grants.c.grantee_id, grantee.c.name.label("to"))
        .join(grants, grants.c.collection_id == collections.c.id)
        .join(grantee, grantee.c.id == grants.c.grantee_id)
        .where(sa.not_(possible))
    )
    for row in tx.db.execute(query).all():
        if repair:
            tx.db.execute(sa.delete(grants).where(grants.c.id == row.grant_id))
            viewers = [PrincipalId(row.grantee_id)]
            if row.item_id is None:
                changes.view_changed(tx, CollectionId(row.id), viewers)
            else:
                changes.item_view_changed(tx, CollectionId(row.id), row.item_id, viewers)
        yield Problem("grant", where_of(row), f"{row.to} cannot hold a right here", repair)


def _bodies(tx: Transaction, report: Progress) -> Iterator[Problem]:
    """Every body has the size and the hash that its row says."""
    for table in (items, versions):
        total = tx.db.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
        done = last = 0
        while True:
            query = (
                located(*(table.c[name].label(f"_{name}") for name in ("id", "name", "hash", "size", "body", "blob")))
                .join(table, table.c.collection_id == collections.c.id)
                .where(table.c.id > last)
                .order_by(table.c.id)
                .limit(_PAGE)
            )
            rows = tx.db.execute(query).all()
            if not rows:
                break
            for row in rows:
                if problem := _body(tx, row):
                    yield problem
            last, done = rows[-1]._id, done + len(rows)
            report("bodies" if table is items else "former bodies", done, total)


def _body(tx: Transaction, row: Any) -> Problem | None:
    where = f"{where_of(row)}/{row._name}"
    body = row._body
    if body is None:
        if row._blob is None:
            return Problem("body", where, "has no body at all")
        return _blob(tx, row, where)
    if len(body) != row._size:
        return Problem("body", where, f"is {len(body)} octets long, its row says {row._size}")
    if writing.digest(body) != row._hash:
        return Problem("body", where, "is not what was written")
    return None


def _blob(tx: Transaction, row: Any, where: str) -> Problem | None:
    """The same for a body of any size, read in pieces."""
    try:
        size = tx.store.blobs.size(row._blob)
    except NotFound:
        return None  # told by `_blobs`
    if size != row._size:
        return Problem("body", where, f"is {size} octets long, its row says {row._size}")
    if row._blob[: len(row._hash)] != row._hash or not tx.store.blobs.intact(row._blob):
        return Problem("body", where, "is not what was written")
    return None


def _reindex(tx: Transaction, table: sa.Table, row: Any) -> bool:
    """Parse a stored body anew; False if it cannot be."""
    tool = Tool(row.tool)
    try:
        prepared = kinds.of(tool).prepare(writing.body_of(tx, row), row.media_type)
    except StorageError:
        return False
    shared = prepared.shared if row.shared_hash else None
    keys = {"item_id": row.item_id, "collection_id": row.id, "uid": prepared.uid, "shared": shared}
    tx.db.execute(sa.insert(table).values({**prepared.index, **keys}))
    return True


def _set(tx: Transaction, collection: int, **values: int) -> None:
    tx.db.execute(sa.update(collections).where(collections.c.id == collection).values(**values))
    tx.touched.add(CollectionId(collection))
