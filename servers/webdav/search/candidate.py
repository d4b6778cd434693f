"""One file or folder that a search looks at: its properties as values, read from rows and not from bodies."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeAlias

from lxml import etree

from servers.dav.context import Reader
from servers.dav.names import DAV
from servers.webdav import properties
from storage import filing, folders, search
from storage import properties as dead
from storage.filing import Details, Folder
from storage.formats import search_query
from storage.types import Item, Row

Value: TypeAlias = "str | int | float | datetime"
_NOTHING: Final = Details()
_MOST: Final = 200_000


@dataclass(slots=True)
class Surroundings:
    """What is read once for the members of one folder, and only if a condition asks for it."""

    reader: Reader
    folder: Folder
    _details: Mapping[str, Details] | None = None
    _dead: Mapping[str, Mapping[tuple[str, str], str]] | None = None
    _own_dead: Mapping[tuple[str, str], str] | None = None

    def details(self, name: str) -> Details:
        if self._details is None:
            self._details = folders.details(self.reader.tx, self.folder)
        return self._details.get(name, _NOTHING)

    def dead(self, name: str | None) -> Mapping[tuple[str, str], str]:
        """The dead properties of a file, or of the folder itself."""
        if name is None:
            if self._own_dead is None:
                self._own_dead = dead.get_all(self.reader.tx, self.folder)
            return self._own_dead
        if self._dead is None:
            self._dead = dead.of_items(self.reader.tx, self.folder)
        return self._dead.get(name, {})


@dataclass(slots=True)
class Candidate:
    """A member of `around.folder`, or that folder itself (`row` None)."""

    around: Surroundings
    row: Row | Item | None

    @property
    def is_collection(self) -> bool:
        return self.row is None

    @property
    def name(self) -> str:
        return self.around.folder.title if self.row is None else self.row.name

    def contains(self, words: str) -> bool:
        """Whether content, name, description or author hold the words (DAV:contains, DOC-35); folders have none.

        Raises:
            GateClosed: the actor's plan has no search.
        """
        if self.row is None:
            return False
        folder, reader = self.around.folder, self.around.reader
        known = reader.memo.setdefault("contains", {})
        if words not in known:
            expression = search_query.simple([(search_query.Field.ANY, words)])
            space = (folder.space.kind, folder.space.name)
            within = reader.memo.get("scope")
            sought = search.run(reader.tx, expression, space=None if within else space, within=within, limit=_MOST)
            known[words] = frozenset((hit.space.id, hit.path) for hit in sought.hits)
        return (folder.space.id, filing.join(folder.path, self.row.name)) in known[words]

    def value(self, name: str) -> Value | None:
        """A property by its Clark name; None where it is not defined."""
        live = _OF_FOLDER if self.row is None else _OF_FILE
        if name in live:
            return live[name](self)
        namespace, _, local = name.rpartition("}")
        xml = self.around.dead(None if self.row is None else self.row.name).get((namespace[1:], local))
        return None if xml is None else _text(xml)

    @property
    def file(self) -> Row | Item:
        assert self.row is not None
        return self.row


def _text(xml: str) -> str:
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    return re.sub(r"\s+", " ", "".join([str(part) for part in etree.fromstring(xml, parser).itertext()])).strip()


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)


_OF_FILE: Final[Mapping[str, Callable[[Candidate], Value | None]]] = {
    f"{DAV}displayname": lambda one: one.name,
    f"{DAV}getcontentlength": lambda one: one.file.size,
    f"{DAV}getcontenttype": lambda one: one.file.media_type,
    f"{DAV}getetag": lambda one: f'"{one.file.etag}"',
    f"{DAV}getlastmodified": lambda one: _at(one.file.modified),
    f"{DAV}creationdate": lambda one: _at(one.file.created),
    f"{DAV}resourcetype": lambda one: "",
    properties.DESCRIPTION: lambda one: one.around.details(one.file.name).description or None,
    properties.DOWNLOADS: lambda one: one.around.details(one.file.name).downloads,
}
_OF_FOLDER: Final[Mapping[str, Callable[[Candidate], Value | None]]] = {
    f"{DAV}displayname": lambda one: properties.display_name(one.around.reader, one.around.folder),
    f"{DAV}getlastmodified": lambda one: _at(one.around.folder.modified),
    f"{DAV}creationdate": lambda one: _at(one.around.folder.created),
    f"{DAV}resourcetype": lambda one: "",
    properties.DESCRIPTION: lambda one: one.around.folder.description or None,
}
