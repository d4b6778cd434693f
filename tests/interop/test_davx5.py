"""DAVx⁵ (Android): detection from the host name, home sets of groups and members, collection refresh, sync with pages."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.interop import objects
from tests.interop.desk import GROUP, calendar, contacts, group_calendar, group_contacts, group_principal, principal
from tests.interop.wire import CAL, CARD, DAV, Found, Wire

AGENT = "DAVx5/4.4.3-ose (dav4jvm; okhttp/4.12.0) Android/14"
DETECT = "<C:calendar-home-set/><C:supported-calendar-component-set/><D:resourcetype/><D:displayname/><A:calendar-color/><C:calendar-description/><C:calendar-timezone/><D:current-user-privilege-set/><D:current-user-principal/><CS:source/>"
COLLECTION = (
    "<D:resourcetype/><D:displayname/><D:owner/><D:current-user-privilege-set/><C:calendar-description/><A:calendar-color/>"
    "<C:calendar-timezone/><C:calendar-timezone-id/><C:supported-calendar-component-set/><C:supported-calendar-data/>"
    "<C:max-resource-size/><CR:addressbook-description/><CR:supported-address-data/><CR:max-resource-size/><CS:source/>"
    "<D:supported-report-set/><D:sync-token/><CS:getctag/>"
)


@pytest.mark.parametrize("start", ["/", "/.well-known/caldav"])
def test_detection(wire: Callable[..., Wire], start: str) -> None:
    """The host name alone: PROPFIND on `/` and on well-known, OPTIONS on the principal."""
    phone = wire("bob", agent=AGENT)
    answer = phone.propfind(start, DETECT)
    if answer.status in (301, 302, 307, 308):
        answer = phone.propfind(answer.headers["location"], DETECT)
    (me,) = answer.one().hrefs(f"{DAV}current-user-principal")
    assert me == principal("bob")
    assert "calendar-access" in phone("OPTIONS", me).headers["dav"]


def test_home_sets_of_oneself_and_of_groups(wire: Callable[..., Wire]) -> None:
    """`group-membership` and the groups' home sets (CALSYNC-05, GRP-23); every home answers with its collections."""
    phone = wire("bob", agent=AGENT)
    me = phone.propfind(
        principal("bob"),
        "<D:displayname/><C:calendar-home-set/><CR:addressbook-home-set/><D:group-membership/><CS:calendar-proxy-read-for/><CS:calendar-proxy-write-for/>",
    ).one()
    assert group_principal() in me.hrefs(f"{DAV}group-membership")
    homes = me.hrefs(f"{CAL}calendar-home-set")
    group = phone.propfind(group_principal(), "<D:displayname/><C:calendar-home-set/><CR:addressbook-home-set/>").one()
    assert group.text(f"{DAV}displayname")
    homes += group.hrefs(f"{CAL}calendar-home-set")
    found: dict[str, Found] = {}
    for home in dict.fromkeys(homes):
        for href, item in phone.propfind(home, COLLECTION, "1").responses().items():
            if item.has(f"{DAV}resourcetype", f"{CAL}calendar"):
                found[href] = item
    assert calendar("bob") in found
    assert group_calendar() in found
    assert found[group_calendar()].hrefs(f"{DAV}owner") == [group_principal()]
    # A member without the right to add sees a read-only calendar: no bind, no write-content (table 3.3).
    assert not found[group_calendar()].has(f"{DAV}current-user-privilege-set", f"{DAV}bind")
    assert found[calendar("bob")].has(f"{CAL}supported-calendar-data", f"{CAL}calendar-data")


def test_address_books(wire: Callable[..., Wire]) -> None:
    """Private and group books, with the address data they take: vCard 3 and 4 (RFC 6352 §6.2.2, CON-11, CON-26)."""
    phone = wire("bob", "carddav", agent=AGENT)
    homes = phone.propfind(principal("bob"), "<CR:addressbook-home-set/>").one().hrefs(f"{CARD}addressbook-home-set")
    homes += phone.propfind(group_principal(), "<CR:addressbook-home-set/>").one().hrefs(f"{CARD}addressbook-home-set")
    found: dict[str, Found] = {}
    for home in dict.fromkeys(homes):
        found |= phone.propfind(home, COLLECTION, "1").responses()
    assert found[contacts("bob")].has(f"{DAV}resourcetype", f"{CARD}addressbook")
    assert found[group_contacts()].has(f"{DAV}resourcetype", f"{CARD}addressbook")
    data = found[contacts("bob")].get(f"{CARD}supported-address-data")
    assert data is not None
    assert {e.get("version") for e in data} >= {"3.0", "4.0"}


