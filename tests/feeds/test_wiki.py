"""The wiki's view: links that work, nothing that runs (WIKI-04, 05, 06, 09), and infos (INFO-01…04, INFO-06)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html

from servers.feeds import sanitise, wiki_links
from servers.feeds.wiki_links import Around
from storage import folders, site_info, transplant
from storage.errors import Denied, LimitReached
from storage.filing import File
from storage.store import Store
from storage.types import SITE, Right, SpaceKind
from tests.dav.desk import Client
from tests.feeds import desk, disk

AROUND = Around("wiki/sub/page.html", "/wiki/alice/private", "/docs/alice/private")


@pytest.mark.parametrize(
    ("link", "leads_to"),
    [
        ("sw?type=wiki&state=10&WikiPage=Other Page", "/wiki/alice/private/Other%20Page"),
        ("sw?type=wiki&state=10&WikiPage=Caf%C3%A9#x", "/wiki/alice/private/Caf%C3%A9#x"),
        ("sw?type=wiki&state=10&WikiPage=a.html", "/wiki/alice/private/a.html"),  # the file a.html.html
        ("sw?type=wiki&WikiPage=../../etc", "/wiki/alice/private/etc"),
        ("sw?type=wiki&state=10&WikiPage=R&D", "/wiki/alice/private/R&D"),  # as it was written, unescaped
        ("sw?WikiPage=a&D&type=wiki&state=10", "/wiki/alice/private/a&D"),
        ("sw?type=wiki&NoWikiPage=x", None),
        ("sw?type=wiki", None),
        ("next.html", "/wiki/alice/private/sub/next"),
        ("../index.html#top", "/wiki/alice/private/index#top"),
        ("picture.png", "/wiki/alice/private/sub/picture.png"),
        ("../../Reports/May%20report.pdf", "/docs/alice/private/Reports/May%20report.pdf"),
        ("../../../../etc/passwd", None),
        ("..", "/wiki/alice/private/index"),
        ("#part", "#part"),
        ("", None),
        ("https://example.org/x", "https://example.org/x"),
        ("//example.org/x", "//example.org/x"),
        ("/docs/alice/", "/docs/alice/"),
        ("http://[broken", "http://[broken"),
        ("x//[y", "/wiki/alice/private/sub/x/%5By"),
    ],
)
def test_where_links_lead(link: str, leads_to: str | None) -> None:
    assert wiki_links.target(link, AROUND) == leads_to


NASTY = (
    "<script>alert(1)</script><style>p{}</style><p onclick=alert(1) style='x'>text</p><iframe src=x></iframe>"
    "<a href='javascript:alert(1)'>a</a><a href='JaVa\tScript:alert(1)'>b</a><a href='data:text/html,x'>c</a>"
    "<img src=x onerror=alert(1)><svg onload=alert(1)></svg><form action=x><input></form><base href='//evil'>"
    "<meta http-equiv=refresh content='0;url=//evil'><object data=x></object><a href='vbscript:x'>d</a><link rel=x href=y>"
)


def test_nothing_runs() -> None:
    clean = sanitise.fragment(NASTY, lambda link: wiki_links.target(link, AROUND))
    for word in (
        "script",
        "alert",
        "onerror",
        "onload",
        "iframe",
        "style",
        "form",
        "input",
        "evil",
        "object",
        "data:",
        "svg",
        "<link",
    ):
        assert word not in clean.lower(), word
    assert "text" in clean


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from("<>/=\"' abijs:crpt&#;\t\n!-[]x"), max_size=60))
def test_whatever_is_written_stays_harmless(text: str) -> None:
    """Property: what a parser reads of the result has known elements, and no handler or strange scheme."""
    clean = sanitise.fragment(text, lambda link: wiki_links.target(link, AROUND))
    if not clean.strip():
        return
    for element in html.fragment_fromstring(clean, create_parent=True).iter():
        assert not isinstance(element.tag, str) or element.tag not in ("script", "style", "iframe", "object", "form")
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            assert not value.strip().lower().startswith(("javascript:", "data:", "vbscript:"))


@pytest.mark.slow
def test_a_page_that_opens_again_what_it_never_closed() -> None:
    """Two megabytes of it made a page of gigabytes, or took hours (SYS-17)."""
    again = sanitise.fragment("".join(f"<p><b title={number}>x" for number in range(100_000)), lambda link: link)
    assert len(again) < 20_000_000
    assert again.count("<p>") > 100
    for nested in ("<ul><li>", "<div>", "<blockquote><p><i title='>'>", "<table><b>x<tr>"):
        assert sanitise.fragment(nested * 50_000 + "x", lambda link: link) == sanitise.TANGLED
    assert sanitise.fragment("<table>" + "x<tr>" * 400_000, lambda link: link) == sanitise.TANGLED
    assert sanitise.title("<title" * 300_000) == ""
    assert sanitise.title("<html><TITLE lang=en>A <b>page</b></TITLE>") == "A page"


def test_a_large_page_is_what_it_was() -> None:
    one = (
        "<h1 title='a'>\u00dc &amp; b</h1><p>x <b>y</b> <a href='https://example.test/?a=1&amp;b=2'>z</a><br>\u20ac</p>"
    )
    assert sanitise.fragment(one * 1_000, lambda link: link) == sanitise.fragment(one, lambda link: link) * 1_000
    assert sanitise.fragment("<!-- " + "<" * 2_000, lambda link: link) == ""
    clean = sanitise.fragment(NASTY * 200, lambda link: link)
    for word in (
        "script:alert",
        "onerror",
        "onload",
        "<iframe",
        "style=",
        "<input",
        "//evil",
        "data:",
        "<svg",
        "<link",
    ):
        # A tab within a scheme is written as %09, which no program takes for a scheme.
        assert word not in clean.lower().replace("java%09script:alert", ""), word


def test_a_page_with_its_links(store: Store, alice: Client) -> None:
    page = (
        "<html><head><title>All &amp; sundry</title><script>x</script></head><body><h1 onclick='x'>Überschrift</h1>"
        '<a class="WikiReference" href="sw?type=wiki&state=10&WikiPage=Other">other</a>'
        "<img src='map.png' alt='map'></body></html>"
    )
    disk.write(store, "alice", "wiki/Start.html", page.encode())
    disk.write(store, "alice", "wiki/map.png", b"\x89PNG")
    answer = alice.request("GET", "/wiki/alice/private/Start")
    assert answer.status == 200
    assert "<title>All &amp; sundry</title>" in answer.text
    assert "<h1>Überschrift</h1>" in answer.text
    assert 'href="https://desk.test/wiki/alice/private/Other"' in answer.text
    assert 'src="https://desk.test/wiki/alice/private/map.png"' in answer.text
    assert '<a href="/wiki/alice/private/index">Home</a>' in answer.text  # WIKI-09
    assert "script" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert alice.request("GET", "/wiki/alice/private/Start", if_none_match=answer.headers["etag"]).status == 304
    assert alice.request("GET", "/wiki/alice/private/map.png").body == b"\x89PNG"
    assert alice.request("GET", "/wiki/alice/private/Start.html").status == 200


def test_the_start_page_is_made(store: Store, alice: Client, bob: Client) -> None:
    """WIKI-02: when the wiki is first opened, by those who may add."""
    assert bob.request("GET", "/wiki/alice/private/").status == 404
    assert alice.request("GET", "/wiki/alice/private/").status == 200
    assert alice.request("GET", "/wiki/alice/private/index").status == 200
    assert bob.request("GET", "/wiki/groups/IAB/").status == 404  # a member adds nothing (table 3.3)
    assert alice.request("GET", "/wiki/groups/IAB/").status == 200
    assert bob.request("GET", "/wiki/groups/IAB/").status == 200


def test_a_missing_page(store: Store, alice: Client, bob: Client) -> None:
    """WIKI-06: 404; who may add is told where it would be."""
    disk.write(store, "alice", "wiki/index.html", b"<p>x", group="IAB")
    mine, his = (one.request("GET", "/wiki/groups/IAB/<New>") for one in (alice, bob))
    assert mine.status == his.status == 404
    assert "https://desk.test/docs/alice/IAB/wiki/%3CNew%3E.html" in mine.text
    assert "Create" not in his.text
    assert "<New>" not in mine.text


def test_rights_and_gate(store: Store, alice: Client, bob: Client, carol: Client, anybody: Client) -> None:
    """SYS-09, WIKI-10; ACL-12: the whole chain for a private wiki."""
    disk.write(store, "alice", "wiki/Start.html", b"<p>x")
    address = "/wiki/alice/private/Start"
    assert anybody.request("GET", address).status == 401
    assert (bob.request("GET", address).status, carol.request("GET", address).status) == (404, 404)
    for path, right in {"": Right.SEE_FOLDER, "wiki": Right.SEE_FOLDER, "wiki/Start.html": Right.SEE}.items():
        disk.show(store, "alice", "bob", path, right)
    assert bob.request("GET", address).status == 200
    disk.gate(store, "wiki", False)
    assert alice.request("GET", address).status == 403  # SPEC 0.4: a closed gate says which
    assert "wiki" in alice.request("GET", address).text


def test_infos_of_all_groups(store: Store, alice: Client, bob: Client, carol: Client) -> None:
    """INFO-01, INFO-02: writing the page is publishing it; for members only."""
    assert desk.titles(bob.request("GET", "/feeds/bob/infos.rss")) == []
    disk.write(
        store,
        "alice",
        "wiki/groupinfo/index.html",
        b"<title>Meeting</title><p onclick=x>On <b>Monday</b> <a href='../index.html'>more</a>",
        group="IAB",
    )
    answer = bob.request("GET", "/feeds/bob/infos.rss")
    [entry] = desk.read(answer).entries
    assert entry.title == "IAB: Meeting"
    assert "<b>Monday</b>" in entry.summary
    assert 'href="https://desk.test/wiki/groups/IAB/index"' in entry.summary
    assert b"onclick" not in answer.body
    assert entry.link == "https://desk.test/wiki/groups/IAB/groupinfo/index"
    assert bob.request("GET", "/wiki/groups/IAB/groupinfo/index").status == 200
    assert desk.titles(carol.request("GET", "/feeds/carol/infos.atom")) == []
    assert bob.request("GET", "/feeds/alice/infos.rss").status == 404


def test_a_page_too_long_to_show(store: Store, alice: Client) -> None:
    disk.write(store, "alice", "wiki/Long.html", b"<p>" + b"x" * (2 * 1024 * 1024))
    answer = alice.request("GET", "/wiki/alice/private/Long")
    assert answer.status == 200
    assert len(answer.body) < 10_000
    assert "https://desk.test/docs/alice/private/wiki/Long.html" in answer.text


def test_the_site_s_message_comes_first(store: Store, alice: Client, carol: Client) -> None:
    """INFO-06: to everybody, in groups or not; INFO-04: a deleted page is no message."""
    page = "wiki/groupinfo/index.html"
    disk.write(store, "alice", page, b"<title>Meeting</title>", group="IAB")
    with store.write(SITE) as tx:
        links = "<a href='/x'>here</a> <a href='https://a/'>there</a>"
        site_info.put(tx, f"<title>Pause</title><p onclick=x>On <b>Sunday</b> {links}")
    first, second = desk.read(alice.request("GET", "/feeds/alice/infos.atom")).entries
    assert (first.title, second.title) == ("Pause", "IAB: Meeting")
    assert "<b>Sunday</b>" in first.summary
    assert "onclick" not in first.summary
    assert 'href="/x"' not in first.summary
    assert 'href="https://a/"' in first.summary
    assert desk.titles(carol.request("GET", "/feeds/carol/infos.rss")) == ["Pause"]
    with store.write(desk.actor(store, "alice")) as tx:
        message = folders.find(tx, SpaceKind.GROUP, "IAB", page)
        assert isinstance(message, File)
        transplant.delete(tx, message)
    with store.write(SITE) as tx:
        assert site_info.clear(tx)
    assert desk.titles(alice.request("GET", "/feeds/alice/infos.rss")) == []


def test_only_the_administrator_speaks_for_the_site(store: Store) -> None:
    with store.write(desk.actor(store, "alice")) as tx, pytest.raises(Denied):
        site_info.put(tx, "x")
    with store.write(SITE) as tx, pytest.raises(LimitReached):
        site_info.put(tx, "x" * (site_info.HTML_OCTETS + 1))
