"""Managed attachments: added, updated, removed, read, and kept from whom they are not for (RFC 8607)."""

from __future__ import annotations

import re

import pytest

from servers.caldav.attachments import file_name, media_type
from servers.dav.names import CALDAV, DAV
from storage import plans
from storage.store import Store
from storage.types import SITE
from tests.caldav import desk
from tests.caldav.desk import EVENTS, HOME, TEAM, Answer, Client, Right, event, put
from tests.caldav.meetings import BOB, INVITED, answer, copy_of, invite, meeting, queued, someone, state, text

PATH = f"{EVENTS}a.ics"
TIMES = ("DTSTART:20250601T100000Z", "DTEND:20250601T110000Z", "SUMMARY:Plan")
SERIES = ("DTSTART;TZID=Europe/Brussels:20250602T100000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=5", "SUMMARY:Plan")
AGENDA = b"<html><script>alert(1)</script></html>"


def post(client: Client, path: str, query: str, body: bytes = b"", **fields: str) -> Answer:
    return client.request("POST", f"{path}?{query}", body, **fields)


def add(client: Client, path: str = PATH, body: bytes = AGENDA, more: str = "", **fields: str) -> Answer:
    sent = {"content_type": 'text/html; charset="utf-8"', "content_disposition": "attachment;filename=agenda.html"}
    got = post(client, path, f"action=attachment-add{more}", body, **{**sent, **fields})
    assert got.status == 201, got.text
    return got


def lines(body: str) -> list[str]:
    return [one for one in re.sub(r"\r\n ", "", body).split("\r\n") if one.startswith("ATTACH")]


def link(client: Client, path: str = PATH) -> str:
    (found,) = lines(text(client, path))
    return found.partition(":http://desk.test")[2]


@pytest.fixture
def one(alice: Client) -> str:
    """The MANAGED-ID of an attachment of alice's event."""
    put(alice, PATH, event("a", *TIMES))
    return add(alice).headers["cal-managed-id"]


def test_support_is_announced_and_limits_are_told(alice: Client) -> None:
    """§3.2, §6: on the home; nothing is said of it to allprop."""
    tokens = alice.request("OPTIONS", HOME).headers["dav"].split(", ")
    assert "calendar-managed-attachments" in tokens
    assert "calendar-managed-attachments-no-recurrence" not in tokens
    assert "POST" in alice.request("OPTIONS", PATH).headers["allow"]
    names = [f"{CALDAV}max-attachment-size", f"{CALDAV}max-attachments-per-resource"]
    found = alice.propfind(EVENTS, *names)
    assert [getattr(found.prop(EVENTS, name), "text", None) for name in names] == [str(25 * 1024 * 1024), "50"]
    base = f"{CALDAV}managed-attachments-server-URL"
    assert alice.propfind(HOME, base).prop(HOME, base) is not None
    assert "attachment" not in alice.propfind(HOME).text


def test_add_update_and_remove(alice: Client) -> None:
    """§3.4, §3.5, §3.6."""
    put(alice, PATH, event("a", *TIMES))
    before = alice.propfind(EVENTS, f"{DAV}sync-token").text
    made = add(alice, prefer="return=representation")
    first = made.headers["cal-managed-id"]
    assert made.headers["content-location"] == PATH
    assert made.headers["location"] == f"http://desk.test/dav/alice/private/attachments/{first}"
    assert made.headers["etag"] == alice.request("GET", PATH).headers["etag"]
    assert lines(made.text) == [
        f"ATTACH;MANAGED-ID={first};FMTTYPE=text/html;SIZE={len(AGENDA)};FILENAME=agenda.html:"
        f"http://desk.test/dav/alice/private/attachments/{first}"
    ]
    assert alice.propfind(EVENTS, f"{DAV}sync-token").text != before
    got = alice.request("GET", link(alice))
    assert (got.status, got.body) == (200, AGENDA)
    changed = post(
        alice, PATH, f"action=attachment-update&managed-id={first}", b"new", content_type="text/plain",
        content_disposition="attachment; filename*=UTF-8''r%C3%A9sum%C3%A9.txt",
    )  # fmt: skip
    second = changed.headers["cal-managed-id"]
    assert (changed.status, second != first) == (204, True)
    assert "etag" not in changed.headers
    (line,) = lines(text(alice, PATH))
    assert f"MANAGED-ID={second};FMTTYPE=text/plain;SIZE=3;FILENAME=résumé.txt" in line
    assert alice.request("GET", link(alice)).body == b"new"
    gone = link(alice)
    removed = post(alice, PATH, f"action=attachment-remove&managed-id={second}")
    assert (removed.status, "cal-managed-id" in removed.headers) == (204, False)
    assert alice.request("GET", PATH).body.count(b"ATTACH") == 0
    assert alice.request("GET", gone).status == 404


