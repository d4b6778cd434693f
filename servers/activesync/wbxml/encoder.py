"""Writing a document ([MS-ASWBXML] §2.1.3): a tree in, octets out.

Strings are cleaned here and nowhere else: one octet that XML 1.0 does not allow stops a whole folder on iOS
(Z-Hub/Z-Push#193, tine20/tine20#1508).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.globals import END, HEADER, SWITCH_PAGE
from servers.activesync.wbxml.tokens import Token

_CONTROLS: Final = bytes(octet for octet in range(0x20) if octet not in b"\t\n\r")
"""In UTF-8 these octets are nothing but the characters of the same numbers."""
_NO_CHARACTERS: Final = ("\ufffe".encode(), "\uffff".encode())
_END: Final = bytes((END,))
_END_OF_TEXT: Final = bytes((0, END))


def clean(text: str) -> bytes:
    """UTF-8 of the characters that XML 1.0 §2.2 knows; the others are dropped, lone surrogates among them."""
    octets = text.encode("utf-8", "ignore").translate(None, _CONTROLS)
    if b"\xef\xbf" in octets:
        for none in _NO_CHARACTERS:
            octets = octets.replace(none, b"")
    return octets


def encode(root: Element) -> bytes:
    """Give the document whose root is `root`; the tree is left as it is."""
    encoder = Encoder()
    encoder.add(root)
    return encoder.finish()


class Encoder:
    """Writes a document piece by piece, so that a long answer's items need not stand in memory as trees.

    With `with encoder.inside(AirSync.Commands):` around it, `encoder.add(item)` writes one item after the other,
    and `encoder.octets` says when to stop.
    """

    def __init__(self) -> None:
        self.octets = len(HEADER)
        """What has been written so far, for those who stop at a budget."""
        self._fragments = [HEADER]
        self._page = 0
        self._depth = 0
        self._complete = False

    @contextmanager
    def inside(self, tag: Token) -> Iterator[None]:
        """Write what is added meanwhile as the children of an element; without any it is an empty element."""
        self._check_place()
        switch = b"" if tag.page == self._page else bytes((SWITCH_PAGE, tag.page))
        self._page = tag.page
        self._append(switch + tag.opening)
        fragments = len(self._fragments)
        self._depth += 1
        yield
        self._depth -= 1
        if len(self._fragments) > fragments:
            self._append(_END)
        else:
            self._fragments[-1] = switch + tag.empty
        self._complete = self._depth == 0

    def add(self, element: Element) -> None:
        """Write an element with all below it."""
        self._check_place()
        parts: list[bytes] = []
        append = parts.append
        page = self._page
        open_: list[Iterator[Element]] = []
        siblings = iter((element,))
        while True:
            for one in siblings:
                tag = one.tag
                if tag.page != page:
                    page = tag.page
                    append(bytes((SWITCH_PAGE, page)))
                value = one.value
                octets = value and (clean(value) if isinstance(value, str) else value)
                if not octets:
                    append(tag.opening if one.children else tag.empty)
                elif isinstance(value, str):
                    append(tag.before_text + octets + (b"\0" if one.children else _END_OF_TEXT))
                else:
                    append(tag.before_opaque + _size(len(octets)) + octets + (b"" if one.children else _END))
                if one.children:
                    open_.append(siblings)
                    siblings = iter(one.children)
                    break
            else:
                if not open_:
                    break
                append(_END)
                siblings = open_.pop()
        self._page = page
        self._append(b"".join(parts))
        self._complete = self._depth == 0

    def finish(self) -> bytes:
        """Give the whole document.

        Raises:
            ValueError: it has no root element yet.
        """
        if not self._complete:
            raise ValueError("the document has no root element, or it is still open")
        return b"".join(self._fragments)

    def _append(self, fragment: bytes) -> None:
        self._fragments.append(fragment)
        self.octets += len(fragment)

    def _check_place(self) -> None:
        if self._complete:
            raise ValueError("the document has its one root element already")


def _size(size: int) -> bytes:
    """A number as a mb_u_int32 ([WBXML1.2] §5.1)."""
    octets = [size & 0x7F]
    while size := size >> 7:
        octets.append(size & 0x7F | 0x80)
    return bytes(reversed(octets))
