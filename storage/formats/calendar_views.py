"""What different viewers see of one calendar object: busy stubs, shared bodies, their own alarms and colours.

All of it is computed when the object is written, except the insertion of a viewer's own parts, which is textual.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple, Self

from storage.formats.contentline import Component, Property, parse, render
from storage.formats.icalendar import PRODID, CalendarObject, class_of

# --- busy stubs (CAL-07) -----------------------------------------------------------------------------------------

_STUB_UID: Final = re.compile(rb"(\nUID:)([0-9a-f]{40})(?=@busy\r\n)")
_TIMES: Final = ("DTSTAMP", "RECURRENCE-ID", "DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "EXRULE")
_TIME_PARAMS: Final = frozenset({"TZID", "VALUE", "RANGE"})
_ZONE_PROPERTIES: Final = frozenset(
    {"TZID", "LAST-MODIFIED", "DTSTART", "TZOFFSETFROM", "TZOFFSETTO", "TZNAME", "RRULE", "RDATE"}
)


def busy_stub(obj: CalendarObject, salt: bytes = b"") -> bytes | None:
    """Times without details for those who may know when but not what (CAL-07); None if there is no busy time.

    `salt` is the store's secret: with it nobody can tell whether a stub belongs to a UID that he knows.
    """
    if obj.component != "VEVENT" or obj.klass == "PRIVATE":
        return None
    hidden = [each for each in obj.overrides if _hidden(each)]
    if any((each.get("RECURRENCE-ID") or each.properties[0]).param("RANGE") for each in hidden):
        return None  # hidden from some instance on: no EXDATE says that, and too little is shown rather than too much
    master = obj.master
    if master is not None and _hidden(master):
        master = None
    shown = ([master] if master is not None else []) + [each for each in obj.overrides if not _hidden(each)]
    if not shown:
        return None
    uid = hashlib.sha256(salt + b"\0" + obj.uid.encode("utf-8")).hexdigest()[:40] + "@busy"
    events = [_busy(each, uid) for each in shown]
    if master is not None:
        # An instance that became private or was cancelled is no busy time either (ACL-24).
        gone = [prop for each in hidden for prop in each.all("RECURRENCE-ID")]
        events[0].properties[-1:-1] = [Property("EXDATE", p.value.strip(), _time_params(p)) for p in gone]
    zones = {zone for event in events for prop in event.properties for zone in prop.params_of("TZID")}
    pieces = [_STUB_HEAD]
    pieces += [
        _bare_zone(_frozen(each))
        for each in obj.calendar.components
        if zones and each.name == "VTIMEZONE" and each.value("TZID").strip() in zones
    ]
    pieces += map(render, events)
    pieces.append(b"END:VCALENDAR\r\n")
    return b"".join(pieces)


def sealed(stub: bytes, secret: bytes) -> bytes:
    """The stub under a UID that only who knows the store's secret could compute from the event's own."""
    return _STUB_UID.sub(lambda found: found[1] + hmac.digest(secret, found[2], "sha256").hex()[:40].encode(), stub)


def _hidden(component: Component) -> bool:
    return class_of(component) == "PRIVATE" or component.value("STATUS").strip().upper() == "CANCELLED"


def _busy(component: Component, uid: str) -> Component:
    event = Component("VEVENT", [Property("UID", uid)])
    for name in _TIMES:
        event.properties += [Property(name, prop.value.strip(), _time_params(prop)) for prop in component.all(name)]
    if component.value("TRANSP").strip().upper() == "TRANSPARENT":
        event.properties.append(Property("TRANSP", "TRANSPARENT"))
    event.properties.append(Property("SUMMARY", "Busy"))
    return event


def _time_params(prop: Property) -> list[tuple[str, list[str]]]:
    return [(name, list(values)) for name, values in prop.params if name in _TIME_PARAMS]


_STUB_HEAD: Final = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:{PRODID}\r\n".encode("ascii")


class _Frozen(NamedTuple):
    """A part of a VTIMEZONE without comments and private properties."""

    name: str
    properties: tuple[tuple[str, str], ...]
    inner: tuple[_Frozen, ...]


def _frozen(zone: Component) -> _Frozen:
    return _Frozen(
        zone.name,
        tuple((prop.name, prop.value) for prop in zone.properties if prop.name in _ZONE_PROPERTIES),
        tuple(_frozen(inner) for inner in zone.components if inner.name in ("STANDARD", "DAYLIGHT")),
    )


@lru_cache(maxsize=256)
def _bare_zone(zone: _Frozen) -> bytes:
    """Its text; a client sends the same few zones with every event."""
    return render(_thawed(zone))


def _thawed(zone: _Frozen) -> Component:
    properties = [Property(name, value) for name, value in zone.properties]
    return Component(zone.name, properties, list(map(_thawed, zone.inner)))


# --- a viewer's own parts (SYS-08, CAL-05, CAL-15, REM-09) -------------------------------------------------------

_OWN: Final = re.compile(
    rb"^(?:COLOR|X-MOZ-LASTACK|X-MOZ-SNOOZE-TIME[A-Z0-9-]*)[:;][^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*",
    re.IGNORECASE | re.MULTILINE,
)
_OWN_SIGNS: Final = (b"\nCOLOR", b"\nX-MOZ-LASTACK", b"\nX-MOZ-SNOOZE-TIME")
_BEGIN_ALARM: Final = b"\nBEGIN:VALARM\r\n"
_END_ALARM: Final = b"\nEND:VALARM\r\n"
_INSTANCE: Final = re.compile(rb'^RECURRENCE-ID(?:;(?:"[^"]*"|[^":])*)?:([^\r\n]*)\r\n', re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ViewerParts:
    """Content lines by instance: the raw value of RECURRENCE-ID, "" for the master."""

    lines: Mapping[str, str]

    def dumps(self) -> str:
        return json.dumps(dict(self.lines), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def loads(cls, text: str) -> Self:
        return cls(json.loads(text))


def split_viewer(obj: CalendarObject) -> tuple[bytes, ViewerParts | None]:
    """Take alarms, their acknowledgements and COLOR out of an object: what all share, and what is the writer's.

    None if there is nothing of the kind; then the first value is the body itself.
    """
    body = obj.body
    found: dict[str, str] = {}
    shared: list[bytes] = []
    at = 0
    for begin, end in _insides(body):
        rest, own = _without_own(body[begin:end])
        found[_instance(rest)] = own.decode("utf-8")
        shared += [body[at:begin], rest]
        at = end
    if not any(found.values()):
        return body, None
    shared.append(body[at:])
    return b"".join(shared), ViewerParts(found)


def merge_viewer(shared: bytes, parts: ViewerParts) -> bytes:
    """Put a viewer's parts into the shared body, without parsing it.

    An instance that the parts do not know, because somebody else moved it meanwhile, has those of the series.
    """
    lines = parts.lines
    series = lines.get("", "")
    pieces: list[bytes] = []
    at = 0
    for begin, end in _insides(shared):
        own = lines.get(_instance(shared[begin:end]), series)
        where = _properties_end(shared, begin, end)
        pieces += [shared[at:where], own.encode("utf-8")]
        at = where
    pieces.append(shared[at:])
    return b"".join(pieces)


def _insides(body: bytes) -> list[tuple[int, int]]:
    """Where the insides of the events (to-dos, journals) begin and end; stored bodies have such markers only."""
    found: list[tuple[int, int]] = []
    for name in (b"VEVENT", b"VTODO", b"VJOURNAL"):
        mark = b"\nBEGIN:%b\r\n" % name
        at = body.find(mark)
        while at >= 0:
            begin = at + len(mark)
            end = body.find(b"\nEND:%b\r\n" % name, begin - 1) + 1
            found.append((begin, end or len(body)))
            at = body.find(mark, end) if end else -1
    return found


def _properties_end(body: bytes, begin: int, end: int) -> int:
    """Where the properties of a component end: at the first inner component, or with it."""
    nested = body.find(b"\nBEGIN:", begin - 1, end)
    return nested + 1 if nested >= 0 else end


def _without_own(inside: bytes) -> tuple[bytes, bytes]:
    """The inside of a component without its viewer's lines, and these lines."""
    rest = b"\n" + inside  # every line now follows a line feed
    alarms: list[bytes] = []
    others: list[bytes] = []
    kept = 0
    at = rest.find(_BEGIN_ALARM)
    while at >= 0:
        end = rest.find(_END_ALARM, at)
        if end < 0:
            break
        end += len(_END_ALARM)
        alarms.append(rest[at + 1 : end])
        others.append(rest[kept : at + 1])
        kept = end
        at = rest.find(_BEGIN_ALARM, end - 1)  # its last line feed may be before the next one
    rest = b"".join(others) + rest[kept:] if others else rest
    own = b""
    upper = rest.upper()
    if any(sign in upper for sign in _OWN_SIGNS):
        end = _properties_end(rest, 1, len(rest))
        own = b"".join(_OWN.findall(rest, 1, end))
        rest = b"\n" + _OWN.sub(b"", rest[1:end]) + rest[end:]
    return rest[1:], own + b"".join(alarms)


