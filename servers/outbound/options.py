"""What the deliverer is told at its start."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from storage.outbound.retries import Schedule


@dataclass(frozen=True, slots=True)
class Smarthost:
    """The one server that everything is handed to."""

    host: str
    port: int
    tls: Literal["none", "starttls", "implicit"] = "starttls"
    """Other than `none`: it must be there, and with a certificate for `host`."""
    login: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Options:
    """How this desk sends mail."""

    hostname: str
    """How it names itself to others."""
    domain: str
    """Where its postmaster is."""
    domains: frozenset[str]
    """Its own, in A-labels: what is for them is delivered here."""
    smarthost: Smarthost | None = None
    threads: int = 16
    per_destination: int = 4
    schedule: Schedule = field(default_factory=Schedule)
    resolvers: tuple[str, ...] = ()
    """Addresses of DNS servers; none is the system's."""
    resolver_port: int = 53
    dnssec: bool = False
    """They validate, and the way to them is safe: their AD bit counts (RFC 7672 §2.1)."""
    sts: bool = True
    """Ask for MTA-STS policies (RFC 8461)."""
    ca_file: str = ""
    """Trusted authorities, PEM; "" is the system's."""
    port: int = 25
    sts_port: int = 443
    own_addresses: frozenset[str] = frozenset()
    """Addresses under which this desk itself takes mail: an MX that leads there leads back."""
    command_s: float = 300.0
    """How long a server may take for one answer (RFC 5321 §4.5.3.2)."""
    final_s: float = 600.0
    """And for the one after the whole message."""
    connect_s: float = 30.0
