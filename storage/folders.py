"""Folders and what is in them, found by path in one read and shown as the actor may see them (DOC-01…24, SYS-09)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa

from storage import filing, locating, rights, viewing
from storage.errors import Conflict, LimitReached, NotFound
from storage.filing import DOCS, Details, File, Folder, Place
from storage.locating import FILE, FOLDER, IN_SPACE, SPACE, WITH_VIEWER, Rows
from storage.schema import collections, file_index, grants, items, memberships, principals
from storage.sight import Sight
from storage.statements import Statement
from storage.store import Transaction
from storage.types import (
    Brief,
    CollectionId,
    ItemId,
    ModSeq,
    PrincipalId,
    Relation,
    Right,
    Row,
    SpaceKind,
    View,
)

_HIDES: Final = Right.SEE | Right.EDIT
_BY_ID: Final = Statement(
    sa.select(*SPACE, *FOLDER).select_from(IN_SPACE).where(collections.c.id == sa.bindparam("number"))
)
_CHILDREN: Final = Statement(
    sa.select(*FOLDER).select_from(WITH_VIEWER).where(collections.c.parent_id == sa.bindparam("parent"))
)

_to_actor: Final = sa.or_(
    grants.c.grantee_id == sa.bindparam("actor"),
    grants.c.grantee_id.in_(sa.select(memberships.c.group_id).where(memberships.c.account_id == sa.bindparam("actor"))),
)


def granted_to_actor(collection: Any) -> sa.ColumnElement[bool]:
    """Whether a file of the query's `item` table was opened to the bind `actor` by an entry of its own."""
    return (
        sa.exists()
        .where(
            grants.c.collection_id == collection,
            grants.c.item_id == items.c.id,
            grants.c.rights.op("&")(_HIDES.value) != 0,
            _to_actor,
        )
        .correlate(items)
    )


def entered_by_actor(collection: Any) -> sa.ColumnElement[bool]:
    """Whether the folder of a query's `collections` table was shown to the bind `actor` by an entry of its own."""
    return (
        sa.exists()
        .where(
            grants.c.collection_id == collection,
            grants.c.item_id.is_(None),
            grants.c.rights.op("&")(Right.SEE_FOLDER.value) != 0,
            _to_actor,
        )
        .correlate(collections)
    )


_granted: Final = granted_to_actor(sa.bindparam("collection"))
VISIBLE: Final = sa.or_(
    # ACL-12, ACL-13, DOC-41; `whole`: the owner, a group's administrators, a published folder, infos.
    sa.bindparam("whole", type_=sa.Integer) == 1,
    sa.and_(sa.bindparam("member", type_=sa.Integer) == 1, ~items.c.restricted),
    items.c.creator_id == sa.bindparam("actor"),
    items.c.public,
    _granted,
)
"""Files of a visible folder that the actor may know of, with the values of `sees`."""
_ROW: Final = (
    *(items.c.name, items.c.hash, items.c.size, items.c.media_type, items.c.component),
    *(items.c.modified, items.c.created, items.c.schedule_tag, items.c.modseq),
)
_others: Final = sa.select(
    *_ROW,
    items.c.id,
    items.c.restricted,
    items.c.public,
    items.c.creator_id,
    sa.case((items.c.restricted, _granted), else_=sa.false()).label("granted"),
).where(items.c.collection_id == sa.bindparam("collection"), VISIBLE)
_own: Final = sa.select(*_ROW).where(items.c.collection_id == sa.bindparam("collection"))
_after: Final = sa.tuple_(items.c.modseq, items.c.name) > sa.tuple_(
    sa.bindparam("modseq", type_=sa.BigInteger), sa.bindparam("after", type_=sa.Text)
)
_order: Final = (items.c.modseq, items.c.name)
_most: Final = sa.bindparam("most", type_=sa.Integer)
_OWN_PAGE: Final = Statement(_own.where(_after).order_by(*_order).limit(_most), Row)
_OTHERS: Final = Statement(_others)
_OTHERS_PAGE: Final = Statement(_others.where(_after).order_by(*_order).limit(_most))
_FILES: Final = Statement(
    sa.select(*FILE)
    .select_from(items.outerjoin(file_index, file_index.c.item_id == items.c.id))
    .where(items.c.collection_id == sa.bindparam("collection"), VISIBLE)
)
_ITEM_GRANTS: Final = Statement(
    sa.select(grants.c.item_id, grants.c.rights).where(
        grants.c.collection_id == sa.bindparam("collection"), grants.c.item_id.is_not(None), _to_actor
    )
)
_GRANTS_ON_ONE: Final = Statement(
    sa.select(grants.c.rights).where(
        grants.c.collection_id == sa.bindparam("collection"), grants.c.item_id == sa.bindparam("item"), _to_actor
    )
)


def find(
    tx: Transaction, kind: SpaceKind, space: str, path: str, *, root: str = DOCS, body: bool = False
) -> Folder | File:
    """What is at a path below a root; "" is the root. With `body` a small file's octets come along.

    Raises:
        NotFound: nothing is there, or the actor may not know of it (SYS-09).
        GateClosed: it is in the wiki, and the plan has none.
    """
    return found_at(tx, locating.read(tx, kind, space, root, path, body=body), path, body=body)


