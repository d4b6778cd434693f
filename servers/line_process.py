"""The processes of a line protocol: each has its store, its threads, the common doors, until it is told to stop."""

from __future__ import annotations

import gc
import importlib
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from conf.endpoints import Door, line_protocol
from conf.settings import Settings
from servers import certificate, endpoints, line_workers, log
from servers.line_workers import Workers
from servers.process import CannotListen, allow_files
from storage.bus import Bus
from storage.store import Store

logger = logging.getLogger(__name__)

BACKLOG: Final = 2048
_LOOK_S: Final = 1.0
_SWITCH_S: Final = 0.001
"""The loop waits no longer for a thread that computes: 5 ms, as is usual, would be felt."""
STOP_S: Final = 8.0
"""How long commands under way may take when the process is told to stop."""


def serve(settings: Settings, name: str, *, supervised: bool) -> None:
    """Serve the line protocol `name` until SIGTERM or SIGINT; a supervisor keeps endpoints.json itself.

    Raises:
        CannotListen: an address cannot be listened on, or the certificate cannot be used.
        SystemExit: a worker ended that was not told to.
    """
    log.configure(settings, name)
    protocol, line = line_protocol(name), settings.line(name)
    allow_files(2 * line.connections)
    module = importlib.import_module(protocol.module)
    tls = certificate.of(settings)
    sockets = {} if line.listen == "systemd" else _sockets(settings, name)
    workers = line_workers.fork(line.workers)
    _work(settings, name, module, tls, sockets, workers, supervised=supervised or not workers.first)
    if workers.failed:
        raise SystemExit(1)


def _work(
    settings: Settings,
    name: str,
    module: Any,
    tls: Any,
    sockets: Mapping[str, socket.socket],
    workers: Workers,
    *,
    supervised: bool,
) -> None:
    """One worker's life; the loop is imported here, for it cannot be shared by two processes."""
    from twisted.internet import reactor as loop
    from twisted.python.threadpool import ThreadPool

    from servers.line.limits import Limits
    from servers.line.listening import Listening
    from servers.line.transport import Kernel

    sys.setswitchinterval(_SWITCH_S)
    line = settings.line(name)
    store: Store = module.open_store(settings)
    bus = Bus(store)
    pool = ThreadPool(1, line.threads, name=name)
    reactor: Any = loop
    kernel = Kernel(reactor, pool, bus, tls, Limits(line.connections, line.connections_per_address))
    make = module.make(settings, store)
    proxies = settings.security.trusted_proxies if line.proxy_protocol else ()
    doors = [(door, Listening(kernel, make, door.name, door.tls, proxies)) for door in settings.doors(name)]
    ports = [_listen(reactor, sockets.get(door.name), door, factory) for door, factory in doors]
    pool.start()
    gc.collect()
    gc.freeze()
    # Mailboxes in memory are many small tuples without cycles: looking through them again and again takes longer
    # than all else.
    gc.set_threshold(100_000, 50, 100)
    stopping = _Stopping(reactor, pool, ports, [factory for _, factory in doors], workers)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: reactor.callFromThread(stopping.begin))
    if workers.first:
        logger.info("serving", extra={"doors": ",".join(door.name for door, _ in doors), "workers": line.workers})
        reactor.callLater(_LOOK_S, stopping.watch)
    if not supervised:
        endpoints.put(settings, {name: os.getpid()})
    try:
        reactor.run(installSignalHandlers=False)
    finally:
        if not supervised:
            endpoints.drop(settings, {name})
        bus.close()
        store.close()
        workers.join(STOP_S)
    logger.info("stopped")


def _sockets(settings: Settings, name: str) -> dict[str, socket.socket]:
    """What the workers accept on, by door."""
    return {
        door.name: line_workers.listening(*settings.line_address(name, door), BACKLOG) for door in settings.doors(name)
    }


def _listen(reactor: Any, opened: socket.socket | None, door: Door, factory: Any) -> Any:
    """Open a door: accept on a socket of ours, else on the one that systemd opened."""
    if opened is None:
        from twisted.internet import endpoints as descriptions

        found: list[Any] = []
        make: Any = descriptions.serverFromString
        deferred = make(reactor, f"systemd:domain=INET:name={door.name}").listen(factory)
        deferred.addCallbacks(found.append, lambda failure: found.append(failure.value))
        if not found or isinstance(found[0], Exception):
            raise CannotListen(f"systemd gave no socket named {door.name}: FileDescriptorName= in its .socket unit")
        return found[0]
    port = reactor.adoptStreamPort(opened.fileno(), opened.family, factory)
    opened.close()  # the loop has its own descriptor, and closes it when this worker stops
    return port


class _Stopping:
    """No new connections, a last word to those that wait, and time for what is under way."""

    def __init__(self, reactor: Any, pool: Any, ports: list[Any], factories: list[Any], workers: Workers) -> None:
        self._reactor: Final = reactor
        self._pool: Final = pool
        self._ports: Final = ports
        self._factories: Final = factories
        self._workers: Final = workers
        self._begun = False

    def watch(self) -> None:
        """Stop when another worker has ended: whoever supervises starts all of them again."""
        if self._begun:
            return
        if self._workers.look():
            self._reactor.callLater(_LOOK_S, self.watch)
        else:
            self.begin()

    def begin(self) -> None:
        if self._begun:
            return
        self._begun = True
        self._workers.stop()
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
