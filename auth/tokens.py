"""App passwords: one for each device, for some protocols or all, revoked one by one (SYS-04).

A secret of 100 random bits needs no slow hash: nobody guesses it, with or without the table.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from typing import Final

from auth.errors import BadPassword
from storage import credentials
from storage.credentials import AppPassword
from storage.store import Transaction
from storage.types import Principal

PROTOCOLS: Final = (
    "caldav",
    "carddav",
    "webdav",
    "activesync",
    "feeds",
    "portal",
    "imap",
    "pop3",
    "submission",
    "managesieve",
    "nntp",
    "chat",
)
"""What an app password can be limited to; implicit TLS is no protocol of its own."""

_ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"
_LETTERS: Final = 20
_GROUP: Final = 4
_SECRET: Final = re.compile(rf"[{_ALPHABET}]{{{_LETTERS}}}\Z")


def make(tx: Transaction, account: Principal, name: str, protocols: Iterable[str] = ()) -> tuple[AppPassword, str]:
    """Make an app password, and return it with its secret, which cannot be shown again.

    Raises:
        BadPassword: no name, or a protocol that is none.
        Denied, NotFound: it is somebody else's account.
        LimitReached: the account has too many.
    """
    label = name.strip()
    if not label or len(label) > 100 or not label.isprintable():
        raise BadPassword("name the device in 1 to 100 printable characters")
    wanted = tuple(dict.fromkeys(protocols))
    if unknown := set(wanted) - set(PROTOCOLS):
        raise BadPassword(f"there is no protocol {min(unknown)}; there are: {', '.join(PROTOCOLS)}")
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(_LETTERS))
    made = credentials.add_app_password(tx, account, label, _hash(letters), wanted)
    return made, "-".join(letters[start : start + _GROUP] for start in range(0, _LETTERS, _GROUP))


def listing(tx: Transaction, account: Principal) -> list[AppPassword]:
    """All app passwords of an account, oldest first.

    Raises:
        Denied, NotFound: it is somebody else's account.
    """
    return credentials.app_password_listing(tx, account)


def revoke(tx: Transaction, account: Principal, number: int) -> None:
    """Make an app password useless, from the commit on, in every process.

    Raises:
        Denied, NotFound: it is somebody else's account, or there is no such password.
    """
    credentials.revoke_app_password(tx, account, number)


def secret_hash(password: str) -> str:
    """What to look for in the store, "" if `password` cannot be an app password; dashes and spaces are free."""
    if len(password) > 2 * _LETTERS:
        return ""
    letters = re.sub(r"[\s-]", "", password).lower()
    return _hash(letters) if _SECRET.match(letters) else ""


def _hash(letters: str) -> str:
    return hashlib.sha256(b"escritoire app password " + letters.encode()).hexdigest()
