"""What was fetched of subscribed calendars becomes events: only what changed is written (CAL-21).

Fetching is the caller's: between `claim` and `keep` there is no transaction.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa

from storage import collections as tree
from storage import items, kinds, viewing
from storage.errors import BadFormat, NotFound, StorageError
from storage.formats import calendar_files, icalendar, managed
from storage.formats.contentline import render
from storage.kinds import Prepared
from storage.overlay.tables import subscriptions
from storage.schema import accounts, collections, principals
from storage.store import Store, Transaction
from storage.types import SITE, Actor, Collection, CollectionId, PrincipalId, Right, Tool

AT_ONCE: Final = 100
"""Events written in one transaction."""
EVENTS_MAX: Final = 20_000
EVERY_S: Final = 6 * 3600.0
LEAST_S: Final = 900.0
MOST_S: Final = 7 * 86_400.0
_CLAIM_S: Final = 600.0
"""Whoever fetches has so long before another process tries."""
_AGAIN_S: Final = 900.0
_AGAIN_MOST_S: Final = 86_400.0

_HEAD: Final = 64 * 1024
_INTERVAL: Final = re.compile(
    rb"^(?:REFRESH-INTERVAL|X-PUBLISHED-TTL)(?:;[^:\r\n]*)?:\s*\+?P(?:(\d{1,4})W)?(?:(\d{1,5})D)?"
    rb"(?:T(?:(\d{1,6})H)?(?:(\d{1,8})M)?(?:(\d{1,9})S)?)?\s*$",
    re.MULTILINE | re.IGNORECASE,
)
_ALARMS: Final = re.compile(rb"(?<=\n)BEGIN:VALARM\r\n.*?(?<=\n)END:VALARM\r\n", re.DOTALL)
_STAMP: Final = re.compile(rb"(?<=\n)DTSTAMP[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*")


@dataclass(frozen=True, slots=True)
class Due:
    """A calendar that is to be fetched now, and the validators of what is here."""

    number: CollectionId
    owner: Actor
    url: str
    etag: str
    last_modified: str


@dataclass(slots=True)
class Report:
    """What a new reading changed, in events."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    failed: int = 0


def claim(store: Store) -> Due | None:
    """The calendar that is due longest, which no other process will fetch meanwhile; None if none is.

    Raises:
        Busy: the database is away or taken.
    """
    with store.write(SITE) as tx:
        query = (
            _DUE.where(subscriptions.c.next_fetch <= tx.now, subscriptions.c.shown, ~accounts.c.suspended)
            .order_by(subscriptions.c.next_fetch)
            .limit(1)
            .with_for_update(of=subscriptions, skip_locked=True)
        )
        row = tx.db.execute(query).first()
        if row is None:
            return None
        _set(tx, CollectionId(row.collection_id), next_fetch=tx.now + _CLAIM_S)
        return _due(row)


def one(tx: Transaction, number: CollectionId) -> Due:
    """A subscription, whether it is due or not.

    Raises:
        NotFound: there is none.
    """
    row = tx.db.execute(_DUE.where(subscriptions.c.collection_id == number)).first()
    if row is None:
        raise NotFound(str(number))
    return _due(row)


def named(tx: Transaction, name: str) -> Due:
    """The actor's subscription of that name or title, whether it is due or not.

    Raises:
        NotFound: he has none.
    """
    here = sa.and_(
        collections.c.space_id == tx.actor.id, sa.or_(collections.c.path == name, collections.c.display_name == name)
    )
    row = tx.db.execute(_DUE.where(here)).first()
    if row is None:
        raise NotFound(f"there is no subscribed calendar {name}")
    return _due(row)


def read(data: bytes) -> calendar_files.CalendarFile:
    """Take a fetched calendar apart.

    Raises:
        BadFormat: it is none, ends in the middle, or holds more than `EVENTS_MAX` events.
    """
    if not _is_whole(data):
        raise BadFormat("it ends in the middle: END:VCALENDAR is missing")
    found = calendar_files.split_objects(data)
    if not found.objects and found.failures:
        raise BadFormat(f"nothing in it can be read: {found.failures[0].error}", found.failures[0].line)
    if len(found.objects) > EVENTS_MAX:
        raise BadFormat(f"it holds more than {EVENTS_MAX} events")
    return found


def _is_whole(data: bytes) -> bool:
    """Whether its last component has ended, as far as there is any: what its server cut off is not all there is."""
    text = data.upper()
    return text.rfind(b"END:VCALENDAR") >= text.rfind(b"BEGIN:V")


def keep(store: Store, due: Due, data: bytes, etag: str = "", last_modified: str = "") -> Report:
    """Make the events of a subscription those of `data`; what did not change is not touched.

    Events that cannot be read are left out and counted; the others come.

    Raises:
        BadFormat: it is no calendar; the events that were here stay.
        Busy: the database is away or taken.
    """
    digest = hashlib.sha256(data).hexdigest()
    report = Report()
    with store.read(SITE) as tx:
        known = tx.db.execute(
            sa.select(subscriptions.c.digest).where(subscriptions.c.collection_id == due.number)
        ).scalar()
    if known is None:
        return report  # unsubscribed meanwhile
    if known != digest:
        _events(store, due, data, report)
    trouble = f"{report.failed} events could not be read" if report.failed else ""
    values = {"etag": etag[:1000], "last_modified": last_modified[:200], "digest": digest, "trouble": trouble}
    with store.write(SITE) as tx:
        _set(tx, due.number, **values, fetched=tx.now, failures=0, next_fetch=tx.now + interval_s(data))
    return report


