"""Bodies: PUT in every manner, GET with conditions and ranges, partial writing (RFC 9110 §9.3.4, §13, §14; DOC-08…14)."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from servers.webdav.app import PROTOCOL
from storage.store import Store
from tests.dav import desk
from tests.dav.desk import Answer, Client
from tests.storage.full_disk import no_room

DAV = "{DAV:}"
ESC = "{urn:escritoire:dav}"
HOME = "/docs/alice/private/"
BIG = os.urandom(300_000)


def chunked(body: Any) -> dict[str, Any]:
    """The environment of a chunked request."""
    source = io.BytesIO(body) if isinstance(body, bytes) else body
    return {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": source}


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 300_000])
def test_what_was_put_is_got(alice: Client, size: int) -> None:
    """DOC-14: whole, with a strong validator that is the same for the same content."""
    first = alice.request("PUT", HOME + "a.bin", BIG[:size])
    assert first.status == 201
    got = alice.request("GET", HOME + "a.bin")
    assert got.body == BIG[:size]
    assert got.headers["content-length"] == str(size)
    assert got.headers["etag"] == first.headers["etag"]
    assert not got.headers["etag"].startswith("W/")
    again = alice.request("PUT", HOME + "a.bin", BIG[:size])
    assert (again.status, again.headers["etag"]) == (204, first.headers["etag"])
    head = alice.request("HEAD", HOME + "a.bin")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(size))


def test_conditions(alice: Client) -> None:
    """RFC 9110 §13: nothing is overwritten unseen, nothing is sent twice."""
    tag = alice.request("PUT", HOME + "a.txt", b"one", if_none_match="*").headers["etag"]
    assert alice.request("PUT", HOME + "a.txt", b"two", if_none_match="*").status == 412
    assert alice.request("PUT", HOME + "a.txt", b"two", if_match='"other"').status == 412
    assert alice.request("PUT", HOME + "a.txt", BIG, if_match='"other"').status == 412
    assert alice.request("GET", HOME + "a.txt", if_none_match=tag).status == 304
    fresh = alice.request("PUT", HOME + "a.txt", b"two", if_match=tag)
    assert fresh.status == 204
    assert alice.request("DELETE", HOME + "a.txt", if_match=tag).status == 412
    assert alice.request("PUT", HOME + "b.txt", b"x", if_match="*").status == 412
    assert alice.request("DELETE", HOME + "a.txt", if_match=fresh.headers["etag"]).status == 204


@pytest.mark.parametrize("size", [1_000, 300_000])
def test_ranges(alice: Client, size: int) -> None:
    """RFC 9110 §14: single, several, from the end, not satisfiable, guarded by If-Range."""
    body = BIG[:size]
    alice.request("PUT", HOME + "a.bin", body)

    def get(wanted: str, **fields: str) -> Answer:
        return alice.request("GET", HOME + "a.bin", range=wanted, **fields)

    one = get("bytes=10-19")
    assert (one.status, one.body, one.headers["content-range"]) == (206, body[10:20], f"bytes 10-19/{size}")
    assert get(f"bytes={size - 5}-").body == body[-5:]
    assert get("bytes=-7").body == body[-7:]
    beyond = get(f"bytes={size}-")
    assert (beyond.status, beyond.headers["content-range"]) == (416, f"bytes */{size}")
    several = get("bytes=0-4,100-109")
    assert several.status == 206
    assert several.headers["content-type"].startswith("multipart/byteranges")
    assert body[:5] in several.body
    assert body[100:110] in several.body
    assert len(several.body) == int(several.headers["content-length"])
    assert get("bytes=0-4", if_range='"other"').status == 200
    whole = get("bytes=0-")
    assert get("bytes=0-4", if_range=whole.headers["etag"]).status == 206
    assert get("bytes=0-4", if_range="W/" + whole.headers["etag"]).status == 200
    assert get("bytes=0-4", if_range=whole.headers["last-modified"]).status == 200  # X-OC-Mtime may repeat it
    assert get("lines=1-2").status == 200


def test_a_chunked_body(alice: Client) -> None:
    """RFC 9112 §7.1: streamed where its length is known, as Finder says it (X-Expected-Entity-Length)."""
    length = str(len(BIG))
    assert alice.request("PUT", HOME + "a.bin", environ=chunked(BIG), x_expected_entity_length=length).status == 201
    assert alice.request("GET", HOME + "a.bin").body == BIG
    longer = alice.request("PUT", HOME + "a.bin", environ=chunked(BIG + b"x"), x_expected_entity_length=length)
    assert longer.status == 400
    short = alice.request("PUT", HOME + "a.bin", environ=chunked(BIG[:-1]), x_expected_entity_length=length)
    assert short.status == 400
    assert alice.request("GET", HOME + "a.bin").body == BIG
    assert alice.request("PUT", HOME + "small", environ=chunked(b"12"), x_expected_entity_length="3").status == 400
    assert alice.request("GET", HOME + "small").status == 404


@pytest.mark.parametrize("size", [5, 300_000])
@pytest.mark.parametrize(
    "head", [{"HTTP_TRANSFER_ENCODING": "chunked"}, {"SERVER_PROTOCOL": "HTTP/2"}], ids=["chunks", "frames"]
)
def test_a_body_that_nothing_measures(alice: Client, head: dict[str, str], size: int) -> None:
    """DOC-08, RFC 9112 §7.1, RFC 9113 §8.1.1: `curl -T -`, npm's webdav, DAVx5. Frames of HTTP/2 became an empty file."""
    unmeasured = {**head, "CONTENT_LENGTH": "", "wsgi.input": io.BytesIO(BIG[:size])}
    assert alice.request("PUT", HOME + "a.bin", environ=unmeasured).status == 201
    assert alice.request("GET", HOME + "a.bin").body == BIG[:size]
    ask = b'<D:propfind xmlns:D="DAV:"><D:prop><D:getcontentlength/></D:prop></D:propfind>'
    named = alice.request("PROPFIND", HOME + "a.bin", depth="0", environ=unmeasured | {"wsgi.input": io.BytesIO(ask)})
    assert named.prop(HOME + "a.bin", f"{DAV}getcontentlength") is not None
    assert named.prop(HOME + "a.bin", f"{DAV}getetag") is None
    odd = b'<D:mkcol xmlns:D="DAV:"><D:set><D:prop><D:resourcetype><D:odd/></D:resourcetype></D:prop></D:set></D:mkcol>'
    made = alice.request("MKCOL", HOME + "new/", environ=unmeasured | {"wsgi.input": io.BytesIO(odd)})
    assert (made.status, made.precondition) == (403, f"{DAV}valid-resourcetype")  # RFC 5689 §3.3
    assert alice.request("MKCOL", HOME + "new/", environ=unmeasured | {"wsgi.input": io.BytesIO()}).status == 201


