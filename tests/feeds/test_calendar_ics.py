"""calendar.ics: whole calendars, read only (CALSYNC-14, 16, 17; CAL-07; SYS-07; SYS-09)."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime

import icalendar
import pytest

from storage.store import Store
from storage.types import Right
from tests.dav.desk import Client
from tests.feeds import desk

TEN = datetime(2026, 3, 2, 10, tzinfo=UTC)
ELEVEN = datetime(2026, 3, 2, 11, tzinfo=UTC)
OWN = "/docs/alice/private/calendar.ics"


def summaries(body: bytes) -> list[str]:
    return [str(one["SUMMARY"]) for one in icalendar.Calendar.from_ical(body).walk("VEVENT")]


@pytest.fixture
def filled(store: Store) -> Store:
    desk.put(store, "alice", "tea.ics", desk.event("tea", TEN, ELEVEN, "Tea"))
    desk.put(store, "alice", "secret.ics", desk.event("secret", TEN, ELEVEN, "Dentist", "CLASS:PRIVATE\r\n"))
    desk.put(store, "alice", "all.ics", desk.event("all", TEN, ELEVEN, "Assembly"), group="IAB")
    return store


def test_own_calendar_is_whole(filled: Store, alice: Client) -> None:
    """CALSYNC-14."""
    answer = alice.request("GET", OWN)
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert sorted(summaries(answer.body)) == ["Dentist", "Tea"]


@pytest.mark.parametrize("path", [OWN, "/feeds/alice/private/calendar.ics", "/feeds/alice/private/overlay.ics"])
def test_subscribers_are_told_when_to_look_again(filled: Store, alice: Client, path: str) -> None:
    """CALSYNC-14, RFC 7986 §5.7: once in half an hour, as the other feeds say; Outlook has a name of its own for it."""
    head = alice.request("GET", path).body.partition(b"BEGIN:VEVENT")[0].split(b"\r\n")
    assert b"REFRESH-INTERVAL;VALUE=DURATION:PT30M" in head
    assert b"X-PUBLISHED-TTL:PT30M" in head


def test_group_calendar_is_for_members(filled: Store, alice: Client, bob: Client, carol: Client) -> None:
    """CALSYNC-14, CALSYNC-17: members only; a group's case counts (SPEC 0.3)."""
    for member in (alice, bob):
        answer = member.request("GET", f"/docs/{member.login}/IAB/calendar.ics")
        assert summaries(answer.body) == ["Assembly"]
        assert member.request("GET", f"/docs/{member.login}/iab/calendar.ics").status == 404
    assert carol.request("GET", "/docs/carol/IAB/calendar.ics").status == 404
    assert bob.request("GET", "/docs/alice/IAB/calendar.ics").status == 404


def test_member_reads_busy_blocks(filled: Store, bob: Client) -> None:
    """CALSYNC-16, CAL-07, ACL-24: times without details, nothing of what is private."""
    answer = bob.request("GET", OWN)
    assert summaries(answer.body) == ["Busy"]
    assert b"tea" not in answer.body
    assert b"Dentist" not in answer.body
    desk.grant(filled, "alice", "bob", Right.SEE)
    assert summaries(bob.request("GET", OWN).body) == ["Tea"]


def test_stranger_learns_nothing(filled: Store, carol: Client) -> None:
    """SYS-09: a calendar that may not be seen answers as one of nobody."""
    there, nowhere = carol.request("GET", OWN), carol.request("GET", "/docs/nobody/private/calendar.ics")
    assert (there.status, there.body) == (nowhere.status, nowhere.body)
    assert there.status == 404


def test_login_is_asked_for(filled: Store, anybody: Client) -> None:
    """CALSYNC-19: Basic, over what nobody reads (SYS-05)."""
    answer = anybody.request("GET", OWN)
    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Basic ")
    far = {"REMOTE_ADDR": "192.0.2.7"}
    assert Client(anybody.app, "alice").request("GET", OWN, environ=far).status == 403
    assert Client(anybody.app, "alice", "wrong").request("GET", OWN).status == 401


def test_unchanged_is_304(filled: Store, alice: Client, bob: Client) -> None:
    """SYS-07: the validator follows the calendar's change number, and the viewer's rights (SYS-10)."""
    tag = bob.request("GET", OWN).headers["etag"]
    assert tag.startswith("W/")
    again = bob.request("GET", OWN, if_none_match=tag)
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    desk.grant(filled, "alice", "bob", Right.SEE, "tea.ics")
    assert bob.request("GET", OWN, if_none_match=tag).status == 200
    mine = alice.request("GET", OWN).headers["etag"]
    desk.put(filled, "alice", "more.ics", desk.event("more", TEN, ELEVEN, "More"))
    assert alice.request("GET", OWN, if_none_match=f'"other", {mine}').status == 200


def test_compressed_where_wanted(filled: Store, alice: Client) -> None:
    for number in range(20):
        desk.put(filled, "alice", f"{number}.ics", desk.event(f"n{number}", TEN, ELEVEN))
    plain = alice.request("GET", OWN)
    packed = alice.request("GET", OWN, accept_encoding="gzip")
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["etag"] == plain.headers["etag"]
    assert "Accept-Encoding" in plain.headers["vary"]


def test_nothing_can_be_written(filled: Store, alice: Client) -> None:
    for method in ("PUT", "DELETE", "PROPFIND", "POST", "MOVE"):
        answer = alice.request(method, OWN, b"BEGIN:VCALENDAR")
        assert answer.status == 405
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
    head = alice.request("HEAD", OWN)
    assert (head.status, head.body) == (200, b"")
    assert int(head.headers["content-length"]) == len(alice.request("GET", OWN).body)


@pytest.mark.parametrize(
    "path", ["/", "/feeds/", "/docs/alice/private/", "/docs/alice/private/calendar.ics/x", "/feeds/token/x"]
)
def test_other_addresses_are_nothing(alice: Client, path: str) -> None:
    assert alice.request("GET", path).status == 404
