"""What a class of items is, for classes whose items are objects of iCalendar or vCard."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import tzinfo

from servers.activesync.options import Options
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.tokens import Token
from storage.types import Tool


class Unconvertible(Exception):
    """What a device sent cannot become an item (Status 6)."""


@dataclass(frozen=True, slots=True)
class Context:
    """What showing and changing an item depends on beside the item."""

    options: Options
    version: int
    zone: tzinfo
    """The account's own."""
    now: float
    """Seconds since the epoch."""
    own: Collection[str] = ()
    """The account's addresses, lower case, the main one first."""
    managed: frozenset[str] | None = None
    """Elements that the device said it manages (Supported), as `repr` of their tags; None: it said nothing."""
    identified: str = ""
    """ServerId of the item that is shown; its attachments are referred to by it."""

    def clears(self, tag: Token) -> bool:
        """Whether an element that a change leaves out is thereby removed ([MS-ASCMD] §2.2.3.179)."""
        return self.managed is None or repr(tag) in self.managed


@dataclass(frozen=True, slots=True)
class ItemClass:
    """One class: where its items are, and how they are shown and changed."""

    name: str
    """On the wire ([MS-ASCMD] §2.2.3.27)."""
    tool: Tool
    kinds: tuple[int, int]
    """FolderHierarchy:Type of the account's own folder, and of any other ([MS-ASCMD] §2.2.3.186.3)."""
    suffix: str
    """Of an item's name in the store."""
    show: Callable[[bytes, Context], list[Element]]
    """The children of ApplicationData of a stored object; none of one that devices are not shown."""
    merge: Callable[[Element, bytes | None, str, Context], bytes]
    """The object after an Add (no object before it) or a Change of a device; its UID is given.

    Raises:
        Unconvertible: as named.
    """
    uid: Callable[[Element], str]
    """The UID that a device gives an item of its own; "" if it leaves that to us."""
    media_type: str
    windowed: bool = False
    """FilterType leaves out what is long over."""
    merge_one: Callable[[Element | None, bytes, str, Context], bytes] | None = None
    """The object after a change, or without data the removal, of one instance, by the time at which the series has it.

    Raises:
        Unconvertible: as named.
    """
    added: Callable[[Element, bytes, bytes | None, Context], list[Element]] | None = None
    """What is answered for attachments that a device just added: data, the object after and before the change."""
    file: Callable[[bytes, str], tuple[bytes, str] | None] | None = None
    """Octets and media type of an attachment, by what its reference says after the ServerId."""
    finishes: bool = False
    """Whether items can be done, and a device may leave those out (FilterType 8)."""
    goes_on: Callable[[bytes, bytes], bool] | None = None
    """Whether a device is to be told what became of its own change: the object before and after it."""
    follows: Callable[[bytes, bytes, str, Context], tuple[bytes, bytes] | None] | None = None
    """What a change makes follow: the object before and after it and a UID; the object and the further one then."""
    since: int = 0
    """Protocol version, times ten, from which on there is such a class."""


def no_uid(data: Element) -> str:
    """Of classes whose items get their UID here."""
    return ""
