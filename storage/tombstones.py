"""What a removed item leaves behind: its name, its numbers, and who could have seen it (SYS-07, SYS-09).

A name goes on being told until its tombstone is purged, but only to those who may have known it. Most
items were seen by whoever sees their collection; for the others the tombstone names their audience.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from storage import acl, rights
from storage.schema import accounts, grants, items, memberships, tombstones, viewer_items
from storage.statements import Statement, insert
from storage.store import Transaction
from storage.types import Collection, PrincipalId, Right, SpaceKind, Tool

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
_noted: Final = sa.select(viewer_items.c.viewer_id).where(
    # A number of 0 tells of a former name only.
    viewer_items.c.item_id == sa.bindparam("item"),
    viewer_items.c.modseq > 0,
)
_NOTED: Final = Statement(_noted)
_AUDIENCE: Final = Statement(
    sa.union(
        _noted,
        sa.select(accounts.c.id)
        .join(items, items.c.creator_id == accounts.c.id)
        .where(items.c.id == sa.bindparam("item")),
        sa.select(accounts.c.id).join(grants, grants.c.grantee_id == accounts.c.id).where(_showing),
        sa.select(memberships.c.account_id).join(grants, grants.c.grantee_id == memberships.c.group_id).where(_showing),
        sa.select(memberships.c.account_id).where(  # ACL-06
            memberships.c.group_id == sa.bindparam("space"), memberships.c.role != "member"
        ),
    )
)


def bury(
    tx: Transaction, collection: Collection, row: Any, number: int, *, unseen: bool = False, first: bool = False
) -> None:
    """Leave a tombstone under `number` for the item of `row`, which goes; to be called while it is there.

    It takes the place of an older one of the same name, and goes on telling what that one told. `unseen` and `first`
    say what was read with the row: that nobody had a reason of his own to see it, that there is no older one.
    """
    created, hidden = row.created_modseq, row.hidden_modseq
    freed = _freed(tx, collection, row)
    secret = 0 < hidden <= created
    told = freed and not secret and not unseen
    audience = {str(number) for number in audience_of(tx, collection, row)} if told else set()
    keys = {"collection": row.collection_id, "name": row.name}
    former = None if first else _FORMER.first(tx, keys)
    if former is not None:
        _DROP.run(tx, keys)
        if secret:  # nobody else saw this one: for them the name went with the former one
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


def left_at(tx: Transaction, stone: Any, after: int) -> int:
    """The number at which the item left the sight of the actor, not the owner; 0 if he has not seen it since `after`.

    A private event was nobody's but the owner's since it was hidden (ACL-24). `freed_modseq` says since
    when whoever sees the collection did not see this item of it.
    """
    number = int(stone.modseq)
    if stone.hidden_modseq:
        number = min(number, stone.hidden_modseq)
    if stone.freed_modseq and f" {tx.actor.id} " not in stone.audience:
        number = min(number, stone.freed_modseq)
    return number if number > max(after, stone.created_modseq) else 0


def _freed(tx: Transaction, collection: Collection, row: Any) -> int:
    if collection.tool is Tool.CONTACTS:
        return 0  # ACL-22
    if row.public or (collection.tool is Tool.DOCUMENTS and acl.is_published(tx, collection)):
        return 0  # DOC-41
    if collection.space.kind is SpaceKind.PRIVATE:
        return int(row.freed_modseq) if collection.tool is Tool.CALENDAR else int(row.freed_modseq or 1)
    return 1 if row.restricted and rights.seen_by_item(collection.space.kind, collection.tool) else 0


def audience_of(tx: Transaction, collection: Collection, row: Any) -> set[PrincipalId]:
    """The accounts that may have seen the item for a reason of their own: creator, grants, what they keep of it.

    Of a hidden one, those that were noted when it was hidden: who was granted it since has not seen it.
    """
    keys = {"collection": collection.id, "item": row.id, "space": collection.space.id}
    found = (_NOTED if row.hidden_modseq else _AUDIENCE).scalars(tx, keys)
    return {PrincipalId(number) for number in found} - {collection.space.id}
