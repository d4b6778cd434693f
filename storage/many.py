"""The same item in many collections of different owners, by a few statements for all of them (MTG-04).

Only for what is its owner's alone and shows everybody the same: without parts of viewers, grants or reminders.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from storage import kinds, writing
from storage.kinds import Prepared
from storage.schema import collections, event_index, items, locks, tombstones, versions, viewer_items
from storage.statements import Statement, to
from storage.store import Transaction
from storage.types import CollectionId, Tool

SIZES: Final = (4, 32, 256)
"""Lists are filled up with their last value, so that a few constant statements serve every length."""


def chunks(values: Sequence[Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """A size of `SIZES` and the binds n0, n1 … for each part of a list."""
    for start in range(0, len(values), SIZES[-1]):
        some = values[start : start + SIZES[-1]]
        size = next(size for size in SIZES if size >= len(some))
        yield size, {f"n{number}": some[min(number, len(some) - 1)] for number in range(size)}


def among(column: Any, size: int) -> sa.ColumnElement[bool]:
    """The condition that `column` is one of the binds of `chunks`."""
    found: sa.ColumnElement[bool] = column.in_([sa.bindparam(f"n{number}") for number in range(size)])
    return found


def _bind(table: sa.Table, name: str) -> sa.ColumnElement[Any]:
    return sa.cast(sa.bindparam(name), table.c[name].type)


def _times(name: str) -> sa.ColumnElement[Any]:
    """The collection's number if the bind is 1, else 0."""
    return collections.c.modseq * sa.cast(sa.bindparam(name), sa.BigInteger)


_ITEM: Final = ("hash", "shared_hash", "size", "media_type", "component", "body", "blob")
_INDEX: Final = tuple(column.name for column in event_index.columns if column.name not in ("item_id", "collection_id"))


def _number(size: int) -> Statement:
    return Statement(
        sa.update(collections)
        .where(among(collections.c.id, size))
        .values(
            modseq=collections.c.modseq + 1,
            shared_modseq=collections.c.modseq + 1,
            modified=to("modified"),
            item_count=collections.c.item_count + sa.bindparam("count", type_=sa.BigInteger),
            octets=collections.c.octets + sa.bindparam("more", type_=sa.BigInteger),
            uid_next=collections.c.uid_next + sa.bindparam("new", type_=sa.BigInteger),
        )
    )


def _insert(size: int) -> Statement:
    c = collections.c
    values: dict[str, Any] = {name: _bind(items, name) for name in (*_ITEM, "name", "created", "modified")}
    values |= {"collection_id": c.id, "uid": c.uid_next - 1, "modseq": c.modseq, "created_modseq": c.modseq}
    values |= {"hidden_modseq": _times("hidden"), "freed_modseq": _times("freed")}
    values |= {"schedule_tag": _times("scheduled"), "creator_id": c.space_id}
    chosen = sa.select(*values.values()).where(among(c.id, size))
    return Statement(sa.insert(items).from_select(list(values), chosen, include_defaults=False))


def _index(size: int) -> Statement:
    values: dict[str, Any] = {"item_id": items.c.id, "collection_id": items.c.collection_id}
    values |= {name: _bind(event_index, name) for name in _INDEX}
    chosen = sa.select(*values.values()).where(among(items.c.collection_id, size), items.c.name == _bind(items, "name"))
    return Statement(sa.insert(event_index).from_select(list(values), chosen, include_defaults=False))


_NUMBER: Final = {size: _number(size) for size in SIZES}
_INSERT: Final = {size: _insert(size) for size in SIZES}
_INSERT_INDEX: Final = {size: _index(size) for size in SIZES}


def create(tx: Transaction, targets: Sequence[CollectionId], tool: Tool, name: str, prepared: Prepared) -> None:
    """Put a new item into each of these collections; its name and UID are free there, and nothing is limited.

    The owner of each becomes the creator.
    """
    values = writing.content(tx, prepared, prepared.body, None)
    index = writing.index_row(tx, kinds.of(tool), prepared, None)
    values |= {"name": name, "created": tx.now, "modified": tx.now, "scheduled": int(prepared.scheduled)}
    values |= {"hidden": int(prepared.private), "freed": int(index["stub"] is None)}
    step = {"to_modified": tx.now, "count": 1, "more": len(prepared.body), "new": 1}
    for size, chosen in chunks(targets):
        _NUMBER[size].run(tx, step | chosen)
        _INSERT[size].run(tx, values | chosen)
        _INSERT_INDEX[size].run(tx, index | chosen | {"name": name})
    tx.touched.update(targets)


_fresh: Final = (
    sa.select(collections.c.modseq).where(collections.c.id == items.c.collection_id).correlate(items).scalar_subquery()
)


def _update(size: int) -> Statement:
    values: dict[str, Any] = {name: to(name) for name in (*_ITEM, "modified")}
    kept = sa.cast(sa.bindparam("keep_tag"), sa.BigInteger)
    values |= {"modseq": _fresh, "hidden_modseq": 0, "freed_modseq": 0}
    values |= {"schedule_tag": sa.case((kept == 1, items.c.schedule_tag), else_=_fresh)}
    return Statement(sa.update(items).where(among(items.c.id, size)).values(values))


