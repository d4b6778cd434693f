"""What happened to the list of mailboxes since a client was told of it (RFC 5465 §5.4…5.7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from servers.imap import render
from storage.mail import mailboxes, metadata, names
from storage.mail.metadata import ACCOUNT
from storage.mail.types import Mailbox
from storage.types import CollectionId

if TYPE_CHECKING:
    from servers.imap.connection import Connection
    from servers.imap.notify import Notify


@dataclass(frozen=True, slots=True)
class Known:
    """The mailboxes, the subscribed names and the annotations at one moment, as far as they are wanted."""

    boxes: Mapping[CollectionId, Mailbox] = field(default_factory=dict)
    subscribed: frozenset[str] = frozenset()
    annotations: Mapping[CollectionId, Mapping[str, int]] = field(default_factory=dict)
    named: Mapping[str, Mailbox] = field(default_factory=dict)
    """The same mailboxes by their names."""


def read(connection: Connection, notify: Notify) -> Known:
    """How they stand now."""
    lists = notify.wants_anywhere("SubscriptionChange") or notify.wants_anywhere("MailboxName")
    annotated = notify.wants_anywhere("MailboxMetadataChange") or notify.wants_anywhere("ServerMetadataChange")
    with connection.store.read(connection.me) as tx:
        boxes = mailboxes.every(tx)
        return Known(
            {box.id: box for box in boxes},
            frozenset(mailboxes.subscribed_names(tx)) if lists else frozenset(),
            metadata.marks(tx) if annotated else {},
            {box.name: box for box in boxes},
        )


def told(connection: Connection, notify: Notify, before: Known, now: Known) -> Iterator[bytes]:
    """Every name once: what became of it is in its attributes."""
    renamed = dict(_renamed(before, now))
    affected = dict.fromkeys((*_names(notify, before, now, renamed), *_subscriptions(notify, before, now)))
    for name in affected:
        yield _line(connection, now, name, renamed.get(name, ""))
    yield from _annotations(connection, notify, before, now)


def _renamed(before: Known, now: Known) -> Iterator[tuple[str, str]]:
    """New and old names; those that only lie in a renamed one are not told of (RFC 5465 §5.4)."""
    for number, box in now.boxes.items():
        old = before.boxes[number].name if number in before.boxes else box.name
        if old == box.name:
            continue
        above = before.named.get(names.parent(old))
        if above is not None and above.id in now.boxes:
            moved = now.boxes[above.id].name
            if moved != above.name and names.parent(box.name) == moved and names.leaf(box.name) == names.leaf(old):
                continue
        yield box.name, old


def _names(notify: Notify, before: Known, now: Known, renamed: Mapping[str, str]) -> Iterator[str]:
    """A mailbox that came or went, and the one that it lies in; one that has another name, by that."""
    gone = [box for number, box in before.boxes.items() if number not in now.boxes]
    came = [box for number, box in now.boxes.items() if number not in before.boxes]
    for box in (*gone, *came):
        for name in (box.name, names.parent(box.name)):
            if name and _wants(notify, "MailboxName", name, before, now):
                yield name
    for name, old in renamed.items():
        if _wants(notify, "MailboxName", name, before, now) or _wants(notify, "MailboxName", old, before, now):
            yield name


def _subscriptions(notify: Notify, before: Known, now: Known) -> Iterator[str]:
    for name in sorted(before.subscribed ^ now.subscribed):
        if _wants(notify, "SubscriptionChange", name, before, now):
            yield name


def _wants(notify: Notify, event: str, name: str, before: Known, now: Known) -> bool:
    return notify.wants(event, name, subscribed=name in before.subscribed or name in now.subscribed)


def _line(connection: Connection, now: Known, name: str, old: str) -> bytes:
    words = render.attributes(now.named.get(name), subscribed=name in now.subscribed)
    return render.list_response(name, words, utf8=connection.utf8, old=old)


def _annotations(connection: Connection, notify: Notify, before: Known, now: Known) -> Iterator[bytes]:
    """The names of those that changed, not their values (RFC 5464 §4.4.2)."""
    for number in (ACCOUNT, *now.boxes):
        old, new = before.annotations.get(number, {}), now.annotations.get(number, {})
        changed = [entry for entry in sorted(old.keys() | new.keys()) if old.get(entry) != new.get(entry)]
        if not changed:
            continue
        if number == ACCOUNT:
            wanted, said = notify.wants_anywhere("ServerMetadataChange"), b'""'
        else:
            box = now.boxes[number]
            wanted = notify.wants("MailboxMetadataChange", box.name, subscribed=box.subscribed)
            said = connection.name(box.name)
        if wanted:
            yield b"* METADATA %b %b\r\n" % (said, " ".join(changed).encode())
