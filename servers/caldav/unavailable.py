"""When somebody cannot be asked for at all: his calendar-availability, else the hours of his day (RFC 7953, CAL-27)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from lxml import etree

from servers.dav import xml
from servers.dav.names import CALDAV, CALENDARSERVER
from storage import preferences, properties
from storage.errors import BadFormat, TooManyInstances
from storage.formats import availability, contentline
from storage.formats.contentline import Component, Property
from storage.formats.freebusy import Period
from storage.store import Transaction
from storage.types import Collection, CollectionId, Right

_KEYS: Final = tuple((namespace[1:-1], "calendar-availability") for namespace in (CALDAV, CALENDARSERVER))
_EPOCH: Final = datetime(1970, 1, 1)


def periods(
    tx: Transaction,
    calendars: Sequence[Collection],
    start: int,
    end: int,
    zone: tzinfo = UTC,
    *,
    forgiving: bool = False,
) -> list[Period]:
    """BUSY-UNAVAILABLE (or what BUSYTYPE says) in [start, end) for the owner of these calendars (RFC 7953 §7.2.3).

    Raises:
        TooManyInstances: the range is too long for a daily rule, and this is not `forgiving`.
    """
    return of_many(tx, [(calendars, None)], start, end, zone, forgiving=forgiving)[0]


def of_many(
    tx: Transaction,
    asked: Sequence[tuple[Sequence[Collection], CollectionId | None]],
    start: int,
    end: int,
    zone: tzinfo = UTC,
    *,
    forgiving: bool = False,
) -> list[list[Period]]:
    """The same for the owners of many calendars, in their order, by a few queries for all of them.

    The properties of the calendars count (RFC 7953 §7.2.3), and of the inbox if it is given (§7.2.5), all taken
    together (§5); where there is none, the hours that the owner chose. If `forgiving`, rules of more instances than can
    be told say nothing.

    Raises:
        TooManyInstances: there is one, and it is not `forgiving`.
    """

    def away(found: Sequence[Component]) -> list[Period]:
        try:
            return _unavailable(found, start, end, zone)
        except TooManyInstances:
            if not forgiving:
                raise
            return []

    counted = [[one for one in calendars if _counts(one)] for calendars, _ in asked]
    places = [
        [*(one.id for one in own), *([inbox] if inbox is not None and own else [])]
        for own, (_, inbox) in zip(counted, asked, strict=True)
    ]
    kept = properties.underlying_of_many(tx, [number for some in places for number in some], _KEYS)
    written = [[found for one in some if (found := _parsed(kept.get(one))) is not None] for some in places]
    firsts = [own[0] for own, found in zip(counted, written, strict=True) if own and not found]
    hours = preferences.chosen_hours(tx, firsts)
    daily = {times: away([_daily(*times)]) for times in {*hours.values()}}
    chosen = {space: daily[times] for space, times in hours.items()}
    return [
        away(found) if found else chosen.get(own[0].space.id, []) if own else []
        for own, found in zip(counted, written, strict=True)
    ]


def _counts(calendar: Collection) -> bool:
    return not calendar.transparent and bool(calendar.rights & (Right.SEE_BUSY | Right.SEE))


def _unavailable(written: Sequence[Component], start: int, end: int, zone: tzinfo) -> list[Period]:
    zones = {each.value("TZID").strip(): each for one in written for each in one.of("VTIMEZONE")}
    together = [*zones.values(), *(each for one in written for each in one.of("VAVAILABILITY"))]
    return availability.availability(Component("VCALENDAR", [], together), start, end, zone)


def _parsed(kept: str | None) -> Component | None:
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
