"""POST to a collection's DAV:add-member URL (RFC 5995): the server chooses the name."""

from __future__ import annotations

import uuid
from typing import Final

from servers.dav import escape
from servers.dav.context import Context
from servers.dav.methods.options import refused
from servers.dav.methods.put import answer, prepare
from servers.dav.resources import Kind
from servers.dav.transactions import holder, writing
from servers.http.errors import HttpError
from servers.http.response import Response
from storage import items
from storage.types import ANY, Precondition

ADD_MEMBER: Final = "add-member"
_SUFFIXES: Final = {"text/calendar": ".ics", "text/vcard": ".vcf"}


def post(context: Context) -> Response:
    """Store the body as a new member: 201 with its Location."""
    if context.request.query != ADD_MEMBER:
        raise HttpError(405, "POST goes to the add-member URL", headers=[refused(context, Kind.COLLECTION, "POST")])
    prepared = prepare(context)
    name = f"{uuid.uuid4()}{_SUFFIXES.get(prepared.media_type, '')}"
    with writing(context) as tx:
        collection = holder(context, tx, context.address)
        written = items.put(tx, collection, name, prepared, Precondition(none_match=ANY))
        shown = items.get(tx, collection, name) if context.preferences.representation else None
    location = escape.path(*context.address.segments, name)
    return answer(context, written, collection, shown, location)
