"""Where an address leads: to accounts of the desk, by its aliases, or to others (MSG-66, SMTP-08)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from storage.mail import delivery, recipients
from storage.mail.recipients import Recipient
from storage.outbound import domains
from storage.store import Store, Transaction
from storage.types import SITE, PrincipalId

_ROLES: Final = frozenset({"postmaster", "abuse", "mailer-daemon"})
_DEPTH_MAX: Final = 5
ALIAS: Final = re.compile(r"(\S+?)\s*[:=]\s*(\S.*)\Z")


@dataclass(frozen=True, slots=True)
class Site:
    """The settings of one process."""

    hostname: str
    domains: tuple[str, ...]
    """The desk's own, the main one first, lower case."""
    aliases: Mapping[str, tuple[str, ...]]
    """Address in lower case, "@domain" for all that nobody else has, to logins and addresses."""
    recipients_max: int = 1_000


@dataclass(frozen=True, slots=True)
class Destination:
    """Where one recipient's mail goes."""

    here: tuple[Recipient, ...]
    elsewhere: tuple[str, ...]
    """Addresses of others that an alias names."""
    full: bool = False
    """One of the accounts has no room for what was asked."""

    def __bool__(self) -> bool:
        return bool(self.here or self.elsewhere)


def find(store: Store, site: Site, address: str, *, octets: int | None = None) -> Destination:
    """The accounts behind an address of the desk, its aliases followed; empty if there is nobody.

    With `octets`, it is looked in the same moment whether a mail of that size would fit (MSG-62).
    """
    here: dict[PrincipalId, Recipient] = {}
    elsewhere: dict[str, None] = {}
    with store.read(SITE) as tx:
        _follow(tx, site, address, address, here, elsewhere, 0)
        full = octets is not None and any(
            one.limited and not delivery.would_fit(replace(tx, actor=one.actor), octets) for one in here.values()
        )
    return Destination(tuple(here.values()), tuple(elsewhere), full)


def direct(store: Store, site: Site, recipient: Recipient) -> str:
    """An address that leads to this account without any alias: the one that was written, if it does."""
    with store.read(SITE) as tx:
        found = recipients.find(tx, recipient.address, site.domains)
        if found is not None and found.account == recipient.account:
            return recipient.address
        own = recipients.sender_addresses(tx, recipient.account, recipient.login, site.domains)
        return own[0] if own else recipient.address


def is_own(site: Site, address: str) -> bool:
    """Whether the desk is responsible for an address's domain; "postmaster" alone is everybody's."""
    return "@" not in address or _spelled(site, address.rpartition("@")[2]) in site.domains


def _spelled(site: Site, domain: str) -> str:
    """A domain as the desk writes it, if it is one of its own: in U-labels and A-labels it is the same (RFC 5890)."""
    plain = domain.lower().removesuffix(".")
    if plain in site.domains or (plain.isascii() and "xn--" not in plain):
        return plain
    labels = domains.a_labels(plain)
    return next((one for one in site.domains if domains.a_labels(one) == labels), plain)


def _follow(
    tx: Transaction,
    site: Site,
    address: str,
    written: str,
    here: dict[PrincipalId, Recipient],
    elsewhere: dict[str, None],
    depth: int,
) -> None:
    if "@" not in address:
        address = f"{address}@{site.domains[0]}"
    lower = address.lower()
    local, _, domain = lower.rpartition("@")
    domain = _spelled(site, domain)
    if not lower.endswith(f"@{domain}"):
        lower = address = f"{local}@{domain}"
    plain = f"{local.partition('+')[0]}@{domain}"
    targets = site.aliases.get(lower) or site.aliases.get(plain)
    if targets is None:
        if domain not in site.domains:
            elsewhere[address] = None
            return
        found = recipients.find(tx, address, site.domains)
        if found is not None:
            here.setdefault(found.account, found if written == found.address else replace(found, address=written))
            return
        targets = site.aliases.get(f"@{domain}")
        if targets is None and local in _ROLES:
            oldest = recipients.oldest(tx)  # RFC 5321 §4.5.1: somebody must read it
            targets = (oldest,) if oldest else None
    if targets is None or depth >= _DEPTH_MAX:
        return
    for target in targets:
        if target.lower() != lower:
            _follow(tx, site, target, written, here, elsewhere, depth + 1)


def read_aliases(lines: tuple[str, ...], domain: str) -> dict[str, tuple[str, ...]]:
    """`info: alice bob@example.org`, one each; a name without a domain is the main domain's, "@domain" is the rest."""
    found: dict[str, tuple[str, ...]] = {}
    for line in lines:
        match = ALIAS.match(line.strip())
        if match is None:
            continue
        name = match[1].lower()
        name = name if "@" in name else f"{name}@{domain}"
        found[name] = tuple(re.split(r"[,\s]+", match[2].strip()))
    return found
