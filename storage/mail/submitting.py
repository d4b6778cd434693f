"""A mail that one of the desk's own people sends, whatever brings it: checked, completed, kept (MSG-09, MSG-11).

`ready` judges and reads it outside any transaction; `accept` counts it, puts it into the queue and keeps the
sender's copy within the caller's, so that what is acknowledged is on disk, and nothing is sent from here.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from storage.errors import Refused
from storage.formats import mail_header
from storage.mail import appending, routing, sending
from storage.mail.routing import Site
from storage.outbound import queue
from storage.outbound.types import Target
from storage.store import Store, Transaction
from storage.types import Actor


class NotYours(Refused):
    """The author is somebody else; `address` is the one that the account may not send from (MSG-09)."""

    def __init__(self, address: str) -> None:
        super().__init__(f"{address} is none of your addresses")
        self.address = address


class Loop(Refused):
    """The mail passed too many servers already (RFC 5321 §6.3)."""


@dataclass(frozen=True, slots=True)
class Origin:
    """How a mail came: what the trace field tells (RFC 5321 §4.4)."""

    protocol: str
    """As RFC 3848 and RFC 6531 name it, ESMTPSA or UTF8SMTPA; HTTP for ActiveSync."""
    helo: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Submission:
    """A mail that may be sent."""

    number: str
    """What the sender and the log call it."""
    whole: bytes
    """With the trace field, as it goes out."""
    copy: appending.Prepared
    """As its sender keeps it."""
    prepared: appending.Prepared
    """`whole`, read."""


def ready(
    store: Store, site: Site, actor: Actor, origin: Origin, own: Sequence[str], data: bytes, *,
    sender: str = "", recipient: str = "",
) -> Submission:  # fmt: skip
    """Judge a mail and complete its header; `own` are the addresses that its sender may use,
    the main one first.

    `sender` is the reverse-path, `recipient` the only recipient if there is one. Opens a transaction to read.

    Raises:
        NotYours: From or Sender name an address of somebody else.
        Loop: as named.
        TooLarge: it is larger than the desk takes (MSG-62).
    """
    header, rest = mail_header.split(data)
    if mail_header.hops(header) > mail_header.HOPS_MAX:
        raise Loop("too many hops: a loop")
    wrong = [one for one in mail_header.authors(header) if not sending.may_send_from(own, one)]
    if wrong:
        raise NotYours(wrong[0])
    header = mail_header.completed(header, site.hostname)
    with store.read(actor) as tx:
        if sending.asks_receipts(tx, actor) and not mail_header.values(header, b"disposition-notification-to"):
            header += f"Disposition-Notification-To: {sender or (own[0] if own else '')}\r\n".encode()
    number = secrets.token_hex(6)
    trace = mail_header.received(
        helo=origin.helo, address=origin.address, hostname=site.hostname, protocol=origin.protocol,
        recipient=recipient, login=actor.login, queue=number,
    )  # fmt: skip
    whole = trace + header + rest
    return Submission(number, whole, appending.prepare(store, header + rest), appending.prepare(store, whole))


def accept(
    tx: Transaction,
    mail: Submission,
    targets: Sequence[Target],
    *,
    sender: str,
    envid: str = "",
    ret: str = "",
    requiretls: bool = False,
    smtputf8: bool = False,
    keep: bool = False,
) -> None:
    """Take it over in the transaction of its sender: what is not delivered otherwise goes to `targets`.

    The sender's copy is kept as he chose it, or in any case with `keep`.

    Raises:
        TooMany: the plan allows no more mails today.
        BadFormat: a target is no address.
    """
    sending.count(tx)
    if targets:
        queue.enqueue(
            tx, sender=sender, recipients=targets, data=mail.prepared, envid=envid, ret=ret,
            requiretls=requiretls, smtputf8=smtputf8, account=tx.actor.id,
        )  # fmt: skip
    sending.keep_copy(tx, mail.copy, always=keep)


def targets(store: Store, site: Site, addresses: Sequence[str]) -> list[Target]:
    """Where a mail for these addresses goes, aliases of the desk followed, all by way of the queue.

    Of an address of the desk that nobody has, the queue tells the sender.
    """
    found: dict[Target, None] = {}
    for address in addresses:
        if not routing.is_own(site, address):
            found[Target(address)] = None
            continue
        destination = routing.find(store, site, address)
        for here in destination.here:
            found[Target(routing.direct(store, site, here))] = None
        for elsewhere in destination.elsewhere:
            found[Target(elsewhere)] = None
        if not destination:
            found[Target(address)] = None
    return list(found)
