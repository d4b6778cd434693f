"""Several clients do anything in one mailbox: what each is told fits what it knew (RFC 9051 §5.2, §7.4.1, §7.5.1; IMAP-02)."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from tests.imap.client import Client

pytestmark = pytest.mark.slow

FLAGS = ("\\Seen", "\\Flagged", "\\Deleted", "\\Draft", "$Work")
NO_REMOVALS = re.compile(r"(FETCH|STORE|SEARCH|COPY \d)")
"""RFC 9051 §7.5.1: not in answer to a command that speaks of sequence numbers (COPY may, and does not here)."""


@dataclass
class Mirror:
    """What a client makes of what it is told."""

    client: Client
    qresync: bool
    uids: list[int | None] = field(default_factory=list)
    """By sequence number; None: it was not told yet."""
    flags: dict[int, frozenset[str]] = field(default_factory=dict)
    """By uid."""
    modseq: int = 0

    def give(self, command: str) -> None:
        said = self.client(command)
        assert "BAD" not in said, (command, said)
        for line in said.split("\r\n"):
            self.hear(line, command)

    def hear(self, line: str, command: str) -> None:
        told = re.match(r"\* (\d+) (EXISTS|EXPUNGE|RECENT|FETCH)(.*)", line)
        if line.startswith("* VANISHED "):
            assert self.qresync, line
            assert not NO_REMOVALS.match(command), (command, line)
            for uid in numbers(line.split()[-1]):
                assert uid in self.uids, (line, self.uids)
                self.uids.remove(uid)
                self.flags.pop(uid, None)
        if told is None:
            return
        number, word, rest = int(told[1]), told[2], told[3]
        if word == "EXISTS":
            assert number >= len(self.uids), (command, line)
            self.uids += [None] * (number - len(self.uids))
        elif word == "EXPUNGE":
            assert not self.qresync, line
            assert not NO_REMOVALS.match(command), (command, line)
            gone = self.uids.pop(number - 1)
            self.flags.pop(gone or 0, None)
        elif word == "RECENT":
            assert number <= len(self.uids), (command, line)
        else:
            self._fetched(number, rest, line)

    def _fetched(self, number: int, rest: str, line: str) -> None:
        assert 1 <= number <= len(self.uids), (line, self.uids)
        uid = re.search(r"UID (\d+)", rest)
        if uid is not None:
            assert self.uids[number - 1] in (None, int(uid[1])), (line, self.uids)
            self.uids[number - 1] = int(uid[1])
        known = self.uids[number - 1]
        flags = re.search(r"FLAGS \(([^)]*)\)", rest)
        if flags is not None and known is not None:
            self.flags[known] = frozenset(flags[1].split()) - {"\\Recent"}
        modseq = re.search(r"MODSEQ \((\d+)\)", rest)
        if modseq is not None and known is not None:
            self.modseq = max(self.modseq, int(modseq[1]))

    def select(self) -> None:
        if self.qresync:
            self.client("ENABLE QRESYNC")
        self.uids, self.flags = [], {}
        self.give("SELECT Many")
        self.learn()

    def learn(self) -> None:
        """Know every uid and flag, as programs do after EXISTS."""
        if None in self.uids:
            first = self.uids.index(None) + 1
            self.give(f"FETCH {first}:* (UID FLAGS)")


def numbers(text: str) -> list[int]:
    found: list[int] = []
    for part in text.split(","):
        low, _, high = part.partition(":")
        found += range(int(low), int(high or low) + 1)
    return found


@pytest.mark.parametrize("seed", range(12))
def test_all_see_the_same_in_the_end(connect: Callable[..., Client], seed: int) -> None:
    chance = random.Random(seed)
    connect()("CREATE Many")
    mirrors = [Mirror(connect(), chance.random() < 0.4) for _ in range(4)]
    for one in mirrors:
        one.select()
    for _ in range(120):
        step(chance, chance.choice(mirrors))
    for one in mirrors:
        one.give("NOOP")
        one.learn()
    fresh = Mirror(connect(), qresync=False)
    fresh.select()
    for one in mirrors:
        assert one.uids == fresh.uids
        assert one.flags == fresh.flags


def step(chance: random.Random, one: Mirror) -> None:
    count = len(one.uids)
    first, last = sorted((chance.randint(1, max(count, 1)), chance.randint(1, max(count, 1))))
    some = " ".join(chance.sample(FLAGS, chance.randint(1, 2)))
    silent, how = chance.choice(("", ".SILENT")), chance.choice(("+", "-", ""))
    uid = one.uids[first - 1] if count else None
    match chance.randrange(11):
        case 0 | 1:
            one.give(f"APPEND Many ({some}) {{5+}}\r\na: b\n")
        case 2 | 3 if count:
            one.give(f"STORE {first}:{last} {how}FLAGS{silent} ({some})")
            if silent:  # the client knows what it did
                one.give(f"FETCH {first}:{last} (UID FLAGS)")
        case 4 if uid is not None:
            one.give(f"UID STORE {uid} +FLAGS (\\Deleted)")
        case 5:
            one.give("EXPUNGE")
        case 6 if count:
            one.give(f"UID COPY {one.uids[0] or 1},{uid or 1} Many")
        case 7 if uid is not None:
            one.give(f"UID MOVE {uid} Many")
        case 8:
            one.give("NOOP")
        case 9 if count:
            one.give(chance.choice(("SEARCH ALL", "SEARCH RECENT", f"FETCH {first} FLAGS")))
        case _:
            one.give("IDLE")
            for line in one.client.woken().split("\r\n"):
                one.hear(line, "IDLE")
            for line in one.client.feed(b"DONE\r\n").split("\r\n"):
                one.hear(line, "IDLE")
    one.learn()
