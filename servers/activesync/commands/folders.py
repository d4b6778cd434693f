"""FolderSync, FolderCreate, FolderUpdate, FolderDelete ([MS-ASCMD] §2.2.1.3 to 6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from servers.activesync import hierarchy
from servers.activesync.call import Call
from servers.activesync.hierarchy import ROOT, Shown
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import FolderHierarchy as Folder
from servers.activesync.wbxml.tokens import Token
from storage import collections as tree
from storage import principals as people
from storage.activesync import devices, keys
from storage.activesync.keys import UnknownKey
from storage.errors import Exists, NotFound, StorageError
from storage.mail import mailboxes
from storage.mail.types import SEPARATOR, Mailbox
from storage.store import Transaction
from storage.types import Collection, SpaceKind

HIERARCHY: Final = ""
"""The folder whose state the hierarchy's is."""
_CLASSES: Final = {str(found.kinds[1]): letter for letter, found in hierarchy.LETTERS.items()}
"""Types of folders that a device may make, beside mailboxes ([MS-ASCMD] §2.2.3.186.2)."""
_UNMADE: Final = {**dict.fromkeys(map(str, range(2, 12)), 10), "19": 3}
"""What a device that would make one of the account's own folders is answered, or the cache of recipients (19)."""
_COMPONENTS: Final = {"c": ("VEVENT",), "t": ("VTODO",), "n": ("VJOURNAL",)}
_NAME_MAX: Final = 200
_OK, _EXISTS, _SYSTEM, _MISSING, _NO_PARENT, _SERVER, _KEY, _MALFORMED = 1, 2, 3, 4, 5, 6, 9, 10


class _Refused(Exception):
    def __init__(self, status: int) -> None:
        self.status = status


def folder_sync(call: Call) -> Element:
    """All folders at key 0, else what is different from what the device was told."""
    key = None if call.body is None else call.body.text_of(Folder.SyncKey)
    if key is None:
        return Folder.FolderSync(Folder.Status(_MALFORMED))
    with call.store.write(call.actor) as tx:
        devices.lock(tx, call.device)
        shown = hierarchy.every(tx, call.version)
        if key == "0":
            fresh = keys.begin(tx, call.device, HIERARCHY, {"folders": _told(shown)})
            return _changes(fresh, [Folder.Add(*_described(one)) for one in shown])
        try:
            opened = keys.open_(tx, call.device, HIERARCHY, key, "")
        except UnknownKey:
            return Folder.FolderSync(Folder.Status(_KEY))
        before: dict[str, list[Any]] = opened.state["folders"]
        now = _told(shown)
        if now == before and opened.answer is None and opened.begun == keys.text_of(opened.state):
            return _changes(key, [])  # nothing to tell: the device keeps its key
        by_id = {one.server_id: one for one in shown}
        changes = [Folder.Add(*_described(one)) for one in shown if one.server_id not in before]
        changes += [
            Folder.Update(*_described(by_id[number]))
            for number, told in now.items()
            if number in before and before[number] != told
        ]
        changes += [Folder.Delete(Folder.ServerId(number)) for number in before if number not in now]
        opened.state["folders"] = now
        keys.close(tx, opened, "folders", b"")
        return _changes(opened.key, changes)


def create(call: Call) -> Element:
    """Make a mailbox, a calendar, an address book, a list of tasks or notes."""

    def act(tx: Transaction, body: Element) -> str:
        kind = body.text_of(Folder.Type) or "12"
        if kind in _CLASSES and call.version >= hierarchy.LETTERS[_CLASSES[kind]].since:
            return _make(tx, body, _CLASSES[kind])
        if kind not in ("1", "12"):
            raise _Refused(_UNMADE.get(kind, _SERVER))
        name = _mailbox_name(body)
        above = _above(tx, body)
        return str(mailboxes.create(tx, above + name).id)

    return _change(call, Folder.FolderCreate, act)


def update(call: Call) -> Element:
    """Rename a folder; a mailbox may get another place as well."""

    def act(tx: Transaction, body: Element) -> str:
        if (one := _collection(tx, body)) is not None:
            if (body.text_of(Folder.ParentId) or ROOT) != ROOT:
                raise _Refused(_NO_PARENT)
            if tree.is_default(one):
                raise _Refused(_EXISTS)  # "or the specified folder is a special folder" ([MS-ASCMD] §2.2.3.177.6)
            tree.update(tx, one, display_name=_name(body))
            return ""
        box = _own(tx, body)
        if box.system:
            raise _Refused(_EXISTS)
        mailboxes.rename(tx, box.name, _above(tx, body) + _mailbox_name(body))
        return ""

    return _change(call, Folder.FolderUpdate, act)


def delete(call: Call) -> Element:
    """Remove a folder; what was in a mailbox goes the way that the desk has for that (MSG-40)."""

    def act(tx: Transaction, body: Element) -> str:
        if (one := _collection(tx, body)) is not None:
            if tree.is_default(one):
                raise _Refused(_SYSTEM)
            tree.delete(tx, one)
            return ""
        box = _own(tx, body)
        if box.system:
            raise _Refused(_SYSTEM)
        mailboxes.delete(tx, box.name)
        return ""

    return _change(call, Folder.FolderDelete, act)


