"""Files with many calendar objects: taken apart for import, put together for export (CAL-28, CAL-29).

One bad event does not cost the others: it is reported with its line in the file.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from storage.errors import BadFormat, StorageError
from storage.formats import utf16, vcalendar1, vcalendar1_export
from storage.formats.contentline import Component, Property, escape_text, parse, render, unescape_text
from storage.formats.icalendar import PRODID, STORABLE, understand
from storage.formats.joined_zones import JoinedZones
from storage.formats.timezones import MAX_ZONE_OCTETS

MAX_LINES: Final = 20_000_000
_OUTER: Final = frozenset({*STORABLE, "VTIMEZONE"})
_ENDS: Final = frozenset({"DTEND", "DUE", "DURATION"})
_MOMENTS: Final = frozenset({"DTSTART", "DTEND", "DUE"})
_MIDNIGHT: Final = re.compile(r"([0-9]{8})T240000(Z?)")


@dataclass(frozen=True, slots=True)
class Failure:
    """An object of the file that cannot be stored, and why; the text names the line in the file."""

    uid: str
    line: int
    error: StorageError


@dataclass(slots=True)
class CalendarFile:
    """What is in a file: its calendar's name and colour where it says so, and its objects."""

    name: str = ""
    color: str = ""
    objects: list[tuple[str, bytes]] = field(default_factory=list)
    """UID and body of each, in the order in which the UIDs first occur."""
    failures: list[Failure] = field(default_factory=list)


def split_objects(data: bytes) -> CalendarFile:
    """Take an iCalendar or vCalendar 1.0 file apart, one object per UID with the time zones it needs.

    Objects without a UID get one that depends on their content only, so that a second import finds them again. Of
    several components for the same instance the one with the highest SEQUENCE stays.

    Raises:
        BadFormat: there is no calendar in it.
    """
    found = CalendarFile()
    calendars = list(_calendars(utf16.as_utf8(data), found.failures))
    if not calendars and not found.failures:
        raise BadFormat("no VCALENDAR in this file", 1)
    zones: dict[str, Component] = {}
    groups: dict[str, list[tuple[Component, dict[str, Component]]]] = {}
    for calendar in calendars:
        name = calendar.value("X-WR-CALNAME") or calendar.value("NAME")
        found.name = found.name or unescape_text(name).strip()
        found.color = found.color or calendar.value("X-APPLE-CALENDAR-COLOR").strip()
        if calendar.value("VERSION").strip() == "1.0":
            calendar = _upgraded(calendar, found.failures)
        own: dict[str, Component] = {}
        for each in calendar.of("VTIMEZONE"):
            if _octets(each) <= MAX_ZONE_OCTETS:
                own.setdefault(each.value("TZID").strip(), each)
        for tzid, zone in own.items():
            zones.setdefault(tzid, zone)
        for each in calendar.components:
            if each.name in STORABLE:
                _mend(each)
                groups.setdefault(_uid(each), []).append((each, own))
    order = {tzid: number for number, tzid in enumerate(zones)}
    for uid, members in groups.items():
        whole = Component("VCALENDAR", [Property("VERSION", "2.0"), Property("PRODID", PRODID)])
        kept = _newest([each for each, _ in members])
        needed = {zone for each in kept for zone in _tzids(each)} & zones.keys()
        # A TZID is that of its own VCALENDAR (RFC 5545 §3.2.19); what is not defined there may be in another one.
        homes = [zones, *{id(its): its for _, its in reversed(members)}.values()]
        meant = {tzid: its[tzid] for its in homes for tzid in needed if tzid in its}
        whole.components = [meant[tzid] for tzid in sorted(needed, key=order.__getitem__)] + kept
        try:
            found.objects.append((uid, understand(whole).body))
        except StorageError as error:
            line = getattr(error, "line", 0) or members[0][0].line
            found.failures.append(Failure(uid, line, error))
    return found


def _octets(component: Component) -> int:
    """About how long its text is."""
    own = sum(len(prop.name) + len(prop.value) for prop in component.properties)
    return own + sum(map(_octets, component.components))


def _mend(component: Component) -> None:
    """Take what others write though it says nothing: an end that is empty, and 24 o'clock (RFC 5545 §3.3.12)."""
    component.properties = [one for one in component.properties if one.value.strip() or one.name not in _ENDS]
    for prop in component.properties:
        late = _MIDNIGHT.fullmatch(prop.value.strip()) if prop.name in _MOMENTS else None
        if late is not None:
            with suppress(ValueError, OverflowError):
                prop.value = f"{date.fromisoformat(late[1]) + timedelta(days=1):%Y%m%d}T000000{late[2]}"


