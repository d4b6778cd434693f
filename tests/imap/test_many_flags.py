"""STORE on what others change too: nothing is lost, nothing is told twice (RFC 9051 §6.4.6, RFC 7162 §3.1.3; IMAP-02)."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import pytest

from servers.imap.commands import storing
from storage import accounts, check, preferences
from storage.store import Store
from storage.types import SITE
from tests.imap.client import Client


@pytest.fixture(autouse=True, params=[100, 0], ids=["one by one", "by text"])
def few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Both ways do the same, whatever the number of messages."""
    most: int = request.param
    monkeypatch.setattr(storing, "_FEW", most)
    return most


Connect = Callable[..., Client]
FLAGS = ("\\Seen", "\\Flagged", "\\Deleted", "$Forwarded")


def flags_of(client: Client) -> dict[int, frozenset[str]]:
    client.lines("NOOP")
    found = {}
    for line in client.lines("UID FETCH 1:* (UID FLAGS)"):
        match = re.search(r"UID (\d+) FLAGS \(([^)]*)\)", line)
        assert match is not None, line
        found[int(match[1])] = frozenset(match[2].split()) - {"\\Recent"}  # which is for one client alone
    return found


def select(client: Client, new: int = 0) -> Client:
    """A mailbox of its own, with so many mails more: keywords are never forgotten where they were set."""
    client("CREATE Many")
    append(client, new)
    client.lines("SELECT Many")
    return client


def append(client: Client, count: int) -> None:
    for number in range(count):
        message = f"From: a@x.example\r\nSubject: {number}\r\n\r\ntext\r\n"
        assert "APPENDUID" in client(f"APPEND Many {{{len(message)}+}}\r\n{message}")


@pytest.mark.slow
def test_own_changes_are_not_told_again_and_others_are(connect: Connect) -> None:
    alice, other = select(connect(), 3), select(connect())
    assert alice.lines("STORE 1:* +FLAGS.SILENT (\\Flagged)") == []
    assert alice.lines("NOOP") == []
    assert len(other.lines("NOOP")) == 3
    other.lines("UID STORE 2 +FLAGS (\\Answered)")
    told = alice.lines("STORE 1:3 +FLAGS.SILENT (\\Draft)")  # another's change came between
    assert any("\\Answered" in line for line in told)
    assert alice.lines("NOOP") == []
    assert (
        flags_of(alice)
        == flags_of(other)
        == {
            1: {"\\Flagged", "\\Draft"},
            2: {"\\Flagged", "\\Draft", "\\Answered"},
            3: {"\\Flagged", "\\Draft"},
        }
    )


@pytest.mark.slow
def test_a_new_keyword_and_condstore(connect: Connect) -> None:
    alice = select(connect(), 3)
    alice.lines("ENABLE CONDSTORE")
    keywords, *lines = alice.lines("STORE 1:* +FLAGS.SILENT ($Forwarded)")
    assert keywords == "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Forwarded)"  # RFC 9051 §7.3.5
    assert len(lines) == 3
    modseq = int(re.search(r"MODSEQ \((\d+)\)", lines[0])[1])  # type: ignore[index]
    assert alice.lines(f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {modseq})") == []
    assert "MODIFIED 2" in alice(f"STORE 2 (UNCHANGEDSINCE {modseq - 1}) +FLAGS (\\Seen)")
    assert alice.lines("NOOP") == []


@pytest.mark.slow
def test_a_span_with_gaps_is_changed_where_the_mailbox_is_known(connect: Connect) -> None:
    """What lies between removed messages is changed at once; what came meanwhile, and is not known, is not."""
    alice, other = select(connect(), 9), select(connect())
    alice.lines("STORE 2,5,6 +FLAGS.SILENT (\\Deleted)")
    alice.lines("EXPUNGE")
    append(other, 1)
    assert not any("FETCH" in line for line in alice.lines("STORE 2:4 +FLAGS.SILENT (\\Flagged)"))
    other.lines("UID STORE 7 -FLAGS (\\Flagged)")
    assert len(alice.lines("STORE 2,3,6 +FLAGS.SILENT (\\Draft)")) == 1
    flagged = {uid for uid, flags in flags_of(select(connect())).items() if "\\Flagged" in flags}
    assert flagged == {3, 4}
    assert flags_of(alice) == flags_of(other)


