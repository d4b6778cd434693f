"""What people do with proposals: make one, look at them, accept or decline (RFC 5546 §3.2.7, §3.2.8, MTG-13)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from storage import collections as tree
from storage import items, viewing
from storage.errors import NotFound, Refused
from storage.formats import counters, icalendar, instances, itip
from storage.formats.contentline import Component, Property, unescape_text
from storage.scheduling import copies, delivery, exchange, people
from storage.scheduling.people import Person
from storage.store import Transaction
from storage.types import Principal, SpaceKind

_MARK: Final = b"\nMETHOD:COUNTER\r\n"


@dataclass(frozen=True, slots=True)
class Proposal:
    """One proposal that waits in the inbox."""

    name: str
    """Its name in the inbox."""
    uid: str
    instance: str
    """RECURRENCE-ID as it is written, "" for the whole meeting."""
    sender: str
    summary: str
    start: str
    """As it is written: DTSTART's value and time zone."""
    end: str
    comment: str


def propose(
    tx: Transaction,
    account: Principal,
    uid: str,
    start: datetime,
    end: datetime,
    *,
    comment: str = "",
    instance: str = "",
) -> str:
    """Propose another time to the organizer, for the whole or for one instance of it; gives the status.

    Raises:
        NotFound: he is not invited to such a meeting.
        Refused: the end is not after the start.
    """
    if end <= start:
        raise Refused("a meeting ends after it begins")
    present, who = _invited(tx, account, uid)
    part = _part(present.calendar, instance)
    message = counters.counter(part, present.calendar, start, end, comment)
    return _to_organizer(tx, present.calendar, part, who, "COUNTER", message)


def refresh(tx: Transaction, account: Principal, uid: str) -> str:
    """Ask the organizer how a meeting stands now; gives the status.

    Raises:
        NotFound: he is not invited to such a meeting.
    """
    present, who = _invited(tx, account, uid)
    part = itip.parts(present.calendar)[0]
    return _to_organizer(tx, present.calendar, part, who, "REFRESH", counters.refresh(part, who))


def listing(tx: Transaction, account: Principal) -> list[Proposal]:
    """The proposals in somebody's inbox, the oldest first.

    Raises:
        NotFound: it is somebody else's account.
    """
    found = viewing.load(tx, tree.find(tx, SpaceKind.PRIVATE, account.name, tree.INBOX), body=True)
    found.sort(key=lambda item: item.modseq)
    return [_value(item.name, item.body) for item in found if item.body is not None and _MARK in item.body]


def accept(tx: Transaction, account: Principal, name: str) -> None:
    """Hold the meeting as it was proposed: everybody is told, and answers anew (MTG-13).

    Raises:
        NotFound: there is no such proposal, or no such meeting any more.
        Refused: a series with changed instances cannot be moved as a whole from here.
    """
    message, _ = _proposal(tx, account, name)
    given = itip.parts(message)[0]
    present = delivery.organized(tx, Person(account.id, account.name), given.value("UID").strip())
    if present is None:
        raise NotFound(name)
    meeting = itip.clone(present.calendar)
    target = _part(meeting, itip.instance(given))
    if target not in meeting.components:
        meeting.components.append(target)
    elif itip.instance(given) == "" and len(itip.parts(meeting)) > 1:
        raise Refused("single instances of this series were changed: move it in a calendar program")
    target.properties = [prop for prop in target.properties if prop.name not in counters.TAKEN]
    for taken in counters.TAKEN:
        target.properties += itip.copies(given.all(taken))
    known = {each.value("TZID") for each in meeting.of("VTIMEZONE")}
    meeting.components[:0] = [each for each in message.of("VTIMEZONE") if each.value("TZID") not in known]
    items.put(tx, tree.by_id(tx, present.collection), present.name, copies.prepare(meeting))
    _forget(tx, account, name)


def decline(tx: Transaction, account: Principal, name: str, comment: str = "") -> str:
    """Tell the one who proposed that the meeting stays as it is; gives the status.

    Raises:
        NotFound: there is no such proposal, or no such meeting any more.
    """
    message, sender = _proposal(tx, account, name)
    uid = itip.parts(message)[0].value("UID").strip()
    present = delivery.organized(tx, Person(account.id, account.name), uid)
    head = itip.organizer(present.calendar) if present is not None else None
    if head is None or not sender:
        raise NotFound(name)
    refusal = counters.decline_counter(message, comment)
    status = exchange.send(tx, itip.address(head.value), sender, "DECLINECOUNTER", refusal)
    _forget(tx, account, name)
    return status


def _invited(tx: Transaction, account: Principal, uid: str) -> tuple[copies.Copy, frozenset[str]]:
    present = copies.find(tx, account.id, uid)
    head = itip.organizer(present.calendar) if present is not None else None
    if present is None or head is None:
        raise NotFound(uid)
    who = people.addresses(tx, Person(account.id, account.name), present.calendar)
    if itip.address(head.value) in who or not set(itip.attendees(present.calendar)) & who:
        raise NotFound(uid)
    return present, who


def _part(calendar: Component, instance: str) -> Component:
    """The component of an instance; where the series alone has it, one made for it.

    Raises:
        NotFound: there is no such instance.
    """
    known = {itip.instance(each): each for each in itip.parts(calendar)}
    if instance in known:
        return known[instance]
    master = known.get("")
    start = master.get("DTSTART") if master is not None else None
    if master is None or start is None:
        raise NotFound(instance)
    params = [pair for pair in start.params if pair[0] in ("TZID", "VALUE")]
    made = instances.override(calendar, master, Property("RECURRENCE-ID", instance, params))
    if made is None:
        raise NotFound(instance)
    return made


def _to_organizer(
    tx: Transaction, meeting: Component, part: Component, who: frozenset[str], method: str, message: Component
) -> str:
    head = itip.organizer(meeting)
    mine = itip.attendee(part, who) or next(p for a, p in itip.attendees(meeting).items() if a in who)
    assert head is not None
    return exchange.send(tx, itip.address(mine.value), itip.address(head.value), method, message)


def _proposal(tx: Transaction, account: Principal, name: str) -> tuple[Component, str]:
    collection = tree.find(tx, SpaceKind.PRIVATE, account.name, tree.INBOX)
    body = items.get(tx, collection, name).body
    if body is None or _MARK not in body:
        raise NotFound(name)
    message = icalendar.load(body).calendar
    message.properties = [prop for prop in message.properties if prop.name != "METHOD"]
    return message, _value(name, body).sender


def _forget(tx: Transaction, account: Principal, name: str) -> None:
    items.delete(tx, tree.find(tx, SpaceKind.PRIVATE, account.name, tree.INBOX), name)


def _value(name: str, body: bytes) -> Proposal:
    part = itip.parts(icalendar.load(body).calendar)[0]
    return Proposal(
        name,
        part.value("UID").strip(),
        itip.instance(part),
        itip.address(part.value(exchange.PROPOSED_BY)),
        " ".join(unescape_text(part.value("SUMMARY")).split()),
        _written(part, "DTSTART"),
        _written(part, "DTEND") or _written(part, "DUE") or _written(part, "DURATION"),
        unescape_text(part.value("COMMENT")).strip(),
    )


def _written(part: Component, name: str) -> str:
    prop = part.get(name)
    return "" if prop is None else " ".join([prop.value.strip(), prop.param("TZID") or ""]).strip()
