"""The attendee writes: only what is his, and the organizer hears of it (MTG-07…09, MTG-12, RFC 6638 §3.2.2)."""

from __future__ import annotations

from typing import Final

from storage.formats import delegation, itip
from storage.formats.contentline import Component, Property
from storage.scheduling import asking, delivery, people
from storage.scheduling.errors import IGNORED
from storage.scheduling.people import Person
from storage.scheduling.views import Views
from storage.store import Transaction

_OF_SERIES: Final = frozenset({"RRULE", "RDATE", "EXDATE", "RECURRENCE-ID"})


def write(tx: Transaction, old: Component | None, new: Component, me: frozenset[str]) -> bool:
    """Send the answers that changed; the ORGANIZER of `new` gets SCHEDULE-STATUS.

    Gives whether an answer changed what is free.
    """
    organizer = itip.organizer(new)
    assert organizer is not None
    for each in itip.parts(new):
        _progress(each, me)
    delegates = [delegation.complete(each, me) for each in itip.parts(new)]
    changed = _answers(old, new, me)
    freed = _free(old, new, me)
    status = (organizer.param("SCHEDULE-STATUS") or "") if old is None else _status(old)
    forced = (organizer.param("SCHEDULE-FORCE-SEND") or "").upper()
    if forced and forced != "REPLY":
        status = IGNORED
    if _speaks(organizer) and (changed or (forced == "REPLY" and (changed := itip.parts(new)))):
        status = _send(tx, new, changed, me, organizer, _refused(old, me))
        if any(delegates) and people.of_address(tx, itip.address(organizer.value)) is None:
            _forward(tx, old, new, me)
    for each in itip.parts(new):
        prop = each.get("ORGANIZER")
        if prop is not None:
            itip.set_param(prop, "SCHEDULE-STATUS", status if _speaks(organizer) else "")
            itip.set_param(prop, "SCHEDULE-FORCE-SEND", "")
    return freed


def _free(old: Component | None, new: Component, me: frozenset[str]) -> bool:
    """Whoever declines and keeps a meeting has the time free, until he thinks better of it (MTG-09, CAL-07)."""
    before = _states(old, me)
    changed = False
    for each in itip.parts(new):
        was = before.get(itip.instance(each)) or before.get("", itip.NEEDS_ACTION)
        declined, clear = itip.partstat(itip.attendee(each, me)) == itip.DECLINED, _transparent(each)
        if each.name == "VEVENT" and declined != (was == itip.DECLINED) and declined != clear:
            itip.set_value(each, "TRANSP", "TRANSPARENT" if declined else "OPAQUE")
            changed = True
    return changed


def _states(old: Component | None, me: frozenset[str]) -> dict[str, str]:
    """How he had answered to each instance; "" is the series."""
    parts = itip.parts(old) if old is not None else []
    return {itip.instance(each): itip.partstat(itip.attendee(each, me)) for each in parts}


def _transparent(part: Component) -> bool:
    return part.value("TRANSP").strip().upper() == "TRANSPARENT"


def in_place(tx: Transaction, organizer: Person, old: Component, new: Component, me: frozenset[str]) -> None:
    """A participant answers in the meeting itself, which lies in a group's calendar (MTG-18): the copies follow."""
    changed = _answers(old, new, me)
    answer, sender, told = _reply(tx, new, changed, me, _refused(old, me))
    for each in itip.parts(new):
        mine = itip.attendee(each, me)
        if sender and mine is not None and itip.partstat(mine) != itip.NEEDS_ACTION:
            itip.set_param(mine, "SCHEDULE-STATUS", "2.0")
            itip.set_param(mine, "RSVP", "")
    if sender:
        delivery.spread(tx, organizer, sender, answer, old, new, notice=told)


def _progress(part: Component, me: frozenset[str]) -> None:
    """Of a to-do, its state is the answer, also where a client says it in STATUS alone (RFC 5545 §3.2.12)."""
    state, mine = part.value("STATUS").strip().upper(), itip.attendee(part, me)
    if part.name != "VTODO" or mine is None or state not in ("COMPLETED", "IN-PROCESS"):
        return
    if itip.partstat(mine) not in (itip.DECLINED, itip.DELEGATED):
        itip.set_param(mine, "PARTSTAT", state)


def _forward(tx: Transaction, old: Component | None, new: Component, me: frozenset[str]) -> None:
    """Send the invitation on to a delegate: an organizer outside may not know him (RFC 5546 §3.2.2.3)."""
    known = itip.attendees(old) if old is not None else {}
    views = Views(new)
    for address, prop in itip.attendees(new).items():
        sender = itip.address(prop.param("DELEGATED-FROM") or "")
        view = views.of(address) if sender in me and address not in known else None
        if view is not None:
            status = delivery.request(tx, sender, address, people.of_address(tx, address), view)
            itip.set_param(prop, "SCHEDULE-STATUS", status)


def remove(tx: Transaction, old: Component, me: frozenset[str], *, notices: bool = True) -> None:
    """He deleted his copy: that is a refusal (MTG-08), unless he had refused already.

    Without `notices` an organizer here gets no mail of it.
    """
    organizer = itip.organizer(old)
    open_ones = [each for each in itip.parts(old) if _open(each, me)]
    if organizer is None or not open_ones or not _speaks(organizer):
        return
    declined = [_declined(each, me) for each in open_ones]
    _send(tx, old, declined, me, organizer, set(), notices=notices)


