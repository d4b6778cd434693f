"""The hrefs of a multiget: to members of which collections they lead, and which lead nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

from servers.dav import escape, resources
from servers.dav.context import Reader
from servers.dav.properties.table import Listing
from servers.dav.resources import Address, Kind, Resource
from servers.dav.transactions import collection_href
from servers.http.errors import BadRequest
from storage.errors import NotFound


@dataclass(frozen=True, slots=True)
class Selection:
    """Where the hrefs lead."""

    groups: list[tuple[Listing, list[str]]]
    """A collection and names in it, each name once, in the client's order; an item may still be absent."""
    missing: list[str]
    """hrefs, ready to be written, that lead to nothing the actor may know of: answer 404 for each."""


def members(reader: Reader, resource: Resource, hrefs: list[str]) -> Selection:
    """Sort hrefs by collection; those of the request's own collection cost no look-up.

    Only members of the request-URI's resource count (RFC 4791 §7.9): of the collection, of the home's
    collections, or the item itself.
    """
    found: dict[str, tuple[Listing, dict[str, None]]] = {}
    missing: dict[str, None] = {}
    own = ""
    if resource.kind is Kind.COLLECTION and resource.collection is not None:
        own = resource.href
        found[own] = (Listing(reader, resource.collection, own), {})
    for href in hrefs:
        if own and href.startswith(own) and "/" not in href[len(own) :]:
            name = href[len(own) :]
            if "%" not in name and name:
                found[own][1][name] = None
                continue
        _one(reader, resource, href, found, missing)
    groups = [(listing, list(names)) for listing, names in found.values() if names]
    return Selection(groups, list(missing))


def _one(
    reader: Reader,
    resource: Resource,
    href: str,
    found: dict[str, tuple[Listing, dict[str, None]]],
    missing: dict[str, None],
) -> None:
    try:
        address = resources.of_href(reader.context, href)
    except BadRequest:
        address = None
    if address is None or address.kind is not Kind.ITEM or not _within(reader, resource, address):
        missing[_written(href)] = None
        return
    folder = collection_href(address)
    if folder not in found:
        try:
            collection = resources.collection(reader.tx, address)
        except NotFound:
            missing[escape.path(*address.segments)] = None
            return
        found[folder] = (Listing(reader, collection, folder), {})
    found[folder][1][address.item] = None


def _within(reader: Reader, resource: Resource, address: Address) -> bool:
    own = reader.context.address
    if own.kind in (Kind.HOME, Kind.COLLECTION, Kind.ITEM):
        return address.segments[: len(own.segments)] == own.segments or (
            own.kind is not Kind.ITEM and _same_place(own, address)
        )
    return False


def _same_place(own: Address, address: Address) -> bool:
    if (own.space_kind, own.space) != (address.space_kind, address.space):
        return False
    return own.kind is Kind.HOME or own.collection == address.collection


def _written(href: str) -> str:
    """An href as it may stand in an answer, whatever the client wrote."""
    path = href.partition("?")[0]
    names = [unquote(part, errors="replace") for part in path.split("/") if part]
    return escape.path(*names) if path.startswith("/") else escape.text(href)
