"""NOTIFY (RFC 5465 §3)."""

from __future__ import annotations

from typing import Final

from servers.imap.connection import Answer, Connection
from servers.imap.errors import Bad, No
from servers.imap.notify import EVENTS, Group, Notify, status
from servers.imap.reader import Reader

_KINDS: Final = frozenset({"SELECTED", "SELECTED-DELAYED", "INBOXES", "PERSONAL", "SUBSCRIBED"})
_NAMED: Final = frozenset({"SUBTREE", "MAILBOXES"})
_KNOWN: Final = {event.upper(): event for event in EVENTS}
_OTHERS: Final = frozenset(
    {"ANNOTATIONCHANGE", "MAILBOXNAME", "SUBSCRIPTIONCHANGE", "MAILBOXMETADATACHANGE", "SERVERMETADATACHANGE"}
)
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
    while True:
        groups.append(_group(reader))
        if reader.done:
            break
        reader.space()
        if len(groups) > _GROUPS_MAX:
            raise Bad("too many groups")
    wanted = Notify(tuple(groups))
    boxes = wanted.begin(connection)
    connection.notify = wanted
    if not with_status:
        return Answer()
    selected = None if connection.view is None else connection.view.id
    return Answer(tuple(status(connection, box, first=True) for box in boxes if box.id != selected))


def _group(reader: Reader) -> Group:
    reader.need(b"(")
    kind = reader.word()
    names: tuple[str, ...] = ()
    if kind in _NAMED:
        reader.space()
        names = tuple(reader.listed(reader.mailbox)) if reader.peek(b"(") else (reader.mailbox(),)
    elif kind not in _KINDS:
        raise Bad(f"there is no group {kind}")
    reader.space()
    if reader.take(b"NONE"):
        reader.need(b")")
        return Group(kind.lower(), names, frozenset())
    reader.need(b"(")
    events: set[str] = set()
    unknown: list[str] = []
    while not reader.take(b")"):
        event = reader.word()
        if event in _KNOWN:
            events.add(_KNOWN[event])
        elif event in _OTHERS:
            unknown.append(event)
        else:
            raise Bad(f"there is no event {event}")
        reader.take(b" ")
        if event == "MESSAGENEW" and reader.peek(
            b"("
        ):  # what is to be fetched of new ones: their counters tell of them
            _skip(reader)
            reader.take(b" ")
    reader.need(b")")
    if unknown:
        raise No("these events are not told", f"BADEVENT ({' '.join(EVENTS)})")
    if "MessageNew" in events and "MessageExpunge" not in events:
        raise Bad("MessageNew and MessageExpunge come together")  # RFC 5465 §5
    return Group(kind.lower(), names, frozenset(events))


def _skip(reader: Reader) -> None:
    """RFC 5465 §5.1: fetch attributes; a client that wants them asks for them when it is told."""
    from servers.imap import fetch_items

    fetch_items.read(reader)
