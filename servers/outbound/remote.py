"""A lease's mail to other servers: hop by hop, address by address, until one takes it or all said no."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from servers.outbound import session
from servers.outbound.dialogue import Broken
from servers.outbound.options import Options
from servers.outbound.routes import Hop, Router, Trust, Unroutable
from servers.outbound.session import Refused, Untrusted
from servers.outbound.transaction import Lost, Sign, Transaction, Unfit, writable
from servers.outbound.wire import Letter
from storage.outbound.types import Lease, Outcome, Recipient, Result

log = logging.getLogger(__name__)

ADDRESSES_MAX: Final = 6
"""Connections of one attempt (RFC 5321 §5.1: at least two)."""
_SECURE: Final = {Trust.VERIFIED, Trust.DANE}


class Remote:
    """Delivers to others; for all threads."""

    def __init__(self, options: Options, router: Router) -> None:
        self._options: Final = options
        self._router: Final = router

    def deliver(self, lease: Lease, letter: Letter, sign: Sign) -> list[Result]:
        """Try to hand the mail over; what is missing in the answer is to be tried again at once."""
        good = [one for one in lease.recipients if writable(one.address)]
        results = [
            Result(one.id, Outcome.FAILED, "5.1.3", "this is no address") for one in lease.recipients if one not in good
        ]
        if not writable(lease.sender):
            return [Result(one.id, Outcome.FAILED, "5.1.7", "the sender is no address") for one in lease.recipients]
        return results + (self._try(lease, letter, sign, good) if good else [])

    def _try(self, lease: Lease, letter: Letter, sign: Sign, recipients: Sequence[Recipient]) -> list[Result]:
        demanding = lease.requiretls and bool(lease.sender)  # RFC 8689 §4.2.1
        careless = not lease.requiretls and letter.field("TLS-Required").lower() == "no"
        left = list(recipients)
        results: list[Result] = []
        last = Refused("4.4.1", "no server could be reached")
        last_host = ""
        deferred: dict[int, Result] = {}
        tried = 0
        try:
            for hop in self._router.hops(lease.domain, careless=careless):
                if demanding:
                    if not (hop.safe_name or _is_literal(hop.host)):
                        last, last_host = Untrusted("5.7.10", f"nobody vouches for the name {hop.host}"), ""
                        continue
                    hop = replace(hop, trust=hop.trust if hop.trust in _SECURE else Trust.VERIFIED)
                for address in hop.addresses:
                    if tried >= ADDRESSES_MAX:
                        break
                    tried += 1
                    last_host = hop.host
                    try:
                        found, uncertain = self._hand_over(hop, address, lease, letter, sign, left, demanding=demanding)
                    except Unfit as error:
                        results += self._all(
                            [one for one in left if one.id not in deferred], error.status, str(error), ""
                        )
                        return results + list(deferred.values())
                    except Lost as error:
                        results += error.results
                        settled = {one.recipient for one in error.results}
                        left = [one for one in left if one.id not in settled]
                        deferred = {number: one for number, one in deferred.items() if number not in settled}
                        last = Refused("4.4.2", str(error))
                        continue
                    except Untrusted as error:
                        last = error
                        break  # its other addresses are the same server
                    except Refused as error:
                        last = error
                        continue
                    except (Broken, OSError) as error:
                        last = Refused("4.4.1", f"{address}: {_words(error)}")
                        continue
                    # RFC 5321 §5.1: who is not taken now may be taken by the next server.
                    later = {one.recipient: one for one in found if one.outcome is Outcome.DEFERRED}
                    if uncertain or not later:
                        return results + found
                    results += [one for one in found if one.recipient not in later]
                    deferred = later
                    left = [one for one in left if one.id in later]
                    break
                if tried >= ADDRESSES_MAX:
                    break
        except Unroutable as error:
            results += self._all([one for one in left if one.id not in deferred], error.status, str(error), "")
            return results + list(deferred.values())
        if demanding and isinstance(last, Untrusted) and not last.status.startswith("5"):
            last = Untrusted("5.7.10", last.reply)  # RFC 8689 §4.2.1: returned, not tried again
        results += self._all([one for one in left if one.id not in deferred], last.status, last.reply, last_host)
        return results + list(deferred.values())

    def _hand_over(
        self,
        hop: Hop,
        address: str,
        lease: Lease,
        letter: Letter,
        sign: Sign,
        recipients: Sequence[Recipient],
        *,
        demanding: bool,
    ) -> tuple[list[Result], bool]:
        """What became of each recipient, and whether the server may have the mail in spite of that."""
        dialogue = session.begin(hop, address, self._options)
        try:
            if demanding and not dialogue.has_extn("requiretls"):
                raise Untrusted("5.7.30", f"{hop.host} does not support REQUIRETLS")
            times = (self._options.command_s, self._options.final_s)
            transaction = Transaction(dialogue, lease, letter, sign, times=times)
            found = transaction.run(recipients)
        finally:
            dialogue.finish()
        log.info(
            "attempt",
            extra={
                "queue": lease.id,
                "host": hop.host,
                "address": address,
                "tls": dialogue.secure,
                "trust": hop.trust.value,
                "delivered": sum(one.outcome is Outcome.DELIVERED for one in found),
                "recipients": len(recipients),
            },
        )
        return found, transaction.uncertain

    def _all(self, recipients: Sequence[Recipient], status: str, reply: str, host: str) -> list[Result]:
        outcome = Outcome.FAILED if status.startswith("5") else Outcome.DEFERRED
        return [Result(one.id, outcome, status, reply, host) for one in recipients]


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "timed out"
    return (error.strerror if isinstance(error, OSError) and error.strerror else str(error)) or type(error).__name__
