"""The requests of Apple Calendar, Contacts and iOS, in their order, with their headers and bodies (CALSYNC-03, 05, 11, 12; SYS-14)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

import pytest

from tests.interop import objects
from tests.interop.desk import (
    GROUP,
    Desk,
    calendar,
    contacts,
    group_calendar,
    group_contacts,
    group_principal,
    principal,
)
from tests.interop.wire import APPLE, CAL, CARD, CS, DAV, Found, Wire

MAC = "macOS/14.5 (23F79) dataaccessd/1.0"
PHONE = "iOS/17.5.1 (21F90) dataaccessd/1.0"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
WHO = f'{HEAD}<A:propfind xmlns:A="DAV:"><A:prop><A:current-user-principal/><A:principal-URL/><A:resourcetype/></A:prop></A:propfind>'
PRINCIPAL = f"""{HEAD}
<A:propfind xmlns:A="DAV:">
  <A:prop>
    <B:calendar-home-set xmlns:B="urn:ietf:params:xml:ns:caldav"/>
    <B:calendar-user-address-set xmlns:B="urn:ietf:params:xml:ns:caldav"/>
    <A:current-user-principal/>
    <A:displayname/>
    <C:dropbox-home-URL xmlns:C="http://calendarserver.org/ns/"/>
    <C:email-address-set xmlns:C="http://calendarserver.org/ns/"/>
    <B:schedule-inbox-URL xmlns:B="urn:ietf:params:xml:ns:caldav"/>
    <B:schedule-outbox-URL xmlns:B="urn:ietf:params:xml:ns:caldav"/>
    <C:notification-URL xmlns:C="http://calendarserver.org/ns/"/>
    <A:principal-collection-set/>
    <A:principal-URL/>
    <A:resource-id/>
    <A:supported-report-set/>
  </A:prop>
</A:propfind>"""
HOME = f"""{HEAD}
<A:propfind xmlns:A="DAV:">
  <A:prop>
    <A:add-member/>
    <C:allowed-sharing-modes xmlns:C="http://calendarserver.org/ns/"/>
    <D:autoprovisioned xmlns:D="http://apple.com/ns/ical/"/>
    <E:bulk-requests xmlns:E="http://me.com/_namespace/"/>
    <B:calendar-alarm xmlns:B="urn:ietf:params:xml:ns:caldav"/>
    <D:calendar-color xmlns:D="http://apple.com/ns/ical/"/>
    <B:calendar-description xmlns:B="urn:ietf:params:xml:ns:caldav"/>
    <B:calendar-free-busy-set xmlns:B="urn:ietf:params:xml:ns:caldav"/>
    <D:calendar-order xmlns:D="http://apple.com/ns/ical/"/>
    <B:calendar-timezone xmlns:B="urn:ietf:params:xml:ns:caldav"/>
    <A:current-user-privilege-set/>
    <B:default-alarm-vevent-date xmlns:B="urn:ietf:params:xml:ns:caldav"/>
    <B:default-alarm-vevent-datetime xmlns:B="urn:ietf:params:xml:ns:caldav"/>
    <A:displayname/>
    <C:getctag xmlns:C="http://calendarserver.org/ns/"/>
    <D:language-code xmlns:D="http://apple.com/ns/ical/"/>
    <D:location-code xmlns:D="http://apple.com/ns/ical/"/>
    <A:owner/>
    <C:pre-publish-url xmlns:C="http://calendarserver.org/ns/"/>
    <C:publish-url xmlns:C="http://calendarserver.org/ns/"/>
    <C:push-transports xmlns:C="http://calendarserver.org/ns/"/>
    <C:pushkey xmlns:C="http://calendarserver.org/ns/"/>
    <A:quota-available-bytes/>
    <A:quota-used-bytes/>
    <D:refreshrate xmlns:D="http://apple.com/ns/ical/"/>
    <A:resource-id/>
    <A:resourcetype/>
    <B:schedule-calendar-transp xmlns:B="urn:ietf:params:xml:ns:caldav"/>
    <B:schedule-default-calendar-URL xmlns:B="urn:ietf:params:xml:ns:caldav"/>
    <C:source xmlns:C="http://calendarserver.org/ns/"/>
    <C:subscribed-strip-alarms xmlns:C="http://calendarserver.org/ns/"/>
    <B:supported-calendar-component-set xmlns:B="urn:ietf:params:xml:ns:caldav"/>
    <B:supported-calendar-component-sets xmlns:B="urn:ietf:params:xml:ns:caldav"/>
    <A:supported-report-set/>
    <A:sync-token/>
    <C:xmpp-server xmlns:C="http://calendarserver.org/ns/"/>
  </A:prop>
