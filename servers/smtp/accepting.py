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
from servers.smtp.replies import BUSY, OK, Answer, Refusal
from storage.errors import Busy, OverQuota, StorageError, TooLarge
from storage.formats import imip
from storage.formats import mail_header as fields
from storage.mail import appending, delivery, sending, submitting
from storage.mail.recipients import Recipient
from storage.mail.routing import Site
from storage.outbound import queue
from storage.outbound.types import Target
from storage.scheduling import incoming
from storage.store import Store
from storage.types import SITE, Actor

log = logging.getLogger(__name__)

FULL: Final = Answer(452, "4.2.2", "the mailbox is full")


@dataclass(frozen=True, slots=True)
class Origin:
    """How a mail came."""

    protocol: str
    """As RFC 3848 and RFC 6531 name it: ESMTP, ESMTPSA, LMTPS, UTF8SMTP …"""
    helo: str
    address: str
    actor: Actor | None
    """Who submitted it, if it is the desk's own mail."""


def receive(
    store: Store, site: Site, origin: Origin, envelope: Envelope, data: bytes, *, added: bytes = b"", spam: bool = False
) -> list[Answer]:
    """Take mail from outside: one answer for each recipient (RFC 2033 §4.2; SMTP makes one of them).

    `added` are fields on top of the mail, the results of checks (RFC 8601).

    Raises:
        Refusal: the whole mail is refused.
    """
    header, rest = fields.split(data)
    if fields.hops(header) > fields.HOPS_MAX:
        raise Refusal(554, "5.4.6", "too many hops: a loop")
    before = fields.delivered_to(header)
    number = secrets.token_hex(6)
    return [
        _one(store, site, origin, envelope, to, header, rest, added, before, number, spam=spam) for to in envelope.to
    ]


def _one(
    store: Store,
    site: Site,
    origin: Origin,
    envelope: Envelope,
    to: To,
    header: bytes,
    rest: bytes,
    added: bytes,
    before: set[str],
    number: str,
    *,
    spam: bool,
) -> Answer:
    if to.address.lower() in before:
        return Answer(554, "5.4.6", "it was delivered there before: a loop")
    trace = fields.received(
        helo=origin.helo, address=origin.address, hostname=site.hostname, protocol=origin.protocol,
        recipient=to.address, login="", queue=number,
    )  # fmt: skip
    top = f"Return-Path: <{envelope.sender.address}>\r\nDelivered-To: {to.address}\r\n".encode("utf-8", "replace")
    own = fields.without(header, b"return-path")
    whole = top + trace + added + own + rest
    destination = to.destination
    assert destination is not None
    worst = OK
    try:
        prepared = appending.prepare(store, whole)
        meeting = None if spam or b"dmarc=fail" in added.lower() else imip.find(data=whole)
        for recipient in destination.here:
            answer = _deliver(store, envelope, to, prepared, recipient, spam=spam)
            worst = _worse(worst, answer)
            if meeting is not None and answer is OK:
                incoming.take(store, recipient, meeting)
        if destination.elsewhere:
            passed = f"Delivered-To: {to.address}\r\n".encode("utf-8", "replace") + trace + added + own + rest
            _enqueue(store, envelope, [Target(address) for address in destination.elsewhere], passed, sign=False)
    except TooLarge:
        return Answer(552, "5.3.4", "the mail is too large")
    except Busy:
        return BUSY
    except OSError as error:
        log.error("not stored", extra={"reason": error.strerror or str(error)})
        return Answer(452, "4.3.1", "there is no room: try again later")
    return worst


def _deliver(
    store: Store, envelope: Envelope, to: To, prepared: appending.Prepared, recipient: Recipient, *, spam: bool
) -> Answer:
    try:
        if "SUCCESS" in to.notify.split(","):  # the queue delivers it, and tells the sender (RFC 3461 §6.2)
            _enqueue(store, envelope, [Target(recipient.address, to.orcpt, to.notify)], prepared, sign=False)
            return OK
        delivered = delivery.deliver(store, prepared, recipient, spam=spam)
    except OverQuota:
        return FULL
    log.info(
        "delivered",
        extra={"principal": recipient.login, "mailbox": delivered.mailbox, "sender": envelope.sender.address},
    )
    return OK


