"""One storable calendar object: what RFC 4791 §4.1 lets a calendar hold, checked, understood and kept as it came.

The octets of the client are what is stored, unless they are slightly broken: then they are written anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Final

from storage.errors import BadFormat, BadObject, OutOfRange, TooManyAttendees
from storage.formats import vcalendar1
from storage.formats.contentline import Component, Property, parse, render, unescape_text
from storage.formats.series import Series

PRODID: Final = "-//Escritoire//Escritoire//EN"
STORABLE: Final = ("VEVENT", "VTODO", "VJOURNAL")
MAX_ATTENDEES: Final = 10_000
"""Of one instance (CALDAV:max-attendees-per-instance, RFC 4791 §5.2.9)."""
MAX_UID_OCTETS: Final = 1_024
_VIEWERS: Final = re.compile(rb"\n(?:BEGIN:VALARM\r|COLOR[:;]|X-MOZ-LASTACK[:;]|X-MOZ-SNOOZE-TIME)", re.IGNORECASE)
_BEYOND: Final = re.compile(r"(?:-\d+|\d{5,}|0000)-?\d\d-?\d\d(?:[Tt].*)?")
"""A date that is well made but for its year."""


@dataclass(slots=False)
class CalendarObject:
    """One object; `components` are its events (or to-dos, or journals), the master first where there is one."""

    body: bytes
    """What is stored: the client's octets, or their repair."""
    calendar: Component
    component: str
    """VEVENT, VTODO or VJOURNAL."""
    uid: str
    components: list[Component]
    known_series: Series | None = field(default=None, repr=False)

    @cached_property
    def series(self) -> Series:
        """When it happens; computed on first use where it was not handed over."""
        return self.known_series or Series.of(self.calendar)

    @property
    def master(self) -> Component | None:
        """The component without RECURRENCE-ID; None where only overridden instances are known (§4.1)."""
        first = self.components[0]
        return first if first.get("RECURRENCE-ID") is None else None

    @property
    def overrides(self) -> list[Component]:
        """The overridden instances, in the order they came."""
        return self.components[1:] if self.master is not None else self.components

    @property
    def summary(self) -> str:
        """SUMMARY as people read it, "" if there is none."""
        return unescape_text(self.components[0].value("SUMMARY"))

    @property
    def organizer(self) -> str:
        """The first ORGANIZER's calendar user address, "" if nobody organises."""
        return next((found for each in self.components if (found := each.value("ORGANIZER").strip())), "")

    @property
    def attendees(self) -> int:
        """How many attendees its largest instance has."""
        return max(sum(prop.name == "ATTENDEE" for prop in each.properties) for each in self.components)

    @property
    def status(self) -> str:
        return self.components[0].value("STATUS").strip().upper()

    @property
    def transparent(self) -> bool:
        """The series as a whole takes no time (RFC 5545 §3.8.2.7)."""
        return self.components[0].value("TRANSP").strip().upper() == "TRANSPARENT"

    @property
    def klass(self) -> str:
        """PUBLIC, CONFIDENTIAL or PRIVATE, for the object as a whole (CAL-06, ACL-24).

        A private or confidential instance of a public series makes the object confidential: who may see details
        of the series must not read those of that instance, and there is one body for both.
        """
        classes = [class_of(each) for each in self.components]
        if classes[0] == "PRIVATE" and (self.master is not None or set(classes) == {"PRIVATE"}):
            return "PRIVATE"
        return "PUBLIC" if set(classes) == {"PUBLIC"} else "CONFIDENTIAL"

    @property
    def has_alarms(self) -> bool:
        return any(inner.name == "VALARM" for each in self.components for inner in each.components)

    @property
    def has_viewer_parts(self) -> bool:
        """It may hold what belongs to its viewer (SYS-08); a split tells for certain."""
        return _VIEWERS.search(self.body) is not None


def class_of(component: Component) -> str:
    """PUBLIC, CONFIDENTIAL or PRIVATE; what we do not know is private (RFC 5545 §3.8.1.3)."""
    prop = component.get("CLASS")
    if prop is None:
        return "PUBLIC"
    value = prop.value.strip().upper() or "PUBLIC"
    return value if value in ("PUBLIC", "CONFIDENTIAL") else "PRIVATE"


