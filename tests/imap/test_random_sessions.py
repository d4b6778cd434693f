"""Sessions of all kinds do anything in two mailboxes: a model of what each was told is what is there (RFC 9051 §5.2, RFC 7162; IMAP-02)."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from servers.imap import messages
from servers.imap.commands import storing
from storage import check
from storage.store import Store
from storage.types import SITE
from tests.imap.client import Client

SYSTEM = frozenset(("\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft"))
FLAGS = ("\\Seen", "\\Flagged", "\\Deleted", "\\Draft", "$Work", "$Junk", "Own", "x1", "x2")
KINDS = ("", "IMAP4rev2", "CONDSTORE", "IMAP4rev2 CONDSTORE", "QRESYNC", "IMAP4rev2 QRESYNC")
NUMBERS = re.compile(r"(FETCH|STORE|SEARCH|SORT|THREAD) ")
"""RFC 9051 §7.5.1: no removal is told in answer to these."""
RESPONSE = re.compile(r"\* (\d+) (EXISTS|EXPUNGE|RECENT|FETCH)(.*)")

Connect = Callable[..., Client]


@dataclass
class Mail:
    """What a client knows of one message."""

    uid: int | None = None
    flags: frozenset[str] | None = None
    modseq: int = 0


@dataclass
class Kept:
    """What a client keeps of a mailbox that it leaves."""

    validity: int
    modseq: int
    mails: dict[int, Mail]


@dataclass
class Model:
    """A client that believes what it is told, and no more."""

    client: Client
    kind: str
    box: str = ""
    mails: list[Mail] = field(default_factory=list)
    keywords: set[str] = field(default_factory=set)
    validity: int = 0
    highest: int = 0
    code: int = 0
    """HIGHESTMODSEQ since the last tagged response."""
    seen: int = 0
    """The highest MODSEQ since then."""
    kept: dict[str, Kept] = field(default_factory=dict)
    changing: dict[int, tuple[str, frozenset[str]]] = field(default_factory=dict)
    """By uid: what the silent STORE under way does."""
    log: list[str] = field(default_factory=list)

    @property
    def condstore(self) -> bool:
        return "CONDSTORE" in self.kind or self.qresync

    @property
    def qresync(self) -> bool:
        return "QRESYNC" in self.kind

    def give(self, command: str) -> str:
        self.log.append(f"C {command[:200]}")
        said = self.client(command)
        self.log.append(f"S {said[:3000]}")
        assert " BAD " not in said, self.trace(command)
        assert "SERVERBUG" not in said, self.trace(command)
        for line in without_literals(said).split("\r\n"):
            self.hear(line, command)
        return said

    def trace(self, *why: object) -> str:
        return "\n".join([self.kind, *map(str, why), *self.log[-24:]])

    def hear(self, line: str, command: str = "") -> None:
        if code := re.search(r"\[HIGHESTMODSEQ (\d+)\]", line):
            assert int(code[1]) >= self.highest, self.trace(line)
            self.code = int(code[1])
        if code := re.search(r"\[UIDVALIDITY (\d+)\]", line):
            self.validity = int(code[1])
        if line.startswith("* FLAGS ("):
            self.keywords = set(line[9:-1].split())
        if line.startswith("* VANISHED "):
            assert self.qresync, self.trace(line)
            if "(EARLIER)" not in line:
                assert not NUMBERS.match(command), self.trace(line)
            here = {mail.uid for mail in self.mails}
            gone = set(numbers(line.split()[-1]))
            if "(EARLIER)" not in line:
                assert None in here or gone <= here, self.trace(line)
            before = len(self.mails)
            if "(EARLIER)" not in line:
                self.mails = [mail for mail in self.mails if mail.uid not in gone]
                unknown = len(gone) - (before - len(self.mails))
                if unknown:  # which ones, it learns again
                    first = next(place for place, mail in enumerate(self.mails) if mail.uid is None)
                    self.mails[first:] = [Mail() for _ in range(len(self.mails) - unknown - first)]
            else:
                if self.box in self.kept:
                    for uid in gone:
                        self.kept[self.box].mails.pop(uid, None)
        if line.startswith("A "):  # RFC 7162 §6: a HIGHESTMODSEQ goes before any number that was seen
            self.highest = self.code or max(self.highest, self.seen)
            self.code = self.seen = 0
        told = RESPONSE.match(line)
        if told is None:
            return
        number, word, rest = int(told[1]), told[2], told[3]
        if word == "EXISTS":
            assert number >= len(self.mails), self.trace(line)
            self.mails += [Mail() for _ in range(number - len(self.mails))]
        elif word == "EXPUNGE":
            assert not self.qresync, self.trace(line)
            assert not NUMBERS.match(command), self.trace(line)
            self.mails.pop(number - 1)
        elif word == "RECENT":
            assert "IMAP4rev2" not in self.kind, self.trace(line)
            assert number <= len(self.mails), self.trace(line)
        else:
            self._fetched(number, rest, line)

    def _fetched(self, number: int, rest: str, line: str) -> None:
        assert 1 <= number <= len(self.mails), self.trace(line)
        mail = self.mails[number - 1]
        if uid := re.search(r"UID (\d+)", rest):
            assert mail.uid in (None, int(uid[1])), self.trace(line)
            mail.uid = int(uid[1])
        if flags := re.search(r"FLAGS \(([^)]*)\)", rest):
            mail.flags = frozenset(flags[1].split()) - {"\\Recent"}
            assert mail.flags <= self.keywords | SYSTEM, self.trace("keyword not announced", line, self.keywords)
            self.changing.pop(mail.uid or 0, None)
        if modseq := re.search(r"MODSEQ \((\d+)\)", rest):
            assert self.condstore, self.trace(line)
            assert int(modseq[1]) >= mail.modseq, self.trace(line, mail)
            mail.modseq = int(modseq[1])
            self.seen = max(self.seen, mail.modseq)

    def learn(self) -> None:
        """Know every uid and all flags, as programs do after EXISTS."""
        known = ((mail.uid, mail.flags is not None, mail.modseq or not self.condstore) for mail in self.mails)
        first = next((place for place, one in enumerate(known, 1) if not all(one)), 0)
        if first:
            self.give(f"FETCH {first}:* (UID FLAGS{' MODSEQ' if self.condstore else ''})")

    def select(self, box: str, *, resync: bool, word: str = "SELECT") -> None:
        self.leave()
        self.box, self.mails, self.keywords, self.highest = box, [], set(), 0
        known = self.kept.get(box)
        if not (resync and known and self.qresync):
            self.kept.pop(box, None)
            assert "A OK" in self.give(f"{word} {box}"), self.trace()
            self.learn()
            return
        said = self.give(f"{word} {box} (QRESYNC ({known.validity} {known.modseq}))")
        self.kept.pop(box, None)
        if self.validity != known.validity:
            self.learn()
            return
        # What it kept, without what vanished, and what it was told: that is all up to where it was.
        told = {mail.uid: mail for mail in self.mails if mail.uid is not None}
        mails = known.mails | told
        assert len(mails) == len(self.mails), self.trace(sorted(mails), len(self.mails), said)
        self.mails = [mails[uid] for uid in sorted(mails)]

    def leave(self) -> None:
        """Keep what it knows, as far as it is sure."""
        if self.box and self.qresync and all(mail.uid and mail.flags is not None for mail in self.mails):
            self.kept[self.box] = Kept(
                self.validity, self.highest, {mail.uid: mail for mail in self.mails if mail.uid is not None}
            )
        self.box = ""

    def store(self, written: str, chosen: list[Mail], how: str, flags: str, *, since: int | None, uid: bool) -> None:
        silent = ".SILENT" in how
        given = frozenset(flags.split())
        unchanged = f"(UNCHANGEDSINCE {since}) " if since is not None else ""
        before = {mail.uid: mail.flags for mail in chosen}
        mails = {mail.uid: mail for mail in chosen}
        if silent:
            self.changing = {mail.uid or 0: (how, given) for mail in chosen}
        said = self.give(f"{'UID ' if uid else ''}STORE {written} {unchanged}{how} ({flags})")
        if not silent:
            return
        failed: set[int] = set()
        if code := re.search(r"\[MODIFIED ([\d,:]+)\]", said):
            failed = set(numbers(code[1]))
            if not uid:
                failed = {self.mails[number - 1].uid or 0 for number in failed}
        for one, mail in mails.items():
            old = before[one]
            if one in self.changing and one not in failed and old is not None and mail in self.mails:
                fresh = given if how[0] == "F" else old | given if how[0] == "+" else old - given
                mail.flags = fresh
                announced = fresh <= self.keywords | SYSTEM or "some are gone" in said
                assert announced, self.trace("keyword not announced", fresh)
        self.changing = {}


def without_literals(said: str) -> str:
    while literal := re.search(r"\{(\d+)\}\r\n", said):
        said = said[: literal.start()] + said[literal.end() + int(literal[1]) :]
    return said


def numbers(text: str) -> Iterator[int]:
    for part in text.split(","):
        low, _, high = part.partition(":")
        yield from range(int(low), int(high or low) + 1)


def compact(found: list[int]) -> str:
    return ",".join(map(str, found))


def append(one: Model, chance: random.Random, count: int, box: str) -> None:
    text = f"APPEND {box}"
    for number in range(count):
        flags = " ".join(chance.sample(FLAGS, chance.choice((0, 0, 1, 2))))
        message = f"From: a{number % 7}@x.example\r\nSubject: s{number % 5}\r\n\r\nx\r\n"
        text += f" ({flags}) {{{len(message)}+}}\r\n{message}"
    assert "APPENDUID" in one.give(text), one.trace()


def step(chance: random.Random, one: Model) -> None:
    count = len(one.mails)
    other = chance.choice(("Many", "Other"))
    how = chance.choice(("+", "-", "")) + "FLAGS" + chance.choice(("", ".SILENT"))
    flags = " ".join(chance.sample(FLAGS, chance.randint(0 if how[0] == "F" else 1, 2)))
    uid = chance.random() < 0.6
    places = sorted({chance.randint(1, count) for _ in range(chance.choice((1, 2, 2, 5)))}) if count else []
    if places and chance.random() < 0.6:
        places = list(range(places[0], places[-1] + 1))
    if places and chance.random() < 0.2:
        places = list(range(1, count + 1))
    chosen = [one.mails[place - 1] for place in places]
    uid = uid and all(mail.uid for mail in chosen)
    listed = [mail.uid or 0 for mail in chosen] if uid else places
    written = compact(listed)
    if len(listed) > 1 and len(places) == places[-1] - places[0] + 1:
        written = f"{listed[-1]}:{listed[0]}" if chance.random() < 0.2 else f"{listed[0]}:{listed[-1]}"
        if not uid and places[-1] == count and places[0] == 1:
            written = "1:*"
    prefix = "UID " if uid else ""
    match chance.randrange(24):
        case 0 | 1:
            append(one, chance, chance.choice((1, 1, 3, 30)), other)
        case 2 | 3 | 4 | 5 | 6 if places:
            since = chance.choice((None, None, one.highest, max(one.highest - 3, 0))) if one.condstore else None
            one.store(written, chosen, how, flags, since=since, uid=uid)
        case 7:
            one.give("EXPUNGE")
        case 8 if places and uid:
            one.give(f"UID EXPUNGE {written}")
        case 9 if places and len(places) < 60:
            one.give(f"{prefix}COPY {written} {other}")
        case 10 if places and len(places) < 60:
            one.give(f"{prefix}MOVE {written} {other}")
        case 11:
            one.give(chance.choice(("NOOP", "CHECK")))
        case 12 if places:
            what = chance.choice(("FLAGS", "(UID FLAGS)", "(UID ENVELOPE)", "(UID BODY[])", "(FLAGS RFC822.SIZE)"))
            one.give(f"{prefix}FETCH {written} {what}")
        case 13 if places and one.condstore:
            more = " VANISHED" if one.qresync and uid else ""
            one.give(f"{prefix}FETCH {written} (UID FLAGS) (CHANGEDSINCE {max(one.highest - 2, 1)}{more})")
        case 14:
            searched(one, chance, flags.split())
        case 15:
            one.give(chance.choice(("SORT (SUBJECT REVERSE FROM) UTF-8 ALL", "UID SORT (ARRIVAL) UTF-8 UNSEEN",
                                    "THREAD REFERENCES UTF-8 ALL", "UID THREAD ORDEREDSUBJECT UTF-8 SEEN")))  # fmt: skip
        case 16 | 17:
            one.give("IDLE")
            said = one.client.woken() + one.client.feed(b"DONE\r\n")
            one.log.append(f"S {said}")
            for line in said.split("\r\n"):
                one.hear(line, "IDLE")
        case 18:
            more = " HIGHESTMODSEQ" if one.condstore else ""
            one.give(f"STATUS {chance.choice(('Many', 'Other'))} (MESSAGES UNSEEN DELETED SIZE{more})")
        case 19 | 20:
            if chance.random() < 0.3:
                one.give("UNSELECT")
            one.select(other, resync=chance.random() < 0.8)
        case 21:
            one.give("CLOSE")
            one.kept.pop(one.box, None)
            one.box = ""
            one.select(other, resync=False)
        case 22 if places:
            one.give("UID SEARCH RETURN (SAVE) " + chance.choice(("ALL", "UNSEEN", "DELETED", "1:*")))
            one.give(f"UID STORE $ {chance.choice('+-')}FLAGS ({flags or FLAGS[0]})")
        case 23 if one.condstore:
            one.give(f"SEARCH MODSEQ {max(one.highest - 3, 1)}")
    if chance.random() < 0.7:
        one.learn()


def searched(one: Model, chance: random.Random, flags: list[str]) -> None:
    """What is found fits what it was told by then and is told with the answer."""
    key = chance.choice(("SEEN", "UNDELETED", "FLAGGED", "ALL", "KEYWORD Own", "UNKEYWORD x1"))
    one.give(f"SEARCH {key}")


def compare(one: Model, fresh: Model) -> None:
    said = fresh.give(f"STATUS {one.box} (MESSAGES UNSEEN DELETED SIZE HIGHESTMODSEQ UIDNEXT)")
    counts = dict(re.findall(r"(\w+) (\d+)", said.split("(", 1)[1]))
    fresh.select(one.box, resync=False)
    fresh.give("FETCH 1:* (UID FLAGS MODSEQ RFC822.SIZE)") if fresh.mails else None
    found = fresh.mails
    assert [mail.uid for mail in one.mails] == [mail.uid for mail in found], one.trace("uids")
    for mine, real in zip(one.mails, found, strict=True):
        assert mine.flags == real.flags, one.trace("flags", mine, real)
        if one.condstore:
            assert mine.modseq == real.modseq, one.trace("modseq", mine, real)
    assert int(counts["MESSAGES"]) == len(found)
    assert int(counts["UNSEEN"]) == sum("\\Seen" not in (mail.flags or ()) for mail in found)
    assert int(counts["DELETED"]) == sum("\\Deleted" in (mail.flags or ()) for mail in found)
    assert int(counts["HIGHESTMODSEQ"]) >= max((mail.modseq for mail in found), default=0)
    uids = [mail.uid or 0 for mail in found]
    assert uids == sorted(set(uids))


def play(store: Store, connect: Connect, seed: int, steps: int, many: int, sessions: int = 5) -> None:
    chance = random.Random(seed)
    start = Model(connect(), "CONDSTORE")
    start.give("ENABLE CONDSTORE")
    start.give("CREATE Many")
    start.give("CREATE Other")
    if many:
        append(start, chance, many, "Many")
    models = [Model(connect(), chance.choice(KINDS)) for _ in range(sessions)]
    for one in models:
        if one.kind:
            one.give(f"ENABLE {one.kind}")
        one.select("Many", resync=False)
    for at in range(steps):
        step(chance, chance.choice(models))
        if at % 40 == 39 or at == steps - 1:
            for one in models:
                one.give("NOOP")
                one.learn()
                one.give("NOOP")
            fresh = Model(connect(), "IMAP4rev2 CONDSTORE")
            fresh.give("ENABLE IMAP4rev2 CONDSTORE")
            for one in models:
                compare(one, fresh)
            with store.write(SITE) as tx:
                assert check.run(tx) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_each_knows_what_is_there(store: Store, connect: Connect, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Small parts, and few messages that are looked at one by one: whatever is done to many is done to a few."""
    monkeypatch.setattr(messages, "PART", 4 + seed % 5)
    monkeypatch.setattr(storing, "_FEW", seed % 3)
    play(store, connect, seed, 120, 20)
