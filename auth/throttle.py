"""Failed logins wait longer and longer, counted per account and per address for all processes (SYS-17).

The first failures are free, for people mistype. After them each one doubles the wait. An attempt
during a wait is neither tried nor counted, so that nobody can keep an account locked for ever.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from auth.errors import Throttled
from storage import credentials
from storage.credentials import Failures
from storage.store import Transaction

DELAY_FIRST_S: Final = 2.0
_PURGE_EVERY: Final = 64
_DOUBLINGS_MAX: Final = 30


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings `[throttle]`; counts and seconds."""

    account_failures: int = 10
    address_failures: int = 50
    window_s: float = 900.0
    verified_s: float = 60.0
    """How long a process may remember a verified password; 0 is not at all."""


DEFAULT: Final = Policy()


def account_key(login: str) -> str:
    """The key of an account, also of one that does not exist: both wait alike."""
    return f"login:{login[:320]}"


def address_key(address: str) -> str:
    """The key of a peer's address, an IPv6 network of 64 bits as one; "" where none is counted.

    Loopback is not: there sits the site's own proxy, and one attacker behind it would lock out all.
    """
    try:
        peer = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(peer, ipaddress.IPv6Address):
        if peer.ipv4_mapped is not None:
            peer = peer.ipv4_mapped
        elif not peer.is_loopback:
            return f"address:{ipaddress.ip_network((peer, 64), strict=False)}"
    return "" if peer.is_loopback else f"address:{peer}"


def check(tx: Transaction, keys: Sequence[str], now: float, *, exempt: str = "") -> frozenset[str]:
    """Pass if none of `keys` must wait, `exempt` apart; return those that have failures.

    Raises:
        Throttled: one must wait.
    """
    held = credentials.failures(tx, [key for key in keys if key])
    waits = [row.until for key, row in held.items() if key != exempt]
    if waits:
        refuse_until(max(waits), now)
    return frozenset(held)


def refuse_until(until: float | None, now: float) -> None:
    """Pass if the wait is over.

    Raises:
        Throttled: it is not.
    """
    if until is not None and until > now:
        raise Throttled(max(1, math.ceil(until - now)))


def count(tx: Transaction, account: str, address: str, policy: Policy) -> None:
    """Count one failure under both keys, and set how long the next attempt must wait."""
    now = tx.now
    free = {account: policy.account_failures, address: policy.address_failures}
    free.pop("", None)
    held = credentials.failures(tx, list(free))
    rows: dict[str, Failures] = {}
    for key, tries in free.items():
        before = held.get(key)
        if before is None or (before.first + policy.window_s < now and before.until + policy.window_s < now):
            before = Failures(0, now, 0.0)
        number = before.number + 1
        rows[key] = Failures(number, before.first, now + _delay(number - tries, policy))
    credentials.put_failures(tx, rows)
    if any(row.number % _PURGE_EVERY == 1 for row in rows.values()):
        credentials.forget_failures(tx, (), older_than=now - policy.window_s)


def succeed(tx: Transaction, account: str) -> None:
    """Forget an account's failures: its owner is there. The address's are not forgotten."""
    credentials.forget_failures(tx, (account,))


def _delay(beyond: int, policy: Policy) -> float:
    """Seconds to wait after the failure number `beyond` counted from the last free one."""
    if beyond < 0:
        return 0.0
    return min(DELAY_FIRST_S * 2.0 ** min(beyond, _DOUBLINGS_MAX), policy.window_s)
