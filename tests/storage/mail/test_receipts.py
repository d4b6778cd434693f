"""Read receipts: always, never, ask; once; not for lists, spam and forged requests (MSG-16, RFC 8098)."""

from __future__ import annotations

from email import message_from_bytes

import pytest
import sqlalchemy as sa

from storage import preferences
from storage.mail import appending, delivery, flagging, mailboxes, recipients
from storage.outbound.tables import messages
from storage.outbound.tables import recipients as targets
from storage.store import Store
from storage.types import SITE, Actor
from tests.storage import desk
from tests.storage.mail.mails import flags_of, mail, put

ASKING = "Return-Path: <ada@example.org>\r\nDisposition-Notification-To: Ada <ada@example.org>"


def choose(store: Store, what: str) -> None:
    who = desk.principal(store, "alice")
    with store.write(SITE) as tx:
        preferences.choose(tx, who, "answer_receipts", what)


def see(store: Store, alice: Actor, mailbox: str = "INBOX") -> None:
    with store.write(alice) as tx:
        box = mailboxes.find(tx, mailbox)
        flagging.set_flags(tx, box, range(1, 20), "add", "\\Seen")


def queued(store: Store) -> list[tuple[str, bytes]]:
    with store.read(SITE) as tx:
        query = sa.select(targets.c.address, messages.c.body).join(messages, messages.c.id == targets.c.message_id)
        return [(row.address, bytes(row.body)) for row in tx.db.execute(query)]


def test_always(store: Store, alice: Actor) -> None:
    choose(store, "always")
    put(store, alice, "INBOX", mail("Grüße", message_id="1@x", more=ASKING), mail("plain"))
    see(store, alice)
    see(store, alice)
    ((address, octets),) = queued(store)
    assert address == "ada@example.org"
    report = message_from_bytes(octets)
    assert report.get_content_type() == "multipart/report"
    assert report.get_param("report-type") == "disposition-notification"
    text, notification = report.get_payload()
    assert "displayed" in text.get_payload()
    assert notification.get_content_type() == "message/disposition-notification"
    assert b"Final-Recipient: rfc822;alice@example.test" in octets
    assert b"Original-Message-ID: <1@x>" in octets
    assert flags_of(store, alice, "INBOX") == {1: "\\Seen $MDNSent", 2: "\\Seen"}


@pytest.mark.parametrize(
    "more",
    [
        ASKING + "\r\nList-Id: <list.example>",
        ASKING + "\r\nAuto-Submitted: auto-generated",
        ASKING.replace("Return-Path: <ada@", "Return-Path: <eve@"),
        ASKING.replace("<ada@example.org>\r\n", "<>\r\n"),
        ASKING + ", eve@example.org",
    ],
)
def test_what_is_never_answered(store: Store, alice: Actor, more: str) -> None:
    choose(store, "always")
    put(store, alice, "INBOX", mail("x", more=more))
    see(store, alice)
    assert queued(store) == []


def test_ask_never_and_spam(store: Store, alice: Actor) -> None:
    put(store, alice, "INBOX", mail("x", more=ASKING))
    see(store, alice)
    choose(store, "always")
    put(store, alice, "Spam?", mail("y", more=ASKING))
    see(store, alice, "Spam?")
    assert queued(store) == []
    choose(store, "never")
    with store.read(SITE) as tx:
        who = recipients.find(tx, "alice@example.test")
    assert who is not None
    delivery.deliver(store, appending.prepare(store, mail("z", more=ASKING)), who)
    assert flags_of(store, alice, "INBOX")[2] == "$MDNSent"
