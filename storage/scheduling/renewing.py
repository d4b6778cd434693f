"""An attendee's copy when a mail of an organizer outside came: what is the attendee's own stays (RFC 5546 §3.2.2)."""

from __future__ import annotations

from collections.abc import Collection

from storage.formats import cutting, instances, itip
from storage.formats.contentline import Component, Property
from storage.scheduling.sequencing import Judged


def renewed(
    present: Component, came: Component, me: Collection[str], judged: Judged, left: Collection[str]
) -> Component:
    """The new copy; `left` are the instances that he left himself.

    He answers anew where time, subject, description or place changed. Any other change of the organizer's may have
    crossed his answer: it stands, and what he left stays left (RFC 5546 §2.1.5).
    """
    fresh = united(present, came)
    _keep_newer(present, fresh, judged.newer)
    old = _without(present, left)
    itip.keep_own(old, fresh, me)
    before = {itip.instance(each): each for each in itip.parts(old)}
    zones = old.of("VTIMEZONE"), fresh.of("VTIMEZONE")  # once, not for each of thousands of instances
    anew = {itip.instance(each) for each in itip.parts(fresh) if _asks(zones, before, each)}
    for each in itip.parts(fresh):
        known, mine = before.get(itip.instance(each)), itip.attendee(each, me)
        if known is None or mine is None or itip.instance(each) in anew:
            continue
        if "" in anew and itip.sequence(each) > itip.sequence(known):
            continue  # he answers to the whole series anew
        answer = itip.partstat(itip.attendee(known, me))
        if answer != itip.NEEDS_ACTION:
            itip.set_param(mine, "PARTSTAT", answer)
    if "" in before and "" not in anew:
        _leave(present, fresh, me, judged, left)
    return fresh


def left_in(fresh: Component, came: Component, left: Collection[str]) -> frozenset[str]:
    """Which instances are out of a new copy because he left them, and not because the organizer called them off."""
    return frozenset(left) & (_exceptions(fresh).keys() - _exceptions(came).keys())


def united(present: Component, own: Component) -> Component:
    """A message about single instances of a series that is known is added to it."""
    if any(itip.instance(each) == "" for each in itip.parts(own)):
        return itip.clone(own)
    fresh = itip.clone(present)
    keys = {itip.instance(each) for each in itip.parts(own)}
    fresh.components = [
        each for each in fresh.components if each.name == "VTIMEZONE" or itip.instance(each) not in keys
    ]
    known = {each.value("TZID") for each in fresh.of("VTIMEZONE")}
    fresh.components = [each for each in own.of("VTIMEZONE") if each.value("TZID") not in known] + fresh.components
    _readmit(fresh, own)
    fresh.components += [itip.clone(each) for each in itip.parts(own)]
    return fresh


def _readmit(fresh: Component, own: Component) -> None:
    """What takes place again is no exception of its series: programs pass over its component (RFC 5545 §3.8.5.1)."""
    back = instances.by_moment(own, itip.parts(own)).keys()
    at = instances.moments(fresh)
    for master in itip.parts(fresh)[:1]:
        for prop in master.all("EXDATE"):
            values = [Property(prop.name, value, prop.params) for value in prop.value.split(",")]
            kept = [one.value for one in values if at(one) not in back]
            if not kept:
                master.properties.remove(prop)
            elif len(kept) < len(values):
                prop.value = ",".join(kept)


def _asks(
    zones: tuple[list[Component], list[Component]], before: dict[str, Component], part: Component
) -> bool:
    """Whether people answer anew to a part that was known; `zones` are those of the copy and of the new one."""
    known = before.get(itip.instance(part))
    if known is None or itip.sequence(part) <= itip.sequence(known):
        return False
    was, now = (Component("VCALENDAR", [], [*of, each]) for of, each in zip(zones, (known, part), strict=True))
    return itip.changed(was, now) and not cutting.shortened(was, now)


def _without(present: Component, left: Collection[str]) -> Component:
    """The copy as the organizer knows it: what the attendee left is in it."""
    found = itip.clone(present)
    for each in itip.parts(found)[:1]:
        kept: list[Property] = []
        for prop in each.properties:
            if prop.name == "EXDATE":
                prop.value = ",".join(one for one in prop.value.split(",") if one.strip().upper() not in left)
            if prop.name != "EXDATE" or prop.value:
                kept.append(prop)
        each.properties = kept
    return found


def _keep_newer(present: Component, fresh: Component, newer: Collection[str]) -> None:
    """Of some instances a newer mail came before this one."""
    if not newer:
        return
    had = {itip.instance(each): each for each in itip.parts(present)}
    exceptions = _exceptions(present)
    master = itip.parts(fresh)[0]
    for each in itip.parts(fresh):
        if itip.instance(each) in newer:
            fresh.components.remove(each)
    for key in sorted(newer):
        if key in had:
            fresh.components.append(itip.clone(had[key]))
        elif key in exceptions and not itip.instance(master) and key not in _exceptions(fresh):
            master.properties.append(exceptions[key])


def _leave(present: Component, fresh: Component, me: Collection[str], judged: Judged, left: Collection[str]) -> None:
    """Leave out again what he left, unless he is asked anew about it."""
    gone = {key: prop for key, prop in _exceptions(present).items() if key in left}
    parts = {itip.instance(each): each for each in itip.parts(fresh)}
    master = parts.get("")
    if master is None or not gone:
        return
    series, excluded = instances.Whole.alone(fresh, master), _exceptions(fresh)
    for key, prop in gone.items():
        known, part = judged.before.get(key), parts.get(key)
        if part is not None:
            declined = itip.partstat(itip.attendee(part, me)) == itip.DECLINED
            same = known is not None and itip.sequence(part) <= known.sequence
            if not (declined or same or series.plain(part)):
                continue
            fresh.components.remove(part)
        if key not in excluded:
            master.properties.append(prop)


def _exceptions(calendar: Component) -> dict[str, Property]:
    """Each EXDATE of a series as a property of its own."""
    master = itip.parts(calendar)[0]
    if itip.instance(master):
        return {}
    return {
        value.strip().upper(): Property("EXDATE", value.strip(), [*prop.params])
        for prop in master.all("EXDATE")
        for value in prop.value.split(",")
    }
