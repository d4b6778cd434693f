"""DKIM: the desk signs what is written in it, when it leaves (RFC 6376; RFC 8301: RSA of 2048 bits, SHA-256)."""

from __future__ import annotations

import base64
import logging
import os
import secrets
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from servers.outbound.wire import Letter
from storage.formats import addresses
from storage.outbound import domains

log = logging.getLogger(__name__)

BITS: Final = 2048


class Signer:
    """One key under one selector, for all domains of the desk."""

    def __init__(self, selector: str, key: bytes, names: Collection[str]) -> None:
        self._selector: Final = selector
        self._key: Final = key
        self._domains: Final = frozenset(names)

    def sign(self, letter: Letter) -> Letter:
        """Put a signature on top, if the author's domain is one of ours; else the letter as it is."""
        domain = author_domain(letter)
        if domain not in self._domains:
            return letter
        import dkim

        library: Any = dkim
        try:
            # The library splits what it is given into lines and joins them again, which takes many times a large
            # body's size; of the body it needs the hash alone (docs/decisions/0162).
            signing = library.DKIM(letter.header + b"\r\n")
            signing.body = letter.data[len(letter.header) + 2 :]
            field: bytes = signing.sign(
                self._selector.encode(), domain.encode(), self._key, canonicalize=(b"relaxed", b"simple")
            )
        except Exception as error:  # a header that is none, in the library's many words: it goes as it is
            log.warning("not signed", extra={"reason": type(error).__name__})
            return letter
        return Letter(field + letter.data, field + letter.header)


def author_domain(letter: Letter) -> str:
    """The domain of the author, in A-labels; "" if there is not exactly one address to be seen."""
    fields = letter.fields("From")
    authors = addresses.parse_addresses(fields[0]) if len(fields) == 1 else []
    return domains.a_labels(authors[0].host) if len(authors) == 1 else ""


def path(directory: Path, selector: str) -> Path:
    """Where the private key is, PEM."""
    return directory / f"{selector}.pem"


def ensure(directory: Path, selector: str) -> bytes:
    """The private key, PEM; it is made if there is none, readable by its owner only.

    Raises:
        OSError: it can be neither read nor written.
    """
    target = path(directory, selector)
    if not target.exists():
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = directory / f".{secrets.token_hex(8)}"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                key = rsa.generate_private_key(65_537, BITS)
                # dkimpy reads this form, the traditional one.
                file.write(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):  # of two that make it at once, one wins
                os.link(fresh, target)
        finally:
            fresh.unlink()
    return target.read_bytes()


def record(key: bytes) -> str:
    """The text of the TXT record `SELECTOR._domainkey.DOMAIN` (RFC 6376 §3.6.1).

    Raises:
        ValueError: it is no key.
    """
    public = load_pem_private_key(key, None).public_key()
    octets = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; h=sha256; k=rsa; p={base64.b64encode(octets).decode()}"
