"""PROPPATCH (RFC 4918 §9.2): all instructions, in order, or none."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from lxml import etree

from servers.dav import multistatus, xml
from servers.dav.context import Context, Reader
from servers.dav.names import DAV
from servers.dav.resources import Kind, Resource
from servers.dav.transactions import find, writing
from servers.http import conditions
from servers.http.errors import BadRequest, HttpError
from servers.http.response import Response
from storage import collections as tree
from storage import items
from storage import properties as dead

PROTECTED: Final = "<D:cannot-modify-protected-property/>"
_READ_ONLY_NAMESPACES: Final = (DAV,)


@dataclass(slots=True)
class Update:
    """What some instructions amount to."""

    values: dict[str, Any] = field(default_factory=dict)
    """Arguments of storage.collections.update or create."""
    dead: dict[tuple[str, str], str | None] = field(default_factory=dict)
    actions: list[Callable[[], None]] = field(default_factory=list)
    """What `Property.assign` gave."""
    done: list[str] = field(default_factory=list)
    failed: list[tuple[str, int, str]] = field(default_factory=list)
    """Name, status and explanation of each that cannot be done."""

    def propstats(self) -> str:
        """The outcome as propstats, each property once; one failure fails all others with 424."""
        done = dict.fromkeys(self.done)
        if not self.failed:
            return multistatus.propstat(200, done)
        failed = {name: (code, error) for name, code, error in reversed(self.failed)}
        parts = [multistatus.propstat(code, [name], error) for name, (code, error) in reversed(failed.items())]
        if others := [name for name in done if name not in failed]:
            parts.append(multistatus.propstat(424, others))
        return "".join(parts)


def proppatch(context: Context) -> Response:
    """Set and remove properties of a collection or item."""
    root = xml.expect(xml.body(context.request, context.settings), f"{DAV}propertyupdate")
    instructions = list(read(root))
    if not instructions:
        raise BadRequest("nothing to set and nothing to remove")
    precondition = conditions.precondition(context.request)
    with writing(context) as tx:
        reader = Reader(context, tx)
        found = find(context, tx)
        if found.item is not None:
            items.check(found.item, precondition)  # RFC 9110 §13.1.1
        else:
            conditions.check_untagged(context.request)
        update = judge(reader, found, instructions, creating=False)
        if not update.failed:
            for action in update.actions:
                action()
            if update.values:
                found = replace(found, collection=tree.update(tx, found.owned_collection, **update.values))
            if update.dead:
                collection = found.owned_collection
                name = found.item.name if found.item is not None else None
                dead.put(tx, collection, name, update.dead)
    if context.preferences.minimal and not update.failed:
        # RFC 8144 §2.1: success needs no body.
        return Response(200, context.preferences.applied("return=minimal"))
    return multistatus.document([multistatus.response(found.href, update.propstats())])


def read(root: etree._Element) -> Iterable[tuple[str, etree._Element | None]]:
    """The instructions in document order: a name with its element to set, or None to remove it."""
    for instruction in xml.children(root):
        if instruction.tag not in (f"{DAV}set", f"{DAV}remove"):
            continue
        for prop in xml.children(instruction, f"{DAV}prop"):
            for one in xml.children(prop):
                yield xml.tag(one), one if instruction.tag == f"{DAV}set" else None


def judge(
    reader: Reader,
    found: Resource,
    instructions: Iterable[tuple[str, etree._Element | None]],
    *,
    creating: bool,
    skip: frozenset[str] = frozenset(),
) -> Update:
    """What the instructions amount to on this resource; nothing is written."""
    update = Update()
    for name, value in instructions:
        if name in skip:
            update.done.append(name)
            continue
        try:
            _one(reader, found, name, value, update, creating)
        except HttpError as error:
            update.failed.append((name, error.status, _explanation(error)))
    return update


def _one(
    reader: Reader,
    found: Resource,
    name: str,
    value: etree._Element | None,
    update: Update,
    creating: bool,
) -> None:
    if found.kind not in (Kind.COLLECTION, Kind.ITEM):
        own = multistatus.row_of(reader, found, name)
        if own is not None and own.assign is not None:
            update.actions.append(own.assign(reader, found, value))
            update.done.append(name)
            return
        update.failed.append((name, 403, PROTECTED))
        return
    if found.kind is Kind.ITEM:
        if name in reader.context.tables.item_properties or name.startswith(_READ_ONLY_NAMESPACES):
            update.failed.append((name, 403, PROTECTED))
            return
    else:
        row = multistatus.row_of(reader, found, name)
        if row is not None and row.check is not None:
            if value is not None:
                row.check(value)
        elif row is not None:
            if row.update is None or (row.at_creation and not creating):
                update.failed.append((name, 403, PROTECTED))
                return
            update.values.update(row.update(value))
            update.done.append(name)
            return
        elif name.startswith(_READ_ONLY_NAMESPACES):
            update.failed.append((name, 403, PROTECTED))  # DAV: is not for clients to invent in
            return
    namespace, brace, local = name.rpartition("}")
    key = (namespace[1:], local) if brace else ("", name)
    update.dead[key] = None if value is None else xml.serialise(value)
    update.done.append(name)


def _explanation(error: HttpError) -> str:
    """The precondition element of a refusal, without the DAV:error around it."""
    body = (error.body or b"").decode()
    start = body.find(">", body.find("<D:error")) + 1
    return body[start : body.rfind("</D:error>")] if start else ""
