"""Binary parts of a message as base64: IMAP has no other way to show a NUL in BODY[…] (RFC 3516 §6, RFC 9051 §9)."""

from __future__ import annotations

from base64 import b64encode
from typing import Final

from storage.formats import message_parts, mime_fields
from storage.formats.message_parts import Entity

_LINE_OCTETS: Final = 57
"""They are 76 characters of base64 (RFC 2045 §6.8)."""
_FIELD: Final = b"content-transfer-encoding"


def without_nul(data: bytes) -> bytes:
    """The message with base64 in those parts that say they are `binary` and hold a NUL; what encloses them is 8bit.

    NULs elsewhere stay: they are nobody's encoding.
    """
    if b"\0" not in data:
        return data
    changes: list[tuple[int, int, bytes]] = []
    stack = [message_parts.read(data)]
    while stack:
        entity = stack.pop()
        stack += entity.children
        if entity.encoding.name != "binary" or data.find(b"\0", entity.body, entity.end) < 0:
            continue
        changes += _labelled(data, entity, b"8bit" if entity.children else b"base64")
        if not entity.children:
            changes.append((entity.body, entity.end, _encoded(data[entity.body : entity.end])))
    pieces: list[bytes] = []
    at = 0
    for start, end, fresh in sorted(changes):
        pieces += (data[at:start], fresh)
        at = end
    return b"".join((*pieces, data[at:]))


def _labelled(data: bytes, entity: Entity, encoding: bytes) -> list[tuple[int, int, bytes]]:
    found = mime_fields.FIELD.finditer(data, entity.header, entity.body)
    field = next((one for one in found if one[2].lower() == _FIELD), None)
    return [] if field is None else [(*field.span(), b"%b: %b\r\n" % (field[2], encoding))]


def _encoded(content: bytes) -> bytes:
    lines = (content[at : at + _LINE_OCTETS] for at in range(0, len(content), _LINE_OCTETS))
    return b"\r\n".join(map(b64encode, lines))
