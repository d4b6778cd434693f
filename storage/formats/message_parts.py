"""Where the parts of a message lie: one pass over its octets, bounded for any of them (RFC 2045, RFC 2046).

A part is found again by its section number (RFC 9051 §6.4.5.1) without reading anything anew.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec

from storage.formats import media_types, mime_charsets, mime_fields, mime_words
from storage.formats.media_types import Encoding, MediaType

DEPTH_MAX: Final = 30
"""Deeper entities are not looked into: each level is one pass over what it holds."""
PARTS_MAX: Final = 1_000
"""Entities of one message; what follows belongs to the last one."""
HEADER_OCTETS: Final = 256 * 1024
"""Of a header, so much is read; more is part of it and is not looked at."""
_BOUNDARY_OCTETS: Final = 200
_LINE_OCTETS: Final = 1_000
_FALSE_HITS: Final = 10_000

_MIME: Final = frozenset(
    b"content-" + name
    for name in (
        *(b"type", b"transfer-encoding", b"id", b"description", b"disposition"),
        *(b"language", b"location", b"md5"),
    )
)


class Part(NamedTuple):
    """One entity; positions are octets from the message's start.

    `header` to `body` is its header (MIME), `body` to `end` its content. In a message/rfc822, the enclosed
    message begins at `body` and its text at `inner`.
    """

    section: str
    """"" is the message itself, whose header is its own; then "1", "1.2" …"""
    header: int
    body: int
    end: int
    inner: int
    """Start of the enclosed message's text; 0 where no message is enclosed."""
    kind: str
    """`type/subtype`, lower case."""
    encoding: str
    """Content-Transfer-Encoding, lower case."""
    charset: str
    """As labelled, "" without label."""


@dataclass(slots=True)
class Entity:
    """One entity of the tree: where it lies, what its header says, and what it holds."""

    header: int
    body: int
    end: int
    mime: dict[bytes, bytes]
    """Its MIME fields: lower-case name to raw value, the first of each."""
    media: MediaType
    encoding: Encoding
    fields: list[tuple[bytes, bytes, bytes]]
    """All of its header (mime_fields.fields)."""
    children: list[Entity] = field(default_factory=list)
    """Parts of a multipart; of a message/rfc822 the enclosed message."""
    multipart: bool = False

    @property
    def encloses(self) -> bool:
        """Whether it is a message/rfc822 (or message/global) that was looked into."""
        return bool(self.children) and not self.multipart


