"""A feed for each mailbox (MSG-68): its owner's alone, as text, without what is flagged as deleted (IMAP-03)."""

from __future__ import annotations

from storage.mail import appending, flagging, mailboxes
from storage.store import Store
from storage.types import Actor, PrincipalId
from tests.dav.desk import Client
from tests.feeds import desk

FEED = "/feeds/{}/private/mail/{}.rss"
HTML = (
    b"From: =?utf-8?q?J=C3=B6rg?= <j@x.example>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <1@x>\r\n"
    b"Content-Type: text/html; charset=utf-8\r\n\r\n<p>Hello<script>alert(1)</script> <b>you</b>\x01</p>\r\n"
)
PLAIN = b"From: b@x.example\r\nSubject: two\r\n\r\nwords\r\n"


def put(store: Store, name: str, *mails: bytes) -> None:
    from storage import principals
    from storage.types import SITE, SpaceKind

    with store.read(SITE) as tx:
        who = principals.find(tx, SpaceKind.PRIVATE, "alice")
    actor = Actor(PrincipalId(who.id), "alice")
    with store.write(actor) as tx:
        if name != "INBOX":
            mailboxes.create(tx, name)
        box = mailboxes.find(tx, name)
        for number, data in enumerate(mails):
            appending.append(tx, box, appending.prepare(store, data), internal=1_000_000_000 + number)
        if name == "INBOX":
            appending.append(tx, box, appending.prepare(store, b"Subject: gone\r\n\r\n"), flags="\\Deleted")
            flagging.set_flags(tx, mailboxes.find(tx, name), [2], "add", "\\Seen")


def test_the_newest_mails(store: Store, alice: Client, bob: Client) -> None:
    put(store, "INBOX", HTML, PLAIN)
    put(store, "Work/2026 & more", PLAIN)
    answer = alice.request("GET", FEED.format("alice", "INBOX"))
    found = desk.read(answer)
    assert [one.title for one in found.entries] == ["two", "● Grüße"]
    assert "script" not in str(found.entries[1])
    assert "alert" not in str(found.entries[1])
    assert "Hello" in found.entries[1].summary
    assert "Jörg" in found.entries[1].author
    etag = answer.headers["etag"]
    assert alice.request("GET", FEED.format("alice", "INBOX"), if_none_match=etag).status == 304
    assert desk.titles(alice.request("GET", FEED.format("alice", "Work/2026%20&%20more"))) == ["● two"]
    assert alice.request("GET", FEED.format("alice", "inbox").replace(".rss", ".atom")).status == 200
    assert alice.request("GET", FEED.format("alice", "None")).status == 404
    assert bob.request("GET", FEED.format("alice", "INBOX")).status == 404


def test_a_mailbox_made_anew(store: Store, alice: Client) -> None:
    """RFC 9110 §8.8.1: its mails have the numbers of those that lay under the same name before."""
    path = FEED.format("alice", "Work")
    put(store, "Work", PLAIN)
    etag = alice.request("GET", path).headers["etag"]
    with store.write(desk.actor(store, "alice")) as tx:
        mailboxes.delete(tx, "Work")
    put(store, "Work", HTML)
    answer = alice.request("GET", path, if_none_match=etag)
    assert answer.status == 200
    assert desk.titles(answer) == ["● Grüße"]


def test_how_many_there_are(store: Store, alice: Client) -> None:
    """RFC 9110 §8.8.1: the feed tells it, of mails too that are too old to be in it."""
    put(store, "Work", *[PLAIN] * 31)
    etag = alice.request("GET", FEED.format("alice", "Work")).headers["etag"]
    with store.write(desk.actor(store, "alice")) as tx:
        flagging.set_flags(tx, mailboxes.find(tx, "Work"), [1], "add", "\\Seen")
    answer = alice.request("GET", FEED.format("alice", "Work"), if_none_match=etag)
    assert "30 unread of 31" in answer.text
