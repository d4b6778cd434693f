"""Attachments of one calendar object added, exchanged and removed by the server, each by a write of it (RFC 8607)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from storage import calendar, items, quota
from storage import collections as tree
from storage.attachments import keeping
from storage.attachments.keeping import Attachment
from storage.errors import Denied
from storage.formats import icalendar, managed
from storage.formats.contentline import Component, Property, render
from storage.store import Transaction
from storage.types import UNCONDITIONAL, Collection, Item, Precondition, Right, Tool, View, Written


def demand_edit(tx: Transaction, collection: Collection, name: str) -> Item:
    """The item with its body, if the actor may change it.

    Raises:
        NotFound, Denied: as named.
    """
    item = items.get(tx, collection, name)
    if item.view is not View.FULL or item.body is None or not item.rights & Right.EDIT:
        raise Denied(Right.EDIT, tree.path(collection, item.name))
    return item


def add(
    tx: Transaction,
    collection: Collection,
    name: str,
    attachment: Attachment,
    rids: Sequence[str],
    precondition: Precondition = UNCONDITIONAL,
) -> Written:
    """Attach what `keeping.keep` gave to the instances `rids`, to all if none is named (§3.4).

    Raises:
        UnknownInstance, TooManyAttachments, OverQuota: as named; whatever `items.put` refuses.
    """

    def edit(found: Component) -> None:
        managed.add(managed.targets(found, rids), _property(attachment))

    return _write(tx, collection, name, edit, precondition)


def update(
    tx: Transaction,
    collection: Collection,
    name: str,
    managed_id: str,
    attachment: Attachment,
    precondition: Precondition = UNCONDITIONAL,
) -> Written:
    """Put what `keeping.keep` gave in the place of another attachment, in all instances (§3.5).

    Raises:
        UnknownManagedId, OverQuota: as named; whatever `items.put` refuses.
    """

    def edit(found: Component) -> None:
        managed.exchange(found, managed_id, _property(attachment))

    return _write(tx, collection, name, edit, precondition)


def remove(
    tx: Transaction,
    collection: Collection,
    name: str,
    managed_id: str,
    rids: Sequence[str],
    precondition: Precondition = UNCONDITIONAL,
) -> Written:
    """Take an attachment away from the instances `rids`, from all if none is named (§3.6).

    Raises:
        UnknownInstance, UnknownManagedId: as named; whatever `items.put` refuses.
    """

    def edit(found: Component) -> None:
        managed.remove(managed.targets(found, rids), managed_id, everywhere=not rids)

    return _write(tx, collection, name, edit, precondition)


def _write(
    tx: Transaction, collection: Collection, name: str, edit: Callable[[Component], None], precondition: Precondition
) -> Written:
    item = demand_edit(tx, collection, name)
    items.check(item, precondition)
    assert item.body is not None
    found = icalendar.load(item.body).calendar
    edit(found)
    held = quota.used(tx, collection.space, Tool.DOCUMENTS).octets
    written = items.put(tx, collection, item.name, calendar.prepare(render(found)))
    keeping.demand_room(tx, collection, held)
    return written


def _property(one: Attachment) -> Property:
    return managed.attach(one.managed_id, one.uri, size=one.size, media_type=one.media_type, name=one.name)
