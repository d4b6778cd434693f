"""calendar-query: the objects that match a filter (RFC 4791 §7.8)."""

from __future__ import annotations

from lxml import etree

from servers.caldav import data, filters, zones
from servers.caldav.names import CALENDAR_DATA
from servers.dav import multistatus
from servers.dav.context import Reader
from servers.dav.properties.table import Listing
from servers.dav.resources import Kind, Resource
from servers.http.response import Response
from storage import calendar


def calendar_query(reader: Reader, found: Resource, root: etree._Element) -> Response:
    """Matching objects of a calendar (Depth 1), or the object itself (Depth 0, on an item).

    Depth 0 on the calendar finds nothing, for the calendar itself is no object. A client that forgets
    the field means the calendar's members, so without it Depth counts as 1.
    """
    wanted = filters.read(root)
    if found.kind is Kind.COLLECTION and reader.context.depth(1) == 0:
        return multistatus.document([])
    collection = found.owned_collection
    matches = calendar.query(reader.tx, collection, wanted, zones.floating(reader, found, root))
    folder = found.href
    if found.item is not None:
        matches = [item for item in matches if item.id == found.item.id]
        folder = found.href.rsplit("/", 1)[0] + "/"
    asked = multistatus.wanted(root)
    extra = {CALENDAR_DATA: data.part(reader, found, root)} if CALENDAR_DATA in asked.names else {}
    members = multistatus.Members(Listing(reader, collection, folder), asked, extra)
    most = reader.context.settings.max_results
    responses = members.render(matches[:most])
    if len(matches) > most:  # §7.8, DAV:number-of-matches-within-limits
        responses.append(multistatus.status(found.href, 507, "<D:number-of-matches-within-limits/>"))
    return multistatus.document(responses)
