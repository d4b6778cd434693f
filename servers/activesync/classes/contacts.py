"""Contacts as a device has them, and as cards ([MS-ASCNTC], RFC 6350, RFC 2426; CON-01…06).

A change is merged into the stored card: only what the device changed is written, and what it has no element for stays.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Final

from servers.activesync import bodies, html_text
from servers.activesync.classes import contact_slots as slots
from servers.activesync.classes import property_text
from servers.activesync.classes.item_class import Context, ItemClass, Unconvertible, no_uid
from servers.activesync.options import HTML, PLAIN
from servers.activesync.wbxml.code_page import Tag
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSyncBase, Contacts
from storage.errors import BadFormat
from storage.formats import photo
from storage.formats.addresses import parse_addresses
from storage.formats.contentline import Component, Params, Property, escape_text, parse, render, unescape_text
from storage.formats.vcard import listed, structured
from storage.types import Tool

_NAMES: Final = (Contacts.LastName, Contacts.FirstName, Contacts.MiddleName, Contacts.Title, Contacts.Suffix)
"""In the order of N (RFC 6350 §6.2.2)."""
_ORG: Final = (Contacts.CompanyName, Contacts.Department, Contacts.OfficeLocation)
_DATES: Final = {Contacts.Birthday: ("BDAY",), Contacts.Anniversary: ("ANNIVERSARY", "X-ANNIVERSARY")}
_DATE: Final = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)(?:T(\d\d))?")
_YEARLESS: Final = re.compile(r"--(\d\d)-?(\d\d)")
_TEXT_MAX: Final = 32_768
_PICTURE_MAX: Final = 1024 * 1024


def show(body: bytes, context: Context) -> list[Element]:
    """The elements of a stored card; none for a group of contacts, of which the class knows nothing (§2.2.2)."""
    card = parse(body)[0]
    if (card.value("KIND") or card.value("X-ADDRESSBOOKSERVER-KIND")).strip().lower() == "group":
        return []
    found = {tag: text for tag, text in texts(card).items() if text}
    elements: list[Element | None] = [tag(text) for tag, text in found.items()]
    if names := listed(card.all("CATEGORIES")):
        elements.append(Contacts.Categories(*(Contacts.Category(name) for name in names[:300])))
    if children := [unescape_text(one.value) for one in card.all("X-CHILD") if one.value]:
        elements.append(Contacts.Children(*(Contacts.Child(name) for name in children[:300])))
    elements.append(Contacts.Picture.given(picture(card)))
    if note := _note(card):
        elements.append(bodies.body({PLAIN: note}, context.options.bodies))
    return [one for one in elements if one is not None]


def merge(data: Element, before: bytes | None, uid: str, context: Context) -> bytes:
    """The card after a device's Add or Change.

    Raises:
        Unconvertible: a value is none of its kind.
    """
    if before is None:
        card = Component("VCARD", [Property("VERSION", "3.0"), Property("UID", escape_text(uid))])
    else:
        card = parse(before)[0]
    old = texts(card)
    new = {tag: _said(data, tag, old.get(tag, ""), context) for tag in _ALL}
    for tag, write in _WRITERS.items():
        if new[tag] != old.get(tag, ""):
            write(card, tag, new[tag])
    _write_compound(card, "N", _NAMES, old, new)
    _write_compound(card, "ORG", _ORG, old, new)
    for place, tags in slots.PLACES.items():
        _write_place(card, place, tags, old, new)
    _write_list(card, data, Contacts.Categories, "CATEGORIES", context)
    _write_children(card, data, context)
    _write_picture(card, data)
    _write_note(card, data, context)
    _write_formatted_name(card, data, old, new)
    return render(card)


def texts(card: Component) -> dict[Tag, str]:
    """All elements that are one text."""
    found: dict[Tag, str] = dict(zip(_NAMES, structured(card.value("N")), strict=False))
    found.update(zip(_ORG, structured(card.value("ORG")), strict=False))
    found[Contacts.FileAs] = unescape_text(card.value("FN")).strip()
    for tag, names in slots.TEXTS.items():
        found[tag] = unescape_text(card.value(names[0]))
    for tag, names in _DATES.items():
        prop = next((one for name in names if (one := card.get(name))), None)
        found[tag] = _shown_date(prop)
    everything = slots.numbers(card) | slots.in_order(card, "EMAIL", slots.EMAILS)
    everything |= slots.in_order(card, "IMPP", slots.MESSENGERS)
    for tag, prop in everything.items():
        found[tag] = _plain(prop)
    for place, prop in slots.places(card).items():
        found.update(zip(slots.PLACES[place], structured(prop.value)[2:], strict=False))
    return found


def _plain(prop: Property) -> str:
    """A number or an address without its scheme."""
    text = unescape_text(prop.value).strip()
    for scheme in ("tel:", "mailto:"):
        if text[: len(scheme)].lower() == scheme:
            return text[len(scheme) :]
    return text


def _said(data: Element, tag: Tag, before: str, context: Context) -> str:
    """What an element is after the change."""
    text = data.text_of(tag)
    if text is None:
        return "" if context.clears(tag) and tag is not Contacts.FileAs else before
    text = property_text.clean(text, _TEXT_MAX)
    if tag in _DATES:
        return before if not text else _kept_date(text, before)
    if tag in slots.EMAILS and "<" in text:
        found = parse_addresses(text)
        return found[0].address if found and found[0].host else text
    return text


# --- single properties


def _write_text(card: Component, tag: Tag, text: str) -> None:
    name = slots.TEXTS[tag][0]
    _set(card, card.get(name), name, escape_text(text), [])


def _write_number(card: Component, tag: Tag, text: str) -> None:
    _set(card, slots.numbers(card).get(tag), "TEL", escape_text(text), slots.typed(tag))


def _write_email(card: Component, tag: Tag, text: str) -> None:
    prop = slots.in_order(card, "EMAIL", slots.EMAILS).get(tag)
    _set(card, prop, "EMAIL", escape_text(text), [("TYPE", ["INTERNET"])])


def _write_messenger(card: Component, tag: Tag, text: str) -> None:
    _set(card, slots.in_order(card, "IMPP", slots.MESSENGERS).get(tag), "IMPP", escape_text(text), [])


def _write_date(card: Component, tag: Tag, text: str) -> None:
    names = _DATES[tag]
    four = card.value("VERSION") == "4.0"
    prop = next((one for name in names if (one := card.get(name))), None)
    value = text[:10].replace("-", "") if four else text[:10]
    if prop is not None and text:
        prop.params = [one for one in prop.params if one[0] not in ("VALUE", "X-APPLE-OMIT-YEAR")]
    _set(card, prop, names[0] if four else names[-1], value, [])


def _set(card: Component, prop: Property | None, name: str, value: str, params: Params) -> None:
    """Give a property another value, make it, or take it out together with the label of its group."""
    if prop is None:
        if value:
            card.properties.append(Property(name, value, params))
    elif value:
        prop.value = value
        prop.params = [one for one in prop.params if not (one[0] == "VALUE" and one[1] == ["uri"])]
    else:
        card.properties = [
            one
            for one in card.properties
            if one is not prop and not (prop.group and one.group == prop.group and one.name == "X-ABLABEL")
        ]


_WRITERS: Final[dict[Tag, Callable[[Component, Tag, str], None]]] = {
    **dict.fromkeys(slots.TEXTS, _write_text),
    # What goes first makes room: the slots are dealt out anew after each.
    **dict.fromkeys(reversed([tag for tag, _ in slots.NUMBERS]), _write_number),
    **dict.fromkeys(reversed(slots.EMAILS), _write_email),
    **dict.fromkeys(reversed(slots.MESSENGERS), _write_messenger),
    **dict.fromkeys(_DATES, _write_date),
}
_ALL: Final = (
    *_WRITERS, *_NAMES, *_ORG, Contacts.FileAs, *(tag for tags in slots.PLACES.values() for tag in tags),
)  # fmt: skip


# --- properties of several elements


def _write_compound(
    card: Component, name: str, tags: tuple[Tag, ...], old: dict[Tag, str], new: dict[Tag, str]
) -> None:
    if all(new[tag] == old.get(tag, "") for tag in tags):
        return
    prop = card.get(name)
    before = [] if prop is None else structured(prop.value)
    parts = [new[tag] for tag in tags] + before[len(tags) :]
    while parts and not parts[-1] and name == "ORG":
        parts.pop()
    value = ";".join(escape_text(part) for part in parts)
    if prop is None:
        card.properties.append(Property(name, value))
    elif value:
        prop.value = value
    else:
        card.properties.remove(prop)


def _write_place(
    card: Component, place: str, tags: tuple[Tag, ...], old: dict[Tag, str], new: dict[Tag, str]
) -> None:
    if all(new[tag] == old.get(tag, "") for tag in tags):
        return
    prop = slots.places(card).get(place)
    if not any(new[tag] for tag in tags):
        _set(card, prop, "ADR", "", [])
        return
    before = [] if prop is None else structured(prop.value)
    parts = [*[*before, "", ""][:2], *(new[tag] for tag in tags)]
    value = ";".join(escape_text(part) for part in parts)
    _set(card, prop, "ADR", value, [("TYPE", [place.upper()])] if place else [])


def _write_list(card: Component, data: Element, tag: Tag, name: str, context: Context) -> None:
    said = data.find(tag)
    if said is None and not context.clears(tag):
        return
    names = [] if said is None else [text for one in said.children if (text := property_text.clean(one.text))]
    if names != listed(card.all(name)):
        card.properties = [one for one in card.properties if one.name != name]
        if names:
            card.properties.append(Property(name, ",".join(escape_text(one) for one in names[:300])))


def _write_children(card: Component, data: Element, context: Context) -> None:
    said = data.find(Contacts.Children)
    if said is None and not context.clears(Contacts.Children):
        return
    names = [] if said is None else [text for one in said.children if (text := property_text.clean(one.text))]
    if names != [unescape_text(one.value) for one in card.all("X-CHILD")]:
        card.properties = [one for one in card.properties if one.name != "X-CHILD"]
        card.properties += [Property("X-CHILD", escape_text(one)) for one in names[:300]]


def _write_formatted_name(card: Component, data: Element, old: dict[Tag, str], new: dict[Tag, str]) -> None:
    """FN follows the name, unless the device or somebody before it chose it (CON-01)."""
    shown, chosen = old.get(Contacts.FileAs, ""), new[Contacts.FileAs]
    made = _composed(new)
    text = chosen
    if not chosen or (chosen == shown and shown == _composed(old)):
        text = made or chosen
    if not text:
        text = next((new[tag] for tag in (Contacts.CompanyName, *slots.EMAILS, *_WRITERS) if new[tag]), "")
    if not text:
        raise Unconvertible("a contact without any name")
    if text != shown:
        _set(card, card.get("FN"), "FN", escape_text(text), [])
    if card.get("N") is None:  # RFC 2426 §3.1.2 wants one
        card.properties.append(Property("N", ";;;;"))


def _composed(texts: dict[Tag, str]) -> str:
    last, first, middle, title, suffix = (texts.get(tag, "") for tag in _NAMES)
    return " ".join(filter(None, (title, first, middle, last, suffix)))


# --- dates, notes, pictures


def _shown_date(prop: Property | None) -> str:
    """`1980-05-31T00:00:00.000Z`; without a year 1604 stands for it, as Apple's devices write it."""
    if prop is None:
        return ""
    value = unescape_text(prop.value).strip()
    if found := _YEARLESS.match(value):
        return f"1604-{found[1]}-{found[2]}T00:00:00.000Z"
    if (found := _DATE.match(value)) is None:
        return ""
    return f"{found[1]}-{found[2]}-{found[3]}T00:00:00.000Z"