def _keep(size: int) -> Statement:
    same = ("collection_id", "name", "hash", "size", "media_type", "body", "blob", "modseq")
    values: dict[str, Any] = {name: items.c[name] for name in same}
    values |= {name: _bind(versions, name) for name in ("replaced_by", "replaced", "removed")}
    chosen = sa.select(*values.values()).where(among(items.c.id, size))
    return Statement(sa.insert(versions).from_select(list(values), chosen, include_defaults=False))


_UPDATE: Final = {size: _update(size) for size in SIZES}
_KEEP: Final = {size: _keep(size) for size in SIZES}
_UPDATE_INDEX: Final = {
    size: Statement(
        sa.update(event_index).where(among(event_index.c.item_id, size)).values({name: to(name) for name in _INDEX})
    )
    for size in SIZES
}
UNSHARED: Final = ~sa.exists().where(viewer_items.c.item_id == items.c.id)
"""Items of which no viewer has parts of his own."""


def replace(
    tx: Transaction,
    targets: Mapping[int, CollectionId],
    tool: Tool,
    prepared: Prepared,
    *,
    grown: int,
    keep_tag: bool = False,
    keep_version: bool = True,
) -> None:
    """Give these items (id and collection) a new body, `grown` octets longer; the old one stays recoverable (SYS-06).

    Without `keep_version` it does not. Neither the old body nor the new one is private or without a busy block, and
    they are `UNSHARED`.
    """
    ids = sorted(targets)
    content = {f"to_{name}": value for name, value in writing.content(tx, prepared, prepared.body, None).items()}
    index = {f"to_{key}": value for key, value in writing.index_row(tx, kinds.of(tool), prepared, None).items()}
    content |= {"to_modified": tx.now, "keep_tag": int(keep_tag)}
    kept = {"replaced_by": tx.actor.id, "replaced": tx.now, "removed": False}
    step = {"to_modified": tx.now, "count": 0, "more": grown, "new": 0}
    for size, chosen in chunks(sorted(targets.values())):
        _NUMBER[size].run(tx, step | chosen)
    for size, chosen in chunks(ids):
        if keep_version:
            _KEEP[size].run(tx, kept | chosen)
        _UPDATE[size].run(tx, content | chosen)
        _UPDATE_INDEX[size].run(tx, index | chosen)
    tx.touched.update(targets.values())


def _leave(size: int) -> Statement:
    chosen = among(items.c.id, size)
    gone = sa.select(sa.func.sum(items.c.size)).where(items.c.collection_id == collections.c.id, chosen)
    count = sa.select(sa.func.count()).where(items.c.collection_id == collections.c.id, chosen)
    return Statement(
        sa.update(collections)
        .where(collections.c.id.in_(sa.select(items.c.collection_id).where(chosen)))
        .values(
            modseq=collections.c.modseq + 1,
            shared_modseq=collections.c.modseq + 1,
            modified=to("modified"),
            item_count=collections.c.item_count - count.correlate(collections).scalar_subquery(),
            octets=collections.c.octets - gone.correlate(collections).scalar_subquery(),
        )
    )


def _bury(size: int) -> Statement:
    values: dict[str, Any] = {name: items.c[name] for name in ("collection_id", "name", "created_modseq")}
    values |= {"modseq": _fresh, "hidden_modseq": sa.literal(0), "freed_modseq": sa.literal(0)}
    values |= {"audience": sa.literal(""), "removed": _bind(tombstones, "removed")}
    chosen = sa.select(*values.values()).where(among(items.c.id, size))
    return Statement(sa.insert(tombstones).from_select(list(values), chosen, include_defaults=False))


_LEAVE: Final = {size: _leave(size) for size in SIZES}
_BURY: Final = {size: _bury(size) for size in SIZES}
_REMOVE: Final = {size: Statement(sa.delete(items).where(among(items.c.id, size))) for size in SIZES}
_of_that_name: Final = sa.and_(tombstones.c.collection_id == items.c.collection_id, tombstones.c.name == items.c.name)
PLAIN: Final = sa.and_(
    items.c.hidden_modseq == 0,
    items.c.freed_modseq == 0,
    ~sa.exists().where(_of_that_name),
    ~sa.exists().where(locks.c.space_id == collections.c.space_id),
)
"""Items (joined with their collections) that all who see the calendar saw alike, and that nothing else is known of."""


def remove(tx: Transaction, targets: Mapping[int, CollectionId]) -> None:
    """Remove these `PLAIN` items (id and collection) of private calendars; their bodies stay recoverable (SYS-06)."""
    kept = {"replaced_by": tx.actor.id, "replaced": tx.now, "removed": True}
    for size, chosen in chunks(sorted(targets)):
        _LEAVE[size].run(tx, {"to_modified": tx.now} | chosen)
        _KEEP[size].run(tx, kept | chosen)
        _BURY[size].run(tx, {"removed": tx.now} | chosen)
        _REMOVE[size].run(tx, chosen)
    tx.touched.update(targets.values())
