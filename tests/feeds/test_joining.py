"""The page behind the link of an invitation into a group (GRP-09, GRP-10, GRP-18)."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from servers.feeds import application
from servers.feeds.settings import FeedsSettings
from storage import accounts, groups, invitations, principals
from storage.store import Store
from storage.types import SITE, SpaceKind
from tests.dav.desk import Client
from tests.feeds.conftest import verify

BASE = "https://desk.test/feeds/group/"


@pytest.fixture
def link(store: Store) -> str:
    """The path of a link into alice's group IAB, whose full name is a trap."""
    with store.write(SITE) as tx:
        accounts.create(tx, "zoe", "*", email="zoe@example.test", display_name="Zoë")
        iab = principals.find(tx, SpaceKind.GROUP, "IAB")
        groups.update(tx, iab, description="<script>alert(1)</script>")
        (letter,) = invitations.invite(tx, iab, "zoe@example.test", link_base=BASE)
    return urlsplit(letter.link).path


def client(store: Store, login: str) -> Client:
    return Client(application.make(store, FeedsSettings(), verify), login)


def role(store: Store) -> groups.Role | None:
    with store.read(SITE) as tx:
        iab = principals.find(tx, SpaceKind.GROUP, "IAB")
        return groups.role(tx, iab.id, accounts.find(tx, "zoe").principal.id)


def test_somebody_joins(store: Store, link: str) -> None:
    zoe = client(store, "zoe")
    shown = zoe.request("GET", link)
    assert shown.status == 200
    assert "<button>Join</button>" in shown.text
    assert "&lt;script&gt;" in shown.text
    assert "form-action 'self'" in shown.headers["content-security-policy"]
    assert role(store) is None  # programs that look at mails follow links
    assert zoe.request("POST", link, b"").status == 200
    assert role(store) is groups.Role.MEMBER
    assert zoe.request("POST", link, b"").status == 410
    assert zoe.request("GET", link).status == 410


def test_only_by_one_s_own_hand(store: Store, link: str) -> None:
    """A form elsewhere would be sent with the login that the browser keeps."""
    zoe = client(store, "zoe")
    for fields in ({"origin": "https://evil.test"}, {"origin": "null"}, {"sec_fetch_site": "cross-site"}):
        assert zoe.request("POST", link, b"", **fields).status == 403
    assert role(store) is None
    assert client(store, "").request("GET", link).status == 401
    assert client(store, "").request("POST", link, b"").status == 401
    assert zoe.request("PUT", link, b"").status == 405


def test_who_is_in_already(store: Store, link: str) -> None:
    assert client(store, "alice").request("POST", link, b"").status == 409
    assert client(store, "zoe").request("POST", link, b"").status == 200


@pytest.mark.parametrize("token", ["A" * 43, "short", "A" * 44, "%00" * 43, "..", "A" * 42 + "%2F"])
def test_links_that_open_nothing(store: Store, token: str) -> None:
    assert client(store, "alice").request("GET", f"/feeds/group/{token}").status in (400, 404, 410)


def test_the_log_holds_no_link(link: str) -> None:
    assert link.rpartition("/")[2] not in application.loggable(link)
