"""`escritoire serve outbound` as it is installed: settings, key, smarthost, mails that leave and come back, the filter."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import dkim
import pytest
from click.testing import CliRunner

from conf.load import load
from servers.cli import group
from servers.http.start import open_store
from servers.outbound import signing
from storage.mail import learning, mailboxes, moving
from storage.outbound import queue
from storage.outbound.types import Target
from storage.types import SITE, Actor
from tests.outbound.conftest import MAIL
from tests.outbound.filters import Server, http
from tests.outbound.world import World, free_port
from tests.storage import desk as people

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + 90
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def run(data: Path, *words: str, stdin: str = "") -> str:
    done = CliRunner().invoke(group, ["--data", str(data), *words], input=stdin)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_desk_sends(tmp_path: Path, server: Server) -> None:
    data, port = tmp_path / "desk", free_port()
    run(data, "init", "--data", str(data), "--domain", "example.test")
    run(data, "user", "add", "alice", "--password-stdin", stdin="alice-secret\n")
    file = data / "escritoire.toml"
    file.write_text(
        file.read_text()
        + f'[outbound]\nsmarthost = "127.0.0.1"\nsmarthost_port = {port}\nsmarthost_tls = "none"\n'
        + f'[smtp]\nspam_learning = "rspamd://{server.address}"\n'
    )
    server.says = http("200 OK")
    settings = load(file)
    store = open_store(settings)
    alice: Actor = people.actor(store, "alice")

    def inbox() -> int:
        with store.read(alice) as tx:
            return mailboxes.find(tx, "INBOX").exists

    program = [sys.executable, "-m", "servers.cli", "--data", str(data), "serve", "outbound"]
    with (
        World("127.0.0.1", port) as relay,
        subprocess.Popen(program, env={**os.environ, "PYTHONPATH": str(ROOT)}) as process,
    ):
        relay.answers = {"nobody@remote.test": "550 5.1.1 nobody"}
        with store.write(alice) as tx:
            for to in ("you@remote.test", "nobody@remote.test"):
                queue.enqueue(tx, sender="alice@example.test", recipients=[Target(to)], data=MAIL, account=alice.id)
        until(lambda: relay.mails and inbox())
        until(lambda: json.loads(run(data, "queue", "list", "--json")) == [])
        with store.write(alice) as tx:  # MSG-47
            moving.move_all(tx, mailboxes.find(tx, "INBOX"), mailboxes.find(tx, "Spam?"))
        until(lambda: [head for head, _ in server.heard if head.startswith(b"POST /learnspam")])
        until(lambda: not learning.waiting(store))
        process.send_signal(signal.SIGTERM)
        assert process.wait(90) == 0
    [mail] = relay.mails
    printed = run(data, "dns")
    [record] = re.findall(r"(?m)^desk\._domainkey\.example\.test\. IN TXT (.*)$", printed)
    public = record.replace('" "', "").strip('"').encode()
    assert public.decode() == signing.record((data / "dkim" / "desk.pem").read_bytes())
    assert dkim.verify(mail.data, dnsfunc=lambda name, **_: public)
    with store.read(SITE) as tx:
        assert not queue.any_due(tx, tx.now)
    store.close()
