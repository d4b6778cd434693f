"""Store and Transaction: the one door to the data; a server can do nothing but begin a transaction."""

from __future__ import annotations

import logging
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from storage import migrate, plans
from storage.blobs import FULL, BlobStore
from storage.engine import Engines, Held
from storage.errors import Busy, NoRoom
from storage.schema import site_values
from storage.types import Actor, CollectionId, PrincipalId

log = logging.getLogger(__name__)

INLINE_OCTETS: Final = 64 * 1024
"""Bodies up to this size lie in their row, larger ones in the blob store (DESIGN §2)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the site accepts; counts and octets."""

    resource_octets: int = 10 * 1024 * 1024
    instances: int = 10_000
    attendees: int = 10_000
    attachments: int = 50
    """Managed ones of one calendar object (RFC 8607 §6.3)."""
    tombstone_days: int = 90
    version_days: int = 30
    bookmark_scheme: str = "https"
    """What an address typed without a scheme gets (FAV-02)."""
    origin: str = ""
    """Where the desk is found, without a final slash, for links in mails (MTG-05); "" writes none."""
    restrict_attendees: bool = False
    """Only co-members and known contacts can be added to meetings (MTG-03)."""
    spam_learning: bool = False
    """A spam filter learns from mails that are moved into `Spam?` and out of it (MSG-47)."""


@dataclass(slots=True)
class Transaction:
    """One command's view of the desk: who acts, on which connection, and which lock tokens he showed."""

    store: Store
    db: sa.Connection
    raw: Any
    """The driver's connection under `db`, for storage/statements.py."""
    actor: Actor
    writing: bool
    locks: frozenset[str]
    now: float
    """Seconds since the epoch at the beginning."""
    touched: set[CollectionId] = field(default_factory=set)
    """Collections that changed: whoever waits on them is woken after the commit."""
    after_commit: list[Callable[[], None]] = field(default_factory=list)
    unlocked: set[PrincipalId] = field(default_factory=set)
    """Spaces that had no lock at all when this transaction looked (storage/locks.py)."""
    access: dict[CollectionId, object] = field(default_factory=dict)
    """What was found out about the actor's item grants, by collection (storage/viewing.py)."""


def is_passing(error: BaseException) -> bool:
    """Whether the database or the machine is to blame, and not what was to be done: then it is to be tried again."""
    names = {one.__name__ for one in type(error).__mro__}  # SQLAlchemy's, sqlite3's and psycopg's alike
    return isinstance(error, Busy | OSError) or "OperationalError" in names


@contextmanager
def attempt(tx: Transaction) -> Iterator[None]:
    """A part of a transaction that undoes itself alone if it fails; the exception goes on."""
    tx.raw.execute("SAVEPOINT attempt")
    try:
        yield
    except BaseException:
        tx.raw.execute("ROLLBACK TO SAVEPOINT attempt")
        tx.raw.execute("RELEASE SAVEPOINT attempt")
        raise
    tx.raw.execute("RELEASE SAVEPOINT attempt")


_SECRET: Final = sa.select(site_values.c.value).where(site_values.c.name == "secret")


