"""A desk with alice and bob, on either engine, and phones for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from auth import authenticate, passwords
from servers.activesync import application
from servers.activesync.call import EasSettings
from storage import accounts
from storage.mail import appending, mailboxes
from storage.mail.routing import Site
from storage.store import Store
from storage.types import SITE, Actor
from tests.activesync.phone import Phone
from tests.storage.conftest import Furnish, cluster, furnished, postgresql_url, sqlite_template, url

__all__ = ["cluster", "furnished", "postgresql_url", "sqlite_template", "url"]


@pytest.fixture
def store(url: str, tmp_path: Path, furnished: Callable[[Furnish, Path], None]) -> Iterator[Store]:
    store = Store.open(url, tmp_path / "blobs")
    if store.engines.sqlite:
        furnished(_furnish, tmp_path / "desk.sqlite3")
    else:
        _furnish(store)
    yield store
    store.close()


def _furnish(store: Store) -> None:
    with store.write(SITE) as tx:
        for login in ("alice", "bob"):
            accounts.create(tx, login, _hash(f"{login}-secret"), email=f"{login}@example.test")


_hash = cache(passwords.make_hash)


@pytest.fixture
def connect(store: Store) -> Callable[..., Phone]:
    """Make a phone; every one has a process of its own."""

    def verify(store: Store, login: str, password: str, address: str) -> Actor:
        return authenticate.verify(store, login, password, address=address, protocol="activesync")

    settings = EasSettings(site=Site("desk.example.test", ("example.test",), {}), heartbeat_min_s=1)
    return lambda **more: Phone(application.make(store, settings, verify), **more)


@pytest.fixture
def phone(connect: Callable[..., Phone]) -> Phone:
    return connect()


@pytest.fixture
def alice(store: Store) -> Actor:
    with store.read(SITE) as tx:
        return Actor(accounts.find(tx, "alice").principal.id, "alice")


@pytest.fixture
def deliver(store: Store, alice: Actor) -> Callable[..., int]:
    """Put a mail into a mailbox of alice's; its uid."""

    def put(subject: str, mailbox: str = "INBOX", text: str = "text", more: str = "", internal: float = 0) -> int:
        data = f"From: Bob <bob@example.test>\r\nTo: alice@example.test\r\nSubject: {subject}\r\n{more}\r\n{text}\r\n"
        prepared = appending.prepare(store, data.encode())
        with store.write(alice) as tx:
            box = mailboxes.find(tx, mailbox)
            given = {"internal": internal} if internal else {}
            return appending.append(tx, box, prepared, **given).uid

    return put
