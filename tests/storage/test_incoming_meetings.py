"""Meetings that come by mail: applied once, from whom they concern, and nothing else hurt (RFC 6047, MTG-05)."""

from __future__ import annotations

import base64
import re
import threading
import time

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.formats import imip, itip
from storage.mail.recipients import Recipient
from storage.outbound import administration
from storage.scheduling import incoming
from storage.schema import collections
from storage.store import Store
from storage.types import SITE
from tests.storage import desk
from tests.storage.test_scheduling import held, meeting, put, states

EVE, ALICE = "eve@else.test", "alice@example.test"


def mail(sender: str, body: str, method: str, *, encoded: bool = True, kind: str = "text/calendar") -> bytes:
    text = body.replace("VERSION:2.0", f"VERSION:2.0\r\nMETHOD:{method}", 1).encode()
    content = base64.encodebytes(text).replace(b"\n", b"\r\n") if encoded else text
    head = (
        f"From: Somebody <{sender}>\r\nTo: alice@example.test\r\nSubject: x\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/alternative; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b\r\n'
        f"Content-Type: {kind}; method={method}; charset=utf-8\r\n"
        f"Content-Transfer-Encoding: {'base64' if encoded else '8bit'}\r\n\r\n"
    )
    return head.encode() + content + b"\r\n--b--\r\n"


def invitation(*extra: str, sequence: int = 0, title: str = "Outside", day: int = 1) -> str:
    lines = [
        *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//else//EN", "BEGIN:VEVENT", "UID:m", "DTSTAMP:20250101T000000Z"),
        *(f"DTSTART:202506{day:02}T100000Z", f"DTEND:202506{day:02}T110000Z", f"SUMMARY:{title}"),
        *(f"SEQUENCE:{sequence}", f"ORGANIZER:mailto:{EVE}", f"ATTENDEE;RSVP=TRUE:mailto:{ALICE}", *extra),
        *("END:VEVENT", "END:VCALENDAR", ""),
    ]
    return "\r\n".join(lines)


def at(body: str, stamp: str) -> str:
    return body.replace("DTSTAMP:20250101T000000Z", f"DTSTAMP:{stamp}")


def receive(store: Store, data: bytes, login: str = "alice") -> bool:
    found = imip.find(data)
    if found is None:
        return False
    person = desk.principal(store, login)
    recipient = Recipient(person.id, login, f"{login}@example.test", "en")
    with store.write(recipient.actor) as tx:
        return incoming.apply(tx, recipient, found)


def accepted(store: Store) -> None:
    name, body = held(store, "alice") or ("", "")
    fresh = re.sub(
        rf"ATTENDEE[^\r\n]*:mailto:{ALICE}", f"ATTENDEE;PARTSTAT=ACCEPTED:mailto:{ALICE}", body.replace("\r\n ", "")
    )
    put(store, "alice", name, fresh.encode())


def test_an_invitation_is_in_the_calendar_once_and_an_answer_stays(store: Store) -> None:
    assert receive(store, mail(EVE, invitation(), "REQUEST"))
    accepted(store)
    assert receive(store, mail(EVE, invitation(), "REQUEST", encoded=False))  # it came again
    _, body = held(store, "alice") or ("", "")
    assert states(body) == {ALICE: "ACCEPTED"}
    assert receive(store, mail(EVE, invitation(sequence=2, day=2), "REQUEST"))
    _, body = held(store, "alice") or ("", "")
    assert states(body) == {ALICE: "NEEDS-ACTION"}
    assert not receive(store, mail(EVE, invitation(sequence=1, title="Old"), "REQUEST"))
    _, body = held(store, "alice") or ("", "")
    assert "SUMMARY:Outside" in body


