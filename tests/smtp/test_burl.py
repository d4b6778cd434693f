"""BURL: mails are made of what lies in a mailbox, without a download (RFC 4468)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from storage.formats import imap_url
from storage.mail import appending, mailboxes, url_keys
from storage.store import Store
from storage.types import Actor
from tests.smtp.conftest import Client

Connect = Callable[..., Client]
Inbox = Callable[..., list[bytes]]

LETTER = (
    b"From: alice@example.test\r\nTo: bob@example.test\r\nSubject: from a mailbox\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain\r\n\r\nfirst\r\n"
    b"--b\r\nContent-Type: application/x-a\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC\r\n"
    b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ndeep\r\n--b--\r\n"
)
HEAD = b"From: alice@example.test\r\nTo: bob@example.test\r\nSubject: new\r\n\r\n"


@pytest.fixture
def made(store: Store, people: dict[str, Actor]) -> Callable[..., str]:
    """Signs a URL of a part of the letter, which lies in the drafts of `owner`."""
    uids: dict[str, int] = {}

    def sign(part: str = "", access: str = "submit+alice", owner: str = "alice") -> str:
        with store.write(people[owner]) as tx:
            box = mailboxes.find(tx, "Drafts")
            if owner not in uids:
                uids[owner] = appending.append(tx, box, appending.prepare(store, LETTER)).uid
            rump = f"imap://{owner}@mail.example.test/Drafts/;uid={uids[owner]}{part};urlauth={access}"
            url = imap_url.parse(rump.encode())
            assert url is not None
            return f"{rump}:internal:{url_keys.sign(tx, url, rump.encode())}"

    return sign


@pytest.fixture
def begun(connect: Connect) -> Client:
    """Alice's session in which a mail to bob is under way."""
    client = connect("submission", tls=True).login()
    client("MAIL FROM:<alice@example.test>", "RCPT TO:<bob@example.test>")
    return client


def test_a_whole_mail(begun: Client, inbox: Inbox, made: Callable[..., str]) -> None:
    """§3.5: the mail is what the URL leads to, and goes the way of every submitted one."""
    assert begun(f"BURL {made()} LAST").startswith("250 2.0.0")
    (mail,) = inbox("bob")
    assert mail.endswith(LETTER.partition(b"\r\n\r\n")[2])
    assert b"Subject: from a mailbox" in mail
    assert b"\r\nDate: " in mail
    assert begun.code("MAIL FROM:<alice@example.test>") == "250 2.1.0"


def test_among_chunks(begun: Client, inbox: Inbox, made: Callable[..., str]) -> None:
    """§3.2: BURL and BDAT in any order; the last of them says LAST."""
    assert begun.feed(b"BDAT %d\r\n%b" % (len(HEAD), HEAD)).startswith("250 2.0.0")
    for part in (
        "/;section=2.MIME",
        "/;section=2",
        "/;section=1/;partial=1.3",
        "/;section=3.HEADER",
        "/;section=3.TEXT",
    ):
        assert begun(f"BURL {made(part)}").startswith("250 2.0.0"), part
    assert begun.feed(b"BDAT 3 LAST\r\nend").startswith("250 2.0.0")
    (mail,) = inbox("bob")
    parts = b"Content-Type: application/x-a\r\nContent-Transfer-Encoding: base64\r\n\r\nAAECirsSubject: inner\r\n\r\ndeepend"
    assert mail.endswith(b"\r\n\r\n" + parts)


def test_anothers_part(begun: Client, inbox: Inbox, made: Callable[..., str]) -> None:
    """RFC 4467 §3: whoever signed a URL for somebody lets him send what it leads to."""
    begun.feed(b"BDAT %d\r\n%b" % (len(HEAD), HEAD))
    assert begun(f"BURL {made('/;section=TEXT', owner='bob')} LAST").startswith("250 2.0.0")
    (mail,) = inbox("bob")
    assert mail.endswith(b"--b--\r\n")


@pytest.mark.parametrize(
    ("part", "access", "status"),
    [
        ("", "submit+bob", "554 5.6.6"),
        ("", "user+alice", "554 5.7.14"),
        ("", "authuser", "554 5.7.14"),
        ("/;section=7", "submit+alice", "554 5.6.6"),
        ("/;section=MIME", "submit+alice", "554 5.6.6"),
        ("/;section=.TEXT", "submit+alice", "554 5.6.6"),
        ("/;section=1.", "submit+alice", "554 5.6.6"),
        ("/;section=1.TEXT", "submit+alice", "554 5.6.6"),
        ("/;section=HEADER.FIELDS%20(To)", "submit+alice", "554 5.6.6"),
        (";expire=2020-01-01T00:00:00Z", "submit+alice", "554 5.6.6"),
    ],
)
def test_what_is_not_sent(
    begun: Client, inbox: Inbox, made: Callable[..., str], part: str, access: str, status: str
) -> None:
    """§3.4; the whole transaction fails with it."""
    begun.feed(b"BDAT %d\r\n%b" % (len(HEAD), HEAD))
    assert begun.code(f"BURL {made(part, access)} LAST") == status
    assert begun.code("BDAT 0 LAST") == "503 5.5.1"
    assert inbox("bob") == []


def test_grammar(begun: Client, connect: Connect, made: Callable[..., str]) -> None:
    url = made()
    for command in ("BURL", f"BURL {url} FIRST", f"BURL {url}  LAST", f"BURL {url} LAST LAST"):
        assert begun.code(command) == "501 5.5.4", command
    assert begun.code("BURL http://example.test/ LAST") == "504 5.5.4"
    assert begun.code("BURL imap://alice@example.test/Drafts/;uid=1 LAST") == "554 5.6.6"
    assert begun.code(f"BURL {url} LAST") == "503 5.5.1"
    mx = connect().hello()
    mx("MAIL FROM:<x@y.example>", "RCPT TO:<bob@example.test>")
    assert mx.code(f"BURL {url} LAST") == "502 5.5.1"
    assert "BURL" not in connect()("EHLO x")
    known, stranger = connect("submission", tls=True).login(), connect("submission", tls=True)
    assert "250-BURL\r\n" in stranger("EHLO x") or "250 BURL\r\n" in stranger("EHLO x")
    assert "BURL imap\r\n" in known("EHLO x")
