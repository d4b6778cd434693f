"""The world outside: a DNS server, SMTP servers of aiosmtpd, a web server for policies, all on loopback."""

from __future__ import annotations

import datetime
import http.server
import ipaddress
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


class Dns:
    """Answers from `zone`: (name without dot, type) to texts; a name in `broken` gets SERVFAIL, in `signed` AD."""

    def __init__(self) -> None:
        self.zone: dict[tuple[str, str], list[str]] = {}
        self.broken: set[str] = set()
        self.signed = False
        self.asked: list[tuple[str, str]] = []
        self._socket: Final = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: Final[int] = self._socket.getsockname()[1]
        self._thread: Final = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        while True:
            wire, peer = self._socket.recvfrom(4096)
            if not wire:
                return
            self._socket.sendto(self._answer(wire), peer)

    def _answer(self, wire: bytes) -> bytes:
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if name in self.broken or f"{name}/{kind}" in self.broken:
            response.set_rcode(dns.rcode.SERVFAIL)
            return response.to_wire()
        if self.signed:
            response.flags |= dns.flags.AD
        texts = self.zone.get((name, kind))
        if texts:
            response.answer.append(dns.rrset.from_text_list(question.name, 1, "IN", kind, texts))
        elif not any(known == name or known.endswith(f".{name}") for known, _ in self.zone):
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response.to_wire()


@dataclass
class Authority:
    """A certificate authority with its files in `folder`."""

    folder: Path
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def __post_init__(self) -> None:
        self.certificate: x509.Certificate = _certificate("Test CA", self.key, None, self.key, authority=True)
        self.file = self.folder / "ca.pem"
        self.file.write_bytes(self.certificate.public_bytes(Encoding.PEM))

    def server(self, name: str, *, chain: bool = False) -> tuple[ssl.SSLContext, x509.Certificate]:
        """A server's side of TLS with a certificate for `name`, and that certificate."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = _certificate(name, key, self.certificate, self.key, authority=False)
        path = self.folder / f"{name}.pem"
        parts = [key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), made.public_bytes(Encoding.PEM)]
        parts += [self.certificate.public_bytes(Encoding.PEM)] if chain else []
        path.write_bytes(b"".join(parts))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context, made


def _certificate(
    name: str, key: Any, issuer: x509.Certificate | None, signing: Any, *, authority: bool
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    above = signing.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(above), critical=False)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                key_cert_sign=authority,
                crl_sign=authority,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    )
    if not authority:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return builder.sign(signing, hashes.SHA256())


@dataclass
class Mail:
    """What an SMTP server of the world got."""

    sender: str
    recipients: list[str]
    data: bytes
    mail_options: list[str]
    rcpt_options: list[list[str]]
    tls: bool


class Server(SMTP):
    """aiosmtpd's server with extensions that it does not know, said and taken."""

    extensions: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    async def push(self, status: str | bytes) -> None:
        text = status if isinstance(status, str) else status.decode()
        if any(text[4:].upper().startswith(name) for name in self.without) and text.startswith("250-"):
            return
        await super().push(status)

    def _getparams(self, params: Any) -> Any:
        found = super()._getparams(params)
        if found is not None:
            for name in ("RET", "ENVID", "REQUIRETLS", "NOTIFY", "ORCPT"):
                found.pop(name, None)
        return found


class World:
    """One SMTP server of the world on loopback, at `address`; `says` decides what it answers to whom."""

    def __init__(
        self,
        address: str,
        port: int,
        *,
        tls: ssl.SSLContext | None = None,
        extensions: tuple[str, ...] = (),
        without: tuple[str, ...] = (),
        authenticate: Callable[[str, str], bool] | None = None,
        size: int = 50_000_000,
    ) -> None:
        self.mails: list[Mail] = []
        self.answers: dict[str, str] = {}
        """What is said to a recipient, or after the data ("DATA"), or to a sender ("MAIL")."""
        world = self

        class Named(Server):
            pass

        Named.extensions, Named.without = extensions, without
        options: dict[str, Any] = {"hostname": "mx.world.test", "enable_SMTPUTF8": "SMTPUTF8" not in without}
        options |= {"data_size_limit": size}
        if tls is not None:
            options["tls_context"] = tls
        if authenticate is not None:
            from aiosmtpd.smtp import AuthResult, LoginPassword

            def judge(_s: Any, _se: Any, _e: Any, _m: str, data: Any) -> Any:
                assert isinstance(data, LoginPassword)
                return AuthResult(success=authenticate(data.login.decode(), data.password.decode()), handled=False)

            options |= {"authenticator": judge, "auth_required": True, "auth_require_tls": tls is not None}

        class Door(Controller):
            def factory(self) -> SMTP:
                return Named(self.handler, **options)

        self._door: Final = Door(world, hostname=address, port=port, ready_timeout=60)

    def __enter__(self) -> World:
        self._door.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._door.stop()

    async def handle_EHLO(
        self, server: Any, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:-1], *(f"250-{one}" for one in server.extensions), responses[-1]]

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if "MAIL" in self.answers:
            return self.answers["MAIL"]
        envelope.mail_from, envelope.mail_options = address, options
        return "250 2.1.0 ok"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.append(options)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if "DATA" in self.answers:
            return self.answers["DATA"]
        self.mails.append(
            Mail(
                envelope.mail_from,
                list(envelope.rcpt_tos),
                envelope.content,
                list(envelope.mail_options),
                list(envelope.rcpt_options),
                session.ssl is not None,
            )
        )
        return "250 2.0.0 taken"


@contextmanager
def hostile(script: Callable[[socket.socket], None], address: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """A server that does what `script` does with each connection; gives its port."""
    with closing(socket.create_server((address, port))) as door:
        stopped = threading.Event()

        def serve() -> None:
            while not stopped.is_set():
                try:
                    connection, _ = door.accept()
                except OSError:
                    return
                threading.Thread(target=one, args=(connection,), daemon=True).start()

        def one(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                script(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield door.getsockname()[1]
        finally:
            stopped.set()
            with suppress(OSError):
                door.shutdown(socket.SHUT_RDWR)


@contextmanager
def policies(texts: dict[str, bytes], context: ssl.SSLContext, address: str = "127.0.0.1") -> Iterator[int]:
    """HTTPS with policies by host; gives its port. A text that begins with `HTTP/` is the whole answer."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = texts.get(self.headers["Host"], b"")
            if text.startswith(b"HTTP/"):
                self.wfile.write(text)
                return
            found = self.path == "/.well-known/mta-sts.txt" and text
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer((address, 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def free_port() -> int:
    """A port that is free on all loopback addresses at this moment."""
    with closing(socket.create_server(("0.0.0.0", 0))) as probe:
        return int(probe.getsockname()[1])


def loopback(number: int) -> str:
    """One of this machine's own addresses, so that hosts of the world may share a port."""
    return str(ipaddress.ip_address("127.0.0.0") + number + (os.getpid() % 60_000 << 8))
