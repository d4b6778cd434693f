"""Values that every part of the storage library and every server shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, Flag, IntEnum, auto
from typing import Final, NamedTuple, NewType

PrincipalId = NewType("PrincipalId", int)
CollectionId = NewType("CollectionId", int)
ItemId = NewType("ItemId", int)
GrantId = NewType("GrantId", int)
ModSeq = NewType("ModSeq", int)


class Tool(Enum):
    """What a collection is for; the value is what the database and the command line say."""

    CALENDAR = "calendar"
    SUBSCRIPTION = "subscription"
    OVERLAY = "overlay"
    TASKS = "tasks"
    TASKS_GIVEN = "tasks-given"
    CALLS = "calls"
    CALLS_SENT = "calls-sent"
    NOTES = "notes"
    SCHEDULE_INBOX = "schedule-inbox"
    SCHEDULE_OUTBOX = "schedule-outbox"
    CONTACTS = "contacts"
    CONTACT_LISTS = "contact-lists"
    DOCUMENTS = "documents"
    FAVOURITES = "favourites"
    WIKI = "wiki"
    DROP_BOX = "drop-box"
    MESSAGES = "messages"
    INFOS = "infos"
    FORUM = "forum"
    CHAT = "chat"


CALENDAR_TOOLS: Final = frozenset(
    {
        *(Tool.CALENDAR, Tool.SUBSCRIPTION, Tool.OVERLAY),
        *(Tool.TASKS, Tool.TASKS_GIVEN, Tool.CALLS, Tool.CALLS_SENT, Tool.NOTES),
    }
)
"""Tools whose items are iCalendar objects."""

SCHEDULE_TOOLS: Final = frozenset({Tool.SCHEDULE_INBOX, Tool.SCHEDULE_OUTBOX})
"""Where messages of meetings come and go (RFC 6638 §2.1, §2.2)."""


FOLDER_TOOLS: Final = frozenset({Tool.DOCUMENTS, Tool.WIKI, Tool.DROP_BOX, Tool.FAVOURITES, Tool.INFOS})
"""Tools whose collections are folders of a tree (storage/folders.py), not homes' members."""


class SpaceKind(Enum):
    """Whose environment: a user's private one, or a group's common one."""

    PRIVATE = "private"
    GROUP = "group"


class Right(Flag):
    """The suite's rights (SPEC section 3); tables 3.2 and 3.3 give their holders."""

    NONE = 0
    SEE_BUSY = auto()
    """Know when, not what (calendars only)."""
    SEE_FOLDER = auto()
    SEE = auto()
    """See details, see the list, see an item: by tool."""
    EDIT = auto()
    ADD = auto()
    DELETE = auto()
    CANCEL = auto()
    """Set a given task to Cancelled (TASK-12)."""
    ADMINISTER = auto()
    """Set rights and collection-wide properties (ACL-07)."""
    DELIVER = auto()
    """Have invitations and answers delivered to an inbox (RFC 6638 §6.1.2, §6.1.3)."""
    SEND_INVITE = auto()
    """Send to attendees in the name of an outbox's owner (RFC 6638 §6.2.2)."""
    SEND_REPLY = auto()
    """Answer organizers in his name (RFC 6638 §6.2.3)."""


ALL_RIGHTS: Final = (
    Right.SEE_BUSY | Right.SEE_FOLDER | Right.SEE | Right.EDIT | Right.ADD | Right.DELETE | Right.ADMINISTER
)


class Relation(Enum):
    """What the actor is to the owner of a space."""

    OWNER = "owner"
    ADMIN = "admin"
    CO_ADMIN = "co-admin"
    MEMBER = "member"
    CO_MEMBER = "co-member"
    STRANGER = "stranger"
    SITE = "site"


class View(IntEnum):
    """How much of an item the actor is shown; the storage hands out bodies accordingly."""

    HIDDEN = 0
    EXISTENCE = 1
    """Name, size, creator and date only (ACL-06)."""
    BUSY = 2
    """Times without details (CAL-07)."""
    FULL = 3


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: an account, or the site administrator (`id` 0)."""

    id: PrincipalId
    login: str
    version: int = field(default=0, compare=False)
    """The account's credential version when he logged in; what `auth.leave` compares."""


