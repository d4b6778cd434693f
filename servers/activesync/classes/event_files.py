"""Attachments of events, from 16.0 on ([MS-ASCAL] §2.2.2.9, [MS-ASAIRS] §2.2.2.8): those within the event itself."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from servers.activesync.classes.item_class import Context, Unconvertible
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, AirSyncBase
from storage.formats.contentline import Component, Property

_TYPE: Final = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,60}/[A-Za-z0-9!#$&^_.+-]{1,60}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\"]+")
ATTACHMENTS_MAX: Final = 100


def files(event: Component) -> list[Property]:
    """The attachments that are stored inline (RFC 5545 §3.8.1.1)."""
    return [one for one in event.all("ATTACH") if (one.param("VALUE") or "").upper() == "BINARY"]


def show(event: Component, context: Context) -> Element | None:
    """Attachments; a reference is the item's ServerId and the attachment's place."""
    found = files(event)
    if context.version < 160 or not found or not context.identified:
        return None
    return AirSyncBase.Attachments(
        *(
            AirSyncBase.Attachment(
                AirSyncBase.DisplayName(_name(one)),
                AirSyncBase.FileReference(f"{context.identified}:{place}"),
                AirSyncBase.Method(1),
                AirSyncBase.EstimatedDataSize(len(one.value) * 3 // 4),
            )
            for place, one in enumerate(found[:ATTACHMENTS_MAX])
        )
    )


def read(event: Component, place: str) -> tuple[bytes, str] | None:
    """Octets and media type of an attachment."""
    found = files(event)
    if not (place.isascii() and place.isdecimal() and len(place) < 4 and int(place) < len(found)):
        return None
    one = found[int(place)]
    try:
        return base64.b64decode("".join(one.value.split())), one.param("FMTTYPE") or "application/octet-stream"
    except (binascii.Error, ValueError):
        return None


def write(event: Component, data: Element) -> None:
    """Add and remove attachments as a device says.

    Raises:
        Unconvertible: one is none, or there are very many.
    """
    said = data.find(AirSyncBase.Attachments)
    if said is None:
        return
    there = files(event)
    gone: list[Property] = []
    for one in said.all(AirSyncBase.Delete):
        place = (one.text_of(AirSyncBase.FileReference) or "").rpartition(":")[2]
        if place.isascii() and place.isdecimal() and len(place) < 4 and int(place) < len(there):
            gone.append(there[int(place)])
    event.properties = [one for one in event.properties if not any(one is other for other in gone)]
    event.properties += [_property(one) for one in said.all(AirSyncBase.Add)]
    if len(files(event)) > ATTACHMENTS_MAX:
        raise Unconvertible("too many attachments")


def added(data: Element, event: Component, context: Context) -> list[Element]:
    """Attachments with the references that the new ones have ([MS-ASAIRS] §2.2.2.11)."""
    said = data.find(AirSyncBase.Attachments)
    fresh = [] if said is None else said.all(AirSyncBase.Add)
    if not fresh:
        return []
    first = len(files(event)) - len(fresh)
    return [
        AirSync.ApplicationData(
            AirSyncBase.Attachments(
                *(
                    AirSyncBase.Attachment(
                        AirSyncBase.ClientId(one.text_of(AirSyncBase.ClientId) or ""),
                        AirSyncBase.FileReference(f"{context.identified}:{first + at}"),
                    )
                    for at, one in enumerate(fresh)
                )
            )
        )
    ]


def _property(said: Element) -> Property:
    content = said.find(AirSyncBase.Content)
    if content is None:
        raise Unconvertible("an attachment without its content")
    octets = content.value
    if isinstance(octets, str):
        try:
            octets = base64.b64decode("".join(octets.split()), validate=True)
        except (binascii.Error, ValueError):
            raise Unconvertible("an attachment that is no base64") from None
    kind = said.text_of(AirSyncBase.ContentType) or ""
    name = _CONTROL.sub(" ", said.text_of(AirSyncBase.DisplayName) or "attachment").strip()[:255]
    params = [
        ("FMTTYPE", [kind if _TYPE.fullmatch(kind) else "application/octet-stream"]),
        ("VALUE", ["BINARY"]), ("ENCODING", ["BASE64"]), ("FILENAME", [name]),
    ]  # fmt: skip
    return Property("ATTACH", base64.b64encode(octets).decode("ascii"), params)


def _name(prop: Property) -> str:
    return prop.param("FILENAME") or prop.param("X-FILENAME") or prop.param("X-APPLE-FILENAME") or "attachment"
