"""Logins: aliases, app passwords, refusals that tell nothing, memory that a change voids (SYS-04, SYS-05)."""

from __future__ import annotations

import pytest
from passlib.hash import argon2

from auth import authenticate, passwords, tokens
from auth.errors import BadCredentials, BadPassword, Throttled, TlsRequired
from auth.throttle import Policy
from storage import accounts, addresses, principals
from storage.errors import Denied, NotFound
from storage.store import Store
from storage.types import SITE, Actor, Principal, SpaceKind
from tests.auth.people import PASSWORDS
from tests.storage.full_disk import no_room

HERE = "192.0.2.1"


def login(store: Store, name: str, password: str, *, address: str = HERE, protocol: str = "caldav") -> Actor:
    return authenticate.verify(store, name, password, address=address, protocol=protocol)


def recalled(store: Store, name: str, password: str, *, address: str = HERE, protocol: str = "caldav") -> str:
    """The login that this process remembers for these credentials, or ""."""
    with store.read(SITE) as tx:
        actor = authenticate.verify_in(tx, name, password, address=address, protocol=protocol)
    return actor.login if actor else ""


def principal(store: Store, name: str) -> Principal:
    with store.read(SITE) as tx:
        return principals.find(tx, SpaceKind.PRIVATE, name)


def test_login_and_main_address_lead_to_the_same_actor(store: Store) -> None:
    """SYS-04, ACC-01."""
    alice = login(store, "alice", PASSWORDS["alice"])
    assert alice.login == "alice"
    assert login(store, "ALICE", PASSWORDS["alice"]) == alice
    assert login(store, "Alice@example.test", PASSWORDS["alice"]) == alice


REFUSED = [
    ("alice", "wrong"),
    ("alice", ""),
    ("alice", "x" * 5000),
    ("alice", "\ud800"),
    ("nobody", "wrong"),
    ("nobody@example.test", "wrong"),
    ("", ""),
    ("a\0b", "x"),
    ("IAB", "x"),
]


def test_every_refusal_looks_alike(store: Store) -> None:
    for number, (name, password) in enumerate(REFUSED):
        with pytest.raises(BadCredentials) as caught:
            login(store, name, password, address=f"192.0.2.{number}")
        assert str(caught.value) == "login or password is wrong"
        assert caught.value.__cause__ is None


def test_a_suspended_account_looks_like_a_wrong_password(store: Store) -> None:
    login(store, "alice", PASSWORDS["alice"])
    with store.write(SITE) as tx:
        accounts.suspend(tx, principals.find(tx, SpaceKind.PRIVATE, "alice"))
    assert recalled(store, "alice", PASSWORDS["alice"]) == ""
    with pytest.raises(BadCredentials):
        login(store, "alice", PASSWORDS["alice"])
    with store.write(SITE) as tx:
        accounts.resume(tx, principals.find(tx, SpaceKind.PRIVATE, "alice"))
    login(store, "alice", PASSWORDS["alice"])


def test_a_verification_is_remembered_for_exactly_these_credentials(store: Store) -> None:
    assert recalled(store, "alice", PASSWORDS["alice"]) == ""
    login(store, "alice", PASSWORDS["alice"])
    assert recalled(store, "alice", PASSWORDS["alice"]) == "alice"
    assert recalled(store, "alice", PASSWORDS["alice"] + " ") == ""
    assert recalled(store, "bob", PASSWORDS["alice"]) == ""
    assert recalled(store, "alice", PASSWORDS["alice"], protocol="imap") == ""
    assert recalled(store, "alice", PASSWORDS["alice"], address="192.0.2.9") == ""


def test_nothing_is_remembered_where_the_settings_say_so(store: Store) -> None:
    policy = Policy(verified_s=0)
    authenticate.verify(store, "bob", PASSWORDS["bob"], address=HERE, protocol="caldav", policy=policy)
    assert recalled(store, "bob", PASSWORDS["bob"]) == ""


def test_a_change_of_the_password_voids_the_memory_at_once(store: Store) -> None:
    login(store, "alice", PASSWORDS["alice"])
    fresh = passwords.make_hash("other")
    with store.write(SITE) as tx:
        accounts.set_password_hash(tx, principals.find(tx, SpaceKind.PRIVATE, "alice"), fresh)
    with pytest.raises(BadCredentials):
        login(store, "alice", PASSWORDS["alice"])
    assert login(store, "alice", "other").login == "alice"
    with store.write(SITE) as tx:
        accounts.remove(tx, principals.find(tx, SpaceKind.PRIVATE, "alice"))
    with pytest.raises(BadCredentials):
        login(store, "alice", "other")


def test_an_address_that_is_the_main_one_no_longer_is_no_alias(store: Store) -> None:
    login(store, "alice@example.test", PASSWORDS["alice"])
    with store.write(SITE) as tx:
        alice = principals.find(tx, SpaceKind.PRIVATE, "alice")
        addresses.add(tx, alice, "a@example.test")
        addresses.confirm(tx, alice, "a@example.test")
        addresses.set_main(tx, alice, "a@example.test")
    with pytest.raises(BadCredentials):
        login(store, "alice@example.test", PASSWORDS["alice"])
    login(store, "a@example.test", PASSWORDS["alice"])


