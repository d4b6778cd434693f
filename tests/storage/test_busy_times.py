"""Calendars of many people at once, on both engines: rights and times as of each alone (ACL-01, CAL-07)."""

from __future__ import annotations

from datetime import UTC

import pytest

from storage import accounts, busy_times, calendar, collections, grants, groups, items, preferences, properties
from storage.errors import TooManyInstances
from storage.store import Store
from storage.types import SITE, Right, SpaceKind
from tests.storage import desk

LOGINS = ["alice", "bob", "carol", "dora", "erik"]


def furnish(store: Store) -> None:
    """Dora and erik are in a group of their own, dora also in IAB; everybody has an event and some grant to others."""
    with store.write(SITE) as tx:
        dora, erik = (accounts.create(tx, one, "*", email=f"{one}@example.test") for one in ("dora", "erik"))
        away = groups.create(tx, "AWAY", admin=dora)
        groups.add_member(tx, away, erik)
        groups.add_member(tx, desk.principal(store, "IAB"), dora)
    for login in LOGINS:
        with store.write(desk.actor(store, login)) as tx:
            here = desk.events(tx, login)
            for number, more in enumerate(
                ("", "CLASS:PRIVATE\r\n", "CLASS:CONFIDENTIAL\r\nRRULE:FREQ=DAILY;COUNT=3\r\n")
            ):
                body = desk.event(f"{number}", day=f"2025060{number + 1}").replace(
                    b"SUMMARY", more.encode() + b"SUMMARY"
                )
                items.put(tx, here, f"{number}.ics", calendar.prepare(body))
    with store.write(desk.actor(store, "dora")) as tx:
        grants.grant(tx, desk.events(tx, "dora"), desk.principal(store, "AWAY"), Right.EDIT)
        grants.grant(tx, desk.events(tx, "dora"), desk.principal(store, "IAB"), Right.SEE)
        properties.put(tx, desk.events(tx, "dora"), None, {("u:", "x"): "<x/>"})
        preferences.choose(tx, desk.principal(store, "dora"), "day_start_hour", "9")


def test_many_at_once_are_as_each_alone(store: Store) -> None:
    furnish(store)
    ids = {login: desk.principal(store, login).id for login in LOGINS}
    for who in LOGINS:
        with store.read(desk.actor(store, who)) as tx:
            together = collections.calendars_of(tx, sorted(ids.values()))
            shown = [one for own, _ in together.values() for one in own]
            times = busy_times.of_many(tx, shown, 0, 2_000_000_000, UTC)
            hours = preferences.chosen_hours(tx, shown)
            kept = properties.underlying_of_many(tx, [one.id for one in shown], [("u:", "x")])
            for login, number in ids.items():
                if number not in together:
                    assert {who, login} not in ({"alice", "bob"}, {"alice", "dora"}, {"bob", "dora"}, {"dora", "erik"})
                    continue
                home = collections.home(tx, SpaceKind.PRIVATE, login)
                assert together[number][0] == [one for one in home if one.name == "events"]
                for one in together[number][0]:
                    assert times[one.id] == busy_times.of(tx, [one], 0, 2_000_000_000, UTC)
                    assert len(times[one.id]) == (5 if login == who else 4)
                    assert kept.get(one.id) == properties.underlying(tx, one, [("u:", "x")])
            assert {*hours} == {ids["dora"]} & {*together}
    with store.read(desk.actor(store, "bob")) as tx:
        assert not collections.calendars_of(tx, [ids["dora"]])[ids["dora"]][0][0].rights & Right.EDIT


@pytest.mark.slow
def test_a_calendar_of_rules_without_measure(store: Store) -> None:
    """It is busy all the time, and nothing else in it is looked at: thousands of them would take minutes (SYS-17)."""
    with store.write(desk.actor(store, "alice")) as tx:
        here = desk.events(tx, "alice")
        for number in range(12):
            rule = b"RRULE:FREQ=SECONDLY;INTERVAL=40\r\nSUMMARY"
            items.put(tx, here, f"{number}.ics", calendar.prepare(desk.event(f"{number}").replace(b"SUMMARY", rule)))
        start, end = 1_750_000_000, 1_750_700_000
        assert busy_times.of_many(tx, [here], start, end, UTC, forgiving=True)[here.id] == [(start, end, "BUSY")]
        with pytest.raises(TooManyInstances):
            busy_times.of(tx, [here], start, end, UTC)
        assert len(busy_times.of(tx, [here], start, start + 4_000, UTC)) >= 12 * 100
