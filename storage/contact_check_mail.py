"""The mails about a contact's data: the question to it, the answer to who asked, each in its language (CON-08)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from typing import Any, Final

import sqlalchemy as sa

from storage.errors import Refused
from storage.formats.contact_labels import label
from storage.mail import recipients, sending
from storage.outbound import queue
from storage.outbound.types import Target
from storage.schema import principals
from storage.store import Transaction
from storage.types import Principal

_QUESTIONS: Final = {
    "en": (
        "{who} asks: are these still your data?",
        "Hello {name},\n\n{who} keeps these data of yours in an address book:\n\n{data}\n\n"
        "To confirm, change or erase them, open this link within 30 days; it works once:\n\n    {link}\n",
    ),
    "fr": (
        "{who} demande : ces données sont-elles encore les vôtres ?",
        "Bonjour {name},\n\n{who} conserve ces données vous concernant dans un carnet d'adresses :\n\n{data}\n\n"
        "Pour les confirmer, les modifier ou les effacer, ouvrez ce lien dans les 30 jours ; il sert une fois :\n\n"
        "    {link}\n",
    ),
    "de": (
        "{who} fragt: Stimmen Ihre Daten noch?",
        "Guten Tag {name},\n\n{who} führt diese Daten von Ihnen in einem Adressbuch:\n\n{data}\n\n"
        "Um sie zu bestätigen, zu ändern oder zu löschen, öffnen Sie binnen 30 Tagen diesen Link; er gilt einmal:\n\n"
        "    {link}\n",
    ),
    "nl": (
        "{who} vraagt: kloppen uw gegevens nog?",
        "Dag {name},\n\n{who} bewaart deze gegevens van u in een adresboek:\n\n{data}\n\n"
        "Open binnen 30 dagen deze link om ze te bevestigen, te wijzigen of te wissen; hij werkt één keer:\n\n"
        "    {link}\n",
    ),
}
_CONFIRMED: Final = {
    "en": ("{name} confirmed the data in your address book", "{name} ({address}) says that all is right.\n"),
    "fr": ("{name} a confirmé ses données", "{name} ({address}) dit que tout est exact.\n"),
    "de": ("{name} hat die Daten bestätigt", "{name} ({address}) sagt, dass alles stimmt.\n"),
    "nl": ("{name} heeft de gegevens bevestigd", "{name} ({address}) zegt dat alles klopt.\n"),
}
_CHANGED: Final = {
    "en": ("{name} changed the data in your address book", "{name} ({address}) changed:\n\n{data}\n"),
    "fr": ("{name} a modifié ses données", "{name} ({address}) a modifié :\n\n{data}\n"),
    "de": ("{name} hat die Daten geändert", "{name} ({address}) hat geändert:\n\n{data}\n"),
    "nl": ("{name} heeft de gegevens gewijzigd", "{name} ({address}) heeft gewijzigd:\n\n{data}\n"),
}
"""Subject and text by language; another language gets English (SYS-16)."""
_NOTHING: Final = "–"


def send_question(
    tx: Transaction, asker: Principal, to: tuple[str, str], language: str, row: Mapping[str, str], link: str
) -> None:
    """Put the question to a contact (address and name) into the queue, from the asker's default address.

    Raises:
        Refused: he has no address, or the plan allows no more mails today.
    """
    own = recipients.addresses_of(tx, asker.id)
    if not own:
        raise Refused(f"{asker.name} has no confirmed address that the question could come from")
    try:
        sending.count(tx)
    except sending.TooMany as error:
        raise Refused(str(error)) from None
    data = "\n".join(f"    {label(field, language)}: {_line(value)}" for field, value in row.items())
    words = {"who": _line(asker.display_name or asker.name), "name": _line(to[1]), "data": data, "link": link}
    subject, text = _of(_QUESTIONS, language)
    sender = recipients.default_sender(tx, asker.id, own)
    mail = _mail(tx, (sender, asker.display_name), to, subject.format(**words), text.format(**words))
    _enqueue(tx, mail, sender, sender, to[0], asker)


def send_answer(
    tx: Transaction, asker: Principal, name: str, address: str, changes: Mapping[str, tuple[str, str]]
) -> None:
    """Tell who asked what became of it, with each field before and after; without an address he only sees it."""
    own = recipients.addresses_of(tx, asker.id)
    if not own:
        return
    query = sa.select(principals.c.language).where(principals.c.id == asker.id)
    language = str(tx.db.execute(query).scalar_one())
    data = "\n".join(
        f"    {label(field, language)}: {_line(before) or _NOTHING} → {_line(after) or _NOTHING}"
        for field, (before, after) in changes.items()
    )
    words = {"name": _line(name), "address": _line(address), "data": data}
    subject, text = _of(_CHANGED if changes else _CONFIRMED, language)
    to = recipients.default_sender(tx, asker.id, own)
    mail = _mail(tx, (to, "Escritoire"), (to, asker.display_name), subject.format(**words), text.format(**words))
    _enqueue(tx, mail, "", to, to, asker)


def _mail(tx: Transaction, sender: tuple[str, str], to: tuple[str, str], subject: str, text: str) -> EmailMessage:
    mail: Any = EmailMessage(policy=SMTP if (sender[0] + to[0]).isascii() else SMTPUTF8)
    mail["From"] = _named(*sender)
    mail["To"] = _named(*to)
    mail["Subject"] = _line(subject)
    mail["Date"] = format_datetime(datetime.fromtimestamp(int(tx.now), UTC))
    mail["Message-ID"] = f"<{secrets.token_hex(16)}@{sender[0].rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5
    mail.set_content(text)
    return mail  # type: ignore[no-any-return]


def _enqueue(tx: Transaction, mail: EmailMessage, path: str, sender: str, to: str, asker: Principal) -> None:
    queue.enqueue(
        tx, sender=path, recipients=[Target(to)], data=mail.as_bytes(),
        smtputf8=not (to + sender).isascii(), account=asker.id,
    )  # fmt: skip


def _of(texts: Mapping[str, tuple[str, str]], language: str) -> tuple[str, str]:
    return texts.get(language.partition("-")[0], texts["en"])


def _line(text: str) -> str:
    return " ".join(text.split())[:500]


def _named(address: str, name: str) -> Address:
    local, _, host = address.rpartition("@")
    return Address(_line(name)[:200], local, host)
