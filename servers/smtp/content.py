"""DATA, BDAT and BURL, and what is answered to a whole mail (RFC 5321 §4.1.1.4, RFC 3030, RFC 4468)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Final

from servers.line.session import NOTHING, Reply, Then
from servers.smtp import accepting, burl, parser
from servers.smtp.accepting import Origin, Ready
from servers.smtp.envelope import Envelope
from servers.smtp.replies import AFTER_ERROR, Answer, Refusal, of_busy
from servers.smtp.state import State
from servers.smtp.wire import MESSAGE_OCTETS, Taken
from storage.errors import Busy, StorageError
from storage.mail.delivery import Delivered
from storage.store import INLINE_OCTETS

log = logging.getLogger(__name__)

_JOINT_MAX: Final = 10
"""A mail to more recipients is delivered by itself."""


def data(state: State, argument: str) -> Reply:
    envelope = _with_recipients(state)
    if envelope.chunks is not None:
        raise Refusal(503, "5.5.1", "not here")
    state.cutter.begin_data()
    state.begun = time.monotonic()
    return state.said(Answer(354, "", "go on, and end with a dot on a line by itself"))


def bdat(state: State, argument: str) -> Reply:
    """RFC 3030 §2; the octets follow at once, so a wrong number ends the session."""
    words = argument.upper().split()
    if (
        not words
        or not (words[0].isascii() and words[0].isdigit())
        or len(words[0]) > 12
        or words[1:] not in ([], ["LAST"])
    ):
        both = Answer(501, "5.5.4", "BDAT number [LAST]").render()
        return Reply((both + Answer(421, "4.5.0", "good bye").render(),), Then.CLOSE)
    size = int(words[0])
    if size > MESSAGE_OCTETS:
        both = Answer(552, "5.3.4", f"a mail has at most {MESSAGE_OCTETS} octets").render()
        return Reply((both + Answer(421, "4.5.0", "good bye").render(),), Then.CLOSE)
    envelope = state.envelope
    if envelope is None or not envelope.to:
        envelope = Envelope(parser.Path(""))  # swallowed, and refused when it is there
    taken = envelope.chunks or Taken()
    envelope.chunks = taken
    state.last_chunk = words[1:] == ["LAST"]
    state.begun = state.begun if taken.octets else time.monotonic()
    state.cutter.begin_chunk(size, taken)
    return NOTHING if size else came(state, _chunk_of_nothing(state, taken))


def fetch(state: State, argument: str) -> Reply:
    """RFC 4468 §3.2; it stands among the chunks of BDAT, and counts as one of them."""
    if not state.submission:
        raise Refusal(502, "5.5.1", "BURL is for submission")
    asked = burl.read(argument)
    envelope = _with_recipients(state)
    actor = state.actor
    assert actor is not None  # MAIL was given
    taken = envelope.chunks = envelope.chunks or Taken()
    state.begun = state.begun if taken.octets else time.monotonic()
    try:
        taken.add(burl.fetch(state.store, actor, asked.url))
    except Refusal:
        state.reset()  # RFC 4468 §3.2: what came before it is no mail
        raise
    state.last_chunk = asked.last
    return came(state, taken)


def _chunk_of_nothing(state: State, taken: Taken) -> Taken:
    state.cutter.cut(bytearray())  # an empty chunk is whole at once
    return taken


def _with_recipients(state: State) -> Envelope:
    envelope = state.envelope
    if envelope is None:
        raise Refusal(503, "5.5.1", "MAIL first")
    if not envelope.to:  # RFC 2033 §4.2; RFC 5321 §3.3 leaves the choice
        raise Refusal(503 if state.lmtp else 554, "5.5.1", "there is no recipient")
    return envelope


def came(state: State, taken: Taken) -> Reply:
    envelope = state.envelope
    if envelope is None or not envelope.to:
        taken.close()
        raise Refusal(503, "5.5.1", "MAIL and RCPT first")
    if envelope.chunks is taken and not state.last_chunk and not taken.too_large:
        return state.said(Answer(250, "2.0.0", f"{taken.octets} octets so far"))
    return _concluded(state, taken, lambda envelope: _accepted(state, envelope, taken))


def is_joint(state: State, unit: bytes | Taken) -> bool:
    """Whether it is a small mail for people of this desk, of which nobody else is asked (servers/smtp/joint.py).

    Only where there is one writer anyway: on PostgreSQL a mailbox that somebody holds would let everybody wait.
    """
    envelope = state.envelope
    return (
        isinstance(unit, Taken)
        and envelope is not None
        and state.store.engines.sqlite
        and state.checks is None
        and not state.submission
        and unit.octets <= INLINE_OCTETS
        and 0 < len(envelope.to) <= _JOINT_MAX
        and (envelope.chunks is not unit or state.last_chunk)
        and not any(to.destination is None or to.destination.elsewhere or to.notify for to in envelope.to)
    )


def read(state: State, taken: Taken) -> Ready | None:
    """Read a whole mail; None: there is more to do than to deliver it, and nothing was done."""
    envelope = state.envelope
    if envelope is None:
        return None
    data = taken.read()
    if not data or (taken.bare and not state.lmtp):
        return None
    try:
        return accepting.ready(state.store, state.site, _origin(state, envelope), envelope, data)
    except (Refusal, StorageError, OSError):
        return None


def delivered(state: State, taken: Taken, ready: Ready, kept: Sequence[Delivered | Exception]) -> Reply:
    """Answer a mail that was read, and delivered together with others'; `kept` is what became of its copies."""

    def answered(envelope: Envelope) -> list[Answer]:
        return _said_to_all(state, envelope, ready.answers(kept), ready.mail)

    return _concluded(state, taken, answered)


