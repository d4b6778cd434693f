"""Drop boxes, and the roots that they are in: co-members know them and need not see into them (ACL-12, DOC-30, DOC-32).

Any other folder that one may not see is not there for him, with the names of all in it. Of these he can ask what
changed: what is told to have gone may be nothing but what he saw there before it was closed to him (SYS-09, SYS-10).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import sqlalchemy as sa

from storage import changes, filing, folders, numbering, viewing
from storage.errors import NotFound
from storage.filing import Folder, Special
from storage.schema import collections, items, viewer_collections
from storage.statements import Statement
from storage.store import Transaction
from storage.types import Actor, CollectionId, PrincipalId, Relation, Right, View

_TURNED_AT: Final = Statement(
    sa.select(viewer_collections.c.view_modseq).where(
        viewer_collections.c.collection_id == sa.bindparam("collection"),
        viewer_collections.c.viewer_id == sa.bindparam("actor"),
    )
)
_OPENED_FILES: Final = sa.select(items.c.id).where(
    items.c.collection_id == sa.bindparam("collection"),
    sa.or_(
        items.c.creator_id == sa.bindparam("actor"),
        items.c.public,
        folders.granted_to_actor(sa.bindparam("collection")),
    ),
)
_OPENED_FOLDERS: Final = sa.select(collections.c.id).where(
    collections.c.parent_id == sa.bindparam("collection"),
    sa.or_(collections.c.public, folders.entered_by_actor(collections.c.id)),
)


def may_close(folder: Folder) -> bool:
    """Whether the actor knows the folder also while he sees nothing of what is in it."""
    return folder.special in (Special.ROOT, Special.DROP_BOX) and folder.relation is Relation.CO_MEMBER


def is_closed(folder: Folder) -> bool:
    """Whether the actor sees nothing of what is in the folder, which itself he knows."""
    return may_close(folder) and folder.view is not View.FULL and not folder.rights & Right.SEE_FOLDER


def turned_at(tx: Transaction, folder: Folder) -> int:
    """The number under which the folder was opened to the actor, or closed: beyond it he saw nothing that was in it."""
    if folder.special is Special.DROP_BOX:
        return 0
    return int(_TURNED_AT.scalar(tx, {"collection": folder.id, "actor": tx.actor.id}) or 0)


def close(tx: Transaction, number: CollectionId, viewers: Iterable[PrincipalId]) -> None:
    """Let what these people saw in a root vanish at their next synchronisation, if they do not see into it now.

    To be called for any collection, when the grant, the flag or the membership is gone.
    """
    path = sa.select(collections.c.path).where(collections.c.id == number)
    if tx.db.execute(path).scalar() != filing.DOCS:
        return
    for viewer in sorted(set(viewers)):
        try:
            closed = is_closed(folders.by_id(replace(tx, actor=Actor(viewer, ""), access={}), number))
        except NotFound:
            closed = True  # a stranger now, who may become a co-member again with what he knew
        if closed:
            _told(tx, number, viewer)


def _told(tx: Transaction, root: CollectionId, viewer: PrincipalId) -> None:
    keys = {"collection": root, "actor": viewer}
    seen = tx.db.execute(_OPENED_FILES, keys).scalars().all()
    below = tx.db.execute(_OPENED_FOLDERS, keys).scalars().all()
    number = numbering.take_for_viewer(tx, root)
    changes.note_items(tx, root, seen, [viewer], number)
    for folder in below:
        changes.note_listed(tx, CollectionId(folder), [viewer], number)
    changes.note_viewer(tx, root, viewer, number, view=True)
    viewing.forget_access(tx, root)
