"""The picture of a card: found, made small, put back (CON-06)."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from storage.errors import BadFormat, BadObject
from storage.formats import photo
from storage.formats.contentline import Component, Property, unescape_text
from storage.formats.vcard import Card, changed, types_of

MAXIMUM_PICTURES: Final = 4
"""In one card; each may cost a second."""


def fit(card: Card) -> Card:
    """The card with each embedded PHOTO as a JPEG of at most 512×512; the very same card if there is nothing to do.

    A picture that cannot be read stays as it came, for the rest of the contact is worth keeping; so does a link.

    Raises:
        TooManyPixels: a picture over 50 megapixels.
        BadObject: more than `MAXIMUM_PICTURES`.
    """
    properties = card.component.properties
    count = sum(prop.name == "PHOTO" for prop in properties)
    if not count:
        return card
    if count > MAXIMUM_PICTURES:
        raise BadObject(f"more than {MAXIMUM_PICTURES} pictures")
    out = [_fitted(prop, card.version) if prop.name == "PHOTO" else prop for prop in properties]
    if all(new is old for new, old in zip(out, properties, strict=True)):
        return card
    return changed(card, Component("VCARD", out))


def picture(component: Component) -> bytes:
    """Octets of the first embedded PHOTO, b"" if there is none; of a stored card a JPEG."""
    for prop in component.all("PHOTO"):
        if octets := _octets(prop):
            return octets
    return b""


def with_picture(card: Card, data: bytes) -> Card:
    """The card with `data`, a picture of any format, as its only PHOTO; without one if `data` is empty.

    Raises:
        BadFormat: no picture we can read.
    """
    out = [prop for prop in card.component.properties if prop.name != "PHOTO"]
    if data:
        out.append(_property(photo.to_jpeg(data), card.version, Property("PHOTO", "")))
    return changed(card, Component("VCARD", out))


def _fitted(prop: Property, version: str) -> Property:
    octets = _octets(prop)
    if not octets:
        return prop
    try:
        jpeg = photo.to_jpeg(octets)
    except photo.TooManyPixels as error:
        raise photo.TooManyPixels(error.reason, prop.line) from None
    except BadFormat:
        return prop
    return prop if jpeg is octets else _property(jpeg, version, prop)


def _octets(prop: Property) -> bytes:
    value = prop.value
    if (prop.param("ENCODING") or "").upper() not in ("B", "BASE64"):
        head, comma, value = unescape_text(value).partition(",")
        if not comma or head[:5].lower() != "data:" or not head.lower().endswith(";base64"):
            return b""
    try:
        return binascii.a2b_base64(value)
    except ValueError:  # binascii.Error, or letters that are not ASCII
        return b""


def _property(jpeg: bytes, version: str, old: Property) -> Property:
    """PHOTO in the version's own spelling, with the old one's preference and group."""
    encoded = base64.b64encode(jpeg).decode("ascii")
    kept = [param for param in old.params if param[0] not in ("TYPE", "ENCODING", "VALUE", "MEDIATYPE")]
    if version == "4.0":
        return Property("PHOTO", f"data:image/jpeg;base64,{encoded}", kept, old.group)
    types = ["JPEG", *(kind for kind in types_of(old) if kind.lower() == "pref")]
    return Property("PHOTO", encoded, [("ENCODING", ["b"]), ("TYPE", types), *kept], old.group)
