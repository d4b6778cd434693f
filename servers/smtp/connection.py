"""One session: mx, submission and LMTP are three tables over one set of commands (RFC 5321 §4.1)."""

from __future__ import annotations

import base64
import binascii
import logging
import time
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from auth.errors import AuthError
from auth.sasl import mechanisms
from auth.sasl.context import Cancelled, Context, Malformed
from auth.sasl.mechanisms import Exchange
from servers.line.session import NOTHING, Peer, Reply, Run, Then
from servers.smtp import accepting, burl, joint, parser, replies
from servers.smtp.accepting import Origin, Ready
from servers.smtp.checks import Checks
from servers.smtp.envelope import Envelope, To
from servers.smtp.replies import AFTER_ERROR, BUSY, OK, Answer, Refusal
from servers.smtp.wire import MESSAGE_OCTETS, Cutter, Mode, Taken
from storage.errors import Busy, StorageError
from storage.mail import sending
from storage.mail.delivery import Delivered
from storage.mail.routing import Site, find, is_own
from storage.store import INLINE_OCTETS, Store
from storage.types import SITE, Actor

log = logging.getLogger(__name__)

_U = TypeVar("_U")
IDLE_S: Final = 300.0
"""RFC 5321 §4.5.3.2.7."""
DATA_S: Final = 3_600.0
"""No message takes longer to come."""
_ERRORS_MAX: Final = 20
_UNKNOWN_MAX: Final = 10
_FAILURES_MAX: Final = 4
_JOINT_MAX: Final = 10
"""A mail to more recipients is delivered by itself."""
_QUICK: Final = frozenset({b"EHLO", b"HELO", b"LHLO", b"MAIL", b"RCPT", b"DATA", b"RSET", b"NOOP", b"QUIT"})
_PARAMETERS: Final = frozenset({"SIZE", "BODY", "SMTPUTF8", "AUTH", "RET", "ENVID", "REQUIRETLS"})


