"""What a write does to an item's attachments: whose they are is checked, what is said of them corrected (RFC 8607)."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from storage import calendar, writing
from storage.attachments.errors import TooManyAttachments, UnknownAttachment
from storage.attachments.foreign import Foreign
from storage.attachments.tables import attachments, uses
from storage.formats import icalendar, itip, managed
from storage.formats.contentline import Component, render
from storage.kinds import Prepared
from storage.statements import Statement, insert
from storage.store import Transaction
from storage.types import Collection

_USED: Final = Statement(
    sa.select(attachments.c.id, attachments.c.managed_id)
    .join(uses, uses.c.attachment_id == attachments.c.id)
    .where(uses.c.item_id == sa.bindparam("item"))
)
_NAMED: Final = Statement(
    sa.select(*(attachments.c[name] for name in ("id", "managed_id", "space_id", "creator_id", "uri", "size"))).where(
        attachments.c.managed_id == sa.bindparam("managed_id")
    )
)
_USE: Final = insert(uses, "item_id", "attachment_id")
_LEAVE: Final = Statement(
    sa.delete(uses).where(uses.c.item_id == sa.bindparam("item"), uses.c.attachment_id == sa.bindparam("attachment"))
)
_MOST_LOOKED_FOR: Final = 1_000


def checked(
    tx: Transaction, collection: Collection, stored: Any, prepared: Prepared, foreign: Foreign
) -> tuple[Prepared, frozenset[int]]:
    """What is to be stored, and the numbers of the attachments that the item then uses.

    Raises:
        TooManyAttachments: more than the site accepts.
        UnknownAttachment: one is not the actor's to use here, and `foreign` refuses it.
    """
    if not prepared.attachments:
        return prepared, frozenset()
    most = tx.store.limits.attachments
    if len(prepared.attachments) > min(most, _MOST_LOOKED_FOR):
        raise TooManyAttachments("attachments", most)
    used = {row.managed_id for row in _USED.all(tx, {"item": stored.id})} if stored is not None else set()
    rows: dict[str, Any] = {}
    for managed_id in prepared.attachments:
        row = _NAMED.first(tx, {"managed_id": managed_id})
        if row is not None and (
            managed_id in used
            or row.creator_id == tx.actor.id  # §3.12.2: nobody else may reuse it
            or (foreign is Foreign.OF_SPACE and row.space_id == collection.space.id)
        ):
            rows[managed_id] = row
    unknown = {*prepared.attachments} - rows.keys()
    tree = icalendar.load(prepared.body).calendar
    if unknown and stored is not None:
        # An attendee's copy has the organizer's attachments; it may keep them, and uses none.
        unknown -= {*managed.ids(icalendar.load(writing.body_of(tx, stored)).calendar)}
    if unknown and foreign is Foreign.REFUSED:
        raise UnknownAttachment("an attachment that does not exist, or that somebody else added elsewhere")
    managed.unmanage(tree, unknown)
    corrected = _correct(tree, rows)
    if unknown or corrected:
        prepared = calendar.prepare(render(tree))
    return prepared, frozenset(row.id for row in rows.values())


def note(tx: Transaction, item: int, used: frozenset[int], *, anew: bool) -> None:
    """Record which attachments an item uses from now on; `anew` if it was just made."""
    before = frozenset() if anew else frozenset(row.id for row in _USED.all(tx, {"item": item}))
    for number in used - before:
        _USE.run(tx, {"item_id": item, "attachment_id": number})
    for number in before - used:
        _LEAVE.run(tx, {"item": item, "attachment": number})


def _correct(tree: Component, rows: dict[str, Any]) -> bool:
    """Put right what a client says of our attachments; say whether anything was wrong (§3.7)."""
    wrong = False
    for each in itip.parts(tree):
        for prop in managed.attached(each):
            row = rows.get(managed.identifier(prop))
            if row is None:
                continue
            if prop.value.strip() != row.uri:
                prop.value = row.uri
                wrong = True
            if prop.param("SIZE") not in (None, str(row.size)):
                itip.set_param(prop, "SIZE", str(row.size))
                wrong = True
    return wrong
