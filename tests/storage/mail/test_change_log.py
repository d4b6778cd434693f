"""What changed since a number, whatever happened and however long ago: a comparison of all messages says the same."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise

import pytest
import sqlalchemy as sa

from storage import check
from storage.mail import change_log, flagging, follow_ups, mailboxes, moving, reading
from storage.mail.tables import changes
from storage.mail.types import Mailbox, State
from storage.store import Store, Transaction
from storage.types import SITE, Actor
from tests.storage.mail.mails import mail, put

STEPS = 160


@pytest.fixture(params=["as it is", "forgetful"])
def kept(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is, and with limits so low that what is old is forgotten and spans are filled all the time."""
    if request.param == "forgetful":
        monkeypatch.setattr(change_log, "KEPT", 5)
        monkeypatch.setattr(change_log, "SPANS_MAX", 3)
        monkeypatch.setattr(change_log, "LOOKS_MAX", 2)
        monkeypatch.setattr(change_log, "_NEAR", 0)
        monkeypatch.setattr(change_log, "_LOOK_EVERY", 4)


def _some(chance: random.Random, uids: list[int]) -> list[int]:
    return sorted(chance.sample(uids, min(len(uids), chance.choice((1, 1, 2, 7, 30, 10_000)))))


def _step(tx: Transaction, chance: random.Random, inbox: Mailbox, drafts: Mailbox) -> None:
    """One change of the INBOX, as mail is changed anywhere."""
    uids = [state.uid for state in reading.snapshot(tx, inbox.id).states]
    some = _some(chance, uids)
    what = chance.choice(("flags", "flags", "flags", "condition", "copy", "move", "remove", "expunge", "detail"))
    flag = chance.choice(("\\Seen", "\\Flagged", "\\Deleted", "$Work"))
    if what == "flags":
        flagging.set_flags(tx, inbox, some, chance.choice(("add", "remove", "replace")), flag)
    elif what == "condition":
        flagging.set_flags(tx, inbox, some, "add", flag, unchanged_since=inbox.modseq - chance.randrange(5))
    elif what == "copy" and len(uids) < 150:
        moving.copy(tx, inbox, some[:40], inbox)
    elif what == "move":
        moving.move(tx, inbox, some[:3], drafts)
        moving.move_all(tx, drafts, inbox)
    elif what == "remove":
        moving.remove(tx, inbox, some[:2])
    elif what == "expunge" and chance.random() < 0.2:
        moving.expunge(tx, inbox)
    elif what == "detail" and some:
        follow_ups.put(tx, inbox, some[0], follow_ups.FollowUp(subject=str(chance.random())))


def _states(tx: Transaction, box: Mailbox) -> dict[int, State]:
    return {state.uid: state for state in reading.snapshot(tx, box.id).states}


@pytest.mark.slow
@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("seed", range(3))
def test_changes_are_what_a_comparison_finds(store: Store, alice: Actor, seed: int) -> None:
    """RFC 7162 §3.2.5.1: all that changed and all that went since any number, and nothing else."""
    chance = random.Random(seed)
    past: list[tuple[int, dict[int, State]]] = []
    for step in range(STEPS):
        if step % 6 == 0:
            put(store, alice, "INBOX", *(mail(f"{step} {number}") for number in range(chance.choice((1, 1, 1, 20)))))
        with store.write(alice) as tx:
            _step(tx, chance, mailboxes.find(tx, "INBOX"), mailboxes.find(tx, "Drafts"))
        with store.read(alice) as tx:
            inbox = mailboxes.find(tx, "INBOX")
            now = _states(tx, inbox)
            for modseq, before in [*past[-3:], *chance.sample(past, min(len(past), 3))]:
                found = reading.changes(tx, inbox.id, modseq)
                assert found.complete
                assert found.modseq == inbox.modseq
                assert found.states == [one for uid, one in sorted(now.items()) if before.get(uid) != one]
                assert before.keys() - now.keys() <= set(found.vanished)
                assert not now.keys() & set(found.vanished)
        past.append((inbox.modseq, now))
    with store.write(SITE) as tx:
        assert check.run(tx) == []
        assert tx.db.execute(sa.select(sa.func.count()).select_from(changes)).scalar_one() > 1


