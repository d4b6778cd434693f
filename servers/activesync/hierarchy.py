"""The folders that a device is shown, each with its kind ([MS-ASCMD] §2.2.3.186.3; EAS-11)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from storage.errors import NotFound
from storage.mail import mailboxes
from storage.mail.types import DRAFTS, INBOX, SENT, SEPARATOR, TRASH, Mailbox
from storage.store import Transaction
from storage.types import CollectionId

ROOT: Final = "0"
USER_MAIL: Final = 12
_KINDS: Final[Mapping[str, int]] = {INBOX: 2, DRAFTS: 3, TRASH: 4, SENT: 5}


class Shown(NamedTuple):
    """One folder as FolderSync tells it."""

    server_id: str
    parent: str
    name: str
    kind: int


def every(tx: Transaction) -> list[Shown]:
    """All folders, parents before what is in them."""
    boxes = mailboxes.every(tx)
    numbers = {box.name: str(box.id) for box in boxes}
    found = [_shown(box, numbers) for box in boxes]
    return sorted(found, key=lambda one: (one.parent != ROOT, one.kind, one.name))


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
