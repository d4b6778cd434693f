"""Messages about a meeting that change nothing yet: COUNTER, DECLINECOUNTER, REFRESH (RFC 5546 §3.2.6…3.2.8)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final

from storage.formats import itip, timezones
from storage.formats.contentline import Component, Property, escape_text
from storage.formats.icalendar import PRODID

TIMES: Final = ("DTSTART", "DTEND", "DURATION", "DUE")
TAKEN: Final = (*TIMES, "LOCATION")
"""What an accepted proposal changes: when and where; the rest stays the organizer's."""


def counter(part: Component, calendar: Component, start: datetime, end: datetime, comment: str) -> Component:
    """The proposal to hold `part` of a meeting from `start` to `end`, aware of their zones (RFC 5546 §3.2.7).

    Times are written as the meeting's own are: as days, in its time zone, or in UTC.
    """
    own = itip.clone(part)
    own.components = []
    model = part.get("DTSTART")
    last = "DUE" if own.name == "VTODO" else "DTEND"
    own.properties = [prop for prop in own.properties if prop.name not in (*TIMES, "COMMENT")]
    own.properties += [_moment("DTSTART", start, model, calendar), _moment(last, end, model, calendar)]
    itip.unserved(own)
    if comment:
        own.properties.append(Property("COMMENT", escape_text(comment)))
    zones = [itip.clone(each) for each in calendar.of("VTIMEZONE")]
    return Component("VCALENDAR", _head(), [*zones, own])


def refresh(part: Component, who: Collection[str]) -> Component:
    """The question how a meeting stands now (RFC 5546 §3.2.6)."""
    me = itip.attendee(part, who)
    return _sparse(part, itip.copies([me]) if me is not None else [], ("UID", "RECURRENCE-ID", "ORGANIZER"), "")


def decline_counter(proposal: Component, comment: str) -> Component:
    """The organizer's no to a proposal (RFC 5546 §3.2.8)."""
    part = itip.parts(proposal)[0]
    names = ("UID", "RECURRENCE-ID", "SEQUENCE", "ORGANIZER", "SUMMARY", *TIMES)
    found = _sparse(part, itip.copies(part.all("ATTENDEE")), names, comment)
    if not itip.parts(found)[0].value("SEQUENCE"):
        itip.set_value(itip.parts(found)[0], "SEQUENCE", "0")
    found.components = [*(itip.clone(each) for each in proposal.of("VTIMEZONE")), *found.components]
    return found


def _sparse(part: Component, attendees: list[Property], names: tuple[str, ...], comment: str) -> Component:
    own = Component(part.name)
    for name in names:
        own.properties += itip.copies(part.all(name))
    own.properties += attendees
    itip.unserved(own)
    own.properties.append(Property("DTSTAMP", itip.stamp()))
    if comment:
        own.properties.append(Property("COMMENT", escape_text(comment)))
    return Component("VCALENDAR", _head(), [own])


def _head() -> list[Property]:
    return [Property("VERSION", "2.0"), Property("PRODID", PRODID)]


def _moment(name: str, moment: datetime, model: Property | None, calendar: Component) -> Property:
    if model is not None and len(model.value.strip()) == 8:
        return Property(name, f"{moment:%Y%m%d}", [("VALUE", ["DATE"])])
    tzid = model.param("TZID") if model is not None else None
    zones = {each.value("TZID").strip(): each for each in calendar.of("VTIMEZONE")}
    zone = timezones.resolve(tzid, zones) if tzid else None
    if tzid is None or zone is None:
        return Property(name, f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}")
    return Property(name, f"{moment.astimezone(zone):%Y%m%dT%H%M%S}", [("TZID", [tzid])])
