"""How handlers reach the store: transactions with the If field evaluated, and the resource asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from servers.dav import escape, if_header, resources
from servers.dav.context import Context
from servers.dav.resources import Address, Kind, Resource
from storage.errors import Conflict, NotFound
from storage.store import Transaction
from storage.types import Collection


@contextmanager
def reading(context: Context) -> Iterator[Transaction]:
    """A snapshot; the If field holds in it (RFC 4918 §10.4.2)."""
    header = if_header.parse(context.request.environ.get("HTTP_IF"))
    admission = context.admission
    while True:
        with context.store.read(admission.actor, header.tokens) as tx:
            if admission.holds(tx):
                if header.lists:
                    if_header.evaluate(context, tx, header)
                yield tx
                return
        admission.renew()


@contextmanager
def writing(context: Context) -> Iterator[Transaction]:
    """A change; the If field holds when it begins, and its tokens open locks."""
    header = if_header.parse(context.request.environ.get("HTTP_IF"))
    admission = context.admission
    while True:
        with context.store.write(admission.actor, header.tokens) as tx:
            if admission.holds(tx):
                if header.lists:
                    if_header.evaluate(context, tx, header)
                yield tx
                return
        admission.renew()


def find(context: Context, tx: Transaction, address: Address | None = None, *, body: bool = False) -> Resource:
    """What the request (or another address) names, if this process serves it.

    Raises:
        NotFound: nothing is there, the actor may not know of it, or another process serves it.
    """
    found = context.tables.urls.resolve(tx, address or context.address, body=body)
    if found.collection is not None and not context.serves(found.collection.tool):
        raise NotFound(found.name)
    return found


def holder(context: Context, tx: Transaction, address: Address) -> Collection:
    """The collection that is to hold a new item.

    Raises:
        Conflict: there is none, or the actor may not know of it (RFC 4918 §9.7.1).
    """
    try:
        found = resources.collection(tx, address)
    except NotFound:
        raise Conflict("there is no such collection") from None
    if found.tool not in context.protocol.tools:
        raise Conflict("there is no such collection")
    return found


def collection_href(address: Address) -> str:
    """The path of the collection that an ITEM or COLLECTION address lies in."""
    segments = address.segments[:-1] if address.kind is Kind.ITEM else address.segments
    return escape.path(*segments, directory=True)
