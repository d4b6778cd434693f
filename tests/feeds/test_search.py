"""search.rss: a search that is followed (DOC-34, DOC-36)."""

from __future__ import annotations

import pytest

from servers.feeds import table
from storage import text_index
from storage.store import Store
from storage.text_index import State
from storage.types import SITE
from tests.dav.desk import Client
from tests.feeds import desk, disk


@pytest.fixture
def filled(store: Store) -> Store:
    disk.write(store, "alice", "Reports/tea.txt", b"zebra crossing & more")
    disk.write(store, "alice", "Reports/cake.txt", b"no animal here")
    disk.write(store, "alice", "Minutes.txt", b"a zebra for all", group="IAB")
    disk.write(store, "bob", "secret.txt", b"zebra alone")
    with store.read(SITE) as tx:
        waiting = [one for folder in text_index.changed(tx, {}) for one in text_index.due(tx, folder, 0)]
        read = {one: text_index.body(store, tx, one) or b"" for one in waiting}
    with store.write(SITE) as tx:
        for one, data in read.items():
            text_index.put(tx, one, State.DONE, data.decode())
    return store


def test_what_the_reader_may_find(filled: Store, alice: Client, bob: Client, carol: Client) -> None:
    found = desk.read(alice.request("GET", "/feeds/alice/search.rss?q=zebra"))
    assert {one.title for one in found.entries} == {"tea.txt", "Minutes.txt"}
    [tea] = [one for one in found.entries if one.title == "tea.txt"]
    assert tea.link == "https://desk.test/docs/alice/private/Reports/tea.txt"
    assert "zebra crossing" in tea.summary
    assert set(desk.titles(bob.request("GET", "/feeds/bob/search.atom?q=zebra"))) == {"secret.txt", "Minutes.txt"}
    assert desk.titles(carol.request("GET", "/feeds/carol/search.rss?q=zebra")) == []
    assert bob.request("GET", "/feeds/alice/search.rss?q=zebra").status == 404


def test_order_and_validator(filled: Store, alice: Client) -> None:
    answer = alice.request("GET", "/feeds/alice/search.rss?q=name:tea*+OR+name:c*&order=name")
    assert desk.titles(answer) == ["cake.txt", "tea.txt"]
    again = alice.request(
        "GET", "/feeds/alice/search.rss?q=name:tea*+OR+name:c*&order=name", if_none_match=answer.headers["etag"]
    )
    assert again.status == 304


@pytest.mark.parametrize("query", ["", "?q=", "?q=*ead", "?q=(", "?q=x&order=up", "?q=" + "x" * 9000, "?q=x" + "&q=y" * 16])
def test_what_is_no_search(alice: Client, query: str) -> None:
    """DOC-34, RFC 9110 §15.5.1: a mistake of the asker is told as one; seventeen parameters were a 500."""
    assert alice.request("GET", f"/feeds/alice/search.rss{query}").status == 400


def test_gate_and_secrets(filled: Store, alice: Client) -> None:
    """A secret address opens one feed; one for searches would open everything."""
    assert table.feed_of(["feeds", "alice", "search.rss"]) == ""
    disk.gate(filled, "doc_search", False)
    assert alice.request("GET", "/feeds/alice/search.rss?q=zebra").status == 403
