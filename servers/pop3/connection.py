"""One POP3 session: its state, and its commands (RFC 1939; RFC 2449, 2595, 3206, 5034, 6856)."""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Callable
from typing import Final

from auth.errors import AuthError, BadCredentials, Throttled, TlsRequired
from auth.leave import Leave
from auth.sasl import mechanisms
from auth.sasl.context import Cancelled, Context, Malformed, NotAllowed
from auth.sasl.mechanisms import Exchange
from servers.line.session import NOTHING, Peer, Reply, Then, Wait
from servers.pop3 import wire
from servers.pop3.maildrop import Gone, InUse, Maildrop
from storage.errors import Busy, StorageError
from storage.mail.maildrop import LEASE_S
from storage.store import Store
from storage.types import Actor

log = logging.getLogger(__name__)

IDLE_S: Final = 600.0
"""The autologout timer (RFC 1939 §3: at least 10 minutes)."""
_ERRORS_MAX: Final = 10
"""Mistakes one after another."""
_FAILURES_MAX: Final = 3
_QUICK: Final = frozenset({b"STAT", b"LIST", b"UIDL", b"RETR", b"TOP ", b"DELE", b"NOOP", b"RSET"})
_VOID: Final = Reply((wire.error("log in again", "AUTH"),), Then.CLOSE)
"""The account was suspended or removed, its password or plan changed, an app password revoked; nothing is deleted."""
_RENEW: Final = Wait(frozenset(), refresh_s=LEASE_S / 3)


