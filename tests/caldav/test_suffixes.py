"""People who are invited, and invite, by an address with a suffix: it is theirs, as for mail (MSG-66, MTG-04, MTG-17)."""

from __future__ import annotations

import re

import pytest

from storage import addresses, preferences
from storage.store import Store
from storage.types import SITE
from tests.caldav import desk
from tests.caldav.desk import Client, put
from tests.caldav.meetings import (
    ALICE,
    BOB,
    INVITED,
    PATH,
    copy_of,
    meeting,
    members,
    message,
    post,
    queued,
    someone,
    state,
    statuses,
    text,
)

WORK = "bob+work@example.test"
SUFFIXED = someone(WORK)


def answers(client: Client, path: str, how: str) -> int:
    """PUT somebody's copy with another PARTSTAT in the line that invited him."""
    line = re.compile(r"ATTENDEE[^\r\n]*:mailto:bob\+work@example\.test")
    body = line.sub(f"ATTENDEE;PARTSTAT={how}:mailto:{WORK}", text(client, path))
    return client.request("PUT", path, body.encode(), content_type="text/calendar").status


@pytest.mark.parametrize("how", ["ACCEPTED", "DECLINED", "TENTATIVE"])
def test_an_answer_reaches_the_organizer(alice: Client, bob: Client, how: str) -> None:
    """RFC 6638 §3.2.2.1: whoever was sent the invitation answers it, by the address that it names."""
    put(alice, PATH, meeting(SUFFIXED))
    assert answers(bob, copy_of(bob, BOB), how) == 204
    assert state(alice, PATH, WORK) == how


def test_a_deletion_is_a_refusal(alice: Client, bob: Client) -> None:
    """MTG-08."""
    put(alice, PATH, meeting(SUFFIXED))
    assert bob.request("DELETE", copy_of(bob, BOB)).status == 204
    assert state(alice, PATH, WORK) == "DECLINED"


def test_only_the_organizer_modifies(alice: Client, bob: Client) -> None:
    """MTG-12: an attendee is one by any of his addresses."""
    put(alice, PATH, meeting(SUFFIXED))
    mine = copy_of(bob, BOB)
    body = text(bob, mine).replace("SUMMARY:Plan", "SUMMARY:Mine").encode()
    answer = bob.request("PUT", mine, body, content_type="text/calendar")
    assert answer.status == 403
    assert "allowed-attendee-scheduling-object-change" in answer.text


def test_an_organizer_invites_by_it(alice: Client, bob: Client) -> None:
    """RFC 6638 §3.1: what names one of one's own addresses as organizer is one's own meeting."""
    put(alice, PATH, meeting(INVITED).replace(b"alice@", b"alice+plans@"))
    mine = copy_of(bob, BOB)
    assert "ORGANIZER;CN=Alice:mailto:alice+plans@example.test" in text(bob, mine)
    body = text(bob, mine).replace("PARTSTAT=NEEDS-ACTION", "PARTSTAT=ACCEPTED").encode()
    assert bob.request("PUT", mine, body, content_type="text/calendar").status == 204
    assert state(alice, PATH, "bob@example.test") == "ACCEPTED"
    assert alice.request("DELETE", PATH).status == 204
    assert members(bob, BOB) == []


def test_nobody_invites_himself_by_it(alice: Client, store: Store) -> None:
    """MTG-17."""
    put(alice, PATH, meeting(someone("alice+too@example.test")))
    assert members(alice, ALICE) == [PATH]
    assert members(alice, "/dav/alice/private/inbox/") == []
    assert queued(store) == []


def test_a_room_answers_by_it(alice: Client, carol: Client, store: Store) -> None:
    with store.write(SITE) as tx:
        preferences.choose(tx, desk.person(store, "carol"), "calendar_user_type", "room")
    times = ("DTSTART:20990601T100000Z", "DTEND:20990601T110000Z")
    put(alice, PATH, meeting(someone("carol+window@example.test"), times=times))
    assert state(alice, PATH, "carol+window@example.test") == "ACCEPTED"


def test_a_proposal_is_sent_by_it(alice: Client, bob: Client) -> None:
    """RFC 5546 §3.2.7."""
    put(alice, PATH, meeting(SUFFIXED))
    times = ("DTSTART:20250601T120000Z", "DTEND:20250601T130000Z")
    sent = post(bob, message("COUNTER", *times, "ORGANIZER:mailto:alice@example.test", SUFFIXED))
    assert statuses(sent) == [("mailto:alice@example.test", "2.0")]
    assert any("METHOD:COUNTER" in text(alice, one) for one in members(alice, "/dav/alice/private/inbox/"))


def test_what_is_somebodys_address_as_it_is_stays_his(alice: Client, bob: Client, carol: Client, store: Store) -> None:
    """MTG-17: "an address can belong to one account only", with what looks like a suffix too."""
    with store.write(SITE) as tx:
        addresses.add(tx, desk.person(store, "carol"), WORK)
        addresses.confirm(tx, desk.person(store, "carol"), WORK)
    put(alice, PATH, meeting(SUFFIXED))
    assert members(bob, BOB) == []
    assert len(members(carol, "/dav/carol/private/events/")) == 1
