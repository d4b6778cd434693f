"""The reports that every DAV server has; protocols add theirs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from servers.dav.names import CALDAV, CARDDAV, DAV
from servers.dav.protocol import Report
from servers.dav.reports import principals
from servers.dav.reports.expand_property import expand_property
from servers.dav.reports.sync_collection import sync_collection
from servers.dav.resources import EVERY, PRINCIPALS, Kind
from storage.types import CALENDAR_TOOLS, Tool

_COLLECTION: Final = frozenset({Kind.COLLECTION})
_SEARCHED: Final = frozenset({Kind.ROOT, Kind.PRINCIPALS}) | PRINCIPALS

REPORTS: Final[Mapping[str, Report]] = {
    f"{DAV}sync-collection": Report(sync_collection, _COLLECTION, "RFC 6578 §3.2"),
    f"{DAV}expand-property": Report(expand_property, EVERY, "RFC 3253 §3.8"),
    f"{DAV}principal-property-search": Report(principals.property_search, _SEARCHED, "RFC 3744 §9.4"),
    f"{DAV}principal-search-property-set": Report(principals.search_property_set, _SEARCHED, "RFC 3744 §9.5"),
    f"{DAV}principal-match": Report(principals.match, _SEARCHED | {Kind.HOME, Kind.COLLECTION}, "RFC 3744 §9.3"),
    f"{DAV}acl-principal-prop-set": Report(
        principals.acl_principals, frozenset({Kind.COLLECTION, Kind.ITEM}), "RFC 3744 §9.2"
    ),
}

_OBJECTS: Final = CALENDAR_TOOLS | {Tool.SCHEDULE_INBOX}
OF_SIBLINGS: Final[Mapping[str, frozenset[Tool]]] = {
    f"{CALDAV}calendar-query": _OBJECTS,
    f"{CALDAV}calendar-multiget": _OBJECTS,
    f"{CALDAV}free-busy-query": frozenset({Tool.CALENDAR}),
    f"{CARDDAV}addressbook-query": frozenset({Tool.CONTACTS}),
    f"{CARDDAV}addressbook-multiget": frozenset({Tool.CONTACTS}),
}
"""What collections have that are listed here behind a front, and answered elsewhere (servers/dav/sibling.py)."""
