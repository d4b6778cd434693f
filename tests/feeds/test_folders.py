"""Feeds of folders and bookmarks (DOC-48, DOC-28, FAV-12, ACC-06, SYS-09)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from servers.feeds import application
from servers.feeds.settings import FeedsSettings
from storage.errors import BadFormat
from storage.store import Store
from storage.types import Right
from tests.dav.desk import Client, card
from tests.feeds import desk, disk
from tests.feeds.conftest import verify

REPORTS = "/feeds/alice/private/docs/Reports/index.rss"


def test_a_folder_newest_first_without_subfolders(store: Store, alice: Client) -> None:
    for name in ("one.txt", "two.pdf", "~$two.docx", "._two.pdf", "2026/deep.txt", "three & half.odt"):
        disk.write(store, "alice", f"Reports/{name}")
    disk.write(store, "alice", "Reports/one.txt", b"changed later", described="The first\nof them")
    found = desk.read(alice.request("GET", REPORTS))
    assert [one.title for one in found.entries] == ["three & half.odt", "two.pdf", "one.txt"]  # by creation
    assert found.entries[0].link == "https://desk.test/docs/alice/private/Reports/three%20&%20half.odt"
    assert "The first<br" in found.entries[2].summary
    assert found.feed.title == "Alice: Reports"
    assert desk.titles(alice.request("GET", "/feeds/alice/private/docs/Reports/2026/index.atom")) == ["deep.txt"]
    assert desk.titles(alice.request("GET", "/feeds/alice/private/docs/index.rss")) == []


@pytest.mark.parametrize("path", ["None", "Reports/one.txt", "Trash", "../docs"])
def test_what_is_no_folder(store: Store, alice: Client, path: str) -> None:
    disk.write(store, "alice", "Reports/one.txt")
    assert alice.request("GET", f"/feeds/alice/private/docs/{path}/index.rss").status in (400, 404)


def test_group_folder_for_members(store: Store, bob: Client, carol: Client) -> None:
    disk.write(store, "alice", "Minutes/may.txt", group="IAB")
    address = "/feeds/groups/IAB/docs/Minutes/index.rss"
    [entry] = desk.read(bob.request("GET", address)).entries
    assert entry.link == "https://desk.test/docs/bob/IAB/Minutes/may.txt"
    hidden, absent = carol.request("GET", address), carol.request("GET", address.replace("IAB", "XYZ"))
    assert (hidden.status, hidden.body) == (404, absent.body)


def test_shows_what_the_reader_may_see(store: Store, bob: Client, carol: Client) -> None:
    """DOC-48: exactly that, possibly nothing; ACL-12 asks for the whole chain."""
    disk.write(store, "alice", "Reports/one.txt")
    disk.write(store, "alice", "Reports/two.txt")
    assert bob.request("GET", REPORTS).status == 404
    disk.show(store, "alice", "bob", "", Right.SEE_FOLDER)
    disk.show(store, "alice", "bob", "Reports", Right.SEE_FOLDER)
    assert desk.titles(bob.request("GET", REPORTS)) == []
    disk.show(store, "alice", "bob", "Reports/two.txt", Right.SEE)
    assert desk.titles(bob.request("GET", REPORTS)) == ["two.txt"]
    assert carol.request("GET", REPORTS).status == 404


def test_unchanged_is_304(store: Store, alice: Client) -> None:
    disk.write(store, "alice", "Reports/one.txt")
    tag = alice.request("GET", REPORTS).headers["etag"]
    assert alice.request("GET", REPORTS, if_none_match=tag).status == 304
    for path in (REPORTS, "/docs/alice/private/calendar.ics"):  # RFC 9110 §13.1.2
        assert alice.request("GET", path, if_none_match="*").status == 304
    assert alice.request("GET", REPORTS.replace("Reports", "None"), if_none_match="*").status == 404
    disk.write(store, "alice", "Reports/two.txt")
    assert alice.request("GET", REPORTS, if_none_match=tag).status == 200


def test_bookmarks_lead_to_their_addresses(store: Store, alice: Client, bob: Client) -> None:
    """FAV-12, FAV-02: nothing that runs becomes a link."""
    for name, address in {
        "Site": "http://example.org/?a=1&b=2",
        "Bare": "www.example.net",
    }.items():
        body = f"[InternetShortcut]\r\nURL={address}\r\n".encode()
        disk.write(store, "alice", f"News/{name}.url", body, root="favourites", described=f"About {name}")
    running = b"[InternetShortcut]\r\nURL=javascript:x()\r\n"
    with pytest.raises(BadFormat):
        disk.write(store, "alice", "News/Bad.url", running, root="favourites")
    answer = alice.request("GET", "/feeds/alice/private/favourites/News/index.rss")
    entries = {one.title: one for one in desk.read(answer).entries}
    assert entries["Site"].link == "http://example.org/?a=1&b=2"
    assert entries["Bare"].link == "https://www.example.net"
    assert entries["Site"].summary == "About Site"
    assert bob.request("GET", "/feeds/alice/private/favourites/News/index.rss").status == 404
    disk.write(
        store, "alice", "Team.url", b"[InternetShortcut]\r\nURL=https://team.test/\r\n", group="IAB", root="favourites"
    )
    assert desk.titles(bob.request("GET", "/feeds/groups/IAB/favourites/index.atom")) == ["Team"]


def test_documents_are_in_the_recent_changes(store: Store, alice: Client, bob: Client) -> None:
    """ACC-06: documents too, thrown away ones and work files not."""
    disk.write(store, "alice", "Reports/one.txt")
    disk.write(store, "alice", "Minutes/may.txt", group="IAB")
    disk.write(store, "alice", "Minutes/.~lock.may.txt#", group="IAB")
    assert set(desk.titles(alice.request("GET", "/feeds/alice/changes.rss"))) == {"» one.txt", "» may.txt"}
    [entry] = desk.read(bob.request("GET", "/feeds/bob/changes.rss")).entries
    assert (entry.title, entry.link) == ("» may.txt", "https://desk.test/docs/bob/IAB/Minutes/may.txt")
    assert entry.summary == "Added in IAB: Minutes"


def test_each_link_leads_to_the_process_that_answers_it(store: Store) -> None:
    """SPEC 0.3, ACC-06, FAV-12: without a front, bookmarks and contacts are not where calendars are."""
    settings = FeedsSettings(
        origin="https://f.test",
        dav_origin="https://cal.test",
        contacts_origin="https://card.test",
        docs_origin="https://d.test",
    )
    alice = Client(application.make(store, settings, verify), "alice")
    now = datetime(2026, 3, 2, 10, tzinfo=UTC)
    disk.write(store, "alice", "Tea.url", b"[InternetShortcut]\r\nURL=https://tea.test/\r\n", root="favourites")
    desk.put(store, "alice", "ada.vcf", card("ada", "Ada"), "contacts")
    desk.put(store, "alice", "a.ics", desk.event("a", now, now))
    found = {one.link: one.summary for one in desk.read(alice.request("GET", "/feeds/alice/changes.rss")).entries}
    assert set(found) == {
        "https://d.test/dav/alice/private/favourites/Tea.url",
        "https://card.test/dav/alice/private/contacts/ada.vcf",
        "https://cal.test/dav/alice/private/events/a.ics",
    }
    assert found["https://d.test/dav/alice/private/favourites/Tea.url"] == "Added in Favourites"
    listed = desk.read(alice.request("GET", "/feeds/alice/private/favourites/index.rss"))
    assert listed.feed.link == "https://d.test/dav/alice/private/favourites/"


def test_a_token_for_a_folder(store: Store, anybody: Client) -> None:
    from auth import feed_tokens
    from storage import principals

    disk.write(store, "alice", "Reports/one.txt")
    with store.write(desk.actor(store, "alice")) as tx:
        _, secret = feed_tokens.make(tx, principals.me(tx), "alice/private/docs/Reports/index")
    assert desk.titles(anybody.request("GET", f"/feeds/token/{secret}/alice/private/docs/Reports/index.rss")) == [
        "one.txt"
    ]
    assert anybody.request("GET", f"/feeds/token/{secret}/alice/private/docs/index.rss").status == 404
