"""One contact in several address books: a private one that its creator shares with a group (CON-12).

Each placement is an item of its own, with its own name, rights and numbers; `card_twin` ties them together, and
what is written to one of them is written to all, the owner's categories excepted.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import sqlalchemy as sa

from storage import collections as tree
from storage import items as stored_items
from storage import kinds, numbering, viewing, writing
from storage.errors import Denied, Exists, NotFound
from storage.kinds import Prepared
from storage.schema import card_index, card_twins, collections, items
from storage.statements import Statement, insert
from storage.store import Transaction
from storage.types import SITE, Collection, CollectionId, Item, Right, SpaceKind, Tool, View

_OTHERS: Final = Statement(
    sa.select(items.c.id, items.c.collection_id, items.c.name, card_twins.c.twin)
    .join(card_twins, card_twins.c.item_id == items.c.id)
    .where(
        card_twins.c.twin
        == sa.select(card_twins.c.twin).where(card_twins.c.item_id == sa.bindparam("item")).scalar_subquery(),
        items.c.id != sa.bindparam("item"),
    )
    .order_by(items.c.id)
)
_OF_THE_SAME_UID: Final = Statement(
    sa.select(items.c.id, items.c.collection_id, card_twins.c.twin)
    .join(card_index, card_index.c.item_id == items.c.id)
    .join(collections, collections.c.id == items.c.collection_id)
    .outerjoin(card_twins, card_twins.c.item_id == items.c.id)
    .where(
        card_index.c.uid == sa.bindparam("uid"),
        items.c.id != sa.bindparam("item"),
        items.c.creator_id == sa.bindparam("creator"),
        collections.c.tool == Tool.CONTACTS.value,
        # One of the two is in the creator's own book: two groups share nothing by chance.
        sa.or_(collections.c.space_id == sa.bindparam("creator"), sa.bindparam("private", type_=sa.Boolean)),
    )
    .order_by(items.c.id)
    .limit(1)
)
_TIE: Final = insert(card_twins, "item_id", "twin")


def share(tx: Transaction, book: Collection, name: str, group: str) -> str:
    """Give a contact a placement in a group's address book; its name there.

    Raises:
        NotFound: there is no such contact, or no such group for the actor.
        Denied: he may not edit the contact, or not add to the group's book.
        Exists: the group has it already.
    """
    seen = stored_items.get(tx, book, name)
    if seen.view is not View.FULL or not seen.rights & Right.EDIT:
        raise Denied(Right.EDIT, tree.path(book, name))
    try:
        target = tree.find(tx, SpaceKind.GROUP, group, book.name)
    except NotFound:
        raise NotFound(f"{tx.actor.login} is in no group {group} (capitals count)") from None
    common = kinds.of(Tool.CONTACTS).prepare(seen.body or b"", seen.media_type)
    plain = kinds.of(Tool.CONTACTS).prepare(common.common, seen.media_type)
    if viewing.one(tx, target, name, body=False) is not None:
        raise Exists(f"{group} has {name} already")
    stored_items.put(tx, target, name, plain)
    return name


def unshare(tx: Transaction, book: Collection, name: str, group: str) -> None:
    """Take a contact's placement in a group's address book away; the contact itself stays (CON-12).

    Who shared it needs no right to delete in the group for that: it is his tick that he takes back.

    Raises:
        NotFound: there is no such contact for the actor, or it is not shared with that group.
        Denied: somebody else shared it.
    """
    seen = stored_items.get(tx, book, name, body=False)
    site = replace(tx, actor=SITE, access={})
    for other in numbering.held(tx, lambda: _OTHERS.all(tx, {"item": seen.id})):
        target = tree.by_id(site, CollectionId(other.collection_id))
        if target.space.kind is not SpaceKind.GROUP or target.space.name != group:
            continue
        if stored_items.get(site, target, other.name, body=False).creator != tx.actor.id:
            raise Denied(Right.DELETE, tree.path(target, other.name), "only who shared a contact takes it back")
        stored_items.delete(site, target, other.name)
        return
    raise NotFound(f"{name} is not shared with {group} (capitals count)")


def created(tx: Transaction, book: Collection, name: str, prepared: Prepared) -> None:
    """A contact came into a book: the same UID by the same creator elsewhere is the same contact."""
    if tx.actor.id <= 0:
        return
    number = writing.stored(tx, book, name).id
    private = book.space.id == tx.actor.id
    keys = {"uid": prepared.uid, "item": number, "creator": tx.actor.id, "private": private}
    same = numbering.held(tx, lambda: _OF_THE_SAME_UID.all(tx, keys))
    if not same:
        return
    found = same[0]
    twin = found.twin or found.id
    if not found.twin:
        _TIE.run(tx, {"item_id": found.id, "twin": twin})
    _TIE.run(tx, {"item_id": number, "twin": twin})
    _write_others(tx, number, prepared)


def edited(tx: Transaction, book: Collection, name: str, prepared: Prepared) -> None:
    """A contact was written: its other placements get what all share of it."""
    _write_others(tx, writing.stored(tx, book, name).id, prepared)


def _write_others(tx: Transaction, number: int, prepared: Prepared) -> None:
    others = numbering.held(tx, lambda: _OTHERS.all(tx, {"item": number}))
    if not others:
        return
    kind = kinds.of(Tool.CONTACTS)
    # Whoever may edit one placement edits the contact: the rights on the others are not asked.
    site = replace(tx, actor=SITE, access={})
    for other in others:
        book = tree.by_id(site, CollectionId(other.collection_id))
        row = writing.stored(site, book, other.name)
        body = prepared.common
        before = kind.prepare(writing.body_of(site, row), row.media_type)
        if kind.comparable(before.common) == kind.comparable(body):
            continue
        if book.space.kind is SpaceKind.PRIVATE and before.parts:
            body = kind.merge(body, before.parts)  # the owner's categories stay the owner's
        fresh = kind.prepare(body, prepared.media_type)
        seen: Item | None = viewing.one(site, book, other.name, body=False)
        if seen is not None:
            writing.Write(site, book, other.name, fresh, kind).replace(row, seen)
