"""Group commit on SQLite: changes that wait for one another share one transaction, and one sync of the disk.

SQLite has one writer, and a commit with `synchronous=FULL` waits for the disk. A process therefore writes over one
connection: who is done while others of this process wait leaves the transaction open to the next, and the last one
commits for all. Each change is a savepoint, so a refused one undoes itself alone; each is acknowledged after the common
commit, and none if that fails (docs/decisions/0074).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Final

from storage.errors import Busy

if TYPE_CHECKING:
    from storage.engine import Held

MEMBERS_MAX: Final = 32
"""So many changes are committed together at most: neither an answer nor another process waits for an endless queue."""
_LOOK_S: Final = 0.05


class _Batch:
    """One transaction on the way, and how it ended."""

    __slots__ = ("ended", "error", "held", "members", "under_way")

    def __init__(self, held: Held) -> None:
        self.held: Final = held
        self.members = 0
        """Changes that are in it whole and wait for its commit."""
        self.ended = False
        self.under_way: Final = threading.Lock()
        """Held until it has ended: what wakes those who wait. An Event would cost ten times as much."""
        self.under_way.acquire()
        self.error: BaseException | None = None


class GroupCommit:
    """The one writing connection of a process, and who uses it now."""

    def __init__(self, connect: Callable[[], Held], turn: AbstractContextManager[object]) -> None:
        """`connect` opens a connection for writing; `turn` is the lock that processes hand to one another."""
        self._connect: Final = connect
        self._turn: Final = turn
        self.forked()

    def forked(self) -> Held | None:
        """Begin as a new process does: no connection, nobody waits. Returns the connection that was inherited."""
        inherited: Held | None = getattr(self, "_held", None)
        self._held: Held | None = None
        self._batch: _Batch | None = None
        self._use = threading.Lock()
        self._counting = threading.Lock()
        self._waiting = 0
        self._local = threading.local()
        return inherited

    def close(self) -> None:
        """Close the connection; nothing may be under way."""
        with self._use:
            if self._held is not None:
                self._held.close()
                self._held = None

    @contextmanager
    def member(self) -> Iterator[Held]:
        """One change: in the block nobody else uses the connection; after it, the change is on disk.

        Raises:
            Busy: a change beside this one made the database give them all up; try again.
            RuntimeError: this thread is in such a block already, and would wait for itself.
        """
        if getattr(self._local, "inside", False):
            raise RuntimeError("this thread has a writer's transaction open already")
        self._wait_for_use()
        self._local.inside = True
        batch: _Batch | None = None
        try:
            batch = self._batch or self._begin()
            raw, alone = batch.held.raw, not batch.members
            if not alone:
                raw.execute("SAVEPOINT member")
            try:
                yield batch.held
                if not alone:
                    raw.execute("RELEASE member")
            except BaseException:
                self._undo(batch, alone=alone)
                raise
            batch.members += 1
        finally:
            self._local.inside = False
            try:
                if batch is not None:
                    self._pass_on(batch)
            finally:
                self._use.release()
        self._wait_for_commit(batch)

    def _wait_for_use(self) -> None:
        with self._counting:
            self._waiting += 1
        try:
            self._use.acquire()
        finally:
            with self._counting:
                self._waiting -= 1

    def _begin(self) -> _Batch:
        if self._held is None or self._held.gone():
            self._held = self._connect()
        self._turn.__enter__()
        try:
            self._held.begin()
        except BaseException:
            self._turn.__exit__(None, None, None)
            raise
        self._batch = _Batch(self._held)
        return self._batch

    def _undo(self, batch: _Batch, *, alone: bool) -> None:
        raw = batch.held.raw
        if alone:
            self._end(batch, None)
        elif raw.in_transaction:
            raw.execute("ROLLBACK TO member")
            raw.execute("RELEASE member")
        else:  # a full disk, say: SQLite itself gave the whole transaction up
            self._end(batch, Busy("the database gave the transaction up"))

    def _pass_on(self, batch: _Batch) -> None:
        """Leave the transaction to who waits, or end it."""
        if self._batch is not batch:
            return
        with self._counting:
            waiting = self._waiting
        if not waiting or batch.members >= MEMBERS_MAX:
            self._commit(batch)

    def _commit(self, batch: _Batch) -> None:
        error: BaseException | None = None
        try:
            batch.held.end(commit=True)
        except BaseException as reason:
            error = reason
        self._finish(batch, error)

    def _end(self, batch: _Batch, error: BaseException | None) -> None:
        """Give the transaction up, and whoever is in it the reason."""
        try:
            batch.held.end(commit=False)
        finally:
            self._finish(batch, error)

    def _finish(self, batch: _Batch, error: BaseException | None) -> None:
        self._batch = None
        batch.error = error
        self._turn.__exit__(None, None, None)
        batch.ended = True
        batch.under_way.release()

    def _wait_for_commit(self, batch: _Batch) -> None:
        while not batch.ended:
            if batch.under_way.acquire(timeout=_LOOK_S):
                batch.under_way.release()
            # Who was to go on may have been interrupted while it waited: then this one ends it.
            elif self._use.acquire(blocking=False):
                try:
                    if self._batch is batch:
                        self._commit(batch)
                finally:
                    self._use.release()
        if batch.error is not None:
            raise batch.error
