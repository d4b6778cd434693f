"""APPEND of one or several messages, and REPLACE (RFC 9051 §6.3.12, RFC 3502, RFC 4469, RFC 8508)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from servers.imap import render
from servers.imap.commands import catenating
from servers.imap.commands.catenating import Parts
from servers.imap.connection import Answer, Connection
from servers.imap.errors import Bad, No
from servers.imap.reader import Reader
from storage.errors import NotFound
from storage.formats import binary_parts
from storage.mail import appending, flags, mailboxes, moving
from storage.mail.types import Appended, Mailbox
from storage.store import Transaction
from storage.types import CollectionId

_MESSAGES_MAX = 1_000
_T = TypeVar("_T")


@dataclass(slots=True)
class Message:
    """One message of the command."""

    parts: Parts
    flags: str
    internal: float | None


def append(connection: Connection, reader: Reader, tag: str) -> Answer:
    name, found = read(reader)
    if any(one.parts.urls for one in found):
        with connection.store.read(connection.me) as tx:
            _target(tx, name)
    new = [prepared(connection, one) for one in found]
    with connection.store.write(connection.me) as tx:
        target, limited = _found(mailboxes.to_fill, tx, name)
        placed = appending.append_many(tx, target, new, fits=not limited)
    return done(connection, target.id, placed)


def read(reader: Reader) -> tuple[str, list[Message]]:
    """The mailbox and the messages of an APPEND, from behind its name.

    Raises:
        Bad, No: it cannot be read, or a message is none.
    """
    reader.space()
    name = reader.mailbox()
    found: list[Message] = []
    while not reader.done:
        reader.space()
        found.append(_message(reader))
    if not found or len(found) > _MESSAGES_MAX:
        raise Bad(f"APPEND takes 1 to {_MESSAGES_MAX} messages")
    return name, found


def prepared(connection: Connection, one: Message) -> appending.New:
    """A message that was read once and for all.

    Raises:
        No, StorageError: it is too large, or a part of it is not to be had.
    """
    data = binary_parts.without_nul(catenating.assembled(connection, one.parts))
    return appending.New(appending.prepare(connection.store, data), one.flags, one.internal)


def done(connection: Connection, target: CollectionId, placed: Sequence[Appended]) -> Answer:
    """What is said of messages that were appended (RFC 9051 §7.1, APPENDUID)."""
    connection.put(target, [one.uid for one in placed])
    uids = render.number_set([one.uid for one in placed]).decode()
    return Answer(code=f"APPENDUID {placed[0].uid_validity} {uids}")


def replace(connection: Connection, reader: Reader, tag: str) -> Answer:
    return _replace(connection, reader, uid=False)


def uid_replace(connection: Connection, reader: Reader, tag: str) -> Answer:
    return _replace(connection, reader, uid=True)


def _replace(connection: Connection, reader: Reader, *, uid: bool) -> Answer:
    """RFC 8508 §3: the new one comes and the old one goes in one step."""
    view = connection.selected
    reader.space()
    written = reader.set()
    reader.space()
    name = reader.mailbox()
    reader.space()
    message = _message(reader)
    reader.end()
    if view.read_only:
        raise No("the mailbox is selected read-only")
    new = prepared(connection, message)
    connection.load()
    chosen = view.chosen(written, uid=uid)
    if len(chosen) != 1:
        raise No("there is no such message") if uid else Bad("REPLACE takes one message")
    with connection.store.write(connection.me) as tx:
        target = _found(lambda tx, name: mailboxes.find(tx, name, beside=view.id), tx, name)
        # The old one goes first, so that its room is free; all of it is one transaction.
        moving.remove(tx, mailboxes.by_id(tx, view.id), [chosen[0][1].uid])
        (placed,) = appending.append_many(tx, target, [new])
        modseq = mailboxes.by_id(tx, view.id).modseq
    connection.put(target.id, [placed.uid])
    code = f"APPENDUID {placed.uid_validity} {placed.uid}"
    last = f"HIGHESTMODSEQ {modseq}" if connection.qresync else ""  # RFC 8508 §4.5, RFC 7162 §3.2.9
    return Answer((f"* OK [{code}] replaced\r\n".encode(),), code=last, text="REPLACE done")


def _message(reader: Reader) -> Message:
    """`[flags] [date-time] literal`, or `UTF8 (~{…}…)` (RFC 6855 §4), or `CATENATE (…)` (RFC 4469 §5)."""
    given: list[str] = []
    internal: float | None = None
    if reader.peek(b"("):
        given = reader.flags()
        reader.space()
    if reader.at_date_time():
        internal = reader.date_time()
        reader.space()
    if reader.take(b"UTF8 ("):
        parts = Parts((reader.literal(),))
        reader.need(b")")
    elif reader.take(b"CATENATE "):
        parts = catenating.read(reader)
    else:
        parts = Parts((reader.literal(),))  # no quoted string (RFC 9051 §9, append-data)
    if not parts.urls and not any(parts.pieces):
        raise No("a message has at least one octet")  # so that clients can change their minds (RFC 3502 §6.3.11)
    try:
        return Message(parts, flags.canonical(given), internal)
    except flags.BadFlag as error:
        raise Bad(str(error)) from error


def _target(tx: Transaction, name: str) -> Mailbox:
    return _found(mailboxes.find, tx, name)


def _found(find: Callable[[Transaction, str], _T], tx: Transaction, name: str) -> _T:
    """Raises: No: TRYCREATE where there is none (RFC 9051 §6.3.12)."""
    try:
        return find(tx, name)
    except NotFound:
        raise No("there is no such mailbox", "TRYCREATE") from None
