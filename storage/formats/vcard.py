"""One address object: octets become a card that may be stored (RFC 6352 §5.1, RFC 6350, RFC 2426).

The client's own octets are kept when they are well-formed. What is only slightly wrong is repaired and written
anew; vCard 2.1 becomes 3.0. Nothing that is understood is dropped, known or not.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from storage.errors import BadFormat, BadObject, UnsupportedMedia
from storage.formats import collation, vcard21
from storage.formats.contentline import (
    Component,
    Property,
    escape_text,
    parse,
    render,
    split_value,
    unescape_text,
)

VERSIONS: Final = ("3.0", "4.0")
MAXIMUM_UID: Final = 1000
"""Octets of a UID; longer ones do not fit an index."""
MAXIMUM_PROPERTIES: Final = 20_000
"""In one card: a group of that many members still fits."""


@dataclass(frozen=True, slots=True)
class Name:
    """The structured name (RFC 6350 §6.2.2), unescaped; several given in one part are joined by spaces."""

    family: str = ""
    given: str = ""
    additional: str = ""
    prefix: str = ""
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Typed:
    """A telephone number or an e-mail address with what it is for."""

    value: str
    types: frozenset[str]
    """Lower case, without `pref`."""
    preference: int
    """1 (most) to 100 (RFC 6350 §5.3); 1 for 3.0's TYPE=pref; 101 where nothing is said."""


@dataclass(frozen=True, slots=True)
class Folded:
    """What queries look at, folded by i;unicode-casemap; the values of several properties one per line."""

    fn: str
    n: str
    org: str
    nickname: str
    email: str
    tel: str


@dataclass(frozen=True, slots=True)
class Card:
    """One storable vCard. Only `version` and `uid` are found out at once, the rest when asked."""

    body: bytes
    """What to store."""
    version: str
    """"3.0" or "4.0"."""
    uid: str
    component: Component
    repaired: bool
    """`body` is not what the client sent."""

    @property
    def fn(self) -> str:
        return unescape_text(self.component.value("FN")).strip()

    @property
    def n(self) -> Name:
        return Name(*(structured(self.component.value("N")) + [""] * 5)[:5])

    @property
    def org(self) -> list[str]:
        """Company, then its units, largest first (RFC 6350 §6.6.4)."""
        return structured(self.component.value("ORG"))

    @property
    def nickname(self) -> str:
        return ", ".join(listed(self.component.all("NICKNAME")))

    @property
    def emails(self) -> list[Typed]:
        return [_typed(prop) for prop in self.component.all("EMAIL") if prop.value.strip()]

    @property
    def tels(self) -> list[Typed]:
        return [_typed(prop) for prop in self.component.all("TEL") if prop.value.strip()]

    @property
    def categories(self) -> list[str]:
        return listed(self.component.all("CATEGORIES"))

    @property
    def kind(self) -> str:
        """`individual`, `group`, `org`, `location` or another one, lower case (RFC 6350 §6.1.4)."""
        value = self.component.value("KIND") or self.component.value("X-ADDRESSBOOKSERVER-KIND")
        return value.strip().lower() or "individual"

    @property
    def folded(self) -> Folded:
        """The index columns; a value's line is exactly `searchable` of it, folded."""
        columns: dict[str, list[str]] = {name: [] for name in INDEXED}
        for prop in self.component.properties:
            if prop.name in columns:
                columns[prop.name].extend(searchable(prop))
        return Folded(*(_fold("\n".join(columns[name])) for name in INDEXED))


INDEXED: Final = ("FN", "N", "ORG", "NICKNAME", "EMAIL", "TEL")
"""Properties with a column in the index, in the order of `Folded`."""
LISTS: Final = frozenset({"CATEGORIES", "NICKNAME"})
"""Properties whose value is a list of texts, searched one by one."""


def read(data: bytes, *, make_uid: bool = False) -> Card:
    """Take exactly one vCard of version 2.1, 3.0 or 4.0; a missing UID is made if `make_uid`.

    Repaired: line ends, a byte order mark, octets that are not UTF-8, a missing VERSION (taken as 3.0), a missing
    FN (made of N, ORG, NICKNAME, EMAIL or TEL), quoted-printable.

    Raises:
        BadFormat: not a vCard, or nothing to name the person by.
        BadObject: several cards, no UID or several, not a vCard at all (RFC 6352 §5.1), or one without measure.
        UnsupportedMedia: a version we do not know.
    """
    components = parse(data)
    if not components:
        raise BadFormat("there is no vCard", 1)
    card = components[0]
    if card.name != "VCARD":
        raise BadObject(f"line {card.line}: {card.name[:40]} where a VCARD belongs")
    if len(components) > 1:
        raise BadObject(f"line {components[1].line}: more than one object (RFC 6352 §5.1)")
    version = card.value("VERSION").strip()
    repaired = not _well_formed(data)
    if version == "2.1" or b"QUOTED" in data or b"quoted" in data or b"Quoted" in data:
        repaired |= vcard21.upgrade(card, modern=version != "2.1")
        version = "3.0" if version == "2.1" else version
    elif not version:
        card.properties.insert(0, Property("VERSION", "3.0"))
        version, repaired = "3.0", True
    if version not in VERSIONS:
        raise UnsupportedMedia(f"vCard version {version[:20]!r}")
    if not data.isascii() and repaired:
        for prop in card.properties:  # what is written is UTF-8
            prop.params = [param for param in prop.params if param[0] != "CHARSET"]
    if card.components:
        raise BadObject(f"line {card.components[0].line}: a component inside the vCard")
    if len(card.properties) > MAXIMUM_PROPERTIES:
        raise BadObject(f"more than {MAXIMUM_PROPERTIES} properties")
    uid, made = _uid(card, make_uid)
    repaired |= made | _named(card)
    return Card(render(card) if repaired else data, version, uid, card, repaired)


