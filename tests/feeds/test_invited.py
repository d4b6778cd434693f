"""People accept or decline an invitation into a group on the page that its link opens (GRP-09, GRP-18)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from servers.feeds import application
from storage import groups, invitations, plans, principals
from storage.store import Store
from storage.types import SITE, SpaceKind
from tests.dav.desk import Answer, Client
from tests.feeds.desk import actor

BASE = "/feeds/groups/join/"


@pytest.fixture
def path(store: Store) -> str:
    """Where the link of an invitation into IAB leads."""
    with store.write(actor(store, "alice")) as tx:
        iab = principals.find(tx, SpaceKind.GROUP, "IAB")
        groups.update(tx, iab, description="<b>bold & plain</b>")
        (letter,) = invitations.invite(tx, iab, "guest@x.test", link_base=BASE)
    return letter.link


def press(client: Client, path: str, answer: str, **fields: str) -> Answer:
    body = urlencode({"answer": answer, **fields})
    return client.request("POST", path, body, content_type="application/x-www-form-urlencoded")


def members(store: Store) -> set[str]:
    with store.read(SITE) as tx:
        return {one.name for one in principals.members(tx, principals.find(tx, SpaceKind.GROUP, "IAB"))}


def test_looking_changes_nothing_and_joining_needs_a_login(store: Store, anybody: Client, path: str) -> None:
    for method in ("GET", "HEAD", "GET"):
        shown = anybody.request(method, path)
        assert shown.status == 200
    for word in ("Join IAB", "guest@x.test", "&lt;b&gt;bold &amp; plain&lt;/b&gt;", "Decline"):
        assert word in shown.text
    assert shown.headers["cache-control"] == "no-store"
    assert "form-action 'self'" in shown.headers["content-security-policy"]
    assert press(anybody, path, "accept").status == 403
    assert press(anybody, path, "accept", login="carol", password="wrong").status == 403
    assert press(anybody, path, "accept", login="bob", password="bob").status == 409  # a member already
    assert press(anybody, path, "perhaps").status == 400
    assert members(store) == {"alice", "bob"}
    assert press(anybody, path, "accept", login="carol", password="carol").status == 200
    assert members(store) == {"alice", "bob", "carol"}
    assert anybody.request("GET", path).status == 404
    assert press(anybody, path, "accept", login="carol", password="carol").status == 404


def test_a_browsers_own_login_does_not_answer(store: Store, carol: Client, path: str) -> None:
    """Basic credentials go with every request: the form's are asked for."""
    assert press(carol, path, "accept").status == 403
    assert members(store) == {"alice", "bob"}


def test_declining_needs_none(store: Store, anybody: Client, path: str) -> None:
    assert press(anybody, path, "decline").status == 200
    assert press(anybody, path, "decline").status == 404
    with store.read(actor(store, "alice")) as tx:
        assert invitations.pending(tx, principals.find(tx, SpaceKind.GROUP, "IAB")) == []


def test_a_full_group(store: Store, anybody: Client, path: str) -> None:
    """GRP-18: refused, and the link stays."""
    with store.write(SITE) as tx:
        plans.add(tx, "two", [], {"group_members_max": 2})
        plans.assign(tx, actor(store, "alice").id, "two")
    assert "full" in press(anybody, path, "accept", login="carol", password="carol").text
    assert anybody.request("GET", path).status == 200


def test_passwords_only_over_tls(app: Callable[..., Iterable[bytes]], path: str) -> None:
    body = urlencode({"answer": "accept", "login": "carol", "password": "carol"})
    assert Client(app, "").request("POST", path, body, {"REMOTE_ADDR": "192.0.2.1"}).status == 403


def test_other_methods_other_paths_and_the_log(anybody: Client, path: str) -> None:
    assert anybody.request("PUT", path).status == 405
    assert anybody.request("POST", path, b"x" * 20_000).status == 413
    assert anybody.request("POST", "/feeds/groups/join/calendar.ics").status == 405
    assert anybody.request("GET", "/feeds/groups/join/calendar.ics").status == 401
    assert application.loggable(path) == "/feeds/groups/join/…"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(token=st.text("abcXYZ019_-", min_size=43, max_size=43), body=st.binary(max_size=80))
def test_hostile_answers(anybody: Client, path: str, token: str, body: bytes) -> None:
    assert anybody.request("POST", BASE + token, body).status in (400, 404)
    assert anybody.request("POST", BASE + token, b"answer=accept&login=carol&password=carol").status == 404
    assert anybody.request("POST", path, body).status in (400, 403)
