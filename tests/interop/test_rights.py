"""Rights as they look from outside: what each person's client lists, reads, may write, and is told by its next synchronisation.

Tables 3.2 and 3.3 are tested row by row beside the storage library; here a few of their rows go all the way through the wire.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest

from tests.interop import objects
from tests.interop.desk import GROUP, Desk, calendar, contacts, group_calendar, group_contacts, principal
from tests.interop.wire import CAL, CARD, DAV, Answer, Wire


@pytest.fixture
def place(calendar_path: str) -> str:
    """The fresh calendar of alice as the command line names it."""
    return "alice/" + calendar_path.strip("/").rsplit("/", 1)[-1]


@pytest.fixture
def filled(wire: Callable[..., Wire], calendar_path: str) -> str:
    """A calendar of alice with an open, a private and a confidential event."""
    alice = wire("alice")
    for uid, more in (("open", ()), ("private", ("CLASS:PRIVATE",)), ("confidential", ("CLASS:CONFIDENTIAL",))):
        body = objects.event(
            f"{uid}@example.test",
            f"Secret {uid}",
            "20260316T090000Z",
            "20260316T100000Z",
            "LOCATION:Room 1",
            "DESCRIPTION:Not for all",
            *more,
        )
        assert alice("PUT", f"{calendar_path}{uid}.ics", body).status == 201
    return calendar_path


def bodies(connection: Wire, path: str) -> dict[str, str]:
    """Give everything a viewer can read of a calendar, by way of a query."""
    ask = (
        '<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/><C:calendar-data/></D:prop>'
        '<C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>'
    )
    found = connection("REPORT", path, ask, {"Depth": "1"}).responses()
    return {href.removeprefix(path): item.text(f"{CAL}calendar-data") for href, item in found.items()}


def members(connection: Wire, path: str) -> set[str]:
    found = connection.propfind(path, "<D:getetag/>", "1").responses()
    return {href.removeprefix(path) for href in found if href != path}


def changed(answer: Answer, path: str) -> tuple[set[str], set[str]]:
    """Give what a synchronisation calls changed, and what it calls removed."""
    found = {href.removeprefix(path): item.status for href, item in answer.responses().items() if href != path}
    return {n for n, s in found.items() if s != 404}, {n for n, s in found.items() if s == 404}


def test_busy_stubs_leak_nothing(wire: Callable[..., Wire], filled: str) -> None:
    """CAL-06, CAL-07, ACL-24 by every way a body can leave: GET, PROPFIND, query, multiget, expand, sync, filters."""
    bob = wire("bob")
    assert members(bob, filled) == {"open.ics", "confidential.ics"}
    words = ("Secret", "Room 1", "Not for all", "open@", "confidential@", "CONFIDENTIAL")
    texts = list(bodies(bob, filled).values())
    assert len(texts) == 2
    texts += [bob("GET", f"{filled}{name}").text for name in ("open.ics", "confidential.ics")]
    expand = (
        '<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:calendar-data>'
        '<C:expand start="20260316T000000Z" end="20260317T000000Z"/></C:calendar-data></D:prop><C:filter><C:comp-filter name="VCALENDAR">'
        '<C:comp-filter name="VEVENT"><C:time-range start="20260316T000000Z" end="20260317T000000Z"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>'
    )
    texts.append(bob("REPORT", filled, expand, {"Depth": "1"}).text)
    texts.append(bob.sync(filled).text.replace("open.ics", "").replace("confidential.ics", ""))
    texts.append(
        bob.propfind(filled, "<D:displayname/><D:getetag/><D:getcontenttype/>", "1").text.replace(
            "confidential.ics", ""
        )
    )
    for text in texts:
        assert not any(word in text for word in words), text
    assert all("SUMMARY:Busy" in text for text in texts[:4])
    assert bob("GET", f"{filled}private.ics").status == 404
    assert bob("DELETE", f"{filled}private.ics").status == 404
    # A filter on what is hidden finds nothing, a filter on the time finds the stubs.
    for inside, count in (
        ('<C:prop-filter name="SUMMARY"><C:text-match>Secret</C:text-match></C:prop-filter>', 0),
        ('<C:prop-filter name="LOCATION"/>', 0),
        ('<C:prop-filter name="UID"><C:text-match>open@example.test</C:text-match></C:prop-filter>', 0),
        ('<C:time-range start="20260316T000000Z" end="20260317T000000Z"/>', 2),
    ):
        ask = (
            '<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/></D:prop><C:filter>'
            f'<C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">{inside}</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>'
        )
        assert len(bob("REPORT", filled, ask, {"Depth": "1"}).responses()) == count


def test_one_event_opened_to_one_person(desk: Desk, wire: Callable[..., Wire], filled: str, place: str) -> None:
    """CAL-10, ACL-23, SYS-10: details of the granted event, stubs for the rest; the grant reaches the next synchronisation."""
    bob = wire("bob")
    first = bob.sync(filled)
    desk.cli("grant", "add", f"{place}/open.ics", "bob", "see")
    second = bob.sync(filled, first.sync_token)
    assert changed(second, filled) == ({"open.ics"}, set())
    found = bodies(bob, filled)
    assert "SUMMARY:Secret open" in found["open.ics"]
    assert "UID:open@example.test" in found["open.ics"]
    assert "SUMMARY:Busy" in found["confidential.ics"]
    changed_body = found["open.ics"].replace("Secret open", "Mine now")
    assert bob("PUT", f"{filled}open.ics", changed_body).status == 403
    desk.cli("grant", "add", f"{place}/open.ics", "bob", "edit")
    assert bob("PUT", f"{filled}open.ics", changed_body).status == 204
    assert "Mine now" in wire("alice")("GET", f"{filled}open.ics").text
    assert bob("DELETE", f"{filled}open.ics").status == 403
    desk.cli("grant", "remove", f"{place}/open.ics", "bob", "edit", "see")
    third = bob.sync(filled, second.sync_token)
    assert changed(third, filled) == ({"open.ics"}, set())
    assert "SUMMARY:Busy" in bodies(bob, filled)["open.ics"]


def test_details_of_the_whole_calendar(desk: Desk, wire: Callable[..., Wire], filled: str, place: str) -> None:
    """CAL-08, ACL-24: details of all but the private one; CONFIDENTIAL stays busy even then (CAL-06)."""
    desk.cli("grant", "add", place, "bob", "see")
    found = bodies(wire("bob"), filled)
    assert set(found) == {"open.ics", "confidential.ics"}
    assert "Secret open" in found["open.ics"]
    assert "Secret" not in found["confidential.ics"]
    assert wire("carol").propfind(filled, "<D:getetag/>").status == 404


def test_adding_is_not_deleting(desk: Desk, wire: Callable[..., Wire], filled: str, place: str) -> None:
    """ACL-05, CAL-09, CAL-12: who may add edits what he added and does not delete it; the owner may."""
    bob, alice = wire("bob"), wire("alice")
    assert bob("PUT", f"{filled}bob.ics", objects.event("bob")).status == 403
    desk.cli("grant", "add", place, "bob", "see", "add")
    assert bob("PUT", f"{filled}bob.ics", objects.event("bob", "By bob")).status == 201
    assert bob("PUT", f"{filled}bob.ics", objects.event("bob", "By bob, better")).status == 204
    assert bob("PUT", f"{filled}open.ics", objects.event("open@example.test", "Taken over")).status == 403
    refused = bob("DELETE", f"{filled}bob.ics")
    assert refused.status == 403
    assert refused.precondition() == f"{DAV}need-privileges"
    desk.cli("grant", "add", place, "bob", "delete")
    assert bob("DELETE", f"{filled}bob.ics").status == 204
    assert bob("PUT", f"{filled}bob2.ics", objects.event("bob2")).status == 201
    assert alice("DELETE", f"{filled}bob2.ics").status == 204


def test_group_calendar_rights(desk: Desk, wire: Callable[..., Wire]) -> None:
    """Table 3.3, CAL-13 to CAL-16: members read, the admin adds and deletes but does not edit a member's event."""
    alice, bob, path, uid = wire("alice"), wire("bob"), group_calendar(), uuid.uuid4().hex
    mine, theirs = f"{path}{uid}-a.ics", f"{path}{uid}-b.ics"
    assert alice("PUT", mine, objects.event(f"{uid}-a", "By the admin")).status == 201
    assert "By the admin" in bob("GET", mine).text
    assert bob("PUT", theirs, objects.event(f"{uid}-b")).status == 403
    desk.cli("grant", "add", f"groups/{GROUP}/events", "bob", "add")
    try:
        assert bob("PUT", theirs, objects.event(f"{uid}-b", "By bob")).status == 201
        assert bob("PUT", theirs, objects.event(f"{uid}-b", "By bob again")).status == 204
        assert bob("PUT", mine, objects.event(f"{uid}-a", "Overwritten")).status == 403
        assert bob("DELETE", theirs).status == 403  # CAL-14
        assert alice("PUT", theirs, objects.event(f"{uid}-b", "Admin edits")).status == 403  # ACL-06
        assert alice("DELETE", theirs).status == 204
    finally:
        desk.cli("grant", "remove", f"groups/{GROUP}/events", "bob", "add")
    assert alice("DELETE", mine).status == 204


