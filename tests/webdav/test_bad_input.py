"""What must not hurt the disk: tricks with paths, names, tokens, properties and headers (SYS-09, SYS-11, SYS-13)."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servers.webdav import tree
from tests.dav.desk import Client

DAV = "{DAV:}"
HOME = "/docs/alice/private/"


@pytest.mark.parametrize(
    "name",
    [
        "..", "../x", "a/../../bob/private/x", ".", "%2e%2e/x", "..%2fx", "a%2fb", "a%00b",
        "%c0%ae%c0%ae/x", "%ff%fe", "%ed%a0%80", "a%0ab", "%7f", "x" * 256, quote("ä" * 128), "%",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["PUT", "MKCOL", "GET", "COPY", "MOVE"])
def test_tricks_with_paths(alice: Client, method: str, name: str) -> None:
    """Refused or not found, never an error of ours, and never another's tree."""
    alice.request("PUT", HOME + "source", b"x")
    if method in ("COPY", "MOVE"):
        answer = alice.request(method, HOME + "source", destination=HOME + name)
    else:
        # granian gives the path decoded once; what the client sent is in REQUEST_URI where a server has it
        answer = alice.request(method, HOME + name, environ={"REQUEST_URI": HOME + name})
    assert answer.status in (400, 403, 404, 405, 409), (answer.status, answer.body)
    listed = alice.propfind(HOME, f"{DAV}resourcetype", depth="1").hrefs()
    assert [href for href in listed if href.startswith(HOME + "source")] == [HOME + "source"]


@pytest.mark.parametrize(
    "name", ["a\\b", "CON", "aux.txt", "a:b", "a|b?", "trailing.", "space ", "%2e%2e", "<a>", "'\";--", "💾", "-rf"]
)
def test_names_that_others_forbid_are_kept(alice: Client, name: str) -> None:
    """SYS-13: Windows' rules are Windows' own; a backslash is a character like others, decoded once."""
    path = HOME + quote(name, safe="")
    assert alice.request("PUT", path, b"x").status == 201
    assert alice.request("GET", path).body == b"x"
    listed = alice.propfind(HOME, f"{DAV}displayname", depth="1")
    shown = [one.text for one in listed.xml.iter(f"{DAV}displayname")]
    assert name in shown
    href = next(href for href in listed.hrefs() if href not in (HOME,) and "calendar" not in href and href[-1] != "/")
    assert alice.request("GET", href).body == b"x"


def test_twins(alice: Client) -> None:
    """SYS-13: NFC and NFD are one name, upper and lower case are two."""
    composed, apart = quote("é.txt"), quote("e\u0301.txt")
    assert alice.request("PUT", HOME + composed, b"one").status == 201
    assert alice.request("PUT", HOME + apart, b"two").status == 204
    assert alice.request("GET", HOME + composed).body == b"two"
    assert alice.request("PUT", HOME + "Case.txt", b"A").status == 201
    assert alice.request("PUT", HOME + "case.txt", b"a").status == 201
    assert alice.request("GET", HOME + "Case.txt").body == b"A"
    assert alice.request("GET", "/docs/ALICE/private/case.txt").body == b"a"  # ACC-01: logins without case


def test_a_file_is_no_folder(alice: Client) -> None:
    """Something below a file is nowhere; a file with a slash is the file; a folder is not overwritten by a file."""
    alice.request("PUT", HOME + "a", b"x")
    alice.request("MKCOL", HOME + "f")
    assert alice.request("PUT", HOME + "a/b", b"x").status == 409
    assert alice.request("MKCOL", HOME + "a/b").status == 409
    assert alice.request("GET", HOME + "a/b").status == 404
    assert alice.request("PUT", HOME + "f", b"x").status == 405
    assert alice.request("PUT", HOME + "f/", b"x").status == 405
    assert alice.request("MKCOL", HOME + "a").status == 405
    assert alice.request("MKCOL", HOME + "new", b"not xml", content_type="text/plain").status == 415


