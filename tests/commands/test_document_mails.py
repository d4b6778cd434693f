"""`escritoire document send`, `notify`, `drop --notify`: what they put into the queue (MSG-13, DOC-19, DOC-33, SYS-16)."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any, cast

import pytest
import sqlalchemy as sa

from conf.load import load
from servers.http.start import open_store
from storage import bodies, files, folders
from storage.outbound.tables import messages, recipients
from storage.store import Store
from storage.types import SITE, Actor, SpaceKind
from tests.commands.conftest import Line
from tests.storage import desk, disk


@pytest.fixture
def store(line: Line) -> Iterator[Store]:
    one = open_store(load(line.data / "escritoire.toml"))
    yield one
    one.close()


@pytest.fixture
def alice(store: Store) -> Actor:
    return desk.actor(store, "alice")


@pytest.fixture(autouse=True)
def documents(store: Store, alice: Actor) -> None:
    """alice/a.txt, alice/Ü.bin, groups/IAB/common.txt."""
    with store.write(alice) as tx:
        disk.mkdir(tx, "alice", "Reports")
        disk.put(tx, "alice", "a.txt", b"zebra")
        disk.put(tx, "alice", "Ü.bin", b"\0" * 9)
        disk.put(tx, "IAB", "common.txt", b"for all")


def queued(store: Store) -> list[tuple[EmailMessage, list[str]]]:
    """Every mail in the queue with its recipients, the oldest first."""
    with store.read(SITE) as tx:
        found: list[tuple[EmailMessage, list[str]]] = []
        rows: Any = tx.db.execute(sa.select(messages).order_by(messages.c.id)).all()
        for row in rows:
            mail = email.message_from_bytes(row.body, policy=email.policy.default)
            to = sa.select(recipients.c.address).where(recipients.c.message_id == row.id).order_by(recipients.c.id)
            found.append((cast("EmailMessage", mail), list(tx.db.execute(to).scalars())))
        return found


def test_documents_are_sent(line: Line, store: Store) -> None:
    """MSG-13: several in one mail, hidden recipients stay hidden, a copy is kept (MSG-01, MSG-11)."""
    said = line(
        *("document", "send", "alice/a.txt", "alice/Ü.bin", "--text", "-"),
        *("--to", "Dora <dora@else.example>; bob@example.test", "--bcc", "eve@else.example"),
        stdin="As promised.\n",
    )
    assert said == "on its way to dora@else.example, bob@example.test, eve@else.example\n"
    ((mail, to),) = queued(store)
    assert to == ["dora@else.example", "bob@example.test", "eve@else.example"]
    assert (mail["From"], mail["To"]) == ("Alice <alice@example.test>", "Dora <dora@else.example>, bob@example.test")
    assert (mail["Subject"], mail["Bcc"]) == ("a.txt, Ü.bin", None)
    body = mail.get_body()
    assert body is not None
    assert body.get_content().strip() == "As promised."
    files = [(one.get_filename(), one.get_content_type()) for one in mail.iter_attachments()]
    assert files == [("a.txt", "text/plain"), ("Ü.bin", "application/octet-stream")]
    assert {one["name"]: one["mails"] for one in line.json("mail", "list", "alice")}["Sent Items"] == 1


@pytest.mark.parametrize("kind", ["text/plain more", 'a/"b', "Message/RFC822", "MULTIPART/mixed; boundary=b"])
def test_a_type_that_no_attachment_has(line: Line, store: Store, alice: Actor, kind: str) -> None:
    """RFC 2045 §5.1, §6.4: whatever a program said of the document, the mail is one that everybody can read."""
    with store.write(alice) as tx:
        place = folders.place(tx, SpaceKind.PRIVATE, "alice", "odd")
        files.put(tx, place, bodies.small(b"zebra"), media_type=kind)
    line("document", "send", "alice/odd", "--to", "dora@else.example")
    ((mail, _),) = queued(store)
    (one,) = mail.iter_attachments()
    assert (one.get_content_type(), one.get_content()) == ("application/octet-stream", b"zebra")


def test_what_is_not_sent(line: Line, store: Store) -> None:
    send = ("document", "send", "alice/a.txt")
    assert "who it is for" in line(*send, status=1)
    for mistyped in ("dora", "a b@x.example", "a\nb@x.example", "@x.example"):
        assert "is no address" in line(*send, "--to", mistyped, status=1)
    assert "none of your addresses" in line(*send, "--to", "d@x.example", "--from", "x", status=1)
    assert "none of your addresses" in line(*send, "--to", "d@x.example", "--from", "bob@example.test", status=1)
    assert "a folder" in line("document", "send", "alice/Reports", "--to", "d@x.example", status=1)
    assert "no alice/a.txt" in line(*send, "--to", "d@x.example", "--as", "bob", status=1)
    line("plan", "add", "tight", "--limit", "smtp_messages_per_day=1", "--limit", "smtp_recipients_per_message=1")
    line("plan", "assign", "alice", "tight")
    assert "1 recipients" in line(*send, "--to", "d@x.example,e@x.example", status=1)
    line(*send, "--to", "d@x.example")
    assert "tomorrow" in line(*send, "--to", "d@x.example", status=1)
    line("user", "relay", "alice", "--block")
    assert "may not send" in line(*send, "--to", "d@x.example", status=1)
    assert len(queued(store)) == 1


def test_members_are_told(line: Line, store: Store) -> None:
    """DOC-19: by the creator only, to all others who may read it, in their languages (SYS-16)."""
    line("group", "member", "add", "IAB", "carol")
    line("user", "set", "carol", "--language", "fr")
    assert line("document", "notify", "groups/IAB/common.txt", "--comment", "Please read") == "bob, carol get a mail\n"
    (english, to), (french, _) = queued(store)
    assert (english["To"], to) == ("Bob <bob@example.test>", ["bob@example.test"])
    assert english["Subject"] == "[IAB] New document: common.txt"
    assert "Please read" in english.get_content()
    assert french["Subject"] == "[IAB] Nouveau document : common.txt"
    line("document", "notify", "groups/IAB/common.txt", "--as", "bob", status=1)
    line("document", "notify", "alice/a.txt", status=1)
    line("document", "hide", "groups/IAB/common.txt", "bob")
    assert line("document", "notify", "groups/IAB/common.txt") == "carol get a mail\n"
    line("document", "hide", "groups/IAB/common.txt", "carol")
    line("document", "notify", "groups/IAB/common.txt", status=1)


def test_a_deposit_is_told(line: Line, store: Store) -> None:
    """DOC-33."""
    line("document", "drop", "alice/a.txt", "bob")
    assert queued(store) == []
    line("document", "drop", "alice/a.txt", "bob", "--name", "b.txt", "--notify", "--comment", "Yours")
    ((mail, to),) = queued(store)
    assert (mail["Subject"], to) == ("In your drop box: b.txt", ["bob@example.test"])
    assert "Yours" in mail.get_content()
    assert "shares no group" in line("document", "drop", "alice/a.txt", "carol", status=1)
    line("document", "drop", "alice/a.txt", "bob", "--comment", "Yours", status=2)


def test_the_default_sender(line: Line, store: Store) -> None:
    """ACC-19, MSG-61: a confirmed address of one's own; without a choice, or when it is given up, the main one."""
    work = "alice@work.example"
    choose = ("user", "preference", "alice", "default_sender")
    assert "can be: alice@example.test" in line(*choose, work, status=1)
    line("user", "address", "add", "alice", work, "--confirmed")
    line(*choose, work)
    line("document", "send", "alice/a.txt", "--to", "dora@else.example")
    line("document", "notify", "groups/IAB/common.txt")
    assert [mail["From"] for mail, _ in queued(store)] == [f"Alice <{work}>"] * 2
    told = {one["address"]: (one["main"], one["sender"]) for one in line.json("user", "address", "list", "alice")}
    assert told == {"alice@example.test": (True, False), work: (False, True)}
    line("user", "address", "remove", "alice", work)
    line("document", "send", "alice/a.txt", "--to", "dora@else.example")
    assert queued(store)[-1][0]["From"] == "Alice <alice@example.test>"


