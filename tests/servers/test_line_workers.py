"""Workers of a line protocol: all of them accept, none outlives the others, and nothing acknowledged is lost (SYS-02)."""

from __future__ import annotations

import os
import signal
import smtplib
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conf.load import load
from servers import line_workers
from storage import accounts
from storage.mail import mailboxes
from storage.store import Store
from storage.types import SITE, Actor
from tests.servers.running import alive, children, eventually, free_port_base

pytestmark = pytest.mark.slow

ESCRITOIRE = Path(sys.executable).parent / "escritoire"


class Smtp:
    """A process of three workers, with alice's mailbox behind it."""

    def __init__(self, data: Path) -> None:
        self.file = data / "escritoire.toml"
        self.file.write_text(f'domain = "localhost"\nport_base = {free_port_base()}\n[smtp]\nworkers = 3\n')
        settings = load(self.file)
        self.store = Store.open(settings.database_url, settings.blobs_directory)
        self.store.migrate()
        with self.store.write(SITE) as tx:
            who = accounts.create(tx, "alice", "*")
        self.alice = Actor(who.id, who.name)
        self.port = settings.port_base + 24
        self.process = subprocess.Popen(
            [ESCRITOIRE, "--data", data, "serve", "smtp", "jobs"], stderr=subprocess.DEVNULL
        )
        eventually(lambda: len(self.workers()) == 3, "three workers")
        eventually((data / "run" / "endpoints.json").exists, "endpoints.json")

    @property
    def first(self) -> int:
        """The process that the supervisor started; 0 while there is none."""
        for one in children(self.process.pid):
            if b"\0smtp\0" in Path(f"/proc/{one}/cmdline").read_bytes():
                return one
        return 0

    def workers(self) -> list[int]:
        first = self.first  # asked once: it may end between two questions
        return [first, *children(first)] if first else []

    def deliver(self, number: int) -> None:
        with smtplib.LMTP("127.0.0.1", self.port, timeout=30) as client:
            client.sendmail("a@example.org", ["alice@localhost"], f"Subject: {number}\r\n\r\ntext\r\n")

    def delivered(self) -> int:
        with self.store.read(self.alice) as tx:
            return mailboxes.find(tx, "INBOX").exists


@pytest.fixture
def smtp(tmp_path: Path) -> Iterator[Smtp]:
    one = Smtp(tmp_path)
    yield one
    one.process.terminate()
    one.process.wait(60)
    one.store.close()


def test_all_work_and_all_end(smtp: Smtp) -> None:
    workers = smtp.workers()
    assert len(workers) == 3
    with ThreadPoolExecutor(12) as threads:
        list(threads.map(smtp.deliver, range(60)))
    assert smtp.delivered() == 60
    assert [one for one in workers if alive(one)] == workers
    smtp.process.send_signal(signal.SIGTERM)
    assert smtp.process.wait(60) == 0
    assert not any(alive(one) for one in workers)


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 here")
def test_everybody_is_ipv4_too() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with line_workers.listening("::", port, 5):
        for host in ("127.0.0.1", "::1"):
            socket.create_connection((host, port), 5).close()


@pytest.mark.parametrize("which", [0, 1])
def test_when_one_dies_all_are_started_anew(smtp: Smtp, which: int) -> None:
    before = smtp.workers()
    smtp.deliver(1)
    os.kill(before[which], signal.SIGKILL)
    eventually(lambda: not any(alive(one) for one in before), "the end of all workers")
    eventually(lambda: len(smtp.workers()) == 3 and not set(smtp.workers()) & set(before), "new workers")

    def again() -> bool:
        try:
            smtp.deliver(2)
        except OSError:
            return False
        return True

    eventually(again, "a delivery")
    assert smtp.delivered() == 2
