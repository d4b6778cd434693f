"""PUT (RFC 4918 §9.7): judged before the body is read, read in blocks, stored whole or not at all."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from servers.dav.context import Context
from servers.dav.methods.options import refused
from servers.dav.resources import Kind
from servers.dav.transactions import reading, writing
from servers.http import conditions
from servers.http.errors import HttpError
from servers.http.response import Response
from servers.webdav import favourites, incoming, tree
from servers.webdav.methods import partial
from storage import bodies, bookmark_files, files
from storage.bodies import Body
from storage.filing import File, Place
from storage.store import INLINE_OCTETS, Transaction
from storage.types import Precondition, Written

_MTIME: Final = "X-OC-Mtime"


def put(context: Context) -> Response:
    """Store the body under the request's name: 201 or 204."""
    if favourites.is_whole(context.address):
        return favourites.put(context)
    content_range = context.request.header("Content-Range")
    if content_range is not None:
        return partial.put(context, content_range)
    precondition = conditions.precondition(context.request)
    body = _body(context, precondition)
    media_type = context.request.header("Content-Type") or ""
    with writing(context) as tx:
        place = _place(context, tx)
        check(context, place)
        scheme = tx.store.limits.bookmark_scheme
        stored = bookmark_files.checked(place.folder, place.name, body, scheme)  # FAV-02
        written = files.put(tx, place, stored, precondition, media_type=media_type, modified=_modified(context))
    return answer(context, written if stored is body else replace(written, etag=""))


def _place(context: Context, tx: Transaction) -> Place:
    """Where the body goes.

    Raises:
        HttpError: 405 where a folder of the fixed levels is (RFC 4918 §9.7.2).
    """
    fixed = tree.fixed_kind(tx, context.address)
    if fixed is not None and fixed is not Kind.ITEM:  # CALSYNC-15: the calendar is a 403
        raise _folder_there(context, fixed)
    return tree.place(tx, context.address)


def check(context: Context, place: Place) -> None:
    """Evaluate If-Unmodified-Since, which the storage does not know.

    Raises:
        HttpError: 405 where a folder is; 412.
    """
    if isinstance(place.present, File):
        conditions.check_unmodified_since(context.request, place.present.modified)
    elif place.present is not None:
        raise _folder_there(context, Kind.COLLECTION)


def _folder_there(context: Context, kind: Kind) -> HttpError:
    return HttpError(405, "a folder has this name", headers=[refused(context, kind, "PUT")])


def answer(context: Context, written: Written) -> Response:
    """The answer to a write; the drop box tells nothing of what it took (DOC-32)."""
    headers: list[tuple[str, str]] = []
    if written.etag:
        headers.append(("ETag", f'"{written.etag}"'))
    if _modified(context) is not None:
        headers.append(("X-OC-MTime", "accepted"))
    return Response(201 if written.created else 204, headers)


def _body(context: Context, precondition: Precondition) -> Body:
    """Take the body off the wire; what is known to be refused is refused before (DOC-13).

    Raises:
        BadRequest: it is not as long as announced; nothing of it is kept.
    """
    size = incoming.announced(context.request)
    if size is not None and size <= INLINE_OCTETS and context.request.content_length is not None:
        return bodies.small(b"".join(context.request.blocks()))
    with reading(context) as tx:
        place = _place(context, tx)
        check(context, place)
        most = files.admit(tx, place, size, precondition)
    if size is None:
        return bodies.receive(context.store, (incoming.whole(context.request),), most=most)
    return bodies.receive(context.store, incoming.exactly(context.request.blocks(), size), most=most)


def _modified(context: Context) -> float | None:
    """When the file was changed on the client's side, where he says so (a habit of ownCloud's clients)."""
    value = context.request.header(_MTIME)
    if value is None:
        return None
    try:
        when = float(value)
    except ValueError:
        return None
    return when if math.isfinite(when) and 0 <= when < 1 << 40 else None
