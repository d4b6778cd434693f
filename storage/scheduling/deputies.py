"""Whoever writes in a colleague's calendar speaks for him: he organizes, the author is SENT-BY (MTG-16, CAL-12)."""

from __future__ import annotations

from storage import acl
from storage import collections as tree
from storage.formats import itip
from storage.formats.contentline import Component, Property
from storage.mail import recipients
from storage.rights import speaking
from storage.scheduling import copies, people
from storage.scheduling.people import Person
from storage.store import Transaction
from storage.types import Collection, Relation, Right, SpaceKind, Tool


def author(tx: Transaction, collection: Collection) -> Person | None:
    """Who writes here in somebody else's name; None if everybody speaks for himself."""
    private = collection.space.kind is SpaceKind.PRIVATE and collection.tool is Tool.CALENDAR
    if not private or collection.relation in (Relation.OWNER, Relation.SITE):
        return None
    return Person(tx.actor.id, tx.actor.login)


def demand(tx: Transaction, collection: Collection, held: Right, needed: Right) -> None:
    """Pass if the author may send this in the owner's name; `held` is what he may do with the event itself.

    Raises:
        Denied: he may not (RFC 6638 §6.2.2, §6.2.3).
    """
    if not speaking(held) & needed:
        _, grantees = acl.relation(tx, collection.space.id, collection.space.kind)
        outbox = f"{collection.space.name}/private/{tree.OUTBOX}"
        acl.demand(acl.on_behalf(tx, collection.space.id, grantees), needed, outbox)


def adopt(tx: Transaction, collection: Collection, old: Component | None, new: Component, who: Person) -> bool:
    """Make the owner of the calendar the organizer of what the author organizes here, and name the author in it.

    Gives whether anything had to change.
    """
    head = itip.organizer(new)
    own = recipients.addresses_of(tx, collection.space.id)
    me = people.addresses(tx, who)
    if head is None or not own:
        return False
    mine = recipients.addresses_of(tx, who.id)
    changed = False
    if itip.address(head.value) in me and (old is None or itip.organizer(old) is None):
        if copies.find(tx, who.id, itip.parts(new)[0].value("UID").strip()) is not None:
            return False  # his own meeting, which he brings here himself
        for each in _organizers(new):
            each.value = f"mailto:{own[0]}"
            itip.set_param(each, "CN", collection.space.display_name or collection.space.name)
        changed = True
    for each in _organizers(new):
        sent_by = f"mailto:{mine[0]}" if mine else ""
        if itip.address(each.value) in own and (each.param("SENT-BY") or "") != sent_by:
            itip.set_param(each, "SENT-BY", sent_by)  # RFC 5545 §3.2.18
            changed = True
    return changed


def keep(old: Component | None, new: Component) -> None:
    """Take away a SENT-BY that the owner's own client made up: only what is known here says who sent."""
    head = itip.organizer(old) if old is not None else None
    known = itip.address(head.param("SENT-BY") or "") if head is not None else ""
    for each in _organizers(new):
        given = each.param("SENT-BY")
        if given is not None and itip.address(given) != known:
            itip.set_param(each, "SENT-BY", "")


def colleague(tx: Transaction, collection: Collection, meeting: Component, me: frozenset[str]) -> Person | None:
    """The member who organizes what lies in a group's calendar, if it is not the actor (MTG-18).

    None as well for what is but a copy of a meeting that he keeps in a calendar of his own.
    """
    head = itip.organizer(meeting)
    if collection.space.kind is not SpaceKind.GROUP or head is None or itip.address(head.value) in me:
        return None
    person = people.of_address(tx, itip.address(head.value))
    if person is None:
        return None
    own = copies.find(people.acting(tx, person), person.id, itip.parts(meeting)[0].value("UID").strip())
    return person if own is None else None


def _organizers(meeting: Component) -> list[Property]:
    return [prop for each in itip.parts(meeting) if (prop := each.get("ORGANIZER")) is not None]
