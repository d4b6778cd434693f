"""The download counter: a GET must not wait for a write, so counts are gathered and written together (DOC-11)."""

from __future__ import annotations

from collections.abc import Mapping
from operator import add
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from storage.filing import File
from storage.gathering import Gathering
from storage.schema import file_index, items
from storage.statements import Statement
from storage.store import Store, Transaction


def count(store: Store, file: File) -> None:
    """Count one download, which changes neither validator nor number; nobody waits for it to be written.

    That is done at once, and within about a second where they come by the dozen.
    """
    _counts.add(store, file.id, 1)


def flush(store: Store) -> None:
    """Write what was counted, now."""
    _counts.flush(store)


def settle(store: Store) -> None:
    """Write what this process counted, for somebody who asks for the number (SYS-01)."""
    _counts.settle(store)


_PROMPT: Final = 10
_here: Final = sa.bindparam("item", type_=sa.BigInteger)
_more: Final = sa.bindparam("more", type_=sa.BigInteger)
_ADD: Final = Statement(
    sa.update(file_index).where(file_index.c.item_id == _here).values(downloads=file_index.c.downloads + _more)
)
_BEGIN: Final = Statement(
    postgresql.insert(file_index)
    .from_select(
        ["item_id", "downloads"],
        sa.select(items.c.id, sa.cast(_more, sa.BigInteger))
        .where(items.c.id == _here)  # none if it is gone
        .with_for_update(read=True, key_share=True),  # nor if it goes at this moment
        include_defaults=False,
    )
    .on_conflict_do_nothing()
)


def _write(tx: Transaction, counted: Mapping[int, int]) -> None:
    for item, more in sorted(counted.items()):
        values = {"item": item, "more": more}
        if not _ADD.run(tx, values) and not _BEGIN.run(tx, values):
            _ADD.run(tx, values)  # somebody made the row at the same moment (PostgreSQL)


_counts: Final = Gathering[int]("downloads", add, _write, prompt=_PROMPT)
