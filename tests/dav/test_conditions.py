"""Conditions on every method: If with sync-tokens and other origins, If-Match where nothing is stored (RFC 6578 §5,
RFC 4918 §10.4, RFC 9110 §13.1.1), and the server as a whole (RFC 9110 §9.3.7)."""

from __future__ import annotations

import pytest

from tests.dav import desk
from tests.dav.desk import DAV, Client
from tests.dav.test_locks import lock

EVENTS = "/dav/alice/private/events/"
A = EVENTS + "a.ics"
PATCH = '<propertyupdate xmlns="DAV:"><set><prop><x xmlns="urn:x">1</x></prop></set></propertyupdate>'


@pytest.fixture
def etag(alice: Client) -> str:
    """The entity tag of an item that is there."""
    return alice.request("PUT", A, desk.event("a")).headers["etag"]


def test_a_sync_token_is_a_state_token(alice: Client, etag: str) -> None:
    """RFC 6578 §5.1: "only if there have been no other changes since the last synchronization"."""
    token = alice.sync(EVENTS).sync_token
    fields = {"if": f"<{EVENTS}> (<{token}>)"}
    assert alice.request("PUT", EVENTS + "b.ics", desk.event("b"), **fields).status == 201
    assert alice.request("PUT", EVENTS + "c.ics", desk.event("c"), **fields).status == 412
    newer = f"<{EVENTS}> (<{token}>) (Not <{token}>)"
    assert alice.request("PUT", EVENTS + "c.ics", desk.event("c"), **{"if": newer}).status == 201


@pytest.mark.parametrize("origin", ["", "http://desk.test", "http://desk.test:80", "HTTPS://DESK.test:443"])
def test_the_port_that_a_scheme_means_may_be_said(alice: Client, etag: str, origin: str) -> None:
    """RFC 9110 §4.2.3, in tagged lists and in Destination."""
    fields = {"if": f"<{origin}{A}> ([{etag}])"}
    assert alice.request("PUT", A, desk.event("a"), **fields).status == 204
    assert alice.request("MOVE", A, destination=f"{origin}{EVENTS}b.ics").status == 201
    assert alice.request("MOVE", EVENTS + "b.ics", destination=f"http://desk.test:8080{A}").status == 502


@pytest.mark.parametrize("origin", ["", "http://desk.test", "HTTP://desk.test"])
@pytest.mark.parametrize(
    ("said", "meant"),
    [("b.ics", "b.ics"), ("b%2Eics", "b.ics"), ("b.ics?x=/y", "b.ics"), ("b.ics#x", "b.ics"), ("b c.ics", "b%20c.ics")],
)
def test_a_destination_means_the_same_however_it_is_written(
    alice: Client, etag: str, origin: str, said: str, meant: str
) -> None:
    """RFC 4918 §10.3: a URL of our own origin is read as a path is, and both as a parser of URLs reads them."""
    assert alice.request("MOVE", A, destination=f"{origin}{EVENTS}{said}").status == 201
    assert alice.request("GET", EVENTS + meant).status == 200
    assert alice.request("MOVE", EVENTS + meant, destination=f"{origin}.example{A}").status in (400, 502)


def test_if_match_holds_back_proppatch_and_lock(alice: Client, etag: str) -> None:
    assert alice.request("PROPPATCH", A, PATCH, if_match='"other"').status == 412
    assert lock(alice, A, if_match='"other"').status == 412
    assert lock(alice, A, if_none_match="*").status == 412
    assert alice.request("PROPPATCH", A, PATCH, if_match=etag).status == 207
    assert lock(alice, A, if_match=etag).status == 200
    assert lock(alice, EVENTS + "new.ics", if_match="*").status == 412
    assert lock(alice, EVENTS + "new.ics", if_none_match="*").status == 201


def test_transfers_of_items(alice: Client, etag: str) -> None:
    """RFC 4918 §9.9.2 forbids a Depth of 0 for collections only; RFC 9110 §13.1.4."""
    old = "Sun, 06 Nov 1994 08:49:37 GMT"
    assert alice.request("MOVE", A, destination=EVENTS + "b.ics", if_unmodified_since=old).status == 412
    assert alice.request("MOVE", A, destination=EVENTS + "b.ics", depth="0").status == 201
    assert alice.request("MOVE", EVENTS, destination="/dav/alice/private/y/", depth="0").status == 400