class Connection:
    """A session; the kernel runs one unit at a time."""

    def __init__(
        self, store: Store, site: Site, peer: Peer, context: Callable[[bool], Context], checks: Checks | None = None
    ) -> None:
        self._store: Final = store
        self._site: Final = site
        self._peer: Final = peer
        self._checks: Final = checks
        self._make_context: Final = context
        self._context = context(peer.tls)
        self._tls = peer.tls
        self._lmtp: Final = peer.listener == "lmtp"
        self._submission: Final = peer.listener in ("submission", "submissions")
        self._helo = ""
        self._extended = False
        self._actor: Actor | None = None
        self._own: tuple[str, ...] = ()
        self._limit: int = site.recipients_max
        self._exchange: Exchange | None = None
        self._envelope: Envelope | None = None
        self._cutter: Final = Cutter()
        self._errors = 0
        self._unknown = 0
        self._failures = 0
        self._begun = 0.0
        self._last_chunk = False

    # --- the kernel's side

    def greeting(self) -> Reply:
        kind = "LMTP" if self._lmtp else "ESMTP"
        return self._said(Answer(220, "", f"{self._site.hostname} {kind} Escritoire"))

    @property
    def most(self) -> int:
        return self._cutter.most

    def cut(self, buffer: bytearray) -> bytes | Taken | Reply | None:
        if self._cutter.mode in (Mode.DATA, Mode.CHUNK) and time.monotonic() - self._begun > DATA_S:
            return Reply((Answer(421, "4.4.2", "that takes too long").render(),), Then.CLOSE)
        return self._cutter.cut(buffer)

    def run(self, unit: bytes | Taken) -> Reply:
        if isinstance(unit, Taken):
            return self._guarded(self._data_came, unit)
        return self._guarded(self._command if self._exchange is None else self._continue, unit)

    def _guarded(self, work: Callable[[_U], Reply], unit: _U) -> Reply:
        try:
            return work(unit)
        except Refusal as refusal:
            return self._error(refusal.answer)
        except Busy:
            return self._said(BUSY)
        except StorageError as error:
            log.warning("refused", extra={"reason": str(error)})
            return self._said(AFTER_ERROR)

    def quick(self, unit: bytes | Taken) -> bool:
        """All that comes before the data, where the store is on this machine and nobody else is asked."""
        return (
            isinstance(unit, bytes)
            and self._exchange is None
            and self._checks is None
            and self._store.engines.sqlite
            and unit[:4].upper() in _QUICK
        )

    def joint(self, unit: bytes | Taken) -> Run | None:
        """A small mail for people of this desk, of which nobody else is asked (servers/smtp/joint.py).

        Only where there is one writer anyway: on PostgreSQL a mailbox that somebody holds would let everybody wait.
        """
        envelope = self._envelope
        if (
            not isinstance(unit, Taken)
            or envelope is None
            or not self._store.engines.sqlite
            or self._checks is not None
            or self._submission
            or unit.octets > INLINE_OCTETS
            or not 0 < len(envelope.to) <= _JOINT_MAX
            or (envelope.chunks is unit and not self._last_chunk)
            or any(to.destination is None or to.destination.elsewhere or to.notify for to in envelope.to)
        ):
            return None
        return joint.run

    def read(self, taken: Taken) -> Ready | None:
        """Read a whole mail; None: there is more to do than to deliver it, and nothing was done."""
        envelope = self._envelope
        if envelope is None:
            return None
        data = taken.read()
        if not data or (taken.bare and not self._lmtp):
            return None
        try:
            return accepting.ready(self._store, self._site, self._origin(envelope), envelope, data)
        except (Refusal, StorageError, OSError):
            return None

    def delivered(self, taken: Taken, ready: Ready, kept: Sequence[Delivered | Exception]) -> Reply:
        """Answer a mail that was read, and delivered together with others'; `kept` is what became of its copies."""

        def answered(envelope: Envelope) -> list[Answer]:
            return self._said_to_all(envelope, ready.answers(kept), ready.mail)

        return self._guarded(lambda _: self._concluded(taken, answered), taken)

    def woken(self) -> Reply:
        return NOTHING

    def secured(self) -> None:
        """RFC 3207 §4.2: what was said before counts no more."""
        self._tls = True
        self._context = self._make_context(True)
        self._helo, self._actor = "", None
        self._reset()

    @property
    def timeout_s(self) -> float:
        return IDLE_S

    def working(self, unit: object) -> bytes:
        return b""  # RFC 5321 §4.2: one reply to a command

    def timed_out(self) -> bytes:
        return Answer(421, "4.4.2", f"{self._site.hostname} idle for too long").render()

    def failed(self) -> bytes:
        return Answer(421, "4.3.0", "internal error").render()

    def stopping(self) -> bytes:
        return Answer(421, "4.3.2", f"{self._site.hostname} is going down").render()

    def closed(self) -> None:
        self._reset()
        self._cutter.close()

    # --- commands

    def _said(self, answer: Answer, then: Then = Then.GO_ON) -> Reply:
        return Reply((answer.render(),), then)

    def _error(self, answer: Answer) -> Reply:
        self._errors += 1
        if self._errors > _ERRORS_MAX:
            both = answer.render() + Answer(421, "4.7.0", "too many errors").render()
            return Reply((both,), Then.CLOSE)
        return self._said(answer)

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
        if argument.strip(" ") and handler in _BARE:
            raise Refusal(501, "5.5.4", f"{word.upper()} takes nothing")
        return handler(self, argument.strip(" "))

    def _ehlo(self, argument: str) -> Reply:
        if self._lmtp:
            raise Refusal(500, "5.5.1", "this is LMTP: say LHLO")
        return self._greet(argument, extended=True)

    def _lhlo(self, argument: str) -> Reply:
        if not self._lmtp:
            raise Refusal(500, "5.5.1", "this is SMTP: say EHLO")
        return self._greet(argument, extended=True)

    def _helo_(self, argument: str) -> Reply:
        if self._lmtp:
            raise Refusal(500, "5.5.1", "this is LMTP: say LHLO")
        return self._greet(argument, extended=False)

    def _greet(self, argument: str, *, extended: bool) -> Reply:
        name = argument.split(" ")[0]
        if not name or len(name) > 255 or not name.isprintable():
            raise Refusal(501, "5.5.4", "say who you are")
        self._reset()
        self._helo, self._extended = name, extended
        if not extended:
            return self._said(Answer(250, "", self._site.hostname))
        return self._said(Answer(250, "", "\n".join((self._site.hostname, *self._keywords()))))

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
        if self._tls:
            found.append("REQUIRETLS")
        elif self._peer.starttls:
            found.append("STARTTLS")
        if self._submission:  # RFC 4468 §3.1: what it takes is said to whoever is logged in
            found.append("BURL" if self._actor is None else "BURL imap")
        if self._submission and self._actor is None:
            offered = mechanisms.offered(self._context)
            found += [f"AUTH {' '.join(offered)}"] if offered else []
        return found

    def _starttls(self, argument: str) -> Reply:
        if argument:
            raise Refusal(501, "5.5.4", "STARTTLS takes nothing")
        if self._tls or not self._peer.starttls:
            raise Refusal(503, "5.5.1", "TLS is not to be had here")
        return self._said(Answer(220, "2.0.0", "begin TLS"), Then.STARTTLS)

    def _auth(self, argument: str) -> Reply:
        """RFC 4954 §4."""
        if not self._submission:
            raise Refusal(503, "5.5.1", "nobody logs in here: use the submission ports")
        if self._actor is not None or self._envelope is not None or not self._extended:
            raise Refusal(503, "5.5.1", "not now")
        name, _, initial = argument.partition(" ")
        if not name:
            raise Refusal(501, "5.5.4", "AUTH takes a mechanism")
        exchange = mechanisms.start(name, self._context)
        if exchange is None:
            if not self._context.confidential:
                raise Refusal(538, "5.7.11", "begin TLS first")
            raise Refusal(504, "5.5.4", "there is no such mechanism")
        self._exchange = exchange
        self._cutter.mode = Mode.AUTH
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
        assert self._exchange is not None
        try:
            found = self._exchange.step(response)
        except AuthError as error:
            return self._refused(error)
        if not isinstance(found, Actor):
            return Reply((b"334 " + base64.b64encode(found) + b"\r\n",))
        self._exchange, self._cutter.mode = None, Mode.COMMAND
        self._actor = found
        with self._store.read(SITE) as tx:
            self._own = sending.addresses(tx, found, self._site.domains)
            self._limit = min(self._site.recipients_max, sending.recipients_max(tx, found) or self._site.recipients_max)
        return self._said(Answer(235, "2.7.0", "you are welcome"))

    def _refused(self, error: AuthError) -> Reply:
        self._exchange, self._cutter.mode = None, Mode.COMMAND
        self._failures += 1
        answer = replies.of_auth(error)
        if self._failures >= _FAILURES_MAX:
            return Reply((answer.render() + Answer(421, "4.7.0", "too many failures").render(),), Then.CLOSE)
        return self._error(answer)

    def _mail(self, argument: str) -> Reply:
        """RFC 5321 §4.1.1.2."""
        if not self._helo:
            raise Refusal(503, "5.5.1", f"{'LHLO' if self._lmtp else 'EHLO'} first")
        if self._envelope is not None:
            raise Refusal(503, "5.5.1", "a mail is under way")
        if self._submission and self._actor is None:
            raise Refusal(530, "5.7.0", "log in first")
        path = parser.read(argument, "FROM", null=True)
        given = path.parameters
        if unknown := set(given) - _PARAMETERS:
            raise Refusal(555, "5.5.4", f"there is no parameter {min(unknown)}")
        size = parser.size(given["SIZE"]) if "SIZE" in given else 0
        if size > MESSAGE_OCTETS:
            raise Refusal(552, "5.3.4", f"a mail has at most {MESSAGE_OCTETS} octets")
        if given.get("BODY", "7BIT").upper() not in ("7BIT", "8BITMIME"):
            raise Refusal(501, "5.5.4", "BODY is 7BIT or 8BITMIME")
        if given.get("RET", "FULL").upper() not in ("FULL", "HDRS"):
            raise Refusal(501, "5.5.4", "RET is FULL or HDRS")
        if given.get("SMTPUTF8") or given.get("REQUIRETLS"):  # RFC 6531 §3.4, RFC 8689 §2
            raise Refusal(501, "5.5.4", "SMTPUTF8 and REQUIRETLS take no value")
        if "REQUIRETLS" in given and not self._tls:
            raise Refusal(530, "5.7.10", "REQUIRETLS needs TLS")
        if "AUTH" in given:
            parser.auth(given["AUTH"])
        if not path.address.isascii() and "SMTPUTF8" not in given:
            raise Refusal(553, "5.6.7", "such an address needs SMTPUTF8")
        if self._submission and path.address and not sending.may_send_from(self._own, path.address):
            raise Refusal(550, "5.7.1", f"{path.address} is none of your addresses")
        if self._checks is not None:
            self._checks.at_mail(self._helo, self._peer.address, path.address)
        self._envelope = Envelope(
            path,
            size,
            "SMTPUTF8" in given,
            "REQUIRETLS" in given,
            given.get("RET", "").upper(),
            parser.envid(given["ENVID"]) if "ENVID" in given else "",
        )
        return self._said(Answer(250, "2.1.0", "sender OK"))

    def _rcpt(self, argument: str) -> Reply:
        """RFC 5321 §4.1.1.3: whether there is such a recipient is said here."""
        envelope = self._envelope
        if envelope is None:
            raise Refusal(503, "5.5.1", "MAIL first")
        if envelope.chunks is not None:  # RFC 5321 §4.1.4, RFC 3030 §2: recipients come before the data
            raise Refusal(503, "5.5.1", "the data are under way")
        path = parser.read(argument, "TO", null=False)
        given = path.parameters
        if unknown := set(given) - {"NOTIFY", "ORCPT"}:
            raise Refusal(555, "5.5.4", f"there is no parameter {min(unknown)}")
        if not path.address.isascii() and not envelope.smtputf8:
            raise Refusal(553, "5.6.7", "such an address needs SMTPUTF8")
        if not self._lmtp and any(to.address.lower() == path.address.lower() for to in envelope.to):
            return self._said(Answer(250, "2.1.5", "recipient OK"))  # once is enough; LMTP counts answers
        if len(envelope.to) >= self._limit:
            raise Refusal(452, "4.5.3", f"a mail has at most {self._limit} recipients")
        notify = parser.notify(given["NOTIFY"]) if "NOTIFY" in given else ""
        orcpt = parser.orcpt(given["ORCPT"]) if "ORCPT" in given else ""
        if (
            self._submission
            and path.domain.partition(".")[0] in ("sms", "fax", "list", "group")
            and ("." not in path.domain or path.domain.partition(".")[2] in self._site.domains)
        ):
            raise Refusal(550, "5.1.2", f"@{path.domain} is not served on this desk yet")  # MSG-05
        if not is_own(self._site, path.address):
            if not self._submission:
                raise Refusal(550, "5.7.1", "relaying is denied: that is none of our domains")
            envelope.to.append(To(path.address, None, notify, orcpt))
            return self._said(Answer(250, "2.1.5", "recipient OK"))
        # SMTP-08, MSG-62: the sender is told before the data where a mailbox is full; a submitter, by the queue.
        octets = None if self._submission else max(envelope.size, 1)
        destination = find(self._store, self._site, path.address, octets=octets)
        if not destination:
            self._unknown += 1
            if self._unknown >= _UNKNOWN_MAX and not self._submission:
                answer = Answer(421, "4.7.0", "too many unknown recipients")
                return self._said(answer, Then.CLOSE)
            raise Refusal(550, "5.1.1", "there is no such recipient")
        if destination.full:
            raise Refusal(452, "4.2.2", "the mailbox is full")
        if self._checks is not None:
            self._checks.at_rcpt(self._peer.address, envelope.sender.address, path.address)
        envelope.to.append(To(path.address, destination, notify, orcpt))
        return self._said(Answer(250, "2.1.5", "recipient OK"))

    def _data(self, argument: str) -> Reply:
        envelope = self._with_recipients()
        if envelope.chunks is not None:
            raise Refusal(503, "5.5.1", "not here")
        self._cutter.begin_data()
        self._begun = time.monotonic()
        return self._said(Answer(354, "", "go on, and end with a dot on a line by itself"))

    def _bdat(self, argument: str) -> Reply:
        """RFC 3030 §2; the octets follow at once, so a wrong number ends the session."""
        words = argument.upper().split()
        if not words or not words[0].isdigit() or len(words[0]) > 12 or words[1:] not in ([], ["LAST"]):
            both = Answer(501, "5.5.4", "BDAT number [LAST]").render()
            return Reply((both + Answer(421, "4.5.0", "good bye").render(),), Then.CLOSE)
        size = int(words[0])
        if size > MESSAGE_OCTETS:
            both = Answer(552, "5.3.4", f"a mail has at most {MESSAGE_OCTETS} octets").render()
            return Reply((both + Answer(421, "4.5.0", "good bye").render(),), Then.CLOSE)
        envelope = self._envelope
        if envelope is None or not envelope.to:
            envelope = Envelope(parser.Path(""))  # swallowed, and refused when it is there
        taken = envelope.chunks or Taken()
        envelope.chunks = taken
        self._last_chunk = words[1:] == ["LAST"]
        self._begun = self._begun if taken.octets else time.monotonic()
        self._cutter.begin_chunk(size, taken)
        return NOTHING if size else self._data_came(self._chunk_of_nothing(taken))

    def _burl(self, argument: str) -> Reply:
        """RFC 4468 §3.2; it stands among the chunks of BDAT, and counts as one of them."""
        if not self._submission:
            raise Refusal(502, "5.5.1", "BURL is for submission")
        asked = burl.read(argument)
        envelope = self._with_recipients()
        actor = self._actor
        assert actor is not None  # MAIL was given
        taken = envelope.chunks = envelope.chunks or Taken()
        self._begun = self._begun if taken.octets else time.monotonic()
        try:
            taken.add(burl.fetch(self._store, actor, asked.url))
        except Refusal:
            self._reset()  # RFC 4468 §3.2: what came before it is no mail
            raise
        self._last_chunk = asked.last
        return self._data_came(taken)

    def _chunk_of_nothing(self, taken: Taken) -> Taken:
        self._cutter.cut(bytearray())  # an empty chunk is whole at once
        return taken

    def _with_recipients(self) -> Envelope:
        envelope = self._envelope
        if envelope is None:
            raise Refusal(503, "5.5.1", "MAIL first")
        if not envelope.to:  # RFC 2033 §4.2; RFC 5321 §3.3 leaves the choice
            raise Refusal(503 if self._lmtp else 554, "5.5.1", "there is no recipient")
        return envelope

    # --- a whole mail

    def _data_came(self, taken: Taken) -> Reply:
        envelope = self._envelope
        if envelope is None or not envelope.to:
            taken.close()
            raise Refusal(503, "5.5.1", "MAIL and RCPT first")
        if envelope.chunks is taken and not self._last_chunk and not taken.too_large:
            return self._said(Answer(250, "2.0.0", f"{taken.octets} octets so far"))
        return self._concluded(taken, lambda envelope: self._accepted(envelope, taken))

    def _concluded(self, taken: Taken, take: Callable[[Envelope], list[Answer]]) -> Reply:
        envelope = self._envelope
        assert envelope is not None
        try:
            answers = take(envelope)
        except Refusal as refusal:
            answers = [refusal.answer] * (len(envelope.to) if self._lmtp else 1)
        except Busy:
            answers = [BUSY] * (len(envelope.to) if self._lmtp else 1)
        except StorageError as error:
            log.warning("refused", extra={"reason": str(error)})
            answers = [AFTER_ERROR] * (len(envelope.to) if self._lmtp else 1)
        finally:
            taken.close()
            self._reset()
        return Reply((b"".join(answer.render() for answer in answers),))

    def _accepted(self, envelope: Envelope, taken: Taken) -> list[Answer]:
        if taken.too_large:
            raise Refusal(552, "5.3.4", f"a mail has at most {MESSAGE_OCTETS} octets")
        data = taken.read()
        if taken.bare and not self._lmtp and not self._submission:
            raise Refusal(550, "5.6.0", "a CR or LF stands alone: lines end with CRLF")
        if not data:
            raise Refusal(554, "5.6.0", "the mail is empty")
        origin = self._origin(envelope)
        if self._submission:
            return [accepting.submit(self._store, self._site, origin, envelope, data, self._own)]
        verdict = None
        if self._checks is not None:
            verdict = self._checks.at_data(self._helo, self._peer.address, envelope.sender.address, data)
        mail = accepting.opened(
            self._site, origin, verdict.stripped if verdict is not None else data,
            added=verdict.added if verdict is not None else b"", spam=verdict is not None and verdict.spam,
        )  # fmt: skip
        return self._said_to_all(envelope, accepting.receive(self._store, envelope, mail), mail)

    def _said_to_all(self, envelope: Envelope, answers: list[Answer], mail: accepting.Mail) -> list[Answer]:
        return answers if self._lmtp else [self._together(envelope, answers, mail)]

    def _origin(self, envelope: Envelope) -> Origin:
        return Origin(self._protocol(envelope), self._helo, self._peer.address, self._actor)

    def _together(self, envelope: Envelope, answers: list[Answer], mail: accepting.Mail) -> Answer:
        """One answer for several recipients: what was refused to some of them goes back to the sender by mail."""
        refused = [number for number, answer in enumerate(answers) if not answer.good]
        if not refused:
            return Answer(250, "2.0.0", "delivered")
        if len(refused) == len(answers):
            return max(answers, key=lambda answer: answer.code)
        # Some have it: a refusal would bring it to them again. The others' copies are tried again, or come back;
        # but not to whom it came before.
        again = [envelope.to[number] for number in refused if answers[number] is not accepting.LOOP]
        accepting.postpone(self._store, envelope, again, mail)
        return Answer(250, "2.0.0", "delivered to some, the others will be tried again")

    def _protocol(self, envelope: Envelope) -> str:
        """RFC 3848, RFC 6531 §4.3."""
        name = "LMTP" if self._lmtp else "ESMTP" if self._extended else "SMTP"
        if envelope.smtputf8:
            name = "UTF8" + name.replace("ESMTP", "SMTP")
        return name + ("S" if self._tls and self._extended else "") + ("A" if self._actor is not None else "")

    # --- the rest

    def _rset(self, argument: str) -> Reply:
        self._reset()
        return self._said(OK)

    def _noop(self, argument: str) -> Reply:
        return self._said(OK)

    def _vrfy(self, argument: str) -> Reply:
        """RFC 5321 §3.5.3: it is not said who is here."""
        if not argument:
            raise Refusal(501, "5.5.4", "VRFY takes a name")
        return self._said(Answer(252, "2.1.5", "send it, and it will be seen"))

    def _expn(self, argument: str) -> Reply:
        raise Refusal(502, "5.7.0", "lists are nobody's business")

    def _help(self, argument: str) -> Reply:
        return self._said(Answer(214, "2.0.0", "RFC 5321 says it all"))

    def _quit(self, argument: str) -> Reply:
        return self._said(Answer(221, "2.0.0", f"{self._site.hostname} good bye"), Then.CLOSE)

    def _reset(self) -> None:
        envelope, self._envelope = self._envelope, None
        if envelope is not None:
            envelope.close()


_COMMANDS: Final[dict[str, Callable[[Connection, str], Reply]]] = {
    "EHLO": Connection._ehlo,
    "HELO": Connection._helo_,
    "LHLO": Connection._lhlo,
    "STARTTLS": Connection._starttls,
    "AUTH": Connection._auth,
    "MAIL": Connection._mail,
    "RCPT": Connection._rcpt,
    "DATA": Connection._data,
    "BDAT": Connection._bdat,
    "BURL": Connection._burl,
    "RSET": Connection._rset,
    "NOOP": Connection._noop,
    "VRFY": Connection._vrfy,
    "EXPN": Connection._expn,
    "HELP": Connection._help,
    "QUIT": Connection._quit,
}
_BARE: Final = frozenset({Connection._data, Connection._rset, Connection._quit})
"""Nothing may follow them (RFC 5321 §4.1.1)."""
