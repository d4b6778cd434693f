"""Baggage: what of a file's row moves or is copied, and whether anything hangs on it (DOC-12).

The four questions stand beside the row, in one read, because the answer is nearly always that nothing does: then a
statement that would move nothing is left out (docs/decisions/0268).
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from storage.schema import dead_properties, grants, items, tombstones, viewer_items
from storage.statements import Statement
from storage.store import Transaction
from storage.types import CollectionId, ItemId, PrincipalId

_NUMBERS: Final = tuple(items.c[name] for name in ("created_modseq", "hidden_modseq", "freed_modseq"))
HANGS: Final = (
    *_NUMBERS,
    sa.exists().where(viewer_items.c.item_id == items.c.id).label("noted"),
    sa.exists().where(dead_properties.c.item_id == items.c.id).label("described"),
    sa.exists().where(grants.c.collection_id == items.c.collection_id).label("shared"),
    sa.exists()
    .where(tombstones.c.collection_id == items.c.collection_id, tombstones.c.name == items.c.name)
    .label("buried"),
)
"""What a read of files adds to say all that `Baggage` holds."""


class Baggage(NamedTuple):
    """A file's row without its body, whoever may see it."""

    id: ItemId
    collection_id: CollectionId
    name: str
    size: int
    creator_id: PrincipalId
    restricted: bool
    public: bool
    created_modseq: int
    hidden_modseq: int
    freed_modseq: int
    noted: bool
    """Viewers noted something of it."""
    described: bool
    """It has properties."""
    shared: bool
    """Its folder has grants, on itself or on what is in it."""
    buried: bool
    """A tombstone of its name lies in its folder."""


_READ: Final = Statement(
    sa.select(
        *(items.c[name] for name in ("id", "collection_id", "name", "size", "creator_id", "restricted", "public")),
        *HANGS,
    ).where(items.c.collection_id == sa.bindparam("collection"), items.c.name == sa.bindparam("name")),
    Baggage,
)


def read(tx: Transaction, folder: CollectionId, name: str) -> Baggage:
    """The baggage of a file that is there."""
    found: Baggage = _READ.first(tx, {"collection": folder, "name": name})
    return found


def of_row(row: Any) -> Baggage:
    """That of a file among the rows of `locating.read`, which a read of two paths for writing brings along."""
    return Baggage(
        row.item_id,
        row.id,
        row.item_name,
        row.item_size,
        row.item_creator_id,
        row.item_restricted,
        row.item_public,
        row.created_modseq,
        row.hidden_modseq,
        row.freed_modseq,
        row.noted,
        row.described,
        row.shared,
        row.buried,
    )
