"""The spam filter is taught in its own words, by servers that speak them over sockets (MSG-47)."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from servers.outbound.looking import Looking
from servers.outbound.teaching import Teacher
from storage.mail import learning, mailboxes, moving
from storage.mail.learning import Lesson, Outcome
from storage.store import Limits, Store
from tests.outbound.filters import Server, http
from tests.storage import desk
from tests.storage.mail.mails import mail, put

MAIL = b"Subject: x\r\n\r\nbuy now\r\n\0\xff"
SPAM, HAM = Lesson(7, True, MAIL), Lesson(7, False, MAIL)


def test_rspamd(server: Server) -> None:
    server.says = http("200 OK", b'{"success":true}')
    teacher = Teacher(f"rspamd://{server.address}", "secret")
    assert (teacher.teach(SPAM), teacher.teach(HAM)) == (Outcome.TAUGHT, Outcome.TAUGHT)
    (spam, body), (ham, _) = server.heard
    assert spam.startswith(b"POST /learnspam HTTP/1.1\r\n")
    assert ham.startswith(b"POST /learnham HTTP/1.1\r\n")
    assert b"\r\nPassword: secret" in spam
    assert body == MAIL


@pytest.mark.parametrize(
    ("says", "outcome"),
    [
        (http("208 Already reported"), Outcome.TAUGHT),
        (http("404 Not Found", b'{"error":"<a@b> has been already learned as spam, ignore it"}'), Outcome.TAUGHT),
        (http("204 No content", b""), Outcome.TAUGHT),
        (http("404 Not Found"), Outcome.AGAIN),
        (http("401 Unauthorized"), Outcome.AGAIN),
        (http("403 Forbidden"), Outcome.AGAIN),
        (http("500 Internal error"), Outcome.AGAIN),
        (http("400 Bad request"), Outcome.REFUSED),
        (b"", Outcome.AGAIN),
        (b"220 mail.example ESMTP\r\n", Outcome.AGAIN),
    ],
)
def test_what_rspamd_says(server: Server, says: bytes, outcome: Outcome) -> None:
    server.says = says
    assert Teacher(f"rspamd://{server.address}").teach(SPAM) is outcome
    assert b"Password" not in server.heard[0][0]


def test_spamd(server: Server) -> None:
    server.says = b"SPAMD/1.1 0 EX_OK\r\nDidSet: local\r\nContent-length: 2\r\n\r\n\r\n"
    teacher = Teacher(f"spamd://{server.address}")
    assert (teacher.teach(SPAM), teacher.teach(HAM)) == (Outcome.TAUGHT, Outcome.TAUGHT)
    (spam, body), (ham, _) = server.heard
    assert spam.split(b"\r\n") == [
        b"TELL SPAMC/1.5",
        b"Message-class: spam",
        b"Set: local",
        b"Content-length: %d" % len(MAIL),
    ]
    assert b"Message-class: ham\r\n" in ham
    assert body == MAIL


@pytest.mark.parametrize(
    ("says", "outcome"),
    [
        (b"SPAMD/1.1 0 EX_OK\r\n\r\n", Outcome.TAUGHT),  # it was learned before
        (b"SPAMD/1.0 69 Service Unavailable: TELL commands are not enabled\r\n", Outcome.AGAIN),
        (b"SPAMD/1.0 75 EX_TEMPFAIL\r\n", Outcome.AGAIN),
        (b"SPAMD/1.0 76 Bad header line: x\r\n", Outcome.REFUSED),
        (b"", Outcome.AGAIN),
        (b"* OK IMAP\r\n", Outcome.AGAIN),
    ],
)
def test_what_spamd_says(server: Server, says: bytes, outcome: Outcome) -> None:
    server.says = says
    assert Teacher(f"spamd://{server.address}").teach(HAM) is outcome


@pytest.mark.parametrize("scheme", ["rspamd", "spamd"])
def test_nobody_is_there(server: Server, scheme: str) -> None:
    server.close()
    assert Teacher(f"{scheme}://127.0.0.1:1").teach(SPAM) is Outcome.AGAIN


def test_what_was_moved_is_taught_while_outbound_runs(tmp_path: Path, server: Server) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/desk.sqlite3", tmp_path / "blobs", limits=Limits(spam_learning=True))
    store.migrate()
    desk.furnish(store)
    alice = desk.actor(store, "alice")
    put(store, alice, "INBOX", mail("one"), mail("two"))
    put(store, alice, "Spam?", mail("three"))
    with store.write(alice) as tx:
        inbox, spam = mailboxes.find(tx, "INBOX"), mailboxes.find(tx, "Spam?")
        moving.move(tx, spam, [1], inbox)
        moving.move(tx, inbox, [1, 2], spam)
    server.says = http("200 OK")
    teach = partial(learning.run, store, Teacher(f"rspamd://{server.address}").teach)
    handing = Looking("spam", teach, 0.05)
    handing.start()
    _until(lambda: learning.waiting(store) == 0)
    handing.close()
    found = sorted((head.split(b" ")[1], body) for head, body in server.heard)
    assert found == [(b"/learnham", mail("three")), (b"/learnspam", mail("one")), (b"/learnspam", mail("two"))]
    store.close()


def _until(done: Callable[[], bool]) -> None:
    until = time.monotonic() + 15
    while not done() and time.monotonic() < until:
        time.sleep(0.05)
