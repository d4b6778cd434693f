"""The overview of one's reminders as a feed (REM-05)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from storage import calendar, collections, items
from storage.store import Store
from storage.types import SITE, Actor, SpaceKind
from tests.dav.desk import Client
from tests.feeds import desk

START = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)


def remind(store: Store, title: str, days: int) -> None:
    start = START + timedelta(days=days)
    lines = [
        *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//tests//EN", "BEGIN:VEVENT", f"UID:{title}"),
        *("DTSTAMP:20250101T000000Z", f"DTSTART:{start:%Y%m%dT%H%M%SZ}", "DURATION:PT1H", f"SUMMARY:{title}"),
        *("BEGIN:VALARM", "ACTION:EMAIL", "TRIGGER:-PT15M", "SUMMARY:x", "DESCRIPTION:x", "END:VALARM"),
        *("END:VEVENT", "END:VCALENDAR", ""),
    ]
    with store.read(SITE) as tx:
        who = collections.find(tx, SpaceKind.PRIVATE, "alice", "events").space
    with store.write(Actor(who.id, who.name)) as tx:
        home = collections.find(tx, SpaceKind.PRIVATE, "alice", "events")
        items.put(tx, home, f"{title}.ics", calendar.prepare("\r\n".join(lines).encode()))


@pytest.mark.parametrize("form", ["rss", "atom"])
def test_the_next_one_comes_first(store: Store, alice: Client, bob: Client, form: str) -> None:
    remind(store, "Later", 2)
    remind(store, "Sooner", 1)
    path = f"/feeds/alice/reminders.{form}"
    answer = alice.request("GET", path)
    assert answer.status == 200
    assert 0 < answer.text.index("Sooner") < answer.text.index("Later")
    assert f"{START + timedelta(days=1, minutes=-15):%Y-%m-%d %H:%M} Sooner" in answer.text
    assert alice.request("GET", path, if_none_match=answer.headers["etag"]).status == 304
    assert bob.request("GET", path).status == 404
    assert "Sooner" not in bob.request("GET", f"/feeds/bob/reminders.{form}").text


def test_in_another_zone(store: Store, alice: Client) -> None:
    """RFC 9110 §8.8.1: the times are told in the reader's zone, so that a journey makes another feed."""
    remind(store, "Tea", 1)
    etag = alice.request("GET", "/feeds/alice/reminders.rss").headers["etag"]
    desk.prefer(store, "alice", timezone="Asia/Tokyo")
    answer = alice.request("GET", "/feeds/alice/reminders.rss", if_none_match=etag)
    assert f"{(START + timedelta(days=1, minutes=-15)).astimezone(ZoneInfo('Asia/Tokyo')):%Y-%m-%d %H:%M} Tea" in answer.text
