"""Who is remembered is confirmed in the request's own transaction; whoever is not is told nothing (SYS-04, SYS-17)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from auth import authenticate, passwords
from servers.dav import application
from servers.dav.settings import DavSettings
from servers.webdav.app import PROTOCOL
from storage import accounts, principals
from storage.store import Store
from storage.types import SITE, Actor, SpaceKind
from tests.dav.desk import Client

pytestmark = pytest.mark.slow

FILE = "/docs/alice/private/a.txt"


def _set(store: Store, password: str) -> None:
    hashed = passwords.make_hash(password)
    with store.write(SITE) as tx:
        accounts.set_password_hash(tx, principals.find(tx, SpaceKind.PRIVATE, "alice"), hashed)


@pytest.fixture
def app(store: Store) -> Callable[..., Iterable[bytes]]:
    """The disk's process with the real verification."""
    authenticate.forget_all()
    _set(store, "first password")
    return application.make(store, PROTOCOL, DavSettings())


def test_a_changed_password_counts_at_the_next_request(store: Store, app: Callable[..., Iterable[bytes]]) -> None:
    """With a transaction or without, by methods and addresses that there are and that there are not."""
    alice = Client(app, "alice", "first password")
    assert alice.request("PUT", FILE, "one").status == 201
    assert alice.request("GET", FILE).status == 200
    for method, path in (
        *(("PUT", FILE), ("GET", FILE), ("OPTIONS", FILE), ("NONSENSE", FILE), ("DELETE", FILE), ("PROPFIND", "/docs/")),
        *(("GET", "/elsewhere"), ("POST", FILE), ("COPY", FILE), ("MKCOL", "/docs/alice/private/b")),
    ):
        _set(store, "first password")
        Client(app, "alice", "first password").request("GET", FILE)  # remembered
        _set(store, "second password")
        assert alice.request(method, path, "two").status == 401, (method, path)
    again = Client(app, "alice", "second password")
    assert again.request("GET", FILE).body == b"one"


def test_who_is_verified_anew_amid_a_request_is_served(store: Store, app: Callable[..., Iterable[bytes]]) -> None:
    """The memory is void, the password still right: the body that was read before is not lost."""
    alice = Client(app, "alice", "first password")
    assert alice.request("PUT", FILE, "one").status == 201
    _set(store, "first password")
    assert alice.request("PUT", FILE, "two").status == 204
    _set(store, "first password")
    assert alice.request("GET", FILE).body == b"two"


def test_a_suspended_account_is_refused_at_once(store: Store, app: Callable[..., Iterable[bytes]]) -> None:
    """SYS-04."""
    alice = Client(app, "alice", "first password")
    assert alice.request("PUT", FILE, "one").status == 201
    with store.write(SITE) as tx:
        accounts.suspend(tx, principals.find(tx, SpaceKind.PRIVATE, "alice"))
    for method in ("GET", "PUT", "OPTIONS", "NONSENSE"):
        assert alice.request(method, FILE, "two").status == 401


def test_another_account_of_the_same_login_is_not_the_former(
    store: Store, app: Callable[..., Iterable[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was remembered of a login never acts in the name of who has it now: he is asked to try again."""
    alice = Client(app, "alice", "first password")
    assert alice.request("PUT", FILE, "one").status == 201
    _set(store, "first password")
    verify = authenticate.verify
    with store.read(SITE) as tx:
        bob = principals.find(tx, SpaceKind.PRIVATE, "bob")
    monkeypatch.setattr(authenticate, "verify", lambda *_, **__: Actor(bob.id, bob.name))
    assert alice.request("PUT", FILE, "two").status == 503
    monkeypatch.setattr(authenticate, "verify", verify)
    assert alice.request("GET", FILE).body == b"one"
