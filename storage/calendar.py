"""What calendars, task lists and journals add to items: index rows, queries, busy times (CAL, RFC 4791)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import tzinfo
from typing import Any, Final

import sqlalchemy as sa

from storage import viewing
from storage.errors import NotFound
from storage.formats import calendar_filter, calendar_views, icalendar
from storage.formats.series import Series
from storage.kinds import Prepared
from storage.schema import event_index, items
from storage.store import Transaction
from storage.types import Collection, Item, Right, View

MEDIA_TYPE: Final = "text/calendar"
FOREVER: Final = 2**62
_STAMPS: Final = re.compile(
    rb"^(?:DTSTAMP|LAST-MODIFIED|X-MOZ-GENERATION|X-LIC-ERROR)[;:][^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*", re.MULTILINE
)


def prepare(data: bytes) -> Prepared:
    """Parse one calendar object and compute all that reading it will need.

    Raises:
        BadFormat, BadObject, TooManyAttendees, TooManyInstances, OutOfRange: as `icalendar.read`.
    """
    found = icalendar.read(data)
    shared, mine = calendar_views.split_viewer(found) if found.has_viewer_parts else (None, None)
    starts, ends = found.series.span
    return Prepared(
        body=found.body,
        media_type=MEDIA_TYPE,
        component=found.component,
        uid=found.uid,
        private=found.klass == "PRIVATE",
        scheduled=bool(found.organizer),
        same_octets=found.body == data,
        shared=shared if mine is not None else None,
        parts=mine.dumps() if mine is not None else "",
        index={
            "component": found.component,
            "starts": starts,
            "ends": ends,
            "klass": found.klass,
            "transparent": found.transparent,
            "status": found.status,
            "organizer": found.organizer,
            "summary": found.summary[:255],
            "series": found.series.dumps(),
            "stub": calendar_views.busy_stub(found),
        },
    )


def merge(shared: bytes, parts: str) -> bytes:
    """A viewer's own body: the shared one with his alarms and colour (SYS-08)."""
    return calendar_views.merge_viewer(shared, calendar_views.ViewerParts.loads(parts))


def comparable(shared: bytes) -> bytes:
    """The shared body without what a client renews at every write."""
    return _STAMPS.sub(b"", shared)


def query(
    tx: Transaction, collection: Collection, wanted: calendar_filter.CompFilter, floating: tzinfo
) -> list[Item]:
    """The items that match a CALDAV:filter exactly, with their bodies (RFC 4791 §9.7).

    Component and time range are answered from the index; only a filter that asks for more, or an
    item that this viewer reads with his own alarms, has its body looked into.
    """
    plan = calendar_filter.prefilter(wanted)
    conditions: list[sa.ColumnElement[bool]] = []
    if plan.component is not None:
        conditions.append(event_index.c.component == plan.component)
    if plan.uid is not None:
        conditions.append(event_index.c.uid == plan.uid)
    if plan.end is not None:
        conditions.append(event_index.c.starts < plan.end)
    if plan.start is not None:
        conditions.append(event_index.c.ends >= plan.start)
    timed = plan.start is not None or plan.end is not None
    names: list[int] = []
    for row in _candidates(tx, collection, conditions):
        if timed and not Series.loads(row.series).overlaps(
            plan.start if plan.start is not None else -FOREVER,
            plan.end if plan.end is not None else FOREVER,
            floating,
        ):
            continue
        names.append(row.item_id)
    found = _load(tx, collection, names)
    if plan.exact:
        return found
    return [
        item
        for item in found
        if item.body is not None and calendar_filter.matches(wanted, icalendar.read(item.body), floating)
    ]


def busy(
    tx: Transaction, collections: Sequence[Collection], start: int, end: int, floating: tzinfo
) -> list[tuple[int, int, str]]:
    """Busy periods of several calendars: (start, end, kind) in UTC seconds, unmerged (RFC 4791 §7.10).

    Transparent calendars and events that are hidden from the actor do not count (ACL-24).
    """
    periods: list[tuple[int, int, str]] = []
    for collection in collections:
        if collection.transparent or not collection.rights & (Right.SEE_BUSY | Right.SEE):
            continue
        conditions = [
            event_index.c.component == "VEVENT",
            event_index.c.starts < end,
            event_index.c.ends >= start,
        ]
        for row in _candidates(tx, collection, conditions):
            periods.extend(
                (max(first, start), min(last, end), kind)
                for first, last, kind in Series.loads(row.series).periods(start, end, floating)
            )
    return periods


def ended_before(tx: Transaction, collection: Collection, moment: int) -> list[str]:
    """Names of the events whose last instance ended before `moment` (CAL-18)."""
    names = (
        sa.select(items.c.name)
        .join(event_index, event_index.c.item_id == items.c.id)
        .where(items.c.collection_id == collection.id, event_index.c.ends <= moment)
    )
    visible = {row.name for row in viewing.listing(tx, collection)}
    return [name for name in tx.db.execute(names).scalars() if name in visible]


_SERIES: Final = sa.select(event_index.c.item_id, event_index.c.series).where(
    event_index.c.collection_id == sa.bindparam("collection")
)


def _candidates(
    tx: Transaction, collection: Collection, conditions: list[sa.ColumnElement[bool]]
) -> list[Any]:
    """Series of the items that meet index conditions and that the actor may know of, judged in SQL."""
    statement = _SERIES.where(*conditions)
    keys: dict[str, object] = {"collection": collection.id}
    if not viewing.is_own(collection):
        if collection.view is View.HIDDEN and not collection.rights:
            raise NotFound(collection.name)
        known = viewing.access(tx, collection)
        seen = viewing.visible(tx, collection, known).with_only_columns(items.c.id)
        statement = statement.where(event_index.c.item_id.in_(seen))
        keys["viewer"] = tx.actor.id
    return list(tx.db.execute(statement, keys).all())


def _load(tx: Transaction, collection: Collection, ids: list[int]) -> list[Item]:
    found: list[Item] = []
    for start in range(0, len(ids), 500):
        found += viewing.load(tx, collection, items.c.id.in_(ids[start : start + 500]), body=True)
    return found
