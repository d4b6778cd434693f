"""Texts of the wire as properties (RFC 5545 §3.3.11)."""

from __future__ import annotations

import re
from typing import Final

from storage.formats.contentline import Component, Property, escape_text, unescape_text

_TEXT_MAX: Final = 100_000
CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""What no text may hold."""


def set_text(event: Component, name: str, text: str) -> None:
    """Give a component a text, or take it out; the same text leaves the property as it is."""
    prop = event.get(name)
    if text == ("" if prop is None else unescape_text(prop.value)):
        return
    if not text:
        event.properties = [one for one in event.properties if one.name != name]
    elif prop is None:
        event.properties.append(Property(name, escape_text(text)))
    else:
        prop.value = escape_text(text)
        prop.params = [one for one in prop.params if one[0] != "ALTREP"]


def clean(text: str, most: int = _TEXT_MAX) -> str:
    """A text of the wire as it is stored: without controls, lines end with LF, at most `most` characters."""
    return CONTROL.sub("", text.replace("\r\n", "\n")).strip()[:most]
