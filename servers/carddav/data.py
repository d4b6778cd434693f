"""Cards as they are sent: the version a client can read, and the properties it asks for (RFC 6352 §10.4)."""

from __future__ import annotations

from lxml import etree

from servers.carddav.names import ADDRESS_DATA
from servers.dav import escape, xml
from servers.dav.errors import refuse
from servers.dav.names import CARDDAV
from servers.dav.properties.table import ItemPart
from servers.dav.protocol import Representation
from servers.http.request import Request
from storage.formats import vcard_views
from storage.formats.vcard_views import WantedProperty
from storage.types import Collection, Item

_TYPES = frozenset({"text/vcard", "text/x-vcard", "text/directory"})


def represent(collection: Collection, item: Item, request: Request | None) -> Representation:
    """A card in the version that the Accept field asks for (RFC 6352 §5.1.1, RFC 9110 §12.5.1).

    Raises:
        HttpError: 406 with supported-address-data-conversion: none of what it asks for can be given.
    """
    body = item.body or b""
    version = stored = vcard_views.version_of(body)
    if request is not None:
        version = negotiated(request.header("Accept"), stored)
    converted = vcard_views.convert(body, version)
    return Representation(converted, f"text/vcard; charset=utf-8; version={version}", "Accept")


def part(root: etree._Element) -> ItemPart:
    """How CARDDAV:address-data is answered in a report (RFC 6352 §10.4).

    Raises:
        HttpError: 403 supported-address-data for a media type or version that is not ours (§8.6, §8.7).
    """
    prop = root.find("{DAV:}prop")
    asked = prop.find(ADDRESS_DATA) if prop is not None else None
    if asked is None:
        return ItemPart(lambda item: escape.body(item.body or b""), body=True, optional=False)
    media, version = asked.get("content-type", "text/vcard"), asked.get("version", "")
    if media.partition(";")[0].strip().lower() not in _TYPES or version not in ("", "3.0", "4.0"):
        raise refuse(
            403,
            f"{CARDDAV}supported-address-data",
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


def negotiated(accept: str | None, stored: str) -> str:
    """The version that an Accept field likes best; the stored one where it does not care.

    Raises:
        HttpError: 406 with supported-address-data-conversion (§5.1.1.1).
    """
    ranges = [_media_range(entry) for entry in (accept or "*/*").split(",") if entry.strip()]
    liked = {version: _quality(version, ranges) for version in ("3.0", "4.0")}
    best = max(liked, key=lambda version: (liked[version], version == stored))
    if ranges and liked[best] <= 0:
        raise refuse(406, f"{CARDDAV}supported-address-data-conversion", reason="cards are given as vCard 3.0 or 4.0")
    return best


def _media_range(entry: str) -> tuple[str, str, float]:
    """Media range, version ("" for any) and weight of one entry."""
    media, *params = [piece.strip().lower() for piece in entry.split(";")]
    given = {name.strip(): value.strip().strip('"') for name, _, value in (param.partition("=") for param in params)}
    try:
        weight = float(given.get("q", "1"))
    except ValueError:
        weight = 0.0
    return media, given.get("version", ""), weight


def _quality(version: str, ranges: list[tuple[str, str, float]]) -> float:
    """The weight of the most specific range that fits (RFC 9110 §12.5.1)."""
    found: list[tuple[int, float]] = []
    for media, wanted, weight in ranges:
        if media in _TYPES and wanted in ("", version):
            found.append((3 if wanted else 2, weight))
        elif media in ("text/*", "*/*"):
            found.append((1 if media == "text/*" else 0, weight))
    if not found:
        return 0.0
    rank = max(found)[0]
    return max(weight for specific, weight in found if specific == rank)
