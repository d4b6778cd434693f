"""DELETE (RFC 4918 §9.6): an item, or a whole collection that is not one of the default ones."""

from __future__ import annotations

from servers.dav.context import INFINITY, Context
from servers.dav.resources import Kind
from servers.dav.transactions import find, holder, writing
from servers.http import conditions
from servers.http.response import Response
from storage import collections as tree
from storage import items
from storage.errors import NotFound


def delete(context: Context) -> Response:
    """Remove it and its locks: 204."""
    precondition = conditions.precondition(context.request)
    reply = (context.request.header("Schedule-Reply") or "T").strip().upper() != "F"  # RFC 6638 §8.1
    with writing(context) as tx:
        found = find(context, tx)
        if found.kind is Kind.ITEM and found.item is not None:
            holder(context, tx, context.address)
            conditions.check_unmodified_since(context.request, found.item.modified)
            items.delete(tx, found.owned_collection, context.address.item, precondition, reply=reply)
            return Response(204)
        context.depth(INFINITY, INFINITY)  # RFC 4918 §9.6.1
        if found.collection is None:
            raise NotFound(found.name)
        conditions.check_untagged(context.request)
        tree.delete(tx, found.collection, reply=reply)
    return Response(204)
