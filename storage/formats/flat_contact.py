"""A contact as a flat row of named fields: what CSV, LDIF and forms can hold of a card (CON-01).

Cards hold more than a row; a row made of a card loses what has no field, a card made of a row loses nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from storage.formats.contentline import Params, Property, escape_text, split_value, unescape_text
from storage.formats.vcard import Card, Typed, listed, made, structured
from storage.formats.vcard_versions import to_3

Row = dict[str, str]
"""Field to text; empty fields are left out. Dates are `1985-04-12`, `--04-12`, or free text."""

EMAILS: Final = 3
"""CON-05."""
PLACES: Final = ("work", "home", "other")
ADDRESS_PARTS: Final = ("pobox", "extended", "street", "city", "region", "postcode", "country")
"""In the order of ADR (RFC 6350 §6.3.1)."""

PHONES: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("fax_work", ("fax", "work")),
    ("fax_home", ("fax", "home")),
    ("fax_other", ("fax",)),
    ("phone_mobile", ("cell",)),
    ("phone_mobile_2", ("cell",)),
    ("phone_pager", ("pager",)),
    ("phone_car", ("car",)),
    ("phone_isdn", ("isdn",)),
    ("phone_text", ("textphone",)),
    ("phone_company", ("x-company",)),
    ("phone_assistant", ("x-assistant",)),
    ("phone_callback", ("x-callback",)),
    ("phone_radio", ("x-radio",)),
    ("phone_telex", ("x-telex",)),
    ("phone_work", ("work",)),
    ("phone_work_2", ("work",)),
    ("phone_home", ("home",)),
    ("phone_home_2", ("home",)),
    ("phone_main", ("x-main",)),
    ("phone_other", ()),
    ("phone_other_2", ()),
    ("phone_other_3", ()),
)
"""Fields of telephone numbers and the types each stands for; a number takes the first free field it fits."""

NAME_PARTS: Final = ("family", "given", "middle", "prefix", "suffix")
_YEARLESS: Final = re.compile(r"--(\d\d)-(\d\d)")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")


def row_of(card: Card) -> Row:
    """Flatten a card of either version."""
    component = to_3(card.component) if card.version == "4.0" else card.component
    row: Row = {"uid": card.uid, "fn": card.fn, "nickname": card.nickname, "categories": join_list(card.categories)}
    row.update(zip(NAME_PARTS, structured(component.value("N")), strict=False))
    company, *units = card.org or [""]
    row["company"], row["department"] = company, ", ".join(filter(None, units))
    for field, name in (("function", "TITLE"), ("profession", "ROLE"), ("language", "X-ESCRITOIRE-LANG")):
        row[field] = unescape_text(component.value(name))
    row["comment"] = "\n".join(unescape_text(note.value) for note in component.all("NOTE"))
    row["birthday"] = _date_of(component.get("BDAY"))
    row["anniversary"] = _date_of(component.get("X-ANNIVERSARY"))
    for number, email in enumerate(card.emails[:EMAILS], 1):
        row[f"email_{number}"] = email.value
    for number, im in enumerate(component.all("IMPP")[:EMAILS], 1):
        row[f"im_{number}"] = unescape_text(im.value)
    for url in component.all("URL"):
        types = {kind.lower() for kind in url.params_of("TYPE")}
        row.setdefault("web_home" if "home" in types else "web", unescape_text(url.value))
    for tel in card.tels:
        _place_number(row, tel)
    for address in component.all("ADR"):
        _place_address(row, address)
    return {field: value for field, value in row.items() if value.strip()}


def card_of(row: Mapping[str, str]) -> Card:
    """Make a 3.0 card of a row; a UID is made of the contents where the row has none.

    Raises:
        BadFormat: nothing to name the contact by.
    """
    out: list[Property] = []

    def add(name: str, value: str, params: Params | None = None) -> None:
        out.append(Property(name, value, params or []))

    def text(field: str) -> str:
        return escape_text(clean(row.get(field, "")))

    if uid := text("uid"):
        add("UID", uid)
    if fn := text("fn"):
        add("FN", fn)
    if any(text(field) for field in NAME_PARTS):
        add("N", ";".join(text(field) for field in NAME_PARTS))
    else:
        add("N", ";;;;")
    if text("company") or text("department"):
        add("ORG", f"{text('company')};{text('department')}" if text("department") else text("company"))
    for field, name in (
        ("nickname", "NICKNAME"),
        ("function", "TITLE"),
        ("profession", "ROLE"),
        ("language", "X-ESCRITOIRE-LANG"),
        ("comment", "NOTE"),
    ):
        if value := text(field):
            add(name, value)
    for field, name in (("birthday", "BDAY"), ("anniversary", "X-ANNIVERSARY")):
        if value := clean(row.get(field, "")):
            out.append(date_property(name, value))
    for number in range(1, EMAILS + 1):
        if value := text(f"email_{number}"):
            add("EMAIL", value, [("TYPE", ["INTERNET", "pref"] if number == 1 else ["INTERNET"])])
    for number in range(1, EMAILS + 1):
        if value := text(f"im_{number}"):
            add("IMPP", value)
    for field, params in (("web", None), ("web_home", [("TYPE", ["HOME"])])):
        if value := clean(row.get(field, "")):
            add("URL", value.replace("\n", " "), params)
    for field, types in PHONES:
        if value := text(field):
            add("TEL", value, [("TYPE", [kind.upper() for kind in types])] if types else None)
    for place in PLACES:
        parts = [text(f"{place}_{part}") for part in ADDRESS_PARTS]
        if any(parts):
            add("ADR", ";".join(parts), None if place == "other" else [("TYPE", [place.upper()])])
    if names := split_list(clean(row.get("categories", ""))):
        add("CATEGORIES", ",".join(escape_text(name) for name in names))
    return made(out)


def clean(text: str) -> str:
    """One cell without control characters, its line ends as newlines."""
    return _CONTROL.sub("", text).replace("\r\n", "\n").replace("\r", "\n").strip()


def join_list(names: list[str]) -> str:
    """Names in one cell, separated by semicolons; one within a name is escaped."""
    return ";".join(name.replace("\\", "\\\\").replace(";", "\\;") for name in names)


def split_list(cell: str) -> list[str]:
    """Undo `join_list`."""
    found = (re.sub(r"\\([\\;])", r"\1", raw).strip() for raw in split_value(cell, ";"))
    return list(dict.fromkeys(name for name in found if name))


def _place_number(row: Row, tel: Typed) -> None:
    for field, types in PHONES:
        if field not in row and tel.types.issuperset(types):
            row[field] = tel.value
            return


def _place_address(row: Row, address: Property) -> None:
    types = {kind.lower() for kind in address.params_of("TYPE")}
    place = "home" if "home" in types else "work" if "work" in types else "other"
    if any(f"{place}_{part}" in row for part in ADDRESS_PARTS):
        return
    parts = [", ".join(listed([Property("", raw)])) for raw in split_value(address.value, ";")]
    row.update({f"{place}_{part}": value for part, value in zip(ADDRESS_PARTS, parts, strict=False) if value})


def _date_of(prop: Property | None) -> str:
    if prop is None:
        return ""
    value = unescape_text(prop.value).strip()
    if _DATE.match(value) and prop.param("X-APPLE-OMIT-YEAR") == value[:4]:
        return "-" + value[4:10]
    if re.fullmatch(r"\d{8}", value):
        return f"{value[:4]}-{value[4:6]}-{value[6:]}"
    return value[:10] if re.match(r"\d{4}-\d\d-\d\dT", value) else value


def date_property(name: str, value: str) -> Property:
    """BDAY or X-ANNIVERSARY of a 3.0 card, from a row's text."""
    if found := _YEARLESS.fullmatch(value):  # as vcard_versions: 3.0 has no date without a year
        return Property(name, f"1604-{found[1]}-{found[2]}", [("X-APPLE-OMIT-YEAR", ["1604"])])
    if _DATE.fullmatch(value):
        return Property(name, value)
    return Property(name, escape_text(value), [("VALUE", ["text"])])
