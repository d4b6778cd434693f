"""The bookmarks' tree over WebDAV: `.url` files, and the whole tree as one file (FAV-01, 02, 03, 10, 11)."""

from __future__ import annotations

import io
from typing import Any

import pytest

from servers.dav.names import DAV
from storage.store import Store
from tests.dav.desk import Client
from tests.webdav.test_trees import lock

HOME = "/dav/alice/private/favourites/"
TEA = b"[InternetShortcut]\r\nURL=https://tea.example/\r\n"
FILE = b"""<!DOCTYPE NETSCAPE-Bookmark-file-1>
<TITLE>Bookmarks</TITLE><H1>Bookmarks</H1>
<DL><p>
    <DT><A HREF="https://a.example/">A &amp; B</A>
    <DT><H3>News</H3>
    <DL><p><DT><A HREF="https://n.example/">N</A></DL><p>
    <DT><A HREF="javascript:alert(1)">evil</A>
</DL><p>
"""


def test_one_bookmark_is_one_file(alice: Client) -> None:
    """FAV-01, FAV-03: written, read, renamed, deleted at once."""
    put = alice.request("PUT", f"{HOME}Tea.url", TEA)
    assert put.status == 201
    got = alice.request("GET", f"{HOME}Tea.url")
    assert (got.body, got.headers["etag"]) == (TEA, put.headers["etag"])
    assert alice.request("MKCOL", f"{HOME}Drinks/").status == 201
    moved = alice.request("MOVE", f"{HOME}Tea.url", destination=f"{HOME}Drinks/Tea.url")
    assert moved.status == 201
    assert alice.request("DELETE", f"{HOME}Drinks/").status == 204
    assert alice.request("GET", f"{HOME}Drinks/Tea.url").status == 404


def test_addresses_are_completed_and_judged(alice: Client) -> None:
    """FAV-02. A body that was changed gets no validator (RFC 9110 §9.3.4)."""
    put = alice.request("PUT", f"{HOME}a.url", b"[InternetShortcut]\r\nURL=www.site.com\r\n")
    assert put.status == 201
    assert "etag" not in put.headers
    assert b"URL=https://www.site.com" in alice.request("GET", f"{HOME}a.url").body
    for name, body in (
        ("b.url", b"[InternetShortcut]\r\nURL=javascript:alert(1)\r\n"),
        ("b.url", b"rubbish"),
        ("page.html", b"<script>alert(1)</script>"),
    ):
        assert 400 <= alice.request("PUT", HOME + name, body).status < 500
        assert alice.request("GET", HOME + name).status == 404


@pytest.mark.parametrize("name", ["bookmarks.html", "bookmarks.xbel"])
def test_the_whole_tree_is_one_file(alice: Client, name: str) -> None:
    """FAV-11: PUT = import merge; what is read again adds nothing."""
    put = alice.request("PUT", f"{HOME}bookmarks.html", FILE)
    assert put.status == 204
    assert "etag" not in put.headers
    assert alice.request("GET", f"{HOME}News/N.url").body == b"[InternetShortcut]\r\nURL=https://n.example/\r\n"
    got = alice.request("GET", HOME + name)
    assert got.status == 200
    assert b"https://a.example/" in got.body
    assert b"javascript" not in got.body
    assert got.headers["x-content-type-options"] == "nosniff"
    assert alice.request("PUT", HOME + name, got.body).status == 204
    again = alice.request("GET", HOME + name)
    assert (again.body, again.headers["etag"]) == (got.body, got.headers["etag"])
    assert alice.request("GET", HOME + name, if_none_match=got.headers["etag"]).status == 304
    head = alice.request("HEAD", HOME + name)
    assert (head.status, head.body) == (200, b"")


