"""The queue on both engines: whoever leases, settles, dies or looks (SMTP-07)."""

from __future__ import annotations

import hashlib
import threading
import time

import pytest
import sqlalchemy as sa

from storage import blob_collection, bodies, check
from storage.bus import Bus
from storage.errors import BadFormat, Denied, NotFound
from storage.outbound import administration, domains, queue
from storage.outbound.bell import BELL
from storage.outbound.retries import Schedule
from storage.outbound.tables import messages, recipients
from storage.outbound.types import Lease, Notice, Outcome, QueueId, Report, Result, Target
from storage.store import Store, Transaction
from storage.types import SITE, Actor, PrincipalId

MAIL = b"From: alice@example.test\r\nTo: you@remote.test\r\n\r\nHello\r\n"
HOUR = 3600.0


def put(store: Store, *addresses: str | Target, sender: str = "alice@example.test", data: bytes = MAIL) -> QueueId:
    targets = [Target(one) if isinstance(one, str) else one for one in addresses]
    with store.write(SITE) as tx:
        return queue.enqueue(tx, sender=sender, recipients=targets, data=data)


def take(store: Store, limit: int = 10, *, after_s: float = 1, **options: object) -> list[Lease]:
    with store.write(SITE) as tx:
        return queue.lease(tx, "w", time.time() + after_s, limit, **options)  # type: ignore[arg-type]


def end(
    store: Store, lease: Lease, outcome: Outcome, status: str = "4.4.1", *, host: str = "mx.remote.test", **more: object
) -> list[Notice]:
    results = [Result(one.id, outcome, status, "said so", host, **more) for one in lease.recipients]  # type: ignore[arg-type]
    with store.write(SITE) as tx:
        return queue.settle(tx, lease, results)


def age(store: Store, number: QueueId, seconds: float) -> None:
    """As if it had come so much earlier, and were due."""
    with store.write(SITE) as tx:
        tx.db.execute(sa.update(messages).where(messages.c.id == number).values(created=tx.now - seconds))
        tx.db.execute(sa.update(recipients).where(recipients.c.message_id == number).values(due=tx.now - 1))


def rows(store: Store) -> int:
    with store.read(SITE) as tx:
        count = sa.select(sa.func.count())
        return sum(tx.db.execute(count.select_from(table)).scalar_one() for table in (messages, recipients))


def test_a_mail_goes_to_each_destination_once_and_is_gone(store: Store) -> None:
    number = put(store, "a@Remote.test", "b@remote.test", "c@other.test", "a@Remote.test")
    leases = take(store)
    assert {(one.domain, len(one.recipients)) for one in leases} == {("remote.test", 2), ("other.test", 1)}
    assert take(store) == []
    with store.read(SITE) as tx:
        assert queue.body(tx, number) == MAIL
    for one in leases:
        assert end(store, one, Outcome.DELIVERED, "2.0.0") == []
    assert rows(store) == 0
    with store.read(SITE) as tx, pytest.raises(NotFound):
        queue.body(tx, number)


def test_all_in_one_to_a_smarthost(store: Store) -> None:
    put(store, "a@remote.test", "c@other.test")
    [one] = take(store, together=True)
    assert [recipient.address for recipient in one.recipients] == ["a@remote.test", "c@other.test"]


def _then_fail(tx: Transaction) -> None:
    queue.enqueue(tx, sender="", recipients=[Target("a@b.test")], data=MAIL)
    queue.body(tx, QueueId(10_000))


def test_nothing_is_enqueued_by_a_transaction_that_fails(store: Store) -> None:
    with pytest.raises(NotFound), store.write(SITE) as tx:
        _then_fail(tx)
    assert rows(store) == 0


@pytest.mark.parametrize("addresses", [[], ["nobody"], ["a@remote.test", "nobody@"]])
def test_recipients_need_domains(store: Store, addresses: list[str]) -> None:
    with pytest.raises(BadFormat), store.write(SITE) as tx:
        queue.enqueue(tx, sender="", recipients=[Target(one) for one in addresses], data=MAIL)


