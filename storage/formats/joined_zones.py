"""The time zones of a file that is put together from many objects: one of each name, and none that is meant otherwise.

Programs call zones of their users' own making alike (`Customized Time Zone`, `Zone1`), whatever these say; and objects
may come without the definitions of zones that everybody knows (RFC 7809 §3.1.4), which a file must have
(RFC 5545 §3.2.19).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from storage.formats import timezones
from storage.formats.contentline import Component, parse, render

_BLOCK: Final = re.compile(rb"(?<=\n)BEGIN:(VEVENT|VTODO|VJOURNAL|VTIMEZONE)\r\n.*?(?<=\n)END:\1(?:\r\n|\Z)", re.DOTALL)
_TZID: Final = re.compile(rb"^TZID(?:;[^:\r\n]*)?:((?:[^\r\n]|\r\n[ \t])*)", re.MULTILINE)
_FOLD: Final = re.compile(rb"\r\n[ \t]")
_USED: Final = re.compile(rb';TZID=("[^"\r\n]*"|[^";:\r\n]*)[;:]')


class JoinedZones:
    """What zones the objects of one file have, as they are added to it."""

    def __init__(self) -> None:
        self._blocks: dict[str, bytes] = {}
        self._names: dict[tuple[str, bytes], str] = {}
        """What a zone is called in the file, by its own name and its text."""
        self._meanings: dict[tuple[str, str], str] = {}
        """The same by its own name and what it says."""
        self._used: set[str] = set()

    def add(self, body: bytes) -> Iterator[bytes]:
        """Take the zones out of a stored object; gives its other components, as the file is to have them."""
        found = list(_BLOCK.finditer(body if body.endswith(b"\n") else body + b"\r\n"))
        zones = [match[0] for match in found if match[1] == b"VTIMEZONE"]
        others = [match[0] for match in found if match[1] != b"VTIMEZONE"]
        names = {own: self._name(own, block) for block in zones if (own := _tzid(block)) is not None}
        changed = {own: name for own, name in names.items() if own != name}
        if changed:
            others = [_renamed(block, changed) for block in others]
        if not zones:
            used = {tzid for one in others for tzid in _USED.findall(_FOLD.sub(b"", one))}
            self._used |= {tzid.decode("utf-8", "replace").strip('"') for tzid in used}
        yield from others

    def blocks(self) -> list[bytes]:
        """The VTIMEZONEs that the file needs; those of objects without their own are of the zone database."""
        made = [zone for tzid in sorted(self._used - self._blocks.keys()) if (zone := timezones.by_reference(tzid))]
        return [*self._blocks.values(), *map(render, made)]

    def _name(self, own: str, block: bytes) -> str:
        known = self._names.get((own, block))
        if known is None:
            known = self._names[own, block] = self._named(own, block)
        return known

    def _named(self, own: str, block: bytes) -> str:
        if timezones.resolve(own, {}) is not None:  # its name alone says what it is
            self._blocks.setdefault(own, block)
            return own
        (zone,) = parse(block)
        meaning = _meaning(own, zone)
        name = self._meanings.get((own, meaning))
        if name is None:
            name, number = own, len(self._meanings)
            while name in self._blocks:
                number += 1
                name = f"{own} ({number})"
            self._meanings[own, meaning] = name
            for prop in zone.properties if name != own else ():
                if prop.name == "TZID":
                    prop.value = name
            self._blocks[name] = block if name == own else render(zone)
        return name


def _tzid(block: bytes) -> str | None:
    found = _TZID.search(block)
    return _FOLD.sub(b"", found[1]).decode("utf-8", "replace").strip() if found else None


def _meaning(own: str, zone: Component) -> str:
    found = timezones.resolve(own, {own: zone})
    text = timezones.dumps(found)
    # Of a zone that is defined in the object itself, what it says and not what it is called.
    return json.dumps(json.loads(text)[1]) if text.startswith("[") else text


def _renamed(block: bytes, names: dict[str, str]) -> bytes:
    (component,) = parse(block)
    _rename(component, names)
    return render(component)


def _rename(component: Component, names: dict[str, str]) -> None:
    for prop in component.properties:
        prop.params = [
            (key, [names.get(value.strip(), value) for value in values] if key == "TZID" else values)
            for key, values in prop.params
        ]
    for inner in component.components:
        _rename(inner, names)
