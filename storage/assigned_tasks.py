"""Tasks that somebody else gave: of these their recipient changes how far he has come, and nothing else (TASK-04)."""

from __future__ import annotations

import re
from typing import Any, Final

from storage import calendar, viewing, writing
from storage.errors import Refused
from storage.formats import calendar_views, icalendar, instances, itip, timing
from storage.formats.contentline import Component, render
from storage.kinds import Prepared
from storage.store import Transaction
from storage.types import SITE, Collection, SpaceKind, Tool

_PROGRESS: Final = frozenset({"STATUS", "PERCENT-COMPLETE", "COMPLETED"})
_OWN: Final = re.compile(r"COLOR|X-MOZ-LASTACK|X-MOZ-SNOOZE-TIME.*")
"""What is each viewer's own, beside his alarms (SYS-08)."""
_TIMES: Final = frozenset({*timing.TIMES, "EXDATE"})


class StatusOnly(Refused):
    """The recipient of a task changed more than its status; `merged` is what he may store of it."""

    def __init__(self, merged: bytes) -> None:
        super().__init__("of a task that somebody gave you, change the status only")
        self.merged = merged


def checked(tx: Transaction, collection: Collection, stored: Any, prepared: Prepared) -> Prepared:
    """What is to be stored when the actor writes this over an item.

    Raises:
        StatusOnly: it is a task that somebody else gave to him, and more than its status differs.
    """
    if stored is None or collection.tool is not Tool.TASKS or collection.space.kind is not SpaceKind.PRIVATE:
        return prepared
    if tx.actor.id == SITE.id or not viewing.is_own(collection) or stored.creator_id in (0, tx.actor.id):
        return prepared
    if stored.schedule_tag:  # with people in it, it is a meeting's rules that hold (MTG-12, MTG-16)
        return prepared
    old = icalendar.load(writing.body_of(tx, stored)).calendar
    new = icalendar.load(prepared.body).calendar
    merged = render(_merged(old, new))
    if not _is_status_only(old, new):
        raise StatusOnly(merged)
    return calendar.prepare(merged)


def _merged(old: Component, new: Component) -> Component:
    """The stored task with the progress and the alarms of the new one."""
    found = itip.clone(old)
    fresh = {itip.instance(each): each for each in itip.parts(new)}
    for each in itip.parts(found):
        given = fresh.pop(itip.instance(each), None)
        if given is None:
            continue
        each.properties = [prop for prop in each.properties if not _is_his(prop.name)]
        each.properties += itip.copies(prop for prop in given.properties if _is_his(prop.name))
        each.components = [inner for inner in each.components if inner.name != "VALARM"]
        each.components += [itip.clone(inner) for inner in given.of("VALARM")]
    found.components += [itip.clone(each) for each in fresh.values() if _is_one_of(old, new, each)]
    return found


def _is_his(name: str) -> bool:
    return name in _PROGRESS or _OWN.fullmatch(name) is not None


def _is_status_only(old: Component, new: Component) -> bool:
    before = {itip.instance(each): each for each in itip.parts(old)}
    after = {itip.instance(each): each for each in itip.parts(new)}
    if before.keys() - after.keys():
        return False
    for key, each in after.items():
        if key not in before:
            if not _is_one_of(old, new, each):
                return False
            continue
        known = before[key]
        if timing.exceptions(old, known) != timing.exceptions(new, each) or not timing.same(old, known, new, each):
            return False
        if _facts(known) != _facts(each):
            return False
    return True


def _is_one_of(old: Component, new: Component, part: Component) -> bool:
    """Whether a component is an instance of the series as it was, which he has made to tick it off alone."""
    master = itip.parts(old)[0]
    if not itip.instance(part) or itip.instance(master):
        return False
    zones = Component("VCALENDAR", [], [*old.of("VTIMEZONE"), *new.of("VTIMEZONE")])
    return _facts(master) == _facts(part) and instances.Whole.alone(zones, master).plain(part)


def _facts(part: Component) -> bytes:
    """All that he may not change but the times, whatever technical properties his program writes beside it."""
    kept = [
        prop
        for prop in part.properties
        if prop.name not in _TIMES | {"RECURRENCE-ID"} and not _is_his(prop.name) and not prop.name.startswith("X-")
    ]
    inner = [each for each in part.components if each.name != "VALARM"]
    return calendar_views.comparable(render(Component("VCALENDAR", [], [Component(part.name, kept, inner)])))
