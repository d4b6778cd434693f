"""Whose collections somebody sees beside his own and his groups': those that granted him something (EAS-11, ACL-04)."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from storage.schema import collections, grants, memberships, principals
from storage.statements import Statement
from storage.store import Transaction
from storage.types import SpaceKind

_NAMES: Final = Statement(
    sa.select(principals.c.name)
    .distinct()
    .join(collections, collections.c.space_id == principals.c.id)
    .join(grants, grants.c.collection_id == collections.c.id)
    .where(
        principals.c.kind == SpaceKind.PRIVATE.value,
        principals.c.id != sa.bindparam("actor"),
        sa.or_(
            grants.c.grantee_id == sa.bindparam("actor"),
            grants.c.grantee_id.in_(
                sa.select(memberships.c.group_id).where(memberships.c.account_id == sa.bindparam("actor"))
            ),
        ),
    )
    .order_by(principals.c.name)
)


def names(tx: Transaction) -> list[str]:
    """The logins of those who granted the actor, or a group of his, a right on anything of theirs."""
    return list(_NAMES.scalars(tx, {"actor": tx.actor.id}))
