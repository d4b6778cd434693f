"""LOCK on the disk (RFC 4918 §9.10): a lock on a name that is not in use makes an empty file (§7.3)."""

from __future__ import annotations

from typing import Final

from servers.dav import xml
from servers.dav.context import INFINITY, Context
from servers.dav.methods import lock as kernel
from servers.dav.names import DAV
from servers.dav.transactions import find, writing
from servers.http import conditions
from servers.http.response import Response
from servers.webdav import tree
from storage import bodies, dropbox, files, items, locks
from storage import collections as storage_tree
from storage.errors import Denied, LockConflict, NotFound
from storage.filing import File, Folder
from storage.store import Transaction
from storage.types import ANY, Precondition, Right

_WRITES: Final = Right.EDIT | Right.ADD | Right.DELETE
_ANEW: Final = Precondition(none_match=ANY)


def lock(context: Context) -> Response:
    """Lock, or refresh with an empty body: 200; 201 where the lock made the file."""
    root = xml.body(context.request, context.settings)
    timeout_s = kernel.timeout(context.request.header("Timeout"))
    depth = context.depth(INFINITY, 0, INFINITY)
    if root is None:
        return kernel.refresh(context, timeout_s)
    xml.expect(root, f"{DAV}lockinfo")
    exclusive = kernel.is_exclusive(root)
    owner = xml.child(root, f"{DAV}owner")
    owner_xml = "" if owner is None else xml.serialise(owner)
    precondition = conditions.precondition(context.request)
    asked = ""
    try:
        with writing(context) as tx:
            created, one = _target(context, tx, precondition)
            space = one.space if isinstance(one, Folder) else one.folder.space
            asked = storage_tree.path(one) if isinstance(one, Folder) else storage_tree.path(one.folder, one.name)
            made = locks.lock(
                tx,
                space,
                one.name if isinstance(one, Folder) else f"{one.folder.name}/{one.name}",
                exclusive=exclusive,
                infinite=depth == INFINITY and isinstance(one, Folder),
                timeout_s=timeout_s,
                owner_xml=owner_xml,
            )
    except LockConflict as error:
        if not error.root.startswith(asked + "/"):
            raise
        return kernel.member_locked(context, error)
    return kernel.answer(context, [made], 201 if created else 200, token=made.token)


def _target(context: Context, tx: Transaction, precondition: Precondition) -> tuple[bool, Folder | File]:
    """What is to be locked, made if need be; the actor may write there.

    Raises:
        Denied: he may not: a lock would only keep others from their work.
    """
    try:
        one = tree.member(find(context, tx))
    except NotFound:
        place = tree.place(tx, context.address)
        items.check(None, precondition)
        files.put(tx, place, bodies.small(b""), _ANEW)
        return True, tree.member(find(context, tx))
    if isinstance(one, Folder):
        conditions.check_untagged(context.request)
        if dropbox.is_letter_box(one) or not one.rights & (_WRITES | Right.ADMINISTER):  # DOC-30: nobody closes it
            raise Denied(Right.EDIT, storage_tree.path(one))
        return False, one
    items.check(one, precondition)  # RFC 9110 §13.1.1
    if not one.rights & (Right.EDIT | Right.DELETE):
        raise Denied(Right.EDIT, storage_tree.path(one.folder, one.name))
    return False, one
