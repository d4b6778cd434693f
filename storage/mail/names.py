"""Names of mailboxes: what can be one, and where it may lie (MSG-37, MSG-38, RFC 9051 §5.1)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from storage.errors import Fixed, Refused
from storage.mail.types import CHILDLESS, INBOX, SEPARATOR

NAME_OCTETS: Final = 255
"""Of one part, in UTF-8."""
PATH_OCTETS: Final = 1_000
DEPTH_MAX: Final = 20
PREFIX: Final = "mail/"
"""Mailboxes lie below this in the collections' paths."""


class BadName(Refused):
    """No mailbox can have this name."""


@lru_cache(1024)
def clean(name: str) -> str:
    """The name as it is stored: NFC, INBOX in capitals in any case (RFC 9051 §5.1).

    Raises:
        BadName: an empty part, a control character, a wildcard, too long or too deep.
    """
    text = unicodedata.normalize("NFC", name).removesuffix(SEPARATOR)
    parts = text.split(SEPARATOR)
    if parts[0].upper() == INBOX:
        parts[0] = INBOX
    if not all(parts) or len(parts) > DEPTH_MAX:
        raise BadName("a mailbox name has between its slashes 1 to 20 parts, none of them empty")
    for part in parts:
        if len(part.encode("utf-8", "replace")) > NAME_OCTETS or part != part.strip():
            raise BadName("a part of a mailbox name has at most 255 octets, and no blank at its ends")
        if any(unicodedata.category(sign) in {"Cc", "Cs", "Zl", "Zp"} or sign in "*%\ufffe\uffff" for sign in part):
            raise BadName("a mailbox name holds no control characters and no wildcards")
    clean_name = SEPARATOR.join(parts)
    if len(clean_name.encode()) > PATH_OCTETS:
        raise BadName(f"a mailbox name has at most {PATH_OCTETS} octets")
    return clean_name


def parent(name: str) -> str:
    """The mailbox it lies in, or ""."""
    return name.rpartition(SEPARATOR)[0]


def above(name: str) -> Iterator[str]:
    """The mailboxes it lies in, the nearest first."""
    while name := parent(name):
        yield name


def leaf(name: str) -> str:
    """Its own part of the name."""
    return name.rpartition(SEPARATOR)[2]


def check_place(name: str) -> None:
    """Pass if a mailbox may have this place.

    Raises:
        Fixed: below a system folder that takes no subfolders (MSG-38).
    """
    top = name.partition(SEPARATOR)[0]
    if top != name and top in CHILDLESS:
        raise Fixed(f"{top} takes no subfolders")


def path(name: str) -> str:
    """The collection's path."""
    return PREFIX + name
