"""New messages are fetched for who asked for it with NOTIFY or UPDATE (RFC 5465 §5.2, §7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from servers.imap.errors import No
from servers.imap.fetch_items import Item
from servers.imap.fetch_values import Values
from storage.mail.types import State
from storage.store import Transaction

if TYPE_CHECKING:
    from servers.imap.connection import Connection
    from servers.imap.view import News, View


def told(connection: Connection, tx: Transaction, view: View, news: News, updates: bytes) -> bytes:
    """FETCH of what came, each message once, and the `updates` of contexts.

    Behind ADDTO (RFC 5465 §5.2), but before it where a search wants it (§7). What the client put here is not fetched.
    """
    came = [state for state in news.came if state.uid not in view.mine]
    view.mine.clear()
    searches = any(context.items for context in view.contexts.values())
    if not came or not (searches or connection.notify is not None):
        return updates
    fetched = b"".join(_lines(connection, tx, view, came))
    return fetched + updates if searches else updates + fetched


def _lines(connection: Connection, tx: Transaction, view: View, came: list[State]) -> Iterator[bytes]:
    always = connection.notify.attributes if connection.notify is not None else ()
    found = [(set(context.found), context.items) for context in view.contexts.values() if context.items]
    for state in came:
        number = view.number(state.uid)
        items: dict[Item, None] = dict.fromkeys(always)
        for uids, wanted in found:
            if state.uid in uids:
                items |= dict.fromkeys(wanted)
        if number is None or not items:
            continue
        try:
            values = Values(tx, tuple(items), [state], utf8=connection.utf8, flags=view.flags_of)
            yield values.lines([number])[0]
        except No:  # an encoding that nobody knows: the client asks for it, and is told so
            continue
