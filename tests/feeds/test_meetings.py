"""People without an account answer by a link in the mail (MTG-05, MTG-07, MTG-08)."""

from __future__ import annotations

import base64
import email
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from email.policy import default
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from servers.feeds import application
from servers.feeds.settings import FeedsSettings
from storage import calendar, collections, items
from storage.formats import icalendar, itip
from storage.outbound import tables as outbound
from storage.store import Limits, Store
from storage.types import SITE, Actor, SpaceKind
from tests.dav.desk import Client
from tests.feeds.conftest import verify
from tests.storage.test_scheduling import meeting

EVE = "eve@else.test"


@pytest.fixture
def store(template: Path, tmp_path: Path) -> Iterator[Store]:
    """A desk that knows where it is found."""
    folder = tmp_path / "desk"
    shutil.copytree(template, folder)
    limits = Limits(origin="https://desk.test")
    store = Store.open(f"sqlite:///{folder}/desk.sqlite3", folder / "blobs", limits=limits)
    yield store
    store.close()


def put(store: Store, body: bytes, name: str = "m.ics") -> None:
    with store.read(SITE) as tx:
        who = collections.find(tx, SpaceKind.PRIVATE, "alice", "events").space
    with store.write(Actor(who.id, "alice")) as tx:
        items.put(tx, collections.find(tx, SpaceKind.PRIVATE, "alice", "events"), name, calendar.prepare(body))


def state(store: Store) -> str:
    with store.read(SITE) as tx:
        home = collections.find(tx, SpaceKind.PRIVATE, "alice", "events")
        found = icalendar.load(items.get(tx, home, "m.ics").body or b"").calendar
    return itip.partstat(itip.attendees(found).get(EVE))


def mails(store: Store) -> list[str]:
    """The texts that were sent, the oldest first."""
    with store.read(SITE) as tx:
        bodies = tx.db.execute(sa.select(outbound.messages.c.body).order_by(outbound.messages.c.id)).scalars().all()
    read = [email.message_from_bytes(body, policy=default) for body in bodies]
    return [one.get_body(("plain",)).get_content() for one in read]  # type: ignore[union-attr]


def links(store: Store) -> dict[str, str]:
    """The paths in the newest mail, by purpose."""
    found = re.findall(r"https://desk\.test(/feeds/meeting/[^\s/]+/(accept|decline))", mails(store)[-1])
    return {purpose: urlsplit(path).path for path, purpose in found}


def invite(store: Store, **more: object) -> dict[str, str]:
    put(store, meeting([EVE], **more))  # type: ignore[arg-type]
    return links(store)


def test_one_click_and_a_button(store: Store, anybody: Client) -> None:
    paths = invite(store)
    assert set(paths) == {"accept", "decline"}
    shown = anybody.request("GET", paths["accept"])
    assert shown.status == 200
    for word in ("Plan", "2025-06-01 10:00 UTC", "alice@example.test", EVE, "<button>Accept</button>"):
        assert word in shown.text
    assert shown.headers["cache-control"] == "no-store"
    assert "form-action 'self'" in shown.headers["content-security-policy"]
    assert state(store) == "NEEDS-ACTION"  # whoever only looks at links answers nothing
    assert anybody.request("POST", paths["accept"]).status == 200
    assert state(store) == "ACCEPTED"
    assert "You had accepted." in anybody.request("GET", paths["decline"]).text


def test_a_refusal_tells_the_organizer_why(store: Store, anybody: Client) -> None:
    """MTG-07: an acceptance may be turned into a refusal; MTG-08: with a reason, by mail."""
    paths = invite(store)
    anybody.request("POST", paths["accept"])
    body = b"reason=no+time%3B+sorry"
    assert (
        anybody.request("POST", paths["decline"], body, content_type="application/x-www-form-urlencoded").status == 200
    )
    assert state(store) == "DECLINED"
    assert "no time; sorry" in mails(store)[-1]


def test_links_of_an_older_mail_say_so(store: Store, anybody: Client) -> None:
    old = invite(store)
    fresh = invite(store, day=2)
    assert anybody.request("POST", old["accept"]).status == 410
    assert anybody.request("GET", old["accept"]).status == 410
    assert state(store) == "NEEDS-ACTION"
    assert anybody.request("POST", fresh["accept"]).status == 200
    put(store, meeting(["bob@example.test"], day=2))
    assert anybody.request("POST", fresh["decline"]).status == 404  # no longer invited


def test_a_link_is_for_one_person_one_meeting_one_answer(store: Store, anybody: Client) -> None:
    paths = invite(store)
    token = paths["accept"].split("/")[3]
    assert anybody.request("POST", f"/feeds/meeting/{token}/decline").status == 404
    octets = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    forged = octets.replace(b"eve@", b"ida@")
    assert anybody.request("POST", f"/feeds/meeting/{base64.urlsafe_b64encode(forged).decode()}/accept").status == 404
    assert anybody.request("PUT", paths["accept"]).status == 405
    assert anybody.request("POST", paths["accept"], b"x" * 20_000).status == 413
    assert state(store) == "NEEDS-ACTION"


def test_no_links_where_nobody_could_follow_them(template: Path, tmp_path: Path) -> None:
    """Without an address of the desk, and in mails that many share."""
    folder = tmp_path / "other"
    shutil.copytree(template, folder)
    plain = Store.open(f"sqlite:///{folder}/desk.sqlite3", folder / "blobs")
    put(plain, meeting([EVE]))
    assert "/feeds/meeting/" not in mails(plain)[-1]
    plain.close()


def test_the_log_holds_no_link() -> None:
    assert application.loggable("/feeds/meeting/abc/accept") == "/feeds/meeting/…/accept"
    assert application.loggable("/feeds/token/abc/x.rss") == "/feeds/token/…/x.rss"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    token=st.text(st.characters(codec="ascii", exclude_characters="/?#%"), min_size=1, max_size=80),
    body=st.binary(max_size=60),
)
def test_hostile_links(store: Store, token: str, body: bytes) -> None:
    client = Client(_app(store), "")
    assert client.request("POST", f"/feeds/meeting/{token}/accept", body).status in (400, 404, 405)


def _app(store: Store) -> Callable[..., Iterable[bytes]]:
    return application.make(store, FeedsSettings(origin="https://desk.test"), verify)


def test_somebody_called_meeting_keeps_his_feeds(anybody: Client) -> None:
    assert anybody.request("GET", "/feeds/meeting/private/calendar.ics").status == 401
    assert anybody.request("GET", "/feeds/meeting/private/accept").status == 404
