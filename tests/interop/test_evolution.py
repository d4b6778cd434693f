"""GNOME Evolution: its source discovery, its refresh by ctag and PROPFIND, its multiget by fifties, its searches, its free/busy."""

from __future__ import annotations

from collections.abc import Callable

from tests.interop import objects
from tests.interop.desk import calendar, contacts, principal
from tests.interop.wire import CAL, CARD, CS, DAV, Wire

AGENT = "Evolution/3.52.4"
DISCOVER = (
    "<D:resourcetype/><D:current-user-principal/><D:principal-URL/><C:calendar-home-set/><C:calendar-user-address-set/>"
)


def test_collections_are_discovered(wire: Callable[..., Wire]) -> None:
    """PROPFIND `/` with depth 0, principal, home with depth 1; the properties its dialog shows."""
    client = wire("alice", agent=AGENT)
    (me,) = client.propfind("/", DISCOVER).one().hrefs(f"{DAV}current-user-principal")
    found = client.propfind(me, DISCOVER).one()
    assert "mailto:alice@example.test" in [h.lower() for h in found.hrefs(f"{CAL}calendar-user-address-set")]
    home = found.hrefs(f"{CAL}calendar-home-set")[0]
    listed = client.propfind(
        home,
        "<D:displayname/><D:resourcetype/><C:calendar-description/><C:supported-calendar-component-set/><A:calendar-color/><A:calendar-order/><D:current-user-privilege-set/>",
        "1",
    ).responses()
    assert listed[calendar("alice")].has(f"{DAV}resourcetype", f"{CAL}calendar")
    assert home in listed


def test_refresh_without_sync_collection(wire: Callable[..., Wire], calendar_path: str) -> None:
    """ctag unchanged: nothing; changed: PROPFIND depth 1 for ETags, multiget of the new ones."""
    client, other = wire("alice", agent=AGENT), wire("alice")

    def ctag() -> str:
        return client.propfind(calendar_path, "<CS:getctag/>").one().text(f"{CS}getctag")

    before = ctag()
    assert ctag() == before
    for n in range(60):
        assert other("PUT", f"{calendar_path}{n}.ics", objects.event(f"u{n}", f"Event {n}")).status == 201
    assert ctag() != before
    listed = client.propfind(calendar_path, "<D:getetag/>", "1").responses()
    hrefs = [href for href in listed if href != calendar_path]
    assert len(hrefs) == 60
    for part in (hrefs[:50], hrefs[50:]):
        body = (
            '<?xml version="1.0" encoding="utf-8"?><C:calendar-multiget xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:prop>'
            "<D:getetag/><C:calendar-data/></D:prop>"
            + "".join(f"<D:href>{h}</D:href>" for h in part)
            + "</C:calendar-multiget>"
        )
        got = client("REPORT", calendar_path, body, {"Depth": "1"}).responses()
        assert list(got) == part  # the order asked for
        assert all("BEGIN:VEVENT" in item.text(f"{CAL}calendar-data") for item in got.values())


def test_multiget_of_a_missing_one(wire: Callable[..., Wire], calendar_path: str) -> None:
    """RFC 4791 §7.9: each href has its response; a missing one a 404 status, a foreign one is not looked up."""
    client = wire("alice", agent=AGENT)
    body = (
        '<C:calendar-multiget xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:prop><D:getetag/></D:prop>'
        f"<D:href>{calendar_path}none.ics</D:href><D:href>{calendar('bob')}x.ics</D:href></C:calendar-multiget>"
    )
    got = client("REPORT", calendar_path, body, {"Depth": "1"}).responses()
    assert {item.status for item in got.values()} <= {403, 404}
    assert got[f"{calendar_path}none.ics"].status == 404


