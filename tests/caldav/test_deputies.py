"""Meetings in a colleague's calendar, and the privileges of inboxes and outboxes (MTG-16, CAL-12, RFC 6638 §6)."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from servers.dav.names import CALDAV, DAV
from storage.outbound import tables as outbound
from storage.store import Store
from storage.types import SITE, Right
from tests.caldav import desk
from tests.caldav.desk import Client, event, put
from tests.caldav.meetings import (
    ALICE,
    BOB,
    INVITED,
    INVITED_TOO,
    ORGANIZER,
    PATH,
    TIMES,
    answer,
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

SENT_BY = 'SENT-BY="mailto:bob@example.test"'
OUTBOX, INBOX = "/dav/alice/private/outbox/", "/dav/alice/private/inbox/"


def organizer_of(client: Client, path: str) -> str:
    (line,) = {one for one in text(client, path).split("\r\n") if one.startswith("ORGANIZER")}
    return line


def by_bob(*attendees: str) -> bytes:
    return event("m1", *TIMES, "SUMMARY:Plan", "ORGANIZER;CN=Bob:mailto:bob@example.test", *attendees)


def test_the_calendars_owner_organizes_and_the_author_is_named(
    store: Store, alice: Client, bob: Client, carol: Client
) -> None:
    """MTG-16: ORGANIZER is the owner, SENT-BY the author, who need not be invited."""
    desk.grant(store, ALICE, "bob", Right.ADD | Right.SEE)
    put(bob, PATH, by_bob(INVITED_TOO, someone("eve@else.test")))
    line = organizer_of(alice, PATH)
    assert line.endswith(":mailto:alice@example.test")
    assert SENT_BY in line
    assert "CN=Alice" in line
    copy = copy_of(carol, "/dav/carol/private/events/")
    assert organizer_of(carol, copy) == line
    assert members(bob, BOB) == []
    assert queued(store) == [("alice@example.test", "eve@else.test")]
    with store.read(SITE) as tx:
        (mail,) = tx.db.execute(sa.select(outbound.messages.c.body)).scalars()
        assert b"Sender: bob@example.test" in mail
    # The answer comes to alice's meeting; both may change it, carol may not.
    assert answer(carol, copy, "carol@example.test", "ACCEPTED").status == 204
    assert state(alice, PATH, "carol@example.test") == "ACCEPTED"
    later = text(bob, PATH).replace("T110000Z", "T120000Z").encode()
    put(bob, PATH, later)
    assert "T120000Z" in text(carol, copy)
    put(alice, PATH, text(alice, PATH).replace("SUMMARY:Plan", "SUMMARY:Mine").encode())
    assert "SUMMARY:Mine" in text(carol, copy)
    assert organizer_of(carol, copy) == line
    refused = carol.request("PUT", copy, text(carol, copy).replace("Mine", "Hers").encode())
    assert refused.precondition == f"{CALDAV}allowed-attendee-scheduling-object-change"


def test_the_author_may_invite_himself(store: Store, alice: Client, bob: Client) -> None:
    """CAL-12."""
    desk.grant(store, ALICE, "bob", Right.ADD)
    put(bob, PATH, by_bob(someone("bob@example.test", "PARTSTAT=ACCEPTED")))
    assert state(bob, copy_of(bob, BOB), "bob@example.test") == "ACCEPTED"
    assert organizer_of(bob, copy_of(bob, BOB)).endswith(":mailto:alice@example.test")


def test_a_delegate_calls_off_and_says_who_did(store: Store, alice: Client, bob: Client, carol: Client) -> None:
    put(alice, PATH, meeting(INVITED_TOO))
    desk.grant(store, ALICE, "bob", Right.DELETE)
    assert bob.request("DELETE", PATH).status == 204
    assert members(carol, "/dav/carol/private/events/") == []
    told = [text(carol, one) for one in members(carol, "/dav/carol/private/inbox/")]
    assert any("METHOD:CANCEL" in one and SENT_BY in one for one in told)


def test_an_answer_in_the_owners_name_needs_more_than_adding(store: Store, alice: Client, bob: Client) -> None:
    """RFC 6638 §6.2.3: schedule-send-reply."""
    desk.grant(store, ALICE, "bob", Right.ADD)
    lines = (
        *TIMES,
        "SUMMARY:Far",
        "ORGANIZER:mailto:eve@else.test",
        someone("alice@example.test", "PARTSTAT=ACCEPTED"),
    )
    refused = bob.request("PUT", f"{ALICE}far.ics", event("far", *lines), content_type="text/calendar")
    assert (refused.status, refused.precondition) == (403, f"{DAV}need-privileges")
    assert refused.xml.find(f".//{CALDAV}schedule-send-reply") is not None
    assert refused.xml.findtext(f".//{DAV}href") == "/dav/alice/private/outbox/"  # RFC 4918 §5.2
    assert queued(store) == []
    desk.grant(store, ALICE, "bob", Right.EDIT)
    put(bob, f"{ALICE}far.ics", event("far", *lines))
    assert queued(store) == [("alice@example.test", "eve@else.test")]


def test_nobody_makes_up_who_sent_it(alice: Client, carol: Client) -> None:
    forged = meeting(INVITED_TOO).replace(b"ORGANIZER;", b'ORGANIZER;SENT-BY="mailto:boss@else.test";')
    put(alice, PATH, forged)
    assert "SENT-BY" not in text(carol, copy_of(carol, "/dav/carol/private/events/"))


def test_an_own_meeting_is_not_taken_over(store: Store, alice: Client, bob: Client) -> None:
    """Bob's own invitation stays his, also if he puts it into alice's calendar himself."""
    put(bob, f"{BOB}m1.ics", by_bob(someone("alice@example.test")))
    alice.request("DELETE", copy_of(alice, ALICE), schedule_reply="F")
    desk.grant(store, ALICE, "bob", Right.ADD)
    put(bob, PATH, by_bob(someone("alice@example.test")))
    assert organizer_of(alice, PATH).endswith(":mailto:bob@example.test")


def test_a_colleague_without_a_grant_sends_nothing(store: Store, bob: Client, carol: Client) -> None:
    refused = bob.request("PUT", PATH, by_bob(INVITED_TOO), content_type="text/calendar")
    assert (refused.status, refused.precondition) == (403, f"{DAV}need-privileges")
    assert members(carol, "/dav/carol/private/inbox/") == []


def held(client: Client, path: str) -> set[str]:
    name = f"{DAV}current-user-privilege-set"
    found = client.propfind(path, name).prop(path, name)
    assert found is not None
    return {str(one[0].tag).partition("}")[2] for one in found if "schedule" in str(one[0].tag)}


ALL_IN = {"schedule-deliver", "schedule-deliver-invite", "schedule-deliver-reply", "schedule-query-freebusy"}
ALL_OUT = {"schedule-send", "schedule-send-invite", "schedule-send-reply", "schedule-send-freebusy"}


def test_privileges_are_reported(store: Store, alice: Client, bob: Client, carol: Client) -> None:
    """RFC 6638 §6.1, §6.2, §6.3: in current-user-privilege-set, supported-privilege-set and acl."""
    assert (held(alice, INBOX), held(alice, OUTBOX)) == (ALL_IN, ALL_OUT)
    assert held(bob, INBOX) == ALL_IN  # anybody may invite, co-members may ask
    assert bob.propfind(OUTBOX).status == 404
    assert carol.propfind(INBOX).status == 404  # no co-member: he may not know of alice
    desk.grant(store, ALICE, "bob", Right.ADD)
    assert held(bob, OUTBOX) == {"schedule-send-invite", "schedule-send-freebusy"}
    desk.grant(store, ALICE, "bob", Right.EDIT)
    assert held(bob, OUTBOX) == ALL_OUT
    for path, wanted in ((INBOX, ALL_IN), (OUTBOX, ALL_OUT), (ALICE, set())):
        name = f"{DAV}supported-privilege-set"
        found = alice.propfind(path, name).prop(path, name)
        assert found is not None
        tags = {str(one.tag).partition("}")[2] for one in found.iter()}
        assert {tag for tag in tags if tag.startswith("schedule")} == wanted
    entries = alice.propfind(OUTBOX, f"{DAV}acl").prop(OUTBOX, f"{DAV}acl")
    assert entries is not None
    bobs = [one for one in entries if one.findtext(f"{DAV}principal/{DAV}href") == "/dav/principals/accounts/bob/"]
    assert bobs[0].find(f".//{CALDAV}schedule-send") is not None
    entries = alice.propfind(INBOX, f"{DAV}acl").prop(INBOX, f"{DAV}acl")
    assert entries is not None
    assert entries.find(f"{DAV}ace/{DAV}principal/{DAV}authenticated") is not None
    assert "HTTP/1.1 403 Forbidden" in bob.propfind(INBOX, f"{DAV}acl").text


def test_another_s_inbox_shows_nothing(store: Store, alice: Client, bob: Client, carol: Client) -> None:
    """He may deliver to it, not read it (SYS-09); nor empty it, nor put anything in."""
    put(carol, "/dav/carol/private/events/m1.ics", meeting(someone("alice@example.test")).replace(
        ORGANIZER.encode(), b"ORGANIZER:mailto:carol@example.test"))  # fmt: skip
    (one,) = members(alice, INBOX)
    assert members(bob, INBOX) == []
    assert "m1" not in desk.query(bob, INBOX, "", "<C:calendar-data/>").text
    assert one not in bob.sync(INBOX).text
    assert bob.request("GET", one).status == 404
    assert bob.request("DELETE", one).status == 404
    assert bob.request("PUT", f"{INBOX}x.ics", meeting(INVITED), content_type="text/calendar").status == 403
    availability = f"{CALDAV}calendar-availability"
    assert bob.propfind(INBOX, availability).prop(INBOX, availability) is None
    assert bob.request("DELETE", INBOX).status == 403


def test_a_delegate_posts_in_the_owners_name(store: Store, alice: Client, bob: Client) -> None:
    """RFC 6638 §6.2.4, and what a proposal needs."""
    lines = ["DTSTART:20250601T000000Z", "DTEND:20250602T000000Z", ORGANIZER, someone("bob@example.test")]
    ask = event("f", *lines, around="VFREEBUSY").replace(b"VERSION:2.0", b"VERSION:2.0\r\nMETHOD:REQUEST")
    proposal = message("COUNTER", *TIMES, "SUMMARY:x", "ORGANIZER:mailto:eve@else.test", someone("alice@example.test"))
    assert post(bob, ask, "alice").status in (403, 404, 405)
    desk.grant(store, ALICE, "bob", Right.ADD)
    assert post(bob, ask, "alice").status == 200
    assert post(bob, proposal, "alice").precondition == f"{DAV}need-privileges"
    desk.grant(store, ALICE, "bob", Right.EDIT)
    assert statuses(post(bob, proposal, "alice")) == [("mailto:eve@else.test", "1.1")]
    assert post(bob, ask.replace(b"alice@", b"carol@"), "alice").precondition == f"{CALDAV}valid-organizer"


@pytest.mark.parametrize("name", ["schedule-inbox-URL", "schedule-outbox-URL"])
def test_a_delegate_finds_the_boxes(store: Store, bob: Client, name: str) -> None:
    principal = "/dav/principals/accounts/alice/"
    assert bob.propfind(principal, f"{CALDAV}{name}").prop(principal, f"{CALDAV}{name}") is None
    desk.grant(store, ALICE, "bob", Right.ADD | Right.SEE | Right.EDIT | Right.DELETE)
    found = bob.propfind(principal, f"{CALDAV}{name}").prop(principal, f"{CALDAV}{name}")
    assert found is not None
    assert found.findtext(f"{DAV}href") == f"/dav/alice/private/{name.split('-')[1]}/"


def test_an_answer_names_who_gave_it(store: Store, alice: Client, bob: Client, carol: Client) -> None:
    """A delegate answers in the owner's name: SENT-BY in the ATTENDEE that the organizer gets (RFC 5545 §3.2.18)."""
    hers = "/dav/carol/private/events/m1.ics"
    put(carol, hers, meeting(someone("alice@example.test")).replace(
        ORGANIZER.encode(), b"ORGANIZER:mailto:carol@example.test"))  # fmt: skip
    desk.grant(store, ALICE, "bob", Right.SEE | Right.EDIT)
    assert answer(bob, copy_of(alice, ALICE), "alice@example.test", "TENTATIVE").status == 204
    assert state(carol, hers, "alice@example.test") == "TENTATIVE"
    told = [text(carol, one) for one in members(carol, "/dav/carol/private/inbox/")]
    assert any("METHOD:REPLY" in one and SENT_BY in one for one in told)
