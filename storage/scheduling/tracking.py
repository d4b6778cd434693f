"""Who answered what: the organizer's look at his meetings, and answers from elsewhere (MTG-05, MTG-10, MTG-11)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from storage import collections as tree
from storage import items as meetings
from storage import writing
from storage.errors import NotFound, Refused
from storage.formats import icalendar, itip
from storage.formats.contentline import Component, Property, unescape_text
from storage.scheduling import copies, delivery, people, spreading, telling
from storage.scheduling.people import Person
from storage.scheduling.views import Views
from storage.schema import collections, event_index, items
from storage.store import Transaction
from storage.types import Principal, Tool

STATES: Final = {
    "ACCEPTED": "accepted",
    "DECLINED": "declined",
    "TENTATIVE": "invited (tentative)",
    "DELEGATED": "delegated",
}
"""MTG-10; whatever else a PARTSTAT says is "invited"."""
ANSWERS: Final = {"accepted": "ACCEPTED", "declined": "DECLINED", "tentative": "TENTATIVE"}
_MOST: Final = 1_000


@dataclass(frozen=True, slots=True)
class Participant:
    """One line of the tracking."""

    address: str
    state: str
    status: str
    """SCHEDULE-STATUS: how the invitation was delivered (RFC 6638 §3.2.9); "" if it was not sent."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """A meeting that somebody organizes."""

    uid: str
    summary: str
    starts: int
    """UTC seconds."""
    participants: tuple[Participant, ...]

    @property
    def mark(self) -> str:
        """MTG-11: "declined" if somebody did, "accepted" if all did, else "open"."""
        states = {one.state for one in self.participants} - {"delegated"}  # the delegate's state counts instead
        return "declined" if "declined" in states else "accepted" if states == {"accepted"} else "open"


def listing(tx: Transaction, organizer: Principal, since: int = 0) -> list[Meeting]:
    """The meetings of the actor's own calendars that end after `since` (UTC seconds), by start; at most 1,000."""
    own = people.addresses(tx, Person(organizer.id, organizer.name))
    query = (
        sa.select(items.c.body, items.c.blob, event_index.c.starts)
        .join(event_index, event_index.c.item_id == items.c.id)
        .join(collections, collections.c.id == items.c.collection_id)
        .where(
            collections.c.space_id == organizer.id,
            collections.c.tool.in_([Tool.CALENDAR.value, Tool.TASKS.value]),
            event_index.c.organizer != "",
            event_index.c.ends > since,
        )
        .order_by(event_index.c.starts)
        .limit(_MOST)
    )
    found: list[Meeting] = []
    for row in tx.db.execute(query):
        calendar = icalendar.load(writing.body_of(tx, row)).calendar
        head = itip.organizer(calendar)
        me = people.suffixed(tx, own, calendar)
        if head is not None and itip.address(head.value) in me:
            found.append(_meeting(calendar, row.starts, me))
    return found


def answer(tx: Transaction, organizer: Principal, uid: str, address: str, state: str) -> None:
    """Note what a participant said by another way, a telephone call for instance (MTG-05).

    Raises:
        NotFound: there is no such meeting, or he is not invited.
        Refused: he has an account here: he answers himself.
    """
    if people.of_address(tx, address) is not None:
        raise Refused(f"{address} has an account here, and answers in a calendar program")
    meeting = _own(tx, organizer, uid)
    part = itip.parts(meeting)[0]
    prop = Property("ATTENDEE", f"mailto:{address}", [("PARTSTAT", [ANSWERS[state]])])
    said = Component(part.name, [Property("UID", uid), prop])
    person = Person(organizer.id, organizer.name)
    if delivery.answered(tx, person, frozenset({address}), Component("VCALENDAR", [], [said])) != delivery.DELIVERED:
        raise NotFound(address)


def resend(tx: Transaction, organizer: Principal, uid: str, chosen: Collection[str] = ()) -> int:
    """Send the invitation again to the `chosen` addresses, or to all who have not answered; gives how many (MTG-06).

    Raises:
        NotFound: there is no such meeting, or one of the chosen is not invited.
    """
    meeting = _own(tx, organizer, uid)
    head = itip.organizer(meeting)
    me = people.addresses(tx, Person(organizer.id, organizer.name), meeting)
    views, sent = Views(meeting), 0
    for wanted in chosen:
        if wanted not in itip.attendees(meeting):
            raise NotFound(wanted)
    for address, prop in itip.attendees(meeting).items():
        view = views.of(address)
        if address in me or view is None or head is None or itip.agent(prop) != "SERVER":
            continue
        if address in chosen or (not chosen and itip.partstat(prop) == itip.NEEDS_ACTION):
            person = people.of_address(tx, address)
            delivery.request(tx, itip.address(head.value), address, person, view, view)
            if person is not None:
                telling.tell(tx, itip.address(head.value), telling.ASKED, view.calendar, {address: person})
            sent += 1
    return sent


def cancel(tx: Transaction, organizer: Principal, uid: str, *, mails: bool = True) -> None:
    """Call a meeting off: it vanishes from everybody's calendar; without `mails` nobody is told (MTG-15).

    Raises:
        NotFound: there is no such meeting.
        Denied: it may not be deleted.
    """
    present, meeting = _found(tx, organizer, uid)
    collection = tree.by_id(tx, present.collection)
    if mails:
        meetings.delete(tx, collection, present.name)
        return
    me = people.addresses(tx, Person(organizer.id, organizer.name), meeting)
    here = people.of_addresses(tx, [one for one in itip.attendees(meeting) if one not in me])
    views = Views(meeting)
    head = itip.organizer(meeting)
    spreading.cancel(
        tx,
        itip.address(head.value) if head is not None else "",
        {address: view for address in here if (view := views.of(address)) is not None},
        mails=False,
    )
    meetings.delete(tx, collection, present.name, schedule=False)


def _own(tx: Transaction, organizer: Principal, uid: str) -> Component:
    return _found(tx, organizer, uid)[1]


def _found(tx: Transaction, organizer: Principal, uid: str) -> tuple[copies.Copy, Component]:
    found = copies.find(tx, organizer.id, uid)
    head = itip.organizer(found.calendar) if found is not None else None
    if found is None or head is None:
        raise NotFound(uid)
    if itip.address(head.value) not in people.addresses(tx, Person(organizer.id, organizer.name), found.calendar):
        raise NotFound(uid)
    return found, found.calendar


def _meeting(calendar: Component, starts: int, me: frozenset[str]) -> Meeting:
    first = itip.parts(calendar)[0]
    people_there = tuple(
        Participant(address, STATES.get(itip.partstat(prop), "invited"), prop.param("SCHEDULE-STATUS") or "")
        for address, prop in itip.attendees(calendar).items()
        if address not in me
    )
    summary = " ".join(unescape_text(first.value("SUMMARY")).split())
    return Meeting(first.value("UID").strip(), summary, starts, people_there)
