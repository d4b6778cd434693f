"""Bad input: every request gets the status or precondition that its RFC names, in bounded work."""

from __future__ import annotations

from typing import Any

import pytest

from servers.dav import errors
from servers.dav.names import DAV as D
from storage.errors import StorageError
from storage.store import Store
from tests.dav import desk
from tests.dav.desk import DAV, Client

EVENTS = "/dav/alice/private/events/"


def test_every_storage_error_has_an_answer() -> None:
    def below(cls: type[StorageError]) -> set[type[StorageError]]:
        found = set(cls.__subclasses__())
        return found.union(*[below(one) for one in found])

    # A special case of a refusal (defined beside what raises it) is answered as that refusal is.
    named = {one for one in below(StorageError) if one.__module__ == "storage.errors"}
    assert set(errors.TABLE) == named
    assert all(any(parent in errors.TABLE for parent in one.__mro__) for one in below(StorageError))


BOMB = '<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><D:propfind xmlns:D="DAV:"><D:prop>&b;</D:prop></D:propfind>'
FILE = '<!DOCTYPE b [<!ENTITY a SYSTEM "file:///etc/hostname">]><D:propfind xmlns:D="DAV:"><D:prop>&a;</D:prop></D:propfind>'


@pytest.mark.parametrize(
    "body",
    [
        BOMB.encode(),
        FILE.encode(),
        b"<!doctype html><a/>",
        ("<?xml version='1.0' encoding='utf-16'?>" + BOMB).encode("utf-16"),
    ],
)
def test_document_types_are_refused(alice: Client, body: bytes) -> None:
    refused = alice.request("PROPFIND", EVENTS, body, depth="0")
    assert refused.status in (400, 403)
    if refused.status == 403:
        assert refused.precondition == f"{D}no-external-entities"


@pytest.mark.parametrize(
    "body",
    [
        b"<",
        b"<a><b></a>",
        b"<D:propfind/>",
        b"<a>" * 100 + b"</a>" * 100,
        b"<a>" * 100_000,
        b"\x00\x01",
        b"<propfind xmlns='DAV:'><prop>&nbsp;</prop></propfind>",
        "<propfind xmlns='DAV:'><prop>\ud800</prop></propfind>".encode("utf-8", "surrogatepass"),
        b"<a " + b" ".join(b"a%d='1'" % n for n in range(100_000)) + b"/>",
        b"just text",
    ],
)
def test_broken_xml_is_400(alice: Client, body: bytes) -> None:
    for method in ("PROPFIND", "PROPPATCH", "REPORT", "LOCK"):
        assert alice.request(method, EVENTS, body, depth="0").status in (400, 403), method
    assert alice.propfind(EVENTS, f"{DAV}displayname").status == 207


def test_large_requests_are_refused_before_they_are_read(store: Store) -> None:
    small = Client(desk.app(store, max_xml_octets=1000))
    assert small.request("PROPFIND", EVENTS, b" " * 1001, depth="0").status == 413

    class Endless:
        def read(self, size: int = -1) -> bytes:
            return b"<" * max(size, 1)

    announced = small.request("PROPFIND", EVENTS, environ={"CONTENT_LENGTH": "99999999999", "wsgi.input": Endless()})
    assert announced.status == 413
    chunked: dict[str, Any] = {
        "CONTENT_LENGTH": "",
        "HTTP_TRANSFER_ENCODING": "chunked",
        "wsgi.input": Endless(),
    }
    assert small.request("PROPFIND", EVENTS, environ=chunked).status == 413


def test_wrong_lengths(alice: Client) -> None:
    assert alice.request("PUT", EVENTS + "a.ics", b"abc", environ={"CONTENT_LENGTH": "10"}).status == 400
    for length in ("-1", "x", "1 0", "\u0661"):
        assert alice.request("PUT", EVENTS + "a.ics", b"abc", environ={"CONTENT_LENGTH": length}).status == 400
    assert alice.request("GET", EVENTS + "a.ics").status == 404


def test_compressed_requests_are_refused(alice: Client) -> None:
    refused = alice.request("PUT", EVENTS + "a.ics", b"x", content_encoding="gzip")
    assert (refused.status, refused.headers["accept-encoding"]) == (415, "identity")


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        ("/dav/alice/private/events/a%2Fb.ics", 400),
        ("/dav/alice/private/events/a%2fb.ics", 400),
        ("/dav/alice/private/events/../../carol/private/events", 400),
        ("/dav/alice/private/events/%2e%2e/x", 400),
        ("/dav/alice/private/events/%ff.ics", 400),
        ("/dav/alice/private/events/%00.ics", 400),
        ("/dav/alice/private/events/a%0d%0ab.ics", 400),
        ("/dav/alice/private/events/%zz.ics", 400),
        ("/dav/alice/private/events/" + "a" * 5000, 414),
        ("/dav//alice///private/events/none.ics", 404),
        ("/dav/alice/private/events/.ics", 404),
        ("/dav/alice/private/events/a/b/c/d", 404),
        ("/dav/alice/public", 404),
        ("/etc/passwd", 404),
    ],
)
def test_paths(alice: Client, raw: str, status: int) -> None:
    assert alice.request("GET", "/", environ={"REQUEST_URI": raw}).status == status
    if status == 400 and "%2" not in raw.lower() and "%zz" not in raw:
        assert alice.request("GET", raw).status == status  # as a server that decodes gives it


