"""Messages that several sessions append at the same time, kept in one transaction (IMAP-02, decisions 0261, 0279)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from servers.imap.commands import appending as command
from servers.imap.reader import Reader
from servers.line.session import Reply
from storage.mail import appending, mailboxes
from storage.mail.types import Appended
from storage.store import Store
from storage.types import SITE, Actor, CollectionId

if TYPE_CHECKING:
    from servers.imap.connection import Connection


class Ready(NamedTuple):
    """An APPEND that was read."""

    connection: Connection
    tag: bytes
    actor: Actor
    mailbox: str
    new: Sequence[appending.New]


class Kept(NamedTuple):
    """What became of it."""

    mailbox: CollectionId
    placed: Sequence[Appended]


def run(units: Iterable[tuple[Connection, bytes]]) -> list[Reply | Exception | None]:
    """Take each session's messages, or leave them to the session (servers/line/session.py).

    Each is read for itself, then all are kept, then each is answered: what is wrong with one concerns no other.
    """
    found: list[Reply | Exception | None] = []
    ready: dict[int, Ready] = {}
    for number, (connection, unit) in enumerate(units):
        found.append(None)
        one = _read(connection, unit)
        if one is not None:
            ready[number] = one
    if not ready:
        return found
    kept = _keep(next(iter(ready.values())).connection.store, ready)
    for number, result in kept.items():
        one = ready[number]
        try:
            found[number] = one.connection.appended(one.tag, result)
        except Exception as error:
            found[number] = error
    return found


def _read(connection: Connection, unit: bytes) -> Ready | None:
    """The command; None: whatever is to be said about it, its session says when it runs it."""
    tag, _, rest = unit.partition(b" ")
    reader = Reader(rest)
    reader.utf8 = connection.utf8
    try:
        reader.word()
        name, messages = command.read(reader)
        if any(one.parts.urls for one in messages):
            return None
        new = [command.prepared(connection, one) for one in messages]
    except Exception:
        return None
    return Ready(connection, tag, connection.me, name, new)


def _keep(store: Store, ready: dict[int, Ready]) -> dict[int, Kept | Exception]:
    """What became of each; nothing of those that are to be tried each for itself.

    If all of them were put in and the end of the transaction fails, that is everybody's: nobody knows here what the
    disk has of it.
    """
    places: dict[tuple[Actor, str], list[int]] = {}
    for number, one in ready.items():
        places.setdefault((one.actor, one.mailbox), []).append(number)
    found: dict[int, Kept | Exception] = {}
    try:
        with store.write(SITE) as tx:
            for (actor, name), numbers in places.items():
                theirs = replace(tx, actor=actor, access={})
                target, limited = mailboxes.to_fill(theirs, name)
                new = [one for number in numbers for one in ready[number].new]
                placed = iter(appending.append_many(theirs, target, new, fits=not limited))
                found.update((number, Kept(target.id, [next(placed) for _ in ready[number].new])) for number in numbers)
    except Exception as error:
        return dict.fromkeys(ready, error) if len(found) == len(ready) else {}
    return found
