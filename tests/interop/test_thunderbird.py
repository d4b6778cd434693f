"""Thunderbird (Lightning): the location typed verbatim, its property request, first load and refresh (CALSYNC-02)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.interop import objects
from tests.interop.desk import calendar, contacts, group_calendar, principal
from tests.interop.wire import CAL, CARD, CS, DAV, Wire

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.3.0"
CHECK = """<?xml version="1.0" encoding="UTF-8"?>
<D:propfind xmlns:D="DAV:" xmlns:CS="http://calendarserver.org/ns/" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:resourcetype/><D:owner/><D:current-user-principal/><D:current-user-privilege-set/><D:supported-report-set/><C:supported-calendar-component-set/><CS:getctag/></D:prop></D:propfind>"""
HOME = """<?xml version="1.0" encoding="UTF-8"?>
<D:propfind xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:calendar-home-set/><C:calendar-user-address-set/><C:schedule-inbox-URL/><C:schedule-outbox-URL/></D:prop></D:propfind>"""


@pytest.mark.parametrize("slash", ["", "/"])
def test_location_typed_verbatim(wire: Callable[..., Wire], slash: str) -> None:
    """CALSYNC-02: `/dav/<login>/private/events`, with and without the final slash."""
    client = wire("alice", agent=AGENT)
    answer = client("PROPFIND", calendar("alice").rstrip("/") + slash, CHECK, {"Depth": "0"})
    found = answer.one()
    assert found.has(f"{DAV}resourcetype", f"{CAL}calendar")
    assert found.hrefs(f"{DAV}owner") == [principal("alice")]
    assert found.hrefs(f"{DAV}current-user-principal") == [principal("alice")]
    assert found.text(f"{CS}getctag")
    assert found.has(f"{DAV}supported-report-set", f"{DAV}sync-collection")
    assert found.has(f"{DAV}current-user-privilege-set", f"{DAV}write")  # else the calendar is read-only there
    options = client("OPTIONS", calendar("alice"))
    assert "calendar-access" in options.headers["dav"]
    me = client("PROPFIND", principal("alice"), HOME, {"Depth": "0"}).one()
    assert me.hrefs(f"{CAL}calendar-home-set")


def test_first_load_and_refresh(wire: Callable[..., Wire], calendar_path: str) -> None:
    """sync-collection without a token, multiget of what came, then with the token; a removal is a 404."""
    client, other = wire("alice", agent=AGENT), wire("alice")
    for n in range(5):
        assert other("PUT", f"{calendar_path}{n}.ics", objects.event(f"u{n}", f"Event {n}")).status == 201
    first = client.sync(calendar_path, "", "<D:getcontenttype/><D:getetag/>")
    found = {href: item for href, item in first.responses().items() if href != calendar_path}
    assert set(found) == {f"{calendar_path}{n}.ics" for n in range(5)}
    assert all(item.text(f"{DAV}getcontenttype").startswith("text/calendar") for item in found.values())
    hrefs = "".join(f"<D:href>{href}</D:href>" for href in found)
    loaded = client(
        "REPORT",
        calendar_path,
        '<?xml version="1.0" encoding="UTF-8"?><C:calendar-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">'
        f"<D:prop><D:getetag/><C:calendar-data/></D:prop>{hrefs}</C:calendar-multiget>",
        {"Depth": "1"},
    ).responses()
    assert {item.text(f"{DAV}getetag") for item in loaded.values()} == {
        item.text(f"{DAV}getetag") for item in found.values()
    }
    assert other("DELETE", f"{calendar_path}3.ics").status == 204
    assert other("PUT", f"{calendar_path}1.ics", objects.event("u1", "Changed")).status == 204
    refreshed = client.sync(calendar_path, first.sync_token, "<D:getcontenttype/><D:getetag/>")
    changes = refreshed.responses()
    assert changes[f"{calendar_path}3.ics"].status == 404
    assert set(changes) == {f"{calendar_path}1.ics", f"{calendar_path}3.ics"}
    assert client.sync(calendar_path, refreshed.sync_token).responses() == {}


def test_bad_token_starts_again(wire: Callable[..., Wire], calendar_path: str) -> None:
    """RFC 6578 §3.2 `DAV:valid-sync-token`: Thunderbird then loads everything anew."""
    for token in ("nonsense", "http://example.org/ns/sync/1234", "data:,999999999"):
        answer = wire("alice", agent=AGENT).sync(calendar_path, token)
        assert answer.status in (403, 409)
        assert answer.precondition() == f"{DAV}valid-sync-token"


def test_another_members_calendar_is_read_only(wire: Callable[..., Wire], calendar_path: str) -> None:
    """CALSYNC-06, CAL-07: no write privilege is announced, so Thunderbird does not offer to edit."""
    found = wire("bob", agent=AGENT)("PROPFIND", calendar_path, CHECK, {"Depth": "0"}).one()
    assert found.hrefs(f"{DAV}owner") == [principal("alice")]
    for privilege in ("write", "write-content", "bind", "unbind"):
        assert not found.has(f"{DAV}current-user-privilege-set", f"{DAV}{privilege}")
    assert found.has(f"{DAV}current-user-privilege-set", f"{CAL}read-free-busy")


def test_group_calendar_by_url(wire: Callable[..., Wire]) -> None:
    """CALSYNC-05: `/dav/groups/<GROUP>/events`; the admin may add, a member may not by default (table 3.3)."""
    for login, may_add in (("alice", True), ("bob", False)):
        found = wire(login, agent=AGENT)("PROPFIND", group_calendar(), CHECK, {"Depth": "0"}).one()
        assert found.has(f"{DAV}resourcetype", f"{CAL}calendar")
        assert found.has(f"{DAV}current-user-privilege-set", f"{DAV}read")
        assert found.has(f"{DAV}current-user-privilege-set", f"{DAV}bind") == may_add
    assert wire("carol", agent=AGENT)("PROPFIND", group_calendar(), CHECK, {"Depth": "0"}).status == 404


def test_address_book(wire: Callable[..., Wire]) -> None:
    """Thunderbird's own CardDAV client: well-known, principal, home, sync (CON-25)."""
    client = wire("carol", "carddav", agent=AGENT)
    answer = client.propfind(
        "/.well-known/carddav",
        "<D:resourcetype/><D:displayname/><D:current-user-principal/><D:current-user-privilege-set/>",
    )
    assert answer.status in (301, 302, 307, 308)
    where = answer.headers["location"]
    found = client.propfind(where, "<D:resourcetype/><D:displayname/><D:current-user-principal/>").one()
    (me,) = found.hrefs(f"{DAV}current-user-principal")
    (home, *_) = client.propfind(me, "<CR:addressbook-home-set/>").one().hrefs(f"{CARD}addressbook-home-set")
    books = client.propfind(home, "<D:resourcetype/><D:displayname/><D:current-user-privilege-set/>", "1").responses()
    assert contacts("carol") in books
    path = contacts("carol") + "tb.vcf"
    assert client("PUT", path, objects.card("tb", "Rosalind Franklin"), {"If-None-Match": "*"}).status == 201
    synced = client.sync(contacts("carol"), "", "<D:getetag/><CR:address-data/>")
    if not synced.responses()[path].text(f"{CARD}address-data"):  # then it asks for the cards by multiget
        body = (
            '<addressbook-multiget xmlns="urn:ietf:params:xml:ns:carddav" xmlns:d="DAV:"><d:prop><d:getetag/><address-data/></d:prop>'
            f"<d:href>{path}</d:href></addressbook-multiget>"
        )
        got = client("REPORT", contacts("carol"), body, {"Depth": "1"}).one()
        assert "Rosalind" in got.text(f"{CARD}address-data")
    assert client("DELETE", path).status == 204
    assert client.sync(contacts("carol"), synced.sync_token).responses()[path].status == 404
