"""The letter about an address leads to a page whose button confirms it, once (ACC-02)."""

from __future__ import annotations

import email
from email.policy import default

import pytest

from storage import address_mail, addresses, principals
from storage.outbound import administration, queue
from storage.store import Store
from storage.types import SITE, SpaceKind
from tests.dav.desk import Client

BASE = "/feeds/address/"


@pytest.fixture
def path(store: Store) -> str:
    """Where the link in the letter leads."""
    with store.write(SITE) as tx:
        alice = principals.find(tx, SpaceKind.PRIVATE, "alice")
        claim = addresses.add(tx, alice, "also-alice@x.test")
        address_mail.send(tx, alice, claim, link_base=f"https://desk.test{BASE}", domain="desk.test")
    return BASE + claim.token


def confirmed(store: Store) -> bool:
    with store.read(SITE) as tx:
        held = addresses.listing(tx, principals.find(tx, SpaceKind.PRIVATE, "alice"))
    return {one.address: one.confirmed for one in held}["also-alice@x.test"]


def test_the_letter_holds_the_link(store: Store, path: str) -> None:
    """From the desk's postmaster, to the address alone, and nobody hears of it if it cannot be delivered."""
    with store.read(SITE) as tx:
        (waiting,) = administration.every(tx)
        letter = email.message_from_bytes(queue.body(tx, waiting.id), policy=default)  # type: ignore[arg-type]
    assert waiting.sender == ""
    assert [one.address for one in waiting.recipients] == ["also-alice@x.test"]
    assert letter["From"] == "Escritoire <postmaster@desk.test>"
    assert f"https://desk.test{path}" in letter.get_content()


def test_looking_changes_nothing_and_the_button_confirms_once(store: Store, anybody: Client, path: str) -> None:
    for method in ("GET", "HEAD", "GET"):
        shown = anybody.request(method, path)
        assert shown.status == 200
    for word in ("also-alice@x.test", "alice", "<button>"):
        assert word in shown.text
    assert shown.headers["cache-control"] == "no-store"
    assert "form-action 'self'" in shown.headers["content-security-policy"]
    assert not confirmed(store)
    assert anybody.request("POST", path).status == 200
    assert confirmed(store)
    assert anybody.request("GET", path).status == 404
    assert anybody.request("POST", path).status == 404


def test_a_link_that_is_none(store: Store, anybody: Client, path: str) -> None:
    """Another signature, another number, another time: all alike; other methods are refused."""
    number, expires, signature = path.removeprefix(BASE).split(".")
    for wrong in (
        f"{number}.{expires}.{'0' * 64}",
        f"9{number}.{expires}.{signature}",
        f"{number}.{int(expires) + 1}.{signature}",
    ):
        assert anybody.request("POST", BASE + wrong).status == 404
    assert anybody.request("DELETE", path).status == 405
    assert not confirmed(store)
