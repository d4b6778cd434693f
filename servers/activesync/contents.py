"""From a folder's ServerId to its content: a mailbox is a bare number, other collections have a letter before it."""

from __future__ import annotations

from servers.activesync import hierarchy
from servers.activesync.content import Content
from servers.activesync.mail_content import MailContent
from servers.activesync.object_content import ObjectContent
from storage.store import Transaction
from storage.types import CollectionId


def of(tx: Transaction, server_id: str) -> Content:
    """What a device means by a folder.

    Raises:
        NotFound: it is none that the actor may see.
    """
    if server_id[:1].isdigit():
        return MailContent(hierarchy.mailbox(tx, server_id))
    return ObjectContent(*hierarchy.collection(tx, server_id))


def number(server_id: str) -> CollectionId:
    """The collection to watch for a folder that `of` found."""
    return CollectionId(int(server_id.lstrip("".join(hierarchy.LETTERS))))
