"""Wake whoever waits for changes, across processes, without polling (DESIGN §2, "The bus").

One watcher thread a process serves all subscriptions. PostgreSQL tells it by NOTIFY which collections
changed; with SQLite it sees that the write-ahead log grew. Either way it then reads the numbers of the
collections in question, in one query, and wakes the subscriptions for which one moved.
"""

from __future__ import annotations

import fcntl
import logging
import os
import select
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self

import sqlalchemy as sa

from storage.activesync import waits
from storage.engine import Engines
from storage.mail import listing_changes
from storage.outbound import bell
from storage.schema import collections
from storage.store import Store
from storage.types import CollectionId

log = logging.getLogger(__name__)

CHANNEL: Final = "escritoire"
_SETTLE_S: Final = 0.01
"""Commits within this time are answered by one look."""
_RECONNECT_S: Final = 1.0
_CHUNK: Final = 5_000
_PAYLOAD_IDS: Final = 500
"""So many ids mean that there may be more (`store._notify` names no further ones)."""


class Subscription(AbstractContextManager["Subscription"]):
    """One listener's interest in some collections; use it in one thread, close it when done."""

    def __init__(self, bus: Bus, collections: frozenset[CollectionId], notify: Callable[[], None] | None) -> None:
        self.collections: Final = collections
        self._bus: Final = bus
        self._notify: Final = notify
        self._changed: set[CollectionId] = set()
        self._condition: Final = threading.Condition(threading.Lock())
        self._closed = False

    def wait(self, timeout_s: float) -> frozenset[CollectionId]:
        """Those that changed since the last wait (at first: since the subscription); empty after the time.

        A removed collection has changed. After `close`, here or of the bus, it returns at once.
        """
        with self._condition:
            self._condition.wait_for(lambda: self._changed or self._closed, timeout_s)
            return self._take()

    def take(self) -> frozenset[CollectionId]:
        """The same without waiting, for loops that are woken by `notify`."""
        with self._condition:
            return self._take()

    def close(self) -> None:
        """End it, and whatever `wait` is under way."""
        self._bus._forget(self)
        self._end()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _take(self) -> frozenset[CollectionId]:
        taken = frozenset(self._changed)
        self._changed.clear()
        return taken

    def _wake(self, changed: Iterable[CollectionId]) -> None:
        with self._condition:
            self._changed.update(changed)
            self._condition.notify_all()
        if self._notify is not None:
            self._notify()

    def _end(self) -> None:
        with self._condition:
            self._closed = True
            self._condition.notify_all()


