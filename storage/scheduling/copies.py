"""Each person's copy of a meeting: found by its UID wherever he keeps it, and written as he would (RFC 6638 §3)."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import sqlalchemy as sa

from storage import calendar, kinds, locks, many, numbering, tombstones, viewing, writing
from storage import collections as tree
from storage.formats import icalendar, itip
from storage.formats.contentline import Component, render
from storage.kinds import Prepared
from storage.schema import collections, event_index, items
from storage.statements import Statement
from storage.store import Transaction
from storage.types import CollectionId, PrincipalId, SpaceKind, Tool

HOLDERS: Final = (Tool.CALENDAR.value, Tool.TASKS.value)
"""Tools whose collections hold meetings and assigned tasks."""
_OF_UID: Final = Statement(
    sa.select(items.c.id, items.c.name, items.c.collection_id)
    .select_from(
        collections.join(event_index, event_index.c.collection_id == collections.c.id).join(
            items, items.c.id == event_index.c.item_id
        )
    )
    .where(
        collections.c.space_id == sa.bindparam("space"),
        sa.or_(*(collections.c.tool == tool for tool in HOLDERS)),
        event_index.c.uid == sa.bindparam("uid"),
    )
    .order_by(items.c.id)
)


def _organized(size: int) -> Statement:
    return Statement(
        sa.select(event_index.c.item_id, event_index.c.organizer)
        .select_from(collections.join(event_index, event_index.c.collection_id == collections.c.id))
        .where(
            many.among(collections.c.space_id, size),
            sa.or_(*(collections.c.tool == tool for tool in HOLDERS)),
            event_index.c.uid == sa.bindparam("uid"),
        )
    )


_ORGANIZED: Final = {size: _organized(size) for size in many.SIZES}
DEFAULT: Final = {"VEVENT": "events", "VTODO": "tasks"}
"""Where what comes is put (CALDAV:schedule-default-calendar-URL)."""


@dataclass(frozen=True)
class Copy:
    """Where somebody's copy lies; its text is parsed when it is asked for."""

    collection: CollectionId
    name: str
    row: Any
    body: bytes

    @cached_property
    def calendar(self) -> Component:
        return icalendar.load(self.body).calendar


def find(tx: Transaction, space: PrincipalId, uid: str) -> Copy | None:
    """The meeting of this UID in a space, wherever in it."""
    placed = numbering.held(tx, lambda: _OF_UID.all(tx, {"space": space, "uid": uid}))
    if not placed:
        return None
    found = placed[0]
    collection = tree.by_id(tx, CollectionId(found.collection_id))
    row = writing.stored(tx, collection, found.name)
    return Copy(collection.id, found.name, row, writing.body_of(tx, row))


def organized_by(
    tx: Transaction, spaces: Sequence[PrincipalId], uid: str, organizers: Container[str]
) -> frozenset[int]:
    """The items of this UID in these spaces whose organizer is one of these addresses, as `itip.address` gives them."""
    rows = [row for size, chosen in many.chunks(spaces) for row in _ORGANIZED[size].all(tx, chosen | {"uid": uid})]
    return frozenset(int(row.item_id) for row in rows if itip.address(row.organizer) in organizers)


def name_of(uid: str) -> str:
    """What a copy is called, in everybody's calendar."""
    return f"{hashlib.sha256(uid.encode()).hexdigest()[:32]}.ics"


def prepare(found: Component) -> Prepared:
    """A calendar made here, ready to be stored."""
    return calendar.prepare(render(found))


def create(tx: Transaction, space: str, prepared: Prepared) -> None:
    """Put a meeting into the actor's default calendar of its kind (CALDAV:schedule-default-calendar-URL).

    Raises:
        OverQuota, LimitReached: it does not fit.
    """
    collection = tree.find(tx, SpaceKind.PRIVATE, space, DEFAULT.get(prepared.component, "events"))
    name = name_of(prepared.uid)
    if writing.stored(tx, collection, name) is not None:
        name = f"{hashlib.sha256(f'{prepared.uid}{tx.now}'.encode()).hexdigest()[:32]}.ics"
    writing.Write(tx, collection, name, prepared, kinds.of(collection.tool)).create()


def replace(
    tx: Transaction, copy: Copy, prepared: Prepared, *, keep_tag: bool = False, keep_version: bool = True
) -> None:
    """Write a copy anew; `keep_tag` where only answers changed (RFC 6638 §3.2.10)."""
    collection = tree.by_id(tx, copy.collection)
    seen = viewing.one(tx, collection, copy.name, body=False)
    if seen is None:
        return
    kind = kinds.of(collection.tool)
    write = writing.Write(tx, collection, copy.name, prepared, kind, keep_tag=keep_tag, keep_version=keep_version)
    write.replace(copy.row, seen)


def remove(tx: Transaction, copy: Copy) -> None:
    """Take a copy out of its calendar; its body stays recoverable (SYS-06)."""
    collection = tree.by_id(tx, copy.collection)
    writing.keep_version(tx, copy.row, removed=True)
    number = numbering.take(tx, collection.id, count=-1, octets=-copy.row.size)
    tombstones.bury(tx, collection, copy.row, number)
    writing.remove(tx, copy.row)
    locks.forget(tx, collection.space, tree.below(collection, copy.name))