def test_a_file_is_saved_and_never_run(alice: Client, one: str) -> None:
    """§7: no script runs in the desk's origin; ranges and conditions as for any file."""
    got = alice.request("GET", link(alice))
    assert got.headers["content-type"] == "text/html; charset=utf-8"
    assert got.headers["content-disposition"].startswith('attachment; filename="agenda.html"')
    assert (got.headers["x-content-type-options"], "sandbox" in got.headers["content-security-policy"]) == (
        "nosniff",
        True,
    )
    assert alice.request("GET", link(alice), if_none_match=got.headers["etag"]).status == 304
    part = alice.request("GET", link(alice), range="bytes=1-4")
    assert (part.status, part.body) == (206, AGENDA[1:5])
    assert alice.request("HEAD", link(alice)).headers["content-length"] == str(len(AGENDA))


def test_a_large_one_is_kept_beside_the_rows(alice: Client) -> None:
    put(alice, PATH, event("a", *TIMES))
    body = bytes(range(256)) * 2000
    add(alice, body=body, content_type="application/octet-stream")
    assert alice.request("GET", link(alice)).body == body
    part = alice.request("GET", link(alice), range="bytes=-10")
    assert (part.status, part.body) == (206, body[-10:])


def test_single_instances(alice: Client) -> None:
    """§3.3.2: an instance without a component of its own gets one; M is the series."""
    put(alice, PATH, event("a", *SERIES))
    add(alice, more="&rid=20250603T100000")
    body = text(alice, PATH)
    assert len(lines(body)) == 1
    assert "RECURRENCE-ID;TZID=Europe/Brussels:20250603T100000" in body
    both = add(alice, more="&rid=m,20250603T100000").headers["cal-managed-id"]
    assert [both in line for line in lines(text(alice, PATH))].count(True) == 2
    every = add(alice).headers["cal-managed-id"]
    assert sum(every in line for line in lines(text(alice, PATH))) == 2
    cut = post(alice, PATH, f"action=attachment-remove&managed-id={every}&rid=20250604T100000")
    assert cut.status == 204
    parts = text(alice, PATH).split("BEGIN:VEVENT")[1:]
    (third,) = [part for part in parts if "20250604T100000" in part]
    assert every not in third
    assert both in third  # it has what the series has
    assert post(alice, PATH, f"action=attachment-remove&managed-id={every}").status == 204
    assert every not in text(alice, PATH)