def join_objects(bodies: Iterable[bytes], name: str = "", color: str = "", *, poll: str = "") -> bytes:
    """Put stored bodies into one iCalendar file; each time zone is written once.

    `poll` is the duration after which a subscriber may look again, `PT30M` (RFC 7986 §5.7).
    """
    head = Component("VCALENDAR", [Property("VERSION", "2.0"), Property("PRODID", PRODID)])
    if name:
        head.properties.append(Property("X-WR-CALNAME", escape_text(name)))
    if color:
        head.properties.append(Property("X-APPLE-CALENDAR-COLOR", color))
    if poll:
        head.properties.append(Property("REFRESH-INTERVAL", poll, [("VALUE", ["DURATION"])]))
        head.properties.append(Property("X-PUBLISHED-TTL", poll))  # what Outlook asks for
    begin, _, end = render(head).rpartition(b"END:")
    zones = JoinedZones()
    blocks = [block for body in bodies for block in zones.add(body)]
    return b"".join([begin, *zones.blocks(), *blocks, b"END:", end])


def join_as_vcalendar1(bodies: Iterable[bytes]) -> bytes:
    """The same as one vCalendar 1.0 file, with what that format can say (CAL-29)."""
    events = [event for body in bodies for event in vcalendar1_export.downgrade(parse(body)[0])]
    return vcalendar1_export.render(events)


def _calendars(data: bytes, failures: list[Failure]) -> Iterator[Component]:
    try:
        yield from (each for each in parse(data, max_lines=MAX_LINES) if each.name == "VCALENDAR")
    except BadFormat:
        yield from _piecewise(data, failures)


def _piecewise(data: bytes, failures: list[Failure]) -> Iterator[Component]:
    """Read a file that is broken somewhere component by component; each bad one is a failure of its own."""
    lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    calendar = Component("VCALENDAR")
    piece: list[bytes] = []
    begin, inside = 0, b""
    for number, line in enumerate(lines, 1):
        marker = line.strip().upper()
        if not inside and marker.startswith(b"BEGIN:") and marker[6:].decode("latin-1") in _OUTER:
            inside, begin, piece = marker[6:], number, []
        elif inside and marker in (b"BEGIN:VEVENT", b"BEGIN:VTODO", b"BEGIN:VJOURNAL"):
            # The one before was never closed.
            reason = BadFormat(f"BEGIN:{inside.decode('latin-1')} without its END", begin)
            failures.append(Failure("", begin, reason))
            inside, begin, piece = marker[6:], number, []
        if inside:
            piece.append(line)
            if marker == b"END:" + inside:
                _read_piece(b"\n".join(piece), begin, calendar, failures)
                inside = b""
        elif marker.startswith((b"VERSION", b"X-WR-CALNAME", b"X-APPLE-CALENDAR-COLOR")):
            name, _, value = line.strip().decode("utf-8", "replace").partition(":")
            calendar.properties.append(Property(name.partition(";")[0].upper(), value))
    if inside:
        reason = BadFormat(f"BEGIN:{inside.decode('latin-1')} without its END", begin)
        failures.append(Failure("", begin, reason))
    if calendar.components:
        yield calendar


def _read_piece(piece: bytes, begin: int, calendar: Component, failures: list[Failure]) -> None:
    try:
        component = parse(piece, max_lines=MAX_LINES)[0]
    except BadFormat as error:
        line = error.line + begin - 1
        uid = re.search(rb"^UID(?:;[^:\n]*)?:(.*)$", piece, re.MULTILINE | re.IGNORECASE)
        known = uid[1].strip().decode("utf-8", "replace") if uid else ""
        failures.append(Failure(known, line, BadFormat(error.reason, line)))
        return
    _shift(component, begin - 1)
    calendar.components.append(component)


def _shift(component: Component, lines: int) -> None:
    component.line += lines
    for prop in component.properties:
        prop.line += lines
    for inner in component.components:
        _shift(inner, lines)


def _upgraded(calendar: Component, failures: list[Failure]) -> Component:
    """Translate component by component, so that one bad rule does not cost the others."""
    new = Component("VCALENDAR")
    for each in calendar.components:
        try:
            new.components += vcalendar1.upgrade(Component("VCALENDAR", [], [each])).components
        except BadFormat as error:
            failures.append(Failure(each.value("UID").strip(), error.line or each.line, error))
    return new


def _uid(component: Component) -> str:
    """The component's UID; a missing one is made from the content and put in."""
    uid = component.value("UID").strip()
    if uid:
        return uid
    stamps = ("UID", "DTSTAMP", "LAST-MODIFIED", "CREATED", "SEQUENCE")
    content = Component(component.name, [prop for prop in component.properties if prop.name not in stamps])
    uid = hashlib.sha256(render(content)).hexdigest()[:32] + "@import"
    component.properties = [prop for prop in component.properties if prop.name != "UID"]
    component.properties.insert(0, Property("UID", uid))
    return uid


def _newest(components: list[Component]) -> list[Component]:
    newest: dict[tuple[str, str], Component] = {}
    for each in components:
        key = each.name, each.value("RECURRENCE-ID").strip()
        if key not in newest or _sequence(each) >= _sequence(newest[key]):
            newest[key] = each
    return list(newest.values())


def _sequence(component: Component) -> int:
    text = component.value("SEQUENCE").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0


def _tzids(component: Component) -> Iterator[str]:
    for prop in component.properties:
        yield from (value.strip() for value in prop.params_of("TZID"))
    for inner in component.components:
        yield from _tzids(inner)
