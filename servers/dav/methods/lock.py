"""LOCK and UNLOCK (RFC 4918 §9.10, §9.11): exclusive and shared write locks, also of names not yet used."""

from __future__ import annotations

import re
from typing import Final

from servers.dav import escape, if_header, locks, multistatus, naming, resources, xml
from servers.dav.context import INFINITY, Context
from servers.dav.errors import refuse
from servers.dav.names import DAV, DECLARATIONS
from servers.dav.resources import Address, Kind
from servers.dav.transactions import holder, writing
from servers.http import conditions
from servers.http.errors import BadRequest, HttpError
from servers.http.response import Response
from storage import collections as tree
from storage import items
from storage import locks as store_locks
from storage import principals as people
from storage.errors import Denied, LockConflict, LockMissing, NotFound
from storage.locks import MAX_TIMEOUT_S, Lock
from storage.store import Transaction
from storage.types import Item, Principal, Relation, Right, SpaceKind

_SECONDS: Final = re.compile(r"second-(\d{1,10})\Z", re.IGNORECASE)
_WRITES: Final = Right.EDIT | Right.ADD | Right.DELETE


def lock(context: Context) -> Response:
    """Lock, or refresh with an empty body: 200; 201 where the name was not in use (RFC 4918 §7.3).

    An empty calendar object or card cannot exist (RFC 4791 §4.1), so such a lock reserves the name:
    nothing is listed there, and a PUT that shows the token creates the item.
    """
    root = xml.body(context.request, context.settings)
    timeout_s = timeout(context.request.header("Timeout"))
    depth = context.depth(INFINITY, 0, INFINITY)
    if root is None:
        return refresh(context, timeout_s)
    xml.expect(root, f"{DAV}lockinfo")
    exclusive = is_exclusive(root)
    owner = xml.child(root, f"{DAV}owner")
    owner_xml = "" if owner is None else xml.serialise(owner)
    infinite = depth == INFINITY and context.address.kind is not Kind.ITEM
    precondition = conditions.precondition(context.request)
    asked = ""
    try:
        with writing(context) as tx:
            space, path, item, mapped = _place(context, tx, context.address)
            asked = f"{tree.home_name(space)}/{path}".rstrip("/")
            if context.address.kind is Kind.ITEM:
                items.check(item, precondition)  # RFC 9110 §13.1.1
            else:
                conditions.check_untagged(context.request)
            made = store_locks.lock(
                tx,
                space,
                path,
                exclusive=exclusive,
                infinite=infinite,
                timeout_s=timeout_s,
                owner_xml=owner_xml,
                reserved=not mapped,
            )
    except LockConflict as error:
        if not error.root.startswith(asked + "/"):
            raise
        return member_locked(context, error)
    return answer(context, [made], 200 if mapped else 201, token=made.token)


def member_locked(context: Context, error: LockConflict) -> Response:
    """The 207 for a tree that cannot be locked because of one below its root (RFC 4918 §9.10.3)."""
    own = escape.path(*context.address.segments, directory=True)
    root = naming.shown(context, error.root)
    if not root:  # SYS-09
        return multistatus.document([multistatus.status(own, 423, "<D:no-conflicting-lock/>")])
    return multistatus.document(
        [multistatus.status(root, 423, "<D:no-conflicting-lock/>"), multistatus.status(own, 424)]
    )


def unlock(context: Context) -> Response:
    """Remove the lock that the Lock-Token field names: 204."""
    value = context.request.header("Lock-Token")
    if not value:
        raise BadRequest("a Lock-Token is required")
    token = value.strip().removeprefix("<").removesuffix(">")
    with writing(context) as tx:
        space, path = context.tables.urls.place(tx, context.address)
        store_locks.unlock(tx, space, path, token)
    return Response(204)


