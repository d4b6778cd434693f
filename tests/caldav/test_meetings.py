"""Meetings between people of one desk, and with somebody outside (MTG-01…17, RFC 6638)."""

from __future__ import annotations

from datetime import UTC, date

import pytest

from servers.dav.names import CALDAV, DAV
from storage import collections, plans, principals, transfer
from storage.formats import contentline, imip, itip
from storage.outbound import administration, queue
from storage.scheduling import later
from storage.store import Store
from storage.types import SITE, Actor, Right, SpaceKind
from tests.caldav import desk
from tests.caldav.desk import Client, event, next_event, put
from tests.caldav.meetings import (
    ALICE,
    BOB,
    INVITED,
    INVITED_TOO,
    ORGANIZER,
    TIMES,
    answer,
    copy_of,
    invite,
    line_of,
    meeting,
    members,
    queued,
    someone,
    state,
    text,
)


def test_an_invitation_appears_in_the_colleagues_calendar_and_inbox(alice: Client, bob: Client) -> None:
    """MTG-04, RFC 6638 §3.2.1: REQUEST."""
    path = invite(alice)
    assert state(bob, copy_of(bob, BOB), "bob@example.test") == "NEEDS-ACTION"
    assert "SCHEDULE-STATUS=1.2" in text(alice, path)
    assert "SCHEDULE-STATUS" not in text(bob, copy_of(bob, BOB))
    (message,) = members(bob, "/dav/bob/private/inbox/")
    assert "METHOD:REQUEST" in text(bob, message)
    assert bob.request("DELETE", message).status == 204


def test_an_answer_reaches_the_organizer_without_a_new_schedule_tag(alice: Client, bob: Client) -> None:
    """MTG-07, MTG-11, RFC 6638 §3.2.10."""
    path = invite(alice)
    before = alice.propfind(path, f"{CALDAV}schedule-tag").prop(path, f"{CALDAV}schedule-tag")
    assert answer(bob, copy_of(bob, BOB), "bob@example.test", "ACCEPTED").status == 204
    assert state(alice, path, "bob@example.test") == "ACCEPTED"
    after = alice.propfind(path, f"{CALDAV}schedule-tag").prop(path, f"{CALDAV}schedule-tag")
    assert before is not None
    assert after is not None
    assert before.text == after.text
    messages = [text(alice, one) for one in members(alice, "/dav/alice/private/inbox/")]
    assert [("METHOD:REPLY" in one, "alice@example.test" in one) for one in messages] == [(True, True)]


@pytest.mark.parametrize(("field", "expected"), [({}, "DECLINED"), ({"schedule_reply": "F"}, "NEEDS-ACTION")])
def test_a_deletion_is_a_refusal_unless_it_is_silent(
    alice: Client, bob: Client, field: dict[str, str], expected: str
) -> None:
    """MTG-08, RFC 6638 §8.1."""
    path = invite(alice)
    assert bob.request("DELETE", copy_of(bob, BOB), **field).status == 204
    assert state(alice, path, "bob@example.test") == expected


def test_declined_but_kept_and_accepted_later(alice: Client, bob: Client) -> None:
    """MTG-09."""
    path = invite(alice)
    mine = copy_of(bob, BOB)
    for how in ("DECLINED", "ACCEPTED", "TENTATIVE"):
        assert answer(bob, mine, "bob@example.test", how).status == 204
        assert state(alice, path, "bob@example.test") == how


@pytest.mark.parametrize(
    ("old", "new"),
    [("SUMMARY:Plan", "SUMMARY:Mine"), ("T110000Z", "T120000Z"), ("mailto:alice@", "mailto:carol@")],
)
def test_only_the_organizer_modifies(alice: Client, bob: Client, old: str, new: str) -> None:
    """MTG-12, RFC 6638 §3.2.4.3."""
    invite(alice)
    mine = copy_of(bob, BOB)
    body = text(bob, mine).replace(old, new)
    refused = bob.request("PUT", mine, body.encode(), content_type="text/calendar")
    assert refused.status == 403
    assert refused.precondition == f"{CALDAV}allowed-attendee-scheduling-object-change"