def test_a_body_that_nothing_measures_and_that_breaks_off(alice: Client, store: Store) -> None:
    """RFC 9112 §8: half a file is no file. What came straight from elsewhere nobody limits: it says its length."""
    alice.request("PUT", HOME + "a.txt", b"as it was")
    assert alice.request("PUT", HOME + "a.txt", environ=chunked(b"")).status == 411  # granian gives all, or nothing
    distant = {"REMOTE_ADDR": "192.0.2.1", "wsgi.url_scheme": "https"}
    assert alice.request("PUT", HOME + "a.txt", environ=chunked(b"new") | distant).status == 411
    assert alice.request("PUT", HOME + "a.txt", environ=chunked(bytes(64 * 1024 * 1024 + 1))).status == 413
    assert alice.request("GET", HOME + "a.txt").body == b"as it was"
    assert list(store.blobs.keys()) == []


def test_a_body_that_ends_early_leaves_nothing(alice: Client, store: Store) -> None:
    """A dropped connection: what was there stays, what came is thrown away (RFC 9112 §8)."""
    for size in (100, 300_000):
        name = HOME + f"{size}.bin"
        cut = {"CONTENT_LENGTH": str(size), "wsgi.input": io.BytesIO(BIG[: size - 1])}
        assert alice.request("PUT", name, environ=cut).status == 400
        assert alice.request("GET", name).status == 404
    assert list(store.blobs.keys()) == []


def test_memory_stays_constant(alice: Client, store: Store) -> None:
    """40 MB in and out, never more than a few blocks at a time."""
    import tracemalloc

    total, block = 40 * 1024 * 1024, b"0123456789abcdef" * 4096

    class Endless:
        left = total

        def read(self, size: int = -1) -> bytes:
            assert 0 < size <= 1024 * 1024
            taken = min(size, self.left, len(block))
            self.left -= taken
            return block[:taken]

    tracemalloc.start()
    environ = {"CONTENT_LENGTH": str(total), "wsgi.input": Endless()}
    assert alice.request("PUT", HOME + "large.bin", environ=environ).status == 201
    _, peak = tracemalloc.get_traced_memory()
    assert peak < 8 * 1024 * 1024
    tracemalloc.stop()
    found = hashlib.sha256()
    size = 0
    for part in stream(alice, HOME + "large.bin"):
        assert len(part) <= 1024 * 1024
        found.update(part)
        size += len(part)
    assert size == total


