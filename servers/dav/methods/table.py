"""The kernel's methods: handler, resources that have it, section. Nothing is registered elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from servers.dav.methods.acl import acl
from servers.dav.methods.delete import delete
from servers.dav.methods.get import get
from servers.dav.methods.lock import lock, unlock
from servers.dav.methods.mkcol import mkcol
from servers.dav.methods.options import options
from servers.dav.methods.post import post
from servers.dav.methods.propfind import propfind
from servers.dav.methods.proppatch import proppatch
from servers.dav.methods.put import put
from servers.dav.methods.report import report
from servers.dav.methods.transfer import copy, move
from servers.dav.protocol import Method
from servers.dav.resources import EVERY, Kind

_COLLECTION: Final = frozenset({Kind.COLLECTION})
_ITEM: Final = frozenset({Kind.ITEM})
_BOTH: Final = _COLLECTION | _ITEM
_LOCKABLE: Final = _BOTH | {Kind.HOME}

METHODS: Final[Mapping[str, Method]] = {
    "OPTIONS": Method(options, EVERY, "RFC 9110 §9.3.7, RFC 4918 §10.1", unmapped=True),
    "PROPFIND": Method(propfind, EVERY, "RFC 4918 §9.1"),
    "PROPPATCH": Method(proppatch, EVERY - {Kind.ROOT, Kind.PRINCIPALS, Kind.OWNER}, "RFC 4918 §9.2"),
    "MKCOL": Method(mkcol, EVERY, "RFC 4918 §9.3, RFC 5689 §3"),
    "GET": Method(get, EVERY, "RFC 4918 §9.4"),
    "HEAD": Method(get, EVERY, "RFC 4918 §9.4"),
    "POST": Method(post, _COLLECTION, "RFC 5995"),
    "PUT": Method(put, _ITEM, "RFC 4918 §9.7"),
    "DELETE": Method(delete, _BOTH, "RFC 4918 §9.6"),
    "COPY": Method(copy, _BOTH, "RFC 4918 §9.8"),
    "MOVE": Method(move, _BOTH, "RFC 4918 §9.9"),
    "LOCK": Method(lock, _LOCKABLE, "RFC 4918 §9.10"),
    "UNLOCK": Method(unlock, _LOCKABLE, "RFC 4918 §9.11"),
    "REPORT": Method(report, EVERY, "RFC 3253 §3.6"),
    "ACL": Method(acl, EVERY, "RFC 3744 §8.1"),
}
