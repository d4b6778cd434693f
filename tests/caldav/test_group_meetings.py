"""Meetings in a group's calendar: whoever may add there organizes them himself (MTG-18)."""

from __future__ import annotations

import pytest

from servers.dav.names import CALDAV
from storage.store import Store
from tests.caldav import desk
from tests.caldav.desk import TEAM, Client, Right, event, put
from tests.caldav.meetings import (
    ALICE,
    BOB,
    CAROL,
    INVITED_TOO,
    TIMES,
    answer,
    copy_of,
    members,
    queued,
    someone,
    state,
    text,
)

PATH = f"{TEAM}g.ics"
GUESTS = (INVITED_TOO, someone("eve@else.test"))


def plan(*attendees: str) -> bytes:
    head = ("SUMMARY:Plan", "ORGANIZER:mailto:bob@example.test", someone("bob@example.test", "PARTSTAT=ACCEPTED"))
    return event("g", *TIMES, *head, *attendees)


@pytest.fixture
def held(store: Store, alice: Client, bob: Client) -> None:
    """Bob, who may add in the group's calendar, organizes a meeting there."""
    assert bob.request("PUT", PATH, plan(*GUESTS), content_type="text/calendar").status == 403
    desk.grant(store, TEAM, "bob", Right.ADD)
    put(bob, PATH, plan(*GUESTS))


@pytest.mark.usefixtures("held")
def test_its_author_organizes_it(bob: Client, carol: Client, store: Store) -> None:
    assert "ORGANIZER:mailto:bob@example.test" in text(bob, PATH)
    assert "SENT-BY" not in text(bob, PATH)
    assert members(bob, BOB) == []  # it lies in the group's calendar
    assert queued(store) == [("bob@example.test", "eve@else.test")]
    mine = copy_of(carol, CAROL)
    answer(carol, mine, "carol@example.test", "ACCEPTED")
    assert state(bob, PATH, "carol@example.test") == "ACCEPTED"
    put(bob, PATH, text(bob, PATH).replace("SUMMARY:Plan", "SUMMARY:Other").encode())
    assert "SUMMARY:Other" in text(carol, mine)
    assert state(bob, PATH, "carol@example.test") == "NEEDS-ACTION"


@pytest.mark.usefixtures("held")
def test_nobody_else_changes_it(store: Store, alice: Client, carol: Client) -> None:
    """MTG-12: also who is not invited, and may edit there; nor does he answer for others."""
    desk.grant(store, TEAM, "alice", Right.EDIT)
    body = text(alice, PATH)
    refused = alice.request(
        "PUT", PATH, body.replace("SUMMARY:Plan", "SUMMARY:Mine").encode(), content_type="text/calendar"
    )
    assert (refused.status, refused.precondition) == (403, f"{CALDAV}allowed-attendee-scheduling-object-change")
    put(alice, PATH, body.replace("PARTSTAT=NEEDS-ACTION", "PARTSTAT=DECLINED").encode())
    assert state(alice, PATH, "carol@example.test") == "NEEDS-ACTION"
    assert state(carol, copy_of(carol, CAROL), "carol@example.test") == "NEEDS-ACTION"


@pytest.mark.usefixtures("held")
def test_whoever_deletes_it_calls_it_off(alice: Client, carol: Client, store: Store) -> None:
    """MTG-15: nobody keeps a meeting that is gone."""
    assert alice.request("DELETE", PATH).status == 204
    assert members(carol, CAROL) == []
    told = [("bob@example.test", "eve@else.test")] * 2
    assert queued(store) == [*told, ("", "carol@example.test")]


def test_a_participant_answers_in_the_groups_calendar(store: Store, alice: Client, bob: Client) -> None:
    desk.grant(store, TEAM, "bob", Right.ADD)
    desk.grant(store, TEAM, "alice", Right.EDIT)
    put(bob, PATH, plan(someone("alice@example.test")))
    assert answer(alice, PATH, "alice@example.test", "ACCEPTED").status == 204
    assert state(bob, PATH, "alice@example.test") == "ACCEPTED"
    mine = copy_of(alice, ALICE)
    assert state(alice, mine, "alice@example.test") == "ACCEPTED"
    assert alice.request("DELETE", mine).status == 204
    assert state(bob, PATH, "alice@example.test") == "DECLINED"
