"""The drop box: co-members put documents in, as into a letter box, and never see them again (DOC-29…33)."""

from __future__ import annotations

from storage import collections as tree
from storage import file_writing, filing, folder_changes, folders, quota, trees, viewing, writing
from storage.bodies import Body
from storage.errors import Denied, NotFound, OverQuota
from storage.filing import DROP_BOX, File, Folder, Special
from storage.store import Transaction
from storage.types import ModSeq, Right, SpaceKind, View


def is_letter_box(folder: Folder) -> bool:
    """Whether the folder is somebody else's drop box: what is put there is a deposit."""
    return folder.special is Special.DROP_BOX and not viewing.is_own(folder)


def of(tx: Transaction, member: str) -> Folder:
    """A member's drop box, open to all who share a group with him (DOC-30).

    Raises:
        NotFound: there is no such co-member.
    """
    try:
        found = folders.find(tx, SpaceKind.PRIVATE, member, DROP_BOX)
    except NotFound:
        found = None
    if not isinstance(found, Folder):
        raise NotFound(f"{member} shares no group with {tx.actor.login}: only co-members have drop boxes to put into")
    return found


def deposit(tx: Transaction, file: File, member: str, name: str = "") -> None:
    """Put a copy of a document that the actor may read into a member's drop box (DOC-31).

    Raises:
        NotFound: there is no such co-member.
        Denied: the actor does not see what is in the document.
        OverQuota: the recipient's disk is full.
    """
    if file.view is not View.FULL:
        raise Denied(Right.SEE, tree.path(file.folder, file.name))
    box = of(tx, member)
    row = writing.stored(tx, file.folder, file.name)
    body = file_writing.body_of(row)
    room = quota.room(tx, box)
    if room is not None and body.size > room:
        raise OverQuota("the recipient's capacity is reached")
    named = filing.clean_name(name or file.name)
    accept(tx, box, named, body, filing.renamed_type(file.name, named, row.media_type))


def accept(tx: Transaction, box: Folder, name: str, body: Body, media_type: str) -> ModSeq:
    """Store a deposit under a free name; it is its recipient's own, and its depositor is written down."""
    if not box.rights & Right.ADD:
        raise Denied(Right.ADD, tree.path(box))
    free = trees.free_name(tx, box.id, name)
    item, number = file_writing.create(tx, box.id, free, body, media_type, creator=box.space.id)
    trees.set_index(tx, item, depositor_id=tx.actor.id)
    show(tx, box)
    return number


def show(tx: Transaction, folder: Folder) -> None:
    """Let a drop box appear to its owner with the first file in it, which he may have put there himself (DOC-05)."""
    if folder.special is Special.DROP_BOX and not folder.used and folder.parent is not None:
        folder_changes.came(tx, folder.parent, folder.id)
