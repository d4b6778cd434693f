"""Events, contacts, tasks and notes found by their words, for Search ([MS-ASCMD] §2.2.1.16, §2.2.3.27.4).

There is no index of them: what a folder holds is read, a page at a time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from servers.activesync import hierarchy
from servers.activesync.call import Call
from servers.activesync.object_changes import folder_of, server_id
from servers.activesync.object_content import ObjectContent
from servers.activesync.options import Options
from servers.activesync.wbxml.element import Element
from storage import items
from storage.formats.contentline import Component, parse, unescape_text
from storage.formats.search_query import fold
from storage.store import Transaction

PAGE: Final = 200
WORDS_MAX: Final = 20
_WORD: Final = re.compile(r'"([^"]+)"?|([^\s"]+)')
_NO_TEXT: Final = frozenset(
    {"ATTACH", "DTSTAMP", "KEY", "LAST-MODIFIED", "CREATED", "LOGO", "PHOTO", "PRODID", "REV", "SOUND", "UID",
     "VERSION", "X-ALT-DESC"}
)  # fmt: skip
"""Properties that hold no words of people."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One item found."""

    kind: str
    """The class as the wire calls it."""
    folder: str
    server_id: str
    name: str
    modified: float
    content: ObjectContent

    def shown(self, tx: Transaction, call: Call, options: Options) -> list[Element]:
        """Its elements; none where it cannot be shown."""
        return self.content.shown(tx, call, items.get(tx, self.content.source, self.name), options)


def classes(version: int) -> frozenset[str]:
    """The classes that can be searched for here."""
    return frozenset(found.name for found in hierarchy.LETTERS.values() if found.since <= version)


def find(tx: Transaction, call: Call, text: str, folders: Sequence[str], kind: str | None) -> list[Hit]:
    """The items with all words of `text`, of one class if `kind` names one; the one changed last comes first.

    Without folders all that the device is shown are looked through.

    Raises:
        NotFound: one of the folders is none.
    """
    chosen = folders or [one.server_id for one in hierarchy.every(tx, call.version) if not one.server_id.isdecimal()]
    words = [fold(phrase or word) for phrase, word in _WORD.findall(text)][:WORDS_MAX]
    found: list[Hit] = []
    for folder in dict.fromkeys(chosen):
        content = ObjectContent(*hierarchy.collection(tx, folder))
        if kind is None or content.name == kind:
            found += _hits(tx, content, words)
    return sorted(found, key=lambda hit: (-hit.modified, hit.server_id))


def _hits(tx: Transaction, content: ObjectContent, words: Sequence[str]) -> Iterator[Hit]:
    source, item_class = content.source, content.item_class
    names = [name for name, _ in items.brief(tx, source)]
    for at in range(0, len(names), PAGE):
        for item in items.many(tx, source, names[at : at + PAGE]).values():
            if item.body is not None and _has(item.body, words):
                number = server_id(source, item_class, item.name)
                yield Hit(content.name, folder_of(source, item_class), number, item.name, item.modified, content)


def _has(body: bytes, words: Sequence[str]) -> bool:
    text = fold("\n".join(one for component in parse(body) for one in _texts(component))) if words else ""
    return all(word in text for word in words)


def _texts(component: Component) -> Iterator[str]:
    if component.name in ("VTIMEZONE", "VALARM"):
        return
    for prop in component.properties:
        if prop.name not in _NO_TEXT:
            yield unescape_text(prop.value)
            if (name := prop.param("CN")) is not None:
                yield name
    for inner in component.components:
        yield from _texts(inner)
