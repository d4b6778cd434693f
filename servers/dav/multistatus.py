"""Multistatus answers (RFC 4918 §13), written as text: compiled once a listing, then joined.

`Wanted` is what a PROPFIND or REPORT asks for; `resource` answers for one principal, home or
collection; `Members` answers for the items of one collection.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from lxml import etree

from servers.dav import escape, xml
from servers.dav.context import Reader
from servers.dav.errors import refuse
from servers.dav.names import DAV, DECLARATIONS, ESCRITOIRE, element, tags
from servers.dav.properties.table import ItemPart, Listing, Part, Property, RowPart
from servers.dav.resources import Kind, Resource
from servers.http.errors import BadRequest
from servers.http.response import Response
from storage import items
from storage import properties as dead
from storage.errors import Denied
from storage.types import Brief, Changes, Collection, Item, Row

HEAD: Final = f'<?xml version="1.0" encoding="utf-8"?>\n<D:multistatus{DECLARATIONS}>\n'
MAX_PROPERTIES: Final = 500
MAX_NAMES: Final = 32_768
"""Characters of all the names asked for."""
MAX_ANSWER: Final = 256 * 1024 * 1024
"""Characters of the members' part of one answer, roughly."""

_OK: Final = "</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>"
_MISSING: Final = "</D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat>"
_FORBIDDEN: Final = "</D:prop><D:status>HTTP/1.1 403 Forbidden</D:status></D:propstat>"
_BEGIN: Final = "<D:propstat><D:prop>"
_END: Final = "</D:response>\n"

