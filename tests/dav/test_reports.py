"""The reports of RFC 3744 §9 and expand-property of RFC 3253 §3.8."""

from __future__ import annotations

import pytest

from storage.store import Store
from tests.dav import desk
from tests.dav.desk import CALDAV, DAV, Answer, Client

EVENTS = "/dav/alice/private/events/"
ME = "/dav/principals/accounts/alice/"
BOB = "/dav/principals/accounts/bob/"
IAB = "/dav/principals/groups/IAB/"
CS = "{http://calendarserver.org/ns/}"


def report(client: Client, path: str, name: str, inner: str, attributes: str = "", depth: str = "0") -> Answer:
    body = f'<D:{name} xmlns:D="DAV:" xmlns:C="{CALDAV[1:-1]}" xmlns:CS="{CS[1:-1]}" {attributes}>{inner}</D:{name}>'
    return client.request("REPORT", path, body, depth=depth)


def search(client: Client, text: str, prop: str = "D:displayname", attributes: str = "", more: str = "") -> list[str]:
    inner = (
        f"<D:property-search><D:prop><{prop}/></D:prop><D:match {attributes}>{text}</D:match></D:property-search>"
        f"{more}<D:prop><D:displayname/></D:prop>"
    )
    answer = report(client, "/dav/principals/", "principal-property-search", inner, 'test="allof"')
    assert answer.status == 207
    return answer.hrefs()


def test_principal_property_search(alice: Client, carol: Client) -> None:
    assert search(alice, "bo") == [BOB]
    assert search(alice, "BOB") == [BOB]
    assert search(alice, "ob", attributes='match-type="starts-with"') == []
    assert search(alice, "bob@example", "C:calendar-user-address-set") == [BOB]
    assert search(alice, "bob@example.test", "CS:email-address-set", 'match-type="equals"') == [BOB]
    assert search(alice, "carol") == []  # a stranger is nobody
    assert search(carol, "bob") == []
    assert search(alice, "x", "D:getetag") == []
    group = "<D:property-search><D:prop><C:calendar-user-type/></D:prop><D:match>GROUP</D:match></D:property-search>"
    assert search(alice, "a", more=group) == [IAB] or search(alice, "b", more=group) == [IAB]


def test_a_calendar_user_is_found_by_the_addresses_that_he_is_told_to_have(alice: Client) -> None:
    """CALSYNC-04, RFC 3744 §9.4, RFC 6638 §2.4.1: the match is of the property's value, and that is a URI."""
    by_address = "C:calendar-user-address-set"
    for text in ("mailto:bob@example.test", "mailto:bob@", "MAILTO:Bob@Example.Test", BOB, BOB.rstrip("/")):
        assert search(alice, text, by_address) == [BOB]
    for how in ("equals", "starts-with", "ends-with"):
        assert search(alice, "mailto:bob@example.test", by_address, f'match-type="{how}"') == [BOB]
    assert search(alice, "mailto:ob@example.test", by_address) == []
    assert search(alice, "mailto:carol@example.test", by_address) == []  # a stranger is nobody
    assert search(alice, "mailto:IAB@group", by_address) == [IAB]
    assert search(alice, "mailto:bob@example.test", "CS:email-address-set") == []


def test_a_search_without_conditions_lists_who_may_be_known(alice: Client, carol: Client) -> None:
    """As the Python library caldav 3 asks, its properties beside an empty DAV:prop."""
    loose = "<D:prop/><C:calendar-home-set/><D:displayname/>"
    everybody = report(alice, "/", "principal-property-search", loose)
    assert sorted(everybody.hrefs()) == [ME, BOB, IAB]
    assert everybody.prop(BOB, f"{DAV}displayname") is not None
    assert everybody.prop(BOB, f"{CALDAV}calendar-home-set") is not None
    assert report(carol, "/", "principal-property-search", loose).hrefs() == ["/dav/principals/accounts/carol/"]


