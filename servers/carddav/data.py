"""Cards as they are sent: the version a client can read, and the properties it asks for (RFC 6352 §10.4)."""

from __future__ import annotations

from lxml import etree

from servers.carddav.names import ADDRESS_DATA
from servers.dav import escape, xml
from servers.dav.errors import refuse
from servers.dav.names import CARDDAV
from servers.dav.properties.table import ItemPart
from servers.dav.protocol import Representation
from storage.formats import vcard_views
from storage.formats.vcard_views import WantedProperty
from storage.types import Collection, Item

_TYPES = frozenset({"text/vcard", "text/x-vcard", "text/directory"})


def represent(collection: Collection, item: Item, accept: str | None) -> Representation:
    """A card in the version that an Accept field asks for (RFC 6352 §5.1.1, RFC 9110 §12.5.1)."""
    body = item.body or b""
    version = _accepted(accept, vcard_views.version_of(body))
    converted = vcard_views.convert(body, version)
    return Representation(converted, f"text/vcard; charset=utf-8; version={version}")


def part(root: etree._Element) -> ItemPart:
    """How CARDDAV:address-data is answered in a report (RFC 6352 §10.4).

    Raises:
        HttpError: 403 supported-address-data-conversion for a version we cannot give.
    """
    prop = root.find("{DAV:}prop")
    asked = prop.find(ADDRESS_DATA) if prop is not None else None
    if asked is None:
        return ItemPart(lambda item: escape.body(item.body or b""), body=True, optional=False)
    media, version = asked.get("content-type", "text/vcard"), asked.get("version", "")
    if media.lower() not in _TYPES or version not in ("", "3.0", "4.0"):
        raise refuse(
            403,
            f"{CARDDAV}supported-address-data-conversion",
            reason="cards are given as text/vcard, version 3.0 or 4.0",
        )
    # RFC 6352 §10.4: the version defaults to 3.0, which old clients rely on.
    fixed = version or "3.0"
    wanted = _properties(asked)

    def get(item: Item) -> str:
        body = vcard_views.convert(item.body or b"", fixed)
        return escape.body(vcard_views.select(body, wanted) if wanted else body)

    return ItemPart(get, body=True, optional=False)


def _properties(asked: etree._Element) -> list[WantedProperty]:
    if asked.find(f"{CARDDAV}allprop") is not None:
        return []
    found = []
    for child in xml.children(asked, f"{CARDDAV}prop"):
        no_value = child.get("novalue", "no").lower() == "yes"
        found.append(WantedProperty.of(child.get("name", ""), no_value))
    return found


def _accepted(accept: str | None, stored: str) -> str:
    """The best version for an Accept field; the stored one where it does not say."""
    best, quality = stored, 0.0
    for entry in (accept or "").split(","):
        media, *params = [piece.strip().lower() for piece in entry.split(";")]
        given = dict(param.split("=", 1) for param in params if "=" in param)
        if media not in _TYPES:
            continue
        try:
            weight = float(given.get("q", "1"))
        except ValueError:
            weight = 0.0
        version = given.get("version", "").strip('"')
        if weight > quality and version in ("", "3.0", "4.0"):
            best, quality = version or stored, weight
    return best
