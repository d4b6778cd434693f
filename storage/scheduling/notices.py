"""The mail that tells an organizer here who declined, and why; and who thought better of it (MTG-08, MTG-09)."""

from __future__ import annotations

from typing import Final

from storage.formats import itip
from storage.formats.contentline import Component, unescape_text
from storage.mail import recipients
from storage.outbound import queue
from storage.outbound.types import Target
from storage.scheduling import mailing
from storage.store import Transaction

_WORDS: Final = {
    "en": {"DECLINED": "Declined", "ACCEPTED": "Accepted", "TENTATIVE": "Tentatively accepted"},
    "fr": {"DECLINED": "Refusé", "ACCEPTED": "Accepté", "TENTATIVE": "Accepté provisoirement"},
    "de": {"DECLINED": "Abgelehnt", "ACCEPTED": "Zugesagt", "TENTATIVE": "Vorläufig zugesagt"},
    "es": {"DECLINED": "Rechazado", "ACCEPTED": "Aceptado", "TENTATIVE": "Aceptado provisionalmente"},
    "it": {"DECLINED": "Rifiutato", "ACCEPTED": "Accettato", "TENTATIVE": "Accettato con riserva"},
}
_REASON_OCTETS: Final = 2_000


def tell(tx: Transaction, attendee: str, organizer: str, answer: Component) -> None:
    """Put the notice of one answer into the queue; there is none for who has no mail."""
    to = recipients.find(tx, organizer)
    part = itip.parts(answer)[0]
    mine = itip.attendee(part, {attendee})
    if to is None or not itip.is_mail(organizer) or not itip.is_mail(attendee) or mine is None:
        return
    words = _WORDS.get(to.language[:2], _WORDS["en"])
    word = words.get(itip.partstat(mine))
    if word is None:
        return
    name = mailing.line(mine.param("CN") or "")
    summary = mailing.line(part.value("SUMMARY")) or "-"
    rows = [f"{word}: {name} <{attendee}>" if name else f"{word}: {attendee}", "", summary]
    for each in itip.parts(answer)[:20]:
        start = each.get("RECURRENCE-ID") or each.get("DTSTART")
        rows += [mailing.when(start)] if start is not None else []
    reason = unescape_text(part.value("COMMENT")).strip()[:_REASON_OCTETS]
    rows += ["", reason] if reason else []
    mail = mailing.message_of(tx, attendee, name, organizer, f"{word}: {summary}")
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5
    mail.set_content("\n".join(rows) + "\n")
    queue.enqueue(tx, sender="", recipients=[Target(organizer)], data=mail.as_bytes())