def _concluded(state: State, taken: Taken, take: Callable[[Envelope], list[Answer]]) -> Reply:
    envelope = state.envelope
    assert envelope is not None
    try:
        answers = take(envelope)
    except Refusal as refusal:
        answers = [refusal.answer] * (len(envelope.to) if state.lmtp else 1)
    except Busy as error:
        answers = [of_busy(error)] * (len(envelope.to) if state.lmtp else 1)
    except StorageError as error:
        log.warning("refused", extra={"reason": str(error)})
        answers = [AFTER_ERROR] * (len(envelope.to) if state.lmtp else 1)
    finally:
        taken.close()
        state.reset()
    return Reply((b"".join(answer.render() for answer in answers),))


def _accepted(state: State, envelope: Envelope, taken: Taken) -> list[Answer]:
    if taken.too_large:
        raise Refusal(552, "5.3.4", f"a mail has at most {MESSAGE_OCTETS} octets")
    data = taken.read()
    if taken.bare and not state.lmtp and not state.submission:
        raise Refusal(550, "5.6.0", "a CR or LF stands alone: lines end with CRLF")
    if not data:
        raise Refusal(554, "5.6.0", "the mail is empty")
    origin = _origin(state, envelope)
    if state.submission:
        return [accepting.submit(state.store, state.site, origin, envelope, data, state.own)]
    verdict = None
    if state.checks is not None:
        verdict = state.checks.at_data(state.helo, state.peer.address, envelope.sender.address, data)
    mail = accepting.opened(
        state.site, origin, verdict.stripped if verdict is not None else data,
        added=verdict.added if verdict is not None else b"", spam=verdict is not None and verdict.spam,
    )  # fmt: skip
    return _said_to_all(state, envelope, accepting.receive(state.store, envelope, mail), mail)


def _said_to_all(state: State, envelope: Envelope, answers: list[Answer], mail: accepting.Mail) -> list[Answer]:
    return answers if state.lmtp else [_together(state, envelope, answers, mail)]


def _origin(state: State, envelope: Envelope) -> Origin:
    return Origin(_protocol(state, envelope), state.helo, state.peer.address, state.actor)


def _together(state: State, envelope: Envelope, answers: list[Answer], mail: accepting.Mail) -> Answer:
    """One answer for several recipients: what was refused to some of them goes back to the sender by mail."""
    refused = [number for number, answer in enumerate(answers) if not answer.good]
    if not refused:
        return Answer(250, "2.0.0", "delivered")
    if not any(answer.good and to.destination for to, answer in zip(envelope.to, answers, strict=True)):
        return max(answers, key=lambda answer: answer.code)
    # Some have it: a refusal would bring it to them again. The others' copies are tried again, or come back;
    # but not to whom it came before.
    again = [envelope.to[number] for number in refused if answers[number] is not accepting.LOOP]
    accepting.postpone(state.store, envelope, again, mail)
    return Answer(250, "2.0.0", "delivered to some, the others will be tried again")


def _protocol(state: State, envelope: Envelope) -> str:
    """RFC 3848, RFC 6531 §4.3."""
    name = "LMTP" if state.lmtp else "ESMTP" if state.extended else "SMTP"
    if envelope.smtputf8:
        name = "UTF8" + name.replace("ESMTP", "SMTP")
    return name + ("S" if state.tls and state.extended else "") + ("A" if state.actor is not None else "")
