"""Import and export of whole calendars and address books, and their bulk removals (CAL-18, 28, 29; CON-18, 23, 24).

An import is cut into transactions, so that others can write meanwhile; each object is stored whole or
reported. The same UID is an update where the actor may edit, else skipped.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final

import sqlalchemy as sa

from storage import collections as tree
from storage import items, kinds, quota, viewing
from storage.attachments.foreign import Foreign
from storage.errors import BadFormat, Denied, LimitReached, OverQuota, Refused, StorageError, UnsupportedComponent
from storage.kinds import Prepared
from storage.schema import items as item_table
from storage.store import Store, Transaction
from storage.types import Actor, Collection, Right, SpaceKind, Tool

AT_ONCE: Final = 100
"""Objects of one transaction."""

_DAY_AND_ZONES_S: Final = 28 * 3600
"""All-day and floating times lie up to 14 hours to either side of UTC (storage/formats/series.py)."""
_SAFE_UID: Final = re.compile(r"[A-Za-z0-9_@-][A-Za-z0-9._@-]{0,119}\Z")
_ZIP_MEMBERS_MAX: Final = 100_000
_ZIP_OCTETS_MAX: Final = 1 << 30

CALENDAR_FORMATS: Final = ("ics", "vcs")
CONTACT_FORMATS: Final = ("vcf", "csv", "outlook", "ldif", "zip")

Progress = Callable[[int, int], None]
"""Called with how many objects are done, and how many there are (0 if that is not known)."""


@dataclass(frozen=True, slots=True)
class Place:
    """A collection by its path, for work that outlives one transaction."""

    kind: SpaceKind
    space: str
    name: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """An object that was not stored, and why; `line` counts from 1 in the file, 0 if unknown."""

    uid: str
    line: int
    reason: str


@dataclass(slots=True)
class Report:
    """What became of an import."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: list[Trouble] = field(default_factory=list)
    """The actor may not edit what is there, or the collection does not take it."""
    failed: list[Trouble] = field(default_factory=list)
    """Cannot be understood or stored."""
    ignored: list[str] = field(default_factory=list)
    """Columns that hold something and are not understood."""
    stopped: str = ""
    """The limit that ended the import before the file's end; "" if none did (CON-23)."""
    not_tried: int = 0


@dataclass(frozen=True, slots=True)
class _Source:
    uid: str
    body: bytes
    media_type: str
    line: int = 0


def room(tx: Transaction, collection: Collection) -> int | None:
    """How many contacts can still be imported under the plan's limit; None is without limit (CON-23)."""
    usage = quota.used(tx, collection.space, collection.tool)
    return None if usage.limit_count is None else max(0, usage.limit_count - usage.count)


def run(store: Store, actor: Actor, place: Place, data: bytes, progress: Progress | None = None) -> Report:
    """Import a file into a collection: iCalendar or vCalendar 1.0; vCard, CSV, Outlook's CSV, LDIF, a zip of cards.

    Raises:
        NotFound: no such collection for the actor.
        Denied: he may not add there.
        BadFormat: the file as a whole is of no known format.
    """
    with store.read(actor) as tx:
        collection = tree.find(tx, place.kind, place.space, place.name)
        _demand_add(collection)
    report = Report()
    calendar = bool(collection.components)
    sources = _calendar_sources(data, report) if calendar else _contact_sources(data, report)
    prepare = kinds.of(collection.tool).prepare
    batch: list[tuple[_Source, Prepared]] = []
    done = 0
    for source in sources:
        done += 1
        try:
            batch.append((source, prepare(source.body, source.media_type)))
        except StorageError as error:
            report.failed.append(Trouble(source.uid, source.line or getattr(error, "line", 0), str(error)))
        if len(batch) >= AT_ONCE:
            _store(store, actor, place, batch, report)
            batch = []
            if progress is not None:
                progress(done, len(sources))
        if report.stopped:
            break
    if batch and not report.stopped:
        _store(store, actor, place, batch, report)
    report.not_tried += len(sources) - done
    if progress is not None:
        progress(done, len(sources))
    return report


