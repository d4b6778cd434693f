"""COPY and MOVE of single items, inside one environment and between two (ACL-19, RFC 4918 §9.8, §9.9)."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from storage import collections as tree
from storage import items as reading
from storage import kinds, locks, numbering, quota, tombstones, viewing, writing
from storage.errors import Conflict, Denied, Exists, UnsupportedComponent, UnsupportedMedia
from storage.schema import dead_properties, grants, items, viewer_items
from storage.store import Transaction
from storage.types import ANY, UNCONDITIONAL, Collection, ModSeq, Precondition, Right, View, Written

_ANEW: Final = Precondition(none_match=ANY)


def copy(
    tx: Transaction,
    source: Collection,
    name: str,
    target: Collection,
    target_name: str,
    *,
    overwrite: bool,
    schedule: bool = True,
) -> Written:
    """Store what the actor reads of one item under another name; he becomes its creator.

    Raises:
        Denied: he sees no details of it, or may not add there.
        Stale: the target is taken and `overwrite` is not set.
    """
    item = reading.get(tx, source, name)
    if item.view is not View.FULL or item.body is None:
        raise Denied(Right.SEE, tree.path(source, name))
    prepared = kinds.of(source.tool).prepare(item.body, item.media_type)
    return reading.put(tx, target, target_name, prepared, UNCONDITIONAL if overwrite else _ANEW, schedule=schedule)


def move(
    tx: Transaction, source: Collection, name: str, target: Collection, target_name: str, *, overwrite: bool
) -> Written:
    """Give an item another name or collection.

    Inside one environment it needs *edit* and *add*, and stays the same item; between
    environments it is a copy followed by a deletion.

    Raises:
        NotFound, Denied, Exists, UidConflict, Locked, UnsupportedComponent: as named.
    """
    name, target_name = reading.normal(name), reading.clean_name(target_name)
    if source.id == target.id and name == target_name:
        raise Conflict("source and destination are the same")
    if source.space.id != target.space.id:
        written = copy(tx, source, name, target, target_name, overwrite=overwrite, schedule=False)
        reading.delete(tx, source, name, schedule=False)
        return written
    seen = reading.get(tx, source, name, body=False)
    if not seen.rights & Right.EDIT:
        raise Denied(Right.EDIT, tree.path(source, name))
    if target.id != source.id and not target.rights & Right.ADD:
        raise Denied(Right.ADD, tree.path(target))
    if bool(target.components) is not bool(seen.component):
        raise UnsupportedMedia(seen.media_type)
    if target.components and seen.component not in target.components:
        raise UnsupportedComponent(seen.component)
    there = writing.stored(tx, target, target_name)
    if there is not None:
        _demand_place(tx, target, target_name, overwrite)
    row = writing.stored(tx, source, name)
    writing.check_uid(tx, target, target_name, writing.uid_of(tx, source, row.id), there.id if there else None, row.id)
    locks.check(tx, source.space, tree.below(source, name), member=True, tree=True)
    locks.check(tx, target.space, tree.below(target, target_name), member=True)
    if there is not None:
        writing.keep_version(tx, there, removed=True)
        number = numbering.take(tx, target.id, count=-1, octets=-there.size)
        tombstones.bury(tx, target, there, number)
        writing.remove(tx, there)
    return _relocate(tx, source, name, target, target_name, created=there is None)


def _demand_place(tx: Transaction, target: Collection, name: str, overwrite: bool) -> None:
    """Pass if what has the target's name may give way to a move (RFC 4918 §9.9.4)."""
    seen = viewing.one(tx, target, name, body=False)
    if seen is None:
        raise Denied(Right.ADD, tree.path(target))  # as in `items.put`: he may not know that it is taken
    if not overwrite:
        raise Exists(name)
    if not seen.rights & Right.EDIT:
        raise Denied(Right.EDIT, tree.path(target, name))


def _fresh_tag(tag: int, number: int) -> int:
    """Another schedule tag than before, which no write in the target hands out (RFC 6638 §3.2.10)."""
    return 0 if not tag else -number if tag == number else number


def _relocate(
    tx: Transaction, source: Collection, name: str, target: Collection, target_name: str, *, created: bool
) -> Written:
    row = writing.stored(tx, source, name)
    table = kinds.of(target.tool).table
    moved = source.id != target.id
    if moved:
        if source.tool is not target.tool:  # else it counts already in this environment
            quota.check_add(tx, target, row.size, 1)
        tombstones.bury(tx, source, row, numbering.take(tx, source.id, count=-1, octets=-row.size))
        number, fresh = numbering.take_with_uid(tx, target.id, octets=row.size)
    else:
        number, fresh = numbering.take_with_uid(tx, source.id, count=0)
        tombstones.bury(tx, source, row, number)
    tx.db.execute(
        sa.update(items)
        .where(items.c.id == row.id)
        .values(
            collection_id=target.id,
            name=target_name,
            uid=fresh,
            modseq=number,
            created_modseq=number,
            schedule_tag=_fresh_tag(row.schedule_tag, number),
            hidden_modseq=number if row.hidden_modseq else 0,
            freed_modseq=number if row.freed_modseq else 0,
            modified=tx.now,
        )
    )
    # A viewer's numbers say what he knew of the old name: of the new one he knows nothing yet.
    tx.db.execute(sa.update(viewer_items).where(viewer_items.c.item_id == row.id).values(modseq=0))
    if moved:
        for hanging in (table, viewer_items, dead_properties, grants):
            here = sa.update(hanging).where(hanging.c.item_id == row.id)
            tx.db.execute(here.values(collection_id=target.id))
        tx.db.execute(sa.update(grants).where(grants.c.item_id == row.id).values(since_modseq=number))
        viewing.forget_access(tx, source.id)
        viewing.forget_access(tx, target.id)
    locks.forget(tx, source.space, tree.below(source, name))
    found = reading.get(tx, target, target_name, body=False)
    return Written(created, found.etag, True, found.schedule_tag, ModSeq(number))