class Store:
    """The desk's data behind one URL: `sqlite:////path/desk.sqlite3` or `postgresql+psycopg://…`."""

    def __init__(self, url: str, blobs: Path, *, limits: Limits = Limits()) -> None:
        self.engines: Final = Engines(url)
        self.blobs: Final = BlobStore(blobs)
        self.limits: Final = limits
        self._last_actions: Final[list[Callable[[Store], None]]] = []

    @classmethod
    def open(cls, url: str, blobs: Path, *, limits: Limits = Limits()) -> Store:
        """Open what `migrate` made; nothing is connected before the first transaction."""
        return cls(url, blobs, limits=limits)

    def migrate(self) -> None:
        """Bring the tables to this release's form and make the plans `free` and `full` (DESIGN §3)."""
        migrate.upgrade(self.engines)
        with migrate.alone(self.engines) as db:
            plans.ensure_defaults(db)
            if db.execute(_SECRET).scalar() is None:
                db.execute(sa.insert(site_values).values(name="secret", value=secrets.token_hex(32)))

    def bring_up_to_date(self) -> None:
        """The same where another release made the tables; costs one query where this one did.

        Raises:
            Busy: the database server is away.
            Refused: a newer release wrote the data.
        """
        try:
            if migrate.current(self.engines) != migrate.HEAD:
                self.migrate()
        except sa.exc.OperationalError as error:
            raise Busy from error

    @cached_property
    def secret(self) -> bytes:
        """The desk's own key, for what nobody outside may be able to compute.

        Raises:
            Busy: the database cannot be reached; try again.
        """
        try:
            with self.engines.apart() as db:
                return bytes.fromhex(db.execute(_SECRET).scalar_one())
        except Exception as error:
            _give_way(error, None)
            raise

    @contextmanager
    def read(self, actor: Actor, locks: frozenset[str] = frozenset()) -> Iterator[Transaction]:
        """One snapshot for `actor`; nothing can be written in it, but with `locks` judged whether it could be.

        Raises:
            Busy: the database cannot be reached, or cannot do it now; try again.
        """
        held: Held | None = None
        try:
            held = self.engines.reading()
            with held.transaction() as db:
                yield Transaction(self, db, held.raw, actor, False, locks, time.time())
        except Exception as error:
            _give_way(error, held)  # the server went away, say: the next request finds it again
            raise

    @contextmanager
    def write(self, actor: Actor, locks: frozenset[str] = frozenset()) -> Iterator[Transaction]:
        """One change by `actor`: whole and on disk when the block ends, or not at all.

        `locks` are the DAV lock tokens that the client showed (RFC 4918 §10.4).

        Raises:
            Busy: another transaction got in the way for too long, or the database cannot be reached; try again.
            NoRoom: the disk is full.
        """
        held: Held | None = None
        try:
            with self.engines.writing() as held:
                tx = Transaction(self, held.db, held.raw, actor, True, locks, time.time())
                yield tx
                if tx.touched and not self.engines.sqlite:
                    _notify(tx)
        except Exception as error:
            _give_way(error, held)
            raise
        for action in tx.after_commit:
            action()

    def before_close(self, action: Callable[[Store], None]) -> None:
        """Let something be done when the store is closed, while it still can be written to."""
        self._last_actions.append(action)

    def close(self) -> None:
        """Close all connections of this process."""
        for action in self._last_actions:
            action(self)
        self.engines.close()


def _notify(tx: Transaction) -> None:
    """Tell waiting processes at commit which collections changed (PostgreSQL LISTEN/NOTIFY)."""
    payload = " ".join(str(number) for number in sorted(tx.touched)[:500])
    tx.db.execute(sa.select(sa.func.pg_notify("escritoire", payload)))


def _give_way(error: Exception, held: Held | None) -> None:
    """Return where the request or this program is to blame.

    Raises:
        NoRoom: the disk is full.
        Busy: it is the database's trouble of another kind, and the same may be asked again.
    """
    reason = getattr(error, "orig", None) or error
    if _is_full(reason):
        log.error("disk full", extra={"text": str(reason)[:200]})
        raise NoRoom from error
    if is_trouble(reason) or isinstance(error, sa.exc.TimeoutError) or (held is not None and held.gone()):
        first = next(iter(str(reason).splitlines()), "")
        log.warning("busy", extra={"reason": type(reason).__name__, "text": first[:200]})
        raise Busy from error


_SQLITE_TROUBLE: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
    }
)
_SQLITE_FULL: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE})
"""The second one: there is no room for what all that open the database share (sqlite.org/walformat.html, §2)."""
_NO_ROOM: Final = "53100"
"""PostgreSQL's code for a full disk."""
_AT_ONCE: Final = frozenset({"23503", "23505"})
"""PostgreSQL's codes for what is there already, and what it refers to is not: every path looks before it writes, so
others made or removed it at this very moment. What one is answered who comes after them, the next attempt finds out."""
_OURS: Final = "54"
"""PostgreSQL's class of errors for statements that ask for more than it can ever do."""


def _is_full(reason: BaseException) -> bool:
    if isinstance(reason, OSError):
        return reason.errno in FULL
    return getattr(reason, "sqlite_errorcode", 0) in _SQLITE_FULL or getattr(reason, "sqlstate", "") == _NO_ROOM


def is_trouble(reason: BaseException) -> bool:
    """Whether the database could not do what it does at other times (either driver's own words).

    Others got in the way, the server stops or is away, an administrator's time limit, no room on the disk.
    """
    if getattr(reason, "sqlstate", None) in _AT_ONCE:
        return True
    if isinstance(reason, sqlite3.OperationalError):
        return "locked" in str(reason) or getattr(reason, "sqlite_errorcode", 0) & 0xFF in _SQLITE_TROUBLE
    if any(one.__name__ == "OperationalError" and one.__module__ == "psycopg" for one in type(reason).__mro__):
        return not (getattr(reason, "sqlstate", None) or "").startswith(_OURS)
    return False
