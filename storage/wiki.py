"""The wiki is a folder of HTML pages; here is what a plain folder lacks: its start page and its list (WIKI-01…10)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from storage import bodies, files, filing, folders
from storage.errors import NotFound, StorageError
from storage.filing import Folder
from storage.store import Transaction
from storage.types import Precondition, Right, Row, SpaceKind

MEDIA_TYPE: Final = "text/html; charset=utf-8"
EMPTY_PAGE: Final = (
    b'<!DOCTYPE html>\n<html>\n<head><meta charset="utf-8"><title>Wiki</title></head>\n<body>\n</body>\n</html>\n'
)


def folder(tx: Transaction, kind: SpaceKind, space: str) -> Folder:
    """The wiki of a space.

    Raises:
        NotFound: there is none for the actor.
        GateClosed: the plan has no wiki.
    """
    found = folders.find(tx, kind, space, filing.WIKI)
    if not isinstance(found, Folder):
        raise NotFound(filing.WIKI)
    return found


def open_wiki(tx: Transaction, kind: SpaceKind, space: str) -> Folder:
    """The wiki of a space, with an empty start page if it had none and the actor may add one (WIKI-02).

    Raises:
        As `folder`.
    """
    found = folder(tx, kind, space)
    place = folders.place(tx, kind, space, filing.START_PAGE)
    if place.taken or not found.rights & Right.ADD:
        return found
    try:
        anew = Precondition(none_match=frozenset({"*"}))
        files.put(tx, place, bodies.small(EMPTY_PAGE), anew, media_type=MEDIA_TYPE)
    except StorageError:  # a full disk, a lock: the wiki is read without a start page then
        return found
    return folder(tx, kind, space)


def page_list(tx: Transaction, wiki: Folder) -> Sequence[Row]:
    """The pages in the wiki's own folder that the actor sees, by name (WIKI-08)."""
    return sorted(row for row in folders.rows(tx, wiki) if row.name.lower().endswith((".html", ".htm")))