def export(
    tx: Transaction,
    collection: Collection,
    form: str,
    *,
    start: int | None = None,
    end: int | None = None,
    floating: tzinfo | None = None,
) -> bytes:
    """A collection as one file: `CALENDAR_FORMATS` or `CONTACT_FORMATS`.

    Of a calendar with `start` and `end` (UTC seconds) only what happens in that range (CAL-29). The
    actor gets what he may see: of busy-only calendars stubs.

    Raises:
        Refused: the collection cannot be written in that form.
    """
    known = CALENDAR_FORMATS if collection.components else CONTACT_FORMATS
    if form not in known:
        raise Refused(f"{collection.tool.value} can be exported as {', '.join(known)}")
    bodies = [body for _, body in _bodies(tx, collection, start, end, floating)]
    if collection.components:
        from storage.formats import calendar_files

        if form == "vcs":
            return calendar_files.join_as_vcalendar1(bodies)
        return calendar_files.join_objects(bodies, collection.display_name, collection.color)
    from storage.formats import contacts_csv, ldif, vcard, vcard_file

    if form == "vcf":
        return vcard_file.join_cards(bodies)
    if form == "zip":
        return vcard_file.zip_cards(bodies)
    write = {"csv": contacts_csv.write, "outlook": contacts_csv.write_outlook, "ldif": ldif.write}[form]
    return write(map(vcard.read, bodies))


def prune(tx: Transaction, collection: Collection, before: date, zone: tzinfo) -> int:
    """Delete the events that ended before that day's midnight in `zone`, a series if its last instance did (CAL-18).

    Raises:
        Denied: the actor may not delete there.
        Refused: it is no calendar.
    """
    if "VEVENT" not in collection.components:
        raise Refused("only a calendar has old events")
    _demand_delete(collection)
    from storage import calendar
    from storage.formats.calendar_filter import CompFilter, TimeRange

    cutoff = int(datetime.combine(before, time(), zone).timestamp())
    later = cutoff + _DAY_AND_ZONES_S
    events = {row.name for row in items.rows(tx, collection) if row.component == "VEVENT"}
    ended = events & set(calendar.ended_before(tx, collection, later))
    last_days = CompFilter("VEVENT", time_range=TimeRange(cutoff, later))
    alive = {item.name for item in calendar.query(tx, collection, CompFilter("VCALENDAR", comps=(last_days,)), zone)}
    for name in sorted(ended - alive):
        items.delete(tx, collection, name, schedule=False)  # what is over is called off for nobody
    return len(ended - alive)


def empty(tx: Transaction, collection: Collection) -> int:
    """Delete every contact of a private address book; the groups' are untouched (CON-18).

    Raises:
        Refused: it is no private address book.
        Denied: it is somebody else's.
    """
    if collection.tool is not Tool.CONTACTS or collection.space.kind is not SpaceKind.PRIVATE:
        raise Refused("only a private address book is emptied at once")
    if not collection.rights & Right.ADMINISTER:
        raise Denied(Right.ADMINISTER, tree.path(collection))
    names = [row.name for row in items.rows(tx, collection)]
    for name in names:
        items.delete(tx, collection, name)
    return len(names)


def day_range(first: date, last: date, zone: tzinfo) -> tuple[int, int]:
    """UTC seconds from the midnight before `first` to the one after `last`, to the one before the last of all days."""
    begin = datetime.combine(first, time(), zone)
    end = datetime.combine(min(last, date.max - timedelta(days=1)) + timedelta(days=1), time(), zone)
    return int(begin.timestamp()), int(end.timestamp())


def _store(store: Store, actor: Actor, place: Place, batch: Sequence[tuple[_Source, Prepared]], report: Report) -> None:
    """Store some objects in one transaction; what it counted is in the report once it is on disk."""
    part = Report()
    with store.write(actor) as tx:
        for position, (source, prepared) in enumerate(batch):
            collection = tree.find(tx, place.kind, place.space, place.name)
            try:
                _put(tx, collection, prepared, part)
            except (LimitReached, OverQuota) as error:
                part.stopped = str(error)
                part.not_tried = len(batch) - position
                break
            except UnsupportedComponent:
                reason = f"{prepared.component} does not belong here, only {', '.join(collection.components)}"
                part.skipped.append(Trouble(prepared.uid, source.line, reason))
            except StorageError as error:
                part.skipped.append(Trouble(prepared.uid, source.line, str(error) or type(error).__name__))
    report.added += part.added
    report.updated += part.updated
    report.unchanged += part.unchanged
    report.skipped += part.skipped
    report.stopped = part.stopped
    report.not_tried += part.not_tried


def _put(tx: Transaction, collection: Collection, prepared: Prepared, report: Report) -> None:
    table = kinds.of(collection.tool).table
    same = (
        sa.select(item_table.c.name)
        .join(table, table.c.item_id == item_table.c.id)
        .where(table.c.collection_id == collection.id, table.c.uid == prepared.uid)
    )
    name = tx.db.execute(same).scalar()
    if name is None:
        name = _free_name(tx, collection, prepared)
        items.put(tx, collection, name, prepared, schedule=False, foreign=Foreign.UNMANAGED)
        report.added += 1
        return
    present = viewing.one(tx, collection, name, body=True)
    if present is None or not present.rights & Right.EDIT:
        raise Denied(Right.EDIT, tree.path(collection), "an item of this UID is there, and is not yours to edit")
    if present.body == prepared.body:
        report.unchanged += 1
        return
    items.put(tx, collection, name, prepared, schedule=False, foreign=Foreign.UNMANAGED)
    report.updated += 1


