"""A submission session ends with what let it in, and follows what it may (SYS-04, ACC-01, MSG-09; RFC 5321 §3.8: 421)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from auth import leave
from servers.line.session import Reply, Then
from servers.smtp.checks import Checks
from storage import accounts, addresses, plans
from storage.store import Store
from storage.types import SITE, Actor
from tests.smtp.conftest import Client

SAID = "421 4.7.0 log in again\r\n"


@pytest.fixture
def suspend(store: Store) -> Iterator[Callable[[], None]]:
    """Suspend alice; she is back after the test."""

    def now() -> None:
        with store.write(SITE) as tx:
            accounts.suspend(tx, accounts.find(tx, "alice").principal)
        time.sleep(leave.EVERY_S)

    yield now
    with store.write(SITE) as tx:
        accounts.resume(tx, accounts.find(tx, "alice").principal)


def test_nothing_is_sent_any_more(
    connect: Callable[..., Client], suspend: Callable[[], None], inbox: Callable[..., list[bytes]], people: dict[str, Actor]
) -> None:
    """Before a mail, within its commands, and when its text has come."""
    sessions = [connect("submission").login() for _ in range(3)]
    for client in sessions[1:]:
        assert client.code("MAIL FROM:<alice@example.test>", "RCPT TO:<bob@example.test>") == "250 2.1.5"
    assert sessions[2]("DATA").startswith("354")
    suspend()
    assert sessions[0]("MAIL FROM:<alice@example.test>") == SAID
    assert sessions[1]("DATA") == SAID
    assert sessions[2]("Subject: x", "", "text", ".") == SAID
    assert all(client.then is Then.CLOSE for client in sessions)
    for client in sessions:
        client.session.closed()
    assert inbox("bob") == []


def test_who_did_not_log_in_goes_on(connect: Callable[..., Client], suspend: Callable[[], None]) -> None:
    client = connect("mx").hello()
    suspend()
    assert client.code("NOOP") == "250 2.0.0"


def test_an_address_that_went_to_somebody_else(store: Store, connect: Callable[..., Client]) -> None:
    """MSG-09, in a session that was open before: whose an address is, is asked at each mail."""
    client, bobs = connect("submission").login(), "MAIL FROM:<desk@example.test>"
    assert client.code(bobs) == "550 5.7.1"
    with store.write(SITE) as tx:
        alice, bob = (accounts.find(tx, login).principal for login in ("alice", "bob"))
        addresses.add(tx, alice, "desk@example.test")
        addresses.confirm(tx, alice, "desk@example.test")
    try:
        assert client.code(bobs, "RSET") == "250 2.0.0"
        assert client.mail("desk@example.test", "bob@example.test").startswith("250")
        with store.write(SITE) as tx:
            addresses.remove(tx, alice, "desk@example.test")
            addresses.add(tx, bob, "desk@example.test")
            addresses.confirm(tx, bob, "desk@example.test")
        assert client.code(bobs) == "550 5.7.1"
        data = b"From: desk@example.test\r\nSubject: x\r\n\r\nbody\r\n"
        assert client.mail("alice@example.test", "bob@example.test", data=data).startswith("550 5.7.1")
    finally:
        with store.write(SITE) as tx:
            addresses.remove(tx, bob, "desk@example.test")


def test_a_plan_that_changed(store: Store, connect: Callable[..., Client]) -> None:
    """SMTP-05: so many recipients as the plan allows now."""
    client = connect("submission").login()
    mail = ("MAIL FROM:<alice@example.test>", *(f"RCPT TO:<{name}@elsewhere.example>" for name in "ab"))
    assert client.code(*mail, "RSET") == "250 2.0.0"

    def plan(most: int | None) -> None:
        with store.write(SITE) as tx:
            plans.change(tx, plans.FULL, limits={"smtp_recipients_per_message": most})

    plan(1)
    try:
        assert client.code(*mail) == "452 4.5.3"
        plan(0)  # "absent = unlimited"
        assert client.code("RSET", *mail[:2]) == "452 4.5.3"
    finally:
        plan(None)


@pytest.mark.parametrize("checked", [False, True])
def test_a_recipient_who_goes_meanwhile(
    store: Store, connect: Callable[..., Client], inbox: Callable[..., list[bytes]], people: dict[str, Actor], checked: bool,
    queued: Callable[[], list[tuple[str, str]]],
) -> None:  # fmt: skip
    """SMTP-08: the others have the mail once, and its sender is told of who has not."""
    with store.write(SITE) as tx:
        carol = accounts.create(tx, "carol", "x", email="carol@example.test")
    nothing = Checks(store, "mail.example.test", lambda name, kind: [], verify=False)
    alone, client = (connect("mx", checks=nothing if checked else None).hello() for _ in range(2))
    for one in (alone, client):
        assert one.code("MAIL FROM:<a@b.example>", "RCPT TO:<carol@example.test>") == "250 2.1.5"
    assert client.code("RCPT TO:<bob@example.test>") == "250 2.1.5"
    assert all(one("DATA").startswith("354") for one in (alone, client))
    with store.write(SITE) as tx:
        accounts.remove(tx, carol)
    assert alone("Subject: x", "", "text", ".").startswith("550 5.1.1")
    taken = client.session.cut(bytearray(b"Subject: x\r\n\r\ntext\r\n.\r\n"))
    assert not isinstance(taken, bytes | Reply | None)
    run = client.session.joint(taken)
    assert (run is None) is checked
    [said] = [client.session.run(taken)] if run is None else run([(client.session, taken)])
    assert isinstance(said, Reply)
    assert b"".join(said.data).startswith(b"250 ")
    assert len(inbox("bob")) == 1
    assert queued() == [("a@b.example", "carol@example.test")]
