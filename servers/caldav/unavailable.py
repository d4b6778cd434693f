"""When somebody cannot be asked for at all: his calendar-availability, else the hours of his day (RFC 7953, CAL-27)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from lxml import etree

from servers.dav import xml
from servers.dav.names import CALDAV, CALENDARSERVER
from storage import preferences, properties
from storage.errors import BadFormat
from storage.formats import availability, contentline
from storage.formats.contentline import Component, Property
from storage.formats.freebusy import Period
from storage.store import Transaction
from storage.types import Collection, Right

_KEYS: Final = tuple((namespace[1:-1], "calendar-availability") for namespace in (CALDAV, CALENDARSERVER))
_EPOCH: Final = datetime(1970, 1, 1)


def periods(
    tx: Transaction,
    calendars: list[Collection],
    start: int,
    end: int,
    zone: tzinfo = UTC,
    inbox: Collection | None = None,
) -> list[Period]:
    """BUSY-UNAVAILABLE (or what BUSYTYPE says) in [start, end) for the owner of these calendars.

    The properties of the calendars count (RFC 7953 §7.2.3), and of the `inbox` if it is given (§7.2.5), all taken
    together (§5); where there is none, the hours that the owner chose.

    Raises:
        TooManyInstances: the range is too long for a daily rule.
    """
    counted = [one for one in calendars if not one.transparent and one.rights & (Right.SEE_BUSY | Right.SEE)]
    asked = [*counted, inbox] if inbox is not None and counted else counted
    written = [found for one in asked if (found := _property(tx, one)) is not None]
    if not written and counted:
        hours = preferences.chosen_hours(tx, counted[0])
        written = [] if hours is None else [_daily(*hours)]
    if not written:
        return []
    zones = {each.value("TZID").strip(): each for one in written for each in one.of("VTIMEZONE")}
    together = [*zones.values(), *(each for one in written for each in one.of("VAVAILABILITY"))]
    return availability.availability(Component("VCALENDAR", [], together), start, end, zone)


def _property(tx: Transaction, collection: Collection) -> Component | None:
    kept = properties.underlying(tx, collection, _KEYS)
    if kept is None:
        return None
    try:
        return contentline.parse(xml.all_text(etree.fromstring(kept)).encode())[0]
    except (BadFormat, IndexError):  # it was checked when it was set
        return None


def _daily(first_hour: int, last_hour: int, zone: str) -> Component:
    """Available every day between two hours."""
    params = [("TZID", [zone])]
    day = [
        Property(name, f"{_EPOCH + timedelta(hours=hour):%Y%m%dT%H%M%S}", params)
        for name, hour in (("DTSTART", first_hour), ("DTEND", last_hour))
    ]
    free = Component("AVAILABLE", [Property("UID", "day"), *day, Property("RRULE", "FREQ=DAILY")])
    return Component("VCALENDAR", [], [Component("VAVAILABILITY", [Property("UID", "hours")], [free])])