@pytest.mark.parametrize(
    ("charset", "title"),
    [("iso-2022-jp", "会議"), ("gb2312", "会议"), ("koi8-r", "Встреча"), ("utf-16", "Réunion"), ("iso-8859-1", "Überblick")],
)
@pytest.mark.parametrize("honest", [True, False])
def test_an_invitation_in_another_character_set(store: Store, charset: str, title: str, honest: bool) -> None:
    """RFC 6047 §2.4: "the charset parameter MUST be present"; where it lies, UTF-8 is seen as such."""
    octets = invitation(title=title).replace("VERSION:2.0", "VERSION:2.0\r\nMETHOD:REQUEST", 1)
    content = base64.encodebytes(octets.encode(charset if honest else "utf-8")).decode()
    data = mail(EVE, "", "REQUEST", encoded=True).decode().replace("utf-8", charset)
    assert receive(store, data.replace("base64\r\n\r\n", f"base64\r\n\r\n{content}", 1).encode())
    assert f"SUMMARY:{title}\r\n" in (held(store, "alice") or ("", ""))[1]


def berlin(*lines: str, sequence: int = 0, start: str = "20250602T100000") -> str:
    """An invitation as Exchange writes it: in a zone with a name of Windows'."""
    zone = [
        *("BEGIN:VTIMEZONE", "TZID:W. Europe Standard Time", "BEGIN:STANDARD", "DTSTART:16010101T030000"),
        *("TZOFFSETFROM:+0200", "TZOFFSETTO:+0100", "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10", "END:STANDARD"),
        *("BEGIN:DAYLIGHT", "DTSTART:16010101T020000", "TZOFFSETFROM:+0100", "TZOFFSETTO:+0200"),
        *("RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3", "END:DAYLIGHT", "END:VTIMEZONE", "BEGIN:VEVENT"),
    ]
    body = invitation(*lines, sequence=sequence).replace("BEGIN:VEVENT", "\r\n".join(zone))
    body = body.replace("DTSTART:20250601T100000Z", f"DTSTART;TZID=W. Europe Standard Time:{start}")
    return body.replace("DTEND:20250601T110000Z", "DURATION:PT1H")


MOVED = "RECURRENCE-ID;TZID=W. Europe Standard Time:20250603T100000"


@pytest.mark.parametrize("moment", ["RECURRENCE-ID:20250603T080000Z", "RECURRENCE-ID;TZID=Europe/Paris:20250603T100000"])
@pytest.mark.parametrize("method", ["CANCEL", "REQUEST"])
def test_an_instance_that_moved_is_found_by_its_moment(store: Store, moment: str, method: str) -> None:
    """RFC 5546 §3.2.5: "to cancel an individual instance", its RECURRENCE-ID; in what form says who organizes it."""
    assert receive(store, mail(EVE, berlin("RRULE:FREQ=DAILY;COUNT=5"), "REQUEST"))
    moved = at(berlin(MOVED, sequence=1, start="20250604T200000"), "20250102T000000Z")
    assert receive(store, mail(EVE, moved, "REQUEST"))
    again = at(invitation(moment, sequence=2, title="Again", day=5), "20250103T000000Z")
    assert receive(store, mail(EVE, again, method))
    body = (held(store, "alice") or ("", ""))[1]
    assert "20250604T200000" not in body
    assert body.count("RECURRENCE-ID") == (1 if method == "REQUEST" else 0)
    assert body.count("EXDATE") == (1 if method == "CANCEL" else 0)


@pytest.mark.parametrize("zone", [True, False])
def test_an_instance_that_is_called_off_by_its_day(store: Store, zone: bool) -> None:
    """RFC 2445 let a RECURRENCE-ID be a DATE where the series has times; RFC 5545 §3.8.4.4 wants the type of DTSTART."""
    daily = (berlin if zone else invitation)("RRULE:FREQ=DAILY;COUNT=5")
    assert receive(store, mail(EVE, daily, "REQUEST"))
    gone = at(invitation("RECURRENCE-ID;VALUE=DATE:20250603", sequence=1), "20250102T000000Z")
    assert receive(store, mail(EVE, gone, "CANCEL"))
    wanted = "EXDATE;TZID=W. Europe Standard Time:20250603T100000\r\n" if zone else "EXDATE:20250603T100000Z\r\n"
    assert wanted in (held(store, "alice") or ("", ""))[1]