</A:propfind>"""
BRIEF = {"Brief": "t", "Prefer": "return=minimal"}


def privileges(found: Found) -> set[str]:
    """Give the local names of the privileges that the viewer holds (RFC 3744 §5.5)."""
    element = found.get(f"{DAV}current-user-privilege-set")
    assert element is not None
    return {str(e[0].tag).rpartition("}")[2] for e in element.iter(f"{DAV}privilege")}


@pytest.mark.parametrize("start", ["/.well-known/caldav", "/", "/principals/", principal("alice")])
def test_discovery_from_the_host_name(wire: Callable[..., Wire], start: str) -> None:
    """Each address that Apple's account set-up tries leads to the principal (SYS-14: the host name alone must do)."""
    phone = wire("alice", agent=PHONE)
    answer = phone("PROPFIND", start, WHO, {"Depth": "0", **BRIEF})
    for _ in range(3):
        if answer.status not in (301, 302, 307, 308):
            break
        answer = phone("PROPFIND", answer.headers["location"], WHO, {"Depth": "0", **BRIEF})
    found = answer.one()
    assert found.hrefs(f"{DAV}current-user-principal") == [principal("alice")]


def test_discovery_asks_for_a_password_first(wire: Callable[..., Wire]) -> None:
    """dataaccessd sends its first request without one; only the challenge makes it send the account's."""
    for path in ("/", "/principals/", principal("alice")):
        answer = wire(None, agent=PHONE)("PROPFIND", path, WHO, {"Depth": "0", **BRIEF})
        assert answer.status == 401
        assert "Basic" in answer.headers["www-authenticate"]


def test_account_set_up(wire: Callable[..., Wire]) -> None:
    """OPTIONS on the principal, its properties, then the home with depth 1."""
    mac = wire("alice", agent=MAC)
    options = mac("OPTIONS", principal("alice"))
    assert options.status in (200, 204)
    assert "calendar-access" in options.headers["dav"]
    me = mac("PROPFIND", principal("alice"), PRINCIPAL, {"Depth": "0", **BRIEF}).one()
    (home, *others) = me.hrefs(f"{CAL}calendar-home-set")
    assert home == calendar("alice").removesuffix("events/")
    assert any(GROUP in href for href in others) or others == []
    assert any(h.lower() == "mailto:alice@example.test" for h in me.hrefs(f"{CAL}calendar-user-address-set"))
    assert me.hrefs(f"{DAV}principal-URL") == [principal("alice")]
    assert 404 not in me.props  # RFC 8144 §2.1: minimal leaves out what is not there
    found = mac("PROPFIND", home, HOME, {"Depth": "1", **BRIEF}).responses()
    mine = found[calendar("alice")]
    assert mine.has(f"{DAV}resourcetype", f"{CAL}calendar")
    assert mine.text(f"{CS}getctag")
    assert mine.text(f"{DAV}sync-token")
    assert mine.hrefs(f"{DAV}owner") == [principal("alice")]
    assert {"read", "write", "bind", "unbind"} <= privileges(mine) | (
        {"bind", "unbind"} if "write" in privileges(mine) else set()
    )
    components, supported = mine.get(f"{CAL}supported-calendar-component-set"), mine.get(f"{DAV}supported-report-set")
    assert components is not None
    assert supported is not None
    assert {e.get("name") for e in components} >= {"VEVENT"}
    reports = {str(e[0].tag) for e in supported.iter(f"{DAV}report")}
    assert {f"{CAL}calendar-query", f"{CAL}calendar-multiget", f"{DAV}sync-collection"} <= reports


def test_full_answers_name_what_is_missing(wire: Callable[..., Wire]) -> None:
    """RFC 4918 §9.1: without `Prefer`, an unknown property has its 404 propstat."""
    me = wire("alice", agent=MAC)("PROPFIND", principal("alice"), PRINCIPAL, {"Depth": "0"}).one()
    assert f"{CS}dropbox-home-URL" in me.props[404]
    assert set(me.props) <= {200, 404, 403}


