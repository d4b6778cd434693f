"""Automatic answers while somebody is away (MSG-27): seldom, and never to a machine (RFC 3834, RFC 5230 §4)."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Final

import sqlalchemy as sa

from storage import plans
from storage.formats import collation, mail_header, mime_words
from storage.formats.addresses import parse_addresses
from storage.formats.mail_policy import POLICY, POLICY_UTF8
from storage.mail import recipients
from storage.mail.appending import Prepared
from storage.mail.recipients import Recipient
from storage.mail.tables import auto_replied, auto_replies
from storage.outbound import domains, queue
from storage.outbound.types import Target
from storage.schema import card_index, collections
from storage.statements import Statement
from storage.store import Transaction
from storage.types import Tool

AGAIN_S: Final = 7 * 86_400
"""Nobody gets a second answer within so many seconds (RFC 5230 §4.1)."""
TEXT_MAX: Final = 64 * 1024
GATE: Final = "filters"
"""ACC-11: the automatic answer is one of them (MSG-27)."""
OFF, ON, SCHEDULED = 0, 1, 2
_READ: Final = Statement(sa.select(auto_replies).where(auto_replies.c.account_id == sa.bindparam("account")))
_LISTS: Final = (b"list-id", b"list-post", b"list-unsubscribe", b"list-help", b"mailing-list")
_MACHINES: Final = re.compile(
    r"(?:mailer-daemon|postmaster|majordomo|listserv|no-?reply|do-?not-?reply|bounces?|owner-.*"
    r"|.*-(?:request|owner|bounces?))(?:\+.*)?",
    re.IGNORECASE,
)
"""Local parts that no person reads (RFC 5230 §4.6)."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is answered."""

    text: str
    html: bool = False


@dataclass(frozen=True, slots=True)
class Absence:
    """When and what an account answers."""

    state: int = OFF
    """`OFF`, `ON`, or `SCHEDULED`: between two moments."""
    starts: float = 0
    """Seconds since the epoch."""
    ends: float = 0
    internal: Message | None = None
    """To people of this desk; None is no answer."""
    known: Message | None = None
    """To others who are among the contacts."""
    others: Message | None = None

    def holds(self, now: float) -> bool:
        """Whether it answers at that moment."""
        return self.state == ON or (self.state == SCHEDULED and self.starts <= now < self.ends)


def of(tx: Transaction) -> Absence:
    """The actor's."""
    row = _READ.first(tx, {"account": tx.actor.id})
    if row is None:
        return Absence()
    return Absence(row.state, row.starts, row.ends, *(_loaded(one) for one in (row.internal, row.known, row.others)))


def set_(tx: Transaction, absence: Absence) -> None:
    """Set the actor's; whoever got an answer before gets one of the new ones.

    Raises:
        GateClosed: his plan has no filters; what he set before is kept, and answers nobody.
    """
    plans.allows(tx, tx.actor.id, GATE)
    row = {
        "account_id": tx.actor.id, "state": absence.state, "starts": absence.starts, "ends": absence.ends,
        "internal": _dumped(absence.internal), "known": _dumped(absence.known), "others": _dumped(absence.others),
    }  # fmt: skip
    tx.db.execute(sa.delete(auto_replies).where(auto_replies.c.account_id == tx.actor.id))
    tx.db.execute(sa.delete(auto_replied).where(auto_replied.c.account_id == tx.actor.id))
    tx.db.execute(sa.insert(auto_replies).values(**row))


def allowed(tx: Transaction) -> bool:
    """Whether the actor's plan has such answers."""
    return GATE in plans.of(tx, tx.actor.id).gates


def answer(tx: Transaction, mails: Sequence[tuple[Recipient, Prepared]]) -> None:
    """Put the answers that are due into the queue: in the transaction that delivers the mails, as their recipient."""
    absence = of(tx)
    if absence.holds(tx.now) and allowed(tx):
        for recipient, prepared in mails:
            _answer(tx, absence, recipient, prepared)


def _answer(tx: Transaction, absence: Absence, recipient: Recipient, prepared: Prepared) -> None:
    data = prepared.data if prepared.data is not None else tx.store.blobs.read(prepared.blob or "")
    header, _ = mail_header.split(data)
    sender = _sender(header)
    own = recipients.addresses_of(tx, tx.actor.id)
    if not sender or not own or sender.lower() in own or not _by_a_person(header):
        return
    if not _addressed(header, {*own, recipient.address.lower()}):
        return
    message = _chosen(tx, absence, sender)
    if message is None or not _first_in_days(tx, sender.lower()):
        return
    to = domains.plain(sender)
    queue.enqueue(
        tx, sender="", recipients=[Target(to, notify="NEVER")], data=_mail(own[0], to, header, message),
        smtputf8=not (own[0] + to).isascii(), account=tx.actor.id,
    )  # fmt: skip


