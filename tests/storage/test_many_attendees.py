"""Meetings of many people, on both engines: written by a few statements, as one by one (MTG-04, 13, 15)."""

from __future__ import annotations

import re
import time

import pytest
import sqlalchemy as sa

from storage import accounts, check, collections, items, plans, principals
from storage.outbound import administration
from storage.scheduling import copies, later, spreading
from storage.scheduling.tables import tasks
from storage.schema import versions
from storage.store import Store, Transaction
from storage.types import SITE, PrincipalId, SpaceKind
from tests.storage import desk
from tests.storage.test_scheduling import held, meeting, put, remove, states

pytestmark = pytest.mark.slow

MANY = [f"p{number}" for number in range(40)]
MAILS = [f"{one}@example.test" for one in MANY]


@pytest.fixture
def crowd(store: Store) -> Store:
    with store.write(SITE) as tx:
        for one, mail in zip(MANY, MAILS, strict=True):
            accounts.create(tx, one, "*", email=mail, display_name=one)
    return store


def inboxes(store: Store) -> set[int]:
    later.run(store)
    with store.read(SITE) as tx:
        return {collections.find(tx, SpaceKind.PRIVATE, one, "inbox").item_count for one in MANY}


def sound(store: Store) -> None:
    with store.read(SITE) as tx:
        assert check.run(tx) == []


def test_everybody_gets_the_same_and_the_counters_are_right(crowd: Store) -> None:
    put(crowd, "alice", "m.ics", meeting([*MAILS, "eve@else.test"]))
    sound(crowd)
    alike = {held(crowd, one) for one in MANY}
    assert len(alike) == 1
    assert inboxes(crowd) == {1}
    name, body = alike.pop() or ("", "")
    assert set(states(body)) == {"alice@example.test", "eve@else.test", *MAILS}
    with crowd.read(desk.actor(crowd, "p7")) as tx:
        mine = desk.events(tx, "p7")
        item = items.get(tx, mine, name)
        assert (mine.item_count, item.creator, item.schedule_tag) == (1, tx.actor.id, "2")
        assert item.modseq == mine.modseq
    mine_too = held(crowd, "alice")
    assert mine_too is not None
    assert mine_too[1].count("SCHEDULE-STATUS=1.2") == len(MANY)
    with crowd.read(desk.actor(crowd, "p3")) as tx:
        (inbox,) = items.listing(tx, collections.find(tx, SpaceKind.PRIVATE, "p3", "inbox"))
        found = collections.find(tx, SpaceKind.PRIVATE, "p3", "inbox")
        assert b"METHOD:REQUEST" in (items.get(tx, found, inbox.name).body or b"")


def test_who_has_something_of_his_own_keeps_it(crowd: Store) -> None:
    put(crowd, "alice", "m.ics", meeting(MAILS))
    name, body = held(crowd, "p5") or ("", "")
    alarm = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nDESCRIPTION:x\r\nEND:VALARM\r\nEND:VEVENT"
    put(crowd, "p5", name, body.replace("END:VEVENT", alarm).encode())
    put(crowd, "p6", "own.ics", desk.event("m").replace(b"UID:m", b"UID:other"))
    put(crowd, "alice", "m.ics", meeting([*MAILS, "bob@example.test"], title="Other", day=2))
    sound(crowd)
    texts = {one: (held(crowd, one) or ("", ""))[1] for one in [*MANY, "bob"]}
    assert all("SUMMARY:Other" in text for text in texts.values())
    assert {one for one, text in texts.items() if "TRIGGER" in text} == {"p5"}
    assert inboxes(crowd) == {2}
    with crowd.read(SITE) as tx:
        query = sa.select(sa.func.count()).select_from(versions).where(versions.c.name == name)
        kept = tx.db.execute(query).scalar_one()
    assert kept == len(MANY) + 1  # SYS-06: the former bodies, and p5's before his alarm