def test_a_dead_workers_mail_is_due_again(store: Store) -> None:
    put(store, "a@remote.test")
    [dead] = take(store)
    assert take(store, after_s=queue.LEASE_S - 5) == []
    [again] = take(store, after_s=queue.LEASE_S + 5)
    assert again.recipients == dead.recipients
    # The dead one was only slow: what it says of a failure is not believed, what it delivered is.
    assert end(store, dead, Outcome.FAILED, "5.1.1") == []
    assert rows(store) == 2
    end(store, dead, Outcome.DELIVERED, "2.0.0")
    assert rows(store) == 0
    assert end(store, again, Outcome.FAILED, "5.1.1") == []


def test_a_lease_can_be_renewed_and_given_back(store: Store) -> None:
    put(store, "a@remote.test")
    [one] = take(store)
    with store.write(SITE) as tx:
        queue.renew(tx, [one], time.time() + 3 * queue.LEASE_S)
    assert take(store, after_s=2 * queue.LEASE_S) == []
    with store.write(SITE) as tx:
        queue.release(tx, [one])
    [again] = take(store)
    assert again.recipients[0].attempts == 0


def test_a_destination_gets_so_many_at_a_time(store: Store) -> None:
    for _ in range(5):
        put(store, "a@busy.test")
    put(store, "a@idle.test")
    first = take(store, per_destination=2)
    assert sorted(one.domain for one in first) == ["busy.test", "busy.test", "idle.test"]
    assert take(store, per_destination=2) == []
    end(store, next(one for one in first if one.domain == "busy.test"), Outcome.DELIVERED, "2.0.0")
    assert [one.domain for one in take(store, per_destination=2)] == ["busy.test"]


def test_hundreds_of_recipients_go_by_the_hundred(store: Store) -> None:
    put(store, *(f"r{number}@remote.test" for number in range(250)))
    assert [len(one.recipients) for one in take(store)] == [100, 100, 50]


def test_waits_double_up_to_four_hours(store: Store) -> None:
    number = put(store, "a@remote.test")
    waits = []
    for _ in range(8):
        [one] = take(store, after_s=1)
        end(store, one, Outcome.DEFERRED)
        with store.read(SITE) as tx:
            [waiting] = administration.show(tx, number).recipients
            waits.append(round((waiting.due - tx.now) / 60))
        with store.write(SITE) as tx:
            administration.retry(tx, number)
    assert waits == [5, 10, 20, 40, 80, 160, 240, 240]
    assert (waiting.status, waiting.reply, waiting.host, waiting.attempts) == ("4.4.1", "said so", "mx.remote.test", 8)


def test_a_delay_is_told_once(store: Store) -> None:
    number = put(store, "a@remote.test", Target("b@remote.test", notify="FAILURE"))
    age(store, number, 4 * HOUR - 60)
    assert end(store, take(store)[0], Outcome.DEFERRED) == []
    age(store, number, 4 * HOUR + 60)
    [notice] = end(store, take(store)[0], Outcome.DEFERRED)
    assert (notice.report, notice.recipient.address) == (Report.DELAYED, "a@remote.test")
    assert notice.retry_until is not None
    age(store, number, 5 * HOUR)
    assert end(store, take(store)[0], Outcome.DEFERRED) == []


def test_after_five_days_it_is_given_up(store: Store) -> None:
    number = put(store, "a@remote.test", Target("b@remote.test", notify="NEVER"))
    age(store, number, 5 * 24 * HOUR + 1)
    notices = end(store, take(store)[0], Outcome.DEFERRED)
    assert [(one.report, one.recipient.address, one.result.status) for one in notices] == [
        (Report.FAILED, "a@remote.test", "4.4.1"),
    ]
    assert rows(store) == 0


