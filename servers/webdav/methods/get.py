"""GET and HEAD on the disk (RFC 4918 §9.4): files streamed, with conditions and ranges; folders as a page."""

from __future__ import annotations

from servers.dav.context import Context, Reader
from servers.dav.resources import Kind
from servers.dav.transactions import find, reading
from servers.http import conditions, files
from servers.http.response import Response
from servers.webdav import favourites, fixed, page, tree


def get(context: Context) -> Response:
    """The file, the folder's page, or the calendar."""
    with reading(context) as tx:
        found = find(context, tx, body=True)
        if found.kind is not Kind.ITEM:
            conditions.check_untagged(context.request)
            return page.of(Reader(context, tx), found)
        file = tree.file_of(found)
        if file is None:
            return favourites.get(context, tx) if favourites.is_whole(context.address) else fixed.get(context, tx)
    return files.send(context.request, context.store, file, [("Cache-Control", "private, no-cache")])
