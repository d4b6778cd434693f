"""Paths of the disk looked up: a place's folder and what has its name, for one path or for two, in one read (DOC-01).

A read for writing also learns what every write asks next: whether the space has any lock, and what its plan allows
(docs/decisions/0268).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from storage import baggage, filing, lock_order
from storage.baggage import Baggage
from storage.filing import Folder
from storage.schema import (
    accounts,
    collections,
    file_index,
    groups,
    items,
    locks,
    plans,
    principals,
    viewer_collections,
)
from storage.sight import Sight
from storage.statements import Statement
from storage.store import Transaction
from storage.types import Principal, PrincipalId, SpaceKind

SPACE: Final = (
    principals.c.kind,
    principals.c.name.label("space_name"),
    principals.c.display_name.label("space_display_name"),
    principals.c.email.label("space_email"),
)
_NOT_SHOWN: Final = frozenset({"name", "components", "modseq", "log_floor", "listed_created", "trashed_by"})
FOLDER: Final = (
    *(column for column in collections.c if column.name not in _NOT_SHOWN),
    viewer_collections.c.modseq.label("viewer_modseq"),
    viewer_collections.c.color.label("viewer_color"),
)
FILE: Final = tuple(
    column.label(f"item_{column.name}")
    for column in (
        *(items.c[name] for name in ("id", "name", "hash", "size", "media_type", "modseq", "creator_id", "created")),
        *(items.c[name] for name in ("modified", "restricted", "public", "blob")),
        *(file_index.c[name] for name in ("description", "downloads", "trashed_from", "trashed_at", "depositor_id")),
        file_index.c.twin,
    )
)
_of_viewer: Final = sa.and_(
    viewer_collections.c.collection_id == collections.c.id,
    viewer_collections.c.viewer_id == sa.bindparam("actor"),
)
WITH_VIEWER: Final = collections.outerjoin(viewer_collections, _of_viewer)
IN_SPACE: Final = principals.join(collections, collections.c.space_id == principals.c.id).outerjoin(
    viewer_collections, _of_viewer
)

_payer: Final = sa.func.coalesce(
    # A group has the capacities of its admin's plan (GRP-16).
    sa.select(groups.c.admin_id).where(groups.c.id == principals.c.id).correlate(principals).scalar_subquery(),
    principals.c.id,
)
_FOR_WRITING: Final = (
    sa.exists().where(locks.c.space_id == principals.c.id).correlate(principals).label("locked"),
    sa.select(plans.c.limits)
    .join(accounts, accounts.c.plan_id == plans.c.id)
    .where(accounts.c.id == _payer)
    .correlate(principals)
    .scalar_subquery()
    .label("plan_limits"),
)


def _binds(name: str, count: int) -> list[sa.BindParameter[str]]:
    return [sa.bindparam(f"{name}{number}", type_=sa.Text) for number in range(count)]


def _here(count: int) -> sa.ColumnElement[bool]:
    """The rows of `count` paths and of the folders that they are in."""
    return sa.and_(
        principals.c.kind == sa.bindparam("kind"),
        principals.c.name == sa.bindparam("space"),
        collections.c.path.in_(_binds("path", count) + _binds("parent", count)),
    )


def _located(count: int, *more: Any) -> Statement:
    """The folder of each path and its parent, with the parent's files of the last names."""
    named = sa.and_(items.c.collection_id == collections.c.id, items.c.name.in_(_binds("name", count)))
    if count == 1:  # else a further list, which costs SQLite more than a row that nobody looks at
        named = sa.and_(named, collections.c.path == _binds("parent", 1)[0])
    joined = IN_SPACE.outerjoin(items, named).outerjoin(file_index, file_index.c.item_id == items.c.id)
    query = sa.select(*SPACE, *FOLDER, *FILE, *more).select_from(joined)
    return Statement(query.where(_here(count)))


def _locking(count: int) -> sa.Select[Any]:
    # Apart from the reading: PostgreSQL would read the file as it was before it waited for the lock.
    joined = principals.join(collections, collections.c.space_id == principals.c.id)
    return sa.select(collections.c.id).select_from(joined).where(_here(count))


def _in_order(query: sa.Select[Any]) -> Statement:
    return Statement(query.order_by(*lock_order.ORDER).with_for_update(of=collections, key_share=True))


def _locking_whole(count: int) -> Statement:
    """The same with all that is below the paths, in one go and so in order."""
    whole = _locking(count).where(collections.c.path.in_(_binds("path", count))).cte("whole", recursive=True)
    child = collections.alias("child")
    whole = whole.union_all(sa.select(child.c.id).where(child.c.parent_id == whole.c.id))
    chosen = sa.union(_locking(count), sa.select(whole.c.id))
    return _in_order(sa.select(collections.c.id).where(collections.c.id.in_(chosen)))


