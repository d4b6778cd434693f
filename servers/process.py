"""One process per protocol: load its application, then let granian serve it from forked workers.

The application's modules are imported before the fork and their memory is shared by the workers
(docs/decisions/0040); everything with a state of its own (connections, caches) is made after it, by `make`.
"""

from __future__ import annotations

import errno
import gc
import importlib
import logging
import os
import resource
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

from conf.endpoints import protocol
from conf.settings import Settings
from servers import endpoints, log, memory, renewal
from servers.parent import end_with_parent

logger = logging.getLogger(__name__)

BACKLOG: Final = 2048
"""A burst of connections waits here and is not answered with a stall of one second."""
CONNECTIONS: Final = 8192
"""Open connections of one worker, idle ones counted: granian accepts no more (it calls that backpressure)."""
IDLE_S: Final = 30
"""How long a header may take, and a kept connection may rest between two requests."""
MAX_HEADER_OCTETS: Final = 128 * 1024
STOP_S: Final = 10
"""How long the requests under way may take when the process is told to stop."""


DEAD_S: Final = 300
"""A peer that is silently gone, or takes nothing of its answer for so long, gives the thread back that works for it."""


class CannotListen(Exception):
    """The address is taken or is not this machine's; the text says which and why."""


def serve(settings: Settings, name: str, *, supervised: bool) -> None:
    """Serve the protocol `name` until SIGTERM or SIGINT; a supervisor keeps endpoints.json itself.

    Raises:
        CannotListen: its address cannot be listened on.
    """
    host, port = settings.address(name)
    require_free(host, port)
    module = protocol(name).module
    importlib.import_module(module)
    if not supervised:
        threading.Thread(target=_announce, args=(settings, name, host, port), daemon=True).start()
    try:
        run(settings, name, partial(_application, module))
    finally:
        if not supervised:
            endpoints.drop(settings, {name})


def run(settings: Settings, name: str, make: Callable[[Settings], Any]) -> None:
    """Serve the WSGI application that `make(settings)` gives in each worker, where `name` listens."""
    from granian.constants import HTTPModes, Interfaces, SSLProtocols
    from granian.http import HTTP1Settings
    from granian.log import LogLevels
    from granian.server.mp import MPServer

    host, port = settings.address(name)
    listener = settings.listener(name)
    asynchronous = protocol(name).interface == "asgi"
    certificate = _certificate(settings) if listener.tls else (None, None)
    server = MPServer(
        name,
        address=host,
        port=port,
        interface=Interfaces.ASGINL if asynchronous else Interfaces.WSGI,
        http=HTTPModes.auto if listener.tls else HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=IDLE_S * 1000, max_buffer_size=MAX_HEADER_OCTETS),
        workers=listener.workers,
        blocking_threads=1 if asynchronous else listener.threads,
        backlog=BACKLOG,
        backpressure=CONNECTIONS,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_S,
        log_level=LogLevels.error,
        log_dictconfig=_QUIET,
        ssl_cert=certificate[0],
        ssl_key=certificate[1],
        ssl_protocol_min=SSLProtocols.tls12,  # SYS-05
    )
    log.configure(settings, name)
    memory.give_back()
    allow_files(2 * CONNECTIONS)
    logger.info("serving", extra={"address": f"{host}:{port}", "workers": listener.workers})
    gc.collect()
    gc.freeze()  # the collector leaves what the workers share untouched, so it stays shared
    if listener.tls:
        renewal.watch(server, Path(settings.tls.certificate), Path(settings.tls.key), renewal.LOOK_S)
    server.serve(target_loader=partial(_worker, make, settings, os.getpid(), port, asynchronous), wrap_loader=False)
    logger.info("stopped")


_QUIET: Final[dict[str, Any]] = {
    "formatters": {},
    "handlers": {},
    "loggers": {"_granian": {"handlers": [], "propagate": True}},
}
"""granian's own log goes our way (only what went wrong); the access log is the kernel's."""


def _worker(
    make: Callable[[Settings], Any], settings: Settings, parent: int, port: int, asynchronous: bool
) -> Any:
    """Run in the worker, after the fork: what `make` opens is this worker's alone."""
    end_with_parent(parent, signal.SIGKILL)  # nobody is left to see that it ends; what it acknowledged is on disk
    if not asynchronous:  # phones that wait cost no thread there, and being asked whether they live costs them battery
        threading.Thread(target=_give_up_the_dead, args=(port,), name="dead-peers", daemon=True).start()
    return make(settings)


def _application(module: str, settings: Settings) -> Any:
    return importlib.import_module(module).make(settings)


def _certificate(settings: Settings) -> tuple[Path, Path]:
    """The files of [tls], tried as granian will.

    Raises:
        CannotListen: they cannot be read, or do not belong together.
    """
    certificate, key = Path(settings.tls.certificate), Path(settings.tls.key)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except OSError as error:  # SSLError too
        raise CannotListen(f"the certificate {certificate} with the key {key}: {error.strerror or error}") from None
    return certificate, key


def _announce(settings: Settings, name: str, host: str, port: int) -> None:
    """Enter this process into endpoints.json as soon as it listens."""
    while not endpoints.answers(host, port):
        time.sleep(0.02)
    endpoints.put(settings, {name: os.getpid()})


def allow_files(count: int) -> None:
    """Raise the limit of open files to `count`, as far as this process may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _give_up_the_dead(port: int) -> None:
    """Let the kernel end connections whose peer is gone; what is accepted inherits it from what listens (tcp(7)).

    A thread that reads a body waits for ever otherwise: TCP itself says nothing when a network went away.
    granian opens its socket itself, a moment after this began.
    """
    while not (found := list(_listening(port))):
        time.sleep(0.02)
    for one in found:
        with one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, DEAD_S // 5)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, DEAD_S // 10)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 8)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_S * 1000)


def _listening(port: int) -> Iterator[socket.socket]:
    """This process's sockets that listen there, on descriptors that are the caller's to close."""
    for name in os.listdir("/proc/self/fd"):
        try:
            if not os.readlink(f"/proc/self/fd/{name}").startswith("socket:"):
                continue
            one = socket.socket(fileno=os.dup(int(name)))
        except OSError:  # closed meanwhile
            continue
        try:
            wanted = one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) and one.getsockname()[1] == port
        except (OSError, IndexError):
            wanted = False
        if wanted:
            yield one
        else:
            one.close()


_ADVICE: Final = {
    errno.EADDRINUSE: "; is this desk running already? Another port_base gives it other ports",
    errno.EACCES: "; below 1024 it needs a right, see docs/operations/systemd.md and install.md, or another port",
    errno.EADDRNOTAVAIL: "; no interface of this machine has this address: see `ip address`",
}


def require_free(host: str, port: int) -> None:
    """Refuse an address that somebody listens on: the workers' SO_REUSEPORT would share it without a word.

    Raises:
        CannotListen: it is taken, not ours, or not allowed.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            advice = _ADVICE.get(error.errno or 0, "")
            raise CannotListen(f"cannot listen on {host} port {port}: {error.strerror}{advice}") from None