@pytest.mark.parametrize(
    ("query", "element"),
    [
        ("", "valid-action"),
        ("add-member", "valid-action"),
        ("action=attachment-eat", "valid-action"),
        ("action=attachment-add&action=attachment-add", "valid-action"),
        ("action=attachment-add&x=" + "y" * 9000, "valid-action"),
        ("action=attachment-add&" + "&".join(f"a{n}=1" for n in range(100)), "valid-action"),
        ("action=attachment-add%00", "valid-action"),
        ("action=attachment-add&rid=", "valid-rid"),
        ("action=attachment-add&rid=M,", "valid-rid"),
        ("action=attachment-add&rid=M&rid=M", "valid-rid"),
        ("action=attachment-add&rid=M,M", "valid-rid"),
        ("action=attachment-add&rid=20990101T000000Z", "valid-rid"),
        ("action=attachment-add&rid=20250601T100000Z", "valid-rid"),  # it does not recur
        ("action=attachment-add&rid=%0d%0aATTACH:x", "valid-rid"),
        ("action=attachment-add&rid=" + ",".join(f"2025{n:04}" for n in range(300)), "valid-rid"),
        ("action=attachment-update&managed-id=ONE&rid=M", "valid-rid"),
        ("action=attachment-add&managed-id=ONE", "valid-managed-id"),
        ("action=attachment-update", "valid-managed-id"),
        ("action=attachment-update&managed-id=", "valid-managed-id"),
        ("action=attachment-update&managed-id=nothing", "valid-managed-id"),
        ("action=attachment-update&managed-id=VEVENT", "valid-managed-id"),
        ("action=attachment-remove&managed-id=ONE&managed-id=ONE", "valid-managed-id"),
        ("action=attachment-remove&managed-id=%FF", "valid-action"),
    ],
)
def test_bad_queries(alice: Client, one: str, query: str, element: str) -> None:
    """§3.11: each with its element, and nothing changed."""
    before = alice.request("GET", PATH).body
    body = b"" if "remove" in query else b"x"
    got = post(alice, PATH, query.replace("ONE", one), body)
    assert (got.status, got.precondition) == (403, f"{CALDAV}{element}"), got.text
    assert alice.request("GET", PATH).body == before


def test_sizes_and_numbers(store: Store) -> None:
    """§6.2, §6.3: announced or not, what is too large is refused and not kept."""
    app = desk.app(store, max_attachment_octets=2000)
    alice = Client(app, "alice")
    put(alice, PATH, event("a", *TIMES))
    for environ in ({}, {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}):
        got = alice.request("POST", f"{PATH}?action=attachment-add", b"x" * 2001, environ)
        assert (got.status, got.precondition) == (403, f"{CALDAV}max-attachment-size")
    for _ in range(50):
        add(alice, body=b"x")
    got = post(alice, PATH, "action=attachment-add", b"x")
    assert (got.status, got.precondition) == (403, f"{CALDAV}max-attachments-per-resource")
    assert len(lines(text(alice, PATH))) == 50


def test_they_fill_the_capacity_of_the_documents(store: Store, alice: Client) -> None:
    """§3.12.1, ACC-12: added as far as there is room; what is removed makes room again."""
    with store.write(SITE) as tx:
        plans.add(tx, "tiny", [], {"docs_bytes": 1000})
        plans.assign(tx, desk.person(store, "alice").id, "tiny")
    put(alice, PATH, event("a", *TIMES))
    first = add(alice, body=b"x" * 900).headers["cal-managed-id"]
    got = post(alice, PATH, "action=attachment-add", b"x" * 101)
    assert (got.status, got.precondition) == (507, f"{DAV}quota-not-exceeded")
    assert len(lines(text(alice, PATH))) == 1
    assert post(alice, PATH, f"action=attachment-update&managed-id={first}", b"x" * 1001).status == 507
    second = post(alice, PATH, f"action=attachment-update&managed-id={first}", b"x" * 1000)
    assert second.status == 204
    assert post(alice, PATH, f"action=attachment-remove&managed-id={second.headers['cal-managed-id']}").status == 204
    add(alice, body=b"x" * 1000)


def test_conditions_and_bodies(alice: Client, one: str) -> None:
    """The implicit PUT has its conditions (§3.11); nothing is stored in vain."""
    assert post(alice, PATH, "action=attachment-add", b"x", if_match='"other"').status == 412
    etag = alice.request("GET", PATH).headers["etag"]
    add(alice, if_match=etag)
    assert post(alice, PATH, f"action=attachment-remove&managed-id={one}", b"body").status == 400
    assert post(alice, f"{EVENTS}none.ics", "action=attachment-add", b"x").status == 404
    short = alice.request("POST", f"{PATH}?action=attachment-add", b"x", {"CONTENT_LENGTH": "5"})
    assert short.status == 400