@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_bounce_never_bounces(store: Store, outcome: Outcome) -> None:
    number = put(store, Target("a@remote.test", notify="SUCCESS,FAILURE,DELAY"), sender="")
    age(store, number, 30 * 24 * HOUR)
    assert end(store, take(store)[0], outcome, passed_on=False) == []
    assert rows(store) == 0


@pytest.mark.parametrize(
    ("notify", "more", "told"),
    [
        ("", {"passed_on": False}, None),
        ("SUCCESS", {"passed_on": True}, None),
        ("success", {"passed_on": False}, Report.RELAYED),
        ("SUCCESS,FAILURE", {"host": ""}, Report.DELIVERED),
        ("NEVER", {"passed_on": False}, None),
    ],
)
def test_success_is_told_to_who_asked_if_nobody_else_will(
    store: Store, notify: str, more: dict[str, object], told: Report | None
) -> None:
    """RFC 3461 §4.1, §5.2.2."""
    put(store, Target("a@remote.test", notify=notify))
    notices = end(store, take(store)[0], Outcome.DELIVERED, "2.0.0", **more)  # type: ignore[arg-type]
    assert [one.report for one in notices] == ([told] if told else [])


def test_a_recipient_without_result_is_due_again(store: Store) -> None:
    put(store, "a@remote.test", "b@remote.test")
    [one] = take(store)
    with store.write(SITE) as tx:
        queue.settle(tx, one, [Result(one.recipients[0].id, Outcome.DELIVERED, "2.0.0", "ok", "mx")])
    [again] = take(store)
    assert [(left.address, left.attempts) for left in again.recipients] == [("b@remote.test", 0)]


def test_large_bodies_are_kept_while_they_wait(store: Store) -> None:
    data = MAIL + b"x" * 100_000
    number = put(store, "a@remote.test", "b@other.test", data=data)
    with store.write(SITE) as tx:
        queue.enqueue(tx, sender="", recipients=[Target("a@b.test")], data=bodies.receive(store, [data]))
        assert blob_collection.collect(tx, 0) == 0
        assert queue.body(tx, number) == data
        assert blob_collection.referenced(tx, [hashlib.sha256(data).hexdigest()])
    for one in take(store):
        end(store, one, Outcome.DELIVERED, "2.0.0")
    with store.read(SITE) as tx:
        assert blob_collection.collect(tx, 0) == 1


def test_a_held_mail_waits_until_it_is_released(store: Store) -> None:
    number = put(store, "a@remote.test")
    with store.write(SITE) as tx:
        administration.hold(tx, number)
    assert take(store, after_s=HOUR) == []
    with store.read(SITE) as tx:
        assert queue.next_due(tx, tx.now - 60) is None
        assert administration.show(tx, number).recipients[0].state == "held"
    with store.write(SITE) as tx:
        administration.retry(tx, number)
    assert len(take(store)) == 1


def test_the_administrator_alone_looks_and_takes_out(store: Store, alice: Actor) -> None:
    number = put(store, "a@remote.test", "b@other.test")
    for act in (
        administration.every,
        lambda tx: administration.show(tx, number),
        lambda tx: administration.delete(tx, number),
        lambda tx: administration.hold(tx, number),
        lambda tx: administration.retry(tx, number),
    ):
        with pytest.raises(Denied), store.write(alice) as tx:
            act(tx)
    with store.read(SITE) as tx:
        [one] = administration.every(tx)
        assert (one.id, one.sender, [each.state for each in one.recipients]) == (
            number,
            "alice@example.test",
            ["waiting", "waiting"],
        )
        assert administration.every(tx, domain="other.test") == [one]
        assert administration.every(tx, domain="nowhere.test") == administration.every(tx, after=number) == []
        assert administration.every(tx, sender="") == []
    [lease, _] = take(store)
    with store.write(SITE) as tx:
        administration.delete(tx, number)
        with pytest.raises(NotFound):
            administration.delete(tx, number)
    assert end(store, lease, Outcome.FAILED, "5.1.1") == []
    assert rows(store) == 0


