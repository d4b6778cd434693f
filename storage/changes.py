"""The change log: one number per change, read by every protocol that synchronises (SYS-07, SYS-10).

IMAP shows it as MODSEQ (RFC 7162), DAV as sync-token and getctag (RFC 6578), ActiveSync as SyncKey.
None of them keeps a second log. A living item carries its own number; a removed one leaves a
tombstone with its number; what concerns one viewer alone has its number in that viewer's rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from storage import numbering, tombstones, viewing
from storage.errors import LogTruncated
from storage.schema import collections, items, memberships, principals, viewer_collections, viewer_items
from storage.schema import tombstones as stones
from storage.statements import Statement
from storage.store import Transaction
from storage.types import Changes, Collection, CollectionId, ModSeq, PrincipalId, Row, SpaceKind

_AT_ONCE: Final = 1_000
_FLOOR: Final = Statement(sa.select(collections.c.log_floor).where(collections.c.id == sa.bindparam("collection")))
_TOMBSTONES: Final = Statement(
    sa.select(
        stones.c.name,
        stones.c.modseq,
        stones.c.created_modseq,
        stones.c.hidden_modseq,
        stones.c.freed_modseq,
        stones.c.audience,
        stones.c.removed,
        sa.exists()
        .where(items.c.collection_id == stones.c.collection_id, items.c.name == stones.c.name)
        .label("again"),
    )
    .where(
        stones.c.collection_id == sa.bindparam("collection"),
        stones.c.modseq > sa.bindparam("after"),
    )
    .order_by(stones.c.modseq)
)
_noted: Final = sa.and_(
    viewer_items.c.item_id == items.c.id,
    viewer_items.c.viewer_id == sa.bindparam("viewer"),
    viewer_items.c.modseq > 0,
)
_LEFT: Final = Statement(
    # What left others' sight bears the number of that very write, hence no lower one itself.
    sa.select(
        items.c.name,
        items.c.created_modseq,
        items.c.hidden_modseq,
        items.c.freed_modseq,
        sa.exists().where(_noted).label("noted"),
    ).where(
        items.c.collection_id == sa.bindparam("collection"),
        items.c.modseq > sa.bindparam("after"),
        sa.or_(items.c.hidden_modseq > sa.bindparam("after"), items.c.freed_modseq > sa.bindparam("after")),
    )
)
_VANISHED: Final = Statement(
    sa.select(items.c.name, viewer_items.c.modseq)
    .join(viewer_items, viewer_items.c.item_id == items.c.id)
    .where(
        viewer_items.c.collection_id == sa.bindparam("collection"),
        viewer_items.c.viewer_id == sa.bindparam("viewer"),
        viewer_items.c.modseq > sa.bindparam("after"),
        items.c.hidden_modseq == 0,
    )
)
_JOINED: Final = Statement(
    sa.select(memberships.c.joined).where(
        memberships.c.group_id == sa.bindparam("space"), memberships.c.account_id == sa.bindparam("viewer")
    )
)
_theirs: Final = memberships.alias("theirs")
_MET: Final = Statement(
    sa.select(
        sa.func.min(sa.case((memberships.c.joined > _theirs.c.joined, memberships.c.joined), else_=_theirs.c.joined))
    )
    .join(_theirs, _theirs.c.group_id == memberships.c.group_id)
    .where(memberships.c.account_id == sa.bindparam("viewer"), _theirs.c.account_id == sa.bindparam("space"))
)
_VIEWER: Final = Statement(
    sa.select(viewer_collections.c.modseq, viewer_collections.c.view_modseq).where(
        viewer_collections.c.collection_id == sa.bindparam("collection"),
        viewer_collections.c.viewer_id == sa.bindparam("viewer"),
    )
)
_VIEWER_ITEMS: Final = Statement(
    sa.select(viewer_items.c.item_id, viewer_items.c.modseq).where(
        viewer_items.c.collection_id == sa.bindparam("collection"),
        viewer_items.c.viewer_id == sa.bindparam("viewer"),
        viewer_items.c.modseq > sa.bindparam("after"),
    )
)
_MODSEQ: Final = items.c.modseq > sa.bindparam("after")
_own_since: Final = viewing.OWN_ROWS.where(_MODSEQ).order_by(items.c.modseq)
_OWN_SINCE: Final = Statement(_own_since, Row)
_OWN_SINCE_LIMIT: Final = Statement(_own_since.limit(sa.bindparam("most", type_=sa.Integer)), Row)


def since(
    tx: Transaction,
    collection: Collection,
    after: ModSeq,
    *,
    bound: ModSeq = ModSeq(0),  # noqa: B008
    limit: int | None = None,
    brief: bool = False,
) -> Changes:
    """What this viewer must be told to come from number `after` to the present, in numbers' order.

    With `brief` the items may be `Brief`: cheaper where names and validators are all that is asked for.

    `bound` continues an initial synchronisation that a limit cut: what was removed before it began
    is not told. The number in the answer is the last one of that very answer, also when it was cut.

    Raises:
        LogTruncated: `after` lies below the log's floor, or was never given out (RFC 6578 §3.2).
    """
    if brief and not after and viewing.is_own(collection):
        names = viewing.brief(tx, collection)
        if limit is None or len(names) <= limit:
            return Changes(names, (), collection.modseq, ModSeq(0), False)
    found = numbered(tx, collection, after, bound=bound, limit=limit)
    if limit is not None and len(found.present) + len(found.gone) > limit:
        return _cut(found, limit, collection.modseq)
    removed = tuple(name for _, name in found.gone)
    return Changes([row for _, row in found.present], removed, collection.modseq, ModSeq(0), False)


@dataclass(frozen=True, slots=True)
class Numbered:
    """What a viewer must be told, not yet cut: each change with the number it is told under, in order."""

    present: list[tuple[int, Row]]
    """With a limit, one more than it at most."""
    gone: list[tuple[int, str]]
    initial: ModSeq
    """Upper end of an initial synchronisation; 0 if it is none."""


def numbered(
    tx: Transaction, collection: Collection, after: ModSeq, *, bound: ModSeq, limit: int | None = None
) -> Numbered:
    """The same as `since` before its limit cuts, for who has more to tell in the same order.

    What others did since `collection` was read comes next time: a transaction that writes sees it (PostgreSQL, READ
    COMMITTED), but each statement another part of it.

    Raises:
        LogTruncated: as there.
    """
    keys = {"collection": collection.id, "viewer": viewing.viewer_of(tx, collection), "after": after}
    known = max(after, bound)  # up to `bound` nothing removed is told, so no tombstone below it is missed
    if known > collection.modseq or (after and known < _FLOOR.scalar(tx, keys)):
        raise LogTruncated("this synchronisation token is no longer known")
    viewer = _VIEWER.first(tx, keys)
    own_changes: dict[int, int] = {}
    if viewer is not None:
        own_changes = {row.item_id: row.modseq for row in _VIEWER_ITEMS.all(tx, keys)}
    # An initial synchronisation tells everything anyway, and goes on in numbers' order where it was cut.
    whole = viewer is not None and 0 < after < viewer.view_modseq and bound < viewer.view_modseq
    now = collection.modseq
    present = [one for one in _present(tx, collection, after, own_changes, whole, viewer, limit) if one[0] <= now]
    gone = _removed(tx, collection, ModSeq(max(after, bound))) if after else []
    return Numbered(present, [one for one in gone if one[0] <= now], bound or (ModSeq(0) if after else now))


def note_viewer(
    tx: Transaction, collection: CollectionId, viewer: PrincipalId, number: int, *, view: bool = False
) -> None:
    """Record that `number` concerns `viewer` alone; `view` if he now sees the whole collection otherwise."""
    values = {"modseq": number} | ({"view_modseq": number} if view else {})
    mine = sa.and_(viewer_collections.c.viewer_id == viewer, viewer_collections.c.collection_id == collection)
    if not tx.db.execute(sa.update(viewer_collections).where(mine).values(values)).rowcount:
        keys = {"viewer_id": viewer, "collection_id": collection}
        tx.db.execute(sa.insert(viewer_collections).values(**keys, **values))


def view_changed(tx: Transaction, collection: CollectionId, viewers: Iterable[PrincipalId]) -> None:
    """Make each viewer's next synchronisation tell him the whole collection as he now sees it (SYS-10)."""
    affected = sorted(set(viewers))
    if affected:
        number = numbering.take_for_viewer(tx, collection)
        _note(tx, collection, affected, {"modseq": number, "view_modseq": number})
        _listing_changed(tx, collection, affected)


