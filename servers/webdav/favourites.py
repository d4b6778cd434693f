"""`bookmarks.html` and `bookmarks.xbel` in the root of the favourites: the whole tree as one file (FAV-11).

Read, it is what the reader sees of the tree; written, it is merged into it and removes nothing.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final

from servers.dav import escape
from servers.dav.context import Context
from servers.dav.errors import refuse
from servers.dav.names import ESCRITOIRE
from servers.dav.resources import Address, Kind, Resource
from servers.dav.transactions import reading
from servers.http import conditions
from servers.http.errors import HttpError
from servers.http.response import Response
from servers.webdav import incoming
from storage import favourites, locks
from storage.bookmark_files import WHOLE
from storage.errors import Locked, NotFound, OverQuota
from storage.filing import FAVOURITES, Folder, Special
from storage.formats.bookmarks import MOST_OCTETS
from storage.store import Transaction
from storage.types import Item, ItemId, ModSeq, PrincipalId, Right, View

_REMEMBERED: Final = 256
_lengths: Final[OrderedDict[tuple[int, str, str], int]] = OrderedDict()
"""How long the file is, by reader, name and validator: a listing need not write it out to say so."""
_guard: Final = threading.Lock()


def is_whole(address: Address) -> bool:
    """Whether an address is that of one of the files."""
    return address.kind is Kind.ITEM and address.collection == FAVOURITES


def resource(tx: Transaction, address: Address) -> Resource:
    """The file that an address names.

    Raises:
        NotFound: the actor may not know of the tree.
    """
    root = favourites.root(tx, address.space_kind, address.space)
    for one in entries(tx, root):
        if one.name == address.item:
            return Resource(Kind.ITEM, escape.path(*address.segments), one.name, root.space, root, one)
    raise NotFound(address.item)


def entries(tx: Transaction, folder: Folder) -> list[Item]:
    """Both files as members of the root; none in any other folder."""
    if folder.root != FAVOURITES or folder.special is not Special.ROOT or not folder.rights & Right.SEE_FOLDER:
        return []
    state = favourites.state(tx, folder)
    return [_entry(folder, name, state, _length(tx, folder, name, state)) for name in WHOLE]


def get(context: Context, tx: Transaction) -> Response:
    """GET and HEAD: the tree as the reader sees it."""
    address, request = context.address, context.request
    root = favourites.root(tx, address.space_kind, address.space)
    etag = _etag(address.item, favourites.state(tx, root))
    known = conditions.check_read(request, etag, root.modified)
    caching = ("Cache-Control", "private, no-cache")
    if known is not None:
        known.headers.append(caching)
        return known
    headers = [
        ("Content-Type", WHOLE[address.item]),
        ("ETag", f'"{etag}"'),
        caching,
        ("Content-Security-Policy", "sandbox; default-src 'none'"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    return Response(200, headers, favourites.render(address.item, favourites.read(tx, root)))


def put(context: Context) -> Response:
    """PUT: merge the file into the tree; 204, and no ETag, for what is read next is not what was sent.

    Raises:
        HttpError: 412; 413; 400 with `esc:bookmarks-skipped` where nothing of it could be taken over.
    """
    address, request = context.address, context.request
    if request.header("Content-Range") is not None:
        raise HttpError(400, "send the whole file")
    body = incoming.whole(request) if request.unmeasured else request.body(MOST_OCTETS)
    if len(body) > MOST_OCTETS:
        raise HttpError(413)
    tree = favourites.parse(body)
    with reading(context) as tx:
        root = favourites.root(tx, address.space_kind, address.space)
        _demand(context, _etag(address.item, favourites.state(tx, root)))
        locks.check(tx, root.space, f"{FAVOURITES}/{address.item}")
        tokens = tx.locks
    report = favourites.merge(context.store, context.actor, address.space_kind, address.space, tree, locks=tokens)
    if isinstance(report.refused, Locked | OverQuota):
        raise report.refused  # SPEC 0.4: 423, 507
    if report.stopped:
        raise refuse(403, f"{ESCRITOIRE}bookmarks-stopped", reason=report.stopped)
    return Response(204, [])


def _demand(context: Context, etag: str) -> None:
    asked = conditions.precondition(context.request)
    if asked.match is not None and asked.match != frozenset({"*"}) and etag not in asked.match:
        raise HttpError(412)
    if asked.none_match is not None and (asked.none_match == frozenset({"*"}) or etag in asked.none_match):
        raise HttpError(412)


def _etag(name: str, state: str) -> str:
    return f"{state}-{name.rpartition('.')[2]}"


def _length(tx: Transaction, folder: Folder, name: str, state: str) -> int:
    key = (int(tx.actor.id), name, state)
    with _guard:
        if key in _lengths:
            _lengths.move_to_end(key)
            return _lengths[key]
    length = len(favourites.render(name, favourites.read(tx, folder)))
    with _guard:
        _lengths[key] = length
        while len(_lengths) > _REMEMBERED:
            _lengths.popitem(last=False)
    return length


def _entry(folder: Folder, name: str, state: str, length: int) -> Item:
    return Item(
        id=ItemId(0),
        collection_id=folder.id,
        name=name,
        etag=_etag(name, state),
        size=length,
        media_type=WHOLE[name],
        component="",
        modseq=ModSeq(0),
        creator=PrincipalId(0),
        created=folder.created,
        modified=folder.modified,
        schedule_tag="",
        view=View.FULL,
        rights=Right.SEE | (Right.EDIT if folder.rights & Right.ADD else Right.NONE),
        body=None,
    )
