"""CALDAV:calendar-data: objects whole, in part, expanded or limited, as a report asks (RFC 4791 §9.6)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from lxml import etree

from servers.caldav import ranges, references, zones
from servers.caldav.names import CALENDAR_DATA
from servers.dav import escape, xml
from servers.dav.context import Reader
from servers.dav.errors import refuse
from servers.dav.names import CALDAV, DAV
from servers.dav.properties.table import ItemPart
from servers.dav.protocol import Representation
from servers.dav.resources import Resource
from servers.http.errors import BadRequest
from servers.http.request import Request
from storage.formats import calendar_data, contentline, icalendar
from storage.formats.calendar_data import CompSelection, PropSelection
from storage.formats.contentline import Component
from storage.formats.icalendar import CalendarObject
from storage.types import Collection, Item

Step = Callable[[CalendarObject], Component]
MAX_EXPANDED: Final = 64 * 1024 * 1024
"""Octets of all objects that one answer expands."""


def represent(collection: Collection, item: Item, request: Request | None) -> Representation:
    """An object as GET gives it: always iCalendar, with its component (RFC 4791 §5.3.4 clients read it)."""
    kind = f"; component={item.component}" if item.component else ""
    reform = references.form(request)
    body = item.body or b""
    return Representation(
        body if reform is None else reform(body), f"text/calendar; charset=utf-8{kind}", references.FIELD
    )


def part(reader: Reader, found: Resource, root: etree._Element) -> ItemPart:
    """How calendar-data is answered in a report.

    Raises:
        HttpError: 403 supported-calendar-data for another media type or version (§7.8).
    """
    prop = root.find("{DAV:}prop")
    asked = prop.find(CALENDAR_DATA) if prop is not None else None
    reform = references.form(reader.context.request)
    if asked is None or not len(asked):
        if asked is not None:
            _demand_supported(asked)
        if reform is not None:
            given = reform  # RFC 7809 §3.1.3
            return ItemPart(lambda item: escape.body(given(item.body or b"")), body=True, optional=False)
        return ItemPart(lambda item: escape.body(item.body or b""), body=True, optional=False)
    _demand_supported(asked)
    step = _step(reader, found, root, asked)
    wanted = asked.find(f"{CALDAV}comp")
    selection = None if wanted is None else _selection(wanted)
    expanding = asked.find(f"{CALDAV}expand") is not None
    expanded = 0

    def get(item: Item) -> str:
        nonlocal expanded
        body = item.body or b""
        obj = icalendar.load(body if reform is None else reform(body))
        result = step(obj) if step is not None else obj.calendar
        if selection is not None:
            result = calendar_data.select(result, selection)
        data = contentline.render(result)
        if expanding:  # the only form that can be longer than what is stored, a thousand times
            expanded += len(data)
            if expanded > MAX_EXPANDED:
                raise refuse(403, f"{DAV}number-of-matches-within-limits", reason="ask for a shorter time")
        return escape.body(data)

    return ItemPart(get, body=True, optional=False)


def _demand_supported(asked: etree._Element) -> None:
    media = asked.get("content-type", "text/calendar").partition(";")[0].strip().lower()
    if media != "text/calendar" or asked.get("version", "2.0") != "2.0":
        raise refuse(403, f"{CALDAV}supported-calendar-data", reason="objects are given as text/calendar, version 2.0")


def _step(reader: Reader, found: Resource, root: etree._Element, asked: etree._Element) -> Step | None:
    """What is done to the recurrence set; expand and limit-recurrence-set exclude each other (§9.6)."""
    expand = asked.find(f"{CALDAV}expand")
    limit = asked.find(f"{CALDAV}limit-recurrence-set")
    busy = asked.find(f"{CALDAV}limit-freebusy-set")
    if expand is not None and limit is not None:
        raise BadRequest("either expand or limit-recurrence-set")
    if expand is not None:
        start, end = ranges.both(expand)
        zone, most = zones.floating(reader, found, root), reader.context.settings.max_instances
        return partial(calendar_data.expand, start=start, end=end, floating=zone, limit=most)
    if limit is not None:
        start, end = ranges.both(limit)
        zone = zones.floating(reader, found, root)
        return partial(calendar_data.limit_recurrence_set, start=start, end=end, floating=zone)
    if busy is not None:
        start, end = ranges.both(busy)
        return lambda obj: calendar_data.limit_freebusy_set(obj.calendar, start, end)
    return None


def _selection(element: etree._Element) -> CompSelection:
    """CALDAV:comp (§9.6.1)."""
    props = tuple(
        PropSelection(child.get("name", "").upper(), child.get("novalue", "no") == "yes")
        for child in xml.children(element, f"{CALDAV}prop")
    )
    return CompSelection(
        element.get("name", "").upper(),
        element.find(f"{CALDAV}allprop") is not None,
        props,
        element.find(f"{CALDAV}allcomp") is not None,
        tuple(_selection(child) for child in xml.children(element, f"{CALDAV}comp")),
    )
