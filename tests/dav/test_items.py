"""PUT, GET, DELETE, POST: RFC 4918 §9, RFC 9110 §13-14, RFC 5995, SYS-06, SYS-09."""

from __future__ import annotations

import pytest

from storage.store import Store
from tests.dav import desk
from tests.dav.desk import CALDAV, DAV, Client

EVENTS = "/dav/alice/private/events/"
A = EVENTS + "a.ics"


def test_put_get_delete(alice: Client) -> None:
    body = desk.event("a")
    made = alice.request("PUT", A, body, content_type="text/calendar")
    assert (made.status, made.body) == (201, b"")
    read = alice.request("GET", A)
    assert (read.status, read.body) == (200, body)
    assert read.headers["etag"] == made.headers["etag"]
    assert read.headers["content-type"].startswith("text/calendar")
    assert alice.request("PUT", A, desk.event("a", "More")).status == 204
    assert alice.request("DELETE", A).status == 204
    assert alice.request("GET", A).status == 404
    assert alice.request("DELETE", A).status == 404


def test_head_has_the_length_and_no_body(alice: Client) -> None:
    alice.request("PUT", A, desk.event("a"))
    head = alice.request("HEAD", A)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(desk.event("a")))


def test_stale_writes_are_refused(alice: Client) -> None:
    """SYS-06: no lost updates."""
    first = alice.request("PUT", A, desk.event("a"), if_none_match="*").headers["etag"]
    assert alice.request("PUT", A, desk.event("a", "x"), if_none_match="*").status == 412
    second = alice.request("PUT", A, desk.event("a", "x"), if_match=first)
    assert second.status == 204
    assert alice.request("PUT", A, desk.event("a", "y"), if_match=first).status == 412
    assert alice.request("DELETE", A, if_match=first).status == 412
    assert alice.request("PUT", EVENTS + "none.ics", desk.event("n"), if_match="*").status == 412
    assert alice.request("PUT", A, desk.event("a", "z"), if_match=f"{first}, {second.headers['etag']}").status == 204
    assert alice.request("GET", A).text.count("SUMMARY:z") == 1


def test_unconditional_put_is_accepted_unless_the_switch_is_on(store: Store, alice: Client) -> None:
    """SYS-06: `require_if_match` answers 428."""
    alice.request("PUT", A, desk.event("a"))
    assert alice.request("PUT", A, desk.event("a", "x")).status == 204
    strict = Client(desk.app(store, require_if_match=True))
    assert strict.request("PUT", A, desk.event("a", "y")).status == 428
    assert strict.request("PUT", EVENTS + "b.ics", desk.event("b")).status == 201
    etag = strict.request("GET", A).headers["etag"]
    assert strict.request("PUT", A, desk.event("a", "y"), if_match=etag).status == 204


def test_if_unmodified_since(alice: Client) -> None:
    alice.request("PUT", A, desk.event("a"))
    past, future = "Mon, 01 Jan 2001 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
    assert alice.request("PUT", A, desk.event("a", "x"), if_unmodified_since=past).status == 412
    assert alice.request("DELETE", A, if_unmodified_since=past).status == 412
    assert alice.request("PUT", A, desk.event("a", "x"), if_unmodified_since=future).status == 204


def test_conditional_get(alice: Client) -> None:
    etag = alice.request("PUT", A, desk.event("a")).headers["etag"]
    unchanged = alice.request("GET", A, if_none_match=etag)
    assert (unchanged.status, unchanged.body, unchanged.headers["etag"]) == (304, b"", etag)
    assert alice.request("GET", A, if_none_match=f"W/{etag}").status == 304
    assert alice.request("GET", A, if_none_match='"other"').status == 200
    assert alice.request("GET", A, if_match='"other"').status == 412
    modified = alice.request("GET", A).headers["last-modified"]
    assert alice.request("GET", A, if_modified_since=modified).status == 304
    # If-None-Match decides alone where both are given (RFC 9110 §13.2.2).
    assert alice.request("GET", A, if_none_match='"other"', if_modified_since=modified).status == 200


