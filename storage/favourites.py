"""Bookmarks: `.url` files in a tree of their own, read from and written to one file as a whole (FAV-01…14)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from storage import bodies, files, filing, folders, trees
from storage.errors import BadFormat, Denied, LimitReached, Locked, OverQuota, StorageError, UnsupportedMedia
from storage.filing import FAVOURITES, File, Folder
from storage.formats import bookmarks, bookmarks_html, bookmarks_xbel, url_file
from storage.formats.bookmarks import Bookmark
from storage.schema import items
from storage.store import Store, Transaction
from storage.types import Actor, SpaceKind, View

MOST_FOLDERS: Final = 10_000
_BATCH: Final = 200
"""Bookmarks of one transaction: nobody else waits long for the turn to write."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """One entry that was not taken over, and why."""

    title: str
    reason: str


@dataclass(slots=True)
class Report:
    """What became of an import."""

    added: int = 0
    unchanged: int = 0
    """Bookmarks whose address is in their folder already."""
    folders: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    stopped: str = ""
    """Why it ended early; "" = it did not."""
    refused: StorageError | None = None
    """The same as the refusal itself."""
    not_tried: int = 0


def root(tx: Transaction, kind: SpaceKind, space: str) -> Folder:
    """The root of a space's bookmarks.

    Raises:
        NotFound: the actor may not know of it.
    """
    return _folder(tx, kind, space, "")


def read(tx: Transaction, folder: Folder) -> bookmarks.Folder:
    """All bookmarks and folders in a folder and below that the actor sees; folders first, each kind by name.

    Raises:
        LimitReached: there are more than `MOST_FOLDERS` folders.
    """
    made: dict[str, bookmarks.Folder] = {}
    for one in folders.walk(tx, folder, MOST_FOLDERS):
        here = made[one.path] = bookmarks.Folder(one.title, one.description, one.created)
        if one.path != folder.path:
            made[filing.split(one.path)[0]].children.append(here)
    for one in folders.walk(tx, folder, MOST_FOLDERS):
        made[one.path].children += [mark for _, mark in _bookmarks(tx, one)]
    top = made[folder.path]
    top.added, top.description = 0.0, ""
    top.title = top.title or "Bookmarks"
    return top


def state(tx: Transaction, folder: Folder) -> str:
    """A validator that changes whenever what `read` gives may have (RFC 9110 §8.8.1), without reading it."""
    seen = ((one.id, one.path, one.modseq) for one in folders.walk(tx, folder, MOST_FOLDERS))
    return hashlib.sha256(repr((folder.relation, sorted(seen))).encode()).hexdigest()[:40]


def render(name: str, tree: bookmarks.Folder) -> bytes:
    """The tree as `bookmarks.html` or `bookmarks.xbel`."""
    write = bookmarks_xbel.write if name.endswith(".xbel") else bookmarks_html.write
    return "".join(write(tree)).encode()


def parse(data: bytes) -> bookmarks.Folder:
    """The tree of a bookmark file, whichever of the two formats it has.

    Raises:
        BadFormat: it has neither.
    """
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<?xml", b"<xbel")) or b"<!doctype xbel" in head:
        return bookmarks_xbel.read(data)
    return bookmarks_html.read(data)


def merge(
    store: Store,
    actor: Actor,
    kind: SpaceKind,
    space: str,
    tree: bookmarks.Folder,
    *,
    path: str = "",
    locks: frozenset[str] = frozenset(),
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Add what is not there yet; nothing is removed or renamed (FAV-11, FAV-13).

    A bookmark is there if its folder has its address. It runs in short transactions: what was added before
    a refusal stays, and the same import again adds the rest.

    Raises:
        NotFound: the actor may not know of the folder at `path`.
        Denied: he may not add to it.
    """
    with store.read(actor) as tx:
        top = _folder(tx, kind, space, path)
        if not tree.children:
            return Report()
    merging = _Merging(store, actor, top, locks)
    wanted: dict[tuple[str, ...], list[Bookmark]] = {(): []}
    for way, _ in tree.folders():
        wanted.setdefault(way, [])
    for way, mark in tree.bookmarks():
        wanted[way].append(mark)
    total, done = sum(map(len, wanted.values())), 0
    for way, marks in wanted.items():
        for start in range(0, max(1, len(marks)), _BATCH):
            batch = marks[start : start + _BATCH]
            if not merging.run(way, batch):
                merging.report.not_tried = total - done
                return merging.report
            done += len(batch)
            if progress is not None:
                progress(done, total)
    return merging.report