def test_a_stranger_becomes_a_member_and_leaves(desk: Desk, wire: Callable[..., Wire], filled: str) -> None:
    """GRP-02, GRP-15, GRP-23, SYS-09, SYS-10: 404, then everything of a member, then 404 again, without any set-up."""
    desk.cli("user", "show", "dora")
    dora, name = wire("dora"), f"G{uuid.uuid4().hex[:8]}"
    desk.cli("group", "add", name, "--admin", "alice")
    path = group_calendar(name)
    uid = uuid.uuid4().hex
    assert wire("alice")("PUT", f"{path}{uid}.ics", objects.event(uid, "Assembly")).status == 201
    for hidden in (filled, path, principal("alice"), calendar("alice")):
        assert dora.propfind(hidden, "<D:displayname/>").status == 404
    desk.cli("group", "member", "add", name, "dora")
    assert members(dora, path) == {f"{uid}.ics"}
    assert "Assembly" in dora("GET", f"{path}{uid}.ics").text
    assert "SUMMARY:Busy" in next(iter(bodies(dora, filled).values()))
    assert dora.propfind(principal("alice"), "<D:displayname/>").status == 207
    home = dora.propfind(principal("dora"), "<C:calendar-home-set/>").one().hrefs(f"{CAL}calendar-home-set")
    listed = {href for one in home for href in dora.propfind(one, "<D:resourcetype/>", "1").responses()}
    assert any(name in href for href in listed)
    desk.cli("group", "member", "remove", name, "dora")
    for hidden in (filled, path, principal("alice"), calendar("alice")):
        assert dora.propfind(hidden, "<D:displayname/>").status == 404
    assert dora("GET", f"{path}{uid}.ics").status == 404
    desk.cli("group", "remove", name)


