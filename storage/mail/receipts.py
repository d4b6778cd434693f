"""Read receipts: answered as the account chose, once for each mail (MSG-15, MSG-16, RFC 8098)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Final

import sqlalchemy as sa

from storage.formats import mime_fields, mime_words
from storage.formats.addresses import parse_addresses
from storage.formats.mail_policy import POLICY, POLICY_UTF8
from storage.mail import reading, recipients
from storage.mail.flags import SEEN
from storage.mail.types import SPAM, Mailbox, State
from storage.outbound import domains, queue
from storage.outbound.types import Target
from storage.schema import accounts
from storage.statements import Statement
from storage.store import Transaction

SENT: Final = "$MDNSent"
_CHOICE: Final = Statement(sa.select(accounts.c.preferences).where(accounts.c.id == sa.bindparam("account")))
_LISTS: Final = frozenset({b"list-id", b"list-post", b"list-unsubscribe"})


def choice(tx: Transaction) -> str:
    """How the actor answers: always, never, ask."""
    stored: str | None = _CHOICE.scalar(tx, {"account": tx.actor.id})
    return str(json.loads(stored or "{}").get("answer_receipts", "ask"))


def asks(fields: bytes) -> bool:
    """Whether header fields ask for a receipt."""
    return b"disposition-notification-to" in fields.lower()


def due(tx: Transaction, mailbox: Mailbox, states: Sequence[State]) -> list[State]:
    """Those of some messages, about to be seen for the first time, whose receipt is to be sent now."""
    fresh = [one for one in states if SEEN not in one.flags and SENT not in one.flags]
    if not may_be_due(tx, mailbox, {one.flags for one in fresh}):
        return []
    listed = reading.listed_of(tx, [one.content for one in fresh])
    return [one for one in fresh if _answerable(listed.get(one.content, b""))]


def may_be_due(tx: Transaction, mailbox: Mailbox, flags: Iterable[str]) -> bool:
    """Whether receipts may be due for some messages with these flags that are about to be seen."""
    fresh = any(SEEN not in one and SENT not in one for one in flags)
    return fresh and mailbox.name != SPAM and choice(tx) == "always"


def send(tx: Transaction, states: Sequence[State]) -> None:
    """Put the receipts into the queue."""
    own = recipients.addresses_of(tx, tx.actor.id)
    if not own:
        return
    listed = reading.listed_of(tx, [one.content for one in states])
    for state in states:
        fields = _fields(listed[state.content])
        target = domains.plain(parse_addresses(fields[b"disposition-notification-to"])[0].address)
        queue.enqueue(
            tx, sender="", recipients=[Target(target, notify="NEVER")], data=_receipt(fields, own[0], target),
            smtputf8=not (own[0] + target).isascii(), account=tx.actor.id,
        )  # fmt: skip


def _answerable(block: bytes) -> bool:
    """RFC 8098 §2.1: one address, that of the sender; never for lists and what programs sent."""
    if not asks(block):
        return False
    fields = _fields(block)
    if _LISTS & fields.keys() or fields.get(b"auto-submitted", b"no").strip().lower() != b"no":
        return False
    wanted = parse_addresses(fields.get(b"disposition-notification-to", b""))
    sender = parse_addresses(fields.get(b"return-path", b""))
    if len(wanted) != 1 or not wanted[0].host or not sender or not sender[0].host:
        return False
    return wanted[0].address.lower() == sender[0].address.lower()


def _fields(block: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for _, name, value in mime_fields.fields(block):
        found.setdefault(name.lower(), mime_words.unfold(value))
    return found


def _receipt(fields: dict[bytes, bytes], own: str, target: str) -> bytes:
    """RFC 8098 §3: a text for people, and a part for programs."""

    def said(name: bytes) -> str:
        return mime_words.printable(mime_words.decode_words(fields.get(name, b""))).replace("\n", " ")

    domain = own.rpartition("@")[2]
    utf8 = not (own + target).isascii()
    message: Any = EmailMessage(policy=POLICY_UTF8 if utf8 else POLICY)
    message["From"], message["To"] = own, target
    message["Subject"] = f"Read: {said(b'subject')}"[:200]
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = f"<{secrets.token_hex(12)}@{domain}>"
    message["Auto-Submitted"] = "auto-replied"
    original = said(b"message-id")
    if original:
        message["In-Reply-To"] = message["References"] = original
    message.set_content(
        f"The mail that you sent to {own} with the subject\n\n    {said(b'subject')}\n\nwas displayed.\n"
    )
    message.make_mixed()
    part: Any = EmailMessage(policy=POLICY_UTF8 if utf8 else POLICY)
    lines = [f"Reporting-UA: {domain}; Escritoire", f"Final-Recipient: rfc822;{own}"]
    lines += [f"Original-Message-ID: {original}"] if original else []
    lines.append("Disposition: automatic-action/MDN-sent-automatically; displayed")
    part.set_content("\n".join(lines) + "\n")
    part.replace_header("Content-Type", "message/disposition-notification")
    message.attach(part)
    message.replace_header("Content-Type", 'multipart/report; report-type="disposition-notification"')
    message.set_boundary(f"receipt-{secrets.token_hex(8)}")
    octets: bytes = message.as_bytes()
    return octets
