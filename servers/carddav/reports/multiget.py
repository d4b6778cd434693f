"""addressbook-multiget: the named cards in one answer (RFC 6352 §8.7)."""

from __future__ import annotations

from lxml import etree

from servers.carddav import data
from servers.carddav.names import ADDRESS_DATA
from servers.dav.context import Reader
from servers.dav.reports import multiget
from servers.dav.resources import Resource
from servers.http.response import Response


def addressbook_multiget(reader: Reader, found: Resource, root: etree._Element) -> Response:
    """One response for every DAV:href, 404 for what is absent or hidden."""
    return multiget.answer(reader, found, root, ADDRESS_DATA, data.part(root))