def test_an_answer_reaches_all_the_others(crowd: Store) -> None:
    put(crowd, "alice", "m.ics", meeting(MAILS))
    name, body = held(crowd, "p9") or ("", "")
    tags = _tags(crowd, name)
    fresh = re.sub(r"ATTENDEE[^\r\n]*:mailto:p9@", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:p9@", body.replace("\r\n ", ""))
    put(crowd, "p9", name, fresh.encode())
    sound(crowd)
    for one in ("alice", "p0", "p9", "p39"):
        assert states((held(crowd, one) or ("", ""))[1])["p9@example.test"] == "ACCEPTED"
    assert inboxes(crowd) == {1}  # nobody is told but the organizer
    assert _tags(crowd, name) == tags  # RFC 6638 §3.2.10


def test_collisions_are_left_to_the_slow_way(crowd: Store) -> None:
    """Somebody's own event of that UID, and somebody's own item of that name, are his."""
    put(crowd, "p1", "own.ics", desk.event("m"))
    put(crowd, "p2", _name(), desk.event("z"))
    put(crowd, "alice", "m.ics", meeting([*MAILS, MAILS[3].upper(), "p4+x@example.test"]))
    sound(crowd)
    assert "SUMMARY:Tea" in (held(crowd, "p1") or ("", ""))[1]
    taken = held(crowd, "p2")
    assert taken is not None
    assert taken[0] != _name()
    assert "SCHEDULE-STATUS=5.1" in (held(crowd, "alice") or ("", ""))[1]
    remove(crowd, "alice")
    assert {one for one in MANY if held(crowd, one) is not None} == {"p1"}
    sound(crowd)


def test_a_large_meeting_lies_once_in_the_blob_store(crowd: Store) -> None:
    text = meeting(MAILS).replace(b"SUMMARY:Plan", b"SUMMARY:Plan\r\nDESCRIPTION:" + b"x" * 70_000)
    put(crowd, "alice", "m.ics", text)
    sound(crowd)
    assert all("SUMMARY:Plan" in (held(crowd, one) or ("", ""))[1] for one in MANY)


def _name() -> str:
    return copies.name_of("m")


def _tags(store: Store, name: str) -> set[str]:
    found = set()
    for one in MANY[:3]:
        with store.read(desk.actor(store, one)) as tx:
            found.add(items.get(tx, desk.events(tx, one), name).schedule_tag)
    return found


def test_inboxes_of_many_are_filled_a_moment_later(crowd: Store) -> None:
    """The calendars are there at once; what waits is done once, in order, by whoever comes first."""
    put(crowd, "alice", "m.ics", meeting(MAILS))
    with crowd.read(SITE) as tx:
        assert collections.find(tx, SpaceKind.PRIVATE, "p0", "inbox").item_count == 0
    assert later.waiting(crowd)
    assert later.run(crowd, lambda: True) == 0
    assert later.run(crowd) == 1
    assert later.run(crowd) == 0
    assert not later.waiting(crowd)
    assert inboxes(crowd) == {1}
    sound(crowd)


def test_many_people_outside_share_mails(crowd: Store) -> None:
    """MTG-05, SMTP-05: a hundred recipients in one mail, whose text names nobody; the plan's number holds."""
    outside = [f"e{number}@else.test" for number in range(120)]
    put(crowd, "alice", "m.ics", meeting([*outside, "no address", MAILS[0]]))
    assert (held(crowd, "alice") or ("", ""))[1].replace("\r\n ", "").count("SCHEDULE-STATUS=1.1") == 120
    assert _queued(crowd) == []
    later.run(crowd)
    assert sorted(map(len, _queued(crowd))) == [20, 100]
    assert {one for mail in _queued(crowd) for one in mail} == set(outside)
    remove(crowd, "alice")
    later.run(crowd)
    assert len([mail for mail in _queued(crowd) if mail != [MAILS[0]]]) == 4
    with crowd.write(SITE) as tx:
        plans.add(tx, "few", [], {"smtp_messages_per_day": 300})
        plans.assign(tx, _alice(tx), "few")
    put(crowd, "alice", "m.ics", meeting(outside))
    assert "SCHEDULE-STATUS=5.1" in (held(crowd, "alice") or ("", ""))[1].replace("\r\n ", "")
    put(crowd, "alice", "m.ics", meeting(outside[:55], title="Fewer"))
    assert later.run(crowd) == 1


def test_a_cancelled_meeting_leaves_everybody_at_once(crowd: Store) -> None:
    """MTG-15: whatever somebody has of his own, answered or kept elsewhere; and those who had it before."""
    alarm = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nDESCRIPTION:x\r\nEND:VALARM\r\nEND:VEVENT"
    for round_ in range(2):  # the second time each has a tombstone of that name
        put(crowd, "alice", "m.ics", meeting([*MAILS, "eve@else.test"]))
        name, body = held(crowd, "p0") or ("", "")
        put(crowd, "p0", name, body.replace("END:VEVENT", alarm).encode())
        put(crowd, "p1", (held(crowd, "p1") or ("", ""))[0], body.replace("NEEDS-ACTION", "ACCEPTED").encode())
        before = inboxes(crowd)
        with crowd.read(SITE) as tx:
            seen = {one: collections.find(tx, SpaceKind.PRIVATE, one, "events") for one in MANY}
        remove(crowd, "alice")
        assert [one for one in MANY if held(crowd, one) is not None] == []
        assert inboxes(crowd) == {number + 1 for number in before}, round_
        with crowd.read(SITE) as tx:
            for one, known in seen.items():
                now = collections.find(tx, SpaceKind.PRIVATE, one, "events")
                assert now.item_count == known.item_count - 1
                assert now.modseq > known.modseq
            assert tx.db.execute(sa.select(sa.func.count()).where(versions.c.removed)).scalar() == 41 * (round_ + 1)
        sound(crowd)


def test_many_copies_with_alarms_are_rewritten_later(crowd: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each keeps his own; whoever deleted his copy meanwhile does not get it back; a later change waits its turn."""
    monkeypatch.setattr(spreading, "COPIES", 3)
    put(crowd, "alice", "m.ics", meeting(MAILS))
    alarm = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nDESCRIPTION:x\r\nEND:VALARM\r\nEND:VEVENT"
    for one in MANY[:5]:
        name, body = held(crowd, one) or ("", "")
        put(crowd, one, name, body.replace("END:VEVENT", alarm).encode())
    put(crowd, "alice", "m.ics", meeting(MAILS, title="Other", day=2))
    text = (held(crowd, "alice") or ("", ""))[1].replace("\r\n ", "")
    assert text.count("SCHEDULE-STATUS=1.0") == 5
    assert "SUMMARY:Plan" in (held(crowd, "p0") or ("", ""))[1]
    remove(crowd, "p4")
    put(crowd, "alice", "m.ics", meeting(MAILS[:2], title="Last", day=3))
    later.run(crowd)
    for one in MANY[:2]:
        body = (held(crowd, one) or ("", ""))[1]
        assert "SUMMARY:Last" in body
        assert "TRIGGER" in body
    assert {one for one in MANY if held(crowd, one) is not None} == set(MANY[:2])
    sound(crowd)


def test_thousands_of_attendees(store: Store) -> None:
    """What the organizer waits for stays short, whoever they are."""
    outside = [f"e{number}@else.test" for number in range(3_000)]
    began = time.monotonic()
    put(store, "alice", "m.ics", meeting(["bob@example.test", *outside]))
    put(store, "alice", "m.ics", meeting(["bob@example.test", *outside], title="Other"))
    assert time.monotonic() - began < 20
    assert "SUMMARY:Other" in (held(store, "bob") or ("", ""))[1]
    began = time.monotonic()
    remove(store, "alice")
    assert time.monotonic() - began < 10
    assert held(store, "bob") is None


def _queued(store: Store) -> list[list[str]]:
    with store.read(SITE) as tx:
        return [[to.address for to in one.recipients] for one in administration.every(tx)]


def _alice(tx: Transaction) -> PrincipalId:
    return principals.find(tx, SpaceKind.PRIVATE, "alice").id


def test_a_task_that_fails_is_put_aside_and_tried_again(crowd: Store) -> None:
    """SYS-17: it stands in nobody's way, and nothing of it is lost."""
    with crowd.write(SITE) as tx:
        tx.db.execute(sa.insert(tasks).values(kind="inbox", uid="x", detail='{"inboxes": [1]}', message=b"nonsense"))
    put(crowd, "alice", "m.ics", meeting([*MAILS, "eve@else.test"]))
    assert inboxes(crowd) == {1}
    assert not later.waiting(crowd)
    with crowd.write(SITE) as tx:
        kinds = tx.db.execute(sa.select(tasks.c.kind, tasks.c.message)).all()
    assert [tuple(one) for one in kinds] == [("failed:inbox", b"nonsense")]
    assert later.revive(crowd) == 1
    assert later.waiting(crowd)
    assert later.run(crowd) == 1
    assert later.revive(crowd) == 1