class Bus:
    """The subscriptions of one process. Close it before the store."""

    def __init__(self, store: Store) -> None:
        self._store: Final = store
        self._lock: Final = threading.Lock()
        self._listeners: dict[CollectionId, set[Subscription]] = {}
        self._known: dict[CollectionId, int] = {}
        self._joining: list[tuple[frozenset[CollectionId], Future[None]]] = []
        self._thread: threading.Thread | None = None
        self._closed = False
        self._wakeup: Final = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def subscribe(self, wanted: Iterable[CollectionId], notify: Callable[[], None] | None = None) -> Subscription:
        """Watch some collections: every change committed after this returns is told.

        So subscribe first, then read the present state, then wait. `notify` is called by the watcher's
        thread after each change; it must not block (`loop.call_soon_threadsafe` and its like).

        Raises:
            OSError: the database cannot be watched, or the bus is closed.
        """
        subscription = Subscription(self, frozenset(wanted), notify)
        joined: Future[None] = Future()
        with self._lock:
            if self._closed:
                raise OSError("the bus is closed")
            for number in subscription.collections:
                self._listeners.setdefault(number, set()).add(subscription)
            self._joining.append((subscription.collections, joined))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="bus", daemon=True)
                self._thread.start()
            os.eventfd_write(self._wakeup, 1)
        try:
            joined.result()
        except BaseException:
            subscription.close()
            raise
        return subscription

    def close(self) -> None:
        """End the watcher and every wait."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            thread = self._thread
            ended = {one for listeners in self._listeners.values() for one in listeners}
            self._listeners.clear()
            os.eventfd_write(self._wakeup, 1)
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        for subscription in ended:
            subscription._end()
        os.close(self._wakeup)

    def _forget(self, subscription: Subscription) -> None:
        with self._lock:
            for number in subscription.collections:
                listeners = self._listeners.get(number)
                if listeners is not None:
                    listeners.discard(subscription)
                    if not listeners:
                        del self._listeners[number]
                        self._known.pop(number, None)

    def _run(self) -> None:
        engines = self._store.engines
        while not self._closed:
            try:
                with _WalWatch(engines) if engines.sqlite else _NotifyWatch(engines) as watch:
                    self._look(None)  # whatever happened before the watch stood
                    self._serve(watch)
            except Exception as error:
                # The database is away: those who wait go on waiting, those who come are told.
                log.warning("bus-lost", extra={"reason": type(error).__name__})
                self._answer(error)
                _wait_readable([self._wakeup], _RECONNECT_S)
                self._drain_wakeup()
        self._answer(OSError("the bus is closed"))

    def _serve(self, watch: _Watch) -> None:
        while True:
            self._answer(None)
            ready = _wait_readable([self._wakeup, watch.descriptor], None)
            if self._wakeup in ready:
                self._drain_wakeup()
            if self._closed:
                return
            if watch.descriptor in ready:
                started = time.monotonic()
                found = watch.changed()
                if found is None or found:
                    self._look(found)
                    # Under a stream of commits, look at most a third of the time.
                    _wait_readable([self._wakeup], 2 * (time.monotonic() - started))

    def _answer(self, error: Exception | None) -> None:
        """Note where newly watched collections stand, and let their subscribers go on."""
        with self._lock:
            joining, self._joining = self._joining, []
        if not joining:
            return
        if error is None:
            try:
                fresh = set[CollectionId]().union(*(wanted for wanted, _ in joining)) - self._known.keys()
                numbers = self._read(fresh)
            except Exception as failure:
                for _, joined in joining:
                    joined.set_exception(OSError(f"cannot watch: {type(failure).__name__}"))
                raise
            with self._lock:
                for number in fresh:
                    if number in self._listeners:
                        self._known.setdefault(number, numbers.get(number, -1))
        for _, joined in joining:
            if error is None:
                joined.set_result(None)
            else:
                joined.set_exception(OSError(f"cannot watch: {type(error).__name__}"))

    def _look(self, chosen: set[CollectionId] | None) -> None:
        """Compare the numbers of `chosen` (None: of all that are watched) with those last seen."""
        with self._lock:
            watched = self._known.keys() if chosen is None else self._known.keys() & chosen
            wanted = set(watched)
        numbers = self._read(wanted)
        woken: dict[Subscription, list[CollectionId]] = {}
        with self._lock:
            for number in wanted:
                now = numbers.get(number, -1)
                if number in self._known and self._known[number] != now:
                    self._known[number] = now
                    for subscription in self._listeners.get(number, ()):
                        woken.setdefault(subscription, []).append(number)
        for subscription, changed in woken.items():
            subscription._wake(changed)

    def _read(self, wanted: set[CollectionId]) -> dict[CollectionId, int]:
        if not wanted:
            return {}
        found: dict[CollectionId, int] = {}
        numbers = sorted(one for one in wanted if one > 0)
        lists = sorted(one for one in wanted if listing_changes.is_topic(one))
        devices = sorted(one for one in wanted if one < 0 and not listing_changes.is_topic(one))
        with self._store.engines.reading().transaction() as db:
            for start in range(0, len(numbers), _CHUNK):
                query = sa.select(collections.c.id, collections.c.modseq).where(
                    collections.c.id.in_(numbers[start : start + _CHUNK])
                )
                found.update({CollectionId(row.id): row.modseq for row in db.execute(query)})
            for start in range(0, len(devices), _CHUNK):
                found.update(waits.numbers(db, devices[start : start + _CHUNK]))
            for start in range(0, len(lists), _CHUNK):
                found.update(listing_changes.numbers(db, lists[start : start + _CHUNK]))
            if bell.BELL in wanted:
                found[bell.BELL] = bell.number(db)
        return found

    def _drain_wakeup(self) -> None:
        with suppress(BlockingIOError):
            os.eventfd_read(self._wakeup)


class _Watch(Protocol):
    """What a database gives to wait on."""

    descriptor: int

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def changed(self) -> set[CollectionId] | None:
        """After `descriptor` became readable: the collections to look at; None for all of them."""


class _WalWatch:
    """Sees SQLite's write-ahead log grow."""

    def __init__(self, engines: Engines) -> None:
        from inotify_simple import INotify, flags

        path = Path(str(engines.url.database))
        self._log_name: Final = path.name + "-wal"
        self._turn_path: Final = path.with_name(path.name + ".writer")  # as storage/engine.py names it
        self._overflow: Final = int(flags.Q_OVERFLOW)
        self._inotify: Final[Any] = INotify(nonblocking=True)
        # The folder, not the file: the log is made anew when the last connection was closed.
        self._inotify.add_watch(str(path.parent), flags.MODIFY | flags.CREATE | flags.MOVED_TO)
        self.descriptor: int = self._inotify.fileno()
        self._turn: Final = os.open(self._turn_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def __enter__(self) -> Self:
        self._let_finish()  # for that commit the log may have grown before the watch stood
        return self

    def __exit__(self, *_: object) -> None:
        self._inotify.close()
        os.close(self._turn)

    def changed(self) -> set[CollectionId] | None:
        if not self._seen():
            return set()
        time.sleep(_SETTLE_S)
        self._seen()
        self._let_finish()
        return None

    def _let_finish(self) -> None:
        """Wait for whoever writes at this moment.

        The log grows before its commit counts, and nothing is signalled when it does. What comes after that raises a
        further event.
        """
        fcntl.flock(self._turn, fcntl.LOCK_SH)
        fcntl.flock(self._turn, fcntl.LOCK_UN)

    def _seen(self) -> bool:
        """Take all events; True if one concerned the log."""
        events = self._inotify.read(timeout=0)
        return any(event.name == self._log_name or event.mask & self._overflow for event in events)


class _NotifyWatch:
    """Hears PostgreSQL's NOTIFY on a connection of its own."""

    def __init__(self, engines: Engines) -> None:
        self._connection: Final = engines.writer.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            self._connection.exec_driver_sql(f"LISTEN {CHANNEL}")
            raw: Any = self._connection.connection.dbapi_connection
            self._wire: Final[Any] = raw.pgconn
            self.descriptor: int = raw.fileno()
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.invalidate()  # a pooled connection must not go on listening
        self._connection.close()

    def changed(self) -> set[CollectionId] | None:
        self._wire.consume_input()
        found: set[CollectionId] = set()
        everything = False
        while (told := self._wire.notifies()) is not None:
            numbers = [CollectionId(int(number)) for number in told.extra.split()]
            everything = everything or len(numbers) >= _PAYLOAD_IDS
            found.update(numbers)
        return None if everything else found


def _wait_readable(descriptors: list[int], timeout_s: float | None) -> set[int]:
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return {found for found, _ in poll.poll(None if timeout_s is None else timeout_s * 1000)}
