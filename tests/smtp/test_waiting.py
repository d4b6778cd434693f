"""Mail for the desk that the queue delivers: reports that were asked for, mailboxes that are full (SMTP-07, SMTP-08)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from servers.outbound.delivery import Delivery
from servers.outbound.local import Local
from servers.outbound.options import Options
from servers.smtp import spam
from servers.smtp.checks import Checks
from storage.errors import Busy
from storage.mail import delivery
from storage.mail.routing import Site, read_aliases
from storage.outbound import queue, tables
from storage.outbound.types import Target
from storage.store import Store
from storage.types import SITE
from tests.smtp.conftest import Client

Connect = Callable[..., Client]
Inbox = Callable[..., list[bytes]]
Queued = Callable[[], list[tuple[str, str]]]
DATA = b"Subject: x\r\n\r\nbody\r\n"


@pytest.fixture
def work(store: Store) -> Callable[[], None]:
    """Deliver what the queue has for the desk itself."""
    given = Options("mail.example.test", "example.test", frozenset({"example.test", "second.test"}))
    nobody: Any = None
    deliverer = Delivery(store, given, nobody, Local(store, given), None)

    def run() -> None:
        with store.write(SITE) as tx:
            leases = queue.lease(tx, "test", time.time(), 10)
        for one in leases:
            if deliverer._local.takes(one.domain):
                deliverer.run(one)

    return run


@pytest.mark.parametrize(
    ("address", "logins"),
    [
        ("info@example.test", ("alice", "bob")),
        ("<Postmaster>", ("alice",)),
        ("anything@second.test", ("bob",)),
        ("alice+tag@example.test", ("alice",)),
    ],
)
def test_success_of_an_alias(
    connect: Connect, inbox: Inbox, queued: Queued, work: Callable[[], None], address: str, logins: tuple[str, ...]
) -> None:
    """RFC 3461 §6.2, RFC 5321 §4.4: it arrives, whatever the address, with one Return-Path; the sender is told."""
    client = connect().hello()
    path = address if address.startswith("<") else f"<{address}>"
    assert client("MAIL FROM:<x@out.example>", f"RCPT TO:{path} NOTIFY=SUCCESS", "DATA").endswith(
        "a line by itself\r\n"
    )
    assert client.feed(DATA + b".\r\n").startswith("250")
    work()
    assert set(queued()) == {("", "x@out.example")}
    for login in logins:
        (got,) = inbox(login)
        assert got.startswith(b"Return-Path: <x@out.example>\r\nDelivered-To: ")
        assert got.count(b"Return-Path:") == got.count(b"Delivered-To:") == got.count(b"Received:") == 1


def test_success_of_ones_own_mail(connect: Connect, inbox: Inbox, work: Callable[[], None]) -> None:
    """The same of what is submitted for an alias of the desk (RFC 3461 §6.2, RFC 5321 §4.4)."""
    client = connect("submission").login()
    client("MAIL FROM:<alice@example.test>", "RCPT TO:<anything@second.test> NOTIFY=SUCCESS", "DATA")
    assert client.feed(DATA + b".\r\n").startswith("250")
    work()
    (got,) = inbox("bob")
    assert got.count(b"Return-Path:") == got.count(b"Delivered-To:") == 1


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ("", ["", ""]),
        ("NEVER", ["NEVER", "NEVER"]),
        ("FAILURE", ["FAILURE", "FAILURE"]),
        ("SUCCESS", ["SUCCESS", "NEVER"]),
        ("SUCCESS,DELAY", ["SUCCESS,DELAY", "DELAY"]),
    ],
)
@pytest.mark.parametrize("door", ["mx", "submission"])
def test_what_is_wanted_goes_along_with_an_alias(
    connect: Connect, store: Store, door: str, wish: str, told: list[str]
) -> None:
    """RFC 3461 §5.2.7.2, §5.2.7.3: an alias that leads elsewhere hands on what its sender wants to be told."""
    site = Site("mail.example.test", ("example.test",), {"ext@example.test": ("a@out.example", "b@out.example")})
    client = connect(door, site=site)
    _ = client.hello() if door == "mx" else client.login()
    client("MAIL FROM:<alice@example.test> ENVID=7")
    client(f"RCPT TO:<ext@example.test> ORCPT=rfc822;o@x.example{' NOTIFY=' * bool(wish)}{wish}", "DATA")
    assert client.feed(DATA + b".\r\n").startswith("250")
    with store.read(SITE) as tx:
        rows = tx.db.execute(sa.select(tables.recipients.c.notify, tables.recipients.c.orcpt)).all()
    assert [tuple(row) for row in rows] == [(one, "rfc822;o@x.example") for one in told]


@pytest.fixture
def alice_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can be put into her mailbox at this moment."""
    real = delivery.deliver

    def busy(store: Store, prepared: Any, recipient: Any, **more: Any) -> Any:
        if recipient.login == "alice":
            raise Busy("somebody writes")
        return real(store, prepared, recipient, **more)

    monkeypatch.setattr(delivery, "deliver", busy)