def _sender(header: bytes) -> str:
    """Whom an answer would go to: the reverse-path; "" if nobody (RFC 3834 §4)."""
    value = (mail_header.values(header, b"return-path") or [b""])[0].strip()
    address = value.decode("utf-8", "replace").removeprefix("<").removesuffix(">")
    local, _, host = address.rpartition("@")
    return "" if not local or not host or _MACHINES.fullmatch(local.strip('"')) else address


def _by_a_person(header: bytes) -> bool:
    """RFC 3834 §2, RFC 5230 §4.6: not by a list, a program, or somebody who wants no such answer."""
    if any(mail_header.values(header, name) for name in _LISTS):
        return False

    def said(name: bytes) -> bytes:
        return (mail_header.values(header, name) or [b""])[0].strip().lower()

    if said(b"auto-submitted").partition(b";")[0].strip() not in (b"", b"no"):
        return False
    if said(b"precedence") in (b"bulk", b"list", b"junk"):
        return False
    return not {b"all", b"oof", b"autoreply"} & {one.strip() for one in said(b"x-auto-response-suppress").split(b",")}


def _addressed(header: bytes, own: set[str]) -> bool:
    """Whether the mail names the account (RFC 5230 §4.5): what came by a list or as a blind copy gets no answer."""
    for name in (b"to", b"cc", b"resent-to", b"resent-cc"):
        for value in mail_header.values(header, name):
            if any(recipients.may_send_from(own, one.address) for one in parse_addresses(value) if one.host):
                return True
    return False


def _chosen(tx: Transaction, absence: Absence, sender: str) -> Message | None:
    if recipients.find(tx, sender) is not None:
        return absence.internal
    folded = collation.fold(collation.UNICODE_CASEMAP, sender)
    lines = sa.literal("\n") + card_index.c.email + sa.literal("\n")
    known = (
        sa.select(card_index.c.item_id)
        .join(collections, collections.c.id == card_index.c.collection_id)
        .where(
            collections.c.space_id == tx.actor.id,
            collections.c.tool == Tool.CONTACTS.value,
            lines.contains(f"\n{folded}\n", autoescape=True),
        )
        .limit(1)
    )
    return absence.known if tx.db.execute(known).first() is not None else absence.others


def _first_in_days(tx: Transaction, address: str) -> bool:
    here = sa.and_(auto_replied.c.account_id == tx.actor.id, auto_replied.c.address == address)
    last: float | None = tx.db.execute(sa.select(auto_replied.c.at).where(here)).scalar()
    if last is not None and tx.now - last < AGAIN_S:
        return False
    old = sa.and_(auto_replied.c.account_id == tx.actor.id, auto_replied.c.at < tx.now - AGAIN_S)
    tx.db.execute(sa.delete(auto_replied).where(old))
    tx.db.execute(sa.insert(auto_replied).values(account_id=tx.actor.id, address=address, at=tx.now))
    return True


def _mail(own: str, to: str, header: bytes, message: Message) -> bytes:
    """RFC 3834 §3."""

    def said(name: bytes) -> str:
        found = (mail_header.values(header, name) or [b""])[0]
        return " ".join(mime_words.printable(mime_words.decode_words(found)).split())

    mail: Any = EmailMessage(policy=POLICY if (own + to).isascii() else POLICY_UTF8)
    mail["From"], mail["To"] = own, to
    mail["Subject"] = f"Auto: {said(b'subject')}"[:200]
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = f"<{secrets.token_hex(12)}@{own.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-replied"
    original = said(b"message-id")
    if original and len(original) < 500:
        mail["In-Reply-To"] = mail["References"] = original
    mail.set_content(message.text, subtype="html" if message.html else "plain")
    octets: bytes = mail.as_bytes()
    return octets


def _loaded(text: str) -> Message | None:
    return Message(**json.loads(text)) if text else None


def _dumped(message: Message | None) -> str:
    if message is None or not message.text.strip():
        return ""
    return json.dumps(asdict(Message(message.text[:TEXT_MAX], message.html)), ensure_ascii=False)
