"""ENVELOPE, BODY and BODYSTRUCTURE as IMAP sends them, finished (RFC 9051 §7.5.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from storage.formats import addresses, media_types, mime_fields, mime_words
from storage.formats.imap_string import nstring, string
from storage.formats.message_parts import Entity

_LANGUAGES: Final = re.compile(rb"[A-Za-z0-9-]{1,40}")


def envelope(fields: Mapping[bytes, bytes]) -> bytes:
    """ENVELOPE of a header: lower-case names to raw values."""

    get = fields.get
    sender = _addresses(get(b"from"))
    others = _addresses(get(b"sender")), _addresses(get(b"reply-to"))
    return b"(%b %b %b %b %b %b %b %b %b %b)" % (
        _field(fields, b"date"),
        _field(fields, b"subject"),
        sender,
        # RFC 9051 §7.5.2: missing or empty ones default to From.
        *[sender if found == b"NIL" else found for found in others],
        _addresses(get(b"to")),
        _addresses(get(b"cc")),
        _addresses(get(b"bcc")),
        _field(fields, b"in-reply-to"),
        _field(fields, b"message-id"),
    )


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
    media, mime = root.media, root.mime
    extension = _extension(mime)
    if root.multipart:
        pairs = [structures(data, child) for child in root.children]
        subtype = media.subtype_form
        return (
            b"(%b %b)" % (b"".join([body for body, _ in pairs]), subtype),
            b"(%b %b %b %b)" % (b"".join([whole for _, whole in pairs]), subtype, media.parameters_form, extension),
        )
    kind = media.kind
    types = b"%b %b" % (media.kind_form, media.subtype_form)
    more = whole_more = b""
    if root.encloses:
        child = root.children[0]
        header = envelope(header_fields(data, child))
        lines = data.count(b"\n", root.body, root.end)
        more, whole_more = (b" %b %b %d" % (header, form, lines) for form in structures(data, child))
    elif kind == b"text":
        more = whole_more = b" %d" % data.count(b"\n", root.body, root.end)
    elif kind == b"message" and media.subtype in (b"rfc822", b"global"):
        # Not looked into, for its depth or its encoding; it must not be shown as one that was.
        types = b'"application" "octet-stream"'
    words = b"%b %b %b %b %b %d" % (
        types,
        media.parameters_form,
        _field(mime, b"content-id"),
        _field(mime, b"content-description"),
        root.encoding.form,
        root.end - root.body,
    )
    md5 = _field(mime, b"content-md5")
    return b"(%b%b)" % (words, more), b"(%b%b %b %b)" % (words, whole_more, md5, extension)


def header_fields(data: bytes, entity: Entity) -> dict[bytes, bytes]:
    """The first field of each name of an entity's header, lower-case names to raw values."""
    found: dict[bytes, bytes] = {}
    for _, name, value in mime_fields.fields(data[entity.header : min(entity.body, entity.header + 65_536)]):
        found.setdefault(name.lower(), value)
    return found


def _extension(mime: Mapping[bytes, bytes]) -> bytes:
    """Disposition, language and location."""
    disposition = language = b"NIL"
    if b"content-disposition" in mime:
        head, parameters = mime_fields.parameters(mime[b"content-disposition"])
        if head:
            disposition = b"(%b %b)" % (string(head), media_types.parameters_form(parameters))
    if b"content-language" in mime:
        tags = _LANGUAGES.findall(mime[b"content-language"][:1_000])
        if tags:
            language = string(tags[0]) if len(tags) == 1 else b"(%b)" % b" ".join(map(string, tags))
    return b"%b %b %b" % (disposition, language, _field(mime, b"content-location"))


def _field(fields: Mapping[bytes, bytes], name: bytes) -> bytes:
    value = fields.get(name)
    return b"NIL" if value is None else string(mime_words.unfold(value))
