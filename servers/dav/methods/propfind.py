"""PROPFIND (RFC 4918 §9.1): properties of a resource and of its members."""

from __future__ import annotations

from servers.dav import escape, multistatus, resources, xml
from servers.dav.context import INFINITY, Context, Reader
from servers.dav.errors import refuse
from servers.dav.methods.options import dav_field
from servers.dav.multistatus import Members, Wanted
from servers.dav.names import DAV
from servers.dav.properties.principal import home_members
from servers.dav.properties.table import Listing
from servers.dav.resources import PROXIES, Kind, Resource
from servers.dav.transactions import find, reading
from servers.http.response import Response
from storage import principals as people
from storage.types import SpaceKind


def propfind(context: Context) -> Response:
    """Answer Depth 0 and 1; infinity is refused except where it changes nothing."""
    root = xml.body(context.request, context.settings)
    if root is not None:
        xml.expect(root, f"{DAV}propfind")
    asked = multistatus.wanted(root)
    depth = context.depth(INFINITY)
    if depth == INFINITY:
        if context.address.kind is not Kind.ITEM:
            raise refuse(403, f"{DAV}propfind-finite-depth", reason="ask for Depth 0 or 1")
        depth = 0
    with reading(context) as tx:
        found = find(context, tx)
        reader = Reader(context, tx)
        applied: list[str] = []
        responses: list[str] = []
        if depth == 1 and found.kind is Kind.HOME:
            prepare_home(reader, found)
        if depth == 0 or not context.preferences.noroot:
            responses.append(multistatus.resource(reader, found, asked))
        else:
            applied.append("depth-noroot")  # RFC 8144 §4
        if depth == 1:
            responses += members(reader, found, asked)
    if context.preferences.minimal:
        applied.append("return=minimal")
    headers = [dav_field(context), *content_location(context, found), *context.preferences.applied(*applied)]
    return multistatus.document(responses, headers=headers)


def content_location(context: Context, found: Resource) -> list[tuple[str, str]]:
    """The URL of a collection that was asked for without its final slash (RFC 4918 §5.2)."""
    bare = found.href.endswith("/") and not context.request.directory
    return [("Content-Location", found.href)] if bare else []


def prepare_home(reader: Reader, home: Resource) -> None:
    """Read once what the home itself and its members need."""
    assert home.principal is not None
    listed = home_members(reader, home.principal)
    reader.memo["members"] = listed
    multistatus.read_dead(reader, [collection for collection, _ in listed])


def members(reader: Reader, found: Resource, asked: Wanted) -> list[str]:
    """The responses of the direct members of a resource."""
    if found.kind is Kind.COLLECTION:
        return Members(Listing(reader, found.owned_collection, found.href), asked).every()
    return [multistatus.resource(reader, member, asked) for member in _below(reader, found)]


def _below(reader: Reader, found: Resource) -> list[Resource]:
    if found.kind is Kind.HOME:
        return [resources.in_home(collection, found.href, name) for collection, name in reader.memo["members"]]
    if found.kind is Kind.PRINCIPAL:
        return [Resource(Kind.PROXY, f"{found.href}{name}/", name, found.principal, proxy=name) for name in PROXIES]
    if found.kind is Kind.PRINCIPALS:
        return _principals(reader, found)
    if found.kind is Kind.OWNER:
        return _homes(reader, found)
    if found.kind is Kind.ROOT:
        return _top(reader, found)
    return []


def _principals(reader: Reader, found: Resource) -> list[Resource]:
    """Oneself, own groups and co-members (ACL-27), or the two families above them."""
    if found.name == "principals":
        return [Resource(Kind.PRINCIPALS, f"{found.href}{family}/", family) for family in ("accounts", "groups")]
    wanted = SpaceKind.GROUP if found.name == "groups" else SpaceKind.PRIVATE
    return [
        Resource(Kind.PRINCIPAL, resources.principal_path(principal), principal.name, principal)
        for principal in people.visible(reader.tx)
        if principal.kind is wanted
    ]


def _homes(reader: Reader, found: Resource) -> list[Resource]:
    if found.principal is not None:
        return [Resource(Kind.HOME, resources.home_path(found.principal), "private", found.principal)]
    groups = people.groups_of(reader.tx, people.me(reader.tx))
    return [Resource(Kind.HOME, resources.home_path(group), group.name, group) for group in groups]


def _top(reader: Reader, found: Resource) -> list[Resource]:
    if found.href == "/":
        return [Resource(Kind.ROOT, "/dav/", "dav")]
    me = people.me(reader.tx)
    own = f"/dav/{escape.segment(me.name)}/"
    return [
        Resource(Kind.PRINCIPALS, "/dav/principals/", "principals"),
        Resource(Kind.OWNER, "/dav/groups/", "groups"),
        Resource(Kind.OWNER, own, me.name, me),
    ]
