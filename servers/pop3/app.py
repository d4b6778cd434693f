"""The POP3 process: what makes a session of a client."""

from __future__ import annotations

from collections.abc import Callable

from conf.settings import Settings
from servers.line import start
from servers.line.session import Peer
from servers.line.start import open_store
from servers.pop3.connection import Connection
from storage.store import Store

__all__ = ["make", "open_store"]


def make(settings: Settings, store: Store) -> Callable[[Peer], Connection]:
    """Make a session for each client."""

    def session(peer: Peer) -> Connection:
        return Connection(store, peer, lambda tls: start.context(settings, store, peer, "pop3", encrypted=tls))

    return session