@pytest.mark.usefixtures("alice_is_busy")
def test_some_accounts_of_an_alias(connect: Connect, inbox: Inbox, queued: Queued) -> None:
    """SMTP-08: who has the mail does not get it again because somebody else could not (RFC 5321 §6.1)."""
    for door in ("mx", "lmtp"):
        assert connect(door).hello().mail("x@out.example", "info@example.test").startswith("250")
    assert len(inbox("bob")) == 2
    assert queued() == [("x@out.example", "alice@example.test")] * 2


@pytest.mark.usefixtures("alice_is_busy")
def test_what_waits_is_what_was_checked(
    connect: Connect, store: Store, queued: Queued, inbox: Inbox, monkeypatch: pytest.MonkeyPatch, work: Any
) -> None:
    """RFC 8601 §5, RFC 5321 §4.4: the copy that waits has our trace and results, and no forged ones."""
    checks = Checks(store, "mail.example.test", lambda name, kind: [])
    forged = b"Authentication-Results: mail.example.test; dkim=pass\r\n"
    client = connect(address="192.0.2.1", checks=checks).hello()
    said = client.mail("x@out.example", "alice@example.test", "bob@example.test", data=forged + DATA)
    assert said.startswith("250")
    assert queued() == [("x@out.example", "alice@example.test")]
    monkeypatch.undo()
    work()
    (got,) = inbox("alice")
    assert b"dkim=pass" not in got
    assert got.count(b"Received: from client.example") == 1
    assert b"spf=none" in got


@pytest.mark.usefixtures("alice_is_busy")
@pytest.mark.parametrize("verify", [True, False])
def test_spam_that_waits_is_spam(
    connect: Connect, store: Store, inbox: Inbox, monkeypatch: pytest.MonkeyPatch, work: Any, verify: bool
) -> None:
    """MSG-35, MSG-47: it comes into `Spam?` by way of the queue too, and what others say of it counts as before."""
    monkeypatch.setattr(spam, "is_spam", lambda *_, **__: True)
    filtered = Checks(store, "mail.example.test", lambda name, kind: [], verify=verify, spam_filter="rspamd://x")
    to = ("alice@example.test", "bob@example.test")
    assert connect(address="192.0.2.1", checks=filtered).hello().mail("x@out.example", *to).startswith("250")
    monkeypatch.setattr(spam, "is_spam", lambda *_, **__: False)
    claimed = b"X-Other: 1\r\nX-Spam-Flag: YES\r\n" + DATA
    assert connect(address="192.0.2.1", checks=filtered).hello().mail("x@out.example", *to, data=claimed)
    with store.read(SITE) as tx:
        assert list(tx.db.execute(sa.select(tables.recipients.c.notify)).scalars()) == ["NEVER", ""]
    monkeypatch.undo()
    work()
    for login in ("alice", "bob"):
        assert (len(inbox(login, "Spam?")), len(inbox(login))) == (1, 1)
        assert b"X-Other: 1" in inbox(login)[0]


