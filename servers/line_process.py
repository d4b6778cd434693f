"""One process of a line protocol: its store, its threads, its doors, until it is told to stop."""

from __future__ import annotations

import gc
import importlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any, Final

from conf.endpoints import Door, line_protocol
from conf.settings import Settings
from servers import certificate, endpoints, log
from servers.process import CannotListen, allow_files, require_free
from storage.bus import Bus
from storage.store import Store

logger = logging.getLogger(__name__)

BACKLOG: Final = 2048
_SWITCH_S: Final = 0.001
"""The loop waits no longer for a thread that computes: 5 ms, as is usual, would be felt."""
STOP_S: Final = 8.0
"""How long commands under way may take when the process is told to stop."""


def serve(settings: Settings, name: str, *, supervised: bool) -> None:
    """Serve the line protocol `name` until SIGTERM or SIGINT; a supervisor keeps endpoints.json itself.

    Raises:
        CannotListen: an address cannot be listened on, or the certificate cannot be used.
    """
    from twisted.internet import reactor as loop
    from twisted.python.threadpool import ThreadPool

    from servers.line.limits import Limits
    from servers.line.listening import Listening
    from servers.line.transport import Kernel

    log.configure(settings, name)
    sys.setswitchinterval(_SWITCH_S)
    protocol, line = line_protocol(name), settings.line(name)
    allow_files(2 * line.connections)
    module = importlib.import_module(protocol.module)
    store: Store = module.open_store(settings)
    bus = Bus(store)
    pool = ThreadPool(1, line.threads, name=name)
    reactor: Any = loop
    kernel = Kernel(
        reactor, pool, bus, certificate.of(settings), Limits(line.connections, line.connections_per_address)
    )
    make = module.make(settings, store)
    proxies = settings.security.trusted_proxies if line.proxy_protocol else ()
    doors = [(door, Listening(kernel, make, door.name, door.tls, proxies)) for door in settings.doors(name)]
    ports = [_listen(reactor, settings, name, door, factory) for door, factory in doors]
    pool.start()
    gc.collect()
    gc.freeze()
    # Mailboxes in memory are many small tuples without cycles: looking through them again and again takes longer
    # than all else.
    gc.set_threshold(100_000, 50, 100)
    stopping = _Stopping(reactor, pool, ports, [factory for _, factory in doors])
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: reactor.callFromThread(stopping.begin))
    logger.info("serving", extra={"doors": ",".join(door.name for door, _ in doors)})
    if not supervised:
        endpoints.put(settings, {name: os.getpid()})
    try:
        reactor.run(installSignalHandlers=False)
    finally:
        if not supervised:
            endpoints.drop(settings, {name})
        bus.close()
        store.close()
    logger.info("stopped")


def _listen(reactor: Any, settings: Settings, name: str, door: Door, factory: Any) -> Any:
    """Open a door; the address was tried before, for Twisted would only say so later."""
    if settings.line(name).listen == "systemd":
        from twisted.internet import endpoints as descriptions

        found: list[Any] = []
        make: Any = descriptions.serverFromString
        deferred = make(reactor, f"systemd:domain=INET:name={door.name}").listen(factory)
        deferred.addCallbacks(found.append, lambda failure: found.append(failure.value))
        if not found or isinstance(found[0], Exception):
            raise CannotListen(f"systemd gave no socket named {door.name}: FileDescriptorName= in its .socket unit")
        return found[0]
    host, port = settings.line_address(name, door)
    require_free(host, port)
    return reactor.listenTCP(port, factory, backlog=BACKLOG, interface=host)


class _Stopping:
    """No new connections, a last word to those that wait, and time for what is under way."""

    def __init__(self, reactor: Any, pool: Any, ports: list[Any], factories: list[Any]) -> None:
        self._reactor: Final = reactor
        self._pool: Final = pool
        self._ports: Final = ports
        self._factories: Final = factories
        self._begun = False

    def begin(self) -> None:
        if self._begun:
            return
        self._begun = True
        for port in self._ports:
            port.stopListening()
        for factory in self._factories:
            factory.stop()
        self._until = self._reactor.seconds() + STOP_S
        self._look()

    def _look(self) -> None:
        if any(len(factory) for factory in self._factories) and self._reactor.seconds() < self._until:
            self._reactor.callLater(0.05, self._look)
            return
        # Threads that still work end with the process; what they acknowledged is on disk.
        threading.Thread(target=self._join, daemon=True).start()

    def _join(self) -> None:
        stopped: Callable[[], None] = self._pool.stop
        waiter = threading.Thread(target=stopped, daemon=True)
        waiter.start()
        waiter.join(2.0)
        self._reactor.callFromThread(self._reactor.stop)