def test_colour_and_alarm_belong_to_the_viewer(desk: Desk, wire: Callable[..., Wire], filled: str, place: str) -> None:
    """SYS-08, CAL-05, CAL-15: bob's colour and alarm on alice's event are his alone; only his token moves."""
    alice, bob = wire("alice"), wire("bob")
    desk.cli("grant", "add", place, "bob", "see")
    body = bob("GET", f"{filled}open.ics").text
    his = body.replace(
        "END:VEVENT",
        "COLOR:tomato\r\nBEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:soon\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\nEND:VEVENT",
    )
    mine, theirs = alice.sync(filled).sync_token, bob.sync(filled).sync_token
    assert bob("PUT", f"{filled}open.ics", his).status == 204
    got = bob("GET", f"{filled}open.ics").text
    assert "COLOR:tomato" in got
    assert "BEGIN:VALARM" in got
    other = alice("GET", f"{filled}open.ics").text
    assert "COLOR" not in other
    assert "VALARM" not in other
    assert changed(bob.sync(filled, theirs), filled) == ({"open.ics"}, set())
    assert changed(alice.sync(filled, mine), filled) == (set(), set())


@pytest.fixture
def book(desk: Desk, wire: Callable[..., Wire]) -> Iterator[str]:
    """Alice's address book with one card, rights taken back after the test."""
    alice, path = wire("alice", "carddav"), f"{contacts('alice')}rights.vcf"
    assert alice("PUT", path, objects.card("rights", "Hypatia", "CATEGORIES:PHILOSOPHY")).status in (201, 204)
    yield path
    alice("DELETE", path)