def _listing_changed(tx: Transaction, folder: CollectionId, viewers: Sequence[PrincipalId]) -> None:
    """Let these viewers' next synchronisation of its parent tell whether they see this folder."""
    parent = tx.db.execute(sa.select(collections.c.parent_id).where(collections.c.id == folder)).scalar()
    if parent is None:
        return
    number = numbering.take_for_viewer(tx, CollectionId(parent))
    _note(tx, CollectionId(parent), viewers, {"modseq": number})
    note_listed(tx, folder, viewers, number)


def note_listed(tx: Transaction, folder: CollectionId, viewers: Iterable[PrincipalId], number: int) -> None:
    """Record under its parent's `number` that a folder comes or goes for these viewers alone."""
    _note(tx, folder, viewers, {"listed_modseq": number})


def _note(tx: Transaction, collection: CollectionId, viewers: Iterable[PrincipalId], values: dict[str, int]) -> None:
    """Set numbers of a collection for many viewers, in one statement."""
    rows = [{"viewer_id": viewer, "collection_id": collection, **values} for viewer in sorted(set(viewers))]
    if rows:
        keys = ["viewer_id", "collection_id"]
        tx.db.execute(_upsert(tx, viewer_collections).on_conflict_do_update(index_elements=keys, set_=values), rows)