@pytest.mark.slow
def test_a_silent_store_tells_what_a_receipt_added(store: Store, connect: Connect) -> None:
    """MSG-16: the flag that says that the receipt went is one that the client does not expect (RFC 9051 §6.4.6)."""
    with store.write(SITE) as tx:
        preferences.choose(tx, accounts.find(tx, "alice").principal, "answer_receipts", "always")
    alice = select(connect(), 2)
    asking = "Return-Path: <ada@x.example>\r\nDisposition-Notification-To: ada@x.example\r\nFrom: ada@x.example\r\n\r\nx"
    alice(f"APPEND Many {{{len(asking)}+}}\r\n{asking}")
    known, told = alice.lines("STORE 1:3 +FLAGS.SILENT (\\Seen)")
    assert known.startswith("* FLAGS (")  # the keyword is new here (RFC 9051 §7.3.5)
    assert "$MDNSent" in told
    assert alice.lines("NOOP") == []
    with store.write(SITE) as tx:
        preferences.choose(tx, accounts.find(tx, "alice").principal, "answer_receipts", "ask")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(25))
def test_whoever_changes_what_in_whatever_order(store: Store, connect: Connect, seed: int) -> None:
    chance = random.Random(seed)
    first, second = select(connect(), 12), select(connect())
    for _ in range(30):
        client = chance.choice((first, second))
        low, high = sorted((chance.randrange(1, 14), chance.randrange(1, 14)))
        given = " ".join(chance.sample(FLAGS, chance.randrange(1, 3)))
        silent = chance.choice((".SILENT", ""))
        match chance.randrange(10):
            case 0:
                client("EXPUNGE")
            case 1:
                append(client, 1)
            case 2:
                client("NOOP")
            case 3:
                client(f"STORE {low}:{high} {chance.choice('+-')}FLAGS{silent} ({given})")
            case 4:
                client(f"UID STORE {low},{high} FLAGS{silent} ({given})")
            case _:
                client(f"UID STORE {low}:{high} {chance.choice(('+', '-', ''))}FLAGS{silent} ({given})")
    fresh = select(connect())
    assert flags_of(first) == flags_of(second) == flags_of(fresh)
    with store.write(SITE) as tx:
        assert check.run(tx) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(15))
@pytest.mark.parametrize("enabled", ["", "CONDSTORE", "IMAP4rev2", "IMAP4rev2 QRESYNC"])
def test_both_ways_tell_the_same(connect: Connect, monkeypatch: pytest.MonkeyPatch, seed: int, enabled: str) -> None:
    told: list[list[list[str]]] = []
    for most in (0, 100):
        monkeypatch.setattr(storing, "_FEW", most)
        chance = random.Random(seed)
        client, other = connect(), connect()
        if enabled:
            client.lines(f"ENABLE {enabled}")
        client(f"CREATE Way{most}")
        other(f"SELECT Way{most}")
        for number in range(12):
            message = f"From: a@x.example\r\nSubject: {number}\r\n\r\ntext\r\n"
            client(f"APPEND Way{most} {{{len(message)}+}}\r\n{message}")
        client(f"SELECT Way{most}")
        said = []
        for _ in range(12):
            low, high = sorted((chance.randrange(1, 13), chance.randrange(1, 13)))
            given = " ".join(chance.sample(FLAGS, chance.randrange(0, 3)))
            silent, sign, uid = (chance.choice(some) for some in ((".SILENT", ""), ("+", "-", ""), ("UID ", "")))
            if chance.randrange(4) == 0:
                other(f"STORE {low} {chance.choice('+-')}FLAGS ({chance.choice(FLAGS)})")
            said.append(client.lines(f"{uid}STORE {low}:{high} {sign}FLAGS{silent} ({given})"))
            if chance.randrange(3) == 0:
                said.append(client.lines(f"UID FETCH {low}:* (FLAGS MODSEQ)"))
        told.append(said)
    assert told[0] == told[1]
