"""ACL-14: the entries of one folder, copied once onto all folders below it."""

from __future__ import annotations

from collections import defaultdict

import sqlalchemy as sa

from storage import changes, filing, publishing, trees
from storage import collections as tree
from storage.errors import Denied, Fixed
from storage.filing import Folder
from storage.schema import accounts, collections, grants, memberships
from storage.store import Transaction
from storage.types import CollectionId, PrincipalId, Right, Tool


def apply_to_subfolders(tx: Transaction, folder: Folder) -> int:
    """Give every folder below, at any depth, exactly the entries of `folder`; return how many there are.

    Raises:
        Denied: the actor does not set rights here.
        Fixed: nothing is granted here (INFO-03, DOC-30).
    """
    if not folder.rights & Right.ADMINISTER:
        raise Denied(Right.ADMINISTER, tree.path(folder))
    if folder.tool in (Tool.INFOS, Tool.DROP_BOX):
        raise Fixed("the rights of this folder cannot be changed (ACL-11)")
    trees.lock(tx, folder.id)
    inside = sa.and_(
        collections.c.id.in_(trees.below(folder.id)),
        collections.c.id != folder.id,
        # The drop box and infos below a root keep rights of their own, and so does what was thrown away (DOC-26).
        collections.c.tool == folder.tool.value,
        *(() if filing.in_trash(folder) else (_outside_trash(),)),
    )
    chosen = sa.select(collections.c.id).where(inside)
    found = sa.select(collections.c.id, collections.c.public).where(inside).order_by(collections.c.id)
    rows = tx.db.execute(found).all()
    if not rows:
        return 0
    seers, company = _seers(tx, chosen, folder), set(publishing.company(tx, folder))
    tx.db.execute(sa.delete(grants).where(grants.c.item_id.is_(None), grants.c.collection_id.in_(chosen)))
    trees.copy_entries(tx, folder.id, chosen)
    tx.db.execute(sa.update(collections).where(collections.c.id.in_(chosen)).values(public=folder.flagged))
    for row in rows:  # who saw it, or will; to others its name means nothing (SYS-09)
        public = company if row.public or folder.flagged else set()  # DOC-41
        changes.view_changed(tx, CollectionId(row.id), seers[row.id] | seers[folder.id] | public)
    return len(rows)


def _outside_trash() -> sa.ColumnElement[bool]:
    trash = filing.join(filing.DOCS, filing.TRASH)
    return sa.and_(collections.c.path != trash, sa.func.substr(collections.c.path, 1, len(trash) + 1) != trash + "/")


def _seers(tx: Transaction, chosen: sa.Select[tuple[int]], folder: Folder) -> dict[int, set[PrincipalId]]:
    """By folder, `folder` itself and those chosen: the people to whom an entry of its own shows it."""
    shows = sa.and_(
        grants.c.item_id.is_(None),
        grants.c.rights.op("&")(Right.SEE_FOLDER.value) != 0,
        sa.or_(grants.c.collection_id.in_(chosen), grants.c.collection_id == folder.id),
    )
    alone = sa.select(grants.c.collection_id, accounts.c.id).join(accounts, accounts.c.id == grants.c.grantee_id)
    together = sa.select(grants.c.collection_id, memberships.c.account_id).join(
        memberships, memberships.c.group_id == grants.c.grantee_id
    )
    found: dict[int, set[PrincipalId]] = defaultdict(set)
    for number, account in tx.db.execute(alone.where(shows).union(together.where(shows))):
        if account != folder.space.id:
            found[number].add(PrincipalId(account))
    return found
