"""What calendar collections say of themselves: RFC 4791 §5.2, 6638 §9, 7809 §5, 7953 §7.2, 8607 §6, Apple's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from lxml import etree

from servers.dav import escape, xml
from servers.dav.context import Reader
from servers.dav.errors import refuse
from servers.dav.names import APPLE, CALDAV, CALENDARSERVER
from servers.dav.properties.table import Property
from servers.dav.resources import Kind, Resource, home_path
from storage.errors import BadFormat, BadObject, TooManyInstances
from storage.formats import availability, contentline, timezones
from storage.types import CALENDAR_TOOLS, Tool

_COLLECTION: Final = frozenset({Kind.COLLECTION})
_HOME: Final = frozenset({Kind.HOME})
_KNOWN_COMPONENTS: Final = ("VEVENT", "VTODO", "VJOURNAL")
_TZID: Final = re.compile(r"^TZID(?:;[^:\r\n]*)?:([^\r\n]+)", re.MULTILINE)
_DATA: Final = '<C:calendar-data content-type="text/calendar" version="2.0"/>'
_COLLATIONS: Final = "".join(
    f"<C:supported-collation>{name}</C:supported-collation>"
    for name in ("i;ascii-casemap", "i;octet", "i;unicode-casemap")
)


def _component_set(reader: Reader, found: Resource) -> str | None:
    if found.collection is None:
        return None
    return "".join([f'<C:comp name="{name}"/>' for name in found.collection.components])


def _component_sets(reader: Reader, found: Resource) -> str:
    sets = [
        f'<C:supported-calendar-component-set><C:comp name="{name}"/></C:supported-calendar-component-set>'
        for name in _KNOWN_COMPONENTS
    ]
    every = "".join([f'<C:comp name="{name}"/>' for name in _KNOWN_COMPONENTS])
    return "".join(sets) + f"<C:supported-calendar-component-set>{every}</C:supported-calendar-component-set>"


def _set_components(value: etree._Element | None) -> Mapping[str, Any]:
    if value is None:
        return {}
    names = tuple(str(comp.get("name", "")).upper() for comp in value.iterchildren(f"{CALDAV}comp"))
    wanted = tuple(name for name in dict.fromkeys(names) if name in _KNOWN_COMPONENTS)
    if not names or not wanted or len(wanted) < len({*names} - {"VTIMEZONE", "VFREEBUSY", "VALARM"}):
        # RFC 4791 §5.2.3: what we could not keep is not promised.
        raise refuse(403, f"{CALDAV}supported-calendar-component", reason="VEVENT, VTODO and VJOURNAL are kept")
    return {"components": wanted}


def _text(field: str) -> Any:
    def get(reader: Reader, found: Resource) -> str | None:
        value = getattr(found.collection, field) if found.collection is not None else ""
        return escape.text(value) if value else None

    return get


def _set_text(field: str) -> Any:
    def update(value: etree._Element | None) -> Mapping[str, Any]:
        return {field: xml.all_text(value)}

    return update


def _order(reader: Reader, found: Resource) -> str | None:
    return str(found.collection.order) if found.collection is not None else None


def _set_order(value: etree._Element | None) -> Mapping[str, Any]:
    text = "" if value is None else (value.text or "").strip()
    if text and not re.fullmatch(r"-?\d{1,9}(\.\d+)?", text, re.ASCII):
        raise refuse(409, f"{APPLE}valid-calendar-order", reason="an order is a number")
    return {"order": int(float(text)) if text else 0}


def _set_timezone(value: etree._Element | None) -> Mapping[str, Any]:
    text = xml.all_text(value)
    if not text:
        return {"timezone": ""}
    try:
        calendars = contentline.parse(text.encode())
    except BadFormat as error:
        raise refuse(403, f"{CALDAV}valid-calendar-data", reason=str(error)) from None
    zones = [inner for calendar in calendars if calendar.name == "VCALENDAR" for inner in calendar.components]
    if len(calendars) != 1 or [zone.name for zone in zones] != ["VTIMEZONE"]:
        # RFC 4791 §5.2.2: a valid iCalendar object with exactly one VTIMEZONE.
        raise refuse(403, f"{CALDAV}valid-calendar-data", reason="exactly one VTIMEZONE is wanted")
    return {"timezone": text}


def _timezone_id(reader: Reader, found: Resource) -> str | None:
    if found.collection is None or not found.collection.timezone:
        return None
    match = _TZID.search(found.collection.timezone)
    return escape.text(match[1].strip()) if match else None


def _set_timezone_id(value: etree._Element | None) -> Mapping[str, Any]:
    name = xml.all_text(value)
    if not name:
        return {"timezone": ""}
    zone = timezones.by_reference(name)
    if zone is None:
        raise refuse(403, f"{CALDAV}valid-timezone", reason="this time zone is not known")  # RFC 7809 §5.2
    calendar = contentline.Component("VCALENDAR", [], [zone])
    calendar.properties += [
        contentline.Property("VERSION", "2.0", []),
        contentline.Property("PRODID", "-//Escritoire//EN", []),
    ]
    return {"timezone": contentline.render(calendar).decode()}


def _transparency(reader: Reader, found: Resource) -> str | None:
    if found.collection is None:
        return None
    return "<C:transparent/>" if found.collection.transparent else "<C:opaque/>"


def _set_transparency(value: etree._Element | None) -> Mapping[str, Any]:
    return {"transparent": value is not None and value.find(f"{CALDAV}transparent") is not None}


def _max_size(reader: Reader, found: Resource) -> str:
    return str(reader.context.settings.max_resource_octets)


def _max_instances(reader: Reader, found: Resource) -> str:
    return str(reader.context.settings.max_instances)


def _max_attendees(reader: Reader, found: Resource) -> str:
    return str(reader.context.settings.max_attendees)


def _max_attachment(reader: Reader, found: Resource) -> str:
    return str(reader.context.settings.max_attachment_octets)


def _max_attachments(reader: Reader, found: Resource) -> str:
    return str(reader.context.settings.max_attachments)


def _check_availability(value: etree._Element) -> None:
    """RFC 7953 §7.2.4: an iCalendar object with one VAVAILABILITY, and time zones."""
    try:
        found = availability.read(xml.all_text(value).encode())
    except (BadFormat, BadObject, TooManyInstances) as error:
        raise refuse(403, f"{CALDAV}valid-calendar-data", reason=str(error)) from None
    if len(found.of("VAVAILABILITY")) != 1:
        raise refuse(403, f"{CALDAV}valid-calendar-data", reason="exactly one VAVAILABILITY is wanted")


def _never(reader: Reader, found: Resource) -> str | None:
    return None


def _default_calendar(reader: Reader, found: Resource) -> str | None:
    """RFC 6638 §9.2: where the server puts what others invite to."""
    if found.collection is None:
        return None
    return f"<D:href>{home_path(found.collection.space)}events/</D:href>"


def _calendars(name: str, get: Any, **more: Any) -> Property:
    return Property(name, _COLLECTION, get, tools=CALENDAR_TOOLS, **more)


PROPERTIES: Final = (
    _calendars(
        f"{CALDAV}supported-calendar-component-set",
        _component_set,
        update=_set_components,
        at_creation=True,
    ),
    Property(f"{CALDAV}supported-calendar-component-sets", _HOME, _component_sets),
    _calendars(f"{CALDAV}supported-calendar-data", lambda *_: _DATA),
    _calendars(f"{CALDAV}supported-collation-set", lambda *_: _COLLATIONS),
    _calendars(f"{CALDAV}max-resource-size", _max_size),
    _calendars(f"{CALDAV}min-date-time", lambda *_: "00010101T000000Z"),
    _calendars(f"{CALDAV}max-date-time", lambda *_: "99991231T235959Z"),
    _calendars(f"{CALDAV}max-instances", _max_instances),
    # RFC 6638 §2.1: what an outbox takes as well.
    Property(
        f"{CALDAV}max-attendees-per-instance",
        _COLLECTION,
        _max_attendees,
        tools=CALENDAR_TOOLS | {Tool.SCHEDULE_OUTBOX},
    ),
    _calendars(f"{CALDAV}max-attachment-size", _max_attachment),
    _calendars(f"{CALDAV}max-attachments-per-resource", _max_attachments),
    # RFC 8607 §6.1: empty, so an attachment is where its home is, whatever the desk was called when it was added.
    Property(f"{CALDAV}managed-attachments-server-URL", _HOME, lambda *_: ""),
    _calendars(f"{CALDAV}calendar-description", _text("description"), update=_set_text("description")),
    _calendars(f"{CALDAV}calendar-timezone", _text("timezone"), update=_set_timezone),
    _calendars(f"{CALDAV}calendar-timezone-id", _timezone_id, update=_set_timezone_id),
    _calendars(f"{CALDAV}schedule-calendar-transp", _transparency, update=_set_transparency),
    Property(
        f"{CALDAV}schedule-default-calendar-URL",
        _COLLECTION,
        _default_calendar,
        tools=frozenset({Tool.SCHEDULE_INBOX}),
    ),
    Property(
        f"{CALDAV}calendar-availability",
        _COLLECTION,
        _never,
        check=_check_availability,
        tools=frozenset({Tool.SCHEDULE_INBOX}),
    ),
    _calendars(f"{CALDAV}calendar-availability", _never, check=_check_availability),
    _calendars(f"{CALENDARSERVER}calendar-availability", _never, check=_check_availability),
    _calendars(f"{APPLE}calendar-color", _text("color"), update=_set_text("color")),
    _calendars(f"{APPLE}calendar-order", _order, update=_set_order),
)
"""An availability is kept as it was sent and answered as a dead property is."""
