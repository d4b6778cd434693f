"""One connection on Twisted: buffers, threads, back-pressure and time limits around a session (session.py).

All methods run in the loop; what the session does runs in a pool of threads, one thing at a time for each
connection.
"""

from __future__ import annotations

import logging
import socket
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Protocol
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure
from zope.interface import implementer  # type: ignore[import-untyped]

from servers.line.joint import Joint
from servers.line.limits import Limits
from servers.line.proxy import BadHeader, Header
from servers.line.session import Reply, Run, Session, Then, Wait
from storage.bus import Bus, Subscription

if TYPE_CHECKING:
    from servers.line.listening import Listening

log = logging.getLogger(__name__)

PIECE_OCTETS: Final = 1024 * 1024
"""So much of a long answer is made at once."""
_PAUSE_OCTETS: Final = 256 * 1024
"""Above this, and above what the session asks for, nothing more is read until the buffer is worked off."""
_QUICK_AT_ONCE: Final = 100
"""So many pipelined commands are carried out in the loop before others have their turn in a thread."""
_STOP_S: Final = 5.0
_PROXY_S: Final = 10.0
_AGAIN_S: Final = 2.0
"""Who could not be subscribed, while the database starts anew, is deaf until then."""
_QUICKACK: Final[int | None] = getattr(socket, "TCP_QUICKACK", None)
"""Linux alone has it; it holds for one acknowledgement."""
WORKING_S = 10.0
"""So often a client hears that its command is worked on (RFC 9585 §3)."""


@dataclass(slots=True)
class Kernel:
    """What all connections of a process share."""

    reactor: Any
    pool: Any
    bus: Bus
    certificate: Any
    limits: Limits
    joints: dict[Run, Joint] = field(default_factory=dict)
    """By what carries out the units of several connections together."""

    def joint(self, run: Run) -> Joint:
        """What collects the units for `run`."""
        found = self.joints.get(run)
        if found is None:
            found = self.joints[run] = Joint(self.reactor, self.pool, run)
        return found