SITE: Final = Actor(PrincipalId(0), "")
"""The site administrator at the command line: judged by the same rules, refused nothing (ACC-20)."""

PUBLIC: Final = Actor(PrincipalId(-1), "")
"""The visitor who did not say who he is: he reads what was made public, and nothing else (ACL-25)."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A user or a group, as others see it."""

    id: PrincipalId
    kind: SpaceKind
    name: str
    """Login (lower case) or the group's short name (case as created)."""
    display_name: str
    email: str
    """Main address; for a group `<GROUP>@group` (GRP-24)."""


@dataclass(frozen=True, slots=True)
class Collection:
    """One collection as the actor sees it; his rights are already judged."""

    id: CollectionId
    space: Principal
    tool: Tool
    name: str
    rights: Right
    """Rights that hold for the whole collection; single items may give more (ACL-23)."""
    view: View
    relation: Relation
    display_name: str
    description: str
    color: str
    """`#RRGGBB` or `#RRGGBBAA`, the viewer's own where he set one; "" when nobody did."""
    order: int
    timezone: str
    """A VTIMEZONE text or "" (CALDAV:calendar-timezone)."""
    components: tuple[str, ...]
    """VEVENT, VTODO, VJOURNAL allowed here; () for address books."""
    transparent: bool
    """Does not count as busy (RFC 6638 §9.1)."""
    modseq: ModSeq
    """Highest number this viewer can know of: his token, his ctag (SYS-07, SYS-08)."""
    uid_validity: int
    item_count: int
    created: float
    modified: float

    @property
    def owned(self) -> bool:
        return self.relation is Relation.OWNER


@dataclass(frozen=True, slots=True)
class Item:
    """One item as the actor sees it, with its body if that was asked for."""

    id: ItemId
    collection_id: CollectionId
    name: str
    etag: str
    """Strong validator of this viewer's representation, without the quotes."""
    size: int
    """Octets of this viewer's representation."""
    media_type: str
    component: str
    """VEVENT, VTODO, VJOURNAL, or "" """
    modseq: ModSeq
    creator: PrincipalId
    created: float
    """Seconds since the epoch, as are all times here."""
    modified: float
    schedule_tag: str
    view: View
    rights: Right
    """What the actor may do with this very item."""
    body: bytes | None


class Row(NamedTuple):
    """One line of a listing, as the viewer sees it: the leading fields of `Item`, cheap by the thousand."""

    name: str
    etag: str
    size: int
    media_type: str
    component: str
    modified: float
    created: float
    schedule_tag: int
    modseq: int


class Brief(NamedTuple):
    """Name and validator alone: all that most synchronising clients ask for."""

    name: str
    etag: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What a viewer must be told to come from some number to `modseq` (RFC 6578 §3.2)."""

    items: Sequence[Row] | Sequence[Brief]
    """Present ones, in the order of their numbers."""
    removed: tuple[str, ...]
    """Names that vanished for this viewer."""
    modseq: ModSeq
    """The token's number: that of the last change in this very answer."""
    bound: ModSeq
    """Upper end of an initial synchronisation that was cut, else 0."""
    truncated: bool


class Answers(Enum):
    """What whoever writes a meeting knows of the answers in it."""

    SEEN = "seen"
    """A client has read them."""
    UNSEEN = "unseen"
    """A client has not read those that came since the meeting last changed (RFC 6638 §3.2.10.1)."""
    OURS = "ours"
    """They are not a client's: the suite moves them."""


@dataclass(frozen=True, slots=True)
class Precondition:
    """What must hold of an item before it is written (RFC 9110 §13); ETags without quotes.

    `None` means not asked; `ANY` stands for `*`.
    """

    match: frozenset[str] | None = None
    none_match: frozenset[str] | None = None
    schedule_tag: str | None = None


ANY: Final = frozenset({"*"})
UNCONDITIONAL: Final = Precondition()


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a write."""

    created: bool
    etag: str
    """The new strong ETag for the writer; always valid for a later If-Match."""
    same_octets: bool
    """A GET now gives the very octets that were sent (else no ETag is answered, RFC 4791 §5.3.4)."""
    schedule_tag: str
    modseq: ModSeq