def test_an_old_hash_is_renewed_by_a_login(store: Store) -> None:
    weak = argon2.using(time_cost=1, memory_cost=8192, parallelism=1).hash("weak")
    with store.write(SITE) as tx:
        accounts.set_password_hash(tx, principals.find(tx, SpaceKind.PRIVATE, "bob"), weak)
    login(store, "bob", "weak")
    with store.read(SITE) as tx:
        held = accounts.credentials(tx, "bob")
    assert held is not None
    assert not passwords.needs_renewal(held.password_hash)
    assert recalled(store, "bob", "weak") == "bob"  # the renewal voids nothing


def test_app_passwords_are_for_their_protocols(store: Store) -> None:
    """SYS-04: one per device, limitable to protocols, individually revocable."""
    alice = principal(store, "alice")
    with store.write(Actor(alice.id, "alice")) as tx:
        phone, secret = tokens.make(tx, alice, "phone", ["caldav", "carddav"])
        _, everywhere = tokens.make(tx, alice, "laptop")
    assert login(store, "alice", secret).login == "alice"
    assert login(store, "alice@example.test", secret.replace("-", " ").upper()).login == "alice"
    with pytest.raises(BadCredentials):
        login(store, "alice", secret, protocol="imap")
    with pytest.raises(BadCredentials):
        login(store, "bob", secret)
    assert login(store, "alice", everywhere, protocol="imap").login == "alice"
    with store.write(Actor(alice.id, "alice")) as tx:
        listed = tokens.listing(tx, alice)
        assert [(one.name, one.protocols, one.last_used is not None) for one in listed] == [
            ("phone", ("caldav", "carddav"), True),
            ("laptop", (), True),
        ]
        tokens.revoke(tx, alice, phone.id)
        with pytest.raises(NotFound):
            tokens.revoke(tx, alice, phone.id)
    assert recalled(store, "alice", secret) == ""
    with pytest.raises(BadCredentials):
        login(store, "alice", secret)
    login(store, "alice", everywhere)
    login(store, "alice", PASSWORDS["alice"])


def test_app_passwords_are_ones_own(store: Store) -> None:
    alice, bob = principal(store, "alice"), principal(store, "bob")
    with store.write(Actor(bob.id, "bob")) as tx:
        with pytest.raises(NotFound):  # no common group: he may not even know of her
            tokens.make(tx, alice, "phone")
        with pytest.raises(BadPassword):
            tokens.make(tx, bob, " ")
        with pytest.raises(BadPassword):
            tokens.make(tx, bob, "phone", ["telnet"])
    with store.write(SITE) as tx:
        made, _ = tokens.make(tx, alice, "phone")
        with pytest.raises(NotFound):
            tokens.revoke(tx, bob, made.id)
    with store.read(Actor(bob.id, "bob")) as tx, pytest.raises((Denied, NotFound)):
        tokens.listing(tx, alice)


@pytest.mark.parametrize(
    ("encrypted", "address", "passes"),
    [
        (True, "192.0.2.1", True),
        (False, "127.0.0.1", True),
        (False, "127.8.8.8", True),
        (False, "::1", True),
        (False, "::ffff:127.0.0.1", True),
        (False, "", True),
        (False, "192.0.2.1", False),
        (False, "::ffff:192.0.2.1", False),
        (False, "fe80::1%eth0", False),
        (False, "10.0.0.1", False),
        (False, "nonsense", False),
    ],
)
def test_no_password_over_a_readable_connection(encrypted: bool, address: str, passes: bool) -> None:
    """SYS-05: except on loopback."""
    if passes:
        authenticate.demand_confidential(encrypted=encrypted, address=address)
    else:
        with pytest.raises(TlsRequired):
            authenticate.demand_confidential(encrypted=encrypted, address=address)


def test_a_throttled_guesser_cannot_use_the_memory(store: Store) -> None:
    """A right guess among wrong ones is refused like them while the address must wait."""
    login(store, "alice", PASSWORDS["alice"])
    policy = Policy(account_failures=100, address_failures=3)
    for _ in range(3):
        with pytest.raises(BadCredentials):
            authenticate.verify(store, "bob", "wrong", address=HERE, protocol="caldav", policy=policy)
    with pytest.raises(Throttled):
        login(store, "alice", PASSWORDS["alice"])
    assert login(store, "alice", PASSWORDS["alice"], address="192.0.2.2").login == "alice"


def test_a_full_disk_keeps_nobody_out(store: Store) -> None:
    """SYS-02, SYS-04: that an app password was used, or that failures are forgiven, need not be noted at any price."""
    alice = principal(store, "alice")
    with store.write(SITE) as tx:
        _, secret = tokens.make(tx, alice, "phone")
    with pytest.raises(BadCredentials):
        login(store, "alice", "wrong")
    with no_room(0):
        assert login(store, "alice", secret).login == "alice"
        assert login(store, "alice", PASSWORDS["alice"]).login == "alice"
    assert login(store, "alice", secret, protocol="imap").login == "alice"