def _kept_date(text: str, before: str) -> str:
    """The nearest day: devices send midnight of their zone as UTC."""
    found = _DATE.match(text)
    if found is None:
        raise Unconvertible(f"no date: {text[:40]!r}")
    try:
        day = date(int(found[1]), int(found[2]), int(found[3])) + timedelta(days=1 if int(found[4] or 0) >= 12 else 0)
    except (ValueError, OverflowError):
        raise Unconvertible(f"no date: {text[:40]!r}") from None
    shown = f"{day.isoformat()}T00:00:00.000Z"
    return before if shown == before else shown


def _note(card: Component) -> str:
    return "\n".join(unescape_text(one.value) for one in card.all("NOTE"))


def _write_note(card: Component, data: Element, context: Context) -> None:
    said = data.find(AirSyncBase.Body)
    if said is None or bodies.is_as_shown(said, {PLAIN: _note(card)}, context.options.bodies):
        return
    text = property_text.CONTROL.sub("", (said.text_of(AirSyncBase.Data) or "").replace("\r\n", "\n"))
    if said.text_of(AirSyncBase.Type) == str(HTML):
        text = html_text.plain(text)
    if text.strip() == _note(card).strip():
        return
    card.properties = [one for one in card.properties if one.name != "NOTE"]
    if text.strip():
        card.properties.append(Property("NOTE", escape_text(text)))


