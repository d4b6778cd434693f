"""The switch `restrict_attendees`: who is added to a meeting is a co-member or a known contact (MTG-03, MTG-01)."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from storage.formats import collation
from storage.scheduling import people
from storage.scheduling.errors import UnknownAttendee
from storage.schema import addresses, card_index, collections, memberships
from storage.store import Transaction
from storage.types import SITE, Tool


def check(tx: Transaction, added: Collection[str]) -> None:
    """Pass if the actor may invite all of these addresses.

    Raises:
        UnknownAttendee: one is neither a member of his groups nor in his or their address books.
    """
    if not tx.store.limits.restrict_attendees or not added or tx.actor.id == SITE.id:
        return
    members = _members(tx)
    unknown = {one for one in added if one not in members and people.of_url(tx, one) is None}
    if not unknown:
        return
    known = _contacts(tx)
    for one in sorted(unknown):
        if collation.fold(collation.UNICODE_CASEMAP, one) not in known:
            raise UnknownAttendee(f"{one} is neither a member of your groups nor one of your contacts")


def _groups(tx: Transaction) -> sa.Select[tuple[int]]:
    return sa.select(memberships.c.group_id).where(memberships.c.account_id == tx.actor.id)


def _members(tx: Transaction) -> set[str]:
    query = (
        sa.select(addresses.c.address)
        .join(memberships, memberships.c.account_id == addresses.c.account_id)
        .where(memberships.c.group_id.in_(_groups(tx)), addresses.c.confirmed)
    )
    return set(tx.db.execute(query).scalars())


def _contacts(tx: Transaction) -> set[str]:
    """Every e-mail address in the actor's books and his groups', folded as the index has it."""
    query = (
        sa.select(card_index.c.email)
        .join(collections, collections.c.id == card_index.c.collection_id)
        .where(
            collections.c.tool == Tool.CONTACTS.value,
            card_index.c.email != "",
            sa.or_(collections.c.space_id == tx.actor.id, collections.c.space_id.in_(_groups(tx))),
        )
    )
    return {line for text in tx.db.execute(query).scalars() for line in text.split("\n")}
