"""What happens with a whole mail: 250 is said when every recipient's copy is on disk, here or in the queue (SMTP-08).

Nothing is sent from here, and nothing is half stored: what cannot be delivered at this moment waits in the queue,
and what cannot be stored at all is refused with 4yz.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from servers.smtp.envelope import Envelope, To
from servers.smtp.replies import NO_ROOM, OK, Answer, Refusal, of_busy
from storage.errors import Busy, NotFound, OverQuota, StorageError, TooLarge
from storage.formats import imip
from storage.formats import mail_header as fields
from storage.mail import appending, delivery, routing, sending, submitting
from storage.mail.recipients import Recipient
from storage.mail.routing import Site
from storage.outbound import queue
from storage.outbound.types import Target
from storage.scheduling import incoming
from storage.store import Store
from storage.types import SITE, Actor

log = logging.getLogger(__name__)

LOOP: Final = Answer(554, "5.4.6", "it was delivered there before: a loop")
FULL: Final = Answer(452, "4.2.2", "the mailbox is full")
GONE: Final = Answer(550, "5.1.1", "there is no such recipient any more")


@dataclass(frozen=True, slots=True)
class Origin:
    """How a mail came."""

    protocol: str
    """As RFC 3848 and RFC 6531 name it: ESMTP, ESMTPSA, LMTPS, UTF8SMTP …"""
    helo: str
    address: str
    actor: Actor | None
    """Who submitted it, if it is the desk's own mail."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as it came, and what all its recipients' copies get."""

    site: Site
    origin: Origin
    added: bytes
    """Fields for its top, the results of checks (RFC 8601)."""
    own: bytes
    """Its header, without what is another server's to say."""
    rest: bytes
    before: frozenset[str]
    """Whom it was delivered to before."""
    number: str
    spam: bool = False

    def trace(self, to: To) -> bytes:
        """The trace field of one recipient's copy."""
        return fields.received(
            helo=self.origin.helo, address=self.origin.address, hostname=self.site.hostname,
            protocol=self.origin.protocol, recipient=to.address, login="", queue=self.number,
        )  # fmt: skip

    def whole(self, envelope: Envelope, to: To, trace: bytes) -> bytes:
        """One recipient's copy, as it is kept."""
        top = f"Return-Path: <{envelope.sender.address}>\r\nDelivered-To: {to.address}\r\n".encode("utf-8", "replace")
        return b"".join((top, trace, self.added, self.own, self.rest))

    def waiting(self, trace: bytes) -> bytes:
        """One recipient's copy for the queue, which writes what comes on top when it delivers it."""
        return b"".join((trace, self.added, self.own, self.rest))

    def passed_on(self, to: To, trace: bytes) -> bytes:
        """One recipient's copy for whom an alias names elsewhere."""
        return f"Delivered-To: {to.address}\r\n".encode("utf-8", "replace") + self.waiting(trace)


def opened(site: Site, origin: Origin, data: bytes, *, added: bytes = b"", spam: bool = False) -> Mail:
    """Read where a mail from outside was before.

    Raises:
        Refusal: it goes round in circles.
    """
    header, rest = fields.split(data)
    passed = fields.passed(header)
    if passed.hops > fields.HOPS_MAX:
        raise Refusal(554, "5.4.6", "too many hops: a loop")
    return Mail(site, origin, added, passed.own, rest, passed.delivered_to, secrets.token_hex(6), spam)


def receive(store: Store, envelope: Envelope, mail: Mail) -> list[Answer]:
    """Take mail from outside: one answer for each recipient (RFC 2033 §4.2; SMTP makes one of them)."""
    envelope.settle(mail.before)
    return [_one(store, envelope, to, mail) for to in envelope.to]


@dataclass(frozen=True, slots=True)
class Ready:
    """A mail that was read and needs nothing more than to be put into mailboxes."""

    store: Store
    envelope: Envelope
    mail: Mail
    copies: tuple[delivery.Copy, ...]
    """One for each recipient."""

    def answers(self, kept: Sequence[delivery.Delivered | Exception]) -> list[Answer]:
        """What each recipient's sender is told; `kept` is what became of the copies."""
        pairs = zip(self.copies, kept, strict=True)
        return [_told(self.envelope, copy.recipient, one) for copy, one in pairs]


