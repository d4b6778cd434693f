"""What a client could not know, or is not to say: what others answered stays (RFC 6638 §3.2.1, §3.2.2.1, §3.2.10.1)."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Final

from storage.formats import instances, itip
from storage.formats.contentline import Component, Property

_ANSWER: Final = ("PARTSTAT", "RSVP", "DELEGATED-TO", itip.RESPONSE_COMMENT)


def of_attendee(old: Component, new: Component, me: frozenset[str]) -> bool:
    """Give an attendee's object the lines of all others as they are stored, and instances that his client lost.

    Gives whether one came back: an instance goes by an EXDATE (RFC 6638 §3.2.2.1, 8.), never by silence.
    """
    before = {itip.instance(each): each for each in itip.parts(old)}
    master_lines = _lines(before.get(""))
    for each in itip.parts(new):
        key = itip.instance(each)
        if key in before or "" in before:
            _restore_others(_lines(before[key]) if key and key in before else master_lines, each, me)
    master = next((each for each in itip.parts(new) if not itip.instance(each)), None)
    if master is None:
        return False
    series = instances.Whole.alone(new, master)
    lost = [known for key, known in _lost(old, new) if key and _takes_place(series, known)]
    new.components += [itip.clone(known) for known in lost]
    return bool(lost)


def _lines(known: Component | None) -> dict[str, Property]:
    return {itip.address(prop.value): prop for prop in known.all("ATTENDEE")} if known is not None else {}


def _restore_others(stored: Mapping[str, Property], part: Component, me: frozenset[str]) -> None:
    own = {*me}
    known = next((prop for address, prop in stored.items() if address in me), None)
    for mine in (known, itip.attendee(part, me)):
        own.add(itip.address((mine.param("DELEGATED-TO") if mine is not None else "") or ""))
    for prop in part.all("ATTENDEE"):
        address = itip.address(prop.value)
        if address in stored and address not in own:
            (same,) = itip.copies([stored[address]])
            prop.value, prop.params = same.value, same.params


def of_organizer(
    old: Component | None, new: Component, me: frozenset[str], here: Container[str], *, stale: bool
) -> bool:
    """Give an organizer's object the answers that people gave; gives whether an instance came back.

    Of who is `here` only he himself says how he answers (RFC 6638 §3.2.1), and an organizer may ask him anew; of
    others an organizer's client may know more than we do. With `stale` the client has not seen the answers that came
    since the meeting last changed: they are kept, and so are the instances that were answered apart (§3.2.10.1).
    """
    before = {itip.instance(each): each for each in itip.parts(old)} if old is not None else {}
    restored = stale and old is not None and _bring_back(old, new)
    master_lines = _lines(before.get(""))
    for each in itip.parts(new):
        key = itip.instance(each)
        stored = _lines(before[key]) if key and key in before else master_lines
        for prop in each.all("ATTENDEE"):
            address = itip.address(prop.value)
            if address in me or itip.agent(prop) != "SERVER":
                continue
            was, given = itip.partstat(stored.get(address)), itip.partstat(prop)
            forged = address in here and given != itip.NEEDS_ACTION
            unseen = stale and was != itip.NEEDS_ACTION
            if given != was and (forged or unseen):
                _answer(prop, stored.get(address))
    return restored


def _answer(prop: Property, stored: Property | None) -> None:
    for name in _ANSWER:
        itip.set_param(prop, name, (stored.param(name) if stored is not None else "") or "")
    itip.set_param(prop, "PARTSTAT", itip.partstat(stored))


def _bring_back(old: Component, new: Component) -> bool:
    """Make the instances again that were there only because somebody had answered for them alone."""
    first, master = itip.parts(old)[0], itip.parts(new)[0]
    if itip.instance(first) or itip.instance(master):
        return False
    was, now = instances.Whole.alone(old, first), instances.Whole.alone(new, master)
    found: list[Component] = []
    for key, known in _lost(old, new):
        if not key or not was.plain(known):
            continue
        moment = known.get("RECURRENCE-ID")
        made = now.override(moment) if moment is not None else None
        if made is not None:
            found.append(made)
    new.components += found
    return bool(found)


def _lost(old: Component, new: Component) -> list[tuple[str, Component]]:
    kept = {itip.instance(each) for each in itip.parts(new)}
    return [(key, each) for each in itip.parts(old) if (key := itip.instance(each)) not in kept]


def _takes_place(series: instances.Whole, known: Component) -> bool:
    moment = known.get("RECURRENCE-ID")
    return moment is not None and series.has(moment)
