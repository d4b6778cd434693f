"""The worker as a whole: woken by the bell, several beside each other, stopped, killed (SMTP-07)."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from servers.outbound import worker
from servers.outbound.app import make
from servers.outbound.worker import Worker
from storage.outbound.tables import recipients
from storage.types import SITE
from tests.outbound.conftest import MAIL, Outside
from tests.outbound.world import hostile

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
LONG_S = 90.0


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + LONG_S
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


@contextmanager
def working(*workers: Worker) -> Iterator[None]:
    threads = [threading.Thread(target=one.run) for one in workers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for one in workers:
            one.stop()
        for thread in threads:
            thread.join()


def test_a_mail_leaves_when_it_comes(outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "LOOK_S", 10_000.0)  # by the bell, or never
    mx = outside.host("mx.remote.test", "remote.test")
    with working(make(outside.store, outside.options, None)):
        time.sleep(0.3)  # it found nothing and waits for the bell
        outside.send("you@remote.test")
        until(lambda: mx.mails and not outside.queued())
        outside.dns.zone[("gone.test", "MX")] = ["0 ."]
        outside.send("you@gone.test")
        until(outside.inbox)


def test_a_retry_comes_when_it_is_due(outside: Outside) -> None:
    mx = outside.host("mx.remote.test", "remote.test")
    mx.answers = {"MAIL": "451 4.3.0 later"}
    soon = type(outside.options.schedule)(first_s=1)
    with working(make(outside.store, replace(outside.options, schedule=soon), None)):
        outside.send("you@remote.test")
        until(lambda: outside.queued() and outside.queued()[0].recipients[0].attempts)
        mx.answers = {}
        until(lambda: mx.mails and not outside.queued())


def test_workers_beside_each_other_deliver_each_mail_once(outside: Outside) -> None:
    mx = outside.host("mx.remote.test", "remote.test")
    for number in range(40):
        outside.send(f"r{number}@remote.test")
    options = replace(outside.options, threads=3)
    with working(*(make(outside.store, options, None) for _ in range(3))):
        until(lambda: not outside.queued())
    assert sorted(mail.recipients[0] for mail in mx.mails) == sorted(f"r{number}@remote.test" for number in range(40))


def start(outside: Outside) -> subprocess.Popen[str]:
    values = {"hostname": "desk.example.test", "domain": "example.test", "domains": ["example.test"], "sts": False}
    values |= {"resolvers": ["127.0.0.1"], "resolver_port": outside.dns.port, "port": outside.port, "threads": 2}
    url = str(outside.store.engines.url)
    program = [sys.executable, str(ROOT / "tests/outbound/worker_process.py"), url, str(outside.folder / "blobs")]
    process = subprocess.Popen(
        [*program, json.dumps(values)], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "working\n"
    return process


def ended(process: subprocess.Popen[str]) -> int:
    with process:
        return process.wait(LONG_S)


def end_leases(outside: Outside) -> None:
    """As if the time of a lease were over."""
    with outside.store.write(SITE) as tx:
        tx.db.execute(sa.update(recipients).values(lease_until=0))


@pytest.mark.parametrize("where", [b"EHLO", b"RCPT", b"DATA", b"."])
def test_killed_at_any_step_nothing_is_lost(outside: Outside, where: bytes) -> None:
    """SIGKILL while the server dawdles over an answer; the next worker delivers when the lease is over."""
    address = outside.address("mx.remote.test", "remote.test")
    reached, release, taken = threading.Event(), threading.Event(), []

    def script(connection: socket.socket) -> None:
        connection.sendall(b"220 mx\r\n")
        content: list[bytes] | None = None
        for line in connection.makefile("rb"):
            word = line.split()[0].upper() if content is None and line.split() else b"."
            if content is not None and line != b".\r\n":
                content.append(line)
                continue
            if word == where and not release.is_set():
                reached.set()
                release.wait(LONG_S)
                return
            if content is not None:
                taken.append(b"".join(content))
                content = None
            elif word == b"DATA":
                content = []
            connection.sendall(b"354 go\r\n" if word == b"DATA" else b"250 ok\r\n")

    outside.send("you@remote.test")
    with hostile(script, address, outside.port):
        first = start(outside)
        assert reached.wait(LONG_S)
        first.kill()
        ended(first)
        release.set()
        [one] = outside.queued()
        assert one.recipients[0].state == "delivering"
        end_leases(outside)
        second = start(outside)
        until(lambda: not outside.queued())
        second.send_signal(signal.SIGTERM)
        assert ended(second) == 0
    assert taken == [MAIL.replace(b"\r\n.", b"\r\n..")]


def test_what_stops_waits_for_what_it_began(outside: Outside) -> None:
    address = outside.address("mx.remote.test", "remote.test")
    reached, release = threading.Event(), threading.Event()

    def script(connection: socket.socket) -> None:
        connection.sendall(b"220 mx\r\n")
        content = False
        for line in connection.makefile("rb"):
            if content and line != b".\r\n":
                continue
            if content:
                reached.set()
                release.wait(LONG_S)
            content = line.startswith(b"DATA")
            connection.sendall(b"354 go\r\n" if content else b"250 ok\r\n")

    outside.send("you@remote.test")
    with hostile(script, address, outside.port):
        process = start(outside)
        assert reached.wait(LONG_S)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        outside.send("me@remote.test")
        release.set()
        assert ended(process) == 0
    [left] = outside.queued()
    assert [one.address for one in left.recipients] == ["me@remote.test"]
