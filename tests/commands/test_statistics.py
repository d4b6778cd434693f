"""`escritoire user statistics`: what is held and what is left, privately and in groups (ACC-07, GRP-16)."""

from __future__ import annotations

from typing import Any

import pytest

from conf.load import load
from servers.http.start import open_store
from storage import quota
from storage.errors import Denied, NotFound
from storage.types import Tool
from tests.commands.conftest import Line
from tests.storage import desk, disk

CARD = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:ada\r\nFN:Ada\r\nN:Ada;;;;\r\nEND:VCARD\r\n"


def told(line: Line, *words: str) -> dict[tuple[str, str], Any]:
    return {(one["space"], one["tool"]): one for one in line.json("user", "statistics", *words)}


def test_what_is_held_and_left(line: Line) -> None:
    store = open_store(load(line.data / "escritoire.toml"))
    try:
        with store.write(desk.actor(store, "alice")) as tx:
            disk.mkdir(tx, "alice", "Reports")
            disk.put(tx, "alice", "Reports/a.txt", b"zebra")
            disk.put(tx, "IAB", "common.txt", b"for all")
    finally:
        store.close()
    line("import", "alice/contacts", "-", stdin=CARD)
    line("plan", "add", "tight", "--gate", "sms", "--limit", "docs_bytes=6", "--limit", "contacts_max=3")
    line("plan", "set", "tight", "--limit", "sms_per_month=10")
    line("plan", "assign", "alice", "tight")
    found = told(line, "alice")
    documents = found["private", "documents"]
    assert (documents["octets"], documents["octets_left"], documents["octets_max"]) == (5, 1, 6)
    contacts = found["private", "contacts"]
    assert (contacts["items"], contacts["items_left"], contacts["items_max"]) == (1, 2, 3)
    assert found["private", "sms of the month"]["items_left"] == 10
    assert found["private", "messages"]["octets_max"] is None
    # GRP-16: a group has the capacity of its admin's plan, whoever asks; over it nothing is left (ACC-21).
    assert told(line, "bob", "--in", "IAB")["IAB", "documents"]["octets_left"] == 0
    assert ("IAB", "messages") not in found
    assert {space for space, _ in told(line, "alice", "--in", "private")} == {"private"}
    assert "there are: private, IAB" in line("user", "statistics", "alice", "--in", "XYZ", status=1)


def test_they_are_nobody_elses(line: Line) -> None:
    store = open_store(load(line.data / "escritoire.toml"))
    try:
        alice, iab = desk.principal(store, "alice"), desk.principal(store, "IAB")
        bob, carol = desk.actor(store, "bob"), desk.actor(store, "carol")
        with store.read(bob) as tx:
            with pytest.raises(Denied):
                quota.every(tx, alice)
            assert Tool.DOCUMENTS in quota.every(tx, iab)
        with store.read(carol) as tx, pytest.raises(NotFound):
            quota.every(tx, iab)
    finally:
        store.close()
