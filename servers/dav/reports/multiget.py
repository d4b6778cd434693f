"""What calendar-multiget and addressbook-multiget share: hrefs in, one response each (RFC 4791 §7.9, RFC 6352 §8.7)."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote

from lxml import etree

from servers.dav import escape, multistatus, resources, xml
from servers.dav.context import Reader
from servers.dav.properties.table import ItemPart, Listing
from servers.dav.resources import Kind, Resource
from servers.http.errors import BadRequest
from servers.http.response import Response
from storage import items
from storage.errors import NotFound
from storage.types import Collection


def answer(reader: Reader, found: Resource, root: etree._Element, data_name: str, data: ItemPart) -> Response:
    """Answer for every href in the request's order, once each; what is absent or hidden gets 404.

    `data` computes the property `data_name` (calendar-data, address-data) where it is asked for.
    """
    hrefs = list(dict.fromkeys(xml.hrefs(root, reader.context.settings)))
    if not hrefs:
        raise BadRequest("a multiget names at least one DAV:href")  # RFC 4791 §9.10: href+
    asked = multistatus.wanted(root)
    extra = {data_name: data} if data_name in asked.names else {}
    told: dict[str, str] = {}
    groups: dict[str, tuple[Collection, str, list[tuple[str, str]]]] = {}
    collection = found.owned_collection
    folder = found.href if found.kind is Kind.COLLECTION else found.href.rsplit("/", 1)[0] + "/"
    groups[folder] = (collection, folder, [])
    for href in hrefs:
        name = _member(href, folder)
        if name is not None:
            groups[folder][2].append((href, name))
        else:
            _elsewhere(reader, href, groups)
    for held, base, wanted in groups.values():
        members = multistatus.Members(Listing(reader, held, base), asked, extra)
        present = items.many(reader.tx, held, [name for _, name in wanted], body=members.needs_body)
        order = [(href, present[name]) for href, name in wanted if name in present]
        for (href, _), text in zip(order, members.render([item for _, item in order]), strict=True):
            told[href] = text
    return multistatus.document(_in_order(hrefs, told))


def _in_order(hrefs: Sequence[str], told: dict[str, str]) -> list[str]:
    return [told[href] if href in told else multistatus.status(escape.text(href), 404) for href in hrefs]


def _member(href: str, folder: str) -> str | None:
    """The item's name if the href is written just like the collection's members; None otherwise."""
    if not href.startswith(folder):
        return None
    rest = href[len(folder) :]
    if not rest or "/" in rest or "?" in rest or "#" in rest:
        return None
    if "%" not in rest:
        return rest
    if "%2F" in rest.upper() or "%00" in rest:
        return None
    try:
        return unquote(rest, errors="strict")
    except UnicodeDecodeError:
        return None


def _elsewhere(
    reader: Reader,
    href: str,
    groups: dict[str, tuple[Collection, str, list[tuple[str, str]]]],
) -> None:
    """An href of another spelling or another collection joins that collection's group."""
    try:
        address = resources.of_href(reader.context, href)
        if address is None or address.kind is not Kind.ITEM:
            return
        base = escape.path(*address.segments[:-1], directory=True)
        if base not in groups:
            held = resources.collection(reader.tx, address)
            if held.tool not in reader.context.protocol.tools:
                return
            groups[base] = (held, base, [])
    except (BadRequest, NotFound):
        return
    groups[base][2].append((href, address.item))
