"""ValidateCert ([MS-ASCMD] §2.2.1.22): whether a certificate of a mail is to be believed, as far as is known here."""

from __future__ import annotations

import base64
import binascii
import ssl
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from servers.activesync.call import Call
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import ValidateCert as Validate

if TYPE_CHECKING:  # several megabytes, which a process without S/MIME never pays
    from cryptography import x509

    from storage.formats.certificate_chains import Authorities

_OK, _PROTOCOL, _SIGNATURE = 1, 2, 3
MOST: Final = 100
"""Certificates of a request, as Exchange has it ([MS-ASCMD] §3.1.5.8)."""
_STATUSES: Final = {
    "SIGNATURE": _SIGNATURE, "UNTRUSTED": 4, "INCOMPLETE": 5, "NOT_FOR_MAIL": 6, "EXPIRED": 7, "CHAIN_EXPIRED": 8,
    "CHAIN_PURPOSE": 9, "CONTENT": 10, "ROLE": 11, "REVOKED": 13, "UNREACHABLE": 14, "CHAIN_REVOKED": 15,
    "UNCHECKABLE": 16,
}  # fmt: skip
"""By the names of `certificate_chains.Flaw` ([MS-ASCMD] §2.2.3.177.18)."""


def validate(call: Call) -> Element:
    """Judge each certificate by itself; the chain is what all of them may lean on."""
    body = call.body
    asked = None if body is None else body.find(Validate.Certificates)
    chain = None if body is None else body.find(Validate.CertificateChain)
    given = [] if asked is None else asked.all(Validate.Certificate)
    others = [] if chain is None else chain.all(Validate.Certificate)
    if body is None or not given or max(len(given), len(others)) > MOST:
        return Validate.ValidateCert(Validate.Status(_PROTOCOL))
    from storage.formats import certificate_chains, certificates

    known = [one for element in others if (one := _read(element)) is not None]
    with call.store.read(call.actor) as tx:
        now = certificates.now_of(tx.now)
    trusted = _trusted(call.settings.authorities)
    checked = body.text_of(Validate.CheckCRL) == "1"
    statuses: list[int] = []
    for element in given:
        found = _read(element)
        if found is None:
            statuses.append(_SIGNATURE)
            continue
        flaw = certificate_chains.judge(found, known, trusted, now, revocation=checked)
        statuses.append(_OK if flaw is None else _STATUSES[flaw.name])
    told = (Validate.Certificate(Validate.Status(one)) for one in statuses)
    return Validate.ValidateCert(Validate.Status(_OK), *told)


def _read(element: Element) -> x509.Certificate | None:
    from storage.formats import certificates

    try:
        return certificates.load(base64.b64decode(b"".join(element.octets.split()), validate=True))
    except (binascii.Error, ValueError):
        return None


def _trusted(path: str) -> Authorities:
    file = Path(path or ssl.get_default_verify_paths().cafile or ssl.get_default_verify_paths().openssl_cafile)
    try:
        return _authorities(file, file.stat().st_mtime_ns)
    except OSError:  # without the file nobody is trusted
        return _authorities(None, 0)


@lru_cache(maxsize=2)
def _authorities(file: Path | None, _changed: int) -> Authorities:
    from storage.formats import certificate_chains

    return certificate_chains.authorities(b"" if file is None else file.read_bytes())