def _upsert(tx: Transaction, table: sa.Table) -> Any:
    return (sqlite.insert if tx.store.engines.sqlite else postgresql.insert)(table)


def item_view_changed(tx: Transaction, collection: CollectionId, item_id: int, viewers: Iterable[PrincipalId]) -> None:
    """The same for one item: it appears, changes its face, or disappears for these viewers (SYS-10)."""
    items_view_changed(tx, collection, [item_id], viewers)


def items_view_changed(
    tx: Transaction, collection: CollectionId, item_ids: Sequence[int], viewers: Iterable[PrincipalId]
) -> None:
    """The same for several items, under one number."""
    affected = sorted(set(viewers))
    if not affected or not item_ids:
        return
    number = numbering.take_for_viewer(tx, collection)
    _note(tx, collection, affected, {"modseq": number})
    note_items(tx, collection, item_ids, affected, number)


def note_items(
    tx: Transaction, collection: CollectionId, item_ids: Sequence[int], viewers: Sequence[PrincipalId], number: int
) -> None:
    """`note_item` of many items and viewers in a few statements; of the hidden nothing comes and goes (ACL-24)."""
    fixed = (sa.literal(collection, sa.BigInteger), sa.literal(number, sa.BigInteger))
    everybody = items.join(principals, sa.true())
    query = sa.select(principals.c.id, items.c.id, *fixed).select_from(everybody).where(items.c.hidden_modseq == 0)
    columns = ["viewer_id", "item_id", "collection_id", "modseq"]
    for start in range(0, len(item_ids), _AT_ONCE):
        chosen = query.where(items.c.id.in_(item_ids[start : start + _AT_ONCE]))
        for first in range(0, len(viewers), _AT_ONCE):
            rows = chosen.where(principals.c.id.in_(viewers[first : first + _AT_ONCE]))
            made = _upsert(tx, viewer_items).from_select(columns, rows, include_defaults=False)
            keys = ["viewer_id", "item_id"]
            tx.db.execute(made.on_conflict_do_update(index_elements=keys, set_={"modseq": made.excluded.modseq}))


def note_item(tx: Transaction, collection: CollectionId, item_id: int, viewer: PrincipalId, number: int) -> None:
    """Record that `viewer` sees, or saw, an item that whoever sees the collection need not see."""
    mine = sa.and_(viewer_items.c.viewer_id == viewer, viewer_items.c.item_id == item_id)
    if not tx.db.execute(sa.update(viewer_items).where(mine).values(modseq=number)).rowcount:
        keys = {"viewer_id": viewer, "item_id": item_id, "collection_id": collection}
        tx.db.execute(sa.insert(viewer_items).values(**keys, modseq=number))


