"""Invitations and changes for many people here at once: whose copies are alike is written by a few statements (MTG-04).

Whoever has something of his own in his copy, or had one before, is left to `delivery`, one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from storage import collections as tree
from storage import many, writing
from storage.formats import itip
from storage.formats.contentline import Component
from storage.scheduling import copies, inbox, later
from storage.scheduling.people import Person
from storage.scheduling.views import View
from storage.schema import collections, event_index, items
from storage.statements import Statement
from storage.store import Transaction
from storage.types import CollectionId, PrincipalId, Tool

AT_ONCE: Final = 8
"""So many inboxes are filled before the organizer has his answer; more of them a moment later."""
_holds: Final = sa.or_(*(collections.c.tool == tool for tool in copies.HOLDERS))


def _boxes(size: int) -> Statement:
    wanted = sa.or_(collections.c.path == sa.bindparam("default"), collections.c.path == tree.INBOX)
    columns = (collections.c.id, collections.c.space_id, collections.c.tool, collections.c.item_count)
    query = sa.select(*columns).where(many.among(collections.c.space_id, size), wanted)
    # The rows are locked in one order, so that two organizers never wait for each other (DESIGN §2).
    return Statement(query.order_by(collections.c.id).with_for_update(of=collections))


def _present(size: int) -> Statement:
    """Who has a copy already, and which: those that are exactly what they were sent have its hash."""
    columns = (collections.c.space_id, collections.c.id, items.c.id.label("item_id"), items.c.hash)
    return Statement(
        sa.select(*columns, many.UNSHARED.label("unshared"))
        .select_from(
            collections.join(event_index, event_index.c.collection_id == collections.c.id).join(
                items, items.c.id == event_index.c.item_id
            )
        )
        .where(many.among(collections.c.space_id, size), _holds, event_index.c.uid == sa.bindparam("uid"))
        .order_by(items.c.id)
    )


def _held(size: int) -> Statement:
    """Who has a copy already."""
    here = collections.join(event_index, event_index.c.collection_id == collections.c.id)
    return Statement(
        sa.select(collections.c.space_id)
        .select_from(here)
        .where(many.among(collections.c.space_id, size), _holds, event_index.c.uid == sa.bindparam("uid"))
    )


def _taken(size: int) -> Statement:
    here = items.join(collections, collections.c.id == items.c.collection_id)
    return Statement(
        sa.select(collections.c.space_id)
        .select_from(here)
        .where(
            many.among(collections.c.space_id, size),
            collections.c.path == sa.bindparam("default"),
            items.c.name == sa.bindparam("name"),
        )
    )


def _leaving(size: int) -> Statement:
    """The copies of a meeting of this organizer that can go together."""
    here = collections.join(event_index, event_index.c.collection_id == collections.c.id).join(
        items, items.c.id == event_index.c.item_id
    )
    same = (event_index.c.uid == sa.bindparam("uid"), event_index.c.organizer == sa.bindparam("organizer"))
    calendars = collections.c.tool == Tool.CALENDAR.value
    columns = (collections.c.space_id, collections.c.id, items.c.id.label("item_id"))
    query = sa.select(*columns).select_from(here)
    return Statement(query.where(many.among(collections.c.space_id, size), calendars, *same, many.PLAIN))


_LEAVING: Final = {size: _leaving(size) for size in many.SIZES}
_BOXES: Final = {size: _boxes(size) for size in many.SIZES}
_PRESENT: Final = {size: _present(size) for size in many.SIZES}
_HELD: Final = {size: _held(size) for size in many.SIZES}
_TAKEN: Final = {size: _taken(size) for size in many.SIZES}


def send(
    tx: Transaction,
    here: Mapping[str, Person],
    sent: Mapping[str, tuple[View, View | None]],
    *,
    keep_tag: bool = False,
) -> set[str]:
    """Bring everybody `here` the form of a meeting that is his, instead of the one he had; gives who is served.

    `sent` has the two forms by address. With `keep_tag` only answers changed (RFC 6638 §3.2.10).
    """
    groups: dict[tuple[int, int], list[str]] = {}
    for address in here:
        now, was = sent[address]
        groups.setdefault((id(now), id(was)), []).append(address)
    done: set[str] = set()
    for addresses in groups.values():
        now, was = sent[addresses[0]]
        if len({here[one].id for one in addresses}) == len(addresses) > 1:
            people = [here[one] for one in addresses]
            if was is not None:
                served = change(tx, people, was, now, keep_tag=keep_tag)
            else:
                served = set() if keep_tag else invite(tx, people, now)
            done |= {one for one in addresses if here[one].id in served}
    return done


def invite(tx: Transaction, people: Sequence[Person], view: View) -> set[PrincipalId]:
    """Put a meeting into the calendars and inboxes of people who have no copy of it; gives who is served."""
    name, default = copies.name_of(view.uid), copies.DEFAULT.get(view.prepared.component, "events")
    keys = {"uid": view.uid, "name": name, "default": default}
    out: set[int] = set()
    boxes: list[Any] = []
    for size, chosen in many.chunks(sorted({one.id for one in people})):
        boxes += _BOXES[size].all(tx, keys | chosen)
        out |= set(_HELD[size].scalars(tx, keys | chosen))
        out |= set(_TAKEN[size].scalars(tx, keys | chosen))
    homes = [row for row in boxes if row.tool in copies.HOLDERS and row.space_id not in out]
    served = {PrincipalId(row.space_id) for row in homes}
    if homes:
        many.create(tx, [CollectionId(row.id) for row in homes], Tool(homes[0].tool), name, view.prepared)
        _tell(tx, boxes, served, view.request, view.calendar)
    return served


def change(
    tx: Transaction, people: Sequence[Person], was: View, view: View, *, keep_tag: bool = False
) -> set[PrincipalId]:
    """Rewrite the copies of those who have exactly what they `was` sent; gives who is served.

    With `keep_tag` only answers changed: nobody's inbox is told (RFC 6638 §3.2.10).
    """
    before, now = was.prepared, view.prepared
    if not (was.plain and view.plain):
        return set()
    keys = {"uid": view.uid, "default": copies.DEFAULT.get(now.component, "events")}
    digest = writing.digest(before.body)
    boxes: list[Any] = []
    found: dict[int, Any] = {}
    for size, chosen in many.chunks(sorted({one.id for one in people})):
        boxes += _BOXES[size].all(tx, keys | chosen)
        for row in _PRESENT[size].all(tx, keys | chosen):
            found.setdefault(row.space_id, row)
    alike = [row for row in found.values() if row.hash == digest and row.unshared]
    served = {PrincipalId(row.space_id) for row in alike}
    if alike:
        targets = {int(row.item_id): CollectionId(row.id) for row in alike}
        grown = len(now.body) - len(before.body)
        many.replace(tx, targets, Tool.CALENDAR, now, grown=grown, keep_tag=keep_tag)
        if not keep_tag:
            _tell(tx, boxes, served, view.request, view.calendar)
    return served


def withdraw(tx: Transaction, people: Iterable[Person], view: View, message: bytes) -> set[PrincipalId]:
    """Take a meeting out of the calendars of people, and leave them the message; gives who is served (MTG-15)."""
    keys = {"uid": view.uid, "organizer": view.prepared.index["organizer"]}
    default = {"default": copies.DEFAULT.get(view.prepared.component, "events")}
    boxes: list[Any] = []
    found: list[Any] = []
    for size, chosen in many.chunks(sorted({one.id for one in people})):
        boxes += _BOXES[size].all(tx, default | chosen)
        found += _LEAVING[size].all(tx, keys | chosen)
    served = {PrincipalId(row.space_id) for row in found}
    if found:
        many.remove(tx, {int(row.item_id): CollectionId(row.id) for row in found})
        _tell(tx, boxes, served, message, view.calendar)
    return served


def _tell(tx: Transaction, boxes: Iterable[Any], who: set[PrincipalId], message: bytes, found: Component) -> None:
    open_ones = [
        CollectionId(row.id)
        for row in boxes
        if row.tool == Tool.SCHEDULE_INBOX.value and row.space_id in who and row.item_count < inbox.MOST
    ]
    if open_ones:
        first = itip.parts(found)[0]
        if len(open_ones) > AT_ONCE:
            later.tell(tx, first.value("UID").strip(), open_ones, message)
            return
        name, prepared = inbox.prepared(message, found)
        many.create(tx, open_ones, Tool.SCHEDULE_INBOX, name, prepared)
