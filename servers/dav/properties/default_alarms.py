"""CALDAV:default-alarm-…: reminders that clients give to new events and tasks (draft-daboo-valarm-extensions-04 §11).

Apple's Calendar sets them on its user's home for all his devices, and complains of a server that refuses. Nothing
here acts on them: clients do. They are kept as properties of one's scheduling inbox, which nobody else reads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from lxml import etree

from servers.dav import escape, xml
from servers.dav.context import Reader
from servers.dav.errors import refuse
from servers.dav.names import CALDAV, DAV
from servers.dav.properties.table import Property
from servers.dav.resources import Kind, Resource
from storage import collections as tree
from storage import properties
from storage.types import Collection, SpaceKind

_LOCALS: Final = tuple(f"default-alarm-{part}-{kind}" for part in ("vevent", "vtodo") for kind in ("datetime", "date"))


def _own(reader: Reader, found: Resource) -> bool:
    principal = found.principal
    return principal is not None and principal.kind is SpaceKind.PRIVATE and principal.id == reader.tx.actor.id


def _inbox(reader: Reader) -> Collection:
    return tree.find(reader.tx, SpaceKind.PRIVATE, reader.tx.actor.login, tree.INBOX)


def _property(local: str) -> Property:
    key = (CALDAV[1:-1], local)

    def get(reader: Reader, found: Resource) -> str | None:
        if not _own(reader, found):
            return None
        kept = properties.underlying(reader.tx, _inbox(reader), [key])
        return None if kept is None else escape.text(xml.all_text(etree.fromstring(kept)))

    def assign(reader: Reader, found: Resource, value: etree._Element | None) -> Callable[[], None]:
        if not _own(reader, found):
            raise refuse(403, f"{DAV}cannot-modify-protected-property")
        kept = None if value is None else xml.serialise(value)
        return lambda: properties.put(reader.tx, _inbox(reader), None, {key: kept})

    return Property(CALDAV + local, frozenset({Kind.HOME}), get, assign=assign)


PROPERTIES: Final = tuple(_property(local) for local in _LOCALS)