def _open(part: Component, me: frozenset[str]) -> bool:
    """Whether there is something to refuse: he has not yet, and it was not called off (STATUS)."""
    called_off = part.value("STATUS").strip().upper() == "CANCELLED"
    return not called_off and itip.partstat(itip.attendee(part, me)) != itip.DECLINED


def answers(new: Component, me: frozenset[str]) -> bool:
    """Whether a new copy answers its organizer, who is to hear of it from here."""
    organizer = itip.organizer(new)
    if organizer is None or not _speaks(organizer):
        return False
    return any(itip.partstat(itip.attendee(each, me)) != itip.NEEDS_ACTION for each in itip.parts(new))


def _answers(old: Component | None, new: Component, me: frozenset[str]) -> list[Component]:
    """The parts whose answer changed, and instances that he left."""
    before = {itip.instance(each): each for each in itip.parts(old)} if old is not None else {}
    states = _states(old, me)
    found: list[Component] = []
    for each in itip.parts(new):
        was = states.get(itip.instance(each)) or states.get("", itip.NEEDS_ACTION)
        mine = itip.attendee(each, me)
        if mine is not None and itip.partstat(mine) != was:
            found.append(each)
    master, model = next(iter(itip.parts(new))), before.get("")
    if model is None:  # single instances of a series have no EXDATE: he left those that are gone
        kept = {itip.instance(each) for each in itip.parts(new)}
        found += [_declined(each, me) for key, each in before.items() if key not in kept and _open(each, me)]
    if model is not None and master.get("RECURRENCE-ID") is None:
        left, bare = _exceptions(master), _bare(model, me)
        for value in left.keys() - _exceptions(model).keys():
            known = before.get(value.upper())
            if known is not None and not _open(known, me):
                continue
            gone = itip.clone(bare) if known is None else _bare(known, me)
            gone.properties.append(Property("RECURRENCE-ID", value, left[value]))
            if known is None:
                gone.properties = [p for p in gone.properties if p.name not in ("DTSTART", "DTEND")]
                gone.properties.append(Property("DTSTART", value, left[value]))
            found.append(_declined(gone, me))
    return found


def _bare(part: Component, me: frozenset[str]) -> Component:
    """What an answer says of an instance: a series has thousands of exceptions and attendees, which stay behind."""
    own = {*me, itip.delegate(itip.attendee(part, me))}
    kept = [
        prop
        for prop in part.properties
        if prop.name not in _OF_SERIES and (prop.name != "ATTENDEE" or itip.address(prop.value) in own)
    ]
    return Component(part.name, itip.copies(kept))


def _exceptions(component: Component) -> dict[str, list[tuple[str, list[str]]]]:
    return {
        value.strip(): [pair for pair in prop.params if pair[0] in ("TZID", "VALUE")]
        for prop in component.all("EXDATE")
        for value in prop.value.split(",")
    }


def _declined(component: Component, me: frozenset[str]) -> Component:
    copy = itip.clone(component)
    mine = itip.attendee(copy, me)
    if mine is not None:
        itip.set_param(mine, "PARTSTAT", itip.DECLINED)
    return copy


def _send(
    tx: Transaction,
    meeting: Component,
    answers: list[Component],
    me: frozenset[str],
    organizer: Property,
    refused: set[str],
    *,
    notices: bool = True,
) -> str:
    """Send the answers; who refused, or had refused (`refused`, by instance), is told of by mail as well."""
    answer, sender, told = _reply(tx, meeting, answers, me, refused)
    to = itip.address(organizer.value)
    if not sender:
        return ""
    if people.of_address(tx, to) is None:
        _remember(tx, sender, meeting, answer)
    return delivery.reply(tx, sender, to, answer, notice=told and notices)


def _remember(tx: Transaction, sender: str, meeting: Component, answer: Component) -> None:
    """What he leaves of a meeting of somebody outside is no exception of the organizer's."""
    attendee, kept = people.of_address(tx, sender), {itip.instance(each) for each in itip.parts(meeting)}
    left = [each for each in itip.parts(answer) if itip.instance(each) not in kept]
    if attendee is not None and left:
        asking.leave(tx, attendee, itip.parts(answer)[0].value("UID").strip(), left)


def _reply(
    tx: Transaction, meeting: Component, answers: list[Component], me: frozenset[str], refused: set[str]
) -> tuple[Component, str, bool]:
    """The message, who says it ("" if he is not invited), and whether it is told by mail as well (MTG-08, MTG-09)."""
    zones = [each for each in meeting.components if each.name == "VTIMEZONE"]
    answer = itip.reply(Component("VCALENDAR", [], [*zones, *answers]), me)
    mine = itip.attendee(itip.parts(answer)[0], me) if itip.parts(answer) else None
    if mine is None:
        return answer, "", False
    for each in itip.parts(answer):
        prop = itip.attendee(each, me)
        if prop is not None:
            itip.set_param(prop, "SENT-BY", people.speaker(tx, me))
    told = any(
        itip.partstat(itip.attendee(each, me)) == itip.DECLINED or itip.instance(each) in refused
        for each in itip.parts(answer)
    )
    return answer, itip.address(mine.value), told


def _refused(old: Component | None, me: frozenset[str]) -> set[str]:
    parts = itip.parts(old) if old is not None else []
    return {itip.instance(each) for each in parts if itip.partstat(itip.attendee(each, me)) == itip.DECLINED}


def _speaks(organizer: Property) -> bool:
    return itip.agent(organizer) == "SERVER"


def _status(old: Component) -> str:
    organizer = itip.organizer(old)
    return (organizer.param("SCHEDULE-STATUS") or "") if organizer is not None else ""