def test_principal_search_property_set(alice: Client) -> None:
    answer = report(alice, "/dav/principals/", "principal-search-property-set", "")
    assert answer.status == 200
    assert answer.xml.tag == f"{DAV}principal-search-property-set"
    found = {str(prop[0].tag) for prop in answer.xml.iter(f"{DAV}prop")}
    assert {f"{DAV}displayname", f"{CALDAV}calendar-user-address-set"} <= found


def test_principal_match(alice: Client) -> None:
    assert report(alice, "/dav/principals/", "principal-match", "<D:self/>").hrefs() == [ME, IAB]
    assert report(alice, "/dav/principals/groups/", "principal-match", "<D:self/>").hrefs() == [IAB]
    owner = "<D:principal-property><D:owner/></D:principal-property>"
    found = report(alice, "/dav/alice/private/", "principal-match", owner).hrefs()
    assert EVENTS in found
    assert report(alice, "/dav/principals/", "principal-match", "").status == 400


def test_acl_principal_prop_set(alice: Client, bob: Client) -> None:
    prop = "<D:prop><D:displayname/></D:prop>"
    found = report(alice, EVENTS, "acl-principal-prop-set", prop).hrefs()
    assert found == [ME, IAB]
    assert report(bob, EVENTS, "acl-principal-prop-set", prop).status == 403


def test_expand_property(alice: Client) -> None:
    inner = (
        '<D:property name="owner"><D:property name="displayname"/><D:property name="group-membership">'
        '<D:property name="displayname"/></D:property></D:property><D:property name="none"/>'
    )
    answer = report(alice, EVENTS, "expand-property", inner)
    assert answer.status == 207
    owner = answer.prop(EVENTS, f"{DAV}owner")
    assert owner is not None
    response = owner.find(f"{DAV}response")
    assert response is not None
    assert response.findtext(f"{DAV}href") == ME
    assert response.findtext(f"{DAV}propstat/{DAV}prop/{DAV}displayname") == "Alice"
    nested = response.find(f"{DAV}propstat/{DAV}prop/{DAV}group-membership/{DAV}response")
    assert nested is not None
    assert nested.findtext(f"{DAV}href") == IAB
    assert "404" in answer.text


@pytest.mark.parametrize("attributes", ["", 'name=""', 'name="a b"', 'name="x&gt;&lt;y/"', 'name="a" namespace="{"'])
def test_expand_property_of_what_cannot_be_a_name(alice: Client, attributes: str) -> None:
    """RFC 3253 §3.8; found by random requests: the name went into the answer as it was."""
    answer = report(alice, EVENTS, "expand-property", f"<D:property {attributes}/>")
    if answer.status == 207:
        assert answer.hrefs() == [EVENTS]
    else:
        assert answer.status == 400


def test_expand_property_of_proxies_as_apple_asks(alice: Client) -> None:
    """CALSYNC-11."""
    inner = "".join(
        f'<D:property name="calendar-proxy-{level}-for" namespace="{CS[1:-1]}">'
        '<D:property name="displayname"/></D:property>'
        for level in ("read", "write")
    )
    assert "200 OK" in report(alice, ME, "expand-property", inner).text


def test_expand_property_of_an_item(alice: Client) -> None:
    alice.request("PUT", EVENTS + "a.ics", desk.event("a"))
    inner = '<D:property name="getetag"/><D:property name="owner"><D:property name="displayname"/></D:property>'
    answer = report(alice, EVENTS + "a.ics", "expand-property", inner)
    assert answer.prop(EVENTS + "a.ics", f"{DAV}getetag") is not None
    assert "Alice" in answer.text


def test_unknown_reports_and_wrong_places(alice: Client) -> None:
    for path, name in ((EVENTS, "nonsense"), (ME, "sync-collection"), (EVENTS, "principal-property-search")):
        refused = report(alice, path, name, "")
        assert (refused.status, refused.precondition) == (403, f"{DAV}supported-report"), name
    assert alice.request("REPORT", EVENTS).status == 400
    supported = alice.propfind(EVENTS, f"{DAV}supported-report-set").text
    assert "<D:sync-collection/>" in supported
    assert "principal-property-search" not in supported