def read(data: bytes) -> CalendarObject:
    """Check and understand one object that a client wants stored; vCalendar 1.0 is translated (CAL-28).

    Raises:
        BadFormat: not iCalendar, or a date, duration or rule that nobody can understand; its line is named.
        BadObject: not one storable object (RFC 4791 §4.1).
        TooManyAttendees: more than `MAX_ATTENDEES` in one instance.
        TooManyInstances: a rule whose end takes too long to find.
        OutOfRange: a date before the year 1 or after 9999.
    """
    calendar = one_calendar(parse(data))
    if calendar.value("VERSION").strip() == "1.0":
        return understand(vcalendar1.upgrade(calendar))
    return understand(calendar, data)


def understand(calendar: Component, data: bytes | None = None) -> CalendarObject:
    """Do the same with a parsed object; `data` is what it was parsed from, if that may be stored as it is.

    Raises:
        BadFormat, BadObject, TooManyAttendees, TooManyInstances, OutOfRange: as `read`.
    """
    components = _check(calendar)
    emptied = _without_empty_rules(components)
    try:
        series = Series.of(calendar)
    except BadFormat as error:
        raise _explained(error, calendar) from None
    missing = _complete(calendar, components)
    if data is None or emptied or missing or not _kept(data, calendar, components):
        data = render(calendar)
    return CalendarObject(data, calendar, components[0].name, components[0].value("UID").strip(), components, series)


def load(body: bytes, series: Series | None = None) -> CalendarObject:
    """Read back a body that `read` has checked once; `series` saves computing it."""
    calendar = one_calendar(parse(body))
    components = _ordered(_storable(calendar))
    return CalendarObject(body, calendar, components[0].name, components[0].value("UID").strip(), components, series)


def one_calendar(found: list[Component]) -> Component:
    """The one VCALENDAR of a stream.

    Raises:
        BadObject: none, several, or something else.
    """
    if not found:
        raise BadObject("no calendar object: the body is empty")
    for each in found:
        if each.name != "VCALENDAR":
            raise BadObject(f"line {each.line}: BEGIN:{each.name[:40]} where BEGIN:VCALENDAR was expected")
    if len(found) > 1:
        raise BadObject(f"line {found[1].line}: a second VCALENDAR; one resource is one calendar object")
    return found[0]


def _storable(calendar: Component) -> list[Component]:
    return [each for each in calendar.components if each.name in STORABLE]


def _ordered(components: list[Component]) -> list[Component]:
    """The master first."""
    if len(components) > 1:
        return sorted(components, key=lambda each: each.get("RECURRENCE-ID") is not None)
    return components


def _check(calendar: Component) -> list[Component]:
    """The object's components, after all that RFC 4791 §4.1 demands of them."""
    if (method := calendar.get("METHOD")) is not None:
        raise BadObject(f"line {method.line}: METHOD:{method.value[:40]} is for messages, not for calendars")
    for each in calendar.components:
        if each.name not in STORABLE and each.name != "VTIMEZONE" and not each.name.startswith("X-"):
            raise BadObject(f"line {each.line}: {each.name[:40]} components cannot be stored in a calendar")
    components = _storable(calendar)
    if not components:
        raise BadObject("no VEVENT, VTODO or VJOURNAL in it")
    kind = components[0].name
    uid = ""
    seen: dict[str, int] = {}
    for each in components:
        if each.name != kind:
            raise BadObject(f"line {each.line}: a {each.name} beside a {kind}; one resource holds one kind")
        for inner in _inner(each):
            if inner.name in STORABLE:  # RFC 5545 §3.6: they lie beside each other, never in each other
                raise BadObject(f"line {inner.line}: a {inner.name} inside a {kind}")
        own = _check_component(each)
        if uid and own != uid:
            raise BadObject(f"line {each.line}: a second UID, {own[:60]!r} beside {uid[:60]!r}")
        uid = own
        instance = each.value("RECURRENCE-ID").strip()
        if instance in seen:
            what = f"instance {instance[:40]}" if instance else f"{kind} without RECURRENCE-ID"
            raise BadObject(f"line {each.line}: a second {what}, the first began at line {seen[instance]}")
        seen[instance] = each.line
    return _ordered(components)


_ONCE: Final = frozenset({"UID", "RECURRENCE-ID", "DTSTART", "DTEND", "DUE", "DURATION", "ORGANIZER"})
"""RFC 5545 §3.6: "MUST NOT occur more than once"; of these, two readers would choose differently."""


