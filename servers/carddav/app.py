"""The CardDAV process: what RFC 6352 adds to the DAV kernel, and the WSGI application made of both."""

from __future__ import annotations

from typing import Any, Final

from conf.settings import Settings
from servers.carddav import data
from servers.carddav.names import ADDRESS_DATA, ADDRESSBOOK, ADDRESSBOOK_MULTIGET, ADDRESSBOOK_QUERY
from servers.carddav.reports.multiget import addressbook_multiget
from servers.carddav.reports.query import addressbook_query
from servers.dav import start
from servers.dav.names import CARDDAV
from servers.dav.protocol import Protocol, Report
from servers.dav.resources import Kind
from storage import contacts, errors
from storage.types import Tool

_BOOKS: Final = frozenset({Tool.CONTACTS})
_WHERE: Final = frozenset({Kind.COLLECTION, Kind.ITEM})


PROTOCOL: Final = Protocol(
    name="carddav",
    tools=_BOOKS,
    dav_tokens=("addressbook",),  # RFC 6352 §6.1
    prepare=contacts.prepare,
    represent=data.represent,
    preconditions={
        errors.BadFormat: f"{CARDDAV}valid-address-data",
        errors.BadObject: f"{CARDDAV}valid-address-data",
        errors.UnsupportedMedia: f"{CARDDAV}supported-address-data",
        errors.UidConflict: f"{CARDDAV}no-uid-conflict",
        errors.TooLarge: f"{CARDDAV}max-resource-size",
    },
    bodies=(ADDRESS_DATA, lambda reader, found, root: data.part(root)),
    collection_types={ADDRESSBOOK: Tool.CONTACTS},
    reports={
        ADDRESSBOOK_QUERY: Report(addressbook_query, _WHERE, "RFC 6352 §8.6", _BOOKS),
        ADDRESSBOOK_MULTIGET: Report(addressbook_multiget, _WHERE, "RFC 6352 §8.7", _BOOKS),
    },
)


def make(settings: Settings) -> Any:
    """The WSGI application of one worker of this process."""
    return start.make(PROTOCOL, settings)
