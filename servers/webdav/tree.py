"""The disk's map of URLs: `/docs/<login>/private/…`, `/docs/<login>/<GROUP>/…` and the bookmarks' trees (SPEC 0.3)."""

from __future__ import annotations

from typing import Final

from servers.dav import escape, resources
from servers.dav.context import Context
from servers.dav.errors import refuse
from servers.dav.names import ESCRITOIRE
from servers.dav.resources import PRINCIPALS, Address, Kind, Resource
from servers.dav.urls import UrlMap
from servers.http.errors import HttpError
from servers.webdav import favourites, fixed
from storage import folders, locating
from storage import principals as people
from storage.baggage import Baggage
from storage.bookmark_files import WHOLE
from storage.errors import Conflict, NotFound
from storage.filing import DOCS, FAVOURITES, FEED, File, Folder, Place
from storage.locating import Rows
from storage.store import Transaction
from storage.types import Principal, SpaceKind

PRIVATE: Final = "private"
_TREES: Final = frozenset({DOCS, FAVOURITES})
_LEADING_THERE: Final = PRINCIPALS | {Kind.PRINCIPALS}


def parse(segments: tuple[str, ...]) -> Address | None:
    """The address of decoded path segments; None where the map has nothing (404)."""
    if not segments or segments == (DOCS,):
        return Address(Kind.ROOT, segments)
    if segments[0] == DOCS:
        return _disk(segments)
    bookmarks = _bookmarks(segments)
    if bookmarks is not None:
        return bookmarks
    known = resources.parse(segments)  # whom owners and rights are named by
    return known if known is not None and known.kind in _LEADING_THERE else None


def _disk(segments: tuple[str, ...]) -> Address:
    login = segments[1].lower()
    if len(segments) == 2:
        return Address(Kind.OWNER, segments, SpaceKind.PRIVATE, login)
    own = segments[2] == PRIVATE
    kind, space = (SpaceKind.PRIVATE, login) if own else (SpaceKind.GROUP, segments[2])
    below = segments[3:]
    if below == (FEED,):
        return Address(Kind.ITEM, segments, kind, space, DOCS, FEED)
    return Address(Kind.MEMBER, segments, kind, space, "/".join((DOCS, *below)))


def _bookmarks(segments: tuple[str, ...]) -> Address | None:
    """`/dav/<login>/private/favourites/…` and `/dav/groups/<GROUP>/favourites/…` (FAV-01)."""
    if len(segments) < 4 or segments[0] != "dav" or segments[3] != FAVOURITES:
        return None
    if segments[1] == "groups":
        kind, space = SpaceKind.GROUP, segments[2]
    elif segments[2] == PRIVATE:
        kind, space = SpaceKind.PRIVATE, segments[1].lower()
    else:
        return None
    if len(segments) == 5 and segments[4] in WHOLE:
        return Address(Kind.ITEM, segments, kind, space, FAVOURITES, segments[4])
    return Address(Kind.MEMBER, segments, kind, space, "/".join(segments[3:]))


def resolve(tx: Transaction, address: Address, *, body: bool = False) -> Resource:
    """What the address names; `body` loads a file's body if it lies in its row.

    Raises:
        NotFound: nothing is there, or the actor may not know of it (SYS-09).
    """
    if address.kind is Kind.MEMBER:
        _own_way(tx, address)
        root, _, path = address.collection.partition("/")
        return resource(address, folders.find(tx, address.space_kind, address.space, path, root=root, body=body))
    if address.kind is Kind.ITEM:
        _own_way(tx, address)
        return favourites.resource(tx, address) if favourites.is_whole(address) else fixed.resource(tx, address)
    return resources.resolve(tx, address)


def read_both(tx: Transaction, source: Address, destination: Address) -> Rows | None:
    """What two addresses name, in one read; None unless they lie in one tree, where one read does."""
    root, _, first = source.collection.partition("/")
    other, _, second = destination.collection.partition("/")
    if source.kind is not Kind.MEMBER or destination.kind is not Kind.MEMBER or root != other:
        return None
    if (source.space_kind, source.space) != (destination.space_kind, destination.space):
        return None
    return locating.read(tx, source.space_kind, source.space, root, first, second)


