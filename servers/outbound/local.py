"""Mail in the queue that is for this desk after all: a report to a sender of ours, a forward within the house."""

from __future__ import annotations

import logging
from typing import Final

from servers.outbound.options import Options
from servers.outbound.transaction import writable
from servers.outbound.wire import Letter
from storage.errors import Busy, OverQuota, TooLarge
from storage.formats import imip, mail_header
from storage.mail import appending, delivery, recipients
from storage.outbound import domains
from storage.outbound.types import Lease, Outcome, Recipient, Result
from storage.scheduling import incoming
from storage.store import Store
from storage.types import SITE

log = logging.getLogger(__name__)


class Local:
    """Delivers to mailboxes of this desk; for all threads."""

    def __init__(self, store: Store, options: Options) -> None:
        self._store: Final = store
        self._options: Final = options

    def takes(self, domain: str) -> bool:
        """Whether a domain (in A-labels) is this desk's."""
        return domain in self._options.domains

    def deliver(self, lease: Lease, letter: Letter) -> list[Result]:
        """Put the mail into every recipient's mailbox."""
        return [self._one(lease, letter, one) for one in lease.recipients]

    def _one(self, lease: Lease, letter: Letter, to: Recipient) -> Result:
        if not (writable(to.address) and writable(lease.sender)):  # they go into the header
            return Result(to.id, Outcome.FAILED, "5.1.3", "this is no address")
        try:
            return self._deliver(lease, letter, to)
        except Exception:
            # Of several recipients the others have it: it must not be the whole that is tried again.
            log.exception("not delivered", extra={"queue": lease.id, "recipient": to.id})
            return Result(to.id, Outcome.DEFERRED, "4.3.0", "a mistake in this system")

    def _deliver(self, lease: Lease, letter: Letter, to: Recipient) -> Result:
        with self._store.read(SITE) as tx:
            found = recipients.find(tx, to.address, self._options.domains)
            if found is None and not to.address.isascii():
                found = recipients.find(tx, domains.plain(to.address), self._options.domains)
        if found is None:
            return Result(to.id, Outcome.FAILED, "5.1.1", "there is no such mailbox")
        # RFC 5321 §4.4: the last one writes down the reverse-path.
        path = f"Return-Path: <{lease.sender}>\r\nDelivered-To: {to.address}\r\n".encode("utf-8", "replace")
        try:
            spam = mail_header.found_spam(letter.header)
            delivery.deliver(self._store, appending.prepare(self._store, path + letter.data), found, spam=spam)
        except OverQuota:
            return Result(to.id, Outcome.DEFERRED, "4.2.2", "the mailbox is full")
        except TooLarge as error:
            return Result(to.id, Outcome.FAILED, "5.3.4", str(error))
        except Busy:
            return Result(to.id, Outcome.DEFERRED, "4.3.2", "the store is busy")
        log.info("delivered here", extra={"queue": lease.id, "account": found.account})
        if not spam and b"dmarc=fail" not in mail_header.judged(letter.header).lower():
            self._take(lease, letter, found)
        return Result(to.id, Outcome.DELIVERED, "2.0.0", "delivered here")

    def _take(self, lease: Lease, letter: Letter, to: recipients.Recipient) -> None:
        """A meeting that had to wait with its mail (MTG-05); one that was told before changes nothing."""
        try:
            meeting = imip.find(letter.data)
            if meeting is not None:
                incoming.take(self._store, to, meeting)
        except Exception:
            log.exception("meeting", extra={"queue": lease.id})  # the mail is there: it must not come again
