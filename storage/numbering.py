"""Change numbers: taken from the collection's own row, which serialises its writers (DESIGN §2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import sqlalchemy as sa

from storage import lock_order
from storage.schema import collections
from storage.statements import Statement, to
from storage.store import Transaction
from storage.types import CollectionId, ModSeq, PrincipalId

_number: Final = collections.c.modseq + 1
_this: Final = sa.update(collections).where(collections.c.id == sa.bindparam("collection"))
_VIEWER: Final = Statement(_this.values(modseq=_number).returning(collections.c.modseq))
_SHARED: Final = Statement(
    _this.values(
        modseq=_number,
        shared_modseq=_number,
        modified=to("modified"),
        item_count=collections.c.item_count + sa.bindparam("count", type_=sa.BigInteger),
        octets=collections.c.octets + sa.bindparam("more", type_=sa.BigInteger),
        uid_next=collections.c.uid_next + sa.bindparam("new", type_=sa.BigInteger),
    ).returning(collections.c.modseq, collections.c.uid_next)
)
_HOLD: Final = (
    sa.select(collections.c.id)
    .where(collections.c.id.in_(sa.bindparam("numbers", expanding=True)))
    .order_by(*lock_order.ORDER)
    .with_for_update(key_share=True)
)
_GROW: Final = Statement(_this.values(octets=collections.c.octets + sa.bindparam("more", type_=sa.BigInteger)))
_OF_SPACE: Final = Statement(sa.select(collections.c.id).where(collections.c.space_id == sa.bindparam("space")))


def take(tx: Transaction, collection: CollectionId, *, count: int = 0, octets: int = 0) -> ModSeq:
    """Take the next number for a change that concerns every viewer, and keep the counters.

    The UPDATE takes the row's lock first, so numbers become visible in the order they are given out.
    """
    return _take(tx, collection, count, octets, 0)[0]


def take_with_uid(tx: Transaction, collection: CollectionId, *, count: int = 1, octets: int = 0) -> tuple[ModSeq, int]:
    """The same for an item that is new in the collection; also gives it its ever-growing uid."""
    number, uid_next = _take(tx, collection, count, octets, 1)
    return number, uid_next - 1


def take_for_viewer(tx: Transaction, collection: CollectionId, *, octets: int = 0) -> ModSeq:
    """Take the next number for a change that concerns one viewer: nobody else's token moves (SYS-08)."""
    tx.touched.add(collection)
    if octets:
        _GROW.run(tx, {"collection": collection, "more": octets})
    return ModSeq(_VIEWER.scalar(tx, {"collection": collection}))


def gone_with(tx: Transaction, space: PrincipalId) -> None:
    """All collections of a space go in this transaction: whoever waits for one of them is woken."""
    tx.touched.update(CollectionId(number) for number in _OF_SPACE.scalars(tx, {"space": space}))


def held(tx: Transaction, read: Callable[[], Sequence[Any]]) -> Sequence[Any]:
    """The rows of items elsewhere that `read` finds, none of which changes, moves or goes until the commit.

    The collections that they are in (their `collection_id`) are locked, and they are read again then (PostgreSQL).
    """
    found = read()
    known: set[int] = set()
    while tx.writing and not tx.store.engines.sqlite and (fresh := {row.collection_id for row in found} - known):
        tx.db.execute(_HOLD, {"numbers": sorted(fresh)}).all()
        known |= fresh
        found = read()
    return found


def _take(tx: Transaction, collection: CollectionId, count: int, octets: int, new: int) -> tuple[ModSeq, int]:
    tx.touched.add(collection)
    values = {"collection": collection, "count": count, "more": octets, "new": new, "to_modified": tx.now}
    row = _SHARED.first(tx, values)
    return ModSeq(row.modseq), int(row.uid_next)