def ready(store: Store, site: Site, origin: Origin, envelope: Envelope, data: bytes) -> Ready | None:
    """Read a mail whose recipients are all here; None: it is one for `receive`, and nothing was done."""
    if imip.find(data) is not None:
        return None
    mail = opened(site, origin, data)
    envelope.settle(mail.before)
    copies: list[delivery.Copy] = []
    for to in envelope.to:
        if to.destination is None or len(to.destination.here) != 1 or to.address.lower() in mail.before:
            return None
        prepared = appending.prepare(store, mail.whole(envelope, to, mail.trace(to)))
        copies.append(delivery.Copy(prepared, to.destination.here[0]))
    return Ready(store, envelope, mail, tuple(copies))


def _one(store: Store, envelope: Envelope, to: To, mail: Mail) -> Answer:
    """Take it for one recipient, who may be several accounts and addresses: if some get it, the others' waits."""
    if to.address.lower() in mail.before:
        return LOOP
    trace = mail.trace(to)
    whole = mail.whole(envelope, to, trace)
    destination = to.destination
    assert destination is not None
    failed: list[tuple[Recipient, Answer]] = []
    got = False
    try:
        prepared = appending.prepare(store, whole)
        meeting = None if mail.spam or b"dmarc=fail" in mail.added.lower() else imip.find(data=whole)
        if destination.elsewhere:
            _enqueue(store, envelope, _elsewhere(to, spam=mail.spam), mail.passed_on(to, trace))
            got = True
        for recipient in destination.here:
            answer = _deliver(store, envelope, to, mail, prepared, recipient, trace)
            if answer.good:
                got = True
                if meeting is not None and not _is_reported(to, mail):  # else the queue takes it, with the mail
                    incoming.take(store, recipient, meeting)
            else:
                failed.append((recipient, answer))
        if failed and got:
            _wait(store, envelope, to, mail, [recipient for recipient, _ in failed], trace)
            failed = []
    except (TooLarge, Busy, OSError) as error:
        return _failed(error)
    return max((answer for _, answer in failed), key=lambda answer: answer.code, default=OK)


def _deliver(
    store: Store,
    envelope: Envelope,
    to: To,
    mail: Mail,
    prepared: appending.Prepared,
    recipient: Recipient,
    trace: bytes,
) -> Answer:
    try:
        if _is_reported(to, mail):
            _wait(store, envelope, to, mail, [recipient], trace)
            return OK
        delivered = delivery.deliver(store, prepared, recipient, spam=mail.spam)
    except (NotFound, OverQuota, TooLarge, Busy, OSError) as error:
        return _failed(error)
    return _told(envelope, recipient, delivered)


def _is_reported(to: To, mail: Mail) -> bool:
    """Whether the queue delivers it, to tell the sender (RFC 3461 §6.2); whom spam names as that gets no reports."""
    return "SUCCESS" in to.notify.split(",") and not mail.spam


def _wait(store: Store, envelope: Envelope, to: To, mail: Mail, recipients: Sequence[Recipient], trace: bytes) -> None:
    """Put it into the queue for accounts of the desk, by addresses that need no alias."""
    notify = "NEVER" if mail.spam else to.notify  # who is said to have sent it did not
    targets = [Target(routing.direct(store, mail.site, one), to.orcpt, notify) for one in recipients]
    _enqueue(store, envelope, targets, mail.waiting(trace))


def _elsewhere(to: To, *, spam: bool = False) -> list[Target]:
    """Whom an alias names elsewhere, and what its sender wants to be told of each (RFC 3461 §5.2.7.2, §5.2.7.3).

    Success is told once: of several the first one's, unless somebody here has it.
    """
    destination = to.destination
    if destination is None:
        return []
    if spam:  # who is said to have sent it did not
        return [Target(address, notify="NEVER") for address in destination.elsewhere]
    less = ",".join(one for one in to.notify.split(",") if one != "SUCCESS") or ("NEVER" if to.notify else "")
    found = [Target(address, to.orcpt, less) for address in destination.elsewhere]
    if found and not destination.here:
        found[0] = found[0]._replace(notify=to.notify)
    return found


def _told(envelope: Envelope, recipient: Recipient, kept: delivery.Delivered | Exception) -> Answer:
    if isinstance(kept, Exception):
        return _failed(kept)
    log.info(
        "delivered", extra={"principal": recipient.login, "mailbox": kept.mailbox, "sender": envelope.sender.address}
    )
    return OK


def _failed(error: Exception) -> Answer:
    """Why a mail is not kept.

    Raises:
        Exception: that one, if it is an error of ours.
    """
    if isinstance(error, OverQuota):
        return FULL
    if isinstance(error, NotFound):  # the account was removed since it was named
        return GONE
    if isinstance(error, TooLarge):
        return Answer(552, "5.3.4", "the mail is too large")
    if isinstance(error, Busy):
        return of_busy(error)
    if isinstance(error, OSError):
        log.error("not stored", extra={"reason": error.strerror or str(error)})
        return NO_ROOM
    raise error