def test_a_calendar_made_in_calendar_app(wire: Callable[..., Wire]) -> None:
    """MKCALENDAR with Apple's properties, PROPPATCH of colour, order and name, DELETE (RFC 4791 §5.3.1)."""
    mac = wire("alice", agent=MAC)
    path = calendar("alice", str(uuid.uuid4()).upper())
    made = mac(
        "MKCALENDAR",
        path,
        f"""{HEAD}
<B:mkcalendar xmlns:B="urn:ietf:params:xml:ns:caldav">
  <A:set xmlns:A="DAV:">
    <A:prop>
      <B:supported-calendar-component-set><B:comp name="VEVENT"/></B:supported-calendar-component-set>
      <A:displayname>Ohne Titel 2</A:displayname>
      <B:calendar-free-busy-set><YES/></B:calendar-free-busy-set>
      <D:calendar-order xmlns:D="http://apple.com/ns/ical/">7</D:calendar-order>
      <D:calendar-color xmlns:D="http://apple.com/ns/ical/" symbolic-color="custom">#1BADF8FF</D:calendar-color>
      <B:calendar-timezone>BEGIN:VCALENDAR&#13;
VERSION:2.0&#13;
PRODID:-//Apple Inc.//macOS 14.5//EN&#13;
BEGIN:VTIMEZONE&#13;
TZID:Europe/Berlin&#13;
BEGIN:DAYLIGHT&#13;
TZOFFSETFROM:+0100&#13;
TZOFFSETTO:+0200&#13;
DTSTART:19810329T020000&#13;
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU&#13;
TZNAME:MESZ&#13;
END:DAYLIGHT&#13;
BEGIN:STANDARD&#13;
TZOFFSETFROM:+0200&#13;
TZOFFSETTO:+0100&#13;
DTSTART:19961027T030000&#13;
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU&#13;
TZNAME:MEZ&#13;
END:STANDARD&#13;
END:VTIMEZONE&#13;
END:VCALENDAR&#13;
</B:calendar-timezone>
    </A:prop>
  </A:set>
</B:mkcalendar>""",
    )
    assert made.status == 201, made.body
    wanted = "<D:displayname/><A:calendar-color/><A:calendar-order/><C:calendar-timezone/><C:supported-calendar-component-set/>"
    got = mac.propfind(path, wanted).one()
    assert got.text(f"{DAV}displayname") == "Ohne Titel 2"
    assert got.text(f"{APPLE}calendar-color").upper().startswith("#1BADF8")
    assert got.text(f"{APPLE}calendar-order") == "7"
    assert "TZID:Europe/Berlin" in got.text(f"{CAL}calendar-timezone")
    changed = mac(
        "PROPPATCH",
        path,
        f"""{HEAD}
<A:propertyupdate xmlns:A="DAV:">
  <A:set><A:prop>
    <D:calendar-color xmlns:D="http://apple.com/ns/ical/" symbolic-color="green">#63DA38FF</D:calendar-color>
    <D:calendar-order xmlns:D="http://apple.com/ns/ical/">3</D:calendar-order>
    <A:displayname>Garten</A:displayname>
  </A:prop></A:set>
</A:propertyupdate>""",
    ).one()
    assert set(changed.props) == {200}
    got = mac.propfind(path, wanted).one()
    assert got.text(f"{DAV}displayname") == "Garten"
    assert got.text(f"{APPLE}calendar-color").upper().startswith("#63DA38")
    assert got.text(f"{APPLE}calendar-order") == "3"
    assert mac("DELETE", path).status == 204


