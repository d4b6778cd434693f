"""MKCOL, DELETE, COPY and MOVE: RFC 4918 §9.3, §9.6, §9.8, §9.9, RFC 5689."""

from __future__ import annotations

import pytest

from storage.store import Store
from tests.dav import desk
from tests.dav.desk import CALDAV, CARDDAV, DAV, Answer, Client

HOME = "/dav/alice/private/"
EVENTS = HOME + "events/"
A = EVENTS + "a.ics"


def make(client: Client, path: str, kind: str = "C:calendar", more: str = "") -> Answer:
    body = (
        f'<D:mkcol xmlns:D="DAV:" xmlns:C="{CALDAV[1:-1]}" xmlns:A="{CARDDAV[1:-1]}"><D:set><D:prop>'
        f"<D:resourcetype><D:collection/><{kind}/></D:resourcetype>{more}</D:prop></D:set></D:mkcol>"
    )
    return client.request("MKCOL", path, body, content_type="application/xml")


def test_extended_mkcol(alice: Client) -> None:
    more = (
        "<D:displayname>Work</D:displayname><X:note xmlns:X='urn:x'>hi</X:note>"
        "<C:supported-calendar-component-set><C:comp name='VTODO'/></C:supported-calendar-component-set>"
    )
    assert make(alice, HOME + "work/", more=more).status == 201
    read = alice.propfind(
        HOME + "work/", f"{DAV}displayname", f"{CALDAV}supported-calendar-component-set", "{urn:x}note"
    )
    assert (read.prop(HOME + "work/", f"{DAV}displayname")).text == "Work"  # type: ignore[union-attr]
    assert [c.get("name") for c in read.xml.iter(f"{CALDAV}comp")] == ["VTODO"]
    assert read.prop(HOME + "work/", "{urn:x}note") is not None
    assert make(alice, HOME + "work/").status == 405
    assert HOME + "work/" in alice.propfind(HOME, f"{DAV}displayname", depth="1").hrefs()


def test_mkcol_refusals(alice: Client, bob: Client, carol: Client) -> None:
    assert alice.request("MKCOL", HOME + "x/").precondition == f"{DAV}valid-resourcetype"
    assert make(alice, HOME + "x/", "A:addressbook").precondition == f"{DAV}valid-resourcetype"
    assert make(alice, HOME + "x/", "D:principal").precondition == f"{DAV}valid-resourcetype"
    assert make(alice, EVENTS + "x/").precondition == f"{CALDAV}calendar-collection-location-ok"
    assert make(alice, HOME + "none/x/").status == 409
    assert make(alice, EVENTS).status == 405
    assert make(alice, "/dav/principals/").status == 405
    assert make(bob, HOME + "x/").precondition == f"{DAV}need-privileges"
    assert make(carol, HOME + "x/").status == 409
    assert alice.request("MKCOL", HOME + "x/", b"hello", content_type="text/plain").status == 415
    failed = make(alice, HOME + "x/", more="<D:getetag>1</D:getetag><D:displayname>x</D:displayname>")
    assert failed.status == 403
    assert failed.xml.tag == f"{DAV}mkcol-response"
    assert alice.propfind(HOME + "x/", f"{DAV}displayname").status == 404


def test_deleting_collections(alice: Client, bob: Client) -> None:
    make(alice, HOME + "work/")
    alice.request("PUT", HOME + "work/a.ics", desk.event("a"))
    assert bob.request("DELETE", HOME + "work/").status == 403
    assert alice.request("DELETE", HOME + "work/", depth="0").status == 400
    assert alice.request("DELETE", HOME + "work/").status == 204
    assert alice.request("GET", HOME + "work/a.ics").status == 404
    for name in ("events", "tasks", "notes"):
        assert alice.request("DELETE", HOME + name).status == 403
    assert alice.request("DELETE", HOME).status == 405


def test_move_and_copy_an_item(alice: Client) -> None:
    make(alice, HOME + "work/")
    alice.request("PUT", A, desk.event("a"))
    token = alice.sync(EVENTS).sync_token
    moved = alice.request("MOVE", A, destination="http://desk.test" + HOME + "work/b.ics")
    assert (moved.status, moved.headers["location"]) == (201, HOME + "work/b.ics")
    assert alice.request("GET", A).status == 404
    assert alice.sync(EVENTS, token).status_of(A) == "404 Not Found"
    assert alice.request("GET", HOME + "work/b.ics").body == desk.event("a")
    assert alice.request("COPY", HOME + "work/b.ics", destination=A).status == 201
    assert alice.request("COPY", HOME + "work/b.ics", destination=A, overwrite="F").status == 412
    assert alice.request("COPY", HOME + "work/b.ics", destination=A).status == 204
    same = alice.request("COPY", A, destination=EVENTS + "c.ics")
    assert same.precondition == f"{CALDAV}no-uid-conflict"


