"""SMS reminders: parts, credit, the queue, and alarms that name one's own number (REM-02, SMS-05, SMS-08)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import contacts, items, plans, preferences, reminders
from storage.formats import alarms, icalendar, sms_text
from storage.sms import credit, number, queue
from storage.sms.queue import Message, Outcome
from storage.store import Store
from storage.types import SITE
from tests.storage import desk
from tests.storage.test_reminders import NOW, at, event, put, sent, stamp

OWN = "32475123456"


@pytest.mark.parametrize(
    ("text", "most", "length", "parts"),
    [
        ("a" * 160, 1, 160, 1),
        ("a" * 161, 1, 160, 1),
        ("a" * 161, 2, 161, 2),
        ("a" * 400, 2, 306, 2),
        ("€" * 80, 1, 80, 1),
        ("€" * 81, 1, 80, 1),
        ("€" * 77, 9, 77, 1),
        ("€" * 153, 2, 152, 2),
        ("ж" * 70, 1, 70, 1),
        ("ж" * 71, 1, 70, 1),
        ("ж" * 135, 2, 134, 2),
        ("😀" * 36, 1, 35, 1),
        ("", 1, 0, 1),
    ],
)
def test_parts(text: str, most: int, length: int, parts: int) -> None:
    """SMS-05: 160/153 GSM-7, 70/67 UCS-2; no character is cut in two."""
    found = sms_text.fit(text, most)
    assert (len(found.text), found.parts) == (length, parts)


@given(st.text(max_size=1000), st.integers(1, 10))
def test_never_more_parts_than_paid_for(text: str, most: int) -> None:
    found = sms_text.fit(text, most)
    assert text.startswith(found.text)
    assert 1 <= found.parts <= most


def card(store: Store, tel: str, email: str = "alice@example.test") -> None:
    lines = f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:me\r\nFN:A\r\nN:A;;;;\r\nEMAIL:{email}\r\n{tel}\r\nEND:VCARD\r\n"
    with store.write(desk.actor(store, "alice")) as tx:
        items.put(tx, desk.contacts(tx, "alice"), "me.vcf", contacts.prepare(lines.encode()))


def alarm(*attendees: str) -> bytes:
    lines = "\r\n".join(f"ATTENDEE:mailto:{one}" for one in attendees)
    body = event(f"DTSTART:{stamp(NOW + 3600)}").decode()
    return body.replace("ATTENDEE:mailto:alice@example.test", lines).encode()


def allot(store: Store, number_of: int) -> None:
    with store.write(SITE) as tx:
        plans.add(tx, "some", ["sms"], {"sms_per_month": number_of})
        plans.assign(tx, desk.principal(store, "alice").id, "some")


def handed(store: Store, outcome: Outcome = Outcome.SENT) -> list[Message]:
    found: list[Message] = []

    def send(message: Message) -> Outcome:
        found.append(message)
        return outcome

    queue.run(store, send)
    return found


def used(store: Store) -> int:
    alice = desk.principal(store, "alice")
    with store.read(SITE) as tx:
        return credit.of(tx, alice.id).used


def test_an_alarm_to_ones_own_number_is_an_sms(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    at(NOW, monkeypatch)
    allot(store, 2)
    card(store, "TEL;TYPE=CELL:+32 475 12 34 56")
    put(store, alarm(f"{OWN}@SMS"))
    at(NOW + 3001, monkeypatch)
    assert reminders.run(store, sms=True) == 1
    ((_, to, text),) = handed(store)
    assert (to, text) == (OWN, "2025-06-15 16:06 Tea , cake, Kew")
    assert sent(store) == []
    assert used(store) == 1
    assert handed(store) == []
    assert reminders.run(store, sms=True) == 0


@pytest.mark.parametrize("why", ["credit", "plan", "number", "landline", "somebody else's", "gateway"])
def test_without_number_or_credit_it_is_a_mail(store: Store, monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    """REM-02: no SMS is sent; REM-06: nor to anybody else."""
    at(NOW, monkeypatch)
    allot(store, 0 if why == "credit" else 5)
    if why == "plan":
        with store.write(SITE) as tx:
            plans.change(tx, "some", close_gates=["sms"])
    if why != "number":
        card(store, f"TEL;TYPE={'WORK' if why == 'landline' else 'CELL'}:+32475123456")
    put(store, alarm("32475999999@sms" if why == "somebody else's" else f"{OWN}@sms"))
    at(NOW + 3001, monkeypatch)
    assert reminders.run(store, sms=why != "gateway") == 1
    assert handed(store) == []
    assert len(sent(store)) == 1
    assert used(store) == 0


def test_both_ways_and_the_parts_that_one_pays_for(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """ACC-04."""
    at(NOW, monkeypatch)
    allot(store, 5)
    card(store, "TEL;TYPE=CELL:tel:+32475123456")
    with store.write(SITE) as tx:
        preferences.choose(tx, desk.principal(store, "alice"), "sms_parts_max", "2")
    put(store, alarm("alice@example.test", f"{OWN}@sms").replace(b"Kew", b"K" * 400))
    at(NOW + 3001, monkeypatch)
    reminders.run(store, sms=True)
    assert len(handed(store)[0].text) == 306
    assert used(store) == 2
    assert len(sent(store)) == 1


def test_tried_again_then_given_back(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    at(NOW, monkeypatch)
    allot(store, 5)
    alice = desk.principal(store, "alice")
    for outcome, first in ((Outcome.REFUSED, 0), (Outcome.AGAIN, 1)):
        with store.write(SITE) as tx:
            assert queue.put(tx, alice.id, "alice", OWN, "x", expires=NOW + 1000)
        assert len(handed(store, outcome)) == 1
        assert used(store) == first  # what was refused is given back at once
    assert handed(store) == []
    assert queue.next_due(store) == NOW + 60
    at(NOW + 61, monkeypatch)
    assert len(handed(store, Outcome.AGAIN)) == 1
    at(NOW + 950, monkeypatch)
    assert len(handed(store, Outcome.AGAIN)) == 1  # too late for another attempt
    assert used(store) == 0
    assert queue.next_due(store) is None


def test_a_month_begins_anew(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """ACC-14: never carried over; SMS-08."""
    alice = desk.principal(store, "alice")
    allot(store, 1)
    for moment, taken in ((NOW, True), (NOW + 1, False), (NOW + 31 * 86400, True)):
        at(moment, monkeypatch)
        with store.write(SITE) as tx:
            assert queue.put(tx, alice.id, "alice", OWN, "x") is taken


def test_the_card_that_he_chose(store: Store) -> None:
    alice = desk.principal(store, "alice")
    card(store, "TEL;TYPE=CELL:0475 12 34 56")
    with store.write(SITE) as tx:
        assert number.own(tx, alice.id, "alice") == ""  # no country: not complete (CON-04)
        preferences.set_language(tx, alice, "fr", "BE")
        assert number.own(tx, alice.id, "alice") == OWN
        assert number.own(tx, desk.principal(store, "bob").id, "bob") == ""


@given(st.text(max_size=60))
def test_hostile_attendees(text: str) -> None:
    line = "".join(letter for letter in text if letter.isprintable())
    try:
        found = alarms.due(icalendar.read(alarm(line, f"{line}@sms")), 0)
    except Exception as error:
        assert type(error).__module__ == "storage.errors"  # noqa: PT017
        return
    assert found is None or all(one.isascii() and one.isdigit() and len(one) <= 15 for one in found.numbers)
