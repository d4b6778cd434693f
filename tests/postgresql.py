"""A PostgreSQL of the tests' own: from Debian's programs, on a Unix socket, without fsync, gone at the end.

Parallel test workers (`pytest -n`) share one: the first to ask starts it, the last to leave stops it.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

SUPERUSER = "escritoire"
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "200",
    "autovacuum": "off",
}

_children: dict[int, subprocess.Popen[bytes]] = {}
"""Servers that this very process started and has to wait for."""


def programs() -> Path | None:
    """Where `initdb` and `postgres` are, or None if PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    if found:
        return found[0].parent
    initdb = shutil.which("initdb")
    return Path(initdb).resolve().parent if initdb else None


class Cluster:
    """One running server; `url` leads to a database of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def url(self, database: str, driver: str = "postgresql+psycopg") -> str:
        """An SQLAlchemy URL by way of the socket."""
        return f"{driver}://{SUPERUSER}@/{database}?host={self.folder}"

    def create(self, database: str, template: str = "template1") -> str:
        """Make a database, dropping one of that name, and return its URL."""
        with psycopg.connect(self.url("postgres", "postgresql"), autocommit=True) as admin:
            admin.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)'.encode())
            admin.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}"'.encode())
        return self.url(database)

    def drop(self, database: str) -> None:
        """Remove a database, whoever is connected."""
        with psycopg.connect(self.url("postgres", "postgresql"), autocommit=True) as admin:
            admin.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)'.encode())


def start() -> tuple[Cluster, int]:
    """Make and start a new cluster; return it with its server's process id.

    Raises:
        RuntimeError: PostgreSQL is not installed, or does not start; the text says why.
    """
    binaries = programs()
    if binaries is None:
        raise RuntimeError("PostgreSQL's programs are missing: apt-get install postgresql-15")
    folder = Path(tempfile.mkdtemp(prefix="escritoire-pg-"))
    run_as = _unprivileged()
    if run_as is not None:
        os.chown(folder, run_as.pw_uid, run_as.pw_gid)
    data = folder / "data"
    made = subprocess.run(
        [binaries / "initdb", "-D", data, "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C", "-N"],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        **_identity(run_as),
    )
    if made.returncode:
        raise RuntimeError(f"initdb failed: {made.stderr.strip()}")
    options = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
    with open(folder / "log", "wb") as log:
        server = subprocess.Popen(
            [binaries / "postgres", "-D", data, "-k", folder, *options],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            start_new_session=True,
            **_identity(run_as),
        )
    cluster = Cluster(folder)
    deadline = time.monotonic() + 90
    while True:
        try:
            psycopg.connect(cluster.url("postgres", "postgresql")).close()
            _children[server.pid] = server
            return cluster, server.pid
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((folder / "log").read_text(errors="replace")[-2000:]) from None
            time.sleep(0.05)


def stop(cluster: Cluster, pid: int) -> None:
    """Stop the server at once and remove what it wrote."""
    try:
        os.kill(pid, signal.SIGQUIT)  # immediate shutdown: nothing is worth keeping
        if child := _children.pop(pid, None):
            child.wait(timeout=10)
        for _ in range(200):
            if not _alive(pid):
                break
            time.sleep(0.05)
    except ProcessLookupError:
        pass
    shutil.rmtree(cluster.folder, ignore_errors=True)


@contextmanager
def shared(register: Path) -> Iterator[Cluster]:
    """A cluster shared by all processes that name the same `register` file."""
    with _locked(register) as state:
        if not state.get("users"):
            cluster, pid = start()
            state |= {"users": 0, "folder": str(cluster.folder), "pid": pid}
        state["users"] += 1
        cluster = Cluster(Path(state["folder"]))
    try:
        yield cluster
    finally:
        with _locked(register) as state:
            state["users"] -= 1
            if not state["users"]:
                stop(cluster, state["pid"])


@contextmanager
def _locked(register: Path) -> Iterator[dict[str, object] | dict[str, int]]:
    with open(register, "a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        state = json.loads(file.read() or "{}")
        yield state
        file.truncate(0)
        file.write(json.dumps(state))


def _unprivileged() -> pwd.struct_passwd | None:
    """As whom the server runs: it refuses root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("PostgreSQL refuses root, and there is no account postgres or nobody")


def _identity(run_as: pwd.struct_passwd | None) -> dict[str, object]:
    if run_as is None:
        return {}
    return {"user": run_as.pw_uid, "group": run_as.pw_gid, "extra_groups": []}


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
