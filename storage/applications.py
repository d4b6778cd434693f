"""Somebody asks a closed group's admin to be invited: a mail to him, no more (GRP-13)."""

from __future__ import annotations

from typing import Final

from storage import groups
from storage import principals as people
from storage.errors import Exists, Refused
from storage.formats.bookmarks import plain, prose
from storage.mail import recipients, sending
from storage.outbound import letter
from storage.outbound.letter import Person
from storage.store import Transaction
from storage.types import Principal

COMMENT_CHARACTERS: Final = 4_000
_TEXTS: Final = {
    "en": ("{who} asks to join {group}", "{who} ({address}) asks to be invited into the group {group}."),
    "fr": ("{who} demande à rejoindre {group}", "{who} ({address}) demande une invitation dans le groupe {group}."),
    "de": ("{who} möchte in die Gruppe {group}", "{who} ({address}) bittet um Einladung in die Gruppe {group}."),
    "nl": ("{who} wil lid worden van {group}", "{who} ({address}) vraagt een uitnodiging voor de groep {group}."),
}
"""Subject and text by language; another language gets English (SYS-16)."""


def apply(tx: Transaction, name: str, comment: str = "") -> Principal:
    """Write to the admin of a closed group that the directory lists; who that is.

    It is a mail of the actor's, and counts as one (SMTP-05).

    Raises:
        NotFound: there is no such group in the directory (GRP-06).
        Refused: it is open, somebody has no address, or the plan allows no more mails today.
        Exists: the actor is a member already.
    """
    me = people.me(tx)
    found = groups.listed(tx, name)
    if groups.role(tx, found.group.id, me.id) is not None:
        raise Exists(f"{me.name} is a member of {name} already")
    if found.open:
        raise Refused(f"{name} is open: join it")
    target = recipients.notified_at(tx, [found.admin.id]).get(found.admin.id)
    if target is None:
        raise Refused(f"{found.admin.name}, who administers {name}, has no confirmed address")
    sender = sending.in_the_name_of(tx, me)
    subject, text = _TEXTS.get(people.language_of(tx, found.admin.id), _TEXTS["en"])
    words = {
        "who": plain(me.display_name, 200) or me.name, "address": sender,
        "group": plain(found.group.display_name or name, 200),
    }  # fmt: skip
    said = [text.format(**words), *([prose(comment, COMMENT_CHARACTERS)] if comment.strip() else [])]
    letter.put(
        tx,
        sender=Person(sender, me.display_name),
        to=[Person(target, found.admin.display_name)],
        subject=subject.format(**words),
        text="\n\n".join(said) + "\n",
        account=me.id,
        automatic=False,
    )
    return found.admin
