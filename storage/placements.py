"""One document with two placements: a private one shared with a group (DOC-17).

Each placement is a file of its own, with its own name, rights and quota; `file_index.twin` ties them
together, and whatever is written to one of them is written to all (storage/file_writing.py).
"""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa

from storage import collections as tree
from storage import file_writing, folders, links, locks, quota, trees, writing
from storage.errors import Denied, Exists, NotFound, OverQuota
from storage.filing import File, Folder
from storage.schema import HAS_TWIN, collections, file_index, items
from storage.store import Transaction
from storage.types import SITE, Right, SpaceKind, View


def share(tx: Transaction, file: File, group: str) -> File:
    """Give a document a second placement in the root of a group's documents, or of its bookmarks (FAV-07).

    Raises:
        NotFound: there is no such group for the actor.
        Denied: he may not add to its root folder, or may not edit the document.
        Exists: it has a placement in that group already.
        OverQuota: the group's capacity is reached.
    """
    try:
        root = folders.find(tx, SpaceKind.GROUP, group, "", root=file.folder.root)
    except NotFound:
        root = None
    if not isinstance(root, Folder):
        raise NotFound(f"{tx.actor.login} is in no group {group} (capitals count)")
    if file.view is not View.FULL or not file.rights & Right.EDIT:
        raise Denied(Right.EDIT, tree.path(file.folder, file.name))
    if not root.rights & Right.ADD:
        raise Denied(Right.ADD, tree.path(root))
    twin = file.twin or file.id
    if twin in _placed(tx, root):
        raise Exists("this document is shared with the group already")
    row = writing.stored(tx, file.folder, file.name)
    body = file_writing.body_of(row)
    room = quota.room(tx, root)
    if room is not None and body.size > room:
        raise OverQuota("the group's capacity is reached")
    name = trees.free_name(tx, root.id, file.name)
    made, _ = file_writing.create(tx, root.id, name, body, row.media_type, modified=row.modified)
    trees.set_index(tx, made, twin=twin, description=file.description)
    trees.set_index(tx, file.id, twin=twin)
    found = folders.find(tx, SpaceKind.GROUP, group, name, root=root.root)
    assert isinstance(found, File)
    return found


def unshare(tx: Transaction, file: File, group: str) -> None:
    """Take a document's placement in a group away, wherever it was moved there; the document itself stays (DOC-17).

    Who shared it needs no right to delete in the group for that: it is his tick that he takes back.

    Raises:
        NotFound: the document is not shared with that group.
        Denied: somebody else shared it.
        Linked: the placement is attached to a contact (DOC-61).
        Locked: somebody works on it.
    """
    for one in others(replace(tx, actor=SITE, access={}), file):
        space = one.folder.space
        if space.kind is not SpaceKind.GROUP or space.name != group or one.id == file.id:
            continue
        if one.creator != tx.actor.id:
            raise Denied(Right.DELETE, tree.path(one.folder, one.name), "only who shared it takes it back")
        locks.check(tx, space, f"{one.folder.name}/{one.name}", member=True, tree=True)
        links.protect(tx, sa.select(sa.null()), item=one.id)
        file_writing.remove(tx, one.folder, writing.stored(tx, one.folder, one.name))
        return
    raise NotFound(f"{file.name} is not shared with {group} (capitals count)")


def others(tx: Transaction, file: File) -> list[File]:
    """The other placements of a document that the actor sees."""
    if not file.twin:
        return []
    query = (
        sa.select(items.c.collection_id, items.c.name)
        .join(file_index, file_index.c.item_id == items.c.id)
        .where(file_index.c.twin == file.twin, HAS_TWIN, items.c.id != file.id)
        .order_by(items.c.id)
    )
    found: list[File] = []
    for row in tx.db.execute(query).all():
        try:
            folder = folders.by_id(tx, row.collection_id)
            path = f"{folder.path}/{row.name}" if folder.path else row.name
            one = folders.find(tx, folder.space.kind, folder.space.name, path, root=folder.root)
        except NotFound:
            continue
        if isinstance(one, File):
            found.append(one)
    return found


def _placed(tx: Transaction, root: Folder) -> set[int]:
    """The twins of all documents in a group's tree."""
    query = (
        sa.select(file_index.c.twin)
        .join(items, items.c.id == file_index.c.item_id)
        .join(collections, collections.c.id == items.c.collection_id)
        .where(collections.c.space_id == root.space.id, HAS_TWIN)
    )
    return set(tx.db.execute(query).scalars())