def resolve_in(tx: Transaction, rows: Rows, address: Address) -> Resource:
    """`resolve` of an address that `read_both` read.

    Raises:
        NotFound: as there.
    """
    _own_way(tx, address)
    return resource(address, folders.found_at(tx, rows, address.collection.partition("/")[2]))


def carried(rows: Rows, address: Address) -> Baggage | None:
    """What a file that `read_both` read brings along where it goes; None if there is no file."""
    return rows.carried(address.collection.partition("/")[2])


def resource(address: Address, found: Folder | File) -> Resource:
    """A folder or file under the URL by which it was asked for."""
    if isinstance(found, File):
        href = escape.path(*address.segments)
        return Resource(Kind.ITEM, href, found.name, found.folder.space, found.folder, found)
    href = escape.path(*address.segments, directory=True)
    return Resource(Kind.COLLECTION, href, found.title or address.segments[-1], found.space, found)


def _own_way(tx: Transaction, address: Address) -> None:
    """A group's documents lie in each member's own disk, not in another's (DOC-02)."""
    of_group = address.space_kind is SpaceKind.GROUP and address.segments[0] == DOCS
    if of_group and address.segments[1].lower() != tx.actor.login:
        raise NotFound(address.space)


def position(tx: Transaction, address: Address) -> tuple[Principal, str]:
    """The space and the lock library's path of what an address names, mapped or not.

    Raises:
        NotFound: the actor may not know of the space.
    """
    path = "/".join(part for part in (address.collection, address.item) if part)
    return people.find(tx, address.space_kind, address.space), path


def href(path: str, login: str) -> str:
    """The URL path of `alice/private/docs/a` or `groups/IAB/docs/a` for one who is logged in as `login`."""
    names = [name for name in path.split("/") if name]
    if len(names) < 3 or names[2] not in _TREES:
        return escape.path(DOCS, *names[:1])
    if names[2] == FAVOURITES:
        return escape.path("dav", *names)
    way = (login, names[1]) if names[0] == "groups" else (names[0], PRIVATE)
    return escape.path(DOCS, *way, *names[3:])


URLS: Final = UrlMap(parse, resolve, position, href)


def folder_of(found: Resource) -> Folder | None:
    """The folder that a resource is; None for files and what is no folder."""
    return found.collection if found.kind is Kind.COLLECTION and isinstance(found.collection, Folder) else None


def file_of(found: Resource) -> File | None:
    """The file that a resource is; None for folders and the fixed entry."""
    return found.item if isinstance(found.item, File) else None


def member(found: Resource) -> Folder | File:
    """The folder or file that a resource is.

    Raises:
        HttpError: 403, it is the first level or the fixed entry, which nobody changes (DOC-02, CALSYNC-15).
    """
    one = folder_of(found) or file_of(found)
    if one is None:
        raise fixed_part()
    return one


def place(tx: Transaction, address: Address, rows: Rows | None = None) -> Place:
    """Where a new member is to be, and what is there now; for PUT, MKCOL, LOCK and Destination.

    `rows` are those of `read_both`, if it read the address.

    Raises:
        HttpError: 403, nothing can be made there (DOC-02, CALSYNC-15).
        Conflict: its folder is missing, or hidden (RFC 4918 §9.7.1).
    """
    root, _, path = address.collection.partition("/")
    if address.kind is not Kind.MEMBER or not path:
        raise fixed_part()
    try:
        _own_way(tx, address)
        known = None if rows is None else folders.place_at(tx, rows, path)
        return known or folders.place(tx, address.space_kind, address.space, path, root=root)
    except NotFound:
        raise Conflict("there is no such folder") from None


def fixed_kind(tx: Transaction, address: Address) -> Kind | None:
    """What is there already on the levels that nobody changes; None within the trees, and where nothing is."""
    if address.kind is Kind.MEMBER and "/" in address.collection:
        return None
    try:
        return resolve(tx, address).kind
    except NotFound:
        return None


def fixed_part() -> HttpError:
    """The refusal of a change to the first level or its fixed entries."""
    return refuse(403, f"{ESCRITOIRE}fixed", reason="this level of the disk is fixed")


def find(context: Context, tx: Transaction) -> Resource:
    """What the request names.

    Raises:
        NotFound: as in `resolve`.
    """
    return context.tables.urls.resolve(tx, context.address)