class _Merging:
    """One import under way."""

    def __init__(self, store: Store, actor: Actor, top: Folder, locks: frozenset[str]) -> None:
        self.report: Final = Report()
        self._store: Final = store
        self._actor: Final = actor
        self._top: Final = top
        self._scheme: Final = store.limits.bookmark_scheme
        self._locks: Final = locks
        self._paths: dict[tuple[str, ...], str | None] = {(): top.path}
        """Where the folders of the file are here; None: they could not be made."""

    def run(self, way: tuple[str, ...], batch: list[Bookmark]) -> bool:
        """Merge some bookmarks of one folder; False if there is no going on."""
        before = (self.report.added, self.report.unchanged, self.report.folders, len(self.report.skipped))
        paths = dict(self._paths)
        try:
            with self._store.write(self._actor, self._locks) as tx:
                self._merge(tx, way, batch)
        except (Denied, OverQuota, Locked) as error:
            # The transaction is gone, and so is what it did.
            self.report.added, self.report.unchanged, self.report.folders = before[:3]
            del self.report.skipped[before[3] :]
            self._paths = paths
            if isinstance(error, Denied) and not self.report.added and not way:
                raise
            self.report.stopped, self.report.refused = str(error), error
            return False
        return True

    def _merge(self, tx: Transaction, way: tuple[str, ...], batch: list[Bookmark]) -> None:
        path = self._place(tx, way)
        if path is None:
            self.report.skipped += [Skipped(one.title, "its folder cannot be made") for one in batch]
            return
        if not batch:
            return
        folder = _folder(tx, self._top.space.kind, self._top.space.name, path)
        present = {mark.address: (file, mark) for file, mark in _bookmarks(tx, folder)}
        for one in batch:
            try:
                address = bookmarks.complete(one.address, self._scheme)
            except BadFormat as error:
                self.report.skipped.append(Skipped(one.title, error.reason))
                continue
            if address not in present:
                file = self._add(tx, folder, one, address)
                present[address] = (file, Bookmark(one.title, address, one.description))
                self.report.added += 1
                continue
            self.report.unchanged += 1
            file, mark = present[address]
            if one.description and not mark.description and file.view is View.FULL:
                self._describe(tx, file, one.description)

    def _add(self, tx: Transaction, folder: Folder, one: Bookmark, address: str) -> File:
        made = url_file.file_name(one.title)
        title = "" if made == one.title + url_file.EXTENSION else one.title
        name = trees.free_name(tx, folder.id, made)
        place = trees.present(tx, folder, name)
        body = bodies.small(url_file.write(address, title))
        files.put(tx, place, body, media_type=url_file.MEDIA_TYPE, modified=one.added or None)
        stored = trees.present(tx, folder, name).present
        assert isinstance(stored, File)  # it was put there in this transaction
        if one.description:
            trees.describe(tx, stored, one.description)
        return stored

    def _describe(self, tx: Transaction, file: File, text: str) -> None:
        try:
            trees.describe(tx, file, text)
        except StorageError:
            return  # somebody else's, which he may not edit

    def _place(self, tx: Transaction, way: tuple[str, ...]) -> str | None:
        """The path of a folder of the file, made if it is not there."""
        if way in self._paths:
            return self._paths[way]
        above = self._place(tx, way[:-1])
        path = None if above is None else self._made(tx, above, url_file.folder_name(way[-1]))
        self._paths[way] = path
        return path

    def _made(self, tx: Transaction, above: str, name: str) -> str | None:
        parent = _folder(tx, self._top.space.kind, self._top.space.name, above)
        present = trees.present(tx, parent, name).present
        if isinstance(present, Folder):
            return present.path
        try:
            made = trees.mkdir(tx, parent, trees.free_name(tx, parent.id, name))
        except LimitReached:
            return None
        self.report.folders += 1
        return made.path


def _folder(tx: Transaction, kind: SpaceKind, space: str, path: str) -> Folder:
    found = folders.find(tx, kind, space, path, root=FAVOURITES)
    if not isinstance(found, Folder):
        raise UnsupportedMedia("this is a bookmark, not a folder")
    return found


def _bookmarks(tx: Transaction, folder: Folder) -> Iterable[tuple[File, Bookmark]]:
    """The bookmarks of one folder that the actor may read, by name; what is no bookmark is left out."""
    seen = [one for one in folders.files(tx, folder) if one.view is View.FULL and not one.work]
    if not seen:
        return []
    query = sa.select(items.c.id, items.c.body).where(items.c.collection_id == folder.id, items.c.body.is_not(None))
    stored: dict[int, Any] = {row.id: row.body for row in tx.db.execute(query)}
    found = []
    for one in seen:
        try:
            said = url_file.read(bytes(stored.get(one.id) or b""))
        except BadFormat:
            continue
        title = url_file.title_of(one.name, said.title)
        found.append((one, Bookmark(title, said.address, one.description, float(int(one.created)))))
    return found
