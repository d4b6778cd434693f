"""PROPPATCH on the disk (RFC 4918 §9.2): dead properties, descriptions, and publishing (DOC-09, DOC-37)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from servers.dav import multistatus, xml
from servers.dav.context import Context, Reader
from servers.dav.methods import proppatch as kernel
from servers.dav.methods.proppatch import PROTECTED, Update
from servers.dav.names import CALENDARSERVER, DAV, ESCRITOIRE
from servers.dav.resources import Resource
from servers.dav.transactions import find, writing
from servers.http import conditions
from servers.http.errors import BadRequest
from servers.http.response import Response
from servers.webdav import properties, tree
from storage import items, publishing, trees
from storage import properties as dead
from storage.filing import File, Folder, Special

_OURS: Final = (DAV, ESCRITOIRE, CALENDARSERVER)
"""Namespaces in which nobody else invents properties."""


def proppatch(context: Context) -> Response:
    """Set and remove properties, all of them or none."""
    root = xml.expect(xml.body(context.request, context.settings), f"{DAV}propertyupdate")
    instructions = list(kernel.read(root))
    if not instructions:
        raise BadRequest("nothing to set and nothing to remove")
    precondition = conditions.precondition(context.request)
    with writing(context) as tx:
        reader = Reader(context, tx)
        found = find(context, tx)
        one = tree.member(found)
        if isinstance(one, File):
            items.check(one, precondition)  # RFC 9110 §13.1.1
        else:
            conditions.check_untagged(context.request)
        update = judge(reader, found, instructions)
        if not update.failed:
            apply(reader, found, update)
    if context.preferences.minimal and not update.failed:
        return Response(200, context.preferences.applied("return=minimal"))  # RFC 8144 §2.1
    return multistatus.document([multistatus.response(found.href, update.propstats())])


def judge(reader: Reader, found: Resource, instructions: Iterable[tuple[str, xml.Element | None]]) -> Update:
    """What the instructions amount to; nothing is written."""
    update = Update()
    for name, value in instructions:
        if name == properties.DESCRIPTION:
            update.values["description"] = xml.all_text(value)
        elif name == properties.PUBLISHED and _publishable(found):
            update.values["published"] = xml.all_text(value).lower() in ("1", "true")
        elif name.startswith(_OURS):
            update.failed.append((name, 403, PROTECTED))
            continue
        else:
            namespace, brace, local = name.rpartition("}")
            key = (namespace[1:], local) if brace else ("", name)
            update.dead[key] = None if value is None else xml.serialise(value)
        update.done.append(name)
    return update


def apply(reader: Reader, found: Resource, update: Update) -> None:
    """Write what was judged.

    Raises:
        Denied, Locked, LimitReached, GateClosed, Fixed: as the storage says.
    """
    one = tree.member(found)
    if "description" in update.values:
        trees.describe(reader.tx, one, update.values["description"])
    if "published" in update.values and isinstance(one, Folder):
        publishing.publish(reader.tx, one, update.values["published"])
    if update.dead:
        dead.put(reader.tx, found.owned_collection, found.item.name if found.item is not None else None, update.dead)


def _publishable(found: Resource) -> bool:
    folder = tree.folder_of(found)
    return folder is not None and folder.special is Special.WEB