def unchanged(store: Store, due: Due) -> None:
    """The server says that what is here is what it has (RFC 9110 §15.4.5)."""
    with store.write(SITE) as tx:
        row = tx.db.execute(sa.select(subscriptions).where(subscriptions.c.collection_id == due.number)).first()
        if row is not None:
            wait = row.next_fetch - tx.now if row.next_fetch > tx.now + _CLAIM_S else EVERY_S
            _set(tx, due.number, fetched=tx.now, failures=0, trouble="", next_fetch=tx.now + wait)


def failed(store: Store, due: Due, reason: str) -> None:
    """It could not be read: the events stay, and the next try comes later each time, at most a day."""
    with store.write(SITE) as tx:
        here = subscriptions.c.collection_id == due.number
        before = tx.db.execute(sa.select(subscriptions.c.failures).where(here)).scalar()
        if before is not None:
            wait = min(_AGAIN_MOST_S, _AGAIN_S * 2.0 ** min(before, 10))
            _set(tx, due.number, failures=before + 1, trouble=reason[:500], next_fetch=tx.now + wait)


def interval_s(data: bytes) -> float:
    """How long a calendar wants to be left alone (RFC 7986 §5.7), within `LEAST_S` and `MOST_S`; else `EVERY_S`."""
    found = _INTERVAL.search(data[:_HEAD])
    if found is None or not any(found.groups()):
        return EVERY_S
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    wanted = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()
    return min(MOST_S, max(LEAST_S, wanted))


_DUE: Final = (
    sa.select(subscriptions, collections.c.space_id, principals.c.name)
    .join(collections, collections.c.id == subscriptions.c.collection_id)
    .join(principals, principals.c.id == collections.c.space_id)
    .join(accounts, accounts.c.id == collections.c.space_id)
)


def _due(row: Any) -> Due:
    owner = Actor(PrincipalId(row.space_id), row.name)
    return Due(CollectionId(row.collection_id), owner, row.url, row.etag, row.last_modified)


def _set(tx: Transaction, number: CollectionId, **values: object) -> None:
    tx.db.execute(sa.update(subscriptions).where(subscriptions.c.collection_id == number).values(**values))


def _events(store: Store, due: Due, data: bytes, report: Report) -> None:
    wanted = _prepared(data, report)
    with store.read(due.owner) as tx:
        try:
            present = {item.name: item.body or b"" for item in viewing.load(tx, tree.by_id(tx, due.number), body=True)}
        except NotFound:
            return
    writes = [
        (name, prepared)
        for name, prepared in wanted.items()
        if name not in present or _said(present[name]) != _said(prepared.body)
    ]
    gone = [name for name in present if name not in wanted]
    for some in _parts(writes):
        with store.write(due.owner) as tx:
            if (collection := _open(tx, due.number)) is None:
                return
            for name, prepared in some:
                try:
                    with tx.db.begin_nested():
                        items.put(tx, collection, name, prepared, schedule=False)
                except StorageError:
                    report.failed += 1
                    continue
                if name in present:
                    report.changed += 1
                else:
                    report.added += 1
    for names in _parts(gone):
        with store.write(due.owner) as tx:
            if (collection := _open(tx, due.number)) is None:
                return
            for name in names:
                items.delete(tx, collection, name, schedule=False)
                report.removed += 1


def _prepared(data: bytes, report: Report) -> dict[str, Prepared]:
    """The events by their names here, which follow from their UIDs."""
    found = read(data)
    report.failed += len(found.failures)
    prepare = kinds.of(Tool.SUBSCRIPTION).prepare
    wanted = {}
    for uid, body in found.objects:
        try:
            # CAL-21: nobody is reminded of what is not his.
            prepared = prepare(_ALARMS.sub(b"", body), "text/calendar")
            if prepared.attachments:  # of another server, or not for who finds them there (RFC 8607 §3.12.7)
                plain = icalendar.load(prepared.body).calendar
                managed.unmanage(plain, prepared.attachments)
                prepared = prepare(render(plain), "text/calendar")
        except StorageError:
            report.failed += 1
            continue
        if prepared.component == "VEVENT":
            wanted[hashlib.sha256(uid.encode()).hexdigest()[:32] + ".ics"] = prepared
    return wanted


def _open(tx: Transaction, number: CollectionId) -> Collection | None:
    """The collection for the suite's own hand: nobody else writes there."""
    try:
        found = tree.by_id(tx, number)
    except NotFound:
        return None
    return replace(found, rights=found.rights | Right.ADD | Right.EDIT | Right.DELETE)


def _said(body: bytes) -> bytes:
    """What an event says: many servers write a new DTSTAMP whenever they are asked."""
    return _STAMP.sub(b"", body)


def _parts(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), AT_ONCE):
        yield values[start : start + AT_ONCE]
