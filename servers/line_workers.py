"""Workers of a line protocol: processes that accept on the same sockets, forked before anything else is opened.

One process computes on one core at a time. Whatever a worker needs (threads, connections to the database, its loop) it
makes itself after the fork; what was imported before is shared memory. The first worker is the process itself: it
stops the others, and ends with an error if one of them ends, so that whoever supervises starts all of them anew.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import time
from typing import Final

from servers.parent import end_with_parent
from servers.process import require_free

log = logging.getLogger(__name__)

_LOOK_S: Final = 0.02


class Workers:
    """The other workers, as the first one knows them."""

    def __init__(self, children: list[int], *, first: bool) -> None:
        self._children: Final = children
        self.first: Final = first
        """Whether this process is the one that was started."""
        self.failed = False
        """One of them ended without being told to."""

    def look(self) -> bool:
        """Whether all of them work."""
        for child in tuple(self._children):
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                self._children.remove(child)
                self.failed = True
                log.error("worker ended", extra={"status": os.waitstatus_to_exitcode(status)})
        return not self.failed

    def stop(self) -> None:
        """Tell them to stop."""
        for child in self._children:
            os.kill(child, signal.SIGTERM)

    def join(self, patience_s: float) -> None:
        """Wait until they have stopped; whoever has not after `patience_s` seconds is killed."""
        end = time.monotonic() + patience_s
        while self._children:
            if time.monotonic() > end:
                for child in self._children:
                    os.kill(child, signal.SIGKILL)
                end += patience_s
            self._children[:] = [child for child in self._children if not os.waitpid(child, os.WNOHANG)[0]]
            time.sleep(_LOOK_S)


def fork(count: int) -> Workers:
    """Become `count` processes; no thread may run, and nothing be open that two processes cannot share."""
    if count > 1:
        gc.collect()
        gc.freeze()  # the collector leaves what the workers share untouched, so it stays shared
    parent = os.getpid()
    children: list[int] = []
    for _ in range(count - 1):
        child = os.fork()
        if not child:
            end_with_parent(parent, signal.SIGKILL)  # nobody is left to stop it; what it acknowledged is on disk
            if os.environ.get("LISTEN_PID") == str(parent):
                os.environ["LISTEN_PID"] = str(os.getpid())  # sd_listen_fds(3): the sockets are ours as well
            return Workers([], first=False)
        children.append(child)
    return Workers(children, first=True)


def listening(host: str, port: int, backlog: int) -> socket.socket:
    """A socket that all workers accept on.

    Raises:
        CannotListen: the address is taken, not ours, or not allowed.
    """
    require_free(host, port)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = family == socket.AF_INET6 and socket.has_dualstack_ipv6()  # "::" is everybody, IPv4 too
    made = socket.create_server((host, port), family=family, backlog=backlog, dualstack_ipv6=both)
    made.setblocking(False)
    return made
