"""What a write or a removal of a meeting sets in motion, whatever protocol it came by (RFC 6638 §3.2)."""

from __future__ import annotations

from typing import Any

from storage import calendar, writing
from storage import collections as tree
from storage.formats import icalendar, instances, itip, managed
from storage.formats.contentline import Component, render
from storage.kinds import Prepared
from storage.scheduling import attending, copies, deputies, merging, organizing, people
from storage.scheduling.errors import AnotherOrganizer, OthersMeeting, ScheduledElsewhere, SeveralOrganizers
from storage.store import Transaction
from storage.types import Answers, Collection, Right, SpaceKind


def written(
    tx: Transaction, collection: Collection, stored: Any, prepared: Prepared, held: Right, answers: Answers
) -> Prepared:
    """Send what this write makes necessary; gives what is to be stored. `held` is what the actor may do with it.

    Raises:
        Denied: he may not send it in the owner's name.
        OthersMeeting: an attendee changed what only the organizer may.
        AnotherOrganizer: the organizer named somebody else as such.
        SeveralOrganizers: its instances do not name one and the same.
        ScheduledElsewhere: another calendar of the space holds this meeting.
    """
    new = icalendar.load(prepared.body).calendar
    old = icalendar.load(writing.body_of(tx, stored)).calendar if stored is not None else None
    me = people.own_addresses(tx, collection, new, *([old] if old is not None else []))
    author = deputies.author(tx, collection)
    # Without a viewer's parts and another organizer, nothing changes below that the index knows.
    base = prepared if author is None and prepared.shared is None else None
    # An organizer's object gets a SCHEDULE-STATUS for everybody below; of others the client's octets may stay.
    states = author is None and _organizes(new, me) and itip.attendees(new).keys() - me
    before = prepared.body if states else render(new)
    if author is not None:
        deputies.adopt(tx, collection, old, new, author)
    organizer = itip.organizer(new)
    if len({itip.address(each.value("ORGANIZER")) for each in itip.parts(new)} - {""}) > 1:
        raise SeveralOrganizers("a meeting has one organizer, the same in all instances")
    if old is not None and instances.align(old, new):
        base = None
    colleague = deputies.colleague(tx, collection, old, me) if old is not None else None
    if old is not None and (colleague is not None or _attends(old, me)):
        if not managed.alike(old, new):
            raise OthersMeeting("attachments of a meeting are its organizer's")
        if itip.attendee_may(old, new, me):
            if merging.of_attendee(old, new, me):
                base = None
        elif _mailed(tx, old, new):
            old = None  # he answers another form of the meeting than the one that he had
        else:
            # Whoever he says the organizer is now: it was not he.
            raise OthersMeeting("only the organizer changes a meeting: answer it, or write to the organizer")
    if organizer is None:
        if old is not None and _organizes(old, me):
            organizing.remove(tx, old, me)  # the last participant went, and with him the organizer's line
        return prepared
    if old is not None and _organizes(old, me) and itip.address(organizer.value) not in me:
        # He could speak for somebody who knows nothing of it, and nobody could call off what he had sent.
        raise AnotherOrganizer("a meeting keeps its organizer: call it off, and let the other one invite")
    if stored is None and collection.space.kind is SpaceKind.PRIVATE:
        other = copies.find(tx, collection.space.id, prepared.uid)
        if other is not None and other.collection != collection.id:
            # Whoever writes for somebody else need not know what else that one has (SYS-09).
            own = collection.space.id == tx.actor.id
            on = tree.path(tree.by_id(tx, other.collection), other.name) if own else ""
            raise ScheduledElsewhere("this meeting is in another of your calendars: move it instead", on)
    if itip.address(organizer.value) in me:
        if author is None:
            deputies.keep(old, new)
        else:
            deputies.demand(tx, collection, held, Right.SEND_INVITE)
        known = old if old is not None and _organizes(old, me) else None
        who = people.addresses(tx, author, new) if author is not None else frozenset()
        if organizing.write(tx, known, new, me, base, answers, who):
            base = None
    elif colleague is not None and old is not None:
        attending.in_place(tx, colleague, old, new, me)
    elif any(itip.attendee(each, me) is not None for each in itip.parts(new)):
        if author is not None and attending.answers(new, me):
            deputies.demand(tx, collection, held, Right.SEND_REPLY)
        if attending.write(tx, old, new, me):
            base = None
    after = render(new)
    if after == before:
        return prepared
    return calendar.restated(base, after) if base is not None else calendar.prepare(after)


def _mailed(tx: Transaction, old: Component, new: Component) -> bool:
    """Whether an attendee's program brings what an organizer outside mailed to it (RFC 6638 §3.2.2.2).

    It has a new SEQUENCE then, or the program does all the scheduling with that organizer itself.
    """
    before, after = itip.organizer(old), itip.organizer(new)
    if before is None or after is None or itip.address(before.value) != itip.address(after.value):
        return False
    if people.of_address(tx, itip.address(before.value)) is not None:
        return False  # meetings of our own people come by their calendars (MTG-12)
    return itip.agent(after) != "SERVER" or itip.latest(new) > itip.latest(old)


def removed(tx: Transaction, collection: Collection, stored: Any, *, reply: bool, notices: bool = True) -> None:
    """Tell those whom a removal concerns; an attendee who does not want it (`reply`) refuses silently.

    Without `notices` nobody gets a mail of ours beside the messages of RFC 6638.
    """
    old = icalendar.load(writing.body_of(tx, stored)).calendar
    me = people.own_addresses(tx, collection, old)
    colleague = deputies.colleague(tx, collection, old, me)
    if colleague is not None:
        # Whoever may delete in the group's calendar calls it off: it is the meeting itself that goes (MTG-15, MTG-18).
        organizing.remove(tx, old, people.addresses(tx, colleague, old), notices=notices)
        return
    author = deputies.author(tx, collection) if _organizes(old, me) else None
    if author is not None:
        deputies.adopt(tx, collection, old, old, author)
    gone(tx, old, me, reply=reply, notices=notices)


def gone(tx: Transaction, old: Component, me: frozenset[str], *, reply: bool, notices: bool) -> None:
    """Call off, or refuse, what those whose addresses are `me` had; as `removed`."""
    if _organizes(old, me):
        organizing.remove(tx, old, me, notices=notices)
    elif reply:
        attending.remove(tx, old, me, notices=notices)


def _attends(meeting: Component, me: frozenset[str]) -> bool:
    organizer = itip.organizer(meeting)
    if organizer is None or itip.address(organizer.value) in me:
        return False
    return any(itip.attendee(each, me) is not None for each in itip.parts(meeting))


def _organizes(meeting: Component, me: frozenset[str]) -> bool:
    organizer = itip.organizer(meeting)
    return organizer is not None and itip.address(organizer.value) in me
