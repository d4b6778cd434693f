"""Meetings that a device speaks of by mail, while the desk tells everybody itself ([MS-ASCMD] §2.2.1.11; MTG-07)."""

from __future__ import annotations

from collections.abc import Collection

from storage.formats import itip
from storage.formats.imip import Meeting
from storage.scheduling import copies, people
from storage.scheduling.people import Person
from storage.store import Transaction


def is_told(tx: Transaction, meeting: Meeting, addresses: Collection[str]) -> bool:
    """Whether a message of the actor's own need not be sent to these, since his calendar says it, or will.

    Invitations and cancellations go out when the organizer's calendar changes, answers when the attendee's copy
    does; up to version 14.1 a device sends them by mail as well. Who is not invited hears of it by this mail alone.
    """
    me = people.addresses(tx, Person(tx.actor.id, tx.actor.login), meeting.calendar)
    organizer = itip.organizer(meeting.calendar)
    if organizer is None:
        return False
    if meeting.method in ("REQUEST", "CANCEL"):
        kept = copies.find(tx, tx.actor.id, meeting.uid)
        invited = itip.attendees(meeting.calendar).keys() | me
        invited |= itip.attendees(kept.calendar).keys() if kept is not None else set()
        return itip.address(organizer.value) in me and all(one.lower() in invited for one in addresses)
    if meeting.method != "REPLY":
        return False
    present = copies.find(tx, tx.actor.id, meeting.uid)
    if present is None:
        return False
    said = itip.parts(meeting.calendar)[0]
    known = {itip.instance(part): part for part in itip.parts(present.calendar)}
    part = known.get(itip.instance(said)) or known.get("")
    mine, given = (itip.attendee(one, me) if one is not None else None for one in (part, said))
    return mine is not None and given is not None and itip.partstat(mine) == itip.partstat(given)
