"""Protocol: what CalDAV, CardDAV and the disk each give to the DAV kernel, as one frozen value.

The kernel owns URLs, methods, multistatus, locks, conditions, principals, access control and
synchronisation. A protocol adds its tools, how bodies are parsed and shown, its reports and methods,
and the names of its preconditions. It registers nothing by side effect: `application.make` reads
this value once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from storage.errors import StorageError
from storage.kinds import Prepared
from storage.types import Collection, Item, Tool

if TYPE_CHECKING:
    from lxml import etree

    from servers.dav.context import Context, Reader
    from servers.dav.properties.table import ItemPart, ItemProperty, Property
    from servers.dav.resources import Kind, Resource
    from servers.dav.urls import UrlMap
    from servers.http.request import Request
    from servers.http.response import Response

Handler: TypeAlias = "Callable[[Context], Response]"
"""A method: opens its own transaction, returns the answer, raises StorageError or HttpError."""

ReportHandler: TypeAlias = "Callable[[Reader, Resource, etree._Element], Response]"
"""A report: runs in a reading transaction (`reader.tx`) that the kernel opened, on a resource it found."""


@dataclass(frozen=True, slots=True)
class Method:
    """One row of the method table."""

    handler: Handler
    kinds: frozenset[Kind]
    """Resources that have it; elsewhere it answers 405 (501 if no resource has it)."""
    section: str
    """`RFC 4918 §9.1`; the compliance table of the documentation is printed from it."""
    unmapped: bool = False
    """Also for URLs at which nothing is yet (PUT, MKCOL, LOCK)."""

    def fits(self, kind: Kind | None) -> bool:
        """Whether a URL of this kind may have the method; None is a URL outside the map."""
        return self.unmapped if kind is None else bool(self.kinds & kind.possible)


@dataclass(frozen=True, slots=True)
class Report:
    """One row of the report table."""

    handler: ReportHandler
    kinds: frozenset[Kind]
    """Resources that list it in DAV:supported-report-set."""
    section: str
    tools: frozenset[Tool] | None = None
    """For collections and items: only those of these tools; None = all."""


@dataclass(frozen=True, slots=True)
class Representation:
    """What GET sends for one item."""

    body: bytes
    content_type: str
    vary: str = ""
    """The request field that chose this form among others, "" if there is one form only (RFC 9110 §12.5.5)."""


CLASSES: Final = ("1", "2", "3", "access-control", "extended-mkcol", "add-member", "sync-collection")
"""Compliance classes of RFC 4918 §18, RFC 3744 §7.2, RFC 5689 §3, RFC 5995 §5; the last is informal."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """Everything that one protocol adds to the kernel."""

    name: str
    """`caldav`, `carddav`, `webdav`: names the process, and what app passwords are limited to."""
    tools: frozenset[Tool]
    """Tools whose collections this process serves."""
    dav_tokens: tuple[str, ...]
    """Added to the DAV field of answers: `calendar-access`, `addressbook` …"""
    prepare: Callable[[bytes, str], Prepared]
    """Parse a body (pure, before the writing transaction begins); second: the Content-Type as sent, ""
    if none. Raises BadFormat, BadObject, UnsupportedMedia … of storage.errors."""
    represent: Callable[[Collection, Item, Request | None], Representation]
    """An item's body as the fields of a request want it, None = as it is stored. Raises HttpError(406) if it must."""
    preconditions: Mapping[type[StorageError], str]
    """Clark name of the element with which a refusal is explained: BadFormat ->
    `{urn:ietf:params:xml:ns:caldav}valid-calendar-data`. What is not here gets the kernel's own."""
    collection_types: Mapping[str, Tool]
    """Clark name of a DAV:resourcetype member to the tool that extended MKCOL makes for it (RFC 5689)."""
    reports: Mapping[str, Report] = field(default_factory=dict)
    """By Clark name of the request's root element."""
    methods: Mapping[str, Method] = field(default_factory=dict)
    """By method: MKCALENDAR. They may replace the kernel's."""
    properties: tuple[Property, ...] = ()
    """Of principals, homes and collections, beside the kernel's tables (servers/dav/properties)."""
    before: Callable[[Context], None] | None = None
    """What is to be brought up to date before a request is answered; opens its own transactions."""
    dav_classes: tuple[str, ...] = CLASSES
    """What the DAV field begins with."""
    urls: UrlMap | None = None
    """Its own map of URLs; None = the kernel's (servers/dav/resources.py)."""
    item_properties: tuple[ItemProperty, ...] = ()
    bodies: tuple[str, Callable[[Reader, Resource, etree._Element], ItemPart]] | None = None
    """Clark name under which reports give bodies (calendar-data, address-data), and how, from the report's
    root. sync-collection gives them too: Thunderbird asks so for cards, and spares itself the multiget."""
    """Of items, beside those of properties/core.py and properties/access.py."""
