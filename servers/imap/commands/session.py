"""Commands about the session itself (RFC 9051 §6.1, §6.2, §6.3.1, §6.3.13; RFC 2971, 4978, 8437)."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from auth.sasl import mechanisms
from servers.imap import table
from servers.imap.connection import Answer, Connection
from servers.imap.errors import Bad, No
from servers.imap.reader import Reader
from servers.line.session import Then

_ENABLES: Final = ("CONDSTORE", "QRESYNC", "IMAP4REV2", "UTF8=ACCEPT")
_SAID: Final = {"IMAP4REV2": "IMAP4rev2"}


def capability(connection: Connection, reader: Reader, tag: str) -> Answer:
    reader.end()
    return Answer((b"* CAPABILITY %b\r\n" % table.capabilities(connection).encode(),))


def noop(connection: Connection, reader: Reader, tag: str) -> Answer:
    reader.end()
    return Answer()


def logout(connection: Connection, reader: Reader, tag: str) -> Answer:
    reader.end()
    connection.view = None
    return Answer((b"* BYE see you\r\n",), then=Then.CLOSE)


def identify(connection: Connection, reader: Reader, tag: str) -> Answer:
    """ID (RFC 2971): what the client says of itself is read and forgotten."""
    reader.space()
    if not reader.take(b"NIL") and len(reader.listed(reader.nstring)) % 2:
        raise Bad("names and values come in pairs")
    reader.end()
    return Answer((b'* ID ("name" "Escritoire" "vendor" "Escritoire")\r\n',))


def starttls(connection: Connection, reader: Reader, tag: str) -> Answer:
    """RFC 9051 §6.2.1."""
    reader.end()
    if connection.tls or not connection.peer.starttls:
        raise Bad("TLS is not to be had here")
    return Answer(text="begin TLS", then=Then.STARTTLS)


def authenticate(connection: Connection, reader: Reader, tag: str) -> Answer | None:
    """RFC 9051 §6.2.2, with an initial response (RFC 4959)."""
    reader.space()
    name = reader.word()
    initial: bytes | None = None
    if not reader.done:
        reader.space()
        written = reader.astring()
        try:
            initial = b"" if written == b"=" else base64.b64decode(written, validate=True)
        except (binascii.Error, ValueError):
            raise Bad("the initial response is not base64") from None
    reader.end()
    exchange = mechanisms.start(name, connection.context)
    if exchange is None:
        if not connection.context.confidential:
            raise No("begin TLS first", "PRIVACYREQUIRED")
        raise No("there is no such mechanism")
    connection.begin(tag, "AUTHENTICATE", exchange, initial)
    return None


def login(connection: Connection, reader: Reader, tag: str) -> Answer:
    """RFC 9051 §6.2.3."""
    reader.space()
    user = mechanisms.text(reader.astring())
    reader.space()
    password = mechanisms.text(reader.astring())
    reader.end()
    actor = connection.context.login(user, password)
    connection.let_in(actor)
    return Answer(code=f"CAPABILITY {table.capabilities(connection)}", text="LOGIN done")


def unauthenticate(connection: Connection, reader: Reader, tag: str) -> Answer:
    """RFC 8437 §3."""
    reader.end()
    if connection.compressed:
        raise Bad("not on a compressed connection")
    connection.let_out()
    return Answer()


def enable(connection: Connection, reader: Reader, tag: str) -> Answer:
    """RFC 9051 §6.3.1; QRESYNC brings CONDSTORE with it (RFC 7162 §3.2.3)."""
    fresh: list[str] = []
    reader.space()
    while not reader.done:
        reader.take(b" ")
        name = reader.word()
        if name in _ENABLES and name not in connection.enabled:
            connection.enabled.add(name)
            fresh.append(_SAID.get(name, name))
        if name == "QRESYNC":
            connection.enabled.add("CONDSTORE")
    said = (" " + " ".join(fresh)) if fresh else ""
    return Answer((f"* ENABLED{said}\r\n".encode(),))


def compress(connection: Connection, reader: Reader, tag: str) -> Answer:
    """RFC 4978 §3."""
    reader.space()
    if reader.word() != "DEFLATE":
        raise No("there is no such compression")
    reader.end()
    if connection.compressed:
        raise No("compressed already", "COMPRESSIONACTIVE")
    connection.compressed = True
    return Answer(then=Then.DEFLATE)


def idle(connection: Connection, reader: Reader, tag: str) -> None:
    """RFC 9051 §6.3.13: what happens is told until the client says DONE."""
    reader.end()
    connection.idling = tag
    return