def test_principal_match_names_aliases_as_they_are_called(store: Store) -> None:
    """RFC 3744 §9.3, CALSYNC-05: a group's calendar in one's own home is not one's own of the same name."""
    alice = Client(desk.app(store, alias_collections=True), "alice")
    inner = "<D:principal-property><D:owner/></D:principal-property><D:prop><D:displayname/></D:prop>"
    found = report(alice, "/dav/alice/private/", "principal-match", inner).hrefs()
    assert len(found) == len(set(found))
    assert {EVENTS, "/dav/alice/private/group-IAB-events/"} <= set(found)


@pytest.mark.parametrize(
    ("name", "inner"),
    [
        ("principal-match", "<D:self/>"),
        ("principal-search-property-set", ""),
        ("principal-property-search", ""),
        ("acl-principal-prop-set", "<D:prop/>"),
    ],
)
def test_reports_on_principals_have_one_depth(alice: Client, name: str, inner: str) -> None:
    """RFC 3744 §9.2 to §9.5: "other values result in a 400 (Bad Request) error response"."""
    where = EVENTS if name.startswith("acl") else "/dav/principals/"
    statuses = [report(alice, where, name, inner, depth=depth).status for depth in ("0", "1", "infinity")]
    assert statuses[0] in (200, 207)
    assert statuses[1:] == [400, 400]
    if name.startswith("acl"):
        assert report(alice, where, name, "<D:prop/><D:prop/>").status == 400


def test_principal_match_finds_items_at_any_depth(alice: Client, bob: Client) -> None:
    """RFC 3744 §9.3: also by a dead property; what is hidden stays so."""
    for name in "ab":
        assert alice.request("PUT", f"{EVENTS}{name}.ics", desk.event(name)).status == 201
    set_boss = (
        '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><boss xmlns="urn:x">'
        f'<href xmlns="DAV:"> {ME} </href></boss></D:prop></D:set></D:propertyupdate>'
    )
    assert alice.request("PROPPATCH", EVENTS + "a.ics", set_boss).status == 207
    boss = '<D:principal-property><boss xmlns="urn:x"/></D:principal-property><D:prop><D:getetag/></D:prop>'
    for where in (EVENTS, "/dav/alice/private/"):
        answer = report(alice, where, "principal-match", boss)
        assert answer.hrefs() == [EVENTS + "a.ics"]
        assert answer.prop(EVENTS + "a.ics", f"{DAV}getetag") is not None
    owner = "<D:principal-property><D:owner/></D:principal-property>"
    assert report(alice, EVENTS, "principal-match", owner).hrefs() == [EVENTS, EVENTS + "a.ics", EVENTS + "b.ics"]
    assert report(bob, EVENTS, "principal-match", owner).hrefs() == []


def test_minimal_answers_of_reports(alice: Client) -> None:
    """RFC 8144 §2.1, RFC 7240 §3: what was not found is left out, and that is said; so in every report."""
    inner = '<D:property name="owner"><D:property name="displayname"/><D:property name="none"/></D:property><D:property name="none"/>'
    for fields, told in (({}, 2), ({"prefer": "return=minimal"}, 0)):
        body = f'<D:expand-property xmlns:D="DAV:">{inner}</D:expand-property>'
        answer = alice.request("REPORT", EVENTS, body, **fields)
        assert (answer.text.count("404 Not Found"), answer.text.count("Alice")) == (told, 1)
        assert answer.headers.get("preference-applied") == fields.get("prefer")
    match = '<D:principal-match xmlns:D="DAV:"><D:self/><D:prop><D:none/></D:prop></D:principal-match>'
    answer = alice.request("REPORT", "/dav/principals/", match, prefer="return=minimal")
    assert answer.headers["preference-applied"] == "return=minimal"
    assert "404" not in answer.text
    assert alice.sync(EVENTS, prefer="return=minimal").headers["preference-applied"] == "return=minimal"
