"""PUT (RFC 4918 §9.7, RFC 4791 §5.3.2, RFC 6352 §6.3.2): a body is parsed first, then stored whole."""

from __future__ import annotations

from servers.dav import escape
from servers.dav.context import Context
from servers.dav.resources import Address
from servers.dav.transactions import holder, reading, writing
from servers.http import conditions
from servers.http.errors import BadRequest, HttpError
from servers.http.response import Response
from storage import items
from storage.errors import Denied, NotFound, Stale, TooLarge
from storage.kinds import Prepared
from storage.store import Transaction
from storage.types import UNCONDITIONAL, Collection, Item, Precondition, Written


def put(context: Context) -> Response:
    """Store the body under the request's name: 201 or 204."""
    if context.request.header("Content-Range") is not None:
        raise BadRequest("partial bodies are not accepted")  # RFC 9110 §14.5
    prepared = prepare(context)
    precondition = conditions.precondition(context.request)
    try:
        with writing(context) as tx:
            collection = holder(context, tx, context.address)
            check(context, tx, collection, context.address, precondition)
            written = items.put(tx, collection, context.address.item, prepared, precondition)
            shown = represented(context, tx, collection, context.address.item)
    except Stale:
        newer = present(context)
        if newer is None:
            raise
        return newer
    return answer(context, written, collection, shown)


def prepare(context: Context) -> Prepared:
    """Read and parse the request's body.

    Raises:
        TooLarge: it is longer than the site accepts; the other errors of `Protocol.prepare`.
    """
    limit = context.settings.max_resource_octets
    length = context.request.content_length
    if length is not None and length > limit:
        raise TooLarge(limit)
    try:
        body = context.request.body(limit)
    except HttpError as error:
        if error.status == 413:
            raise TooLarge(limit) from None
        raise
    return context.protocol.prepare(body, context.request.header("Content-Type") or "")


def check(
    context: Context, tx: Transaction, collection: Collection, address: Address, precondition: Precondition
) -> None:
    """Evaluate what the storage does not know: If-Unmodified-Since, and the switch `require_if_match`.

    Raises:
        HttpError: 412, or 428 (SYS-06, RFC 6585 §3).
    """
    since = context.request.header("If-Unmodified-Since")
    required = context.settings.require_if_match and precondition == UNCONDITIONAL
    if since is None and not required:
        return
    try:
        present = items.get(tx, collection, address.item, body=False)
    except NotFound:
        return
    conditions.check_unmodified_since(context.request, present.modified)
    if required and since is None:
        raise HttpError(428, "say with If-Match which version you change")


def represented(context: Context, tx: Transaction, collection: Collection, name: str) -> Item | None:
    """The item as it can now be read, where the client would like to get it (RFC 8144 §3)."""
    if not context.preferences.representation:
        return None
    try:
        return items.get(tx, collection, name)
    except (NotFound, Denied):
        return None


def present(context: Context) -> Response | None:
    """The 412 with what is there now, where the client would otherwise fetch it (RFC 8144 §3.2); None: it would not."""
    if not context.preferences.representation:
        return None
    with reading(context) as tx:
        collection = holder(context, tx, context.address)
        shown = represented(context, tx, collection, context.address.item)
    if shown is None or shown.body is None:
        return None
    headers, body = representation(context, collection, shown, escape.path(*context.address.segments))
    return Response(412, headers, body)


def representation(
    context: Context, collection: Collection, shown: Item, location: str
) -> tuple[list[tuple[str, str]], bytes]:
    """The fields and the body that show an item in the answer to a change of it (RFC 8144 §3)."""
    made = context.protocol.represent(collection, shown, None)
    fields = [
        ("Content-Type", made.content_type),
        ("ETag", f'"{shown.etag}"'),
        ("Content-Location", location),
        *context.preferences.applied("return=representation"),
    ]
    return fields, made.body


def answer(
    context: Context,
    written: Written,
    collection: Collection,
    shown: Item | None,
    location: str = "",
) -> Response:
    """The answer to a write."""
    headers: list[tuple[str, str]] = []
    if location:
        headers.append(("Location", location))
    if written.schedule_tag:
        headers.append(("Schedule-Tag", f'"{written.schedule_tag}"'))
    if shown is not None and shown.body is not None:
        where = location or escape.path(*context.address.segments)
        fields, body = representation(context, collection, shown, where)
        return Response(201 if written.created else 200, [*headers, *fields], body)
    if written.same_octets:
        # RFC 4791 §5.3.4: otherwise the client must read again what became of it.
        headers.append(("ETag", f'"{written.etag}"'))
    return Response(201 if written.created else 204, headers)