def test_sync_in_pages(wire: Callable[..., Wire], calendar_path: str) -> None:
    """RFC 6578 §3.6: a limit cuts the answer with 507 and a token that continues; nothing is lost, nothing comes twice."""
    phone, other = wire("alice", agent=AGENT), wire("alice")
    names = {f"{calendar_path}{n}.ics" for n in range(7)}
    for n in range(7):
        assert other("PUT", f"{calendar_path}{n}.ics", objects.event(f"u{n}")).status == 201
    token, seen = "", []
    for _ in range(10):
        page = phone.sync(calendar_path, token, "<D:getetag/>", limit=3)
        responses = page.responses()
        cut = calendar_path in responses and responses[calendar_path].status == 507
        seen += [href for href in responses if href != calendar_path]
        assert page.sync_token != token
        token = page.sync_token
        if not cut:
            break
        # A change between two pages belongs to a later answer, not to none.
        if len(seen) == 3:
            assert other("PUT", f"{calendar_path}late.ics", objects.event("late")).status == 201
    assert set(seen) == names | {f"{calendar_path}late.ics"}
    assert len(seen) == len(set(seen))
    assert phone.sync(calendar_path, token).responses() == {}


def test_upload_and_delete(wire: Callable[..., Wire], calendar_path: str) -> None:
    """If-None-Match on creation, If-Match on change, the ETag of the answer or of a later multiget; 404 on a second delete."""
    phone = wire("alice", agent=AGENT)
    path = f"{calendar_path}4b3c.ics"
    created = phone(
        "PUT",
        path,
        objects.event("4b3c", "Yoga"),
        {"If-None-Match": "*", "Content-Type": "text/calendar; charset=utf-8"},
    )
    assert created.status == 201
    etag = created.headers.get("etag") or phone.propfind(path, "<D:getetag/>").one().text(f"{DAV}getetag")
    changed = phone(
        "PUT", path, objects.event("4b3c", "Yoga 2"), {"If-Match": etag, "Content-Type": "text/calendar; charset=utf-8"}
    )
    assert changed.status == 204
    assert phone("DELETE", path, b"", {"If-Match": etag}).status == 412
    assert phone("DELETE", path).status == 204
    assert phone("DELETE", path).status == 404


def test_new_collection(wire: Callable[..., Wire]) -> None:
    """Extended MKCOL with type, name, colour, description, time zone by name and components (RFC 5689, RFC 7809)."""
    phone = wire("carol", agent=AGENT)
    path = calendar("carol", "9d0c2f1e-davx5")
    made = phone(
        "MKCOL",
        path,
        '<?xml version="1.0" encoding="UTF-8"?><D:mkcol xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:A="http://apple.com/ns/ical/">'
        "<D:set><D:prop><D:resourcetype><D:collection/><C:calendar/></D:resourcetype><D:displayname>Verein</D:displayname>"
        "<A:calendar-color>#8BC34AFF</A:calendar-color><C:calendar-description>Termine</C:calendar-description>"
        "<C:calendar-timezone-id>Europe/Vienna</C:calendar-timezone-id>"
        '<C:supported-calendar-component-set><C:comp name="VEVENT"/><C:comp name="VJOURNAL"/></C:supported-calendar-component-set>'
        "</D:prop></D:set></D:mkcol>",
    )
    assert made.status == 201, made.body
    found = phone.propfind(path, COLLECTION).one()
    assert found.text(f"{DAV}displayname") == "Verein"
    assert found.text(f"{CAL}calendar-description") == "Termine"
    assert found.text(f"{CAL}calendar-timezone-id") == "Europe/Vienna"
    components = found.get(f"{CAL}supported-calendar-component-set")
    assert components is not None
    assert {e.get("name") for e in components} == {"VEVENT", "VJOURNAL"}
    assert phone("DELETE", path).status == 204


def test_group_name_is_case_sensitive(wire: Callable[..., Wire]) -> None:
    """SPEC 0.3: a wrong case of `<GROUP>` is 404."""
    assert wire("bob", agent=AGENT).propfind(group_calendar(GROUP.lower()), "<D:resourcetype/>").status == 404
