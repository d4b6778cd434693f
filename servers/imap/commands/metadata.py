"""GETMETADATA and SETMETADATA (RFC 5464)."""

from __future__ import annotations

import re
from typing import Final

from servers.imap import render
from servers.imap.connection import Answer, Connection
from servers.imap.errors import Bad, No
from servers.imap.reader import Reader
from storage.errors import LimitReached, TooLarge
from storage.mail import mailboxes, metadata
from storage.store import Transaction
from storage.types import CollectionId

_ENTRY: Final = re.compile(r"/(?:private|shared)(?:/[^/*%\x00-\x1f\x7f-\U0010ffff]+)+\Z")
_USE: Final = "/private/specialuse"
"""What a mailbox is used for, as LIST tells it: it can be read (RFC 6154 §4)."""
_TREES: Final = frozenset({"/private", "/shared"})
_ENTRY_CHARACTERS: Final = 200
_ASKED_MAX: Final = 100


def get_metadata(connection: Connection, reader: Reader, tag: str) -> Answer:
    """RFC 5464 §4.2, with MAXSIZE and DEPTH; the options stand before or behind the mailbox."""
    reader.space()
    options = _options(reader)
    name = reader.mailbox()
    reader.space()
    if (not options and reader.peek(b"(MAXSIZE")) or reader.peek(b"(DEPTH"):
        options = _options(reader)
    entries = reader.listed(reader.text) if reader.peek(b"(") else [reader.text()]
    reader.end()
    if not 0 < len(entries) <= _ASKED_MAX:
        raise Bad("which annotations?")
    deep = options.get("DEPTH", "0") != "0"
    asked = [entry.lower() if deep and entry.lower() in _TREES else _clean(entry) for entry in entries]
    with connection.store.read(connection.me) as tx:
        number, shown, use = _place(connection, tx, name)
        present = metadata.every(tx, number)
    if use:
        present[_USE] = use.encode()
    found = {
        entry: value
        for entry, value in present.items()
        if any(_fits(entry, one, options.get("DEPTH", "0")) for one in asked)
    }
    largest = 0
    limit = options.get("MAXSIZE")
    if limit is not None:
        longer = [len(value) for value in found.values() if len(value) > int(limit)]
        largest = max(longer, default=0)
        found = {entry: value for entry, value in found.items() if len(value) <= int(limit)}
    words = [b"%b %b" % (entry.encode(), _value(value)) for entry, value in found.items()]
    words += [b"%b NIL" % one.encode() for one in asked if options.get("DEPTH", "0") == "0" and one not in present]
    data = (b"* METADATA %b (%b)\r\n" % (shown, b" ".join(words)),) if words else ()
    return Answer(data, code=f"METADATA LONGENTRIES {largest}" if largest else "")


def set_metadata(connection: Connection, reader: Reader, tag: str) -> Answer:
    """RFC 5464 §4.3: NIL takes one away."""
    reader.space()
    name = reader.mailbox()
    reader.space()
    reader.need(b"(")
    values: dict[str, bytes | None] = {}
    while not reader.take(b")"):
        entry = _clean(reader.text())
        reader.space()
        values[entry] = reader.nstring()
        reader.take(b" ")
    reader.end()
    if not values:
        raise Bad("which annotations?")
    if not name and any(entry.startswith("/shared/") for entry in values):
        raise No("the server's annotations are the administrator's", "NOPERM")
    with connection.store.write(connection.me) as tx:
        number, _, use = _place(connection, tx, name)
        if number != metadata.ACCOUNT and values.pop(_USE, use.encode() or None) != (use.encode() or None):
            raise No("the use of a mailbox is said when it is made", "CANNOT")
        try:
            metadata.put(tx, number, values)
        except TooLarge as error:
            raise No(str(error), f"METADATA MAXSIZE {metadata.VALUE_OCTETS}") from error
        except LimitReached as error:
            raise No(str(error), "METADATA TOOMANY") from error
    return Answer()


def _options(reader: Reader) -> dict[str, str]:
    found: dict[str, str] = {}
    if not reader.take(b"("):
        return found
    while not reader.take(b")"):
        word = reader.word()
        reader.space()
        if word == "MAXSIZE":
            found[word] = str(reader.number())
        elif word == "DEPTH":
            found[word] = reader.word()
            if found[word] not in ("0", "1", "INFINITY"):
                raise Bad("DEPTH is 0, 1 or infinity")
        else:
            raise Bad(f"there is no option {word}")
        reader.take(b" ")
    reader.space()
    return found


def _clean(entry: str) -> str:
    """RFC 5464 §3.2: without regard to case.

    Raises:
        Bad: it is no name of an annotation.
    """
    if len(entry) > _ENTRY_CHARACTERS or not _ENTRY.match(entry.lower()):
        raise Bad("an annotation is called /private/… or /shared/…")
    return entry.lower()


def _place(connection: Connection, tx: Transaction, name: str) -> tuple[CollectionId, bytes, str]:
    """Its number, its name as the client reads it, and its use."""
    if not name:
        return metadata.ACCOUNT, b'""', ""
    box = mailboxes.find(tx, name)
    return box.id, connection.name(box.name), box.use


def _fits(entry: str, asked: str, depth: str) -> bool:
    if entry == asked:
        return True
    below = entry.startswith(asked + "/")
    return below and (depth == "INFINITY" or (depth == "1" and "/" not in entry[len(asked) + 1 :]))


def _value(value: bytes) -> bytes:
    return render.binary(value) if b"\0" in value else render.string(value)
