"""The mails about a contact's data: the question to it, the answer to who asked, each in its language (CON-08)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from storage import principals as people
from storage.formats.contact_labels import label
from storage.mail import recipients, sending
from storage.outbound import letter
from storage.outbound.letter import Person
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
LINE_CHARACTERS: Final = 500
_NOTHING: Final = "–"


def send_question(
    tx: Transaction, asker: Principal, to: tuple[str, str], language: str, row: Mapping[str, str], link: str
) -> None:
    """Put the question to a contact (address and name) into the queue, from the asker's default address.

    Raises:
        Refused: he has no address, or the plan allows no more mails today.
    """
    sender = sending.in_the_name_of(tx, asker)
    data = "\n".join(f"    {label(field, language)}: {_line(value)}" for field, value in row.items())
    words = {"who": _line(asker.display_name or asker.name), "name": _line(to[1]), "data": data, "link": link}
    subject, text = _of(_QUESTIONS, language)
    letter.put(
        tx,
        sender=Person(sender, asker.display_name),
        to=[Person(*to)],
        subject=subject.format(**words),
        text=text.format(**words),
        account=asker.id,
    )


def send_answer(
    tx: Transaction, asker: Principal, name: str, address: str, changes: Mapping[str, tuple[str, str]]
) -> None:
    """Tell who asked what became of it, with each field before and after; without an address he only sees it."""
    own = recipients.addresses_of(tx, asker.id)
    if not own:
        return
    language = people.language_of(tx, asker.id)
    data = "\n".join(
        f"    {label(field, language)}: {_line(before) or _NOTHING} → {_line(after) or _NOTHING}"
        for field, (before, after) in changes.items()
    )
    words = {"name": _line(name), "address": _line(address), "data": data}
    subject, text = _of(_CHANGED if changes else _CONFIRMED, language)
    to = recipients.default_sender(tx, asker.id, own)
    letter.put(
        tx,
        sender=Person(to, "Escritoire"),
        to=[Person(to, asker.display_name)],
        subject=subject.format(**words),
        text=text.format(**words),
        account=asker.id,
        bounces=False,
    )


def _of(texts: Mapping[str, tuple[str, str]], language: str) -> tuple[str, str]:
    return texts.get(language.partition("-")[0], texts["en"])


def _line(text: str) -> str:
    return " ".join(text.split())[:LINE_CHARACTERS]