def postpone(store: Store, envelope: Envelope, to: Sequence[To], mail: Mail) -> None:
    """What could not be delivered to these recipients waits in the queue: it is tried again, or comes back.

    Raises:
        Busy: it cannot be kept either.
    """
    for one in to:
        if one.destination is None:
            continue
        trace = mail.trace(one)
        if one.destination.here:
            _wait(store, envelope, one, mail, one.destination.here, trace)
        if one.destination.elsewhere:
            _enqueue(store, envelope, _elsewhere(one, spam=mail.spam), mail.passed_on(one, trace))


def submit(store: Store, site: Site, origin: Origin, envelope: Envelope, data: bytes, own: Sequence[str]) -> Answer:
    """Take a mail of one of the desk's own people; `own` are the addresses that he may send from (MSG-09).

    Raises:
        Refusal: it is not his to send, or there is too much of it.
    """
    actor = origin.actor
    assert actor is not None
    sender = envelope.sender.address
    only = envelope.to[0].address if len(envelope.to) == 1 else ""
    envelope.settle()
    came = submitting.Origin(origin.protocol, origin.helo, origin.address)
    try:
        mail = submitting.ready(store, site, actor, came, own, data, sender=sender, recipient=only)
        later = [Target(to.address, to.orcpt, to.notify) for to in envelope.to if to.destination is None]
        later += [target for to in envelope.to for target in _elsewhere(to)]
        with store.write(actor) as tx:
            submitting.accept(
                tx, mail, later, sender=sender, envid=envelope.envid, ret=envelope.ret,
                requiretls=envelope.requiretls, smtputf8=envelope.smtputf8,
            )  # fmt: skip
        meeting = imip.find(mail.whole)
        for to in envelope.to:
            for recipient in () if to.destination is None else to.destination.here:
                _hand_over(store, site, envelope, to, mail, recipient, actor)
                if meeting is not None:  # its author was compared with the sender's own addresses above
                    incoming.take(store, recipient, meeting, submitted=True)
    except submitting.Loop as error:
        raise Refusal(554, "5.4.6", str(error)) from None
    except submitting.NotYours as error:
        raise Refusal(550, "5.7.1", str(error)) from None
    except TooLarge:
        raise Refusal(552, "5.3.4", "the mail is too large") from None
    except sending.Blocked as error:
        raise Refusal(550, "5.7.1", str(error)) from None
    except sending.TooMany as error:
        raise Refusal(450, "4.7.1", str(error)) from None
    except Busy as error:
        return of_busy(error)
    except OSError as error:
        log.error("not stored", extra={"reason": error.strerror or str(error)})
        return NO_ROOM
    log.info("submitted", extra={"principal": actor.login, "recipients": len(envelope.to), "id": mail.number})
    return Answer(250, "2.0.0", f"accepted as {mail.number}")


def _hand_over(
    store: Store,
    site: Site,
    envelope: Envelope,
    to: To,
    mail: submitting.Submission,
    recipient: Recipient,
    actor: Actor,
) -> None:
    """Deliver within the desk; what cannot be now waits in the queue, which also tells the sender."""
    top = f"Return-Path: <{envelope.sender.address}>\r\nDelivered-To: {to.address}\r\n".encode("utf-8", "replace")
    try:
        if "SUCCESS" not in to.notify.split(","):
            delivery.deliver(store, appending.prepare(store, top + mail.whole), recipient)
            return
    except StorageError as error:
        log.info("waits", extra={"principal": recipient.login, "reason": type(error).__name__})
    target = Target(routing.direct(store, site, recipient), to.orcpt, to.notify)
    with store.write(SITE) as tx:
        queue.enqueue(
            tx, sender=envelope.sender.address, recipients=[target], data=mail.prepared, envid=envelope.envid,
            ret=envelope.ret, account=actor.id, sign=False,
        )  # fmt: skip


def _enqueue(store: Store, envelope: Envelope, targets: Sequence[Target], data: bytes) -> None:
    prepared = appending.prepare(store, data)  # a large one is written before the transaction begins
    with store.write(SITE) as tx:
        queue.enqueue(
            tx, sender=envelope.sender.address, recipients=targets, data=prepared, envid=envelope.envid,
            ret=envelope.ret, requiretls=envelope.requiretls, smtputf8=envelope.smtputf8, sign=False,
        )  # fmt: skip