def _free_name(tx: Transaction, collection: Collection, prepared: Prepared) -> str:
    ending = ".ics" if prepared.component else ".vcf"
    digest = hashlib.sha256(prepared.uid.encode()).hexdigest()[:32]
    plain = prepared.uid if _SAFE_UID.match(prepared.uid) else digest
    for stem in (plain, digest):
        taken = sa.select(item_table.c.id).where(
            item_table.c.collection_id == collection.id, item_table.c.name == stem + ending
        )
        if tx.db.execute(taken).first() is None:
            return stem + ending
    return hashlib.sha256(f"{prepared.uid} {tx.now}".encode()).hexdigest()[:40] + ending


def _bodies(
    tx: Transaction, collection: Collection, start: int | None, end: int | None, floating: tzinfo | None
) -> Iterator[tuple[str, bytes]]:
    """Name and body of what the actor sees, in the order of the names."""
    if start is None and end is None:
        found = viewing.load(tx, collection, body=True)
    else:
        from zoneinfo import ZoneInfo

        from storage import calendar
        from storage.formats.calendar_filter import CompFilter, TimeRange

        parts = {
            item.id: item
            for component in collection.components
            for item in calendar.query(
                tx,
                collection,
                CompFilter("VCALENDAR", comps=(CompFilter(component, time_range=TimeRange(start, end)),)),
                floating or ZoneInfo("UTC"),
            )
        }
        found = list(parts.values())
    for item in sorted(found, key=lambda one: one.name):
        if item.body is not None:
            yield item.name, item.body


def _calendar_sources(data: bytes, report: Report) -> list[_Source]:
    from storage.formats import calendar_files

    found = calendar_files.split_objects(data)
    report.failed += [Trouble(one.uid, one.line, str(one.error)) for one in found.failures]
    return [_Source(uid, body, "text/calendar") for uid, body in found.objects]


def _contact_sources(data: bytes, report: Report) -> list[_Source]:
    if data[:4] == b"PK\x03\x04":
        return [source for member in _unzip(data) for source in _cards(member, report)]
    return _cards(data, report)


def _cards(data: bytes, report: Report) -> list[_Source]:
    from storage.formats import contacts_csv, ldif, vcard_file
    from storage.formats.vcard import Card

    mark = next((one for one in (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff") if data.startswith(one)), b"")
    head = data[:8192].removeprefix(mark).replace(b"\0", b"")[:4096].lstrip().upper()
    cards: Iterable[Card | BadFormat]
    if head.startswith(b"BEGIN:VCARD") or b"\nBEGIN:VCARD" in head:
        cards = vcard_file.read_cards(data)
    elif re.match(rb"(?:#[^\n]*\n|VERSION:[^\n]*\n|\s)*DN::?", head):
        cards = ldif.read(data)
    else:
        cards = contacts_csv.read(data)
        report.ignored += contacts_csv.unknown(data)
    found: list[_Source] = []
    for card in cards:
        if isinstance(card, BadFormat):
            report.failed.append(Trouble("", card.line, card.reason))
        else:
            found.append(_Source(card.uid, card.body, "text/vcard"))
    return found


def _unzip(data: bytes) -> Iterator[bytes]:
    """The cards' files in a zip, bounded in number and octets."""
    octets = 0
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [one for one in archive.infolist() if not one.is_dir()]
            if len(members) > _ZIP_MEMBERS_MAX:
                raise BadFormat(f"more than {_ZIP_MEMBERS_MAX} files in the zip")
            for member in members:
                octets += member.file_size
                if octets > _ZIP_OCTETS_MAX:
                    raise BadFormat("the zip holds too much")
                if member.filename.lower().endswith((".vcf", ".vcard", ".csv", ".ldif")):
                    yield archive.read(member)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise BadFormat(f"not a readable zip: {error}") from None


def _demand_add(collection: Collection) -> None:
    if not collection.rights & Right.ADD:
        raise Denied(Right.ADD, tree.path(collection))


def _demand_delete(collection: Collection) -> None:
    if not collection.rights & Right.DELETE:
        raise Denied(Right.DELETE, tree.path(collection))
