"""One door of a process: it admits connections, and knows those that are open."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Collection
from typing import Any, Final

from twisted.internet.protocol import Factory

from servers.line.session import Peer, Session
from servers.line.transport import Connection, Kernel


class Listening(Factory):
    """Makes a connection for each client."""

    noisy = False

    def __init__(
        self, kernel: Kernel, make: Callable[[Peer], Session], listener: str, tls: str, proxies: Collection[str]
    ) -> None:
        """`proxies` are the addresses that speak the PROXY protocol and whose word is believed; () is nobody."""
        self._kernel: Final = kernel
        self._make: Final = make
        self._proxies: Final = frozenset(proxies)
        self._open: Final[set[Connection]] = set()
        self.listener: Final = listener
        self.tls: Final = tls

    def buildProtocol(self, addr: Any) -> Connection:
        host, port = str(getattr(addr, "host", "")), int(getattr(addr, "port", 0))
        return Connection(self._kernel, self, host, port, proxied=host in self._proxies)

    def session(self, address: str, port: int) -> Session:
        """A session for a client that was admitted."""
        can = self.tls == "starttls" and self._kernel.certificate is not None
        return self._make(Peer(address, port, is_loopback(address), self.tls == "implicit", self.listener, can))

    def admit(self, connection: Connection, address: str) -> bool:
        """Count a connection; False if it is one too many in all, or from its address."""
        if not self._kernel.limits.admit(address, exempt=is_loopback(address)):
            return False
        self._open.add(connection)
        return True

    def release(self, connection: Connection, address: str) -> None:
        """An admitted connection is gone."""
        self._open.discard(connection)
        self._kernel.limits.release(address)

    def stop(self) -> None:
        """Close all connections."""
        for one in tuple(self._open):
            one.stop()

    def __len__(self) -> int:
        return len(self._open)


def is_loopback(host: str) -> bool:
    """Whether an address is this very machine, as a local socket is."""
    if not host:
        return True
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_loopback
