"""Messages for people without an account here: mails that any program understands (MTG-05, RFC 6047)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Final

from storage.formats import itip
from storage.formats.contentline import Component, Property, unescape_text
from storage.formats.mail_policy import POLICY
from storage.outbound import queue
from storage.outbound.types import Target
from storage.scheduling import people
from storage.store import Transaction

_SUBJECTS: Final = {
    "REQUEST": "Invitation",
    "CANCEL": "Cancelled",
    "REPLY": "Answer",
    "COUNTER": "Another time proposed",
    "DECLINECOUNTER": "Proposal declined",
    "REFRESH": "Please send again",
}
_CLICKS: Final = {"accept": "Accept", "decline": "Decline"}
_ANSWERS: Final = {
    "ACCEPTED": "Accepted",
    "DECLINED": "Declined",
    "TENTATIVE": "Tentatively accepted",
    "DELEGATED": "Delegated",
}


def send(
    tx: Transaction,
    *,
    sender: str,
    recipients: Sequence[str],
    method: str,
    found: Component,
    message: bytes,
    answer: str = "",
) -> None:
    """Put one message into the queue: text for people, `text/calendar` for programs (RFC 6047 §2.4).

    Several recipients get the same mail, and find each other in its meeting only.
    """
    first = itip.parts(found)[0]
    summary = line(first.value("SUMMARY")) or "(no title)"
    subject = f"{_ANSWERS.get(answer, _SUBJECTS[method])}: {summary}"
    mail = message_of(tx, sender, _name_of(found, sender), recipients[0] if len(recipients) == 1 else "", subject)
    text = _text(first, method, sender, answer)
    if method == "REQUEST" and len(recipients) == 1:
        from storage.scheduling import links

        found_links = links.of(tx, sender, recipients[0], found)
        text += "".join(f"\n{_CLICKS[purpose]}: {link}\n" for purpose, link in found_links.items())
    mail.set_content(text)
    mail.add_alternative(message.decode("utf-8"), subtype="calendar", params={"method": method}, cte="base64")
    queue.enqueue(
        tx, sender=sender, recipients=[Target(one) for one in recipients], data=mail.as_bytes(), account=tx.actor.id
    )


def message_of(tx: Transaction, sender: str, name: str, recipient: str, subject: str) -> Any:
    """A mail with its header, to be given its body."""
    mail: Any = EmailMessage(policy=POLICY)
    mail["From"] = _named(sender, name)
    author = itip.address(people.speaker(tx, frozenset({sender})))
    if author:
        mail["Sender"] = _named(author, "")  # RFC 5322 §3.6.2: in whose name, and by whom
    mail["To"] = _named(recipient, "") if recipient else "undisclosed-recipients:;"  # RFC 5322 §3.4
    mail["Subject"] = subject[:200]
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = f"<{secrets.token_hex(16)}@{sender.rpartition('@')[2]}>"
    return mail


def _named(address: str, name: str) -> Address | str:
    local, _, host = address.rpartition("@")
    return Address(name, local, host) if address.isascii() else address


def _name_of(found: Component, address: str) -> str:
    for each in itip.parts(found):
        for prop in [*each.all("ORGANIZER"), *each.all("ATTENDEE")]:
            if itip.address(prop.value) == address:
                return line(prop.param("CN") or "")
    return ""


def _text(first: Component, method: str, sender: str, answer: str) -> str:
    who = sender
    head = {
        "REQUEST": f"{who} invites you:",
        "CANCEL": f"{who} cancelled:",
        "REPLY": f"{who} answered: {_ANSWERS.get(answer, answer.lower())}",
        "COUNTER": f"{who} proposes:",
        "DECLINECOUNTER": f"{who} does not accept what you proposed:",
        "REFRESH": f"{who} asks for this meeting again, as it is now.",
    }[method]
    rows = [head, "", line(first.value("SUMMARY"))]
    for name, label in (("DTSTART", "Begin"), ("DTEND", "End"), ("LOCATION", "Place")):
        prop = first.get(name)
        if prop is not None and prop.value:
            rows.append(f"{label}: {when(prop) if name != 'LOCATION' else line(prop.value)}")
    if first.get("RRULE") is not None:
        rows.append("This meeting repeats.")
    text = unescape_text(first.value("DESCRIPTION")).strip()
    if text:
        rows += ["", text[:10_000]]
    if method not in ("REQUEST", "CANCEL") and first.value("COMMENT"):
        rows += ["", unescape_text(first.value("COMMENT"))[:2_000]]
    return "\n".join(rows) + "\n"


def when(prop: Property) -> str:
    """A date or time for people, in the zone that it is written in."""
    text = prop.value.strip()
    try:
        if len(text) == 8:
            return f"{datetime.strptime(text, '%Y%m%d'):%Y-%m-%d}"
        moment = f"{datetime.strptime(text.rstrip('Z'), '%Y%m%dT%H%M%S'):%Y-%m-%d %H:%M}"
    except ValueError:
        return text
    return f"{moment} UTC" if text.endswith("Z") else f"{moment} {prop.param('TZID') or ''}".strip()


def line(text: str) -> str:
    """A TEXT value on one line."""
    return " ".join(unescape_text(text).split())