def test_events_as_calendar_app_keeps_them(wire: Callable[..., Wire], calendar_path: str) -> None:
    """The refresh: ctag, sync-collection, multiget; the edit: PUT with If-Match (SYS-06)."""
    mac, phone = wire("alice", agent=MAC), wire("alice", agent=PHONE)
    ctag = mac.propfind(calendar_path, "<CS:getctag/><D:sync-token/>").one()
    token = ctag.text(f"{DAV}sync-token")
    uid = str(uuid.uuid4()).upper()
    body = objects.event(
        uid,
        "Zahnarzt",
        "20260316T090000Z",
        "20260316T093000Z",
        "X-APPLE-TRAVEL-ADVISORY-BEHAVIOR:AUTOMATIC",
        "SEQUENCE:0",
    )
    assert phone("PUT", f"{calendar_path}{uid}.ics", body, {"If-None-Match": "*"}).status == 201
    after = mac.propfind(calendar_path, "<CS:getctag/><D:sync-token/>").one()
    assert after.text(f"{CS}getctag") != ctag.text(f"{CS}getctag")
    changes = mac.sync(calendar_path, token, "<D:getetag/>")
    (href,) = changes.responses()
    data = mac(
        "REPORT",
        calendar_path,
        f"""{HEAD}
<B:calendar-multiget xmlns:B="urn:ietf:params:xml:ns:caldav">
  <A:prop xmlns:A="DAV:"><A:getetag/><B:calendar-data/><B:schedule-tag/><C:created-by xmlns:C="http://calendarserver.org/ns/"/><C:updated-by xmlns:C="http://calendarserver.org/ns/"/></A:prop>
  <A:href xmlns:A="DAV:">{href}</A:href>
</B:calendar-multiget>""",
        {"Depth": "1", **BRIEF},
    ).one()
    text = data.text(f"{CAL}calendar-data")
    assert "X-APPLE-TRAVEL-ADVISORY-BEHAVIOR:AUTOMATIC" in text
    etag = data.text(f"{DAV}getetag")
    assert mac("PUT", href, body.replace("Zahnarzt", "Zahnärztin"), {"If-Match": etag}).status == 204
    assert phone("PUT", href, body.replace("Zahnarzt", "Nein"), {"If-Match": etag}).status == 412
    assert changes.sync_token != token
    assert list(phone.sync(calendar_path, changes.sync_token).responses()) == [href]


def test_first_load_by_time_range(wire: Callable[..., Wire], calendar_path: str) -> None:
    """iOS loads a bounded past: a calendar-query with a start only (RFC 4791 §9.9)."""
    phone = wire("alice", agent=PHONE)
    for uid, start, end in (
        ("old", "20200101T090000Z", "20200101T100000Z"),
        ("new", "20260401T090000Z", "20260401T100000Z"),
    ):
        assert phone("PUT", f"{calendar_path}{uid}.ics", objects.event(uid, uid, start, end)).status == 201
    found = phone(
        "REPORT",
        calendar_path,
        f"""{HEAD}
<B:calendar-query xmlns:B="urn:ietf:params:xml:ns:caldav">
  <A:prop xmlns:A="DAV:"><A:getetag/><A:getcontenttype/></A:prop>
  <B:filter><B:comp-filter name="VCALENDAR"><B:comp-filter name="VEVENT"><B:time-range start="20260301T000000Z"/></B:comp-filter></B:comp-filter></B:filter>
</B:calendar-query>""",
        {"Depth": "1"},
    ).responses()
    assert list(found) == [f"{calendar_path}new.ics"]


def test_delegation(desk: Desk, wire: Callable[..., Wire]) -> None:
    """The Delegation tab: expand-property of the proxies, read then write (CALSYNC-11); the client cannot change it (CALSYNC-12)."""
    expand = f"""{HEAD}
<A:expand-property xmlns:A="DAV:">
  <A:property name="calendar-proxy-read-for" namespace="http://calendarserver.org/ns/">
    <A:property name="displayname"/><A:property name="principal-URL"/>
    <A:property name="calendar-user-address-set" namespace="urn:ietf:params:xml:ns:caldav"/>
    <A:property name="calendar-home-set" namespace="urn:ietf:params:xml:ns:caldav"/>
  </A:property>
  <A:property name="calendar-proxy-write-for" namespace="http://calendarserver.org/ns/">
    <A:property name="displayname"/><A:property name="principal-URL"/>
    <A:property name="calendar-user-address-set" namespace="urn:ietf:params:xml:ns:caldav"/>
    <A:property name="calendar-home-set" namespace="urn:ietf:params:xml:ns:caldav"/>
  </A:property>
</A:expand-property>"""
    alice = wire("alice", agent=MAC)

    def proxies() -> tuple[list[str], list[str]]:
        found = alice("REPORT", principal("alice"), expand, {"Depth": "0"}).one()
        return tuple(  # type: ignore[return-value]
            [h for h in found.hrefs(f"{CS}calendar-proxy-{kind}-for") if h == principal("bob")]
            for kind in ("read", "write")
        )

    assert proxies() == ([], [])
    desk.cli("grant", "add", "bob/events", "alice", "see")
    try:
        read, write = proxies()
        assert read
        assert not write
        for right in ("add", "edit", "delete"):
            desk.cli("grant", "add", "bob/events", "alice", right)
        read, write = proxies()
        assert write
        # bob's events now have their details, and can be written (CAL-12).
        path = f"{calendar('bob')}{uuid.uuid4().hex}.ics"
        assert alice("PUT", path, objects.event(path[-20:], "By the delegate")).status == 201
        assert alice("DELETE", path).status == 204
        refused = alice(
            "PROPPATCH",
            f"{principal('alice')}calendar-proxy-write/",
            f'{HEAD}<A:propertyupdate xmlns:A="DAV:"><A:set><A:prop><A:group-member-set><A:href>{principal("bob")}</A:href>'
            "</A:group-member-set></A:prop></A:set></A:propertyupdate>",
        )
        assert refused.status == 403 or set(refused.one().props) <= {403, 409, 424}
    finally:
        for right in ("delete", "edit", "add", "see"):
            desk.cli("grant", "remove", "bob/events", "alice", right)
    assert proxies() == ([], [])


