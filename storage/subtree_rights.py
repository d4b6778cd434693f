"""ACL-14: the entries of one folder, copied once onto all folders below it."""

from __future__ import annotations

import sqlalchemy as sa

from storage import changes, filing, publishing, trees
from storage import collections as tree
from storage.errors import Denied, Fixed
from storage.filing import Folder
from storage.schema import collections, grants, memberships
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
    inside = sa.and_(
        collections.c.id.in_(trees.below(folder.id)),
        collections.c.id != folder.id,
        # The drop box and infos below a root keep rights of their own, and so does what was thrown away (DOC-26).
        collections.c.tool == folder.tool.value,
        *(() if filing.in_trash(folder) else (_outside_trash(),)),
    )
    chosen = sa.select(collections.c.id).where(inside)
    numbers = [CollectionId(one) for one in tx.db.execute(chosen.order_by(collections.c.id)).scalars()]
    if not numbers:
        return 0
    viewers = set(_concerned(tx, chosen, folder))
    if folder.flagged or tx.db.execute(chosen.where(collections.c.public).limit(1)).first():
        viewers |= set(publishing.company(tx, folder))  # DOC-41
    tx.db.execute(sa.delete(grants).where(grants.c.item_id.is_(None), grants.c.collection_id.in_(chosen)))
    trees.copy_entries(tx, folder.id, chosen)
    tx.db.execute(sa.update(collections).where(collections.c.id.in_(chosen)).values(public=folder.flagged))
    for number in numbers:
        changes.view_changed(tx, number, viewers)
    return len(numbers)


def _outside_trash() -> sa.ColumnElement[bool]:
    trash = filing.join(filing.DOCS, filing.TRASH)
    return sa.and_(collections.c.path != trash, sa.func.substr(collections.c.path, 1, len(trash) + 1) != trash + "/")


def _concerned(tx: Transaction, chosen: sa.Select[tuple[int]], folder: Folder) -> list[PrincipalId]:
    """All people who hold, or will hold, an entry in one of the folders."""
    entries = sa.and_(
        grants.c.item_id.is_(None),
        sa.or_(grants.c.collection_id.in_(chosen), grants.c.collection_id == folder.id),
    )
    query = (
        sa.select(grants.c.grantee_id)
        .where(entries)
        .union(
            sa.select(memberships.c.account_id)
            .join(grants, grants.c.grantee_id == memberships.c.group_id)
            .where(entries)
        )
    )
    groups = set(tx.db.execute(sa.select(memberships.c.group_id).distinct()).scalars())
    found = {PrincipalId(one) for one in tx.db.execute(query).scalars() if one not in groups}
    return sorted(found - {folder.space.id})
