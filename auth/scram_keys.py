"""What SCRAM-SHA-256 keeps of a password: keys from which nobody can log in (RFC 5802 §3, RFC 7677)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from typing import Final, NamedTuple

ITERATIONS: Final = 15_000
"""RFC 7677 §4: at least 4096; the client does them at every login."""
_SALT_OCTETS: Final = 16


class Keys(NamedTuple):
    """Of one password."""

    salt: bytes
    iterations: int
    stored: bytes
    server: bytes


def make(password: str) -> str:
    """The keys of a prepared password, in the form of RFC 5803: `SCRAM-SHA-256$iterations:salt$stored:server`."""
    salt = secrets.token_bytes(_SALT_OCTETS)
    keys = derive(password, salt, ITERATIONS)
    salted, stored, server = (base64.b64encode(part).decode() for part in (salt, keys.stored, keys.server))
    return f"SCRAM-SHA-256${ITERATIONS}:{salted}${stored}:{server}"


def derive(password: str, salt: bytes, iterations: int) -> Keys:
    """RFC 5802 §3."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    client = hmac.digest(salted, b"Client Key", "sha256")
    return Keys(salt, iterations, hashlib.sha256(client).digest(), hmac.digest(salted, b"Server Key", "sha256"))


def read(text: str) -> Keys | None:
    """What `make` made; None for anything else."""
    try:
        name, first, second = text.split("$")
        iterations, _, salt = first.partition(":")
        stored, _, server = second.partition(":")
        if name != "SCRAM-SHA-256":
            return None
        return Keys(*(base64.b64decode(salt), int(iterations), base64.b64decode(stored), base64.b64decode(server)))
    except (ValueError, binascii.Error):
        return None
