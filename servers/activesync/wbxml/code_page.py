"""What a code page is made of; the pages themselves are tables in `pages`.

A tag is called to build an element, so that handlers read like the document that they answer:

    AirSync.Collection(
        AirSync.SyncKey(key),
        AirSync.CollectionId(folder),
        AirSync.Status(1),
        AirSync.MoreAvailable() if more else None,
    )
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.globals import CODE, FIRST_CODE
from servers.activesync.wbxml.tokens import FIRST_VERSION, Token


class Tag(Token):
    """A token that we read and write."""

    __slots__ = ()

    def __call__(self, *content: Element | str | bytes | int | None) -> Element:
        """Build an element: of child elements, or of one value; None is left out, True is "1".

        Text becomes an inline string, octets become opaque data.

        Raises:
            TypeError: two values, or a value beside children.
        """
        if len(content) == 1 and isinstance(content[0], str):  # most of them
            return Element(self, content[0])
        value: str | bytes | None = None
        children = []
        for part in content:
            if isinstance(part, Element):
                children.append(part)
            elif part is not None:
                if value is not None:
                    raise TypeError(f"{self!r} is given two values")
                value = part if isinstance(part, str | bytes) else str(int(part))
        if value is None:
            return Element(self, "", children)
        if children:
            raise TypeError(f"{self!r} is given a value beside children")
        return Element(self, value, children)

    def given(self, value: str | bytes | int | None) -> Element | None:
        """Build an element of a value; None if there is no value or an empty one: for what may be missing."""
        return None if value is None or value == "" or value == b"" else self(value)


class Retired(Token):
    """A token of version 2.5, or of no version that was ever published: read, never written."""

    __slots__ = ()

    def __init__(self, code: int) -> None:
        super().__init__(code, since=0, until=25)


class CodePage:
    """A table of tokens: `class Move(CodePage, number=5)`, then one line per element.

    The class's name is the namespace. `since` is the first protocol version of the page's elements,
    unless their line says another; `until` in a line is the last one.
    """

    number: ClassVar[int]
    namespace: ClassVar[str]
    tokens: ClassVar[Mapping[int, Token]]
    """By code."""

    def __init_subclass__(cls, *, number: int, since: int = FIRST_VERSION) -> None:
        cls.number = number
        cls.namespace = cls.__name__
        tokens: dict[int, Token] = {}
        for name, token in vars(cls).items():
            if isinstance(token, Token):
                if token.code in tokens or not FIRST_CODE <= token.code <= CODE:
                    raise TypeError(f"{cls.__name__}.{name}: the code is taken or no tag's")
                token.name_it(number, cls.namespace, name)
                if isinstance(token, Tag):
                    token.since = max(token.since, since)
                tokens[token.code] = token
        cls.tokens = tokens
