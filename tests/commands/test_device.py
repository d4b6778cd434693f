"""`escritoire device` and `escritoire absence`: what an administrator sees and does (EAS-05, EAS-14, MSG-27)."""

from __future__ import annotations

import pytest

from conf.load import load
from servers.http.start import open_store
from storage import accounts
from storage.activesync import devices
from storage.types import SITE, Actor
from tests.commands.conftest import Line


@pytest.fixture
def phone(line: Line) -> str:
    """A device of alice's that speaks 16.1, and an older one."""
    store = open_store(load(line.data / "escritoire.toml"))
    with store.read(SITE) as tx:
        alice = Actor(accounts.find(tx, "alice").principal.id, "alice")
    with store.write(alice) as tx:
        device = devices.arrive(tx, "ApplDLXF", "iPhone", "Apple-iPhone16", 161)
        devices.describe(tx, device, model="iPhone16", friendly_name="Alice's")
        devices.arrive(tx, "ANDROID1", "Android", "", 141)
    store.close()
    return "ApplDLXF"


def state(line: Line, device: str) -> str:
    return next(one["state"] for one in line.json("device", "list", "alice") if one["device"] == device)


def test_devices_are_listed_and_kept_out(line: Line, phone: str) -> None:
    rows = line.json("device", "list", "alice")
    assert {one["device"] for one in rows} == {"ApplDLXF", "ANDROID1"}
    assert line.json("device", "show", "alice", "appl")["version"] == "16.1"
    assert "Alice's" in line("device", "list", "alice")
    line("device", "block", "alice", phone)
    assert state(line, phone) == "blocked"
    line("device", "allow", "alice", phone)
    assert state(line, phone) == "allowed"
    line("device", "reset", "alice", phone)
    assert len(line.json("device", "list", "alice")) == 1


def test_a_lost_device_is_wiped(line: Line, phone: str) -> None:
    line("device", "wipe", "alice", phone, "--yes")
    assert state(line, phone) == "to be wiped (account)"
    line("device", "wipe", "alice", phone, "--cancel")
    assert state(line, phone) == "allowed"
    assert "cannot remove a single account" in line("device", "wipe", "alice", "ANDROID1", "--yes", status=1)
    assert "--yes" in line("device", "wipe", "alice", "ANDROID1", "--everything", status=2)
    line("device", "wipe", "alice", "ANDROID1", "--everything", "--yes")
    assert state(line, "ANDROID1") == "to be wiped (all)"
    assert "is not one of the devices" in line("device", "block", "alice", "nothing", status=2)


def test_absences(line: Line) -> None:
    assert line.json("absence", "show", "alice")["state"] == "off"
    line("absence", "on", "alice", "--text", "back on Monday", "--only-internal")
    shown = line.json("absence", "show", "alice")
    assert (shown["state"], shown["internal"], shown["others"]) == ("on", "back on Monday", "")
    line("absence", "on", "alice", "--text", "x", "--from", "2026-08-01", "--until", "2026-08-15 18:00")
    assert line.json("absence", "show", "alice")["state"] == "scheduled"
    line("absence", "off", "alice")
    shown = line.json("absence", "show", "alice")
    assert (shown["state"], shown["others"]) == ("off", "x")
    assert "belong together" in line("absence", "on", "alice", "--text", "x", "--from", "2026-08-01", status=2)
    assert "before it begins" in line(
        "absence", "on", "alice", "--text", "x", "--from", "2026-08-02", "--until", "2026-08-01", status=2
    )
