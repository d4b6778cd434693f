"""calendar-multiget: one answer for every href, whatever it is (RFC 4791 §7.9)."""

from __future__ import annotations

import pytest

from servers.dav.names import DAV
from storage.store import Store
from tests.caldav import desk
from tests.caldav.desk import EVENTS, HOME, TASKS, TEAM, Client

START = "DTSTART:20250601T100000Z"


@pytest.fixture
def stored(alice: Client) -> None:
    for name in ("a", "b c", "é", "100%"):
        desk.put(alice, f"{EVENTS}{desk.quote(name)}.ics", desk.event(name, START))
    desk.put(alice, f"{EVENTS}secret.ics", desk.event("secret", START, "CLASS:PRIVATE"))
    desk.put(alice, f"{TEAM}team.ics", desk.event("team", START))


def test_present_and_absent(alice: Client, stored: None) -> None:
    """The order is the client's; each href is answered once."""
    answer = desk.multiget(alice, EVENTS, f"{EVENTS}a.ics", f"{EVENTS}gone.ics", f"{EVENTS}a.ics")
    assert answer.hrefs() == [f"{EVENTS}a.ics", f"{EVENTS}gone.ics"]
    assert answer.status_of(f"{EVENTS}gone.ics") == "404 Not Found"
    (text,) = desk.data(answer)
    assert text.encode() == alice.request("GET", f"{EVENTS}a.ics").body
    etag = answer.prop(f"{EVENTS}a.ics", f"{DAV}getetag")
    assert etag is not None
    assert etag.text == alice.request("GET", f"{EVENTS}a.ics").headers["etag"]


def test_hrefs_as_clients_write_them(alice: Client, stored: None) -> None:
    for href in (
        f"{EVENTS}b%20c.ics",
        f"{EVENTS}%62%20c.ics",
        f"http://desk.test{EVENTS}b%20c.ics",
        f"\n  {EVENTS}b%20c.ics\n",
        "/dav/ALICE/private/events/b%20c.ics",
    ):
        answer = desk.multiget(alice, EVENTS, href)
        assert len(desk.data(answer)) == 1, href
    assert len(desk.data(desk.multiget(alice, EVENTS, f"{EVENTS}%C3%A9.ics", f"{EVENTS}100%25.ics"))) == 2
    assert len(desk.data(desk.multiget(alice, EVENTS, f"{EVENTS}e%CC%81.ics"))) == 1  # NFC (SYS-13)


@pytest.mark.parametrize(
    "href",
    [
        TEAM + "team.ics",
        "http://elsewhere.test/dav/alice/private/events/a.ics",
        f"{TASKS}a.ics",
        EVENTS,
        HOME,
        f"{EVENTS}..%2Fevents%2Fa.ics",
        f"{EVENTS}../events/a.ics",
        f"{EVENTS}%00.ics",
        f"{EVENTS}%zz.ics",
        f"{EVENTS}{'x' * 5000}",
        "a.ics",
        "mailto:alice@example.test",
        "http://[",
        "",
        "/etc/passwd",
    ],
)
def test_foreign_and_impossible_hrefs_are_absent(alice: Client, stored: None, href: str) -> None:
    """What is no member of the Request-URI's collection is not found (§7.9); the others are answered all the same."""
    answer = desk.multiget(alice, EVENTS, href, f"{EVENTS}a.ics")
    assert answer.status == 207
    assert len(desk.data(answer)) == 1
    assert answer.text.count("404 Not Found") == 1


def test_hidden_is_absent(alice: Client, bob: Client, carol: Client, stored: None) -> None:
    """SYS-09: private to bob, everything to carol."""
    answer = desk.multiget(bob, EVENTS, f"{EVENTS}a.ics", f"{EVENTS}secret.ics", f"{EVENTS}never.ics")
    (text,) = desk.data(answer)
    assert "SUMMARY:Busy" in text
    secret, never = (
        answer.text.split(f"{EVENTS}{name}.ics")[1].split("</D:response>")[0] for name in ("secret", "never")
    )
    assert secret == never
    assert desk.multiget(carol, EVENTS, f"{EVENTS}a.ics").status == 404


def test_on_a_home_and_on_the_object_itself(alice: Client, stored: None) -> None:
    """§7.9: objects "at any depth within the collection"; on an object, that object alone."""
    desk.put(alice, f"{TASKS}t.ics", desk.event("t", around="VTODO"))
    answer = desk.multiget(alice, HOME, f"{EVENTS}a.ics", f"{TASKS}t.ics", f"{TEAM}team.ics")
    assert len(desk.data(answer)) == 2
    answer = desk.multiget(alice, f"{EVENTS}a.ics", f"{EVENTS}a.ics", f"{EVENTS}100%25.ics")
    assert len(desk.data(answer)) == 1
    assert answer.status_of(f"{EVENTS}100%25.ics") == "404 Not Found"


def test_depth_is_ignored(alice: Client, stored: None) -> None:
    for depth in ("0", "1", "infinity"):
        assert len(desk.data(desk.multiget(alice, EVENTS, f"{EVENTS}a.ics", depth=depth))) == 1


def test_unknown_properties_are_told(alice: Client, stored: None) -> None:
    answer = desk.multiget(alice, EVENTS, f"{EVENTS}a.ics", prop='<D:getetag/><X:what xmlns:X="urn:x"/>')
    assert answer.text.count("<D:propstat>") == 2
    assert "404 Not Found" in answer.text
    answer = desk.multiget(
        alice, EVENTS, f"{EVENTS}a.ics", prop='<D:getetag/><X:what xmlns:X="urn:x"/>', prefer="return=minimal"
    )
    assert answer.text.count("<D:propstat>") == 1


def test_too_many(store: Store, alice: Client) -> None:
    """10,001 hrefs are refused with an element; 10,000 are answered, however many exist."""
    desk.put(alice, f"{EVENTS}a.ics", desk.event("a", START))
    hrefs = [f"{EVENTS}{number}.ics" for number in range(9_999)]
    answer = desk.multiget(alice, EVENTS, f"{EVENTS}a.ics", *hrefs, prop="<D:getetag/>")
    assert answer.status == 207
    assert answer.text.count("404 Not Found") == 9_999
    answer = desk.multiget(alice, EVENTS, f"{EVENTS}a.ics", *hrefs, f"{EVENTS}more.ics")
    assert (answer.status, answer.precondition) == (403, f"{DAV}number-of-matches-within-limits")


def test_an_address_book_s_report_is_not_ours(alice: Client) -> None:
    body = '<A:addressbook-multiget xmlns:A="urn:ietf:params:xml:ns:carddav"><D:prop/><D:href>x</D:href></A:addressbook-multiget>'
    answer = desk.report(alice, EVENTS, body)
    assert (answer.status, answer.precondition) == (403, f"{DAV}supported-report")
    told = alice.propfind(EVENTS, f"{DAV}supported-report-set").text
    assert all(f"<C:{name}/>" in told for name in ("calendar-query", "calendar-multiget", "free-busy-query"))
    assert "addressbook" not in told
