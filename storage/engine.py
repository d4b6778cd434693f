"""The two database engines behind one door: how SQLite and PostgreSQL begin, commit and wait."""

from __future__ import annotations

import fcntl
import os
import select
import stat
import threading
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event

from storage.errors import Refused
from storage.group_commit import GroupCommit

BUSY_TIMEOUT_MS: Final = 30_000
_URL: Final = 'it must be like "postgresql+psycopg://user:password@host:5432/name", with %40 for an @ in the password'
WAL_PAGES_BEFORE_CHECKPOINT: Final = 4_000
_ALIVE: Final = {
    "keepalives_idle": 60,  # seconds
    "keepalives_interval": 10,
    "keepalives_count": 6,
    "tcp_user_timeout": 120_000,  # milliseconds
}
"""libpq's, over TCP: a server that is silently gone, or a firewall that forgot a quiet connection, is seen in minutes.

The system's own two hours are too long for the bus, which says nothing itself and waits for what it is told.
"""


class Engines:
    """A reading and a writing engine on one database, and one held connection a thread for each.

    A held connection saves the pool's checkout at every request (20 against 50 microseconds).
    """

    def __init__(self, url: str) -> None:
        """Raises: Refused: `url` is none, or its database's driver is not installed."""
        try:
            self.url: Final = sa.make_url(url)
        except (ValueError, sa.exc.ArgumentError):  # what they say of it may hold its password
            raise Refused(f"database.url cannot be read: {_URL}") from None
        self.sqlite: Final = self.url.get_backend_name() == "sqlite"
        if self.sqlite:
            self._reader, self._writer = _sqlite(self.url, "BEGIN"), _sqlite(self.url, "BEGIN IMMEDIATE")
            self._turn: _Turn | None = _Turn(Path(str(self.url.database) + ".writer"))
            self._group: GroupCommit | None = GroupCommit(self._connect_writer, self._turn)
        else:
            # Each thread keeps one of each: a limit would let those beyond it wait in vain.
            common: dict[str, Any] = {"pool_size": 32, "max_overflow": -1, "pool_pre_ping": True}
            common["connect_args"] = {name: value for name, value in _ALIVE.items() if name not in self.url.query}
            # A reader sees one snapshot, so that a multistatus is of one moment.
            try:
                self._reader = sa.create_engine(
                    self.url,
                    isolation_level="REPEATABLE READ",
                    execution_options={"postgresql_readonly": True},
                    **common,
                )
            except ImportError:
                raise Refused("PostgreSQL needs its driver: pip install 'psycopg[binary]'") from None
            self._writer = sa.create_engine(self.url, isolation_level="READ COMMITTED", **common)
            self._turn = self._group = None
        self._local = threading.local()
        self._held: dict[weakref.ref[_Life], list[Held]] = {}
        self._guard = threading.Lock()
        _engines.add(self)

    @property
    def writer(self) -> sa.Engine:
        """The writing engine itself, for migrations."""
        return self._writer

    def reading(self) -> Held:
        """This thread's connection for reading; no transaction is open on it."""
        return self._connection("reader", self._reader, "BEGIN")

    def writing(self) -> AbstractContextManager[Held]:
        """A transaction for writing: on disk when the block ends, or undone by an exception.

        On PostgreSQL on this thread's own connection; on SQLite, which has one writer, together with other
        threads' changes where some wait (storage/group_commit.py).
        """
        return self._own_writing() if self._group is None else self._group.member()

    @contextmanager
    def _own_writing(self) -> Iterator[Held]:
        held = self._connection("writer", self._writer, "")
        with held.transaction():
            yield held

    def apart(self) -> sa.Connection:
        """A further connection for reading, whatever this thread has open; the caller closes it."""
        return self._reader.connect()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the turn to write: SQLite has one writer, and a fair queue beats its sleeping retries."""
        if self._turn is None:
            yield
        else:
            with self._turn:
                yield

    def close(self) -> None:
        """Close every connection of every thread."""
        with self._guard:
            self._close(list(self._held))
        if self._group is not None:
            self._group.close()
        self._local = threading.local()
        self._reader.dispose()
        self._writer.dispose()

    def _connect_writer(self) -> Held:
        return Held(self._writer.connect(), "BEGIN IMMEDIATE")

    def _connection(self, which: str, engine: sa.Engine, begin: str) -> Held:
        known: weakref.ref[Held] | None = getattr(self._local, which, None)
        held = known() if known is not None else None
        if held is None or held.gone() or held.forsaken():
            if held is not None:
                held.close()
            fresh = Held(engine.connect(), begin if self.sqlite else "")
            setattr(self._local, which, weakref.ref(fresh))
            self._keep(fresh)
            return fresh
        if held.open:
            # It would end the outer one's transaction, or wait for ever for its turn to write.
            raise RuntimeError(f"this thread has a {which}'s transaction open already")
        return held

    def _keep(self, held: Held) -> None:
        """Hold the connection while its thread lives, and close those of threads that ended.

        A thread that ends must not close them itself: the server's threads run no Python any more when
        their local values are taken from them, and an interpreter that is made to crashes.
        """
        life: _Life | None = getattr(self._local, "life", None)
        if life is None:
            life = self._local.life = _Life()
        with self._guard:
            own = self._held.setdefault(weakref.ref(life), [])
            own[:] = [one for one in own if not one.gone()] + [held]
            self._close([one for one in self._held if one() is None])

    def _close(self, lives: list[weakref.ref[_Life]]) -> None:
        for life in lives:
            for held in self._held.pop(life):
                held.close()

    def _forked(self) -> None:
        """In a child process: let go of the parent's connections without a word to their servers."""
        _inherited.extend(held for some in self._held.values() for held in some)
        self._held = {}
        self._local = threading.local()
        self._guard = threading.Lock()
        self._reader.dispose(close=False)
        self._writer.dispose(close=False)
        if self._turn is not None and self._group is not None:
            self._turn.forked()
            writer = self._group.forked()
            if writer is not None:
                _inherited.append(writer)