_COUNTS: Final = (1, 2)
_FIND: Final = {count: _located(count) for count in _COUNTS}
_FIND_BODY: Final = {count: _located(count, items.c.body.label("item_body")) for count in _COUNTS}
# Two paths are read by what moves or copies the one to the other.
_FIND_WRITING: Final = {1: _located(1, *_FOR_WRITING), 2: _located(2, *_FOR_WRITING, *baggage.HANGS)}
_LOCK: Final = {count: _in_order(_locking(count)) for count in _COUNTS}
_LOCK_WHOLE: Final = _locking_whole(2)
_FOLDERS: Final = Statement(_locking(2).where(collections.c.path.in_(_binds("path", 2))))


class Located(NamedTuple):
    """What is at a path, as the actor sees it."""

    parent: Folder | None
    """The folder that it is in; None if he does not see it, and above a root."""
    folder: Folder | None
    file: Any
    """The row of the file that has the name, whoever sees it; None if there is none."""
    taken: bool
    """A file or folder has the name, visible or not."""
    plan_limits: str | None
    """Of the space's plan, as stored; None if it was not read."""


class Rows:
    """What one read found, to be judged path by path."""

    __slots__ = ("_found", "_root", "_sight")

    def __init__(self, tx: Transaction, root: str, found: Sequence[Any]) -> None:
        self._root: Final = root
        self._found: Final = found
        self._sight: Final = Sight(tx, principal(found[0]), root) if found else None

    def at(self, path: str) -> Located:
        """What is at one of the paths that were read.

        Raises:
            GateClosed: it is in the wiki, and the plan has none.
        """
        if self._sight is None:
            return _NOWHERE
        path = filing.clean_path(path)
        whole, above, name = _places(self._root, path)
        here = over = named = None
        for row in self._found:
            if row.path == whole:
                here = row
            elif path and row.path == above:
                over = row
                if row.item_name == name:
                    named = row
        folder = None if here is None else self._sight.one(here)
        parent = None if over is None else self._sight.one(over)
        if folder is not None or parent is not None:
            self._sight.demand_gate(path)
        limits = getattr(self._found[0], "plan_limits", None)
        return Located(parent, folder, named if here is None else None, (here or named) is not None, limits)

    def carried(self, path: str) -> Baggage | None:
        """The baggage of the file at a path, which a read of two paths for writing brings; None if there is no file."""
        _, above, name = _places(self._root, filing.clean_path(path))
        found = (row for row in self._found if row.item_name == name and row.path == above)
        return next(map(baggage.of_row, found), None)


_NOWHERE: Final = Located(None, None, None, False, None)


def read(tx: Transaction, kind: SpaceKind, space: str, root: str, *paths: str, body: bool = False) -> Rows:
    """Read what is at one path or two below a root; the rows stay as they are until a writing transaction ends.

    With `body` a small file's octets come along as `item_body`.
    """
    keys: dict[str, Any] = {"kind": kind.value, "space": space, "actor": tx.actor.id}
    for number, path in enumerate(paths):
        whole, above, name = _places(root, filing.clean_path(path))
        keys |= {f"path{number}": whole, f"parent{number}": above, f"name{number}": name}
    count = len(paths)
    if not tx.writing:
        return Rows(tx, root, (_FIND_BODY if body else _FIND)[count].all(tx, keys))
    found = _held(tx, count, keys, _FIND_BODY[count] if body else _FIND_WRITING[count])
    if found and not body:
        change = tx.unlocked.discard if found[0].locked else tx.unlocked.add
        change(PrincipalId(found[0].space_id))
    return Rows(tx, root, found)


def _held(tx: Transaction, count: int, keys: dict[str, Any], query: Statement) -> list[Any]:
    """The rows of `query`, all of them locked."""
    locked: set[int] = set()
    while True:
        if not tx.store.engines.sqlite:  # SQLite has one writer
            # What is moved or replaced is locked with all below it; a file has nothing there.
            whole = count > 1 and _FOLDERS.first(tx, keys) is not None
            locked.update((_LOCK_WHOLE if whole else _LOCK[count]).scalars(tx, keys))
        found = query.all(tx, keys)
        # While others were waited for, a folder may have come to where none was, or another one.
        if tx.store.engines.sqlite or locked.issuperset(row.id for row in found):
            return found


def principal(row: Any) -> Principal:
    """The space of a row with the columns of `SPACE`."""
    return Principal(
        PrincipalId(row.space_id), SpaceKind(row.kind), row.space_name, row.space_display_name, row.space_email
    )


def _places(root: str, path: str) -> tuple[str, str, str]:
    """The path with its root, the folder above it, and its last segment; a root is above nothing here."""
    whole = filing.join(root, path)
    return whole, *(filing.split(whole) if path else ("", ""))
