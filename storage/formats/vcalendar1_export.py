"""iCalendar components written as vCalendar 1.0, for programs that know nothing newer (CAL-29).

What is lost: journals, time zones (times become UTC; those of a zoned series its local time, which alone keeps its
clock through summer), and the tie between a series and its changed instances, which become events of their own.
"""

from __future__ import annotations

import quopri
from collections.abc import Iterable
from datetime import tzinfo
from itertools import islice
from typing import Final

from storage.errors import BadFormat
from storage.formats import timezones
from storage.formats.contentline import Component, Params, Property, split_value, unescape_text
from storage.formats.datetimes import (
    MAX_WALL,
    Moment,
    instant,
    read_duration,
    read_moment,
    wall_at,
    write_wall,
)
from storage.formats.icalendar import PRODID
from storage.formats.recurrence import Rule
from storage.formats.vcalendar1_rules import downgrade_rule

MAX_LISTED: Final = 500
"""Instances written as RDATE where the old grammar has no rule for them."""
_SAME: Final = frozenset({"UID", "CLASS", "PRIORITY", "SEQUENCE", "URL", "LAST-MODIFIED", "COMPLETED"})
_TEXTS: Final = frozenset({"SUMMARY", "DESCRIPTION", "LOCATION"})
_STATE: Final = {"NEEDS-ACTION": "NEEDS ACTION", "IN-PROCESS": "CONFIRMED", "CANCELLED": "DECLINED"}


def downgrade(calendar: Component) -> list[Component]:
    """The events and to-dos of an object as vCalendar 1.0 knows them; journals have no equal there."""
    zones = {each.value("TZID").strip(): each for each in calendar.components if each.name == "VTIMEZONE"}
    found = [each for each in calendar.components if each.name in ("VEVENT", "VTODO")]
    changed = [prop for each in found for prop in each.all("RECURRENCE-ID")]
    return [_Writer(each, zones, changed).component() for each in found]


def render(components: Iterable[Component]) -> bytes:
    """One vCalendar file: no folding, quoted-printable with soft breaks where a text needs it."""
    lines = [b"BEGIN:VCALENDAR", b"VERSION:1.0", b"PRODID:" + PRODID.encode("ascii")]
    for component in components:
        lines.append(b"BEGIN:" + component.name.encode("ascii"))
        lines += map(_line, component.properties)
        lines.append(b"END:" + component.name.encode("ascii"))
    lines.append(b"END:VCALENDAR")
    return b"\r\n".join(lines) + b"\r\n"


def _line(prop: Property) -> bytes:
    head = prop.name + "".join(f";{name}={','.join(values)}" for name, values in prop.params)
    if prop.value.isascii() and prop.value.isprintable():
        return f"{head}:{prop.value}".encode("ascii")
    encoded = quopri.encodestring(prop.value.replace("\n", "\r\n").encode("utf-8"))
    # Line breaks inside the value are data, those that the codec made are soft.
    encoded = encoded.replace(b"=\n", b"\0").replace(b"\r\n", b"=0D=0A=\r\n").replace(b"\0", b"=\r\n")
    return f"{head};CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:".encode() + encoded


