"""Somebody goes in an attendee's stead (RFC 5546 §3.2.2.3, MTG-11, MTG-12)."""

from __future__ import annotations

import re

import pytest

from servers.dav.names import CALDAV
from storage.scheduling import responding
from storage.store import Store
from tests.caldav.desk import Answer, Client, event, put
from tests.caldav.meetings import (
    ALICE,
    BOB,
    CAROL,
    INVITED,
    INVITED_TOO,
    TIMES,
    answer,
    copy_of,
    invite,
    line_of,
    meeting,
    members,
    person,
    queued,
    someone,
    state,
    text,
)


def delegated(client: Client, path: str, who: str, to: str, *, line: bool = True) -> Answer:
    """PUT the copy with PARTSTAT=DELEGATED, and the delegate's own line as RFC 5546 wants it."""
    mine = f'ATTENDEE;PARTSTAT=DELEGATED;DELEGATED-TO="mailto:{to}":mailto:{who}'
    more = f'\r\nATTENDEE;PARTSTAT=NEEDS-ACTION;DELEGATED-FROM="mailto:{who}":mailto:{to}' if line else ""
    body = re.sub(rf"ATTENDEE[^\r\n]*:mailto:{who}", mine + more, text(client, path))
    return client.request("PUT", path, body.encode(), content_type="text/calendar")


@pytest.mark.parametrize("line", [True, False])
def test_the_delegate_is_invited_and_answers(alice: Client, bob: Client, carol: Client, line: bool) -> None:
    path = invite(alice)
    mine = copy_of(bob, BOB)
    assert delegated(bob, mine, "bob@example.test", "carol@example.test", line=line).status == 204
    assert state(alice, path, "bob@example.test") == "DELEGATED"
    assert 'DELEGATED-TO="mailto:carol@example.test"' in line_of(alice, path, "bob@example.test")
    hers = line_of(alice, path, "carol@example.test")
    assert 'DELEGATED-FROM="mailto:bob@example.test"' in hers
    assert "SCHEDULE-STATUS=1.2" in hers
    copy = copy_of(carol, CAROL)
    assert state(carol, copy, "carol@example.test") == "NEEDS-ACTION"
    assert answer(carol, copy, "carol@example.test", "ACCEPTED").status == 204
    assert state(alice, path, "carol@example.test") == "ACCEPTED"
    assert state(bob, mine, "carol@example.test") == "ACCEPTED"  # the delegator sees it too
    # A change asks the delegate anew, and leaves the delegation.
    put(alice, path, text(alice, path).replace("T110000Z", "T120000Z").encode())
    assert state(alice, path, "bob@example.test") == "DELEGATED"
    assert state(alice, path, "carol@example.test") == "NEEDS-ACTION"
    assert "T120000Z" in text(carol, copy)


def test_who_takes_it_back_goes_himself(alice: Client, bob: Client, carol: Client) -> None:
    """The delegate comes in lieu of the attendee, not in addition to him."""
    path = invite(alice)
    mine = copy_of(bob, BOB)
    delegated(bob, mine, "bob@example.test", "carol@example.test")
    assert answer(bob, mine, "bob@example.test", "ACCEPTED").status == 204
    assert state(alice, path, "bob@example.test") == "ACCEPTED"
    assert "DELEGATED" not in text(alice, path)
    assert line_of(alice, path, "carol@example.test") == ""
    assert members(carol, CAROL) == []
    assert any("METHOD:CANCEL" in text(carol, one) for one in members(carol, "/dav/carol/private/inbox/"))


def test_an_organizers_stale_copy_does_not_remove_the_delegate(alice: Client, bob: Client, carol: Client) -> None:
    """The schedule tag changes: a client that has not seen him meets a 412 (RFC 6638 §3.2.10)."""
    path = invite(alice)
    tag = alice.request("GET", path).headers["schedule-tag"]
    delegated(bob, copy_of(bob, BOB), "bob@example.test", "carol@example.test")
    stale = alice.request("PUT", path, meeting(INVITED), content_type="text/calendar", if_schedule_tag_match=tag)
    assert stale.status == 412
    assert len(members(carol, CAROL)) == 1


def test_an_attendee_adds_nobody_else(alice: Client, bob: Client, carol: Client) -> None:
    """MTG-12: only his delegate."""
    path = invite(alice)
    mine = copy_of(bob, BOB)
    body = text(bob, mine).replace("END:VEVENT", f"{INVITED_TOO}\r\nEND:VEVENT")
    refused = bob.request("PUT", mine, body.encode(), content_type="text/calendar")
    assert refused.precondition == f"{CALDAV}allowed-attendee-scheduling-object-change"
    assert members(carol, CAROL) == []
    assert line_of(alice, path, "carol@example.test") == ""


@pytest.mark.parametrize("to", ["", "nobody", "a b@x.test", "bob@example.test", "alice@example.test", '"', "x" * 400])
def test_delegates_that_cannot_be(alice: Client, bob: Client, store: Store, to: str) -> None:
    path = invite(alice)
    delegated(bob, copy_of(bob, BOB), "bob@example.test", to, line=False)
    assert text(alice, path).count("ATTENDEE") == 2
    assert queued(store) == []


def test_delegates_outside_get_a_mail(alice: Client, bob: Client, store: Store) -> None:
    """From the organizer if she is here, else from the delegator."""
    invite(alice)
    delegated(bob, copy_of(bob, BOB), "bob@example.test", "eve@else.test")
    assert queued(store) == [("alice@example.test", "eve@else.test")]
    outside = ("ORGANIZER:mailto:olaf@far.test", someone("alice@example.test"))
    put(alice, f"{ALICE}o.ics", event("o", *TIMES, "SUMMARY:Far", *outside))
    assert delegated(alice, f"{ALICE}o.ics", "alice@example.test", "ida@else.test").status == 204
    assert sorted(queued(store)[1:]) == [
        ("alice@example.test", "ida@else.test"),
        ("alice@example.test", "olaf@far.test"),
    ]


def test_a_series_is_delegated_as_a_whole(alice: Client, bob: Client, carol: Client, store: Store) -> None:
    path = f"{ALICE}m1.ics"
    put(alice, path, meeting(INVITED, more=("RRULE:FREQ=DAILY;COUNT=5",)))
    answer(bob, copy_of(bob, BOB), "bob@example.test", "ACCEPTED")
    actor, account = person(store, "bob")
    with store.write(actor) as tx:
        responding.delegate(tx, account, "m1", "Carol@example.test")
    assert "RRULE" in text(carol, copy_of(carol, CAROL))
    assert state(alice, path, "bob@example.test") == "DELEGATED"
    with store.write(actor) as tx:
        responding.respond(tx, account, "m1", "ACCEPTED")
    assert members(carol, CAROL) == []
