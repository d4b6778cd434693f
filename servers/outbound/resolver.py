"""Questions to the DNS: what is there, whether it was validated, and whether one may ask again (RFC 1035, RFC 4035)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import dns.resolver

_LIFETIME_S: Final = 20.0
_CACHED: Final = 10_000
_RECORDS_MAX: Final = 100


class Unavailable(Exception):
    """No answer now: the servers are away, or the answer is bogus."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the DNS said of one name and type; no records may mean that there is no such name."""

    records: tuple[Any, ...]
    exists: bool
    """The name is there, whatever it has."""
    secure: bool
    """The resolver validated it, and is trusted to tell (AD bit)."""


class Resolver:
    """One process's door to the DNS; it remembers answers for their time to live. For all threads."""

    def __init__(self, servers: tuple[str, ...] = (), *, port: int = 53, trusted: bool = False) -> None:
        self._trusted: Final = trusted
        try:
            self._resolver = dns.resolver.Resolver(configure=not servers)
        except dns.resolver.NoResolverConfiguration:  # resolv.conf(5): then it is this machine
            self._resolver = dns.resolver.Resolver(configure=False)
            self._resolver.nameservers = ["127.0.0.1"]
        if servers:
            self._resolver.nameservers = list(servers)
            self._resolver.port = port
        self._resolver.cache = dns.resolver.LRUCache(_CACHED)
        self._resolver.lifetime = _LIFETIME_S
        self._resolver.search = []
        self._resolver.use_edns(0, dns.flags.DO if trusted else 0, 1232)
        # RFC 6840 §5.7: a query with AD asks for AD.
        self._resolver.flags = dns.flags.RD | (dns.flags.AD if trusted else 0)

    def mx(self, domain: str) -> Answer:
        """(preference, host) of the mail exchangers, best first."""
        answer = self._ask(domain, "MX")
        pairs = sorted((int(one.preference), _text(one.exchange)) for one in answer.records)
        return Answer(tuple(pairs), answer.exists, answer.secure)

    def addresses(self, host: str) -> Answer:
        """IPv4 addresses, then IPv6: fewer servers refuse the former for want of a reverse name.

        Raises:
            Unavailable: neither kind could be asked for; or one could not and the other has none.
        """
        found: list[str] = []
        exists, secure, failed = False, True, False
        for kind in ("A", "AAAA"):
            try:
                answer = self._ask(host, kind)
            except Unavailable:
                failed = True
                continue
            found.extend(one.address for one in answer.records)
            exists = exists or answer.exists
            secure = secure and answer.secure
        if failed and not found:
            raise Unavailable(host)
        return Answer(tuple(found), exists, secure)

    def tlsa(self, host: str, port: int) -> Answer:
        """(usage, selector, matching type, octets) for a host's TCP port (RFC 6698 §3)."""
        answer = self._ask(f"_{port}._tcp.{host}", "TLSA")
        rows = tuple((one.usage, one.selector, one.mtype, bytes(one.cert)) for one in answer.records)
        return Answer(rows, answer.exists, answer.secure)

    def txt(self, name: str) -> Answer:
        """Texts, the strings of each joined."""
        answer = self._ask(name, "TXT")
        texts = tuple(b"".join(one.strings).decode("latin-1") for one in answer.records)
        return Answer(texts, answer.exists, answer.secure)

    def _ask(self, name: str, kind: str) -> Answer:
        """Raises: Unavailable."""
        try:
            whole = dns.name.from_text(name, dns.name.root)
        except (dns.exception.DNSException, ValueError, UnicodeError):
            return Answer((), exists=False, secure=False)  # no name can be like this
        try:
            found = self._resolver.resolve(whole, kind, raise_on_no_answer=False, search=False)
        except dns.resolver.NXDOMAIN:
            # RFC 8020: nothing is below it either. Whether that was validated matters to nobody here.
            return Answer((), exists=False, secure=False)
        except (dns.exception.DNSException, OSError, ValueError) as error:
            raise Unavailable(f"{kind} of {name}: {type(error).__name__}") from error
        secure = self._trusted and bool(found.response.flags & dns.flags.AD)
        records = tuple(found.rrset)[:_RECORDS_MAX] if found.rrset is not None else ()
        return Answer(records, exists=True, secure=secure)


def _text(name: Any) -> str:
    return str(name.to_text(omit_final_dot=True)).lower() if name != dns.name.root else ""
