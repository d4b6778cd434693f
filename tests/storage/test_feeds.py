"""What feeds read, on both engines: agendas, recent changes, whole calendars, secret addresses (CALSYNC, ACC-05, ACC-06)."""

from __future__ import annotations

from datetime import UTC

import pytest

from auth import feed_tokens
from auth.errors import BadCredentials
from storage import agenda, calendar, calendar_feed, items, principals, recent
from storage import collections as tree
from storage import feed_tokens as rows
from storage.store import Store
from storage.types import Actor, SpaceKind
from tests.storage import disk

EVENT = """BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r
DTSTART:20260302T100000Z\r\nDTEND:20260302T110000Z\r\nSUMMARY:{uid}\r\nRRULE:FREQ=DAILY;COUNT=3\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"""
MONDAY = 1_772_409_600  # 2026-03-02 00:00 UTC
DAY = 86_400


def put(store: Store, who: Actor, uid: str, kind: SpaceKind = SpaceKind.PRIVATE, space: str = "alice") -> None:
    with store.write(who) as tx:
        events = tree.find(tx, kind, space, "events")
        items.put(tx, events, f"{uid}.ics", calendar.prepare(EVENT.format(uid=uid).encode()))


def test_agenda_and_whole_calendar(store: Store, alice: Actor, bob: Actor) -> None:
    put(store, alice, "tea")
    for who, summary in ((alice, "tea"), (bob, "")):
        with store.read(who) as tx:
            events = tree.find(tx, SpaceKind.PRIVATE, "alice", "events")
            found = agenda.happenings(tx, events, MONDAY, MONDAY + 2 * DAY, UTC)
            assert [(one.start - MONDAY, one.summary, one.busy) for one in found] == [
                (36_000, summary, not summary),
                (36_000 + DAY, summary, not summary),
            ]
            whole = calendar_feed.whole(tx, SpaceKind.PRIVATE, "alice")
            assert whole.body is not None
            assert (b"SUMMARY:tea" in whole.body) is bool(summary)
            assert calendar_feed.whole(tx, SpaceKind.PRIVATE, "alice", {whole.etag}).body is None


def test_recent_changes(store: Store, alice: Actor, bob: Actor, carol: Actor) -> None:
    put(store, alice, "tea")
    put(store, alice, "all", SpaceKind.GROUP, "IAB")
    with store.write(alice) as tx:
        disk.put(tx, "IAB", "minutes.txt")
        disk.put(tx, "alice", "own.txt")
        disk.put(tx, "alice", "gone.txt")
        disk.delete(tx, "alice", "gone.txt")
    seen = {}
    for who in (alice, bob, carol):
        with store.read(who) as tx:
            found = recent.changes(tx)
            seen[who.login] = {one.title for one in found}
            assert all(one.added for one in found)
            assert len(recent.changes(tx, most=1)) == min(1, len(found))
    assert seen == {"alice": {"tea", "all", "minutes.txt", "own.txt"}, "bob": {"all", "minutes.txt"}, "carol": set()}


def test_secret_addresses(store: Store, alice: Actor) -> None:
    with store.write(alice) as tx:
        made, secret = feed_tokens.make(tx, principals.me(tx), "alice/changes")
    assert feed_tokens.verify(store, secret) == (alice, "alice/changes")
    with store.write(alice) as tx:
        [held] = rows.listing(tx, principals.me(tx))
        assert held.last_used is not None
        rows.revoke(tx, principals.me(tx), made.id)
    for wrong in (secret, "", "x" * 26, secret + "\0"):
        with pytest.raises(BadCredentials):
            feed_tokens.verify(store, wrong)
