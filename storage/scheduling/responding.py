"""One answer to one invitation, for whoever has no calendar program at hand (MTG-07…09)."""

from __future__ import annotations

from typing import Final

from storage import collections as tree
from storage import items
from storage.errors import NotFound
from storage.formats import itip
from storage.formats.contentline import Property, escape_text
from storage.scheduling import copies, people
from storage.scheduling.people import Person
from storage.store import Transaction
from storage.types import Principal

_REASON: Final = 2_000


def respond(tx: Transaction, account: Principal, uid: str, state: str, *, reason: str = "", keep: bool = False) -> None:
    """Set the actor's PARTSTAT in his copy; the organizer hears of it, and why.

    A declined meeting disappears unless `keep` is set (MTG-08, MTG-09).

    Raises:
        NotFound: he is not invited to such a meeting.
    """
    who = people.addresses(tx, Person(account.id, account.name))
    present = copies.find(tx, account.id, uid)
    head = itip.organizer(present.calendar) if present is not None else None
    if present is None or head is None or itip.address(head.value) in who:
        raise NotFound(uid)
    fresh = itip.clone(present.calendar)
    asked = [(part, mine) for part in itip.parts(fresh) if (mine := itip.attendee(part, who)) is not None]
    if not asked:
        raise NotFound(uid)
    for part, mine in asked:
        itip.set_param(mine, "PARTSTAT", state)
        itip.set_param(mine, "RSVP", "")
        part.properties = [prop for prop in part.properties if prop.name != itip.PRIVATE_COMMENT]
        if reason:
            part.properties.append(Property(itip.PRIVATE_COMMENT, escape_text(reason[:_REASON])))
    collection = tree.by_id(tx, present.collection)
    items.put(tx, collection, present.name, copies.prepare(fresh))
    if state == itip.DECLINED and not keep:
        items.delete(tx, collection, present.name, schedule=False)
