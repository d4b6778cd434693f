"""The mails that tell participants with an account here of what is in their calendars already (MTG-06, MTG-13, MTG-15).

Plain text without a `text/calendar` part: a program must not offer to put it into the calendar once more.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Final

import sqlalchemy as sa

from storage import many, preferences
from storage.formats import itip
from storage.formats.contentline import Component
from storage.outbound import queue
from storage.outbound.types import Target
from storage.scheduling import mailing
from storage.scheduling.people import Person
from storage.schema import accounts, principals
from storage.statements import Statement
from storage.store import Transaction

INVITED: Final = "invited"
CHANGED: Final = "changed"
CANCELLED: Final = "cancelled"
ASKED: Final = "asked"
"""Invited once more, because the organizer wants it."""
_WORDS: Final = {
    "en": {INVITED: "Invitation", CHANGED: "Changed", CANCELLED: "Cancelled"},
    "fr": {INVITED: "Invitation", CHANGED: "Modifié", CANCELLED: "Annulé"},
    "de": {INVITED: "Einladung", CHANGED: "Geändert", CANCELLED: "Abgesagt"},
    "es": {INVITED: "Invitación", CHANGED: "Modificado", CANCELLED: "Cancelado"},
    "it": {INVITED: "Invito", CHANGED: "Modificato", CANCELLED: "Annullato"},
}
_WANTED: Final = {
    "all": {INVITED, ASKED, CHANGED, CANCELLED},
    "changes": {ASKED, CHANGED, CANCELLED},
    "none": set[str](),
}
_TOGETHER: Final = 100
"""Recipients of one mail."""


def _readers(size: int) -> Statement:
    joined = sa.join(accounts, principals, principals.c.id == accounts.c.id)
    columns = (accounts.c.id, principals.c.language, accounts.c.preferences)
    return Statement(sa.select(*columns).select_from(joined).where(many.among(accounts.c.id, size)))


_READERS: Final = {size: _readers(size) for size in many.SIZES}


def tell(tx: Transaction, sender: str, what: str, meeting: Component, here: Mapping[str, Person]) -> None:
    """Mail people `here`, by address, what became of a meeting, each in his language, if he wants to be told.

    Whoever does it himself is not told, nor are rooms.
    """
    people = {one.id: address for address, one in here.items() if itip.is_mail(address) and not one.automatic}
    people.pop(tx.actor.id, None)
    found: dict[str, list[str]] = {}
    for size, chosen in many.chunks(sorted(people)):
        for row in _READERS[size].all(tx, chosen):
            stored = json.loads(row.preferences or "{}").get(preferences.MEETING_MAILS)
            wish = str(stored or preferences.PREFERENCES[preferences.MEETING_MAILS].default)
            if what in _WANTED[wish]:
                found.setdefault(str(row.language)[:2], []).append(people[row.id])
    for language, addresses in sorted(found.items()):
        words = _WORDS.get(language, _WORDS["en"])
        _mail(tx, sender, words[INVITED if what == ASKED else what], meeting, sorted(addresses))


def _mail(tx: Transaction, sender: str, word: str, meeting: Component, addresses: list[str]) -> None:
    first = itip.parts(meeting)[0]
    head = itip.organizer(meeting)
    name = mailing.line((head.param("CN") if head is not None else "") or "")
    summary = mailing.line(first.value("SUMMARY")) or "-"
    rows = [f"{word}: {summary}", "", *_when(first), mailing.line(first.value("LOCATION")), "", f"{name} <{sender}>"]
    text = "\n".join(row for row, before in zip(rows, ["", *rows], strict=False) if row or before) + "\n"
    for start in range(0, len(addresses), _TOGETHER):
        some = addresses[start : start + _TOGETHER]
        mail = mailing.message_of(tx, sender, name, some[0] if len(some) == 1 else "", f"{word}: {summary}")
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5
        mail.set_content(text)
        queue.enqueue(tx, sender="", recipients=[Target(one) for one in some], data=mail.as_bytes())


def _when(part: Component) -> Iterable[str]:
    times = [mailing.when(prop) for name in ("DTSTART", "DTEND", "DUE") if (prop := part.get(name)) is not None]
    yield " - ".join(times)
