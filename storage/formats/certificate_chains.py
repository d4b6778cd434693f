"""S/MIME certificates judged by their chains, without asking anybody (RFC 5280 §6)."""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtensionOID

from storage.formats import certificates
from storage.formats.certificates import MAIL, extension, is_valid

CHAIN_MAX: Final = 10
_TRIES: Final = 200
"""Signatures that are computed for one certificate, whatever chain it comes with."""
_UNDERSTOOD: Final = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.NAME_CONSTRAINTS,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.CRL_DISTRIBUTION_POINTS,
    }
)
"""What may be critical: "reject the certificate if it encounters a critical extension it does not recognize" (§4.2)."""


class Flaw(Enum):
    """Why a certificate is not to be relied on."""

    SIGNATURE = auto()
    """Not signed by whom it names, or no certificate at all."""
    UNTRUSTED = auto()
    """Its chain ends at an authority that nobody here trusts."""
    INCOMPLETE = auto()
    """Its chain has a gap."""
    NOT_FOR_MAIL = auto()
    EXPIRED = auto()
    """Or not valid yet."""
    CHAIN_EXPIRED = auto()
    CHAIN_PURPOSE = auto()
    """An authority may not issue certificates for mail."""
    CONTENT = auto()
    """Something in it that must be understood is not."""
    ROLE = auto()
    """Issued by what is no authority, or too far below one."""
    REVOKED = auto()
    CHAIN_REVOKED = auto()
    UNREACHABLE = auto()
    """Whether it was revoked is known elsewhere only."""
    UNCHECKABLE = auto()
    """Nobody says whether it was revoked."""


@dataclass(frozen=True, slots=True)
class Authorities:
    """Whom to trust, and what they took back."""

    roots: tuple[x509.Certificate, ...]
    lists: tuple[x509.CertificateRevocationList, ...] = ()


_BLOCK: Final = re.compile(rb"-----BEGIN (CERTIFICATE|X509 CRL)-----.*?-----END \1-----", re.DOTALL)


def authorities(pem: bytes) -> Authorities:
    """Those of a file with certificates and revocation lists (PEM); what cannot be read in it is passed over."""
    roots: list[x509.Certificate] = []
    lists: list[x509.CertificateRevocationList] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # serial numbers of old authorities
        for match in _BLOCK.finditer(pem):
            try:
                if match[1] == b"CERTIFICATE":
                    roots.append(x509.load_pem_x509_certificate(match[0]))
                else:
                    lists.append(x509.load_pem_x509_crl(match[0]))
            except ValueError:
                continue
    return Authorities(tuple(roots), tuple(lists))


def judge(
    certificate: x509.Certificate,
    chain: Collection[x509.Certificate],
    trusted: Authorities,
    now: datetime,
    *,
    revocation: bool = False,
) -> Flaw | None:
    """What is wrong with a certificate that comes with others of its chain; None if nothing is.

    With `revocation` it must be known that none of the chain was revoked; without, only that nobody said so.
    """
    if not certificates.is_for_mail(certificate):
        return Flaw.NOT_FOR_MAIL
    if not is_valid(certificate, now):
        return Flaw.EXPIRED
    path = _path(certificate, [*trusted.roots, *chain], set(trusted.roots))
    if isinstance(path, Flaw):
        return path
    return _flaw_of(path, now) or _revoked(path, trusted, now, revocation=revocation)


def _path(
    certificate: x509.Certificate, known: Iterable[x509.Certificate], roots: set[x509.Certificate]
) -> list[x509.Certificate] | Flaw:
    """The certificate and those above it, up to one that is trusted."""
    by_subject: dict[x509.Name, list[x509.Certificate]] = {}
    for one in known:
        by_subject.setdefault(one.subject, []).append(one)
    tries, gap = _TRIES, Flaw.INCOMPLETE
    waiting = [[certificate]]
    while waiting:
        path = waiting.pop()
        last = path[-1]
        if last in roots:
            return path
        if last.issuer == last.subject:
            gap = Flaw.UNTRUSTED if gap is Flaw.INCOMPLETE else gap
            if not _signed(last, last):
                gap = Flaw.SIGNATURE
            continue
        for issuer in by_subject.get(last.issuer, []):
            if issuer in path or len(path) >= CHAIN_MAX:
                continue
            tries -= 1
            if tries < 0:
                return Flaw.INCOMPLETE
            if _signed(last, issuer):
                waiting.append([*path, issuer])
            elif gap is Flaw.INCOMPLETE:
                gap = Flaw.SIGNATURE
    return gap


