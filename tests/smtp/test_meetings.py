"""Invitations and answers that come to the mail exchanger reach the calendar (MTG-05, RFC 6047)."""

from __future__ import annotations

import time
from typing import Any

import pytest

from servers.outbound.delivery import Delivery
from servers.outbound.local import Local
from servers.outbound.options import Options
from storage import collections, items
from storage.errors import Busy
from storage.mail import delivery
from storage.outbound import queue
from storage.store import Store
from storage.types import SITE, Actor, SpaceKind
from tests.smtp.conftest import Client
from tests.storage.test_incoming_meetings import EVE, invitation, mail


@pytest.mark.parametrize(("sender", "expected"), [(EVE, 1), ("mallory@else.test", 0)])
def test_an_invitation_appears_in_the_calendar(
    store: Store, people: dict[str, Actor], sender: str, expected: int
) -> None:
    client = Client(store).hello()
    assert client.mail(sender, "alice@example.test", data=mail(sender, invitation(), "REQUEST")).startswith("250")
    with store.write(people["alice"]) as tx:
        calendar = collections.find(tx, SpaceKind.PRIVATE, "alice", "events")
        names = [one.name for one in items.listing(tx, calendar)]
        assert len(names) == expected
        for name in names:
            assert b"SUMMARY:Outside" in (items.get(tx, calendar, name).body or b"")
            items.delete(tx, calendar, name, schedule=False)


@pytest.mark.parametrize(("sender", "expected"), [(EVE, 1), ("mallory@else.test", 0)])
def test_an_invitation_that_waited_appears_too(
    store: Store, people: dict[str, Actor], monkeypatch: pytest.MonkeyPatch, sender: str, expected: int
) -> None:
    """MTG-05: of several recipients one could not get the mail at once; the queue delivers it."""
    real = delivery.deliver

    def busy(store: Store, prepared: Any, recipient: Any, **more: Any) -> Any:
        if recipient.login == "alice":
            raise Busy("somebody writes")
        return real(store, prepared, recipient, **more)

    monkeypatch.setattr(delivery, "deliver", busy)
    to = ("bob@example.test", "alice@example.test")
    assert Client(store).hello().mail(sender, *to, data=mail(sender, invitation(), "REQUEST")).startswith("250")
    monkeypatch.undo()
    given = Options("mail.example.test", "example.test", frozenset({"example.test"}))
    nobody: Any = None
    with store.write(SITE) as tx:
        (lease,) = queue.lease(tx, "test", time.time(), 10)
    Delivery(store, given, nobody, Local(store, given), None).run(lease)
    with store.write(people["alice"]) as tx:
        calendar = collections.find(tx, SpaceKind.PRIVATE, "alice", "events")
        names = [one.name for one in items.listing(tx, calendar)]
        assert len(names) == expected
        for name in names:
            items.delete(tx, calendar, name, schedule=False)
