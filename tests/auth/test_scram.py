"""SCRAM-SHA-256 against a client of the test's own, by RFC 5802 §3 and RFC 7677 §3's example."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auth import authenticate, passwords, scram_keys
from auth.errors import AuthError, BadCredentials, Throttled
from auth.sasl import mechanisms
from auth.sasl.context import Context, Malformed
from auth.sasl.scram import Scram
from auth.throttle import DEFAULT
from storage import accounts
from storage.store import Store
from storage.types import SITE, Actor

PASSWORD = "pencil ünd"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path}/desk.sqlite3", tmp_path / "blobs")
    opened.migrate()
    with opened.write(SITE) as tx:
        accounts.create(tx, "alice", passwords.make_hash(PASSWORD), email="alice@example.test")
    yield opened
    opened.close()


def context(store: Store, address: str = "127.0.0.1") -> Context:
    return Context(store, "imap", address, True, DEFAULT)


def client(exchange: Scram, user: str, password: str, *, header: str = "n,,") -> Actor:
    """A whole exchange as a client does it; checks the server's proof."""
    first = f"n={user},r=fyko+d2lbbFgONRv9qkxdawL"
    challenge = exchange.step(f"{header}{first}".encode())
    assert isinstance(challenge, bytes)
    parts = dict(part.split("=", 1) for part in challenge.decode().split(","))
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(parts["s"]), int(parts["i"]))
    final = f"c={base64.b64encode(header.encode()).decode()},r={parts['r']}"
    message = f"{first},{challenge.decode()},{final}".encode()
    key = hmac.digest(salted, b"Client Key", "sha256")
    signature = hmac.digest(hashlib.sha256(key).digest(), message, "sha256")
    proof = bytes(one ^ other for one, other in zip(key, signature, strict=True))
    verdict = exchange.step(f"{final},p={base64.b64encode(proof).decode()}".encode())
    expected = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), message, "sha256")
    assert verdict == b"v=" + base64.b64encode(expected)
    actor = exchange.step(b"")
    assert isinstance(actor, Actor)
    return actor


def test_the_example_of_the_standard() -> None:
    """RFC 7677 §3."""
    keys = scram_keys.derive("pencil", base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096)
    message = (
        "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,"
        "i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    )
    signature = base64.b64encode(hmac.digest(keys.server, message.encode(), "sha256"))
    assert signature == b"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def test_a_login(store: Store) -> None:
    assert "SCRAM-SHA-256" in mechanisms.offered(context(store))
    assert client(Scram(context(store)), "alice", PASSWORD).login == "alice"
    assert client(Scram(context(store)), "alice@example.test", PASSWORD, header="y,a=alice,").login == "alice"


def test_refusals(store: Store) -> None:
    """A wrong password and an unknown login are alike, salt and all; guesses are counted (SYS-17)."""
    with pytest.raises(BadCredentials):
        client(Scram(context(store)), "alice", "wrong")
    with pytest.raises(BadCredentials):
        client(Scram(context(store)), "nobody", "wrong")
    with pytest.raises(BadCredentials):
        client(Scram(context(store)), "alice", PASSWORD, header="n,a=bob,")
    first, second = (Scram(context(store)).step(b"n,,n=nobody,r=abc") for _ in range(2))
    assert isinstance(first, bytes)
    assert isinstance(second, bytes)
    assert first.split(b",")[1:] == second.split(b",")[1:]
    refused = 0
    for _ in range(30):
        try:
            client(Scram(context(store)), "alice", "wrong")
        except BadCredentials:
            refused += 1
        except Throttled:
            break
    assert 0 < refused < 30


def test_the_owner_is_not_locked_out_where_he_works(store: Store) -> None:
    """SYS-17: a guesser elsewhere makes the account wait everywhere but where its owner logged in, by SCRAM too."""
    authenticate.forget_all()
    assert client(Scram(context(store, "198.51.100.1")), "alice", PASSWORD).login == "alice"
    for _ in range(DEFAULT.account_failures):
        with pytest.raises(BadCredentials):
            client(Scram(context(store, "203.0.113.9")), "alice", "wrong")
    for address in ("203.0.113.9", "198.51.100.2"):
        with pytest.raises(Throttled):
            client(Scram(context(store, address)), "alice", PASSWORD)
    assert client(Scram(context(store, "198.51.100.1")), "alice", PASSWORD).login == "alice"


def test_a_change_of_the_password(store: Store) -> None:
    """Between the first message and the last; and old hashes get their keys at the next login."""
    with store.write(SITE) as tx:
        who = accounts.find(tx, "alice").principal
        accounts.set_password_hash(tx, who, passwords.make_hash(PASSWORD).partition(" ")[0])
    with pytest.raises(BadCredentials):
        client(Scram(context(store)), "alice", PASSWORD)
    assert context(store).login("alice", PASSWORD).login == "alice"
    assert client(Scram(context(store)), "alice", PASSWORD).login == "alice"


@given(
    st.lists(
        st.binary(max_size=60) | st.sampled_from([b"n,,n=alice,r=abc", b"c=biws,r=abc,p=AAAA", b"p=x,,n=a,r=b"]),
        max_size=4,
    )
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_messages(store: Store, messages: list[bytes]) -> None:
    exchange = Scram(context(store))
    for message in messages:
        try:
            exchange.step(message)
        except (Malformed, AuthError):
            return