def test_ranges(alice: Client) -> None:
    body = desk.event("a")
    etag = alice.request("PUT", A, body).headers["etag"]
    part = alice.request("GET", A, range="bytes=0-4")
    assert (part.status, part.body) == (206, body[:5])
    assert part.headers["content-range"] == f"bytes 0-4/{len(body)}"
    assert alice.request("GET", A, range="bytes=-3").body == body[-3:]
    beyond = alice.request("GET", A, range=f"bytes={len(body)}-")
    assert (beyond.status, beyond.headers["content-range"]) == (416, f"bytes */{len(body)}")
    several = alice.request("GET", A, range="bytes=0-1,4-5")
    assert several.status == 206
    assert several.headers["content-type"].startswith("multipart/byteranges")
    assert alice.request("GET", A, range="bytes=0-4", if_range='"x"').status == 200
    assert alice.request("GET", A, range="bytes=0-4", if_range=etag).status == 206
    assert alice.request("GET", A, range="lines=0-4").status == 200


def test_put_refuses_partial_bodies_and_missing_parents(alice: Client) -> None:
    assert alice.request("PUT", A, desk.event("a"), content_range="bytes 0-4/10").status == 400
    assert alice.request("PUT", "/dav/alice/private/none/a.ics", desk.event("a")).status == 409
    assert alice.request("PUT", EVENTS + "deep/a.ics", desk.event("a")).status == 409
    assert alice.request("PUT", EVENTS, desk.event("a")).status == 405


def test_broken_bodies_name_their_precondition(alice: Client) -> None:
    """RFC 4791 §5.3.2.1."""
    bad = alice.request("PUT", A, b"BEGIN:VCALENDAR\r\nnonsense\r\n")
    assert (bad.status, bad.precondition) == (403, f"{CALDAV}valid-calendar-data")
    alice.request("PUT", A, desk.event("a"))
    twice = alice.request("PUT", EVENTS + "b.ics", desk.event("a"))
    assert (twice.status, twice.precondition) == (409, f"{CALDAV}no-uid-conflict")
    assert twice.xml[0].findtext(f"{DAV}href") == A
    task = desk.event("t").replace(b"VEVENT", b"VTODO").replace(b"DTEND", b"DUE")
    wrong = alice.request("PUT", EVENTS + "t.ics", task)
    assert (wrong.status, wrong.precondition) == (403, f"{CALDAV}supported-calendar-component")


