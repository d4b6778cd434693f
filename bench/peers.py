"""The servers that are measured: each started on free loopback ports in a directory of its own, and stopped.

Every recipe durably writes what it acknowledges: Radicale and Xandikos keep their defaults (fsync, git commit),
Escritoire is started through its own command line exactly as an operator would.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import bcrypt

from servers.parent import bound_to_this_process

LOGIN = "bench"
PASSWORD = secrets.token_hex(9)
START_TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One listener with the collection to measure; `pids` are the processes whose memory and CPU count."""

    base_url: str
    path: str
    pids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Peer:
    """One running server; `user` is empty where the peer refuses passwords on plain HTTP."""

    name: str
    version: str
    user: str
    password: str
    calendar: Endpoint
    contacts: Endpoint


def free_port() -> int:
    """Give a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_base(width: int = 24) -> int:
    """Give the first of `width` neighbouring free ports below the range the kernel hands out by itself."""
    start: int = 20000 + (os.getpid() * 37) % 400 * 30
    for base in [*range(start, 32000 - width, 30), *range(20000, start, 30)]:
        with contextlib.ExitStack() as held:
            try:
                for port in range(base, base + width):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(base)
    raise SystemExit("no free ports")


def program(name: str) -> str:
    """Find a command of this environment, or of the machine."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise SystemExit(f"{name} is not installed (make venv)")
    return found


def wait_until_listening(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until something accepts on `port`; give up when the process ends or time is out."""
    end = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise SystemExit(f"the server did not start on port {port}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the whole process group, first politely."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(15)
            return


def version_of(distribution: str) -> str:
    """Give the installed version of a Python distribution."""
    return metadata.version(distribution)


@contextlib.contextmanager
def radicale(folder: Path) -> Iterator[Peer]:
    """Radicale with a bcrypt password, cached logins, owner-only rights and its default fsync."""
    port = free_port()
    folder.mkdir(parents=True)
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(10)).decode()
    (folder / "users").write_text(f"{LOGIN}:{hashed}\n")
    (folder / "config").write_text(
        f"[server]\nhosts = 127.0.0.1:{port}\nmax_connections = 20\n"
        f"[auth]\ntype = htpasswd\nhtpasswd_filename = {folder}/users\nhtpasswd_encryption = bcrypt\n"
        "cache_logins = True\ndelay = 0\n[rights]\ntype = owner_only\n"
        f"[storage]\nfilesystem_folder = {folder}/collections\n[logging]\nlevel = warning\n"
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "radicale", "--config", str(folder / "config")],
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=bound_to_this_process(),
        )
    try:
        wait_until_listening(port, process)
        at = f"http://127.0.0.1:{port}"
        yield Peer(
            "radicale",
            version_of("radicale"),
            LOGIN,
            PASSWORD,
            Endpoint(at, f"/{LOGIN}/bcal/", (process.pid,)),
            Endpoint(at, f"/{LOGIN}/bcard/", (process.pid,)),
        )
    finally:
        stop(process)


@contextlib.contextmanager
def xandikos(folder: Path) -> Iterator[Peer]:
    """Xandikos without a password: it refuses Basic authentication on plain HTTP."""
    port = free_port()
    folder.mkdir(parents=True)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                program("xandikos"),
                "serve",
                "-d",
                str(folder / "data"),
                "--defaults",
                "--current-user-principal",
                f"/{LOGIN}/",
                "-l",
                "127.0.0.1",
                "-p",
                str(port),
            ],
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=bound_to_this_process(),
        )
    try:
        wait_until_listening(port, process)
        at = f"http://127.0.0.1:{port}"
        yield Peer(
            "xandikos",
            version_of("xandikos"),
            "",
            "",
            Endpoint(at, f"/{LOGIN}/calendars/bcal/", (process.pid,)),
            Endpoint(at, f"/{LOGIN}/contacts/bcard/", (process.pid,)),
        )
    finally:
        stop(process)


@contextlib.contextmanager
def escritoire(folder: Path, *, protocols: tuple[str, ...] = ("caldav", "carddav")) -> Iterator[Peer]:
    """Our server as `escritoire init`, `user add` and `serve` give it, default settings."""
    command = [program("escritoire")]
    base = free_base()
    data = str(folder)
    subprocess.run(
        [*command, "init", "--data", data, "--domain", "example.test", "--port-base", str(base)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    subprocess.run(
        [*command, "--data", data, "user", "add", LOGIN, "--password-stdin"],
        check=True,
        input=PASSWORD.encode() + b"\n",
        stdout=subprocess.DEVNULL,
    )
    with serving(folder, protocols) as endpoints:
        caldav, carddav = endpoints["caldav"], endpoints.get("carddav", endpoints["caldav"])
        yield Peer(
            "escritoire",
            version_of("escritoire"),
            LOGIN,
            PASSWORD,
            Endpoint(caldav["url"].rstrip("/"), f"/dav/{LOGIN}/private/bcal/", (caldav["pid"],)),
            Endpoint(carddav["url"].rstrip("/"), f"/dav/{LOGIN}/private/bcard/", (carddav["pid"],)),
        )


@contextlib.contextmanager
def serving(folder: Path, protocols: tuple[str, ...] = ()) -> Iterator[dict[str, dict[str, Any]]]:
    """Run `escritoire serve` on an existing desk; give what `run/endpoints.json` says."""
    written = folder / "run" / "endpoints.json"
    written.unlink(missing_ok=True)
    with (folder / "bench.log").open("ab") as log:
        process = subprocess.Popen(
            [program("escritoire"), "--data", str(folder), "serve", *protocols],
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=bound_to_this_process(),
        )
    try:
        end = time.monotonic() + START_TIMEOUT_S
        while not written.exists():
            if process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"escritoire did not start: see {folder}/bench.log")
            time.sleep(0.05)
        yield json.loads(written.read_text())
    finally:
        stop(process)


RECIPES = {"radicale": radicale, "xandikos": xandikos, "escritoire": escritoire}
