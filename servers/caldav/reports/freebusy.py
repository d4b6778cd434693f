"""free-busy-query: when somebody is busy, and nothing else of it (RFC 4791 §7.10, CAL-07)."""

from __future__ import annotations

from uuid import uuid4

from lxml import etree

from servers.caldav import ranges, unavailable, zones
from servers.dav.context import Reader
from servers.dav.names import CALDAV
from servers.dav.resources import Kind, Resource
from servers.http.errors import BadRequest
from servers.http.response import Response
from storage import busy_times
from storage import collections as tree
from storage.formats import freebusy
from storage.formats.contentline import Property
from storage.formats.datetimes import MAX_WALL, MIN_WALL
from storage.types import Tool


def free_busy_query(reader: Reader, found: Resource, root: etree._Element) -> Response:
    """One VFREEBUSY for a calendar, or for all calendars of a home with Depth 1 and above."""
    element = root.find(f"{CALDAV}time-range")
    if element is None:
        raise BadRequest("a free-busy-query holds a CALDAV:time-range")  # §9.11
    if not ranges.readable(element):
        raise BadRequest("a time range has one or two UTC date-times")  # §7.10 knows no precondition of a filter
    first, last = ranges.read(element)
    # §9.9: open at one end, it reaches to where time begins or ends here (§5.2.6, §5.2.7).
    start, end = MIN_WALL if first is None else first, MAX_WALL if last is None else last
    if found.kind is Kind.COLLECTION:
        calendars = [found.owned_collection]
    elif reader.context.depth(0) > 0 and found.principal is not None:
        home = tree.home(reader.tx, found.principal.kind, found.principal.name)
        calendars = [one for one in home if one.tool is Tool.CALENDAR]
    else:
        calendars = []
    zone = zones.floating(reader, found)
    periods: list[tuple[int, int, str]] = busy_times.of(reader.tx, calendars, start, end, zone)
    # RFC 7953 §7.2.3. A daily rule cannot be told for ever, and would hide what the calendars say.
    endless = first is None or last is None
    periods += unavailable.periods(reader.tx, calendars, start, end, zone, forgiving=endless)
    body = freebusy.freebusy(periods, start, end, [Property("UID", str(uuid4()))])  # RFC 5545 §3.6.4
    return Response(200, [("Content-Type", "text/calendar; charset=utf-8")], body)
