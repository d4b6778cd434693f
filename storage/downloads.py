"""The download counter: a GET must not wait for a write, so counts are gathered and written together (DOC-11)."""

from __future__ import annotations

from collections.abc import Mapping
from operator import add
from typing import Final

import sqlalchemy as sa

from storage import trees
from storage.filing import File
from storage.gathering import Gathering
from storage.schema import file_index, items
from storage.store import Store, Transaction


def count(store: Store, file: File) -> None:
    """Count one download; it is written within about a second, and changes neither validator nor number."""
    _counts.add(store, file.id, 1)


def flush(store: Store) -> None:
    """Write what was counted, now."""
    _counts.flush(store)


def _write(tx: Transaction, counted: Mapping[int, int]) -> None:
    present = set(tx.db.execute(sa.select(items.c.id).where(items.c.id.in_(list(counted)))).scalars())
    for item in sorted(present):
        here = sa.update(file_index).where(file_index.c.item_id == item)
        if not tx.db.execute(here.values(downloads=file_index.c.downloads + counted[item])).rowcount:
            trees.set_index(tx, item, downloads=counted[item])


_counts: Final = Gathering[int]("downloads", add, _write)