def refresh(context: Context, timeout_s: int) -> Response:
    """Start the time of the lock that the If field names anew: 200."""
    header = if_header.parse(context.request.header("If"))
    if len(header.tokens) != 1:
        raise BadRequest("a refresh shows one lock token in the If field")  # RFC 4918 §9.10.2
    (token,) = header.tokens
    with writing(context) as tx:
        space, path = context.tables.urls.place(tx, context.address)
        try:
            renewed = store_locks.refresh(tx, space, path, token, timeout_s)
        except LockMissing:
            raise refuse(412, f"{DAV}lock-token-matches-request-uri") from None
    return answer(context, [renewed], 200)


def answer(context: Context, found: list[Lock], status: int, token: str = "") -> Response:
    """The answer that describes locks; `token` of a new one goes into Lock-Token (RFC 4918 §10.5)."""
    body = (
        f'<?xml version="1.0" encoding="utf-8"?>\n<D:prop{DECLARATIONS}><D:lockdiscovery>'
        f"{locks.discovery(context, found)}</D:lockdiscovery></D:prop>\n"
    )
    headers = [("Content-Type", 'application/xml; charset="utf-8"')]
    if token:
        headers.append(("Lock-Token", f"<{token}>"))
    return Response(status, headers, body.encode())


def _place(context: Context, tx: Transaction, address: Address) -> tuple[Principal, str, Item | None, bool]:
    """Whose space, which path, the item there, and whether anything is there; the actor may write there.

    Raises:
        Denied: he may not: a lock would only keep others from their work.
    """
    if address.kind is Kind.HOME:
        space = people.find(tx, address.space_kind, address.space)
        if not _arranges(tx, space):
            raise Denied(Right.ADD, tree.home_name(space))
        return space, "", None, True
    if address.kind is Kind.COLLECTION:
        try:
            collection = resources.collection(tx, address)
        except NotFound:
            raise HttpError(409, "there is no such collection; make it first") from None
        if not collection.rights & _WRITES:
            raise Denied(Right.EDIT, tree.path(collection))
        return collection.space, collection.name, None, True
    collection = holder(context, tx, address)
    path = locks.path_below(collection, items.clean_name(address.item))
    try:
        item = items.get(tx, collection, address.item, body=False)
    except NotFound:
        if not collection.rights & Right.ADD:
            raise Denied(Right.ADD, tree.path(collection)) from None
        return collection.space, path, None, False
    if not item.rights & (Right.EDIT | Right.DELETE):
        raise Denied(Right.EDIT, f"{tree.path(collection)}/{item.name}")
    return collection.space, path, item, True


def _arranges(tx: Transaction, space: Principal) -> bool:
    if space.id == tx.actor.id:
        return True
    if space.kind is not SpaceKind.GROUP:
        return False
    found = tree.home(tx, space.kind, space.name)
    return any(one.relation in (Relation.ADMIN, Relation.CO_ADMIN) for one in found)


def is_exclusive(root: xml.Element) -> bool:
    """Whether a DAV:lockinfo asks for an exclusive lock, not a shared one (RFC 4918 §14.11).

    Raises:
        BadRequest: it asks for neither.
    """
    scope = xml.child(root, f"{DAV}lockscope")
    kind = xml.child(root, f"{DAV}locktype")
    if scope is None or kind is None or xml.child(kind, f"{DAV}write") is None:
        raise BadRequest("a lockinfo names a scope, and the type write")
    exclusive = xml.child(scope, f"{DAV}exclusive") is not None
    if not exclusive and xml.child(scope, f"{DAV}shared") is None:
        raise BadRequest("a lock is exclusive or shared")
    return exclusive


def timeout(value: str | None) -> int:
    """The client's first wish that we understand (RFC 4918 §10.7); the store has the last word."""
    for wish in (value or "").split(","):
        found = _SECONDS.match(wish.strip())
        if found:
            return max(1, min(int(found[1]), MAX_TIMEOUT_S))
    return MAX_TIMEOUT_S
