"""A mail's header as text, for the search: one decoded field in each line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from storage.formats import mime_fields, mime_words
from storage.formats.message_parts import Entity

FIELD_OCTETS: Final = 16 * 1024
"""Of one field, so much is decoded."""
_CHARACTERS: Final = 64 * 1024
_BLANKS: Final = r" \t\n\r\x0b\x0c"
# Nothing but unfolded fields, each with one blank before its value and none behind it; possessive, hence linear.
_COMMON: Final = re.compile(rf"(?:[!-9;-~]++: [^{_BLANKS}\0](?:[^\r\n\0]*[^{_BLANKS}\0])?\r\n)++\Z")


def of(block: bytes, fields: Sequence[tuple[bytes, bytes, bytes]]) -> str:
    """The text of a header block, of which `fields` are the fields (mime_fields.fields)."""
    found = _common(block)
    return _any(fields) if found is None else found


def of_parts(root: Entity) -> str:
    """The fields of all that a message holds, for the search in texts: names of files, headers of enclosed messages.

    Each is a line that begins with a blank, so that none is taken for a field of the message itself. What every part
    has and nobody looks for, its type and its encoding, is left out but for the name of its file.
    """
    lines: list[str] = []
    room = _CHARACTERS
    stack = root.children[::-1]
    while stack and room > 0:
        entity = stack.pop()
        stack += entity.children[::-1]
        for _, name, value in entity.fields:
            line = _of_part(name.decode("ascii"), value).replace("\n", " ")[:room]
            if line:
                room -= len(line)
                lines.append(f"\n {line}")
    return "".join(lines)


def _of_part(name: str, value: bytes) -> str:
    match name.lower():
        case "content-transfer-encoding":
            return ""
        case "content-type":
            return mime_words.parameter(mime_fields.parameters(value)[1], "name")
        case "content-disposition":
            head, parameters = mime_fields.parameters(value)
            return f"{name}: {head.decode('ascii', 'replace')} {mime_words.parameter(parameters, 'filename')}"
        case _:
            return f"{name}: {decoded(value)}"


def decoded(value: bytes) -> str:
    """A field's value as text."""
    return mime_words.decode_words(mime_words.unfold(value[:FIELD_OCTETS]))


def _common(block: bytes) -> str | None:
    """The same where the header is written as nearly all are; else None."""
    if len(block) > FIELD_OCTETS or not block.endswith(b"\r\n\r\n") or not block.isascii():
        return None
    text = block[:-2].decode("ascii").replace("\r\n ", " ").replace("\r\n\t", "\t")
    if not _COMMON.match(text):
        return None
    if "=?" not in text:
        return text[:-2].replace("\r\n", "\n")
    lines = text[:-2].split("\r\n")
    return "\n".join([_line(line) if "=?" in line else line for line in lines])


def _line(line: str) -> str:
    name, _, value = line.partition(": ")
    return f"{name}: {mime_words.decode_words(value.encode('ascii'))}"


def _any(fields: Sequence[tuple[bytes, bytes, bytes]]) -> str:
    lines: list[str] = []
    room = _CHARACTERS
    for _, name, value in fields:
        if room <= 0:
            break
        line = f"{name.decode('ascii')}: {decoded(value)}"[:room]
        room -= len(line)
        lines.append(line)
    return "\n".join(lines)