def test_group_principal_as_an_account(wire: Callable[..., Wire]) -> None:
    """`/dav/principals/groups/<GROUP>/` typed into Apple Calendar and Contacts (CALSYNC-05, CON-26)."""
    bob = wire("bob", agent=MAC)
    found = bob("PROPFIND", group_principal(), PRINCIPAL, {"Depth": "0"}).one()
    (home,) = found.hrefs(f"{CAL}calendar-home-set")
    assert group_calendar().startswith(home)
    assert group_calendar() in bob("PROPFIND", home, HOME, {"Depth": "1"}).responses()
    found = wire("bob", "carddav", agent=MAC).propfind(group_principal(), "<CR:addressbook-home-set/>").one()
    (home,) = found.hrefs(f"{CARD}addressbook-home-set")
    assert re.sub(r"^https?://[^/]+", "", home) == group_contacts().removesuffix("contacts/")
    assert wire("carol", agent=MAC)("PROPFIND", group_principal(), PRINCIPAL, {"Depth": "0"}).status == 404


def test_contacts_account(wire: Callable[..., Wire]) -> None:
    """Contacts and iOS: discovery, home, sync, multiget with the card (CON-25)."""
    phone = wire("carol", "carddav", agent=PHONE)
    answer = phone("PROPFIND", "/.well-known/carddav", WHO, {"Depth": "0"})
    assert answer.status in (301, 302, 307, 308)
    me = phone("PROPFIND", answer.headers["location"], WHO, {"Depth": "0"}).one().hrefs(f"{DAV}current-user-principal")
    assert me == [principal("carol")]
    found = phone.propfind(
        me[0], "<CR:addressbook-home-set/><CR:directory-gateway/><D:displayname/><CS:email-address-set/>"
    ).one()
    (home, *_) = found.hrefs(f"{CARD}addressbook-home-set")
    books = phone.propfind(
        home,
        "<D:resourcetype/><D:displayname/><D:current-user-privilege-set/><CR:max-resource-size/><CS:me-card/><D:sync-token/><CS:getctag/><D:supported-report-set/>",
        "1",
    ).responses()
    assert books[contacts("carol")].has(f"{DAV}resourcetype", f"{CARD}addressbook")
    name = f"{str(uuid.uuid4()).upper()}.vcf"
    card = objects.card(
        name[:-4],
        "Mary Anning",
        "item1.EMAIL;type=INTERNET;type=pref:mary@example.org",
        "item1.X-ABLabel:Fossils",
        "X-ABShowAs:COMPANY",
    )
    assert phone("PUT", contacts("carol") + name, card, {"If-None-Match": "*"}).status == 201
    synced = phone.sync(contacts("carol"))
    assert contacts("carol") + name in synced.responses()
    data = phone(
        "REPORT",
        contacts("carol"),
        f'{HEAD}<C:addressbook-multiget xmlns:C="urn:ietf:params:xml:ns:carddav" xmlns:D="DAV:"><D:prop><D:getetag/><C:address-data/></D:prop>'
        f"<D:href>{contacts('carol')}{name}</D:href></C:addressbook-multiget>",
        {"Depth": "1"},
    ).one()
    text = data.text(f"{CARD}address-data")
    assert "item1.X-ABLabel:Fossils" in text
    assert "X-ABShowAs:COMPANY" in text
    assert phone("DELETE", contacts("carol") + name, b"", {"If-Match": data.text(f"{DAV}getetag")}).status == 204