def test_rights_are_those_of_the_event(store: Store, alice: Client, bob: Client, carol: Client, one: str) -> None:
    """§3.12.2, SYS-09: who sees details reads it, who edits adds; for all others there is none."""
    where = link(alice)
    for stranger in (bob, carol):
        assert stranger.request("GET", where).status == 404
    assert post(bob, PATH, "action=attachment-add", b"x").status == 403  # a busy block
    assert post(carol, PATH, "action=attachment-add", b"x").status == 404
    desk.grant(store, EVENTS, "bob", Right.SEE)
    assert bob.request("GET", where).body == AGENDA
    assert post(bob, PATH, "action=attachment-add", b"x").status == 403
    desk.grant(store, EVENTS, "bob", Right.EDIT)
    add(bob, body=b"from bob")
    assert [bob.request("GET", where).status, carol.request("GET", where).status] == [200, 404]
    desk.grant(store, EVENTS, "bob", Right.EDIT, withdraw=True)
    desk.grant(store, EVENTS, "bob", Right.SEE, withdraw=True)
    assert bob.request("GET", where).status == 404
    confidential = alice.request("GET", PATH).body.replace(b"SUMMARY:Plan", b"SUMMARY:Plan\r\nCLASS:PRIVATE")
    put(alice, PATH, confidential)
    desk.grant(store, EVENTS, "bob", Right.SEE)
    assert bob.request("GET", where).status == 404


def test_a_groups_attachment_is_for_its_members(alice: Client, bob: Client, carol: Client) -> None:
    path = f"{TEAM}t.ics"
    put(alice, path, event("t", *TIMES))
    add(alice, path)
    where = link(bob, path)
    assert where.startswith("/dav/groups/IAB/attachments/")
    assert [client.request("GET", where).status for client in (alice, bob, carol)] == [200, 200, 404]


def test_a_put_may_use_only_what_is_ones_own(store: Store, alice: Client, bob: Client, one: str) -> None:
    """§3.7, §3.12.2: another event of its creator's; nobody else's; the size and the address are put right."""
    line = f"ATTACH;SIZE=1;MANAGED-ID={one}:https://evil.example/x"
    put(alice, f"{EVENTS}b.ics", event("b", *TIMES, line))
    (kept,) = lines(text(alice, f"{EVENTS}b.ics"))
    assert f"SIZE={len(AGENDA)}" in kept
    assert kept.endswith(f":http://desk.test{link(alice)}")
    for managed in (one, "0" * 32, "x", "x" * 5000, "%00"):
        forged = event("c", *TIMES, f"ATTACH;MANAGED-ID={managed}:{link(alice)}")
        got = bob.request("PUT", f"{BOB}c.ics", forged, content_type="text/calendar")
        assert (got.status, got.precondition) == (403, f"{CALDAV}valid-managed-id-parameter"), managed
    folded = event("c", *TIMES, f"ATTACH;MANA\r\n GED-ID={one}:x")
    assert bob.request("PUT", f"{BOB}c.ics", folded, content_type="text/calendar").status == 403
    assert bob.request("GET", link(alice)).status == 404
    desk.grant(store, EVENTS, "bob", Right.SEE)
    desk.grant(store, EVENTS, "bob", Right.EDIT)
    edited = bob.request("GET", PATH).body.replace(b"SUMMARY:Plan", b"SUMMARY:Other")
    put(bob, PATH, edited)  # what is there may stay
    assert one in text(alice, PATH)


def test_removal_by_put_and_by_delete(alice: Client, one: str) -> None:
    """§3.9; the attachment itself answers to no method that changes it (§3.8)."""
    where = link(alice)
    assert alice.request("PUT", where, b"other", content_type="text/html").status in (403, 409)
    assert alice.request("DELETE", where).status == 404
    assert post(alice, where, f"action=attachment-update&managed-id={one}", b"x").status == 404
    assert alice.request("GET", where).body == AGENDA
    put(alice, PATH, event("a", *TIMES))
    assert alice.request("GET", where).status == 404
    put(alice, PATH, event("a", *TIMES, f"ATTACH;MANAGED-ID={one}:x"))  # its creator takes it back
    assert alice.request("GET", where).body == AGENDA
    assert alice.request("DELETE", PATH).status == 204
    assert alice.request("GET", where).status == 404


