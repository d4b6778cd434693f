"""Two transactions at the same moment: one that is not over yet, and one that comes to where it has to wait for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from storage.store import Store, Transaction
from storage.types import Actor

WAITING = sa.text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)
"""How many wait for a lock; in this database, for others of the server are other tests'."""
PATIENCE_S = 10


class Other:
    """What somebody else does meanwhile, on a connection of his own; its end is awaited after the first transaction."""

    def __init__(self, store: Store, does: Callable[[], object]) -> None:
        self.error: Exception | None = None
        """What he was refused with."""
        self._store, self._does = store, does
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        """Let him begin, and come to where he has to wait (PostgreSQL), or be through."""
        self._thread.start()
        until = time.monotonic() + PATIENCE_S
        while not self._store.engines.sqlite and self._thread.is_alive() and time.monotonic() < until:
            with self._store.engines.apart() as db:
                if db.execute(WAITING).scalar_one():
                    return
            time.sleep(0.005)

    def join(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        try:
            self._does()
        except Exception as error:
            self.error = error


def writing(store: Store, actor: Actor, does: Callable[[Transaction], object]) -> Other:
    """Somebody else who does that in a transaction of his own."""

    def run() -> None:
        with store.write(actor) as tx:
            does(tx)

    return Other(store, run)


@contextmanager
def beside(store: Store, actor: Actor, other: Other) -> Iterator[Transaction]:
    """A transaction that `other` begins in, as its last statement is done, and that is over before he goes on."""
    with store.write(actor) as tx:
        yield tx
        other.start()
    other.join()
