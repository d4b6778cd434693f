"""The reports of RFC 3744 §9: who is there, who is asking, and who holds something here."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from servers.dav import acl, multistatus, resources, xml
from servers.dav.context import Reader
from servers.dav.errors import refuse
from servers.dav.multistatus import Members, Wanted
from servers.dav.names import CALDAV, CALENDARSERVER, DAV, DECLARATIONS, element
from servers.dav.properties.principal import home_members
from servers.dav.properties.table import Listing
from servers.dav.resources import Kind, Resource
from servers.http.errors import BadRequest
from servers.http.response import Response
from storage import items
from storage import principals as people
from storage.errors import NotFound
from storage.types import FOLDER_TOOLS, Principal, SpaceKind

_HREF: Final = re.compile(r"<(?:\w+:)?href\b[^>]*>\s*([^<]*?)\s*</(?:\w+:)?href>")
"""In properties of ours, and in dead ones, which are kept as they were written."""

SEARCHABLE: Final = {
    f"{DAV}displayname": ("displayname", "Name"),
    f"{CALDAV}calendar-user-address-set": ("address", "Address"),
    f"{CALENDARSERVER}email-address-set": ("email", "E-mail address"),
    f"{CALENDARSERVER}record-name": ("login", "Login"),
}
"""DAV:principal-search-property-set: property to the storage's field and its description."""

_OWN: Final = frozenset(
    DAV + name
    for name in ("property-search", "prop", "apply-to-principal-collection-set", "self", "principal-property")
)
"""What the reports' own grammar has."""

_PATH: Final = re.compile(r"/dav/principals/(?:accounts|groups)/([^/]+)/?")
"""The other address that everybody has: his principal's (RFC 6638 §2.4.1)."""
_TYPE: Final = f"{CALDAV}calendar-user-type"
_MATCH_TYPES: Final = frozenset({"contains", "equals", "starts-with", "ends-with"})


def search_property_set(reader: Reader, resource: Resource, root: xml.Element) -> Response:
    """DAV:principal-search-property-set (RFC 3744 §9.5)."""
    reader.context.depth(0, 0)  # "only defined when the Depth header has value 0", as all reports of RFC 3744 §9
    rows = "".join(
        f"<D:principal-search-property><D:prop>{element(name)}</D:prop>"
        f'<D:description xml:lang="en">{description}</D:description></D:principal-search-property>'
        for name, (_, description) in SEARCHABLE.items()
    )
    body = (
        f'<?xml version="1.0" encoding="utf-8"?>\n<D:principal-search-property-set{DECLARATIONS}>{rows}'
        "</D:principal-search-property-set>\n"
    )
    return Response(200, [("Content-Type", 'application/xml; charset="utf-8"')], body.encode())


def property_search(reader: Reader, resource: Resource, root: xml.Element) -> Response:
    """DAV:principal-property-search (RFC 3744 §9.4), with the `test` and `match-type` that Apple's send."""
    reader.context.depth(0, 0)
    every = root.get("test", "allof") != "anyof"
    terms: list[tuple[str, str, str]] = []
    kinds: set[str] = set()
    for search in xml.children(root, f"{DAV}property-search"):
        prop, match = xml.child(search, f"{DAV}prop"), xml.child(search, f"{DAV}match")
        if prop is None or match is None:
            raise BadRequest("a property-search names a property and what it matches")
        how = match.get("match-type", "contains")
        text = xml.all_text(match)
        for wish in xml.children(prop):
            name = xml.tag(wish)
            if name == _TYPE:
                kinds.add(text.upper())
            else:
                terms.append(_term(name, text, how if how in _MATCH_TYPES else "contains"))
    # Without any condition: everybody who may be known, as some clients list them.
    found = people.search(reader.tx, terms, every) if terms else people.visible(reader.tx)
    family = xml.child(root, f"{DAV}apply-to-principal-collection-set")
    return _answer(reader, [one for one in found if _among(resource, one, family is not None, kinds)], root)


def _term(name: str, text: str, how: str) -> tuple[str, str, str]:
    """What a text-match of a property means to the storage, which knows no paths."""
    field, _ = SEARCHABLE.get(name, ("", ""))
    path = _PATH.fullmatch(text) if field == "address" else None
    return ("login", unquote(path[1]), "equals") if path is not None else (field, text, how)