def test_notices_go_there(line: Line, store: Store) -> None:
    """ACC-19: the default address is also where one hears of things; who confirmed none hears nothing."""
    line("group", "member", "add", "IAB", "carol")
    line("user", "address", "add", "bob", "bob@work.example", "--confirmed")
    line("user", "preference", "bob", "default_sender", "bob@work.example")
    line("document", "notify", "groups/IAB/common.txt")
    line("document", "drop", "alice/a.txt", "bob", "--notify")
    assert [to for _, to in queued(store)] == [["bob@work.example", "carol@example.test"], ["bob@work.example"]]


def test_addresses_beyond_ascii(line: Line, store: Store) -> None:
    """RFC 6531: they are kept as they are, and only servers that can take them get the mail."""
    line("document", "send", "alice/a.txt", "--to", "Élodie <é@x.example>", "--text", "\udce9", "--subject", "a\nBcc: z@z.example")
    line("user", "address", "add", "bob", "ü@example.test", "--confirmed")
    line("user", "address", "main", "bob", "ü@example.test")
    line("document", "notify", "groups/IAB/common.txt")
    (sent, to), (told, members) = queued(store)
    assert (to, members) == (["é@x.example"], ["ü@example.test"])
    assert (sent["Bcc"], sent["Subject"]) == (None, "a Bcc: z@z.example")
    assert "ü@example.test" in str(told["To"])


def test_a_folder_tells_of_its_documents_by_itself(line: Line) -> None:
    """DOC-19: switched on by the admin, for groups only."""
    said = line("document", "notices", "groups/IAB", "on")
    assert said == "groups/IAB tells of its documents\n"
    assert line("document", "notices", "groups/IAB", "off") == "groups/IAB tells of nothing by itself\n"
    line("document", "notices", "groups/IAB", "on", "--as", "bob", status=1)
    line("document", "notices", "alice", "on", status=1)
    line("document", "notices", "groups/IAB/common.txt", "on", status=1)