def test_alarms_and_tags_are_the_attendees_own_and_survive_a_change(alice: Client, bob: Client) -> None:
    path = invite(alice)
    mine = copy_of(bob, BOB)
    alarm = "CATEGORIES:Mine\r\nBEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nDESCRIPTION:x\r\nEND:VALARM\r\nEND:VEVENT"
    put(bob, mine, text(bob, mine).replace("END:VEVENT", alarm).encode())
    put(alice, path, meeting(INVITED, summary="Other"))
    assert "SUMMARY:Other" in text(bob, mine)
    assert "TRIGGER:-PT5M" in text(bob, mine)
    assert "CATEGORIES:Mine" in text(bob, mine)
    assert "TRIGGER" not in text(alice, path)


def test_an_instance_that_moves_has_the_alarm_of_its_series(alice: Client, bob: Client) -> None:
    """RFC 6638 §3.2.2.1 (6.): alarms are the attendee's own; one that he has on a series rings for each of it."""
    path = f"{ALICE}m1.ics"
    put(alice, path, meeting(INVITED, more=("RRULE:FREQ=DAILY;COUNT=5",)))
    mine = copy_of(bob, BOB)
    alarms = [
        f"BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:x\r\nTRIGGER{when}\r\nEND:VALARM\r\n"
        for when in (":-PT9M", ";VALUE=DATE-TIME:20250601T080000Z")
    ]
    put(bob, mine, text(bob, mine).replace("END:VEVENT", f"COLOR:red\r\n{''.join(alarms)}END:VEVENT").encode())
    moved = ("RECURRENCE-ID:20250603T100000Z", "DTSTART:20250603T150000Z", "DTEND:20250603T160000Z", "SUMMARY:Plan")
    own = next_event("UID:m1", "DTSTAMP:20250101T000000Z", *moved, ORGANIZER, INVITED)
    put(alice, path, meeting(INVITED, more=("RRULE:FREQ=DAILY;COUNT=5", *own)))
    copy = text(bob, mine).split("BEGIN:VEVENT")[2]
    assert "DTSTART:20250603T150000Z" in copy
    assert "TRIGGER:-PT9M" in copy
    assert "COLOR:red" in copy
    assert "20250601T080000Z" not in copy


def test_an_instance_that_is_answered_apart_rings_for_its_organizer(alice: Client, bob: Client) -> None:
    """MTG-11: the answer is all that changes in the organizer's object; his alarms are those of the series."""
    path = f"{ALICE}m1.ics"
    alarm = ("BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:x", "TRIGGER:-PT9M", "END:VALARM")
    put(alice, path, meeting(INVITED, more=("RRULE:FREQ=DAILY;COUNT=5", *alarm)))
    mine = copy_of(bob, BOB)
    put(bob, mine, text(bob, mine).replace("RRULE", "EXDATE:20250603T100000Z\r\nRRULE").encode())
    assert state(alice, path, "bob@example.test", "20250603T100000Z") == "DECLINED"
    assert text(alice, path).count("TRIGGER:-PT9M") == 2
    assert "VALARM" not in text(bob, mine)


def test_a_change_resets_the_states_and_raises_sequence(alice: Client, bob: Client) -> None:
    """MTG-13: a new time asks anew; a new participant does not reset the others."""
    path = invite(alice)
    mine = copy_of(bob, BOB)
    answer(bob, mine, "bob@example.test", "ACCEPTED")
    accepted = someone("bob@example.test", "PARTSTAT=ACCEPTED")
    put(alice, path, meeting(accepted, INVITED_TOO))
    assert state(alice, path, "bob@example.test") == "ACCEPTED"
    moved = ("DTSTART:20250602T100000Z", "DTEND:20250602T110000Z")
    put(alice, path, meeting(accepted, INVITED_TOO, times=moved))
    assert state(alice, path, "bob@example.test") == "NEEDS-ACTION"
    assert state(bob, mine, "bob@example.test") == "NEEDS-ACTION"
    assert "SEQUENCE:1" in text(bob, mine)


