"""What calendars, task lists and journals add to items: index rows, queries, busy times (CAL, RFC 4791)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, tzinfo
from typing import Any, Final

import sqlalchemy as sa

from storage import viewing
from storage.containment import contains
from storage.formats import calendar_filter, calendar_views, icalendar, managed
from storage.formats.series import FOREVER, Series
from storage.formats.series_parts import ALL_DAY, FLOATING, Form
from storage.kinds import Prepared
from storage.schema import event_index, items
from storage.statements import Statement
from storage.store import Transaction
from storage.types import Collection, Item, SpaceKind, View

MEDIA_TYPE: Final = "text/calendar"
_ZONES_S: Final = 28 * 3600
"""How far the span of floating times may reach beyond them: they are stored as of every zone on earth."""
_ASKED: Final = 500
"""Up to so many items are asked for by their numbers, more with their whole calendar."""
LENGTHY_S: Final = 31 * 86400
"""Whatever spans more is looked for apart, so that a query walks the index of its own range only."""


def prepare(data: bytes) -> Prepared:
    """Parse one calendar object and compute all that reading it will need.

    Raises:
        BadFormat, BadObject, TooManyAttendees, TooManyInstances, OutOfRange: as `icalendar.read`.
    """
    found = icalendar.read(data)
    shared, mine = calendar_views.split_viewer(found) if found.has_viewer_parts else (None, None)
    stub = calendar_views.busy_stub(found)
    return Prepared(
        body=found.body,
        media_type=MEDIA_TYPE,
        component=found.component,
        uid=found.uid,
        # CAL-06: of what is confidential, others see the block; where there is none, nothing.
        private=found.klass == "PRIVATE" or (found.klass == "CONFIDENTIAL" and stub is None),
        scheduled=bool(found.organizer),
        same_octets=found.body == data,
        shared=shared if mine is not None else None,
        parts=mine.dumps() if mine is not None else "",
        index={
            "component": found.component,
            "klass": found.klass,
            "transparent": found.transparent,
            "status": found.status,
            "organizer": found.organizer,
            "summary": found.summary[:255],
            "stub": stub,
        }
        | when(found.series),
        attachments=managed.ids(found.calendar),
    )


def when(series: Series | None) -> dict[str, Any]:
    """The columns of the index that say when it takes place; without a series, always (RFC 6638 §2.3)."""
    if series is None:
        return {"starts": -FOREVER, "ends": FOREVER, "series": None, "lengthy": True}
    starts, ends = series.span
    plain = None if _is_plain(series) else series.dumps()
    return {"starts": starts, "ends": ends, "series": plain, "lengthy": ends - starts > LENGTHY_S}


def restated(prepared: Prepared, body: bytes) -> Prepared:
    """The same object with another body, which differs in nothing that the index knows, nor in a viewer's parts.

    That is so for ATTENDEE, SEQUENCE and the parameters of ORGANIZER: a meeting is not read again for each answer.
    """
    return replace(prepared, body=body, same_octets=False)


def merge(shared: bytes, parts: str) -> bytes:
    """A viewer's own body: the shared one with his alarms and colour (SYS-08)."""
    return calendar_views.merge_viewer(shared, calendar_views.ViewerParts.loads(parts))


def comparable(shared: bytes) -> bytes:
    """The shared body without what a client renews at every write."""
    return calendar_views.comparable(shared)


def query(tx: Transaction, collection: Collection, wanted: calendar_filter.CompFilter, floating: tzinfo) -> list[Item]:
    """The items that match a CALDAV:filter exactly, with their bodies (RFC 4791 §9.7).

    Component, time range and UID are answered from the index; only a filter that asks for more has
    bodies looked into. Of what somebody else sees as a busy block, the block decides: a query must not
    tell when a hidden instance of it takes place, nor its UID.
    """
    plan = calendar_filter.prefilter(wanted)
    own = viewing.is_own(collection)
    uid = plan.uid.upper() if own and plan.uid is not None and plan.uid.isascii() else None
    plain: set[int] | None = None  # items whose block says all that the index knows; None: every one's does
    if plan.start is not None or plan.end is not None:
        start = -FOREVER if plan.start is None else plan.start
        end = FOREVER if plan.end is None else plan.end
        rows = _spans(tx, collection, plan.component, uid, start, end)
        ids = [row.item_id for row in rows if _overlaps(row, start, end, floating)]
        plain = {row.item_id for row in rows if row.series is None}
        found = _load(tx, collection, ids)
    else:
        conditions = []
        if plan.component is not None:
            conditions.append(items.c.component == plan.component)
        if uid is not None:
            alike = sa.select(event_index.c.item_id).where(
                event_index.c.collection_id == collection.id, contains(_folded_uid, uid)
            )
            conditions.append(items.c.id.in_(alike))
        found = viewing.load(tx, collection, *conditions, body=True)
    if plan.exact and own:
        return found
    return [
        item
        for item in found
        if (plan.exact and (item.view is not View.BUSY or plain is None or item.id in plain))
        or (item.body is not None and calendar_filter.matches(wanted, icalendar.load(item.body), floating))
    ]


