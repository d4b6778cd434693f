"""A mail's header as text, for the search: one decoded field in each line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from storage.formats import mime_words

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
