"""The download counter: a GET must not wait for a write, so counts are gathered and written together (DOC-11).

A process that is killed loses what it counted within the last second; nothing else depends on it.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections import Counter
from typing import Final

import sqlalchemy as sa

from storage import trees
from storage.errors import Busy
from storage.filing import File
from storage.schema import file_index, items
from storage.store import Store
from storage.types import SITE

log = logging.getLogger(__name__)

DELAY_S: Final = 1.0


class _Waiting:
    """What one store's process counted and has not written yet."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.counts: Counter[int] = Counter()
        self.timer: threading.Timer | None = None


_stores: Final[weakref.WeakKeyDictionary[Store, _Waiting]] = weakref.WeakKeyDictionary()
_guard: Final = threading.Lock()


def count(store: Store, file: File) -> None:
    """Count one download; it is written within about a second, and changes neither validator nor number."""
    waiting = _of(store)
    with waiting.guard:
        waiting.counts[file.id] += 1
        if waiting.timer is None:
            waiting.timer = threading.Timer(DELAY_S, _flush_quietly, (store,))
            waiting.timer.daemon = True
            waiting.timer.start()


def flush(store: Store) -> None:
    """Write what was counted, now."""
    waiting = _of(store)
    with waiting.guard:
        counted, waiting.counts = waiting.counts, Counter()
        timer, waiting.timer = waiting.timer, None
    if timer is not None:
        timer.cancel()
    if not counted:
        return
    with store.write(SITE) as tx:
        present = set(tx.db.execute(sa.select(items.c.id).where(items.c.id.in_(list(counted)))).scalars())
        for item in sorted(present):
            here = sa.update(file_index).where(file_index.c.item_id == item)
            if not tx.db.execute(here.values(downloads=file_index.c.downloads + counted[item])).rowcount:
                trees.set_index(tx, item, downloads=counted[item])


def _flush_quietly(store: Store) -> None:
    try:
        flush(store)
    except (Busy, sa.exc.SQLAlchemyError):
        log.info("downloads-not-counted")


def _of(store: Store) -> _Waiting:
    with _guard:
        return _stores.setdefault(store, _Waiting())
