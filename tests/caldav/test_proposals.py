"""Proposals and questions by the outbox, between people of one desk (RFC 5546 §3.2.6…3.2.8, MTG-12, MTG-13)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from servers.dav.names import CALDAV
from storage.scheduling import proposals
from storage.store import Store
from tests.caldav.desk import Client, put
from tests.caldav.meetings import (
    ALICE,
    BOB,
    INVITED,
    ORGANIZER,
    copy_of,
    invite,
    meeting,
    members,
    message,
    person,
    post,
    queued,
    someone,
    state,
    statuses,
    text,
)

INBOX = "/dav/{}/private/inbox/"


COUNTER = message(
    "COUNTER",
    "DTSTART:20250601T140000Z",
    "DTEND:20250601T150000Z",
    "SUMMARY:Plan",
    "COMMENT:later\\, please",
    ORGANIZER,
    someone("bob@example.test", "PARTSTAT=TENTATIVE"),
    someone("alice@example.test", "PARTSTAT=ACCEPTED"),
)


def test_a_proposal_waits_in_the_organizers_inbox_and_is_accepted(alice: Client, bob: Client, store: Store) -> None:
    """RFC 5546 §3.2.7: nothing moves before the organizer reschedules; then all are asked anew (MTG-13)."""
    path = invite(alice)
    assert statuses(post(bob, COUNTER)) == [("mailto:alice@example.test", "2.0")]
    assert "T140000Z" not in text(alice, path)
    assert state(alice, path, "bob@example.test") == "TENTATIVE"  # MTG-10: who proposes another time answers as well
    (one,) = members(alice, INBOX.format("alice"))
    assert "METHOD:COUNTER" in text(alice, one)
    actor, account = person(store, "alice")
    with store.write(actor) as tx:
        (found,) = proposals.listing(tx, account)
        assert (found.sender, found.start, found.comment) == ("bob@example.test", "20250601T140000Z", "later, please")
        proposals.accept(tx, account, found.name)
        assert proposals.listing(tx, account) == []
    for client, copy in ((alice, path), (bob, copy_of(bob, BOB))):
        assert "DTSTART:20250601T140000Z" in text(client, copy)
        assert "SEQUENCE:1" in text(client, copy)
        assert state(client, copy, "bob@example.test") == "NEEDS-ACTION"
    assert statuses(post(bob, COUNTER)) == [("mailto:alice@example.test", "3.7")]  # to what it was before


def test_a_proposal_is_declined(alice: Client, bob: Client, store: Store) -> None:
    """RFC 5546 §3.2.8: DECLINECOUNTER echoes UID and SEQUENCE, and goes to whoever proposed."""
    path = invite(alice)
    before = text(alice, path)
    post(bob, COUNTER.replace(b"PARTSTAT=TENTATIVE", b"PARTSTAT=NEEDS-ACTION"))
    assert text(alice, path) == before
    actor, account = person(store, "alice")
    with store.write(actor) as tx:
        (found,) = proposals.listing(tx, account)
        assert proposals.decline(tx, account, found.name, "no; really") == "1.2"
    told = [text(bob, one) for one in members(bob, INBOX.format("bob"))]
    (refusal,) = [one for one in told if "METHOD:DECLINECOUNTER" in one]
    assert "UID:m1" in refusal
    assert "SEQUENCE:0" in refusal
    assert "COMMENT:no\\; really" in refusal
    assert "T100000Z" in text(bob, copy_of(bob, BOB))
    body = message("DECLINECOUNTER", ORGANIZER, INVITED, "SEQUENCE:0")
    assert statuses(post(alice, body)) == [("mailto:bob@example.test", "2.0")]


def test_one_instance_is_proposed_elsewhere(alice: Client, bob: Client, store: Store) -> None:
    path = f"{ALICE}m1.ics"
    put(alice, path, meeting(INVITED, more=("RRULE:FREQ=DAILY;COUNT=5",)))
    actor, account = person(store, "bob")
    start, end = datetime(2025, 6, 3, 15, tzinfo=UTC), datetime(2025, 6, 3, 16, tzinfo=UTC)
    with store.write(actor) as tx:
        assert proposals.propose(tx, account, "m1", start, end, instance="20250603T100000Z") == "1.2"
    actor, account = person(store, "alice")
    with store.write(actor) as tx:
        (found,) = proposals.listing(tx, account)
        assert found.instance == "20250603T100000Z"
        proposals.accept(tx, account, found.name)
    for client, copy in ((alice, path), (bob, copy_of(bob, BOB))):
        body = text(client, copy)
        assert "RECURRENCE-ID:20250603T100000Z" in body
        assert "DTSTART:20250603T150000Z" in body
        assert "RRULE" in body


def test_who_asks_gets_the_meeting_again(alice: Client, bob: Client) -> None:
    """RFC 5546 §3.2.6."""
    invite(alice)
    assert bob.request("DELETE", copy_of(bob, BOB), schedule_reply="F").status == 204
    ask = message("REFRESH", ORGANIZER, INVITED)
    assert statuses(post(bob, ask)) == [("mailto:alice@example.test", "2.0")]
    assert "SUMMARY:Plan" in text(bob, copy_of(bob, BOB))
    assert statuses(post(bob, ask.replace(b"UID:m1", b"UID:m2"))) == [("mailto:alice@example.test", "3.7")]


def test_who_is_not_invited_neither_proposes_nor_learns(alice: Client, carol: Client) -> None:
    path = invite(alice)
    for body in (COUNTER, message("REFRESH", ORGANIZER, INVITED)):
        asked = body.replace(b"bob@", b"carol@")
        assert statuses(post(carol, asked)) == [("mailto:alice@example.test", "3.7")]
    assert members(carol, "/dav/carol/private/events/") == []
    assert members(alice, INBOX.format("alice")) == []
    assert state(alice, path, "bob@example.test") == "NEEDS-ACTION"
    decline = message("DECLINECOUNTER", ORGANIZER.replace("alice", "carol"), INVITED, "SEQUENCE:0")
    assert statuses(post(carol, decline)) == [("mailto:bob@example.test", "3.7")]  # not her meeting


@pytest.mark.parametrize(
    ("body", "precondition"),
    [
        (COUNTER.replace(b"UID:m1\r\n", b""), "valid-scheduling-message"),
        (COUNTER.replace(b"ORGANIZER", b"X-ORGANIZER"), "valid-scheduling-message"),
        (COUNTER.replace(b"DTSTART:20250601T140000Z", b"DTSTART:never"), "valid-scheduling-message"),
        (COUNTER.replace(b"bob@", b"carol@"), "valid-scheduling-message"),
        (message("REFRESH", "ORGANIZER:mailto:bob@example.test", INVITED), "valid-scheduling-message"),
        (message("DECLINECOUNTER", ORGANIZER, INVITED), "valid-organizer"),
        (message("DECLINECOUNTER", "ORGANIZER:mailto:bob@example.test"), "valid-scheduling-message"),
        (message("PUBLISH", ORGANIZER, INVITED), "valid-scheduling-message"),
        (b"BEGIN:VCALENDAR\r\nMETHOD:COUNTER\r\nEND:VCALENDAR\r\n", "valid-scheduling-message"),
        (b"BEGIN:VCALENDAR\r\nMETHOD:REFRESH\r\n\0END:VCALENDAR\r\n", "valid-scheduling-message"),
    ],
)
def test_messages_that_cannot_be_sent(alice: Client, bob: Client, body: bytes, precondition: str) -> None:
    """RFC 6638 §5.2.1, §5.2.2."""
    invite(alice)
    refused = post(bob, body)
    status = 400 if precondition == "valid-scheduling-message" else 403
    assert (refused.status, refused.precondition) == (status, f"{CALDAV}{precondition}")


def test_the_outbox_is_its_owners(bob: Client, alice: Client) -> None:
    invite(alice)
    assert post(bob, COUNTER, "alice").status in (403, 404, 405)


def test_a_proposal_to_somebody_outside_goes_by_mail(alice: Client, store: Store) -> None:
    lines = ("DTSTART:20250601T140000Z", "SUMMARY:Far", "ORGANIZER:mailto:eve@else.test", someone("alice@example.test"))
    assert statuses(post(alice, message("COUNTER", *lines))) == [("mailto:eve@else.test", "1.1")]
    assert queued(store) == [("alice@example.test", "eve@else.test")]