def test_dead_properties_go_along(alice: Client) -> None:
    make(alice, HOME + "work/")
    alice.request("PUT", A, desk.event("a"))
    alice.request(
        "PROPPATCH", A, '<propertyupdate xmlns="DAV:"><set><prop><n xmlns="urn:x">1</n></prop></set></propertyupdate>'
    )
    alice.request("COPY", A, destination=HOME + "work/c.ics")
    assert alice.propfind(HOME + "work/c.ics", "{urn:x}n").prop(HOME + "work/c.ics", "{urn:x}n") is not None
    alice.request("MOVE", A, destination=EVENTS + "b.ics")
    assert alice.propfind(EVENTS + "b.ics", "{urn:x}n").prop(EVENTS + "b.ics", "{urn:x}n") is not None


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, 400),
        ({"destination": "http://elsewhere.test/dav/alice/private/events/b.ics"}, 502),
        ({"destination": A}, 403),
        ({"destination": "/dav/alice/private/none/b.ics"}, 409),
        ({"destination": "/elsewhere"}, 409),
        ({"destination": "/dav/carol/private/events/b.ics"}, 409),
        ({"destination": "/dav/alice/private/events/..%2f..%2fx"}, 400),
        ({"destination": "/dav/alice/private/events/%ff.ics"}, 400),
        ({"destination": "/dav/alice/private/events/b.ics", "overwrite": "X"}, 400),
        ({"destination": "/dav/alice/private/events/b.ics", "if_match": '"x"'}, 412),
        ({"destination": "/dav/alice/private/tasks/b.ics"}, 403),
    ],
)
def test_bad_moves(alice: Client, fields: dict[str, str], status: int) -> None:
    alice.request("PUT", A, desk.event("a"))
    assert alice.request("MOVE", A, **fields).status == status
    assert alice.request("GET", A).status == 200


def test_renaming_a_collection(alice: Client, bob: Client) -> None:
    make(alice, HOME + "work/")
    alice.request("PUT", HOME + "work/a.ics", desk.event("a"))
    assert alice.request("MOVE", HOME + "work/", destination=HOME + "office/").status == 201
    assert alice.request("GET", HOME + "office/a.ics").status == 200
    assert alice.request("GET", HOME + "work/a.ics").status == 404
    assert alice.request("MOVE", EVENTS, destination=HOME + "other/").status == 403
    assert alice.request("MOVE", HOME + "office/", destination="/dav/groups/IAB/office/").status == 403
    make(alice, HOME + "work/")
    assert alice.request("MOVE", HOME + "office/", destination=HOME + "work/", overwrite="F").status == 412
    assert alice.request("MOVE", HOME + "office/", destination=HOME + "work/").status == 204
    assert alice.request("GET", HOME + "work/a.ics").status == 200


def test_moving_between_spaces_needs_both_rights(alice: Client, bob: Client) -> None:
    """ACL-19: copy, then delete."""
    alice.request("PUT", "/dav/groups/IAB/events/a.ics", desk.event("a"))
    own = "/dav/bob/private/events/a.ics"
    assert bob.request("MOVE", "/dav/groups/IAB/events/a.ics", destination=own).status == 403
    assert bob.request("GET", own).status == 404  # whole or not at all
    assert bob.request("COPY", "/dav/groups/IAB/events/a.ics", destination=own).status == 201


def test_only_own_tools_without_a_front(store: Store) -> None:
    books = Client(desk.app(store, desk.BOOKS))
    assert make(books, HOME + "people/", "A:addressbook").status == 201
    assert books.request("PUT", HOME + "people/a.vcf", desk.card("a")).status == 201
    assert books.propfind(HOME, f"{DAV}resourcetype", depth="1").hrefs()[1:] == [
        HOME + "people/",
        HOME + "contacts/",
        HOME + "group-IAB-contacts/",
    ]
    assert books.request("PUT", EVENTS + "a.ics", desk.event("a")).status == 409
    calendars = Client(desk.app(store))
    assert calendars.request("GET", HOME + "people/a.vcf").status == 404
    assert calendars.request("DELETE", HOME + "people/").status == 404
