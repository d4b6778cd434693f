"""Meetings that repeat, cut in two or made shorter: nobody answers twice (CAL-17, MTG-13)."""

from __future__ import annotations

import pytest

from storage.errors import NotFound, Refused
from storage.scheduling import splitting
from storage.store import Store
from tests.caldav.desk import Client, put
from tests.caldav.meetings import (
    BOB,
    INVITED,
    PATH,
    answer,
    copy_of,
    meeting,
    members,
    person,
    queued,
    someone,
    state,
    text,
)


def accepted(alice: Client, bob: Client, *more: str) -> str:
    put(alice, PATH, meeting(INVITED, *more, more=("RRULE:FREQ=DAILY;COUNT=5",)))
    mine = copy_of(bob, BOB)
    assert answer(bob, mine, "bob@example.test", "ACCEPTED").status == 204
    return mine


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("COUNT=5", "COUNT=3", "ACCEPTED"),
        ("COUNT=5", "UNTIL=20250602T100000Z", "ACCEPTED"),
        ("RRULE:", "EXDATE:20250602T100000Z\r\nRRULE:", "ACCEPTED"),
        ("COUNT=5", "COUNT=9", "NEEDS-ACTION"),
        ("T110000Z", "T113000Z", "NEEDS-ACTION"),
    ],
)
def test_a_shorter_series_asks_nobody_again(alice: Client, bob: Client, old: str, new: str, expected: str) -> None:
    mine = accepted(alice, bob)
    put(alice, PATH, text(alice, PATH).replace(old, new).encode())
    assert new in text(bob, mine)
    assert "SEQUENCE:1" in text(bob, mine)
    assert state(bob, mine, "bob@example.test") == expected
    assert state(alice, PATH, "bob@example.test") == expected


def test_this_and_later_instances_become_a_series(alice: Client, bob: Client, store: Store) -> None:
    accepted(alice, bob, someone("eve@else.test"))
    before = len(queued(store))
    actor, account = person(store, "alice")
    with store.write(actor) as tx:
        fresh = splitting.split(tx, account, "m1", "20250603T100000Z")
    assert len(queued(store)) == before + 2  # eve hears of both halves
    theirs = [text(bob, one) for one in members(bob, BOB)]
    assert sorted("COUNT=3" in one for one in theirs) == [False, True]
    assert sorted("UNTIL=20250603T095959Z" in one for one in theirs) == [False, True]
    assert sorted(f"UID:{fresh}" in one for one in theirs) == [False, True]
    for one in (*members(bob, BOB),):
        assert state(bob, one, "bob@example.test") == "ACCEPTED"
    for instance in ("20250601T100000Z", "20250603T100000Z", "x"):
        with store.write(actor) as tx, pytest.raises(Refused):
            splitting.split(tx, account, "m1", instance)
    with store.write(actor) as tx, pytest.raises(NotFound):
        splitting.split(tx, account, "m2", "20250602T100000Z")
    actor, account = person(store, "bob")
    with store.write(actor) as tx, pytest.raises(Refused):
        splitting.split(tx, account, "m1", "20250602T100000Z")