STATUS_TEXT: Final[Mapping[int, str]] = {
    200: "200 OK",
    403: "403 Forbidden",
    404: "404 Not Found",
    409: "409 Conflict",
    412: "412 Precondition Failed",
    423: "423 Locked",
    424: "424 Failed Dependency",
    507: "507 Insufficient Storage",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which properties are asked for."""

    names: tuple[str, ...] = ()
    """Clark names, in the client's order, each once."""
    elements: Mapping[str, etree._Element] = field(default_factory=dict)
    """The elements that named them: some say more inside (CALDAV:calendar-data)."""
    everything: bool = False
    """DAV:allprop; `names` are then those of DAV:include."""
    names_only: bool = False
    """DAV:propname."""


EVERYTHING: Final = Wanted(everything=True)


def wanted(root: etree._Element | None) -> Wanted:
    """What a DAV:propfind, or the root of a report, asks for (RFC 4918 §14.20).

    Raises:
        BadRequest: it asks for several things at once, or for nothing.
    """
    if root is None:
        return EVERYTHING
    prop = root.find(f"{DAV}prop")
    everything = root.find(f"{DAV}allprop") is not None
    names_only = root.find(f"{DAV}propname") is not None
    if (prop is not None) + everything + names_only > 1:
        raise BadRequest("one of prop, allprop and propname")
    if prop is None and not everything and not names_only:
        if root.tag == f"{DAV}propfind":
            raise BadRequest("one of prop, allprop and propname")
        return Wanted()
    source = prop if prop is not None else root.find(f"{DAV}include")
    elements = {xml.tag(child): child for child in xml.children(source)} if source is not None else {}
    if len(elements) > MAX_PROPERTIES or sum(map(len, elements)) > MAX_NAMES:
        # Each is answered for each member: a small request must not make a giant answer.
        raise refuse(403, f"{ESCRITOIRE}limit-reached", "properties", reason="too many properties at once")
    return Wanted(tuple(elements), elements, everything, names_only)


def document(responses: Sequence[str], *, tail: str = "", headers: Sequence[tuple[str, str]] = ()) -> Response:
    """The 207 answer of some `<D:response>` texts; `tail` is XML after them (a sync-token)."""
    body = f"{HEAD}{''.join(responses)}{tail}</D:multistatus>\n"
    return Response(207, [("Content-Type", 'application/xml; charset="utf-8"'), *headers], body.encode())


def status(href: str, code: int, error: str = "") -> str:
    """A `<D:response>` that says only how it went; `error` is the XML of a precondition."""
    explained = f"<D:error>{error}</D:error>" if error else ""
    return f"<D:response><D:href>{href}</D:href><D:status>HTTP/1.1 {STATUS_TEXT[code]}</D:status>{explained}{_END}"


def propstat(code: int, names: Iterable[str], error: str = "") -> str:
    """A `<D:propstat>` of empty properties: the outcome of a PROPPATCH."""
    inner = "".join([element(name) for name in names])
    explained = f"<D:error>{error}</D:error>" if error else ""
    return f"{_BEGIN}{inner}</D:prop><D:status>HTTP/1.1 {STATUS_TEXT[code]}</D:status>{explained}</D:propstat>"


def response(href: str, propstats: str) -> str:
    """A `<D:response>` around propstats."""
    return f"<D:response><D:href>{href}</D:href>{propstats}{_END}"


# --- principals, homes, collections ---------------------------------------------------------------


def resource(reader: Reader, found: Resource, asked: Wanted) -> str:
    """The `<D:response>` of one resource of any kind."""
    if found.kind is Kind.ITEM and found.item is not None:
        folder = found.href[: len(found.href) - len(escape.segment(found.item.name))]
        members = Members(Listing(reader, found.owned_collection, folder), asked)
        return members.render([found.item])[0]
    return response(found.href, propstats_of(reader, found, asked))


def propstats_of(reader: Reader, found: Resource, asked: Wanted) -> str:
    """The propstats of a resource that is no item."""
    if asked.names_only:
        return _BEGIN + "".join([element(name) for name in names_of(reader, found)]) + _OK
    names: Iterable[str] = asked.names
    if asked.everything:
        told = [name for name, row in _rows(reader, found) if row.allprop]
        names = dict.fromkeys([*told, *_dead_names(reader, found), *asked.names])
    present: list[str] = []
    missing: list[str] = []
    forbidden: list[str] = []
    for name in names:
        try:
            text = value(reader, found, name)
        except Denied:
            forbidden.append(element(name))
            continue
        if text is not None:
            present.append(text)
        elif not asked.everything:
            missing.append(element(name))
    return _propstats(reader, present, missing, forbidden)


def value(reader: Reader, found: Resource, name: str) -> str | None:
    """One property of a resource that is no item, as a whole element; None if it has no such property."""
    row = row_of(reader, found, name)
    if row is not None and row.check is None:
        content = row.get(reader, found)
        return None if content is None else element(name, content)
    return _dead(reader, found).get(_key(name))


def row_of(reader: Reader, found: Resource, name: str) -> Property | None:
    """The live property of that name which this resource can have."""
    for row in reader.context.tables.properties.get(name, ()):
        if found.kind in row.kinds and _fits(row, found):
            return row
    return None


def names_of(reader: Reader, found: Resource) -> list[str]:
    """The names of all properties that a resource has."""
    live: list[str] = []
    for name in dict.fromkeys(name for name, _ in _rows(reader, found)):
        row = row_of(reader, found, name)  # the one that would answer
        try:
            present = row is not None and row.get(reader, found) is not None
        except Denied:
            present = True
        if present:
            live.append(name)
    return [*dict.fromkeys([*live, *_dead_names(reader, found)])]


def _rows(reader: Reader, found: Resource) -> list[tuple[str, Property]]:
    return [
        (name, row)
        for name, rows in reader.context.tables.properties.items()
        for row in rows
        if found.kind in row.kinds and _fits(row, found)
    ]


def _fits(row: Property, found: Resource) -> bool:
    return row.tools is None or found.collection is None or found.collection.tool in row.tools


def _propstats(reader: Reader, present: Sequence[str], missing: Sequence[str], forbidden: Sequence[str] = ()) -> str:
    parts: list[str] = []
    if present:
        parts += [_BEGIN, *present, _OK]
    if missing and not reader.context.preferences.minimal:
        parts += [_BEGIN, *missing, _MISSING]
    if forbidden:
        parts += [_BEGIN, *forbidden, _FORBIDDEN]
    return "".join(parts) if parts else _BEGIN + _OK  # RFC 8144 §2.1: at least one propstat


def _key(name: str) -> tuple[str, str]:
    namespace, brace, local = name.rpartition("}")
    return (namespace[1:], local) if brace else ("", name)


def clark(key: tuple[str, str]) -> str:
    """The Clark name of a dead property's key."""
    return f"{{{key[0]}}}{key[1]}" if key[0] else key[1]


def _dead(reader: Reader, found: Resource) -> Mapping[tuple[str, str], str]:
    if found.kind is not Kind.COLLECTION or found.collection is None:
        return {}
    return dead_of(reader, found.collection)


def dead_of(reader: Reader, collection: Collection) -> Mapping[tuple[str, str], str]:
    """The dead properties of a collection, read once a request."""
    known = reader.memo.setdefault("dead", {})
    if collection.id not in known:
        known[collection.id] = dead.get_all(reader.tx, collection)
    result: Mapping[tuple[str, str], str] = known[collection.id]
    return result


def read_dead(reader: Reader, collections: Sequence[Collection]) -> None:
    """Read the dead properties of many collections in one query, before they are answered."""
    found = dead.of_collections(reader.tx, collections) if collections else {}
    known = reader.memo.setdefault("dead", {})
    for collection in collections:
        known[collection.id] = found.get(collection.id, {})


def _dead_names(reader: Reader, found: Resource) -> list[str]:
    return [clark(key) for key in _dead(reader, found)]


# --- items -----------------------------------------------------------------------------------------


class Members:
    """A compiled answer for items of one collection.

    `needs_items`: rows do not suffice, whole items must be given; `needs_body`: with their bodies.
    """

    def __init__(self, listing: Listing, asked: Wanted, extra: Mapping[str, Part] | None = None) -> None:
        """Decide for every property how it is computed; `extra` are a report's own (calendar-data)."""
        self._listing = listing
        context = listing.reader.context
        table = context.tables.item_properties
        given = extra or {}
        self._dead: Mapping[str, Mapping[tuple[str, str], str]] = {}
        self._names_only = asked.names_only
        names: list[str] = list(asked.names)
        if asked.everything or asked.names_only:
            self._dead = dead.of_items(listing.reader.tx, listing.collection)
            told = [row.name for row in table.values() if row.allprop or asked.names_only]
            names = [*dict.fromkeys([*told, *names])]
        self._keep_missing = not (context.preferences.minimal or asked.everything or asked.names_only)
        self._every_dead = asked.everything or asked.names_only
        unknown = [name for name in names if name not in table and name not in given]
        if unknown and not self._every_dead:
            self._dead = dead.of_items(listing.reader.tx, listing.collection)
        self._parts: list[tuple[str, Part]] = []
        for name in names:
            if name in given:
                self._parts.append((name, given[name]))
            elif name in table:
                self._parts.append((name, table[name].choose(listing)))
            elif self._dead and not self._every_dead:
                self._parts.append((name, RowPart(self._dead_getter(name), optional=True)))
            elif not self._every_dead:
                self._parts.append((name, None))
        self.needs_items = any(isinstance(part, ItemPart) for _, part in self._parts)
        self.needs_body = any(isinstance(part, ItemPart) and part.body for _, part in self._parts)
        self._dead_whole = {name for name in unknown if self._dead}

    def every(self) -> list[str]:
        """The responses of all members that the actor sees."""
        tx, collection = self._listing.reader.tx, self._listing.collection
        if self.brief:
            return self.render_brief(items.brief(tx, collection))
        entries: Iterable[Row | Item]
        entries = items.listing(tx, collection) if self.needs_items else items.rows(tx, collection)
        return self.render(entries)

    def of_changes(self, found: Changes) -> list[str]:
        """The responses of what a synchronisation tells."""
        whole = [entry for entry in found.items if isinstance(entry, Row)]
        if self.brief:
            pairs = [Brief(row.name, row.etag) for row in whole]
            return self.render_brief(pairs or cast(Sequence[Brief], found.items))
        return self.of_rows(whole)

    def of_rows(self, rows: Sequence[Row]) -> list[str]:
        """The responses of members whose rows are at hand; whole items are read if they are needed."""
        if not self.needs_items:
            return self.render(rows)
        found = items.many(
            self._listing.reader.tx,
            self._listing.collection,
            [row.name for row in rows],
            body=self.needs_body,
        )
        return self.render([found[row.name] for row in rows if row.name in found])

    def render(self, entries: Iterable[Row | Item]) -> list[str]:
        """One `<D:response>` for each of these members."""
        whole = entries if isinstance(entries, Sequence) else list(entries)
        self._bound(len(whole))
        return self._fast(whole) if self._simple() else [self._slow(entry) for entry in whole]

    def _simple(self) -> bool:
        """Whether every member has every property."""
        return not self._every_dead and all(
            part is None or isinstance(part, str) or not part.optional for _, part in self._parts
        )

    @property
    def form(self) -> str:
        """What the answer consists of, if it stays the same while the members' rows do; else ""."""
        lasting = all(isinstance(part, str) or (isinstance(part, RowPart) and part.lasting) for _, part in self._parts)
        if self._every_dead or not lasting:
            return ""  # a property that nobody has may be given to a member without its row changing
        return "\n".join([self._template()[0], *(name for name, _ in self._parts)])

    def _bound(self, count: int) -> None:
        """Refuse an answer that would fill the memory: many properties of many members."""
        names = sum(len(name) for name, _ in self._parts)
        if count * (2 * names + 200) > MAX_ANSWER:
            raise refuse(403, f"{DAV}number-of-matches-within-limits", reason="ask for fewer properties")

    @property
    def brief(self) -> bool:
        """Whether names and validators are all it needs."""
        timed = [part for _, part in self._parts if isinstance(part, RowPart)]
        return not self._every_dead and not self.needs_items and len(timed) == 1 and all(part.of_etag for part in timed)

    def render_brief(self, entries: Sequence[Brief]) -> list[str]:
        """The same from names and validators alone, for the thousand-fold case."""
        self._bound(len(entries))
        template, _ = self._template()
        if escape.all_plain([entry[0] for entry in entries]):
            return [template % (name, etag) for name, etag in entries]
        return [template % (escape.segment(name), etag) for name, etag in entries]

    def _fast(self, entries: Iterable[Row | Item]) -> list[str]:
        """Every member has the same properties: one template, filled from the columns."""
        template, getters = self._template()
        whole = entries if isinstance(entries, list) else list(entries)
        names = [entry.name for entry in whole]
        if not escape.all_plain(names):
            names = [escape.segment(name) for name in names]
        columns = [map(getter, whole) for getter in getters]
        return [template % row for row in zip(names, *columns, strict=True)]

    def _template(self) -> tuple[str, list[Callable[[Any], Any]]]:
        present: list[str] = []
        missing: list[str] = []
        getters: list[Callable[[Any], Any]] = []
        for name, part in self._parts:
            if part is None:
                missing.append(element(name))
            elif isinstance(part, str):
                present.append(element(name, part).replace("%", "%%"))
            else:
                start, end = tags(name)
                quoted = part.of_etag if isinstance(part, RowPart) and part.of_etag else "%s"
                present.append(f"<{start}>{quoted}</{end}>".replace("%", "%%").replace("%%s", "%s"))
                getters.append(_getter(part))
        propstats = ""
        if present:
            propstats = _BEGIN + "".join(present) + _OK
        if missing and self._keep_missing:
            propstats += (_BEGIN + "".join(missing) + _MISSING).replace("%", "%%")
        href = self._listing.href.replace("%", "%%")
        text = f"<D:response><D:href>{href}%s</D:href>{propstats or _BEGIN + _OK}{_END}"
        return text, getters

    def _slow(self, entry: Row | Item) -> str:
        present: list[str] = []
        missing: list[str] = []
        for name, part in self._parts:
            text = _part(part, entry)
            if text is None:
                missing.append(name)
            elif name in self._dead_whole:
                present.append(text)
            else:
                present.append(element(name, text))
        own = self._dead.get(entry.name, {}) if self._every_dead else {}
        if self._names_only:
            absent = set(missing)
            present = [element(name) for name, _ in self._parts if name not in absent]
            present += [element(clark(key)) for key in own]
        else:
            present += own.values()
        propstats = _BEGIN + "".join(present) + _OK if present else ""
        if missing and self._keep_missing:
            propstats += _BEGIN + "".join([element(name) for name in missing]) + _MISSING
        return (
            f"<D:response><D:href>{self._listing.href}{escape.segment(entry.name)}</D:href>"
            f"{propstats or _BEGIN + _OK}{_END}"
        )

    def _dead_getter(self, name: str) -> Callable[[Row | Item], str | None]:
        key = _key(name)
        found = self._dead
        return lambda entry: found.get(entry.name, {}).get(key)


def _getter(part: RowPart | ItemPart) -> Callable[[Any], Any]:
    """What fills a part's place in the template: a column as it is, without a call of ours, where that suffices."""
    if isinstance(part, RowPart) and (part.of_etag or part.column):
        return operator.attrgetter("etag" if part.of_etag else part.column)
    return part.get


def _part(part: Part, entry: Row | Item) -> str | None:
    if part is None or isinstance(part, str):
        return part
    if isinstance(part, ItemPart):
        assert isinstance(entry, Item)
        return part.get(entry)
    return part.get(entry)
