"""Folders made, described, found with all below them: what single files and whole trees both stand on."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from storage import bookmark_files, filing, folder_changes, folders, lock_order, locks, numbering, plans, viewing
from storage import collections as tree
from storage.errors import Denied, Exists, Fixed, LimitReached
from storage.filing import DOCS, FAVOURITES, File, Folder, Place, Special
from storage.schema import collections, file_index, grants, items
from storage.statements import Statement, to
from storage.store import Transaction
from storage.types import FOLDER_TOOLS, CollectionId, ModSeq, PrincipalId, Relation, Right, SpaceKind, Tool

TEXT_OCTETS: Final = 64 * 1024
_CANDIDATES: Final = 50

_TAKEN: Final = Statement(
    sa.union_all(
        sa.select(items.c.id).where(
            items.c.collection_id == sa.bindparam("folder"), items.c.name == sa.bindparam("name", type_=sa.Text)
        ),
        sa.select(collections.c.id).where(
            collections.c.parent_id == sa.bindparam("folder"),
            collections.c.name == sa.bindparam("name", type_=sa.Text),
        ),
    )
)

_TRASH: Final = Statement(
    sa.select(collections.c.id, collections.c.path)
    .where(collections.c.space_id == sa.bindparam("space"), collections.c.path == sa.bindparam("path"))
    .with_for_update(key_share=True)
)
_INDEX: Final = ("description", "downloads", "trashed_from", "trashed_at", "trashed_by", "depositor_id", "twin")
_SET_INDEX: Final = {
    name: Statement(sa.update(file_index).where(file_index.c.item_id == sa.bindparam("item")).values({name: to(name)}))
    for name in _INDEX
}
_NEW_INDEX: Final = Statement(postgresql.insert(file_index).on_conflict_do_nothing(), columns=("item_id", *_INDEX))
_NOTHING: Final = dict.fromkeys(_INDEX, 0) | {"description": "", "trashed_from": "", "trashed_at": None}


def create_defaults(tx: Transaction, space: PrincipalId, kind: SpaceKind) -> None:
    """Give a new space its roots and the special folders that nobody makes himself (DOC-05)."""
    docs = _insert(tx, space, kind, DOCS, None, "", 0)
    for name in (filing.TRASH, filing.WIKI, *((filing.DROP_BOX,) if kind is SpaceKind.PRIVATE else ())):
        made = _insert(tx, space, kind, DOCS, docs, name, 0)
        if kind is SpaceKind.GROUP and name == filing.WIKI:
            _insert(tx, space, kind, DOCS, made, filing.GROUP_INFO, 0)
    _insert(tx, space, kind, FAVOURITES, None, "", 0)


def mkdir(tx: Transaction, parent: Folder, name: str) -> Folder:
    """Make a subfolder; it starts with a copy of its parent's entries (ACL-15).

    Raises:
        Denied: the actor may not add here, or the name belongs to what he may not know of.
        Exists: the name is taken.
        Conflict: it cannot be a name.
        LimitReached: too many levels (DOC-07).
        Fixed, Locked: as named.
    """
    name = filing.clean_name(name)
    demand_place(parent, name)
    where = tree.path(parent)
    if not parent.rights & Right.ADD or (parent.special is Special.DROP_BOX and not viewing.is_own(parent)):
        raise Denied(Right.ADD, where)
    if taken(tx, parent.id, name):
        seen = folders.place(tx, parent.space.kind, parent.space.name, filing.join(parent.path, name), root=parent.root)
        raise Exists(name) if seen.present is not None else Denied(Right.ADD, where)
    path = filing.join(parent.path, name)
    demand_levels(tx, parent, filing.levels(path))
    locks.check(tx, parent.space, f"{parent.name}/{name}", member=True)
    try:
        made = _insert(tx, parent.space.id, parent.space.kind, parent.root, parent.id, path, tx.actor.id)
    except sa.exc.IntegrityError:
        raise Exists(name) from None  # somebody made it at the same moment
    folder_changes.came(tx, parent.id, made)
    _copy_entries(tx, parent, made)
    return folders.by_id(tx, made)


def describe(tx: Transaction, thing: Folder | File, text: str) -> None:
    """Set the free text of a document or folder (DOC-09); the content's validator stays (DOC-14).

    Raises:
        Denied: the actor may not edit it.
        LimitReached: it is too long.
        Locked: as named.
    """
    if len(text.encode("utf-8", "surrogatepass")) > TEXT_OCTETS:
        raise LimitReached("property_octets", TEXT_OCTETS)
    text = text.replace("\0", "")
    if isinstance(thing, File):
        where = tree.path(thing.folder, thing.name)
        if not thing.rights & Right.EDIT:
            raise Denied(Right.EDIT, where)
        locks.check(tx, thing.folder.space, f"{thing.folder.name}/{thing.name}")
        set_index(tx, thing.id, description=text)
        touch(tx, thing)
        return
    if not thing.rights & Right.ADMINISTER and thing.creator != tx.actor.id:
        raise Denied(Right.ADMINISTER, tree.path(thing))
    locks.check(tx, thing.space, thing.name)
    tx.db.execute(sa.update(collections).where(collections.c.id == thing.id).values(description=text))
    if thing.parent is not None:
        folder_changes.came(tx, thing.parent, thing.id, new=False)
    numbering.take(tx, thing.id)


def set_modified(tx: Transaction, file: File, when: float) -> None:
    """Keep the time of modification that a client gives; seconds since the epoch.

    Raises:
        Denied, Locked: as in `describe`.
    """
    if not file.rights & Right.EDIT:
        raise Denied(Right.EDIT, tree.path(file.folder, file.name))
    locks.check(tx, file.folder.space, f"{file.folder.name}/{file.name}")
    tx.db.execute(sa.update(items).where(items.c.id == file.id).values(modified=clean_time(tx, when)))
    touch(tx, file)


def touch(tx: Transaction, file: File) -> ModSeq:
    """Take a number for a file of which something other than the content changed."""
    number = numbering.take(tx, file.folder.id)
    tx.db.execute(sa.update(items).where(items.c.id == file.id).values(modseq=number))
    return number


def clean_time(tx: Transaction, when: float) -> float:
    """A time of modification that every protocol can write; nonsense becomes now."""
    return when if 0 <= when < 253_402_300_800 else tx.now


def set_index(tx: Transaction, item: int, **values: Any) -> None:
    """Say more of a file: its row in the files' index is made when it is first needed."""
    while not _set_index(tx, item, values) and any(values.values()):
        if _NEW_INDEX.run(tx, {"item_id": item, **_NOTHING, **values}):
            return  # else it was counted as a download at the same moment, which makes a row too (PostgreSQL)


