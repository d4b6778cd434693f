"""What different readers see of one stored card: a version, a part, their own categories (RFC 6352 §5.1.1, §10.4).

Categories belong to the reader (CON-13): they are cut out of the octets and put back as text, without parsing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from storage.errors import UnsupportedMedia
from storage.formats.contentline import Component, Property, escape_text, parse, render
from storage.formats.vcard import VERSIONS, Card
from storage.formats.vcard_versions import to_3, to_4

_VERSION: Final = re.compile(rb"^VERSION[^:\r\n]*:[ \t]*([0-9.]+)", re.IGNORECASE | re.MULTILINE)
_CATEGORIES: Final = re.compile(
    rb"(?:(?<=\n)|\A)(?:[A-Za-z0-9-]+\.)?CATEGORIES[;:][^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*", re.IGNORECASE
)
_END: Final = re.compile(rb"END:VCARD(?:\r\n)*\Z", re.IGNORECASE)


def version_of(body: bytes) -> str:
    """The version a stored body says, without parsing it."""
    found = _VERSION.search(body)
    return found[1].decode("ascii") if found else "3.0"


def convert(body: bytes, version: str) -> bytes:
    """Give a stored body as vCard `version`, "3.0" or "4.0"; the same octets if it already is.

    Raises:
        UnsupportedMedia: any other version (CARDDAV:supported-address-data-conversion, RFC 6352 §5.1.1.1).
    """
    if version not in VERSIONS:
        raise UnsupportedMedia(f"vCard version {version[:20]!r}")
    if version_of(body) == version:
        return body
    card = parse(body)[0]
    return render(to_4(card) if version == "4.0" else to_3(card))


def split_categories(card: Card) -> tuple[bytes, list[str]]:
    """The body without its CATEGORIES, and their values (CON-13). All other octets stay as they are."""
    properties = card.component.all("CATEGORIES")
    if not properties:
        return card.body, []
    shared, count = _CATEGORIES.subn(b"", card.body)
    if count != len(properties):  # a fold inside the name
        kept = [prop for prop in card.component.properties if prop.name != "CATEGORIES"]
        shared = render(Component("VCARD", kept))
    return shared, card.categories


def merge_categories(shared: bytes, names: Sequence[str]) -> bytes:
    """Put a reader's categories into a shared body, before its END (CON-13); either version spells them so."""
    if not names:
        return shared
    value = ",".join(escape_text(name) for name in names)
    line = render(Component("V", [Property("CATEGORIES", value)]))[len(b"BEGIN:V\r\n") : -len(b"END:V\r\n")]
    end = _END.search(shared, max(0, len(shared) - 40))
    at = end.start() if end else len(shared)
    return shared[:at] + line + shared[at:]


@dataclass(frozen=True, slots=True)
class WantedProperty:
    """One CARDDAV:prop (RFC 6352 §10.4.2)."""

    name: str
    """Upper case, without a group."""
    group: str | None = None
    """Exactly this group, upper case; None for any and none."""
    no_value: bool = False

    @classmethod
    def of(cls, name: str, no_value: bool = False) -> WantedProperty:
        """Read the `name` attribute, which may have a group prefix."""
        group, dot, rest = name.upper().rpartition(".")
        return cls(rest, group if dot else None, no_value)

    def takes(self, prop: Property) -> bool:
        return self.name == prop.name and (self.group is None or self.group == prop.group.upper())


def select(body: bytes, wanted: Iterable[WantedProperty]) -> bytes:
    """Only the wanted properties, in the card's order, and VERSION, without which nobody can read them.

    Without any wanted property the whole body is given (RFC 6352 §10.4).
    """
    wants = list(wanted)
    if not wants:
        return body
    chosen: list[Property] = []
    for prop in parse(body)[0].properties:
        taking = [want for want in wants if want.takes(prop)]
        if any(not want.no_value for want in taking) or (not taking and prop.name == "VERSION"):
            chosen.append(prop)
        elif taking:
            chosen.append(Property(prop.name, "", prop.params, prop.group))
    return render(Component("VCARD", chosen))
