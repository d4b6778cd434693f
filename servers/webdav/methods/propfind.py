"""PROPFIND on the disk (RFC 4918 §9.1): listings of any length, and Depth infinity up to the site's limit."""

from __future__ import annotations

from servers.dav import multistatus, xml
from servers.dav.context import INFINITY, Context, Reader
from servers.dav.errors import refuse
from servers.dav.methods.options import dav_field
from servers.dav.methods.propfind import content_location
from servers.dav.multistatus import Wanted
from servers.dav.names import DAV
from servers.dav.resources import Kind, Resource
from servers.dav.transactions import find, reading
from servers.http.errors import HttpError
from servers.http.response import Response
from servers.webdav import fixed, listing, tree
from servers.webdav.properties import DOWNLOADS
from servers.webdav.spool import Spool
from storage import downloads, folders
from storage.errors import LimitReached
from storage.filing import Folder


def propfind(context: Context) -> Response:
    """Properties of a resource, its members, or its whole tree."""
    root = xml.body(context.request, context.settings)
    if root is not None:
        xml.expect(root, f"{DAV}propfind")
    asked = multistatus.wanted(root)
    if DOWNLOADS in asked.names:
        downloads.settle(context.store)
    depth = context.depth(INFINITY)
    answer = Spool()
    answer.add((multistatus.HEAD,))
    applied: list[str] = []
    with reading(context) as tx:
        found = find(context, tx)
        reader = Reader(context, tx)
        if depth == 0 or not context.preferences.noroot:
            answer.add((fixed.response(reader, found, asked) or multistatus.resource(reader, found, asked),))
        else:
            applied.append("depth-noroot")  # RFC 8144 §4
        if depth == 1:
            for texts in listing.members(reader, found, asked):
                answer.add(texts)
        elif depth == INFINITY:
            _below(reader, found, asked, answer)
    answer.add(("</D:multistatus>\n",))
    if context.preferences.minimal:
        applied.append("return=minimal")
    headers = [
        ("Content-Type", 'application/xml; charset="utf-8"'),
        dav_field(context),
        *content_location(context, found),
        *context.preferences.applied(*applied),
    ]
    return Response(207, headers, answer.body())


def _below(reader: Reader, found: Resource, asked: Wanted, answer: Spool) -> None:
    """Everything below a folder.

    Raises:
        HttpError: 403 `propfind-finite-depth`, above the folders, or where there is too much (RFC 4918 §9.1).
    """
    if found.kind is Kind.ITEM:
        return
    top = tree.folder_of(found)
    if top is None:
        raise _too_much()
    chosen = _folders(reader, top)
    listing.prepare(reader, chosen)
    hrefs = {"": found.href}
    for folder in chosen:
        below = folder.path[len(top.path) :].strip("/") if folder.id != top.id else ""
        if below:
            parent = hrefs[below.rpartition("/")[0]]
            one = listing.resource_in(parent, folder)
            hrefs[below] = one.href
            answer.add((multistatus.resource(reader, one, asked),))
        for texts in listing.files(reader, folder, hrefs[below], asked):
            answer.add(texts)


def _folders(reader: Reader, top: Folder) -> list[Folder]:
    most = reader.context.settings.max_results
    try:
        chosen = list(folders.walk(reader.tx, top, most))
    except LimitReached:
        raise _too_much() from None
    if len(chosen) + sum(folder.item_count for folder in chosen) > most:
        raise _too_much()
    return chosen


def _too_much() -> HttpError:
    return refuse(403, f"{DAV}propfind-finite-depth", reason="ask for Depth 0 or 1")