def test_destinations(alice: Client) -> None:
    """RFC 4918 §9.8.5, §10.3; behind a front that speaks TLS the scheme is another than ours."""
    alice.request("PUT", HOME + "a", b"x")
    for destination, status in (
        ("https://desk.test" + HOME + "tls", 201),
        ("http://desk.test" + HOME + "plain", 201),
        ("HTTPS://DESK.TEST" + HOME + "loud", 201),
        (HOME + "path", 201),
        ("http://elsewhere.test" + HOME + "x", 502),
        ("http://[::1" + HOME, 400),
        ("relative", 400),
        ("", 400),
        ("/other/x", 409),
        ("/docs", 403),
        ("/docs/bob/private/x", 403),
        ("/docs/nobody/private/x", 409),
    ):
        answer = alice.request("COPY", HOME + "a", destination=destination)
        assert answer.status == status, (destination, answer.status, answer.body)
    assert alice.request("COPY", HOME + "a").status == 400
    assert alice.request("COPY", HOME + "a", destination=HOME + "y", overwrite="X").status == 400


def test_tokens_of_others(alice: Client, bob: Client) -> None:
    """RFC 4918 §6.4, §20: a token that leaks opens nothing, and another's is not shown."""
    lock = (
        '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype>'
        "</D:lockinfo>"
    )
    path = "/docs/alice/IAB/plan.txt"
    token = alice.request("LOCK", path, lock).headers["lock-token"]
    shown = bob.propfind("/docs/bob/IAB/plan.txt", f"{DAV}lockdiscovery").text
    assert token.strip("<>") not in shown
    assert "activelock" in shown
    assert "<D:href>/docs/bob/IAB/plan.txt</D:href>" in shown
    assert bob.request("PUT", "/docs/bob/IAB/plan.txt", b"x", **{"if": f"({token})"}).status in (403, 423)
    assert bob.request("UNLOCK", "/docs/bob/IAB/plan.txt", lock_token=token).status in (403, 409)
    for bad in ("(<", "()", "(Not)", "<a> ", "(<a>) x", '(["a)', "x" * 5000):
        assert alice.request("PUT", path, b"x", **{"if": bad}).status in (400, 412), bad


def test_properties_without_measure(alice: Client) -> None:
    """Large ones, many, entities, document types, depth: refused in words."""
    alice.request("PUT", HOME + "a", b"x")
    patch = (
        '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x:a xmlns:x="urn:x">%s</x:a></D:prop></D:set>'
        "</D:propertyupdate>"
    )
    assert alice.request("PROPPATCH", HOME + "a", patch % ("y" * 100_000)).status == 403
    deep = "<y>" * 200 + "</y>" * 200
    assert alice.request("PROPPATCH", HOME + "a", patch % deep).status == 400
    bomb = '<!DOCTYPE a [<!ENTITY b "bbbb">]>' + patch % "&b;"
    assert alice.request("PROPPATCH", HOME + "a", bomb).status == 403
    assert alice.request("PROPPATCH", HOME + "a", "<a").status == 400
    assert alice.request("PROPPATCH", HOME + "a", "").status == 400
    for name in ("getetag", "getcontentlength", "displayname", "resourcetype", "made-up"):
        body = (
            f'<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:{name}>x</D:{name}></D:prop></D:set>'
            "</D:propertyupdate>"
        )
        assert "cannot-modify-protected-property" in alice.request("PROPPATCH", HOME + "a", body).text
    assert alice.request("GET", HOME + "a").body == b"x"


def test_headers_that_make_no_sense(alice: Client) -> None:
    alice.request("PUT", HOME + "a", b"x")
    assert alice.request("PROPFIND", HOME, depth="2").status == 400
    assert alice.request("DELETE", HOME + "a", if_match="tag with spaces, \x80").status in (400, 412)
    environ: dict[str, Any] = {"CONTENT_LENGTH": "-5", "wsgi.input": io.BytesIO(b"")}
    assert alice.request("PUT", HOME + "b", environ=environ).status == 400
    environ = {"CONTENT_LENGTH": "1e9", "wsgi.input": io.BytesIO(b"")}
    assert alice.request("PUT", HOME + "b", environ=environ).status == 400
    assert alice.request("PUT", HOME + "b", b"x", content_encoding="gzip").status == 415
    assert alice.request("PUT", HOME + "b", b"x", x_oc_mtime="soon").status == 201
    assert alice.request("PUT", HOME + "b", b"x", x_oc_mtime="inf").status == 204
    assert alice.request("BREW", HOME).status == 501
    assert alice.request("POST", HOME + "a", b"x").status == 405


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=12), max_size=6))
def test_the_map_of_urls_never_fails(names: list[str]) -> None:
    """Any decoded segments have an address or none."""
    address = tree.parse(tuple(names))
    again = tree.parse(("docs", *names))
    assert address is None or address.segments == tuple(names)
    assert again is not None
