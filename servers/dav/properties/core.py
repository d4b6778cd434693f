"""The properties of RFC 4918 §15, with those of RFC 3253, 4331, 5995 and 6578 that every resource has."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from lxml import etree

from servers.dav import escape, locks, tokens, xml
from servers.dav.context import Reader
from servers.dav.names import CALDAV, CALENDARSERVER, CARDDAV, DAV, ESCRITOIRE, element
from servers.dav.properties.table import ItemProperty, Listing, Part, Property, RowPart
from servers.dav.reports.table import OF_SIBLINGS
from servers.dav.resources import ALL_BUT_ITEMS, PRINCIPALS, Kind, Resource
from servers.http.conditions import format_date
from storage import quota, recent
from storage.types import CALENDAR_TOOLS, SCHEDULE_TOOLS, Item, Relation, Right, Row, SpaceKind, Tool

COLLECTION: Final = frozenset({Kind.COLLECTION})


def iso_date(seconds: float) -> str:
    """An RFC 3339 time in UTC (RFC 4918 §15.1)."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def resource_type(reader: Reader, found: Resource) -> str:
    """DAV:resourcetype (RFC 4918 §15.9, RFC 3744 §4, RFC 4791 §4.2, RFC 6352 §5.2)."""
    if found.kind is Kind.COLLECTION and found.collection is not None:
        return "<D:collection/>" + type_of(found.collection.tool)
    if found.kind is Kind.PRINCIPAL:
        return "<D:collection/><D:principal/>"
    if found.kind is Kind.PROXY:
        return f"<D:collection/><D:principal/>{element(CALENDARSERVER + found.proxy)}"
    return "<D:collection/>"


def type_of(tool: Tool) -> str:
    """What makes a collection of this tool special."""
    if tool in CALENDAR_TOOLS:
        return element(f"{CALDAV}calendar")
    if tool in SCHEDULE_TOOLS:
        return element(f"{CALDAV}{tool.value}")  # RFC 6638 §2.1, §2.2
    return element(f"{CARDDAV}addressbook") if tool is Tool.CONTACTS else ""


def _display_name(reader: Reader, found: Resource) -> str | None:
    if found.collection is not None:
        return escape.text(found.collection.display_name or found.collection.name)
    if found.kind is Kind.PROXY:
        return escape.text(found.proxy)
    if found.principal is not None:
        return escape.text(found.principal.display_name or found.principal.name)
    return None


def _set_display_name(value: etree._Element | None) -> Mapping[str, Any]:
    return {"display_name": xml.all_text(value)}


def _created(reader: Reader, found: Resource) -> str | None:
    return iso_date(found.collection.created) if found.collection is not None else None


def _modified(reader: Reader, found: Resource) -> str | None:
    return format_date(found.collection.modified) if found.collection is not None else None


def _sync_token(reader: Reader, found: Resource) -> str | None:
    return tokens.current(found.collection) if found.collection is not None else None


def _ctag(reader: Reader, found: Resource) -> str | None:
    return f'"{tokens.current(found.collection)}"' if found.collection is not None else None


def _reports(reader: Reader, found: Resource) -> str:
    return supported_reports(reader, found.kind, found.collection.tool if found.collection else None)


def supported_reports(reader: Reader, kind: Kind, tool: Tool | None) -> str:
    """The content of DAV:supported-report-set (RFC 3253 §3.1.5)."""
    names = [
        name
        for name, row in reader.context.tables.reports.items()
        if kind in row.kinds and (tool is None or row.tools is None or tool in row.tools)
    ]
    if tool is not None and tool not in reader.context.protocol.tools:
        names += [name for name, tools in OF_SIBLINGS.items() if tool in tools]
    return "".join(
        [f"<D:supported-report><D:report>{element(name)}</D:report></D:supported-report>" for name in names]
    )


def _methods(reader: Reader, found: Resource) -> str:
    allowed = [name for name, row in reader.context.tables.methods.items() if found.kind in row.kinds]
    return "".join([f'<D:supported-method name="{name}"/>' for name in sorted(allowed)])


def _locks(reader: Reader, found: Resource) -> str:
    return locks.discovery(reader.context, locks.covering(reader, found))


def _lockable(reader: Reader, found: Resource) -> str:
    return locks.SUPPORTED


_OWN: Final = frozenset({Relation.OWNER, Relation.SITE})


def _usage(reader: Reader, found: Resource) -> quota.Usage | None:
    """What the environment holds; of a private one only its owner is told: others do not see all of it (SYS-09)."""
    if found.collection is None:
        return None
    if found.collection.space.kind is SpaceKind.PRIVATE and found.collection.relation not in _OWN:
        return None
    known = reader.memo.setdefault("usage", {})
    key = (found.collection.space.id, found.collection.tool)
    if key not in known:
        known[key] = quota.used(reader.tx, found.collection.space, found.collection.tool)
    usage: quota.Usage = known[key]
    return usage


def _used(reader: Reader, found: Resource) -> str | None:
    usage = _usage(reader, found)
    return None if usage is None else str(usage.octets)


def _available(reader: Reader, found: Resource) -> str | None:
    usage = _usage(reader, found)
    if usage is None or usage.available_octets is None:
        return None
    return str(usage.available_octets)


