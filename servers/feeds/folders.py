"""Feeds of folders: what was put there, newest first, as far as the reader may see it (DOC-48…50, FAV-12)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from servers.feeds.feed import Enclosure, Entry, Feed
from servers.feeds.visit import Visit
from servers.http.response import Response
from storage import bodies, filing, folders, plans
from storage.errors import NotFound, StorageError
from storage.filing import DOCS, FAVOURITES, File, Folder
from storage.formats import url_file
from storage.formats.bookmarks import complete
from storage.store import Store, Transaction
from storage.types import SpaceKind, View

_PODCAST: Final = "podcast"


def private(visit: Visit, login: str, path: str, form: str) -> Response:
    """Of a folder of somebody's documents."""
    return _listing(visit, SpaceKind.PRIVATE, login, path, DOCS, form)


def group(visit: Visit, group: str, path: str, form: str) -> Response:
    """Of a folder of a group's documents."""
    return _listing(visit, SpaceKind.GROUP, group, path, DOCS, form)


def private_favourites(visit: Visit, login: str, path: str, form: str) -> Response:
    """Of a folder of somebody's bookmarks."""
    return _listing(visit, SpaceKind.PRIVATE, login, path, FAVOURITES, form)


def group_favourites(visit: Visit, group: str, path: str, form: str) -> Response:
    """Of a folder of a group's bookmarks."""
    return _listing(visit, SpaceKind.GROUP, group, path, FAVOURITES, form)


def of_public(visit: Visit, login: str, path: str, form: str) -> Response:
    """Of a public folder of a person: a podcast, if there is something to hear (DOC-49, DOC-50)."""
    return _listing(visit, SpaceKind.PRIVATE, login, path, DOCS, form)


def of_public_group(visit: Visit, group: str, path: str, form: str) -> Response:
    """The same of a group."""
    return _listing(visit, SpaceKind.GROUP, group, path, DOCS, form)


def newest(tx: Transaction, folder: Folder) -> list[File]:
    """The files whose content the actor may read, those that came last first (DOC-48).

    Work files of clients are never shown (DOC-28), subfolders have feeds of their own.
    """
    shown = [one for one in folders.files(tx, folder) if one.view is View.FULL and not one.work]
    return sorted(shown, key=lambda one: (-one.created, -one.id))


def _listing(visit: Visit, kind: SpaceKind, space: str, below: str, root: str, form: str) -> Response:
    with visit.store.read(visit.actor) as tx:
        folder = folders.find(tx, kind, space, below, root=root)
        if not isinstance(folder, Folder) or filing.in_trash(folder):
            raise NotFound(below)
        found = newest(tx, folder)
        podcast = visit.public and _PODCAST in plans.of(tx, folder.space.id).gates
        addresses = _addresses(tx, visit.store, found) if root == FAVOURITES else {}
    whose = folder.space.display_name or folder.space.name
    seen = [(one.id, one.name, one.etag, one.size, one.media_type, one.description) for one in found]

    def build() -> Feed:
        entries = tuple(_entry(visit, one, addresses, podcast) for one in found)
        title = folder.title or visit.say({DOCS: "Documents", FAVOURITES: "Favourites"}[root])
        return Feed(
            id=visit.identity("public" if visit.public else "folder", folder.id),
            title=f"{whose}: {title}",
            subtitle=folder.description,
            url=visit.url,
            home=_home(visit, folder),
            author=whose,
            updated=max((one.created for one in found), default=folder.created),
            entries=entries,
            podcast=any(entry.enclosure is not None for entry in entries),
        )

    return visit.feed(form, (podcast, whose, folder.title, folder.description, seen), build)


def _entry(visit: Visit, file: File, addresses: Mapping[int, str], podcast: bool) -> Entry:
    link = addresses.get(file.id) or link_of(visit, file)
    heard = podcast and file.media_type.startswith(("audio/", "video/"))
    name = file.name.removesuffix(url_file.EXTENSION) if file.id in addresses else file.name
    return Entry(
        id=visit.identity("file", file.id),
        title=name,
        updated=file.created,  # DOC-48: the date of modification is ignored
        published=file.created,
        text=file.description or ("" if file.id in addresses else f"{file.media_type}, {_size(file.size)}"),
        link=link,
        enclosure=Enclosure(link, file.size, file.media_type.partition(";")[0].strip()) if heard else None,
    )


def link_of(visit: Visit, thing: File) -> str:
    """Where the reader finds a document: on the disk, or where everybody does."""
    folder = thing.folder
    if visit.public:
        return visit.public_url(folder.space, thing.path)
    if folder.root == FAVOURITES:
        return visit.dav_url(folder, thing.name)
    return visit.docs_url(folder.space, thing.path)


def _home(visit: Visit, folder: Folder) -> str:
    if visit.public:
        return visit.public_url(folder.space, folder.path) + "/"
    if folder.root == FAVOURITES:
        return visit.dav_url(folder)
    return visit.docs_url(folder.space, folder.path) + "/"


def _addresses(tx: Transaction, store: Store, found: list[File]) -> Mapping[int, str]:
    """Where bookmarks lead to; a file that is none leads to itself."""
    addresses: dict[int, str] = {}
    for one in found:
        if not one.name.lower().endswith(url_file.EXTENSION) or one.size > url_file.MOST_OCTETS:
            continue
        space = one.folder.space
        whole = folders.find(tx, space.kind, space.name, one.path, root=FAVOURITES, body=True)
        if not isinstance(whole, File):
            continue
        with bodies.open_file(store, whole) as body:
            try:
                addresses[one.id] = complete(url_file.read(body.read()).address)
            except StorageError:
                continue
    return addresses


def _size(octets: int) -> str:
    """A size as people read it."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if octets >= factor:
            return f"{octets / factor:.1f} {unit}"
    return f"{octets} B"
