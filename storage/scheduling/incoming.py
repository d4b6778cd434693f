"""What comes by mail is applied to the calendar of the one who got it, and only by whom it concerns (RFC 6047, MTG-05).

A message that comes again changes nothing; one that is older than what is known is passed over (RFC 5546 §2.1.5).
"""

from __future__ import annotations

import logging
import time
from typing import Final

from storage import preferences
from storage.errors import Busy, StorageError
from storage.formats import cutting, instances, itip
from storage.formats.contentline import Component, Property
from storage.formats.imip import Meeting
from storage.mail.recipients import Recipient
from storage.scheduling import asking, copies, delivery, exchange, inbox, people, renewing, rooms, sequencing
from storage.scheduling.people import Person
from storage.store import Store, Transaction

log = logging.getLogger(__name__)

_PAUSES_S: Final = (0.1, 0.4, 1.6)


def take(store: Store, recipient: Recipient, meeting: Meeting, *, submitted: bool = False) -> None:
    """Apply a message to the recipient's calendar; the mail is in his mailbox, whatever becomes of this.

    `submitted` is what one of our own people sent after he had logged in. Where others are in the way, it is tried
    again for about two seconds: nobody else will.
    """
    for pause in (*_PAUSES_S, 0.0):
        try:
            with store.write(recipient.actor) as tx:
                applied = apply(tx, recipient, meeting, submitted=submitted)
            break
        except StorageError as error:
            log.info("meeting", extra={"principal": recipient.login, "reason": type(error).__name__})
            if not (pause and isinstance(error, Busy)):
                return
        time.sleep(pause)
    log.info("meeting", extra={"principal": recipient.login, "method": meeting.method, "applied": applied})


def apply(tx: Transaction, recipient: Recipient, meeting: Meeting, *, submitted: bool = False) -> bool:
    """Apply a message as its recipient; False if it is not his to get, or not its sender's to say."""
    person = Person(recipient.account, recipient.login)
    if (people.of_address(tx, meeting.sender) is not None) is not submitted:
        return False  # forged: our own people log in before they send
    if meeting.method in exchange.METHODS:
        return exchange.receive(tx, meeting.sender, person, meeting.method, meeting.calendar) == delivery.DELIVERED
    if submitted:
        return False  # invitations and answers of our own people come by their calendars
    if meeting.method == "REPLY":
        return _reply(tx, person, meeting)
    organizer = itip.organizer(meeting.calendar)
    assert organizer is not None
    spoken_for = {itip.address(organizer.value), itip.address(organizer.param("SENT-BY") or "")}
    if meeting.sender not in spoken_for or people.of_address(tx, itip.address(organizer.value)) is not None:
        return False  # forged, or in the name of one of us, whose meetings come by his calendar
    me = people.addresses(tx, person, meeting.calendar) | {recipient.address.lower()}
    present = copies.find(tx, person.id, meeting.uid)
    if present is not None:
        known = itip.organizer(present.calendar)
        if known is None or itip.address(known.value) != itip.address(organizer.value):
            return False
        _name_as_known(present.calendar, meeting.calendar)
        if _is_older(meeting.calendar, present.calendar):
            return False
    if meeting.method == "ADD":
        # RFC 5546 §3.2.4: whoever does not add instances asks for the whole.
        return present is not None and exchange.ask_again(tx, person, present, me)
    if meeting.method == "CANCEL" and _uninvites_others(meeting.calendar, me):
        return False
    judged = sequencing.receive(tx, person, meeting.uid, itip.address(organizer.value), meeting.calendar)
    if judged is None:
        return False
    if meeting.method == "CANCEL":
        return present is not None and _cancel(tx, person, present, meeting, judged)
    own = itip.copy_for(meeting.calendar, me)
    return own is not None and (
        _booked(tx, person, present, own, me) or _request(tx, person, present, own, me, judged)
    )


def _uninvites_others(message: Component, me: frozenset[str]) -> bool:
    """Whether a CANCEL takes out other people only: then it has no STATUS, and ATTENDEE says whom (RFC 5546 §3.2.5)."""
    gone = itip.attendees(message).keys()
    return bool(gone) and not gone & me and "CANCELLED" not in itip.statuses(message)


def _name_as_known(present: Component, message: Component) -> None:
    """Let single instances be called what they are called in a copy: Exchange and Google write some moments in UTC.

    RFC 5546 §3.2.5 and RFC 5545 §3.8.4.4: it is the moment that says which instance is meant.
    """
    if not itip.instance(itip.parts(message)[0]):
        return
    dated = instances.timed(itip.parts(present)[0], message)
    if instances.rename(present, message) or dated:
        there = {zone.value("TZID").strip() for zone in message.of("VTIMEZONE")}
        zones = [zone for zone in present.of("VTIMEZONE") if zone.value("TZID").strip() not in there]
        message.components = [*map(itip.clone, zones), *message.components]


