"""Short ways to write to the virtual disk in tests."""

from __future__ import annotations

from storage import bodies, files, filing, folders, transplant, trees
from storage.errors import NotFound
from storage.filing import File, Folder, Place
from storage.store import Transaction
from storage.types import SpaceKind, Written


def kind(space: str) -> SpaceKind:
    """Groups are in capitals here."""
    return SpaceKind.GROUP if space.isupper() else SpaceKind.PRIVATE


def folder(tx: Transaction, space: str, path: str = "") -> Folder:
    """The folder at a path."""
    found = folders.find(tx, kind(space), space, path)
    if not isinstance(found, Folder):
        raise NotFound(path)
    return found


def file(tx: Transaction, space: str, path: str) -> File:
    """The file at a path, with its body."""
    found = folders.find(tx, kind(space), space, path, body=True)
    if not isinstance(found, File):
        raise NotFound(path)
    return found


def mkdir(tx: Transaction, space: str, path: str) -> Folder:
    """Make a folder in one that is there."""
    above, name = filing.split(path)
    return trees.mkdir(tx, folder(tx, space, above), name)


def put(tx: Transaction, space: str, path: str, data: bytes = b"x") -> Written:
    """Store a small body."""
    return files.put(tx, folders.place(tx, kind(space), space, path), bodies.small(data))


def move(tx: Transaction, space: str, path: str, to: str, *, overwrite: bool = False) -> bool:
    """Move inside one space."""
    found = folders.find(tx, kind(space), space, path)
    return transplant.move(tx, found, folders.place(tx, kind(space), space, to), overwrite=overwrite)


def copy(tx: Transaction, space: str, path: str, to: str, *, overwrite: bool = False) -> bool:
    """Copy inside one space."""
    found = folders.find(tx, kind(space), space, path)
    return transplant.copy(tx, found, folders.place(tx, kind(space), space, to), overwrite=overwrite)


def at(tx: Transaction, space: str, path: str) -> Place:
    """Where something is to come to be."""
    return folders.place(tx, kind(space), space, path)


def delete(tx: Transaction, space: str, path: str) -> None:
    """Throw away."""
    transplant.delete(tx, folders.find(tx, kind(space), space, path))


def names(tx: Transaction, space: str, path: str = "") -> list[str]:
    """What a listing shows: folders with a slash."""
    here = folder(tx, space, path)
    found = [f"{one.title}/" for one in folders.subfolders(tx, here)]
    return sorted(found + [row.name for row in folders.rows(tx, here)])
