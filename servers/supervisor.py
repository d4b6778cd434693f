"""`escritoire serve`: one process per protocol; what dies is started again, what is stopped stops cleanly."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from conf.endpoints import HTTP_PROTOCOLS, LINE_PROTOCOLS, WORKERS
from conf.settings import Settings
from servers import endpoints, front, log, process
from servers.parent import bound_to_this_process

logger = logging.getLogger(__name__)

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 60.0
STEADY_S: Final = 60.0
"""A process that ran so long is healthy: its next end counts as the first."""
PATIENCE_S: Final = process.STOP_S + 5.0
"""How long processes may take to stop before they are killed."""

SUPERVISED: Final = "ESCRITOIRE_SUPERVISED"
"""Environment variable that tells a protocol's process that somebody keeps endpoints.json."""

_STOP: Final = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
_ALL: Final = _STOP | {signal.SIGCHLD}


def names(settings: Settings) -> tuple[str, ...]:
    """What `serve` runs when it is not told: every enabled protocol, the workers, then the front."""
    enabled = tuple(one.name for one in HTTP_PROTOCOLS if settings.listener(one.name).enabled)
    enabled += tuple(one.name for one in LINE_PROTOCOLS if settings.line(one.name).enabled)
    enabled += ("jobs",) if settings.jobs.enabled else ()
    enabled += ("outbound",) if settings.outbound.enabled else ()
    return (*enabled, "front") if settings.front.enabled else enabled


def supervise(settings: Settings, chosen: Sequence[str], *, when_ready: Callable[[], None] | None = None) -> int:
    """Run the processes `chosen` until a signal says stop; return the exit status.

    It is 1 when one of them ended before all listened: that is a mistake to mend, not an accident to repair.
    `when_ready` is called once, when everything listens.

    Raises:
        CannotListen, NoCaddy: nothing was started.
    """
    for name in chosen:
        for host, port in _addresses(settings, name):
            process.require_free(host, port)
    log.configure(settings, "supervisor")
    children = [_Child(name, _command(settings, name), _addresses(settings, name)) for name in chosen]
    signal.pthread_sigmask(signal.SIG_BLOCK, _ALL)
    try:
        return _Supervision(settings, children, when_ready).run()
    finally:
        endpoints.drop(settings, set(chosen))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ALL)


@dataclass(slots=True)
class _Child:
    """One protocol's process, living or between two lives."""

    name: str
    command: list[str]
    addresses: list[tuple[str, int]]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    ready: bool = False
    ends: int = 0
    """Ends in a row without a steady life between them."""
    due: float = 0.0
    """When to start it (monotonic clock)."""

    def start(self, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            env=environment,
            process_group=0,  # Ctrl-C in a terminal reaches the supervisor alone, which stops all in order
            preexec_fn=bound_to_this_process(frozenset(_ALL)),
        )
        self.started = time.monotonic()
        self.ready = False

    def ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def bury(self) -> float:
        """Forget the ended process; return the pause before its next start, in seconds."""
        now = time.monotonic()
        self.ends = 1 if now - self.started >= STEADY_S else self.ends + 1
        pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(self.ends - 1, 16))
        self.process, self.ready, self.due = None, False, now + pause
        return pause

    def signal_group(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, number)


@dataclass(slots=True)
class _Supervision:
    """The loop: start what is due, see what listens, wait for a signal."""

    settings: Settings
    children: list[_Child]
    when_ready: Callable[[], None] | None
    environment: dict[str, str] = field(
        default_factory=lambda: {**os.environ, SUPERVISED: str(os.getpid()), "PYTHONUNBUFFERED": "1"}
    )
    all_listened: bool = False

    def run(self) -> int:
        while True:
            now = time.monotonic()
            for child in self.children:
                if child.process is None and child.due <= now:
                    child.start(self.environment)
            self.look()
            received = signal.sigtimedwait(_ALL, self.pause())
            if received is not None and received.si_signo in _STOP:
                self.stop()
                return 0
            for child in self.children:
                if not child.ended():
                    continue
                status = child.process.returncode if child.process else 0
                if not self.all_listened:
                    logger.error("process ended before it listened", extra={"child": child.name, "status": status})
                    self.stop()
                    return 1
                again = child.bury()
                logger.warning("process ended", extra={"child": child.name, "status": status, "again_s": again})

    def look(self) -> None:
        """See who listens by now, and write it down as soon as all do (again)."""
        fresh = False
        for child in self.children:
            if child.process is not None and not child.ready and all(endpoints.answers(*at) for at in child.addresses):
                child.ready = fresh = True
        if fresh and all(child.ready for child in self.children):
            listening = [child for child in self.children if child.addresses]
            endpoints.put(self.settings, {c.name: c.process.pid for c in listening if c.process is not None})
            if not self.all_listened:
                logger.info("everything listens", extra={"processes": ",".join(c.name for c in self.children)})
                self.all_listened = True
                if self.when_ready is not None:
                    self.when_ready()

    def pause(self) -> float:
        """Seconds until something must be looked at; signals end it earlier."""
        if any(child.process is not None and not child.ready for child in self.children):
            return 0.05
        due = [child.due for child in self.children if child.process is None]
        return max(0.0, min(due) - time.monotonic()) if due else 3600.0

    def stop(self) -> None:
        """Ask all to stop, and kill what does not in time or when asked a second time."""
        for child in self.children:
            if child.process is not None and child.process.poll() is None:
                child.process.terminate()
        deadline = time.monotonic() + PATIENCE_S
        while any(child.process is not None and not child.ended() for child in self.children):
            received = signal.sigtimedwait(_ALL, max(0.0, deadline - time.monotonic()))
            if received is None or received.si_signo in _STOP:
                break
        for child in self.children:
            child.signal_group(signal.SIGKILL)
            if child.process is not None:
                child.process.wait()


def _command(settings: Settings, name: str) -> list[str]:
    if name == "front":
        return front.command(settings)
    # -P: a folder named `conf` where the command was typed is none of ours.
    return [sys.executable, "-P", "-m", "servers.cli", "--data", settings.data, "serve", name]


def _addresses(settings: Settings, name: str) -> list[tuple[str, int]]:
    if name == "front":
        return [(host, port) for host in settings.front_addresses for port in (settings.https_port, settings.http_port)]
    if name in WORKERS:
        return []
    if any(one.name == name for one in LINE_PROTOCOLS):
        if settings.line(name).listen == "systemd":
            return []
        return [settings.line_address(name, door) for door in settings.doors(name)]
    return [settings.address(name)]
