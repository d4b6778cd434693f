"""The domain of an address as the DNS and the queue know it: lower case, in A-labels (RFC 5891)."""

from __future__ import annotations

from functools import lru_cache

import idna


@lru_cache(4096)
def a_labels(domain: str) -> str:
    """`domain` in A-labels; what is no domain comes back in lower case, for the deliverer to return.

    An address literal "[192.0.2.1]" stays as it is.
    """
    plain = domain.strip().rstrip(".").lower()
    if plain.isascii():
        return plain
    try:
        return idna.encode(plain, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return plain


def of(address: str) -> str:
    """The domain of an address, as above; "" if it has none."""
    return a_labels(address.rpartition("@")[2]) if "@" in address else ""


def plain(address: str) -> str:
    """The address with its domain in A-labels: what needs no SMTPUTF8 if the local part is ASCII (RFC 6531 §3.2)."""
    if address.isascii():
        return address
    local, _, domain = address.rpartition("@")
    return f"{local}@{a_labels(domain)}"
