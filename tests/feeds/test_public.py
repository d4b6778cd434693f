"""Public documents, feeds and podcasts (DOC-37…50): what was published, and nothing more."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from servers.feeds import application
from servers.feeds.settings import FeedsSettings
from storage import downloads, folders
from storage.store import Store
from storage.types import SpaceKind
from tests.dav.desk import Client
from tests.feeds import desk, disk
from tests.feeds.conftest import verify

FORM = "/public/alice/public/communication/form.doc"
CHAIN = ("", "public", "public/communication", "public/communication/form.doc")


def test_the_web_folder_once_it_is_published(store: Store, anybody: Client) -> None:
    """DOC-37: nothing before, everything after, at any depth; and nothing again when that ends."""
    disk.write(store, "alice", "web/form.pdf", b"%PDF")
    disk.write(store, "alice", "web/a/b/deep.txt", b"deep")
    disk.write(store, "alice", "Web/other.txt", b"the name is lower case")
    addresses = ("/public/alice/web/form.pdf", "/public/alice/web/a/b/deep.txt")
    assert {anybody.request("GET", one).status for one in addresses} == {404}
    disk.publish(store, "alice")
    assert [anybody.request("GET", one).body for one in addresses] == [b"%PDF", b"deep"]
    assert anybody.request("GET", "/public/alice/Web/other.txt").status == 404
    assert anybody.request("GET", "/public/alice/").status == 404
    disk.publish(store, "alice", on=False)
    assert {anybody.request("GET", one).status for one in addresses} == {404}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("Grüße".encode(), "text/plain; charset=utf-8"),
        ("é".encode() * 50_000, "text/plain; charset=utf-8"),
        (b"x" + "é".encode() * 50_000, "text/plain; charset=utf-8"),  # a character across what is looked at
        ("Grüße".encode("latin-1"), "text/plain"),
        ("Grüße".encode()[:3], "text/plain"),
    ],
)
def test_a_plain_text_in_a_browser(store: Store, anybody: Client, content: bytes, said: str) -> None:
    """DOC-38: browsers take text without a charset for Latin-1; other programs get what was said of it."""
    disk.write(store, "alice", "web/notes.txt", content)
    disk.publish(store, "alice")
    answer = anybody.request("GET", "/public/alice/web/notes.txt", accept="text/html,*/*;q=0.8")
    assert (answer.headers["content-type"], answer.body) == (said, content)
    assert anybody.request("GET", "/public/alice/web/notes.txt").headers["content-type"] == "text/plain"


@pytest.mark.parametrize("missing", CHAIN)
def test_every_folder_of_the_chain_must_be_public(store: Store, anybody: Client, missing: str) -> None:
    """DOC-39, DOC-40: the example rule."""
    disk.write(store, "alice", "public/communication/form.doc", b"form")
    disk.write(store, "alice", "public/communication/other.doc", b"other")
    disk.flag(store, "alice", *CHAIN)
    assert anybody.request("GET", FORM).body == b"form"
    hidden = anybody.request("GET", FORM.replace("form", "other"))
    absent = anybody.request("GET", FORM.replace("form", "none"))
    assert (hidden.status, hidden.body) == (404, absent.body)
    disk.flag(store, "alice", missing, on=False)
    assert anybody.request("GET", FORM).status == 404


def test_groups_publish_too(store: Store, anybody: Client) -> None:
    disk.write(store, "alice", "web/call.txt", b"call", group="IAB")
    disk.publish(store, "alice", group="IAB")
    assert anybody.request("GET", "/public/groups/IAB/web/call.txt").body == b"call"
    assert anybody.request("GET", "/public/groups/iab/web/call.txt").status == 404


@pytest.mark.parametrize("address", [FORM, "/feeds/public/alice/public/communication/index.rss"])
def test_a_closed_gate_closes_everything(store: Store, anybody: Client, address: str) -> None:
    """DOC-45: 404, and the settings are kept."""
    disk.write(store, "alice", "public/communication/form.doc", b"form")
    disk.flag(store, "alice", *CHAIN)
    assert anybody.request("GET", address).status == 200
    disk.gate(store, "public_access", False)
    assert anybody.request("GET", address).status == 404
    disk.gate(store, "public_access", True)
    assert anybody.request("GET", address).status == 200


def test_what_is_sent_can_do_no_harm(store: Store, anybody: Client) -> None:
    """DOC-46: nosniff, HTML and SVG in a sandbox, no cookie, no login asked for."""
    script = b"<script>alert(document.cookie)</script>"
    for name in ("page.html", "drawing.svg", "feed.xml", "plain.txt", "picture.png", "paper.pdf"):
        disk.write(store, "alice", f"web/{name}", script)
    disk.write(store, "alice", "web/liar.txt", script, media_type="multipart/related; boundary=x")
    disk.write(store, "alice", "web/odd.xhtml", script, media_type="application/xhtml+xml")
    disk.publish(store, "alice")
    for name, boxed in {
        "page.html": True,
        "drawing.svg": True,
        "feed.xml": True,
        "odd.xhtml": True,
        "liar.txt": True,
        "plain.txt": False,
        "picture.png": False,
        "paper.pdf": False,
    }.items():
        answer = anybody.request("GET", f"/public/alice/web/{name}")
        assert answer.status == 200
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "set-cookie" not in answer.headers
        policy = answer.headers.get("content-security-policy", "")
        assert ("sandbox" in policy and "script-src 'none'" in policy) is boxed, name
        assert "allow-scripts" not in policy
    for method in ("PUT", "DELETE", "PROPFIND", "POST", "MKCOL"):  # DOC-43
        assert anybody.request(method, "/public/alice/web/plain.txt", b"x").status == 405


def test_conditions_ranges_and_head(store: Store, anybody: Client) -> None:
    """RFC 9110 §13, §14, for small files and large ones in the blob store; DOC-11 counts whole reads."""
    large = bytes(itertools.islice(itertools.cycle(range(256)), 300_000))
    disk.write(store, "alice", "web/small.txt", b"0123456789")
    disk.write(store, "alice", "web/large.bin", large)
    disk.publish(store, "alice")
    for name, content in {"small.txt": b"0123456789", "large.bin": large}.items():
        address = f"/public/alice/web/{name}"
        whole = anybody.request("GET", address)
        assert whole.body == content
        assert whole.headers["accept-ranges"] == "bytes"
        assert int(whole.headers["content-length"]) == len(content)
        tag = whole.headers["etag"]
        assert not tag.startswith("W/")
        assert anybody.request("GET", address, if_none_match=tag).status == 304
        assert anybody.request("GET", address, if_modified_since=whole.headers["last-modified"]).status == 304
        part = anybody.request("GET", address, range="bytes=3-6", if_range=tag)
        assert (part.status, part.body) == (206, content[3:7])
        assert part.headers["content-range"] == f"bytes 3-6/{len(content)}"
        assert anybody.request("GET", address, range="bytes=-4").body == content[-4:]
        assert anybody.request("GET", address, range=f"bytes={len(content)}-").status == 416
        both = anybody.request("GET", address, range="bytes=0-1,5-6")
        assert both.status == 206
        assert both.headers["content-type"].startswith("multipart/byteranges")
        assert int(both.headers["content-length"]) == len(both.body)
        head = anybody.request("HEAD", address)
        assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(content)))
        assert anybody.request("GET", address, range="bytes=0-").body == content
        downloads.flush(store)
        with store.read(desk.actor(store, "alice")) as tx:
            found = folders.find(tx, SpaceKind.PRIVATE, "alice", f"web/{name}")
        assert found.downloads == 2  # type: ignore[union-attr]


def test_a_folder_in_a_browser(store: Store, anybody: Client) -> None:
    """What is public in it, by name; its own start page comes first."""
    disk.write(store, "alice", "web/b <i>.txt", described="about & <b>")
    disk.write(store, "alice", "web/sub/a b.txt")
    disk.publish(store, "alice")
    moved = anybody.request("GET", "/public/alice/web")
    assert (moved.status, moved.headers["location"]) == (308, "https://desk.test/public/alice/web/")
    page = anybody.request("GET", "/public/alice/web/")
    assert '<a href="sub/">sub/</a>' in page.text
    assert '<a href="b%20%3Ci%3E.txt">b &lt;i&gt;.txt</a>' in page.text
    assert "about &amp; &lt;b&gt;" in page.text
    assert "/feeds/public/alice/web/index.rss" in page.text
    assert anybody.request("GET", "/public/alice/web/", if_none_match=page.headers["etag"]).status == 304
    disk.write(store, "alice", "web/index.html", b"<p>Welcome")
    start = anybody.request("GET", "/public/alice/web/")
    assert start.body == b"<p>Welcome"
    assert "sandbox" in start.headers["content-security-policy"]
    assert anybody.request("GET", "/public/alice/web/index.html/").status == 404


def test_a_name_with_a_colon_in_a_browser(store: Store, anybody: Client) -> None:
    """DOC-38, RFC 3986 §4.2: the link to `Minutes: May.txt` stays in the folder; it led to a scheme `Minutes`."""
    disk.write(store, "alice", "web/Minutes: May.txt")
    disk.write(store, "alice", "web/javascript:x/a.txt")
    disk.publish(store, "alice")
    page = anybody.request("GET", "/public/alice/web/")
    assert '<a href="./Minutes:%20May.txt">Minutes: May.txt</a>' in page.text
    assert '<a href="./javascript:x/">javascript:x/</a>' in page.text


def test_public_feed_and_podcast(store: Store, anybody: Client, alice: Client) -> None:
    """DOC-49, DOC-50: enclosures with address, length and type; the gate `podcast` decides."""
    disk.write(store, "alice", "web/show/one.mp3", b"ID3" * 1000, described="First & best")
    disk.write(store, "alice", "web/show/notes.txt", b"notes")
    address = "/feeds/public/alice/web/show/index.rss"
    assert anybody.request("GET", address).status == 404
    disk.publish(store, "alice")
    found = desk.read(anybody.request("GET", address))
    notes, one = found.entries
    assert "enclosures" not in notes or not notes.enclosures
    [enclosure] = one.enclosures
    assert enclosure.href == "https://desk.test/public/alice/web/show/one.mp3"
    assert (enclosure.length, enclosure.type) == ("3000", "audio/mpeg")
    assert anybody.request("GET", enclosure.href.removeprefix("https://desk.test")).body == b"ID3" * 1000
    assert "First & best" in one.summary or "First &amp; best" in one.summary
    atom = desk.read(anybody.request("GET", address.replace(".rss", ".atom")))
    assert [link.rel for link in atom.entries[1].links] == ["alternate", "enclosure"]
    assert anybody.request("GET", address).headers["cache-control"] == "public, no-cache"
    own = desk.read(alice.request("GET", "/feeds/alice/private/docs/web/show/index.rss"))  # remains (DOC-49)
    assert own.entries[0].link.startswith("https://desk.test/docs/alice/private/web/show/")
    disk.write(store, "alice", "web/show/two.mp3", b"ID3")
    assert desk.titles(anybody.request("GET", address))[0] == "two.mp3"
    disk.gate(store, "podcast", False)
    assert b"<enclosure" not in anybody.request("GET", address).body


def test_a_host_name_of_its_own(store: Store, template: Path) -> None:
    """DOC-46: public documents there, everything else here."""
    disk.write(store, "alice", "web/page.html", b"<p>x")
    disk.publish(store, "alice")
    settings = FeedsSettings(origin="https://desk.test", public_origin="https://files.test")
    app = application.make(store, settings, verify)
    there = {"HTTP_HOST": "files.test"}
    client = Client(app, "")
    moved = client.request("GET", "/public/alice/web/page.html")
    assert (moved.status, moved.headers["location"]) == (308, "https://files.test/public/alice/web/page.html")
    assert client.request("GET", "/public/alice/web/page.html", environ=there).status == 200
    feed = desk.read(client.request("GET", "/feeds/public/alice/web/index.rss", environ=there))
    assert feed.entries[0].link == "https://files.test/public/alice/web/page.html"
    assert Client(app, "alice").request("GET", "/feeds/alice/changes.rss", environ=there).status == 404
    assert Client(app, "alice").request("GET", "/feeds/alice/changes.rss").status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/public/alice/web/../../secret.txt",
        "/public/alice/web/%2e%2e/secret.txt",
        "/public/alice/web/%252e%252e/secret.txt",
        "/public/alice/web/..%5c..%5csecret.txt",
        "/public/alice/secret.txt%00.html",
        "/public/alice/web/%c0%ae%c0%ae/secret.txt",
        "/public/alice//secret.txt",
        "/public/bob/web/secret.txt",
        "/public/groups/IAB/",
        "/public/",
        "/public/nobody/web/x",
    ],
)
def test_tricks_lead_nowhere(store: Store, anybody: Client, path: str) -> None:
    disk.write(store, "alice", "secret.txt", b"secret")
    disk.write(store, "alice", "web/open.txt", b"open")
    disk.publish(store, "alice")
    answer = anybody.request("GET", path)
    assert answer.status in (400, 404)
    assert b"secret" not in answer.body
