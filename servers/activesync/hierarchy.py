"""The folders that a device is shown, each with its kind ([MS-ASCMD] §2.2.3.186.3; EAS-11)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from servers.activesync.classes import contacts, events, notes, tasks
from servers.activesync.classes.item_class import ItemClass
from storage import collections as tree
from storage import shared_spaces
from storage.errors import NotFound
from storage.mail import mailboxes
from storage.mail.types import DRAFTS, INBOX, SENT, SEPARATOR, TRASH, Mailbox
from storage.overlay import choosing
from storage.store import Transaction
from storage.types import Collection, CollectionId, SpaceKind, Tool, View

ROOT: Final = "0"
USER_MAIL: Final = 12
LETTERS: Final[Mapping[str, ItemClass]] = {
    "c": events.CLASS, "b": contacts.CLASS, "t": tasks.CLASS, "n": notes.CLASS,
}  # fmt: skip
"""What stands before the number of a collection that is no mailbox."""
_OF_TOOL: Final = {found.tool: letter for letter, found in LETTERS.items()} | {Tool.SUBSCRIPTION: "c"}
_KINDS: Final[Mapping[str, int]] = {INBOX: 2, DRAFTS: 3, TRASH: 4, SENT: 5}


class Shown(NamedTuple):
    """One folder as FolderSync tells it."""

    server_id: str
    parent: str
    name: str
    kind: int


def every(tx: Transaction, version: int) -> list[Shown]:
    """All folders, parents before what is in them; what a device of that protocol version can show."""
    boxes = mailboxes.every(tx)
    numbers = {box.name: str(box.id) for box in boxes}
    found = [_shown(box, numbers) for box in boxes]
    own = tree.home(tx, SpaceKind.PRIVATE, tx.actor.login)
    shared = [one for name in shared_spaces.names(tx) for one in tree.home(tx, SpaceKind.PRIVATE, name)]
    laid = choosing.calendars(tx)
    for one in {one.id: one for one in (*own, *tree.aliases(tx), *shared, *laid)}.values():
        letter = _OF_TOOL.get(one.tool)
        if letter is None or not _is_shown(one) or version < LETTERS[letter].since:
            continue
        kind = LETTERS[letter].kinds[0 if one.owned and tree.is_default(one) else 1]
        found.append(Shown(f"{letter}{one.id}", ROOT, one.display_name or one.name, kind))
    above = {one.server_id: one.parent for one in found}
    return sorted(found, key=lambda one: (_depth(one.parent, above), one.kind, one.name))


def _depth(parent: str, above: Mapping[str, str]) -> int:
    """How many folders a folder in `parent` is below; a client makes each in one that it has already."""
    depth = 0
    while parent != ROOT:
        parent, depth = above[parent], depth + 1
    return depth


def _shown(box: Mailbox, numbers: Mapping[str, str]) -> Shown:
    above, _, name = box.name.rpartition(SEPARATOR)
    return Shown(str(box.id), numbers.get(above, ROOT), name, _KINDS.get(box.name, USER_MAIL))


def mailbox(tx: Transaction, server_id: str) -> Mailbox:
    """The mailbox that a device means.

    Raises:
        NotFound: it is no mailbox of the actor.
    """
    if not (server_id.isascii() and server_id.isdecimal() and len(server_id) < 19):
        raise NotFound(server_id)
    return mailboxes.by_id(tx, CollectionId(int(server_id)))


def collection(tx: Transaction, server_id: str) -> tuple[Collection, ItemClass]:
    """The calendar, address book, list of tasks or notes that a device means, and the class of its items.

    Raises:
        NotFound: it is none, or the actor may not see what is in it.
    """
    found, number = LETTERS.get(server_id[:1]), server_id[1:]
    if found is None or not (number.isascii() and number.isdecimal() and len(number) < 19):
        raise NotFound(server_id)
    one = tree.by_id(tx, CollectionId(int(number)))
    if _OF_TOOL.get(one.tool) != server_id[:1] or not _is_shown(one):
        raise NotFound(server_id)
    return one, found


def _is_shown(one: Collection) -> bool:
    """Of a calendar, busy times are something; of an address book, names alone are nothing (CAL-07, ACL-06)."""
    return one.view is View.FULL or (one.view is View.BUSY and one.tool is Tool.CALENDAR)
