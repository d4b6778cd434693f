"""Secret-token URLs: one feed each, revocable, with the eyes of who made them (CALSYNC-19, CALSYNC-21)."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest

from auth import feed_tokens
from servers.feeds import table
from servers.feeds.application import loggable
from storage import accounts, principals
from storage import feed_tokens as rows
from storage.errors import Denied, LimitReached, NotFound
from storage.store import Store
from storage.types import SITE, SpaceKind
from tests.dav.desk import Client
from tests.feeds import desk
from tests.storage.full_disk import no_room

NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
WEEK = "alice/private/events/week"


def token(store: Store, login: str, feed: str) -> tuple[int, str]:
    with store.write(desk.actor(store, login)) as tx:
        made, secret = feed_tokens.make(tx, principals.me(tx), feed, "reader")
    return made.id, secret


@pytest.fixture
def filled(store: Store) -> Store:
    desk.put(store, "alice", "tea.ics", desk.event("tea", NOON, NOON + timedelta(hours=1), "Tea"))
    return store


def test_opens_its_one_feed_without_login(filled: Store, anybody: Client) -> None:
    _, secret = token(filled, "alice", WEEK)
    for form in ("rss", "atom"):
        answer = anybody.request("GET", f"/feeds/token/{secret}/{WEEK}.{form}")
        assert [title[-3:] for title in desk.titles(answer)] == ["Tea"]
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "private" in answer.headers["cache-control"]
    for other in (
        "alice/private/events/today.rss",
        "alice/private/calendar.ics",
        "alice/changes.rss",
        "groups/IAB/events/week.rss",
        "bob/private/events/week.rss",
        "token/x",
    ):
        assert anybody.request("GET", f"/feeds/token/{secret}/{other}").status == 404


def test_reads_with_the_eyes_of_its_owner(filled: Store, anybody: Client) -> None:
    """CAL-07: bob's token for alice's calendar shows what bob may see."""
    _, secret = token(filled, "bob", WEEK)
    [title] = desk.titles(anybody.request("GET", f"/feeds/token/{secret}/{WEEK}.rss"))
    assert title.endswith("Busy")


def test_whole_calendar(filled: Store, anybody: Client) -> None:
    _, secret = token(filled, "alice", "alice/private/calendar.ics")
    answer = anybody.request("GET", f"/feeds/token/{secret}/alice/private/calendar.ics")
    assert answer.status == 200
    assert b"SUMMARY:Tea" in answer.body


def test_revoked_is_gone(filled: Store, anybody: Client) -> None:
    number, secret = token(filled, "alice", WEEK)
    address = f"/feeds/token/{secret}/{WEEK}.rss"
    assert anybody.request("GET", address).status == 200
    with filled.write(desk.actor(filled, "alice")) as tx:
        [listed] = rows.listing(tx, principals.me(tx))
        assert (listed.id, listed.feed, listed.name) == (number, WEEK, "reader")
        assert listed.last_used is not None
        rows.revoke(tx, principals.me(tx), number)
    gone, never = anybody.request("GET", address), anybody.request("GET", f"/feeds/token/{'a' * 26}/{WEEK}.rss")
    assert (gone.status, gone.body) == (never.status, never.body)
    assert gone.status == 404


def test_suspended_account_opens_nothing(filled: Store, anybody: Client) -> None:
    _, secret = token(filled, "alice", WEEK)
    with filled.write(SITE) as tx:
        accounts.suspend(tx, principals.find(tx, SpaceKind.PRIVATE, "alice"))
    assert anybody.request("GET", f"/feeds/token/{secret}/{WEEK}.rss").status == 404


def test_not_over_what_others_read(filled: Store, anybody: Client) -> None:
    """SYS-05: the address is the password."""
    _, secret = token(filled, "alice", WEEK)
    far = {"REMOTE_ADDR": "192.0.2.7"}
    assert anybody.request("GET", f"/feeds/token/{secret}/{WEEK}.rss", environ=far).status == 403


def test_tokens_are_ones_own(filled: Store) -> None:
    number, _ = token(filled, "alice", WEEK)
    with filled.write(desk.actor(filled, "bob")) as tx:
        alice = principals.find(tx, SpaceKind.PRIVATE, "alice")
        with pytest.raises(Denied):
            rows.listing(tx, alice)
        with pytest.raises(Denied):
            rows.revoke(tx, alice, number)
        with pytest.raises(NotFound):
            rows.revoke(tx, principals.me(tx), number)


def test_there_is_a_limit(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "PER_ACCOUNT", 1)
    token(filled, "alice", WEEK)
    with pytest.raises(LimitReached):
        token(filled, "alice", WEEK)


def test_the_secret_is_in_no_log_and_no_row(filled: Store, anybody: Client, caplog: pytest.LogCaptureFixture) -> None:
    _, secret = token(filled, "alice", WEEK)
    with caplog.at_level(logging.DEBUG):
        anybody.request("GET", f"/feeds/token/{secret}/{WEEK}.rss")
    assert caplog.records
    assert all(secret not in str(vars(record)) for record in caplog.records)
    assert loggable(f"/feeds/token/{secret}/x.rss") == "/feeds/token/…/x.rss"
    with filled.read(SITE) as tx:
        found = rows.listing(tx, principals.find(tx, SpaceKind.PRIVATE, "alice"))
    assert secret not in repr(found)


@pytest.mark.parametrize(
    ("address", "feed"),
    [
        ("feeds/alice/private/events/week.rss", WEEK),
        ("feeds/ALICE/private/events/week.atom", WEEK),
        ("feeds/groups/IAB/events/today.rss", "groups/IAB/events/today"),
        ("feeds/groups/IAB/calendar.ics", "groups/IAB/calendar.ics"),
        ("feeds/alice/changes.rss", "alice/changes"),
        ("docs/alice/private/calendar.ics", ""),
        ("feeds/alice/private/events/year.rss", ""),
    ],
)
def test_what_a_token_can_be_for(address: str, feed: str) -> None:
    assert table.feed_of(address.split("/")) == feed


def test_on_a_full_disk(filled: Store, anybody: Client) -> None:
    """SYS-02: there is no room to note that it was used, and the feed is read all the same."""
    _, secret = token(filled, "alice", WEEK)
    with no_room(0):
        assert desk.titles(anybody.request("GET", f"/feeds/token/{secret}/{WEEK}.rss"))
