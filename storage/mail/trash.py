"""The Trash empties itself: after some days (MSG-43), and at once where new mail needs its space (MSG-44)."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from storage.mail import mailboxes, moving, numbers
from storage.mail.tables import messages
from storage.mail.types import SEPARATOR, TRASH, Mailbox
from storage.schema import collections, principals
from storage.statements import Statement
from storage.store import Store, Transaction
from storage.types import Actor, CollectionId, PrincipalId, Tool

DAYS: Final = 7
_DAY_S: Final = 86_400
_AT_ONCE: Final = 500

_OLDEST: Final = Statement(
    sa.select(messages.c.uid, messages.c.octets)
    .where(messages.c.collection_id == sa.bindparam("collection"), messages.c.saved < sa.bindparam("before"))
    .order_by(messages.c.saved, messages.c.uid)
    .limit(_AT_ONCE)
)


def make_room(tx: Transaction, octets: int) -> bool:
    """Remove the oldest mails of the Trash until `octets` are free; False, and nothing went, if it holds too little."""
    numbers.lock(tx, *(box.id for box in _trash(tx)))
    boxes = _trash(tx)  # as they are now, and stay
    if sum(box.octets for box in boxes) < octets:
        return False
    for box in boxes:
        while octets > 0 and (rows := _OLDEST.all(tx, {"collection": box.id, "before": 2**62})):
            chosen: list[int] = []
            for row in rows:
                if octets <= 0:
                    break
                chosen.append(row.uid)
                octets -= row.octets
            moving.remove(tx, box, chosen)
    return True


def purge(store: Store, days: int = DAYS) -> int:
    """Remove what lies in anybody's Trash for longer than `days`; how many mails went (MSG-43)."""
    removed = 0
    query = (
        sa.select(collections.c.id, principals.c.id.label("account"), principals.c.name)
        .join(principals, principals.c.id == collections.c.space_id)
        .join(messages, messages.c.collection_id == collections.c.id)
        .where(
            collections.c.tool == Tool.MESSAGES.value,
            sa.or_(collections.c.path == f"mail/{TRASH}", collections.c.path.startswith(f"mail/{TRASH}/")),
            messages.c.saved < sa.bindparam("before"),
        )
        .distinct()
    )
    site = Actor(PrincipalId(0), "")
    with store.read(site) as tx:
        before = int(tx.now) - days * _DAY_S
        due = tx.db.execute(query, {"before": before}).all()
    for row in due:
        while True:
            with store.write(Actor(PrincipalId(row.account), row.name)) as tx:
                numbers.lock(tx, CollectionId(row.id))
                box = next((one for one in _trash(tx) if one.id == row.id), None)
                if box is None:  # its owner removed it meanwhile, or took it out of the Trash
                    break
                uids = [one.uid for one in _OLDEST.all(tx, {"collection": box.id, "before": before})]
                removed += len(moving.remove(tx, box, uids))
            if len(uids) < _AT_ONCE:
                break
    return removed


def _trash(tx: Transaction) -> list[Mailbox]:
    """The Trash and what lies in it, the Trash first."""
    return [box for box in mailboxes.every(tx) if box.name == TRASH or box.name.startswith(TRASH + SEPARATOR)]
