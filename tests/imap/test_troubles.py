"""What a session does while the database is away or its disk is full (SYS-02; RFC 2177, 4954, 5530, 9051)."""

from __future__ import annotations

import base64
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from auth import passwords
from servers.imap.view import Shared
from servers.line.session import Then
from storage import accounts
from storage.store import Store
from storage.types import SITE
from tests.imap.client import PASSWORD, Client
from tests.storage.away import away

MAIL = "From: a@x.example\r\nSubject: x\r\n\r\ntext\r\n"
APPEND = f"APPEND INBOX {{{len(MAIL)}+}}\r\n{MAIL}"
LOGIN = base64.b64encode(f"\0alice\0{PASSWORD}".encode()).decode()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A desk of its own, for it is taken away."""
    store = Store.open(f"sqlite:///{tmp_path}/desk.sqlite3", tmp_path / "blobs")
    store.migrate()
    with store.write(SITE) as tx:
        accounts.create(tx, "alice", passwords.make_hash(PASSWORD), email="alice@example.test")
    yield store
    store.close()


@pytest.mark.parametrize("notify", ["", "NOTIFY SET (SELECTED (MessageNew MessageExpunge)) (PERSONAL (MailboxName))"])
def test_who_waits_goes_on_waiting(store: Store, notify: str) -> None:
    """IMAP-06, RFC 2177: he is looked after again, and hears what came; it was `BYE [SERVERBUG]`."""
    shared = Shared()
    client, other = Client(store, shared=shared), Client(store, shared=shared)
    client("SELECT INBOX")
    if notify:
        assert client.end(notify).startswith("A OK")
    assert client("IDLE") == "+ idling\r\n"
    assert (client.wait is not None, client.wait and client.wait.refresh_s) == (True, 0)
    other(APPEND)
    with away(store):
        assert client.woken() == ""
        assert client.then is Then.GO_ON
        assert client.wait is not None
        assert client.wait.refresh_s > 0
    assert "* 1 EXISTS" in client.woken()
    assert client.wait is not None
    assert client.wait.refresh_s == 0
    with away(store):
        assert client.feed(b"DONE\r\n") == "A OK IDLE done\r\n"


def test_a_login_that_cannot_be_judged(store: Store) -> None:
    """RFC 5530 §3: UNAVAILABLE; what comes next is a command again."""
    client = Client(store, known=False)
    with away(store):
        assert client(f"AUTHENTICATE PLAIN {LOGIN}").startswith("A NO [UNAVAILABLE]")
        assert client("AUTHENTICATE PLAIN") == "+ \r\n"
        assert client.feed(LOGIN.encode() + b"\r\n").startswith("A NO [UNAVAILABLE]")
        assert client(f'LOGIN alice "{PASSWORD}"').startswith("A NO [UNAVAILABLE]")
        assert client("NOOP").startswith("A OK")
    assert client(f"AUTHENTICATE PLAIN {LOGIN}").startswith("A OK")


def test_what_is_there_is_read_on_a_full_disk(store: Store) -> None:
    """RFC 9051 §6.4.5: \\Seen is for the client's convenience; without room for it the mails come all the same."""
    client = Client(store)
    for _ in range(400):
        client(APPEND)
    client("SELECT INBOX")
    with store.write(SITE) as tx:
        pages = tx.db.execute(sa.text("PRAGMA page_count")).scalar_one()
        tx.db.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    ends = [client.end(f"STORE 1:* +FLAGS.SILENT {letter}") for letter in string.ascii_letters]  # what room there is
    assert ends[-1] == "A NO [UNAVAILABLE] the disk is full"
    said = client("FETCH 1:* BODY[TEXT]")
    assert said.count("BODY[TEXT] {6}\r\ntext\r\n)") == 400
    assert said.endswith("A OK FETCH done\r\n")
    assert client.lines("SEARCH SEEN") == ["* SEARCH"]
    with store.write(SITE) as tx:
        tx.db.exec_driver_sql("PRAGMA max_page_count=1000000")
    assert "\\Seen" in client("FETCH 1 BODY[TEXT]")
