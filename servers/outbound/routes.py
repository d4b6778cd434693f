"""Where a domain's mail goes: its exchangers in order, and what TLS each of them must show (RFC 5321 §5.1)."""

from __future__ import annotations

import ipaddress
import random
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from itertools import groupby
from typing import Final

from servers.outbound import dane, sts
from servers.outbound.options import Options, Smarthost
from servers.outbound.resolver import Resolver, Unavailable
from storage.outbound.policies import Policy

HOSTS_MAX: Final = 10
"""Exchangers looked at in one attempt."""


class Unroutable(Exception):
    """There is no way to the domain; `status` begins with 5 if there will be none (RFC 3463)."""

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.status: Final = status


class Trust(Enum):
    """What a server must show before it gets the mail."""

    ANY = "any"
    """TLS if it can, whatever its certificate; else without (RFC 7435)."""
    ENCRYPTED = "encrypted"
    """TLS, whatever its certificate: it publishes TLSA records, but none that we can use (RFC 7672 §2.2)."""
    VERIFIED = "verified"
    """TLS with a certificate of a public authority for its name."""
    DANE = "dane"
    """TLS with a certificate that its TLSA records name."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One server to try: its name and its addresses."""

    host: str
    addresses: tuple[str, ...]
    port: int
    trust: Trust
    tlsa: tuple[dane.TLSA, ...] = ()
    safe_name: bool = False
    """Nobody can have forged that it is this domain's: by DNSSEC or by an MTA-STS policy (RFC 8689 §2)."""
    smarthost: Smarthost | None = None
    domain: str = ""
    """What the mail is for: a name that a server may show as well, if it was found by DNSSEC (RFC 7672 §3.2.2)."""


class Router:
    """Finds hops; for all threads."""

    def __init__(self, options: Options, resolver: Resolver, policy: Callable[[str], Policy | None]) -> None:
        self._options: Final = options
        self._resolver: Final = resolver
        self._policy: Final = policy

    def hops(self, domain: str, *, careless: bool = False) -> Iterator[Hop]:
        """The servers for `domain`, the best first; each is looked up only when it is asked for.

        `careless`: the sender rather has the mail arrive than be secret (RFC 8689 §5).

        Raises:
            Unroutable: there is none, or none now.
        """
        if self._options.smarthost is not None:
            yield self._smarthost(self._options.smarthost)
            return
        if domain.startswith("["):
            yield Hop(domain, (_literal(domain),), self._options.port, Trust.ANY)
            return
        hosts, secure = self._exchangers(domain)
        policy = None if careless else self._policy(domain)
        enforced = policy is not None and policy.mode == "enforce"
        refused = Unroutable("5.4.4", f"no address of a mail server for {domain} was found")
        found = 0
        for host in hosts[:HOSTS_MAX]:
            if enforced and policy is not None and not sts.matches(host, policy.mx):
                # RFC 8461 §5: such a server MUST NOT be used; the policy may be corrected, so it is tried again.
                refused = Unroutable("4.7.5", f"{host} is not in the MTA-STS policy of {domain}")
                continue
            try:
                hop = self._hop(host, secure=secure, enforced=enforced, careless=careless)
            except Unavailable as error:
                refused = Unroutable("4.4.3", f"the name service does not answer: {error}")
                continue
            except Unroutable as error:  # it is ourselves: only better ones may get it from us
                refused = refused if refused.status.startswith("4") else error
                break
            if hop is not None:
                found += 1
                yield replace(hop, domain=domain)
        if not found:
            raise refused

    def _exchangers(self, domain: str) -> tuple[list[str], bool]:
        try:
            answer = self._resolver.mx(domain)
        except Unavailable as error:
            raise Unroutable("4.4.3", f"the name service does not answer: {error}") from None
        if not answer.exists:
            raise Unroutable("5.1.2", f"there is no domain {domain}")
        if not answer.records:
            return [domain], answer.secure  # RFC 5321 §5.1: an implicit MX of preference 0
        if all(not host for _, host in answer.records):
            # RFC 7505 §3: "MX 0 ." takes no mail; beside others it is a mistake, and the others count.
            raise Unroutable("5.1.10", f"{domain} takes no mail (null MX)")
        usable: list[str] = []
        for _, same in groupby((pair for pair in answer.records if pair[1]), key=lambda pair: int(pair[0])):
            hosts = [str(host) for _, host in same]
            if any(self._is_self(host) for host in hosts):
                # RFC 5321 §5.1: we are one of them, so only better ones may get it from us.
                if not usable:
                    raise Unroutable("5.4.6", f"mail for {domain} leads back to this server, which does not take it")
                break
            random.shuffle(hosts)  # RFC 5321 §5.1: equal ones share the load
            usable += hosts
        return usable, answer.secure

    def _is_self(self, host: str) -> bool:
        return host == self._options.hostname.lower()

    def _hop(self, host: str, *, secure: bool, enforced: bool, careless: bool) -> Hop | None:
        """None: it has no address."""
        try:
            addresses: tuple[str, ...] = (str(ipaddress.ip_address(host)),)  # forbidden, and seen
            named = False
        except ValueError:
            answer = self._resolver.addresses(host)
            addresses, named = answer.records, answer.secure
        if not addresses:
            return None
        if not self._options.own_addresses.isdisjoint(addresses):
            raise Unroutable("5.4.6", f"{host} is this server itself, which does not take this mail")
        trust = Trust.VERIFIED if enforced else Trust.ANY
        safe = secure or enforced
        tlsa: tuple[dane.TLSA, ...] = ()
        if secure and named and not careless:
            # RFC 7672 §2.2: records count if all the way to them was validated; an answer that does not come
            # makes the server unusable (raised), or an attacker had only to hold it back.
            found = self._resolver.tlsa(host, self._options.port)
            if found.secure and found.records:
                tlsa = tuple(
                    one for one in found.records if one[0] in {2, 3} and one[1] in {0, 1} and one[2] in {0, 1, 2}
                )
                trust = Trust.DANE if tlsa else trust if enforced else Trust.ENCRYPTED
        return Hop(host, addresses, self._options.port, trust, tlsa, safe)

    def _smarthost(self, smarthost: Smarthost) -> Hop:
        try:
            rows = socket.getaddrinfo(smarthost.host, smarthost.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise Unroutable("4.4.3", f"the smarthost {smarthost.host} is not found: {error.strerror}") from None
        addresses = tuple(dict.fromkeys(str(row[4][0]) for row in rows))
        trust = Trust.ANY if smarthost.tls == "none" else Trust.VERIFIED
        return Hop(smarthost.host, addresses, smarthost.port, trust, (), True, smarthost)


def _literal(domain: str) -> str:
    """The address of a literal (RFC 5321 §4.1.3).

    Raises:
        Unroutable: it is none.
    """
    text = domain.removeprefix("[").removesuffix("]")
    if text.lower().startswith("ipv6:"):
        text = text[5:]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise Unroutable("5.1.2", f"{domain[:80]} is no address") from None