def test_address_book_of_a_member(desk: Desk, wire: Callable[..., Wire], book: str) -> None:
    """CON-27, ACL-20, ACL-22: nothing without *see list*, all with it; categories are everyone's own (CON-13)."""
    bob, alice, path = wire("bob", "carddav"), wire("alice", "carddav"), contacts("alice")
    assert bob.propfind(path, "<D:getetag/>", "1").status == 404
    assert bob("GET", book).status == 404
    desk.cli("grant", "add", "alice/contacts", "bob", "see")
    try:
        assert "Hypatia" in bob("GET", book).text
        assert "PHILOSOPHY" not in bob("GET", book).text
        assert bob("PUT", book, bob("GET", book).text.replace("Hypatia", "Changed")).status == 403
        # A change to what is his own needs only *see* (SYS-08).
        assert (
            bob("PUT", book, bob("GET", book).text.replace("END:VCARD", "CATEGORIES:BOBS\r\nEND:VCARD")).status == 204
        )
        assert "CATEGORIES:BOBS" in bob("GET", book).text
        assert "BOBS" not in alice("GET", book).text
        assert "PHILOSOPHY" in alice("GET", book).text
    finally:
        desk.cli("grant", "remove", "alice/contacts", "bob", "see")
    assert bob("GET", book).status == 404


def test_group_address_book(wire: Callable[..., Wire]) -> None:
    """CON-11, CON-26: all members see, the admin adds and deletes, a stranger is told nothing."""
    alice, bob, carol = wire("alice", "carddav"), wire("bob", "carddav"), wire("carol", "carddav")
    uid = uuid.uuid4().hex
    path = f"{group_contacts()}{uid}.vcf"
    assert bob("PUT", path, objects.card(uid)).status == 403
    assert alice("PUT", path, objects.card(uid, "Common Friend")).status == 201
    assert "Common Friend" in bob("GET", path).text
    ask = (
        '<C:addressbook-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><D:prop><C:address-data/></D:prop><C:filter>'
        '<C:prop-filter name="FN"><C:text-match>common friend</C:text-match></C:prop-filter></C:filter></C:addressbook-query>'
    )
    found = bob("REPORT", group_contacts(), ask, {"Depth": "1"}).responses()
    assert "Common Friend" in found[path].text(f"{CARD}address-data")
    assert bob("DELETE", path).status == 403
    assert carol("GET", path).status == 404
    assert carol.propfind(group_contacts(), "<D:getetag/>", "1").status == 404
    assert alice("DELETE", path).status == 204


def test_rights_are_not_changed_by_clients(wire: Callable[..., Wire], calendar_path: str) -> None:
    """ACL-27, CALSYNC-12: the ACL method is refused for the owner too; `DAV:acl` is for those who set rights."""
    body = '<D:acl xmlns:D="DAV:"><D:ace><D:principal><D:all/></D:principal><D:grant><D:privilege><D:read/></D:privilege></D:grant></D:ace></D:acl>'
    assert wire("alice")("ACL", calendar_path, body).status == 403
    assert wire("carol").propfind(calendar_path, "<D:acl/>").status == 404
    seen = wire("alice").propfind(calendar_path, "<D:acl/>").one()
    assert seen.get(f"{DAV}acl") is not None
    assert wire("bob").propfind(calendar_path, "<D:acl/>").one().get(f"{DAV}acl") is None
