"""The law of the queue, whoever does what in which order: each recipient is one worker's at most, and none is lost."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from storage.errors import NotFound
from storage.outbound import administration, queue
from storage.outbound.retries import Schedule
from storage.outbound.tables import messages, recipients
from storage.outbound.types import Lease, Outcome, QueueId, Report, Result, Target
from storage.store import Store
from storage.types import SITE

ADDRESSES = st.lists(
    st.sampled_from(["a@one.test", "b@one.test", "c@two.test", "d@three.test"]), min_size=1, max_size=4, unique=True
)
SCHEDULE = Schedule(first_s=100, longest_s=400, lifetime_s=2000, notice_s=300)


class Queue(RuleBasedStateMachine):
    """A model beside the store: what is in the queue, who holds it until when, what time it is."""

    template: Path

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "desk.sqlite3"
        shutil.copy(self.template, path)
        self.store = Store.open(f"sqlite:///{path}", path.parent / "blobs")
        self.now = 1_000_000.0
        self.waiting: dict[tuple[QueueId, str], float] = {}
        """Until when each is somebody's."""
        self.held: set[QueueId] = set()
        self.leases: list[Lease] = []
        self.ended: dict[tuple[QueueId, str], str] = {}
        self.put_in = 0

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()

    def write(self, act: Any) -> Any:
        with self.store.write(SITE) as tx:
            tx.now = self.now
            return act(tx)

    @rule(addresses=ADDRESSES)
    def enqueue(self, addresses: list[str]) -> None:
        targets = [Target(one) for one in addresses]
        number = self.write(lambda tx: queue.enqueue(tx, sender="s@here.test", recipients=targets, data=b"x"))
        self.waiting |= {(number, one): 0.0 for one in addresses}
        self.put_in += len(addresses)

    @rule(limit=st.integers(1, 5), per=st.integers(1, 3), together=st.booleans())
    def lease(self, limit: int, per: int, together: bool) -> None:
        found = self.write(
            lambda tx: queue.lease(tx, "w", self.now, limit, per_destination=per, together=together, lease_s=50)
        )
        assert len(found) <= limit
        for one in found:
            assert together or len({each.address.partition("@")[2] for each in one.recipients}) == 1
            for each in one.recipients:
                assert self.waiting[one.id, each.address] <= self.now, "somebody else's"
                assert one.id not in self.held
                self.waiting[one.id, each.address] = one.until
        self.leases += found
        if not together:
            for one in found:
                held = {each.token for each in self.leases if each.domain == one.domain and each.until > self.now}
                assert found.count(one) == 1
                assert len({each.token for each in found if each.domain == one.domain}) <= max(per, len(held))

    @precondition(lambda self: self.leases)
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        lease = data.draw(st.sampled_from(self.leases))
        self.leases.remove(lease)
        outcomes = {each.id: data.draw(st.sampled_from([*Outcome, None])) for each in lease.recipients}
        results = [Result(number, how, "4.0.0", "r", "mx") for number, how in outcomes.items() if how is not None]
        notices = self.write(lambda tx: queue.settle(tx, lease, results, SCHEDULE))
        told = {one.recipient.address for one in notices if one.report is Report.FAILED}
        for each in lease.recipients:
            key, how = (lease.id, each.address), outcomes[each.id]
            ours = self.waiting.get(key) == lease.until and key in self.waiting
            if how is Outcome.DELIVERED and key in self.waiting:
                self.ended[key] = "delivered"
                del self.waiting[key]
            elif each.address in told:
                assert ours, "a failure of a lease that is over"
                self.ended[key] = "told"
                del self.waiting[key]
            elif ours:
                self.waiting[key] = 0.0

    @rule(seconds=st.sampled_from([1, 30, 60, 500, 3000]))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    @precondition(lambda self: self.waiting)
    @rule(data=st.data(), what=st.sampled_from(["hold", "retry", "delete"]))
    def administer(self, data: st.DataObject, what: str) -> None:
        number = data.draw(st.sampled_from(sorted({key[0] for key in self.waiting})))
        self.write(lambda tx: getattr(administration, what)(tx, number))
        if what == "hold":
            self.held.add(number)
        else:
            self.held.discard(number)
        if what == "delete":
            for key in [key for key in self.waiting if key[0] == number]:
                self.ended[key] = "taken out"
                del self.waiting[key]
            with pytest.raises(NotFound):
                self.write(lambda tx: administration.show(tx, number))

    @invariant()
    def nothing_is_lost(self) -> None:
        if not hasattr(self, "store"):
            return
        assert len(self.waiting) + len(self.ended) == self.put_in
        with self.store.read(SITE) as tx:
            rows = tx.db.execute(sa.select(recipients.c.message_id, recipients.c.address)).all()
            assert {(row.message_id, row.address) for row in rows} == set(self.waiting)
            assert {row.id for row in tx.db.execute(sa.select(messages.c.id))} == {key[0] for key in self.waiting}


@pytest.mark.slow
@pytest.mark.laws
def test_the_law_of_the_queue(sqlite_template: Path) -> None:
    Queue.template = sqlite_template
    run_state_machine_as_test(Queue, settings=settings(max_examples=30, stateful_step_count=25, deadline=None))
