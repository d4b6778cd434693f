"""Netscape's bookmark file, which every browser writes and reads (FAV-11, FAV-13, FAV-14).

Its HTML never closes what it opens, and each browser adds attributes of its own: the reader follows the
tags as they come, by lxml's parser with entities, network and growth beyond its limits off.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

from lxml import etree

from storage.errors import BadFormat
from storage.formats.bookmarks import (
    DESCRIPTION_CHARACTERS,
    MOST_ENTRIES,
    MOST_LEVELS,
    MOST_OCTETS,
    TITLE_CHARACTERS,
    Bookmark,
    Folder,
    plain,
    prose,
)

MEDIA_TYPE: Final = "text/html; charset=utf-8"
_CHARSET: Final = re.compile(rb"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_HEAD: Final = (
    "<!DOCTYPE NETSCAPE-Bookmark-file-1>\n"
    '<META HTTP-EQUIV="Content-Type" CONTENT="text/html; charset=UTF-8">\n'
    "<TITLE>{0}</TITLE>\n<H1>{0}</H1>\n"
)
# Pieces small enough that the parser meets its own limits soon.
_PIECE: Final = 64 * 1024
# Longer values are a browser's pictures.
_ATTRIBUTE: Final = re.compile(r"""\s(?:ICON|ICON_URI)\s*=\s*"[^"]*\"""", re.IGNORECASE)


def read(data: bytes) -> Folder:
    """The tree of a bookmark file; addresses are as they stand there.

    Raises:
        BadFormat: it is no bookmark file, or has too many entries or octets.
    """
    if len(data) > MOST_OCTETS:
        raise BadFormat(f"a bookmark file has at most {MOST_OCTETS} octets")
    text = _ATTRIBUTE.sub("", _decode(data))
    reader = _Reader()
    target: Any = reader
    # libxml2 is told UTF-8 whatever the file's own META says: it is decoded already.
    parser = etree.HTMLParser(target=target, no_network=True, huge_tree=False, recover=True, encoding="utf-8")
    encoded = text.encode("utf-8", "replace")
    try:
        for start in range(0, len(encoded), _PIECE):
            parser.feed(encoded[start : start + _PIECE])
        parser.close()
    except etree.LxmlError as error:
        raise BadFormat("this is no bookmark file") from error
    if not reader.lists:
        raise BadFormat("this is no bookmark file")
    return reader.root


def write(tree: Folder) -> Iterator[str]:
    """The tree as a bookmark file, in pieces."""
    yield _HEAD.format(escape(tree.title or "Bookmarks"))
    yield "<DL><p>\n"
    waiting: list[tuple[int, Bookmark | Folder | None]] = [(1, one) for one in reversed(tree.children)]
    while waiting:
        depth, one = waiting.pop()
        indent = "    " * depth
        if one is None:
            yield f"{indent}</DL><p>\n"
        elif isinstance(one, Bookmark):
            yield f'{indent}<DT><A HREF="{escape(one.address)}"{_added(one.added)}>{escape(one.title)}</A>\n'
            yield _described(one.description, indent)
        else:
            yield f"{indent}<DT><H3{_added(one.added)}>{escape(one.title)}</H3>\n"
            yield _described(one.description, indent)
            yield f"{indent}<DL><p>\n"
            waiting.append((depth, None))
            waiting += [(depth + 1, child) for child in reversed(one.children)]
    yield "</DL><p>\n"


class _Reader:
    """Follows H3, A, DD and DL; whatever else is there does not count."""

    def __init__(self) -> None:
        self.root: Final = Folder()
        self.lists = 0
        self._items = False
        """A DT came: Safari writes no list around the first ones."""
        self._open: list[Folder] = [self.root]
        self._named: Folder | None = None
        """The folder whose H3 came and whose DL is to come."""
        self._last: Folder | Bookmark | None = None
        self._text: list[str] | None = None
        self._attributes: dict[str, str] = {}
        self._in = ""
        self._count = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag in {"h3", "a", "dd", "dl", "dt"}:
            self._finish()
        self._items = self._items or tag == "dt"
        if tag == "dl":
            self._list()
        elif tag in {"h3", "a", "dd"} and (self.lists or self._items):
            self._in, self._text = tag, []
            self._attributes = {str(name).lower(): str(value) for name, value in attributes.items()}

    def end(self, tag: str) -> None:
        if tag == "dl":
            self._finish()
            if len(self._open) > 1:
                self._open.pop()
            self._named = None
        elif tag == self._in:
            self._finish()

    def data(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def comment(self, text: str) -> None:
        """Nothing of it is kept."""

    def pi(self, target: str, data: str | None = None) -> None:
        """Nothing of it is kept."""

    def close(self) -> None:
        self._finish()

    def _list(self) -> None:
        self.lists += 1
        if self.lists == 1 and self._named is None:
            return  # the root's own
        # A list without a heading goes on with the folder around it.
        self._open.append(self._named or self._open[-1])
        self._named = None

    def _finish(self) -> None:
        if self._text is None:
            return
        text, kind, self._text, self._in = "".join(self._text), self._in, None, ""
        here = self._open[-1]
        if kind == "dd":
            self._describe(here, prose(text))
            return
        self._count += 1
        if self._count > MOST_ENTRIES:
            raise BadFormat(f"a bookmark file has at most {MOST_ENTRIES} entries")
        added = _seconds(self._attributes.get("add_date", ""))
        if kind == "h3" and len(self._open) > MOST_LEVELS:
            self._named = self._last = None  # too deep: what is in it goes on with the folder around it
        elif kind == "h3":
            self._named = self._last = Folder(plain(text, TITLE_CHARACTERS), "", added)
            here.children.append(self._named)
        elif address := self._attributes.get("href", ""):
            title = plain(text, TITLE_CHARACTERS) or plain(address, TITLE_CHARACTERS)
            self._last = Bookmark(title, address, "", added)
            here.children.append(self._last)

    def _describe(self, here: Folder, text: str) -> None:
        last = self._last
        if isinstance(last, Folder):
            last.description = text
        elif last is not None and here.children and here.children[-1] is last:
            here.children[-1] = Bookmark(last.title, last.address, text, last.added)
        self._last = None


def _decode(data: bytes) -> str:
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            return data.decode(name, "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    said = _CHARSET.search(data[:4096])
    try:
        name = codecs.lookup(said[1].decode("ascii")).name if said else "cp1252"
        return data.decode("cp1252" if name == "utf-8" else name, "replace")
    except (LookupError, ValueError):
        return data.decode("cp1252", "replace")


def _seconds(text: str) -> float:
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 20 else 0
    while number >= 1 << 34:  # some write milliseconds or microseconds
        number //= 1000
    return float(number)


def _added(seconds: float) -> str:
    return f' ADD_DATE="{int(seconds)}"' if seconds else ""


def _described(text: str, indent: str) -> str:
    return f"{indent}<DD>{escape(text[:DESCRIPTION_CHARACTERS])}\n" if text else ""
