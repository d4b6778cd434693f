"""The IMAP process: what makes a session of a client."""

from __future__ import annotations

from collections.abc import Callable

from conf.settings import Settings
from servers.imap.connection import Connection
from servers.imap.view import Shared
from servers.line import start
from servers.line.session import Peer
from servers.line.start import open_store
from storage.store import Store

__all__ = ["make", "open_store"]


def make(settings: Settings, store: Store) -> Callable[[Peer], Connection]:
    """Make a session for each client; what was read of mailboxes is common to them."""
    shared = Shared()

    def session(peer: Peer) -> Connection:
        return Connection(store, shared, peer, lambda tls: start.context(settings, store, peer, "imap", encrypted=tls))

    return session
