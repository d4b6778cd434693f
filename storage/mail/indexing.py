"""Fill the index of mails' texts, in short steps, so that nobody's mail waits for it (MSG-46).

FTS5 would merge its segments when a transaction comes to it, for 30 to 70 ms at a time; here a little is merged after
each step, and the rest when nothing waits (docs/decisions/0275).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import sqlalchemy as sa

from storage.mail.tables import contents, texts
from storage.store import Store, Transaction
from storage.types import SITE

_AT_ONCE: Final = 10
_OCTETS_AT_ONCE: Final = 64 * 1024
"""Of the mails of one step, if it is more than one."""
_PAGES_AT_ONCE: Final = 16
"""Of the index, merged in one step."""
_REST: Final = 1.5
"""Pause after a step, in times of what it took, while others write."""
_DUE: Final = (
    sa.select(texts.c.content_id, contents.c.octets)
    .join(contents, contents.c.id == texts.c.content_id)
    .where(sa.text("NOT indexed"))
    .order_by(texts.c.content_id)
    .limit(_AT_ONCE)
)
_NEWEST: Final = sa.select(sa.func.max(texts.c.content_id)).where(sa.text("NOT indexed"))
_INDEX: Final = sa.text(
    "INSERT INTO message_search(rowid, header, body) SELECT content_id, header, body FROM message_text "
    "WHERE content_id BETWEEN :first AND :last AND NOT indexed"
)
_MARK: Final = sa.text("UPDATE message_text SET indexed = 1 WHERE content_id BETWEEN :first AND :last AND NOT indexed")
_MERGE: Final = sa.text(f"INSERT INTO message_search(message_search, rank) VALUES ('merge', {_PAGES_AT_ONCE})")
_NOTHING_MERGED: Final = 2
"""Fewer changes than so many: there was nothing to merge (https://www.sqlite.org/fts5.html#the_merge_command)."""
_VERSION: Final = "PRAGMA data_version"
"""Another number if another connection wrote since."""


def newest(store: Store) -> int | None:
    """The last content that waits for the index; None: nothing waits, or PostgreSQL keeps the index itself."""
    if not store.engines.sqlite:
        return None
    with store.read(SITE) as tx:
        found: int | None = tx.db.execute(_NEWEST).scalar()
    return found


def run(store: Store, stopped: Callable[[], bool] = lambda: False) -> int:
    """Index what is not yet; how many mails. PostgreSQL keeps its index itself.

    Raises:
        Busy: the database is away or taken; try again.
    """
    done = 0
    if not store.engines.sqlite:
        return done
    pace = _Pace(store)
    while not stopped():
        with store.read(SITE) as tx:
            span = _next(tx)
        if span is None:
            break
        with pace.step() as tx:
            tx.db.execute(_INDEX, span)
            done += tx.db.execute(_MARK, span).rowcount
        _merge(pace)
    return done


class Tidy:
    """Merges what deletions and indexing left behind, when the database was written to since."""

    def __init__(self, store: Store) -> None:
        self._store: Final = store
        self._version: int | None = None

    def run(self, stopped: Callable[[], bool] = lambda: False) -> None:
        """Merge until there is nothing to merge. PostgreSQL tidies its index itself.

        Raises:
            Busy: the database is away or taken; try again.
        """
        if not self._store.engines.sqlite or self._version == self._now():
            return
        pace = _Pace(self._store)
        while not stopped():
            if not _merge(pace):
                self._version = self._now()
                return

    def _now(self) -> int:
        with self._store.read(SITE) as tx:
            return _version(tx)


class _Pace:
    """Steps that take the writer's turn for milliseconds, and leave it to others for longer if there are any."""

    def __init__(self, store: Store) -> None:
        self._store: Final = store
        self._version: int | None = None

    @contextmanager
    def step(self) -> Iterator[Transaction]:
        """One short transaction, and a pause after it if others write."""
        with self._store.write(SITE) as tx:
            began = time.monotonic()
            known, self._version = self._version, _version(tx)
            yield tx
        if known not in (None, self._version):
            time.sleep(_REST * (time.monotonic() - began))


def _next(tx: Transaction) -> dict[str, int] | None:
    """The first and the last content of the next step; None if nothing waits."""
    due: list[Any] = list(tx.db.execute(_DUE))
    if not due:
        return None
    octets = 0
    last = due[0].content_id
    for row in due:
        octets += row.octets
        if octets > _OCTETS_AT_ONCE:
            break
        last = row.content_id
    return {"first": due[0].content_id, "last": last}


def _merge(pace: _Pace) -> bool:
    """Merge a few pages; False if there was nothing to merge."""
    with pace.step() as tx:
        before = tx.raw.total_changes
        tx.db.execute(_MERGE)
        return bool(tx.raw.total_changes - before >= _NOTHING_MERGED)


def _version(tx: Transaction) -> int:
    found: int = tx.raw.execute(_VERSION).fetchone()[0]
    return found
