"""SMTP and LMTP by the sections of their standards, over a real store (SMTP-01…08, MSG-01, 05, 09, 11, 62, 66)."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from servers.line.session import Then
from storage import accounts, plans, principals
from storage.mail import appending, mailboxes, sending
from storage.store import Store
from storage.types import SITE, Actor, SpaceKind
from tests.smtp.conftest import PASSWORD, Client

Connect = Callable[..., Client]
Inbox = Callable[..., list[bytes]]
Queued = Callable[[], list[tuple[str, str]]]


def test_extensions_by_door(connect: Connect) -> None:
    """RFC 5321 §4.1.1.1, RFC 6409, RFC 2033: what is announced, and where."""
    assert connect().greeting == "220 mail.example.test ESMTP Escritoire\r\n"
    mx = connect()("EHLO a.example")
    for word in (
        "PIPELINING",
        "SIZE 52428800",
        "8BITMIME",
        "SMTPUTF8",
        "CHUNKING",
        "ENHANCEDSTATUSCODES",
        "DSN",
        "STARTTLS",
    ):
        assert word in mx
    assert "AUTH" not in mx
    assert "REQUIRETLS" not in mx
    assert "AUTH PLAIN LOGIN" in connect("submission")("EHLO a.example")
    far = connect("submission", address="192.0.2.1")
    assert "AUTH" not in far("EHLO a.example")
    assert far.code("AUTH PLAIN AGE=") == "538 5.7.11"
    assert "REQUIRETLS" in connect("submissions", tls=True)("EHLO a.example")
    assert connect("lmtp").code("EHLO a") == "500 5.5.1"
    assert connect().code("LHLO a") == "500 5.5.1"
    assert connect("lmtp")("LHLO a.example").startswith("250-mail.example.test\r\n")
    assert connect()("HELO a.example") == "250 mail.example.test\r\n"


def test_mail_from_outside(connect: Connect, inbox: Inbox) -> None:
    """RFC 5321 §4.4: trace, Return-Path, Delivered-To; dots; several recipients; suffixes (MSG-66)."""
    client = connect().hello()
    said = client.mail(
        "x@out.example", "alice@example.test", "BOB+tag@example.test", data=b"Subject: x\r\n\r\n.dot\r\n..two\r\n"
    )
    assert said == "250 2.0.0 delivered\r\n"
    (got,) = inbox("alice")
    assert got.startswith(
        b"Return-Path: <x@out.example>\r\nDelivered-To: alice@example.test\r\nReceived: from client.example ([127.0.0.1])\r\n\tby mail.example.test (Escritoire) with ESMTP id "
    )
    assert got.endswith(b"Subject: x\r\n\r\n.dot\r\n..two\r\n")
    assert b"Delivered-To: BOB+tag@example.test\r\n" in inbox("bob")[0]


def test_who_is_here(connect: Connect, inbox: Inbox, queued: Queued) -> None:
    """SMTP-08: recipients are judged at RCPT; no relaying; aliases, catch-all, postmaster (RFC 5321 §4.5.1)."""
    client = connect().hello()
    client("MAIL FROM:<>")
    assert client.code("RCPT TO:<nobody@example.test>") == "550 5.1.1"
    assert client.code("RCPT TO:<x@elsewhere.example>") == "550 5.7.1"
    assert client.code("RCPT TO:<loop@example.test>") == "550 5.1.1"
    for address in (
        "postmaster",
        "Postmaster@example.test",
        "info@example.test",
        "anything@second.test",
        "sales@example.test",
    ):
        assert client.code(f"RCPT TO:<{address}>") == "250 2.1.5", address
    assert client("DATA").startswith("354")
    assert client.feed(b"Subject: x\r\n\r\n.\r\n") == "250 2.0.0 delivered\r\n"
    assert len(inbox("alice")) == 1  # SMTP-06: one copy, though she is meant three times
    assert len(inbox("bob")) == 1
    assert queued() == [("", "out@elsewhere.example")]


def test_sessions_are_in_order(connect: Connect) -> None:
    """RFC 5321 §4.1.4."""
    client = connect()
    assert client.code("MAIL FROM:<a@b.example>") == "503 5.5.1"
    client.hello()
    assert client.code("RCPT TO:<alice@example.test>") == "503 5.5.1"
    assert client.code("DATA") == "503 5.5.1"
    client("MAIL FROM:<a@b.example>")
    assert client.code("MAIL FROM:<a@b.example>") == "503 5.5.1"
    assert client.code("DATA") == "554 5.5.1"
    assert client.code("RSET") == "250 2.0.0"
    assert client.code("RCPT TO:<alice@example.test>") == "503 5.5.1"
    assert client.code("VRFY alice") == "252 2.1.5"
    assert client.code("VRFY") == "501 5.5.4"  # RFC 5321 §4.1.1.6
    assert client.code("EXPN list") == "502 5.7.0"
    assert client.code("NOOP x") == "250 2.0.0"
    assert client.code("HELP") == "214 2.0.0"
    assert client.code("XYZZY") == "500 5.5.1"
    assert client("QUIT").startswith("221 2.0.0")
    assert client.then is Then.CLOSE


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("MAIL FROM:<a@b.example> SIZE=100 BODY=8BITMIME RET=HDRS ENVID=a+2Bb", "250 2.1.0"),
        ("mail from: <a@b.example>", "250 2.1.0"),
        ("MAIL FROM:<@relay.example,@b.example:a@b.example>", "250 2.1.0"),
        ('MAIL FROM:<"odd one"@b.example>', "250 2.1.0"),
        ("MAIL FROM:<a@[192.0.2.1]>", "250 2.1.0"),
        ("MAIL FROM:<a@[IPv6:2001:db8::1]>", "250 2.1.0"),
        ("MAIL FROM:<ä@b.example> SMTPUTF8", "250 2.1.0"),
        ("MAIL FROM:<ä@b.example>", "553 5.6.7"),
        ("MAIL FROM:a@b.example", "501 5.5.4"),
        ("MAIL FROM:<a@b..example>", "501 5.1.7"),
        ("MAIL FROM:<a b@b.example>", "501 5.1.7"),
        ("MAIL FROM:<a@b.example", "501 5.1.7"),
        ("MAIL FROM:<" + "a" * 65 + "@b.example>", "501 5.1.7"),
        ("MAIL FROM:<a@b.example> SIZE=52428801", "552 5.3.4"),
        ("MAIL FROM:<a@b.example> SIZE=many", "501 5.5.4"),
        ("MAIL FROM:<a@b.example> BODY=BINARYMIME", "501 5.5.4"),
        ("MAIL FROM:<a@b.example> NONSENSE=1", "555 5.5.4"),
        ("MAIL FROM:<a@b.example> SIZE=1 SIZE=2", "501 5.5.4"),
        ("MAIL FROM:<a@b.example> REQUIRETLS", "530 5.7.10"),
        ("MAIL FROM:<a@b.example> ENVID=+zz", "501 5.5.4"),
        ("MAIL", "501 5.5.4"),
    ],
)
def test_mail(connect: Connect, line: str, code: str) -> None:
    """RFC 5321 §4.1.1.2, RFC 1870, 3461, 6152, 6531, 8689."""
    assert connect().hello().code(line) == code


def test_submission(connect: Connect, inbox: Inbox, queued: Queued) -> None:
    """SMTP-01, MSG-01, MSG-09, MSG-11: only who logged in, only from own addresses; Bcc goes, Date and Message-ID come."""
    client = connect("submission").hello()
    assert client.code("MAIL FROM:<alice@example.test>") == "530 5.7.0"
    client.login()
    assert client.code("MAIL FROM:<bob@example.test>") == "550 5.7.1"
    data = b"From: Alice <alice@example.test>\r\nTo: b\r\nBcc: secret@x.example,\r\n more@x.example\r\nSubject: hi\r\n\r\nx\r\n"
    said = client.mail("alice+list@example.test", "bob@example.test", "out@elsewhere.example", data=data)
    assert said.startswith("250 2.0.0 accepted as ")
    assert queued() == [("alice+list@example.test", "out@elsewhere.example")]
    (got,) = inbox("bob")
    assert b"secret" not in got
    assert b"more@x" not in got
    assert b"Date: " in got
    assert b"Message-ID: <" in got
    assert b"with ESMTPA id" in got
    assert b"127.0.0.1" not in got  # where she sits is nobody's business
    (kept,) = inbox("alice", "Sent Items")
    assert kept.startswith(b"From: Alice")
    assert client.mail("alice@example.test", "bob@example.test", data=b"From: bob@example.test\r\n\r\n").startswith(
        "550 5.7.1"
    )
    assert client.code("MAIL FROM:<>") == "250 2.1.0"
    client("RSET", "MAIL FROM:<alice@example.test>")
    assert client.code("RCPT TO:<nobody@example.test>") == "550 5.1.1"
    assert client.code("RCPT TO:<32475123456@SMS>") == "550 5.1.2"  # MSG-05
    assert client.code("AUTH PLAIN AGE=") == "503 5.5.1"


def test_one_sent_copy_only(connect: Connect, inbox: Inbox, store: Store, people: dict[str, Actor]) -> None:
    """MSG-11: the client's own copy takes the place of the relay's, whichever came first."""
    client = connect("submission").login()
    first = b"From: alice@example.test\r\nMessage-ID: <1@x>\r\n\r\none\r\n"
    second = b"From: alice@example.test\r\nMessage-ID: <2@x>\r\n\r\ntwo\r\n"

    def append(data: bytes) -> None:
        with store.write(people["alice"]) as tx:
            appending.append(tx, mailboxes.find(tx, "Sent Items"), appending.prepare(store, data))

    client.mail("alice@example.test", "bob@example.test", data=first)
    append(first)
    append(second)
    client.mail("alice@example.test", "bob@example.test", data=second)
    assert len(inbox("alice", "Sent Items")) == 2


def test_authentication(connect: Connect) -> None:
    """RFC 4954: every way, refusals alike."""
    plain = base64.b64encode(f"\0alice\0{PASSWORD}".encode()).decode()
    client = connect("submission").hello()
    assert client("AUTH PLAIN") == "334 \r\n"
    assert client.code(plain) == "235 2.7.0"
    client = connect("submission").hello()
    assert client("AUTH LOGIN") == f"334 {base64.b64encode(b'Username:').decode()}\r\n"
    client(base64.b64encode(b"alice").decode())
    assert client.code(base64.b64encode(PASSWORD.encode()).decode()) == "235 2.7.0"
    client = connect("submission").hello()
    client("AUTH PLAIN")
    assert client.code("*") == "501 5.5.2"
    assert client.code("AUTH NONE") == "504 5.5.4"
    assert client.code("AUTH PLAIN " + base64.b64encode(b"\0alice\0no").decode()) == "535 5.7.8"
    assert client.code("AUTH PLAIN " + base64.b64encode(b"\0nobody\0no").decode()) == "535 5.7.8"
    client("AUTH PLAIN !!")
    assert client.then is Then.CLOSE
    assert connect().hello().code(f"AUTH PLAIN {plain}") == "503 5.5.1"


def test_limits_of_the_plan(connect: Connect, store: Store) -> None:
    """SMTP-05, MSG-19: recipients of a mail, mails of a day; the gate (SMTP-01)."""
    with store.write(SITE) as tx:
        plans.change(tx, plans.FULL, limits={"smtp_recipients_per_message": 1, "smtp_messages_per_day": 0})
    try:
        client = connect("submission").login()
        client("MAIL FROM:<alice@example.test>", "RCPT TO:<bob@example.test>")
        assert client.code("RCPT TO:<x@elsewhere.example>") == "452 4.5.3"
        client("DATA")
        assert client.feed(b"From: alice@example.test\r\n\r\n.\r\n").startswith("450 4.7.1")
        with store.write(SITE) as tx:
            plans.change(tx, plans.FULL, close_gates=["smtp"])
        assert "535 5.7.0" in connect("submission").hello()(
            "AUTH PLAIN " + base64.b64encode(f"\0alice\0{PASSWORD}".encode()).decode()
        )
    finally:
        with store.write(SITE) as tx:
            limits = {"smtp_recipients_per_message": None, "smtp_messages_per_day": None}
            plans.change(tx, plans.FULL, open_gates=["smtp"], limits=limits)


def test_an_account_that_may_not_send(connect: Connect, store: Store) -> None:
    """SMTP-03: blocked from the very next mail on; what others send to it still comes."""
    with store.write(SITE) as tx:
        number = principals.find(tx, SpaceKind.PRIVATE, "alice").id
        sending.set_blocked(tx, number, blocked=True)
        sending.set_blocked(tx, number, blocked=True)
    try:
        client = connect("submission").login()
        client("MAIL FROM:<alice@example.test>", "RCPT TO:<bob@example.test>", "DATA")
        assert client.feed(b"From: alice@example.test\r\n\r\n.\r\n").startswith("550 5.7.1 this account may not send")
        client = connect().hello()
        client("MAIL FROM:<a@b.example>", "RCPT TO:<alice@example.test>", "DATA")
        assert client.feed(b"Subject: still\r\n\r\n.\r\n").startswith("250 2.0.0")
    finally:
        with store.write(SITE) as tx:
            sending.set_blocked(tx, number, blocked=False)
    client = connect("submission").login()
    client("MAIL FROM:<alice@example.test>", "RCPT TO:<bob@example.test>", "DATA")
    assert client.feed(b"From: alice@example.test\r\n\r\n.\r\n").startswith("250 2.0.0")


def test_a_suspended_account_sends_nothing(store: Store) -> None:
    """ACC-01, SMTP-03: whatever let it in before; whoever spams keeps his session open (auth/leave.py)."""
    with store.write(SITE) as tx:
        alice = principals.find(tx, SpaceKind.PRIVATE, "alice")
        accounts.suspend(tx, alice)
    try:
        with store.write(Actor(alice.id, "alice")) as tx, pytest.raises(sending.Blocked):
            sending.count(tx)
    finally:
        with store.write(SITE) as tx:
            accounts.resume(tx, alice)
    with store.write(Actor(alice.id, "alice")) as tx:
        sending.count(tx)


def test_chunks(connect: Connect, inbox: Inbox) -> None:
    """RFC 3030: octets as they are, dots and all; pipelined; empty last chunk; wrong sizes end it."""
    client = connect().hello()
    client("MAIL FROM:<a@b.example>", "RCPT TO:<alice@example.test>")
    assert client.feed(b"BDAT 14\r\nSubject: x\r\n\r\n").startswith("250 2.0.0 14 octets")
    assert client.feed(b"BDAT 5\r\n.\r\n.\rBDAT 1 LAST\r\n\n").endswith("250 2.0.0 delivered\r\n")
    client("MAIL FROM:<a@b.example>", "RCPT TO:<alice@example.test>")
    assert client.feed(b"BDAT 3 LAST\r\na\nb").startswith("550 5.6.0")
    client("RSET", "MAIL FROM:<a@b.example>", "RCPT TO:<alice@example.test>")
    client.feed(b"BDAT 19\r\nSubject: x\r\n\r\n.\r\n.\r")
    assert client.feed(b"BDAT 1\r\n\nBDAT 0 LAST\r\n").endswith("250 2.0.0 delivered\r\n")
    assert inbox("alice")[-1].endswith(b"\r\n\r\n.\r\n.\r\n")
    assert "503 5.5.1" in client.feed(b"BDAT 3 LAST\r\nabc")
    assert "421" in client("BDAT many")
    assert client.then is Then.CLOSE


def test_nothing_is_smuggled(connect: Connect, inbox: Inbox) -> None:
    """RFC 5321 §2.3.8, §4.1.1.4: only CRLF.CRLF ends a mail; what others take for an end is data, or refused."""
    for fake in (b"\n.\n", b"\r\n.\n", b"\n.\r\n", b"\r.\r", b"\n.\r", b"\r.\r\n"):
        client = connect().hello()
        client("MAIL FROM:<a@b.example>", "RCPT TO:<alice@example.test>", "DATA")
        said = client.feed(
            b"Subject: x\r\n\r\nbody" + fake + b"MAIL FROM:<evil@x.example>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n"
        )
        assert said == "", fake
        assert client.feed(b"\r\n.\r\n").startswith("550 5.6.0"), fake
    assert inbox("alice") == []
    client = connect("submission").login()
    client("MAIL FROM:<alice@example.test>", "RCPT TO:<bob@example.test>", "DATA")
    said = client.feed(b"From: alice@example.test\n\nbody\n.\nMAIL FROM:<evil@x.example>\n.\r\n")
    assert said == ""
    assert client.feed(b"\r\n.\r\n").startswith("250")
    (got,) = inbox("bob")  # a sloppy client's line ends are mended, and nothing ends early
    assert got.endswith(b"body\r\n.\r\nMAIL FROM:<evil@x.example>\r\n.\r\n\r\n")


def test_however_it_is_cut(connect: Connect, inbox: Inbox) -> None:
    """The same mail in pieces of every size."""
    data = b"Subject: x\r\n\r\n..a\r\n.\r\r\nb\r\n\r\n.c\r\n.\r\n"
    for size in (1, 2, 3, 5, 100):
        client = connect("lmtp").hello()
        client("MAIL FROM:<>", "RCPT TO:<alice@example.test>", "DATA")
        said = "".join(client.feed(data[at : at + size]) for at in range(0, len(data), size))
        assert said == "250 2.0.0 OK\r\n", size
    bodies = {one.partition(b"\r\n\r\n")[2] for one in inbox("alice")}
    assert bodies == {b".a\r\n\r\n\r\nb\r\n\r\nc\r\n"}


def test_a_full_disk_is_told_as_one(connect: Connect, inbox: Inbox, store: Store) -> None:
    """RFC 5321 §4.2.3; nothing is half stored, and the mail comes when there is room again."""
    before = len(inbox("alice"))

    def room(pages: int) -> None:
        with store.write(SITE) as tx:
            tx.raw.execute(f"PRAGMA max_page_count={pages}")  # of this connection, which is kept

    client = connect().hello()
    data = b"Subject: x\r\n\r\n" + b"x" * 60_000 + b"\r\n"
    room(1)
    try:
        assert client.mail("a@b.example", "alice@example.test", data=data).startswith("452 4.3.1")
    finally:
        room(1_000_000_000)
    assert len(inbox("alice")) == before
    assert client.mail("a@b.example", "alice@example.test", data=data).startswith("250")
    assert len(inbox("alice")) == before + 1


def test_each_recipient_has_an_answer(connect: Connect, inbox: Inbox, store: Store) -> None:
    """RFC 2033 §4.2: LMTP; quota reached by the second; SMTP tells before the data (MSG-62)."""
    with store.write(SITE) as tx:
        plans.add(tx, "tiny", plans.GATES, {"mail_bytes": 2_000})
        from storage import accounts

        plans.assign(tx, accounts.find(tx, "bob").principal.id, "tiny")
    try:
        client = connect("lmtp").hello()
        client.code("MAIL FROM:<a@b.example>")
        assert client.code("DATA") == "503 5.5.1"
        client.code("RSET")
        said = client.mail(
            "", "alice@example.test", "bob@example.test", data=b"Subject: x\r\n\r\n" + b"x" * 3_000 + b"\r\n"
        )
        assert said == "250 2.0.0 OK\r\n452 4.2.2 the mailbox is full\r\n"
        client = connect().hello()
        client("MAIL FROM:<a@b.example> SIZE=3000")
        assert client.code("RCPT TO:<alice@example.test>") == "250 2.1.5"
        assert client.code("RCPT TO:<bob@example.test>") == "452 4.2.2"
    finally:
        with store.write(SITE) as tx:
            plans.assign(tx, accounts.find(tx, "bob").principal.id, plans.FULL)
            plans.remove(tx, "tiny")


def test_what_one_cannot_get_is_tried_again(connect: Connect, inbox: Inbox, queued: Queued, store: Store) -> None:
    """One of two mailboxes fills while the data come: the mail is accepted once, and nobody gets it twice."""
    from storage import accounts

    with store.write(SITE) as tx:
        plans.add(tx, "tiny", plans.GATES, {"mail_bytes": 2_000})
        plans.assign(tx, accounts.find(tx, "bob").principal.id, "tiny")
    try:
        client = connect().hello()
        said = client.mail(
            "a@b.example", "alice@example.test", "bob@example.test", data=b"Subject: x\r\n\r\n" + b"x" * 3_000
        )
        assert said == ""
        assert client.feed(b"\r\n.\r\n").startswith("250 2.0.0 delivered to some")
        assert len(inbox("alice")) == 1
        assert queued() == [("a@b.example", "bob@example.test")]
    finally:
        with store.write(SITE) as tx:
            plans.assign(tx, accounts.find(tx, "bob").principal.id, plans.FULL)
            plans.remove(tx, "tiny")


def test_loops(connect: Connect) -> None:
    """RFC 5321 §6.3; MSG-63: what was delivered here before does not come again."""
    client = connect().hello()
    assert client.mail("a@b.example", "alice@example.test", data=b"Received: x\r\n" * 101 + b"\r\n").startswith(
        "554 5.4.6"
    )
    again = b"Delivered-To: Alice@Example.test\r\n\r\n"
    assert client.mail("a@b.example", "alice@example.test", data=again).startswith("554 5.4.6")
    assert client.mail("a@b.example", "alice@example.test", data=b"").startswith("554 5.6.0")


def test_limits(connect: Connect) -> None:
    """Dictionary attacks, endless lines, too many mistakes (SYS-17)."""
    client = connect().hello()
    client("MAIL FROM:<>")
    said = ""
    for number in range(12):
        if client.then is Then.GO_ON:
            said += client(f"RCPT TO:<nobody{number}@example.test>")
    assert "421 4.7.0" in said
    client = connect().hello()
    said = ""
    for _ in range(25):
        if client.then is Then.GO_ON:
            said += client("XYZZY")
    assert said.endswith("421 4.7.0 too many errors\r\n")
    assert connect().feed(b"x" * 5_000).startswith("500 5.5.2")
    client = connect().hello()
    client("MAIL FROM:<a@b.example>", "RCPT TO:<alice@example.test>", "DATA")
    for _ in range(53):
        client.feed(b"x" * 1_000_000)
    assert client.feed(b"\r\n.\r\n").startswith("552 5.3.4")
    assert client.code("NOOP") == "250 2.0.0"


def test_starttls(connect: Connect) -> None:
    """RFC 3207 §4.2: nothing said before counts."""
    client = connect("submission").hello()
    assert client("STARTTLS").startswith("220")
    client.session.secured()
    assert client.code("MAIL FROM:<alice@example.test>") == "503 5.5.1"
    assert "STARTTLS" not in client("EHLO a.example")
    assert client.code("STARTTLS") == "503 5.5.1"


def test_no_recipients_after_the_first_chunk(connect: Connect) -> None:
    """RFC 5321 §4.1.4, RFC 3030 §2: they come before the data; RSET begins anew."""
    client = connect().hello()
    client("MAIL FROM:<a@b.example>", "RCPT TO:<alice@example.test>")
    assert client.feed(b"BDAT 14\r\nSubject: x\r\n\r\n").startswith("250")
    assert client.code("RCPT TO:<bob@example.test>") == "503 5.5.1"
    assert client.code("RSET") == "250 2.0.0"
    assert client.code("MAIL FROM:<a@b.example>") == "250 2.1.0"