def _set_index(tx: Transaction, item: int, values: dict[str, Any]) -> bool:
    """Whether there is a row, which then has these values."""
    return all(_SET_INDEX[name].run(tx, {"item": item, f"to_{name}": value}) for name, value in values.items())


def taken(tx: Transaction, folder: CollectionId, name: str) -> bool:
    """Whether a file or a subfolder has the name, visible to the actor or not."""
    return _TAKEN.scalar(tx, {"folder": folder, "name": name}) is not None


def free_name(tx: Transaction, folder: CollectionId, name: str) -> str:
    """`name`, or the first of `name (2)`, `name (3)`… that nothing in the folder has (DOC-26, DOC-31)."""
    if not taken(tx, folder, name):
        return name
    first = 2
    while True:
        wanted = [filing.numbered(name, number) for number in range(first, first + _CANDIDATES)]
        files = sa.select(items.c.name).where(items.c.collection_id == folder, items.c.name.in_(wanted))
        inner = sa.select(collections.c.name).where(collections.c.parent_id == folder, collections.c.name.in_(wanted))
        used = set(tx.db.execute(files).scalars()) | set(tx.db.execute(inner).scalars())
        for one in wanted:
            if one not in used:
                return one
        first += _CANDIDATES


def present(tx: Transaction, folder: Folder, name: str) -> Place:
    """What is at a name of a visible folder."""
    return folders.place(tx, folder.space.kind, folder.space.name, filing.join(folder.path, name), root=folder.root)


def demand_place(folder: Folder, name: str) -> None:
    """Pass unless nothing can be put there by hand.

    Raises:
        Fixed: the Trash, or the name of a file that every root has (CALSYNC-15, FAV-11).
    """
    if filing.in_trash(folder):
        raise Fixed("the Trash holds what was deleted, and nothing else is put there")
    if folder.special is Special.ROOT and folder.root == DOCS and name == filing.FEED:
        raise Fixed("calendar.ics is the calendar itself")
    bookmark_files.demand_free(folder, name)


def demand_levels(tx: Transaction, folder: Folder, levels: int) -> None:
    """Pass if the plan allows folders so deep in this tree (DOC-07).

    Raises:
        LimitReached: it does not.
    """
    most = filing.LEVELS_MAX
    if folder.root == DOCS:
        planned = plans.limit(tx, folder.space.id, "folder_depth_max")
        most = most if planned is None else min(most, planned)
    if levels > most:
        raise LimitReached("folder_depth_max", most)


def below(folder: CollectionId) -> sa.Select[Any]:
    """Select the ids of a folder and of all below it, whoever sees them."""
    start = sa.select(collections.c.id).where(collections.c.id == folder).cte("below", recursive=True)
    child = collections.alias("child")
    whole = start.union_all(sa.select(child.c.id).where(child.c.parent_id == start.c.id))
    return sa.select(whole.c.id)


