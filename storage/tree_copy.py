"""What is in a folder, copied into another with all below it, reading no body (DOC-12, RFC 4918 §9.8)."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from storage import filing, folders, trees, viewing
from storage.filing import Folder
from storage.schema import collections, dead_properties, file_index, grants, items, memberships
from storage.statements import Statement
from storage.store import Transaction
from storage.types import CollectionId, Right, SpaceKind, View

_old: Final = collections.alias("old")
_new: Final = collections.alias("new")
_made: Final = items.alias("made")
_KEPT: Final = (
    *("name", "hash", "size", "media_type", "component", "body", "blob"),
    *("uid", "modseq", "created_modseq", "modified"),
)

_COPY_PROPERTIES: Final = Statement(
    sa.insert(dead_properties).from_select(
        ["collection_id", "item_id", "namespace", "name", "xml"],
        sa.select(
            sa.bindparam("folder", type_=sa.BigInteger),
            sa.bindparam("target", type_=sa.BigInteger),
            dead_properties.c.namespace,
            dead_properties.c.name,
            dead_properties.c.xml,
        ).where(dead_properties.c.item_id == sa.bindparam("source")),
        include_defaults=False,
    )
)
_their: Final = dead_properties.alias("their")
_FORGET_PROPERTIES: Final = Statement(
    sa.delete(dead_properties).where(
        dead_properties.c.item_id == sa.bindparam("target"),
        sa.or_(
            sa.bindparam("all", type_=sa.Integer) == 1,
            sa.exists().where(
                _their.c.item_id == sa.bindparam("source"),
                _their.c.namespace == dead_properties.c.namespace,
                _their.c.name == dead_properties.c.name,
            ),
        ),
    )
)


def octets(tx: Transaction, source: Folder) -> int:
    """What the copy of all that the actor sees will add to a disk."""
    query = (
        sa.select(sa.func.coalesce(sa.func.sum(items.c.size), 0))
        .join(_old, _old.c.id == items.c.collection_id)
        .where(items.c.collection_id.in_(_seen_below(tx, source)), _readable(tx, source))
    )
    return int(tx.db.execute(query, _keys(tx, source)).scalar_one())


def is_whole(tx: Transaction, source: Folder) -> bool:
    """Whether a copy of the tree would have all that is in it: nothing is hidden from the actor."""
    if viewing.is_own(source):
        return True
    keys, inside = _keys(tx, source), trees.below(source.id)
    hidden = sa.select(items.c.id).where(items.c.collection_id.in_(inside), ~_readable(tx, source))
    if tx.db.execute(hidden.limit(1), keys).first() is not None:
        return False
    if source.space.kind is SpaceKind.GROUP or source.view is View.FULL:
        return True  # ACL-13: members see all folders
    unseen = sa.select(collections.c.id).where(
        collections.c.id.in_(inside), collections.c.id.not_in(_seen_below(tx, source))
    )
    return tx.db.execute(unseen.limit(1), keys).first() is None


def into(tx: Transaction, source: Folder, made: Folder) -> None:
    """Copy the files and subfolders that the actor sees in `source` into the new and empty folder `made`.

    Numbers within each folder are kept, so they stay different from each other.
    """
    seen = _seen_below(tx, source)
    keys = _keys(tx, source)
    path = sa.literal(made.name) + sa.func.substr(collections.c.path, len(source.name) + 1)
    same = [collections.c[name] for name in ("name", "display_name", "description", "color", "timezone")]
    numbers = [collections.c[name] for name in ("modseq", "shared_modseq", "uid_next")]
    tool = filing.tool(made.space.kind, made.root, made.path)
    fresh: dict[str, Any] = {
        "space_id": sa.literal(made.space.id),
        "tool": sa.literal(tool.value),
        "path": path,
        "creator_id": sa.literal(tx.actor.id),
        "log_floor": collections.c.modseq,
        "listed_modseq": sa.case((collections.c.listed_modseq > 0, collections.c.listed_modseq), else_=1),
        "listed_created": sa.case((collections.c.listed_modseq > 0, collections.c.listed_modseq), else_=1),
        "uid_validity": sa.literal(int(tx.now)),
        "created": sa.literal(tx.now),
        "modified": sa.literal(tx.now),
    }
    below = sa.select(*same, *numbers, *fresh.values()).where(collections.c.id.in_(seen), collections.c.id != source.id)
    columns = [column.name for column in (*same, *numbers)] + list(fresh)
    tx.db.execute(sa.insert(collections).from_select(columns, below, include_defaults=False), keys)
    _join_parents(tx, made)
    top = sa.select(collections.c.modseq, collections.c.uid_next).where(collections.c.id == source.id)
    old = tx.db.execute(top).one()
    ahead = {
        "modseq": sa.case((collections.c.modseq > old.modseq, collections.c.modseq), else_=old.modseq),
        "shared_modseq": sa.case((collections.c.modseq > old.modseq, collections.c.modseq), else_=old.modseq),
        "log_floor": old.modseq,
        "uid_next": old.uid_next,
    }
    tx.db.execute(sa.update(collections).where(collections.c.id == made.id).values(ahead))
    _copy_files(tx, source, made, seen, keys)
    _count(tx, made)
    tx.touched.add(made.id)


def properties_of_file(tx: Transaction, source: int, target: int, folder: CollectionId) -> None:
    """Copy a file's dead properties (RFC 4918 §9.8.2)."""
    _COPY_PROPERTIES.run(tx, {"source": source, "target": target, "folder": folder})