def made(properties: Iterable[Property], version: str = "3.0") -> Card:
    """Make a card of properties (VERSION not among them); UID and FN as `read` with `make_uid`.

    Raises:
        BadFormat: nothing to name the person by.
    """
    component = Component("VCARD", [Property("VERSION", version), *properties])
    uid, _ = _uid(component, True)
    _named(component)
    return Card(render(component), version, uid, component, True)


def changed(card: Card, component: Component) -> Card:
    """The card with other contents and the same UID."""
    return Card(render(component), card.version, card.uid, component, True)


def component_of(body: bytes) -> Component:
    """The component of a stored body."""
    return parse(body)[0]


def structured(raw: str) -> list[str]:
    """Parts of a compound value, unescaped; a list inside a part is joined by spaces (RFC 6350 §3.3)."""
    if "\\" not in raw and "," not in raw:
        return [part.strip() for part in raw.split(";")]
    return [
        " ".join(filter(None, (unescape_text(value).strip() for value in split_value(part, ","))))
        for part in split_value(raw, ";")
    ]


def listed(properties: Iterable[Property]) -> list[str]:
    """All values of list properties, unescaped, without empty and repeated ones, in their order."""
    found: dict[str, None] = {}
    for prop in properties:
        for raw in split_value(prop.value, ","):
            if value := unescape_text(raw).strip():
                found[value] = None
    return list(found)


def types_of(prop: Property) -> list[str]:
    """Values of TYPE, also where a writer quoted the whole list (RFC 6350 §5.6, erratum 3845)."""
    return [kind for value in prop.params_of("TYPE") for kind in value.split(",") if kind]


def searchable(prop: Property) -> list[str]:
    """The texts of a property that a text-match compares (RFC 6352 §10.5.4): unescaped, on one line.

    A list gives each of its values, any other property its whole value with its separators.
    """
    if prop.name in LISTS:
        return [unescape_text(raw).replace("\n", " ") for raw in split_value(prop.value, ",")]
    if "\\" not in prop.value:
        return [prop.value]
    return [unescape_text(prop.value).replace("\n", " ")]


def _typed(prop: Property) -> Typed:
    types = {kind.lower() for kind in types_of(prop)}
    preference = 1 if "pref" in types else 101
    stated = prop.param("PREF")
    if stated is not None and stated.isascii() and stated.isdigit():
        preference = min(max(int(stated[:4]), 1), 100)
    value = unescape_text(prop.value).strip()
    if value[:4].lower() == "tel:" and prop.name == "TEL":
        value = value[4:]
    elif value[:7].lower() == "mailto:" and prop.name == "EMAIL":
        value = value[7:]
    return Typed(value, frozenset(types - {"pref"}), preference)


def _fold(text: str) -> str:
    return collation.fold("i;unicode-casemap", text) if text else ""


_END: Final = re.compile(rb"\r\nEND:VCARD(?:\r\n)*\Z", re.IGNORECASE)


def _well_formed(data: bytes) -> bool:
    """CRLF everywhere, UTF-8, nothing before BEGIN and only line ends after END (RFC 6350 §3.2, §3.3)."""
    breaks = data.count(b"\r\n")
    if data.count(b"\n") != breaks or data.count(b"\r") != breaks:
        return False
    if data[:13].upper() != b"BEGIN:VCARD\r\n" or not _END.search(data, max(0, len(data) - 40)):
        return False
    if not data.isascii():
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            return False
    return True


def _uid(card: Component, make: bool) -> tuple[str, bool]:
    """The one UID (RFC 6352 §5.1), and whether it was made here, out of the contents.

    The same contents give the same UID, so that a file imported twice makes no doubles.
    """
    found = card.all("UID")
    uid = found[0].value.strip() if found else ""
    if len(found) > 1 and any(prop.value.strip() != uid for prop in found):
        raise BadObject(f"line {found[1].line}: a second UID")
    if uid:
        uid = unescape_text(uid)
        if len(uid) > MAXIMUM_UID or len(uid.encode("utf-8", "surrogatepass")) > MAXIMUM_UID:
            raise BadObject(f"line {found[0].line}: a UID of more than {MAXIMUM_UID} octets")
        return uid, False
    if not make:
        raise BadObject("no UID (RFC 6352 §5.1)")
    card.properties = [prop for prop in card.properties if prop.name != "UID"]
    uid = f"urn:uuid:{uuid.uuid5(_NAMESPACE, render(card).decode('utf-8'))}"
    card.properties.insert(1, Property("UID", uid))
    return uid, True


_NAMESPACE: Final = uuid.UUID("5d0b8a0e-63a5-5c1c-9f6e-5f8d3c0c7a11")


def _named(card: Component) -> bool:
    """Give the card an FN if it has none; True if that was done."""
    if any(prop.name == "FN" and prop.value.strip() for prop in card.properties):
        return False
    name = Name(*(structured(card.value("N")) + [""] * 5)[:5])
    parts = (name.prefix, name.given, name.additional, name.family, name.suffix)
    text = " ".join(filter(None, parts))
    if not text:
        text = ", ".join(filter(None, structured(card.value("ORG"))))
    for other in ("NICKNAME", "EMAIL", "TEL"):
        text = text or unescape_text(card.value(other)).strip()
    if not text:
        raise BadFormat("no FN, and no name, company, e-mail address or number to make it of", card.line)
    card.properties = [prop for prop in card.properties if prop.name != "FN"]
    card.properties.insert(1, Property("FN", escape_text(text)))
    return True
