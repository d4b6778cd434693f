"""ENVELOPE, BODY and BODYSTRUCTURE as IMAP sends them, finished (RFC 9051 §7.5.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from storage.formats import addresses, mime_fields, mime_words
from storage.formats.message_parts import Entity

_PLAIN: Final = re.compile(rb'[^\x00\r\n"\\\x80-\xff]*\Z')
_TEXT_OCTETS: Final = 64 * 1024
_LANGUAGES: Final = re.compile(rb"[A-Za-z0-9-]{1,40}")


def string(value: bytes) -> bytes:
    """A quoted string, or a literal where that cannot be one."""
    value = value[:_TEXT_OCTETS]
    if value.isalnum() or _PLAIN.match(value):  # ASCII letters and digits, for octets
        return b'"%b"' % value
    if value.isascii() and b"\0" not in value and b"\r" not in value and b"\n" not in value:
        return b'"%b"' % value.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    value = value.replace(b"\0", b"")
    return b"{%d}\r\n%b" % (len(value), value)


def nstring(value: bytes | None) -> bytes:
    """The same for what may be missing."""
    return b"NIL" if value is None else string(value)


def envelope(fields: Mapping[bytes, bytes]) -> bytes:
    """ENVELOPE of a header: lower-case names to raw values."""

    def one(name: bytes) -> bytes:
        value = fields.get(name)
        return b"NIL" if value is None else string(mime_words.unfold(value))

    sender = _addresses(fields.get(b"from"))
    others = (_addresses(fields.get(name)) for name in (b"sender", b"reply-to"))
    # RFC 9051 §7.5.2: missing or empty ones default to From.
    both = (sender if found == b"NIL" else found for found in others)
    rest = (_addresses(fields.get(name)) for name in (b"to", b"cc", b"bcc"))
    listed = b" ".join((one(b"date"), one(b"subject"), sender, *both, *rest, one(b"in-reply-to"), one(b"message-id")))
    return b"(%b)" % listed


def _addresses(value: bytes | None) -> bytes:
    if value is None:
        return b"NIL"
    return _remembered(value) if len(value) <= addresses.CACHED_OCTETS else _read(value)


def _read(value: bytes) -> bytes:
    found = addresses.raw_addresses(value)
    if not found:
        return b"NIL"
    return b"(%b)" % b"".join(b"(%b)" % b" ".join(map(nstring, one)) for one in found)


_remembered = lru_cache(maxsize=1024)(_read)
"""The same people write and are written to (storage/formats/addresses.py)."""


def structures(data: bytes, root: Entity) -> tuple[bytes, bytes]:
    """BODY and BODYSTRUCTURE; the tree has at most `DEPTH_MAX` levels."""
    if root.multipart:
        pairs = [structures(data, child) for child in root.children]
        subtype = string(root.subtype)
        tail = b" ".join((_parameters(root.parameters), *_extension(root)))
        return (
            b"(%b %b)" % (b"".join([body for body, _ in pairs]), subtype),
            b"(%b %b %b)" % (b"".join([whole for _, whole in pairs]), subtype, tail),
        )
    mime = root.mime
    words = [
        string(root.kind),
        string(root.subtype),
        _parameters(root.parameters),
        _field(mime, b"content-id"),
        _field(mime, b"content-description"),
        string(root.encoding.upper().encode("ascii", "replace") or b"7BIT"),
        b"%d" % (root.end - root.body),
    ]
    if root.encloses:
        child = root.children[0]
        header = envelope(header_fields(data, child))
        lines = b"%d" % data.count(b"\n", root.body, root.end)
        inner = structures(data, child)
        short, long = ([*words, header, form, lines] for form in inner)
        return _both(root, short, long)
    if root.kind.lower() == b"text":
        words.append(b"%d" % data.count(b"\n", root.body, root.end))
    elif root.kind.lower() == b"message" and root.subtype.lower() in (b"rfc822", b"global"):
        # Not looked into, for its depth or its encoding; it must not be shown as one that was.
        words[0:2] = [b'"application"', b'"octet-stream"']
    return _both(root, words, words)


def _both(entity: Entity, body: list[bytes], whole: list[bytes]) -> tuple[bytes, bytes]:
    tail = (_field(entity.mime, b"content-md5"), *_extension(entity))
    return b"(%b)" % b" ".join(body), b"(%b)" % b" ".join((*whole, *tail))


def header_fields(data: bytes, entity: Entity) -> dict[bytes, bytes]:
    """The first field of each name of an entity's header, lower-case names to raw values."""
    found: dict[bytes, bytes] = {}
    for _, name, value in mime_fields.fields(data[entity.header : min(entity.body, entity.header + 65_536)]):
        found.setdefault(name.lower(), value)
    return found


def _extension(entity: Entity) -> tuple[bytes, bytes, bytes]:
    """Disposition, language and location."""
    mime = entity.mime
    disposition = b"NIL"
    if b"content-disposition" in mime:
        head, parameters = mime_fields.parameters(mime[b"content-disposition"])
        if head:
            disposition = b"(%b %b)" % (string(head), _parameters(parameters))
    language = b"NIL"
    if b"content-language" in mime:
        tags = _LANGUAGES.findall(mime[b"content-language"][:1_000])
        if tags:
            language = string(tags[0]) if len(tags) == 1 else b"(%b)" % b" ".join(map(string, tags))
    return disposition, language, _field(mime, b"content-location")


def _parameters(parameters: list[tuple[bytes, bytes]]) -> bytes:
    if not parameters:
        return b"NIL"
    words = (word for name, value in parameters for word in (string(name), string(mime_words.unfold(value))))
    return b"(%b)" % b" ".join(words)


def _field(mime: Mapping[bytes, bytes], name: bytes) -> bytes:
    value = mime.get(name)
    return b"NIL" if value is None else string(mime_words.unfold(value))
