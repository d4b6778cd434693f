"""SEARCH (RFC 5323 §2): one scope of the disk, walked with the actor's eyes, answered as a multistatus."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urljoin

from servers.dav import escape, multistatus, resources, xml
from servers.dav.context import INFINITY, Context, Reader
from servers.dav.errors import refuse
from servers.dav.multistatus import Members, Wanted
from servers.dav.names import DAV
from servers.dav.properties.table import Listing
from servers.dav.resources import Resource
from servers.dav.transactions import reading
from servers.http.errors import BadRequest, HttpError
from servers.http.response import Response
from servers.webdav import listing, tree
from servers.webdav.properties import DOWNLOADS
from servers.webdav.search.candidate import Candidate, Surroundings, Value
from servers.webdav.search.conditions import compile_where
from storage import downloads, folders
from storage.errors import LimitReached, NotFound
from storage.filing import Folder
from storage.types import Item, Row

MAX_LOOKED_AT: Final = 200_000
"""Files and folders of one scope; a larger one is refused."""
MAX_ORDERS: Final = 16
"""Properties to sort by; each is looked up for, and sorted by over, all that was found."""
_DEPTHS: Final = {"0": 0, "1": 1, "infinity": INFINITY}


@dataclass(slots=True)
class _Hit:
    """What meets the conditions, and where it is shown."""

    candidate: Candidate
    resource: Resource
    """Of the folder that it lies in, or that it is."""
    keys: list[Any]


def search(context: Context) -> Response:
    """Answer a DAV:basicsearch, or describe its grammar to who asks for it (RFC 5323 §4)."""
    root = xml.expect(
        xml.body(context.request, context.settings), f"{DAV}searchrequest", f"{DAV}query-schema-discovery"
    )
    query = xml.child(root, f"{DAV}basicsearch")
    if query is None:
        raise refuse(422, f"{DAV}search-grammar-supported", reason="the grammar here is DAV:basicsearch")
    if root.tag == f"{DAV}query-schema-discovery":
        return _schema(context)
    select = xml.child(query, f"{DAV}select")
    asked = multistatus.wanted(select)
    if select is None or not (asked.names or asked.everything):
        raise BadRequest("DAV:select names properties, or all")
    where = compile_where(xml.child(query, f"{DAV}where"))
    orders = _orders(xml.child(query, f"{DAV}orderby"))
    limit = _limit(xml.child(query, f"{DAV}limit"))
    if query.find(f".//{DOWNLOADS}") is not None:
        downloads.settle(context.store)
    with reading(context) as tx:
        reader = Reader(context, tx)
        hits: list[_Hit] = []
        for resource, candidate in _candidates(reader, *_scope(reader, query)):
            if where(candidate):
                hits.append(_Hit(candidate, resource, [candidate.value(name) for name, _ in orders]))
        for at, (_, descending) in reversed(list(enumerate(orders))):
            hits.sort(key=_key(at), reverse=descending)
        most = min(limit, context.settings.max_results)
        texts = [_response(reader, hit, asked) for hit in hits[:most]]
    if len(hits) > most:
        # RFC 5323 §2.3.3: cut, and said so.
        own = escape.path(*context.request.segments, directory=context.request.directory)
        texts.append(multistatus.status(own, 507))
    return multistatus.document(texts)


def _scope(reader: Reader, query: xml.Element) -> tuple[Resource, int]:
    """The resource that DAV:from names, and how deep.

    Raises:
        HttpError: 409 `search-scope-valid`, 403 `search-multiple-scope-supported` (RFC 5323 §2.2.2).
    """
    source = xml.child(query, f"{DAV}from")
    scopes = list(xml.children(source, f"{DAV}scope")) if source is not None else []
    if not scopes:
        raise BadRequest("DAV:from names a scope")
    if len(scopes) > 1:
        raise refuse(403, f"{DAV}search-multiple-scope-supported", reason="one scope at a time")
    href = xml.text(xml.child(scopes[0], f"{DAV}href"))
    depth = _DEPTHS.get(xml.text(xml.child(scopes[0], f"{DAV}depth")).lower())
    if depth is None:
        raise BadRequest("the depth of a scope is 0, 1 or infinity")
    context = reader.context
    base = escape.path(*context.request.segments, directory=True)
    whole = href if "://" in href else urljoin(base, href)
    address = resources.of_href(context, whole)
    try:
        if address is None or xml.child(scopes[0], f"{DAV}include-versions") is not None:
            raise NotFound(href)
        return context.tables.urls.resolve(reader.tx, address), depth
    except NotFound:
        missing = multistatus.status(escape.text(href), 404)
        raise refuse(409, f"{DAV}search-scope-valid", missing) from None


def _candidates(reader: Reader, scope: Resource, depth: int) -> Iterator[tuple[Resource, Candidate]]:
    """Everything in the scope, folders before their files."""
    file = tree.file_of(scope)
    if file is not None:
        yield scope, Candidate(Surroundings(reader, file.folder), file)
        return
    folder = tree.folder_of(scope)
    if folder is None:
        for inner in listing.above(reader, scope) if depth else ():
            yield from _candidates(reader, inner, depth - 1 if depth != INFINITY else depth)
        return
    reader.memo["scope"] = folder
    reader.memo.pop("contains", None)
    looked_at = 0
    for one in _inside(reader, scope, folder, depth):
        assert isinstance(one.collection, Folder)
        around = Surroundings(reader, one.collection)
        yield one, Candidate(around, None)
        if depth == 0 or (depth == 1 and one.collection.id != folder.id):
            continue
        looked_at += one.collection.item_count
        if looked_at > MAX_LOOKED_AT:
            raise _too_much()
        for page in folders.pages(reader.tx, one.collection):
            for row in page:
                yield one, Candidate(around, row)


def _inside(reader: Reader, scope: Resource, folder: Folder, depth: int) -> Iterator[Resource]:
    yield scope
    if depth == 0:
        return
    hrefs = {"": scope.href}
    try:
        inner = folders.subfolders(reader.tx, folder) if depth == 1 else list(folders.walk(reader.tx, folder, 20_000))
    except LimitReached:
        raise _too_much() from None
    for one in inner:
        if one.id == folder.id:
            continue
        below = one.path[len(folder.path) :].strip("/")
        resource = listing.resource_in(hrefs[below.rpartition("/")[0]], one)
        hrefs[below] = resource.href
        yield resource


def _too_much() -> HttpError:
    return refuse(409, f"{DAV}search-scope-valid", reason="this scope holds too much: search a part of it")


def _response(reader: Reader, hit: _Hit, asked: Wanted) -> str:
    row = hit.candidate.row
    if row is None:
        return multistatus.resource(reader, hit.resource, asked)
    if tree.file_of(hit.resource) is not None:
        return multistatus.resource(reader, hit.resource, asked)
    compiled = _compiled(reader, hit.resource, asked)
    entry: Row | Item = row
    if compiled.needs_items:
        folder = hit.candidate.around.folder
        whole = folders.find(reader.tx, folder.space.kind, folder.space.name, _path(folder, row.name), root=folder.root)
        if isinstance(whole, Item):
            entry = whole
    return compiled.render([entry])[0]


def _compiled(reader: Reader, resource: Resource, asked: Wanted) -> Members:
    known = reader.memo.setdefault("compiled", {})
    if resource.href not in known:
        known[resource.href] = Members(Listing(reader, resource.owned_collection, resource.href), asked)
    found: Members = known[resource.href]
    return found


def _path(folder: Folder, name: str) -> str:
    return f"{folder.path}/{name}" if folder.path else name


def _orders(root: xml.Element | None) -> list[tuple[str, bool]]:
    """DAV:orderby: property and whether descending (RFC 5323 §5.6)."""
    found: list[tuple[str, bool]] = []
    for order in xml.children(root, f"{DAV}order") if root is not None else ():
        if xml.child(order, f"{DAV}score") is not None:
            continue  # §5.16.2: whatever contains the words does so as well as all others
        prop = xml.child(order, f"{DAV}prop")
        names = [xml.tag(one) for one in xml.children(prop)] if prop is not None else []
        if len(names) != 1:
            raise BadRequest("an order names one property")
        found.append((names[0], xml.child(order, f"{DAV}descending") is not None))
    if len(found) > MAX_ORDERS:
        raise HttpError(422, "too many properties to sort by")
    return found


def _key(at: int) -> Callable[[_Hit], tuple[int, float, str]]:
    """What is not defined comes first in ascending order (RFC 5323 §5.6.1)."""

    def key(hit: _Hit) -> tuple[int, float, str]:
        value: Value | None = hit.keys[at]
        if value is None:
            return 0, 0.0, ""
        if isinstance(value, datetime):
            return 1, value.timestamp(), ""
        if isinstance(value, (int, float)):
            return 1, float(value), ""
        return 2, 0.0, value.casefold()

    return key


def _limit(root: xml.Element | None) -> int:
    wish = xml.text(xml.child(root, f"{DAV}nresults")) if root is not None else ""
    if root is None:
        return INFINITY
    if not wish.isascii() or not wish.isdigit():
        raise BadRequest("nresults is a number")
    return int(wish)


def _schema(context: Context) -> Response:
    """RFC 5323 §5.19: any property may be searched, selected and sorted by."""
    own = escape.path(*context.request.segments, directory=context.request.directory)
    schema = (
        "<D:query-schema><D:basicsearchschema><D:properties><D:propdesc><D:any-other-property/>"
        "<D:searchable/><D:selectable/><D:sortable/></D:propdesc></D:properties>"
        "<D:operators><D:opdesc><D:like/><D:operand-property/><D:operand-literal/></D:opdesc>"
        '<D:opdesc allow-pcdata="yes"><D:contains/></D:opdesc>'
        "</D:operators></D:basicsearchschema></D:query-schema>"
    )
    status = "<D:status>HTTP/1.1 200 OK</D:status>"
    return multistatus.document([f"<D:response><D:href>{own}</D:href>{status}{schema}</D:response>\n"])
