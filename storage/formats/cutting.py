"""A series cut in two: what happens before an instance, and what happens from it on (RFC 5545 §3.3.10, §3.8.5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, tzinfo
from typing import Final

from storage.errors import BadFormat, TooManyInstances
from storage.formats import instances, itip, timezones
from storage.formats.contentline import Component, Property
from storage.formats.datetimes import DAY, datetime_of, instant, read_moment
from storage.formats.series import Series

_MOST: Final = 10_000
_ENDS: Final = ("COUNT=", "UNTIL=")
_LOST: Final = ("RRULE", "EXDATE", "RDATE")


def cut(calendar: Component, recurrence_id: Property, uid: str) -> tuple[Component, Component] | None:
    """The series before the instance that a RECURRENCE-ID names, and the series of UID `uid` that begins with it.

    None if there is no such instance, if it is the first one, or if the series cannot be cut there.
    """
    master = next((each for each in itip.parts(calendar) if each.get("RECURRENCE-ID") is None), None)
    if master is None or len(master.all("RRULE")) > 1 or _ranges(calendar):
        return None
    bare, zones = Component("VCALENDAR", [], [*calendar.of("VTIMEZONE"), master]), _by_name(calendar)
    made = instances.override(bare, master, recurrence_id)
    head = before(calendar, recurrence_id)
    if made is None or head is None:
        return None
    try:
        at = _at(zones, recurrence_id.value, recurrence_id)
        gone = _passed(bare, master, at)
    except (BadFormat, TooManyInstances):
        return None
    tail = itip.clone(calendar)
    first = next(each for each in itip.parts(tail) if each.get("RECURRENCE-ID") is None)
    times = {prop.name for prop in made.properties} & {"DTSTART", "DURATION"} | {"DTEND", "DUE"}
    first.properties = [prop for prop in first.properties if prop.name not in times]
    first.properties += [prop for prop in made.properties if prop.name in ("DTSTART", "DURATION")]
    for rule in first.all("RRULE"):
        rule.value = ";".join(_left(part, gone) for part in rule.value.split(";"))
    _keep(calendar, first, lambda moment: moment >= at, without=at)
    tail.components = [each for each in tail.components if each.name == "VTIMEZONE" or _since(zones, each, at)]
    for each in itip.parts(tail):
        itip.set_value(each, "UID", uid)
        itip.set_value(each, "SEQUENCE", "0")
    first.properties.append(Property("RELATED-TO", master.value("UID").strip(), [("RELTYPE", ["SIBLING"])]))
    return head, tail


def before(calendar: Component, recurrence_id: Property) -> Component | None:
    """The series without an instance and all later ones; None if nothing is left, or it cannot be told."""
    head, zones = itip.clone(calendar), _by_name(calendar)
    master = next((each for each in itip.parts(head) if each.get("RECURRENCE-ID") is None), None)
    start = master.get("DTSTART") if master is not None else None
    if master is None or start is None:
        return None
    try:
        at = _at(zones, recurrence_id.value, recurrence_id)
        begin = _at(zones, start.value, start)
        head.components = [
            each
            for each in head.components
            if each.name == "VTIMEZONE" or each is master or not _since(zones, each, at)
        ]
        _keep(calendar, master, lambda moment: moment < at)
    except BadFormat:
        return None
    if begin >= at:
        return None
    for rule in master.all("RRULE"):
        parts = [part for part in rule.value.split(";") if not part.strip().upper().startswith(_ENDS)]
        rule.value = ";".join([*parts, f"UNTIL={_until(calendar, start, recurrence_id)}"])
    return head


def shortened(old: Component, new: Component) -> bool:
    """Whether all that happened to a series (of one component each) is that instances went."""
    facts = [{name: values for name, values in itip.facts(one) if name not in _LOST} for one in (old, new)]
    was, now = (dict(itip.facts(one)) for one in (old, new))
    if facts[0] != facts[1] or _zones(old) != _zones(new) or not {*was.get("EXDATE", [])} <= {*now.get("EXDATE", [])}:
        return False
    if not {*now.get("RDATE", [])} <= {*was.get("RDATE", [])} or _rule(was) != _rule(now):
        return False
    try:
        return Series.of(new).span[1] <= Series.of(old).span[1]
    except (BadFormat, TooManyInstances):
        return False


def _zones(calendar: Component) -> list[str | None]:
    first = itip.parts(calendar)[0]
    return [prop.param("TZID") for name in ("DTSTART", "DTEND", "DUE") for prop in first.all(name)]


def _rule(facts: dict[str, list[str]]) -> list[str]:
    return [";".join(part for part in rule.split(";") if not part.startswith(_ENDS)) for rule in facts.get("RRULE", [])]


def _ranges(calendar: Component) -> bool:
    return any((prop := each.get("RECURRENCE-ID")) is not None and prop.param("RANGE") for each in itip.parts(calendar))


def _by_name(calendar: Component) -> dict[str, Component]:
    return {each.value("TZID").strip(): each for each in calendar.of("VTIMEZONE")}


def _zone(zones: Mapping[str, Component], prop: Property) -> tzinfo | None:
    tzid = prop.param("TZID")
    return timezones.resolve(tzid, zones) if tzid is not None else None


def _at(zones: Mapping[str, Component], value: str, prop: Property) -> int:
    """UTC seconds of one value of a property; of a period its start; floating times as if they were UTC."""
    moment = read_moment(value.partition("/")[0].strip(), prop.line)
    zone = None if moment.is_utc else _zone(zones, prop)
    return moment.wall if zone is None else instant(moment.wall, zone)


def _since(zones: Mapping[str, Component], component: Component, at: int) -> bool:
    prop = component.get("RECURRENCE-ID")
    return prop is None or _at(zones, prop.value, prop) >= at


def _keep(calendar: Component, master: Component, wanted: Callable[[int], bool], without: int | None = None) -> None:
    """Leave those values of EXDATE and RDATE that are `wanted`."""
    zones = _by_name(calendar)
    kept: list[Property] = []
    for prop in master.properties:
        if prop.name in ("EXDATE", "RDATE"):
            values = [(value, _at(zones, value, prop)) for value in prop.value.split(",") if value.strip()]
            left = [value for value, moment in values if wanted(moment) and moment != without]
            prop.value = ",".join(left)
            if not left:
                continue
        kept.append(prop)
    master.properties = kept


def _passed(bare: Component, master: Component, at: int) -> int:
    """How many instances the rule alone made before `at`: COUNT counts them, exceptions too (RFC 5545 §3.3.10)."""
    if not any("COUNT=" in rule.value.upper() for rule in master.all("RRULE")):
        return 0
    plain = itip.clone(bare)
    for each in itip.parts(plain):
        each.properties = [prop for prop in each.properties if prop.name not in ("EXDATE", "RDATE")]
    series = Series.of(plain)
    return sum(one.start < at for one in series.instances(series.span[0], at, UTC, _MOST))


def _left(part: str, gone: int) -> str:
    name, _, value = part.strip().partition("=")
    return f"COUNT={max(1, int(value) - gone)}" if name.upper() == "COUNT" and value.strip().isdecimal() else part


def _until(calendar: Component, start: Property, recurrence_id: Property) -> str:
    """The last moment before an instance, in the form of DTSTART (RFC 5545 §3.3.10)."""
    moment, zones = read_moment(recurrence_id.value.strip(), recurrence_id.line), _by_name(calendar)
    first = read_moment(start.value.strip(), start.line)
    if first.is_date:
        return f"{datetime_of(moment.wall - DAY):%Y%m%d}"
    floating = not first.is_utc and _zone(zones, start) is None
    return (
        f"{datetime_of(_at(zones, recurrence_id.value, recurrence_id) - 1):%Y%m%dT%H%M%S}{'' if floating else 'Z'}"
    )
