"""The certificate of TLS on line protocols: that of [tls], or one made by ourselves for a start (RFC 8314, SYS-05).

Files that change are read again at the next connection, so that a renewal needs no restart.
"""

from __future__ import annotations

import datetime
import fcntl
import ipaddress
import logging
import os
import threading
from pathlib import Path
from typing import Any, Final

from twisted.internet.interfaces import IOpenSSLContextFactory
from zope.interface import implementer  # type: ignore[import-untyped]

from conf.settings import Settings
from servers.process import CannotListen

log = logging.getLogger(__name__)

_DAYS: Final = 3_650
_RENEW_DAYS: Final = 60


@implementer(IOpenSSLContextFactory)
class Certificate:
    """A context factory for Twisted."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """Raises: CannotListen: the files cannot be read or do not belong together."""
        self._certificate: Final = certificate
        self._key: Final = key
        self._lock: Final = threading.Lock()
        self._stamp: tuple[float, float] = (0.0, 0.0)
        self._context: Any = None
        try:
            self._load(self._stamps())
        except Exception as error:
            raise CannotListen(f"the certificate {certificate} with the key {key}: {error}") from None

    def getContext(self) -> Any:
        """The OpenSSL context of the files as they are now."""
        try:
            stamp = self._stamps()
            if stamp != self._stamp:
                with self._lock:
                    self._load(stamp)
        except Exception as error:  # half-written or gone: the old one goes on
            log.warning("certificate", extra={"reason": str(error)[:200]})
        return self._context

    def _stamps(self) -> tuple[float, float]:
        return self._certificate.stat().st_mtime, self._key.stat().st_mtime

    def _load(self, stamp: tuple[float, float]) -> None:
        from OpenSSL import SSL

        context = SSL.Context(SSL.TLS_METHOD)
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_CIPHER_SERVER_PREFERENCE | 0x40000000)  # no renegotiation
        context.set_cipher_list(b"ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!eNULL")
        context.set_mode(0x10)  # SSL_MODE_RELEASE_BUFFERS: an idle connection holds no buffers
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        context.use_certificate_chain_file(str(self._certificate))
        context.use_privatekey_file(str(self._key))
        context.check_privatekey()
        self._context, self._stamp = context, stamp


def of(settings: Settings, names: tuple[str, ...] = ()) -> Certificate:
    """The certificate of these settings; without files in [tls], one of our own in `<data>/tls`.

    Raises:
        CannotListen: it cannot be used.
    """
    if settings.tls.certificate and settings.tls.key:
        return Certificate(Path(settings.tls.certificate), Path(settings.tls.key))
    folder = settings.data_directory / "tls"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    certificate, key = folder / "own.crt", folder / "own.key"
    with open(folder / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _is_due(certificate, key):
            _make(certificate, key, ("localhost", settings.domain, *names))
            log.info("certificate made", extra={"file": str(certificate)})
    return Certificate(certificate, key)


def _is_due(certificate: Path, key: Path) -> bool:
    from cryptography import x509

    if not (certificate.exists() and key.exists()):
        return True
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
    except ValueError:
        return True
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=_RENEW_DAYS)
    return found.not_valid_after_utc < soon


def _make(certificate: Path, key: Path, names: tuple[str, ...]) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    private = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[1][:64])])
    hosts: list[x509.GeneralName] = [x509.DNSName(name) for name in dict.fromkeys(names)]
    hosts += [x509.IPAddress(ipaddress.ip_address(one)) for one in ("127.0.0.1", "::1")]
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(private, hashes.SHA256())
    )
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for path, data in ((key, pem), (certificate, made.public_bytes(serialization.Encoding.PEM))):
        fresh = path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(data)
        os.replace(fresh, path)