def stream(client: Client, path: str, method: str = "GET", body: bytes = b"", **fields: str) -> Iterable[bytes]:
    """The blocks of an answer as the server yields them."""
    import base64

    pair = base64.b64encode(f"{client.login}:{client.login}".encode()).decode()
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_AUTHORIZATION": f"Basic {pair}",
        **fields,
    }
    return client.app(environ, lambda *_: None)


def test_identical_content_is_stored_once(alice: Client, store: Store) -> None:
    for name in ("a", "b", "c"):
        assert alice.request("PUT", HOME + name, BIG).status == 201
    assert len(list(store.blobs.keys())) == 1


def test_quota_is_known_before_the_body_is_read(
    alice: Client, store: Store, app: Callable[..., Iterable[bytes]]
) -> None:
    """DOC-13, RFC 4331 §6, RFC 4918 §11.5: 507 without a read."""
    from storage import plans, principals
    from storage.types import SITE, SpaceKind

    with store.write(SITE) as tx:
        plans.add(tx, "tiny", (), {"docs_bytes": 100_000})
        plans.assign(tx, principals.find(tx, SpaceKind.PRIVATE, "alice").id, "tiny")

    class Forbidden:
        def read(self, size: int = -1) -> bytes:
            raise AssertionError("the body was read")

    environ = {"CONTENT_LENGTH": "100001", "wsgi.input": Forbidden()}
    refused = alice.request("PUT", HOME + "a.bin", environ=environ)
    assert (refused.status, refused.precondition) == (507, f"{DAV}quota-not-exceeded")
    expected = {**chunked(Forbidden()), "HTTP_X_EXPECTED_ENTITY_LENGTH": "100001"}
    assert alice.request("PUT", HOME + "a.bin", environ=expected).status == 507
    lie = alice.request("PUT", HOME + "a.bin", environ=chunked(BIG), x_expected_entity_length="90000")
    assert lie.status == 400
    assert alice.request("PUT", HOME + "a.bin", BIG[:90_000]).status == 201
    assert alice.request("PUT", HOME + "b.bin", BIG[:20_000]).status == 507
    assert alice.request("COPY", HOME + "a.bin", destination=HOME + "b.bin").status == 507
    assert alice.request("PUT", HOME + "a.bin", BIG[:99_000]).status == 204  # it takes the old one's place


def test_partial_put(alice: Client) -> None:
    """RFC 9110 §14.5: Content-Range replaces octets, or adds them at the end."""
    for size in (1_000, 200_000):
        body = bytearray(BIG[:size])
        alice.request("PUT", HOME + "a.bin", bytes(body))
        assert alice.request("PUT", HOME + "a.bin", b"xyz", content_range=f"bytes 10-12/{size}").status == 204
        body[10:13] = b"xyz"
        assert alice.request("GET", HOME + "a.bin").body == bytes(body)
        end = f"bytes {size}-{size + 2}/*"
        assert alice.request("PUT", HOME + "a.bin", b"END", content_range=end).status == 204
        assert alice.request("GET", HOME + "a.bin").body == bytes(body) + b"END"
        alice.request("DELETE", HOME + "a.bin")
    assert alice.request("PUT", HOME + "new.bin", b"abc", content_range="bytes 0-2/3").status == 201
    assert alice.request("PUT", HOME + "new.bin", b"abc", content_range="bytes 9-11/12").status == 416
    for bad in ("bytes 0-2", "bytes 2-0/3", "bytes 0-5/3", "lines 0-2/3", "bytes a-b/c"):
        assert alice.request("PUT", HOME + "new.bin", b"abc", content_range=bad).status == 400, bad
    assert alice.request("PUT", HOME + "new.bin", b"ab", content_range="bytes 0-2/3").status == 400
    assert alice.request("PUT", HOME + "new.bin", environ=chunked(b"ab"), content_range="bytes 0-2/3").status == 400
    assert alice.request("PUT", HOME + "new.bin", environ=chunked(b"abcd"), content_range="bytes 0-2/3").status == 400
    assert alice.request("GET", HOME + "new.bin").body == b"abc"


