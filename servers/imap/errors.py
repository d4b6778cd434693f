"""Refusals in IMAP's terms: a status, a response code and a text (RFC 9051 §7.1, RFC 5530)."""

from __future__ import annotations

from auth.errors import AuthError, BadCredentials, Throttled, TlsRequired
from auth.sasl.context import Cancelled, Malformed, NotAllowed
from storage.errors import Busy, Exists, Fixed, LimitReached, NoRoom, NotFound, OverQuota, StorageError, TooLarge


class No(Exception):
    """The command fails; `code` is a response code without brackets, or ""; `before` is told first, untagged."""

    def __init__(self, text: str, code: str = "", before: bytes = b"") -> None:
        super().__init__(text)
        self.code = code
        self.before = before


class Bad(Exception):
    """It is no command that could be carried out: a mistake of the client."""


_CODES: tuple[tuple[type[StorageError], str], ...] = (
    (NotFound, "NONEXISTENT"),
    (Exists, "ALREADYEXISTS"),
    (OverQuota, "OVERQUOTA"),
    (TooLarge, "TOOBIG"),
    (LimitReached, "LIMIT"),
    (Fixed, "CANNOT"),
    (Busy, "UNAVAILABLE"),
)


def of_storage(error: StorageError) -> No:
    """What the store refused; what has no code of its own cannot be done (RFC 5530 §3)."""
    code = next((code for kind, code in _CODES if isinstance(error, kind)), "CANNOT")
    text = str(error)
    if isinstance(error, NotFound):
        text = "there is no such mailbox"
    elif isinstance(error, Exists):
        text = "there is such a mailbox already"
    elif isinstance(error, Busy) and not isinstance(error, NoRoom):
        text = "too many are writing at this moment: try again"
    return No(text, code)


def of_auth(error: AuthError) -> No | Bad:
    """Why somebody may not log in."""
    if isinstance(error, Malformed | Cancelled):
        return Bad(str(error))
    if isinstance(error, BadCredentials):
        return No(str(error), "AUTHENTICATIONFAILED")
    if isinstance(error, TlsRequired):
        return No(str(error), "PRIVACYREQUIRED")
    if isinstance(error, NotAllowed):
        return No(str(error), "CONTACTADMIN")  # SPEC 0.4
    if isinstance(error, Throttled):
        return No(str(error), "UNAVAILABLE")
    return No(str(error), "UNAVAILABLE")
