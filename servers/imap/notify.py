"""What a client wants to be told without asking, and how far it was told (RFC 5465)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from servers.imap import mailbox_news
from servers.imap.fetch_items import Item
from servers.imap.mailbox_news import Known
from storage.errors import Busy
from storage.mail import listing_changes, names
from storage.mail.types import INBOX, Mailbox
from storage.types import CollectionId

if TYPE_CHECKING:
    from servers.imap.connection import Connection

MESSAGE_EVENTS: Final = ("MessageNew", "MessageExpunge", "FlagChange")
EVENTS: Final = (
    *MESSAGE_EVENTS,
    *("MailboxName", "SubscriptionChange", "MailboxMetadataChange", "ServerMetadataChange"),
)
"""What is told; AnnotationChange (RFC 5257) is refused with BADEVENT."""
WATCHED_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class Group:
    """Some mailboxes, and the events of them that are wanted; none of them is wanted with no events."""

    kind: str
    """selected, selected-delayed, inboxes, personal, subscribed, subtree, mailboxes."""
    names: frozenset[str]
    events: frozenset[str]
    attributes: tuple[Item, ...] = ()
    """What is fetched of new messages in the selected mailbox."""

    def holds(self, name: str, *, subscribed: bool) -> bool:
        match self.kind:
            case "personal":
                return True
            case "inboxes":
                return name == INBOX
            case "subscribed":
                return subscribed
            case "subtree":
                return any(one in self.names for one in (name, *names.above(name)))
            case "mailboxes":
                return name in self.names
            case _:
                return False


@dataclass(slots=True)
class Notify:
    """One NOTIFY SET."""

    groups: tuple[Group, ...]
    watched: frozenset[CollectionId] = frozenset()
    _known: Known = field(default_factory=Known)
    _told: dict[CollectionId, tuple[int, ...]] = field(default_factory=dict)

    @property
    def attributes(self) -> tuple[Item, ...]:
        """What is fetched of new messages in the selected mailbox."""
        own = self.selected()
        return () if own is None else own.attributes

    def wants(self, event: str, name: str, *, subscribed: bool) -> bool:
        """Whether the event is told of a mailbox; several groups may say so of several events (RFC 5465 §6).

        A group without events takes its mailboxes out of those behind it.
        """
        for group in self.groups:
            if group.holds(name, subscribed=subscribed):
                if not group.events:
                    return False
                if event in group.events:
                    return True
        return False

    def wants_anywhere(self, event: str) -> bool:
        return any(event in group.events for group in self.groups)

    def selected(self) -> Group | None:
        return next((group for group in self.groups if group.kind.startswith("selected")), None)

    def of_selected(self, event: str) -> bool:
        """Whether an event is told of the selected mailbox; without such a group none is (RFC 5465 §3.1)."""
        own = self.selected()
        return own is not None and event in own.events

    def begin(self, connection: Connection) -> list[Mailbox]:
        """Know where all wanted mailboxes stand now; those of whose messages something is told."""
        self.look(connection)
        return self._counted()

    def look(self, connection: Connection) -> None:
        """Take the list of mailboxes for told as it is now; counters that were told stay as they were."""
        self._known = mailbox_news.read(connection, self)
        boxes = self._counted()
        self._told = {box.id: self._told.get(box.id, _state(box)) for box in boxes}
        self._watch(connection, boxes)

    def news(self, connection: Connection) -> bytes:
        """What is to be told now: of the selected mailbox itself, of the others their counters, and of the list."""
        said: list[bytes] = []
        view = connection.view
        own = self.selected()
        if view is not None and own is not None and own.events:
            said.append(connection.news(removals=own.kind == "selected"))
        if not self.watched:
            return b"".join(said)
        try:
            now = mailbox_news.read(connection, self)
        except Busy:
            connection.postponed()
            return b"".join(said)
        before, self._known = self._known, now
        said += mailbox_news.told(connection, self, before, self._known)
        boxes = self._counted()
        said += self._counters(connection, boxes)
        self._watch(connection, boxes)
        return b"".join(said)

    def _counters(self, connection: Connection, boxes: list[Mailbox]) -> Iterator[bytes]:
        """STATUS of what changed in others than the selected mailbox (RFC 5465 §5.1…3)."""
        view = connection.view
        told, self._told = self._told, {box.id: _state(box) for box in boxes}
        for box in boxes:
            before = told.get(box.id, (0, 1, 0, box.modseq))
            if before == self._told[box.id] or (view is not None and box.id == view.id):
                continue
            flags = self.wants("FlagChange", box.name, subscribed=box.subscribed)
            if flags or before[:2] != self._told[box.id][:2]:
                yield status(connection, box)

    def _counted(self) -> list[Mailbox]:
        boxes = self._known.boxes.values()
        events = MESSAGE_EVENTS
        return [
            box for box in boxes if any(self.wants(one, box.name, subscribed=box.subscribed) for one in events)
        ][:WATCHED_MAX]  # fmt: skip

    def _watch(self, connection: Connection, boxes: list[Mailbox]) -> None:
        watched = {box.id for box in boxes}
        if any(group.events and not group.kind.startswith("selected") for group in self.groups):
            watched.add(listing_changes.topic(connection.me.id))  # also because the groups may come to hold others
        self.watched = frozenset(watched)


def status(connection: Connection, box: Mailbox, *, first: bool = False) -> bytes:
    """RFC 5465 §5.1…3; the `first` one has the change number whatever is enabled (§3.1)."""
    more = f" HIGHESTMODSEQ {box.modseq}" if first or connection.condstore else ""
    items = f"MESSAGES {box.exists} UIDNEXT {box.uid_next} UIDVALIDITY {box.uid_validity} UNSEEN {box.unseen}{more}"
    return b"* STATUS %b (%b)\r\n" % (connection.name(box.name), items.encode())


def _state(box: Mailbox) -> tuple[int, ...]:
    return (box.exists, box.uid_next, box.unseen, box.modseq)