@implementer(IPushProducer)
class Connection(Protocol):
    """One client."""

    transport: Any

    def __init__(self, kernel: Kernel, factory: Listening, address: str, port: int, *, proxied: bool) -> None:
        self._kernel: Final = kernel
        self._factory: Final = factory
        self._address = address
        self._port = port
        self._proxy = Header() if proxied else None
        self._admitted = False
        self._session: Session | None = None
        self._joint: Callable[[Any], Run | None] | None = None
        self._buffer = bytearray()
        self._busy = False
        self._closing = False
        self._gone = False
        self._paused = False
        self._reading_paused = False
        self._resume: Callable[[], None] | None = None
        self._subscription: Subscription | None = None
        self._wait: Wait | None = None
        self._refresh: Any = None
        self._woken = False
        self._timer: Any = None
        self._last = 0.0
        self._timeout = 0.0
        self._inflate: Any = None
        self._pending = b""
        self._deflate: Any = None
        self._socket: Any = None

    # --- Twisted's side

    def connectionMade(self) -> None:
        self.transport.setTcpNoDelay(True)
        self._socket = self.transport.getHandle()
        self._last = self._kernel.reactor.seconds()
        if self._proxy is None:
            self._begin()
        else:
            self._timer = self._kernel.reactor.callLater(_PROXY_S, self._close)

    def _begin(self) -> None:
        """It is known who is there: a session, if there is room for one."""
        if not self._factory.admit(self, self._address):
            log.warning("too many connections", extra={"address": self._address, "listener": self._factory.listener})
            self._close()
            return
        self._admitted = True
        if self._factory.tls == "implicit":
            self.transport.startTLS(self._kernel.certificate)
        self.transport.registerProducer(self, True)
        try:
            self._session = self._factory.session(self._address, self._port)
            self._joint = getattr(self._session, "joint", None)
        except Exception:
            log.exception("no session")
            self._close()
            return
        self._arm()
        self._run(self._session.greeting)

    def _proxied(self, data: bytes) -> None:
        """Read the front's header; what follows is the client's."""
        assert self._proxy is not None
        try:
            found = self._proxy.feed(data)
        except BadHeader:
            log.warning("no PROXY header", extra={"address": self._address, "listener": self._factory.listener})
            self._close()
            return
        if found is None:
            return
        self._proxy = None
        self._timer.cancel()
        client, rest = found
        if client is not None:
            self._address, self._port = client
        self._begin()
        if rest and not self._closing:
            # Behind TLS it is not for us to read as it is.
            receiver = self.transport.protocol if self._factory.tls == "implicit" else self
            receiver.dataReceived(rest)

    def dataReceived(self, data: bytes) -> None:
        self._last = self._kernel.reactor.seconds()
        if self._closing:
            return
        if self._proxy is not None:
            self._proxied(data)
            return
        if self._inflate is None:
            self._buffer += data
        else:
            self._pending += data
        self._pump()

    def connectionLost(self, reason: Any = None) -> None:
        self._gone = self._closing = True
        if self._admitted:
            self._factory.release(self, self._address)
        self._unwatch()
        for call in (self._timer, self._refresh):
            if call is not None and call.active():
                call.cancel()
        resume, self._resume = self._resume, None
        if resume is not None:
            resume()
        if not self._busy:
            self._end()

    def pauseProducing(self) -> None:
        self._paused = True

    def resumeProducing(self) -> None:
        self._paused = False
        self._last = self._kernel.reactor.seconds()
        resume, self._resume = self._resume, None
        if resume is not None:
            resume()

    def stopProducing(self) -> None:
        pass

    # --- units in, answers out

    def _pump(self) -> None:
        """Cut the next unit, if the last one is done."""
        session = self._session
        left = _QUICK_AT_ONCE
        while not self._busy and not self._closing and session is not None:
            if self._pending and not self._fill():
                return
            try:
                unit = session.cut(self._buffer)
            except Exception:
                log.exception("cut failed", extra={"listener": self._factory.listener})
                self._write(session.failed())
                self._close()
                return
            if unit is None:
                if len(self._buffer) > session.most:
                    log.info("too long", extra={"address": self._address, "listener": self._factory.listener})
                    self._close()
                elif self._buffer:
                    self._acknowledge()
                break
            if isinstance(unit, Reply):
                self._write(b"".join(unit.data))
                self._then(unit)
                continue
            self._unwatch()
            if left and session.quick(unit):
                left -= 1
                self._run_here(session, unit)
            elif self._joint is not None and (run := self._joint(unit)) is not None:
                self._busy = True
                self._kernel.joint(run).add(session, unit, partial(self._joined, session, unit))
            else:
                self._run(partial(session.run, unit), unit)
        self._hold_back()

    def _acknowledge(self) -> None:
        """Acknowledge half a unit at once: we have nothing to say that would carry the acknowledgement.

        A client that sends a literal and the end of its command in two pieces waits for it before it sends the
        second one (RFC 9293 §3.7.4, "Nagle"), 40 ms for each message that Python's imaplib uploads.
        """
        if _QUICKACK is not None:
            with suppress(OSError):
                self._socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)

    def _run_here(self, session: Session, unit: Any) -> None:
        """What takes less time than a thread's turn."""
        self._busy = True
        try:
            reply = session.run(unit)
        except Exception:
            made: Any = Failure
            self._failed(made())
            return
        if not isinstance(reply.data, tuple | list):
            self._draw(iter(reply.data), reply)
            return
        self._write(b"".join(reply.data))
        self._busy = False
        self._then(reply)

    def _hold_back(self) -> None:
        """Stop reading while the client is ahead of us, and go on when it is not."""
        session = self._session
        waiting = self._busy or self._paused
        held = len(self._buffer) + len(self._pending)
        full = session is not None and held > _PAUSE_OCTETS
        if full and waiting and not self._reading_paused:
            self._reading_paused = True
            self.transport.pauseProducing()
        elif self._reading_paused and not (full and waiting):
            self._reading_paused = False
            if not self._closing:
                self.transport.resumeProducing()

    def _run(self, work: Callable[[], Reply], unit: Any = None) -> None:
        self._busy = True
        done: Deferred[Any] = deferToThreadPool(self._kernel.reactor, self._kernel.pool, work)
        if unit is not None:
            comfort = self._kernel.reactor.callLater(WORKING_S, self._comfort, unit, done)
            done.addBoth(_relieved, comfort)
        done.addCallbacks(self._answered, self._failed)

    def _joined(self, session: Session, unit: Any, found: Reply | Exception | None) -> None:
        """What became of a unit that was carried out with others'."""
        if found is None:
            self._run(partial(session.run, unit), unit)
        elif isinstance(found, Exception):
            made: Any = Failure
            self._failed(made(found))
        else:
            self._answered(found)

    def _comfort(self, unit: Any, done: Deferred[Any]) -> None:
        """Tell a client whose command takes long that it is worked on, every so often until it is done."""
        if self._gone or self._closing or self._session is None:
            return
        self._write(self._session.working(unit))
        comfort = self._kernel.reactor.callLater(WORKING_S, self._comfort, unit, done)
        done.addBoth(_relieved, comfort)

    def _answered(self, reply: Reply) -> None:
        if self._gone:
            self._finish(reply)
            return
        if isinstance(reply.data, tuple | list):
            self._write(b"".join(reply.data))
            self._finish(reply)
            return
        self._draw(iter(reply.data), reply)

    def _draw(self, pieces: Iterator[bytes], reply: Reply) -> None:
        """Write a long answer as fast as the client takes it."""
        if self._gone:
            close = getattr(pieces, "close", None)
            if close is not None:
                deferToThreadPool(self._kernel.reactor, self._kernel.pool, close).addBoth(lambda _: self._finish(reply))
            else:
                self._finish(reply)
            return
        if self._paused:
            self._resume = lambda: self._draw(pieces, reply)
            return

        def written(piece: bytes) -> None:
            if not piece:
                self._finish(reply)
                return
            if not self._gone:
                self._write(piece)
            self._draw(pieces, reply)

        drawn: Deferred[bytes] = deferToThreadPool(self._kernel.reactor, self._kernel.pool, _piece, pieces)
        drawn.addCallbacks(written, self._failed)

    def _failed(self, failure: Failure) -> None:
        log.error(
            "session failed",
            exc_info=failure.value,
            extra={"listener": self._factory.listener},
        )
        self._busy = False
        if self._gone:
            self._end()
            return
        if self._session is not None:
            self._write(self._session.failed())
        self._close()

    def _finish(self, reply: Reply) -> None:
        self._busy = False
        if self._gone:
            self._end()
            return
        self._last = self._kernel.reactor.seconds()
        self._then(reply)
        self._pump()
        if self._woken and not self._busy and not self._closing:
            self._wake()

    def _then(self, reply: Reply) -> None:
        if reply.then is Then.CLOSE:
            self._close()
        elif reply.then is Then.STARTTLS:
            # What was sent in the clear after the command is nobody's (RFC 3207 §6, RFC 9051 §6.2.1).
            self._buffer.clear()
            self.transport.unregisterProducer()
            self.transport.startTLS(self._kernel.certificate)
            self.transport.registerProducer(self, True)
            if self._session is not None:
                self._session.secured()
        elif reply.then is Then.DEFLATE:
            self._deflate = zlib.compressobj(6, zlib.DEFLATED, -15, 8)
            self._inflate = zlib.decompressobj(-15)
            self._pending = bytes(self._buffer)
            self._buffer.clear()
        if reply.wait is not None and not self._closing:
            self._watch(reply.wait)
        if self._session is not None and self._session.timeout_s < self._timeout and self._timer is not None:
            if self._timer.active():
                self._timer.cancel()
            self._arm()

    def _write(self, data: bytes) -> None:
        if not data or self._gone:
            return
        if self._deflate is not None:
            data = self._deflate.compress(data) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        self.transport.write(data)

    def _fill(self) -> bool:
        """Read compressed octets as far as the buffer has room; False, and it is over, if they are none (RFC 4978)."""
        most = _PAUSE_OCTETS + (self._session.most if self._session is not None else 0)
        try:
            while self._pending and len(self._buffer) <= most:
                self._buffer += self._inflate.decompress(self._pending, _PAUSE_OCTETS)
                self._pending = self._inflate.unconsumed_tail
        except zlib.error:
            self._close()
            return False
        return True

    def _close(self) -> None:
        self._closing = True
        if not self._gone:
            self.transport.unregisterProducer()
            self.transport.loseConnection()
            # A client that does not read must not keep the connection for ever.
            self._kernel.reactor.callLater(_STOP_S, self._abort)

    def _abort(self) -> None:
        if not self._gone:
            self.transport.abortConnection()

    def _end(self) -> None:
        """The session lets go of what it holds; once, after all else."""
        session, self._session = self._session, None
        if session is not None:
            done = deferToThreadPool(self._kernel.reactor, self._kernel.pool, session.closed)
            done.addErrback(lambda failure: log.error("closed failed", extra={"reason": str(failure.value)}))

    # --- waiting for changes

    def _watch(self, wait: Wait) -> None:
        """Subscribe in a thread, until it succeeds; then look: what changed before is not told (storage/bus.py)."""
        if self._subscription is not None and self._wait is not None and self._wait.collections == wait.collections:
            self._wait = wait
            self._refresh_later()
            return
        self._unwatch()
        self._wait = wait
        kernel = self._kernel

        def rung() -> None:
            kernel.reactor.callFromThread(self._rung)

        def subscribed(subscription: Subscription) -> None:
            if self._wait is not wait or self._gone:
                subscription.close()
                return
            self._subscription = subscription
            self._rung()

        def subscribe() -> None:
            if self._wait is not wait or self._gone:
                return
            made: Deferred[Any] = deferToThreadPool(
                kernel.reactor, kernel.pool, kernel.bus.subscribe, wait.collections, rung
            )
            made.addCallbacks(subscribed, refused)

        def refused(failure: Any) -> None:
            log.warning("not watched", extra={"reason": str(failure.value)})
            kernel.reactor.callLater(_AGAIN_S, subscribe)

        subscribe()
        self._refresh_later()

    def _refresh_later(self) -> None:
        if self._refresh is not None and self._refresh.active():
            self._refresh.cancel()
        self._refresh = None
        if self._wait is not None and self._wait.refresh_s > 0:
            self._refresh = self._kernel.reactor.callLater(self._wait.refresh_s, self._rung)

    def _unwatch(self) -> None:
        subscription, self._subscription = self._subscription, None
        self._wait = None
        self._woken = False
        if self._refresh is not None and self._refresh.active():
            self._refresh.cancel()
        self._refresh = None
        if subscription is not None:
            subscription.close()

    def _rung(self) -> None:
        if self._gone or self._wait is None:
            return
        self._woken = True
        if not self._busy and not self._closing:
            self._wake()

    def _wake(self) -> None:
        self._woken = False
        session = self._session
        if self._wait is None or session is None:
            return
        if self._subscription is not None:
            self._subscription.take()
        self._run(lambda: self._after_waking(session))

    def _after_waking(self, session: Session) -> Reply:
        reply = session.woken()
        if reply.wait is None:
            self._kernel.reactor.callFromThread(self._unwatch)
        return reply

    # --- time

    def _arm(self) -> None:
        if self._session is None or self._gone:
            return
        self._timeout = self._session.timeout_s
        left = self._last + self._timeout - self._kernel.reactor.seconds()
        if left > 0 or (self._busy and not self._paused):
            self._timer = self._kernel.reactor.callLater(max(left, 1.0), self._arm)
            return
        log.info("idle", extra={"address": self._address, "listener": self._factory.listener})
        self._write(self._session.timed_out())
        self._close()

    def stop(self) -> None:
        """The process ends: say so, and close when what is under way is done."""
        if self._session is not None and not self._closing:
            last_words = getattr(self._session, "stopping", None)
            if not self._busy and last_words is not None:
                self._write(last_words())
        self._close()


def _piece(pieces: Iterator[bytes]) -> bytes:
    """The next octets of a long answer; b"" at its end."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= PIECE_OCTETS:
            break
    return b"".join(held)


def _relieved(result: Any, comfort: Any) -> Any:
    if comfort.active():
        comfort.cancel()
    return result