def test_a_moved_event_keeps_them(alice: Client, bob: Client, one: str) -> None:
    where = link(alice)
    moved = alice.request("MOVE", PATH, destination=f"http://desk.test{TEAM}a.ics")
    assert moved.status == 201
    assert [alice.request("GET", where).body, bob.request("GET", where).body] == [AGENDA, AGENDA]


def test_attendees_are_told_and_may_read_but_not_change(alice: Client, bob: Client, carol: Client) -> None:
    """§3.12.2, §3.12.6: the organizer alone adds; each change reaches their copies."""
    path = invite(alice)
    add(alice, path)
    copy = copy_of(bob, BOB)
    where = link(bob, copy)
    assert where == link(alice, path)
    assert [bob.request("GET", where).body, carol.request("GET", where).status] == [AGENDA, 404]
    got = post(bob, copy, "action=attachment-add", b"mine")
    assert (got.status, got.precondition) == (403, f"{CALDAV}allowed-attendee-scheduling-object-change")
    managed = where.rsplit("/", 1)[1]
    assert post(bob, copy, f"action=attachment-remove&managed-id={managed}").status == 403
    plain = re.sub(r"ATTACH[^\r]*\r\n", "", text(bob, copy)).encode()
    assert bob.request("PUT", copy, plain, content_type="text/calendar").status == 403
    assert answer(bob, copy, "bob@example.test", "ACCEPTED").status == 204
    assert bob.request("GET", where).body == AGENDA
    assert state(alice, path, "bob@example.test") == "ACCEPTED"
    assert post(alice, path, f"action=attachment-update&managed-id={managed}", b"new").status == 204
    assert bob.request("GET", link(bob, copy)).body == b"new"
    assert state(alice, path, "bob@example.test") == "ACCEPTED"  # nobody is asked anew
    put(alice, path, meeting())
    assert bob.request("GET", where).status == 404  # no longer invited


def test_attendees_outside_get_a_mail(store: Store, alice: Client) -> None:
    """§3.12.6: also those who follow by mail."""
    path = f"{EVENTS}m1.ics"
    put(alice, path, meeting(INVITED, someone("eve@outside.test")))
    sent = len(queued(store))
    add(alice, path)
    assert len(queued(store)) == sent + 1


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("attachment; filename=agenda.html", "agenda.html"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="C:\\\\Windows\\\\x.exe"', "x.exe"),
        ("attachment; filename*=UTF-8''..%2F..%2Fx", "x"),
        ("attachment; filename*=UTF-8''a%0D%0Ab%00%1B", "ab"),
        ("attachment; filename*=UTF-8''%E2%80%AEgpj.exe", "gpj.exe"),
        ('attachment; filename=".."', ""),
        ("attachment", ""),
        ("", ""),
        (';;;=;"', ""),
        ("attachment; filename*=nonsense''%FF%FE", None),
        ("attachment; filename=" + "x" * 4000, "x" * 255),
    ],
)
def test_file_names(field: str, name: str | None) -> None:
    """RFC 6266 §4.3: names that harm nobody's file system."""
    found = file_name(field)
    assert name is None or found == name
    assert len(found.encode()) <= 255
    assert found.isprintable()


@pytest.mark.parametrize(
    ("field", "kept"),
    [
        ("text/html", "text/html"),
        ('Text/HTML; charset="UTF-8"; x=y', "text/html; charset=UTF-8"),
        ("text/plain; charset=a\r\nSet-Cookie: x", "text/plain; charset=a"),
        ("", "application/octet-stream"),
        ("nothing", "application/octet-stream"),
        ("a/b/c", "application/octet-stream"),
        ("é/à", "application/octet-stream"),
    ],
)
def test_media_types(field: str, kept: str) -> None:
    assert media_type(field) == kept
