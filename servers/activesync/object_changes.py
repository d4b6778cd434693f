"""What a device changed in a calendar, an address book, tasks or notes ([MS-ASCMD] §2.2.3.24.2, §2.2.3.42).

Each command is judged by itself: a refused one undoes nothing but itself, and the device gets the item as it is.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from dataclasses import dataclass, field, replace
from typing import Final

from servers.activesync.classes.item_class import Context, ItemClass, Unconvertible
from servers.activesync.wanted import Wanted
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.encoder import encode
from servers.activesync.wbxml.pages import AirSync, AirSyncBase
from servers.activesync.wbxml.tokens import Token
from storage import items, kinds
from storage.activesync import keys
from storage.activesync.devices import Device
from storage.activesync.keys import Opened
from storage.assigned_tasks import StatusOnly
from storage.errors import Busy, NotFound, OverQuota, StorageError, UidConflict
from storage.store import Transaction
from storage.types import ANY, Collection, Item, Precondition, Written

_OK, _CONVERSION, _CONFLICT, _MISSING, _FULL = 1, 6, 7, 8, 9
_NAME: Final = re.compile(r"[A-Za-z0-9._@{}-]{1,200}")
_NEW: Final = Precondition(none_match=ANY)
_CLIENT_ID: Final = 64


@dataclass(slots=True)
class Done:
    """What came of a device's commands."""

    responses: list[Element] = field(default_factory=list)
    held: dict[int, str | None] = field(default_factory=dict)
    """What the device holds now by its own doing: it is not told again."""
    again: list[str] = field(default_factory=list)
    """Names of items that it is to be told as they are."""
    own: dict[str, str] = field(default_factory=dict)
    """Number to ETag of what it changed itself."""


