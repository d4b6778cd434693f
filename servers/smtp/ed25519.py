"""DKIM and ARC with Ed25519 keys (RFC 8463), which the library verifies with another library that is not here."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_ED25519: Final = re.compile(rb"(?:\A|;)\s*k\s*=\s*ed25519\s*(?:;|\Z)")
_KEY: Final = re.compile(rb"(?:\A|;)\s*p\s*=([A-Za-z0-9+/=\s]*)(?:;|\Z)")
_ALGORITHM: Final = b"ed25519-sha256"


class _Key:
    """A public key as the library uses one; what it says is asked for afterwards."""

    def __init__(self, octets: bytes) -> None:
        self._key: Final = Ed25519PublicKey.from_public_bytes(octets)
        self.valid = False

    def verify(self, digest: bytes, signature: bytes) -> None:
        """RFC 8463 §3: the digest is what is signed."""
        try:
            self._key.verify(signature, digest)
        except InvalidSignature:
            return
        self.valid = True


def understood(signer: Any) -> Any:
    """The library's verifier of a mail, such that it knows these keys too."""
    plain: Final = signer.verify_sig

    def verify_sig(sig: dict[bytes, bytes], fields: list[bytes], own: Any, ask: Callable[..., bytes | None]) -> bool:
        name = b"%b._domainkey.%b." % (sig[b"s"], sig[b"d"])
        record = ask(name, timeout=signer.timeout) or b""
        if not _ED25519.search(record):
            return bool(plain(sig, fields, own, lambda *_, **__: record))
        key = _key(record) if sig[b"a"] == _ALGORITHM else None  # RFC 8463 §4: the two must fit
        if key is None:
            return False
        signer.pk, signer.keysize, signer.ktag, signer.seqtlsrpt = key, 256, b"ed25519", False
        signer.verify_sig_process(sig, fields, own, ask)
        return key.valid

    signer.verify_sig = verify_sig
    return signer


def _key(record: bytes) -> _Key | None:
    found = _KEY.search(record)
    try:
        return _Key(base64.b64decode(b"".join(found[1].split()))) if found else None
    except (binascii.Error, ValueError):
        return None