def _is_older(message: Component, present: Component) -> bool:
    """Whether all that a message speaks of is newer in a copy."""
    had = {itip.instance(each): itip.sequence(each) for each in itip.parts(present)}
    parts = itip.parts(message)
    if not itip.instance(parts[0]):
        parts = parts[:1]  # the series says what has a component
    return all(itip.sequence(each) < had.get(itip.instance(each), 0) for each in parts)


def _request(
    tx: Transaction,
    person: Person,
    present: copies.Copy | None,
    own: Component,
    me: frozenset[str],
    judged: sequencing.Judged,
) -> bool:
    uid = itip.parts(own)[0].value("UID").strip()
    if present is None:
        if any(itip.refused(own, one) for one in me):
            return True  # the organizer knows, and does not ask anew (MTG-08)
        asking.come_back(tx, person, uid)
        copies.create(tx, person.login, copies.prepare(own))
        inbox.put(tx, person.login, itip.message(own, "REQUEST"), own)
        return True
    left = asking.left(tx, person, uid)
    fresh = renewing.renewed(present.calendar, own, me, judged, left)
    asking.come_back(tx, person, uid, left - renewing.left_in(fresh, own, left))
    copies.replace(tx, present, copies.prepare(fresh))
    inbox.put(tx, person.login, itip.message(own, "REQUEST"), own)
    return True


def _booked(tx: Transaction, person: Person, present: copies.Copy | None, own: Component, me: frozenset[str]) -> bool:
    """Answer at once for a room or a resource; False if this is somebody who answers himself."""
    if person.id not in preferences.user_types(tx):
        return False
    own = own if present is None else renewing.united(present.calendar, own)
    uid = itip.parts(own)[0].value("UID").strip()
    accepted = rooms.free(tx, person, own, uid)
    for each in itip.parts(own):
        mine = itip.attendee(each, me)
        if mine is not None:
            itip.set_param(mine, "PARTSTAT", "ACCEPTED" if accepted else itip.DECLINED)
            itip.set_param(mine, "RSVP", "")
    if accepted:
        copies.create(tx, person.login, copies.prepare(own))
    head = itip.organizer(own)
    reply = itip.reply(own, me)
    mine = itip.attendee(itip.parts(reply)[0], me)
    assert head is not None
    assert mine is not None
    delivery.reply(tx, itip.address(mine.value), itip.address(head.value), reply)
    return True


def _cancel(
    tx: Transaction, person: Person, present: copies.Copy, meeting: Meeting, judged: sequencing.Judged
) -> bool:
    parts = itip.parts(meeting.calendar)
    gone = [each.get("RECURRENCE-ID") for each in parts if itip.instance(each) not in judged.newer]
    single = [prop for prop in gone if prop is not None]
    if len(single) < len(gone):
        copies.remove(tx, present)
    else:
        _leave(tx, present, single)
    inbox.put(tx, person.login, itip.message(meeting.calendar, "CANCEL"), meeting.calendar)
    return True


def _leave(tx: Transaction, present: copies.Copy, single: list[Property]) -> None:
    """Single instances are called off: they become exceptions of the series; RANGE ends it (RFC 5545 §3.2.13)."""
    ends = [prop for prop in single if (prop.param("RANGE") or "").upper() == "THISANDFUTURE"]
    if ends:
        left_of = cutting.before(present.calendar, ends[0])
        if left_of is None:
            copies.remove(tx, present)
        else:
            copies.replace(tx, present, copies.prepare(left_of))
        return
    keys = {prop.value.strip().upper() for prop in single}
    fresh = itip.clone(present.calendar)
    fresh.components = [
        each for each in fresh.components if each.name == "VTIMEZONE" or itip.instance(each) not in keys
    ]
    left = itip.parts(fresh)
    if not left:
        copies.remove(tx, present)
        return
    if left[0].get("RECURRENCE-ID") is None:
        for prop in single:
            params = [pair for pair in prop.params if pair[0] != "RANGE"]
            left[0].properties.append(Property("EXDATE", prop.value.strip(), params))
    copies.replace(tx, present, copies.prepare(fresh))


def _reply(tx: Transaction, person: Person, meeting: Meeting) -> bool:
    """An answer counts if the attendee himself sent it, and not to an older form of the meeting (RFC 5546 §3.2.3)."""
    who = frozenset({meeting.sender})
    present = delivery.organized(tx, person, meeting.uid)
    if present is not None:
        instances.timed(itip.parts(present.calendar)[0], meeting.calendar)
    judged = sequencing.receive(tx, person, meeting.uid, meeting.sender, meeting.calendar)
    if present is None or judged is None:
        return False
    asked = asking.asked(tx, person, present.calendar, judged.newer)
    return delivery.answered(tx, person, who, meeting.calendar, asked=asked) == delivery.DELIVERED
