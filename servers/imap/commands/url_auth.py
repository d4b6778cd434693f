"""GENURLAUTH, URLFETCH and RESETKEY (RFC 4467), with what RFC 5524 adds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from servers.imap import message_url, render
from servers.imap.connection import Answer, Connection
from servers.imap.errors import Bad, No
from servers.imap.fetch_values import Values
from servers.imap.message_url import Found
from servers.imap.reader import Reader
from storage.errors import NotFound
from storage.formats import structure_parts
from storage.formats.imap_url import MessageUrl, parse
from storage.mail import mailboxes, reading, url_keys
from storage.store import Transaction

_URLS_MAX: Final = 100
_PARAMETERS: Final = frozenset({"BODY", "BINARY", "BODYPARTSTRUCTURE"})


class Asked(NamedTuple):
    """One URL of a URLFETCH."""

    url: bytes
    parameters: frozenset[str] = frozenset()
    """Empty: the octets alone, in the form of RFC 4467."""


def gen_url_auth(connection: Connection, reader: Reader, tag: str) -> Answer:
    """RFC 4467 §7, GENURLAUTH: sign URLs of the client's own messages."""
    asked: list[bytes] = []
    while not reader.done:
        reader.space()
        asked.append(reader.astring())
        reader.space()
        if reader.word() != url_keys.MECHANISM:
            raise Bad("there is no such mechanism")
    if not 0 < len(asked) <= _URLS_MAX:
        raise Bad(f"GENURLAUTH takes 1 to {_URLS_MAX} URLs")
    rumps = [(octets, _rump(octets)) for octets in asked]
    with connection.store.write(connection.me) as tx:
        signed = [_signed(tx, octets, url) for octets, url in rumps]
    return Answer((b"* GENURLAUTH %b\r\n" % b" ".join(map(render.string, signed)),))


def _rump(octets: bytes) -> MessageUrl:
    """Raises: Bad: it is no URL of a message that says whose it is and who may use it."""
    url = parse(octets)
    if url is None or url.authority is None or url.authority.token or message_url.item(url) is None:
        raise Bad("a URL such as imap://you@host/INBOX/;UID=20/;SECTION=1.2;URLAUTH=user+somebody was expected")
    return url


def _signed(tx: Transaction, octets: bytes, url: MessageUrl) -> bytes:
    """Raises: Bad: it is somebody else's, or there is no such mailbox (RFC 4467 §7 wants no NO)."""
    try:
        return b"%b:internal:%b" % (octets, url_keys.sign(tx, url, octets).encode())
    except NotFound:
        raise Bad("only URLs of your own messages can be made") from None


def reset_key(connection: Connection, reader: Reader, tag: str) -> Answer:
    """RFC 4467 §7, RESETKEY: of one mailbox, or of all."""
    if reader.done:
        with connection.store.write(connection.me) as tx:
            url_keys.forget(tx)
        return Answer(text="all URLs are void")
    reader.space()
    name = reader.mailbox()
    while reader.take(b" "):
        if reader.word() != url_keys.MECHANISM:
            raise No("there is no such mechanism")
    reader.end()
    with connection.store.write(connection.me) as tx:
        url_keys.reset(tx, mailboxes.find(tx, name))
    return Answer(code=f"URLMECH {url_keys.MECHANISM}", text="the URLs of this mailbox are void")


def url_fetch(connection: Connection, reader: Reader, tag: str) -> Answer:
    """RFC 4467 §7, URLFETCH; whatever leads nowhere, or is not for this client, is NIL."""
    asked: list[Asked] = []
    while not reader.done:
        reader.space()
        asked.append(_asked(reader))
    if not 0 < len(asked) <= _URLS_MAX:
        raise Bad(f"URLFETCH takes 1 to {_URLS_MAX} URLs")
    return Answer(_lines(connection, asked))


def _asked(reader: Reader) -> Asked:
    """`url` or `(url parameter …)` (RFC 5524 §5)."""
    if not reader.take(b"("):
        return Asked(reader.astring())
    url = reader.astring()
    words: set[str] = set()
    while not reader.take(b")"):
        reader.space()
        words.add(reader.word())
    if not words <= _PARAMETERS or {"BODY", "BINARY"} <= words:
        raise Bad("BODY or BINARY, and BODYPARTSTRUCTURE")
    return Asked(url, frozenset(words))


def _lines(connection: Connection, asked: list[Asked]) -> Iterator[bytes]:
    for one in asked:
        yield b"* URLFETCH %b %b\r\n" % (render.string(one.url), _answer(connection, one))


def _answer(connection: Connection, asked: Asked) -> bytes:
    """What stands behind one URL; its owner's mail is read in its owner's name."""
    with connection.store.read(connection.me) as tx:
        url = parse(asked.url)
        found = None if url is None or url.authority is None else message_url.find(connection, tx, asked.url)
        if found is None:
            return b"NIL"
        values = Values(found.tx, (found.item,), [found.state], utf8=connection.utf8)
        body = values.octets(found.item, found.state)
        if body is None:
            return b"NIL"
        if not asked.parameters:
            return render.string(render.shown(body))
        return b" ".join(_extended(found, values, asked, body))


def _extended(found: Found, values: Values, asked: Asked, body: bytes) -> Iterator[bytes]:
    """RFC 5524 §3.2: the structure is that of what is sent."""
    binary = _binary(found, values, body) if "BINARY" in asked.parameters else None
    if "BODYPARTSTRUCTURE" in asked.parameters:
        section = found.item.section
        whole = reading.bodystructures(found.tx, [found.state.content]).get(found.state.content)
        part = None if whole is None or section is None else structure_parts.part(bytes(whole), section.part)
        if part is not None and binary is not None:
            part = structure_parts.decoded(part, binary)
        yield b"(BODYPARTSTRUCTURE %b)" % (part or b"NIL")
    if "BINARY" in asked.parameters:
        yield b"(BINARY %b)" % (b"NIL" if binary is None else render.binary(binary))
    if "BODY" in asked.parameters:
        yield b"(BODY %b)" % render.literal(body)


def _binary(found: Found, values: Values, body: bytes) -> bytes | None:
    """Without the transfer encoding; None: nobody knows it (RFC 3516 §4.3)."""
    section = found.item.section
    if section is None or section.what or not section.part:
        return body  # it has none
    try:
        return values.decoded(found.item, found.state)
    except No:
        return None