def test_options_of_the_server(alice: Client) -> None:
    answer = Client(alice.app, "").request("OPTIONS", "*")
    assert answer.status == 200
    assert answer.headers["dav"].startswith("1, 2, 3")
    assert {"PROPFIND", "PUT", "LOCK"} <= set(answer.headers["allow"].split(", "))
    assert alice.request("GET", "*").status == 404


def test_a_refused_post_names_what_there_is(alice: Client) -> None:
    answer = alice.request("POST", EVENTS, desk.event("a"))
    assert answer.status == 405
    assert {"PROPFIND", "DELETE", "MKCOL"} <= set(answer.headers["allow"].split(", "))
    assert "POST" not in answer.headers["allow"]


def test_what_is_missing_in_a_home_is_said_of_the_home(bob: Client) -> None:
    """RFC 3744 §7.1.1."""
    body = (
        f'<mkcol xmlns="DAV:" xmlns:C="{desk.CALDAV[1:-1]}"><set><prop><resourcetype><collection/><C:calendar/>'
        "</resourcetype></prop></set></mkcol>"
    )
    answer = bob.request("MKCOL", "/dav/alice/private/x/", body)
    assert answer.precondition == f"{DAV}need-privileges"
    assert answer.xml.findtext(f".//{DAV}href") == "/dav/alice/private/"  # RFC 4918 §5.2


def test_a_304_says_how_to_cache_as_the_200_does(alice: Client, etag: str) -> None:
    """RFC 9110 §15.4.5."""
    whole, unchanged = alice.request("GET", A), alice.request("GET", A, if_none_match=etag)
    assert (whole.status, unchanged.status) == (200, 304)
    for name in ("cache-control", "etag", "vary"):
        assert unchanged.headers.get(name) == whole.headers.get(name)


def test_a_collection_has_no_entity_tag(alice: Client, etag: str) -> None:
    """RFC 9110 §13.1.1, §13.1.2: who believes to know one is told so, and nothing is done."""
    home, other = "/dav/alice/private/", "/dav/alice/private/other/"
    make = (
        '<mkcol xmlns="DAV:"><set><prop><resourcetype><collection/><c:calendar xmlns:c="urn:ietf:params:xml:ns:caldav"/>'
        "</resourcetype></prop></set></mkcol>"
    )
    assert alice.request("MKCOL", other, make, if_match="*").status == 412
    assert alice.request("MKCOL", other, make, if_none_match="*").status == 201
    for fields in ({"if_match": '"x"'}, {"if_none_match": "*"}):
        assert alice.request("PROPPATCH", other, PATCH, **fields).status == 412
        assert lock(alice, other, **fields).status == 412
        assert lock(alice, home, **fields).status == 412
        assert alice.request("MOVE", other, destination=home + "third/", **fields).status == 412
        assert alice.request("DELETE", other, **fields).status == 412
    assert alice.request("GET", home, if_match='"x"').status == 412
    unchanged = alice.request("GET", home, if_none_match="*")
    assert (unchanged.status, unchanged.body, unchanged.headers) == (304, b"", {})
    assert alice.request("GET", home, if_none_match='"x"', if_match="*").status == 200
    assert alice.request("DELETE", other, if_match="*", if_none_match='"x"').status == 204


def test_a_refusal_names_what_else_there_is(alice: Client) -> None:
    """RFC 9110 §15.5.6: all that the resource has, without what was refused."""
    make = '<mkcol xmlns="DAV:"><set><prop><resourcetype><collection/><c:calendar xmlns:c="urn:ietf:params:xml:ns:caldav"/></resourcetype></prop></set></mkcol>'
    answer = alice.request("MKCOL", EVENTS, make)
    assert answer.status == 405
    assert {"COPY", "DELETE", "GET", "LOCK", "MOVE", "PROPFIND", "REPORT"} <= set(answer.headers["allow"].split(", "))
    assert "MKCOL" not in answer.headers["allow"]
