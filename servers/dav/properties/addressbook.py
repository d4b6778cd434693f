"""What address books say of themselves: RFC 6352 §6.2, §8.3.1, and the colour that some clients keep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lxml import etree

from servers.dav import escape, xml
from servers.dav.context import Reader
from servers.dav.names import CARDDAV
from servers.dav.properties.table import Property
from servers.dav.resources import Kind, Resource
from storage.types import Tool

_COLLECTION: Final = frozenset({Kind.COLLECTION})
_BOOKS: Final = frozenset({Tool.CONTACTS})
_INVERSE: Final = "{http://inf-it.com/ns/ab/}addressbook-color"
_DATA: Final = "".join(
    f'<A:address-data-type content-type="text/vcard" version="{version}"/>' for version in ("3.0", "4.0")
)
_COLLATIONS: Final = "".join(
    f"<A:supported-collation>{name}</A:supported-collation>"
    for name in ("i;ascii-casemap", "i;octet", "i;unicode-casemap")
)


def _description(reader: Reader, found: Resource) -> str | None:
    text = found.collection.description if found.collection is not None else ""
    return escape.text(text) if text else None


def _color(reader: Reader, found: Resource) -> str | None:
    text = found.collection.color if found.collection is not None else ""
    return escape.text(text) if text else None


def _set(field: str) -> Any:
    def update(value: etree._Element | None) -> Mapping[str, Any]:
        return {field: xml.all_text(value)}

    return update


def _max_size(reader: Reader, found: Resource) -> str:
    return str(reader.context.settings.max_resource_octets)


PROPERTIES: Final = (
    Property(
        f"{CARDDAV}addressbook-description",
        _COLLECTION,
        _description,
        tools=_BOOKS,
        update=_set("description"),
    ),
    Property(f"{CARDDAV}supported-address-data", _COLLECTION, lambda *_: _DATA, tools=_BOOKS),
    Property(f"{CARDDAV}supported-collation-set", _COLLECTION, lambda *_: _COLLATIONS, tools=_BOOKS),
    Property(f"{CARDDAV}max-resource-size", _COLLECTION, _max_size, tools=_BOOKS),
    Property(_INVERSE, _COLLECTION, _color, tools=_BOOKS, update=_set("color")),
)