class _Writer:
    """One component on its way."""

    def __init__(self, old: Component, zones: dict[str, Component], changed: list[Property]) -> None:
        self.old = old
        self.zones = zones
        self.changed = changed
        self.recurring = any(prop.name in ("RRULE", "RDATE") for prop in old.properties)
        start = old.get("DTSTART") or old.get("DUE")
        self.zone = self._zone(start) if start is not None else None
        self.start = self._moment(start) if start is not None else None

    def component(self) -> Component:
        new = Component(self.old.name)
        replaced = self.old.get("RECURRENCE-ID")
        for prop in self.old.properties:
            new.properties += self._property(prop)
        if replaced is not None:
            uid = f"{self.old.value('UID').strip()}-{replaced.value.strip()}"
            new.properties = [prop for prop in new.properties if prop.name not in ("UID", "RRULE")]
            new.properties.insert(0, Property("UID", uid))
        elif self.recurring and self.changed:
            new.properties += [Property("EXDATE", self._text(self._moment(prop))) for prop in self.changed]
        if "DTEND" not in {prop.name for prop in new.properties}:
            new.properties += self._end()
        for inner in self.old.components:
            if inner.name == "VALARM" and self.start is not None:
                new.properties += self._alarm(inner)
        return new

    def _property(self, prop: Property) -> list[Property]:
        name, value = prop.name, prop.value.strip()
        if name in _SAME:
            return [Property(name, value)]
        if name in _TEXTS or name.startswith("X-"):
            return [Property(name, unescape_text(prop.value))]
        if name in ("DTSTART", "DTEND", "DUE"):
            return [Property(name, self._text(self._moment(prop)))]
        if name in ("CATEGORIES", "RESOURCES"):
            pieces = [unescape_text(piece).strip() for piece in split_value(value, ",")]
            return [Property(name, ";".join(piece.replace(";", "\\;") for piece in pieces))]
        if name == "CREATED":
            return [Property("DCREATED", value)]
        if name == "TRANSP":
            return [Property(name, "1" if value.upper() == "TRANSPARENT" else "0")]
        if name == "STATUS":
            return [Property(name, _STATE.get(value.upper(), value.upper()))]
        if name in ("EXDATE", "RDATE"):
            return self._dates(prop)
        if name == "RRULE":
            return self._rule(prop)
        if name in ("ATTENDEE", "ORGANIZER"):
            return [self._person(prop)]
        return []

    def _dates(self, prop: Property) -> list[Property]:
        moments = [
            self._moment(Property(prop.name, piece.partition("/")[0], prop.params))
            for piece in prop.value.split(",")
            if piece.strip()
        ]
        return [Property(prop.name, ";".join(map(self._text, moments)))] if moments else []

    def _rule(self, prop: Property) -> list[Property]:
        assert self.start is not None or self.old.get("DTSTART") is None
        if self.start is None:
            return []
        rule = Rule.parse(prop.value, prop.line)
        last = rule.last_wall(self.start.wall, self.zone, is_date=self.start.is_date)
        text = downgrade_rule(rule, self.start, last)
        if text is not None:
            return [Property("RRULE", text)]
        walls = rule.walls(self.start.wall, self.start.wall + 1, MAX_WALL if last is None else last + 1)
        listed = [self._text(self.start._replace(wall=wall)) for wall in islice(walls, MAX_LISTED)]
        return [Property("RDATE", ";".join(listed))] if listed else []

    def _person(self, prop: Property) -> Property:
        address = prop.value.strip()
        if address.lower().startswith("mailto:"):
            address = address[7:]
        name = prop.param("CN")
        text = f"{name} <{address}>" if name else address
        if prop.name == "ORGANIZER":
            return Property("ATTENDEE", text, [("ROLE", ["ORGANIZER"])])
        params: Params = [("ROLE", ["ATTENDEE"])]
        state = (prop.param("PARTSTAT") or "NEEDS-ACTION").upper()
        params.append(("STATUS", [_STATE.get(state, state)]))
        if (prop.param("RSVP") or "").upper() == "TRUE":
            params.append(("RSVP", ["YES"]))
        return Property("ATTENDEE", text, params)

    def _end(self) -> list[Property]:
        """DTEND from DURATION, or the end of an all-day event."""
        if self.start is None or self.old.name != "VEVENT":
            return []
        length = self.old.get("DURATION")
        seconds = read_duration(length.value, length.line).total if length is not None else 0
        if self.start.is_date:
            seconds = seconds or 86_400
        if seconds <= 0:
            return []
        return [Property("DTEND", self._text(self.start._replace(wall=self.start.wall + seconds)))]

    def _alarm(self, alarm: Component) -> list[Property]:
        """An alarm with its absolute time, the only one that the old format knows."""
        trigger = alarm.get("TRIGGER")
        name = {"DISPLAY": "DALARM", "AUDIO": "AALARM"}.get(alarm.value("ACTION").strip().upper())
        if trigger is None or name is None or self.start is None:
            return []
        try:
            if trigger.value.strip()[:1].isdigit():
                run = read_moment(trigger.value)
            elif (trigger.param("RELATED") or "").upper() == "END":
                return []
            else:
                run = self.start._replace(wall=self.start.wall + read_duration(trigger.value).total)
        except BadFormat:
            return []
        what = unescape_text(alarm.value("DESCRIPTION")).replace(";", "\\;") if name == "DALARM" else ""
        return [Property(name, f"{self._text(run)};;;{what}")]

    def _zone(self, prop: Property) -> tzinfo | None:
        tzid = prop.param("TZID")
        return timezones.resolve(tzid, self.zones) if tzid is not None else None

    def _moment(self, prop: Property) -> Moment:
        """A time as it will be written: UTC, or local where it floats or belongs to a series."""
        moment = read_moment(prop.value, prop.line)
        zone = self._zone(prop)
        if self.recurring and self.zone is not None and not moment.is_date:
            # Everything in a series is told by the series' own clock.
            at = moment.wall if moment.is_utc else instant(moment.wall, zone or self.zone)
            return Moment(wall_at(at, self.zone), False, False)
        if zone is None or moment.is_date or moment.is_utc:
            return moment
        return Moment(instant(moment.wall, zone), False, True)

    @staticmethod
    def _text(moment: Moment) -> str:
        return write_wall(moment.wall, utc=moment.is_utc)
