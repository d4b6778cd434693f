"""From a host's name to a calendar, as clients try it (RFC 6764, RFC 5397, SYS-14, CALSYNC-01..03)."""

from __future__ import annotations

import pytest

from servers.dav.names import CALDAV, DAV
from storage.store import Store
from tests.caldav import desk
from tests.caldav.desk import EVENTS, HOME, TASKS, Answer, Client
from tests.carddav import desk as books


@pytest.mark.parametrize("method", ["GET", "PROPFIND", "OPTIONS"])
def test_well_known(app: object, method: str) -> None:
    """RFC 6764 §5: a redirect, even before anybody logs in."""
    nobody = Client(app, "")  # type: ignore[arg-type]
    answer = nobody.request(method, "/.well-known/caldav")
    assert answer.status in (301, 303, 307, 308)
    assert answer.headers["location"].endswith("/dav/")


@pytest.mark.parametrize(
    "path", ["/", "/dav/", "/principals/", "/dav/principals/", HOME, EVENTS, "/dav/principals/accounts/alice/"]
)
def test_current_user_principal_is_everywhere(alice: Client, path: str) -> None:
    """RFC 5397 §3."""
    found = alice.propfind(path, f"{DAV}current-user-principal").xml.find(f".//{DAV}current-user-principal/{DAV}href")
    assert found is not None
    assert found.text == "/dav/principals/accounts/alice/"


def test_login_is_demanded(app: object) -> None:
    answer = Client(app, "").propfind("/dav/")  # type: ignore[arg-type]
    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Basic ")


def test_options(alice: Client) -> None:
    """RFC 4791 §5.1: calendar-access, with access-control and extended-mkcol."""
    answer = alice.request("OPTIONS", EVENTS)
    assert {"1", "2", "3", "access-control", "calendar-access", "extended-mkcol"} <= set(
        answer.headers["dav"].split(", ")
    )
    assert {"PUT", "REPORT", "PROPFIND"} <= set(
        alice.request("OPTIONS", f"{EVENTS}x.ics").headers["allow"].split(", ")
    ) | {"REPORT"}
    assert "calendar-auto-schedule" in answer.headers["dav"]  # RFC 6638 §2
    assert "calendar-availability" not in answer.headers["dav"]  # RFC 7953 §7.1: no VAVAILABILITY objects are stored


def test_lightning_s_url_works_without_its_slash(alice: Client) -> None:
    """CALSYNC-02: the URL is typed verbatim."""
    answer = alice.propfind(
        EVENTS.rstrip("/"), f"{DAV}resourcetype", f"{CALDAV}supported-calendar-component-set", depth="0"
    )
    assert answer.status == 207
    assert answer.hrefs() == [EVENTS]
    assert f"{desk.CALDAV}calendar" in {one.tag for one in answer.xml.iter()}


def test_a_home_has_mkcalendar(alice: Client) -> None:
    """Evolution offers to make a calendar where the home's Allow names MKCALENDAR, an address book where MKCOL is."""
    allow = alice.request("OPTIONS", HOME).headers["allow"].split(", ")
    assert {"MKCALENDAR", "MKCOL"} <= set(allow)
    assert "MKCALENDAR" not in alice.request("OPTIONS", f"{EVENTS}x.ics").headers["allow"].split(", ")


def test_behind_a_front_principals_and_homes_are_of_both_protocols(store: Store) -> None:
    """SYS-14: DAVx5 asks the principal, whichever process answers for it, whether it knows address books."""
    for make in (desk.app, books.app):
        alice = Client(make(store, front=True), "alice")
        for path in ("/", "/dav/", "/dav/principals/accounts/alice/", HOME):
            for answer in (alice.request("OPTIONS", path), alice.propfind(path, f"{DAV}displayname")):
                assert {"addressbook", "calendar-access"} <= set(answer.headers["dav"].split(", "))
    alone = Client(desk.app(store), "alice")
    assert "addressbook" not in alone.request("OPTIONS", HOME).headers["dav"]


def test_behind_a_front_a_home_lists_the_reports_of_all_its_collections(store: Store) -> None:
    """RFC 3253 §3.1.5, RFC 6352 §8.1: whichever process lists the home."""

    name = f"{DAV}supported-report-set"

    def reports(answer: Answer, path: str) -> set[str]:
        found = answer.prop(path, name)
        assert found is not None
        return {str(one[0].tag) for one in found.iter(f"{DAV}report")}

    calendars = Client(desk.app(store, front=True), "alice")
    cards = Client(books.app(store, front=True), "alice")
    for path, own, other in ((EVENTS, calendars, cards), (TASKS, calendars, cards), (books.BOOK, cards, calendars)):
        listed = reports(other.propfind(HOME, name, depth="1"), path)
        assert listed == reports(own.propfind(path, name), path)


def test_default_alarms_of_a_home(alice: Client, bob: Client) -> None:
    """What Apple's Calendar sets for all devices of its user; an empty one says that there shall be none."""
    name = f"{CALDAV}default-alarm-vevent-datetime"
    alarm = "BEGIN:VALARM\nTRIGGER:-PT15M\nACTION:DISPLAY\nDESCRIPTION:Event reminder\nEND:VALARM\n"

    def patch(client: Client, instruction: str) -> Answer:
        body = f"<D:propertyupdate {desk.NAMESPACES}>{instruction}</D:propertyupdate>"
        return client.request("PROPPATCH", HOME, body)

    def told(client: Client) -> str | None:
        found = client.propfind(HOME, name).prop(HOME, name)
        return None if found is None else found.text or ""

    local = "C:default-alarm-vevent-datetime"
    assert told(alice) is None
    assert "200 OK" in patch(alice, f"<D:set><D:prop><{local}>{alarm}</{local}></D:prop></D:set>").text
    assert told(alice) == alarm.strip()
    assert told(bob) is None
    assert "403 Forbidden" in patch(bob, f"<D:set><D:prop><{local}/></D:prop></D:set>").text
    assert "200 OK" in patch(alice, f"<D:set><D:prop><{local}/></D:prop></D:set>").text
    assert told(alice) == ""
    assert "200 OK" in patch(alice, f"<D:remove><D:prop><{local}/></D:prop></D:remove>").text
    assert told(alice) is None


def test_a_calendar_is_a_subscription_too(alice: Client, bob: Client, carol: Client) -> None:
    """CALSYNC-14, CALSYNC-16: its own URL gives programs all of it, as their rights say, and people a page."""
    desk.put(alice, f"{EVENTS}a.ics", desk.event("a", "DTSTART:20250601T100000Z", "SUMMARY:Tea"))
    desk.put(alice, f"{TASKS}t.ics", desk.event("t", "SUMMARY:Write", around="VTODO"))
    for accept in ("*/*", "text/calendar, text/plain;q=0.8, */*;q=0.5"):
        whole = alice.request("GET", EVENTS, accept=accept)
        assert (whole.status, whole.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
        assert whole.text.count("BEGIN:VCALENDAR") == whole.text.count("SUMMARY:Tea") == 1
    assert "SUMMARY:Write" in alice.request("GET", TASKS, accept="*/*").text
    busy = bob.request("GET", EVENTS, accept="*/*").text
    assert ("BEGIN:VEVENT" in busy, "Tea" in busy) == (True, False)
    assert carol.request("GET", EVENTS, accept="*/*").status == 404
    for accept in ("text/html,application/xhtml+xml,*/*;q=0.8", ""):
        assert alice.request("GET", EVENTS, accept=accept).headers["content-type"].startswith("text/html")
    assert alice.request("GET", f"{HOME}inbox/", accept="*/*").headers["content-type"].startswith("text/html")
