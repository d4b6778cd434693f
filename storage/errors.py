"""Every refusal of the storage library, in its own words; protocols map them in one table each."""

from __future__ import annotations

from storage.types import Right


class StorageError(Exception):
    """A refusal that a protocol must translate; its text is safe to show."""


class NotFound(StorageError):
    """There is no such thing, or the actor may not know of it (SYS-09)."""


class Denied(StorageError):
    """The actor sees it but holds no right to do this.

    `missing` is what would be needed, `on` names the collection or item (path without prefix); `is_bare` tells that
    no other reason was given.
    """

    def __init__(self, missing: Right, on: str = "", reason: str = "") -> None:
        super().__init__(reason or f"needs the right {missing.name or missing}")
        self.is_bare = not reason
        self.missing = missing
        self.on = on


class Fixed(StorageError):
    """A right that nobody can grant or withdraw (ACL-11), or a thing that cannot be changed."""


class GateClosed(StorageError):
    """The account's plan does not open the feature `gate` (ACC-11)."""

    def __init__(self, gate: str) -> None:
        super().__init__(f"this account's plan does not include {gate}")
        self.gate = gate


class LimitReached(StorageError):
    """A count or depth limit of the plan or of the site (ACC-12); `limit` is its name."""

    def __init__(self, limit: str, maximum: int) -> None:
        super().__init__(f"limit {limit} reached ({maximum})")
        self.limit = limit
        self.maximum = maximum


class OverQuota(StorageError):
    """Storing it would exceed the environment's capacity (GRP-16, RFC 4331)."""


class TooLarge(StorageError):
    """One object is larger than the site accepts; `maximum` in octets."""

    def __init__(self, maximum: int) -> None:
        super().__init__(f"larger than {maximum} octets")
        self.maximum = maximum


class Stale(StorageError):
    """A precondition does not hold: the item changed meanwhile (SYS-06)."""


class Exists(StorageError):
    """Something of that name is already there."""


class Conflict(StorageError):
    """The parent is missing, or the operation contradicts the present state (RFC 4918 §9.7.1)."""


class UidConflict(StorageError):
    """Another item of the collection holds the same UID; `name` is that item (RFC 4791 §5.3.2.1)."""

    def __init__(self, name: str) -> None:
        super().__init__("this UID belongs to another item of the collection")
        self.name = name


class Locked(StorageError):
    """Somebody's lock forbids it and its token was not shown; `root` is the locked path."""

    def __init__(self, root: str) -> None:
        super().__init__("locked")
        self.root = root


class LockConflict(Locked):
    """A new lock cannot stand beside the one at `root` (RFC 4918 §9.10.5)."""


class LockMissing(StorageError):
    """No such lock, or not on this resource, or somebody else's."""


class LogTruncated(StorageError):
    """The number lies below the log's floor, or was never given out: synchronise anew (SYS-07)."""


class BadFormat(StorageError):
    """The body is not a well-formed object of its media type; `line` counts from 1, 0 if unknown."""

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(f"line {line}: {reason}" if line else reason)
        self.reason = reason
        self.line = line


class BadObject(StorageError):
    """Well-formed, but not one storable object: two UIDs, a METHOD, mixed components (RFC 4791 §4.1)."""


class UnsupportedComponent(StorageError):
    """The collection does not take this component (RFC 4791 §5.2.3)."""

    def __init__(self, component: str) -> None:
        super().__init__(f"this collection takes no {component}")


class UnsupportedMedia(StorageError):
    """Not a media type that this collection stores."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what[:80] or 'this'} cannot be stored here")


class TooManyInstances(StorageError):
    """A recurrence with more instances than the site accepts (RFC 4791 §5.2.8); `maximum`."""

    def __init__(self, maximum: int) -> None:
        super().__init__(f"more than {maximum} instances")
        self.maximum = maximum


class TooManyAttendees(StorageError):
    """More attendees than the site accepts in one instance (RFC 4791 §5.2.9)."""

    def __init__(self, maximum: int) -> None:
        super().__init__(f"more than {maximum} attendees")
        self.maximum = maximum


class OutOfRange(StorageError):
    """A date before (`early`) or after what the site stores (RFC 4791 §5.2.6, §5.2.7)."""

    def __init__(self, reason: str, *, early: bool = False) -> None:
        super().__init__(reason)
        self.early = early


class Refused(StorageError):
    """A rule of the office forbids it; the text says which and what to do instead.

    `on` is the path of what stands in the way, "" where that is nothing the actor may be told of.
    """

    def __init__(self, text: str = "", on: str = "") -> None:
        super().__init__(text)
        self.on = on


class Linked(StorageError):
    """Documents attached to contacts cannot be deleted (DOC-61); `paths` are theirs, below their root.

    `root` is that root in full: `alice/private/docs`. The actor may not know of all that they name.
    """

    def __init__(self, paths: tuple[str, ...], root: str = "") -> None:
        super().__init__("attached to a contact: detach it there first")
        self.paths = paths
        self.root = root


class Busy(StorageError):
    """Too many others are writing at this moment; the same request may be sent again."""


class NoRoom(Busy):
    """The machine's disk is full, which is nobody's quota; the same request may be sent again when there is room."""

    def __init__(self) -> None:
        super().__init__("the disk is full")
