"""changes.rss: the recent-change mark over all tools and environments (ACC-05, ACC-06)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from servers.dav.names import ESCRITOIRE
from servers.webdav.app import PROTOCOL
from storage.store import Store
from storage.types import Right
from tests.dav.desk import Client, card
from tests.dav.desk import app as application
from tests.feeds import desk

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
RECENT = f"{ESCRITOIRE}recent"
FEED = "/feeds/{}/changes.rss"
TODO = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\nBEGIN:VTODO\r\nUID:do\r\nDTSTAMP:20250101T000000Z\r\nSUMMARY:Do it\r\nEND:VTODO\r\nEND:VCALENDAR\r\n"
NOTE = TODO.replace(b"VTODO", b"VJOURNAL").replace(b"Do it", b"Noted").replace(b"UID:do", b"UID:no")


def test_all_tools_and_environments_marked(store: Store, alice: Client, bob: Client, carol: Client) -> None:
    desk.put(store, "alice", "a.ics", desk.event("a", NOW, LATER, "Assembly"), group="IAB")
    desk.put(store, "alice", "tea.ics", desk.event("tea", NOW, LATER, "Tea"))
    desk.put(store, "alice", "do.ics", TODO, "tasks")
    desk.put(store, "alice", "no.ics", NOTE, "notes")
    desk.put(store, "alice", "ada.vcf", card("ada", "Ada Lovelace"), "contacts")
    found = desk.read(alice.request("GET", FEED.format("alice")))
    assert {one.title for one in found.entries} == {"» Assembly", "» Tea", "» Do it", "» Noted", "» Ada Lovelace"}
    assert {tag.term for one in found.entries for tag in one.tags} == {"calendar", "tasks", "notes", "contacts"}
    [assembly] = desk.read(bob.request("GET", FEED.format("bob"))).entries
    assert assembly.title == "» Assembly"
    assert assembly.author == "Alice"
    assert "IAB" in assembly.summary
    assert desk.titles(carol.request("GET", FEED.format("carol"))) == []


def test_of_a_member_what_he_lets_see(store: Store, bob: Client) -> None:
    """SYS-09: busy blocks and private events are no news for others."""
    desk.put(store, "alice", "tea.ics", desk.event("tea", NOW, LATER, "Tea"))
    desk.put(store, "alice", "no.ics", desk.event("no", NOW, LATER, "Dentist", "CLASS:PRIVATE\r\n"))
    assert desk.titles(bob.request("GET", FEED.format("bob"))) == []
    desk.grant(store, "alice", "bob", Right.SEE)
    assert desk.titles(bob.request("GET", FEED.format("bob"))) == ["» Tea"]


def test_the_window(store: Store, alice: Client) -> None:
    """ACC-05: 0 switches it off; the item's own name is never altered (ACC-06)."""
    desk.put(store, "alice", "tea.ics", desk.event("tea", NOW, LATER, "Tea"))
    assert b"\xc2\xbb" not in alice.request("GET", "/docs/alice/private/calendar.ics").body
    desk.prefer(store, "alice", recent_days="0")
    assert desk.titles(alice.request("GET", FEED.format("alice"))) == []


def test_what_was_written_long_ago_and_added_today(store: Store, alice: Client) -> None:
    """ACC-06: added or modified within the window; uploads and copies keep the time at which a document was written."""
    past = {"x_oc_mtime": "1000000000"}
    at_disk = Client(application(store, PROTOCOL), "alice")
    assert at_disk.request("PUT", "/docs/alice/private/old.txt", b"1", **past).status == 201
    assert at_disk.request("COPY", "/docs/alice/private/old.txt", destination="/docs/alice/private/copy.txt").status == 201
    found = desk.read(alice.request("GET", FEED.format("alice")))
    assert {one.title for one in found.entries} == {"» old.txt", "» copy.txt"}
    assert all(one.published_parsed.tm_year > 2001 and one.summary.startswith("Added") for one in found.entries)
    marked = at_disk.propfind("/docs/alice/private/", RECENT, depth="1")
    assert {marked.prop(f"/docs/alice/private/{name}.txt", RECENT).text for name in ("old", "copy")} == {"1"}


def test_a_change_is_news_again(store: Store, alice: Client) -> None:
    desk.put(store, "alice", "tea.ics", desk.event("tea", NOW, LATER, "Tea"))
    tag = alice.request("GET", FEED.format("alice")).headers["etag"]
    assert alice.request("GET", FEED.format("alice"), if_none_match=tag).status == 304
    [before] = desk.read(alice.request("GET", FEED.format("alice"))).entries
    desk.put(store, "alice", "tea.ics", desk.event("tea", NOW, LATER, "Coffee"))
    [after] = desk.read(alice.request("GET", FEED.format("alice"), if_none_match=tag)).entries
    assert before.id != after.id
    assert after.title == "» Coffee"


def test_nobody_reads_with_anothers_eyes(alice: Client, bob: Client) -> None:
    assert bob.request("GET", FEED.format("alice")).status == 404
    assert alice.request("GET", FEED.format("ALICE")).status == 200  # ACC-01: logins have no case
    assert desk.read(alice.request("GET", "/feeds/alice/changes.atom")).feed.title == "Alice: recent changes"


def test_a_validator_of_all_that_is_told(store: Store, alice: Client) -> None:
    """RFC 9110 §8.8.1: an item that has its old text again is news again; so is another name of where it lies."""
    at_disk, path = Client(application(store, PROTOCOL), "alice"), FEED.format("alice")
    assert at_disk.request("MKCOL", "/docs/alice/private/plans").status == 201
    assert at_disk.request("PUT", "/docs/alice/private/plans/a.txt", b"1").status == 201
    first = alice.request("GET", path)
    for text in (b"2", b"1"):
        assert at_disk.request("PUT", "/docs/alice/private/plans/a.txt", text).status == 204
    second = alice.request("GET", path, if_none_match=first.headers["etag"])
    assert desk.read(second).entries[0].id != desk.read(first).entries[0].id
    to = "https://desk.test/docs/alice/private/projects"
    assert at_disk.request("MOVE", "/docs/alice/private/plans", destination=to).status == 201
    assert "projects" in alice.request("GET", path, if_none_match=second.headers["etag"]).text
