"""ATTACH properties with a MANAGED-ID: found, added, exchanged and taken away in calendar objects (RFC 8607 §3, §4)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from storage.attachments.errors import UnknownInstance, UnknownManagedId
from storage.formats import instances, itip
from storage.formats.contentline import Component, Property

MANAGED_ID: Final = "MANAGED-ID"
MASTER: Final = "M"
MAX_INSTANCES: Final = 100
"""Instances that one request may name: each may become a component of its own."""
_INSTANCE: Final = re.compile(r"\d{8}(?:T\d{6}Z?)?", re.ASCII)


def attached(component: Component) -> list[Property]:
    """Its managed ATTACH properties."""
    return [prop for prop in component.properties if prop.name == "ATTACH" and prop.param(MANAGED_ID)]


def identifier(prop: Property) -> str:
    """The MANAGED-ID of an ATTACH property, "" if it is not managed."""
    return prop.param(MANAGED_ID) or ""


def ids(calendar: Component) -> tuple[str, ...]:
    """Every MANAGED-ID in any of its components, each once."""
    found = (identifier(prop) for each in calendar.components for prop in attached(each))
    return tuple(dict.fromkeys(found))


def alike(old: Component, new: Component) -> bool:
    """Whether every instance of `new` has the attachments that `old` gave it, or its series (§3.12.2)."""
    before = by_instance(old)
    return all(found == before.get(key, before.get("", set())) for key, found in by_instance(new).items())


def by_instance(calendar: Component) -> dict[str, set[str]]:
    """The MANAGED-IDs of each instance, by its RECURRENCE-ID."""
    return {itip.instance(each): {identifier(prop) for prop in attached(each)} for each in itip.parts(calendar)}


def attach(managed_id: str, uri: str, *, size: int, media_type: str, name: str) -> Property:
    """An ATTACH property (§4); `size` in octets, `name` without control characters."""
    params = [(MANAGED_ID, [managed_id]), ("FMTTYPE", [media_type.partition(";")[0].strip()]), ("SIZE", [str(size)])]
    return Property("ATTACH", uri, [*params, ("FILENAME", [name])] if name else params)


def targets(calendar: Component, rids: Sequence[str]) -> list[Component]:
    """The components that `rid` values speak of; all if there are none (§3.3.2).

    An instance that has no component of its own gets one.

    Raises:
        UnknownInstance: one is no instance, is named twice, or there are too many.
    """
    parts = itip.parts(calendar)
    if not rids:
        return parts
    wanted = [rid.upper() for rid in rids]
    if len(wanted) > MAX_INSTANCES or len({*wanted}) < len(wanted):
        raise UnknownInstance("each instance is named once, and not too many of them")
    return [_target(calendar, rid) for rid in wanted]


def add(components: Iterable[Component], prop: Property) -> None:
    """Give each of the components the attachment."""
    for each in components:
        each.properties += itip.copies([prop])


def exchange(calendar: Component, managed_id: str, prop: Property) -> None:
    """Put `prop` where the attachment of that MANAGED-ID is, in all instances (§3.5).

    Raises:
        UnknownManagedId: it is in none.
    """
    found = False
    for each in itip.parts(calendar):
        for at, known in enumerate(each.properties):
            if known.name == "ATTACH" and identifier(known) == managed_id:
                each.properties[at : at + 1] = itip.copies([prop])
                found = True
    if not found:
        raise UnknownManagedId("there is no such attachment")


def remove(components: Sequence[Component], managed_id: str, *, everywhere: bool) -> None:
    """Take the attachment away from the components (§3.6); `everywhere` asks no more than that one has it.

    Raises:
        UnknownManagedId: none of them has it, or one has not.
    """
    has = [any(identifier(prop) == managed_id for prop in attached(each)) for each in components]
    if not (any(has) if everywhere else all(has)):
        raise UnknownManagedId("there is no such attachment")
    for each in components:
        each.properties = [p for p in each.properties if p.name != "ATTACH" or identifier(p) != managed_id]


def unmanage(calendar: Component, unknown: Collection[str]) -> None:
    """Leave of these attachments only the links (§3.12.7)."""
    for each in calendar.components:
        for prop in attached(each):
            if identifier(prop) in unknown:
                prop.params = [pair for pair in prop.params if pair[0] != MANAGED_ID]


def _target(calendar: Component, rid: str) -> Component:
    parts = itip.parts(calendar)
    known = {itip.instance(each): each for each in parts}
    master = known.get("")
    if rid == MASTER:
        if master is None:
            raise UnknownInstance("the series itself is not known here")
        return master
    if not _INSTANCE.fullmatch(rid):
        raise UnknownInstance("an instance is named by its RECURRENCE-ID, or is M")
    if rid in known:
        return known[rid]
    start = master.get("DTSTART") if master is not None else None
    if master is None or start is None or not (master.get("RRULE") or master.get("RDATE")):
        raise UnknownInstance("there is no such instance")
    params = [pair for pair in start.params if pair[0] in ("TZID", "VALUE")]
    same_form = rid.endswith("Z") == start.value.strip().upper().endswith("Z")
    # §3.3.2: "without any conversion to UTC"
    made = instances.override(calendar, master, Property("RECURRENCE-ID", rid, params)) if same_form else None
    if made is None:
        raise UnknownInstance("there is no such instance")
    calendar.components.append(made)
    return made