@pytest.mark.parametrize("moment", ["RECURRENCE-ID:20250603T080000Z", MOVED])
def test_who_is_invited_to_a_called_off_instance_again_sees_it(store: Store, moment: str) -> None:
    """RFC 5545 §3.8.5.1: EXDATE has "exceptions"; Thunderbird and Apple's Calendar show no instance that is one."""
    assert receive(store, mail(EVE, berlin("RRULE:FREQ=DAILY;COUNT=5"), "REQUEST"))
    gone = [at(invitation(f"RECURRENCE-ID:202506{day}T080000Z", sequence=1), "20250102T000000Z") for day in ("03", "04")]
    assert all(receive(store, mail(EVE, one, "CANCEL")) for one in gone)
    again = at(berlin(moment, sequence=2, start="20250603T120000"), "20250103T000000Z")
    assert receive(store, mail(EVE, again, "REQUEST"))
    body = (held(store, "alice") or ("", ""))[1]
    assert "20250603T120000" in body
    assert re.findall(r"EXDATE[^:]*:(\S+)", body) == ["20250604T080000Z"]


def test_an_answer_to_an_instance_that_is_named_by_its_day(store: Store) -> None:
    """The same of a REPLY (RFC 5546 §3.2.3)."""
    series = meeting([EVE]).replace(b"SUMMARY:Plan", b"SUMMARY:Plan\r\nRRULE:FREQ=DAILY;COUNT=5")
    put(store, "alice", "m.ics", series)
    said = [
        *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//else//EN", "BEGIN:VEVENT", "UID:m", "DTSTAMP:20250105T000000Z"),
        *("RECURRENCE-ID;VALUE=DATE:20250602", f"ORGANIZER:mailto:{ALICE}", f"ATTENDEE;PARTSTAT=DECLINED:mailto:{EVE}"),
        *("END:VEVENT", "END:VCALENDAR", ""),
    ]
    assert receive(store, mail(EVE, "\r\n".join(said), "REPLY"))
    body = (held(store, "alice") or ("", ""))[1]
    assert "PARTSTAT=DECLINED" in body.split("RECURRENCE-ID:20250602T100000Z")[0].rpartition("BEGIN:VEVENT")[2]


def test_a_cancellation_for_somebody_else_takes_nothing_out(store: Store) -> None:
    """RFC 5546 §3.2.5: ATTENDEE has those who are removed; STATUS, "if uninviting specific Attendees", is not there."""
    assert receive(store, mail(EVE, invitation("ATTENDEE:mailto:zed@else.test"), "REQUEST"))
    other = at(invitation(sequence=1).replace(ALICE, "zed@else.test"), "20250102T000000Z")
    assert not receive(store, mail(EVE, other, "CANCEL"))
    assert held(store, "alice") is not None
    everybody = other.replace("SEQUENCE:1", "SEQUENCE:1\r\nSTATUS:CANCELLED")
    assert receive(store, mail(EVE, everybody, "CANCEL"))
    assert held(store, "alice") is None


def test_the_whole_is_not_taken_for_the_only_instance(store: Store) -> None:
    """Whoever was invited to one instance, and then to the series, has the series."""
    assert receive(store, mail(EVE, invitation("RECURRENCE-ID:20250601T100000Z"), "REQUEST"))
    whole = at(invitation("RRULE:FREQ=DAILY;COUNT=3", sequence=1), "20250102T000000Z")
    assert receive(store, mail(EVE, whole, "REQUEST"))
    assert "RECURRENCE-ID" not in (held(store, "alice") or ("", ""))[1]


