"""DANE: does a server's certificate match its TLSA records? (RFC 6698, RFC 7671, RFC 7672 §3)"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

TLSA = tuple[int, int, int, bytes]
"""Usage, selector, matching type, octets."""

_TA: Final = 2
_EE: Final = 3
_CHAIN_MAX: Final = 10
_INTERMEDIATES_MAX: Final = 8


def usable(record: TLSA) -> bool:
    """Whether a record says something about a mail server that we understand (RFC 7672 §3.1)."""
    usage, selector, kind, _ = record
    return usage in {_TA, _EE} and selector in {0, 1} and kind in {0, 1, 2}


def verified(chain: Sequence[bytes], records: Sequence[TLSA], names: Sequence[str]) -> bool:
    """Whether a chain (DER, the server's own first) is one that `records` allow, for any one of `names`.

    A record of usage 3 is about the key alone: neither names nor dates count (RFC 7672 §3.1.1). One of usage 2
    is an authority, which must be in the chain and stand for the server by name (§3.1.2).
    """
    try:
        certificates = [x509.load_der_x509_certificate(one) for one in chain[:_CHAIN_MAX]]
    except ValueError:
        return False
    if not certificates:
        return False
    if any(row[0] == _EE and _matches(certificates[0], row) for row in records):
        return True
    authorities = [one for one in certificates if any(row[0] == _TA and _matches(one, row) for row in records)]
    return any(_stands_for(authority, certificates, name) for authority in authorities for name in names)


def _matches(certificate: x509.Certificate, record: TLSA) -> bool:
    _, selector, kind, wanted = record
    try:
        if selector == 0:
            octets = certificate.public_bytes(Encoding.DER)
        else:
            octets = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except ValueError:  # a key of a kind unknown here
        return False
    if kind == 0:
        return octets == wanted
    return (hashlib.sha256(octets) if kind == 1 else hashlib.sha512(octets)).digest() == wanted


def _stands_for(authority: x509.Certificate, certificates: Sequence[x509.Certificate], name: str) -> bool:
    try:
        verifier = PolicyBuilder().store(Store([authority])).build_server_verifier(x509.DNSName(name))
        verifier.verify(certificates[0], list(certificates[1 : 1 + _INTERMEDIATES_MAX]))
    except (VerificationError, ValueError):
        return False
    return True
