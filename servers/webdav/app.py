"""The disk's process: what folders and files add to the DAV kernel, and the WSGI application made of both."""

from __future__ import annotations

from typing import Any, Final

from conf.settings import Settings
from servers.dav import start
from servers.dav.methods.lock import unlock
from servers.dav.names import DAV, ESCRITOIRE
from servers.dav.protocol import Method, Protocol, Report, Representation
from servers.dav.resources import Kind
from servers.http.errors import HttpError
from servers.http.request import Request
from servers.webdav import properties, reports
from servers.webdav.methods.delete import delete
from servers.webdav.methods.get import get
from servers.webdav.methods.lock import lock
from servers.webdav.methods.mkcol import mkcol
from servers.webdav.methods.options import options
from servers.webdav.methods.partial import patch
from servers.webdav.methods.propfind import propfind
from servers.webdav.methods.proppatch import proppatch
from servers.webdav.methods.put import put
from servers.webdav.methods.transfer import copy, move
from servers.webdav.search.method import search
from servers.webdav.tree import URLS
from storage.errors import Linked
from storage.kinds import Prepared
from storage.types import FOLDER_TOOLS, Collection, Item

_FOLDERS: Final = frozenset({Kind.COLLECTION})
_FILES: Final = frozenset({Kind.ITEM})
_BOTH: Final = _FOLDERS | _FILES
_TREE: Final = _BOTH | {Kind.ROOT, Kind.OWNER}
_EVERY: Final = _TREE | {Kind.PRINCIPALS, Kind.PRINCIPAL, Kind.PROXY}


def _prepare(body: bytes, content_type: str) -> Prepared:
    raise HttpError(405)  # no method of the kernel that parses bodies is left in the table


def _represent(collection: Collection, item: Item, request: Request | None) -> Representation:
    return Representation(item.body or b"", item.media_type)


PROTOCOL: Final = Protocol(
    name="webdav",
    tools=FOLDER_TOOLS,
    dav_classes=("1", "2", "3", "access-control", "extended-mkcol", "sync-collection"),
    dav_tokens=("sabredav-partialupdate",),
    prepare=_prepare,
    represent=_represent,
    preconditions={Linked: f"{ESCRITOIRE}document-linked"},
    collection_types={},
    reports={f"{DAV}sync-collection": Report(reports.sync_collection, _FOLDERS, "RFC 6578 §3.2")},
    methods={
        "OPTIONS": Method(options, _EVERY, "RFC 9110 §9.3.7, RFC 4918 §10.1", unmapped=True),
        "PROPFIND": Method(propfind, _EVERY, "RFC 4918 §9.1"),
        "PROPPATCH": Method(proppatch, _TREE, "RFC 4918 §9.2"),
        "MKCOL": Method(mkcol, _EVERY, "RFC 4918 §9.3, RFC 5689 §3"),
        "GET": Method(get, _EVERY, "RFC 4918 §9.4"),
        "HEAD": Method(get, _EVERY, "RFC 4918 §9.4"),
        "POST": Method(delete, frozenset(), "RFC 4918 §9.5"),
        "PUT": Method(put, _TREE, "RFC 4918 §9.7"),
        "PATCH": Method(patch, _FILES, "RFC 5789"),
        "DELETE": Method(delete, _TREE, "RFC 4918 §9.6"),
        "COPY": Method(copy, _TREE, "RFC 4918 §9.8"),
        "MOVE": Method(move, _TREE, "RFC 4918 §9.9"),
        "LOCK": Method(lock, _TREE, "RFC 4918 §9.10"),
        "SEARCH": Method(search, _TREE, "RFC 5323 §2"),
        "UNLOCK": Method(unlock, _TREE, "RFC 4918 §9.11"),
    },
    properties=properties.PROPERTIES,
    item_properties=properties.ITEM_PROPERTIES,
    urls=URLS,
)


def make(settings: Settings) -> Any:
    """The WSGI application of one worker of this process."""
    return start.make(PROTOCOL, settings)
