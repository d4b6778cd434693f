"""calendar-multiget: the named objects in one answer (RFC 4791 §7.9)."""

from __future__ import annotations

from lxml import etree

from servers.caldav import data
from servers.caldav.names import CALENDAR_DATA
from servers.dav.context import Reader
from servers.dav.reports import multiget
from servers.dav.resources import Resource
from servers.http.response import Response


def calendar_multiget(reader: Reader, found: Resource, root: etree._Element) -> Response:
    """One response for every DAV:href, 404 for what is absent or hidden."""
    return multiget.answer(reader, found, root, CALENDAR_DATA, data.part(reader, found, root))
