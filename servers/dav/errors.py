"""Every refusal of the storage as a status and a precondition element, in one table (SPEC 0.4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from servers.dav import escape
from servers.dav.names import CALDAV, DAV, DECLARATIONS, ESCRITOIRE, element
from servers.http.errors import HttpError
from storage import errors as storage
from storage.types import Right

XML: Final = 'application/xml; charset="utf-8"'
_HEAD: Final = f'<?xml version="1.0" encoding="utf-8"?>\n<D:error{DECLARATIONS}>'

PRIVILEGES: Final[Mapping[Right, str]] = {
    Right.SEE_BUSY: f"{CALDAV}read-free-busy",
    Right.SEE_FOLDER: f"{DAV}read",
    Right.SEE: f"{DAV}read",
    Right.EDIT: f"{DAV}write-content",
    Right.ADD: f"{DAV}bind",
    Right.DELETE: f"{DAV}unbind",
    Right.CANCEL: f"{DAV}write-content",
    Right.ADMINISTER: f"{DAV}write-properties",
    Right.DELIVER: f"{CALDAV}schedule-deliver",
    Right.SEND_INVITE: f"{CALDAV}schedule-send-invite",  # RFC 6638 §6.2
    Right.SEND_REPLY: f"{CALDAV}schedule-send-reply",
}
"""Table 3.4: what a missing right is called in DAV:need-privileges."""


def refuse(
    status: int,
    name: str,
    content: str = "",
    *,
    reason: str = "",
    headers: tuple[tuple[str, str], ...] = (),
) -> HttpError:
    """A refusal with a DAV:error body holding one precondition element (RFC 4918 §16).

    `content` is XML already; `reason` is added as a readable element of our own.
    """
    inner = element(name, content)
    if reason:
        inner += element(f"{ESCRITOIRE}reason", escape.text(reason))
    body = f"{_HEAD}{inner}</D:error>".encode()
    return HttpError(status, reason, headers=headers, body=body, content_type=XML)


Namer: TypeAlias = Callable[[str], str]
"""From a path as the storage names it (`alice/private/events`) to a URL path, percent-encoded."""


def _below_dav(path: str) -> str:
    return escape.path("dav", *[name for name in path.split("/") if name])


def _need_privileges(error: storage.StorageError, href: Namer) -> str:
    assert isinstance(error, storage.Denied)
    wanted = next((PRIVILEGES[right] for right in error.missing if right in PRIVILEGES), f"{DAV}all")
    privilege = f"<D:privilege>{element(wanted)}</D:privilege>"
    return f"<D:resource><D:href>{href(error.on)}</D:href>{privilege}</D:resource>"  # RFC 3744 §7.1.1


def _locked(error: storage.StorageError, href: Namer) -> str:
    assert isinstance(error, storage.Locked)
    return f"<D:href>{href(error.root)}</D:href>"


def _gate(error: storage.StorageError, href: Namer) -> str:
    assert isinstance(error, storage.GateClosed)
    return escape.text(error.gate)


def _limit(error: storage.StorageError, href: Namer) -> str:
    assert isinstance(error, storage.LimitReached)
    return escape.text(error.limit)


def _uid(error: storage.StorageError, href: Namer) -> str:
    assert isinstance(error, storage.UidConflict)
    return f"<D:href>{escape.segment(error.name)}</D:href>" if error.name else ""


def _in_the_way(error: storage.StorageError, href: Namer) -> str:
    assert isinstance(error, storage.Refused)
    return f"<D:href>{href(error.on)}</D:href>" if error.on else ""  # RFC 6638 §3.2.4.1


def _nothing(error: storage.StorageError, href: Namer) -> str:
    return ""


TABLE: Final[Mapping[type[storage.StorageError], tuple[int, str, Callable[[storage.StorageError, Namer], str]]]] = {
    storage.NotFound: (404, "", _nothing),  # no element: nothing leaks (SYS-09)
    storage.Denied: (403, f"{DAV}need-privileges", _need_privileges),
    storage.Fixed: (403, f"{ESCRITOIRE}fixed", _nothing),
    storage.GateClosed: (403, f"{ESCRITOIRE}gate-closed", _gate),
    storage.LimitReached: (403, f"{ESCRITOIRE}limit-reached", _limit),
    storage.OverQuota: (507, f"{DAV}quota-not-exceeded", _nothing),  # RFC 4331 §6
    storage.TooLarge: (413, f"{ESCRITOIRE}max-resource-size", _nothing),
    storage.Stale: (412, "", _nothing),
    storage.Exists: (412, "", _nothing),  # Overwrite: F (RFC 4918 §9.8.5); MKCOL says 405 itself
    storage.Conflict: (409, "", _nothing),
    storage.UidConflict: (409, f"{ESCRITOIRE}no-uid-conflict", _uid),
    storage.Locked: (423, f"{DAV}lock-token-submitted", _locked),  # RFC 4918 §16
    storage.LockConflict: (423, f"{DAV}no-conflicting-lock", _locked),  # RFC 4918 §9.10.6
    storage.LockMissing: (409, f"{DAV}lock-token-matches-request-uri", _nothing),
    storage.LogTruncated: (403, f"{DAV}valid-sync-token", _nothing),  # RFC 6578 §3.2
    storage.BadFormat: (403, f"{ESCRITOIRE}valid-data", _nothing),
    storage.BadObject: (403, f"{ESCRITOIRE}valid-object", _nothing),
    storage.UnsupportedComponent: (403, f"{ESCRITOIRE}supported-component", _nothing),
    storage.UnsupportedMedia: (415, f"{ESCRITOIRE}supported-data", _nothing),
    storage.TooManyInstances: (403, f"{ESCRITOIRE}max-instances", _nothing),
    storage.TooManyAttendees: (403, f"{ESCRITOIRE}max-attendees", _nothing),
    storage.OutOfRange: (403, f"{ESCRITOIRE}date-out-of-range", _nothing),
    storage.Refused: (403, f"{ESCRITOIRE}refused", _in_the_way),
    storage.Linked: (403, f"{ESCRITOIRE}document-linked", _nothing),
    storage.Busy: (503, "", _nothing),
    storage.NoRoom: (507, "", _nothing),  # RFC 4918 §11.5
}
"""Status, precondition element ("" = none), what stands in it. A protocol names its own elements."""


def _row(kind: type[storage.StorageError]) -> type[storage.StorageError]:
    """The refusal of the table that this one is, or is a special case of."""
    return next(one for one in kind.__mro__ if one in TABLE)


def translate(
    error: storage.StorageError,
    names: Mapping[type[storage.StorageError], str],
    collection_href: str = "",
    href: Namer = _below_dav,
) -> HttpError:
    """The answer to a refusal; `names` are the protocol's own precondition elements, `href` writes its URLs."""
    kind = _row(type(error))
    status, name, content = TABLE[kind]
    own = names.get(type(error)) or names.get(kind)
    if own is not None:
        name = own
        # RFC 4791 §1.3, RFC 6352 §6.3.2.1: a failed precondition is 403, or 409 where the client can mend it.
        status = 409 if isinstance(error, storage.UidConflict) else 403
    headers = (("Retry-After", "1"),) if status == 503 else ()
    if not name:
        return HttpError(status, "" if status == 404 else str(error), headers=headers)
    inner = content(error, href)
    if isinstance(error, storage.UidConflict) and collection_href and error.name:
        inner = f"<D:href>{collection_href}{escape.segment(error.name)}</D:href>"
    return refuse(status, name, inner, reason=str(error), headers=headers)
