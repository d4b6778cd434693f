"""POST on a calendar object: attachments added, updated, removed (RFC 8607 §3.3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qsl

from servers.caldav.names import ATTACHMENTS
from servers.dav.context import Context
from servers.dav.errors import refuse
from servers.dav.methods.put import answer, check, represented
from servers.dav.names import CALDAV
from servers.dav.resources import home_path
from servers.dav.transactions import find, reading, writing
from servers.http import conditions
from servers.http.errors import BadRequest
from servers.http.response import Response
from storage import bodies, quota
from storage.attachments import changing, keeping
from storage.bodies import Body
from storage.errors import OverQuota
from storage.formats import mime_fields, mime_words
from storage.types import Tool

ADD: Final = "attachment-add"
UPDATE: Final = "attachment-update"
REMOVE: Final = "attachment-remove"
_TYPE: Final = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,100}/[A-Za-z0-9!#$&^_.+-]{1,100}", re.ASCII)
_CHARSET: Final = re.compile(r"[A-Za-z0-9_.:+-]{1,40}", re.ASCII)
_UNNAMED: Final = frozenset({"", ".", ".."})
_MOST_QUERY: Final = 4_096


@dataclass(frozen=True, slots=True)
class Wanted:
    """A checked query: `action`, `rid`, `managed-id`."""

    action: str
    rids: tuple[str, ...]
    managed_id: str


def post(context: Context) -> Response:
    """201 for a new attachment, else 200 with the object if it is asked for, or 204; with Cal-Managed-ID (§5.1)."""
    wanted = parse(context.request.query)
    # Before a large body is read, whoever may not store it is told so.
    with reading(context) as tx:
        found = find(context, tx)
        item = changing.demand_edit(tx, found.owned_collection, found.name)
        assert item.body is not None
        if wanted.managed_id and wanted.managed_id.encode() not in re.sub(rb"\r\n[ \t]", b"", item.body):
            raise refuse(403, f"{CALDAV}valid-managed-id", reason="there is no such attachment")
        room = quota.room_in(tx, found.owned_collection.space, Tool.DOCUMENTS)
    if wanted.action == REMOVE:
        if context.request.body(1024):
            raise BadRequest("to remove an attachment takes no body")
        return _changed(context, wanted, None)
    # An update may fill what the former content leaves: that is judged when it is stored.
    return _changed(context, wanted, _receive(context, room if wanted.action == ADD else None))


def parse(query: str) -> Wanted:
    """Read the query parameters.

    Raises:
        HttpError: 403 valid-action, valid-rid, valid-managed-id (§3.11).
    """
    pairs: dict[str, list[str]] = {}
    try:
        given = parse_qsl(query[:_MOST_QUERY], keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError:
        given = []
    for name, value in given:
        pairs.setdefault(name, []).append(value)
    actions = pairs.get("action", [])
    if len(query) > _MOST_QUERY or len(actions) != 1 or actions[0] not in (ADD, UPDATE, REMOVE):
        raise refuse(403, f"{CALDAV}valid-action", reason=f"action is one of {ADD}, {UPDATE}, {REMOVE}")
    action = actions[0]
    rid = pairs.get("rid")
    if rid is not None and (action == UPDATE or len(rid) != 1 or "" in rid[0].split(",")):
        raise refuse(403, f"{CALDAV}valid-rid", reason="rid names instances once, and none for an update")
    ids = pairs.get("managed-id", [])
    if (len(ids) != 0) if action == ADD else (len(ids) != 1 or not ids[0]):
        raise refuse(403, f"{CALDAV}valid-managed-id", reason="one managed-id, but none for a new attachment")
    return Wanted(action, tuple(rid[0].split(",")) if rid is not None else (), ids[0] if ids else "")


def media_type(value: str) -> str:
    """A Content-Type that can be sent again: type and charset; application/octet-stream for what is none."""
    kind, given = mime_fields.parameters(value.encode("latin-1", "replace"))
    found = kind.decode("latin-1").strip().lower()
    if not _TYPE.fullmatch(found):
        return "application/octet-stream"
    charset = mime_words.parameter(given, "charset")
    return f"{found}; charset={charset}" if _CHARSET.fullmatch(charset or "") else found


def file_name(value: str) -> str:
    """The `filename` of a Content-Disposition as a plain name of at most 255 octets, "" if there is none.

    RFC 6266 §4.3: only its last segment, and nothing that a file system or a terminal takes for something else.
    """
    _, given = mime_fields.parameters(value.encode("latin-1", "replace"))
    text = mime_words.parameter(given, "filename") or ""
    last = re.split(r"[/\\]", text)[-1]
    clean = "".join(character for character in last if character.isprintable()).strip().strip('"')
    cut = clean.encode("utf-8", "ignore")[:255].decode("utf-8", "ignore").strip()
    return "" if cut in _UNNAMED else cut


def _receive(context: Context, room: int | None) -> Body:
    limit = context.settings.max_attachment_octets
    length = context.request.content_length
    if length is not None and length > limit:
        raise _too_large(limit)
    if room is not None and length is not None and length > room:
        raise OverQuota("the capacity is reached")

    def blocks() -> Iterator[bytes]:
        size = 0
        for block in context.request.blocks():
            size += len(block)
            if size > limit:
                raise _too_large(limit)
            yield block

    return bodies.receive(context.store, blocks(), most=room)


def _too_large(limit: int) -> Exception:
    return refuse(403, f"{CALDAV}max-attachment-size", reason=f"an attachment has at most {limit} octets")


def _changed(context: Context, wanted: Wanted, body: Body | None) -> Response:
    precondition = conditions.precondition(context.request)
    name = context.address.item
    managed_id = uri = ""
    with writing(context) as tx:
        found = find(context, tx)
        collection = found.owned_collection
        check(context, tx, collection, context.address, precondition)
        if body is None:
            written = changing.remove(tx, collection, name, wanted.managed_id, wanted.rids, precondition)
        else:
            kept = keeping.keep(
                tx,
                collection,
                body,
                name=file_name(context.request.header("Content-Disposition") or ""),
                media_type=media_type(context.request.header("Content-Type") or ""),
                base=f"{context.request.origin}{home_path(collection.space)}{ATTACHMENTS}/",
            )
            managed_id, uri = kept.managed_id, kept.uri
            if wanted.action == ADD:
                written = changing.add(tx, collection, name, kept, wanted.rids, precondition)
            else:
                written = changing.update(tx, collection, name, wanted.managed_id, kept, precondition)
        shown = represented(context, tx, collection, name)
    # The object is not what the client knows: without it no validator is told (RFC 4791 §5.3.4).
    response = answer(context, replace(written, created=wanted.action == ADD, same_octets=False), collection, shown)
    if managed_id:
        # RFC 9110 §15.3.2: what was made is not the target. Apple Calendar finds its file again by this field.
        response.headers += [("Cal-Managed-ID", managed_id), ("Location", uri)]
    return response