def _signed(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _flaw_of(path: list[x509.Certificate], now: datetime) -> Flaw | None:
    """RFC 5280 §6.1.3 and §6.1.4, of a chain whose signatures are right."""
    names = certificates.addresses(path[0])
    for depth, one in enumerate(path):
        try:
            if any(each.critical and each.oid not in _UNDERSTOOD for each in one.extensions):
                return Flaw.CONTENT
            if depth == 0:
                continue
            constraints, usage = extension(one, x509.BasicConstraints), extension(one, x509.KeyUsage)
            purposes, permitted = extension(one, x509.ExtendedKeyUsage), extension(one, x509.NameConstraints)
        except ValueError:
            return Flaw.CONTENT
        if not is_valid(one, now):
            return Flaw.CHAIN_EXPIRED
        if one.version is x509.Version.v3 and (constraints is None or not constraints.ca):
            return Flaw.ROLE
        if constraints is not None and constraints.path_length is not None and depth - 1 > constraints.path_length:
            return Flaw.ROLE
        if usage is not None and not usage.key_cert_sign:
            return Flaw.ROLE
        if purposes is not None and all(each not in purposes for each in MAIL):
            return Flaw.CHAIN_PURPOSE
        if permitted is not None and not _permits(permitted, names):
            return Flaw.CONTENT
    return None


def _permits(constraints: x509.NameConstraints, names: Collection[str]) -> bool:
    """Whether an authority may speak for these addresses (§4.2.1.10); limits on people's names are not judged."""
    allowed, denied = list(constraints.permitted_subtrees or ()), list(constraints.excluded_subtrees or ())
    if any(isinstance(one, x509.DirectoryName | x509.OtherName) for one in (*allowed, *denied)):
        return False
    inside = [one.value for one in allowed if isinstance(one, x509.RFC822Name)]
    outside = [one.value for one in denied if isinstance(one, x509.RFC822Name)]
    if any(_within(name, one) for name in names for one in outside):
        return False
    return not inside or all(any(_within(name, one) for one in inside) for name in names)


def _within(address: str, limit: str) -> bool:
    host, limit = address.rpartition("@")[2], limit.lower()
    if "@" in limit:
        return address == limit
    return host.endswith(limit) if limit.startswith(".") else host == limit


def _revoked(path: list[x509.Certificate], trusted: Authorities, now: datetime, *, revocation: bool) -> Flaw | None:
    unknown: Flaw | None = None
    for one, issuer in pairwise(path):
        said = [each for each in trusted.lists if each.issuer == issuer.subject and _signs(issuer, each)]
        if any(each.get_revoked_certificate_by_serial_number(one.serial_number) is not None for each in said):
            return Flaw.REVOKED if one is path[0] else Flaw.CHAIN_REVOKED
        fresh = any(each.next_update_utc is not None and each.next_update_utc >= now for each in said)
        if not fresh and unknown is None:
            unknown = Flaw.UNREACHABLE if _names_somebody(one) else Flaw.UNCHECKABLE
    return unknown if revocation else None


def _signs(issuer: x509.Certificate, found: x509.CertificateRevocationList) -> bool:
    try:
        return found.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False


def _names_somebody(certificate: x509.Certificate) -> bool:
    """Whether it says who could be asked: a list to be fetched, or a responder."""
    try:
        return (
            extension(certificate, x509.CRLDistributionPoints) is not None
            or extension(certificate, x509.AuthorityInformationAccess) is not None
        )
    except ValueError:
        return False