def _add_member(reader: Reader, found: Resource) -> str:
    return f"<D:href>{found.href}?add-member</D:href>"  # RFC 5995 §3.2.1


def _owner_name(reader: Reader, found: Resource) -> str | None:
    principal = found.principal
    return None if principal is None else escape.text(principal.display_name or principal.name)


_LOCKABLE: Final = frozenset({Kind.HOME, Kind.COLLECTION})

PROPERTIES: Final = (
    Property(f"{DAV}resourcetype", ALL_BUT_ITEMS, resource_type, allprop=True),
    Property(f"{DAV}displayname", ALL_BUT_ITEMS, _display_name, allprop=True, update=_set_display_name),
    Property(f"{DAV}creationdate", COLLECTION, _created, allprop=True),
    Property(f"{DAV}getlastmodified", COLLECTION, _modified, allprop=True),
    Property(f"{DAV}lockdiscovery", _LOCKABLE, _locks, allprop=True),
    Property(f"{DAV}supportedlock", _LOCKABLE, _lockable, allprop=True),
    Property(f"{DAV}sync-token", COLLECTION, _sync_token),
    Property(f"{CALENDARSERVER}getctag", COLLECTION, _ctag),
    Property(f"{DAV}supported-report-set", ALL_BUT_ITEMS, _reports),
    Property(f"{DAV}supported-method-set", ALL_BUT_ITEMS, _methods),
    Property(f"{DAV}quota-used-bytes", COLLECTION, _used),
    Property(f"{DAV}quota-available-bytes", COLLECTION, _available),
    Property(f"{DAV}add-member", COLLECTION, _add_member),
    Property(f"{ESCRITOIRE}owner-name", ALL_BUT_ITEMS - PRINCIPALS, _owner_name),
)


def _etag(entry: Row | Item) -> str:
    return f'"{entry.etag}"'


def _length(entry: Row | Item) -> str:
    return str(entry.size)


def _type(entry: Row | Item) -> str:
    if entry.component:
        return f"{entry.media_type}; charset=utf-8; component={entry.component}"
    return f"{entry.media_type}; charset=utf-8"


def _item_modified(entry: Row | Item) -> str:
    return format_date(entry.modified)


def _item_created(entry: Row | Item) -> str:
    return iso_date(entry.created)


def _schedule_tag(entry: Row | Item) -> str | None:
    return f'"{entry.schedule_tag}"' if entry.schedule_tag else None


def _item_locks(listing: Listing) -> Part:
    everywhere, single = locks.of_members(listing.reader, listing.collection)
    context = listing.reader.context
    common = locks.discovery(context, everywhere)
    if not single:
        return common
    return RowPart(lambda entry: common + locks.discovery(context, single.get(entry.name, ())))


def _item_reports(listing: Listing) -> Part:
    return supported_reports(listing.reader, Kind.ITEM, listing.collection.tool)


def _item_methods(listing: Listing) -> Part:
    methods = listing.reader.context.tables.methods
    allowed = sorted(name for name, row in methods.items() if Kind.ITEM in row.kinds)
    return "".join([f'<D:supported-method name="{name}"/>' for name in allowed])


def _recent(listing: Listing) -> Part:
    since = recent.since(listing.reader.tx)  # ACC-05, ACC-06: the reader's own window, which he may switch off
    if since is None:
        return "0"
    # Who uploads or copies a document may keep the time at which it was written.
    return RowPart(lambda entry: "1" if max(entry.modified, entry.created) >= since else "0")


def _item_owner_name(listing: Listing) -> Part:
    if not listing.collection.rights & (Right.SEE | Right.SEE_BUSY):
        return None
    space = listing.collection.space
    return escape.text(space.display_name or space.name)


ITEM_PROPERTIES: Final = (
    ItemProperty(f"{DAV}resourcetype", lambda _: "", allprop=True),
    ItemProperty(f"{DAV}getetag", lambda _: RowPart(_etag, of_etag='"%s"', lasting=True), allprop=True),
    ItemProperty(f"{DAV}getcontentlength", lambda _: RowPart(_length, column="size", lasting=True), allprop=True),
    ItemProperty(f"{DAV}getcontenttype", lambda _: RowPart(_type, lasting=True), allprop=True),
    ItemProperty(f"{DAV}getlastmodified", lambda _: RowPart(_item_modified, lasting=True), allprop=True),
    ItemProperty(f"{DAV}creationdate", lambda _: RowPart(_item_created, lasting=True), allprop=True),
    ItemProperty(f"{DAV}lockdiscovery", _item_locks, allprop=True),
    ItemProperty(f"{DAV}supportedlock", lambda _: locks.SUPPORTED, allprop=True),
    ItemProperty(f"{DAV}supported-report-set", _item_reports),
    ItemProperty(f"{DAV}supported-method-set", _item_methods),
    ItemProperty(f"{CALDAV}schedule-tag", lambda _: RowPart(_schedule_tag, optional=True)),
    ItemProperty(f"{ESCRITOIRE}recent", _recent),
    ItemProperty(f"{ESCRITOIRE}owner-name", _item_owner_name),
)
