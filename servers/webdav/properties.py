"""Live properties of folders and files beside the kernel's: names, types, descriptions, counters, publication."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from servers.dav import escape, locks
from servers.dav.context import Reader
from servers.dav.names import DAV, ESCRITOIRE
from servers.dav.properties.core import iso_date
from servers.dav.properties.table import ItemPart, ItemProperty, Listing, Part, Property, RowPart
from servers.dav.resources import Kind, Resource
from servers.webdav import tree
from storage import folders, publishing
from storage import principals as people
from storage.filing import Details, File, Folder, Special
from storage.types import FOLDER_TOOLS, Item, Row

DESCRIPTION: Final = f"{ESCRITOIRE}description"
PUBLISHED: Final = f"{ESCRITOIRE}published"
DOWNLOADS: Final = f"{ESCRITOIRE}downloads"
SETTABLE: Final = frozenset({DESCRIPTION, PUBLISHED})
"""Live ones that PROPPATCH sets (DOC-09, DOC-37)."""

_FOLDER: Final = frozenset({Kind.COLLECTION})
_PLACES: Final = frozenset({Kind.ROOT, Kind.OWNER})
_NOTHING: Final = Details()


def _folder(name: str, get: Callable[[Folder], str | None]) -> Property:
    def value(reader: Reader, found: Resource) -> str | None:
        folder = tree.folder_of(found)
        return None if folder is None else get(folder)

    return Property(name, _FOLDER, value, tools=FOLDER_TOOLS)


_CALLED: Final = {
    "fr": {Special.TRASH: "Corbeille", Special.DROP_BOX: "Boîte de dépôt"},
    "de": {Special.TRASH: "Papierkorb", Special.DROP_BOX: "Briefkasten"},
    "nl": {Special.TRASH: "Prullenbak", Special.DROP_BOX: "Brievenbus"},
}
"""What is not called in another language as it is in the URL, by language (DOC-05)."""
_TRANSLATED: Final = frozenset({Special.TRASH, Special.DROP_BOX})


def display_name(reader: Reader, folder: Folder) -> str:
    """What its reader calls it: its title; of a main folder its owner's name (DOC-05, ACL-12)."""
    if folder.special is Special.ROOT:
        return folder.space.display_name or folder.space.name
    if folder.special not in _TRANSLATED:
        return folder.title
    if "language" not in reader.memo:
        reader.memo["language"] = people.language_of(reader.tx, reader.tx.actor.id)
    return _CALLED.get(reader.memo["language"], {}).get(folder.special, folder.title)


def _display_name(reader: Reader, found: Resource) -> str | None:
    folder = tree.folder_of(found)
    return None if folder is None else escape.text(display_name(reader, folder))


def _owner_name(reader: Reader, found: Resource) -> str:
    principal = found.principal
    return escape.text(found.name if principal is None else principal.display_name or principal.name)


def _published(folder: Folder) -> str | None:
    if folder.special is not Special.WEB:
        return None
    return "1" if folder.published else "0"


def _public_url(reader: Reader, thing: Folder | File) -> str | None:
    path = publishing.public_path(reader.tx, thing)
    if not path:
        return None
    settings = reader.context.settings
    origin = settings.public_origin or settings.origin or reader.context.request.origin
    return escape.text(origin + escape.path("public", *path.split("/")))


def _folder_url(reader: Reader, found: Resource) -> str | None:
    folder = tree.folder_of(found)
    return None if folder is None else _public_url(reader, folder)


def _trashed_at(folder: Folder) -> str | None:
    return iso_date(folder.trashed_at) if folder.trashed_at else None


def _text(value: str) -> str | None:
    return escape.text(value) if value else None


def _locks(reader: Reader, found: Resource) -> str:
    """DAV:lockdiscovery; the locks of a space are read once for all folders of an answer."""
    folder = tree.folder_of(found)
    if folder is None:
        return ""
    known = reader.memo.get("locks")
    if known is None:
        known = reader.memo["locks"] = {}
    if folder.space.id not in known:
        known[folder.space.id] = locks.in_space(reader.tx, folder.space)
    return locks.discovery(reader.context, [one for one in known[folder.space.id] if locks.holds_for(one, folder)])


_GRAMMARS: Final = (
    "<D:supported-query-grammar><D:grammar><D:basicsearch/></D:grammar></D:supported-query-grammar>"  # RFC 5323 §3.3
)

PROPERTIES: Final = (
    Property(f"{DAV}supported-query-grammar-set", _FOLDER | _PLACES, lambda *_: _GRAMMARS),
    Property(f"{DAV}displayname", _FOLDER, _display_name, allprop=True, tools=FOLDER_TOOLS),
    Property(f"{DAV}displayname", _PLACES, _owner_name, allprop=True),
    Property(f"{DAV}lockdiscovery", _FOLDER, _locks, allprop=True),
    _folder(f"{DAV}add-member", lambda _: None),
    _folder(DESCRIPTION, lambda folder: _text(folder.description)),
    _folder(PUBLISHED, _published),
    Property(f"{ESCRITOIRE}public-url", _FOLDER, _folder_url, tools=FOLDER_TOOLS),
    _folder(f"{ESCRITOIRE}trashed-from", lambda folder: _text(folder.trashed_from)),
    _folder(f"{ESCRITOIRE}trashed-at", _trashed_at),
)


def _details(listing: Listing) -> Mapping[str, Details]:
    """What is known of the listing's files beyond their rows, read once."""
    if "details" not in listing.memo:
        assert isinstance(listing.collection, Folder)
        listing.memo["details"] = folders.details(listing.reader.tx, listing.collection)
    known: Mapping[str, Details] = listing.memo["details"]
    return known


def _of_file(name: str, get: Callable[[File | Details], str | None]) -> ItemProperty:
    """A property from what a single `File` carries itself, and a listing's rows find in `Details`."""

    def choose(listing: Listing) -> Part:
        def value(entry: Row | Item) -> str | None:
            if isinstance(entry, File):
                return get(entry)
            return get(_details(listing).get(entry.name, _NOTHING))

        return RowPart(value, optional=True)

    return ItemProperty(name, choose)


def _at(seconds: float) -> str | None:
    return iso_date(seconds) if seconds else None


def _depositor(listing: Listing) -> Part:
    return RowPart(lambda entry: _text(_details(listing).get(entry.name, _NOTHING).depositor), optional=True)


def _name(entry: Row | Item) -> str:
    return escape.text(entry.name)


def _type(entry: Row | Item) -> str:
    return escape.text(entry.media_type)


def _item_url(listing: Listing) -> Part:
    def value(entry: Item) -> str | None:
        return _public_url(listing.reader, entry) if isinstance(entry, File) else None

    return ItemPart(value)


ITEM_PROPERTIES: Final = (
    ItemProperty(f"{DAV}supported-query-grammar-set", lambda _: _GRAMMARS),
    ItemProperty(f"{DAV}displayname", lambda _: RowPart(_name, lasting=True), allprop=True),
    ItemProperty(f"{DAV}getcontenttype", lambda _: RowPart(_type, lasting=True), allprop=True),
    _of_file(DESCRIPTION, lambda known: _text(known.description)),
    _of_file(DOWNLOADS, lambda known: str(known.downloads)),
    _of_file(f"{ESCRITOIRE}trashed-from", lambda known: _text(known.trashed_from)),
    _of_file(f"{ESCRITOIRE}trashed-at", lambda known: _at(known.trashed_at)),
    ItemProperty(f"{ESCRITOIRE}depositor", _depositor),
    ItemProperty(f"{ESCRITOIRE}public-url", _item_url),
)