def lock(tx: Transaction, folder: CollectionId) -> None:
    """Keep writers out of a whole tree until the commit (PostgreSQL; SQLite has one writer).

    To be called before anything is read or judged of what is in it.
    """
    if tx.store.engines.sqlite:
        return
    rows = sa.select(collections.c.id).where(collections.c.id.in_(below(folder)))
    rows = rows.order_by(*lock_order.ORDER).with_for_update(key_share=True)
    held: set[int] = set()
    while fresh := set(tx.db.execute(rows).scalars()) - held:  # others may have made folders while they were waited for
        held |= fresh


def height(tx: Transaction, folder: Folder) -> int:
    """How many levels of folders the tree has, its top included."""
    slashes = sa.func.length(collections.c.path) - sa.func.length(sa.func.replace(collections.c.path, "/", ""))
    query = sa.select(sa.func.max(slashes)).where(collections.c.id.in_(below(folder.id)))
    return int(tx.db.execute(query).scalar_one()) - folder.name.count("/") + 1


def trash_of(tx: Transaction, space: PrincipalId) -> tuple[CollectionId, str]:
    """Number and path of a space's Trash, locked, whoever sees it."""
    row = _TRASH.first(tx, {"space": space, "path": f"{DOCS}/{filing.TRASH}"})
    return CollectionId(row.id), row.path


def remove_creator(tx: Transaction, space: PrincipalId, account: PrincipalId) -> None:
    """Forget who made the folders of a space, as somebody leaves it (GRP-15)."""
    mine = sa.and_(collections.c.space_id == space, collections.c.creator_id == account)
    tx.db.execute(sa.update(collections).where(mine).values(creator_id=0))


def _insert(
    tx: Transaction,
    space: PrincipalId,
    kind: SpaceKind,
    root: str,
    parent: CollectionId | None,
    path: str,
    creator: int,
) -> CollectionId:
    whole = filing.join(root, path)
    values = {
        "space_id": space,
        "tool": filing.tool(kind, root, path).value,
        "parent_id": parent,
        "name": filing.split(whole)[1],
        "path": whole,
        "creator_id": creator,
        "listed_modseq": 1,
        "listed_created": 1,
        # One made anew under an old name must never honour the old one's tokens.
        "uid_validity": int(tx.now),
        "created": tx.now,
        "modified": tx.now,
    }
    query = sa.insert(collections).values(values).returning(collections.c.id)
    return CollectionId(tx.db.execute(query).scalar_one())


def _copy_entries(tx: Transaction, parent: Folder, made: CollectionId) -> None:
    """ACL-15: the parent's entries; a maker who is neither owner nor administrator may add in what he made."""
    if parent.tool not in FOLDER_TOOLS - {Tool.INFOS, Tool.DROP_BOX}:
        return
    copy_entries(tx, parent.id, sa.select(sa.literal(made)))
    if parent.flagged:
        tx.db.execute(sa.update(collections).where(collections.c.id == made).values(public=True))
    if parent.relation in (Relation.OWNER, Relation.SITE, Relation.ADMIN, Relation.CO_ADMIN):
        return
    given = Right.ADD
    if parent.space.kind is SpaceKind.PRIVATE:
        given |= Right.SEE_FOLDER  # ACL-16
    here = sa.and_(grants.c.collection_id == made, grants.c.item_id.is_(None), grants.c.grantee_id == tx.actor.id)
    held = tx.db.execute(sa.select(grants.c.rights).where(here)).scalar()
    if held is not None:
        tx.db.execute(sa.update(grants).where(here).values(rights=held | given.value))
        return
    values = {"collection_id": made, "grantee_id": tx.actor.id, "rights": given.value, "granted_by": parent.space.id}
    tx.db.execute(sa.insert(grants).values(values | {"since_modseq": 1, "created": tx.now}))


def copy_entries(tx: Transaction, source: CollectionId, targets: sa.Select[Any]) -> None:
    """Give the folders of `targets` (a select of ids) the entries of one, in one statement."""
    chosen = targets.subquery()
    number = next(iter(chosen.c))
    kept = (grants.c.grantee_id, grants.c.rights, grants.c.granted_by, sa.literal(1), sa.literal(tx.now))
    entries = (
        sa.select(number, *kept)
        .select_from(grants.join(chosen, sa.true()))
        .where(grants.c.collection_id == source, grants.c.item_id.is_(None))
    )
    columns = ["collection_id", "grantee_id", "rights", "granted_by", "since_modseq", "created"]
    tx.db.execute(sa.insert(grants).from_select(columns, entries))
