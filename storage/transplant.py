"""MOVE, COPY and DELETE of files and whole trees: a few statements each, whatever the size (ACL-17…19, DOC-12)."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from storage import (
    automatic_notices,
    baggage,
    bookmark_files,
    dropbox,
    file_writing,
    filing,
    folder_changes,
    folders,
    items,
    links,
    locks,
    numbering,
    properties,
    quota,
    safe_saves,
    tree_copy,
    trees,
    writing,
)
from storage import collections as tree
from storage.baggage import Baggage
from storage.errors import Conflict, Denied, Exists, Fixed, OverQuota
from storage.filing import FAVOURITES, FIXED, File, Folder, Place, Special
from storage.schema import collections, viewer_collections
from storage.schema import items as item_rows
from storage.store import Transaction
from storage.types import UNCONDITIONAL, CollectionId, ItemId, Precondition, Relation, Right, SpaceKind, View

_ARRANGES = frozenset({Relation.OWNER, Relation.SITE, Relation.ADMIN, Relation.CO_ADMIN})


def move(
    tx: Transaction, source: Folder | File, place: Place, *, overwrite: bool, carried: Baggage | None = None
) -> bool:
    """Give a file or a tree the name and folder of `place`; True if nothing was there before.

    Inside one environment everything known of it comes along; a file moved over a file replaces that
    one's content alone (DOC-28). To another environment it is a copy followed by a deletion (ACL-19), which is for
    good only if all that is in it was copied.
    A move into the Trash deletes; out of it, it restores. `carried` is a file's baggage, if it was read already.

    Raises:
        Denied, Exists, Conflict, Fixed, Locked, LimitReached, OverQuota, Linked: as named.
    """
    target = place.folder
    _hold(tx, source)
    if target.special is Special.TRASH and target.space.id == _folder(source).space.id:
        if filing.in_trash(_folder(source)):
            raise Fixed("it is in the Trash already")
        delete(tx, source)
        return True
    if _folder(source).space.id != target.space.id or _folder(source).root != target.root:
        _demand_removal(tx, source)
        whole = isinstance(source, File) or tree_copy.is_whole(tx, source)
        if not whole and filing.in_trash(_folder(source)):
            raise Denied(Right.SEE, tree.path(_folder(source)))  # what is hidden in it would be gone for good
        created = copy(tx, source, place, overwrite=overwrite)
        if whole:
            _remove(tx, source)
        else:
            delete(tx, source)  # ACL-17: what could not be copied goes to the Trash with what it lay in
        return created
    if isinstance(source, File):
        return _move_file(tx, source, place, overwrite, carried)
    return _move_folder(tx, source, place, overwrite)


def copy(
    tx: Transaction,
    source: Folder | File,
    place: Place,
    *,
    overwrite: bool,
    deep: bool = True,
    carried: Baggage | None = None,
) -> bool:
    """Copy what the actor sees of a file or a tree; True if nothing was there before. No body is read.

    A copy is the actor's own: it starts with default rights and counter (DOC-12).

    Raises:
        As `move`.
    """
    if isinstance(source, File):
        return _copy_file(tx, source, place, overwrite, carried)
    _hold(tx, source)
    return _copy_folder(tx, source, place, overwrite, deep)


def delete(tx: Transaction, source: Folder | File, precondition: Precondition = UNCONDITIONAL) -> None:
    """Throw a file or a tree into its environment's Trash; in the Trash, and for bookmarks, it is final.

    Raises:
        Stale: the precondition does not hold.
        Denied, Fixed, Locked: as named.
        Linked: it, or something in it, is attached to a contact; nothing was deleted (DOC-61).
    """
    _hold(tx, source)
    if isinstance(source, File):
        items.check(source, precondition)
    _demand_removal(tx, source)
    final = filing.in_trash(_folder(source)) or _folder(source).root == FAVOURITES
    if final or (isinstance(source, File) and source.work):
        _remove(tx, source)
        return
    trash, path = trees.trash_of(tx, _folder(source).space.id)
    if isinstance(source, File):
        free = trees.free_name(tx, trash, source.name)
        file_writing.relocate(tx, source.folder, baggage.read(tx, source.folder.id, source.name), trash, free)
        trees.set_index(tx, source.id, trashed_from=source.path, trashed_at=tx.now, trashed_by=tx.actor.id)
        return
    _graft(tx, source, trash, path, trees.free_name(tx, trash, source.title))
    values = {"trashed_from": source.path, "trashed_at": tx.now, "trashed_by": tx.actor.id}
    tx.db.execute(sa.update(collections).where(collections.c.id == source.id).values(values))


def _move_file(tx: Transaction, source: File, place: Place, overwrite: bool, carried: Baggage | None) -> bool:
    folder, target, name = source.folder, place.folder, place.name
    if folder.id == target.id and source.name == name:
        raise Conflict("source and destination are the same")
    if folder.root == filing.DOCS and source.path == filing.START_PAGE:
        raise Fixed("the wiki's start page keeps its name (WIKI-02)")
    restores = filing.in_trash(folder) and Right.DELETE in folder.rights
    if Right.EDIT not in source.rights and not restores:
        raise Denied(Right.EDIT, tree.path(folder, source.name))
    if target.id != folder.id and Right.ADD not in target.rights:
        raise Denied(Right.ADD, tree.path(target))
    trees.demand_place(target, name)
    there = _present(place, overwrite)
    locks.check(tx, folder.space, f"{folder.name}/{source.name}", member=True, tree=True)
    locks.check(tx, target.space, f"{target.name}/{name}", member=there is None)
    kind = filing.renamed_type(source.name, name, source.media_type)
    if isinstance(there, File) or target.root == FAVOURITES:
        row = writing.stored(tx, folder, source.name)
        if bookmark_files.checked(target, name, file_writing.body_of(row)).hash != row.hash:
            raise Fixed("this is no bookmark, and a new name makes it none")
    if isinstance(there, File):
        _demand_edit(there)
        over = writing.stored(tx, target, name)
        file_writing.replace(tx, over, file_writing.body_of(row), kind, modified=row.modified)
        automatic_notices.note(tx, target, name, over.id, over.creator_id)  # DOC-28: so office programs save
        links.pass_on(tx, row.id, over.id)
        tree_copy.properties_over_file(tx, row.id, over.id, target.id, keep=True)
        file_writing.remove(tx, folder, row)
        return False
    aside = safe_saves.put_aside(tx, source, place) if there is None else None
    if aside is not None:
        safe_saves.bring_back(tx, aside, source, name, kind)
        automatic_notices.note(tx, target, name, aside.id, aside.creator)
        return True
    if there is not None:
        delete(tx, there)
        carried = None
    file_writing.relocate(tx, folder, carried or baggage.read(tx, folder.id, source.name), target.id, name)
    dropbox.show(tx, target)
    if kind != source.media_type:
        file_writing.retype(tx, source.id, kind)
    if source.trashed_from:
        trees.set_index(tx, source.id, trashed_from="", trashed_at=None, trashed_by=0)
    return there is None


def _move_folder(tx: Transaction, source: Folder, place: Place, overwrite: bool) -> bool:
    target, name = place.folder, place.name
    if source.special in FIXED:
        raise Fixed("this folder keeps its name and its place (DOC-05)")
    if filing.is_within(target.name, source.name):
        raise Conflict("a folder cannot be moved into itself")
    if source.parent == target.id and source.title == name:
        raise Conflict("source and destination are the same")
    _demand_arranging(tx, source)
    if target.id != source.parent and not target.rights & Right.ADD:
        raise Denied(Right.ADD, tree.path(target))
    trees.demand_place(target, name)
    there = _present(place, overwrite)
    _demand_outside(source, there)
    trees.demand_levels(tx, target, filing.levels(target.path) + trees.height(tx, source))
    locks.check(tx, source.space, source.name, member=True, tree=True)
    locks.check(tx, target.space, f"{target.name}/{name}", member=True, tree=True)
    if there is not None:
        delete(tx, there)
    _graft(tx, source, target.id, target.name, name)
    if source.trashed_from:
        here = sa.update(collections).where(collections.c.id == source.id)
        tx.db.execute(here.values(trashed_from="", trashed_at=None, trashed_by=0))
    return there is None


def _copy_file(tx: Transaction, source: File, place: Place, overwrite: bool, carried: Baggage | None) -> bool:
    target, name = place.folder, place.name
    if source.view is not View.FULL:
        raise Denied(Right.SEE, tree.path(source.folder, source.name))
    if dropbox.is_letter_box(target):
        dropbox.deposit(tx, source, target.space.name, name)
        return True
    if source.folder.id == target.id and source.name == name:
        raise Conflict("source and destination are the same")
    trees.demand_place(target, name)
    there = _present(place, overwrite)
    if isinstance(there, File):
        _demand_edit(there)
    elif Right.ADD not in target.rights:
        raise Denied(Right.ADD, tree.path(target))
    locks.check(tx, target.space, f"{target.name}/{name}", member=there is None)
    if isinstance(there, File) or target.root == FAVOURITES:
        return _copy_body(tx, source, place, there)
    row = carried or baggage.read(tx, source.folder.id, source.name)
    _demand_room(tx, place, row.size)
    if there is not None:
        delete(tx, there)
    owner = target.space.id if target.special is Special.DROP_BOX else None
    made = file_writing.duplicate(tx, row, target.id, name, creator=owner)
    dropbox.show(tx, target)
    kind = filing.renamed_type(source.name, name, source.media_type)
    if kind != source.media_type:
        file_writing.retype(tx, made, kind)
    automatic_notices.note(tx, target, name, made, tx.actor.id if owner is None else owner)
    _copy_notes(tx, source, row, made, target, described=row.described)
    return there is None


def _copy_body(tx: Transaction, source: File, place: Place, there: Folder | File | None) -> bool:
    """A copy whose body is looked at: over a file, whose former one is kept, and among bookmarks."""
    target, name = place.folder, place.name
    row = writing.stored(tx, source.folder, source.name)
    body = bookmark_files.checked(target, name, file_writing.body_of(row))
    kind = filing.renamed_type(source.name, name, source.media_type)
    _demand_room(tx, place, body.size - (there.size if isinstance(there, File) else 0))
    if isinstance(there, File):
        over = writing.stored(tx, target, name)
        file_writing.replace(tx, over, body, kind, modified=row.modified)
        automatic_notices.note(tx, target, name, over.id, over.creator_id)
        tree_copy.properties_over_file(tx, row.id, over.id, target.id, keep=False)
        return False
    if there is not None:
        delete(tx, there)
    made, _ = file_writing.create(tx, target.id, name, body, kind, modified=row.modified)
    _copy_notes(tx, source, row, made, target, described=True)
    return there is None


def _copy_notes(tx: Transaction, source: File, row: Any, made: ItemId, target: Folder, *, described: bool) -> None:
    if source.description:
        trees.set_index(tx, made, description=source.description)
    if described:
        tree_copy.properties_of_file(tx, row.id, made, target.id)


def _copy_folder(tx: Transaction, source: Folder, place: Place, overwrite: bool, deep: bool) -> bool:
    target, name = place.folder, place.name
    trees.demand_place(target, name)
    if source.root != target.root:
        raise Fixed("folders of bookmarks hold nothing but bookmarks")
    if source.special in (Special.ROOT, Special.TRASH):
        raise Fixed("a whole disk, or its Trash, is not copied at once")
    if deep and filing.is_within(target.name, source.name) and target.space.id == source.space.id:
        raise Conflict("a folder cannot be copied into itself")
    if not target.rights & Right.ADD or dropbox.is_letter_box(target):
        raise Denied(Right.ADD, tree.path(target))
    there = _present(place, overwrite)
    _demand_outside(source, there)
    locks.check(tx, target.space, f"{target.name}/{name}", member=True, tree=True)
    high = trees.height(tx, source) if deep else 1
    trees.demand_levels(tx, target, filing.levels(target.path) + high)
    if deep:
        _demand_room(tx, place, tree_copy.octets(tx, source))
    if there is not None:
        delete(tx, there)
    made = trees.mkdir(tx, target, name)
    properties.copy(tx, source, None, made, None)
    if deep:
        tree_copy.into(tx, source, made)
    return there is None


def _graft(tx: Transaction, source: Folder, parent: CollectionId, path: str, name: str) -> None:
    """Hang a tree under another folder of its space: all paths change in one statement."""
    if source.parent is None:
        raise Fixed("this folder keeps its place")
    folder_changes.went(tx, source.parent, source, numbering.take(tx, source.parent))
    whole = f"{path}/{name}"
    renamed = sa.literal(whole) + sa.func.substr(collections.c.path, len(source.name) + 1)
    tool = filing.tool(source.space.kind, source.root, whole.partition("/")[2])
    values = {"path": renamed} | ({} if tool is source.tool else {"tool": tool.value})
    tx.db.execute(sa.update(collections).where(collections.c.id.in_(trees.below(source.id))).values(values))
    here = collections.c.id == source.id
    tx.db.execute(sa.update(collections).where(here).values(parent_id=parent, name=name))
    mine = viewer_collections.c.collection_id == source.id
    tx.db.execute(sa.update(viewer_collections).where(mine).values(listed_modseq=0))
    folder_changes.came(tx, parent, source.id)
    locks.forget(tx, source.space, source.name)
    tx.touched.add(source.id)


def _remove(tx: Transaction, source: Folder | File) -> None:
    """Delete for good; the right to was judged."""
    if isinstance(source, File):
        file_writing.remove(tx, source.folder, writing.stored(tx, source.folder, source.name))
        return
    if source.parent is None:
        raise Fixed("this folder cannot be deleted")
    folder_changes.went(tx, source.parent, source, numbering.take(tx, source.parent))
    tx.db.execute(sa.delete(collections).where(collections.c.id == source.id))
    locks.forget(tx, source.space, source.name)
    tx.touched.add(source.id)


def _hold(tx: Transaction, source: Folder | File) -> None:
    """Let nothing in a tree change from here on: what is judged now holds when it goes."""
    if isinstance(source, Folder):
        trees.lock(tx, source.id)


def _demand_removal(tx: Transaction, source: Folder | File) -> None:
    """ACL-05, ACL-17, DOC-28, DOC-61: who may delete what."""
    if isinstance(source, File):
        folder = source.folder
        own_work = source.work and source.creator == tx.actor.id
        if Right.DELETE not in folder.rights and not own_work:
            raise Denied(Right.DELETE, tree.path(folder))
        locks.check(tx, folder.space, f"{folder.name}/{source.name}", member=True, tree=True)
        links.protect(tx, sa.select(sa.null()), item=source.id)
        return
    if source.special in FIXED or source.parent is None:
        raise Fixed("this folder cannot be deleted (DOC-05)")
    parent = folders.by_id(tx, source.parent)
    if not parent.rights & Right.DELETE:
        raise Denied(Right.DELETE, tree.path(parent))
    locks.check(tx, source.space, source.name, member=True, tree=True)
    links.protect(tx, trees.below(source.id))


def _demand_arranging(tx: Transaction, source: Folder) -> None:
    """ACL-19: the owner; in groups administrators, and the folder's creator while all in it is his."""
    if source.relation in _ARRANGES or (filing.in_trash(source) and source.rights & Right.DELETE):
        return
    if source.space.kind is SpaceKind.GROUP and source.creator == tx.actor.id:
        inside = trees.below(source.id)
        files = sa.select(item_rows.c.id).where(
            item_rows.c.collection_id.in_(inside), item_rows.c.creator_id != tx.actor.id
        )
        others = sa.select(collections.c.id).where(
            collections.c.id.in_(inside), collections.c.creator_id != tx.actor.id
        )
        if not tx.db.execute(files.limit(1)).first() and not tx.db.execute(others.limit(1)).first():
            return
    raise Denied(Right.ADMINISTER, tree.path(source))


def _present(place: Place, overwrite: bool) -> Folder | File | None:
    """What is at the place and may be replaced."""
    if place.taken and place.present is None:
        raise Denied(Right.ADD, tree.path(place.folder))  # by what he may not know of
    if place.present is not None and not overwrite:
        raise Exists(place.name)
    return place.present


def _demand_edit(file: File) -> None:
    if not file.rights & Right.EDIT:
        raise Denied(Right.EDIT, tree.path(file.folder, file.name))


def _demand_outside(source: Folder, present: Folder | File | None) -> None:
    same = isinstance(present, Folder) and present.space.id == source.space.id
    if present is not None and same and filing.is_within(source.name, present.name):
        raise Conflict("what shall be replaced holds the source")


def _demand_room(tx: Transaction, place: Place, octets: int) -> None:
    if octets <= 0:
        return
    room = quota.room(tx, place.folder, place.plan_limits)
    if room is not None and octets > room:
        raise OverQuota("the capacity is reached")


def _folder(thing: Folder | File) -> Folder:
    """The folder itself, or the one that the file is in."""
    return thing.folder if isinstance(thing, File) else thing
