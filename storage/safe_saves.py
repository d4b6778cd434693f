"""Documents that programs put aside as they save: the new one takes the name, and the old one's part (DOC-28).

Word and Excel on a network drive write a new file, rename the document to a work file's name, give the new file the
document's name, and delete the work file. By names alone the document would be gone, with its rights, description,
links and former versions; so it comes back with the new content, and the work file is what was the new one.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from storage import baggage, file_writing, filing, folders, locks, tree_copy, writing
from storage.errors import NotFound
from storage.filing import DOCS, File, Place
from storage.schema import items, tombstones
from storage.statements import Statement
from storage.store import Transaction
from storage.types import Right, View

_WITHIN_S: Final = 3_600
_ASIDE: Final = Statement(
    # Renamed in one folder, a file and the tombstone of its former name have one number.
    sa.select(items.c.name)
    .join(
        tombstones,
        sa.and_(
            tombstones.c.collection_id == items.c.collection_id,
            tombstones.c.modseq == items.c.created_modseq,
            tombstones.c.modseq <= items.c.modseq,
        ),
    )
    .where(
        tombstones.c.collection_id == sa.bindparam("folder"),
        tombstones.c.name == sa.bindparam("name", type_=sa.Text),
        tombstones.c.removed >= sa.bindparam("since", type_=sa.Float(53)),
    )
)


def put_aside(tx: Transaction, source: File, place: Place) -> File | None:
    """The document that had the free name of `place` until it became a work file, if `source` is what replaces it.

    That is a file of the actor's own, made for it: what is hidden or public keeps its rights, and the actor must be
    one who may edit the document (ACL-18).
    """
    folder, since = source.folder, tx.now - _WITHIN_S
    fresh = source.creator == tx.actor.id and source.created >= since and not (source.restricted or source.flagged)
    if folder.id != place.folder.id or folder.root != DOCS or not fresh or filing.is_work_file(place.name):
        return None
    name = _ASIDE.scalar(tx, {"folder": folder.id, "name": place.name, "since": since})
    if name is None or not filing.is_work_file(name):
        return None
    try:
        found = folders.find(tx, folder.space.kind, folder.space.name, filing.join(folder.path, name))
    except NotFound:
        return None
    edits = isinstance(found, File) and found.view is View.FULL and Right.EDIT in found.rights
    return found if isinstance(found, File) and edits else None


def bring_back(tx: Transaction, document: File, source: File, name: str, kind: str) -> None:
    """Give the document its name again, with the content of `source`, which becomes the work file.

    Raises:
        Locked: somebody else works on the work file, or on another placement of the document.
        OverQuota: another placement's environment has no room for it.
    """
    folder, aside = source.folder, document.name
    locks.check(tx, folder.space, f"{folder.name}/{aside}", member=True)
    new, old = writing.stored(tx, folder, source.name), writing.stored(tx, folder, aside)
    file_writing.relocate(tx, folder, baggage.read(tx, folder.id, aside), folder.id, name)
    named = writing.stored(tx, folder, name)  # versions are kept by name
    file_writing.replace(tx, named, file_writing.body_of(new), kind, modified=new.modified)
    tree_copy.properties_over_file(tx, new.id, named.id, folder.id, keep=True)
    file_writing.replace(tx, new, file_writing.body_of(old), old.media_type, version=False, modified=old.modified)
    file_writing.relocate(tx, folder, baggage.read(tx, folder.id, source.name), folder.id, aside)
