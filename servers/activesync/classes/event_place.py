"""Where an event is: Location of 16.x with its parts, and LOCATION, GEO and what Apple and we keep beside them.

([MS-ASAIRS] §2.2.2.28; RFC 5545 §3.8.1.6, §3.8.1.7.) iCalendar has a text and a point. What a device says beyond is
kept in a property of our own together with the text that it belongs to: once another program changed that, it is void.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from servers.activesync.classes import property_text
from servers.activesync.wbxml.code_page import Tag
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSyncBase as Base
from storage.formats import itip
from storage.formats.contentline import Component, Property, escape_text, split_value, unescape_text

OWN: Final = "X-ESCRITOIRE-PLACE"
APPLE: Final = "X-APPLE-STRUCTURED-LOCATION"
_KEPT: Final = (
    Base.DisplayName, Base.Annotation, Base.Street, Base.City, Base.State, Base.Country, Base.PostalCode,
    Base.Latitude, Base.Longitude, Base.Accuracy, Base.Altitude, Base.AltitudeAccuracy, Base.LocationUri,
)  # fmt: skip
"""In the order in which our own property has them, behind LOCATION's text."""
_ADDRESS: Final = (Base.Street, Base.City, Base.State, Base.Country, Base.PostalCode)
_LINES: Final = re.compile(r"\\+n|\s+")
"""Ends of lines as Apple writes them into X-ADDRESS."""
_POINT: Final = re.compile(r"\s*([+-]?\d{1,3}(?:\.\d{1,20})?)[;,]([+-]?\d{1,3}(?:\.\d{1,20})?)\b")
_TEXT_MAX: Final = 10_000
Place = Mapping[Tag, str]


def of(event: Component) -> dict[Tag, str]:
    """What is known of where it is; empty texts are left out."""
    text = unescape_text(event.value("LOCATION"))
    own = event.get(OWN)
    fields = [] if own is None else [unescape_text(one) for one in split_value(own.value, ";")]
    kept = dict(zip(_KEPT, fields[1:], strict=False))
    found = kept if fields and fields[0] == text else {Base.DisplayName: text}
    apple = event.get(APPLE)
    if apple is not None and not text.startswith(apple.param("X-TITLE") or ""):
        apple = None  # of another place
    if apple is not None and found is not kept and (address := apple.param("X-ADDRESS")):
        found[Base.Street] = _LINES.sub(" ", address).strip()
    point = _point(event.value("GEO").replace("\\;", ";"))
    if point is not None and found is not kept and point == (kept.get(Base.Latitude), kept.get(Base.Longitude)):
        point = None
    if point is None and apple is not None and apple.value[:4].lower() == "geo:":
        point = _point(apple.value[4:])
    if point is not None:
        found |= {Base.Latitude: point[0], Base.Longitude: point[1]}
    return {tag: said for tag, said in found.items() if said}


def show(event: Component) -> Element | None:
    """The Location of 16.x; None if it is nowhere."""
    found = of(event)
    return Base.Location(*(tag(found[tag]) for tag in _KEPT if tag in found)) if found else None


def write(event: Component, said: Element) -> None:
    """Take over the Location that a device sends; an empty one takes everything away, the same changes nothing."""
    given = {tag: property_text.clean(said.text_of(tag) or "", _TEXT_MAX) for tag in _KEPT}
    if not said.children and said.text.strip():
        given[Base.DisplayName] = property_text.clean(said.text)
    given |= _coordinates(given)
    given = {tag: text for tag, text in given.items() if text}
    if given == {tag: property_text.clean(text, _TEXT_MAX) for tag, text in of(event).items()}:
        return
    forget(event)
    text = given.get(Base.DisplayName) or ", ".join(given[tag] for tag in _ADDRESS if tag in given)
    property_text.set_text(event, "LOCATION", text)
    if Base.Latitude in given:
        itip.set_value(event, "GEO", f"{given[Base.Latitude]};{given[Base.Longitude]}")
        event.properties.append(_for_apple(text, given))
    if set(given) - {Base.DisplayName}:
        fields = [text, *(given.get(tag, "") for tag in _KEPT)]
        event.properties.append(Property(OWN, ";".join(escape_text(one) for one in fields)))


def write_text(event: Component, text: str) -> None:
    """Take over the place of 14.1 and before, a text: what was known of another one goes with it."""
    if text != property_text.clean(unescape_text(event.value("LOCATION"))):
        forget(event)
    property_text.set_text(event, "LOCATION", text)


def forget(event: Component) -> None:
    """Take away all that belongs to LOCATION's text."""
    event.properties = [one for one in event.properties if one.name not in (OWN, APPLE, "GEO")]


def _point(text: str) -> tuple[str, str] | None:
    found = _POINT.match(text)
    return None if found is None else (found[1], found[2])


def _coordinates(given: Place) -> dict[Tag, str]:
    """Both or none of them, as GEO has them (§3.8.1.6)."""
    found: dict[Tag, str] = {}
    for tag, most in ((Base.Latitude, 90), (Base.Longitude, 180)):
        text = given[tag]
        try:
            number = float(text)
        except ValueError:
            return dict.fromkeys((Base.Latitude, Base.Longitude), "")
        if not -most <= number <= most:
            return dict.fromkeys((Base.Latitude, Base.Longitude), "")
        found[tag] = text if re.fullmatch(r"[+-]?\d{1,3}(?:\.\d{1,20})?", text) else f"{number:.6f}"
    return found


def _for_apple(text: str, given: Place) -> Property:
    """What iPhones and Macs show a map by."""
    address = ", ".join(given[tag] for tag in _ADDRESS if tag in given)
    params = [("VALUE", ["URI"])]
    for name, value in (("X-ADDRESS", address), ("X-TITLE", text)):
        plain = " ".join(value.replace('"', "'").split())
        if plain:
            params.append((name, [plain]))
    return Property(APPLE, f"geo:{given[Base.Latitude]},{given[Base.Longitude]}", params)
