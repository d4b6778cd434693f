"""UIDBATCHES (RFC 10022)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from storage.mail import appending, mailboxes
from storage.store import Store
from storage.types import Actor
from tests.imap.client import Client
from tests.storage import desk

Connect = Callable[..., Client]


@pytest.fixture
def many(store: Store, connect: Connect) -> Client:
    """1,300 messages lie in `Many`, which is selected; every third uid is of a message that went."""
    alice: Actor = desk.actor(store, "alice")
    client = connect()
    client("CREATE Many")
    new = appending.New(appending.prepare(store, b"Subject: x\r\n\r\n"))
    with store.write(alice) as tx:
        appending.append_many(tx, mailboxes.find(tx, "Many"), [new] * 1_950)
    client("SELECT Many")
    client(f"STORE {','.join(map(str, range(3, 1_951, 3)))} +FLAGS.SILENT (\\Deleted)")
    client("EXPUNGE")
    return client


def batches(client: Client, arguments: str) -> list[tuple[int, int]]:
    """Highest and lowest uid of each."""
    line, *_ = client.lines(f"UIDBATCHES {arguments}")
    start = '* UIDBATCHES (TAG "A")'
    assert line.startswith(start)
    found = [one.split(":") for one in line.removeprefix(start).split(",") if one]
    return [(int(top), int(low)) for top, low in found]


def test_they_are_equally_large(many: Client) -> None:
    """§3.1: the newest first; together they are the whole mailbox."""
    found = batches(many, "500")
    assert found == [(1949, 1200), (1199, 450), (449, 1)]
    for (top, low), messages in zip(found, (500, 500, 300), strict=True):
        assert many.lines(f"UID SEARCH RETURN (COUNT) UID {low}:{top}") == [f'* ESEARCH (TAG "A") UID COUNT {messages}']


def test_some_of_them(many: Client) -> None:
    """§3.1.5: what is not there is left out."""
    assert batches(many, "500 1:1") == [(1949, 1200)]
    assert batches(many, "500 2:3") == [(1199, 450), (449, 1)]
    assert batches(many, "500 3:99") == [(449, 1)]
    assert batches(many, "500 4:5") == []
    assert batches(many, "1300") == [(1949, 1)]


def test_what_is_not_told_yet(many: Client, connect: Connect) -> None:
    other = connect()
    other("SELECT Many")
    other("STORE 1:800 +FLAGS.SILENT (\\Deleted)")
    other("EXPUNGE")
    assert batches(many, "500") == [(1949, 1200), (1199, 450), (449, 1)], "as the client knows it"
    many("NOOP")
    assert batches(many, "500") == [(1949, 1)]


def test_others(alice: Client) -> None:
    alice("UID SEARCH RETURN (SAVE) ALL")
    (line,) = alice.lines("UIDBATCHES 1000")
    assert line.endswith(":1")
    assert len(alice.lines("FETCH $ UID")) == 3, "§3.2: no search result is saved"
    assert alice.end("UIDBATCHES 100").startswith("A NO [TOOFEW]")
    assert alice.end("UIDBATCHES 1000 4:1").startswith("A BAD [CLIENTBUG]")
    for wrong in ("", " ", " abc", " 500 1", " 500 0:1", " 500 1:*", " 500 1:2 3"):
        assert alice.end(f"UIDBATCHES{wrong}").startswith("A BAD"), wrong
    alice("SELECT Drafts")
    assert alice.lines("UIDBATCHES 500") == ['* UIDBATCHES (TAG "A")']
    alice("UNSELECT")
    assert alice.end("UIDBATCHES 500").startswith("A BAD")
    assert " UIDBATCHES" in alice("CAPABILITY")
