"""A submission session ends with what let it in (SYS-04, ACC-01; RFC 5321 §3.8: 421)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from auth import leave
from servers.line.session import Then
from storage import accounts
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
