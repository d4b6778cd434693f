"""A desk of the tests' own, made and served by the real command line, as an operator would."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conf.endpoints import ports_of_a_desk
from servers.parent import bound_to_this_process

START_TIMEOUT_S = 60
PASSWORDS = {login: f"{login}-interop-secret" for login in ("alice", "bob", "carol", "dora")}
GROUP = "IAB"


class CommandFailed(AssertionError):
    """`escritoire …` did not end with 0; the text is what it wrote to stderr."""


def free_base() -> int:
    """Give a base of which every port is free, below the range from which the kernel takes its own."""
    first: int = 20000 + (os.getpid() * 37) % 600 * 20
    for base in (*range(first, 31700, 20), *range(20000, first, 20)):
        with contextlib.ExitStack() as held:
            try:
                for offset in ports_of_a_desk():
                    held.enter_context(socket.socket()).bind(("127.0.0.1", base + offset))
            except OSError:
                continue
            return int(base)
    raise RuntimeError("no free ports")


def program(name: str) -> str | None:
    """Find a command of this environment, or of the machine."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else shutil.which(name)


@dataclass(slots=True)
class Desk:
    """One desk in `data`; `caldav` and `carddav` are the roots of the two servers, without a final slash."""

    data: Path
    database_url: str = ""
    endpoints: dict[str, dict[str, Any]] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def cli(self, *arguments: str, typed: str = "") -> str:
        """Run `escritoire --data … arguments`; give what it printed.

        Raises:
            CommandFailed: the exit status was not 0.
        """
        return self._run("--data", str(self.data), *arguments, typed=typed)

    def _run(self, *arguments: str, typed: str = "") -> str:
        command = program("escritoire")
        assert command is not None, "the distribution is not installed in this environment"
        done = subprocess.run([command, *arguments], input=typed.encode(), capture_output=True, check=False)
        if done.returncode:
            raise CommandFailed(f"{' '.join(arguments)}: {done.returncode}\n{done.stderr.decode()}")
        return done.stdout.decode()

    def make(self) -> None:
        """Create the desk: `init`, and PostgreSQL instead of SQLite where a URL was given."""
        self._run(
            "init",
            "--data",
            str(self.data),
            "--domain",
            "example.test",
            "--port-base",
            str(free_base()),
            *(("--database", self.database_url) if self.database_url else ()),
        )

    def furnish(self) -> None:
        """Add alice, bob, carol and dora, and the group IAB of alice (admin) and bob."""
        for login in PASSWORDS:
            self.add_user(login)
        self.cli("group", "add", GROUP, "--admin", "alice")
        self.cli("group", "member", "add", GROUP, "bob")

    def add_user(self, login: str) -> None:
        self.cli("user", "add", login, "--password-stdin", typed=PASSWORDS[login] + "\n")

    def start(self, *protocols: str) -> None:
        """Serve everything, or the named protocols, and wait until it listens."""
        written = self.data / "run" / "endpoints.json"
        written.unlink(missing_ok=True)
        command = program("escritoire")
        assert command is not None
        with (self.data / "interop.log").open("ab") as log:
            self.process = subprocess.Popen(
                [command, "--data", str(self.data), "serve", *protocols],
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=bound_to_this_process(),
            )
        end = time.monotonic() + START_TIMEOUT_S
        while not written.exists():
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(self.log())
            time.sleep(0.02)
        self.endpoints = json.loads(written.read_text())

    def kill(self) -> None:
        """End every process of the server at once, as a power failure would (SIGKILL to each process group)."""
        assert self.process is not None
        pids = _descendants(self.process.pid)
        for pid in [self.process.pid, *pids]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        for pid in pids:  # their ports must be free again before the next start
            while _alive(pid):
                time.sleep(0.005)
        self.process = None

    def stop(self) -> None:
        """End the server politely; kill what does not obey."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
            self.process = None
        except subprocess.TimeoutExpired:
            self.kill()

    def log(self) -> str:
        """Give the end of what the server wrote."""
        return (self.data / "interop.log").read_text(errors="replace")[-6000:]

    @property
    def caldav(self) -> str:
        return str(self.endpoints["caldav"]["url"]).rstrip("/")

    @property
    def carddav(self) -> str:
        return str(self.endpoints["carddav"]["url"]).rstrip("/")

    def calendar_url(self, login: str, name: str = "events") -> str:
        return f"{self.caldav}{calendar(login, name)}"

    def group_calendar_url(self, name: str = "events") -> str:
        return f"{self.caldav}{group_calendar(name=name)}"

    def contacts_url(self, login: str) -> str:
        return f"{self.carddav}{contacts(login)}"


def calendar(login: str, name: str = "events") -> str:
    """Path of a person's calendar (SPEC 0.3)."""
    return f"/dav/{login}/private/{name}/"


def group_calendar(group: str = GROUP, name: str = "events") -> str:
    """Path of a group's calendar (SPEC 0.3)."""
    return f"/dav/groups/{group}/{name}/"


def contacts(login: str) -> str:
    """Path of a person's address book (SPEC 0.3)."""
    return f"/dav/{login}/private/contacts/"


def group_contacts(group: str = GROUP) -> str:
    """Path of a group's address book (SPEC 0.3)."""
    return f"/dav/groups/{group}/contacts/"


def principal(login: str) -> str:
    """Path of a person's principal (SPEC 0.3)."""
    return f"/dav/principals/accounts/{login}/"


def group_principal(group: str = GROUP) -> str:
    """Path of a group's principal (SPEC 0.3)."""
    return f"/dav/principals/groups/{group}/"


def _descendants(pid: int) -> list[int]:
    """All processes below `pid`: each protocol's process may lead a group of its own."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found: list[int] = []
    todo = [pid]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
