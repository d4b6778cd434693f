"""The organizer writes: everybody gets what concerns him, and answers anew where it matters (RFC 6638 §3.2.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from storage import principals as directory
from storage.errors import LimitReached
from storage.formats import cutting, instances, itip, managed
from storage.formats.contentline import Component, Property
from storage.kinds import Prepared
from storage.scheduling import asking, merging, people, restricted, rooms, spreading, uninviting
from storage.scheduling.errors import IGNORED
from storage.scheduling.views import View, Views
from storage.store import Transaction
from storage.types import Answers, Principal

MOST_LINES: Final = 50_000
"""Properties of a meeting in which groups are invited, each of which is as many attendees as it has members."""


def write(
    tx: Transaction,
    old: Component | None,
    new: Component,
    me: frozenset[str],
    base: Prepared | None = None,
    answers: Answers = Answers.SEEN,
    author: frozenset[str] = frozenset(),
) -> bool:
    """Send what a new or changed meeting makes necessary; `new` gets the states and SCHEDULE-STATUS.

    `base` is as for `Views`; `author` are the addresses of who writes for the organizer. Gives whether
    `new` got instances back that its client knew nothing of.

    Raises:
        UnknownAttendee: as `restricted.check`.
        LimitReached: as `Views.demand_few`, or the members of its groups are too many.
    """
    _expand_groups(tx, new)
    sender = _sender(new)
    before = itip.attendees(old) if old is not None else {}
    restricted.check(tx, itip.attendees(new).keys() - before.keys() - me)
    here = people.of_addresses(tx, sorted(itip.attendees(new).keys() - me))
    restored, asked = False, dict[str, int]()
    if answers is not Answers.OURS:
        restored = merging.of_organizer(old, new, me | author, here, stale=answers is Answers.UNSEEN)
    if old is not None:
        restored = _back_to_the_series(old, new) or restored
        asked = _ask_anew(old, new, me)
    lines: dict[str, list[Property]] = {}
    for each in itip.parts(new):
        for prop in each.all("ATTENDEE"):
            lines.setdefault(itip.address(prop.value), []).append(prop)
    heard = [address for address, own in lines.items() if address not in me and itip.agent(own[0]) == "SERVER"]
    if old is not None and any(_is_called_off(*one, lines, me) for one in before.items()):
        # A cancellation has the next SEQUENCE: who is invited again later must not have a lower one.
        itip.raise_sequence(new, itip.latest(old) + 1)
    here = {address: here[address] for address in heard if address in here}
    if len(here) < len(heard):
        _remember(tx, sender, old, new, asked)
    booked, absent = rooms.decide(tx, new, lines, here)
    had, have = Views(old) if old is not None else None, Views(new, None if restored else base)
    have.demand_few()
    lost = uninviting.find(old, new, [one for one in heard if one not in here]) if old is not None else {}
    served = {address for address, prop in before.items() if itip.agent(prop) == "SERVER"}
    told = {address: before[address].param("SCHEDULE-STATUS") or "" for address in heard if address in served}
    sent: dict[str, tuple[View, View | None]] = {}
    ignored: set[str] = set()
    concerned: dict[tuple[int, int, bool], bool] = {}
    told |= dict.fromkeys(absent, rooms.ANSWERED)
    for address in heard:
        if address in absent:
            continue
        knows = had is not None and address in served and address not in booked
        was, now = had.of(address) if had is not None and knows else None, have.of(address)
        if now is None:
            continue
        if was is not None and address in lost:
            was = lost[address].rest
        key = (id(was), id(now), address in here)
        if key not in concerned:
            concerned[key] = was is None or _concerns(was, now, address in here)
        forced = lines[address][0].param("SCHEDULE-FORCE-SEND")
        if concerned[key] or (forced or "").upper() == "REQUEST":
            sent[address] = now, was
        if forced and forced.upper() != "REQUEST":
            ignored.add(address)
    # Those of a series are none of it in a REQUEST either.
    gone_from = {one: what for one, what in lost.items() if one in served and not (one in sent and what.in_series)}
    told |= uninviting.tell(tx, sender, gone_from)
    told |= spreading.send(tx, sender, here, sent)
    told |= {address: IGNORED for address in ignored if told.get(address, "")[:1] in ("", "1", "2")}
    for address, own in lines.items():
        for prop in own if address not in me else ():
            itip.set_param(prop, "SCHEDULE-STATUS", told.get(address, ""))
            itip.set_param(prop, "SCHEDULE-FORCE-SEND", "")
    if old is not None:
        # RFC 6638 §3.2.1.2: whoever is served by us no longer is called off, as whoever is removed.
        gone = {address: prop for address, prop in before.items() if address not in heard and address not in me}
        _cancel(tx, old, gone, me, sender, called_off=False)
    return restored


def _is_called_off(address: str, prop: Property, lines: dict[str, list[Property]], me: frozenset[str]) -> bool:
    """Whether an attendee that had been told is served no longer."""
    if address in me or itip.agent(prop) != "SERVER":
        return False
    return address not in lines or itip.agent(lines[address][0]) != "SERVER"


def remove(tx: Transaction, old: Component, me: frozenset[str], *, notices: bool = True) -> None:
    """The organizer deleted the meeting: everybody is told (MTG-15); `notices` are as for `spreading.cancel`."""
    addresses = itip.attendees(old)
    organizer = people.of_address(tx, _sender(old))
    if organizer is not None and len(people.of_addresses(tx, sorted(addresses))) < len(addresses):
        asking.ask(tx, organizer, _uid(old), {"": itip.latest(old) + 1})
    _cancel(tx, old, addresses, me, _sender(old), notices=notices)


def _remember(tx: Transaction, sender: str, old: Component | None, new: Component, asked: dict[str, int]) -> None:
    """Know later which answers of people outside are old; a new meeting goes on from one that had its UID."""
    organizer = people.of_address(tx, sender)
    if organizer is None:
        return
    if old is None:
        asking.begin(tx, organizer, new)
    asking.ask(tx, organizer, _uid(new), asked)


def _uid(meeting: Component) -> str:
    return itip.parts(meeting)[0].value("UID").strip()


def _cancel(
    tx: Transaction,
    old: Component,
    gone: dict[str, Property],
    me: frozenset[str],
    sender: str,
    *,
    called_off: bool = True,
    notices: bool = True,
) -> None:
    views = Views(old)
    addresses = [one for one, prop in gone.items() if one not in me and itip.agent(prop) == "SERVER"]
    found = {one: view for one in addresses if (view := views.of(one)) is not None}
    spreading.cancel(tx, sender, found, called_off=called_off, notices=notices)


def _ask_anew(old: Component, new: Component, me: frozenset[str]) -> dict[str, int]:
    """MTG-13: time, subject, description or place changed, so all answer again, and SEQUENCE grows.

    Gives the SEQUENCE of each part to which all answer again, by instance.
    """
    before = {itip.instance(each): each for each in itip.parts(old)}
    fresh = {itip.instance(each): each for each in itip.parts(new)}
    zones = old.of("VTIMEZONE"), new.of("VTIMEZONE")  # once, not for each of thousands of instances
    both = {key: (_with(zones[0], before[key]), _with(zones[1], each)) for key, each in fresh.items() if key in before}
    changed = {key for key, (was, now) in both.items() if itip.changed(was, now)}
    less = {key for key in changed if cutting.shortened(*both[key])}
    asked = changed - less  # whoever comes to a series comes to a shorter one
    series = instances.Whole.alone(old, before[""]) if "" in before else None
    # An instance that became a component of its own for its people alone asks nobody anew (MTG-13).
    fresh_ones = [(key, each) for key, each in fresh.items() if key and key not in before]
    added = {key for key, each in fresh_ones if series is None or not series.plain(each)}
    gone = max((itip.sequence(each) for key, each in before.items() if key not in fresh), default=0)
    sequences: dict[str, int] = {}
    for key, each in fresh.items():
        known = before.get(key)
        anew = key in asked or key in added or "" in asked
        if anew:
            for prop in each.all("ATTENDEE"):
                if itip.address(prop.value) not in me and not itip.delegate(prop):
                    itip.set_param(prop, "PARTSTAT", itip.NEEDS_ACTION)
                    itip.set_param(prop, "RSVP", "TRUE")
        was = known if known is not None else before.get("")
        restated = was is not None and itip.status(was) != itip.status(each)
        other = key in changed or "" in asked or restated
        # It never goes back either, not even for an instance that was or is one of the series (RFC 5546 §2.1.4).
        least = itip.sequence(was) + other if was is not None and (known is not None or restated) else 0
        least = max(least, gone if not key else itip.sequence(before[""]) + 1 if key in added and "" in before else 0)
        if itip.sequence(each) < least:
            itip.set_value(each, "SEQUENCE", str(least))
        if anew:
            sequences[key] = itip.sequence(each)
    return sequences


def _back_to_the_series(old: Component, new: Component) -> bool:
    """Make components of instances that are no exceptions any more, so that all answer anew (RFC 6638 §3.2.8).

    Gives whether there are any: instances that took place otherwise than their series, which itself is as it was.
    """
    before, kept = itip.parts(old), {itip.instance(each) for each in itip.parts(new)}
    was, now = before[0], itip.parts(new)[0]
    if itip.instance(was) or itip.instance(now):
        return False
    if itip.changed(_with(old.of("VTIMEZONE"), was), _with(new.of("VTIMEZONE"), now)):
        return False
    series, fresh = instances.Whole.alone(old, was), instances.Whole.alone(new, now)
    found: list[Component] = []
    for each in before:
        moment = each.get("RECURRENCE-ID")
        if moment is None or itip.instance(each) in kept or series.plain(each):
            continue
        made = fresh.override(moment)
        if made is not None:
            found.append(made)
    new.components += found
    return bool(found)


def _with(zones: list[Component], component: Component) -> Component:
    """One component as an object of its own, with the time zones of its calendar."""
    return Component("VCALENDAR", [], [*zones, component])


def _concerns(was: View, now: View, inside: bool) -> bool:
    """Whether somebody is to hear of a change: copies here follow in everything, a mail comes only when it matters."""
    if not inside:
        before, after = _told(was.calendar, now.calendar), _told(now.calendar, was.calendar)
        if itip.statuses(before) != itip.statuses(after) or itip.changed(before, after):
            return True
        # RFC 8607 §3.12.6: attendees are told of every change of attachments.
        return managed.by_instance(before) != managed.by_instance(after)
    return was.comparable != now.comparable


def _told(one: Component, other: Component) -> Component:
    """A form without the instances that take place as their series says, and are a component of their own here only.

    They became one for somebody else, who was taken out of them or answered for them alone.
    """
    kept = {itip.instance(each) for each in itip.parts(other)}
    own = [each for each in itip.parts(one) if itip.instance(each) not in kept]
    master = itip.parts(one)[0]
    if not own or itip.instance(master):
        return one
    series = instances.Whole.alone(one, master)
    kept_here = managed.by_instance(one)
    plain = {
        id(each)
        for each in own
        if (itip.status(each), kept_here.get(itip.instance(each))) == (itip.status(master), kept_here.get(""))
        and series.plain(each)
    }
    return Component(one.name, one.properties, [each for each in one.components if id(each) not in plain])


def _sender(meeting: Component) -> str:
    organizer = itip.organizer(meeting)
    return itip.address(organizer.value) if organizer is not None else ""


def _expand_groups(tx: Transaction, new: Component) -> None:
    """MTG-01: `<GROUP>@group` invites its members, each for himself."""
    parts = itip.parts(new)
    names = {
        name for each in parts for prop in each.all("ATTENDEE") if (name := people.group_of(itip.address(prop.value)))
    }
    mine = people.groups_by_name(tx) if names else {}
    members = {name: directory.members(tx, mine[name]) for name in sorted(names & mine.keys())}
    if not members:
        return
    lines = 0
    for each in parts:
        organizer = itip.address(each.value("ORGANIZER"))
        present = {itip.address(prop.value) for prop in each.all("ATTENDEE")} | {organizer}
        whole: list[Property] = []
        for prop in each.properties:
            name = people.group_of(itip.address(prop.value)) if prop.name == "ATTENDEE" else ""
            whole += _invited(prop, members[name], present) if name in members else [prop]
        each.properties = whole
        lines += len(whole)
        if lines > MOST_LINES:  # of which nobody could read the meeting again
            raise LimitReached("meeting_lines", MOST_LINES)


def _invited(prop: Property, members: Sequence[Principal], present: set[str]) -> list[Property]:
    """An ATTENDEE for each member of a group that is not `present` yet."""
    fresh: list[Property] = []
    for member in members:
        if member.email.lower() in present:
            continue
        (one,) = itip.copies([prop])
        one.value = f"mailto:{member.email}"
        itip.set_param(one, "CN", member.display_name or member.name)
        itip.set_param(one, "MEMBER", prop.value)
        itip.set_param(one, "CUTYPE", "INDIVIDUAL")
        fresh.append(one)
        present.add(member.email.lower())
    return fresh
