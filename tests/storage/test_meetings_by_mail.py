"""COUNTER, DECLINECOUNTER, REFRESH and ADD that come by mail (RFC 5546 §3.2.4, §3.2.6…3.2.8, RFC 6047, MTG-05)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import collections, items, preferences, principals
from storage.formats import imip, itip
from storage.formats.contentline import parse
from storage.mail.recipients import Recipient
from storage.outbound import administration
from storage.scheduling import forwarding, incoming, proposals
from storage.store import Store
from storage.types import SITE, SpaceKind
from tests.storage import desk
from tests.storage.test_incoming_meetings import ALICE, EVE, invitation, mail, receive
from tests.storage.test_scheduling import held, meeting, put, states


def sent(store: Store) -> list[str]:
    with store.read(SITE) as tx:
        return [one.recipients[0].address for one in administration.every(tx)]


def inbox(store: Store, login: str) -> list[bytes]:
    with store.read(desk.actor(store, login)) as tx:
        found = collections.find(tx, SpaceKind.PRIVATE, login, "inbox")
        return [items.get(tx, found, one.name).body or b"" for one in items.listing(tx, found)]


def from_eve(*, sequence: int = 0, how: str = "NEEDS-ACTION") -> str:
    """A meeting of alice's, as eve speaks of it."""
    body = invitation(sequence=sequence, day=7).replace(f"ORGANIZER:mailto:{EVE}", f"ORGANIZER:mailto:{ALICE}")
    return body.replace(f"ATTENDEE;RSVP=TRUE:mailto:{ALICE}", f"ATTENDEE;PARTSTAT={how}:mailto:{EVE}")


def test_a_proposal_from_outside_waits_and_is_declined_by_mail(store: Store) -> None:
    put(store, "alice", "m.ics", meeting([EVE, "bob@example.test"]))
    assert receive(store, mail(EVE, from_eve(how="TENTATIVE"), "COUNTER"))
    _, body = held(store, "alice") or ("", "")
    assert "20250601T100000Z" in body
    assert states(body)[EVE] == "TENTATIVE"
    account, before = desk.principal(store, "alice"), len(sent(store))
    with store.write(desk.actor(store, "alice")) as tx:
        (found,) = proposals.listing(tx, account)
        assert found.sender == EVE
        assert proposals.decline(tx, account, found.name) == "1.1"
    assert len(sent(store)) == before + 1
    put(store, "alice", "m.ics", meeting([EVE], day=3))
    assert not receive(store, mail(EVE, from_eve(), "COUNTER"))  # to what it was before


def test_a_question_from_outside_is_answered_once_an_hour(store: Store) -> None:
    put(store, "alice", "m.ics", meeting([EVE]))
    before = len(sent(store))
    assert receive(store, mail(EVE, from_eve(), "REFRESH"))
    assert sent(store)[before:] == [EVE]
    assert not receive(store, mail(EVE, from_eve(), "REFRESH"))
    assert len(sent(store)) == before + 1


def test_the_organizers_refusal_is_in_the_inbox(store: Store) -> None:
    receive(store, mail(EVE, invitation(), "REQUEST"))
    assert receive(store, mail(EVE, invitation(), "DECLINECOUNTER"))
    assert any(b"METHOD:DECLINECOUNTER" in one for one in inbox(store, "alice"))
    assert not receive(store, mail("mallory@else.test", invitation(), "DECLINECOUNTER"))


def test_instances_that_are_added_are_asked_for(store: Store) -> None:
    """RFC 5546 §3.2.4: whoever does not support ADD asks for a REFRESH."""
    assert not receive(store, mail(EVE, invitation(sequence=1), "ADD"))  # of what is not there
    receive(store, mail(EVE, invitation(), "REQUEST"))
    before = len(sent(store))
    assert receive(store, mail(EVE, invitation(sequence=1), "ADD"))
    assert sent(store)[before:] == [EVE]
    assert not receive(store, mail(EVE, invitation(sequence=2), "ADD"))
    assert not receive(store, mail("mallory@else.test", invitation(sequence=2), "ADD"))


@pytest.mark.parametrize("method", ["COUNTER", "REFRESH", "REPLY"])
@pytest.mark.parametrize("sender", ["mallory@else.test", "bob@example.test"])
def test_strangers_and_forgers_are_not_heard(store: Store, sender: str, method: str) -> None:
    """Who is not invited, and who pretends to be a colleague: our own people log in before they send."""
    put(store, "alice", "m.ics", meeting([EVE, "bob@example.test"]))
    body, count = held(store, "alice"), len(sent(store))
    said = from_eve(how="ACCEPTED").replace(EVE, sender)
    assert not receive(store, mail(sender, said, method))
    assert held(store, "alice") == body
    assert len(sent(store)) == count
    assert inbox(store, "alice") == []