def _among(resource: Resource, one: Principal, everywhere: bool, kinds: set[str]) -> bool:
    if kinds and ("GROUP" if one.kind is SpaceKind.GROUP else "INDIVIDUAL") not in kinds:
        return False
    if everywhere or resource.kind is not Kind.PRINCIPALS:
        return True
    return resources.principal_path(one).startswith(resource.href)


def match(reader: Reader, resource: Resource, root: xml.Element) -> Response:
    """DAV:principal-match (RFC 3744 §9.3): what below here is, or belongs to, who is asking."""
    reader.context.depth(0, 0)
    me = people.me(reader.tx)
    mine = [me, *people.groups_of(reader.tx, me)]
    if xml.child(root, f"{DAV}self") is not None:
        if resource.kind not in (Kind.ROOT, Kind.PRINCIPALS):
            mine = [one for one in mine if resource.principal is not None and one.id == resource.principal.id]
        return _answer(reader, [one for one in mine if _among(resource, one, False, set())], root)
    wish = xml.child(root, f"{DAV}principal-property")
    names = [xml.tag(one) for one in xml.children(wish)] if wish is not None else []
    if len(names) != 1:
        raise BadRequest("self, or one principal-property")
    paths = {resources.principal_path(one) for one in mine}
    asked = multistatus.wanted(root)
    texts: list[str] = []
    for found in _candidates(reader, resource):
        if paths & set(_HREF.findall(multistatus.value(reader, found, names[0]) or "")):
            texts.append(multistatus.resource(reader, found, asked))
        if found.collection is not None and found.collection.tool not in FOLDER_TOOLS:
            texts += _items(reader, found, wish, asked, paths)
        if len(texts) > reader.context.settings.max_results:
            raise refuse(403, f"{DAV}number-of-matches-within-limits")
    return multistatus.document(texts)


def _items(reader: Reader, found: Resource, wish: xml.Element | None, asked: Wanted, paths: set[str]) -> list[str]:
    """The responses of the members of a collection whose property names one of these principals ("at any depth")."""
    listing = Listing(reader, found.owned_collection, found.href)
    entries = items.listing(reader.tx, listing.collection)
    elements = {xml.tag(one): one for one in xml.children(wish)} if wish is not None else {}
    values = Members(listing, Wanted(tuple(elements), elements)).render(entries)
    matching = [entry for entry, text in zip(entries, values, strict=True) if paths & set(_HREF.findall(text))]
    return Members(listing, asked).render(matching) if matching else []


def _candidates(reader: Reader, resource: Resource) -> list[Resource]:
    if resource.kind is Kind.HOME and resource.principal is not None:
        found = home_members(reader, resource.principal)
        return [resource, *(resources.in_home(collection, resource.href, name) for collection, name in found)]
    return [resource] if resource.kind is not Kind.ITEM else []


def acl_principals(reader: Reader, resource: Resource, root: xml.Element) -> Response:
    """DAV:acl-principal-prop-set (RFC 3744 §9.2): the principals that DAV:acl names.

    Raises:
        Denied: DAV:acl is for whoever sets the rights.
    """
    reader.context.depth(0, 0)
    if len(list(xml.children(root, f"{DAV}prop"))) > 1:
        raise BadRequest("at most one DAV:prop")  # §9.2
    text = acl.acl(reader, resource) or ""
    found: list[Principal] = []
    if "<D:owner/>" in text and resource.principal is not None:
        found.append(resource.principal)
    for href in dict.fromkeys(_HREF.findall(text)):
        address = resources.of_href(reader.context, href)
        try:
            if address is not None:
                found.append(people.find(reader.tx, address.space_kind, address.space))
        except NotFound:
            continue  # a group of the owner that is not the actor's stays unknown
    return _answer(reader, found, root)


def _answer(reader: Reader, found: list[Principal], root: xml.Element) -> Response:
    asked = multistatus.wanted(root)
    if not asked.names and not asked.everything:
        # The Python library caldav 3 writes the properties beside an empty DAV:prop.
        loose = {xml.tag(one): one for one in xml.children(root) if xml.tag(one) not in _OWN}
        asked = Wanted(tuple(loose), loose)
    rows = [Resource(Kind.PRINCIPAL, resources.principal_path(one), one.name, one) for one in found]
    return multistatus.document([multistatus.resource(reader, row, asked) for row in rows])
