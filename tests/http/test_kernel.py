"""The HTTP kernel: conditions, ranges, preferences, compression (RFC 9110, RFC 7240)."""

from __future__ import annotations

import gzip
import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servers.http import application, conditions, preferences, ranges
from servers.http import request as requests
from servers.http.application import Exchange, HttpSettings
from servers.http.errors import BadRequest, HttpError
from servers.http.response import Response, Stream
from storage.types import ANY


def request(**fields: Any) -> requests.Request:
    base = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "wsgi.input": io.BytesIO(b""), "REMOTE_ADDR": "127.0.0.1"}
    return requests.read(base | fields)


@pytest.mark.parametrize(
    ("text", "weak", "found"),
    [
        ('"a"', False, {"a"}),
        ('"a", W/"b" , "c"', False, {"a", "c"}),
        ('"a",W/"b"', True, {"a", "b"}),
        ("*", False, ANY),
        ('"a,b"', False, {"a,b"}),
        ('""', False, {""}),
        ("bare", False, {"bare"}),
    ],
)
def test_entity_tags(text: str, weak: bool, found: set[str]) -> None:
    assert conditions.entity_tags(text, weak=weak) == found


@pytest.mark.parametrize("text", ['"a', "a b", '"a" "b"x', ", ,"])
def test_broken_entity_tags(text: str) -> None:
    with pytest.raises(BadRequest):
        conditions.entity_tags(text, weak=False)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(st.characters(min_codepoint=0x23, max_codepoint=0x7E), max_size=8), min_size=1, max_size=5))
def test_entity_tags_round_trip(tags: list[str]) -> None:
    text = ", ".join(f'"{tag}"' for tag in tags)
    assert conditions.entity_tags(text, weak=False) == set(tags)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40), st.integers(0, 50))
def test_ranges_never_reach_beyond_the_body(text: str, length: int) -> None:
    try:
        found = ranges.parse("bytes=" + text, length)
    except HttpError:
        return
    for first, last in found or ():
        assert 0 <= first <= last < length


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("bytes=0-0", [(0, 0)]),
        ("bytes=5-", [(5, 9)]),
        ("bytes=-4", [(6, 9)]),
        ("bytes=-400", [(0, 9)]),
        ("bytes=0-99", [(0, 9)]),
        ("bytes=0-1, 3-4", [(0, 1), (3, 4)]),
        ("bytes=5-4", None),
        ("bytes=x", None),
        ("pages=0-1", None),
        ("bytes=0-9,0-9", None),
        ("bytes=" + ",".join(["0-0"] * 17), None),
        ("bytes=", None),
        ("bytes=,", None),
        ("bytes=,0-0,,", [(0, 0)]),
    ],
)
def test_ranges(text: str, found: list[tuple[int, int]] | None) -> None:
    assert ranges.parse(text, 10) == found


def test_the_end_of_nothing_is_all_of_it() -> None:
    """RFC 9110 §14.1.2: a suffix is always satisfiable, a position beyond the end never is."""
    assert ranges.parse("bytes=-5", 0) is None
    with pytest.raises(HttpError):
        ranges.parse("bytes=0-", 0)


def test_white_space_in_a_range_takes_as_long_as_it_is() -> None:
    """SYS-17: it once took the square."""
    assert ranges.parse("bytes=-" + "\t" * 500_000 + "x", 10) is None
    assert ranges.parse("bytes=" + " " * 500_000 + "1" + " " * 500_000 + "-", 10) == [(1, 9)]


def test_preferences() -> None:
    """RFC 7240 §2: the first one of a name counts; unknown ones do not matter."""
    both = preferences.of(request(HTTP_PREFER="foo; a=b, return=minimal, return=representation, depth-noroot"))
    assert both == preferences.Preferences(True, False, True)
    assert preferences.of(request(HTTP_BRIEF="t")).minimal
    assert not preferences.of(request(HTTP_BRIEF="t", HTTP_PREFER="return=representation")).minimal
    assert preferences.of(request()) == preferences.NONE