def test_a_file_that_does_not_say_how_long_it_is(alice: Client) -> None:
    """FAV-11, RFC 9112 §7.1: a program that streams may send the bookmarks too (docs/decisions/0285)."""

    def chunked(body: bytes) -> dict[str, Any]:
        return {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": io.BytesIO(body)}

    assert alice.request("PUT", f"{HOME}bookmarks.html", environ=chunked(FILE)).status == 204
    assert b"a.example" in alice.request("GET", f"{HOME}bookmarks.html").body
    assert alice.request("PUT", f"{HOME}bookmarks.html", environ=chunked(b"")).status == 411
    assert alice.request("PUT", f"{HOME}bookmarks.html", environ=chunked(bytes(21 * 1024 * 1024))).status == 413


def test_conditions_and_bad_files(alice: Client) -> None:
    """SYS-06."""
    name = f"{HOME}bookmarks.xbel"
    etag = alice.request("GET", name).headers["etag"]
    alice.request("PUT", f"{HOME}Tea.url", TEA)
    assert alice.request("PUT", name, FILE, if_match=etag).status == 412
    assert alice.request("PUT", name, FILE, if_none_match="*").status == 412
    assert 400 <= alice.request("PUT", name, b"no bookmarks at all").status < 500
    fresh = alice.request("GET", name).headers["etag"]
    assert fresh != etag
    assert alice.request("PUT", name, FILE, if_match=fresh).status == 204


def test_a_locked_folder_takes_nothing_from_the_file(alice: Client) -> None:
    """RFC 4918 §7, SPEC 0.4: a lock is 423 as everywhere; with its token the rest is merged."""
    alice.request("MKCOL", f"{HOME}News/")
    token = lock(alice, f"{HOME}News/", depth="infinity")
    refused = alice.request("PUT", f"{HOME}bookmarks.html", FILE)
    assert (refused.status, refused.precondition) == (423, f"{DAV}lock-token-submitted")
    shown = {"if": f"<http://desk.test{HOME}News/> (<{token}>)"}
    assert alice.request("PUT", f"{HOME}bookmarks.html", FILE, **shown).status == 204
    assert alice.request("GET", f"{HOME}News/N.url").status == 200


def test_it_is_listed_with_its_length_and_cannot_be_removed(alice: Client) -> None:
    """FAV-11: file managers see both files; they are not things of their own."""
    alice.request("PUT", f"{HOME}bookmarks.html", FILE)
    listing = alice.request("PROPFIND", HOME, depth="1")
    for name in ("bookmarks.html", "bookmarks.xbel"):
        length = listing.prop(HOME + name, f"{DAV}getcontentlength")
        assert length is not None
        assert int(str(length.text)) == len(alice.request("GET", HOME + name).body)
        assert alice.request("PROPFIND", HOME + name, depth="0").status == 207
        assert alice.request("DELETE", HOME + name).status == 403
        assert alice.request("MOVE", HOME + name, destination=f"{HOME}x.url").status == 403
    alice.request("PUT", f"{HOME}Tea.url", TEA)
    moved = alice.request("MOVE", f"{HOME}Tea.url", destination=f"{HOME}bookmarks.html")
    assert moved.status == 403
    page = alice.request("GET", HOME)
    assert "bookmarks.xbel" in page.text
    assert f"{HOME}News/" in listing.hrefs()


def test_others_see_nothing(alice: Client, bob: Client, carol: Client, store: Store) -> None:
    """FAV-04, SYS-09."""
    alice.request("PUT", f"{HOME}Tea.url", TEA)
    for who in (bob, carol):
        for path in (HOME, f"{HOME}Tea.url", f"{HOME}bookmarks.html"):
            assert who.request("PROPFIND", path, depth="0").status == 404
            assert who.request("GET", path).status == 404
        assert who.request("PUT", f"{HOME}bookmarks.html", FILE).status == 404


def test_a_groups_tree(alice: Client, bob: Client, carol: Client) -> None:
    """FAV-05: members read, the admin adds."""
    home = "/dav/groups/IAB/favourites/"
    assert alice.request("PUT", f"{home}bookmarks.html", FILE).status == 204
    assert b"https://n.example/" in bob.request("GET", f"{home}bookmarks.xbel").body
    assert bob.request("PUT", f"{home}bookmarks.html", FILE.replace(b"a.example", b"new.example")).status == 403
    assert carol.request("GET", f"{home}bookmarks.html").status == 404