def found_at(tx: Transaction, rows: Rows, path: str, *, body: bool = False) -> Folder | File:
    """The same of one of the paths that were read."""
    at = rows.at(path)
    if at.folder is not None:
        return at.folder
    if at.parent is not None and at.file is not None:
        found = file_of(tx, at.parent, at.file, body=at.file.item_body if body else None)
        if found is not None:
            return found
    raise NotFound(path)


def place(tx: Transaction, kind: SpaceKind, space: str, path: str, *, root: str = DOCS) -> Place:
    """Where something shall come to be: its folder, its name, and what is there now.

    Raises:
        NotFound: the actor may not know of the space.
        Conflict: the folder is missing or hidden from him, or the name cannot be one.
        GateClosed: as in `find`.
    """
    filing.clean_name(filing.split(path)[1])
    at = place_at(tx, locating.read(tx, kind, space, root, path), path)
    if at is None:
        find(replace(tx, writing=False), kind, space, "", root=root)  # nothing is written: nothing more is locked
        raise Conflict("there is no such folder to put it into")
    return at


def place_at(tx: Transaction, rows: Rows, path: str) -> Place | None:
    """The same of one of the paths that were read; None where `place` says why not."""
    name = filing.clean_name(filing.split(path)[1])
    at = rows.at(path)
    if at.parent is None:
        return None
    present: Folder | File | None = at.folder
    if present is None and at.file is not None:
        present = file_of(tx, at.parent, at.file)
    return Place(at.parent, name, present, at.taken, at.plan_limits)


def again(tx: Transaction, folder: Folder) -> Folder:
    """The same folder as it is now.

    Raises:
        NotFound: it is gone, or hidden from the actor.
    """
    return by_id(tx, folder.id)


def by_id(tx: Transaction, number: CollectionId) -> Folder:
    """The folder of this number.

    Raises:
        NotFound: as in `find`.
    """
    row = _BY_ID.first(tx, {"actor": tx.actor.id, "number": number})
    found = None if row is None else Sight(tx, locating.principal(row), row.path.partition("/")[0]).one(row)
    if found is None:
        raise NotFound(str(number))
    return found


def rows(tx: Transaction, folder: Folder) -> Sequence[Row]:
    """All files that the actor sees, one cheap row each, in no order."""
    if viewing.is_own(folder):
        return viewing.listing(tx, folder)
    values = sees(tx, folder)
    return [] if values is None else [_shown(tx, folder, row) for row in _OTHERS.all(tx, values)]


def brief(tx: Transaction, folder: Folder) -> Sequence[Brief]:
    """Name and validator of all files that the actor sees."""
    if viewing.is_own(folder):
        return viewing.brief(tx, folder)
    return [Brief(row.name, row.etag) for row in rows(tx, folder)]


def pages(tx: Transaction, folder: Folder, size: int = 1_000) -> Iterator[Sequence[Row]]:
    """The same rows in pages, oldest change first: a folder of any size in constant memory."""
    own = viewing.is_own(folder)
    values = {"collection": folder.id} if own else sees(tx, folder)
    if values is None:
        return
    modseq, after = 0, ""
    while True:
        keys = values | {"modseq": modseq, "after": after, "most": size}
        if own:
            found: Sequence[Any] = _OWN_PAGE.all(tx, keys)
            page: Sequence[Row] = found
        else:
            found = _OTHERS_PAGE.all(tx, keys)
            page = [_shown(tx, folder, row) for row in found]
        if page:
            yield page
        if len(found) < size:
            return
        modseq, after = found[-1].modseq, found[-1].name


def files(tx: Transaction, folder: Folder) -> list[File]:
    """All files that the actor sees, with all that is known of them but their bodies, by name."""
    values = sees(tx, folder)
    if values is None:
        return []
    granted = {} if viewing.is_own(folder) else _granted_on(tx, folder)
    found = (_file(tx, folder, row, granted, None) for row in _FILES.all(tx, values))
    return sorted((one for one in found if one is not None), key=lambda one: one.name)


def details(tx: Transaction, folder: Folder, names: Sequence[str] | None = None) -> dict[str, Details]:
    """What is known beyond the rows of `folder`'s files, or of some of them; nothing of those without any."""
    values = sees(tx, folder)
    if values is None:
        return {}
    said = sa.or_(file_index.c.item_id.is_not(None), items.c.public)
    query = (
        sa.select(*FILE, principals.c.name.label("depositor"))
        .select_from(
            items.outerjoin(file_index, file_index.c.item_id == items.c.id).outerjoin(
                principals, principals.c.id == file_index.c.depositor_id
            )
        )
        .where(items.c.collection_id == sa.bindparam("collection"), VISIBLE, said)
    )
    if names is not None and len(names) <= 500:
        query = query.where(items.c.name.in_(list(names)))
    granted = {} if viewing.is_own(folder) else _granted_on(tx, folder)
    found: dict[str, Details] = {}
    for row in tx.db.execute(query, values):
        one = _file(tx, folder, row, granted, None)
        if one is not None and one.view is View.FULL and (names is None or one.name in names):
            found[one.name] = Details(
                one.description, one.downloads, one.flagged, one.trashed_from, one.trashed_at, row.depositor or ""
            )
    return found


