"""Results that are kept up to date: whoever follows the updates has what a new search would give (RFC 5267 §4)."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from tests.imap.client import Client

Connect = Callable[..., Client]


def say(client: Client, line: str) -> list[str]:
    """A command with a tag of its own; all that is said."""
    return client.feed(line.encode() + b"\r\n").removesuffix("\r\n").split("\r\n")


def put(client: Client, number: int, *, flags: str = "", mailbox: str = "INBOX") -> None:
    message = f"From: a{number % 7}@x.example\r\nSubject: nr {number}\r\n\r\n{'x' * (number * 31 % 97)}\r\n"
    assert "APPENDUID" in client(f"APPEND {mailbox} ({flags}) {{{len(message)}+}}\r\n{message}")


def test_flags_that_change(alice: Client) -> None:
    """§4.3.3, §4.3.4: in the place 0, for a search is in the order of the mailbox."""
    assert say(alice, "B1 SEARCH RETURN (UPDATE COUNT) SEEN") == ['* ESEARCH (TAG "B1") COUNT 0', "B1 OK SEARCH done"]
    assert alice.lines("STORE 1,3 +FLAGS.SILENT \\Seen") == ['* ESEARCH (TAG "B1") ADDTO (0 1,3)']
    assert alice.lines("STORE 1:3 FLAGS.SILENT \\Flagged") == ['* ESEARCH (TAG "B1") REMOVEFROM (0 1,3)']
    assert alice.lines("STORE 1:3 +FLAGS.SILENT \\Answered") == []


def test_uids(alice: Client) -> None:
    (first, second, third) = (line.split("UID ")[1].rstrip(")") for line in alice.lines("FETCH 1:3 UID"))
    say(alice, "B1 UID SEARCH RETURN (UPDATE) NOT DELETED")
    alice("STORE 1 +FLAGS.SILENT \\Deleted")
    said = alice.lines("UID STORE 1:* +FLAGS.SILENT \\Deleted")
    assert said == [f'* ESEARCH (TAG "B1") UID REMOVEFROM (0 {second}:{third})']
    assert first not in "".join(said)


def test_what_comes_and_goes(alice: Client, connect: Connect) -> None:
    """§4.3.3: ADDTO behind EXISTS; §4.3.4: REMOVEFROM before EXPUNGE, with the numbers that still hold."""
    say(alice, "B1 SEARCH RETURN (UPDATE) ALL")
    put(connect(), 4)
    said = alice.lines("NOOP")
    assert said.index("* 4 EXISTS") < said.index('* ESEARCH (TAG "B1") ADDTO (0 4)')
    alice("STORE 2:3 +FLAGS.SILENT \\Deleted")
    assert alice.lines("EXPUNGE") == ['* ESEARCH (TAG "B1") REMOVEFROM (0 2:3)', "* 2 EXPUNGE", "* 2 EXPUNGE"]


def test_a_removal_that_may_not_be_told_yet(alice: Client, connect: Connect) -> None:
    """Appendix A.3: the context tells of it at once; EXPUNGE follows when it may (RFC 9051 §7.5.1)."""
    say(alice, "B1 SEARCH RETURN (UPDATE) ALL")
    other = connect()
    other("SELECT INBOX")
    other("STORE 2 +FLAGS.SILENT \\Deleted")
    other("EXPUNGE")
    said = alice.lines("FETCH 1 FLAGS")
    assert '* ESEARCH (TAG "B1") REMOVEFROM (0 2)' in said
    assert not any("EXPUNGE" in line for line in said)
    assert alice.lines("NOOP") == ["* 2 EXPUNGE"]


def test_a_sort(alice: Client, connect: Connect) -> None:
    """§4.3.2: places are counted in the order of the sort, each after what the ones before it did."""
    for number in (9, 5, 7):
        put(alice, number)
    assert say(alice, "B1 SORT RETURN (UPDATE ALL) (REVERSE SUBJECT) UTF-8 UNSEEN")[-2] == (
        '* ESEARCH (TAG "B1") ALL 4,6,5,3,2,1'
    )
    said = alice.lines("STORE 6,4,3,1 +FLAGS.SILENT \\Seen")
    assert said == ['* ESEARCH (TAG "B1") REMOVEFROM (1 4,6 2 3 3 1)']
    assert alice.lines("STORE 6,1,3 -FLAGS.SILENT \\Seen") == ['* ESEARCH (TAG "B1") ADDTO (1 6 3 3 5 1)']
    put(connect(), 6)
    assert '* ESEARCH (TAG "B1") ADDTO (2 7)' in alice.lines("NOOP")


def test_others_options(alice: Client) -> None:
    """§4.2…4.4: they have nothing to do with one another; without one that tells something, nothing is told."""
    assert say(alice, "B1 UID SEARCH RETURN (CONTEXT UPDATE) ALL")[0] == '* ESEARCH (TAG "B1") UID'
    assert say(alice, "B2 SEARCH RETURN (CONTEXT MAX) ALL")[0] == '* ESEARCH (TAG "B2") MAX 3'
    assert say(alice, "B3 SEARCH RETURN (UPDATE PARTIAL 3:2) ALL")[0] == '* ESEARCH (TAG "B3") PARTIAL (2:3 2:3)'
    assert say(alice, "B4 SEARCH RETURN (SAVE UPDATE) 2")[0] == '* ESEARCH (TAG "B4")'
    assert alice.lines("FETCH $ UID")[0].startswith("* 2 FETCH")
    alice("STORE 1,2 +FLAGS.SILENT \\Deleted")
    tags = [re.findall(r'TAG "(\w+)"', line)[0] for line in alice.lines("EXPUNGE") if "REMOVEFROM" in line]
    assert tags == ["B1", "B3", "B4"]


def test_tags(alice: Client) -> None:
    """§4.3: a tag belongs to one; §4.3.5: until it is cancelled."""
    say(alice, "B1 UID SEARCH RETURN (UPDATE COUNT) SEEN")
    assert say(alice, "B1 SORT RETURN (UPDATE) (DATE) UTF-8 FLAGGED")[-1].startswith("B1 BAD")
    assert say(alice, "B1 SEARCH RETURN (UPDATE) FLAGGED")[-1].startswith("B1 BAD")
    assert say(alice, "B1 SEARCH RETURN (COUNT) FLAGGED")[-1].startswith("B1 OK")
    assert alice.lines('CANCELUPDATE "B1" "B2"') == []
    assert alice.lines("STORE 1 +FLAGS.SILENT \\Seen") == []
    assert say(alice, "B1 SEARCH RETURN (UPDATE) FLAGGED")[-1].startswith("B1 OK")
    for command in ("CANCELUPDATE", "CANCELUPDATE ", 'CANCELUPDATE "B1" ('):
        assert alice.end(command).startswith("A BAD")


def test_too_many(alice: Client) -> None:
    """§4.3.1: the search is answered, and its updates are refused."""
    for number in range(8):
        assert len(say(alice, f"B{number} SEARCH RETURN (UPDATE) ALL")) == 2
    assert say(alice, "B8 UID SORT RETURN (UPDATE COUNT) (DATE) UTF-8 ALL") == [
        '* ESEARCH (TAG "B8") UID COUNT 3',
        '* NO [NOUPDATE "B8"] that would be too many',
        "B8 OK UID SORT done",
    ]
    alice('CANCELUPDATE "B3"')
    assert len(say(alice, "B8 SEARCH RETURN (UPDATE) ALL")) == 2


def test_as_long_as_it_is_selected(alice: Client) -> None:
    """§4.3: no longer."""
    say(alice, "B1 SEARCH RETURN (UPDATE) ALL")
    alice("SELECT INBOX")
    assert alice.lines("STORE 1 +FLAGS.SILENT \\Seen") == []
    put(alice, 4)
    assert not any("ESEARCH" in line for line in alice.lines("NOOP"))
    assert " CONTEXT=SEARCH CONTEXT=SORT " in alice("CAPABILITY")


def test_while_it_waits(alice: Client, connect: Connect) -> None:
    """§4.3.2: in IDLE too."""
    say(alice, "B1 SEARCH RETURN (UPDATE) SUBJECT nr")
    alice.feed(b"A IDLE\r\n")
    put(connect(), 4)
    assert '* ESEARCH (TAG "B1") ADDTO (0 4)\r\n' in alice.woken()
    alice.feed(b"DONE\r\n")


@dataclass
class Live:
    """What a client makes of the updates of one search."""

    tag: str
    command: str
    """Before the return options: SEARCH, UID SEARCH, SORT or UID SORT."""
    criteria: str
    found: list[int] = field(default_factory=list)

    @property
    def sorts(self) -> bool:
        return "SORT" in self.command

    def begin(self, client: Client) -> None:
        (line, end) = say(client, f"{self.tag} {self.command} RETURN (UPDATE ALL) {self.criteria}")
        assert end.startswith(f"{self.tag} OK"), end
        told = re.search(r" ALL (\S+)", line)
        self.found = members(told[1]) if told else []

    def hear(self, line: str) -> None:
        gone = re.fullmatch(r"\* (\d+) EXPUNGE", line)
        if gone and not self.command.startswith("UID"):
            number = int(gone[1])
            assert number not in self.found, "it was taken out before"
            self.found = [one - (one > number) for one in self.found]
        if not line.startswith(f'* ESEARCH (TAG "{self.tag}")'):
            return
        for word, pairs in re.findall(r"(ADDTO|REMOVEFROM) \(([^)]*)\)", line):
            words = pairs.split()
            for place, chosen in zip(map(int, words[::2]), map(members, words[1::2]), strict=True):
                self.change(word, place, chosen)

    def change(self, word: str, place: int, chosen: list[int]) -> None:
        assert bool(place) == self.sorts
        if word == "ADDTO":
            assert not set(chosen) & set(self.found)
            at = place - 1 if place else len(self.found)
            assert at <= len(self.found)
            self.found[at:at] = chosen
            self.found = self.found if place else sorted(self.found)
        elif place:
            assert self.found[place - 1 : place - 1 + len(chosen)] == chosen
            del self.found[place - 1 : place - 1 + len(chosen)]
        else:
            assert set(chosen) <= set(self.found)
            self.found = [one for one in self.found if one not in chosen]

    def asked_anew(self, client: Client) -> list[int]:
        lines = client.lines(f"{self.command} {self.criteria}")
        word = "* SORT" if self.sorts else "* SEARCH"
        (line,) = (one for one in lines if one.startswith(word))
        return [int(one) for one in line.removeprefix(word).split()]


def members(written: str) -> list[int]:
    """The numbers of a set, in its order."""
    found: list[int] = []
    for part in written.split(","):
        low, _, high = part.partition(":")
        found += range(int(low), int(high or low) + 1)
    return found


CRITERIA = ("UNSEEN", "OR FLAGGED SUBJECT 1", "NOT DELETED BODY xxx", "UID 3:* NOT DRAFT", "FROM a3", "KEYWORD $Work")
KEYS = ("(SUBJECT)", "(REVERSE SIZE FROM)", "(FROM REVERSE ARRIVAL)")


@pytest.mark.parametrize("seed", range(8))
def test_whoever_follows_has_what_a_new_search_gives(connect: Connect, seed: int) -> None:
    chance = random.Random(seed)
    writer, reader = connect(), connect()
    writer("CREATE Live")
    for number in range(12):
        put(writer, number, mailbox="Live")
    for client in (writer, reader):
        client("SELECT Live")
    live: list[Live] = []
    for number in range(8):
        command = chance.choice(["SEARCH", "UID SEARCH", "SORT", "UID SORT"])
        keys = f"{chance.choice(KEYS)} UTF-8 " if "SORT" in command else ""
        live.append(Live(f"L{number}", command, keys + chance.choice(CRITERIA)))
        live[-1].begin(reader)
    for step in range(60):
        acting = chance.choice([writer, reader])
        number = chance.randint(1, 12)
        flag = chance.choice(["\\Seen", "\\Flagged", "\\Deleted", "\\Draft", "$Work"])
        command = chance.choice(
            [
                f"STORE {number} {chance.choice('+-')}FLAGS {flag}",
                f"UID STORE {number}:{number + 4} {chance.choice('+-')}FLAGS.SILENT {flag}",
                f"FETCH {number} FLAGS",
                "EXPUNGE",
                "NOOP",
                "append",
            ]
        )
        if command == "append":
            put(writer, 20 + step, mailbox="Live")
            command = "NOOP"
        for line in acting(command).split("\r\n") if acting is reader else (acting(command), "")[1:]:
            for one in live:
                one.hear(line)
        if step % 10 == 9:
            for line in reader("NOOP").split("\r\n"):
                for one in live:
                    one.hear(line)
            for one in live:
                assert one.found == one.asked_anew(reader), (one.command, one.criteria)
