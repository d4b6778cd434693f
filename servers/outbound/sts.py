"""MTA-STS: a domain's own word on which servers take its mail, and that they speak TLS (RFC 8461)."""

from __future__ import annotations

import http.client
import logging
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

from servers.outbound.options import Options
from servers.outbound.resolver import Resolver, Unavailable
from storage.outbound import policies
from storage.outbound.policies import Policy
from storage.store import Store
from storage.types import SITE

log = logging.getLogger(__name__)

OCTETS_MAX: Final = 64 * 1024  # RFC 8461 §3.3
FETCH_S: Final = 60.0  # RFC 8461 §3.3: SHOULD give up after a minute
AGAIN_S: Final = 300.0
"""After a failure (RFC 8461 §3.3: five minutes or longer)."""
REFRESH_S: Final = 86_400.0
AGE_MAX_S: Final = 31_557_600  # RFC 8461 §3.2
_FAILURES_MAX: Final = 10_000
_MX_MAX: Final = 100
_RECORD: Final = re.compile(r"v=STSv1\s*;(?:.*;)?\s*id=([A-Za-z0-9]{1,32})\s*(?:;.*)?\Z", re.DOTALL)
_LINE: Final = re.compile(r"[ \t]*([A-Za-z0-9][A-Za-z0-9_.-]{0,31})[ \t]*:[ \t]*(.*?)[ \t]*\Z")
_HOST: Final = re.compile(r"(?:\*\.)?[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})+\.?\Z")


class BadPolicy(Exception):
    """It is there, and it is none."""


def parse(data: bytes) -> tuple[str, tuple[str, ...], int]:
    """Mode, patterns of exchangers and lifetime in seconds (RFC 8461 §3.2).

    Raises:
        BadPolicy: it breaks the grammar.
    """
    if len(data) > OCTETS_MAX:
        raise BadPolicy("too long")
    fields: dict[str, str] = {}
    mx: list[str] = []
    for line in re.split(r"\r?\n", data.decode("utf-8", "replace")):
        if not line.strip():
            continue
        found = _LINE.match(line)
        if found is None:
            raise BadPolicy("a line without a name")
        name, value = found[1], found[2]
        if name == "mx":
            mx.append(value.lower().rstrip("."))
        else:
            fields.setdefault(name, value)  # RFC 8461 §3.2: of duplicates the first counts
    mode, age = fields.get("mode", ""), fields.get("max_age", "")
    if fields.get("version") != "STSv1" or mode not in {"enforce", "testing", "none"}:
        raise BadPolicy("no version or mode")
    if not re.fullmatch(r"[0-9]{1,10}", age):
        raise BadPolicy("no max_age")
    if (not mx and mode != "none") or len(mx) > _MX_MAX or not all(_HOST.match(one) for one in mx):
        raise BadPolicy("no mx, or one that is no host")
    return mode, tuple(mx), min(int(age), AGE_MAX_S)


def record_id(texts: Iterable[str]) -> str:
    """The policy's id in the TXT records of `_mta-sts`; "" if there is not exactly one (RFC 8461 §3.1)."""
    ours = [text for text in texts if text.startswith("v=STSv1")]
    found = _RECORD.match(ours[0]) if len(ours) == 1 else None
    return found[1] if found else ""


def matches(host: str, patterns: Iterable[str]) -> bool:
    """Whether an exchanger is one of a policy's; "*." stands for exactly one label (RFC 8461 §4.1)."""
    whole = host.lower().rstrip(".")
    above = whole.partition(".")[2]
    return any(whole == one or (one.startswith("*.") and bool(above) and above == one[2:]) for one in patterns)


class Policies:
    """The policies of all domains: kept in the store, fetched when they are new or old. For all threads."""

    def __init__(self, store: Store, resolver: Resolver, options: Options) -> None:
        self._store: Final = store
        self._resolver: Final = resolver
        self._options: Final = options
        self._failed: dict[str, float] = {}
        self._lock: Final = threading.Lock()

    def find(self, domain: str) -> Policy | None:
        """The domain's policy, or None: it has none that could be had, and none that still holds."""
        if not self._options.sts:
            return None
        with self._store.read(SITE) as tx:
            known = policies.find(tx, domain)
        try:
            announced = record_id(self._resolver.txt(f"_mta-sts.{domain}").records)
        except Unavailable:
            announced = ""
        now = time.time()
        fresh = known is not None and known.id == announced and now - known.fetched < REFRESH_S
        if not announced or fresh or self._failed_lately(domain):
            return known  # RFC 8461 §5.1: what was promised holds until it expires, whatever the DNS says now
        try:
            mode, mx, age = parse(fetch(domain, self._resolver, self._options))
        except (BadPolicy, Unavailable, OSError, http.client.HTTPException, ValueError) as error:
            log.info("no policy", extra={"domain": domain, "reason": f"{type(error).__name__}: {error}"})
            self._remember_failure(domain)
            return known
        policy = Policy(domain, announced, mode, mx, now, now + age)
        with self._store.write(SITE) as tx:
            policies.keep(tx, policy)
        return policy

    def _failed_lately(self, domain: str) -> bool:
        with self._lock:
            return time.monotonic() < self._failed.get(domain, 0.0)

    def _remember_failure(self, domain: str) -> None:
        with self._lock:
            if len(self._failed) >= _FAILURES_MAX:
                self._failed.clear()
            self._failed[domain] = time.monotonic() + AGAIN_S


def fetch(domain: str, resolver: Resolver, options: Options) -> bytes:
    """The policy's octets, from a server with a valid certificate, within `FETCH_S` (RFC 8461 §3.3).

    Raises:
        BadPolicy, Unavailable, OSError, HTTPException, ValueError: it cannot be had.
    """
    host = f"mta-sts.{domain}"
    addresses = resolver.addresses(host).records
    if not addresses:
        raise BadPolicy("its host has no address")
    context = ssl.create_default_context(cafile=options.ca_file or None)
    with (
        _connect(addresses[:2], options.sts_port) as plain,
        context.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False) as secure,
    ):
        # Each octet may come in time and the whole never: the socket is shut when the time is over.
        end = threading.Timer(FETCH_S, _shut(secure))
        end.daemon = True
        end.start()
        try:
            secure.do_handshake()
            return _get(secure, host)
        finally:
            end.cancel()


def _connect(addresses: tuple[str, ...], port: int) -> socket.socket:
    for address in addresses[:-1]:
        with suppress(OSError):
            return socket.create_connection((address, port), timeout=10)
    return socket.create_connection((addresses[-1], port), timeout=10)


def _shut(one: socket.socket) -> Callable[[], None]:
    def shut() -> None:
        with suppress(OSError):
            socket.socket.shutdown(one, socket.SHUT_RDWR)  # beneath TLS: no word to the other side

    return shut


def _get(secure: socket.socket, host: str) -> bytes:
    connection = http.client.HTTPConnection(host)
    connection.sock = secure
    connection.request("GET", "/.well-known/mta-sts.txt", headers={"Host": host, "Connection": "close"})
    response = connection.getresponse()
    if response.status != 200:  # RFC 8461 §3.3: redirects MUST NOT be followed
        raise BadPolicy(f"status {response.status}")
    kind = (response.getheader("Content-Type") or "").partition(";")[0].strip().lower()
    if kind != "text/plain":
        raise BadPolicy("not text/plain")
    return response.read(OCTETS_MAX + 1)
