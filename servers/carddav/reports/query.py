"""addressbook-query: the cards that match a filter (RFC 6352 §8.6)."""

from __future__ import annotations

from lxml import etree

from servers.carddav import data, filters
from servers.carddav.names import ADDRESS_DATA
from servers.dav import multistatus, xml
from servers.dav.context import Reader
from servers.dav.names import CARDDAV
from servers.dav.properties.table import Listing
from servers.dav.resources import Kind, Resource
from servers.http.errors import BadRequest
from servers.http.response import Response
from storage import contacts


def addressbook_query(reader: Reader, found: Resource, root: etree._Element) -> Response:
    """Matching cards; beyond the limit 507 on the book's own href tells that there are more (§8.6.2).

    Depth 0 on the book finds nothing, for the book itself is no card. The field must be there (§8.6); a
    client that forgets it means the book's members, so without it Depth counts as 1.
    """
    if reader.context.depth(1) == 0 and found.kind is Kind.COLLECTION:
        return multistatus.document([])
    wanted = filters.read(root)
    limit = min(_limit(root) or reader.context.settings.max_results, reader.context.settings.max_results)
    collection = found.owned_collection
    matches, cut = contacts.query(reader.tx, collection, wanted, limit if found.item is None else None)
    folder = found.href
    if found.item is not None:
        matches = [item for item in matches if item.id == found.item.id]
        folder = found.href.rsplit("/", 1)[0] + "/"
    asked = multistatus.wanted(root)
    extra = {ADDRESS_DATA: data.part(root)} if ADDRESS_DATA in asked.names else {}
    members = multistatus.Members(Listing(reader, collection, folder), asked, extra)
    responses = members.render(matches)
    if cut:
        responses.append(
            multistatus.status(found.href, 507, "<D:number-of-matches-within-limits/>")  # §8.6.2
        )
    return multistatus.document(responses)


def _limit(root: etree._Element) -> int | None:
    """CARDDAV:limit / CARDDAV:nresults (RFC 6352 §10.6)."""
    limit = root.find(f"{CARDDAV}limit")
    if limit is None:
        return None
    text = xml.text(limit.find(f"{CARDDAV}nresults"))
    if not text.isdecimal() or int(text[:12]) < 1:
        raise BadRequest("CARDDAV:nresults is a positive number")
    return int(text[:12])