def _present(
    tx: Transaction,
    collection: Collection,
    after: ModSeq,
    own_changes: dict[int, int],
    whole: bool,
    viewer: Any,
    limit: int | None,
) -> list[tuple[int, Row]]:
    """Items to tell of with the number each is told under, in order; one more than `limit` at most."""
    if viewing.is_own(collection) and not whole and (not own_changes or (not after and limit is None)):
        keys: dict[str, object] = {"collection": collection.id, "after": after}
        if limit is None:
            found = _OWN_SINCE.all(tx, keys)
        else:
            found = _OWN_SINCE_LIMIT.all(tx, keys | {"most": limit + 1})
        return [(row.modseq, row) for row in found]
    conditions: list[sa.ColumnElement[bool]] = []
    if after and not whole:
        changed = items.c.modseq > after
        mine = sa.select(viewer_items.c.item_id).where(
            viewer_items.c.collection_id == collection.id,
            viewer_items.c.viewer_id == viewing.viewer_of(tx, collection),
            viewer_items.c.modseq > after,
        )
        conditions.append(sa.or_(changed, items.c.id.in_(mine)) if own_changes else changed)
    by_number: list[tuple[int, Row]] = []
    for item in viewing.load(tx, collection, *conditions, body=False):
        told_under = max(item.modseq, own_changes.get(item.id, 0), viewer.view_modseq if whole else 0)
        row = Row(
            item.name,
            item.etag,
            item.size,
            item.media_type,
            item.component,
            item.modified,
            item.created,
            int(item.schedule_tag or 0),
            told_under,
        )
        by_number.append((told_under, row))
    by_number.sort(key=lambda pair: pair[0])
    return by_number


def _removed(tx: Transaction, collection: Collection, after: ModSeq) -> list[tuple[int, str]]:
    """Names that this viewer may have seen since `after` and does not see now, with the numbers at which they went.

    What came and went after `after` is told too: RFC 6578 §3.5.2 wants it reported as removed.
    """
    own = viewing.is_own(collection)
    gone: dict[str, int] = {}
    doubtful: set[str] = set()
    for stone in _TOMBSTONES.all(tx, {"collection": collection.id, "after": after}):
        if own and not stone.again:
            gone[stone.name] = stone.modseq
        elif own or (stone.created_modseq > after and stone.removed < _together_since(tx, collection)):
            continue  # there again; or it came and went while the viewer was no member (SYS-09)
        elif number := tombstones.left_at(tx, stone, after):
            gone[stone.name] = number
            if stone.again:
                doubtful.add(stone.name)
    if not own:
        for name, number in _left(tx, collection, after):
            gone[name] = min(number, gone.get(name, number))
            doubtful.add(name)
        for name in viewing.seen_among(tx, collection, doubtful):
            del gone[name]
    return sorted((number, name) for name, number in gone.items())


def _together_since(tx: Transaction, collection: Collection) -> float:
    """Since when, in seconds since the epoch, the viewer has been a member, or the owner's co-member."""
    space = collection.space
    statement = _JOINED if space.kind is SpaceKind.GROUP else _MET
    since: float | None = statement.scalar(tx, {"space": space.id, "viewer": tx.actor.id})
    return 0.0 if since is None else since


def _left(tx: Transaction, collection: Collection, after: ModSeq) -> Iterable[tuple[str, int]]:
    """Items that are there and may have left the viewer's sight since `after`, with the numbers at which they did.

    The token must not pass that number before he is told, or he never will be.
    """
    keys = {"collection": collection.id, "after": after, "viewer": tx.actor.id}
    yield from ((row.name, row.modseq) for row in _VANISHED.all(tx, keys))
    if collection.space.kind is not SpaceKind.PRIVATE:
        return
    for row in _LEFT.all(tx, keys):  # became private (ACL-24), or ceased to be busy time (CAL-07)
        # The block was there for all; the item itself for those who were noted when it was hidden (storage/writing.py).
        number = row.hidden_modseq or row.freed_modseq
        if row.freed_modseq and not row.noted:
            number = min(number, row.freed_modseq)
        if number > max(after, row.created_modseq):
            yield row.name, number


def cut_at(numbers: Sequence[int], limit: int) -> ModSeq:
    """The last number to be told where there are more than `limit`, these in order: all that share it stay together."""
    last = numbers[max(limit, 1) - 1]
    if len(numbers) > limit and numbers[limit] == last:
        # Several changes under one number (a change of view): the cut goes before or after all of them.
        earlier = [number for number in numbers if number < last]
        last = earlier[-1] if earlier else last
    return ModSeq(last)


def _cut(found: Numbered, limit: int, modseq: ModSeq) -> Changes:
    """The first changes in numbers' order; `modseq` is the present, which who was told all of them has reached."""
    numbers = sorted([number for number, _ in found.present] + [number for number, _ in found.gone])
    last = cut_at(numbers, limit)
    if last == numbers[-1]:
        removed = tuple(name for _, name in found.gone)
        return Changes([row for _, row in found.present], removed, modseq, ModSeq(0), False)
    rows = [row for number, row in found.present if number <= last]
    removed = tuple(name for number, name in found.gone if number <= last)
    bound = found.initial if found.initial > last else ModSeq(0)
    return Changes(rows, removed, last, bound, True)
