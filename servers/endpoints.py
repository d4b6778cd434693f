"""endpoints.json: where everything of a running desk listens, for scripts and for measuring (DESIGN §3)."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import socket
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from conf.endpoints import LINE_PROTOCOLS
from conf.settings import Settings

log = logging.getLogger(__name__)

FILE_NAME: Final = "endpoints.json"

Listeners = dict[str, dict[str, str | int]]


def put(settings: Settings, pids: Mapping[str, int]) -> None:
    """Add the listeners in `pids`: the process by its protocol's name, to be measured with its children."""
    fresh: Listeners = {}
    for name, pid in pids.items():
        if any(one.name == name for one in LINE_PROTOCOLS):
            for door in settings.doors(name):
                host, port = settings.line_address(name, door)
                fresh[door.name] = {"host": host, "port": port, "tls": door.tls, "pid": pid}
            continue
        url = f"{settings.origin}/" if name == "front" else settings.own_url(name)
        fresh[name] = {"url": url, "pid": pid}
    _change(settings, set(fresh), fresh)


def drop(settings: Settings, names: Set[str]) -> None:
    """Take `names` out; the file goes with its last listener."""
    gone = set(names)
    for one in LINE_PROTOCOLS:
        if one.name in gone:
            gone = gone - {one.name} | {door.name for door in one.listeners}
    _change(settings, gone, {})


def require_directory(settings: Settings) -> None:
    """Find out before anything is started whether this process may write here.

    Raises:
        OSError: it may not, or there is no room.
    """
    with _locked(settings):
        pass


def read(settings: Settings) -> Listeners:
    """The listeners of the running desk; empty when it does not run."""
    try:
        found: Listeners = json.loads(_path(settings).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    return found


def answers(host: str, port: int) -> bool:
    """Tell whether somebody accepts connections there; the wildcard addresses are asked on loopback."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    try:
        socket.create_connection((reachable, port), timeout=1).close()
    except OSError:
        return False
    return True


def _change(settings: Settings, gone: Set[str], fresh: Listeners) -> None:
    """Take out and put in; a full disk keeps nobody from serving what lies on it, and from making room."""
    try:
        with _locked(settings):
            _replace(settings, _living(settings, gone) | fresh)
    except OSError as error:
        log.warning("not written", extra={"file": str(_path(settings)), "reason": error.strerror or str(error)})


def _path(settings: Settings) -> Path:
    return settings.run_directory / FILE_NAME


def _living(settings: Settings, leave_out: Set[str]) -> Listeners:
    """What other processes wrote and still listen on; one that was killed could not take its entry away."""
    return {
        name: listener
        for name, listener in read(settings).items()
        if name not in leave_out and Path(f"/proc/{listener['pid']}").exists()
    }


def _replace(settings: Settings, listeners: Listeners) -> None:
    path = _path(settings)
    if not listeners:
        path.unlink(missing_ok=True)
        return
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(listeners, indent=2) + "\n", "utf-8")
    os.replace(fresh, path)


@contextmanager
def _locked(settings: Settings) -> Iterator[None]:
    """One writer at a time: under systemd every protocol's process keeps its own entry."""
    settings.run_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(settings.run_directory / "endpoints.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
