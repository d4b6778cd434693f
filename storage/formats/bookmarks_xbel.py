"""XBEL 1.0, the XML bookmark exchange language of KDE, Konqueror and synchronising add-ons (FAV-11)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from storage.errors import BadFormat
from storage.formats.bookmarks import (
    MOST_ENTRIES,
    MOST_LEVELS,
    MOST_OCTETS,
    TITLE_CHARACTERS,
    Bookmark,
    Folder,
    plain,
    prose,
)

MEDIA_TYPE: Final = "application/x-xbel+xml; charset=utf-8"
_HEAD: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<!DOCTYPE xbel PUBLIC "+//IDN python.org//DTD XML Bookmark Exchange Language 1.0//EN//XML"'
    ' "http://pyxml.sourceforge.net/topics/dtds/xbel.dtd">\n'
    '<xbel version="1.0">\n'
)
_PIECE: Final = 64 * 1024


def read(data: bytes) -> Folder:
    """The tree of an XBEL file; addresses are as they stand there.

    Raises:
        BadFormat: it is no XBEL, or has too many entries or octets.
    """
    if len(data) > MOST_OCTETS:
        raise BadFormat(f"a bookmark file has at most {MOST_OCTETS} octets")
    reader = _Reader()
    target: Any = reader
    # Without any resolution libxml2 hands out `&amp;` in attributes half done; entities from elsewhere stay off,
    # and its own bound on amplification ends the internal ones.
    internal: Any = "internal"
    parser = etree.XMLParser(target=target, resolve_entities=internal, load_dtd=False, no_network=True, huge_tree=False)
    try:
        for start in range(0, len(data), _PIECE):
            parser.feed(data[start : start + _PIECE])
        parser.close()
    except etree.LxmlError as error:
        raise BadFormat("this is no well-formed XBEL") from error
    return reader.root


def write(tree: Folder) -> Iterator[str]:
    """The tree as XBEL, in pieces."""
    yield _HEAD
    if tree.title:
        yield f"  <title>{_text(tree.title)}</title>\n"
    waiting: list[tuple[int, Bookmark | Folder | None]] = [(1, one) for one in reversed(tree.children)]
    while waiting:
        depth, one = waiting.pop()
        indent = "  " * depth
        if one is None:
            yield f"{indent}</folder>\n"
            continue
        inner = f"{indent}  <title>{_text(one.title)}</title>\n"
        if one.description:
            inner += f"{indent}  <desc>{_text(one.description)}</desc>\n"
        if isinstance(one, Bookmark):
            yield f"{indent}<bookmark href={quoteattr(one.address)}{_added(one.added)}>\n{inner}{indent}</bookmark>\n"
        else:
            yield f"{indent}<folder{_added(one.added)}>\n{inner}"
            waiting.append((depth, None))
            waiting += [(depth + 1, child) for child in reversed(one.children)]
    yield "</xbel>\n"


class _Reader:
    """Follows folder, bookmark, title and desc; metadata, aliases and separators do not count."""

    def __init__(self) -> None:
        self.root: Final = Folder()
        self._open: list[Folder] = []
        self._mark: tuple[str, float] | None = None
        self._title = ""
        self._description = ""
        self._way: list[str] = []
        self._text: list[str] = []
        self._count = 0
        self._characters = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        name = _local(tag)
        if not self._way and name != "xbel":
            raise BadFormat("this is no XBEL: its root is another element")
        self._way.append(name)
        self._text = []
        if name == "xbel" and len(self._way) == 1:
            self._open.append(self.root)
        elif name == "folder":
            self._counted()
            inner = Folder("", "", _seconds(attributes.get("added", "")))
            if len(self._open) <= MOST_LEVELS:
                self._open[-1].children.append(inner)
                self._open.append(inner)
            else:
                self._open.append(self._open[-1])
        elif name == "bookmark":
            self._counted()
            self._mark = (attributes.get("href", ""), _seconds(attributes.get("added", "")))
            self._title = self._description = ""

    def end(self, tag: str) -> None:
        name, text, self._text = self._way.pop(), "".join(self._text), []
        over = self._way[-1] if self._way else ""
        if name == "folder":
            self._open.pop()
        elif name == "bookmark" and self._mark is not None:
            address, added = self._mark
            self._mark = None
            if address:
                title = self._title or plain(address, TITLE_CHARACTERS)
                self._open[-1].children.append(Bookmark(title, address, self._description, added))
        elif over == "bookmark" and name == "title":
            self._title = plain(text, TITLE_CHARACTERS)
        elif over == "bookmark" and name == "desc":
            self._description = prose(text)
        elif over in {"folder", "xbel"} and name == "title":
            self._open[-1].title = self._open[-1].title or plain(text, TITLE_CHARACTERS)
        elif over == "folder" and name == "desc":
            self._open[-1].description = prose(text)

    def data(self, text: str) -> None:
        self._characters += len(text)
        if self._characters > MOST_OCTETS:
            raise BadFormat("an XBEL file that grows when it is read")
        self._text.append(text)

    def comment(self, text: str) -> None:
        """Nothing of it is kept."""

    def pi(self, target: str, data: str | None = None) -> None:
        """Nothing of it is kept."""

    def close(self) -> None:
        """The tree is in `root`."""

    def _counted(self) -> None:
        self._count += 1
        if self._count > MOST_ENTRIES:
            raise BadFormat(f"a bookmark file has at most {MOST_ENTRIES} entries")


def _local(tag: str) -> str:
    return tag.rpartition("}")[2].lower()


def _seconds(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text.strip()[:40])
    except ValueError:
        return 0.0
    return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _added(seconds: float) -> str:
    if not seconds:
        return ""
    return f' added="{datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")}"'


def _text(value: str) -> str:
    return escape(prose(value))
