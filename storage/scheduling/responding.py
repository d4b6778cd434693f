"""One answer to one invitation, for whoever has no calendar program at hand (MTG-07…09)."""

from __future__ import annotations

from typing import Final

from storage import collections as tree
from storage import items
from storage.errors import NotFound, Refused
from storage.formats import itip
from storage.formats.contentline import Component, Property, escape_text
from storage.formats.datetimes import write_wall
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
    present, fresh, asked = _asked(tx, account, uid)
    for part, mine in asked:
        itip.set_param(mine, "PARTSTAT", state)
        itip.set_param(mine, "DELEGATED-TO", "")
        itip.set_param(mine, "RSVP", "")
        part.properties = [prop for prop in part.properties if prop.name != itip.PRIVATE_COMMENT]
        itip.set_value(part, itip.REPLY_TIME, write_wall(int(tx.now), utc=True))
        if reason:
            part.properties.append(Property(itip.PRIVATE_COMMENT, escape_text(reason[:_REASON])))
    collection = tree.by_id(tx, present.collection)
    items.put(tx, collection, present.name, copies.prepare(fresh))
    if state == itip.DECLINED and not keep:
        items.delete(tx, collection, present.name, schedule=False)


def delegate(tx: Transaction, account: Principal, uid: str, to: str) -> None:
    """Send somebody else in the actor's stead; the organizer hears of it, and he is invited (RFC 5546 §3.2.2.3).

    Raises:
        NotFound: the actor is not invited to such a meeting.
        Refused: nobody can have that address, or it is his own or the organizer's.
    """
    present, fresh, asked = _asked(tx, account, uid)
    address = itip.address(to)
    who = people.addresses(tx, Person(account.id, account.name), fresh)
    if not itip.is_mail(address) or address in who or address == itip.address(asked[0][0].value("ORGANIZER")):
        raise Refused(f"{to} cannot go to this meeting in your stead")
    for _, mine in asked:
        itip.set_param(mine, "PARTSTAT", itip.DELEGATED)
        itip.set_param(mine, "DELEGATED-TO", f"mailto:{address}")
        itip.set_param(mine, "RSVP", "")
    items.put(tx, tree.by_id(tx, present.collection), present.name, copies.prepare(fresh))


def _asked(
    tx: Transaction, account: Principal, uid: str
) -> tuple[copies.Copy, Component, list[tuple[Component, Property]]]:
    """The actor's copy, a form of it to be changed, and each of its parts with his line."""
    present = copies.find(tx, account.id, uid)
    head = itip.organizer(present.calendar) if present is not None else None
    if present is None or head is None:
        raise NotFound(uid)
    who = people.addresses(tx, Person(account.id, account.name), present.calendar)
    if itip.address(head.value) in who:
        raise NotFound(uid)
    fresh = itip.clone(present.calendar)
    asked = [(part, mine) for part in itip.parts(fresh) if (mine := itip.attendee(part, who)) is not None]
    if not asked:
        raise NotFound(uid)
    return present, fresh, asked
