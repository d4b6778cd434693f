"""A desk with alice and bob, emptied for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from auth import passwords
from servers.imap.view import Shared
from storage import accounts
from storage.mail import mailboxes, moving, tables
from storage.store import Store
from storage.types import SITE, Actor
from tests.imap.client import PASSWORD, Client


@pytest.fixture(scope="session")
def whole_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("imap")
    store = Store.open(f"sqlite:///{folder}/desk.sqlite3", folder / "blobs")
    store.migrate()
    hashed = passwords.make_hash(PASSWORD)
    with store.write(SITE) as tx:
        for login in ("alice", "bob"):
            accounts.create(tx, login, hashed, email=f"{login}@example.test")
    yield store
    store.close()


@pytest.fixture
def store(whole_desk: Store) -> Store:
    """The desk without mails, own folders of alice and keywords: tests come in any order."""
    with whole_desk.read(SITE) as tx:
        number = accounts.find(tx, "alice").principal.id
    with whole_desk.write(Actor(number, "alice")) as tx:
        for box in reversed(mailboxes.every(tx)):
            if not box.system:
                mailboxes.delete(tx, box.name)
        for box in mailboxes.every(tx):
            moving.remove_all(tx, box)
        for name in mailboxes.subscribed_names(tx):
            if name not in {box.name for box in mailboxes.every(tx)}:
                mailboxes.subscribe(tx, name, False)
        tx.db.execute(tables.mailboxes.update().values(keywords=""))
    return whole_desk


@pytest.fixture
def connect(store: Store) -> Callable[..., Client]:
    """Make a client; all share what the process knows of mailboxes."""
    shared = Shared()
    return lambda **more: Client(store, shared=shared, **more)


@pytest.fixture
def alice(connect: Callable[..., Client]) -> Client:
    """Logged in, with three mails in her INBOX, which is selected; another client has seen them before."""
    client = connect()
    for number in (1, 2, 3):
        message = f"From: a{number}@x.example\r\nSubject: nr {number}\r\n\r\ntext {number}\r\n"
        assert "APPENDUID" in client(f"APPEND INBOX {{{len(message)}+}}\r\n{message}")
    connect().lines("SELECT INBOX")
    client.lines("SELECT INBOX")
    return client