def properties_over_file(tx: Transaction, source: int, target: int, folder: CollectionId, *, keep: bool) -> None:
    """The same over a file that is there: with `keep` it keeps those that the source does not have."""
    _FORGET_PROPERTIES.run(tx, {"source": source, "target": target, "all": int(not keep)})
    properties_of_file(tx, source, target, folder)


def _join_parents(tx: Transaction, made: Folder) -> None:
    """Give each copied folder the copied folder above it, found by its path."""
    child = collections
    above = _new
    up = sa.func.substr(child.c.path, 1, sa.func.length(child.c.path) - sa.func.length(child.c.name) - 1)
    parent = sa.select(above.c.id).where(above.c.space_id == made.space.id, above.c.path == up).scalar_subquery()
    lost = sa.and_(
        child.c.space_id == made.space.id,
        child.c.parent_id.is_(None),
        sa.func.substr(child.c.path, 1, len(made.name) + 1) == made.name + "/",
    )
    tx.db.execute(sa.update(child).where(lost).values(parent_id=parent))


def _copy_files(tx: Transaction, source: Folder, made: Folder, seen: sa.Select[Any], keys: dict[str, Any]) -> None:
    there = sa.and_(
        _new.c.space_id == made.space.id,
        _new.c.path == sa.literal(made.name) + sa.func.substr(_old.c.path, len(source.name) + 1),
    )
    placed = items.join(_old, _old.c.id == items.c.collection_id).join(_new, there)
    which = sa.and_(_old.c.id.in_(seen), _readable(tx, source))
    kept = [items.c[name] for name in _KEPT]
    rows = sa.select(_new.c.id, *kept, sa.literal(tx.actor.id), sa.literal(tx.now)).select_from(placed).where(which)
    columns = ["collection_id", *_KEPT, "creator_id", "created"]
    tx.db.execute(sa.insert(items).from_select(columns, rows, include_defaults=False), keys)
    twice = placed.join(_made, sa.and_(_made.c.collection_id == _new.c.id, _made.c.name == items.c.name))
    said = (
        sa.select(_made.c.id, file_index.c.description)
        .select_from(twice.join(file_index, file_index.c.item_id == items.c.id))
        .where(which, file_index.c.description != "")
    )
    tx.db.execute(sa.insert(file_index).from_select(["item_id", "description"], said, include_defaults=False), keys)
    columns = ["collection_id", "item_id", "namespace", "name", "xml"]
    copied = [dead_properties.c[name] for name in columns[2:]]
    of_files = (
        sa.select(_new.c.id, _made.c.id.label("item"), *copied)
        .select_from(twice.join(dead_properties, dead_properties.c.item_id == items.c.id))
        .where(which)
    )
    tx.db.execute(sa.insert(dead_properties).from_select(columns, of_files), keys)
    of_folders = (
        sa.select(_new.c.id, *copied)
        .select_from(_old.join(_new, there).join(dead_properties, dead_properties.c.collection_id == _old.c.id))
        .where(_old.c.id.in_(seen), _old.c.id != source.id, dead_properties.c.item_id.is_(None))
    )
    tx.db.execute(sa.insert(dead_properties).from_select(["collection_id", *columns[2:]], of_folders), keys)


def _count(tx: Transaction, made: Folder) -> None:
    """Set the counters of the copied folders to what came to be in them."""
    mine = items.c.collection_id == collections.c.id
    count = sa.select(sa.func.count()).select_from(items).where(mine).scalar_subquery()
    total = sa.select(sa.func.coalesce(sa.func.sum(items.c.size), 0)).where(mine).scalar_subquery()
    here = sa.update(collections).where(collections.c.id.in_(trees.below(made.id)))
    tx.db.execute(here.values(item_count=count, octets=total))


def _seen_below(tx: Transaction, source: Folder) -> sa.Select[Any]:
    """The ids of a folder and of those below it that the actor sees (ACL-12, ACL-13)."""
    if viewing.is_own(source) or source.space.kind is SpaceKind.GROUP or source.view is View.FULL:
        return trees.below(source.id)
    start = sa.select(collections.c.id).where(collections.c.id == source.id).cte("seen", recursive=True)
    child = collections.alias("child")
    granted = sa.exists().where(
        grants.c.collection_id == child.c.id,
        grants.c.item_id.is_(None),
        grants.c.rights.op("&")(Right.SEE_FOLDER.value) != 0,
        sa.or_(
            grants.c.grantee_id == tx.actor.id,
            grants.c.grantee_id.in_(sa.select(memberships.c.group_id).where(memberships.c.account_id == tx.actor.id)),
        ),
    )
    shown = sa.or_(child.c.public, granted)
    whole = start.union_all(sa.select(child.c.id).where(child.c.parent_id == start.c.id, shown))
    return sa.select(whole.c.id)


def _readable(tx: Transaction, source: Folder) -> sa.ColumnElement[bool]:
    """Files whose content the actor sees, with the values of `_keys`."""
    return sa.or_(
        sa.bindparam("whole", type_=sa.Integer) == 1,
        sa.and_(sa.bindparam("member", type_=sa.Integer) == 1, ~items.c.restricted),
        items.c.creator_id == sa.bindparam("actor", type_=sa.BigInteger),
        items.c.public,
        folders.granted_to_actor(items.c.collection_id),
    )


def _keys(tx: Transaction, source: Folder) -> dict[str, Any]:
    whole = viewing.is_own(source) or source.view is View.FULL
    member = source.space.kind is SpaceKind.GROUP
    return {"actor": tx.actor.id, "whole": int(whole), "member": int(member)}
