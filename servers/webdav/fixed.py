"""`calendar.ics` in each main folder: listed with size 0, read as the real feed, never changed (CALSYNC-14…17)."""

from __future__ import annotations

from dataclasses import replace

from servers.dav import escape
from servers.dav.context import Context, Reader
from servers.dav.multistatus import Members, Wanted
from servers.dav.names import DAV
from servers.dav.properties.table import Listing, RowPart
from servers.dav.resources import Address, Kind, Resource
from servers.http import conditions
from servers.http.response import Response
from storage import calendar_feed, folders
from storage import collections as tree
from storage.errors import NotFound
from storage.filing import DOCS, FEED, File, Folder
from storage.store import Transaction
from storage.types import Item, ItemId, ModSeq, PrincipalId, Relation, Right, Row, View


def resource(tx: Transaction, address: Address) -> Resource:
    """The entry in the folder of an address.

    Raises:
        NotFound: the actor sees no calendar there, or no such folder.
    """
    root = folders.find(tx, address.space_kind, address.space, "", root=DOCS)
    if not isinstance(root, Folder):
        raise NotFound(FEED)
    found = entry(tx, root)
    if found is None:
        raise NotFound(FEED)
    return Resource(Kind.ITEM, escape.path(*address.segments), FEED, root.space, root, found)


def entry(tx: Transaction, root: Folder) -> Item | None:
    """The entry as a member of a main folder; None where the actor sees no calendar."""
    try:
        calendar = tree.find(tx, root.space.kind, root.space.name, "events")
    except NotFound:
        return None
    return Item(
        id=ItemId(0),
        collection_id=root.id,
        name=FEED,
        etag=calendar_feed.validator(calendar),
        size=0,  # CALSYNC-15: as the reference shows it
        media_type="text/calendar",
        component="",
        modseq=ModSeq(0),
        creator=PrincipalId(0),
        created=calendar.created,
        modified=calendar.modified,
        schedule_tag="",
        view=View.FULL,
        rights=Right.SEE,
        body=None,
    )


def answers(reader: Reader, root: Folder, href: str, asked: Wanted) -> Members:
    """What answers for the entry: its validator is weak, as GET tells it (RFC 4918 §15.6), and nobody may write it.

    `href` is the main folder's.
    """
    seen = replace(root, rights=root.rights & (Right.SEE | Right.SEE_FOLDER), relation=Relation.CO_MEMBER)
    return Members(Listing(reader, seen, href), asked, {f"{DAV}getetag": RowPart(_weak)})


def response(reader: Reader, found: Resource, asked: Wanted) -> str | None:
    """The `<D:response>` of the entry alone; None if the resource is another one."""
    root, entry = found.collection, found.item
    if found.name != FEED or not isinstance(root, Folder) or entry is None or isinstance(entry, File):
        return None
    return answers(reader, root, found.href.removesuffix(FEED), asked).render([entry])[0]


def _weak(entry: Row | Item) -> str:
    return f'W/"{entry.etag}"'


def get(context: Context, tx: Transaction) -> Response:
    """GET and HEAD: the whole calendar as the actor may read it, busy blocks included (CALSYNC-16)."""
    address, request = context.address, context.request
    conditions.check_untagged(request)  # a weak tag never meets If-Match (RFC 9110 §13.1.1)
    none_match = request.header("If-None-Match")
    known = frozenset[str]() if none_match is None else conditions.entity_tags(none_match, weak=True)
    feed = calendar_feed.whole(tx, address.space_kind, address.space, known)
    headers = [
        ("ETag", f'W/"{feed.etag}"'),
        ("Last-Modified", conditions.format_date(feed.modified)),
        ("Cache-Control", "private, no-cache"),
    ]
    if feed.body is None:
        return Response(304, headers)
    return Response(200, [("Content-Type", calendar_feed.MEDIA_TYPE), *headers], feed.body)
