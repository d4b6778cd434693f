"""Reminders that the server sends: the next one of each event is a row, written with the event (REM-01…09).

A row's mail goes into the queue in the transaction that sets the row to its next moment: each is sent once, however
many processes work and whenever one of them dies.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from storage import preferences, writing
from storage.formats import alarms, icalendar
from storage.mail import recipients
from storage.schema import collections, event_index, items, principals, reminders
from storage.statements import Statement, insert
from storage.store import Store, Transaction, attempt, is_passing
from storage.types import SITE, Collection, Principal, PrincipalId, SpaceKind, Tool

log = logging.getLogger(__name__)

BATCH: Final = 100
PUT_OFF_S: Final = 3_600
"""A reminder that fails by a mistake of ours is tried again so much later, and stands in nobody's way."""
SPACING_S: Final = 59
"""An event reminds once a minute at most, whatever its rule."""
LATE_S: Final = 900
"""So long after its event began a reminder still helps; later it is passed over (REM-08)."""
_FORGET: Final = Statement(sa.delete(reminders).where(reminders.c.item_id == sa.bindparam("item")))
_PLAN: Final = insert(reminders, "item_id", "due")
_TOOLS: Final = frozenset({Tool.CALENDAR, Tool.TASKS})


@dataclass(frozen=True, slots=True)
class Reminder:
    """One line of the overview (REM-05)."""

    at: float
    start: float
    summary: str
    item: int = 0
    """The number of its event or task."""
    modified: float = 0
    """When that was last written."""
    mail: bool = True
    sms: bool = False


def plan(tx: Transaction, collection: Collection, item_id: int, body: bytes, *, anew: bool) -> None:
    """Note when the item's owner is to be reminded next; an event without EMAIL alarms costs nothing."""
    if collection.tool not in _TOOLS or collection.space.kind is not SpaceKind.PRIVATE:
        return  # REM-07: none for what is a group's
    if not anew:
        _FORGET.run(tx, {"item": item_id})
    if alarms.MARK not in body.upper():
        return
    _set(tx, item_id, icalendar.load(body), int(tx.now), _zone(tx, collection.space.id))


def listing(tx: Transaction, account: Principal) -> list[Reminder]:
    """All reminders that wait, the next one first (REM-05).

    Raises:
        Denied, NotFound: it is somebody else's account.
    """
    zone = ZoneInfo(str(preferences.of(tx, account)["timezone"]))
    found: list[Reminder] = []
    query = _joined(reminders.c.due).where(collections.c.space_id == account.id).order_by(reminders.c.due)
    for row in tx.db.execute(query):
        due = alarms.due(icalendar.load(writing.body_of(tx, row)), row.due - 1, zone)
        if due is not None:
            found.append(Reminder(row.due, due.start, row.summary, row.id, row.modified, due.mail, bool(due.numbers)))
    return found


def next_due(store: Store) -> float | None:
    """When the next one is due, seconds since the epoch; None if none waits."""
    with store.read(SITE) as tx:
        found: int | None = tx.db.execute(sa.select(sa.func.min(reminders.c.due))).scalar()
    return None if found is None else float(found)


def run(store: Store, stopped: Callable[[], bool] = lambda: False, *, sms: bool = False) -> int:
    """Send all that is due, by SMS as well where there is a gateway; gives how many reminders that made."""
    sent = 0
    while not stopped():
        with store.write(SITE) as tx:
            query = _joined(reminders.c.due).where(reminders.c.due <= int(tx.now)).order_by(reminders.c.due)
            rows = tx.db.execute(query.limit(BATCH).with_for_update(of=reminders, skip_locked=True)).all()
            sent += sum(_tried(tx, row, sms) for row in rows)
        if len(rows) < BATCH:
            break
    return sent


def _joined(*columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    joined = (
        reminders.join(items, items.c.id == reminders.c.item_id)
        .join(event_index, event_index.c.item_id == items.c.id)
        .join(collections, collections.c.id == items.c.collection_id)
        .join(principals, principals.c.id == collections.c.space_id)
    )
    wanted = (items.c.id, items.c.modified, items.c.body, items.c.blob, event_index.c.summary, collections.c.space_id)
    return sa.select(
        *columns, *wanted, principals.c.language, principals.c.display_name, principals.c.name
    ).select_from(joined)


def _tried(tx: Transaction, row: Any, sms: bool) -> int:
    """Remind; an event that makes it fail is put off, and costs nobody else his reminder."""
    try:
        with attempt(tx):
            return _remind(tx, row, sms)
    except Exception as error:
        if is_passing(error):
            raise
        log.exception("reminder put off", extra={"item": row.id})
        later = sa.update(reminders).where(reminders.c.item_id == row.id).values(due=int(tx.now) + PUT_OFF_S)
        tx.db.execute(later)
        return 0


def _remind(tx: Transaction, row: Any, sms: bool) -> int:
    owner = PrincipalId(row.space_id)
    name, clock_h = preferences.reading_of(tx, owner)
    zone = ZoneInfo(name)
    obj = icalendar.load(writing.body_of(tx, row))
    now = int(tx.now)
    due = alarms.due(obj, row.due - 1, zone)
    own = recipients.addresses_of(tx, owner)
    helps = due is not None and due.at <= now <= max(due.start, due.at) + LATE_S
    phoned = sms and due is not None and helps and _by_sms(tx, row, obj, due, zone, clock_h)
    if due is not None and helps and own and (due.mail or not phoned):
        from storage import reminder_mail  # `jobs` alone pays for these
        from storage.outbound import letter

        to = letter.Person(recipients.default_sender(tx, owner, own), str(row.display_name or row.name))
        subject, text = reminder_mail.text_of(str(row.language), obj, due, zone, clock_h)
        letter.put(tx, sender=to, to=[to], subject=subject, text=text, account=owner, bounces=False)
    _FORGET.run(tx, {"item": row.id})
    # What fell due together, or while nobody worked, is told once; the next one lies ahead.
    _set(tx, row.id, obj, row.due + SPACING_S if helps else max(row.due, now), zone)
    return int(helps and (bool(own) or phoned))


def _by_sms(
    tx: Transaction, row: Any, obj: icalendar.CalendarObject, due: alarms.Due, zone: tzinfo, clock_h: int
) -> bool:
    """Remind by SMS, if the alarm names the owner's own number; False without number or credit (REM-02)."""
    if not due.numbers:
        return False
    from storage import reminder_mail
    from storage.sms import number, queue

    owner = PrincipalId(row.space_id)
    own = number.own(tx, owner, row.name)
    if own not in due.numbers:
        return False
    text = reminder_mail.short(obj, due, zone, clock_h)
    return queue.put(tx, owner, row.name, own, text, expires=max(due.start, due.at) + LATE_S)


def _set(tx: Transaction, item_id: int, obj: icalendar.CalendarObject, after: int, zone: tzinfo) -> None:
    due = alarms.due(obj, after, zone)
    if due is not None:
        _PLAN.run(tx, {"item_id": item_id, "due": due.at})


def _zone(tx: Transaction, owner: PrincipalId) -> tzinfo:
    return ZoneInfo(preferences.zone_of(tx, owner))
