"""S/MIME certificates by themselves: read, found in cards, what they say (RFC 8550 §3, RFC 6350 §6.8.1, RFC 2426)."""

from __future__ import annotations

import base64
import binascii
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final, TypeVar

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from storage.formats.contentline import Component, unescape_text

_OCTETS: Final = 64 * 1024
MAIL: Final = (ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
"""Purposes that mails are among."""


def load(octets: bytes) -> x509.Certificate | None:
    """A certificate in DER or PEM; None if it is none."""
    if len(octets) > _OCTETS:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if octets.lstrip().startswith(b"-----BEGIN"):
                return x509.load_pem_x509_certificate(octets)
            return x509.load_der_x509_certificate(octets)
    except ValueError:
        return None


def is_for_mail(certificate: x509.Certificate) -> bool:
    """Whether its owner may sign mails, or be sent encrypted ones (RFC 8550 §4.4.2, §4.4.4)."""
    try:
        usage = extension(certificate, x509.KeyUsage)
        purposes = extension(certificate, x509.ExtendedKeyUsage)
    except ValueError:
        return False
    if usage is not None and not (
        usage.digital_signature or usage.content_commitment or usage.key_encipherment or usage.key_agreement
    ):
        return False
    return purposes is None or any(one in purposes for one in MAIL)


def addresses(certificate: x509.Certificate) -> frozenset[str]:
    """The mail addresses that it is for, lower case (RFC 8550 §3)."""
    found: set[str] = set()
    try:
        names = extension(certificate, x509.SubjectAlternativeName)
        found.update(names.get_values_for_type(x509.RFC822Name) if names is not None else ())
        found.update(str(one.value) for one in certificate.subject.get_attributes_for_oid(x509.NameOID.EMAIL_ADDRESS))
    except ValueError:
        return frozenset()
    return frozenset(one.lower() for one in found)


def usable(certificate: x509.Certificate, address: str, now: datetime) -> bool:
    """Whether a mail to this address may be encrypted for it, as far as it says so itself."""
    known = addresses(certificate)
    return is_for_mail(certificate) and is_valid(certificate, now) and (not known or address.lower() in known)


def of_card(card: Component) -> Iterator[x509.Certificate]:
    """The certificates in a card's KEY properties; other keys are passed over."""
    for prop in card.all("KEY"):
        value = prop.value.strip()
        if value[:5].lower() == "data:":  # RFC 6350 §6.8.1
            head, _, value = unescape_text(value).partition(",")
            if not head.lower().endswith(";base64"):
                continue
        elif (prop.param("ENCODING") or "").lower() not in ("b", "base64"):  # RFC 2426 §3.7.2
            continue
        try:
            octets = base64.b64decode("".join(value.split()), validate=True)
        except (binascii.Error, ValueError):
            continue
        found = load(octets)
        if found is not None:
            yield found


_T = TypeVar("_T", bound=x509.ExtensionType)


def extension(certificate: x509.Certificate, kind: type[_T]) -> _T | None:
    """What one of its extensions says; None if it has none such.

    Raises:
        ValueError: they cannot be read.
    """
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def is_valid(certificate: x509.Certificate, now: datetime) -> bool:
    """Whether it holds today."""
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def now_of(seconds: float) -> datetime:
    """A transaction's time as certificates have it."""
    return datetime.fromtimestamp(seconds, UTC)
