"""Reading a document ([MS-ASWBXML] §2.1.3, [WBXML1.2] §5): octets in, a tree out, or `Malformed` and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from servers.activesync.wbxml.element import Element, Unknown
from servers.activesync.wbxml.errors import Malformed
from servers.activesync.wbxml.globals import (
    CODE,
    END,
    FIRST_CODE,
    HAS_ATTRIBUTES,
    HAS_CONTENT,
    REFUSED,
    STR_I,
    SWITCH_PAGE,
    UNKNOWN_PUBLIC_ID,
    UTF_8,
)
from servers.activesync.wbxml.pages import BY_CODE, NO_TOKENS
from servers.activesync.wbxml.tokens import unknown
from servers.activesync.wbxml.values import VALUES, StringTable, joined, number, text, value


@dataclass(frozen=True, slots=True)
class Limits:
    """What one document may be at most; whatever goes past them is refused at once."""

    octets: int = 64 * 1024 * 1024
    """Of the whole document; the same again of the text that references into its string table unfold to."""
    depth: int = 64
    """Of elements within elements, the root being 1."""
    elements: int = 200_000
    """An element's second and further pieces of text count as well."""


LIMITS: Final = Limits()


def decode(data: bytes, *, limits: Limits = LIMITS) -> Element:
    """Give the root element of a document.

    A token that no table has becomes an `Unknown` element, on a known page or another. Strings are given as they
    came, control characters included: the encoder cleans what goes out.

    Raises:
        Malformed: the octets are no document, or one beyond `limits`.
    """
    if len(data) > limits.octets:
        raise Malformed(f"the document is larger than {limits.octets} octets")
    strings, pos = _header(data, limits)
    page, tokens = 0, BY_CODE[0]
    current: Element | None = None
    above: list[Element] = []  # what `current` is in, the root first
    pieces: dict[int, list[str | bytes]] = {}  # by depth, of open elements that have more than one value
    elements = 0
    size, find, most, deepest = len(data), data.find, limits.elements, limits.depth
    last = size - 1
    while pos < size:
        at, byte = pos, data[pos]
        pos += 1
        if byte & CODE >= FIRST_CODE:
            if byte & HAS_ATTRIBUTES:
                raise Malformed(f"octet {at}: an element with attributes; ActiveSync has none")
            elements += 1
            token = tokens[byte & CODE]
            element = Element(token) if token is not None else Unknown(unknown(page, byte & CODE))
            if current is not None:
                if len(above) + 2 > deepest:
                    raise Malformed(f"octet {at}: elements are nested deeper than {deepest}")
                current.children.append(element)
                if byte & HAS_CONTENT and pos < last and data[pos] == STR_I:
                    stop = find(0, pos)
                    if 0 < stop < last and data[stop + 1] == END:  # one string and no more: nearly all that have any
                        element.value = text(data[pos + 1 : stop], pos)
                        pos = stop + 2
                        if elements > most:
                            raise Malformed(f"octet {at}: more than {most} elements")
                        continue
            if byte & HAS_CONTENT:
                if current is not None:
                    above.append(current)
                current = element
            elif current is None:
                return _alone(element, data, pos)
        elif byte == END:
            if current is None:
                raise Malformed(f"octet {at}: an element ends before one begins")
            if pieces and (parts := pieces.pop(len(above), None)):
                current.value = joined(parts)
            if not above:
                return _alone(current, data, pos)
            current = above.pop()
        elif byte in VALUES:
            if current is None:
                raise Malformed(f"octet {at}: a value before the first element")
            if byte == STR_I and (stop := find(0, pos)) > 0:  # as `value` reads it: nearly all of them
                found: str | bytes = text(data[pos:stop], at)
                pos = stop + 1
            else:
                found, pos = value(data, at, strings)
            if not current.value:
                current.value = found
            else:
                elements += 1
                pieces.setdefault(len(above), [current.value]).append(found)
        elif byte == SWITCH_PAGE:
            if pos == size:
                raise Malformed(f"octet {at}: the document ends where a page's number is due")
            page = data[pos]
            tokens = BY_CODE[page] if page < len(BY_CODE) else NO_TOKENS
            pos += 1
        else:
            raise Malformed(f"octet {at}: {REFUSED[byte]} is not used in ActiveSync")
        if elements > most:
            raise Malformed(f"octet {at}: more than {most} elements")
    raise Malformed(f"octet {pos}: the document ends within an element" if current else "the document has no element")


def _header(data: bytes, limits: Limits) -> tuple[StringTable, int]:
    """The string table, and the place after it ([WBXML1.2] §5.2, with the character set that 1.1 brought)."""
    if not data or not 1 <= data[0] <= 3:
        raise Malformed("octet 0: not WBXML 1.1, 1.2 or 1.3")
    public_id, pos = number(data, 1)
    index = None
    if public_id == 0:  # named by a string of the table
        index, pos = number(data, pos)
    elif public_id != UNKNOWN_PUBLIC_ID:
        raise Malformed("octet 1: the public identifier is another document type's")
    charset, after = number(data, pos)
    if charset != UTF_8:
        raise Malformed(f"octet {pos}: the character set is not UTF-8")
    size, start = number(data, after)
    if size > len(data) - start:
        raise Malformed(f"octet {after}: the string table is longer than the document")
    strings = StringTable(data[start : start + size], start, limits.octets)
    if index is not None:
        strings.string(index, 1)
    return strings, start + size


def _alone(root: Element, data: bytes, pos: int) -> Element:
    if pos != len(data):
        raise Malformed(f"octet {pos}: something follows the root element")
    return root
