"""In which zone floating and all-day times are read (RFC 4791 §7.3, RFC 7809 §7.1)."""

from __future__ import annotations

from datetime import UTC, tzinfo

from lxml import etree

from servers.dav import xml
from servers.dav.context import Reader
from servers.dav.errors import refuse
from servers.dav.names import CALDAV
from servers.dav.resources import Resource
from storage import preferences, principals
from storage.errors import BadFormat
from storage.formats import contentline, timezones
from storage.formats.contentline import Component


def floating(reader: Reader, found: Resource, root: etree._Element | None = None) -> tzinfo:
    """The request's zone, else the calendar's, else the reader's own preference (CAL-27), else UTC.

    Raises:
        HttpError: 403 valid-calendar-data or valid-timezone for a zone that cannot be read.
    """
    if root is not None:
        asked = _requested(root)
        if asked is not None:
            return asked
    if found.collection is not None and found.collection.timezone:
        own = _defined(found.collection.timezone)
        if own is not None:
            return own
    known = reader.memo.get("zone")
    if not isinstance(known, tzinfo):
        name = str(preferences.of(reader.tx, principals.me(reader.tx)).get("timezone", "") or "")
        known = timezones.loads(name) or UTC
        reader.memo["zone"] = known
    return known


def _requested(root: etree._Element) -> tzinfo | None:
    text = xml.text(root.find(f"{CALDAV}timezone"))
    if text:
        zone = _defined(text)
        if zone is None:
            raise refuse(403, f"{CALDAV}valid-calendar-data", reason="the time zone cannot be read")
        return zone
    name = xml.text(root.find(f"{CALDAV}timezone-id"))
    if not name:
        return None
    zone = timezones.resolve(name, {})
    if zone is None:  # RFC 7809 §7.1
        raise refuse(403, f"{CALDAV}valid-timezone", reason="this time zone is not known")
    return zone


def _defined(text: str) -> tzinfo | None:
    """The zone of a VTIMEZONE text."""
    try:
        calendars = contentline.parse(text.encode())
    except BadFormat:
        return None
    zones = [inner for calendar in calendars for inner in _zones(calendar)]
    if len(zones) != 1:
        return None
    name = zones[0].value("TZID").strip()
    try:
        return timezones.resolve(name, {name: zones[0]})
    except BadFormat:
        return None


def _zones(calendar: Component) -> list[Component]:
    return [inner for inner in calendar.components if inner.name == "VTIMEZONE"]
