"""Automatic answers: seldom, to people only, and in the right words (MSG-27, RFC 3834, RFC 5230 §4)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from storage import accounts, items, kinds, plans
from storage import collections as tree
from storage.errors import GateClosed
from storage.mail import absence, appending, delivery
from storage.mail.absence import Absence, Message
from storage.mail.recipients import Recipient
from storage.outbound import queue
from storage.store import Store
from storage.types import SITE, Actor, SpaceKind

Send = Callable[..., list[EmailMessage]]


@pytest.fixture
def alice(store: Store) -> Actor:
    with store.write(SITE) as tx:
        try:
            found = accounts.find(tx, "alice")
        except Exception:
            found = accounts.find(tx, accounts.create(tx, "alice", "*", email="alice@example.test").name)
        return Actor(found.principal.id, "alice")


@pytest.fixture
def send(store: Store, alice: Actor) -> Send:
    """Deliver a mail to alice; the answers that it made."""

    def deliver(
        sender: str = "carol@far.test",
        more: str = "",
        to: str = "alice@example.test",
        spam: bool = False,
        subject: str = "=?utf-8?q?Gr=C3=BC=C3=9Fe?=",
    ) -> list[EmailMessage]:
        data = (
            f"Return-Path: <{sender}>\r\nFrom: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\n"
            f"Message-ID: <1@far.test>\r\n{more}\r\nhello\r\n"
        )
        prepared = appending.prepare(store, data.encode())
        delivery.deliver(store, prepared, Recipient(alice.id, "alice", "alice@example.test", "en"), spam=spam)
        found = []
        with store.write(SITE) as tx:
            for lease in queue.lease(tx, "test", tx.now + 1, 100, per_destination=100):
                assert lease.sender == ""
                assert [one.address for one in lease.recipients] == [sender]
                found.append(message_from_bytes(queue.body(tx, lease.id), policy=policy.default))
        return found  # type: ignore[return-value]

    return deliver


def away(store: Store, alice: Actor, wanted: Absence) -> None:
    with store.write(alice) as tx:
        absence.set_(tx, wanted)


ALWAYS = Absence(absence.ON, 0, 0, Message("inside"), Message("friend"), Message("stranger"))


def test_a_stranger_gets_one_answer_in_seven_days(
    store: Store, alice: Actor, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert send() == []
    away(store, alice, ALWAYS)
    [mail] = send()
    assert mail["subject"] == "Auto: Grüße"
    assert mail["auto-submitted"] == "auto-replied"
    assert mail["in-reply-to"] == "<1@far.test>"
    assert mail["to"] == "carol@far.test"
    assert mail["from"] == "alice@example.test"
    assert mail.get_content().strip() == "stranger"
    assert send() == []
    import time

    later = time.time() + absence.AGAIN_S + 60
    monkeypatch.setattr(time, "time", lambda: later)
    assert len(send()) == 2  # with the first one, whose lease is over


def test_audiences(store: Store, alice: Actor, send: Send) -> None:
    with store.write(alice) as tx:
        card = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:d\r\nFN:Dora\r\nEMAIL:Dora@Far.test\r\nEND:VCARD\r\n"
        book = tree.find(tx, SpaceKind.PRIVATE, "alice", "contacts")
        items.put(tx, book, "d.vcf", kinds.CARDS.prepare(card.encode(), "text/vcard"))
    with store.write(SITE) as tx:
        accounts.create(tx, "erin", "*", email="erin@example.test")
    away(store, alice, ALWAYS)
    assert [one.get_content().strip() for one in send("dora@far.test")] == ["friend"]
    assert [one.get_content().strip() for one in send("erin@example.test")] == ["inside"]
    away(store, alice, Absence(absence.ON, 0, 0, Message("<p>inside</p>", True), None, None))
    assert send("dora@far.test") == []
    assert send("carol@far.test") == []
    [html] = send("erin@example.test")
    assert html.get_content_type() == "text/html"


@pytest.mark.parametrize(
    "more",
    [
        "Auto-Submitted: auto-generated\r\n",
        "Auto-Submitted: auto-replied; owner=x\r\n",
        "Precedence: bulk\r\n",
        "List-Id: <a.b>\r\n",
        "List-Unsubscribe: <mailto:x@y.test>\r\n",
        "X-Auto-Response-Suppress: DR, OOF\r\n",
    ],
)
def test_machines_get_no_answer(store: Store, alice: Actor, send: Send, more: str) -> None:
    away(store, alice, ALWAYS)
    assert send(more=more) == []
    assert len(send(more="Auto-Submitted: no\r\n")) == 1


@pytest.mark.parametrize(
    "sender", ["", "MAILER-DAEMON@far.test", "noreply@far.test", "owner-list@far.test", "list-request@far.test"]
)
def test_addresses_that_nobody_reads_get_no_answer(store: Store, alice: Actor, send: Send, sender: str) -> None:
    away(store, alice, ALWAYS)
    assert send(sender) == []


def test_spam_blind_copies_and_oneself_get_no_answer(store: Store, alice: Actor, send: Send) -> None:
    away(store, alice, ALWAYS)
    assert send(spam=True) == []
    assert send(to="friends@far.test") == []
    assert send("alice@example.test") == []
    assert len(send(to="x@far.test, alice+news@example.test")) == 1


def test_it_ends_when_it_ends(store: Store, alice: Actor, send: Send) -> None:
    away(store, alice, Absence(absence.SCHEDULED, 1, 2, None, None, Message("past")))
    assert send() == []
    away(store, alice, Absence(absence.SCHEDULED, 1, 2**40, None, None, Message("now")))
    assert len(send()) == 1
    away(store, alice, Absence(absence.OFF, 0, 0, None, None, Message("off")))
    assert send("other@far.test") == []


def test_the_gate(store: Store, alice: Actor, send: Send) -> None:
    """ACC-11: without `filters` nothing can be set, not even off; what was set is kept and answers nobody."""
    away(store, alice, Absence(absence.ON, others=Message("away")))
    try:
        with store.write(SITE) as tx:
            plans.change(tx, plans.FULL, close_gates=["filters"])
        assert send("gate1@far.test") == []
        for wanted in (Absence(absence.ON, others=Message("other")), Absence()):
            with pytest.raises(GateClosed, match="filters"):
                away(store, alice, wanted)
    finally:
        with store.write(SITE) as tx:
            plans.change(tx, plans.FULL, open_gates=["filters"])
    assert "away" in str(send("gate1@far.test")[0])


def test_what_the_subject_hides_makes_no_fields(store: Store, alice: Actor, send: Send) -> None:
    """An encoded word within an encoded word (RFC 2047 §6.2: it is decoded once)."""
    away(store, alice, ALWAYS)
    hidden = base64.b64encode(b"=?utf-8?q?=0d=0aX-Evil=3a_1?=").decode()
    [mail] = send(subject=f"=?utf-8?b?{hidden}?=")
    assert "x-evil" not in mail
    assert mail["subject"] == "Auto: = ?utf-8?q?=0d=0aX-Evil=3a_1?="


@pytest.mark.parametrize(
    "sender", ["m\u00fcller@far.test", '"a b"@far.test', "a=?utf-8?q?b?=@far.test", "x@xn--mller-kva.test"]
)
def test_addresses_are_written_as_they_are(store: Store, alice: Actor, send: Send, sender: str) -> None:
    """RFC 6531 §3.2, RFC 2047 §5: no address is made of encoded words, nor changed by what looks like one."""
    away(store, alice, ALWAYS)
    (answer,) = send(sender)
    if "=?" not in sender:  # else the envelope alone can say it
        assert f"To: {sender}\r\n".encode() in answer.as_bytes(policy=policy.SMTPUTF8)


def test_a_domain_in_letters_needs_no_smtputf8(store: Store, alice: Actor) -> None:
    """RFC 6531 §3.2: its A-labels do for servers that know ASCII alone."""
    away(store, alice, ALWAYS)
    data = "Return-Path: <x@m\u00fcller.test>\r\nTo: alice@example.test\r\nSubject: x\r\n\r\nhello\r\n".encode()
    delivery.deliver(store, appending.prepare(store, data), Recipient(alice.id, "alice", "alice@example.test", "en"))
    with store.write(SITE) as tx:
        (lease,) = queue.lease(tx, "test", tx.now + 1, 100)
        assert ([one.address for one in lease.recipients], lease.smtputf8) == (["x@xn--mller-kva.test"], False)
        assert queue.body(tx, lease.id).isascii()
