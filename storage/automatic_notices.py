"""Folders of groups whose documents are told of by themselves, some minutes after their creator wrote them (DOC-19).

What one person writes into one folder within these minutes goes out in one mail to each reader.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

import sqlalchemy as sa

from storage import collections as tree
from storage import filing, folders, notices
from storage.errors import Denied, Fixed, NotFound, StorageError
from storage.filing import DOCS, File, Folder
from storage.notice_tables import due, watched
from storage.schema import collections, items, principals
from storage.statements import Statement, insert
from storage.store import Store, Transaction, attempt, is_passing
from storage.types import SITE, Actor, PrincipalId, Relation, Right, SpaceKind, Tool

log = logging.getLogger(__name__)

WAIT_S: Final = 300.0
"""So long after the first of them what somebody wrote is told of."""
DAY_S: Final = 86_400.0
"""What is not sent by then will not be: its folder tells of nothing any more, or its creator left."""
TOGETHER: Final = 200
"""Documents of one mail."""
_WATCHED: Final = Statement(
    sa.select(watched.c.collection_id).where(watched.c.collection_id == sa.bindparam("folder"))
)
_DUE: Final = Statement(sa.select(due.c.due).where(due.c.item_id == sa.bindparam("item")))
_NOTE: Final = insert(due, "item_id", "due")
_groups: Final = principals.alias("spaces")
_joined: Final = (
    due.join(items, items.c.id == due.c.item_id)
    .join(watched, watched.c.collection_id == items.c.collection_id)
    .join(collections, collections.c.id == items.c.collection_id)
    .join(principals, principals.c.id == items.c.creator_id)
    .join(_groups, _groups.c.id == collections.c.space_id)
)
_FIRST: Final = (
    sa.select(
        *(items.c.collection_id, items.c.creator_id, collections.c.path),
        *(principals.c.name.label("login"), _groups.c.name.label("group")),
    )
    .select_from(_joined)
    .order_by(due.c.due)
    .limit(1)
)


def watch(tx: Transaction, folder: Folder, on: bool) -> None:
    """Let a folder of a group tell of its documents, those below it not included, or end that.

    Raises:
        Fixed: it is no folder of a group's documents.
        Denied: it is for the group's admin, or whoever made the folder.
    """
    documents = folder.root == DOCS and folder.tool is Tool.DOCUMENTS and not filing.in_trash(folder)
    if folder.space.kind is not SpaceKind.GROUP or not documents:
        raise Fixed("only a folder of a group's documents has members to be told of them (DOC-19)")
    mine = folder.relation in (Relation.ADMIN, Relation.SITE) or folder.creator == tx.actor.id
    if not mine:
        raise Denied(Right.ADMINISTER, tree.path(folder))
    tx.db.execute(sa.delete(watched).where(watched.c.collection_id == folder.id))
    if on:
        tx.db.execute(sa.insert(watched).values(collection_id=folder.id))


def is_watched(tx: Transaction, folder: Folder) -> bool:
    """Whether a folder tells of its documents."""
    return folder.space.kind is SpaceKind.GROUP and _WATCHED.scalar(tx, {"folder": folder.id}) is not None


def note(tx: Transaction, folder: Folder, name: str, item: int, creator: int) -> None:
    """The actor wrote a document: tell of it later, if its folder does so and it is his own."""
    if folder.space.kind is not SpaceKind.GROUP or creator != tx.actor.id:
        return
    if filing.is_work_file(name) or not is_watched(tx, folder):
        return
    if _DUE.scalar(tx, {"item": item}) is None:
        _NOTE.run(tx, {"item_id": item, "due": tx.now + WAIT_S})


def next_due(store: Store) -> float | None:
    """When the next one goes out, seconds since the epoch; None if none waits."""
    with store.read(SITE) as tx:
        found: float | None = tx.db.execute(sa.select(sa.func.min(due.c.due)).select_from(_joined)).scalar()
    return found


def run(store: Store, stopped: Callable[[], bool] = lambda: False) -> int:
    """Send all that is due; gives how many documents were told of."""
    told = 0
    while not stopped():
        with store.read(SITE) as tx:
            found = tx.db.execute(_FIRST.where(due.c.due <= tx.now)).first()
        if found is None:
            _forget(store)
            break
        with store.write(Actor(PrincipalId(found.creator_id), found.login)) as tx:
            told += _tell(tx, found)
    return told


def _forget(store: Store) -> None:
    with store.read(SITE) as tx:
        old = due.c.due < tx.now - DAY_S
        stale = tx.db.execute(sa.select(due.c.item_id).where(old).limit(1)).first() is not None
    if stale:
        with store.write(SITE) as tx:
            tx.db.execute(sa.delete(due).where(old))


def _tell(tx: Transaction, found: Any) -> int:
    """One mail of all that waits in one folder of one creator: taken off the list in the same transaction."""
    query = (
        sa.select(items.c.id, items.c.name)
        .select_from(_joined)
        .where(items.c.collection_id == found.collection_id, items.c.creator_id == found.creator_id)
    )
    rows = tx.db.execute(query.order_by(items.c.name).limit(TOGETHER).with_for_update(of=due)).all()
    tx.db.execute(sa.delete(due).where(due.c.item_id.in_([row.id for row in rows])))
    try:
        with attempt(tx):
            files = [one for row in rows if (one := _file(tx, found, row.name)) is not None]
            return len(files) if files and notices.tell_of(tx, files) else 0
    except StorageError as error:  # nobody to be told, no address, too many mails today
        log.info("notice", extra={"principal": found.login, "reason": type(error).__name__})
    except Exception as error:
        if is_passing(error):
            raise
        log.exception("notice given up", extra={"principal": found.login})
    return 0


def _file(tx: Transaction, found: Any, name: str) -> File | None:
    """The document as its creator sees it; None if he may not any more, or it lies in the Trash."""
    try:
        seen = folders.find(tx, SpaceKind.GROUP, found.group, filing.join(found.path.partition("/")[2], name))
    except NotFound:
        return None
    return seen if isinstance(seen, File) and not filing.in_trash(seen.folder) else None
