"""DAV:expand-property (RFC 3253 §3.8): follows the hrefs inside properties."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from lxml import etree

from servers.dav import multistatus, resources, xml
from servers.dav.context import Reader
from servers.dav.errors import refuse
from servers.dav.multistatus import Members, Wanted
from servers.dav.names import DAV, element
from servers.dav.properties.table import Listing
from servers.dav.resources import Kind, Resource
from servers.http.errors import BadRequest
from servers.http.response import Response
from storage import collections as tree
from storage.errors import Denied, NotFound

MAX_EXPANDED: Final = 2_000
"""Resources in one answer; more are refused."""
MAX_NESTING: Final = 4

_HREF: Final = re.compile(r"<D:href>([^<]*)</D:href>")


def expand_property(reader: Reader, resource: Resource, root: xml.Element) -> Response:
    """The properties asked for, each href in them replaced by what it leads to."""
    reader.memo["expanded"] = 0
    return multistatus.document([_expanded(reader, resource, root, 0)])


def _expanded(reader: Reader, found: Resource, asked: xml.Element, level: int) -> str:
    if level > MAX_NESTING:
        raise BadRequest("the properties are nested too deep")
    present: list[str] = []
    missing: list[str] = []
    for wish in xml.children(asked, f"{DAV}property"):
        name = _name(wish)
        try:
            text = _value(reader, found, name)
        except Denied:
            text = None
        if text is None:
            missing.append(name)
        elif xml.child(wish, f"{DAV}property") is None:
            present.append(text)
        else:
            present.append(_HREF.sub(_follow(reader, wish, level), text))
    told = missing and not reader.context.preferences.minimal  # RFC 8144 §2.1
    parts = multistatus.propstat(404, missing) if told else ""
    whole = f"<D:propstat><D:prop>{''.join(present)}</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>"
    return multistatus.response(found.href, (whole if present or not told else "") + parts)


def _name(wish: xml.Element) -> str:
    """The Clark name of the property that a DAV:property asks for.

    Raises:
        BadRequest: it is no XML name, so no answer could be written with it.
    """
    try:
        return etree.QName(wish.get("namespace", "DAV:") or None, wish.get("name", "")).text
    except ValueError:
        raise BadRequest("a property's name is an XML name") from None


def _follow(reader: Reader, wish: xml.Element, level: int) -> Callable[[re.Match[str]], str]:
    def replace(match: re.Match[str]) -> str:
        reader.memo["expanded"] += 1
        if reader.memo["expanded"] > MAX_EXPANDED:
            raise refuse(403, f"{DAV}number-of-matches-within-limits")
        try:
            address = resources.of_href(reader.context, match[1].replace("&amp;", "&"))
            if address is None:
                return match[0]
            found = reader.context.tables.urls.resolve(reader.tx, address)
        except (NotFound, BadRequest):
            return multistatus.status(match[1], 404)
        return _expanded(reader, found, wish, level + 1)

    return replace


def _value(reader: Reader, found: Resource, name: str) -> str | None:
    if found.kind is not Kind.ITEM or found.item is None:
        return multistatus.value(reader, found, name)
    listing = Listing(reader, found.owned_collection, tree.path(found.owned_collection))
    text = Members(listing, Wanted((name,))).render([found.item])[0]
    start = text.find("<D:prop>") + len("<D:prop>")
    inner = text[start : text.find("</D:prop>")]
    return None if "HTTP/1.1 404" in text else inner or element(name)
