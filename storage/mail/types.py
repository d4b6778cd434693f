"""Values of mail that every server shares."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from storage.types import CollectionId

SEPARATOR: Final = "/"
INBOX: Final = "INBOX"
MESSAGE_OCTETS: Final = 52_428_800
"""No message is larger, whatever the plan (MSG-62)."""


class Use(Enum):
    """The system folders (MSG-36) and what they are for; the value is their SPECIAL-USE attribute (RFC 6154 §2)."""

    ALL = "\\All"
    ARCHIVE = "\\Archive"
    DRAFTS = "\\Drafts"
    FLAGGED = "\\Flagged"
    JUNK = "\\Junk"
    SENT = "\\Sent"
    TRASH = "\\Trash"


class Kept(NamedTuple):
    """A mailbox that every account has (MSG-36)."""

    name: str
    use: str


SENT: Final = "Sent Items"
TRASH: Final = "Trash"
DRAFTS: Final = "Drafts"
TEMPLATES: Final = "Templates"
SPAM: Final = "Spam?"

SYSTEM: Final = (
    Kept(INBOX, ""),
    Kept(SENT, "\\Sent"),
    Kept(TRASH, "\\Trash"),
    Kept(DRAFTS, "\\Drafts"),
    Kept(TEMPLATES, ""),
    Kept(SPAM, "\\Junk"),
)
CHILDLESS: Final = frozenset({INBOX, SENT, SPAM})
"""System folders that take no subfolders (MSG-38)."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One mailbox of the actor, with its counters."""

    id: CollectionId
    name: str
    """Full name in NFC, its parts separated by `SEPARATOR`."""
    use: str
    """SPECIAL-USE attribute, or "" (RFC 6154)."""
    system: bool
    uid_validity: int
    uid_next: int
    exists: int
    unseen: int
    deleted: int
    octets: int
    modseq: int
    """HIGHESTMODSEQ (RFC 7162 §3.1.2.1)."""
    subscribed: bool
    has_children: bool
    keywords: str
    """Keywords that were ever set here, blank-separated."""

    @property
    def object_id(self) -> str:
        """MAILBOXID (RFC 8474 §4)."""
        return f"M{self.id}"


class State(NamedTuple):
    """What changes of a message in a mailbox, and what leads to the rest."""

    uid: int
    modseq: int
    flags: str
    """Canonical: system flags, then keywords, blank-separated (storage/mail/flags.py)."""
    octets: int
    internal: int
    """INTERNALDATE, seconds since the epoch."""
    saved: int
    content: int
    """Key of its `Content`."""


class Content(NamedTuple):
    """What never changes of a message, computed when it came."""

    id: int
    envelope: bytes
    body: bytes
    """BODY without extension data, finished."""
    header_octets: int
    octets: int
    hash: str
    thread: int
    preview: str

    @property
    def email_id(self) -> str:
        """EMAILID (RFC 8474 §5.1): the same for the same octets."""
        return f"E{self.hash[:32]}"

    @property
    def thread_id(self) -> str:
        """THREADID (RFC 8474 §5.2)."""
        return f"T{self.thread}"


class Snapshot(NamedTuple):
    """A whole mailbox at one moment, by uid."""

    mailbox: Mailbox
    modseq: int
    states: list[State]


class Changes(NamedTuple):
    """What happened in a mailbox since a number."""

    modseq: int
    states: list[State]
    """New and changed ones, by uid."""
    vanished: list[int]
    """Uids that went, ascending."""
    complete: bool
    """False: the log does not reach back so far; take a snapshot."""


class Appended(NamedTuple):
    """Where a message lies now (APPENDUID, RFC 4315)."""

    uid: int
    uid_validity: int
    modseq: int


class Known(NamedTuple):
    """Messages as they were at a change number of their mailbox; nothing of them is read again while it stands."""

    modseq: int
    states: Sequence[State]
    """By uid."""


class KnownSpan(NamedTuple):
    """Messages that follow one another in a mailbox, as they were at a change number of it; at least one."""

    modseq: int
    uids: Sequence[int]
    amounts: Mapping[str, int]
    """How many of them have which flags."""
    flags: Callable[[], Sequence[str]]
    """Those of each message."""


class Restated(NamedTuple):
    """What became of the flags of such messages."""

    modseq: int
    fresh: Mapping[str, str]
    """From flags that there were to those that there are now; others stayed as they were."""


class Flagged(NamedTuple):
    """What became of a change of flags."""

    before: int
    """The mailbox's number before it."""
    modseq: int
    states: Sequence[State]
    """Those asked for that exist, as they are now."""
    failed: list[int]
    """Uids that changed after UNCHANGEDSINCE (RFC 7162 §3.1.3)."""
