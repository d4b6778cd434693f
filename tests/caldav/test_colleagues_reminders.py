"""Reminders that a colleague sets in somebody's calendar are the owner's (CAL-12, REM-06, REM-09, CAL-15)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from storage import check, reminders
from storage.formats import reminders as handing
from storage.formats.calendar_views import ViewerParts
from storage.schema import reminders as rows
from storage.store import Store
from storage.types import SITE, Actor, Right
from tests.caldav import desk
from tests.caldav.desk import EVENTS, TEAM, Client, event, put
from tests.caldav.meetings import text

PATH = f"{EVENTS}r.ics"
START = datetime.now(UTC).replace(microsecond=0) + timedelta(days=40)


def alarm(action: str = "EMAIL", before: str = "-PT15M") -> tuple[str, ...]:
    return ("BEGIN:VALARM", f"ACTION:{action}", f"TRIGGER:{before}", "SUMMARY:x", "DESCRIPTION:x", "END:VALARM")


def body(*alarms: tuple[str, ...], title: str = "Tea") -> bytes:
    times = (f"DTSTART:{START:%Y%m%dT%H%M%SZ}", f"DTEND:{START + timedelta(hours=1):%Y%m%dT%H%M%SZ}")
    return event("r", *times, f"SUMMARY:{title}", *(line for one in alarms for line in one))


def due(store: Store) -> list[int]:
    with store.read(SITE) as tx:
        assert check.run(tx) == []
        return [START.timestamp().__int__() - one for one in tx.db.execute(sa.select(rows.c.due)).scalars()]


@pytest.fixture
def granted(store: Store) -> Store:
    desk.grant(store, EVENTS, "bob", Right.SEE | Right.ADD | Right.EDIT)
    return store


def test_a_reminder_goes_to_the_owner(granted: Store, alice: Client, bob: Client) -> None:
    """CAL-12: who adds an event with an EMAIL alarm reminds its owner, and reads what he wrote."""
    answer = put(bob, PATH, body(alarm(), alarm("DISPLAY", "-PT5M")))
    assert due(granted) == [900]
    assert "ACTION:EMAIL" in text(alice, PATH)
    assert "ACTION:DISPLAY" not in text(alice, PATH)  # REM-09: rings at bob's
    assert text(bob, PATH).count("BEGIN:VALARM") == 2
    assert answer.headers.get("etag") in (None, bob.request("GET", PATH).headers["etag"])
    actor = desk.person(granted, "alice")
    with granted.read(Actor(actor.id, "alice")) as tx:
        assert [one.summary for one in reminders.listing(tx, actor)] == ["Tea"]


def test_he_changes_and_removes_it(granted: Store, alice: Client, bob: Client) -> None:
    """REM-03, REM-04; the owner's own reminders, of which he knows nothing, stay."""
    put(alice, PATH, body(alarm(before="-PT60M")))
    assert "VALARM" not in text(bob, PATH)
    put(bob, PATH, body(alarm(before="-PT30M")))
    assert sorted(text(alice, PATH).count(one) for one in ("-PT60M", "-PT30M")) == [1, 1]
    put(bob, PATH, body(alarm(before="-PT90M"), title="Later"))
    assert "-PT30M" not in text(alice, PATH)
    assert "-PT60M" in text(alice, PATH)
    assert due(granted) == [5400]
    put(bob, PATH, body(title="Later"))
    assert text(alice, PATH).count("BEGIN:VALARM") == 1
    assert due(granted) == [3600]
    put(alice, PATH, body(title="Later"))
    assert due(granted) == []
    put(bob, PATH, body(title="Last"))
    assert "VALARM" not in text(alice, PATH)


def test_who_may_not_edit_reminds_nobody(store: Store, alice: Client, bob: Client) -> None:
    """SYS-08: what he keeps for himself needs the right to see only, and is never executed."""
    put(alice, PATH, body())
    desk.grant(store, EVENTS, "bob", Right.SEE)
    put(bob, PATH, body(alarm()))
    assert "EMAIL" in text(bob, PATH)
    assert "VALARM" not in text(alice, PATH)
    assert due(store) == []


def test_a_group_has_no_reminders(store: Store, alice: Client, bob: Client) -> None:
    """CAL-15, REM-07."""
    put(alice, f"{TEAM}r.ics", body(alarm()))
    assert "VALARM" not in text(bob, f"{TEAM}r.ics")
    assert due(store) == []


_BLOCKS = [
    f"BEGIN:VALARM\r\nACTION:{kind}\r\nTRIGGER:-PT{n}M\r\nEND:VALARM\r\n" for kind in ("EMAIL", "AUDIO") for n in (1, 2)
]
_parts = st.dictionaries(
    st.sampled_from(["", "20250601T100000Z"]), st.lists(st.sampled_from(_BLOCKS), max_size=3).map("".join)
).map(lambda lines: ViewerParts(lines).dumps())


@given(owner=_parts, before=_parts, after=_parts)
def test_the_owners_parts_have_what_was_set_and_keep_the_rest(owner: str, before: str, after: str) -> None:
    made = handing.handed_over(owner, before, after)
    lines = ViewerParts.loads(made).lines if made else {}
    for instance, blocks in ViewerParts.loads(after).lines.items():
        for block in _BLOCKS[:2]:
            if block in blocks and block not in ViewerParts.loads(before).lines.get(instance, ""):
                assert block in lines[instance]
    for instance, blocks in ViewerParts.loads(owner).lines.items():
        for block in _BLOCKS[2:]:
            assert blocks.count(block) == lines.get(instance, "").count(block)
