"""A meeting is passed on: who may invites, whoever else sends what he was sent himself (RFC 5546 §3.2.2.6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from storage.errors import NotFound
from storage.formats import itip, timezones
from storage.formats.contentline import Component, Property, render
from storage.formats.imip import Meeting
from storage.mail import recipients
from storage.outbound import queue
from storage.outbound.types import Target
from storage.scheduling import copies, mailing, people
from storage.scheduling.people import Person
from storage.store import Transaction
from storage.types import Principal

_WORDS: Final = {"en": "Forwarded", "fr": "Transféré", "de": "Weitergeleitet", "es": "Reenviado", "it": "Inoltrato"}
_OWN: Final = frozenset({itip.PRIVATE_COMMENT, itip.REPLY_TIME, "COLOR", "CATEGORIES", "PRIORITY"})
"""What an attendee says of a meeting to himself."""


def passed_on(calendar: Component, parts: Iterable[Component], method: str) -> bytes:
    """What goes to somebody who is not invited: the meeting as it is, without what is the forwarder's own.

    "When forwarding a REQUEST to another CU, the forwarding Attendee MUST NOT make changes to the original message."
    """
    result = Component("VCALENDAR", [one for one in itip.copies(calendar.properties) if one.name != "METHOD"])
    if method:
        result.properties.append(Property("METHOD", method))
    result.components = [itip.clone(each) for each in calendar.of("VTIMEZONE")]
    for each in parts:
        own = itip.clone(each)
        own.components = [inner for inner in own.components if inner.name != "VALARM"]
        own.properties = [one for one in own.properties if one.name not in _OWN and not one.name.startswith("X-MOZ-")]
        itip.unserved(own)
        result.components.append(own)
    result.components = [*timezones.missing(result), *result.components]  # RFC 5546 §3.2.2, RFC 7809 §3.1.4
    return render(result)


def invite(parts: Iterable[Component], names: Mapping[str, str]) -> None:
    """Add people, by their addresses, to instances of one's own meeting (MTG-14)."""
    for each in parts:
        present = {itip.address(one.value) for one in (*each.all("ATTENDEE"), *each.all("ORGANIZER"))}
        for address, name in names.items():
            if address.lower() in present or not itip.is_mail(address.lower()):
                continue
            params = [("CN", [name])] if name and name != address else []
            params += [("PARTSTAT", [itip.NEEDS_ACTION]), ("RSVP", ["TRUE"])]
            each.properties.append(Property("ATTENDEE", f"mailto:{address}", params))


def join(tx: Transaction, account: Principal, meeting: Meeting, address: str) -> None:
    """Take a meeting of somebody outside, to which the actor was not invited himself, into his calendar to answer it.

    "The new CU can send a REPLY to the Organizer", who decides. One who is here invites by his calendar (MTG-12).

    Raises:
        NotFound: there is nothing that he could answer.
    """
    head = itip.organizer(meeting.calendar)
    organizer = itip.address(head.value) if head is not None else ""
    me = people.addresses(tx, Person(account.id, account.name), meeting.calendar)
    if meeting.method != "REQUEST" or not itip.is_mail(organizer) or not itip.is_mail(address):
        raise NotFound(meeting.uid)
    if organizer in me or people.of_address(tx, organizer) is not None:
        raise NotFound(meeting.uid)
    own = itip.clone(meeting.calendar)
    for each in itip.parts(own):
        each.components = [inner for inner in each.components if inner.name != "VALARM"]
        if itip.attendee(each, me) is None:
            params = [("PARTSTAT", [itip.NEEDS_ACTION]), ("RSVP", ["TRUE"])]
            each.properties.append(Property("ATTENDEE", f"mailto:{address}", params))
    copies.create(tx, account.name, copies.prepare(own))


def tell_of_mail(tx: Transaction, sender: str, meeting: Meeting, addresses: Iterable[str]) -> None:
    """The same where the very mail that invited is forwarded to somebody who is not invited."""
    present = copies.find(tx, tx.actor.id, meeting.uid)
    head, known = itip.organizer(meeting.calendar), itip.organizer(present.calendar) if present is not None else None
    if present is None or head is None or known is None or itip.address(known.value) != itip.address(head.value):
        return  # the mail may say anything
    me = people.addresses(tx, Person(tx.actor.id, tx.actor.login), present.calendar)
    invited = itip.attendees(present.calendar).keys() | me
    others = [one for one in addresses if one.lower() not in invited]
    if itip.address(head.value) not in invited and others:
        tell(tx, sender, itip.parts(present.calendar)[0], others)


def tell(tx: Transaction, sender: str, part: Component, addresses: Iterable[str]) -> None:
    """Put the news for an organizer who is here into the queue: he alone decides who comes (MTG-12)."""
    head = part.get("ORGANIZER")
    organizer = itip.address(head.value) if head is not None else ""
    to = recipients.find(tx, organizer) if people.of_address(tx, organizer) is not None else None
    others = [one for one in addresses if one.lower() != organizer]
    if to is None or not itip.is_mail(organizer) or not others:
        return
    word = _WORDS.get(to.language[:2], _WORDS["en"])
    mine = itip.attendee(part, {sender})
    name = mailing.line(mine.param("CN") or "") if mine is not None else ""
    summary = mailing.line(part.value("SUMMARY")) or "-"
    start = part.get("RECURRENCE-ID") or part.get("DTSTART")
    rows = [f"{word}: {name} <{sender}>" if name else f"{word}: {sender}", "", summary]
    rows += [mailing.when(start)] if start is not None else []
    rows += ["", *(f"→ {one}" for one in others)]
    mail = mailing.message_of(tx, sender, name, organizer, f"{word}: {summary}")
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5
    mail.set_content("\n".join(rows) + "\n")
    queue.enqueue(tx, sender="", recipients=[Target(organizer)], data=mail.as_bytes())
