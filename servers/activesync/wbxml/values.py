"""Reading one value of a document: numbers, inline strings, opaque data, references, characters ([WBXML1.2] §5)."""

from __future__ import annotations

from typing import Final

from servers.activesync.wbxml.errors import Malformed
from servers.activesync.wbxml.globals import ENTITY, OPAQUE, STR_I, STR_T


def number(data: bytes, pos: int) -> tuple[int, int]:
    """A mb_u_int32 and the place after it: 7 bits an octet, the most significant first ([WBXML1.2] §5.1).

    Raises:
        Malformed: it ends early, or is more than 32 bits or five octets long.
    """
    value = 0
    for at in range(pos, min(pos + 5, len(data))):
        value = value << 7 | data[at] & 0x7F
        if data[at] < 0x80:
            if value >= 1 << 32:
                break
            return value, at + 1
    raise Malformed(f"octet {pos}: a number is cut off or larger than 32 bits")


def text(octets: bytes, at: int) -> str:
    """UTF-8 as text; `at` is where it stands, for the message."""
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed(f"octet {at}: a string is not UTF-8") from None


class StringTable:
    """The strings that a document refers to. ActiveSync's have none; one that is well-formed is read all the same.

    A reference of three octets can stand for the whole table, so the text given out is counted.
    """

    __slots__ = ("_left", "_octets", "_total")

    def __init__(self, octets: bytes, at: int, total: int) -> None:
        """Take the table at `at`; `total` is how many octets all references may unfold to.

        Raises:
            Malformed: its last string has no end, or it is not UTF-8.
        """
        if octets and octets[-1] != 0:
            raise Malformed(f"octet {at}: the last string of the string table does not end")
        text(octets, at)
        self._octets = octets
        self._left = self._total = total

    def string(self, index: int, at: int) -> str:
        """The string that begins at `index`; `at` is where it is referred to.

        Raises:
            Malformed: there is none, or too much has been given out.
        """
        if index >= len(self._octets):
            raise Malformed(f"octet {at}: a reference beyond the string table")
        octets = self._octets[index : self._octets.index(0, index)]
        self._left -= len(octets)
        if self._left < 0:
            raise Malformed(f"octet {at}: the string table unfolds to more than {self._total} octets")
        return text(octets, at)


def value(data: bytes, at: int, strings: StringTable) -> tuple[str | bytes, int]:
    """The value whose token stands at `at`, and the place after it: `str`, or `bytes` for opaque data.

    Raises:
        Malformed: it ends early, or is not what its token says.
    """
    kind, pos = data[at], at + 1
    if kind == STR_I:
        stop = data.find(0, pos)
        if stop < 0:
            raise Malformed(f"octet {at}: a string does not end")
        return text(data[pos:stop], at), stop + 1
    size, pos = number(data, pos)
    if kind == OPAQUE:
        if size > len(data) - pos:
            raise Malformed(f"octet {at}: opaque data is longer than the document")
        return data[pos : pos + size], pos + size
    if kind == STR_T:
        return strings.string(size, at), pos
    return character(size, at), pos


def character(code: int, at: int) -> str:
    """What an ENTITY stands for.

    Raises:
        Malformed: XML 1.0 §2.2 has no such character.
    """
    if code in (0x09, 0x0A, 0x0D) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF:
        return chr(code)
    raise Malformed(f"octet {at}: an entity is no character of XML")


VALUES: Final = frozenset((STR_I, STR_T, OPAQUE, ENTITY))
"""The tokens that `value` reads."""


def joined(parts: list[str | bytes]) -> str | bytes:
    """Several values of one element as one: opaque as soon as one of them is."""
    if all(isinstance(part, str) for part in parts):
        return "".join([part for part in parts if isinstance(part, str)])
    return b"".join([part if isinstance(part, bytes) else part.encode("utf-8") for part in parts])
