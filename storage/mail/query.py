"""What is sought in a mailbox, as a tree of values; servers make it of their own grammar (RFC 9051 §6.4.4).

Times are seconds since the epoch, half-open: `since <= time < before`; None is without limit. Texts are
sought as substrings without regard to case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Field = Literal["from", "to", "cc", "bcc"]


@dataclass(frozen=True, slots=True)
class All:
    """Every message."""


@dataclass(frozen=True, slots=True)
class And:
    """All of them hold."""

    terms: tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One of them holds."""

    terms: tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """It does not hold."""

    term: Query


@dataclass(frozen=True, slots=True)
class Uids:
    """The uid lies in one of these spans, ends included."""

    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Flag:
    """Has the flag, or has it not."""

    name: str
    set: bool = True


@dataclass(frozen=True, slots=True)
class Internal:
    """By INTERNALDATE."""

    since: int | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """By SAVEDATE (RFC 8514)."""

    since: int | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """By the day in the Date field, both bounds at midnight; a message without one is found by neither."""

    since: int | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Larger:
    """More octets than that."""

    octets: int


@dataclass(frozen=True, slots=True)
class Smaller:
    """Fewer octets than that."""

    octets: int


@dataclass(frozen=True, slots=True)
class ModSeq:
    """Changed with this number or later (RFC 7162 §3.1.5)."""

    number: int


@dataclass(frozen=True, slots=True)
class Address:
    """The text stands in an address field, decoded; "" asks whether there is one."""

    field: Field
    text: str


@dataclass(frozen=True, slots=True)
class Subject:
    """The text stands in the decoded subject; "" asks whether there is one."""

    text: str


@dataclass(frozen=True, slots=True)
class Header:
    """The text stands in that header field; "" asks whether there is one."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Body:
    """The text stands in the decoded text parts."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """The text stands in the header, in those of the parts or in the text parts."""

    text: str


@dataclass(frozen=True, slots=True)
class Attachments:
    """Has some, or has none."""

    some: bool = True


@dataclass(frozen=True, slots=True)
class EmailId:
    """By EMAILID (RFC 8474)."""

    number: str


@dataclass(frozen=True, slots=True)
class ThreadId:
    """By THREADID (RFC 8474)."""

    number: str


@dataclass(frozen=True, slots=True)
class Fuzzy:
    """The same, found more freely: all words, in any order (RFC 6203)."""

    term: Query


Query = (
    All | And | Or | Not | Uids | Flag | Internal | Saved | Sent | Larger | Smaller | ModSeq | Address | Subject
    | Header | Body | Text | Attachments | EmailId | ThreadId | Fuzzy
)  # fmt: skip