def picture(card: Component) -> str:
    """Base64 of a JPEG that fits; "" if there is none (CON-06)."""
    prop = card.get("PHOTO")
    octets = b"" if prop is None else _octets(prop)
    if not octets:
        return ""
    try:
        return photo.eas_picture(octets)
    except BadFormat:
        return ""


def _octets(prop: Property) -> bytes:
    value = prop.value
    if value[:5].lower() == "data:":
        value = unescape_text(value).partition(",")[2]
    elif not prop.param("ENCODING"):
        return b""  # a link: it is not fetched
    try:
        return base64.b64decode("".join(value.split()))
    except (binascii.Error, ValueError):
        return b""


def _write_picture(card: Component, data: Element) -> None:
    said = data.find(Contacts.Picture)
    if said is None:
        return  # left out it stays, whatever the device supports ([MS-ASCMD] §2.2.3.24.2); an empty one removes it
    text = "".join(said.text.split())
    before = picture(card)
    if text == before:
        return  # the small copy comes back: the large one stays
    if len(text) > _PICTURE_MAX:
        raise Unconvertible("the picture is too large")
    others = [one for one in card.properties if one.name != "PHOTO"]
    if text:
        try:
            jpeg = photo.to_jpeg(base64.b64decode(text, validate=True))
        except (binascii.Error, ValueError, BadFormat):
            raise Unconvertible("no picture") from None
        encoded = base64.b64encode(jpeg).decode("ascii")
        four = card.value("VERSION") == "4.0"
        others.append(
            Property("PHOTO", f"data:image/jpeg;base64\\,{encoded}")
            if four
            else Property("PHOTO", encoded, [("ENCODING", ["b"]), ("TYPE", ["JPEG"])])
        )
    elif not before:
        return  # what was there could not be shown, so that it was not removed
    card.properties = others


CLASS: Final = ItemClass(
    "Contacts", Tool.CONTACTS, (9, 14), ".vcf", show, merge, no_uid, "text/vcard"
)