def _rows(store: Store, box: Mailbox) -> list[tuple[int, int, int]]:
    query = sa.select(changes.c.modseq, changes.c.first_uid, changes.c.last_uid).order_by(*changes.primary_key)
    with store.read(SITE) as tx:
        return [(*row,) for row in tx.db.execute(query.where(changes.c.collection_id == box.id))]


def test_a_change_of_all_messages_is_one_row(store: Store, alice: Actor) -> None:
    """IMAP-02: what a client is told after one change is found without a look at what did not change."""
    uids = put(store, alice, "INBOX", *(mail(str(number)) for number in range(30)))
    with store.write(alice) as tx:
        box = mailboxes.find(tx, "INBOX")
        first = flagging.set_flags(tx, box, uids, "add", "\\Seen").modseq
        second = flagging.set_flags(tx, box, uids[::2], "remove", "\\Seen").modseq
        assert change_log.since(tx, box.id, second - 1) == [(uids[0], uids[28])]
        assert change_log.since(tx, box.id, second) == []
    assert [row[1:] for row in _rows(store, box) if row[0] == first] == [(uids[0], uids[-1])]
    assert len(_rows(store, box)) == 2 + len(uids[::2])


def test_the_log_does_not_grow_for_ever(store: Store, alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    """SYS-07: what is old becomes one row, also where every second number is a removal's."""
    monkeypatch.setattr(change_log, "KEPT", 10)
    (kept,) = put(store, alice, "INBOX", mail("kept"))
    for number in range(100):
        (uid,) = put(store, alice, "INBOX", mail(str(number)))
        with store.write(alice) as tx:
            box = mailboxes.find(tx, "INBOX")
            moving.remove(tx, box, [uid])
            flagging.set_flags(tx, box, [kept], "add" if number % 2 else "remove", "\\Seen")
    rows = _rows(store, box)
    assert len(rows) <= 10 + 1 + change_log._LOOK_EVERY
    assert [row[1:] for row in rows if row[1:] == change_log.EVERY] == [change_log.EVERY]
    with store.read(alice) as tx:
        assert [one.uid for one in reading.changes(tx, box.id, 1).states] == [kept]


def test_a_message_that_no_row_leads_to_is_found_by_the_check(store: Store, alice: Actor) -> None:
    put(store, alice, "INBOX", mail("1"), mail("2"))
    with store.write(SITE) as tx:
        tx.db.execute(sa.delete(changes))
    with store.write(SITE) as tx:
        (problem,) = check.run(tx, repair=True)
        assert (problem.kind, problem.repaired) == ("number", True)
        assert "2 messages" in problem.text
    with store.write(SITE) as tx:
        assert check.run(tx) == []
    with store.read(alice) as tx:
        assert len(reading.changes(tx, mailboxes.find(tx, "INBOX").id, 1).states) == 2


def _random_spans(chance: random.Random) -> Iterator[tuple[int, int]]:
    for _ in range(chance.randrange(1, 12)):
        first = chance.randrange(1, 60)
        yield first, first + chance.choice((0, 0, 1, 5))


@pytest.mark.parametrize("seed", range(50))
def test_fewer_spans_hold_the_same_and_fill_the_narrowest_gaps(seed: int) -> None:
    chance = random.Random(seed)
    spans = list(_random_spans(chance))
    held = {uid for first, last in spans for uid in range(first, last + 1)}
    whole = change_log.condensed(spans, 100, 0)
    assert [uid for first, last in whole for uid in range(first, last + 1)] == sorted(held)
    assert all(before[1] + 1 < after[0] for before, after in pairwise(whole))
    most = chance.randrange(1, 5)
    few = change_log.condensed(spans, most, 0)
    assert len(few) == min(most, len(whole))
    assert held <= {uid for first, last in few for uid in range(first, last + 1)}
    gaps = sorted((after[0] - before[1] for before, after in pairwise(whole)), reverse=True)
    left = sorted((after[0] - before[1] for before, after in pairwise(few)), reverse=True)
    assert left == gaps[: len(left)]
