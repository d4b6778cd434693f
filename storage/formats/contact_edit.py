"""A card changed by its flat fields: a form's answer is written into it, and nothing else is lost (CON-08)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from storage.formats import vcard
from storage.formats.contentline import Component, Params, Property, escape_text, render
from storage.formats.flat_contact import (
    ADDRESS_PARTS,
    EMAILS,
    NAME_PARTS,
    PHONES,
    PLACES,
    Row,
    clean,
    date_property,
    row_of,
)
from storage.formats.vcard import Card
from storage.formats.vcard_versions import to_3, to_4

_SIMPLE: Final = {
    "nickname": "NICKNAME",
    "function": "TITLE",
    "profession": "ROLE",
    "language": "X-ESCRITOIRE-LANG",
}
_ADDRESSES: Final = {place: tuple(f"{place}_{part}" for part in ADDRESS_PARTS) for place in PLACES}
FIELDS: Final = (
    *(*NAME_PARTS, "nickname", "company", "department", "function", "profession"),
    *(f"email_{number}" for number in range(1, EMAILS + 1)),
    *(field for field, _ in PHONES),
    *(field for fields in _ADDRESSES.values() for field in fields),
    *(f"im_{number}" for number in range(1, EMAILS + 1)),
    *("web", "web_home", "birthday", "anniversary", "language"),
)
"""What can be changed; the comment and the categories are not among it."""
_DATES: Final = {"birthday": "BDAY", "anniversary": "X-ANNIVERSARY"}


def changed_fields(card: Card, wanted: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Of `wanted`, what differs from the card: before and after, "" for nothing."""
    row = row_of(card)
    found: dict[str, tuple[str, str]] = {}
    for field in FIELDS:
        if field in wanted:
            after = " ".join(clean(wanted[field]).split())
            before = " ".join(row.get(field, "").split())
            if after != before:
                found[field] = (before, after)
    return found


def edited(card: Card, wanted: Mapping[str, str]) -> Card:
    """The card with the fields of `wanted`, of which an empty one is taken out; the name follows its parts.

    Raises:
        BadFormat: nothing would be left to name the person by.
    """
    changes = {field: after for field, (_, after) in changed_fields(card, wanted).items()}
    if not changes:
        return card
    component = to_3(card.component) if card.version == "4.0" else Component("VCARD", list(card.component.properties))
    places = _places(component)
    row = row_of(card) | changes
    if not changes.keys().isdisjoint(NAME_PARTS):
        _set(component, component.get("N"), "N", _compound(row, NAME_PARTS))
        component.properties = [prop for prop in component.properties if prop.name != "FN"]  # made anew of the rest
    if not changes.keys().isdisjoint({"company", "department"}):
        parts = ("company", "department") if row.get("department") else ("company",)
        _set(component, component.get("ORG"), "ORG", _compound(row, parts) if any(map(row.get, parts)) else "")
    for field, value in changes.items():
        if field in _SIMPLE:
            _leave_first(component, _SIMPLE[field])
            _set(component, component.get(_SIMPLE[field]), _SIMPLE[field], escape_text(value))
        elif field in _DATES:
            component.properties = [prop for prop in component.properties if prop.name != _DATES[field]]
            component.properties += [date_property(_DATES[field], value)] if value else []
        elif field.startswith(("email_", "im_", "web", "phone_", "fax_")):
            name, params = _kind(field)
            _set(component, places.get(field), name, value if name == "URL" else escape_text(value), params)
    for place, fields in _ADDRESSES.items():
        if not changes.keys().isdisjoint(fields):
            value = _compound(row, fields) if any(map(row.get, fields)) else ""
            _set(component, places.get(place), "ADR", value, [] if place == "other" else [("TYPE", [place.upper()])])
    done = to_4(component) if card.version == "4.0" else component
    return vcard.read(render(done))


def _places(component: Component) -> dict[str, Property]:
    """Which property each field with several of a kind stands for, as `row_of` reads them."""
    found: dict[str, Property] = {}
    mails = [prop for prop in component.all("EMAIL") if prop.value.strip()]
    for name, held in (("email", mails), ("im", component.all("IMPP"))):
        found |= {f"{name}_{number}": prop for number, prop in enumerate(held[:EMAILS], 1)}
    for url in component.all("URL"):
        kinds = {kind.lower() for kind in url.params_of("TYPE")}
        found.setdefault("web_home" if "home" in kinds else "web", url)
    for tel in component.all("TEL"):
        kinds = {kind.lower() for kind in vcard.types_of(tel)}
        field = next((one for one, types in PHONES if one not in found and kinds.issuperset(types)), None)
        if field is not None and tel.value.strip():
            found[field] = tel
    for address in component.all("ADR"):
        if not any(vcard.structured(address.value)):
            continue  # `row_of` passes over it as well
        kinds = {kind.lower() for kind in address.params_of("TYPE")}
        found.setdefault("home" if "home" in kinds else "work" if "work" in kinds else "other", address)
    return found


def _kind(field: str) -> tuple[str, Params]:
    """The property that a field is, with the parameters of a new one."""
    if field.startswith("email_"):
        return "EMAIL", [("TYPE", ["INTERNET"])]
    if field.startswith("im_"):
        return "IMPP", []
    if field.startswith("web"):
        return "URL", [("TYPE", ["HOME"])] if field == "web_home" else []
    types = [kind.upper() for kind in dict(PHONES)[field]]
    return "TEL", [("TYPE", types)] if types else []


def _set(component: Component, old: Property | None, name: str, value: str, params: Params | None = None) -> None:
    """Give a property another value where it stands, add it, or take it out if the value is empty."""
    held = component.properties
    if old is None:
        if value:
            held.append(Property(name, value, params or []))
        return
    at = next(number for number, prop in enumerate(held) if prop is old)
    if value:
        held[at] = Property(name, value, old.params, old.group)
    else:
        del held[at]


def _leave_first(component: Component, name: str) -> None:
    """Take out all but the first of a name: what was shown of several is changed or erased with them (CON-08)."""
    first = component.get(name)
    component.properties = [prop for prop in component.properties if prop.name != name or prop is first]


def _compound(row: Row, fields: tuple[str, ...]) -> str:
    return ";".join(escape_text(row.get(field, "")) for field in fields)
