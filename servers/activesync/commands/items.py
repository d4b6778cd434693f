"""ItemOperations ([MS-ASCMD] §2.2.1.10): single items, attachments and conversations, and emptying a folder."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from servers.activesync import contents, documents, hierarchy, multipart
from servers.activesync import options as wanted_of
from servers.activesync.call import Call
from servers.activesync.commands.conversations import Threads
from servers.activesync.mail_content import MailContent
from servers.activesync.multipart import Delivery, Multipart
from servers.activesync.object_content import ObjectContent
from servers.activesync.options import number
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, AirSyncBase, DocumentLibrary, Search
from servers.activesync.wbxml.pages import ItemOperations as Item
from storage.errors import GateClosed, NotFound
from storage.formats import message_parts
from storage.mail import flagging, mailboxes, moving, names, reading
from storage.mail.types import TRASH
from storage.store import Transaction

_OK, _PROTOCOL, _BAD_LINK, _REFUSED, _MISSING, _RANGE, _STORE, _EMPTY, _LARGE = 1, 2, 4, 5, 6, 8, 9, 10, 11
_NO_FILE, _CREDENTIALS = 15, 18
OPERATIONS_MAX: Final = 100
_WHOLE: Final = tuple(wanted_of.Preference(kind, None, False, 0) for kind in (wanted_of.HTML, wanted_of.PLAIN))
"""What is fetched of a mail where nothing is said of its body: all, in the form that it has."""
_ALL_AS_MIME: Final = 2
"""MIMESupport ([MS-ASCMD] §2.2.3.110.2)."""


def item_operations(call: Call) -> Element | Multipart:
    """Answer each operation by itself."""
    asked = [] if call.body is None else call.body.known[:OPERATIONS_MAX]
    if not asked:
        return Item.ItemOperations(Item.Status(_PROTOCOL))
    delivery = Delivery(call.query.multipart, multipart.OCTETS_MAX)
    # "an option that is invalid for the parent element" ([MS-ASCMD] §2.2.3.125.2): a range that is none.
    options = [said for one in asked if one.tag is Item.Fetch and (said := one.find(Item.Options)) is not None]
    if any(said.text_of(Item.Range) == "" or wanted_of.is_odd(said) for said in options):
        return Item.ItemOperations(Item.Status(_PROTOCOL))
    if call.version < 140 and any(one.tag is Item.Move for one in asked):
        return Item.ItemOperations(Item.Status(_PROTOCOL))
    threads = Threads(call)
    found = [_one(call, one, delivery, threads) for one in asked]
    told = Item.Response(*(one for one in found if one is not None))
    return delivery.answer(Item.ItemOperations(Item.Status(_OK), told))


def _one(call: Call, asked: Element, delivery: Delivery, threads: Threads) -> Element | None:
    if asked.tag is Item.EmptyFolderContents:
        return _empty(call, asked)
    if asked.tag is Item.Move:
        return threads.move(asked)
    if asked.tag is not Item.Fetch:
        return None
    reference = asked.text_of(AirSyncBase.FileReference)
    store = (asked.text_of(Item.Store) or "").lower()
    if reference is None and store == "documentlibrary":
        return _document(call, asked, delivery)
    with call.store.read(call.actor) as tx:
        if reference is not None:
            return _attachment(tx, call, asked, reference, delivery)
        if store != "mailbox":
            return Item.Fetch(Item.Status(_STORE))
        return _item(tx, call, asked, delivery)


def _item(tx: Transaction, call: Call, asked: Element, delivery: Delivery) -> Element:
    long_id = asked.text_of(Search.LongId)
    identified, folder = long_id or asked.text_of(AirSync.ServerId) or "", asked.text_of(AirSync.CollectionId) or ""
    said = asked.find(Item.Options)
    options = wanted_of.Options() if said is None else wanted_of.of(said)
    if options.odd_part:
        return Item.Fetch(Item.Status(wanted_of.ODD_PART))
    names = (Search.LongId(long_id),) if long_id else (AirSync.CollectionId(folder), AirSync.ServerId(identified))
    try:
        content = contents.of(tx, folder or identified.partition(":")[0])
        if content.name == MailContent.name and not options.bodies and options.mime != _ALL_AS_MIME:
            # With 1 those that are signed or encrypted come as MIME, and all others have a body too.
            whole = wanted_of.Preference(wanted_of.MIME, options.mime_size, False, 0)
            options = replace(options, bodies=(*_WHOLE, whole))
        shown = content.show(tx, call, identified, options)
    except NotFound:
        shown = None
    if shown is None:
        return Item.Fetch(Item.Status(_MISSING), *names)
    wanted = None if said is None else said.find(Item.Schema)
    if wanted is not None and wanted.children:  # nothing else ([MS-ASCMD] §2.2.3.153)
        shown = [one for one in shown if one.tag in wanted]
    delivery.bodies(shown)
    return Item.Fetch(Item.Status(_OK), *names, AirSync.Class(content.name), Item.Properties(*shown))


def _attachment(tx: Transaction, call: Call, asked: Element, reference: str, delivery: Delivery) -> Element:
    """The octets of an attachment, or a part of them."""
    named = AirSyncBase.FileReference(reference)
    try:
        found = octets(tx, call, reference)
    except NotFound:
        found = None
    if found is None:
        return Item.Fetch(Item.Status(_NO_FILE), named)
    data, kind = found
    bounds = _bounds(asked, len(data))
    if bounds is None:
        return Item.Fetch(Item.Status(_RANGE), named)
    first, last = bounds
    said, total, shown = asked.find(Item.Options, Item.Range), len(data), data[first : last + 1]
    if len(shown) > delivery.room:
        return Item.Fetch(Item.Status(_LARGE), named)
    return Item.Fetch(
        Item.Status(_OK),
        named,
        Item.Properties(
            Item.Range(f"{first}-{last}") if said is not None else None,
            Item.Total(total) if said is not None else None,
            AirSyncBase.ContentType(kind),
            delivery.data(shown),
        ),
    )


def _bounds(asked: Element, total: int) -> tuple[int, int] | None:
    """The first and the last octet that are wanted; None if it is no range of what there is."""
    first, last = 0, max(total - 1, 0)
    said = asked.text_of(Item.Options, Item.Range)
    if said is None:
        return first, last
    begin, dash, end = said.partition("-")
    first, last = number(begin, -1), min(number(end, -1), last)
    return (first, last) if dash and 0 <= first <= last and first < total else None


def _document(call: Call, asked: Element, delivery: Delivery) -> Element:
    """A document of the disk, or a part of it ([MS-ASDOC] §3.2.5.1); the answer names it and says nothing more."""
    text = asked.text_of(DocumentLibrary.LinkId) or ""
    named = DocumentLibrary.LinkId(text)
    if documents.is_stranger(call, asked.text_of(Item.Options, Item.UserName)):
        return Item.Fetch(Item.Status(_CREDENTIALS), named)
    try:
        link = documents.link_of(call, text)
        with call.store.read(call.actor) as tx:
            file = documents.document(tx, link)
    except documents.BadLink:
        return Item.Fetch(Item.Status(_BAD_LINK), named)
    except (documents.Elsewhere, GateClosed):
        return Item.Fetch(Item.Status(_REFUSED), named)
    except NotFound:
        return Item.Fetch(Item.Status(_MISSING), named)
    if file is None:
        return Item.Fetch(Item.Status(_BAD_LINK), named)  # a folder has nothing to fetch
    if file.body is None and file.blob is None:
        return Item.Fetch(Item.Status(_REFUSED), named)  # he may know of it, and not read it (ACL-06)
    if not file.size:
        return Item.Fetch(Item.Status(_EMPTY), named)
    bounds = _bounds(asked, file.size)
    if bounds is None:
        return Item.Fetch(Item.Status(_RANGE), named)
    first, last = bounds
    if last - first >= min(documents.OCTETS_MAX, delivery.room):
        return Item.Fetch(Item.Status(_LARGE), named)
    data = delivery.data(documents.octets(call, file, first, last))
    properties = Item.Properties(Item.Range(f"{first}-{last}"), Item.Total(file.size), data)
    return Item.Fetch(Item.Status(_OK), named, properties)


def octets(tx: Transaction, call: Call, reference: str) -> tuple[bytes, str] | None:
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
    """Only what is in the Trash already is removed for good; with its subfolders where that is asked for (MSG-42).

    [MS-ASCMD] §2.2.3.44, §2.2.3.58.
    """
    folder = asked.text_of(AirSync.CollectionId) or ""
    named = AirSync.CollectionId(folder)
    deep = asked.find(Item.Options, Item.DeleteSubFolders)
    with call.store.write(call.actor) as tx:
        try:
            box = hierarchy.mailbox(tx, folder)
        except NotFound:
            return Item.EmptyFolderContents(Item.Status(_MISSING), named)
        if deep is not None and deep.text != "0":  # first, for the list is locked before any mailbox
            for one in [one.name for one in mailboxes.every(tx) if names.parent(one.name) == box.name]:
                mailboxes.delete(tx, one)
        trash = mailboxes.find(tx, TRASH, beside=box.id)
        if box.id == trash.id:
            moving.remove_all(tx, box)
        else:
            moving.move_all(tx, box, trash)
    return Item.EmptyFolderContents(Item.Status(_OK), named)
