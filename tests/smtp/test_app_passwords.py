"""App passwords at the submission door: one that is made for it, and one that is not (SYS-04)."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from auth import tokens
from conf.settings import Settings
from servers.line.session import Peer, Reply
from servers.smtp import app
from storage import accounts
from storage.plans import change
from storage.store import Store
from storage.types import SITE


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