def test_delivered_before(connect: Connect, inbox: Inbox, queued: Queued) -> None:
    """MSG-63: among several recipients, who had the mail before does not get it again by way of the queue."""
    before = b"Delivered-To: sales@example.test\r\n" + DATA
    client = connect().hello()
    assert client.mail("x@out.example", "sales@example.test", "bob@example.test", data=before).startswith("250")
    assert (len(inbox("bob")), queued()) == (1, [])


def test_one_recipient_twice(connect: Connect, inbox: Inbox, queued: Queued) -> None:
    """Who stands in To and in Cc gets one copy; LMTP answers as often as it was asked (RFC 2033 §4.2)."""
    connect().hello().mail("x@out.example", "alice@example.test", "ALICE@example.test")
    assert len(inbox("alice")) == 1
    connect("submission").login().mail("alice@example.test", "z@out.example", "z@out.example")
    assert queued() == [("alice@example.test", "z@out.example")]
    assert connect("lmtp").hello().mail("x@out.example", "bob@example.test", "bob@example.test").count("250 ") == 2


@pytest.mark.parametrize("door", ["mx", "lmtp", "submission"])
@pytest.mark.parametrize("turned", [False, True])
def test_one_copy_for_each_however_he_is_named(
    connect: Connect, inbox: Inbox, queued: Queued, door: str, turned: bool
) -> None:
    """SMTP-06: who is meant by several recipients gets one copy; a suffix is another address (MSG-66)."""
    to = ["info@example.test", "alice@example.test", "alice+x@example.test", "all@example.test", "bob@example.test"]
    site = Site(
        "mail.example.test", ("example.test",), read_aliases(("info: alice bob", "all: info o@out.example"), "example.test")
    )
    client = connect(door, site=site)
    _ = client.login() if door == "submission" else client.hello()
    said = client.mail("alice@example.test", *(reversed(to) if turned else to))
    assert said.count("250 2.") == (5 if door == "lmtp" else 1)
    assert (len(inbox("alice")), len(inbox("bob"))) == (2, 1)
    assert queued() == [("alice@example.test", "o@out.example")]


@pytest.mark.parametrize("door", ["mx", "lmtp"])
def test_where_it_was_before_takes_nobody_along(connect: Connect, inbox: Inbox, queued: Queued, door: str) -> None:
    """SMTP-08: whom another recipient would have reached, were it not a loop, gets it by his own name."""
    client = connect(door).hello()
    to = ["info@example.test", "alice@example.test"]
    said = client.mail("x@out.example", *to, data=b"Delivered-To: info@example.test\r\n" + DATA)
    assert said.split("\r\n")[-3:-1] == ["554 5.4.6 it was delivered there before: a loop", "250 2.0.0 OK"] or door == "mx"
    assert (len(inbox("alice")), len(inbox("bob")), queued()) == (1, 0, [])


def test_elsewhere_once_and_told_by_each_name(connect: Connect, inbox: Inbox, queued: Queued) -> None:
    """SMTP-06: what is named beside an alias of it; and who asks for a report of a name gets one of that name."""
    connect("submission").login().mail("alice@example.test", "out@elsewhere.example", "sales@example.test")
    assert queued() == [("alice@example.test", "out@elsewhere.example")]
    client = connect().hello()
    client("MAIL FROM:<x@out.example>", "RCPT TO:<bob@example.test>")
    client("RCPT TO:<bob2@second.test> NOTIFY=SUCCESS", "DATA")
    assert client.feed(DATA + b".\r\n").startswith("250")
    assert (len(inbox("bob")), queued()[1:]) == (1, [("x@out.example", "bob@example.test")])


