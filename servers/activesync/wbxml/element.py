"""The tree that a document is: elements with text, octets or children ([MS-ASWBXML] §2.1.3).

Attributes do not exist in ActiveSync. An element that is empty is the same whether it came with or without content.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from servers.activesync.wbxml.errors import Malformed
from servers.activesync.wbxml.tokens import Token


class Element(msgspec.Struct, eq=False):  # made by C code: an answer has ten thousands of them (SYS-07)
    """One element: its tag, its value, its children.

    `value` is a `str` for inline strings and `bytes` for opaque data; "" if there is none. Read it through `text`
    or `octets`, since peers use either form for the same element. Text beside children is kept, its place is not.
    """

    tag: Token
    value: str | bytes = ""
    children: list[Element] = msgspec.field(default_factory=list)

    @property
    def text(self) -> str:
        """The value as text, opaque data decoded.

        Raises:
            Malformed: the opaque data is no UTF-8.
        """
        if isinstance(self.value, str):
            return self.value
        try:
            return self.value.decode("utf-8")
        except UnicodeDecodeError:
            raise Malformed(f"{self.tag!r} is to be text, and its opaque data is not UTF-8") from None

    @property
    def octets(self) -> bytes:
        """The value as octets, text in UTF-8 (lone surrogates, which no peer can send, become "?")."""
        return self.value if isinstance(self.value, bytes) else self.value.encode("utf-8", "replace")

    @property
    def known(self) -> list[Element]:
        """The children without those that no table has."""
        return [child for child in self.children if not isinstance(child, Unknown)]

    def find(self, *path: Token) -> Element | None:
        """The first child with this tag; with more tags, its first child with the next one, and so on."""
        found = self
        for tag in path:
            for child in found.children:
                if child.tag is tag:
                    found = child
                    break
            else:
                return None
        return found

    def all(self, tag: Token) -> list[Element]:
        """The children with this tag, in order."""
        return [child for child in self.children if child.tag is tag]

    def text_of(self, *path: Token) -> str | None:
        """The text of what `find` finds: "" if it is empty, None if it is not there.

        Raises:
            Malformed: it holds opaque data that is no UTF-8.
        """
        found = self.find(*path)
        return None if found is None else found.text

    @property
    def extent(self) -> int:
        """Characters and octets of its value and of all values below it."""
        found, waiting = len(self.value), list(self.children)
        for one in waiting:
            found += len(one.value)
            if one.children:
                waiting += one.children
        return found

    def walk(self) -> Iterator[Element]:
        """This element and all below it, in the order of the document."""
        waiting = [self]
        while waiting:
            element = waiting.pop()
            yield element
            waiting.extend(reversed(element.children))

    def __contains__(self, tag: object) -> bool:
        """If a child has this tag: `AirSync.MoreAvailable in collection`."""
        for child in self.children:  # noqa: SIM110  any() would cost a generator
            if child.tag is tag:
                return True
        return False

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Element):
            return NotImplemented
        mine, theirs = self.value or "", other.value or ""
        return self.tag is other.tag and mine == theirs and self.children == other.children

    def __ne__(self, other: object) -> bool:
        """Not left to the base: there, any two are different."""
        return not self == other

    __hash__ = None  # type: ignore[assignment]  # it can be changed

    def __repr__(self) -> str:
        """Tag and sizes only: what an element holds belongs into no log."""
        return f"<{self.tag!r}, {len(self.value)} {type(self.value).__name__}, {len(self.children)} children>"


class Unknown(Element):
    """An element whose token no table has: newer clients send such, and whoever does not look for it never sees it."""