def test_an_invitation_to_an_address_with_a_suffix_is_answered_from_it(store: Store) -> None:
    """MSG-66, RFC 5546 §3.2.3: the organizer outside knows the attendee by that address alone."""
    suffixed = "alice+talks@example.test"
    assert receive(store, mail(EVE, invitation().replace(ALICE, suffixed), "REQUEST"))
    name, body = held(store, "alice") or ("", "")
    answer = body.replace("\r\n ", "").replace("ATTENDEE;RSVP=TRUE", "ATTENDEE;PARTSTAT=ACCEPTED")
    put(store, "alice", name, answer.encode())
    with store.read(SITE) as tx:
        (sent,) = administration.every(tx)
    assert (sent.sender, sent.recipients[0].address) == (suffixed, EVE)


def test_a_cancellation_takes_it_out(store: Store) -> None:
    receive(store, mail(EVE, invitation("RRULE:FREQ=DAILY;COUNT=3"), "REQUEST"))
    one = invitation("RECURRENCE-ID:20250602T100000Z", "STATUS:CANCELLED", day=2, sequence=1)
    assert receive(store, mail(EVE, one, "CANCEL"))
    _, body = held(store, "alice") or ("", "")
    assert "EXDATE:20250602T100000Z" in body
    assert receive(store, mail(EVE, invitation(sequence=2), "CANCEL"))
    assert held(store, "alice") is None


@pytest.mark.parametrize(
    ("sender", "body", "method"),
    [
        ("mallory@else.test", invitation(), "REQUEST"),  # not the organizer
        (EVE, invitation().replace(ALICE, "nobody@else.test"), "REQUEST"),  # she is not invited
        ("bob@example.test", invitation().replace(EVE, "bob@example.test"), "REQUEST"),  # one of us, by mail
        (EVE, invitation().replace("END:VEVENT", f"ORGANIZER:mailto:{EVE}\r\nEND:VEVENT", 1), "PUBLISH"),
        (EVE, invitation(), "CANCEL"),  # of what is not there
        (EVE, invitation(), "REPLY"),
        (EVE, invitation().replace("UID:m\r\n", ""), "REQUEST"),
        (EVE, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n", "REPLY"),
    ],
)
def test_what_is_not_theirs_to_say_is_passed_over(store: Store, sender: str, body: str, method: str) -> None:
    assert not receive(store, mail(sender, body, method))
    assert held(store, "alice") is None


def test_a_stranger_cannot_call_off_or_take_over_a_meeting(store: Store) -> None:
    receive(store, mail(EVE, invitation(), "REQUEST"))
    stolen = invitation(sequence=9, title="Stolen").replace(EVE, "mallory@else.test")
    assert not receive(store, mail("mallory@else.test", stolen, "REQUEST"))
    assert not receive(store, mail("mallory@else.test", stolen, "CANCEL"))
    assert not receive(store, mail("mallory@else.test", invitation(sequence=9), "CANCEL"))
    _, body = held(store, "alice") or ("", "")
    assert "SUMMARY:Outside" in body


def reply(sender: str, how: str = "ACCEPTED", sequence: int = 0, stamp: str = "20250101T000000Z") -> bytes:
    body = at(invitation(sequence=sequence), stamp).replace(f"ORGANIZER:mailto:{EVE}", f"ORGANIZER:mailto:{ALICE}")
    return mail(
        sender, body.replace(f"ATTENDEE;RSVP=TRUE:mailto:{ALICE}", f"ATTENDEE;PARTSTAT={how}:mailto:{EVE}"), "REPLY"
    )


def test_an_answer_by_mail_counts_if_the_attendee_sent_it(store: Store) -> None:
    put(store, "alice", "m.ics", meeting([EVE, "bob@example.test"]))
    assert not receive(store, reply("mallory@else.test"))
    assert receive(store, reply(EVE))
    assert receive(store, reply(EVE))
    for login in ("alice", "bob"):
        _, body = held(store, login) or ("", "")
        assert states(body)[EVE] == "ACCEPTED"
    put(store, "alice", "m.ics", meeting([EVE, "bob@example.test"], day=2))
    assert not receive(store, reply(EVE, "DECLINED", 0))  # to what it was before
    assert receive(store, reply(EVE, "DECLINED", 1))
    _, body = held(store, "alice") or ("", "")
    assert states(body)[EVE] == "DECLINED"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=st.binary(max_size=200), at=st.integers(0, 1200), cut=st.integers(0, 1200))