def test_a_removed_participant_and_a_cancelled_meeting(alice: Client, bob: Client, carol: Client, three: str) -> None:
    """MTG-14, MTG-15: CANCEL."""
    assert len(members(carol, "/dav/carol/private/events/")) == 1
    put(alice, three, meeting(INVITED))
    assert members(carol, "/dav/carol/private/events/") == []
    assert alice.request("DELETE", three).status == 204
    assert members(bob, BOB) == []
    assert any("METHOD:CANCEL" in text(bob, one) for one in members(bob, "/dav/bob/private/inbox/"))
    assert members(alice, "/dav/alice/private/inbox/") == []


def test_one_instance_is_declined_alone(alice: Client, bob: Client) -> None:
    path = f"{ALICE}m1.ics"
    put(alice, path, meeting(INVITED, more=("RRULE:FREQ=DAILY;COUNT=5",)))
    mine = copy_of(bob, BOB)
    put(bob, mine, text(bob, mine).replace("RRULE", "EXDATE:20250603T100000Z\r\nRRULE").encode())
    assert state(alice, path, "bob@example.test", "20250603T100000Z") == "DECLINED"
    assert state(alice, path, "bob@example.test") == "NEEDS-ACTION"


def test_who_is_invited_to_one_instance_gets_that_one(alice: Client, carol: Client) -> None:
    """RFC 6638 §3.2.6."""
    body = meeting(INVITED, more=("RRULE:FREQ=DAILY;COUNT=5",)).decode()
    extra = (
        "BEGIN:VEVENT\r\nUID:m1\r\nDTSTAMP:20250101T000000Z\r\nRECURRENCE-ID:20250602T100000Z\r\n"
        f"DTSTART:20250602T100000Z\r\nDTEND:20250602T110000Z\r\nSUMMARY:Plan\r\n{ORGANIZER}\r\n{INVITED}\r\n"
        f"{INVITED_TOO}\r\nEND:VEVENT\r\nEND:VCALENDAR"
    )
    put(alice, f"{ALICE}m1.ics", body.replace("END:VCALENDAR", extra).encode())
    copy = text(carol, copy_of(carol, "/dav/carol/private/events/"))
    assert copy.count("BEGIN:VEVENT") == 1
    assert "RRULE" not in copy
    assert state(carol, copy_of(carol, "/dav/carol/private/events/"), "carol@example.test", "20250602T100000Z")


def test_the_whole_group_is_invited_at_once(alice: Client, bob: Client) -> None:
    """MTG-01."""
    path = invite(alice, someone("IAB@group", "CUTYPE=GROUP"))
    assert "mailto:bob@example.test" in text(alice, path)
    assert "IAB@group:" not in text(alice, path)
    assert state(bob, copy_of(bob, BOB), "bob@example.test") == "NEEDS-ACTION"


def test_somebody_outside_gets_a_mail(alice: Client, store: Store) -> None:
    """MTG-05, RFC 6047."""
    path = invite(alice, someone("eve@else.test"), someone("mallory@else.test", "SCHEDULE-AGENT=NONE"))
    assert "SCHEDULE-STATUS=1.1" in text(alice, path)
    assert queued(store) == [("alice@example.test", "eve@else.test")]
    put(alice, path, meeting(someone("eve@else.test")))
    assert len(queued(store)) == 1  # nothing changed for her
    alice.request("DELETE", path)
    assert len(queued(store)) == 2


