"""`escritoire queue` and `escritoire dns`: what the administrator sees and does (SMTP-07)."""

from __future__ import annotations

import re
from pathlib import Path

import dns.zone
import pytest

from conf.load import load
from servers.http.start import open_store
from servers.outbound import app, sts
from storage.outbound import queue
from storage.outbound.types import Outcome, Result, Target
from storage.types import SITE
from tests.commands.conftest import Line


@pytest.fixture
def waiting(line: Line) -> int:
    """The number of a mail that was tried once."""
    store = open_store(load(line.data / "escritoire.toml"))
    with store.write(SITE) as tx:
        targets = [Target("you@bücher.test"), Target("me@other.test")]
        number = queue.enqueue(tx, sender="alice@example.test", recipients=targets, data=b"x: y\r\n\r\n")
        [one, _] = queue.lease(tx, "t", tx.now, 2)
        queue.settle(tx, one, [Result(one.recipients[0].id, Outcome.DEFERRED, "4.4.1", "refused", "mx.test")])
        queue.enqueue(tx, sender="", recipients=[Target("you@third.test")], data=b"x: y\r\n\r\n")
    store.close()
    return number


def test_the_queue_is_listed_and_changed(line: Line, waiting: int) -> None:
    assert line.json("queue", "list", "--domain", "nowhere.test") == []
    rows = line.json("queue", "list")
    assert [(one["number"], one["recipient"], one["state"], one["attempts"]) for one in rows] == [
        (waiting, "you@bücher.test", "waiting", 1),
        (waiting, "me@other.test", "delivering", 0),
        (waiting + 1, "you@third.test", "waiting", 0),
    ]
    assert [one["recipient"] for one in line.json("queue", "list", "--domain", "BÜCHER.test")] == ["you@bücher.test"]
    assert [one["sender"] for one in line.json("queue", "list", "--sender", "")] == ["<>"]
    assert "4.4.1" in line("queue", "list")
    line("queue", "hold", str(waiting), str(waiting + 1))
    shown = line.json("queue", "show", str(waiting))
    assert [(one["state"], one["reply"], one["host"]) for one in shown["recipients"]] == [
        ("held", "refused", "mx.test"),
        ("delivering", "", ""),
    ]
    assert "refused" in line("queue", "show", str(waiting))
    line("queue", "retry", str(waiting))
    assert line.json("queue", "show", str(waiting))["recipients"][0]["state"] == "waiting"
    line("queue", "delete", str(waiting), "--yes")
    assert "no message" in line("queue", "show", str(waiting), status=1)
    # All or none.
    line("queue", "delete", str(waiting + 1), str(waiting), "--yes", status=1)
    assert len(line.json("queue", "list")) == 1


def test_the_records_are_a_zone(line: Line) -> None:
    settings = line.data / "escritoire.toml"
    text = settings.read_text() + '\n[mail]\nhostname = "mail.example.test"\ndomains = ["other.test"]\n'
    settings.write_text(text + '[front]\norigin = "https://desk.example.test"\n')
    printed = line("dns", "--domain", "example.test")
    soa = "example.test. IN SOA ns.example.test. root.example.test. 1 1 1 1 1\nexample.test. IN NS ns.example.test.\n"
    lines = "".join(re.sub(r"^(\S+) IN", r"\1 60 IN", row) + "\n" for row in printed.splitlines())
    zone = dns.zone.from_text(soa + lines, origin="example.test.", relativize=False)
    assert [str(one) for one in zone.find_rdataset("example.test.", "MX")] == ["10 mail.example.test."]
    [key] = zone.find_rdataset("desk._domainkey.example.test.", "TXT")
    assert b"".join(key.strings).startswith(b"v=DKIM1; h=sha256; k=rsa; p=MII")
    assert (line.data / "dkim" / "desk.pem").stat().st_mode & 0o777 == 0o600
    for service in ("imaps", "submissions", "pop3s", "caldavs", "carddavs", "autodiscover"):
        assert zone.find_rdataset(f"_{service}._tcp.example.test.", "SRV")
    assert "other.test" not in printed
    assert "other.test. IN MX 10 mail.example.test." in line("dns").splitlines()
    assert {one["type"] for one in line.json("dns")} == {"MX", "TXT", "SRV"}
    mode, mx, _ = sts.parse(line("dns", "--mta-sts").encode())
    assert (mode, mx) == ("testing", ("mail.example.test",))
    line("dns", "--domain", "foreign.test", status=2)


def test_the_deliverer_gets_what_the_settings_say(line: Line) -> None:
    settings = line.data / "escritoire.toml"
    given = '[outbound]\nsmarthost = "smtp.example.net"\nsmarthost_login = "desk"\nsmarthost_password = "secret"\n'
    settings.write_text(settings.read_text() + '[mail]\ndomains = ["Other.test"]\ndkim_selector = ""\n' + given)
    loaded = load(settings)
    options = app.options(loaded)
    assert options.domains == {"example.test", "other.test"}
    assert options.hostname == "example.test"
    assert options.smarthost is not None
    assert (options.smarthost.port, options.smarthost.tls, options.smarthost.login) == (587, "starttls", "desk")
    assert app.signer(loaded) is None
    assert not Path(loaded.dkim_directory / ".pem").exists()