def test_next_due_is_the_next_attempt_or_the_end_of_a_lease(store: Store) -> None:
    put(store, "a@remote.test")
    put(store, "b@other.test")
    leases = take(store)
    with store.read(SITE) as tx:
        found = queue.next_due(tx, tx.now)
        assert found is not None
        assert abs(found - leases[0].until) < 5
    end(store, leases[0], Outcome.DEFERRED)
    with store.read(SITE) as tx:
        found = queue.next_due(tx, tx.now)
        assert found is not None
        assert 250 < found - tx.now < 310


def test_who_waits_is_woken(store: Store, alice: Actor) -> None:
    bus = Bus(store)
    try:
        with bus.subscribe({BELL}) as rung:
            number = put(store, "a@remote.test")
            assert rung.wait(30) == {BELL}
            with store.write(SITE) as tx:
                administration.retry(tx, number)
            assert rung.wait(30) == {BELL}
            with store.write(alice) as tx:
                tx.db.execute(sa.update(messages).values(ret="HDRS"))
            assert rung.wait(0.3) == frozenset()
    finally:
        bus.close()


def test_workers_beside_each_other_deliver_each_mail_once(store: Store) -> None:
    numbers = [put(store, f"a@d{number % 5}.test", "b@common.test") for number in range(20)]
    seen: list[tuple[int, str]] = []
    failures: list[BaseException] = []

    def work() -> None:
        try:
            while True:
                leases = take(store, 3, per_destination=50)
                if not leases:
                    return
                for one in leases:
                    seen.extend((one.id, recipient.address) for recipient in one.recipients)
                    end(store, one, Outcome.DELIVERED, "2.0.0")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(seen) == len(set(seen)) == 2 * len(numbers)
    assert rows(store) == 0


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("a@Remote.Test.", "remote.test"),
        ("a@bücher.example", "xn--bcher-kva.example"),
        ("ü@BÜCHER.example", "xn--bcher-kva.example"),
        ('"a@b"@c.test', "c.test"),
        ("a@[192.0.2.1]", "[192.0.2.1]"),
        ("a", ""),
        ("a@ab\u2028c", "ab\u2028c"),
        ("a@" + "ü" * 300, "ü" * 300),
    ],
)
def test_domains_are_compared_in_a_labels(address: str, domain: str) -> None:
    assert domains.of(address) == domain


def test_the_last_attempt_is_at_the_end_of_its_time() -> None:
    schedule = Schedule()
    assert schedule.due(0, schedule.lifetime_s - 60, 30) == schedule.lifetime_s
    assert schedule.wait(10_000) == schedule.longest_s


def test_signatures_are_for_what_is_written_here(store: Store) -> None:
    with store.write(SITE) as tx:
        for account, sign in ((0, None), (7, None), (7, False), (0, True)):
            who = PrincipalId(account)
            queue.enqueue(tx, sender="", recipients=[Target("a@b.test")], data=MAIL, account=who, sign=sign)
    assert [one.sign for one in take(store, per_destination=9)] == [False, True, False, True]


def test_the_check_sees_what_is_wrong_with_the_queue(store: Store) -> None:
    whole = put(store, "a@remote.test", data=MAIL + b"x" * 100_000)
    put(store, "a@remote.test")
    with store.write(SITE) as tx:
        assert list(check.run(tx)) == []
        number = tx.db.execute(sa.select(sa.func.max(messages.c.id))).scalar_one()
        tx.db.execute(sa.delete(recipients).where(recipients.c.message_id == number))
        tx.db.execute(sa.update(messages).where(messages.c.id == whole).values(blob="0" * 64))
    with store.write(SITE) as tx:
        found = [str(one.what if hasattr(one, "what") else one) for one in check.run(tx, repair=True)]
    assert any("for nobody" in one for one in found)
    assert any("is missing" in one for one in found)
    with store.read(SITE) as tx:
        assert [one.id for one in administration.every(tx)] == [whole]
