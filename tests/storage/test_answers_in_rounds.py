"""Answers in large meetings reach everybody in rounds, on both engines: each copy once, whoever dies (MTG-11)."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from storage import accounts, check, collections, items
from storage.scheduling import copies, delivery, later, rounds, spreading
from storage.scheduling.tables import rounds as table
from storage.schema import versions
from storage.store import Store
from storage.types import SITE, ModSeq, SpaceKind
from tests.storage import desk
from tests.storage.test_scheduling import held, meeting, put, remove, states

MANY = [f"p{number}" for number in range(40)]
MAILS = [f"{one}@example.test" for one in MANY]
ALARM = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nDESCRIPTION:x\r\nEND:VALARM\r\nEND:VEVENT"


@pytest.fixture
def crowd(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(delivery, "FOLLOWED", 20)
    with store.write(SITE) as tx:
        for one, mail in zip(MANY, MAILS, strict=True):
            accounts.create(tx, one, "*", email=mail, display_name=one)
    put(store, "alice", "m.ics", meeting(MAILS))
    later.run(store)
    return store


def answer(store: Store, login: str, how: str, more: str = "END:VEVENT") -> None:
    name, body = held(store, login) or ("", "")
    line = f"ATTENDEE;PARTSTAT={how}:mailto:{login}@example.test"
    fresh = re.sub(rf"ATTENDEE[^\r\n]*:mailto:{login}@example.test", line, body.replace("\r\n ", ""))
    put(store, login, name, fresh.replace("END:VEVENT", more, 1).encode())


def due(store: Store) -> int:
    """Let the time pass; gives how many rounds wait."""
    with store.write(SITE) as tx:
        return tx.db.execute(sa.update(table).where(table.c.reached == 0).values(due=0)).rowcount


def numbers(store: Store) -> dict[str, ModSeq]:
    with store.read(SITE) as tx:
        return {one: collections.find(tx, SpaceKind.PRIVATE, one, "events").modseq for one in MANY}


def everybody(store: Store) -> set[str]:
    """What attendees see of each other."""
    with store.read(SITE) as tx:
        assert check.run(tx) == []
    return {repr(states((held(store, one) or ("", ""))[1])) for one in ("alice", *MANY)}


@pytest.mark.slow
def test_many_answers_are_one_write_of_each_copy(crowd: Store) -> None:
    tags = {one: _tag(crowd, one) for one in MANY}
    for one in MANY[:12]:
        answer(crowd, one, "ACCEPTED")
    answer(crowd, "p12", "DECLINED", ALARM)
    assert rounds.run(crowd) == 0  # it is not time yet
    with crowd.read(SITE) as tx:
        kept = tx.db.execute(sa.select(sa.func.count()).select_from(versions)).scalar_one()
    before = numbers(crowd)
    assert due(crowd) == 1
    assert rounds.run(crowd) == 1
    assert rounds.run(crowd) == 0
    assert numbers(crowd) == {one: number + 1 for one, number in before.items()}
    assert len(everybody(crowd)) == 1
    assert "TRIGGER" in (held(crowd, "p12") or ("", ""))[1]
    assert {one: _tag(crowd, one) for one in MANY[13:]} == {one: tags[one] for one in MANY[13:]}  # RFC 6638 §3.2.10
    with crowd.read(SITE) as tx:
        assert tx.db.execute(sa.select(sa.func.count()).select_from(versions)).scalar_one() == kept
        inboxes = {collections.find(tx, SpaceKind.PRIVATE, one, "inbox").item_count for one in MANY}
    assert inboxes == {1}  # nobody is told but the organizer


def test_what_is_right_is_not_written_again(crowd: Store) -> None:
    """The organizer's own change brought the answers meanwhile; copies in which clients wrote otherwise stay."""
    answer(crowd, "p1", "ACCEPTED")
    put(crowd, "alice", "m.ics", (held(crowd, "alice") or ("", ""))[1].replace("SUMMARY:Plan", "SUMMARY:New").encode())
    before = numbers(crowd)
    due(crowd)
    assert rounds.run(crowd) == 1
    assert numbers(crowd) == before
    assert len(everybody(crowd)) == 1


def test_a_round_goes_on_where_it_stopped(crowd: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """And answers that come while it is under way are followed by a round of their own."""
    monkeypatch.setattr(rounds, "TOGETHER", 10)
    answer(crowd, "p1", "ACCEPTED")
    before = numbers(crowd)
    due(crowd)
    looks = iter([False, False, True])
    assert rounds.run(crowd, lambda: next(looks)) == 2
    assert sum(number - before[one] for one, number in numbers(crowd).items()) == 20
    answer(crowd, "p2", "ACCEPTED")
    answer(crowd, "p3", "ACCEPTED")
    assert rounds.run(crowd) == 2
    assert {number - before[one] for one, number in numbers(crowd).items() if one not in ("p2", "p3")} == {1}
    assert rounds.next_due(crowd) not in (None, 0.0)
    assert due(crowd) == 1
    assert rounds.run(crowd) == 4
    assert rounds.next_due(crowd) is None
    assert len(everybody(crowd)) == 1


def test_few_copies_that_differ_are_read_at_once(crowd: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for one in MANY[:6]:
        answer(crowd, one, "ACCEPTED", ALARM)
    monkeypatch.setattr(rounds, "OCTETS", 4 * len((held(crowd, "p0") or ("", ""))[1]))
    before = numbers(crowd)
    due(crowd)
    assert rounds.run(crowd) == 2
    assert numbers(crowd) == {one: number + 1 for one, number in before.items()}
    assert len(everybody(crowd)) == 1


def test_what_is_not_there_does_not_come_back(crowd: Store) -> None:
    """Who deleted his copy has refused; something of somebody's own that bears the same UID stays."""
    remove(crowd, "p5")
    put(crowd, "p5", "own.ics", desk.event("m"))
    remove(crowd, "p6")
    answer(crowd, "p1", "ACCEPTED")
    due(crowd)
    assert rounds.run(crowd) == 1
    assert held(crowd, "p6") is None
    assert "SUMMARY:Tea" in (held(crowd, "p5") or ("", ""))[1]
    assert states((held(crowd, "p7") or ("", ""))[1])["p5@example.test"] == "DECLINED"


def test_a_meeting_that_is_gone_needs_no_round(crowd: Store) -> None:
    answer(crowd, "p1", "ACCEPTED")
    remove(crowd, "alice")
    due(crowd)
    assert rounds.run(crowd) == 1
    assert rounds.next_due(crowd) is None


def test_an_answer_comes_after_copies_that_wait(crowd: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change that `jobs` brings later would take back what was answered before it came."""
    monkeypatch.setattr(delivery, "FOLLOWED", 200)
    monkeypatch.setattr(spreading, "COPIES", 2)
    for one in MANY[:4]:
        answer(crowd, one, "ACCEPTED", ALARM)
    text = (held(crowd, "alice") or ("", ""))[1].replace("ORGANIZER", "PRIORITY:1\r\nORGANIZER", 1)
    put(crowd, "alice", "m.ics", text.encode())
    answer(crowd, "p1", "TENTATIVE")
    due(crowd)
    assert rounds.run(crowd) == 0
    assert later.run(crowd) > 0
    assert rounds.run(crowd) == 1
    assert len(everybody(crowd)) == 1
    assert states((held(crowd, "p0") or ("", ""))[1])["p1@example.test"] == "TENTATIVE"


def _tag(store: Store, one: str) -> str:
    with store.read(desk.actor(store, one)) as tx:
        return items.get(tx, desk.events(tx, one), copies.name_of("m")).schedule_tag
