"""Context: one authenticated DAV request with all that a method needs; Reader: the same in a transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from servers.dav import escape
from servers.dav.admission import Admission
from servers.dav.protocol import Method, Protocol, Report
from servers.dav.resources import Address
from servers.dav.settings import DavSettings
from servers.http.errors import BadRequest
from servers.http.preferences import Preferences
from servers.http.request import Request
from storage.store import Store, Transaction
from storage.types import CALENDAR_TOOLS, SCHEDULE_TOOLS, Actor, Collection, Tool

if TYPE_CHECKING:
    from servers.dav.properties.table import ItemProperty, Property
    from servers.dav.urls import UrlMap

_PORTS: Final = {"http": ":80", "https": ":443"}

INFINITY = 1 << 30
"""Depth: infinity."""


@dataclass(frozen=True, slots=True)
class Tables:
    """The kernel's tables united with the protocol's, made once at process start."""

    methods: Mapping[str, Method]
    reports: Mapping[str, Report]
    properties: Mapping[str, tuple[Property, ...]]
    """By Clark name: the rows of that name, for different kinds of resources."""
    item_properties: Mapping[str, ItemProperty]
    urls: UrlMap


@dataclass(frozen=True, slots=True)
class Context:
    """Everything a method handler is given."""

    request: Request
    store: Store
    settings: DavSettings
    protocol: Protocol
    tables: Tables
    admission: Admission
    address: Address
    preferences: Preferences

    @property
    def actor(self) -> Actor:
        """Who asks."""
        return self.admission.actor

    def depth(self, default: int, *allowed: int) -> int:
        """The Depth field: 0, 1 or `INFINITY` (RFC 4918 §10.2).

        Raises:
            BadRequest: it is none of these, or not one of `allowed` where any are given.
        """
        value = self.request.environ.get("HTTP_DEPTH")
        if value is None:
            depth = default
        else:
            words = {"0": 0, "1": 1, "infinity": INFINITY}
            known = words.get(value.strip().lower())
            if known is None:
                raise BadRequest("Depth is 0, 1 or infinity")
            depth = known
        if allowed and depth not in allowed:
            raise BadRequest("this Depth does not go with this method")
        return depth

    @property
    def me(self) -> str:
        """The path of the actor's principal."""
        return f"/dav/principals/accounts/{escape.segment(self.actor.login)}/"

    def serves(self, tool: Tool) -> bool:
        """Whether collections of this tool are shown here: our own ones; behind a front, all."""
        return tool in self.protocol.tools or (self.settings.front and protocol_of(tool) is not None)

    def base_of(self, tool: Tool) -> str:
        """The origin where collections of this tool are served; "" if here or on the same origin."""
        if self.settings.front or tool in self.protocol.tools:
            return ""
        return self.settings.bases.get(protocol_of(tool) or "", "")

    def is_own_origin(self, scheme: str, netloc: str) -> bool:
        """Whether a URL with this scheme and authority names this very server (RFC 4918 §8.3)."""
        given = _normal(scheme or "http", netloc)
        own = [self.request.origin, self.settings.origin, *self.settings.bases.values()]
        host = self.request.environ.get("HTTP_HOST")
        if host and given == _normal(scheme or "http", str(host)):
            return True  # a front may speak another scheme with the client than with us
        return any(given == _normal(*origin.split("://", 1)) for origin in own if "://" in origin)


@dataclass(slots=True)
class Reader:
    """A context in an open transaction, with what was read once for this request."""

    context: Context
    tx: Transaction
    memo: dict[Any, Any] = field(default_factory=dict)


def protocol_of(tool: Tool) -> str | None:
    """The protocol under `/dav/` that serves a tool; None for tools that are reached elsewhere."""
    if tool in CALENDAR_TOOLS or tool in SCHEDULE_TOOLS:
        return "caldav"
    return "carddav" if tool is Tool.CONTACTS else None


def shown(context: Context, found: list[Collection]) -> list[Collection]:
    """Those of some collections that this process lists."""
    return [collection for collection in found if context.serves(collection.tool)]


def _normal(scheme: str, netloc: str) -> str:
    """An origin without the port that its scheme means anyway (RFC 9110 §4.2.3)."""
    scheme, netloc = scheme.lower(), netloc.lower().rstrip("/")
    return f"{scheme}://{netloc.removesuffix(_PORTS.get(scheme, ''))}"