def test_unknown_methods(alice: Client) -> None:
    assert alice.request("BREW", EVENTS).status == 501
    assert alice.request("get", EVENTS).status == 501
    assert alice.request("X" * 100, EVENTS).status == 501
    refused = alice.request("PUT", "/dav/principals/", b"x")
    assert refused.status == 405
    assert "PROPFIND" in refused.headers["allow"]
    assert "PUT" not in refused.headers["allow"]


def test_long_fields(alice: Client) -> None:
    alice.request("PUT", EVENTS + "a.ics", desk.event("a"))
    assert alice.request("GET", EVENTS + "a.ics", if_match="x" * 40_000).status == 431
    assert alice.request("PUT", EVENTS + "a.ics", desk.event("a"), if_match='"a').status == 400
    many = "(" + "<a> " * 500 + ")"
    assert alice.request("PUT", EVENTS + "a.ics", desk.event("a"), **{"if": many}).status == 400


def test_names_that_cannot_be_stored(alice: Client) -> None:
    assert alice.request("PUT", EVENTS + "a" * 300 + ".ics", desk.event("a")).status == 409
    make = '<D:mkcol xmlns:D="DAV:"><D:set><D:prop><D:resourcetype><D:collection/><C:calendar xmlns:C="urn:ietf:params:xml:ns:caldav"/></D:resourcetype></D:prop></D:set></D:mkcol>'
    assert alice.request("MKCOL", "/dav/alice/private/" + "a" * 300, make).status == 409


def test_properties_that_are_too_large(alice: Client) -> None:
    def patch(inner: str) -> int:
        body = f'<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop>{inner}</D:prop></D:set></D:propertyupdate>'
        return alice.request("PROPPATCH", EVENTS, body).status

    assert patch(f'<n xmlns="urn:x">{"x" * 70_000}</n>') == 403
    assert patch("".join(f'<n{i} xmlns="urn:x"/>' for i in range(150))) == 403
    assert alice.propfind(EVENTS, "{urn:x}n1").prop(EVENTS, "{urn:x}n1") is None


def test_who_is_it(store: Store, alice: Client) -> None:
    """SYS-04, SYS-05: the same answer for every wrong login, no password in the clear."""
    challenge = 'Basic realm="Escritoire", charset="UTF-8"'
    answers = [
        Client(alice.app, "").request("GET", EVENTS),
        Client(alice.app, "alice", "wrong").request("GET", EVENTS),
        Client(alice.app, "nobody", "x").request("GET", EVENTS),
        alice.request("GET", EVENTS, authorization="Bearer x"),
        alice.request("GET", EVENTS, authorization="Basic ???"),
        alice.request("GET", EVENTS, authorization="Basic YWxpY2U="),
        alice.request("OPTIONS", EVENTS, authorization="Basic YWxpY2U="),
    ]
    for answer in answers:
        assert (answer.status, answer.headers["www-authenticate"]) == (401, challenge)
    assert len({answer.body for answer in answers}) == 1
    remote = {"REMOTE_ADDR": "192.0.2.1"}
    assert alice.request("GET", EVENTS, environ=remote).status == 403
    proxied = Client(desk.app(store, trusted_proxies=frozenset({"192.0.2.1"})))
    assert proxied.request("GET", EVENTS, environ=remote, x_forwarded_proto="https").status == 200
    assert proxied.request("GET", EVENTS, environ=remote, x_forwarded_proto="http").status == 403
    assert alice.request("GET", EVENTS, environ=remote, x_forwarded_proto="https").status == 403


def test_other_people_s_urls(alice: Client, carol: Client) -> None:
    """SYS-09: nothing tells a stranger's thing from one that is not there."""
    alice.request("PUT", EVENTS + "a.ics", desk.event("a"))
    for method in ("GET", "PROPFIND", "REPORT", "DELETE", "PROPPATCH", "COPY", "MOVE", "UNLOCK", "ACL"):
        fields = {"destination": "/dav/carol/private/events/x.ics", "lock_token": "<urn:x>", "depth": "0"}
        if method in ("COPY", "MOVE", "DELETE"):
            del fields["depth"]
        body = '<D:sync-collection xmlns:D="DAV:"/>' if method == "REPORT" else ""
        if method == "PROPPATCH":
            body = '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><a/></D:prop></D:set></D:propertyupdate>'
        real = carol.request(method, EVENTS + "a.ics", body, **fields)
        absent = carol.request(method, "/dav/nobody/private/events/a.ics", body, **fields)
        assert (real.status, real.body) == (absent.status, absent.body), method
        assert real.status in (404, 409)


def test_our_own_mistakes_tell_nothing(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    def broken(*_: object) -> Any:
        raise RuntimeError("secret of the house")

    from dataclasses import replace

    from servers.dav import application
    from servers.dav.settings import DavSettings

    protocol = replace(desk.CALENDARS, prepare=broken)
    client = Client(application.make(store, protocol, DavSettings(), desk.verifier()))
    answer = client.request("PUT", EVENTS + "a.ics", desk.event("a"))
    assert answer.status == 500
    assert b"secret" not in answer.body
    assert "secret of the house" in caplog.text
