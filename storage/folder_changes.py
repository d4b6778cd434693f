"""The change log of a folder: its files as `storage/changes.py` tells them, and its direct subfolders.

A subfolder carries the number of its parent's log under which it came, was renamed or described; one
that went leaves a tombstone among those of the files, with a slash after its name; one whose rights
changed has its number in the rows of the viewer concerned (SYS-10).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa

from storage import acl, changes, closed_roots, folders, numbering
from storage.changes import Numbered
from storage.filing import WEB, Folder, FolderChanges, Special
from storage.schema import collections, grants, memberships, tombstones, viewer_collections
from storage.statements import Statement
from storage.store import Transaction
from storage.types import CollectionId, ModSeq, PrincipalId, Right, SpaceKind

_OWN: Final = Statement(
    sa.select(collections.c.path, viewer_collections.c.listed_modseq)
    .join(viewer_collections, viewer_collections.c.collection_id == collections.c.id)
    .where(
        collections.c.parent_id == sa.bindparam("parent"),
        viewer_collections.c.viewer_id == sa.bindparam("actor"),
        viewer_collections.c.listed_modseq > sa.bindparam("after"),
    )
)
_SEE_FOLDER: Final = grants.c.rights.op("&")(Right.SEE_FOLDER.value) != 0
_SEERS: Final = Statement(
    sa.union(
        sa.select(grants.c.grantee_id).where(grants.c.collection_id == sa.bindparam("folder"), _SEE_FOLDER),
        sa.select(memberships.c.account_id)
        .join(grants, grants.c.grantee_id == memberships.c.group_id)
        .where(grants.c.collection_id == sa.bindparam("folder"), _SEE_FOLDER),
    )
)


def since(
    tx: Transaction,
    folder: Folder,
    after: ModSeq,
    *,
    bound: ModSeq = ModSeq(0),  # noqa: B008
    limit: int | None = None,
) -> FolderChanges:
    """What the actor must be told of the files and direct subfolders of `folder`, as `changes.since`.

    Raises:
        LogTruncated: as there.
    """
    told = _told(tx, folder, after)
    found = changes.numbered(tx, folder, after, bound=bound, limit=limit)
    if closed_roots.is_closed(folder):  # ACL-12: of what he did not see he is not told that it went
        last = closed_roots.turned_at(tx, folder)
        told = [one for one in told if one[1] is not None or one[0] <= last or _is_web(folder, f"{one[2]}/")]
        found = replace(found, gone=[one for one in found.gone if one[0] <= last or _is_web(folder, one[1])])
    files = [number for number, _ in found.present] + [number for number, _ in found.gone]
    numbers = sorted(files + [number for number, _, _ in told])
    last = folder.modseq if limit is None or len(numbers) <= limit else changes.cut_at(numbers, limit)
    if not numbers or last >= numbers[-1]:
        return _united(found, told, folder.modseq, ModSeq(0), truncated=False)  # all of it, up to the present
    return _united(
        Numbered(
            [one for one in found.present if one[0] <= last],
            [one for one in found.gone if one[0] <= last],
            found.initial,
        ),
        [one for one in told if one[0] <= last],
        last,
        found.initial if found.initial > last else ModSeq(0),
        truncated=True,
    )


def came(tx: Transaction, parent: CollectionId, folder: CollectionId, *, new: bool = True) -> ModSeq:
    """Number a subfolder in its parent's log: it is new there, or was renamed or described."""
    number = numbering.take(tx, parent)
    values = {"listed_modseq": number} | ({"listed_created": number} if new else {})
    tx.db.execute(sa.update(collections).where(collections.c.id == folder).values(values))
    return number


def went(tx: Transaction, parent: CollectionId, folder: Folder, number: int) -> None:
    """Leave a tombstone for a subfolder that is removed from its parent, or gets another name there.

    To be called while the folder's row and grants still are what they were.
    """
    name = f"{folder.title}/"
    created = tx.db.execute(sa.select(collections.c.listed_created).where(collections.c.id == folder.id)).scalar_one()
    everybody = folder.space.kind is SpaceKind.GROUP or folder.flagged or acl.is_published(tx, folder)  # DOC-41
    audience = set() if everybody else set(map(str, seers(tx, folder.id)))
    here = sa.and_(tombstones.c.collection_id == parent, tombstones.c.name == name)
    former = tx.db.execute(sa.select(tombstones).where(here)).first()
    freed = 0 if everybody else 1
    if former is not None:
        tx.db.execute(sa.delete(tombstones).where(here))
        created = min(created, former.created_modseq)
        audience |= set(former.audience.split())
        freed = freed and (former.freed_modseq or former.modseq)
    tx.db.execute(
        sa.insert(tombstones).values(
            collection_id=parent,
            name=name,
            modseq=number,
            created_modseq=created,
            freed_modseq=freed,
            audience=f" {' '.join(sorted(audience, key=int))} " if audience else "",
            removed=tx.now,
        )
    )


def seers(tx: Transaction, folder: CollectionId) -> set[PrincipalId]:
    """The accounts to whom a private folder is shown by an entry of its own, whatever the folders above it say."""
    return {PrincipalId(one) for one in _SEERS.scalars(tx, {"folder": folder})}


def _is_web(root: Folder, name: str) -> bool:
    """Whether this is what all co-members see in a closed root while it is published (DOC-41): no secret name."""
    return root.special is Special.ROOT and name == f"{WEB}/"


_Told = tuple[int, Folder | None, str]


def _told(tx: Transaction, folder: Folder, after: ModSeq) -> list[_Told]:
    """Subfolders that changed for the actor, in numbers' order: the folder, or its name if it went for him."""
    own = {row.path: row.listed_modseq for row in _OWN.all(tx, _keys(tx, folder, after))}
    found: list[_Told] = []
    opened = closed_roots.turned_at(tx, folder) if closed_roots.may_close(folder) else 0
    for one in folders.subfolders(tx, folder):
        number = max(one.listed_modseq, own.pop(one.name, 0), opened)
        if number > after:
            found.append((number, one, one.title))
    if after:
        found += [(number, None, path.rpartition("/")[2]) for path, number in own.items()]
    return sorted(found, key=lambda one: one[0])


def _keys(tx: Transaction, folder: Folder, after: ModSeq) -> dict[str, Any]:
    return {"parent": folder.id, "actor": tx.actor.id, "after": after}


def _united(found: Numbered, told: list[_Told], modseq: ModSeq, bound: ModSeq, *, truncated: bool) -> FolderChanges:
    items = tuple(row for _, row in found.present)
    present = tuple(one for _, one, _ in told if one is not None)
    listed = {f"{one.title}/" for one in present} | {row.name for row in items}
    names = {name.rstrip("/") for name in listed}
    went = [*(name for _, name in found.gone), *(f"{name}/" for _, one, name in told if one is None)]
    gone = tuple(dict.fromkeys(name for name in went if name not in listed))
    removed = tuple(dict.fromkeys(name.rstrip("/") for name in gone if name.rstrip("/") not in names))
    return FolderChanges(items, present, removed, modseq, bound, truncated, gone)
