"""The mail that brings an invitation into a group, from the group's admin (GRP-07…10)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from typing import Any

from storage import groups
from storage.errors import Refused
from storage.formats.bookmarks import plain
from storage.invitations import Letter
from storage.mail import recipients, sending
from storage.outbound import queue
from storage.outbound.types import Target
from storage.store import Transaction
from storage.types import SITE, Principal


def send(tx: Transaction, group: Principal, letters: Sequence[Letter]) -> str:
    """Put each letter into the queue, and return the address that they come from: answers and reports go there.

    Raises:
        NotFound: the actor may not know of the group.
        Refused: the group's admin has no address.
        TooMany, Blocked: as in `sending.count`; the site administrator's are not counted.
    """
    admin = groups.sheet(tx, group).admin
    own = recipients.addresses_of(tx, admin.id)
    if not own:
        raise Refused(f"{admin.name} administers {group.name} and has no address to write from")
    if tx.actor.id != SITE.id and letters:
        sending.count(tx, len(letters))
    for letter in letters:
        queue.enqueue(
            tx,
            sender=own[0],
            recipients=[Target(letter.invitation.address)],
            data=_mail(tx, letter, admin, own[0]),
            smtputf8=not letter.invitation.address.isascii(),
            account=admin.id,
        )
    return own[0]


def _mail(tx: Transaction, letter: Letter, admin: Principal, sender: str) -> bytes:
    guest = letter.invitation
    mail: Any = EmailMessage(policy=SMTP if guest.address.isascii() else SMTPUTF8)
    mail["From"] = _address(admin.display_name or admin.name, sender)
    mail["To"] = _address(guest.name, guest.address)
    mail["Subject"] = plain(letter.subject, 200)
    mail["Date"] = format_datetime(datetime.fromtimestamp(int(tx.now), UTC))
    mail["Message-ID"] = f"<{secrets.token_hex(16)}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5
    mail.set_content(letter.text, cte="quoted-printable")
    mail["Content-Language"] = guest.language  # RFC 3282 §2
    octets: bytes = mail.as_bytes()
    return octets


def _address(name: str, address: str) -> Address | str:
    local, _, domain = address.rpartition("@")
    return Address(plain(name, 200), local, domain) if address.isascii() else address