def _instance(inside: bytes) -> str:
    """The key of a component's parts."""
    if b"RECURRENCE-ID" not in inside and b"RECURRENCE-ID" not in inside.upper():
        return ""
    found = _INSTANCE.search(inside.replace(b"\r\n ", b"").replace(b"\r\n\t", b""))
    return found[1].strip().upper().decode("utf-8") if found else ""


# --- has anything been changed? (SYS-08) -------------------------------------------------------------------------

_STAMPS: Final = frozenset(
    {"DTSTAMP", "LAST-MODIFIED", "CREATED", "SEQUENCE", "PRODID", "X-MOZ-GENERATION", "X-LIC-ERROR"}
)
_DEFAULTS: Final = frozenset({("TRANSP", "OPAQUE"), ("CLASS", "PUBLIC"), ("PRIORITY", "0"), ("STATUS", "")})


def comparable(shared: bytes) -> bytes:
    """A form of a shared body that stays the same when a client only reads and writes it.

    Clients renew stamps, spell defaults out, and order properties and write time zones in their own way.
    """
    (calendar,) = parse(shared)
    return render(_settled(calendar))


def _settled(component: Component) -> Component:
    properties = [
        Property(prop.name, prop.value.strip(), sorted((name, sorted(values)) for name, values in prop.params))
        for prop in component.properties
        if prop.name not in _STAMPS and (prop.name, prop.value.strip().upper()) not in _DEFAULTS
    ]
    inner = [_settled(each) for each in component.components if each.name != "VTIMEZONE"]
    return Component(
        component.name,
        sorted(properties, key=lambda prop: (prop.name, prop.value, prop.params)),
        sorted(inner, key=render),
    )
