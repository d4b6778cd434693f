"""What a removed item leaves behind: its name, its numbers, and who could have seen it (SYS-07, SYS-09).

A name goes on being told until its tombstone is purged, but only to those who may have known it. Most
items were seen by whoever sees their collection; for the others the tombstone names their audience.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from storage import rights
from storage.schema import grants, memberships, tombstones, viewer_items
from storage.statements import Statement, insert
from storage.store import Transaction
from storage.types import Collection, Right, SpaceKind, Tool

_here: Final = sa.and_(
    tombstones.c.collection_id == sa.bindparam("collection"), tombstones.c.name == sa.bindparam("name")
)
_FORMER: Final = Statement(
    sa.select(
        tombstones.c.modseq,
        tombstones.c.created_modseq,
        tombstones.c.hidden_modseq,
        tombstones.c.freed_modseq,
        tombstones.c.audience,
    ).where(_here)
)
_DROP: Final = Statement(sa.delete(tombstones).where(_here))
_BURY: Final = insert(
    tombstones,
    *("collection_id", "name", "modseq", "created_modseq"),
    *("hidden_modseq", "freed_modseq", "audience", "removed"),
)

_showing: Final = sa.and_(
    grants.c.collection_id == sa.bindparam("collection"),
    sa.or_(grants.c.item_id.is_(None), grants.c.item_id == sa.bindparam("item")),
    grants.c.rights.op("&")((Right.SEE | Right.EDIT).value) != 0,
)
_AUDIENCE: Final = Statement(
    sa.union(
        sa.select(viewer_items.c.viewer_id).where(viewer_items.c.item_id == sa.bindparam("item")),
        sa.select(grants.c.grantee_id).where(_showing),
        sa.select(memberships.c.account_id).join(grants, grants.c.grantee_id == memberships.c.group_id).where(_showing),
        sa.select(memberships.c.account_id).where(  # ACL-06
            memberships.c.group_id == sa.bindparam("space"), memberships.c.role != "member"
        ),
    )
)


def bury(tx: Transaction, collection: Collection, row: Any, number: int) -> None:
    """Leave a tombstone under `number` for the item of `row`, which goes; to be called while it is there.

    It takes the place of an older one of the same name, and goes on telling what that one told.
    """
    created, hidden = row.created_modseq, row.hidden_modseq
    freed = _freed(collection, row)
    audience = _audience(tx, collection, row) if freed else set()
    keys = {"collection": row.collection_id, "name": row.name}
    former = _FORMER.first(tx, keys)
    if former is not None:
        _DROP.run(tx, keys)
        if 0 < hidden <= created:  # nobody else saw this one: for them the name went with the former one
            hidden = former.hidden_modseq or former.modseq
        if 0 < freed <= created:
            freed = former.freed_modseq or former.modseq
        created = min(created, former.created_modseq)
        audience |= set(former.audience.split())
    _BURY.run(
        tx,
        {
            "collection_id": row.collection_id,
            "name": row.name,
            "modseq": number,
            "created_modseq": created,
            "hidden_modseq": hidden,
            "freed_modseq": freed,
            "audience": f" {' '.join(sorted(audience, key=int))} " if audience else "",
            "removed": tx.now,
        },
    )


def known_to(tx: Transaction, stone: Any, number: int) -> bool:
    """Whether the actor, not the owner, may have seen the removed item when he was at `number`.

    A private event was nobody's but the owner's since it was hidden (ACL-24). `freed_modseq` says since
    when whoever sees the collection did not see this item of it.
    """
    if 0 < stone.hidden_modseq <= number:
        return False
    return not 0 < stone.freed_modseq <= number or f" {tx.actor.id} " in stone.audience


def _freed(collection: Collection, row: Any) -> int:
    if collection.tool is Tool.CONTACTS:
        return 0  # ACL-22
    if collection.space.kind is SpaceKind.PRIVATE:
        return int(row.freed_modseq) if collection.tool is Tool.CALENDAR else int(row.freed_modseq or 1)
    return 1 if row.restricted and rights.seen_by_item(collection.space.kind, collection.tool) else 0


def _audience(tx: Transaction, collection: Collection, row: Any) -> set[str]:
    keys = {"collection": collection.id, "item": row.id, "space": collection.space.id}
    return {str(number) for number in [*_AUDIENCE.scalars(tx, keys), row.creator_id]}
