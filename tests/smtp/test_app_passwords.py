"""App passwords at the submission door: one that is made for it, and one that is not (SYS-04)."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from auth import passwords, tokens
from conf.settings import Settings
from servers.line.session import Peer, Reply
from servers.smtp import app
from storage import accounts
from storage.plans import change
from storage.store import Store
from storage.types import SITE
from tests.smtp.conftest import PASSWORD, Client
from tests.storage.away import away


def said(store: Store, secret: str) -> bytes:
    """What the process itself, made of a desk's settings, answers to a login."""
    session = app.make(Settings(domain="example.test"), store)(Peer("127.0.0.1", 1, True, True, "submissions", False))
    answers: list[bytes] = []
    pair = base64.b64encode(f"\0alice\0{secret}".encode())
    for line in (b"EHLO client.example", b"AUTH PLAIN " + pair):
        unit = session.cut(bytearray(line + b"\r\n"))
        assert isinstance(unit, bytes)
        reply: Reply = session.run(unit)
        answers.append(b"".join(reply.data))
    return answers[-1]


@pytest.fixture
def shut(store: Store) -> Iterator[None]:
    """Alice's plan sends no mail, as long as the test lasts."""
    with store.write(SITE) as tx:
        change(tx, "full", close_gates=["smtp"])
    yield
    with store.write(SITE) as tx:
        change(tx, "full", open_gates=["smtp"])


@pytest.mark.parametrize(
    ("protocols", "code"), [(("submission",), b"235"), (("imap", "submission"), b"235"), ((), b"235"), (("imap",), b"535")]
)
def test_it_is_asked_what_it_is_for(store: Store, protocols: tuple[str, ...], code: bytes) -> None:
    with store.write(SITE) as tx:
        _, secret = tokens.make(tx, accounts.find(tx, "alice").principal, "phone", protocols)
    assert said(store, secret).startswith(code)


@pytest.mark.usefixtures("shut")
def test_the_gate_is_the_relays(store: Store) -> None:
    """ACC-11: `smtp`, as the plan calls it; 535 5.7.0 (SPEC 0.4)."""
    with store.write(SITE) as tx:
        _, secret = tokens.make(tx, accounts.find(tx, "alice").principal, "phone", ["submission"])
    assert said(store, secret).startswith(b"535 5.7.0 this account's plan does not include SMTP")


def test_a_login_while_the_database_is_away(tmp_path: Path) -> None:
    """RFC 4954 §6: 454 4.7.0, and what comes next is a command again."""
    store = Store.open(f"sqlite:///{tmp_path}/desk.sqlite3", tmp_path / "blobs")
    store.migrate()
    with store.write(SITE) as tx:
        accounts.create(tx, "alice", passwords.make_hash(PASSWORD), email="alice@example.test")
    client = Client(store, "submission", tls=True).hello()
    login = base64.b64encode(f"\0alice\0{PASSWORD}".encode())
    with away(store):
        assert client.code(b"AUTH PLAIN " + login) == "454 4.7.0"
        assert client.code("AUTH PLAIN", login) == "454 4.7.0"
        assert client.code("NOOP") == "250 2.0.0"
    client.login()
    assert client.code("MAIL FROM:<alice@example.test>") == "250 2.1.0"
    client.session.closed()
    store.close()