def test_the_same_address_in_other_words(connect: Connect, inbox: Inbox, queued: Queued) -> None:
    """RFC 5321 §4.1.2: quotes that are not needed change nothing; a dot behind the domain is not lost mail."""
    client = connect().hello()
    client("MAIL FROM:<>")
    for good in ('<"alice"@example.test>', '<"al\\ice+x"@example.test>', "<alice@example.test.>"):
        assert client.code(f"RCPT TO:{good}") == "250 2.1.5"
    for bad in ("<nobody@example.test.>", '<"alice "@example.test>', '<"bob@out.example"@example.test>'):
        assert client.code(f"RCPT TO:{bad}") == "550 5.1.1"
    assert client.code("RCPT TO:<x@out.example.>") == "550 5.7.1"
    client("DATA")
    client.feed(DATA + b".\r\n")
    assert len(inbox("alice")) == 2
    assert queued() == []
    assert connect("submission").login().code('MAIL FROM:<"alice"@example.test>') == "250 2.1.0"


@pytest.mark.parametrize("parameter", ["ENVID", "ENVID=a+00b", "ENVID=a+0D+0Ab", "AUTH", "AUTH=+zz"])
def test_parameters_that_are_none(connect: Connect, parameter: str) -> None:
    """RFC 3461 §4.4, RFC 4954 §5: they have a value, of one line of text."""
    client = connect().hello()
    assert client.code(f"MAIL FROM:<x@out.example> {parameter}") == "501 5.5.4"
    assert client.code("MAIL FROM:<x@out.example> ENVID=a+2Bb AUTH=<>") == "250 2.1.0"
    assert client.code("RCPT TO:<alice@example.test> ORCPT=rfc822;a+00b@x") == "501 5.5.4"


def test_lmtp_answers_for_each_whatever_happens(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 2033 §4.2: an error that concerns the whole mail is said once for each recipient."""

    def broken(*_: Any, **__: Any) -> Any:
        from storage.errors import BadFormat

        raise BadFormat("no")

    monkeypatch.setattr("servers.smtp.accepting.receive", broken)
    said = connect("lmtp").hello().mail("x@out.example", "alice@example.test", "bob@example.test")
    assert said.count("451 4.3.0") == 2


@pytest.mark.parametrize("own", ["m\u00fcller.test", "xn--mller-kva.test"])
def test_a_domain_of_the_desk_in_letters_and_in_a_labels(
    connect: Connect, inbox: Inbox, queued: Queued, store: Store, own: str
) -> None:
    """RFC 6531 §3.2, RFC 5890 §2.3.2.1: it is the same domain, and who knows no SMTPUTF8 writes A-labels."""
    site = Site("mail.example.test", (own,), read_aliases(("info: alice",), own))
    for domain in ("m\u00fcller.test", "xn--mller-kva.test", "M\u00dcLLER.test"):
        client = connect(site=site).hello()
        client("MAIL FROM:<x@out.example> SMTPUTF8")
        assert client.code(f"RCPT TO:<alice@{domain}>") == "250 2.1.5"
        assert client.code(f"RCPT TO:<info@{domain}>") == "250 2.1.5"
        assert client.code(f"RCPT TO:<nobody@{domain}>") == "550 5.1.1"
        client("DATA")
        assert client.feed(DATA + b".\r\n").startswith("250")
        sender = connect("submission", site=site).login()
        assert sender.code(f"MAIL FROM:<alice@{domain}> SMTPUTF8") == "250 2.1.0"
        assert sender.code("RSET") == "250 2.0.0"
        assert sender.code(f"MAIL FROM:<bob@{domain}> SMTPUTF8") == "550 5.7.1"
    assert len(inbox("alice")) == 3  # SMTP-06: one of each mail, though two recipients are she
    given = Options("mail.example.test", "xn--mller-kva.test", frozenset({"xn--mller-kva.test"}))
    with store.write(SITE) as tx:
        queue.enqueue(tx, sender="", recipients=[Target("bob@m\u00fcller.test")], data=DATA)
        (lease,) = queue.lease(tx, "test", tx.now + 1, 10)
    nobody: Any = None
    Delivery(store, given, nobody, Local(store, given), None).run(lease)
    assert (len(inbox("bob")), queued()) == (1, [])