class Connection:
    """A session; the kernel runs one command at a time."""

    def __init__(self, store: Store, peer: Peer, context: Callable[[bool], Context]) -> None:
        self._store: Final = store
        self._peer: Final = peer
        self._make_context: Final = context
        self._context = context(peer.tls)
        self._tls = peer.tls
        self._user: str | None = None
        self._exchange: Exchange | None = None
        self._drop: Maildrop | None = None
        self._leave: Leave | None = None
        self._errors = 0
        self._failures = 0

    # --- the kernel's side

    def greeting(self) -> Reply:
        return Reply((wire.ok("Escritoire POP3 ready"),))

    @property
    def most(self) -> int:
        return wire.RESPONSE_OCTETS if self._exchange is not None else wire.LINE_OCTETS

    def cut(self, buffer: bytearray) -> bytes | Reply | None:
        line = wire.cut_line(buffer)
        if line is None:
            if len(buffer) > self.most:
                return Reply((wire.error("line too long"),), Then.CLOSE)
            return None
        if len(line) > self.most:
            return Reply((wire.error("line too long"),), Then.CLOSE)
        return line

    def run(self, unit: bytes) -> Reply:
        if self._voided:
            return _VOID
        try:
            return self._continue(unit) if self._exchange is not None else self._command(unit)
        except Busy:
            return Reply((wire.error("try again", "SYS/TEMP"),))
        except StorageError as error:
            return Reply((wire.error(str(error), "SYS/PERM"),))

    def quick(self, unit: bytes) -> bool:
        """What is asked about the listing, and single mails, where the store is on this machine."""
        return self._drop is not None and self._store.engines.sqlite and unit[:4].upper() in _QUICK

    def woken(self) -> Reply:
        if self._drop is None:
            return NOTHING
        if self._voided:
            return _VOID
        try:
            self._drop.renew()
        except InUse:
            return Reply((wire.error("the lock was lost", "IN-USE"),), Then.CLOSE)
        except Busy:
            log.warning("lock not renewed")
        return Reply(wait=_RENEW)

    @property
    def _voided(self) -> bool:
        """What let the client in does not stand any more (SYS-04, ACC-01)."""
        return self._leave is not None and not self._leave.stands()

    def secured(self) -> None:
        self._tls = True
        self._context = self._make_context(True)
        self._user = None

    @property
    def timeout_s(self) -> float:
        return IDLE_S

    def working(self, unit: object) -> bytes:
        return b""  # RFC 1939 has no word for it

    def timed_out(self) -> bytes:
        return b""  # RFC 1939 §3: closed without a response, and without UPDATE

    def failed(self) -> bytes:
        return wire.error("internal error", "SYS/TEMP")

    def stopping(self) -> bytes:
        return wire.error("the server is going down", "SYS/TEMP")

    def closed(self) -> None:
        drop, self._drop = self._drop, None
        if drop is not None:
            drop.release()

    # --- commands

    def _command(self, line: bytes) -> Reply:
        word, _, rest = mechanisms.text(line).partition(" ")
        name = word.upper()
        if name in _ALWAYS:
            return _ALWAYS[name](self, rest)
        table = _BEFORE if self._drop is None else _AFTER
        if name in table:
            before = self._errors
            reply = table[name](self, rest)
            if self._errors == before:
                self._errors = 0
            return reply if self._drop is None or reply.then is not Then.GO_ON else Reply(reply.data, wait=_RENEW)
        if name in _BEFORE or name in _AFTER:
            return self._error("not in this state")
        return self._error("unknown command")

    def _error(self, text: str, code: str = "") -> Reply:
        self._errors += 1
        then = Then.CLOSE if self._errors > _ERRORS_MAX else Then.GO_ON
        return Reply((wire.error(text, code),), then)

    def _capa(self, _: str) -> Reply:
        """RFC 2449 §5."""
        lines = ["TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "EXPIRE NEVER", "UTF8", "LANG"]
        offered = mechanisms.offered(self._context)  # after the login too (RFC 2449 §5)
        if offered:
            lines += ["USER", "SASL " + " ".join(offered)]
        if self._drop is None and self._peer.starttls and not self._tls:
            lines.append("STLS")  # not after the login (RFC 2595 §8)
        lines.append("IMPLEMENTATION Escritoire")
        return Reply((wire.ok("capabilities"), wire.listing(line.encode() for line in lines)))

    def _stls(self, _: str) -> Reply:
        """RFC 2595 §4."""
        if self._tls or not self._peer.starttls:
            return self._error("TLS is not to be had here")
        return Reply((wire.ok("begin TLS"),), Then.STARTTLS)

    def _utf8(self, _: str) -> Reply:
        """RFC 6856 §2.1: what is sent is in UTF-8 already."""
        return Reply((wire.ok("UTF8"),))

    def _lang(self, rest: str) -> Reply:
        """RFC 6856 §3."""
        if not rest:
            return Reply((wire.ok("languages"), wire.listing([b"en English"])))
        if rest.lower() in ("en", "*", "i-default"):
            return Reply((wire.ok("en"),))
        return self._error("no such language")

    def _user_(self, rest: str) -> Reply:
        if not self._context.confidential:
            return self._error("begin TLS first", "AUTH")
        self._user = rest.strip()
        if not self._user:
            return self._error("USER name")
        return Reply((wire.ok("send the password"),))

    def _pass(self, rest: str) -> Reply:
        """All after the blank is the password, blanks included (RFC 1939 §7)."""
        user, self._user = self._user, None
        if not user:
            return self._error("USER first")
        return self._login(lambda: self._context.login(user, rest))

    def _auth(self, rest: str) -> Reply:
        """RFC 5034 §4."""
        if not rest:
            names = (name.encode() for name in mechanisms.offered(self._context))
            return Reply((wire.ok("mechanisms"), wire.listing(names)))
        name, _, initial = rest.partition(" ")
        exchange = mechanisms.start(name, self._context)
        if exchange is None:
            return self._error("no such mechanism here", "" if self._context.confidential else "AUTH")
        self._exchange = exchange
        if not initial:
            return self._step(None)
        return self._continue(b"" if initial == "=" else initial.encode())

    def _continue(self, line: bytes) -> Reply:
        if line == b"*":
            return self._refused(Cancelled())
        try:
            response = base64.b64decode(line, validate=True)
        except (binascii.Error, ValueError):
            return self._refused(Malformed())
        return self._step(response)

    def _step(self, response: bytes | None) -> Reply:
        exchange = self._exchange
        assert exchange is not None
        try:
            found = exchange.step(response)
        except AuthError as error:
            return self._refused(error)
        except Busy:  # its end all the same: what comes next is a command
            self._exchange = None
            raise
        if isinstance(found, Actor):
            self._exchange = None
            return self._login(lambda: found)
        return Reply((b"+ " + base64.b64encode(found) + b"\r\n",))

    def _login(self, identify: Callable[[], Actor]) -> Reply:
        try:
            actor = identify()
            self._drop = Maildrop(self._store, actor)
            self._leave = Leave(self._store, actor, self._context.gate)
        except AuthError as error:
            return self._refused(error)
        except InUse:
            return Reply((wire.error("another session has the maildrop", "IN-USE"),))
        count, octets = len(self._drop.states), sum(one.octets for one in self._drop.states)
        return Reply((wire.ok(f"{count} messages ({octets} octets)"),), wait=_RENEW)

    def _refused(self, error: AuthError) -> Reply:
        """RFC 3206: whether it is the login, or us; a closed gate as SPEC 0.4 has it."""
        self._exchange = None
        self._failures += 1
        then = Then.CLOSE if self._failures >= _FAILURES_MAX else Then.GO_ON
        code = "AUTH" if isinstance(error, BadCredentials | TlsRequired) else ""
        code = "SYS/PERM" if isinstance(error, NotAllowed) else code
        code = "LOGIN-DELAY" if isinstance(error, Throttled) else code
        return Reply((wire.error(str(error), code),), then)

    def _stat(self, _: str) -> Reply:
        held = self._held.numbered()
        return Reply((wire.ok(f"{len(held)} {sum(one.octets for _, one in held)}"),))

    def _list(self, rest: str) -> Reply:
        if rest.strip():
            return self._one(rest, lambda number, drop: wire.ok(f"{number} {drop.states[number - 1].octets}"))
        lines = (b"%d %d" % (number, one.octets) for number, one in self._held.numbered())
        return Reply((wire.ok("scan listing"), wire.listing(lines)))

    def _uidl(self, rest: str) -> Reply:
        if rest.strip():
            return self._one(rest, lambda number, drop: wire.ok(f"{number} {drop.unique_id(drop.states[number - 1])}"))
        drop = self._held
        lines = (f"{number} {drop.unique_id(one)}".encode() for number, one in drop.numbered())
        return Reply((wire.ok("unique ids"), wire.listing(lines)))

    def _retr(self, rest: str) -> Reply:
        def send(number: int, drop: Maildrop) -> bytes:
            data = drop.body(drop.states[number - 1])
            return wire.ok(f"{len(data)} octets") + wire.stuffed(data)

        return self._one(rest, send)

    def _top(self, rest: str) -> Reply:
        parts = rest.split()
        if len(parts) != 2 or not parts[1].isascii() or not parts[1].isdigit() or len(parts[1]) > 9:
            return self._error("TOP number lines")
        lines = int(parts[1])

        def send(number: int, drop: Maildrop) -> bytes:
            return wire.ok("top of it") + wire.stuffed(wire.top(drop.body(drop.states[number - 1]), lines))

        return self._one(parts[0], send)

    def _dele(self, rest: str) -> Reply:
        def mark(number: int, drop: Maildrop) -> bytes:
            drop.marked.add(number)
            return wire.ok(f"message {number} deleted")

        return self._one(rest, mark)

    def _rset(self, _: str) -> Reply:
        self._held.marked.clear()
        return Reply((wire.ok(),))

    def _noop(self, _: str) -> Reply:
        return Reply((wire.ok(),))

    def _quit(self, _: str) -> Reply:
        """The UPDATE state: what was marked goes to the Trash (RFC 1939 §6, POP-04)."""
        drop, self._drop = self._drop, None
        if drop is None:
            return Reply((wire.ok("bye"),), Then.CLOSE)
        try:
            moved = drop.carry_out()
        except (Busy, StorageError) as error:
            return Reply((wire.error(f"nothing was deleted: {error}", "SYS/TEMP"),), Then.CLOSE)
        finally:
            drop.release()
        return Reply((wire.ok(f"{moved} moved to Trash" if moved else "bye"),), Then.CLOSE)

    @property
    def _held(self) -> Maildrop:
        assert self._drop is not None
        return self._drop

    def _one(self, rest: str, answer: Callable[[int, Maildrop], bytes]) -> Reply:
        """Answer about one message, if there is one of that number."""
        text = rest.strip()
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
        if self._held.state(number) is None:
            return self._error("no such message")
        try:
            return Reply((answer(number, self._held),))
        except Gone:
            return Reply((wire.error("the message was removed meanwhile"),))


_Handler = Callable[[Connection, str], Reply]
_ALWAYS: Final[dict[str, _Handler]] = {
    "CAPA": Connection._capa,
    "QUIT": Connection._quit,
    "LANG": Connection._lang,
}
_BEFORE: Final[dict[str, _Handler]] = {
    "STLS": Connection._stls,
    "USER": Connection._user_,
    "PASS": Connection._pass,
    "AUTH": Connection._auth,
    "UTF8": Connection._utf8,
}
_AFTER: Final[dict[str, _Handler]] = {
    "STAT": Connection._stat,
    "LIST": Connection._list,
    "UIDL": Connection._uidl,
    "RETR": Connection._retr,
    "TOP": Connection._top,
    "DELE": Connection._dele,
    "RSET": Connection._rset,
    "NOOP": Connection._noop,
}
