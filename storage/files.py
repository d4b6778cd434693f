"""PUT: a document is stored under a name, new or over what was there, whole or not at all (DOC-08, DOC-28, SYS-06)."""

from __future__ import annotations

from storage import (
    automatic_notices,
    bookmark_files,
    dropbox,
    file_writing,
    filing,
    history,
    items,
    locks,
    quota,
    trees,
    writing,
)
from storage import collections as tree
from storage.bodies import Body
from storage.errors import Conflict, Denied, OverQuota
from storage.filing import File, Folder, Place
from storage.store import Transaction
from storage.types import UNCONDITIONAL, Precondition, Right, Written


def admit(tx: Transaction, place: Place, size: int | None, precondition: Precondition = UNCONDITIONAL) -> int | None:
    """Judge all that is known before a body is read; return how many octets it may have, None if any number.

    Raises:
        Conflict: a folder has this name.
        Denied: the actor may not add, or may not edit what is there.
        Stale: the precondition does not hold.
        OverQuota: `size` is more than there is room for.
        Locked, Fixed: as named.
    """
    room = _room(tx, place)
    if not dropbox.is_letter_box(place.folder):
        _judge(tx, place, precondition)
    if size is not None and room is not None and size > room:
        raise OverQuota("the capacity is reached")
    return room


def put(
    tx: Transaction,
    place: Place,
    body: Body,
    precondition: Precondition = UNCONDITIONAL,
    *,
    media_type: str = "",
    modified: float | None = None,
) -> Written:
    """Store a body at a place found in this very transaction.

    What is there keeps its rights, description, links and counter; its former body is kept for a while
    (SYS-06). In another's drop box the body gets a name of its own, and the depositor sees no more of it.

    Raises:
        OverQuota, Conflict, Denied, Stale, Locked, Fixed: as in `admit`.
        UnsupportedMedia, BadFormat: among favourites, it is no bookmark (FAV-01, FAV-02).
    """
    folder, name = place.folder, place.name
    body = bookmark_files.checked(folder, name, body)
    room = _room(tx, place)
    if room is not None and body.size > room and not _shrinks(place, body):
        raise OverQuota("the capacity is reached")
    kind = filing.media_type(name, media_type)
    if dropbox.is_letter_box(folder):
        number = dropbox.accept(tx, folder, name, body, kind)
        return Written(True, "", False, "", number)
    _judge(tx, place, precondition)
    if place.present is None:
        creator = folder.space.id if folder.special is filing.Special.DROP_BOX else None
        item, number = file_writing.create(tx, folder.id, name, body, kind, creator=creator, modified=modified)
        automatic_notices.note(tx, folder, name, item, tx.actor.id)
        dropbox.show(tx, folder)
        return Written(True, body.hash, True, "", number)
    row = writing.stored(tx, folder, name)
    keep = not filing.is_work_file(name)
    number = file_writing.replace(tx, row, body, kind, version=keep, modified=modified)
    automatic_notices.note(tx, folder, name, row.id, row.creator_id)
    return Written(False, body.hash, True, "", number)


def restore_version(tx: Transaction, folder: Folder, version: int, name: str | None = None) -> Written:
    """Make a kept body a file's present one, or store it under another name; today's is kept in turn.

    Raises:
        NotFound, Denied: as in `history.read`.
        Exception: whatever `put` refuses.
    """
    row = history.kept(tx, folder, version)
    place = trees.present(tx, folder, name or row.name)
    return put(tx, place, file_writing.body_of(row), media_type=row.media_type)


def _judge(tx: Transaction, place: Place, precondition: Precondition) -> None:
    folder, seen = place.folder, place.present
    where = f"{folder.name}/{place.name}"
    if isinstance(seen, Folder):
        raise Conflict("a folder has this name")
    trees.demand_place(folder, place.name)
    if place.taken and seen is None:
        raise Denied(Right.ADD, tree.path(folder))  # by what he may not know of
    if isinstance(seen, File):
        items.check(seen, precondition)
        if not seen.rights & Right.EDIT:
            raise Denied(Right.EDIT, tree.path(folder, place.name))  # ACL-18
        locks.check(tx, folder.space, where)
        return
    if not folder.rights & Right.ADD:
        raise Denied(Right.ADD, tree.path(folder))
    items.check(None, precondition)
    locks.check(tx, folder.space, where, member=True)


def _room(tx: Transaction, place: Place) -> int | None:
    """Octets that the body may have: what is there gives way to it."""
    room = quota.room(tx, place.folder, place.plan_limits)
    if room is None:
        return None
    return room + (place.present.size if isinstance(place.present, File) else 0)


def _shrinks(place: Place, body: Body) -> bool:
    """ACC-21: over the limit only additions are refused."""
    return isinstance(place.present, File) and body.size <= place.present.size
