"""What a client wants to be told without asking, and how far it was told (RFC 5465)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from storage.mail import mailboxes
from storage.mail.types import INBOX, SEPARATOR, Mailbox
from storage.types import CollectionId

if TYPE_CHECKING:
    from servers.imap.connection import Connection

EVENTS: Final = ("MessageNew", "MessageExpunge", "FlagChange")
"""What is told; the others of RFC 5465 §5 are refused with BADEVENT."""
WATCHED_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class Group:
    """Some mailboxes, and the events of them that are wanted; none of them is wanted with no events."""

    kind: str
    """selected, selected-delayed, inboxes, personal, subscribed, subtree, mailboxes."""
    names: tuple[str, ...]
    events: frozenset[str]

    def holds(self, box: Mailbox) -> bool:
        match self.kind:
            case "personal":
                return True
            case "inboxes":
                return box.name == INBOX
            case "subscribed":
                return box.subscribed
            case "subtree":
                return any(box.name == name or box.name.startswith(name + SEPARATOR) for name in self.names)
            case "mailboxes":
                return box.name in self.names
            case _:
                return False


@dataclass(slots=True)
class Notify:
    """One NOTIFY SET."""

    groups: tuple[Group, ...]
    watched: frozenset[CollectionId] = frozenset()
    _told: dict[CollectionId, tuple[int, ...]] = field(default_factory=dict)

    def group_of(self, box: Mailbox) -> Group | None:
        """The first that the mailbox belongs to (RFC 5465 §3.1)."""
        return next((group for group in self.groups if group.holds(box)), None)

    def selected(self) -> Group | None:
        return next((group for group in self.groups if group.kind.startswith("selected")), None)

    def begin(self, connection: Connection) -> list[Mailbox]:
        """Know where all wanted mailboxes stand now; those that are wanted."""
        with connection.store.read(connection.me) as tx:
            boxes = [box for box in mailboxes.every(tx) if self._wants(box)][:WATCHED_MAX]
        self.watched = frozenset(box.id for box in boxes)
        self._told = {box.id: _state(box) for box in boxes}
        return boxes

    def news(self, connection: Connection) -> bytes:
        """What is to be told now: of the selected mailbox itself, of the others their counters (RFC 5465 §4, §5)."""
        said = b""
        view = connection.view
        own = self.selected()
        if view is not None and own is not None and own.events:
            said += connection.news(removals=own.kind == "selected")
        if not self.watched:
            return said
        with connection.store.read(connection.me) as tx:
            boxes = [box for box in mailboxes.every(tx) if box.id in self.watched]
        for box in boxes:
            now, before = _state(box), self._told.get(box.id)
            if now == before:
                continue
            self._told[box.id] = now
            if connection.view is None or box.id != connection.view.id or own is None:
                said += status(connection, box)
        return said

    def _wants(self, box: Mailbox) -> bool:
        group = self.group_of(box)
        return group is not None and bool(group.events)


def status(connection: Connection, box: Mailbox, *, first: bool = False) -> bytes:
    """RFC 5465 §5.1…3; the `first` one has the change number whatever is enabled (§3.1)."""
    more = f" HIGHESTMODSEQ {box.modseq}" if first or connection.condstore else ""
    items = f"MESSAGES {box.exists} UIDNEXT {box.uid_next} UIDVALIDITY {box.uid_validity} UNSEEN {box.unseen}{more}"
    return b"* STATUS %b (%b)\r\n" % (connection.name(box.name), items.encode())


def _state(box: Mailbox) -> tuple[int, ...]:
    return (box.exists, box.uid_next, box.unseen, box.modseq)
