"""Throttling: per account and address, shared by all processes, growing, never locking for ever (SYS-17)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from auth import authenticate, throttle
from auth.errors import BadCredentials, Throttled
from auth.throttle import Policy
from storage import accounts, credentials, principals
from storage.credentials import Failures
from storage.store import Store
from storage.types import SITE, SpaceKind
from tests.auth.people import PASSWORDS

POLICY = Policy(account_failures=3, address_failures=5, window_s=100.0)
ACCOUNT, ADDRESS = "login:alice", "address:192.0.2.1"


def fail(store: Store, name: str = "alice", address: str = "192.0.2.1") -> None:
    with pytest.raises(BadCredentials):
        authenticate.verify(store, name, "wrong", address=address, protocol="caldav", policy=POLICY)


def attempt(store: Store, name: str = "alice", address: str = "192.0.2.1") -> str:
    password = PASSWORDS.get(name, "wrong")
    return authenticate.verify(store, name, password, address=address, protocol="caldav", policy=POLICY).login


def counted(store: Store) -> dict[str, Failures]:
    with store.read(SITE) as tx:
        return credentials.failures(tx, [ACCOUNT, ADDRESS, "login:nobody"])


def wait_over(store: Store) -> None:
    """Let time pass: every wait is moved into the past."""
    with store.write(SITE) as tx:
        held = credentials.failures(tx, [ACCOUNT, ADDRESS])
        credentials.put_failures(tx, {key: row._replace(until=tx.now - 1) for key, row in held.items()})


@pytest.fixture
def other(store: Store, url: str, tmp_path: Path) -> Iterator[Store]:
    """Another process, as far as the store can tell."""
    opened = Store.open(url, tmp_path / "blobs")
    yield opened
    opened.close()


def test_the_first_failures_are_free_then_the_account_waits(store: Store, other: Store) -> None:
    for _ in range(3):
        fail(store)
    with pytest.raises(Throttled) as caught:
        attempt(store, address="192.0.2.77")
    assert 1 <= caught.value.retry_after_s <= 2
    with pytest.raises(Throttled):  # in every process
        attempt(other, address="192.0.2.78")
    assert attempt(store, "bob") == "bob"  # others do not wait


def test_an_unknown_login_waits_alike(store: Store) -> None:
    for _ in range(3):
        fail(store, "nobody")
    with pytest.raises(Throttled):
        attempt(store, "nobody")


def test_the_alias_is_the_same_account(store: Store) -> None:
    for name in ("alice", "ALICE", "alice@example.test"):
        fail(store, name)
    assert counted(store)[ACCOUNT].number == 3


def test_attempts_during_the_wait_are_neither_tried_nor_counted(store: Store) -> None:
    for _ in range(3):
        fail(store)
    for _ in range(5):
        with pytest.raises(Throttled):
            attempt(store)
    assert counted(store)[ACCOUNT].number == 3
    wait_over(store)
    assert attempt(store) == "alice"


def test_each_further_failure_doubles_the_wait(store: Store) -> None:
    for wait in (0, 0, 2, 4, 8, 16, 32, 64, 100):  # never longer than the window
        begun = time.time()
        fail(store)
        ended = time.time()
        with store.read(SITE) as tx:
            until = credentials.failures(tx, [ACCOUNT])[ACCOUNT].until
        assert until - ended <= wait <= until - begun  # it counts from when it was noted, however long that took
        wait_over(store)
        with store.write(SITE) as tx:
            credentials.forget_failures(tx, [ADDRESS])


def test_success_resets_the_account_and_not_the_address(store: Store) -> None:
    fail(store)
    fail(store)
    assert attempt(store) == "alice"
    held = counted(store)
    assert ACCOUNT not in held
    assert held[ADDRESS].number == 2


def test_an_address_waits_whatever_the_login(store: Store) -> None:
    for number in range(5):
        fail(store, f"guess{number}")
    with pytest.raises(Throttled):
        attempt(store, "bob")
    assert attempt(store, "bob", address="192.0.2.2") == "bob"


def test_the_owner_is_not_locked_out_where_he_works(store: Store) -> None:
    """A guesser elsewhere makes the account wait everywhere but there."""
    assert attempt(store, address="198.51.100.1") == "alice"
    for _ in range(3):
        fail(store)
    with store.write(SITE) as tx:  # so that this process has to verify anew
        accounts.void_verifications(tx, principals.find(tx, SpaceKind.PRIVATE, "alice").id)
    with pytest.raises(Throttled):
        attempt(store, address="198.51.100.2")
    assert attempt(store, address="198.51.100.1") == "alice"


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", ""])
def test_loopback_is_nobodys_place(store: Store, address: str) -> None:
    """Behind a proxy that passes no address on, a guesser is where the owner is, and not counted by his address."""
    assert attempt(store, address=address) == "alice"
    for _ in range(3):
        fail(store, address=address)
    with pytest.raises(Throttled):
        fail(store, address=address)
    assert attempt(store, address=address) == "alice"  # what this process remembers is not judged again


def test_failures_are_forgotten_after_the_window(store: Store) -> None:
    with store.write(SITE) as tx:
        old = Failures(99, tx.now - 1000, tx.now - 500)
        credentials.put_failures(tx, {ACCOUNT: old, "login:gone": old})
    fail(store)
    assert counted(store)[ACCOUNT].number == 1
    with store.read(SITE) as tx:
        assert credentials.failures(tx, ["login:gone"]) == {}


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.1", "address:192.0.2.1"),
        ("::ffff:192.0.2.1", "address:192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "address:2001:db8:1:2::/64"),
        ("fe80::1%eth0", "address:fe80::/64"),
        ("127.0.0.1", ""),
        ("::1", ""),
        ("::ffff:127.0.0.1", ""),
        ("", ""),
        ("nonsense", ""),
    ],
)
def test_keys_of_addresses(address: str, key: str) -> None:
    assert throttle.address_key(address) == key


def test_loopback_is_counted_per_account_only(store: Store) -> None:
    for number in range(8):
        fail(store, f"guess{number}", address="127.0.0.1")
    assert attempt(store, address="127.0.0.1") == "alice"
