"""Invitations and answers that come to the mail exchanger reach the calendar (MTG-05, RFC 6047)."""

from __future__ import annotations

import pytest

from storage import collections, items
from storage.store import Store
from storage.types import Actor, SpaceKind
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
