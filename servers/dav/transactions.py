"""How handlers reach the store: transactions with the If field evaluated, and the resource asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeAlias

from servers.dav import escape, if_header, resources
from servers.dav.context import Context
from servers.dav.resources import Address, Kind, Resource
from storage.errors import Conflict, NotFound
from storage.store import Transaction
from storage.types import Actor, Collection

_Begin: TypeAlias = Callable[[Actor, frozenset[str]], AbstractContextManager[Transaction]]


def reading(context: Context) -> AbstractContextManager[Transaction]:
    """A snapshot; the If field holds in it (RFC 4918 §10.4.2)."""
    return _begun(context, context.store.read)


def writing(context: Context) -> AbstractContextManager[Transaction]:
    """A change; the If field holds when it begins, and its tokens open locks."""
    return _begun(context, context.store.write)


@contextmanager
def _begun(context: Context, begin: _Begin) -> Iterator[Transaction]:
    """A transaction in which who asks is confirmed before anything else."""
    header = if_header.parse(context.request.environ.get("HTTP_IF"))
    admission = context.admission
    while True:
        with begin(admission.actor, header.tokens) as tx:
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
