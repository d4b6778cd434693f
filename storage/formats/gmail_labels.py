"""What Google Takeout writes of a mail's place and state: labels, in the language of the account (MSG-70)."""

from __future__ import annotations

import re
from typing import Final

from storage.formats import mime_words

_FIELD: Final = re.compile(rb"^x-gmail-labels:[ \t]*([^\n]*(?:\n[ \t][^\n]*)*)", re.IGNORECASE | re.MULTILINE)
_LABEL: Final = re.compile(r'"([^"]*)"|([^,"]+)')
_UNREAD: Final = frozenset(
    ("unread", "ungelesen", "non lu", "non lus", "messages non lus", "ongelezen", "no leído", "no leídos", "da leggere")
)
_STARRED: Final = frozenset(("starred", "markiert", "suivi", "suivis", "messages suivis", "met ster", "destacados"))
_STATES: Final = frozenset(
    (
        *("opened", "geöffnet", "ouvert", "geopend", "important", "wichtig", "belangrijk", "importantes"),
        *("archived", "archiviert", "archivé", "archivés", "messages archivés", "gearchiveerd", "archivados"),
        *("muted", "snoozed", "scheduled", "chat", "chats"),
    )
)
_CATEGORY: Final = re.compile(r"(?:category|kategorie|catégorie|categorie|categoría) .", re.IGNORECASE)
_LABELS_MAX: Final = 100


def read(header: bytes) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The folders and the flags that the labels of a mail stand for; None: it has no labels.

    No folder at all is that of what was archived.
    """
    found = _FIELD.search(header)
    if found is None:
        return None
    text = mime_words.printable(mime_words.decode_words(b" ".join(found[1].split())))
    labels = [(quoted or bare).strip() for quoted, bare in _LABEL.findall(text)[:_LABELS_MAX]]
    words = {one.casefold() for one in labels}
    seen = () if words & _UNREAD else ("\\Seen",)
    flagged = ("\\Flagged",) if words & _STARRED else ()
    states = {"", *_UNREAD, *_STARRED, *_STATES}
    folders = tuple(one for one in labels if one.casefold() not in states and not _CATEGORY.match(one))
    return folders, seen + flagged
