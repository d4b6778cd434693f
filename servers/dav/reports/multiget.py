"""What calendar-multiget and addressbook-multiget share: one response an href (RFC 4791 §7.9, RFC 6352 §8.7)."""

from __future__ import annotations

from lxml import etree

from servers.dav import escape, multistatus, xml
from servers.dav.context import Reader
from servers.dav.properties.table import ItemPart
from servers.dav.reports import hrefs
from servers.dav.resources import Resource
from servers.http.errors import BadRequest
from servers.http.response import Response
from storage import items


def answer(reader: Reader, found: Resource, root: etree._Element, data_name: str, data: ItemPart) -> Response:
    """Answer for every href once; what is absent or hidden gets 404.

    `data` computes the property `data_name` (calendar-data, address-data) where it is asked for.
    """
    wanted = xml.hrefs(root, reader.context.settings)
    if not wanted:
        raise BadRequest("a multiget names at least one DAV:href")  # RFC 4791 §9.10: href+
    asked = multistatus.wanted(root)
    extra = {data_name: data} if data_name in asked.names else {}
    selection = hrefs.members(reader, found, wanted)
    responses: list[str] = []
    missing = list(selection.missing)
    for listing, names in selection.groups:
        members = multistatus.Members(listing, asked, extra)
        present = items.many(reader.tx, listing.collection, names, body=members.needs_body)
        responses += members.render([present[name] for name in names if name in present])
        missing += [listing.href + escape.segment(name) for name in names if name not in present]
    return multistatus.document([*responses, *[multistatus.status(href, 404) for href in missing]])