def test_patch(alice: Client) -> None:
    """RFC 5789 with sabre/dav's X-Update-Range and its table of results and statuses (sabre.io/dav/http-patch)."""
    kind = "application/x-sabredav-partialupdate"

    def patch(wanted: str, body: bytes, name: str = "a.txt", **fields: str) -> int:
        return alice.request("PATCH", HOME + name, body, content_type=kind, x_update_range=wanted, **fields).status

    tag = alice.request("PUT", HOME + "a.txt", b"0123456789").headers["etag"]
    assert patch("bytes=2-4", b"abc") == 204
    assert alice.request("GET", HOME + "a.txt").body == b"01abc56789"
    assert patch("append", b"!") == 204
    assert patch("bytes=-3", b"XY") == 204
    assert alice.request("GET", HOME + "a.txt").body == b"01abc567XY!"
    assert patch("bytes=13-", b"xy") == 204  # webdavfs writes its blocks in any order
    assert alice.request("GET", HOME + "a.txt").body == b"01abc567XY!\0\0xy"
    assert patch("bytes=19-20", b"--") == 204
    assert alice.request("GET", HOME + "a.txt").body == b"01abc567XY!\0\0xy\0\0\0\0--"
    assert patch(f"bytes={64 * 1024 * 1024 + 22}-", b"x") == 416
    assert patch("bytes=1-3", b"x") == 416
    assert patch("bytes=3-1", b"x") == 416
    assert patch("nonsense", b"x") == 400
    assert patch("append", b"x", if_match=tag) == 412
    assert patch("append", b"x", name="missing.txt") == 404
    assert alice.request("PATCH", HOME + "a.txt", b"x", content_type="text/plain").status == 415
    assert "sabredav-partialupdate" in alice.request("OPTIONS", HOME).headers["dav"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.txt.gz", "application/gzip"),
        ("a.tgz", "application/gzip"),
        ("a.tar.bz2", "application/x-bzip2"),
        ("a.html.xz", "application/x-xz"),
        ("a.m4b", "audio/mp4"),
        ("a.oga", "audio/ogg"),
        ("a.epub", "application/epub+zip"),
        ("a.woff2", "font/woff2"),
        ("a.mp3", "audio/mpeg"),
        ("a", "application/octet-stream"),
    ],
)
def test_the_media_type_by_the_name(alice: Client, name: str, kind: str) -> None:
    """RFC 9110 §8.3, DOC-50: `a.txt.gz` is not text, since what is sent is not decoded; audio books are heard."""
    assert alice.request("PUT", HOME + name, b"\x1f\x8b").status == 201
    assert alice.request("GET", HOME + name).headers["content-type"] == kind


def test_the_media_type_follows_the_name(alice: Client) -> None:
    """RFC 4918 §15.5, DOC-28: programs save under another name first, and the document was `application/octet-stream`
    from then on: not shown by browsers, not heard in podcasts (DOC-50). What a client said of it stays."""
    pdf = "application/pdf"

    def kind(path: str) -> str:
        return alice.request("HEAD", path).headers["content-type"]

    def to(method: str, name: str, target: str) -> int:
        return alice.request(method, HOME + name, destination=HOME + target).status

    alice.request("PUT", HOME + "~WRD0001.tmp", b"%PDF")
    assert to("MOVE", "~WRD0001.tmp", "new.pdf") == 201
    assert kind(HOME + "new.pdf") == pdf
    alice.request("PUT", HOME + "~WRD0002.tmp", b"%PDF-1.7")
    assert to("MOVE", "~WRD0002.tmp", "new.pdf") == 204
    assert kind(HOME + "new.pdf") == pdf
    alice.request("PUT", HOME + "part", b"%PDF")
    assert to("COPY", "part", "copy.pdf") == 201
    assert to("COPY", "part", "new.pdf") == 204
    assert [kind(HOME + name) for name in ("copy.pdf", "new.pdf", "part")] == [pdf, pdf, "application/octet-stream"]
    assert to("MOVE", "copy.pdf", "copy.html") == 201
    assert kind(HOME + "copy.html") == "text/html"
    assert to("MOVE", "new.pdf", "new.pdf~") == 201
    assert kind(HOME + "new.pdf~") == pdf
    alice.request("PUT", HOME + "said.txt", b"x", content_type="text/x-rst; charset=utf-8")
    assert to("MOVE", "said.txt", "said.html") == 201
    assert kind(HOME + "said.html") == "text/x-rst; charset=utf-8"
    listed = alice.propfind(HOME, f"{DAV}getcontenttype", depth="1")
    shown = listed.prop(HOME + "copy.html", f"{DAV}getcontenttype")
    assert shown is not None
    assert shown.text == "text/html"


def test_scripts_in_documents_run_nowhere(alice: Client) -> None:
    """A page of somebody else's is inert under the desk's own origin."""
    alice.request("PUT", HOME + "page.html", b"<script>alert(1)</script>", content_type="text/html")
    got = alice.request("GET", HOME + "page.html")
    assert got.headers["content-security-policy"].startswith("sandbox")
    assert got.headers["x-content-type-options"] == "nosniff"


