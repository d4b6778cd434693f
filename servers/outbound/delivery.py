"""One lease from beginning to end: read, signed, delivered here or elsewhere, settled, and its sender told."""

from __future__ import annotations

import logging
import threading
import time
from typing import Final

from servers.outbound import reports, wire
from servers.outbound.local import Local
from servers.outbound.options import Options
from servers.outbound.remote import Remote
from servers.outbound.signing import Signer
from servers.outbound.wire import Letter
from storage import principals
from storage.errors import Busy, NotFound
from storage.outbound import domains, queue
from storage.outbound.types import Lease, Notice, Outcome, Report, Result, Target
from storage.store import Store, Transaction
from storage.types import SITE

log = logging.getLogger(__name__)

_SETTLE_TRIES: Final = 8
_TELLING_TRIES: Final = 4
"""After so many, a report that cannot be written is left out rather than the mail delivered again and again."""
LARGE_OCTETS: Final = 8 * 1024 * 1024
"""Larger mails are delivered by a quarter of the threads at most: each takes several times its size in memory."""
LATER_S: Final = 15.0


class Delivery:
    """Carries leases out; for all threads."""

    def __init__(self, store: Store, options: Options, remote: Remote, local: Local, signer: Signer | None) -> None:
        self._store: Final = store
        self._options: Final = options
        self._remote: Final = remote
        self._local: Final = local
        self._signer: Final = signer
        self._large: Final = threading.BoundedSemaphore(max(1, options.threads // 4))

    def run(self, lease: Lease) -> None:
        """Deliver, and settle whatever came of it. Nothing is raised: what fails here is tried again later."""
        if lease.octets <= LARGE_OCTETS:
            self._run(lease)
        elif self._large.acquire(blocking=False):
            try:
                self._run(lease)
            finally:
                self._large.release()
        else:
            self._postpone(lease)

    def _postpone(self, lease: Lease) -> None:
        try:
            with self._store.write(SITE) as tx:
                queue.release(tx, [lease], not_before=tx.now + LATER_S)
        except Exception:
            log.exception("not postponed", extra={"queue": lease.id})  # the lease ends by itself

    def _run(self, lease: Lease) -> None:
        try:
            with self._store.read(SITE) as tx:
                data = queue.body(tx, lease.id)
        except NotFound:
            log.info("gone", extra={"queue": lease.id})  # taken out by the administrator, or its body is lost
            self._settle(lease, wire.letter(b""), self._failed(lease, "the message's body is gone"))
            return
        except Exception:
            log.exception("not read", extra={"queue": lease.id})
            return  # the lease ends by itself
        letter = wire.letter(data)
        try:
            results = self._deliver(lease, letter)
        except Exception:
            log.exception("attempt failed", extra={"queue": lease.id})
            results = self._failed(lease, "a mistake in the sending system")
        self._settle(lease, letter, results)

    def _deliver(self, lease: Lease, letter: Letter) -> list[Result]:
        if self._local.takes(lease.domain):
            return self._local.deliver(lease, letter)
        sign = self._signer.sign if lease.sign and self._signer is not None else _as_it_is
        return self._remote.deliver(lease, letter, sign)

    def _failed(self, lease: Lease, reason: str) -> list[Result]:
        return [Result(one.id, Outcome.DEFERRED, "4.3.0", reason) for one in lease.recipients]

    def _settle(self, lease: Lease, letter: Letter, results: list[Result]) -> None:
        """Write it down whatever it takes: what was delivered and is not settled is delivered twice."""
        for number in range(_SETTLE_TRIES):
            try:
                with self._store.write(SITE) as tx:
                    notices = queue.settle(tx, lease, results, self._options.schedule)
                    for report in Report if number < _TELLING_TRIES else ():
                        self._tell(tx, lease, letter, [one for one in notices if one.report is report])
            except Busy:
                time.sleep(2.0**number)
            except Exception:
                log.exception("not settled", extra={"queue": lease.id})
                time.sleep(2.0**number)
            else:
                break
        for one in results:
            log.info(
                one.outcome.value,
                extra={"queue": lease.id, "recipient": one.recipient, "status": one.status, "host": one.host},
            )

    def _tell(self, tx: Transaction, lease: Lease, letter: Letter, notices: list[Notice]) -> None:
        if not notices or not domains.of(lease.sender):  # a report must not be what stops its mail
            return
        language = principals.language_of(tx, lease.account)  # SYS-16; English for what others sent
        data = reports.compose(lease, letter, notices, self._options, tx.now, language)
        # RFC 3461 §6.1: a report asks for none itself.
        target = Target(lease.sender, notify="NEVER")
        queue.enqueue(
            tx,
            sender="",
            recipients=[target],
            data=data,
            requiretls=lease.requiretls,  # RFC 8689 §5: it is as secret as the mail that it is about
            smtputf8=lease.smtputf8,
            sign=True,
        )


def _as_it_is(letter: Letter) -> Letter:
    return letter