def test_hostile_mails_neither_fail_nor_hurt(noise: bytes, at: int, cut: int) -> None:
    data = mail(EVE, invitation(), "REQUEST", encoded=False)
    for one in (data[:at] + noise + data[at:], data[:cut], noise):
        found = imip.find(one)
        assert found is None or itip.parts(found.calendar)


def test_the_newest_message_counts_whatever_comes_last(store: Store) -> None:
    """RFC 5546 §2.1.5: SEQUENCE first, then DTSTAMP; mails overtake each other."""
    early, late = "20250101T000000Z", "20250101T000500Z"
    assert receive(store, mail(EVE, at(invitation(title="Late"), late), "REQUEST"))
    assert not receive(store, mail(EVE, at(invitation(title="Early"), early), "REQUEST"))
    assert "SUMMARY:Late" in (held(store, "alice") or ("", ""))[1]
    assert receive(store, mail(EVE, at(invitation(title="Later", sequence=1), early), "REQUEST"))
    assert not receive(store, mail(EVE, at(invitation(), late), "CANCEL"))
    assert "SUMMARY:Later" in (held(store, "alice") or ("", ""))[1]


def test_an_invitation_after_its_own_cancellation_stays_away(store: Store) -> None:
    """MTG-05: a series, and then one of its instances alone."""
    assert not receive(store, mail(EVE, at(invitation(), "20250101T000500Z"), "CANCEL"))
    assert not receive(store, mail(EVE, invitation(), "REQUEST"))
    assert held(store, "alice") is None
    assert receive(store, mail(EVE, at(invitation(title="Again"), "20250101T000600Z"), "REQUEST"))
    assert "SUMMARY:Again" in (held(store, "alice") or ("", ""))[1]


def test_a_wrong_clock_silences_nobody(store: Store) -> None:
    """A DTSTAMP of the next century, or none at all, says nothing."""
    for number, stamp in enumerate(("20990101T000000Z", "20250101T000000Z", "nonsense", "20240101T000000Z")):
        assert receive(store, mail(EVE, at(invitation(title=f"n{number}", sequence=number // 3), stamp), "REQUEST"))
        assert f"SUMMARY:n{number}" in (held(store, "alice") or ("", ""))[1]


def test_an_older_answer_does_not_undo_a_newer_one(store: Store) -> None:
    put(store, "alice", "m.ics", meeting([EVE, "bob@example.test"]))
    assert receive(store, reply(EVE, "DECLINED", stamp="20250102T000000Z"))
    assert not receive(store, reply(EVE))
    assert states((held(store, "alice") or ("", ""))[1])[EVE] == "DECLINED"


@pytest.mark.parametrize("url", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
def test_others_in_the_way(store: Store) -> None:
    """MTG-05: the mail has come, and nobody sends it again: the meeting is tried again for a while."""
    person = desk.principal(store, "alice")
    meeting = imip.find(mail(EVE, invitation(), "REQUEST"))
    assert meeting is not None
    recipient = Recipient(person.id, "alice", ALICE, "en")
    taking = threading.Thread(target=incoming.take, args=(store, recipient, meeting))
    _wait_for_locks(store, "50ms")
    try:
        with store.write(SITE) as tx:
            tx.db.execute(sa.select(collections.c.id).where(collections.c.space_id == person.id).with_for_update())
            taking.start()
            time.sleep(0.3)
        taking.join()
    finally:
        _wait_for_locks(store, "0")
    assert held(store, "alice") is not None


def _wait_for_locks(store: Store, most: str) -> None:
    """Of new connections."""
    engine = sa.create_engine(store.engines.url, poolclass=sa.pool.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as db:
        db.execute(sa.text(f"ALTER DATABASE {store.engines.url.database} SET lock_timeout = '{most}'"))
