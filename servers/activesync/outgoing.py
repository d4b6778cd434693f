"""What a device sends, whichever command brings it: whose it is, for whom, and by the queue ([MS-ASCMD] §2.2.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from servers.activesync.call import Call
from storage import principals
from storage.errors import BadFormat, Busy, TooLarge
from storage.formats import imip, mail_header
from storage.formats.addresses import format_address, parse_addresses
from storage.formats.imip import Meeting
from storage.mail import appending, recipients, routing, sending, submitting
from storage.mail.appending import Prepared
from storage.mail.submitting import Submission
from storage.outbound.types import Target
from storage.scheduling import incoming, phones
from storage.store import Transaction

IDS, MIME, SERVER, LATER, QUOTA, UNRESOLVED, NO_RECIPIENT, FAILED, LARGE, MISSING = (
    106, 107, 110, 111, 115, 116, 119, 120, 122, 150,
)  # fmt: skip
"""Statuses of [MS-ASCMD] §2.2.2 that say why a mail is not sent."""
REFUSALS: Final = (submitting.NotYours, submitting.Loop, sending.TooMany, BadFormat, TooLarge, Busy)


class Refused(Exception):
    """It is not sent; `status` says why."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A mail that may be sent."""

    mail: Submission | None
    """None where the calendar tells it to everybody already."""
    copy: Prepared
    """What its sender keeps."""
    sender: str
    addresses: Sequence[str]
    targets: Sequence[Target]
    utf8: bool
    meeting: Meeting | None


def status_of(error: Exception) -> int:
    """The status for one of `REFUSALS`."""
    if isinstance(error, Refused):
        return error.status
    if isinstance(error, sending.Blocked):
        return FAILED
    if isinstance(error, sending.TooMany):
        return QUOTA
    if isinstance(error, BadFormat):
        return UNRESOLVED
    if isinstance(error, TooLarge):
        return LARGE
    return LATER if isinstance(error, Busy) else FAILED


def ready(call: Call, mime: bytes) -> Outgoing:
    """Judge a mail; opens transactions to read.

    Raises:
        Refused: as named, or one of `REFUSALS`.
    """
    if not mime.strip():
        raise Refused(MIME)
    site = call.settings.site
    with call.store.read(call.actor) as tx:
        own = sending.addresses(tx, call.actor, site.domains)
        if not own:
            raise Refused(FAILED)  # an account without any address
        sender = recipients.default_sender(tx, call.actor.id, own)
        most = sending.recipients_max(tx, call.actor)
        name = principals.me(tx).display_name
    header, rest = mail_header.split(mime)
    addresses = _recipients(header)
    if len(addresses) > min(site.recipients_max, most if most is not None else site.recipients_max):
        raise Refused(QUOTA)
    header = _named(header, sender, name)
    utf8 = not header.isascii() or not all(address.rpartition("@")[0].isascii() for address in addresses)
    meeting = imip.find(header + rest)
    if meeting is not None:
        with call.store.read(call.actor) as tx:
            told = phones.is_told(tx, meeting, addresses)
        if told:
            kept = mail_header.completed(header, site.hostname) + rest
            return Outgoing(None, appending.prepare(call.store, kept), sender, addresses, (), utf8, None)
    origin = submitting.Origin("HTTPS")
    mail = submitting.ready(call.store, site, call.actor, origin, own, header + rest, sender=sender)
    targets = submitting.targets(call.store, site, addresses)
    return Outgoing(mail, mail.copy, sender, addresses, targets, utf8, meeting)


def accept(tx: Transaction, out: Outgoing, *, keep: bool) -> None:
    """Take it over within the device's transaction; with `keep` the sender's copy is kept in any case.

    Raises:
        TooMany, BadFormat: as `submitting.accept`.
    """
    if out.mail is None:
        sending.keep_copy(tx, out.copy, always=keep)
    else:
        submitting.accept(tx, out.mail, out.targets, sender=out.sender, smtputf8=out.utf8, keep=keep)


def propose(call: Call, out: Outgoing) -> None:
    """After the transaction: a proposal about a meeting reaches those of its recipients who are here (RFC 5546 §3.2.7).

    Its author was compared with the sender's own addresses.
    """
    if out.meeting is None:
        return
    site = call.settings.site
    for address in out.addresses:
        for here in routing.find(call.store, site, address).here if routing.is_own(site, address) else ():
            incoming.take(call.store, here, out.meeting, submitted=True)


def _named(header: bytes, main: str, name: str) -> bytes:
    """Complete From: iPhones ask nobody for his name, as Exchange puts it in, and other phones write the address there.

    From may be missing too; a name that the phone gives stays.
    """
    given = mail_header.values(header, b"from")
    people = parse_addresses(given[0]) if given else parse_addresses(main)
    if len(given) > 1 or len(people) != 1 or (given and not name):
        return header
    (author,) = people
    if not author.host or author.name.lower() not in ("", author.address.lower()):
        return header
    return mail_header.without(header, b"from") + b"From: " + format_address(replace(author, name=name)) + b"\r\n"


def _recipients(header: bytes) -> list[str]:
    """Whom it is for (RFC 5322 §3.6.3)."""
    found: dict[str, None] = {}
    for name in (b"to", b"cc", b"bcc"):
        for value in mail_header.values(header, name):
            for one in parse_addresses(value):
                if not one.host:
                    raise Refused(UNRESOLVED)
                found[one.address] = None
    if not found:
        raise Refused(NO_RECIPIENT)
    return list(found)
