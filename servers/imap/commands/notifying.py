"""NOTIFY (RFC 5465 §3)."""

from __future__ import annotations

from typing import Final

from servers.imap import fetch_items
from servers.imap.connection import Answer, Connection
from servers.imap.errors import Bad, No
from servers.imap.fetch_items import Item
from servers.imap.notify import EVENTS, MESSAGE_EVENTS, Group, Notify, status
from servers.imap.reader import Reader
from storage.mail import names

_SELECTED: Final = frozenset({"SELECTED", "SELECTED-DELAYED"})
_KINDS: Final = _SELECTED | {"INBOXES", "PERSONAL", "SUBSCRIBED"}
_NAMED: Final = frozenset({"SUBTREE", "MAILBOXES"})
_KNOWN: Final = {event.upper(): event for event in EVENTS}
_GROUPS_MAX: Final = 50


def notify(connection: Connection, reader: Reader, tag: str) -> Answer:
    """SET replaces what was wanted before, NONE ends it."""
    reader.space()
    word = reader.word()
    if word == "NONE":
        reader.end()
        connection.notify = None
        return Answer()
    if word != "SET":
        raise Bad("NOTIFY SET or NOTIFY NONE")
    reader.space()
    with_status = reader.take(b"STATUS ")
    groups: list[Group] = []
    unknown: list[str] = []
    while True:
        groups.append(_group(reader, unknown))
        if reader.done:
            break
        reader.space()
        if len(groups) > _GROUPS_MAX:
            raise Bad("too many groups")
    if sum(group.kind.upper() in _SELECTED for group in groups) > 1:
        raise Bad("there is one selected mailbox")  # RFC 5465 §6.1
    if unknown:
        raise No("these events are not told", f"BADEVENT ({' '.join(EVENTS)})")
    wanted = Notify(tuple(groups))
    boxes = wanted.begin(connection)
    connection.notify = wanted
    if not with_status:
        return Answer()
    selected = None if connection.view is None else connection.view.id
    return Answer(tuple(status(connection, box, first=True) for box in boxes if box.id != selected))


def _group(reader: Reader, unknown: list[str]) -> Group:
    reader.need(b"(")
    kind = reader.word()
    places: frozenset[str] = frozenset()
    if kind in _NAMED:
        reader.space()
        given = reader.listed(reader.mailbox) if reader.peek(b"(") else [reader.mailbox()]
        places = frozenset(map(_stored, given))
    elif kind not in _KINDS:
        raise Bad(f"there is no group {kind}")
    reader.space()
    if reader.take(b"NONE"):
        reader.need(b")")
        return Group(kind.lower(), places, frozenset())
    reader.need(b"(")
    events: set[str] = set()
    attributes: tuple[Item, ...] = ()
    while (not events and not unknown) or not reader.take(b")"):
        event = reader.word()
        if event in _KNOWN:
            events.add(_KNOWN[event])
        else:  # RFC 5465 §3.1: refused with NO, whatever it may be (§8, event-ext)
            unknown.append(event)
        reader.take(b" ")
        if event == "MESSAGENEW" and reader.peek(b"("):
            attributes = fetch_items.read(reader)
            reader.take(b" ")
    reader.need(b")")
    _check(kind, events)
    return Group(kind.lower(), places, frozenset(events), attributes if kind in _SELECTED else ())


def _stored(name: str) -> str:
    """As the store writes it; a name that no mailbox can have is none that is there (RFC 5465 §3.1)."""
    try:
        return names.clean(name)
    except names.BadName:
        return name


def _check(kind: str, events: set[str]) -> None:
    """Raises: Bad: these events do not go together (RFC 5465 §5, §6.1)."""
    if events & set(MESSAGE_EVENTS) and not {"MessageNew", "MessageExpunge"} <= events:
        raise Bad("MessageNew and MessageExpunge come together, FlagChange with both")
    if kind in _SELECTED and not events <= set(MESSAGE_EVENTS):
        raise Bad("of the selected mailbox its messages are told")