def test_free_busy_of_a_member(wire: Callable[..., Wire], calendar_path: str) -> None:
    """RFC 4791 §7.10 asked by a co-member: busy times, not those of private events (CAL-06, CAL-07)."""
    alice = wire("alice")
    assert (
        alice("PUT", f"{calendar_path}a.ics", objects.event("a", "Talk", "20260316T090000Z", "20260316T093000Z")).status
        == 201
    )
    assert (
        alice(
            "PUT",
            f"{calendar_path}b.ics",
            objects.event("b", "Doctor", "20260316T120000Z", "20260316T123000Z", "CLASS:PRIVATE"),
        ).status
        == 201
    )
    body = '<C:free-busy-query xmlns:C="urn:ietf:params:xml:ns:caldav"><C:time-range start="20260316T000000Z" end="20260317T000000Z"/></C:free-busy-query>'
    seen = wire("bob", agent=AGENT)("REPORT", calendar_path, body, {"Depth": "1"})
    assert seen.status == 200
    assert seen.headers["content-type"].startswith("text/calendar")
    text = seen.text.replace("\r\n ", "")
    assert "20260316T090000Z/" in text
    assert "T120000Z" not in text
    assert "Talk" not in text
    own = wire("alice", agent=AGENT)("REPORT", calendar_path, body, {"Depth": "1"}).text.replace("\r\n ", "")
    assert "20260316T120000Z/" in own


def test_contact_search(wire: Callable[..., Wire]) -> None:
    """Completion while typing: addressbook-query over FN, N, EMAIL and NICKNAME, contains, without case, with a limit (RFC 6352 §8.6)."""
    client = wire("alice", "carddav", agent=AGENT)
    people = {"l1": "Lise Meitner", "l2": "Lisbeth Palme", "k1": "Käthe Kollwitz"}
    for uid, name in people.items():
        assert (
            client(
                "PUT", f"{contacts('alice')}evo-{uid}.vcf", objects.card(f"evo-{uid}", name, f"EMAIL:{uid}@example.org")
            ).status
            == 201
        )

    def query(text: str, limit: str = "", kind: str = "contains") -> set[str]:
        match = f'<C:text-match collation="i;unicode-casemap" match-type="{kind}">{text}</C:text-match>'
        body = (
            '<?xml version="1.0" encoding="utf-8"?><C:addressbook-query xmlns:C="urn:ietf:params:xml:ns:carddav" xmlns:D="DAV:"><D:prop><D:getetag/>'
            '<C:address-data><C:prop name="VERSION"/><C:prop name="UID"/><C:prop name="FN"/><C:prop name="EMAIL"/></C:address-data></D:prop>'
            f'<C:filter test="anyof"><C:prop-filter name="FN">{match}</C:prop-filter><C:prop-filter name="EMAIL">{match}</C:prop-filter>'
            f'<C:prop-filter name="NICKNAME">{match}</C:prop-filter></C:filter>{limit}</C:addressbook-query>'
        )
        found = client("REPORT", contacts("alice"), body, {"Depth": "1"}).responses()
        for href, item in found.items():
            if href != contacts("alice"):
                assert "FN:" in item.text(f"{CARD}address-data")
        return {href.rsplit("evo-", 1)[-1][:2] if href != contacts("alice") else "cut" for href in found}

    assert query("LIS") == {"l1", "l2"}
    assert query("KÄTHE") == {"k1"}
    assert query("@example.org", "<C:limit><C:nresults>2</C:nresults></C:limit>") - {"cut"} < set(people)
    assert query("lise", kind="starts-with") == {"l1"}
    assert query("nobody") == set()
    for uid in people:
        assert client("DELETE", f"{contacts('alice')}evo-{uid}.vcf").status == 204


def test_principals_of_a_group_can_be_searched(wire: Callable[..., Wire]) -> None:
    """`principal-property-search` for "open another user's calendar": co-members only (RFC 3744 §9.4, ACL-27)."""
    body = (
        '<D:principal-property-search xmlns:D="DAV:" test="anyof"><D:property-search><D:prop><D:displayname/></D:prop><D:match>{}</D:match></D:property-search>'
        '<D:prop><D:displayname/><C:calendar-home-set xmlns:C="urn:ietf:params:xml:ns:caldav"/></D:prop></D:principal-property-search>'
    )
    bob, carol = wire("bob", agent=AGENT), wire("carol", agent=AGENT)
    found = bob("REPORT", "/dav/principals/", body.format("ali"), {"Depth": "0"}).responses()
    assert principal("alice") in found
    assert principal("alice") not in carol("REPORT", "/dav/principals/", body.format("ali"), {"Depth": "0"}).responses()
