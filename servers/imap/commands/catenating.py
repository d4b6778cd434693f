"""CATENATE: a new message of given octets and of parts of messages that are here (RFC 4469)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from servers.imap import message_url
from servers.imap.connection import Connection
from servers.imap.errors import Bad, No
from servers.imap.fetch_values import Values
from servers.imap.reader import Reader
from servers.imap.wire import MESSAGE_OCTETS
from storage.store import Transaction

_PARTS_MAX: Final = 1_000
_UNSAFE: Final = re.compile(rb"[^\x20-\x5b\x5e-\x7e]")


@dataclass(frozen=True, slots=True)
class Parts:
    """Octets and URLs, in the order of the message."""

    pieces: tuple[bytes, ...]
    urls: frozenset[int] = frozenset()
    """Which of the pieces are URLs."""


def read(reader: Reader) -> Parts:
    """`(TEXT literal URL astring …)` (RFC 4469 §5)."""
    urls: set[int] = set()
    pieces: list[bytes] = []

    def one() -> bytes:
        if len(pieces) >= _PARTS_MAX:
            raise Bad("too many parts")
        if reader.take(b"TEXT "):
            pieces.append(reader.literal())
        else:
            reader.need(b"URL ")
            urls.add(len(pieces))
            pieces.append(reader.astring())
        return pieces[-1]

    if not reader.listed(one):
        raise Bad("CATENATE takes at least one part")
    return Parts(tuple(pieces), frozenset(urls))


def assembled(connection: Connection, parts: Parts) -> bytes:
    """The whole message.

    Raises:
        No: BADURL with the first URL that leads nowhere; TOOBIG (RFC 4469 §4).
    """
    if not parts.urls:
        if len(parts.pieces) == 1 and len(parts.pieces[0]) <= MESSAGE_OCTETS:
            return parts.pieces[0]
        return _joined(parts, lambda url: url)
    with connection.store.read(connection.me) as tx:
        whole = _joined(parts, lambda url: _fetched(connection, tx, url))
    if not whole:
        raise No("a message has at least one octet", "CANNOT")
    return whole


def _joined(parts: Parts, fetched: Callable[[bytes], bytes]) -> bytes:
    whole = bytearray()
    for index, piece in enumerate(parts.pieces):
        whole += fetched(piece) if index in parts.urls else piece
        if len(whole) > MESSAGE_OCTETS:
            raise No(f"a message has at most {MESSAGE_OCTETS} octets", "TOOBIG")
    return bytes(whole)


def _fetched(connection: Connection, tx: Transaction, url: bytes) -> bytes:
    """As FETCH BODY.PEEK gives it: nothing is decoded, and nothing becomes \\Seen (RFC 4469 §3)."""
    found = message_url.find(connection, tx, url)
    if found is not None:
        octets = Values(found.tx, (found.item,), [found.state], utf8=connection.utf8).octets(found.item, found.state)
        if octets is not None:
            return octets
    said = _UNSAFE.sub(lambda sign: b"%%%02X" % sign[0][0], url).decode("ascii")
    raise No("there is no such part of a message", f"BADURL {said}")
