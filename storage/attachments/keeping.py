"""Attachments themselves: kept, read by whom their events concern, and dropped when nothing uses them (RFC 8607)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from storage import collections as tree
from storage import quota, viewing, writing
from storage.attachments.tables import attachments, uses
from storage.bodies import Body
from storage.errors import NotFound
from storage.formats import icalendar, itip
from storage.scheduling import people
from storage.scheduling.people import Person
from storage.schema import collections, items
from storage.statements import Statement, insert
from storage.store import Transaction
from storage.types import Collection, CollectionId, View

_COLUMNS: Final = ("managed_id", "uri", "name", "media_type", "hash", "size", "created", "blob", "body")
_INSERT: Final = insert(attachments, "space_id", "creator_id", *_COLUMNS, returning=attachments.c.id)
_FIND: Final = Statement(
    sa.select(attachments.c.id, attachments.c.space_id, *(attachments.c[name] for name in _COLUMNS)).where(
        attachments.c.managed_id == sa.bindparam("managed_id")
    )
)
_LOOKED_AT: Final = 50
"""Items of one attachment that are asked whether the actor sees them."""
_USERS: Final = Statement(
    sa.select(items.c.collection_id, items.c.name, items.c.body, items.c.blob, collections.c.space_id)
    .join(uses, uses.c.item_id == items.c.id)
    .join(collections, collections.c.id == items.c.collection_id)
    .where(uses.c.attachment_id == sa.bindparam("attachment"))
    # First where it was added: who may read it there is most of those who ask.
    .order_by(sa.case((collections.c.space_id == sa.bindparam("space"), 0), else_=1), items.c.id)
    .limit(_LOOKED_AT)
)
_used: Final = sa.exists().where(uses.c.attachment_id == attachments.c.id)


@dataclass(frozen=True, slots=True)
class Attachment:
    """One stored attachment; it never changes."""

    managed_id: str
    uri: str
    name: str
    """For a file of its own: without control characters and slashes; "" if nobody named it."""
    media_type: str
    hash: str
    size: int
    """In octets."""
    created: float
    blob: str | None
    body: bytes | None


def keep(tx: Transaction, collection: Collection, body: Body, *, name: str, media_type: str, base: str) -> Attachment:
    """Store an attachment of an item in `collection`; its URI is its MANAGED-ID below `base`, which ends with a slash.

    The actor is its creator. Until an item uses it, it counts nowhere and is nobody's to read.
    """
    managed_id = secrets.token_hex(16)
    made = Attachment(
        managed_id, f"{base}{managed_id}", name, media_type, body.hash, body.size, tx.now, body.blob, body.data
    )
    row = {column: getattr(made, column) for column in _COLUMNS}
    _INSERT.scalar(tx, row | {"space_id": collection.space.id, "creator_id": tx.actor.id})
    return made


def read(tx: Transaction, managed_id: str) -> Attachment:
    """An attachment with its body, for who sees the details of an event with it, or is invited to one (§3.12.2).

    Raises:
        NotFound: there is none, or it is not his to read.
    """
    row = _FIND.first(tx, {"managed_id": managed_id})
    if row is None or not any(
        _sees(tx, user) or _is_invited(tx, user)
        for user in _USERS.all(tx, {"attachment": row.id, "space": row.space_id})
    ):
        raise NotFound(managed_id)
    return Attachment(**{column: getattr(row, column) for column in _COLUMNS})


def demand_room(tx: Transaction, collection: Collection, before: int) -> None:
    """Pass if the space is within its capacity, or holds no more than `before` (ACC-21).

    Raises:
        OverQuota: attachments lie in the capacity of the documents (`docs_bytes`), and it is reached.
    """
    quota.check_held(tx, collection.space, before)


def purge(tx: Transaction, before: float, most: int = 1_000) -> int:
    """Drop at most `most` attachments that nothing has used since that time; gives how many.

    What is unused now is marked; a former body that is put back within the time finds its attachments.
    """
    tx.db.execute(sa.update(attachments).where(attachments.c.unused.is_not(None), _used).values(unused=None))
    tx.db.execute(sa.update(attachments).where(attachments.c.unused.is_(None), ~_used).values(unused=tx.now))
    old = sa.select(attachments.c.id).where(attachments.c.unused < before).order_by(attachments.c.id).limit(most)
    # In two steps: whoever comes to use one at this moment is waited for, and then seen.
    chosen = list(tx.db.execute(old.with_for_update()).scalars())
    return tx.db.execute(sa.delete(attachments).where(attachments.c.id.in_(chosen), ~_used)).rowcount


def _sees(tx: Transaction, user: Any) -> bool:
    try:
        collection = tree.by_id(tx, CollectionId(user.collection_id))
    except NotFound:
        return False
    item = viewing.one(tx, collection, user.name, body=False)
    return item is not None and item.view is View.FULL


def _is_invited(tx: Transaction, user: Any) -> bool:
    """Whether the organizer's own object names the actor."""
    meeting = icalendar.load(writing.body_of(tx, user)).calendar
    if itip.organizer(meeting) is None:
        return False
    me = people.addresses(tx, Person(tx.actor.id, tx.actor.login), meeting)
    return any(itip.attendee(each, me) is not None for each in itip.parts(meeting))
