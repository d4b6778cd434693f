"""The SMTP process: what makes a session of a client, by the door that it came through."""

from __future__ import annotations

from collections.abc import Callable

from conf.settings import Settings
from servers.line import start
from servers.line.session import Peer
from servers.line.start import open_store
from servers.smtp.checks import Checks, resolver
from servers.smtp.connection import Connection
from storage.mail.routing import Site, read_aliases
from storage.store import Store

__all__ = ["make", "open_store"]


def make(settings: Settings, store: Store) -> Callable[[Peer], Connection]:
    """Make a session for each client."""
    smtp, mail = settings.smtp, settings.mail
    site = Site(
        settings.mail_hostname,
        settings.mail_domains,
        read_aliases(mail.aliases, settings.domain.lower()),
        smtp.recipients_max,
    )
    checks = Checks(
        store,
        settings.mail_hostname,
        resolver(),
        verify=smtp.verify,
        refuse=smtp.refuse_by_dmarc,
        spam_filter=smtp.spam_filter,
        greylisting=smtp.greylisting,
    )

    def session(peer: Peer) -> Connection:
        # Who comes from this machine is a front or a program of it: nothing is asked about it.
        checked = checks if peer.listener == "mx" and not peer.loopback else None
        return Connection(
            store, site, peer, lambda tls: start.context(settings, store, peer, "submission", encrypted=tls), checked
        )

    return session