def test_too_large(store: Store) -> None:
    small = Client(desk.app(store, max_resource_octets=100))
    refused = small.request("PUT", A, desk.event("a"))
    assert (refused.status, refused.precondition) == (403, f"{CALDAV}max-resource-size")
    chunked = small.request(
        "PUT", A, desk.event("a"), environ={"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}
    )
    assert (chunked.status, chunked.precondition) == (403, f"{CALDAV}max-resource-size")


def test_hidden_is_absent_and_visible_is_forbidden(alice: Client, bob: Client, carol: Client) -> None:
    """SYS-09: 404 for what one may not know of, 403 need-privileges for what one sees."""
    alice.request("PUT", A, desk.event("a"))
    assert carol.request("GET", A).status == 404
    assert carol.request("PUT", EVENTS + "c.ics", desk.event("c")).status == 409
    assert carol.request("DELETE", A).status == 404
    assert carol.propfind(EVENTS, f"{DAV}displayname").status == 404
    refused = bob.request("DELETE", A)
    assert (refused.status, refused.precondition) == (403, f"{DAV}need-privileges")
    named = refused.xml[0].find(f"{DAV}resource")
    assert named is not None
    assert named.findtext(f"{DAV}href") == EVENTS  # RFC 4918 §5.2
    assert named.find(f"{DAV}privilege/{DAV}unbind") is not None
    adding = bob.request("PUT", EVENTS + "b.ics", desk.event("b"))
    assert (adding.status, adding.precondition) == (403, f"{DAV}need-privileges")
    assert "SUMMARY:Busy" in bob.request("GET", A).text  # CAL-07


def test_group_names_are_case_sensitive(bob: Client, alice: Client) -> None:
    """SPEC 0.3; logins are not (ACC-01)."""
    assert alice.request("PUT", "/dav/groups/IAB/events/a.ics", desk.event("a")).status == 201
    assert bob.request("GET", "/dav/groups/IAB/events/a.ics").status == 200
    assert bob.request("GET", "/dav/groups/iab/events/a.ics").status == 404
    assert alice.propfind("/dav/ALICE/private/events", f"{DAV}displayname").status == 207


def test_collections_answer_without_the_final_slash(alice: Client) -> None:
    alice.request("PUT", A, desk.event("a"))
    answer = alice.propfind(EVENTS.rstrip("/"), f"{DAV}getetag", depth="1")
    assert answer.hrefs() == [EVENTS, A]


@pytest.mark.parametrize(
    "name", ["Ärger & Spaß.ics", "a b.ics", "100%.ics", "semi;colon.ics", "<x>.ics", "back\\slash.ics"]
)
def test_names_of_every_kind(alice: Client, name: str) -> None:
    """SYS-13: UTF-8, matched after NFC; the href of a listing leads back."""
    import unicodedata
    from urllib.parse import quote

    path = EVENTS + quote(unicodedata.normalize("NFD", name))
    assert alice.request("PUT", path, desk.event("a")).status == 201
    listed = alice.propfind(EVENTS, f"{DAV}getetag", depth="1").hrefs()[1]
    assert alice.request("GET", listed).status == 200
    assert alice.request("GET", EVENTS + quote(unicodedata.normalize("NFC", name))).status == 200


def test_return_representation(alice: Client) -> None:
    """RFC 8144 §3."""
    made = alice.request("PUT", A, desk.event("a"), prefer="return=representation")
    assert (made.status, made.body) == (201, desk.event("a"))
    assert made.headers["preference-applied"] == "return=representation"
    assert made.headers["etag"] == alice.request("GET", A).headers["etag"]


def test_the_representation_in_a_412(alice: Client, bob: Client) -> None:
    """RFC 8144 §3.2: who lost a race gets at once what is there now."""
    old = alice.request("PUT", A, desk.event("a", "first")).headers["etag"]
    new = alice.request("PUT", A, desk.event("a", "second")).headers["etag"]
    wish = {"prefer": "return=representation"}
    for condition in ({"if_match": old}, {"if_none_match": "*"}):
        lost = alice.request("PUT", A, desk.event("a", "third"), **condition, **wish)
        assert (lost.status, lost.body) == (412, desk.event("a", "second"))
        assert lost.headers["etag"] == new
        assert lost.headers["content-location"] == A
        assert lost.headers["preference-applied"] == "return=representation"
    plain = alice.request("PUT", A, desk.event("a", "third"), if_match=old)
    assert (plain.status, "etag" in plain.headers) == (412, False)
    gone = alice.request("PUT", EVENTS + "none.ics", desk.event("n"), if_match="*", **wish)
    assert (gone.status, "etag" in gone.headers) == (412, False)
    hidden = bob.request("PUT", A, desk.event("a", "third"), if_none_match="*", **wish)
    assert b"second" not in hidden.body


def test_the_representation_of_a_copy(alice: Client) -> None:
    """RFC 8144 §3.1."""
    alice.request("PUT", A, desk.event("a"))
    moved = alice.request("MOVE", A, destination=EVENTS + "b.ics", prefer="return=representation")
    assert (moved.status, moved.body) == (201, desk.event("a"))
    assert moved.headers["content-location"] == moved.headers["location"] == EVENTS + "b.ics"
    assert moved.headers["etag"] == alice.request("GET", EVENTS + "b.ics").headers["etag"]


def test_add_member(alice: Client, bob: Client) -> None:
    """RFC 5995."""
    where = alice.propfind(EVENTS, f"{DAV}add-member").prop(EVENTS, f"{DAV}add-member")
    assert where is not None
    target = where.findtext(f"{DAV}href") or ""
    made = alice.request("POST", target, desk.event("a"), content_type="text/calendar")
    assert made.status == 201
    assert made.headers["location"].startswith(EVENTS)
    assert made.headers["location"].endswith(".ics")
    assert alice.request("GET", made.headers["location"]).body == desk.event("a")
    assert alice.request("POST", EVENTS, desk.event("b")).status == 405
    assert bob.request("POST", target, desk.event("b")).status == 403


def test_no_etag_where_the_octets_changed(alice: Client, bob: Client) -> None:
    """RFC 4791 §5.3.4: an ETag in the answer promises that a GET gives what was sent (SYS-08)."""
    shared = "/dav/groups/IAB/events/a.ics"
    alarm = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:x\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\n"
    made = alice.request("PUT", shared, desk.event("a", extra=alarm))
    read = alice.request("GET", shared)
    assert (made.headers.get("etag") == read.headers["etag"]) is (read.body == desk.event("a", extra=alarm))
    assert b"VALARM" in read.body
    assert b"VALARM" not in bob.request("GET", shared).body
    assert bob.request("GET", shared).headers["etag"] != read.headers["etag"]
