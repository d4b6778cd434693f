"""Proposals and questions about a meeting: COUNTER, DECLINECOUNTER, REFRESH (RFC 5546 §3.2.6…3.2.8).

A proposal lies in the organizer's inbox until he accepts or declines it; until then the meeting stays (MTG-12).
"""

from __future__ import annotations

import hashlib
from typing import Final

from storage import credentials
from storage.credentials import Failures
from storage.errors import StorageError
from storage.formats import counters, itip
from storage.formats.contentline import Component
from storage.scheduling import asking, copies, delivery, inbox, people
from storage.scheduling.asking import Asked
from storage.scheduling.people import Person
from storage.scheduling.views import Views
from storage.store import Transaction

METHODS: Final = frozenset({"COUNTER", "DECLINECOUNTER", "REFRESH"})
PROPOSED_BY: Final = "X-PROPOSED-BY"
"""Property of a proposal in the inbox: the address that it came from, which a COUNTER itself does not say."""
AGAIN_S: Final = 3_600
"""A mail that nobody here wrote goes out once in so many seconds to one person about one meeting."""


def send(tx: Transaction, sender: str, recipient: str, method: str, message: Component) -> str:
    """Bring a message of the actor's to one person, here or outside; gives the status (RFC 6638 §3.2.9)."""
    person = people.of_address(tx, recipient)
    if person is None:
        return delivery.mail(tx, sender, recipient, method, message)
    return receive(tx, sender, person, method, message)


def receive(tx: Transaction, sender: str, person: Person, method: str, message: Component) -> str:
    """Take what `sender`, an address known to be his, has to say to `person`; gives the status."""
    me = people.of_address(tx, sender)
    who = frozenset({sender}) if me is None else people.addresses(tx, me, message)
    parts = itip.parts(message)
    if not parts or len(parts) > delivery.MOST_INSTANCES:
        return delivery.INVALID
    take = {"COUNTER": _counter, "DECLINECOUNTER": _decline_counter, "REFRESH": _refresh}[method]
    try:
        return take(tx, who, person, message)
    except StorageError:
        return delivery.FAILED


def ask_again(tx: Transaction, person: Person, present: copies.Copy, me: frozenset[str]) -> bool:
    """Ask the organizer of a copy for the whole meeting, but not all the time; False if it is too early."""
    part = itip.parts(present.calendar)[0]
    mine, head = itip.attendee(part, me), itip.organizer(present.calendar)
    if mine is None or head is None or not _rarely(tx, "ask", person.login, part.value("UID")):
        return False
    sent = send(tx, itip.address(mine.value), itip.address(head.value), "REFRESH", counters.refresh(part, me))
    return sent in (delivery.SENT, delivery.DELIVERED)


def _counter(tx: Transaction, who: frozenset[str], person: Person, message: Component) -> str:
    parts = itip.parts(message)
    present = delivery.organized(tx, person, parts[0].value("UID").strip())
    if present is None or len(parts) != 1 or not (invited := _addresses(present.calendar) & who):
        return delivery.INVALID
    outside = people.of_address(tx, min(invited)) is None
    asked = asking.asked(tx, person, present.calendar) if outside else None
    if not _is_current(present.calendar, parts[0], asked):
        return delivery.INVALID  # to what the meeting was before (RFC 5546 §3.2.7: SEQUENCE is echoed)
    itip.set_value(parts[0], PROPOSED_BY, f"mailto:{min(invited)}")
    if itip.partstat(itip.attendee(parts[0], who)) != itip.NEEDS_ACTION:
        # He answers as well.
        return delivery.answered(tx, person, frozenset(invited), message, method="COUNTER", asked=asked)
    theirs = people.acting(tx, person)
    inbox.put(theirs, person.login, itip.message(message, "COUNTER"), message)
    return delivery.DELIVERED


def _is_current(present: Component, proposal: Component, asked: Asked | None) -> bool:
    """Whether a proposal is one to the meeting as it is; people here see every change of it, others what they must."""
    if asked is None:
        return itip.sequence(proposal) >= itip.latest(present)
    apart = any(itip.instance(each) == itip.instance(proposal) for each in itip.parts(present))
    return asked.counts(itip.instance(proposal), proposal, apart=apart)


def _decline_counter(tx: Transaction, who: frozenset[str], person: Person, message: Component) -> str:
    theirs = people.acting(tx, person)
    present = copies.find(theirs, person.id, itip.parts(message)[0].value("UID").strip())
    head = itip.organizer(present.calendar) if present is not None else None
    if head is None or not {itip.address(head.value), itip.address(head.param("SENT-BY") or "")} & who:
        return delivery.INVALID
    inbox.put(theirs, person.login, itip.message(message, "DECLINECOUNTER"), message)
    return delivery.DELIVERED


def _refresh(tx: Transaction, who: frozenset[str], person: Person, message: Component) -> str:
    """Send the meeting again as it is now, to the one who asks and is invited."""
    uid = itip.parts(message)[0].value("UID").strip()
    present = delivery.organized(tx, person, uid)
    if present is None or not (invited := _addresses(present.calendar) & who):
        return delivery.INVALID
    address = min(invited)
    asks, view = people.of_address(tx, address), Views(present.calendar).of(address)
    head = itip.organizer(present.calendar)
    if view is None or head is None:
        return delivery.INVALID
    if asks is None and not _rarely(tx, "answer", address, uid):
        return delivery.FAILED
    theirs = people.acting(tx, person)
    status = delivery.request(theirs, itip.address(head.value), address, asks, view, view)
    return delivery.DELIVERED if status == delivery.SENT else status


def _addresses(calendar: Component) -> set[str]:
    return set(itip.attendees(calendar))


def _rarely(tx: Transaction, what: str, who: str, uid: str) -> bool:
    """Whether this is the first of its kind in a while: two machines must not keep each other busy."""
    digest = hashlib.sha256("\0".join((what, who, uid)).encode()).hexdigest()
    key = f"meeting:{digest[:40]}"
    known = credentials.failures(tx, [key]).get(key)
    if known is not None and known.until > tx.now:
        return False
    credentials.put_failures(tx, {key: Failures(1, tx.now, tx.now + AGAIN_S)})
    return True