def subfolders(tx: Transaction, folder: Folder) -> list[Folder]:
    """The direct subfolders that the actor sees, by name."""
    found = _CHILDREN.all(tx, {"parent": folder.id, "actor": tx.actor.id})
    if not found:
        return []
    seen = Sight(tx, folder.space, folder.root).children(folder, found)
    return sorted(seen, key=lambda one: one.path)


def walk(tx: Transaction, folder: Folder, most: int) -> Iterator[Folder]:
    """The folder and all that the actor sees below it, each before what is in it.

    Raises:
        LimitReached: there are more than `most`.
    """
    waiting = [folder]
    count = 0
    while waiting:
        one = waiting.pop()
        count += 1
        if count > most:
            raise LimitReached("folders_at_once", most)
        yield one
        waiting += reversed(subfolders(tx, one))


def sees(tx: Transaction, folder: Folder) -> dict[str, Any] | None:
    """The values for `VISIBLE` and a folder, or None if the actor sees nothing that is in it."""
    admin = folder.relation in (Relation.ADMIN, Relation.CO_ADMIN)
    whole = folder.view is View.FULL or admin
    if not whole and not folder.rights & Right.SEE_FOLDER:
        return None
    member = folder.relation is Relation.MEMBER
    return {"collection": folder.id, "actor": tx.actor.id, "whole": int(whole), "member": int(member)}


def file_of(tx: Transaction, folder: Folder, row: Any, body: bytes | None = None) -> File | None:
    """The file of `row` as the actor sees it in a visible folder, or None."""
    granted: dict[int, Right] = {}
    if not viewing.is_own(folder):
        keys = {"collection": folder.id, "item": row.item_id, "actor": tx.actor.id}
        for one in _GRANTS_ON_ONE.scalars(tx, keys):
            granted[row.item_id] = granted.get(row.item_id, Right.NONE) | Right(one)
    return _file(tx, folder, row, granted, body)


def _shown(tx: Transaction, folder: Folder, row: Any) -> Row:
    """A row as someone other than the owner sees it."""
    etag = row.hash
    # ACL-06: administrators alone get rows of which they see the existence only.
    known = not row.restricted or row.public or row.granted or row.creator_id == tx.actor.id
    if not known and folder.view is not View.FULL:
        etag = _known(row.id, row.modseq)
    return Row(
        row.name,
        etag,
        row.size,
        row.media_type,
        row.component,
        row.modified,
        row.created,
        row.schedule_tag,
        row.modseq,
    )


def _known(number: int, modseq: int) -> str:
    return f"{number}-{modseq}-known"


def _granted_on(tx: Transaction, folder: Folder) -> dict[int, Right]:
    granted: dict[int, Right] = {}
    for row in _ITEM_GRANTS.all(tx, {"collection": folder.id, "actor": tx.actor.id}):
        granted[row.item_id] = granted.get(row.item_id, Right.NONE) | Right(row.rights)
    return granted


def _file(tx: Transaction, folder: Folder, row: Any, granted: dict[int, Right], body: bytes | None) -> File | None:
    own = viewing.is_own(folder)
    held = folder.rights
    view = View.FULL
    if not own:
        mine = row.item_creator_id == tx.actor.id
        given = granted.get(row.item_id, Right.NONE)
        open_to_him = mine or row.item_public or bool(given & _HIDES) or folder.view is View.FULL
        if folder.view is not View.FULL and not folder.rights & Right.SEE_FOLDER:
            return None
        if not open_to_him:
            if folder.space.kind is SpaceKind.PRIVATE or folder.relation is Relation.STRANGER:
                return None
            if row.item_restricted:
                if folder.relation is Relation.MEMBER:
                    return None
                view = View.EXISTENCE
        if mine:
            held |= rights.of_creator(folder.space.kind, folder.tool)
        held |= given | Right.SEE
        if view is View.EXISTENCE:
            held &= ~_HIDES
    whole = view is View.FULL
    return File(
        ItemId(row.item_id),
        folder.id,
        row.item_name,
        row.item_hash if whole else _known(row.item_id, row.item_modseq),
        row.item_size,
        row.item_media_type,
        "",
        ModSeq(row.item_modseq),
        PrincipalId(row.item_creator_id),
        row.item_created,
        row.item_modified,
        "",
        view,
        held,
        body if whole else None,
        folder,
        row.item_blob if whole else None,
        (row.item_description or "") if whole else "",
        row.item_downloads or 0,
        row.item_public,
        row.item_restricted,
        row.item_trashed_from or "",
        row.item_trashed_at or 0.0,
        row.item_depositor_id or 0,
        row.item_twin or 0,
    )