def test_times_of_clients_are_kept(alice: Client) -> None:
    """X-OC-Mtime, as rclone and the ownCloud family send it."""
    put = alice.request("PUT", HOME + "old.txt", b"x", x_oc_mtime="1000000000")
    assert put.headers["x-oc-mtime"] == "accepted"
    assert alice.request("HEAD", HOME + "old.txt").headers["last-modified"] == "Sun, 09 Sep 2001 01:46:40 GMT"


def test_downloads_are_counted(alice: Client, app: Callable[..., Iterable[bytes]], store: Store) -> None:
    """DOC-11: 200, and 206 from the first octet; not HEAD, not 304, not the middle."""
    alice.request("PUT", HOME + "a.txt", b"0123456789")
    tag = alice.request("GET", HOME + "a.txt").headers["etag"]
    alice.request("HEAD", HOME + "a.txt")
    alice.request("GET", HOME + "a.txt", if_none_match=tag)
    alice.request("GET", HOME + "a.txt", range="bytes=5-")
    alice.request("GET", HOME + "a.txt", range="bytes=0-3")
    from storage import downloads

    downloads.flush(store)
    for depth, path in (("0", HOME + "a.txt"), ("1", HOME)):
        found = alice.propfind(path, f"{ESC}downloads", depth=depth).prop(HOME + "a.txt", f"{ESC}downloads")
        assert found is not None
        assert found.text == "2"


def test_downloads_are_told_at_the_next_request(
    alice: Client, app: Callable[..., Iterable[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """DOC-11, SYS-01: whoever asks is told what was counted up to then, though it is written behind the answers."""
    from storage import gathering

    monkeypatch.setattr(gathering, "DELAY_S", 600.0)
    alice.request("PUT", HOME + "a.txt", b"0123456789")
    for count in range(1, 40):
        alice.request("GET", HOME + "a.txt")
        found = alice.propfind(HOME, f"{ESC}downloads", depth="1").prop(HOME + "a.txt", f"{ESC}downloads")
        assert found is not None
        assert found.text == str(count)
    alice.request("GET", HOME + "a.txt")
    asked = (
        '<D:searchrequest xmlns:D="DAV:" xmlns:E="urn:escritoire:dav"><D:basicsearch><D:select><D:prop><D:getetag/></D:prop>'
        f"</D:select><D:from><D:scope><D:href>{HOME}</D:href><D:depth>1</D:depth></D:scope></D:from>"
        "<D:where><D:eq><D:prop><E:downloads/></D:prop><D:literal>40</D:literal></D:eq></D:where></D:basicsearch></D:searchrequest>"
    )
    assert alice.request("SEARCH", HOME, asked).hrefs() == [HOME + "a.txt"]


def test_descriptions(alice: Client) -> None:
    """DOC-09, DOC-14: settable, shown in listings, no change of the content's validator."""
    tag = alice.request("PUT", HOME + "a.txt", b"x").headers["etag"]
    patch = (
        '<D:propertyupdate xmlns:D="DAV:" xmlns:E="urn:escritoire:dav"><D:set><D:prop>'
        "<E:description>Minutes of March</E:description></D:prop></D:set></D:propertyupdate>"
    )
    assert "200 OK" in alice.request("PROPPATCH", HOME + "a.txt", patch).text
    alice.request("MKCOL", HOME + "folder")
    assert "200 OK" in alice.request("PROPPATCH", HOME + "folder", patch).text
    listing = alice.propfind(HOME, f"{ESC}description", f"{DAV}getetag", depth="1")
    for href in (HOME + "a.txt", HOME + "folder/"):
        found = listing.prop(href, f"{ESC}description")
        assert found is not None
        assert found.text == "Minutes of March"
    etag = listing.prop(HOME + "a.txt", f"{DAV}getetag")
    assert etag is not None
    assert etag.text == tag


def test_a_process_of_another_size_limit(store: Store) -> None:
    """The limit of calendar objects is none of files."""
    small = Client(desk.app(store, PROTOCOL, max_resource_octets=1024), "alice")
    assert small.request("PUT", HOME + "a.bin", BIG).status == 201


def test_a_full_disk(alice: Client) -> None:
    """RFC 4918 §11.5: 507, and what was there stays; it was an internal error."""
    alice.request("PUT", HOME + "a.bin", b"before")
    with no_room():
        assert alice.request("PUT", HOME + "a.bin", BIG).status == 507
        assert alice.request("PUT", HOME + "new.bin", BIG).status == 507
    assert alice.request("GET", HOME + "a.bin").body == b"before"
    assert alice.request("GET", HOME + "new.bin").status == 404
