"""What a line protocol is to the kernel: a session that knows bytes and the store, but no socket, clock or loop.

The kernel (servers/line/transport.py) owns the socket. It appends what arrives to a buffer, asks the session to
`cut` the next whole unit off its front, and has the session `run` it in a thread: one unit at a time for each
connection, in the order of arrival, so pipelining needs no further care. The answer is a value that the kernel
writes with back-pressure after `run` returned, hence never inside a transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final, Protocol

from storage.types import CollectionId


class Then(Enum):
    """What the kernel does when an answer is written."""

    GO_ON = auto()
    CLOSE = auto()
    STARTTLS = auto()
    """Discard whatever is buffered (RFC 3207 §6, RFC 9051 §6.2.1), negotiate, then call `secured`."""
    DEFLATE = auto()
    """Compress both directions from here on (RFC 4978)."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Watch these collections until the client speaks; on each change `woken` is run in a thread."""

    collections: frozenset[CollectionId]
    refresh_s: float = 0.0
    """Also call `woken` after this many seconds without a change; 0 = never."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: octets in order, then what follows. `data` may be a generator; it is drawn from in a thread."""

    data: Iterable[bytes] = ()
    then: Then = Then.GO_ON
    wait: Wait | None = None


NOTHING: Final = Reply()


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end, as the PROXY protocol or the socket says."""

    address: str
    port: int
    loopback: bool
    tls: bool
    """The connection is encrypted from its first octet (implicit TLS, RFC 8314)."""
    listener: str
    """The listener's name in endpoints.json: `imap`, `imaps`, `mx`, `submission` …"""
    starttls: bool
    """A certificate is there, so that STARTTLS can be offered."""


class Session(Protocol):
    """One connection of one protocol."""

    def greeting(self) -> Reply:
        """What is said before the client speaks; run in a thread."""

    def cut(self, buffer: bytearray) -> Any | Reply | None:
        """Take the next whole unit off the front of `buffer`, in the loop, without blocking.

        None: more octets are needed. A `Reply` is sent at once and `cut` is called again: a continuation request
        for a literal, or the refusal of what is too long. Anything else is handed to `run`. A session must bound
        what it leaves in the buffer: at `most` octets without a whole unit the kernel closes the connection.
        """

    @property
    def most(self) -> int:
        """Octets that may be buffered without a whole unit, now."""

    def run(self, unit: Any) -> Reply:
        """Carry out one unit; in a thread, may block. What it raises is logged, and the connection closed after
        `failed()` was sent."""

    def quick(self, unit: Any) -> bool:
        """Whether `run` of this unit takes so little that it may be done in the loop: a short read of SQLite."""

    def working(self, unit: Any) -> bytes:
        """What a client is told while `run` of this unit takes very long, before anything of its answer, or b""."""

    def woken(self) -> Reply:
        """Something watched changed; in a thread. A `wait` in the answer goes on, none ends it."""

    def secured(self) -> None:
        """TLS is established after `Then.STARTTLS`."""

    @property
    def timeout_s(self) -> float:
        """Seconds without an octet from the client before `timed_out` is sent and the connection closed."""

    def timed_out(self) -> bytes:
        """The last words to an idle client, or b""."""

    def failed(self) -> bytes:
        """The last words after an unexpected error of ours, or b""."""

    def closed(self) -> None:
        """The connection is gone: let go of what it held; in a thread, called once, nothing runs after it."""


Run = Callable[[Iterable[tuple[Any, Any]]], Sequence[Reply | Exception | None]]
"""Carries out units of several sessions together: takes pairs of session and unit, in a thread.

While it takes them, more may come; it takes them all.

Of each it gives the answer, an error of ours, or None: it did nothing about this one, which is to be `run`.
"""


class Joining(Protocol):
    """A session may also have this."""

    def joint(self, unit: Any) -> Run | None:
        """What carries out this unit together with those of other sessions, instead of `run`; None: nothing does."""
