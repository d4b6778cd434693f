"""Replaced and removed bodies: shown, read, and put back (SYS-06)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from storage import collections as tree
from storage import items, kinds, writing
from storage.attachments.foreign import Foreign
from storage.errors import Denied, NotFound
from storage.schema import principals, versions
from storage.store import Transaction
from storage.types import (
    CALENDAR_TOOLS,
    Collection,
    ModSeq,
    Relation,
    Right,
    SpaceKind,
    Tool,
    View,
    Written,
)

_EVERYONE_SEES_ALL: Final = CALENDAR_TOOLS | {Tool.CONTACTS}
"""Tools of a group in which no item is hidden from a member (table 3.3)."""


@dataclass(frozen=True, slots=True)
class Version:
    """One body that an item had until `replaced`."""

    id: int
    name: str
    size: int
    media_type: str
    modseq: ModSeq
    """The item's number while it had this body."""
    replaced: float
    replaced_by: str
    """Login, or "" when that account is gone or was the site administrator."""
    removed: bool
    """The item was deleted then, not overwritten."""


def listing(tx: Transaction, collection: Collection, name: str | None = None) -> list[Version]:
    """The kept bodies of one item or of all, newest first.

    Raises:
        Denied: the owner alone sees what was in his private collections.
    """
    _demand(collection)
    query = (
        sa.select(
            *(column for column in versions.c if column.name not in {"body", "blob"}),
            principals.c.name.label("login"),
        )
        .outerjoin(principals, principals.c.id == versions.c.replaced_by)
        .where(versions.c.collection_id == collection.id)
        .order_by(versions.c.replaced.desc(), versions.c.id.desc())
    )
    if name is not None:
        query = query.where(versions.c.name == name)
    return [
        Version(
            id=row.id,
            name=row.name,
            size=row.size,
            media_type=row.media_type,
            modseq=ModSeq(row.modseq),
            replaced=row.replaced,
            replaced_by=row.login or "",
            removed=row.removed,
        )
        for row in tx.db.execute(query)
    ]


def read(tx: Transaction, collection: Collection, version: int) -> bytes:
    """The kept body.

    Raises:
        NotFound: there is no such version in this collection (any more).
        Denied: as in `listing`.
    """
    return writing.body_of(tx, _row(tx, collection, version))


def kept(tx: Transaction, collection: Collection, version: int) -> Any:
    """The row of a kept body, for what is stored without being parsed.

    Raises:
        NotFound, Denied: as in `read`.
    """
    return _row(tx, collection, version)


def restore(tx: Transaction, collection: Collection, version: int, name: str | None = None) -> Written:
    """Write a kept body as the item's present one, or under another name; today's body is kept in turn.

    Raises:
        NotFound, Denied: as in `read`.
        Exception: whatever `items.put` refuses, an UidConflict for instance.
    """
    row = _row(tx, collection, version)
    prepared = kinds.of(collection.tool).prepare(writing.body_of(tx, row), row.media_type)
    return items.put(tx, collection, name or row.name, prepared, foreign=Foreign.OF_SPACE)


def purge(tx: Transaction, before: float, most: int = 1_000) -> int:
    """Drop at most `most` bodies replaced before that time, oldest first; return how many."""
    old = sa.select(versions.c.id).where(versions.c.replaced < before).order_by(versions.c.replaced).limit(most)
    return tx.db.execute(sa.delete(versions).where(versions.c.id.in_(old))).rowcount


def _row(tx: Transaction, collection: Collection, version: int) -> Any:
    _demand(collection)
    query = sa.select(versions).where(versions.c.collection_id == collection.id, versions.c.id == version)
    row = tx.db.execute(query).first()
    if row is None:
        raise NotFound("no such version")
    return row


def _demand(collection: Collection) -> None:
    # A kept body is the stored one, with its owner's alarms and private events: not for his guests.
    if collection.relation in (Relation.OWNER, Relation.SITE):
        return
    group = collection.space.kind is SpaceKind.GROUP and collection.tool in _EVERYONE_SEES_ALL
    if not (group and collection.view is View.FULL):
        raise Denied(Right.ADMINISTER, tree.path(collection))
