"""Mails of several sessions in one transaction (SMTP-08): what is wrong with one concerns no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from servers.line.session import Reply
from servers.smtp import joint
from servers.smtp.wire import Taken
from storage import plans
from storage.errors import Busy
from storage.mail import delivery, mailboxes, reading
from storage.store import Store, Transaction
from storage.types import SITE, Actor
from tests.smtp.conftest import Client

MAIL = b"Subject: %b\r\n\r\nbody\r\n"
MEETING = (
    b"From: a@elsewhere.example\r\nContent-Type: text/calendar; method=REPLY\r\n\r\nBEGIN:VCALENDAR\r\nVERSION:2.0\r\n"
    b"PRODID:x\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\nORGANIZER:mailto:alice@example.test"
    b"\r\nATTENDEE;PARTSTAT=ACCEPTED:mailto:a@elsewhere.example\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def ready(client: Client, data: bytes, *to: str) -> tuple[object, Taken]:
    """A session that has a whole mail, which the kernel is about to have carried out."""
    client.hello()
    assert client.code("MAIL FROM:<a@elsewhere.example>") == "250 2.1.0"
    for one in to:
        assert client.code(f"RCPT TO:<{one}>") == "250 2.1.5"
    assert client("DATA").startswith("354")
    unit = client.session.cut(bytearray(data + b".\r\n"))
    assert isinstance(unit, Taken)
    return client.session, unit


def run(*units: tuple[object, Taken]) -> list[str | None]:
    found: list[str | None] = []
    for one in joint.run(units):  # type: ignore[arg-type]
        assert one is None or isinstance(one, Reply)
        found.append(None if one is None else b"".join(one.data).decode())
    return found


def modseqs(store: Store, actor: Actor) -> list[int]:
    with store.read(actor) as tx:
        return [one.modseq for one in reading.snapshot(tx, mailboxes.find(tx, "INBOX").id).states]


def test_one_transaction(
    store: Store, people: dict[str, Actor], connect: Callable[..., Client], inbox: Callable[..., list[bytes]]
) -> None:
    units = [ready(connect(), MAIL % b"%d" % number, "alice@example.test") for number in range(3)]
    assert all(session.joint(unit) is joint.run for session, unit in units)  # type: ignore[attr-defined]
    assert run(*units) == ["250 2.0.0 delivered\r\n"] * 3
    assert len(set(modseqs(store, people["alice"]))) == 1
    assert [whole.count(b"Subject: %d\r\n" % number) for number, whole in enumerate(inbox("alice"))] == [1, 1, 1]


def test_each_recipient_has_its_answer(connect: Callable[..., Client], inbox: Callable[..., list[bytes]]) -> None:
    units = [
        ready(connect("lmtp"), MAIL % b"one", "alice@example.test", "bob@example.test"),
        ready(connect(), MAIL % b"two", "bob@example.test"),
    ]
    assert run(*units) == ["250 2.0.0 OK\r\n" * 2, "250 2.0.0 delivered\r\n"]
    assert (len(inbox("alice")), len(inbox("bob"))) == (1, 2)


def test_what_does_not_fit_is_refused_alone(
    store: Store, people: dict[str, Actor], connect: Callable[..., Client], inbox: Callable[..., list[bytes]]
) -> None:
    units = [
        ready(connect(), MAIL % b"x", "alice@example.test"),
        ready(connect(), MAIL % b"y", "bob@example.test"),
    ]
    with store.write(SITE) as tx:
        plans.add(tx, "none", plans.GATES, {"mail_bytes": 1})
        plans.assign(tx, people["alice"].id, "none")
    try:
        assert run(*units) == ["452 4.2.2 the mailbox is full\r\n", "250 2.0.0 delivered\r\n"]
    finally:
        with store.write(SITE) as tx:
            plans.assign(tx, people["alice"].id, plans.FULL)
            plans.remove(tx, "none")
    assert (len(inbox("alice")), len(inbox("bob"))) == (0, 1)


@pytest.mark.parametrize("data", [MEETING, MAIL % b"a\nb", b"Received: x\r\n" * 101 + b"\r\n"])
def test_what_is_not_only_delivered_is_left_to_its_session(
    connect: Callable[..., Client], inbox: Callable[..., list[bytes]], data: bytes
) -> None:
    strange = ready(connect(), data, "alice@example.test")
    assert run(strange, ready(connect(), MAIL % b"x", "alice@example.test")) == [None, "250 2.0.0 delivered\r\n"]
    session, unit = strange
    session.run(unit)  # type: ignore[attr-defined]
    assert len(inbox("alice")) == 1 + (data is MEETING)


def test_an_error_of_ours_concerns_one_mail(
    monkeypatch: pytest.MonkeyPatch, connect: Callable[..., Client], inbox: Callable[..., list[bytes]]
) -> None:
    units = [ready(connect(), MAIL % b"x", f"{name}@example.test") for name in ("alice", "bob")]
    keep = mailboxes.to_deliver

    def broken(tx: object, name: str) -> object:
        if tx.actor.login == "alice":  # type: ignore[attr-defined]
            raise ZeroDivisionError
        return keep(tx, name)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(mailboxes, "to_deliver", broken)
        first, second = joint.run(units)  # type: ignore[arg-type]
    assert isinstance(first, ZeroDivisionError)
    assert isinstance(second, Reply)
    assert (len(inbox("alice")), len(inbox("bob"))) == (0, 1)


def test_a_commit_that_fails_is_everybodys(
    monkeypatch: pytest.MonkeyPatch, store: Store, connect: Callable[..., Client], inbox: Callable[..., list[bytes]]
) -> None:
    """Whether it is on disk is not known: it is not put in a second time."""
    units = [ready(connect(), MAIL % b"x", f"{name}@example.test") for name in ("alice", "bob")]
    begin, begun = Store.write, []

    @contextmanager
    def failing(own: Store, actor: Actor) -> Iterator[Transaction]:
        begun.append(actor)
        with begin(own, actor) as tx:
            yield tx
        raise Busy

    with monkeypatch.context() as patched:
        patched.setattr(Store, "write", failing)
        assert run(*units) == ["451 4.3.0 too many are writing at this moment: try again\r\n"] * 2
    assert begun == [SITE]
    assert (len(inbox("alice")), len(inbox("bob"))) == (1, 1)


def test_a_database_that_is_locked_lets_nobody_wait_for_everybody(
    monkeypatch: pytest.MonkeyPatch, connect: Callable[..., Client], inbox: Callable[..., list[bytes]]
) -> None:
    units = [ready(connect(), MAIL % b"x", "alice@example.test") for _ in range(4)]
    begun: list[Actor] = []

    @contextmanager
    def locked(_store: Store, actor: Actor) -> Iterator[Transaction]:
        begun.append(actor)
        raise Busy
        yield

    with monkeypatch.context() as patched:
        patched.setattr(Store, "write", locked)
        patched.setattr(delivery, "PATIENCE_S", 0.0)
        assert run(*units) == ["451 4.3.0 too many are writing at this moment: try again\r\n"] * 4
    assert len(begun) == 2
    assert not inbox("alice")


def test_only_small_mails_for_people_of_this_desk(connect: Callable[..., Client]) -> None:
    def goes(data: bytes, *to: str) -> bool:
        session, unit = ready(connect(), data, *to)
        found = session.joint(unit) is not None  # type: ignore[attr-defined]
        unit.close()
        return found

    assert goes(MAIL % b"x", "info@example.test")  # two accounts
    assert not goes(MAIL % b"x", "sales@example.test")  # goes on to somebody else
    assert not goes(MAIL % b"x" + b"line\r\n" * 20_000, "alice@example.test")
