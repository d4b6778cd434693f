"""Who may be invited, and the mail about who declined (MTG-03, MTG-08, MTG-09)."""

from __future__ import annotations

import quopri
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from servers.dav.names import ESCRITOIRE
from storage.outbound import tables as outbound
from storage.scheduling import responding
from storage.store import Limits, Store
from storage.types import SITE
from tests.caldav import desk
from tests.caldav.desk import Client, put
from tests.caldav.meetings import (
    ALICE,
    BOB,
    INVITED,
    INVITED_TOO,
    answer,
    copy_of,
    invite,
    meeting,
    members,
    person,
    queued,
    someone,
    state,
    text,
)

CARD = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:c\r\nFN:Eve\r\nN:Eve;;;;\r\nEMAIL:Eve@Else.test\r\nEND:VCARD\r\n"


def notices(store: Store) -> list[str]:
    with store.read(SITE) as tx:
        bodies = tx.db.execute(sa.select(outbound.messages.c.body).order_by(outbound.messages.c.id)).scalars()
        return [quopri.decodestring(body).decode() for body in bodies]


def test_a_refusal_is_mailed_to_the_organizer(alice: Client, bob: Client, store: Store) -> None:
    """MTG-08; MTG-09: kept, and accepted later, of which she is told again."""
    path = invite(alice)
    mine = copy_of(bob, BOB)
    said = "X-CALENDARSERVER-PRIVATE-COMMENT:I am away\\, sorry\r\nSUMMARY:Plan"
    declined = text(bob, mine).replace("SUMMARY:Plan", said)
    declined = re.sub(r"ATTENDEE[^\r\n]*:mailto:bob@", "ATTENDEE;PARTSTAT=DECLINED:mailto:bob@", declined)
    put(bob, mine, declined.encode())
    assert queued(store) == [("", "alice@example.test")]
    (told,) = notices(store)
    assert "From: bob@example.test" in told
    assert "Subject: Declined: Plan" in told
    assert "I am away, sorry" in told
    assert "2025-06-01 10:00 UTC" in told
    assert "I am away" in text(alice, path)  # X-RESPONSE-COMMENT
    assert answer(bob, mine, "bob@example.test", "ACCEPTED").status == 204
    assert "Subject: Accepted: Plan" in notices(store)[1]
    assert answer(bob, mine, "bob@example.test", "TENTATIVE").status == 204
    assert len(queued(store)) == 2  # who had not refused is seen in the tracking


@pytest.mark.parametrize(("field", "mails"), [({}, 1), ({"schedule_reply": "F"}, 0)])
def test_a_deletion_is_mailed_unless_it_is_silent(
    alice: Client, bob: Client, store: Store, field: dict[str, str], mails: int
) -> None:
    invite(alice)
    assert bob.request("DELETE", copy_of(bob, BOB), **field).status == 204
    assert len(queued(store)) == mails


@pytest.mark.parametrize("keep", [True, False])
def test_an_answer_without_a_calendar_program(alice: Client, bob: Client, store: Store, keep: bool) -> None:
    path = invite(alice)
    actor, account = person(store, "bob")
    with store.write(actor) as tx:
        responding.respond(tx, account, "m1", "ACCEPTED")
    assert state(alice, path, "bob@example.test") == "ACCEPTED"
    assert queued(store) == []
    with store.write(actor) as tx:
        responding.respond(tx, account, "m1", "DECLINED", reason="no; not then", keep=keep)
    assert state(alice, path, "bob@example.test") == "DECLINED"
    assert len(members(bob, BOB)) == int(keep)
    (told,) = notices(store)
    assert "no; not then" in told


@pytest.fixture
def strict(template: Path, tmp_path: Path) -> Iterator[Store]:
    """A desk with `restrict_attendees`."""
    folder = tmp_path / "strict"
    shutil.copytree(template, folder)
    store = Store.open(f"sqlite:///{folder}/desk.sqlite3", folder / "blobs", limits=Limits(restrict_attendees=True))
    yield store
    store.close()


def test_only_people_one_knows_can_be_added(strict: Store) -> None:
    """MTG-03: members of one's groups, and contacts that have the address; whoever was there stays."""
    from storage import collections, contacts, items

    alice = Client(desk.app(strict), "alice")
    put(alice, f"{ALICE}m1.ics", meeting(INVITED))
    stranger = meeting(INVITED, someone("eve@else.test"))
    refused = alice.request("PUT", f"{ALICE}m1.ics", stranger, content_type="text/calendar")
    assert (refused.status, refused.precondition) == (403, f"{ESCRITOIRE}attendee-allowed")
    assert "eve@else.test" not in text(alice, f"{ALICE}m1.ics")
    carol = meeting(INVITED_TOO)  # an account, but no co-member
    assert alice.request("PUT", f"{ALICE}m1.ics", carol, content_type="text/calendar").status == 403
    actor, _ = person(strict, "alice")
    with strict.write(actor) as tx:
        book = collections.find(tx, desk.person(strict, "IAB").kind, "IAB", "contacts")
        items.put(tx, book, "c.vcf", contacts.prepare(CARD.encode()))
    put(alice, f"{ALICE}m1.ics", stranger)
    with strict.write(actor) as tx:
        book = collections.find(tx, desk.person(strict, "IAB").kind, "IAB", "contacts")
        items.delete(tx, book, "c.vcf")
    put(alice, f"{ALICE}m1.ics", stranger.replace(b"SUMMARY:Plan", b"SUMMARY:Later"))
    partly = meeting(INVITED, someone("x@else.test")).replace(b"eve@", b"ve@")
    assert alice.request("PUT", f"{ALICE}m2.ics", partly.replace(b"UID:m1", b"UID:m2")).status == 403


def test_a_reason_is_for_the_organizer_alone(alice: Client, bob: Client, carol: Client, three: str) -> None:
    """MTG-08; it goes with the answer that it was given for. SYS-08: a colour is its viewer's, too."""
    put(alice, three, text(alice, three).replace("SUMMARY:Plan", "SUMMARY:Plan\r\nCOLOR:red").encode())
    mine, hers = copy_of(bob, BOB), copy_of(carol, "/dav/carol/private/events/")
    said = "X-CALENDARSERVER-PRIVATE-COMMENT:Paris instead\r\nSUMMARY:Plan"
    put(bob, mine, text(bob, mine).replace("SUMMARY:Plan", said).replace("NEEDS-ACTION;", "DECLINED;").encode())
    assert "Paris" in text(alice, three)
    put(alice, three, text(alice, three).replace("SUMMARY:Plan", "SUMMARY:Plan\r\nPRIORITY:1").encode())
    assert state(carol, hers, "bob@example.test") == "DECLINED"
    assert "Paris" not in text(carol, hers)
    assert "COLOR" not in text(carol, hers)
    put(bob, mine, text(bob, mine).replace("X-CALENDARSERVER-PRIVATE-COMMENT:Paris instead\r\n", "").encode())
    assert answer(bob, mine, "bob@example.test", "ACCEPTED").status == 204
    assert "Paris" not in text(alice, three)
