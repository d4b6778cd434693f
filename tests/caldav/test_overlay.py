"""The overlay through a calendar program's eyes (CAL-20…23, CAL-25)."""

from __future__ import annotations

import pytest

from servers.dav.names import CALDAV, DAV
from storage import principals
from storage.overlay import choosing, refreshing
from storage.store import Store
from storage.types import Actor, SpaceKind
from tests.caldav import desk
from tests.caldav.desk import HOME, Client
from tests.storage.full_disk import no_room

FEED = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTAMP:20250101T000000Z\r\n"
    b"DTSTART;VALUE=DATE:20250714\r\nSUMMARY:Bastille\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
OVERLAID = "/dav/alice/private/overlay-bob-events/"


@pytest.fixture
def actor(store: Store, alice: Client, bob: Client) -> Actor:
    """Alice, with bob's calendar and one of the Internet in her overlay."""
    with store.read(desk.SITE) as tx:
        found = principals.find(tx, SpaceKind.PRIVATE, "alice")
        other = principals.find(tx, SpaceKind.PRIVATE, "bob")
    alice_herself = Actor(found.id, "alice")
    with store.write(alice_herself) as tx:
        choosing.add_calendar(tx, other)
        due = refreshing.one(tx, choosing.add_feed(tx, "Holidays", "https://x.example/", color="#E53935").id)
    refreshing.keep(store, due, FEED)
    tea = desk.event("tea", "DTSTART:20250601T100000Z", "DTEND:20250601T110000Z", "SUMMARY:Tea with Ann")
    desk.put(bob, "/dav/bob/private/events/tea.ics", tea)
    return alice_herself


def test_a_subscribed_calendar_is_read_only(alice: Client, actor: Actor) -> None:
    path = f"{HOME}subscribed-holidays/"
    answer = alice.propfind(HOME, f"{DAV}resourcetype", f"{DAV}current-user-privilege-set", depth="1")
    assert path in answer.hrefs()
    kind = answer.prop(path, f"{DAV}resourcetype")
    assert kind is not None
    assert f"{CALDAV}calendar" in {one.tag for one in kind}
    held = answer.prop(path, f"{DAV}current-user-privilege-set")
    assert held is not None
    names = {one.tag for privilege in held for one in privilege}
    assert f"{DAV}read" in names
    assert not names & {f"{DAV}write-content", f"{DAV}bind", f"{DAV}unbind", f"{DAV}write"}
    (name,) = desk.names(desk.query(alice, path, ""))
    assert name
    body = desk.event("mine", "DTSTART:20250601T100000Z", "DTEND:20250601T110000Z")
    assert alice.request("PUT", f"{path}mine.ics", body).status == 403
    href = next(one for one in alice.propfind(path, depth="1").hrefs() if one != path)
    assert "SUMMARY:Bastille" in alice.request("GET", href).text
    assert alice.request("DELETE", href).status == 403
    busy = desk.freebusy(alice, HOME, "20250713T000000Z", "20250716T000000Z")
    assert "FREEBUSY" not in busy.text.replace("VFREEBUSY", "")
    assert alice.request("DELETE", path).status == 204
    assert path not in alice.propfind(HOME, depth="1").hrefs()


def test_another_s_calendar_with_the_rights_that_one_has_there(store: Store, alice: Client, actor: Actor) -> None:
    assert OVERLAID in alice.propfind(HOME, depth="1").hrefs()
    shown = alice.request("GET", f"{OVERLAID}tea.ics")
    assert shown.status == 200
    assert "Ann" not in shown.text
    assert alice.request("DELETE", f"{OVERLAID}tea.ics").status == 403
    for change in (
        lambda tx: choosing.show(tx, "bob", shown=False),
        lambda tx: choosing.switch(tx, on=False),
    ):
        with store.write(actor) as tx:
            change(tx)
        listed = alice.propfind(HOME, depth="1").hrefs()
        assert OVERLAID not in listed
        with store.write(actor) as tx:
            choosing.show(tx, "bob", shown=True)
            choosing.switch(tx, on=True)


def test_nobody_reaches_another_s_overlay(bob: Client, actor: Actor) -> None:
    assert bob.request("GET", f"{OVERLAID}tea.ics").status in (403, 404)
    assert f"{HOME}subscribed-holidays/" not in bob.propfind(HOME, depth="1").text
    assert bob.propfind(f"{HOME}subscribed-holidays/", depth="1").status == 404


def test_one_calendar_of_all(bob: Client, alice: Client, actor: Actor) -> None:
    """CAL-25: listed, synchronised, read only; a program that follows it is told of what changes in the others."""
    path = f"{HOME}overlay/"
    assert path in alice.propfind(HOME, depth="1").hrefs()
    first = alice.sync(path)
    texts = desk.query(alice, path, "", "<C:calendar-data/>").text
    assert "[HO] Bastille" in texts.replace("\r\n ", "") or "[HO]" in texts
    assert "Ann" not in texts
    assert alice.request("PUT", f"{path}x.ics", desk.event("x", "DTSTART:20250601T100000Z")).status == 403
    assert alice.request("DELETE", path).status == 403
    later = desk.event("later", "DTSTART:20250701T100000Z", "DTEND:20250701T110000Z", "SUMMARY:Later")
    desk.put(bob, "/dav/bob/private/events/later.ics", later)
    assert len(alice.sync(path, first.sync_token).hrefs()) == 1
    assert bob.propfind(path, depth="1").status == 404


def test_a_home_on_a_full_disk(alice: Client, actor: Actor) -> None:
    """SYS-02: there is no room for copies of what is new in the overlay; all calendars but this one can be read."""
    with no_room(0):
        assert HOME + "events/" in alice.propfind(HOME, depth="1").hrefs()
        assert alice.request("GET", f"{OVERLAID}tea.ics").status == 200
        assert alice.propfind(f"{HOME}overlay/", depth="1").status in (503, 507)
    assert f"{HOME}overlay/" in alice.propfind(HOME, depth="1").hrefs()