def _check_component(component: Component) -> str:
    """The UID of a component that has all it must have."""
    names: dict[str, Property] = {}
    attendees = 0
    for prop in component.properties:
        if prop.name == "ATTENDEE":
            attendees += 1
        elif (first := names.setdefault(prop.name, prop)) is not prop and prop.name in _ONCE and first != prop:
            raise BadFormat(f"a second {prop.name} that says something else", prop.line)
    if attendees > MAX_ATTENDEES:
        raise TooManyAttendees(MAX_ATTENDEES)
    uid = names["UID"].value.strip() if "UID" in names else ""
    if not uid:
        raise BadObject(f"line {component.line}: this {component.name} has no UID")
    if len(uid.encode("utf-8", "replace")) > MAX_UID_OCTETS:
        raise BadObject(f"line {names['UID'].line}: a UID of more than {MAX_UID_OCTETS} octets")
    if "DTSTART" not in names and component.name == "VEVENT":
        raise BadFormat("this VEVENT has no DTSTART", component.line)  # RFC 5545 §3.6.1: there is no METHOD
    return uid


def _without_empty_rules(components: list[Component]) -> bool:
    """Take away rules that say nothing, as Fantastical 3.7 writes them; say whether there were any."""
    found = False
    for each in components:
        kept = [prop for prop in each.properties if prop.name not in ("RRULE", "EXRULE") or prop.value.strip()]
        if len(kept) < len(each.properties):
            each.properties, found = kept, True
    return found


def _explained(error: BadFormat, calendar: Component) -> BadFormat | OutOfRange:
    """The same refusal, or `OutOfRange` where only the year is at fault (RFC 4791 §5.2.6)."""
    if error.line:
        for prop in _all_properties(calendar):
            beyond = [found[0] for v in prop.value.split(",") if (found := _BEYOND.fullmatch(v.strip())) is not None]
            if prop.line == error.line and beyond:
                early = beyond[0].startswith(("-", "0000"))
                return OutOfRange(f"line {error.line}: {prop.name} lies outside the years 1 to 9999", early=early)
    return error


def _all_properties(component: Component) -> Iterator[Property]:
    yield from component.properties
    for inner in component.components:
        yield from _all_properties(inner)


def _complete(calendar: Component, components: list[Component]) -> bool:
    """Add what is required and can be made up; say whether anything was missing."""
    missing = False
    for name, value in (("PRODID", PRODID), ("VERSION", "2.0")):
        prop = calendar.get(name)
        if prop is None or not prop.value.strip():
            if prop is not None:
                calendar.properties.remove(prop)
            calendar.properties.insert(0, Property(name, value))
            missing = True
    for each in components:
        if not each.value("DTSTAMP").strip():
            each.properties = [prop for prop in each.properties if prop.name != "DTSTAMP"]
            stamp = each.value("LAST-MODIFIED") or each.value("CREATED")
            if not re.fullmatch(r"\d{8}T\d{6}Z", stamp):
                stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
            each.properties.insert(0, Property("DTSTAMP", stamp))
            missing = True
    return missing


def _kept(data: bytes, calendar: Component, components: list[Component]) -> bool:
    """Whether the octets can be stored as they are: lines end in CRLF, UTF-8, markers where a scan finds them."""
    breaks = data.count(b"\r\n")
    if data.count(b"\n") != breaks or data.count(b"\r") != breaks or b"\r\n\r\n" in data:
        return False
    if not data.startswith(b"BEGIN:VCALENDAR\r\n") or not data.rstrip().endswith(b"\nEND:VCALENDAR"):
        return False
    if not data.isascii():
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            return False
    names = [each.name for each in _inner(calendar)]
    if data.count(b"\nBEGIN:") != len(names) or data.count(b"\nEND:") != len(names) + 1:
        return False
    for name in {components[0].name, "VALARM"}:
        mark, count = name.encode("ascii"), names.count(name)
        if data.count(b"\nBEGIN:%b\r\n" % mark) != count or data.count(b"\nEND:%b\r\n" % mark) != count:
            return False
    return True


def _inner(component: Component) -> Iterator[Component]:
    for inner in component.components:
        yield inner
        yield from _inner(inner)