def ended_before(tx: Transaction, collection: Collection, moment: int, floating: tzinfo = UTC) -> list[str]:
    """Names of the events whose last instance ended at `moment` (UTC seconds) or earlier (CAL-18).

    Floating and all-day times are read in `floating`; the index knows their ends to a day only.
    """
    query = (
        sa.select(items.c.id, items.c.name, event_index.c.starts, event_index.c.ends, event_index.c.series)
        .join(event_index, event_index.c.item_id == items.c.id)
        .where(
            items.c.collection_id == collection.id,
            event_index.c.component == "VEVENT",
            event_index.c.starts < moment + _ZONES_S,
            event_index.c.ends <= moment + _ZONES_S,
        )
        .order_by(items.c.id)
    )
    ended = [row.name for row in tx.db.execute(query) if not _overlaps(row, moment, FOREVER, floating)]
    seen = viewing.seen_among(tx, collection, ended)
    return [name for name in ended if name in seen]


def _is_plain(series: Series) -> bool:
    """Whether the span alone says when it happens: one instance with a length, whose times do not float."""
    part = series.master
    return (
        part is not None
        and not series.recurring
        and not series.others
        and part.form == Form.SPAN
        and min(part.days, part.seconds) >= 0 < part.days + part.seconds
        and part.zone != FLOATING
        and not part.flags & ALL_DAY
    )


def _overlaps(row: Any, start: int, end: int, floating: tzinfo) -> bool:
    if row.series is not None:
        return Series.loads(row.series).overlaps(start, end, floating)
    if row.starts >= row.ends:  # an instant: RFC 4791 §9.9
        return bool(start <= row.starts < end)
    return bool(row.starts < end and row.ends > start)


_folded_uid: Final = sa.func.upper(event_index.c.uid)
SPAN: Final = sa.select(
    event_index.c.item_id,
    event_index.c.starts,
    event_index.c.ends,
    event_index.c.series,
    event_index.c.klass,
    event_index.c.transparent,
    event_index.c.status,
    event_index.c.stub.is_(None).label("blockless"),
).where(event_index.c.starts < sa.bindparam("end"), event_index.c.ends >= sa.bindparam("start"))
"""What says when something takes place, of all that may touch [start, end)."""
_span: Final = SPAN.where(event_index.c.collection_id == sa.bindparam("collection"))
LONG: Final = event_index.c.lengthy == sa.true()
SHORT: Final = sa.and_(event_index.c.lengthy == sa.false(), event_index.c.starts >= sa.bindparam("soonest"))
_of_component: Final = event_index.c.component == sa.bindparam("component")
_of_uid: Final = contains(_folded_uid, sa.bindparam("uid", type_=sa.Text))


def _both_lengths(*conditions: sa.ColumnElement[bool]) -> Statement:
    """Short spans begin within a month before the range; long and endless ones are fewer, and walked."""
    return Statement(sa.union_all(_span.where(SHORT, *conditions), _span.where(LONG, *conditions)))


_SPANS: Final = {
    (False, False): _both_lengths(),
    (True, False): _both_lengths(_of_component),
    (False, True): _both_lengths(_of_uid),
    (True, True): _both_lengths(_of_component, _of_uid),
}


def _spans(
    tx: Transaction, collection: Collection, component: str | None, uid: str | None, start: int, end: int
) -> list[Any]:
    """Index rows whose whole span touches [start, end), of items that the actor may know of."""
    keys = _keys(collection, component, uid, start, end)
    return seen(tx, collection, _SPANS[component is not None, uid is not None].all(tx, keys))


def _keys(collection: Collection, component: str | None, uid: str | None, start: int, end: int) -> dict[str, object]:
    return {
        "collection": collection.id,
        "start": start,
        "end": end,
        "component": component,
        "uid": uid,
        "soonest": start - LENGTHY_S,
    }


def seen(tx: Transaction, collection: Collection, rows: list[Any]) -> list[Any]:
    """Those index rows, columns as in `SPAN`, of items that the actor may know of."""
    if viewing.is_own(collection) or not rows:
        return rows
    unsure = doubtful(collection, rows)
    if not unsure:
        return rows
    visible = viewing.visible(tx, collection, viewing.access(tx, collection)).with_only_columns(items.c.id)
    if len(unsure) <= _ASKED:
        visible = visible.where(items.c.id.in_(unsure))
    known = set(tx.db.execute(visible, {"collection": collection.id, "viewer": tx.actor.id}).scalars())
    return [row for row in rows if row[0] in known or row[0] not in unsure]


def doubtful(collection: Collection, rows: list[Any]) -> set[int]:
    """Those that the actor may have no right to know of; most of a colleague's events are plainly busy blocks."""
    if collection.space.kind is not SpaceKind.PRIVATE or collection.view not in (View.FULL, View.BUSY):
        return {row[0] for row in rows}
    busy = collection.view is View.BUSY
    return {item_id for item_id, _, _, _, klass, _, _, blockless in rows if klass != "PUBLIC" or (busy and blockless)}


def _load(tx: Transaction, collection: Collection, ids: list[int]) -> list[Item]:
    return viewing.numbered(tx, collection, ids, body=True)
