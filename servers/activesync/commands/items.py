"""ItemOperations ([MS-ASCMD] §2.2.1.10): single items and attachments, and emptying a folder."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Final

from servers.activesync import contents, hierarchy
from servers.activesync import options as wanted_of
from servers.activesync.call import Call
from servers.activesync.mail_content import MailContent
from servers.activesync.object_content import ObjectContent
from servers.activesync.options import number
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, AirSyncBase, Search
from servers.activesync.wbxml.pages import ItemOperations as Item
from storage.errors import NotFound
from storage.formats import message_parts
from storage.mail import flagging, mailboxes, moving, reading
from storage.mail.types import TRASH
from storage.store import Transaction

_OK, _PROTOCOL, _MISSING, _RANGE, _STORE, _DENIED, _CONVERSION, _NO_FILE = 1, 2, 6, 8, 9, 16, 14, 15
OPERATIONS_MAX: Final = 100
_WHOLE: Final = tuple(wanted_of.Preference(kind, None, False, 0) for kind in (wanted_of.HTML, wanted_of.PLAIN))
"""What is fetched of a mail where nothing is said of its body: all, in the form that it has."""


def item_operations(call: Call) -> Element:
    """Answer each operation by itself."""
    asked = [] if call.body is None else call.body.known[:OPERATIONS_MAX]
    if not asked:
        return Item.ItemOperations(Item.Status(_PROTOCOL))
    found = [_one(call, one) for one in asked]
    return Item.ItemOperations(Item.Status(_OK), Item.Response(*(one for one in found if one is not None)))


def _one(call: Call, asked: Element) -> Element | None:
    if asked.tag is Item.EmptyFolderContents:
        return _empty(call, asked)
    if asked.tag is Item.Move:
        return Item.Move(Item.Status(_DENIED))
    if asked.tag is not Item.Fetch:
        return None
    reference = asked.text_of(AirSyncBase.FileReference)
    with call.store.read(call.actor) as tx:
        if reference is not None:
            return _attachment(tx, call, asked, reference)
        if (asked.text_of(Item.Store) or "").lower() != "mailbox":
            return Item.Fetch(Item.Status(_STORE))
        return _item(tx, call, asked)


def _item(tx: Transaction, call: Call, asked: Element) -> Element:
    long_id = asked.text_of(Search.LongId)
    identified, folder = long_id or asked.text_of(AirSync.ServerId) or "", asked.text_of(AirSync.CollectionId) or ""
    said = asked.find(Item.Options)
    options = wanted_of.Options() if said is None else wanted_of.of(said)
    if options.odd_part:
        return Item.Fetch(Item.Status(wanted_of.ODD_PART))
    names = (Search.LongId(long_id),) if long_id else (AirSync.CollectionId(folder), AirSync.ServerId(identified))
    try:
        content = contents.of(tx, folder or identified.partition(":")[0])
        if content.name == MailContent.name and not options.bodies and not options.mime:
            options = replace(options, bodies=_WHOLE)
        shown = content.show(tx, call, identified, options)
    except NotFound:
        shown = None
    if shown is None:
        return Item.Fetch(Item.Status(_MISSING), *names)
    return Item.Fetch(Item.Status(_OK), *names, AirSync.Class(content.name), Item.Properties(*shown))


def _attachment(tx: Transaction, call: Call, asked: Element, reference: str) -> Element:
    """The octets of an attachment, or a part of them, as base64 ([MS-ASCMD] §2.2.3.39.2)."""
    named = AirSyncBase.FileReference(reference)
    try:
        found = _octets(tx, call, reference)
    except NotFound:
        found = None
    if found is None:
        return Item.Fetch(Item.Status(_NO_FILE), named)
    data, kind = found
    total, first, last = len(data), 0, max(len(data) - 1, 0)
    said = asked.text_of(Item.Options, Item.Range)
    if said is not None:
        begin, dash, end = said.partition("-")
        first, last = number(begin, -1), min(number(end, -1), last)
        if not dash or not 0 <= first <= last or first >= total:
            return Item.Fetch(Item.Status(_RANGE), named)
    shown = data[first : last + 1]
    return Item.Fetch(
        Item.Status(_OK),
        named,
        Item.Properties(
            Item.Range(f"{first}-{last}") if said is not None else None,
            Item.Total(total) if said is not None else None,
            AirSyncBase.ContentType(kind),
            Item.Data(base64.b64encode(shown).decode("ascii")),
        ),
    )


def _octets(tx: Transaction, call: Call, reference: str) -> tuple[bytes, str] | None:
    """An attachment of a mail (`FOLDER:UID:SECTION`) or of an item (`FOLDER:ITEM:PLACE`), and its media type."""
    identified, _, place = reference.rpartition(":")
    folder, _, uid = identified.partition(":")
    content = contents.of(tx, folder)
    if isinstance(content, ObjectContent):
        return content.file(tx, call, identified, place)
    wanted = number(uid, 0)
    states = flagging.states_in(tx, hierarchy.mailbox(tx, folder), [(wanted, wanted)])
    parts = {part.section: part for part in reading.parts(tx, states[0].content)} if states else {}
    part = parts.get(place) if place else None
    return None if part is None else (message_parts.decode(reading.body(tx, states[0].content), part), part.kind)


def _empty(call: Call, asked: Element) -> Element:
    """Only what is in the Trash already is removed for good ([MS-ASCMD] §2.2.3.61)."""
    folder = asked.text_of(AirSync.CollectionId) or ""
    named = AirSync.CollectionId(folder)
    with call.store.write(call.actor) as tx:
        try:
            box = hierarchy.mailbox(tx, folder)
        except NotFound:
            return Item.EmptyFolderContents(Item.Status(_MISSING), named)
        trash = mailboxes.find(tx, TRASH)
        if box.id == trash.id:
            moving.remove_all(tx, box)
        else:
            moving.move_all(tx, box, trash)
    return Item.EmptyFolderContents(Item.Status(_OK), named)