def read(data: bytes) -> Entity:
    """Find all entities of a message; never fails."""
    return _Reader(data).read()


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data: Final = data
        self._left = PARTS_MAX

    def read(self) -> Entity:
        return self._entity(0, len(self._data), 0, digest=False)

    def _entity(self, start: int, end: int, depth: int, *, digest: bool) -> Entity:
        self._left -= 1
        data = self._data
        body = mime_fields.header_end(data, start, end)
        mime: dict[bytes, bytes] = {}
        fields = mime_fields.fields(data[start : min(body, start + HEADER_OCTETS)])
        for _, name, value in fields:
            if name[0] in b"cC" and (lower := name.lower()) in _MIME:
                mime.setdefault(lower, value)
        media = media_types.media_type(mime.get(b"content-type"), digest=digest)
        encoding = media_types.encoding(mime.get(b"content-transfer-encoding"))
        entity = Entity(start, body, end, mime, media, encoding, fields)
        if media.kind == b"multipart":
            if depth >= DEPTH_MAX:
                entity.media = media_types.OPAQUE
            else:
                self._multipart(entity, depth)
        elif media.kind == b"message" and depth < DEPTH_MAX and self._left > 0 and _encloses(entity):
            entity.children.append(self._entity(body, end, depth + 1, digest=False))
        return entity

    def _multipart(self, entity: Entity, depth: int) -> None:
        media = entity.media
        boundary = next((value for name, value in media.parameters if name.lower() == b"boundary"), b"")
        boundary = mime_words.unfold(boundary).rstrip()
        if not boundary or len(boundary) > _BOUNDARY_OCTETS or self._left <= 0:
            entity.media = media_types.OPAQUE
            return
        entity.multipart = True
        digest = media.subtype == b"digest"
        for start, end in self._split(entity.body, entity.end, boundary) or [(entity.body, entity.end)]:
            entity.children.append(self._entity(start, end, depth + 1, digest=digest))

    def _split(self, body: int, end: int, boundary: bytes) -> list[tuple[int, int]]:
        """The spans between the delimiters (RFC 2046 §5.1.1); the line end before one belongs to it."""
        data = self._data
        needle = b"\n--" + boundary
        found: list[tuple[int, int]] = []
        start = -1
        hits = 0
        at = body
        # A delimiter may stand at the very beginning, where no line end precedes it.
        here = body - 1 if data.startswith(needle[1:], body, end) else data.find(needle, at, end)
        while here >= 0:
            rest = here + len(needle)
            line_end = data.find(b"\n", rest, min(end, rest + _LINE_OCTETS))
            tail = data[rest : line_end if line_end >= 0 else min(end, rest + _LINE_OCTETS)].strip()
            if tail in (b"", b"--"):
                if start >= 0:
                    stop = here - 1 if here > start and data[here - 1] == 13 else here
                    found.append((start, max(start, stop)))
                if tail or line_end < 0:
                    return found
                if len(found) >= self._left - 1:
                    return [*found, (line_end + 1, end)]
                start = line_end + 1
                at = line_end
            else:
                hits += 1
                if hits > _FALSE_HITS:
                    break
                at = here + 1
            here = data.find(needle, at, end)
        if start >= 0:
            found.append((start, end))
        return found


def _encloses(entity: Entity) -> bool:
    """A message in a message, not hidden by a transfer encoding (RFC 2046 §5.2.1)."""
    return entity.media.subtype in (b"rfc822", b"global") and entity.encoding.name in ("7bit", "8bit", "binary")


def sections(root: Entity) -> list[Part]:
    """All parts with their numbers, the message itself first."""
    found = [_part("", root)]
    stack: list[tuple[str, Entity, bool]] = [("", root, True)]
    while stack:
        prefix, entity, is_message = stack.pop()
        if is_message and not entity.multipart:  # a message of one part has it as its part 1
            entity_section = f"{prefix}1"
            found.append(_part(entity_section, entity))
            if entity.encloses:
                stack.append((f"{entity_section}.", entity.children[0], True))
            continue
        for number, child in enumerate(entity.children, 1):
            section = f"{prefix}{number}"
            found.append(_part(section, child))
            if child.multipart:
                stack.append((f"{section}.", child, False))
            elif child.encloses:
                stack.append((f"{section}.", child.children[0], True))
    return found


def _part(section: str, entity: Entity) -> Part:
    inner = entity.children[0].body if entity.encloses else 0
    media = entity.media
    encoding = entity.encoding.name[:40]
    return Part(section, entity.header, entity.body, entity.end, inner, media.name, encoding, media.charset[:40])


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(list[Part])


def dump(parts: Iterable[Part]) -> bytes:
    """Parts as they are stored."""
    return _encoder.encode(list(parts))


def load(dumped: bytes) -> list[Part]:
    """What `dump` made."""
    return _decoder.decode(dumped)


def unencoded(content: bytes, encoding: str) -> bytes:
    """Content without its transfer encoding (RFC 2045 §6); as far as it goes where that is broken."""
    if encoding == "base64":
        return mime_words.base64(content)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(content)
    return content


def decode(data: bytes, part: Part) -> bytes:
    """A part's content with the transfer encoding undone."""
    return unencoded(data[part.body : part.end], part.encoding)


def text(data: bytes, part: Part) -> str:
    """A part's content as text."""
    return mime_charsets.decode(decode(data, part), part.charset)