def postpone(store: Store, envelope: Envelope, to: Sequence[To], data: bytes) -> None:
    """What could not be delivered to these recipients waits in the queue: it is tried again, or comes back.

    Raises:
        Busy: it cannot be kept either.
    """
    targets = [
        Target(recipient.address, one.orcpt, one.notify)
        for one in to
        if one.destination is not None
        for recipient in one.destination.here
    ]
    if targets:
        _enqueue(store, envelope, targets, data, sign=False)


def submit(store: Store, site: Site, origin: Origin, envelope: Envelope, data: bytes, own: Sequence[str]) -> Answer:
    """Take a mail of one of the desk's own people; `own` are the addresses that he may send from (MSG-09).

    Raises:
        Refusal: it is not his to send, or there is too much of it.
    """
    actor = origin.actor
    assert actor is not None
    sender = envelope.sender.address
    only = envelope.to[0].address if len(envelope.to) == 1 else ""
    came = submitting.Origin(origin.protocol, origin.helo, origin.address)
    try:
        mail = submitting.ready(store, site, actor, came, own, data, sender=sender, recipient=only)
        later = [Target(to.address, to.orcpt, to.notify) for to in envelope.to if to.destination is None]
        later += [
            Target(address, to.orcpt, to.notify)
            for to in envelope.to
            if to.destination is not None
            for address in to.destination.elsewhere
        ]
        with store.write(actor) as tx:
            submitting.accept(
                tx, mail, later, sender=sender, envid=envelope.envid, ret=envelope.ret,
                requiretls=envelope.requiretls, smtputf8=envelope.smtputf8,
            )  # fmt: skip
        meeting = imip.find(mail.whole)
        for to in envelope.to:
            for recipient in () if to.destination is None else to.destination.here:
                _hand_over(store, envelope, to, mail.whole, recipient, actor)
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
    except Busy:
        return BUSY
    except OSError as error:
        log.error("not stored", extra={"reason": error.strerror or str(error)})
        return Answer(452, "4.3.1", "there is no room: try again later")
    log.info("submitted", extra={"principal": actor.login, "recipients": len(envelope.to), "id": mail.number})
    return Answer(250, "2.0.0", f"accepted as {mail.number}")


def _hand_over(store: Store, envelope: Envelope, to: To, whole: bytes, recipient: Recipient, actor: Actor) -> None:
    """Deliver within the desk; what cannot be now waits in the queue, which also tells the sender."""
    top = f"Return-Path: <{envelope.sender.address}>\r\nDelivered-To: {to.address}\r\n".encode("utf-8", "replace")
    prepared = appending.prepare(store, top + whole)
    try:
        if "SUCCESS" not in to.notify.split(","):
            delivery.deliver(store, prepared, recipient)
            return
    except StorageError as error:
        log.info("waits", extra={"principal": recipient.login, "reason": type(error).__name__})
    target = Target(recipient.address, to.orcpt, to.notify)
    with store.write(SITE) as tx:
        queue.enqueue(
            tx, sender=envelope.sender.address, recipients=[target], data=prepared, envid=envelope.envid,
            ret=envelope.ret, account=actor.id, sign=False,
        )  # fmt: skip


def _enqueue(
    store: Store, envelope: Envelope, targets: Sequence[Target], data: bytes | appending.Prepared, *, sign: bool
) -> None:
    with store.write(SITE) as tx:
        queue.enqueue(
            tx, sender=envelope.sender.address, recipients=targets, data=data, envid=envelope.envid,
            ret=envelope.ret, requiretls=envelope.requiretls, smtputf8=envelope.smtputf8, sign=sign,
        )  # fmt: skip


def _worse(first: Answer, second: Answer) -> Answer:
    return second if second.code > first.code else first
