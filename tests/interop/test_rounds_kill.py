"""kill -9 amid a round of answers, on both engines: each copy gets them, and changes once (MTG-11, SYS-07)."""

from __future__ import annotations

import random
import time
from typing import Final

import pytest
import sqlalchemy as sa

from storage import accounts, check, collections
from storage.scheduling import later
from storage.scheduling.tables import rounds
from storage.store import Store
from storage.types import SITE, ModSeq, SpaceKind
from tests.interop.desk import Desk
from tests.storage.test_answers_in_rounds import ALARM, answer
from tests.storage.test_scheduling import held, meeting, put, states

CROWD: Final = [f"p{number}" for number in range(300)]
ANSWERED: Final = CROWD[::2]

pytestmark = pytest.mark.slow


def numbers(store: Store) -> dict[str, ModSeq]:
    with store.read(SITE) as tx:
        return {one: collections.find(tx, SpaceKind.PRIVATE, one, "events").modseq for one in CROWD}


def left(store: Store) -> list[int]:
    """How far each round has come."""
    with store.read(SITE) as tx:
        return list(tx.db.execute(sa.select(rounds.c.reached)).scalars())


def test_kill_amid_a_round_of_answers(own_desk: Desk) -> None:
    store = Store.open(own_desk.database_url or f"sqlite:///{own_desk.data}/desk.sqlite3", own_desk.data / "blobs")
    with store.write(SITE) as tx:
        for one in CROWD:
            accounts.create(tx, one, "*", email=f"{one}@example.test")
    put(store, "alice", "m.ics", meeting([f"{one}@example.test" for one in CROWD]))
    later.run(store)
    for number, one in enumerate(ANSWERED):
        answer(store, one, "ACCEPTED", ALARM if number % 2 else "END:VEVENT")
    before, chance = numbers(store), random.Random(8607)
    with store.write(SITE) as tx:
        tx.db.execute(sa.update(rounds).values(due=0))
    seen: set[int] = set()
    turn = 0
    while progress := left(store):
        seen.update(progress)
        assert turn < 100, own_desk.log()
        own_desk.start("pop3", "jobs")
        until = time.monotonic() + chance.uniform(0, 0.1 * (turn := turn + 1))
        while time.monotonic() < until and left(store) == progress:
            time.sleep(0.005)
        own_desk.kill()
    assert len(seen) > 1  # it was killed between its transactions, and else inside them
    assert {number - before[one] for one, number in numbers(store).items()} == {1}
    texts = {one: (held(store, one) or ("", ""))[1] for one in CROWD}
    assert {repr(states(text)) for text in texts.values()} == {repr(states((held(store, "alice") or ("", ""))[1]))}
    assert {one for one, text in texts.items() if "TRIGGER" in text} == set(ANSWERED[1::2])
    with store.read(SITE) as tx:
        assert check.run(tx) == []
    store.close()
