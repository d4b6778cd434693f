"""Passwords: argon2id hashes, in a form that every keyboard and client spells alike (RFC 8265)."""

from __future__ import annotations

import unicodedata
from typing import Any, Final

from passlib.hash import argon2

from auth import scram_keys
from auth.errors import BadPassword

TIME_COST: Final = 2
MEMORY_KIB: Final = 19_456
PARALLELISM: Final = 1
"""RFC 9106 §4 leaves the choice to the site; these are OWASP's, and keep a process small."""

PASSWORD_OCTETS_MAX: Final = 1024

DUMMY_HASH: Final = "$argon2id$v=19$m=19456,t=2,p=1$NUao1TqnNIYQwvif0/rfOw$iF5VFxg12eB9F4fsw8LcJxWBlZcq4o3J29X9SqiRZEs"
"""Verified against when there is no such login, so that the answer takes as long."""

_hasher: Final[Any] = argon2.using(type="ID", time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=PARALLELISM)


def prepare(password: str) -> str:
    """The form that is hashed: NFC, every kind of space as a space (RFC 8265 §4.2.1 OpaqueString)."""
    spaced = "".join(" " if unicodedata.category(letter) == "Zs" else letter for letter in password)
    return unicodedata.normalize("NFC", spaced)


def make_hash(password: str) -> str:
    """The hash of a new password, for `storage.accounts`.

    Raises:
        BadPassword: empty, over 1,024 octets, or with control characters (RFC 8265 §4.2.2).
    """
    text = prepare(password)
    if not text:
        raise BadPassword("a password cannot be empty")
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in text):
        raise BadPassword("a password holds no control characters")
    if len(text.encode()) > PASSWORD_OCTETS_MAX:
        raise BadPassword(f"a password has at most {PASSWORD_OCTETS_MAX} octets")
    return f"{_hasher.hash(text)} {scram_keys.make(text)}"


def matches(password: str, password_hash: str) -> bool:
    """Whether `password` is the one behind the hash; False for a hash that is none."""
    if not password:
        return False
    text = prepare(password).encode(errors="surrogatepass")
    if len(text) > PASSWORD_OCTETS_MAX or b"\0" in text:
        return False
    try:
        return bool(_hasher.verify(text, password_hash.partition(" ")[0]))
    except (ValueError, TypeError):
        return False


def needs_renewal(password_hash: str) -> bool:
    """Whether a hash was made under other parameters than today's, or knows no SCRAM."""
    hashed, _, keys = password_hash.partition(" ")
    return not keys or bool(_hasher.needs_update(hashed))