def _change(call: Call, root: Token, act: Callable[[Transaction, Element], str]) -> Element:
    """Take the hierarchy's key, do it, and give a key that contains it."""
    body = call.body
    key = None if body is None else body.text_of(Folder.SyncKey)
    if body is None or key is None:
        return _refusal(root, _MALFORMED)
    if key == "0":
        return _refusal(root, _KEY)
    made = ""
    try:
        with call.store.write(call.actor) as tx:
            devices.lock(tx, call.device)
            opened = keys.open_(tx, call.device, HIERARCHY, key, f"{root!r} {keys.digest(call.octets)}")
            if opened.answer is not None:
                made = opened.answer.decode()
            else:
                made = act(tx, body)
                changed = made or body.text_of(Folder.ServerId) or ""
                _note(opened.state["folders"], changed, _told(hierarchy.every(tx, call.version)))
                keys.close(tx, opened, f"{root!r} {keys.digest(call.octets)}", made.encode())
    except UnknownKey:
        return _refusal(root, _KEY)
    except _Refused as refusal:
        return _refusal(root, refusal.status)
    except Exists:
        return _refusal(root, _EXISTS)
    except NotFound:
        return _refusal(root, _MISSING)
    except StorageError:
        return _refusal(root, _SERVER)
    identified = Folder.ServerId.given(made)
    return Element(root, "", [Folder.Status(_OK), Folder.SyncKey(opened.key), *([identified] if identified else [])])


def _refusal(root: Token, status: int) -> Element:
    return Element(root, "", [Folder.Status(status)])


def _make(tx: Transaction, body: Element, letter: str) -> str:
    """A collection of the account's own; the name of another of its kind is taken."""
    if (body.text_of(Folder.ParentId) or ROOT) != ROOT:
        raise _Refused(_NO_PARENT)
    title, tool = _name(body), hierarchy.LETTERS[letter].tool
    me = people.me(tx)
    if any(one.tool is tool and one.display_name == title for one in tree.home(tx, SpaceKind.PRIVATE, me.name)):
        raise _Refused(_EXISTS)
    name = tree.free_name(tx, me.id, title)
    made = tree.create(
        tx, SpaceKind.PRIVATE, me.name, name, tool, components=_COMPONENTS.get(letter, ()), display_name=title
    )
    return f"{letter}{made.id}"


def _collection(tx: Transaction, body: Element) -> Collection | None:
    """The collection that a device means; None if it means a mailbox."""
    identified = body.text_of(Folder.ServerId) or ""
    return hierarchy.collection(tx, identified)[0] if identified[:1] in hierarchy.LETTERS else None


def _name(body: Element) -> str:
    name = " ".join((body.text_of(Folder.DisplayName) or "").split())
    if not name or len(name) > _NAME_MAX:
        raise _Refused(_MALFORMED)
    return name


def _mailbox_name(body: Element) -> str:
    name = body.text_of(Folder.DisplayName) or ""
    if not name or SEPARATOR in name:
        raise _Refused(_MALFORMED)
    return name


def _above(tx: Transaction, body: Element) -> str:
    parent = body.text_of(Folder.ParentId) or ROOT
    if parent == ROOT:
        return ""
    try:
        return hierarchy.mailbox(tx, parent).name + SEPARATOR
    except NotFound:
        raise _Refused(_NO_PARENT) from None


def _own(tx: Transaction, body: Element) -> Mailbox:
    return hierarchy.mailbox(tx, body.text_of(Folder.ServerId) or "")


def is_told(tx: Transaction, call: Call) -> bool:
    """Whether the device knows the folders as they are now."""
    state = keys.newest(tx, call.device, HIERARCHY)
    return state is not None and state["folders"] == _told(hierarchy.every(tx, call.version))


def _note(told: dict[str, list[Any]], changed: str, now: dict[str, list[Any]]) -> None:
    """The device knows of its own change; what others changed meanwhile it has still to be told."""
    if changed in now:
        told[changed] = now[changed]
        return
    gone = {changed}
    while below := {number for number, (parent, *_) in told.items() if parent in gone} - gone - now.keys():
        gone |= below
    for number in gone & told.keys():
        del told[number]


def _told(shown: list[Shown]) -> dict[str, list[Any]]:
    return {one.server_id: [one.parent, one.name, one.kind] for one in shown}


def _described(one: Shown) -> tuple[Element, ...]:
    return (
        Folder.ServerId(one.server_id),
        Folder.ParentId(one.parent),
        Folder.DisplayName(one.name),
        Folder.Type(one.kind),
    )


def _changes(key: str, changes: list[Element]) -> Element:
    return Folder.FolderSync(
        Folder.Status(_OK), Folder.SyncKey(key), Folder.Changes(Folder.Count(len(changes)), *changes)
    )
