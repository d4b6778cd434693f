"""What a URL of a message leads to, as a FETCH would ask for it (RFC 4467, RFC 4469 §3, RFC 5092 §11)."""

from __future__ import annotations

from typing import NamedTuple

from servers.imap import fetch_items
from servers.imap.connection import Connection
from servers.imap.errors import Bad
from servers.imap.fetch_items import Item
from servers.imap.reader import Reader
from storage.errors import NotFound
from storage.formats.imap_url import MessageUrl, parse
from storage.mail import mailboxes, url_keys
from storage.mail.types import MESSAGE_OCTETS, Mailbox, State
from storage.store import Transaction


class Found(NamedTuple):
    """A message, what is wanted of it, and in whose name it is read."""

    tx: Transaction
    item: Item
    """BODY[…] with its part of octets."""
    state: State


def item(url: MessageUrl) -> Item | None:
    """None: no message has such a section."""
    partial = b""
    if url.partial is not None:
        first, count = url.partial
        partial = b"<%d.%d>" % (first, MESSAGE_OCTETS if count is None else count)
    reader = Reader(b"BODY.PEEK[%b]%b" % (url.section, partial))
    try:
        items = fetch_items.read(reader)
        reader.end()
    except Bad:
        return None
    return items[0] if len(items) == 1 else None


def find(connection: Connection, tx: Transaction, octets: bytes) -> Found | None:
    """None: it leads nowhere, or not for this client."""
    url = parse(octets)
    wanted = None if url is None else item(url)
    if url is None or wanted is None:
        return None
    try:
        if url.authority is not None:
            tx = url_keys.opened(tx, url)
        box = _mailbox(connection, tx, url.mailbox)
        if box is None or url.uid_validity not in (0, box.uid_validity):
            return None
        _, states = connection.shared.states(tx, box.id)
    except NotFound:
        return None
    place = states.place(url.uid)
    return None if place is None else Found(tx, wanted, states[place])


def _mailbox(connection: Connection, tx: Transaction, name: str) -> Mailbox | None:
    """The one of that name, or the selected one, which is the base of a relative URL."""
    if name:
        return mailboxes.find(tx, name)
    return None if connection.view is None else mailboxes.by_id(tx, connection.view.id)
