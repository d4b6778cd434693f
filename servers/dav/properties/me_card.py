"""CS:me-card: which card of one's own address books is oneself (ACC-02), as Apple's clients ask for it.

It stands on one's principal and home in every process, for whoever serves them (SYS-03). What was chosen is kept as a
property of the book that holds the card; without a choice, or after that card has gone, it is the card with one's main
e-mail address.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from lxml import etree

from servers.dav import escape, resources, xml
from servers.dav.context import Reader
from servers.dav.errors import refuse
from servers.dav.names import CALENDARSERVER, CARDDAV, DAV, ESCRITOIRE, element
from servers.dav.properties.table import Property
from servers.dav.resources import Kind, Resource, collection_path
from servers.http.errors import BadRequest
from storage import collections as tree
from storage import items, properties
from storage.errors import NotFound
from storage.types import Collection, SpaceKind, Tool

NAME: Final = f"{CALENDARSERVER}me-card"
_KEY: Final = (CALENDARSERVER[1:-1], "me-card")


def _get(reader: Reader, found: Resource) -> str | None:
    if not _own(reader, found):
        return None
    books = _books(reader)
    for book in books:
        kept = properties.underlying(reader.tx, book, [_KEY])
        href = "" if kept is None else xml.text(etree.fromstring(kept).find(f"{DAV}href"))
        place = _place(reader, href, books) if href else None
        if place is not None:
            return _href(reader, *place)
    mine = _by_address(reader, found, books)
    return None if mine is None else _href(reader, *mine)


def _assign(reader: Reader, found: Resource, value: etree._Element | None) -> Callable[[], None]:
    """Choose a card (a DAV:href to it), or none.

    Raises:
        HttpError: 403: these are somebody else's, or the href leads to no card of one's own books.
    """
    if not _own(reader, found):
        raise refuse(403, f"{DAV}cannot-modify-protected-property")
    books = _books(reader)
    place = None
    if value is not None:
        place = _place(reader, xml.text(value.find(f"{DAV}href")), books)
        if place is None:
            raise refuse(403, f"{ESCRITOIRE}valid-me-card", reason="an href to a card of your own is wanted")

    def write() -> None:
        for book in books:
            kept = None
            if place is not None and book.id == place[0].id:
                kept = f'<me-card xmlns="{_KEY[0]}">{_href(reader, *place, declare=True)}</me-card>'
            properties.put(reader.tx, book, None, {_KEY: kept})

    return write


def _own(reader: Reader, found: Resource) -> bool:
    principal = found.principal
    return principal is not None and principal.kind is SpaceKind.PRIVATE and principal.id == reader.tx.actor.id


def _books(reader: Reader) -> list[Collection]:
    return [one for one in tree.home(reader.tx, SpaceKind.PRIVATE, reader.tx.actor.login) if one.tool is Tool.CONTACTS]


def _place(reader: Reader, href: str, books: list[Collection]) -> tuple[Collection, str] | None:
    """The book and name that an href leads to, if a card of one's own is there."""
    try:
        address = resources.of_href(reader.context, href)
    except BadRequest:
        return None
    if address is None or address.kind is not Kind.ITEM:
        return None
    if (address.space_kind, address.space) != (SpaceKind.PRIVATE, reader.tx.actor.login):
        return None
    book = next((one for one in books if one.name == address.collection), None)
    if book is None:
        return None
    try:
        return book, items.get(reader.tx, book, address.item, body=False).name
    except NotFound:
        return None


def _by_address(reader: Reader, found: Resource, books: list[Collection]) -> tuple[Collection, str] | None:
    from storage import contacts  # a calendar process seldom needs the parser of cards
    from storage.formats.vcard_filter import CardFilter, MatchType, PropFilter, TextMatch

    address = found.principal.email if found.principal is not None else ""
    if not address:
        return None
    wanted = CardFilter((PropFilter("EMAIL", texts=(TextMatch(address, MatchType.EQUALS),)),))
    for book in books:
        cards, _ = contacts.query(reader.tx, book, wanted, 1)
        if cards:
            return book, cards[0].name
    return None


def _href(reader: Reader, book: Collection, name: str, *, declare: bool = False) -> str:
    path = collection_path(book) + escape.segment(name)
    if declare:
        return f'<href xmlns="DAV:">{path}</href>'
    return element(f"{DAV}href", reader.context.base_of(Tool.CONTACTS) + path)


_WHERE: Final = frozenset({Kind.PRINCIPAL, Kind.HOME})
PROPERTIES: Final = (
    Property(NAME, _WHERE, _get, assign=_assign),
    Property(f"{CARDDAV}principal-address", frozenset({Kind.PRINCIPAL}), _get),  # RFC 6352 §7.1.2: the same card
)
