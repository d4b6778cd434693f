"""One IMAP session: its state, its answers, and what it tells of others' changes (RFC 9051 §3, §5.2)."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Final

from auth.errors import AuthError
from auth.leave import Leave
from auth.sasl.context import Context
from auth.sasl.mechanisms import Exchange
from servers.imap import errors, others, render, table
from servers.imap.dialogue import Dialogue
from servers.imap.errors import Bad, No
from servers.imap.notify import Notify
from servers.imap.reader import Reader
from servers.imap.view import Shared, View
from servers.imap.wire import Cutter
from servers.line.session import NOTHING, Peer, Reply, Run, Then, Wait
from storage.errors import Busy, NotFound, StorageError
from storage.store import INLINE_OCTETS, Store
from storage.types import Actor, CollectionId

if TYPE_CHECKING:
    from servers.imap.joint import Kept

log = logging.getLogger(__name__)

IDLE_S: Final = 1_860.0
"""The autologout timer (RFC 9051 §5.4: at least 30 minutes)."""
STRANGER_S: Final = 120.0
"""How long nobody may stay without logging in."""
_ERRORS_MAX: Final = 20
"""Mistakes one after another."""
_FAILURES_MAX: Final = 4
_SLOW_S: Final = 1.0
_AGAIN_S: Final = 2.0
"""So soon a client that waits is looked after again when the database was away."""
_QUICK: Final = re.compile(
    rb"[^ ]+ (?:(?:UID )?FETCH \d+ "
    rb"\(?(?:(?:UID|FLAGS|ENVELOPE|BODYSTRUCTURE|RFC822\.SIZE|MODSEQ|BODY\.PEEK\[[^\]]*\]) ?)*\)?\Z|"
    rb"NOOP\Z|CHECK\Z|CAPABILITY\Z|STATUS |IDLE\Z|EXAMINE |SELECT )",
    re.IGNORECASE,
)
_APPEND: Final = re.compile(rb"[^ ]+ APPEND ", re.IGNORECASE)
_VOID: Final = Reply((b"* BYE log in again\r\n",), Then.CLOSE)
"""The account was suspended or removed, its password or plan changed, or an app password was revoked."""
_SEARCHES: Final = ("UID SEARCH", "UID SORT", "UID THREAD")


class Answer:
    """What a command says: untagged data, then its end."""

    def __init__(self, data: Iterable[bytes] = (), *, code: str = "", text: str = "", then: Then = Then.GO_ON) -> None:
        self.data = data
        self.code = code
        self.text = text
        self.then = then
        self.removals = True
        """Removals may be told with it, as far as the command lets them."""


def _after(line: bytes, data: Iterable[bytes]) -> Iterable[bytes]:
    """The line before the others (RFC 7162 §3.1: the first command that asks for change numbers)."""
    return (line, *data) if isinstance(data, tuple | list) else chain((line,), data)


class Connection:
    """A session; the kernel runs one command at a time."""

    def __init__(self, store: Store, shared: Shared, peer: Peer, context: Callable[[bool], Context]) -> None:
        self.store: Final = store
        self.shared: Final = shared
        self.peer: Final = peer
        self.tls = peer.tls
        self.context = context(peer.tls)
        self.actor: Actor | None = None
        self._leave: Leave | None = None
        self.view: View | None = None
        self.enabled: set[str] = set()
        self.compressed = False
        self.notify: Notify | None = None
        """What is told without being asked (RFC 5465)."""
        self.exchange: Dialogue | None = None
        """A login under way."""
        self.idling = ""
        """Tag of an IDLE under way."""
        self._make_context: Final = context
        self._cutter: Final = Cutter()
        self._errors = 0
        self._failures = 0
        self._before = b""
        """What is told before the answer."""
        self._over = False
        """The client was told BYE: the connection ends with this answer."""
        self._late = False
        """The database was away when others' changes were to be told: it is looked again soon."""

    # --- what commands ask

    @property
    def me(self) -> Actor:
        """Who is logged in."""
        assert self.actor is not None
        return self.actor

    @property
    def utf8(self) -> bool:
        """Names and texts may be UTF-8 (RFC 9051 §5.1, RFC 6855)."""
        return bool(self.enabled & {"IMAP4REV2", "UTF8=ACCEPT"})

    @property
    def rev2(self) -> bool:
        return "IMAP4REV2" in self.enabled

    @property
    def condstore(self) -> bool:
        return bool(self.enabled & {"CONDSTORE", "QRESYNC"})

    @property
    def qresync(self) -> bool:
        return "QRESYNC" in self.enabled

    @property
    def selected(self) -> View:
        """Raises: Bad: no mailbox is selected."""
        if self.view is None:
            raise Bad("select a mailbox first")
        return self.view

    def load(self) -> None:
        """Have the messages of the selected mailbox at hand."""
        view = self.selected
        if not view.loaded:
            with self.store.read(self.me) as tx:
                view.load(tx)
            self._before += others.new_keywords(view, view.unheard)

    def put(self, number: CollectionId, uids: Sequence[int]) -> None:
        """This client put messages into a mailbox."""
        if self.view is not None and self.view.id == number:
            self.view.mine.update(uids)

    def name(self, name: str) -> bytes:
        """A mailbox's name as this client reads it."""
        return render.mailbox(name, utf8=self.utf8)

    def let_in(self, actor: Actor) -> None:
        """Somebody is logged in."""
        self.actor = actor
        self._leave = Leave(self.store, actor, self.context.gate)
        self._cutter.known = True

    def let_out(self) -> None:
        """RFC 8437: as if nobody had logged in."""
        self.actor = self.view = self.notify = self._leave = None
        self.enabled.clear()
        self._cutter.known = False
        self.context = self._make_context(self.tls)

    # --- the kernel's side

    def greeting(self) -> Reply:
        return Reply((b"* OK [CAPABILITY %b] Escritoire ready\r\n" % table.capabilities(self).encode(),))

    @property
    def most(self) -> int:
        return self._cutter.most

    def cut(self, buffer: bytearray) -> bytes | Reply | None:
        if self.exchange is not None or self.idling:
            return self._cutter.cut_line(buffer, 32 * 1024)
        return self._cutter.cut(buffer)

    @property
    def _voided(self) -> bool:
        """What let the client in does not stand any more (SYS-04, ACC-01)."""
        return self._leave is not None and not self._leave.stands()

    def run(self, unit: bytes) -> Reply:
        if self.exchange is not None:
            return self._step(unit)
        if self._voided:
            return _VOID
        reply = self._end_idle(unit) if self.idling else self._command(unit)
        if self._before:
            before, self._before = self._before, b""
            reply = Reply(chain((before,), reply.data), reply.then, reply.wait)
        if self.notify is not None and reply.wait is None and reply.then is Then.GO_ON:
            return Reply(reply.data, wait=self._wait())
        return reply

    def quick(self, unit: bytes) -> bool:
        """Short questions, about one message or none, where the store is on this machine."""
        if self.exchange is not None or self.actor is None or not self.store.engines.sqlite:
            return False
        if self.view is not None and self.view.contexts:  # what is told with the answer may be a search in texts
            return False
        return bool(self.idling) or (len(unit) < 500 and _QUICK.match(unit) is not None)

    def joint(self, unit: bytes) -> Run | None:
        """An APPEND of small messages goes along with those of other sessions (servers/imap/joint.py).

        Only where there is one writer anyway: on PostgreSQL a mailbox that somebody holds would let everybody wait.
        """
        free = self.actor is not None and self.exchange is None and not self.idling and self.notify is None
        if not free or not self.store.engines.sqlite or len(unit) > INLINE_OCTETS or not _APPEND.match(unit):
            return None
        if self._voided:  # `run` says so
            return None
        from servers.imap import joint

        return joint.run

    def appended(self, tag: bytes, kept: Kept | Exception) -> Reply:
        """Answer an APPEND that was carried out together with others'.

        Raises:
            Exception: an error of ours.
        """
        if isinstance(kept, StorageError):
            return self._no(tag, errors.of_storage(kept))
        if isinstance(kept, Exception):
            raise kept
        from servers.imap.commands import appending

        self._errors = 0
        answer = appending.done(self, kept.mailbox, kept.placed)
        return self._reply(tag, "APPEND", table.find("APPEND", self), answer)

    def woken(self) -> Reply:
        if self.actor is None or not (self.idling or self.notify):
            return NOTHING
        if self._voided:
            return _VOID
        self._late = False
        data = self._idle_news() if self.idling else b""
        if self.notify is not None:
            data += self.notify.news(self)
        return Reply((data,), Then.CLOSE) if self._over else Reply((data,), wait=self._wait())

    def secured(self) -> None:
        self.tls = True
        self.context = self._make_context(True)

    @property
    def timeout_s(self) -> float:
        return IDLE_S if self.actor is not None else STRANGER_S

    def working(self, unit: bytes) -> bytes:
        """RFC 9585 §3: how far it is nobody knows."""
        tag = unit.partition(b" ")[0]
        if self.actor is None or self.exchange is not None or self.idling or not table.is_tag(tag):
            return b""
        return b'* OK [INPROGRESS ("%b" NIL NIL)] still at it\r\n' % tag

    def timed_out(self) -> bytes:
        return b"* BYE idle for too long\r\n"

    def failed(self) -> bytes:
        return b"* BYE [SERVERBUG] internal error\r\n"

    def stopping(self) -> bytes:
        return b"* BYE the server is going down: come again\r\n"

    def closed(self) -> None:
        self.view = None

    # --- commands

    def _command(self, line: bytes) -> Reply:
        started = time.monotonic()
        tag, blank, rest = line.partition(b" ")
        if not tag or not table.is_tag(tag):
            return self._bad(b"*", "a command begins with a tag" if blank or tag else "an empty line")
        reader = Reader(rest)
        reader.utf8 = self.utf8
        name = ""
        view, aware = self.view, self.condstore
        try:
            name = reader.word()
            if name == "UID" and self.view is not None:
                reader.space()
                name = f"UID {reader.word()}"
            command = table.find(name, self)
            if command.lists and self.notify is not None:
                return self._apart(self.notify, tag, name, command, reader)
            answer = command.run(self, reader, tag.decode())
            if answer is not None and reader.numbered and name.startswith(_SEARCHES):
                answer.removals = False  # a search names messages by numbers (RFC 7162 §3.2.10.2)
            if answer is None:  # the answer comes when the client said more
                return self._begun(tag)
            if view is not None and view is self.view and self.condstore and not aware:
                answer.data = _after(b"* OK [HIGHESTMODSEQ %d] told from now on\r\n" % view.modseq, answer.data)
            self._errors = 0
            return self._reply(tag, name, command, answer)
        except Bad as error:
            return self._bad(tag, str(error))
        except AuthError as error:
            return self.refused(error, tag.decode())
        except No as error:
            return self._no(tag, error)
        except NotFound as error:
            if self.view is not None and str(error) == str(self.view.id):
                self.view = None
                return Reply((b"* BYE the selected mailbox is gone\r\n",), Then.CLOSE)
            return self._no(tag, errors.of_storage(error))
        except StorageError as error:
            return self._no(tag, errors.of_storage(error))
        finally:
            if time.monotonic() - started > _SLOW_S:
                log.info("slow", extra={"command": name, "ms": int((time.monotonic() - started) * 1000)})

    def _apart(self, notify: Notify, tag: bytes, name: str, command: table.Command, reader: Reader) -> Reply:
        """A change of the list of mailboxes: others' are told before, so that its own is not (RFC 5465 §5)."""
        self._before = notify.news(self)
        try:
            answer = command.run(self, reader, tag.decode())
        finally:
            notify.look(self)
        assert answer is not None
        return self._reply(tag, name, command, answer)

    def _reply(self, tag: bytes, name: str, command: table.Command, answer: Answer) -> Reply:
        code = f"[{answer.code}] " if answer.code else ""
        text = answer.text or f"{name} done"
        end = tag + f" OK {code}{text}\r\n".encode("utf-8", "replace")
        if isinstance(answer.data, tuple | list):
            removals = command.removals and answer.removals
            news = self._news(removals=removals) if command.news else b""
            return Reply((*answer.data, news, end), Then.CLOSE if self._over else answer.then)
        return Reply(self._stream(tag, answer.data, command, end), answer.then)

    def _stream(self, tag: bytes, data: Iterable[bytes], command: table.Command, end: bytes) -> Iterator[bytes]:
        """A long answer; a refusal in its middle becomes its end."""
        try:
            yield from data
            if command.news:
                yield self._told_late(removals=command.removals)
        except No as error:
            if self.view is not None:
                yield others.held_back(self, self.view)
            yield self._no_line(tag, error)
            return
        except StorageError as error:
            yield self._no_line(tag, errors.of_storage(error))
            return
        yield end

    def _bad(self, tag: bytes, text: str) -> Reply:
        self._errors += 1
        line = tag + f" BAD {text}\r\n".encode("utf-8", "replace")
        if self._errors > _ERRORS_MAX:
            return Reply((line, b"* BYE too many mistakes\r\n"), Then.CLOSE)
        return Reply((line,))

    def _no(self, tag: bytes, error: No) -> Reply:
        return Reply((self._no_line(tag, error),))

    def _no_line(self, tag: bytes, error: No) -> bytes:
        code = f"[{error.code}] " if error.code else ""
        text = str(error).replace("\r", " ").replace("\n", " ")
        return error.before + tag + f" NO {code}{text}\r\n".encode("utf-8", "replace")

    # --- logging in

    def _begun(self, tag: bytes) -> Reply:
        if self.idling:
            return Reply((b"+ idling\r\n",), wait=self._wait())
        return self._step(None)

    def begin(self, tag: str, command: str, exchange: Exchange, initial: bytes | None) -> None:
        """An exchange follows; a response that came with the command is its first (RFC 4959)."""
        self.exchange = Dialogue(tag, command, exchange, initial)

    def _step(self, line: bytes | None) -> Reply:
        assert self.exchange is not None
        try:
            found = self.exchange.step(line)
        except AuthError as error:
            return self.refused(error)
        except Busy as error:  # the database is away: the exchange has ended, what comes next is a command
            tag, self.exchange = self.exchange.tag, None
            return self._no(tag.encode(), errors.of_storage(error))
        if not isinstance(found, Actor):
            return Reply((found,))
        tag, command = self.exchange.tag, self.exchange.command
        self.exchange = None
        self.let_in(found)
        code = f"[CAPABILITY {table.capabilities(self)}]"
        return Reply((f"{tag} OK {code} {command} done\r\n".encode(),))

    def refused(self, error: AuthError, tag: str = "") -> Reply:
        """A login failed; after some, the connection ends."""
        if self.exchange is not None:
            tag = self.exchange.tag
        self.exchange = None
        self._failures += 1
        said = errors.of_auth(error)
        if isinstance(said, Bad):
            reply = self._bad(tag.encode(), str(said))
        else:
            reply = self._no(tag.encode(), said)
        if self._failures >= _FAILURES_MAX:
            return Reply((*reply.data, b"* BYE too many failures\r\n"), Then.CLOSE)
        return reply

    # --- others' changes

    def _wait(self) -> Wait | None:
        watched = frozenset() if self.view is None else frozenset({self.view.id})
        if self.notify is not None:
            watched |= self.notify.watched
        return Wait(watched, refresh_s=_AGAIN_S if self._late else 0.0) if watched else None

    def _end_idle(self, line: bytes) -> Reply:
        tag, self.idling = self.idling.encode(), ""
        news = self._idle_news()
        end = b" OK IDLE done\r\n" if line.strip().upper() == b"DONE" else b" BAD DONE was expected\r\n"
        return Reply((news, tag + end), Then.CLOSE if self._over else Then.GO_ON)

    def _idle_news(self) -> bytes:
        """What an IDLE tells of the selected mailbox: after NOTIFY only what that wants (RFC 5465 §4)."""
        if self.notify is not None and not self.notify.of_selected("MessageNew"):
            return b""
        return self._news(removals=True)

    def news(self, *, removals: bool) -> bytes:
        """The same as `_news` for what is told without being asked."""
        return self._news(removals=removals)

    def _news(self, *, removals: bool) -> bytes:
        """What others did to the selected mailbox, as untagged responses (RFC 9051 §7).

        If it is gone, that is BYE: the end of the connection, as RFC 9051 §7.1.5 has it.
        """
        try:
            return self._changes(removals=removals)
        except NotFound:
            self.view, self._over = None, True
            return b"* BYE the selected mailbox is gone\r\n"

    def _told_late(self, *, removals: bool) -> bytes:
        """The same at the end of a long answer; that the mailbox is gone, the next command finds."""
        try:
            return self._changes(removals=removals)
        except NotFound:
            return b""

    def _changes(self, *, removals: bool) -> bytes:
        """Nothing while the database is away: what was asked for is done, and they are told the next time.

        Raises:
            NotFound: the mailbox is gone.
        """
        view = self.view
        if view is None or self.actor is None:
            return b""
        known = view.modseq
        try:
            with self.store.read(self.actor) as tx:
                return others.changes(self, tx, view, removals=removals)
        except Busy:
            if view.modseq != known:  # taken in and not told: what the client knows cannot be mended any more
                raise
            self._late = True
            return b""

    def postponed(self) -> None:
        """The database was away when something was to be told without being asked."""
        self._late = True