def test_free_and_busy_of_several_people(alice: Client, bob: Client) -> None:
    """RFC 6638 §5; a stranger is answered as nobody is."""
    put(bob, f"{BOB}b.ics", event("b", *TIMES, "SUMMARY:Secret"))
    lines = ["DTSTART:20250601T000000Z", "DTEND:20250602T000000Z", ORGANIZER, INVITED]
    lines += [INVITED_TOO, someone("eve@else.test")]
    body = event("f", *lines, around="VFREEBUSY").replace(b"VERSION:2.0", b"VERSION:2.0\r\nMETHOD:REQUEST")
    answer = alice.request("POST", "/dav/alice/private/outbox/", body, content_type="text/calendar")
    assert answer.status == 200, answer.text
    rows = answer.xml.findall(f"{CALDAV}response")
    assert [row.findtext(f"{CALDAV}request-status", "")[:3] for row in rows] == ["2.0", "3.7", "3.7"]
    assert "20250601T100000Z/20250601T110000Z" in rows[0].findtext(f"{CALDAV}calendar-data", "")
    assert "Secret" not in answer.text
    assert bob.request("POST", "/dav/alice/private/outbox/", body, content_type="text/calendar").status in (
        403,
        404,
        405,
    )


@pytest.mark.parametrize("body", [b"", b"x", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", b"\0" * 100, event("e", *TIMES)])
def test_bad_requests_at_the_outbox(alice: Client, body: bytes) -> None:
    """RFC 6638 §5.2.1: with 400 Bad Request."""
    answer = alice.request("POST", "/dav/alice/private/outbox/", body, content_type="text/calendar")
    assert (answer.status, answer.precondition) == (400, f"{CALDAV}valid-scheduling-message")
    plain = alice.request("POST", "/dav/alice/private/outbox/", body, content_type="text/plain")
    assert (plain.status, plain.precondition) == (403, f"{CALDAV}supported-calendar-data")


def test_the_principal_names_inbox_and_outbox(alice: Client) -> None:
    me = "/dav/principals/accounts/alice/"
    answer = alice.propfind(me, f"{CALDAV}schedule-inbox-URL", f"{CALDAV}schedule-outbox-URL")
    for name in ("inbox", "outbox"):
        found = answer.prop(me, f"{CALDAV}schedule-{name}-URL")
        assert found is not None
        path = found.findtext(f"{DAV}href") or ""
        kind = alice.propfind(path, f"{DAV}resourcetype").prop(path, f"{DAV}resourcetype")
        assert kind is not None
        assert kind.find(f"{CALDAV}schedule-{name}") is not None
    inbox = "/dav/alice/private/inbox/"
    default = alice.propfind(inbox, f"{CALDAV}schedule-default-calendar-URL")
    found = default.prop(inbox, f"{CALDAV}schedule-default-calendar-URL")
    assert found is not None
    assert found.findtext(f"{DAV}href") == ALICE
    assert "calendar-auto-schedule" in alice.request("OPTIONS", ALICE).headers["dav"]
    assert alice.request("PUT", f"{inbox}x.ics", meeting(INVITED), content_type="text/calendar").status == 403
    assert alice.request("DELETE", inbox).status == 403


def test_the_calendar_that_invitations_come_to_stays(alice: Client) -> None:
    """CALSYNC-04, RFC 6638 §4.3.1.1: the calendar of schedule-default-calendar-URL is needed; other default ones are fixed."""
    refused = alice.request("DELETE", ALICE)
    assert (refused.status, refused.precondition) == (403, f"{CALDAV}default-calendar-needed")
    for path in ("/dav/alice/private/tasks/", "/dav/groups/IAB/events/"):
        other = alice.request("DELETE", path)
        assert (other.status, other.precondition) == (403, "{urn:escritoire:dav}fixed")


def test_a_meeting_lies_in_one_calendar_only(alice: Client) -> None:
    """RFC 6638 §3.2.4.1: "Servers SHOULD report the URL of the scheduling object resource" that has the UID already."""
    path = invite(alice)
    assert alice.request("MKCALENDAR", "/dav/alice/private/second/").status == 201
    body = alice.request("GET", path).body
    refused = alice.request("PUT", "/dav/alice/private/second/m1.ics", body, content_type="text/calendar")
    assert (refused.status, refused.precondition) == (403, f"{CALDAV}unique-scheduling-object-resource")
    assert refused.xml[0].findtext(f"{DAV}href") == path
    moved = alice.request("MOVE", path, destination="/dav/alice/private/second/m1.ics")
    assert moved.status == 201


def test_who_writes_for_somebody_else_is_not_told_what_else_that_one_has(
    store: Store, alice: Client, bob: Client
) -> None:
    """SYS-09, RFC 6638 §3.2.4.1: bob may add to alice's second calendar, and see nothing of her first."""
    body = alice.request("GET", invite(alice)).body
    second = "/dav/alice/private/second/"
    assert alice.request("MKCALENDAR", second).status == 201
    for right in (Right.ADD, Right.EDIT, Right.SEE):
        desk.grant(store, second, "bob", right)
    refused = bob.request("PUT", f"{second}m1.ics", body, content_type="text/calendar")
    assert (refused.status, refused.precondition) == (403, f"{CALDAV}unique-scheduling-object-resource")
    assert "href" not in refused.text


def test_a_move_between_spaces_cancels_nothing(alice: Client, bob: Client) -> None:
    path = invite(alice)
    assert alice.request("MOVE", path, destination="/dav/groups/IAB/events/m1.ics").status == 201
    assert len(members(bob, BOB)) == 1
    answer(bob, copy_of(bob, BOB), "bob@example.test", "ACCEPTED")
    assert state(alice, "/dav/groups/IAB/events/m1.ics", "bob@example.test") == "ACCEPTED"


def test_an_invitation_that_came_by_mail_is_answered_by_mail(alice: Client, store: Store) -> None:
    lines = (
        *TIMES,
        "SUMMARY:Outside",
        "ORGANIZER:mailto:eve@else.test",
        someone("alice@example.test", "PARTSTAT=ACCEPTED"),
    )
    put(alice, f"{ALICE}o.ics", event("o", *lines))
    assert queued(store) == [("alice@example.test", "eve@else.test")]
    assert "SCHEDULE-STATUS=1.1" in text(alice, f"{ALICE}o.ics")


def test_whoever_is_invited_again_has_no_lower_sequence(alice: Client, store: Store) -> None:
    """RFC 5546 §2.1.4: a cancellation has the next SEQUENCE, and strict programs pass over what is below it."""
    outside = someone("eve@else.test")
    path = invite(alice, INVITED, outside)
    without = text(alice, path).replace(line_of(alice, path, "eve@else.test") + "\r\n", "")
    put(alice, path, without.encode())
    put(alice, path, text(alice, path).replace("END:VEVENT", outside + "\r\nEND:VEVENT").encode())
    with store.read(SITE) as tx:
        mails = [queue.body(tx, one.id) for one in administration.every(tx) if one.recipients[0].address[:3] == "eve"]
    told = [found for one in mails if (found := imip.find(one)) is not None]
    assert [(one.method, itip.latest(one.calendar)) for one in told] == [("REQUEST", 0), ("CANCEL", 1), ("REQUEST", 1)]


def _told(store: Store, who: str) -> list[imip.Meeting]:
    """The messages in the mails to somebody outside."""
    with store.read(SITE) as tx:
        mails = [queue.body(tx, one.id) for one in administration.every(tx) if one.recipients[0].address == who]
    return [found for one in mails if (found := imip.find(one)) is not None]


def test_who_is_taken_out_is_told_so_and_not_that_it_is_called_off(alice: Client, carol: Client, store: Store) -> None:
    """RFC 5546 §3.2.5: ATTENDEE has those "being removed", and STATUS "MUST NOT be included"; else it is CANCELLED."""
    path = invite(alice, INVITED_TOO, *map(someone, ("eve@else.test", "zed@else.test", "yan@else.test")))
    put(alice, path, meeting(someone("yan@else.test"), more=("STATUS:CONFIRMED",)))
    (gone,) = [one.calendar for one in _told(store, "zed@else.test") if one.method == "CANCEL"]
    removed = {f"{name}@{host}" for name, host in (("carol", "example.test"), ("eve", "else.test"), ("zed", "else.test"))}
    assert itip.attendees(gone).keys() == removed
    assert "STATUS:" not in contentline.render(gone).decode()
    box = "/dav/carol/private/inbox/"
    (message,) = [found for one in members(carol, box) if "METHOD:CANCEL" in (found := text(carol, one))]
    assert "STATUS:" not in message
    alice.request("DELETE", path)
    (off,) = [one.calendar for one in _told(store, "yan@else.test") if one.method == "CANCEL"]
    assert itip.statuses(off) == ["CANCELLED"]


def _instance(day: int, *attendees: str, hour: int = 10) -> tuple[str, ...]:
    moment = f"202506{day:02}T100000Z"
    times = (f"RECURRENCE-ID:{moment}", f"DTSTART:202506{day:02}T{hour}0000Z", f"DTEND:202506{day:02}T{hour + 1}0000Z")
    return next_event("UID:m1", "DTSTAMP:20250101T000000Z", *times, "SUMMARY:Plan", ORGANIZER, *attendees)


def test_who_is_taken_out_of_one_instance_hears_of_that_one(alice: Client, store: Store) -> None:
    """RFC 6638 §3.2.1.2 looks at each instance: CANCEL, of those that he is removed from (RFC 5546 §3.2.5)."""
    eve, zed, path = someone("eve@else.test"), someone("zed@else.test"), f"{ALICE}m1.ics"
    daily = "RRULE:FREQ=DAILY;COUNT=5"
    put(alice, path, meeting(eve, zed, more=(daily,)))
    put(alice, path, meeting(eve, zed, more=(daily, *_instance(3, zed))))
    first, gone = _told(store, "eve@else.test")
    assert [first.method, gone.method] == ["REQUEST", "CANCEL"]
    (part,) = itip.parts(gone.calendar)
    assert (itip.instance(part), itip.sequence(part)) == ("20250603T100000Z", 1)
    assert itip.attendees(gone.calendar).keys() == {"eve@else.test"}
    assert part.get("STATUS") is None
    assert len(_told(store, "zed@else.test")) == 1  # nothing changed for him
    put(alice, path, meeting(eve, zed, more=(daily, *_instance(3, zed, eve))))
    assert [itip.latest(one.calendar) for one in _told(store, "eve@else.test")] == [0, 1, 1]
    put(alice, path, meeting(eve, zed, summary="Other", more=(daily, *_instance(3, zed), *_instance(4, zed))))
    *_, last = _told(store, "eve@else.test")
    assert last.method == "REQUEST"
    assert len(itip.parts(last.calendar)[0].all("EXDATE")) == 2


def test_many_who_are_taken_out_of_one_instance_share_mails(alice: Client, store: Store) -> None:
    """SYS-17, MTG-05: more than fifty are told by mails that they share and a moment later, as of any other change."""
    crowd, zed, path = [f"e{number}@else.test" for number in range(60)], someone("zed@else.test"), f"{ALICE}m1.ics"
    daily = "RRULE:FREQ=DAILY;COUNT=5"
    put(alice, path, meeting(*map(someone, crowd), zed, more=(daily,)))
    later.run(store)
    with store.read(SITE) as tx:
        before = len(administration.every(tx))
    put(alice, path, meeting(*map(someone, crowd), zed, more=(daily, *_instance(3, zed))))
    with store.read(SITE) as tx:
        assert len(administration.every(tx)) == before
    later.run(store)
    with store.read(SITE) as tx:
        (mail,) = administration.every(tx)[before:]
        told = imip.find(queue.body(tx, mail.id))
    assert {one.address for one in mail.recipients} == set(crowd)
    assert told is not None
    assert (told.method, itip.attendees(told.calendar).keys()) == ("CANCEL", set(crowd))
    assert [itip.instance(each) for each in itip.parts(told.calendar)] == ["20250603T100000Z"]


def test_instances_of_their_own_are_mailed_where_something_is_other(alice: Client, store: Store) -> None:
    """MTG-13: time and STATUS of an instance concern everybody; that it is a component of its own concerns nobody."""
    eve, path, daily = someone("eve@else.test"), f"{ALICE}m1.ics", "RRULE:FREQ=DAILY;COUNT=5"
    put(alice, path, meeting(eve, more=(daily,)))
    put(alice, path, meeting(eve, more=(daily, *_instance(3, eve))))
    assert len(_told(store, "eve@else.test")) == 1
    put(alice, path, meeting(eve, more=(daily,)))
    assert len(_told(store, "eve@else.test")) == 1
    put(alice, path, meeting(eve, more=(daily, *_instance(3, eve, hour=15))))
    put(alice, path, meeting(eve, more=(daily, *_instance(3, eve, hour=15), *_instance(4, eve, "STATUS:CANCELLED"))))
    assert [len(itip.parts(one.calendar)) for one in _told(store, "eve@else.test")] == [1, 2, 3]


def test_who_keeps_one_of_several_instances(alice: Client, store: Store) -> None:
    """The same of somebody who never was in the series: a REQUEST for the rest says nothing of what is gone."""
    eve, zed, path = someone("eve@else.test"), someone("zed@else.test"), f"{ALICE}m1.ics"
    daily = "RRULE:FREQ=DAILY;COUNT=5"
    put(alice, path, meeting(zed, more=(daily, *_instance(2, zed, eve), *_instance(3, zed, eve))))
    put(alice, path, meeting(zed, more=(daily, *_instance(2, zed, eve, hour=15), *_instance(3, zed))))
    first, *later = _told(store, "eve@else.test")
    assert len(itip.parts(first.calendar)) == 2
    told = {one.method: [itip.instance(each) for each in itip.parts(one.calendar)] for one in later}
    assert told == {"CANCEL": ["20250603T100000Z"], "REQUEST": ["20250602T100000Z"]}


def test_mails_have_the_time_zones_that_a_client_left_out(alice: Client, bob: Client, store: Store) -> None:
    """RFC 7809 §3.1.4 allows it, RFC 5546 §3.2.2 does not: Apple's programs write no VTIMEZONE, Outlook needs it."""
    times = tuple(line.replace(":", ";TZID=Europe/Paris:")[:-1] for line in TIMES)
    path = f"{ALICE}m1.ics"
    put(alice, path, meeting(INVITED, someone("eve@else.test"), times=times))
    alice.request("DELETE", path)
    told = _told(store, "eve@else.test")
    assert [one.method for one in told] == ["REQUEST", "CANCEL"]
    assert [[zone.value("TZID") for zone in one.calendar.of("VTIMEZONE")] for one in told] == [["Europe/Paris"]] * 2


def test_an_invitation_cannot_replace_or_remove_somebodys_own_event(alice: Client, bob: Client) -> None:
    """UIDs collide between people: what is bob's own stays his own (MTG-12, ACL-05)."""
    put(bob, f"{BOB}own.ics", event("m1", *TIMES, "SUMMARY:Mine alone"))
    path = invite(alice)
    assert "SCHEDULE-STATUS=5.1" in text(alice, path)
    put(alice, path, meeting(INVITED, summary="Other"))
    assert alice.request("DELETE", path).status == 204
    assert "SUMMARY:Mine alone" in text(bob, f"{BOB}own.ics")


@pytest.mark.parametrize("organizer", ["ORGANIZER:mailto:bob@example.test", None])
def test_an_attendee_cannot_make_himself_the_organizer(alice: Client, bob: Client, organizer: str | None) -> None:
    path = invite(alice)
    mine = copy_of(bob, BOB)
    body = text(bob, mine).replace(ORGANIZER + "\r\n", f"{organizer}\r\n" if organizer else "")
    refused = bob.request(
        "PUT", mine, body.replace("SUMMARY:Plan", "SUMMARY:Stolen").encode(), content_type="text/calendar"
    )
    assert refused.status == 403
    assert refused.precondition == f"{CALDAV}allowed-attendee-scheduling-object-change"
    # Not under the same UID from a fresh start either.
    assert bob.request("DELETE", mine).status == 204
    stolen = meeting(someone("alice@example.test"), summary="Stolen").replace(
        ORGANIZER.encode(), b"ORGANIZER:mailto:bob@example.test"
    )
    put(bob, f"{BOB}s.ics", stolen)
    assert "SUMMARY:Plan" in text(alice, path)


def test_an_answer_for_one_instance_moves_nothing(alice: Client, bob: Client) -> None:
    """MTG-12: the times of an answered instance are the series' own, and there is no instance where there is none."""
    path = f"{ALICE}m1.ics"
    put(alice, path, meeting(INVITED, more=("RRULE:FREQ=DAILY;COUNT=5",)))
    mine = copy_of(bob, BOB)
    for instance, start in (("20250602T100000Z", "20250602T180000Z"), ("20250602T133000Z", "20250602T133000Z")):
        one = (
            f"BEGIN:VEVENT\r\nUID:m1\r\nDTSTAMP:20250101T000000Z\r\nRECURRENCE-ID:{instance}\r\nDTSTART:{start}\r\n"
            f"DTEND:20250602T190000Z\r\nSUMMARY:Plan\r\n{ORGANIZER}\r\n{someone('alice@example.test', 'PARTSTAT=ACCEPTED')}\r\n"
            f"{someone('bob@example.test', 'PARTSTAT=ACCEPTED')}\r\nEND:VEVENT\r\nEND:VCALENDAR"
        )
        body = text(bob, mine).replace("END:VCALENDAR", one)
        bob.request("PUT", mine, body.encode(), content_type="text/calendar")
    stored = text(alice, path)
    assert "T180000Z" not in stored
    assert "T133000Z" not in stored


@pytest.mark.parametrize(
    "who", ["a b@x.test", "a@", "@x", "<a@x>", "a@x>,b@y.test", "é@x.test", "a" * 300 + "@x.test", "urn:uuid:1", ""]
)
def test_addresses_that_nobody_can_have(alice: Client, store: Store, who: str) -> None:
    path = invite(alice, someone(who))
    assert queued(store) == []
    assert alice.request("GET", path).status == 200


def test_mails_of_meetings_count_as_mails(alice: Client, store: Store) -> None:
    """SMTP-05: the plan's number of mails a day holds for invitations too."""
    with store.write(SITE) as tx:
        plans.add(tx, "few", [], {"smtp_messages_per_day": 2})
        plans.assign(tx, principals.find(tx, SpaceKind.PRIVATE, "alice").id, "few")
    path = invite(alice, *[someone(f"e{n}@else.test") for n in range(4)])
    assert len(queued(store)) == 2
    assert text(alice, path).count("SCHEDULE-STATUS=5.1") == 2


def test_pruning_old_events_tells_nobody(alice: Client, bob: Client, store: Store) -> None:
    """CAL-18: whoever tidies up his calendar calls nothing off."""
    invite(alice, INVITED, someone("eve@else.test"))
    before = len(queued(store))
    with store.read(SITE) as tx:
        who = principals.find(tx, SpaceKind.PRIVATE, "alice")
    with store.write(Actor(who.id, who.name)) as tx:
        calendar = collections.find(tx, SpaceKind.PRIVATE, "alice", "events")
        assert transfer.prune(tx, calendar, date(2026, 1, 1), UTC) == 1
    assert len(queued(store)) == before
    assert len(members(bob, BOB)) == 1
