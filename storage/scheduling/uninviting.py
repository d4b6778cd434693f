"""Who is taken out of single instances that take place for others (RFC 5546 §3.2.5, RFC 6638 §3.2.1.2).

Whoever is here has a copy, which is written anew. A program elsewhere is told by a CANCEL of these instances: if
nothing else changed, it need not ask its user once more, and of single instances no REQUEST could say that others are
gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from storage.formats import instances, itip
from storage.formats.contentline import Component, Property
from storage.scheduling import spreading
from storage.scheduling.views import View, Views
from storage.store import Transaction


@dataclass(frozen=True, slots=True)
class Lost:
    """What somebody had of a meeting."""

    gone: View
    """The instances that he is no longer invited to, as he had them."""
    rest: View
    """What he had without them."""
    in_series: bool
    """Whether what he has now is a series: then it says itself that they are none of it."""


def find(old: Component, new: Component, outside: Iterable[str]) -> dict[str, Lost]:
    """What each of these addresses loses though it is still invited; these instances of `new` get the next SEQUENCE."""
    if not any(itip.instance(each) for each in (*itip.parts(old), *itip.parts(new))):
        return {}
    had, have = Views(old), Views(new)
    made: dict[tuple[int, int], Lost | None] = {}
    found: dict[str, Lost] = {}
    for address in outside:
        was, now = had.of(address), have.of(address)
        if was is None or now is None:
            continue
        key = id(was), id(now)
        if key not in made:
            made[key] = _lost(was.calendar, now.calendar, new)
        lost = made[key]
        if lost is not None:
            found[address] = lost
    return found


def tell(tx: Transaction, sender: str, lost: Mapping[str, Lost]) -> dict[str, str]:
    """Mail them; gives each SCHEDULE-STATUS."""
    people: dict[int, set[str]] = {}
    for address, one in lost.items():
        people.setdefault(id(one), set()).add(address)
    for one in {id(each): each for each in lost.values()}.values():
        itip.uninvite(one.gone.calendar, people[id(one)])
    gone = {address: one.gone for address, one in lost.items()}
    return spreading.send_mails(tx, sender, gone, "CANCEL", called_off=False)


def _lost(was: Component, now: Component, new: Component) -> Lost | None:
    before, after, all_there = ({itip.instance(each): each for each in itip.parts(one)} for one in (was, now, new))
    in_series = "" in before and "" in after
    gone: dict[str, Component] = {}
    if in_series:
        series = instances.Whole.alone(was, before[""])
        for key, part in all_there.items():
            moment = part.get("RECURRENCE-ID")
            if moment is not None and key not in after:
                known = before.get(key) or series.override(moment)  # None: he was not invited to it before
                gone |= {key: itip.clone(known)} if known is not None else {}
    elif "" not in before:
        gone = {key: itip.clone(part) for key, part in before.items() if key not in after}
    if not gone:
        return None
    for key, part in gone.items():
        number = max(itip.sequence(part), itip.sequence(all_there.get(key, part))) + 1
        for one in (part, *([all_there[key]] if key in all_there else [])):
            itip.set_value(one, "SEQUENCE", str(number))
    zones = [itip.clone(each) for each in was.of("VTIMEZONE")]
    calendar = Component("VCALENDAR", itip.copies(was.properties), [*zones, *gone.values()])
    return Lost(View(calendar), View(_without(was, gone)), in_series)


def _without(was: Component, gone: Mapping[str, Component]) -> Component:
    rest = itip.clone(was)
    rest.components = [each for each in rest.components if itip.instance(each) not in gone]
    for master in itip.parts(rest)[:1]:
        moments = [moment for each in gone.values() if (moment := each.get("RECURRENCE-ID")) is not None]
        for moment in moments if not itip.instance(master) else ():
            params = [pair for pair in moment.params if pair[0] != "RANGE"]
            master.properties.append(Property("EXDATE", moment.value.strip(), params))
    return rest
