"""When people are busy, as the actor may know: one, or thousands by a few queries (CAL-07, RFC 4791 §7.10)."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from datetime import tzinfo
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

from storage import calendar, many, viewing
from storage.errors import TooManyInstances
from storage.formats import icalendar
from storage.formats.series import Series
from storage.schema import event_index, items
from storage.statements import Statement
from storage.store import Transaction
from storage.types import Collection, CollectionId, Right, SpaceKind, View

Times: TypeAlias = list[tuple[int, int, str]]
"""Periods as (start, end, FBTYPE) in UTC seconds, unmerged and uncut."""
MOST: Final = 100_000
"""Periods of one calendar; each of its series may have 20,000."""


def _spans(size: int) -> Statement:
    query = calendar.SPAN.add_columns(event_index.c.collection_id).where(
        many.among(event_index.c.collection_id, size), event_index.c.component == "VEVENT"
    )
    return Statement(sa.union_all(query.where(calendar.SHORT), query.where(calendar.LONG)))


def _blocks(size: int) -> Statement:
    columns = (event_index.c.item_id, event_index.c.stub)
    return Statement(sa.select(*columns).where(many.among(event_index.c.item_id, size)))


def _unhidden(size: int) -> Statement:
    """ACL-24: what of an event in somebody's calendar is his alone."""
    return Statement(sa.select(items.c.id).where(many.among(items.c.id, size), items.c.hidden_modseq == 0))


_SPANS: Final = {size: _spans(size) for size in (1, *many.SIZES)}
_BLOCKS: Final = {size: _blocks(size) for size in many.SIZES}

_UNHIDDEN: Final = {size: _unhidden(size) for size in many.SIZES}


def of(
    tx: Transaction,
    collections: Iterable[Collection],
    start: int,
    end: int,
    floating: tzinfo,
    without: Container[int] = frozenset(),
) -> Times:
    """Busy periods of several calendars, as `of_many`."""
    return [period for times in of_many(tx, collections, start, end, floating, without).values() for period in times]


def of_many(
    tx: Transaction,
    collections: Iterable[Collection],
    start: int,
    end: int,
    floating: tzinfo,
    without: Container[int] = frozenset(),
    *,
    forgiving: bool = False,
) -> dict[CollectionId, Times]:
    """Busy periods of each calendar that counts, those of people and groups.

    The items `without` which it is wanted do not count, nor do transparent calendars and what is hidden from the
    actor, be it an instance of a series that he knows of (ACL-24). If `forgiving`, a calendar with a series of more
    instances than can be told, or with more periods, is busy all the time, so that one person's rule does not stop the
    answer about all the others.

    Raises:
        TooManyInstances: there is one, and it is not `forgiving`.
    """
    counted = {one.id: one for one in collections if not one.transparent and one.rights & (Right.SEE_BUSY | Right.SEE)}
    keys = {"start": start, "end": end, "soonest": start - calendar.LENGTHY_S}
    rows: dict[CollectionId, list[Any]] = {number: [] for number in counted}
    for size, chosen in _chunks(list(counted)):
        for *row, number in _SPANS[size].raw(tx, keys | chosen):
            if row[0] not in without:
                rows[number].append(row)
    rows = _seen(tx, counted, rows)
    others = {number for number, one in counted.items() if _is_others(one)}
    blocks = _blocks_of(tx, [row[0] for number in others for row in rows[number] if _has_instances_to_hide(row)])
    found: dict[CollectionId, Times] = {}
    for number, some in rows.items():
        times = found[number] = []
        for row in some:
            item_id, starts, ends, series, _, transparent, status, _ = row
            if series is None:
                if not transparent and status != "CANCELLED":
                    times.append((starts, ends, "BUSY-TENTATIVE" if status == "TENTATIVE" else "BUSY"))
                continue
            body = blocks.get(item_id) if number in others and _has_instances_to_hide(row) else b""
            if body is None:
                continue
            try:  # the block is without the private instances
                told = icalendar.load(body).series if body else Series.loads(series)
                times += told.periods(start, end, floating)
                if len(times) > MOST:
                    raise TooManyInstances(MOST)
            except TooManyInstances:
                if not forgiving:
                    raise
                found[number] = [(start, end, "BUSY")]
                break  # whatever else there is says nothing more
    return found


def _is_others(collection: Collection) -> bool:
    return collection.space.kind is SpaceKind.PRIVATE and not viewing.is_own(collection)


def _has_instances_to_hide(row: Sequence[Any]) -> bool:
    return row[3] is not None and row[4] != "PUBLIC"


def _seen(
    tx: Transaction, counted: dict[CollectionId, Collection], rows: dict[CollectionId, list[Any]]
) -> dict[CollectionId, list[Any]]:
    """Those rows that the actor may know of.

    Of people's calendars one query says what is hidden. What is not, and yet has no busy block, as few events do, and
    what is a group's, is asked for with its calendar.
    """
    doubtful = {
        number: calendar.doubtful(counted[number], some)
        for number, some in rows.items()
        if some and not viewing.is_own(counted[number])
    }
    asked = [one for number, ids in doubtful.items() if counted[number].space.kind is SpaceKind.PRIVATE for one in ids]
    unhidden = {number for size, chosen in many.chunks(asked) for number in _UNHIDDEN[size].scalars(tx, chosen)}
    hidden = {*asked} - unhidden
    found: dict[CollectionId, list[Any]] = {}
    for number, some in rows.items():
        one = counted[number]
        found[number] = left = [row for row in some if row[0] not in hidden]
        blocks = one.space.kind is SpaceKind.PRIVATE and one.view in (View.FULL, View.BUSY)
        ids = doubtful.get(number, set())
        unsure = [row for row in left if row[0] in ids and not (blocks and (one.view is View.FULL or not row[7]))]
        if unsure:
            hidden_too = {row[0] for row in unsure} - {row[0] for row in calendar.seen(tx, one, unsure)}
            found[number] = [row for row in left if row[0] not in hidden_too]
    return found


def _blocks_of(tx: Transaction, ids: Sequence[int]) -> dict[int, bytes | None]:
    return {row[0]: row[1] for size, chosen in many.chunks(ids) for row in _BLOCKS[size].raw(tx, chosen)}


def _chunks(numbers: Sequence[int]) -> Iterable[tuple[int, dict[str, Any]]]:
    return [(1, {"n0": numbers[0]})] if len(numbers) == 1 else many.chunks(numbers)
