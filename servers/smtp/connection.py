"""One session: mx, submission and LMTP are three tables over one set of commands (RFC 5321 §4.1)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from auth.sasl import mechanisms
from auth.sasl.context import Context
from servers.line.session import NOTHING, Peer, Reply, Run, Then
from servers.smtp import content, joint, login, transaction
from servers.smtp.accepting import Ready
from servers.smtp.checks import Checks
from servers.smtp.replies import AFTER_ERROR, OK, Answer, Refusal, of_busy
from servers.smtp.state import State
from servers.smtp.wire import MESSAGE_OCTETS, Mode, Taken
from storage.errors import Busy, StorageError
from storage.mail.delivery import Delivered
from storage.mail.routing import Site
from storage.store import Store

log = logging.getLogger(__name__)

_U = TypeVar("_U")
IDLE_S: Final = 300.0
"""RFC 5321 §4.5.3.2.7."""
DATA_S: Final = 3_600.0
"""No message takes longer to come."""
_QUICK: Final = frozenset({b"EHLO", b"HELO", b"LHLO", b"MAIL", b"RCPT", b"DATA", b"RSET", b"NOOP", b"QUIT"})


class Connection:
    """A session; the kernel runs one unit at a time."""

    def __init__(
        self, store: Store, site: Site, peer: Peer, context: Callable[[bool], Context], checks: Checks | None = None
    ) -> None:
        self._state: Final = State(store, site, peer, context, checks)

    # --- the kernel's side

    def greeting(self) -> Reply:
        kind = "LMTP" if self._state.lmtp else "ESMTP"
        return self._state.said(Answer(220, "", f"{self._state.site.hostname} {kind} Escritoire"))

    @property
    def most(self) -> int:
        return self._state.cutter.most

    def cut(self, buffer: bytearray) -> bytes | Taken | Reply | None:
        if self._state.cutter.mode in (Mode.DATA, Mode.CHUNK) and time.monotonic() - self._state.begun > DATA_S:
            return Reply((Answer(421, "4.4.2", "that takes too long").render(),), Then.CLOSE)
        return self._state.cutter.cut(buffer)

    def run(self, unit: bytes | Taken) -> Reply:
        if self._state.leave is not None and not self._state.leave.stands():  # SYS-04, ACC-01
            if isinstance(unit, Taken):
                unit.close()
            return Reply((Answer(421, "4.7.0", "log in again").render(),), Then.CLOSE)
        if isinstance(unit, Taken):
            return self._guarded(lambda taken: content.came(self._state, taken), unit)
        return self._guarded(self._command if self._state.exchange is None else self._go_on, unit)

    def _guarded(self, work: Callable[[_U], Reply], unit: _U) -> Reply:
        try:
            return work(unit)
        except Refusal as refusal:
            return self._state.error(refusal.answer)
        except Busy as error:
            return self._state.said(of_busy(error))
        except StorageError as error:
            log.warning("refused", extra={"reason": str(error)})
            return self._state.said(AFTER_ERROR)

    def quick(self, unit: bytes | Taken) -> bool:
        """All that comes before the data, where the store is on this machine and nobody else is asked."""
        return (
            isinstance(unit, bytes)
            and self._state.exchange is None
            and self._state.checks is None
            and self._state.store.engines.sqlite
            and unit[:4].upper() in _QUICK
        )

    def joint(self, unit: bytes | Taken) -> Run | None:
        """What delivers this mail together with others."""
        return joint.run if content.is_joint(self._state, unit) else None

    def read(self, taken: Taken) -> Ready | None:
        """Read a whole mail; None: there is more to do than to deliver it, and nothing was done."""
        return content.read(self._state, taken)

    def delivered(self, taken: Taken, ready: Ready, kept: Sequence[Delivered | Exception]) -> Reply:
        """Answer a mail that was read, and delivered together with others'; `kept` is what became of its copies."""
        return self._guarded(lambda _: content.delivered(self._state, taken, ready, kept), taken)

    def woken(self) -> Reply:
        return NOTHING

    def secured(self) -> None:
        """RFC 3207 §4.2: what was said before counts no more."""
        self._state.tls = True
        self._state.context = self._state.make_context(True)
        self._state.helo, self._state.actor, self._state.leave = "", None, None
        self._state.reset()

    @property
    def timeout_s(self) -> float:
        return IDLE_S

    def working(self, unit: object) -> bytes:
        return b""  # RFC 5321 §4.2: one reply to a command

    def timed_out(self) -> bytes:
        return Answer(421, "4.4.2", f"{self._state.site.hostname} idle for too long").render()

    def failed(self) -> bytes:
        return Answer(421, "4.3.0", "internal error").render()

    def stopping(self) -> bytes:
        return Answer(421, "4.3.2", f"{self._state.site.hostname} is going down").render()

    def closed(self) -> None:
        self._state.reset()
        self._state.cutter.close()

    # --- commands

    def _go_on(self, line: bytes) -> Reply:
        return login.go_on(self._state, line)

    def _command(self, line: bytes) -> Reply:
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            raise Refusal(500, "5.5.2", "that is neither ASCII nor UTF-8") from None
        if "\0" in text or "\r" in text:
            raise Refusal(500, "5.5.2", "a command is one line of text")
        word, _, argument = text.partition(" ")
        handler = _COMMANDS.get(word.upper())
        if handler is None:
            raise Refusal(500, "5.5.1", "unknown command")
        if argument.strip(" ") and word.upper() in _BARE:
            raise Refusal(501, "5.5.4", f"{word.upper()} takes nothing")
        return handler(self, argument.strip(" "))

    def _ehlo(self, argument: str) -> Reply:
        if self._state.lmtp:
            raise Refusal(500, "5.5.1", "this is LMTP: say LHLO")
        return self._greet(argument, extended=True)

    def _lhlo(self, argument: str) -> Reply:
        if not self._state.lmtp:
            raise Refusal(500, "5.5.1", "this is SMTP: say EHLO")
        return self._greet(argument, extended=True)

    def _helo_(self, argument: str) -> Reply:
        if self._state.lmtp:
            raise Refusal(500, "5.5.1", "this is LMTP: say LHLO")
        return self._greet(argument, extended=False)

    def _greet(self, argument: str, *, extended: bool) -> Reply:
        name = argument.split(" ")[0]
        if not name or len(name) > 255 or not name.isprintable():
            raise Refusal(501, "5.5.4", "say who you are")
        self._state.reset()
        self._state.helo, self._state.extended = name, extended
        if not extended:
            return self._state.said(Answer(250, "", self._state.site.hostname))
        return self._state.said(Answer(250, "", "\n".join((self._state.site.hostname, *self._keywords()))))

    def _keywords(self) -> list[str]:
        found = [
            "PIPELINING",
            f"SIZE {MESSAGE_OCTETS}",
            "8BITMIME",
            "SMTPUTF8",
            "CHUNKING",
            "ENHANCEDSTATUSCODES",
            "DSN",
        ]
        if self._state.tls:
            found.append("REQUIRETLS")
        elif self._state.peer.starttls:
            found.append("STARTTLS")
        if self._state.submission:  # RFC 4468 §3.1: what it takes is said to whoever is logged in
            found.append("BURL" if self._state.actor is None else "BURL imap")
        if self._state.submission and self._state.actor is None:
            offered = mechanisms.offered(self._state.context)
            found += [f"AUTH {' '.join(offered)}"] if offered else []
        return found

    def _starttls(self, argument: str) -> Reply:
        if argument:
            raise Refusal(501, "5.5.4", "STARTTLS takes nothing")
        if self._state.tls or not self._state.peer.starttls:
            raise Refusal(503, "5.5.1", "TLS is not to be had here")
        return self._state.said(Answer(220, "2.0.0", "begin TLS"), Then.STARTTLS)

    # --- a whole mail

    # --- the rest

    def _rset(self, argument: str) -> Reply:
        self._state.reset()
        return self._state.said(OK)

    def _noop(self, argument: str) -> Reply:
        return self._state.said(OK)

    def _vrfy(self, argument: str) -> Reply:
        """RFC 5321 §3.5.3: it is not said who is here."""
        if not argument:
            raise Refusal(501, "5.5.4", "VRFY takes a name")
        return self._state.said(Answer(252, "2.1.5", "send it, and it will be seen"))

    def _expn(self, argument: str) -> Reply:
        raise Refusal(502, "5.7.0", "lists are nobody's business")

    def _help(self, argument: str) -> Reply:
        return self._state.said(Answer(214, "2.0.0", "RFC 5321 says it all"))

    def _quit(self, argument: str) -> Reply:
        return self._state.said(Answer(221, "2.0.0", f"{self._state.site.hostname} good bye"), Then.CLOSE)


def _of(handler: Callable[[State, str], Reply]) -> Callable[[Connection, str], Reply]:
    return lambda connection, argument: handler(connection._state, argument)


_COMMANDS: Final[dict[str, Callable[[Connection, str], Reply]]] = {
    "EHLO": Connection._ehlo,
    "HELO": Connection._helo_,
    "LHLO": Connection._lhlo,
    "STARTTLS": Connection._starttls,
    "AUTH": _of(login.auth),
    "MAIL": _of(transaction.mail),
    "RCPT": _of(transaction.rcpt),
    "DATA": _of(content.data),
    "BDAT": _of(content.bdat),
    "BURL": _of(content.fetch),
    "RSET": Connection._rset,
    "NOOP": Connection._noop,
    "VRFY": Connection._vrfy,
    "EXPN": Connection._expn,
    "HELP": Connection._help,
    "QUIT": Connection._quit,
}
_BARE: Final = frozenset({"DATA", "RSET", "QUIT"})
"""Nothing may follow them (RFC 5321 §4.1.1)."""
