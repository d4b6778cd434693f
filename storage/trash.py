"""The Trash of an environment: what was deleted, with where it was, until somebody empties it (DOC-25…27)."""

from __future__ import annotations

from storage import collections as tree
from storage import filing, folders, links, transplant, trees
from storage.errors import Conflict, Denied, NotFound
from storage.filing import File, Folder
from storage.store import Transaction
from storage.types import Right, SpaceKind


def folder(tx: Transaction, kind: SpaceKind, space: str) -> Folder:
    """The Trash of a space.

    Raises:
        NotFound: the actor may not see it (DOC-26).
    """
    found = folders.find(tx, kind, space, filing.TRASH)
    if not isinstance(found, Folder):
        raise NotFound(filing.TRASH)
    return found


def empty(tx: Transaction, trash: Folder) -> int:
    """Delete all that the actor sees in the Trash for good; return how many files and folders that were.

    Raises:
        Denied: the actor may not.
        Linked: a document in it is attached to a contact; nothing was deleted.
        Locked: as named.
    """
    if not trash.rights & Right.DELETE:
        raise Denied(Right.DELETE, tree.path(trash))
    trees.lock(tx, trash.id)
    links.protect(tx, trees.below(trash.id))
    names = [row.name for row in folders.rows(tx, trash)]  # SYS-09: in a group's some may be hidden from him
    count = 0
    for one in folders.subfolders(tx, trash):
        transplant.delete(tx, one)
        count += 1
    for name in names:
        found = folders.find(tx, trash.space.kind, trash.space.name, filing.join(trash.path, name))
        transplant.delete(tx, found)
        count += 1
    return count


def restore(tx: Transaction, thing: Folder | File) -> Folder | File:
    """Put something back to where it was when it was deleted.

    Raises:
        Conflict: it was not deleted, or the folder where it was is gone.
        Exists: its name is taken there.
        Exception: whatever `transplant.move` refuses.
    """
    inside = thing.folder if isinstance(thing, File) else thing
    if not thing.trashed_from or not filing.in_trash(inside):
        raise Conflict("this was not thrown away by itself: restore what it lies in")
    space = inside.space
    place = folders.place(tx, space.kind, space.name, thing.trashed_from)
    transplant.move(tx, thing, place, overwrite=False)
    return folders.find(tx, space.kind, space.name, thing.trashed_from)
