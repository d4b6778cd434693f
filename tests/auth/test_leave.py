"""What voids a login voids the sessions that it opened (SYS-04, ACC-01, ACC-11)."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from auth import authenticate, leave, passwords, tokens
from auth.leave import Leave
from auth.throttle import DEFAULT
from storage import accounts, plans, principals
from storage.store import Store, Transaction
from storage.types import SITE, Principal, SpaceKind
from tests.auth.people import PASSWORDS

Change = Callable[[Transaction, Principal], object]


def _revoke(tx: Transaction, who: Principal) -> None:
    made, _ = tokens.make(tx, who, "a lost phone")
    tokens.revoke(tx, who, made.id)


CHANGES: dict[str, Change] = {
    "suspended": accounts.suspend,
    "another password": lambda tx, who: accounts.set_password_hash(tx, who, passwords.make_hash("another one")),
    "an app password revoked": _revoke,
    "removed": accounts.remove,
    "a plan without IMAP": lambda tx, who: plans.assign(tx, who.id, plans.FREE),
}


def opened(store: Store, login: str = "alice") -> Leave:
    secret = PASSWORDS[login]
    actor = authenticate.verify(store, login, secret, address="192.0.2.1", protocol="imap", policy=DEFAULT)
    return Leave(store, actor, "imap")


@pytest.mark.parametrize("name", CHANGES)
def test_what_ends_a_session(store: Store, name: str) -> None:
    """In the middle of it, and of a session that memory let in."""
    sessions = [opened(store), opened(store), opened(store, "bob")]
    assert all(one.stands() for one in sessions[1:])
    with store.write(SITE) as tx:
        CHANGES[name](tx, principals.find(tx, SpaceKind.PRIVATE, "alice"))
    time.sleep(leave.EVERY_S)
    assert [one.stands() for one in sessions] == [False, False, True]
    assert not sessions[0].stands()


def test_it_stays_ended(store: Store) -> None:
    """A suspension that is over lets nobody go on without a login."""
    session = opened(store)
    with store.write(SITE) as tx:
        accounts.suspend(tx, principals.find(tx, SpaceKind.PRIVATE, "alice"))
        accounts.resume(tx, principals.find(tx, SpaceKind.PRIVATE, "alice"))
    assert not session.stands()
    assert opened(store).stands()


def test_a_gate_that_closes(store: Store) -> None:
    """ACC-11, of a plan itself: it is "effective at once"; another gate's end is nothing to a session."""
    session = opened(store)
    with store.write(SITE) as tx:
        plans.change(tx, plans.FULL, close_gates=["pop3"])
    assert session.stands()
    with store.write(SITE) as tx:
        plans.change(tx, plans.FULL, close_gates=["imap"])
    time.sleep(leave.EVERY_S)
    assert not session.stands()