class _Life:
    """Dies with its thread, silently."""

    __slots__ = ("__weakref__",)


_engines: Final[weakref.WeakSet[Engines]] = weakref.WeakSet()
_inherited: Final[list[Held]] = []
"""Connections of the process that this one was forked from: never used here, never closed here."""


def _forked() -> None:
    for engines in list(_engines):
        engines._forked()


os.register_at_fork(after_in_child=_forked)


class Held:
    """One thread's connection: SQLAlchemy's, and the driver's own beneath it for the constant statements.

    Both see the same transaction. It is begun and ended on the driver's connection, which saves the
    greater part of SQLAlchemy's share in a short request.
    """

    __slots__ = ("__weakref__", "_begin", "db", "open", "raw")

    def __init__(self, db: sa.Connection, begin: str) -> None:
        self.db: Final = db
        self.raw: Final[Any] = db.connection.driver_connection
        self._begin: Final = begin
        self.open = False
        db.rollback()

    def close(self) -> None:
        """Give the connection back, whatever state it is in."""
        with suppress(Exception):
            if self.gone() or self.forsaken():
                self.db.invalidate()  # nothing can be said to its server any more; the pool would try
            self.db.close()

    def gone(self) -> bool:
        """Whether the server closed it, or we did."""
        return self.db.closed or self.db.invalidated or bool(getattr(self.raw, "closed", False))

    def forsaken(self) -> bool:
        """Whether PostgreSQL spoke though nothing was asked: that it ends, as a rule (its restart, a time limit).

        Each thread's first request after a restart would fail otherwise. It does no harm if something else was said.
        """
        if self.open or not hasattr(self.raw, "fileno"):
            return False
        poll = select.poll()
        try:
            poll.register(self.raw.fileno(), select.POLLIN)
        except Exception:  # psycopg's, where the connection is lost
            return True
        return bool(poll.poll(0))

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """Begin; commit at the end of the block, or roll back on an exception."""
        self.begin()
        self.open = True
        try:
            try:
                yield self.db
            except BaseException:
                self.end(commit=False)
                raise
            self.end(commit=True)
        finally:
            self.open = False

    def begin(self) -> None:
        """Begin a transaction."""
        if self._begin:
            self.raw.execute(self._begin)

    def end(self, *, commit: bool) -> None:
        """End it; if the commit fails, nothing of it is left."""
        try:
            if self.db.in_transaction():
                if commit:
                    self.db.commit()
                else:
                    self.db.rollback()
            if commit:
                self.raw.commit()
            else:
                self.raw.rollback()
        except BaseException:
            if not self.gone():
                with suppress(Exception):
                    self.db.rollback()  # also of what is none any more: a failed commit leaves it in the way
                with suppress(Exception):
                    self.raw.rollback()
            raise


class _Turn:
    """A lock across threads and processes: a thread lock, then flock on a file beside the database."""

    def __init__(self, path: Path) -> None:
        self._threads = threading.Lock()
        self._path = path
        self._descriptor = -1

    def forked(self) -> None:
        """A lock on an inherited descriptor would be the parent's own: open the file anew."""
        self._threads = threading.Lock()
        self._descriptor = -1

    def __enter__(self) -> None:
        self._threads.acquire()
        try:
            if self._descriptor < 0:
                self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        except BaseException:
            self._threads.release()
            raise

    def __exit__(self, *_: object) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        finally:
            self._threads.release()


def _sqlite(url: sa.URL, begin: str) -> sa.Engine:
    engine = sa.create_engine(
        url,
        poolclass=sa.pool.NullPool,
        connect_args={"check_same_thread": False, "isolation_level": None, "cached_statements": 256},
    )

    def connected(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")  # what was acknowledged is on disk (DESIGN §2)
        cursor.execute("PRAGMA foreign_keys=ON")
        if begin == "BEGIN":
            cursor.execute("PRAGMA query_only=ON")  # a reader's transaction writes nothing
            cursor.execute("PRAGMA mmap_size=268435456")
        else:  # a map is given up and made anew, page by page, after each commit of another process
            cursor.execute("PRAGMA mmap_size=0")
        cursor.execute("PRAGMA cache_size=-2000")
        cursor.execute(f"PRAGMA wal_autocheckpoint={WAL_PAGES_BEFORE_CHECKPOINT}")
        cursor.close()

    def begun(connection: sa.Connection) -> None:
        driver: Any = connection.connection.driver_connection
        if not driver.in_transaction:
            connection.exec_driver_sql(begin)

    def connecting(*_: object) -> None:
        _keep_from_others(Path(str(url.database)))

    event.listen(engine, "do_connect", connecting)
    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)
    return engine


def _keep_from_others(database: Path) -> None:
    """Make a new file its owner's alone, whatever the umask is; take an old one from those who own no part in it.

    The directory need not be closed: `useradd --create-home` makes one that everybody may look into. SQLite gives its
    journal the same mode.
    """
    with suppress(OSError):  # what is really wrong, SQLite says
        try:
            # Never opened once it is there: closing it would drop SQLite's locks (sqlite.org/howtocorrupt.html, 2.2).
            os.close(os.open(database, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except FileExistsError:
            for path in (database, *(database.with_name(database.name + end) for end in ("-wal", "-shm"))):
                if path.exists() and path.stat().st_mode & stat.S_IRWXO:
                    path.chmod(stat.S_IMODE(path.stat().st_mode) & ~stat.S_IRWXO)