def test_a_colleagues_program_may_send_a_proposal_itself(store: Store) -> None:
    put(store, "alice", "m.ics", meeting(["bob@example.test"]))
    found = imip.find(mail("bob@example.test", from_eve().replace(EVE, "bob@example.test"), "COUNTER"))
    assert found is not None
    person = desk.principal(store, "alice")
    recipient = Recipient(person.id, "alice", ALICE, "en")
    with store.write(recipient.actor) as tx:
        assert incoming.apply(tx, recipient, found, submitted=True)
        (one,) = proposals.listing(tx, person)
    assert one.sender == "bob@example.test"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["COUNTER", "REFRESH", "DECLINECOUNTER", "ADD"]),
    noise=st.binary(max_size=60),
    at=st.integers(300, 900),
)
def test_hostile_messages_change_no_meeting(store: Store, method: str, noise: bytes, at: int) -> None:
    put(store, "alice", "m.ics", meeting([EVE]))
    data = mail(EVE, from_eve(), method, encoded=False)
    receive(store, data[:at] + noise + data[at:])
    _, body = held(store, "alice") or ("", "")
    assert "20250601T100000Z" in body


def test_an_answer_from_outside_delegates(store: Store) -> None:
    """RFC 5546 §3.2.2.3: the REPLY names the delegate, who is invited and may answer."""
    put(store, "alice", "m.ics", meeting([EVE, "bob@example.test"]))
    sent_on = f'ATTENDEE;PARTSTAT=DELEGATED;DELEGATED-TO="mailto:ida@else.test":mailto:{EVE}'
    said = from_eve(how="X").replace(f"ATTENDEE;PARTSTAT=X:mailto:{EVE}", sent_on)
    assert not receive(store, mail("ida@else.test", said, "REPLY"))  # not hers to say
    before = len(sent(store))
    assert receive(store, mail(EVE, said, "REPLY"))
    assert sent(store)[before:] == ["ida@else.test"]
    assert receive(store, mail(EVE, said, "REPLY"))  # it came again
    assert len(sent(store)) == before + 1
    assert receive(store, mail("ida@else.test", from_eve(how="ACCEPTED").replace(EVE, "ida@else.test"), "REPLY"))
    for login in ("alice", "bob"):
        _, body = held(store, login) or ("", "")
        assert states(body)[EVE] == "DELEGATED"
        assert states(body)["ida@else.test"] == "ACCEPTED"


def test_a_cancellation_of_this_and_future_ends_the_series(store: Store) -> None:
    """RFC 5545 §3.2.13: RANGE=THISANDFUTURE."""
    receive(store, mail(EVE, invitation("RRULE:FREQ=DAILY;COUNT=5"), "REQUEST"))
    late = invitation("RECURRENCE-ID;RANGE=THISANDFUTURE:20250603T100000Z", "STATUS:CANCELLED", day=3, sequence=1)
    assert receive(store, mail(EVE, late, "CANCEL"))
    _, body = held(store, "alice") or ("", "")
    assert "UNTIL=20250603T095959Z" in body
    assert "COUNT" not in body
    whole = invitation("RECURRENCE-ID;RANGE=THISANDFUTURE:20250601T100000Z", "STATUS:CANCELLED", sequence=2)
    assert receive(store, mail(EVE, whole, "CANCEL"))
    assert held(store, "alice") is None


def test_a_room_answers_by_mail_who_asked_by_mail(store: Store) -> None:
    with store.write(SITE) as tx:
        preferences.choose(tx, principals.find(tx, SpaceKind.PRIVATE, "alice"), "calendar_user_type", "room")
    soon = datetime.now(UTC) + timedelta(days=3)
    first = invitation().replace("20250601T1", f"{soon:%Y%m%d}T1")
    assert receive(store, mail(EVE, first, "REQUEST"))
    assert sent(store) == [EVE]
    _, body = held(store, "alice") or ("", "")
    assert states(body)[ALICE] == "ACCEPTED"
    assert receive(store, mail(EVE, first.replace("UID:m\r\n", "UID:other\r\n"), "REQUEST"))
    assert sent(store) == [EVE, EVE]
    with store.read(desk.actor(store, "alice")) as tx:
        assert desk.events(tx, "alice").item_count == 1
    assert receive(store, mail(EVE, first.replace("SEQUENCE:0", "SEQUENCE:1"), "REQUEST"))  # not its own enemy
    _, body = held(store, "alice") or ("", "")
    assert states(body)[ALICE] == "ACCEPTED"


def test_what_is_passed_on_has_its_time_zones() -> None:
    """RFC 5546 §3.2.2: VTIMEZONE "MUST be present if any date/time refers to a timezone"; a client may leave it out."""
    text = invitation().replace("DTSTART:20250601T100000Z", "DTSTART;TZID=Europe/Paris:20250601T120000")
    (found,) = parse(text.encode())
    (passed,) = parse(forwarding.passed_on(found, itip.parts(found), "REQUEST"))
    assert [zone.value("TZID") for zone in passed.of("VTIMEZONE")] == ["Europe/Paris"]