@pytest.mark.parametrize(
    ("value", "taken"),
    [
        ("gzip", True),
        ("deflate, gzip;q=0.5", True),
        ("gzip;q=0", False),
        ("*", True),
        ("br", False),
        ("", False),
        ("gzip;q=x", False),
    ],
)
def test_accept_encoding(value: str, taken: bool) -> None:
    assert application.accepts_gzip(value) is taken


def serve(response: Response, **fields: str) -> tuple[str, dict[str, str], bytes]:
    app = application.make(lambda _: response, lambda *_: None, HttpSettings())
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "wsgi.input": io.BytesIO(b""), **fields}
    got: list[Any] = []
    body = b"".join(app(environ, lambda status, headers: got.extend([status, headers])))
    return got[0], {name.lower(): value for name, value in got[1]}, body


def test_compression() -> None:
    large = b"x" * 5000
    page = [("Content-Type", "application/xml; charset=utf-8")]
    _, headers, body = serve(Response(207, list(page), large), HTTP_ACCEPT_ENCODING="gzip")
    assert (headers["content-encoding"], headers["vary"]) == ("gzip", "Accept-Encoding")
    assert gzip.decompress(body) == large
    assert headers["content-length"] == str(len(body))
    _, headers, body = serve(Response(207, list(page), large))
    assert (body, headers["vary"]) == (large, "Accept-Encoding")
    for response in (
        Response(207, list(page), b"small"),
        Response(200, [*page, ("ETag", '"x"')], large),
        Response(200, [("Content-Type", "image/png")], large),
    ):
        _, headers, body = serve(response, HTTP_ACCEPT_ENCODING="gzip")
        assert "content-encoding" not in headers


def test_bodies_and_lengths() -> None:
    status, headers, body = serve(Response(204))
    assert (status, body) == ("204 No Content", b"")
    assert "content-length" not in headers
    status, headers, body = serve(Response(200, [], Stream(6, [b"abc", b"def"])))
    assert (headers["content-length"], body) == ("6", b"abcdef")
    _, headers, body = serve(Response(200, [], b"abc"), REQUEST_METHOD="HEAD")
    assert (headers["content-length"], body) == ("3", b"")


def test_one_block_for_one_small_answer() -> None:
    app = application.make(lambda _: Response(200, [], b"abc"), lambda *_: None, HttpSettings())
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "wsgi.input": io.BytesIO(b"")}
    assert list(app(environ, lambda *_: None)) == [b"abc"]


@pytest.mark.parametrize(("status", "level"), [(200, "DEBUG"), (404, "INFO")])
def test_the_log_has_one_line_a_refusal_and_in_detail_one_a_request(
    status: int, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    def handler(exchange: Exchange) -> Response:
        exchange.login = "alice"
        return Response(status, [], b"abc")

    app = application.make(handler, lambda *_: None, HttpSettings())
    with caplog.at_level("DEBUG"):
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/x", "wsgi.input": io.BytesIO(b""), "REMOTE_ADDR": "::1"}
        list(app(environ, lambda *_: None))
    (record,) = [record for record in caplog.records if record.message == "request"]
    assert record.levelname == level
    assert (record.status, record.login, record.path, record.octets) == (status, "alice", "/x", 3)  # type: ignore[attr-defined]


def test_proxies_are_believed_only_if_trusted() -> None:
    fields = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "inner:8000",
        "HTTP_X_FORWARDED_FOR": "10.0.0.9, 192.0.2.7",
        "HTTP_X_FORWARDED_PROTO": "https",
        "HTTP_X_FORWARDED_HOST": "desk.example",
    }
    believed = requests.read(fields, trusted=frozenset({"127.0.0.1"}))
    assert (believed.peer, believed.origin, believed.secure) == ("192.0.2.7", "https://desk.example", True)
    doubted = requests.read(fields)
    assert (doubted.peer, doubted.origin) == ("127.0.0.1", "http://inner:8000")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_paths_are_read_or_refused(octets: bytes) -> None:
    """Whatever comes, no segment is empty, dots, or holds a slash or a control character."""
    try:
        found = request(PATH_INFO="/" + octets.decode("latin-1"))
    except BadRequest:
        return
    for segment in found.segments:
        assert segment not in ("", ".", "..")
        assert "/" not in segment
        assert segment.isprintable() or not any(ord(character) < 32 for character in segment)