def number_of(name: str) -> int:
    """An item's number on the wire: it outlives the item, whose name is all that the log keeps."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big") >> 1


def folder_of(collection: Collection, item_class: ItemClass) -> str:
    """How a folder is called on the wire: `c12`."""
    return f"{_LETTERS[item_class.name]}{collection.id}"


_LETTERS: Final = {"Calendar": "c", "Contacts": "b", "Tasks": "t", "Notes": "n"}


def server_id(collection: Collection, item_class: ItemClass, name: str) -> str:
    """How an item is called on the wire: `c12:1f…`."""
    return f"{folder_of(collection, item_class)}:{number_of(name):x}"


def name_of(
    tx: Transaction, device: Device, collection: Collection, item_class: ItemClass, identified: str
) -> str | None:
    """The name of an item that the device holds; None if it holds none of that id."""
    held = _held(tx, device, collection, item_class, identified)
    return None if held is None else held[1]


def apply(
    tx: Transaction, opened: Opened, collection: Collection, item_class: ItemClass, wanted: Wanted, context: Context
) -> Done:
    """Carry the commands out; failures are told item by item (EAS-13)."""
    done = Done()
    for command in wanted.commands:
        if command.tag is AirSync.Add:
            _add(tx, opened, collection, item_class, command, context, done)
            continue
        identified = command.text_of(AirSync.ServerId) or ""
        held = _held(tx, opened.device, collection, item_class, identified)
        if command.tag is AirSync.Fetch:
            done.responses.append(_fetch(tx, collection, item_class, identified, held, context))
            continue
        if command.tag not in (AirSync.Change, AirSync.Delete):
            continue
        if held is None:
            done.responses.append(_answer(command.tag, identified, _MISSING))
            continue
        # Its answer was lost, and it comes again: it starts from what the device made of the item then (EAS-04).
        mine = opened.own.get(str(number_of(held[1])))
        held = held if mine is None else (mine, held[1])
        act = _change if command.tag is AirSync.Change else _delete
        status = act(tx, collection, item_class, command, held, context, done)
        if status != _OK:
            done.responses.append(_answer(command.tag, identified, status))
    return done


def _answer(tag: Token, identified: str, status: int) -> Element:
    return Element(tag, "", [AirSync.ServerId(identified), AirSync.Status(status)])


def _add(
    tx: Transaction, opened: Opened, collection: Collection, item_class: ItemClass, command: Element,
    context: Context, done: Done,
) -> None:  # fmt: skip
    client = (command.text_of(AirSync.ClientId) or "")[:_CLIENT_ID]
    data = command.find(AirSync.ApplicationData)

    def answer(status: int, name: str = "", told: list[Element] | None = None) -> None:
        identified = AirSync.ServerId(server_id(collection, item_class, name)) if name else None
        done.responses.append(AirSync.Add(AirSync.ClientId(client), identified, AirSync.Status(status), *(told or [])))

    request = keys.digest(encode(command))
    before = keys.added_as(tx, opened, client, request) if client else None
    if before is not None:  # the answer was lost (EAS-04)
        made = items.many(tx, collection, [before], body=False).get(before)
        if made is not None and made.modified == made.created:  # as the device made it
            done.held[number_of(before)] = f"{made.etag} {before}"
        else:  # it changed, or is gone meanwhile: the device hears of that in this very answer
            done.held[number_of(before)] = f" {before}"
            done.again.append(before)
        answer(_OK, before)
        return
    if data is None or not client:
        answer(_CONVERSION)
        return
    uid = item_class.uid(data) or str(uuid.uuid4())
    told: list[Element] = []
    name = (uid if _NAME.fullmatch(uid) else str(uuid.uuid4())) + item_class.suffix
    try:
        _check_body(data)
        with tx.db.begin_nested():
            body = item_class.merge(data, None, uid, context)
            prepared = kinds.of(collection.tool).prepare(body, item_class.media_type)
            written = items.put(tx, collection, name, prepared, _NEW)
    except UidConflict as conflict:
        # The device began anew and adds what it had added before: it is the same one ([MS-ASCAL] §2.2.2.46).
        done.again.append(conflict.name)
        name = conflict.name
        done.held[number_of(name)] = f" {name}"
    except OverQuota:
        answer(_FULL)
        return
    except Busy:  # a full disk, say: the whole comes again, and nothing is given up
        raise
    except (Unconvertible, StorageError):  # a right that is missing, or a limit, too (SPEC 0.4)
        answer(_CONVERSION)
        return
    else:
        done.held[number_of(name)] = f"{written.etag} {name}"
        if item_class.added is not None:
            named = replace(context, identified=server_id(collection, item_class, name))
            told = item_class.added(data, body, None, named)
    keys.note_added(tx, opened, client, request, name)
    answer(_OK, name, told)


def _change(
    tx: Transaction, collection: Collection, item_class: ItemClass, command: Element, held: tuple[str, str],
    context: Context, done: Done,
) -> int:  # fmt: skip
    etag, name = held
    data = command.find(AirSync.ApplicationData)
    instance = command.text_of(AirSyncBase.InstanceId)
    try:
        item = items.get(tx, collection, name)
    except NotFound:
        return _MISSING
    if data is None or item.body is None:
        return _CONVERSION
    if item.etag != etag and not context.options.client_wins:
        done.again.append(name)
        return _CONFLICT
    try:
        _check_body(data)
        with tx.db.begin_nested():
            if instance is None or item_class.merge_one is None:
                body = item_class.merge(data, item.body, "", context)
            else:
                body = item_class.merge_one(data, item.body, instance, context)
            prepared = kinds.of(collection.tool).prepare(body, item.media_type)
            try:
                written = items.put(tx, collection, name, prepared)
            except StatusOnly as refused:  # TASK-04: the status counts, and the device gets the rest back
                body = refused.merged
                prepared = kinds.of(collection.tool).prepare(body, item.media_type)
                written = items.put(tx, collection, name, prepared)
                done.again.append(name)
            written = _followed(tx, collection, item_class, item, body, context) or written
    except OverQuota:
        status = _FULL
    except Busy:
        raise
    except (Unconvertible, StorageError):  # not his to change, too: the same again is in vain (SPEC 0.4)
        status = _CONVERSION
    else:
        done.held[number_of(name)] = f"{written.etag} {name}"
        done.own[str(number_of(name))] = written.etag
        if item_class.goes_on is not None and item_class.goes_on(item.body, body):
            done.again.append(name)
        named = replace(context, identified=server_id(collection, item_class, name))
        told = item_class.added(data, body, item.body, named) if item_class.added is not None else []
        if told:
            identified = AirSync.ServerId(named.identified)
            done.responses.append(AirSync.Change(identified, AirSync.Status(_OK), *told))
        return _OK
    done.again.append(name)
    return status


def _check_body(data: Element) -> None:
    """A Body says by a number in which form it is ([MS-ASAIRS] §2.2.2.41.1, §3.2.5.1).

    Raises:
        Unconvertible: it does not.
    """
    kind = data.text_of(AirSyncBase.Body, AirSyncBase.Type)
    if kind and not (kind.isascii() and kind.isdecimal()):
        raise Unconvertible("a text of no form")


def _followed(
    tx: Transaction, collection: Collection, item_class: ItemClass, item: Item, body: bytes, context: Context
) -> Written | None:
    """Add what follows a change; None if nothing does. Whoever may edit tasks may add some (tables 3.2 and 3.3)."""
    identified = str(uuid.uuid4())
    if item_class.follows is None or item.body is None:
        return None
    both = item_class.follows(item.body, body, identified, context)
    if both is None:
        return None
    now, following = (kinds.of(collection.tool).prepare(one, item.media_type) for one in both)
    items.put(tx, collection, identified + item_class.suffix, following, _NEW)
    return items.put(tx, collection, item.name, now)


def _delete(
    tx: Transaction, collection: Collection, item_class: ItemClass, command: Element, held: tuple[str, str],
    context: Context, done: Done,
) -> int:  # fmt: skip
    etag, name = held
    if (instance := command.text_of(AirSyncBase.InstanceId)) is not None:
        return _delete_one(tx, collection, item_class, instance, held, context, done)
    done.held[number_of(name)] = None
    try:
        item = items.get(tx, collection, name, body=False)
        if item.etag != etag and not context.options.client_wins:
            done.again.append(name)  # it changed here meanwhile, and comes back
            return _CONFLICT
        with tx.db.begin_nested():
            items.delete(tx, collection, name)
    except NotFound:
        return _OK
    except Busy:
        raise
    except StorageError:
        done.again.append(name)
        return _CONVERSION
    return _OK


def _delete_one(
    tx: Transaction, collection: Collection, item_class: ItemClass, instance: str, held: tuple[str, str],
    context: Context, done: Done,
) -> int:  # fmt: skip
    """Take away one instance of a series (from 16.0 on)."""
    name = held[1]
    try:
        item = items.get(tx, collection, name)
        if item.body is None or item_class.merge_one is None:
            return _CONVERSION
        with tx.db.begin_nested():
            body = item_class.merge_one(None, item.body, instance, context)
            written = items.put(tx, collection, name, kinds.of(collection.tool).prepare(body, item.media_type))
    except NotFound:
        return _MISSING
    except Unconvertible:
        return _CONVERSION
    except Busy:
        raise
    except StorageError:
        done.again.append(name)
        return _CONVERSION
    done.held[number_of(name)] = f"{written.etag} {name}"
    return _OK


def _fetch(
    tx: Transaction, collection: Collection, item_class: ItemClass, identified: str, held: tuple[str, str] | None,
    context: Context,
) -> Element:  # fmt: skip
    try:
        item = None if held is None else items.get(tx, collection, held[1])
    except NotFound:
        item = None
    if item is None or item.body is None:
        return _answer(AirSync.Fetch, identified, _MISSING)
    context = replace(context, identified=identified)
    shown = item_class.show(item.body, context)
    if not shown:
        return _answer(AirSync.Fetch, identified, _MISSING)
    data = AirSync.ApplicationData(*shown)
    return AirSync.Fetch(AirSync.ServerId(identified), AirSync.Status(_OK), data)


def _held(
    tx: Transaction, device: Device, collection: Collection, item_class: ItemClass, identified: str
) -> tuple[str, str] | None:
    """ETag and name of what the device holds."""
    folder, _, number = identified.partition(":")
    if folder != folder_of(collection, item_class) or not re.fullmatch(r"[0-9a-f]{1,16}", number):
        return None
    wanted = int(number, 16)
    held = keys.held_of(tx, device, folder, [wanted]).get(wanted) if wanted < 2**63 else None
    if held is None:
        return None
    etag, _, name = held.partition(" ")
    return etag, name
