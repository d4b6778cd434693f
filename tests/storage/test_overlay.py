"""The overlay: chosen calendars, subscribed ones, one file of all (CAL-19…25)."""

from __future__ import annotations

import errno
import os
import re

import pytest

from storage import collections as tree
from storage import grants, groups, items, kinds, plans, viewing
from storage.errors import BadFormat, Denied, Exists, LimitReached, NoRoom, NotFound, Refused, StorageError
from storage.overlay import choosing, merged, merging, refreshing
from storage.store import Store
from storage.types import SITE, Collection, Right, SpaceKind, Tool
from tests.storage.desk import actor, event, events, principal

URL = "https://calendars.example/holidays.ics"


def feed(*bodies: str, head: str = "") -> bytes:
    text = "".join(f"BEGIN:VEVENT\r\n{body}END:VEVENT\r\n" for body in bodies)
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\n{head}{text}END:VCALENDAR\r\n".encode()


def one(uid: str, summary: str = "Fair", stamp: str = "20250101T000000Z", more: str = "") -> str:
    return f"UID:{uid}\r\nDTSTAMP:{stamp}\r\nDTSTART:20250601T100000Z\r\nSUMMARY:{summary}\r\n{more}"


def subscribe(store: Store, data: bytes, name: str = "Holidays") -> refreshing.Due:
    with store.write(actor(store, "alice")) as tx:
        due = refreshing.one(tx, choosing.add_feed(tx, name, URL).id)
    refreshing.keep(store, due, data, '"1"')
    with store.read(SITE) as tx:
        return refreshing.one(tx, due.number)


def home(store: Store, login: str = "alice") -> list[Collection]:
    with store.read(actor(store, login)) as tx:
        return tree.home(tx, SpaceKind.PRIVATE, login)


def test_a_subscription_is_a_calendar_that_nobody_writes(store: Store) -> None:
    """CAL-21: read only, without reminders, shared with nobody."""
    alarm = "BEGIN:VALARM\r\nACTION:EMAIL\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\n"
    due = subscribe(store, feed(one("a", more=alarm), one("b")))
    with store.write(actor(store, "alice")) as tx:
        found = tree.by_id(tx, due.number)
        assert (found.tool, found.item_count, found.transparent) == (Tool.SUBSCRIPTION, 2, True)
        assert found.rights == Right.SEE | Right.ADMINISTER
        bodies = [item.body or b"" for item in viewing.load(tx, found, body=True)]
        assert not any(b"VALARM" in body for body in bodies)
        prepared = kinds.of(found.tool).prepare(event("c"), "text/calendar")
        name = items.rows(tx, found)[0].name
        for attempt in (
            lambda: items.put(tx, found, "c.ics", prepared),
            lambda: items.put(tx, found, name, prepared),
            lambda: items.delete(tx, found, name),
        ):
            with pytest.raises(Denied):
                attempt()
        with pytest.raises(StorageError):
            grants.grant(tx, found, principal(store, "bob"), Right.SEE)
    for login in ("bob", "carol"):
        with store.read(actor(store, login)) as tx, pytest.raises(NotFound):
            tree.by_id(tx, due.number)


def test_a_large_event_waits_for_room_on_the_disk(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """SYS-02: a full disk is no refusal of one event, which was left out until it changed; all of it is done later."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    due = subscribe(store, feed(one("a")))
    data = feed(one("a"), one("b", more=f"DESCRIPTION:{'x' * 70_000}\r\n"))
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(NoRoom):
            refreshing.keep(store, due, data, '"2"')
    assert refreshing.keep(store, due, data, '"2"').added == 1


def test_only_what_changed_is_written(store: Store) -> None:
    due = subscribe(store, feed(one("a"), one("b"), one("c")))
    with store.read(actor(store, "alice")) as tx:
        before = {row.name: row.etag for row in items.rows(tx, tree.by_id(tx, due.number))}
    again = feed(one("a", stamp="20260101T000000Z"), one("b", "Fair, moved", stamp="20260101T000000Z"), one("d"))
    report = refreshing.keep(store, due, again, '"2"')
    assert (report.added, report.changed, report.removed, report.failed) == (1, 1, 1, 0)
    with store.read(actor(store, "alice")) as tx:
        found = tree.by_id(tx, due.number)
        after = {row.name: row.etag for row in items.rows(tx, found)}
        assert len(after) == 3
        assert len(before.items() & after.items()) == 1
        modseq = found.modseq
    assert refreshing.keep(store, due, again) == refreshing.Report()
    with store.read(actor(store, "alice")) as tx:
        assert tree.by_id(tx, due.number).modseq == modseq


def test_a_bad_reading_costs_nothing(store: Store) -> None:
    due = subscribe(store, feed(one("a")))
    for data in (b"", b"<html>moved</html>", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", b"\x1f\x8b\0\xff" * 100):
        with pytest.raises(BadFormat):
            refreshing.keep(store, due, data)
    refreshing.failed(store, due, "its server answers 500")
    with store.read(actor(store, "alice")) as tx:
        (entry,) = choosing.entries(tx)
        assert (entry.events, entry.trouble) == (1, "its server answers 500")
    partly = feed(one("a"), "UID:x\r\nDTSTART:never\r\n", one("b"))
    assert refreshing.keep(store, due, partly).failed == 1
    with store.read(actor(store, "alice")) as tx:
        (entry,) = choosing.entries(tx)
        assert (entry.events, entry.trouble) == (2, "1 events could not be read")


def test_what_a_server_cut_off_is_not_all_there_is(store: Store) -> None:
    """Without a length, the end of an answer is the end of the connection: END:VCALENDAR says whether it was whole."""
    whole = feed(one("a"), one("b"), one("c"))
    due = subscribe(store, whole)
    for end in (whole.index(b"BEGIN:VEVENT\r\nUID:c"), whole.index(b"UID:b"), len(whole) - 5):
        with pytest.raises(BadFormat, match="ends in the middle"):
            refreshing.keep(store, due, whole[:end])
    assert [one.item_count for one in home(store) if one.id == due.number] == [3]
    assert refreshing.keep(store, due, whole.replace(b"SUMMARY:Fair", b"SUMMARY:Fun") + b"<!-- 0.1 s -->").changed == 3


def test_when_it_is_fetched_again(store: Store) -> None:
    """Once by one process; later after each failure; as often as the calendar says, within bounds (RFC 7986 §5.7)."""
    subscribe(store, feed(one("a")))
    assert refreshing.claim(store) is None
    with store.write(actor(store, "alice")) as tx:
        choosing.add_feed(tx, "Moon", "webcal://moon.example/phases.ics")
    due = refreshing.claim(store)
    assert due is not None
    assert (due.url, due.owner.login) == ("https://moon.example/phases.ics", "alice")
    assert refreshing.claim(store) is None
    refreshing.failed(store, due, "no")
    refreshing.unchanged(store, due)
    for head, seconds in (
        ("", 6 * 3600),
        ("REFRESH-INTERVAL;VALUE=DURATION:PT12H\r\n", 12 * 3600),
        ("X-PUBLISHED-TTL:P1D\r\n", 86_400),
        ("REFRESH-INTERVAL;VALUE=DURATION:PT1S\r\n", 900),
        ("REFRESH-INTERVAL;VALUE=DURATION:P9999W\r\n", 7 * 86_400),
        ("REFRESH-INTERVAL;VALUE=DURATION:P\r\n", 6 * 3600),
    ):
        assert refreshing.interval_s(feed(one("a"), head=head)) == seconds


def test_calendars_of_the_desk(store: Store) -> None:
    """CAL-20, CAL-22, CAL-23: with the rights that one has there, hidden, switched off, gone with the group."""
    with store.write(actor(store, "alice")) as tx:
        choosing.add_calendar(tx, principal(store, "bob"))
        choosing.add_calendar(tx, principal(store, "IAB"))
        with pytest.raises(Exists):
            choosing.add_calendar(tx, principal(store, "bob"))
        with pytest.raises(NotFound):
            choosing.add_calendar(tx, principal(store, "carol"))
        with pytest.raises(Refused):
            choosing.add_calendar(tx, principal(store, "alice"))
        assert {one.space.name for one in choosing.calendars(tx)} == {"bob", "IAB"}
        choosing.show(tx, "groups/IAB", shown=False)
        assert [one.space.name for one in choosing.calendars(tx)] == ["bob"]
        choosing.switch(tx, on=False)
        assert choosing.calendars(tx) == []
        assert len(choosing.entries(tx)) == 2
        choosing.switch(tx, on=True)
        choosing.remove(tx, "groups/IAB")
        with pytest.raises(NotFound):
            choosing.show(tx, "groups/IAB", shown=True)
    with store.write(actor(store, "alice")) as tx:
        groups.expel(tx, principal(store, "IAB"), principal(store, "bob"))
    with store.read(actor(store, "alice")) as tx:
        assert choosing.calendars(tx) == []


def test_hidden_subscriptions_are_not_in_the_home(store: Store) -> None:
    due = subscribe(store, feed(one("a")))
    numbers = [one.id for one in home(store)]
    assert due.number in numbers
    for change, back in (
        (lambda tx: choosing.show(tx, "Holidays", shown=False), lambda tx: choosing.show(tx, "Holidays", shown=True)),
        (lambda tx: choosing.switch(tx, on=False), lambda tx: choosing.switch(tx, on=True)),
    ):
        with store.write(actor(store, "alice")) as tx:
            change(tx)
        assert [one.id for one in home(store)] == [number for number in numbers if number != due.number]
        with store.write(actor(store, "alice")) as tx:
            back(tx)
        assert [one.id for one in home(store)] == numbers
    with store.write(actor(store, "alice")) as tx:
        choosing.remove(tx, "Holidays")
        assert choosing.entries(tx) == []
    assert due.number not in [one.id for one in home(store)]
    assert refreshing.keep(store, due, feed(one("z"))) == refreshing.Report()


def test_the_plan_limits_it(store: Store) -> None:
    """CAL-19, ACC-12."""
    with store.write(SITE) as tx:
        plans.change(tx, plans.FULL, limits={"overlay_calendars_max": 1})
        plans.change(tx, plans.FREE, limits={"overlay_calendars_max": 1})
    subscribe(store, feed(one("a")))
    with store.write(actor(store, "alice")) as tx:
        with pytest.raises(LimitReached):
            choosing.add_feed(tx, "More", URL)
        with pytest.raises(LimitReached):
            choosing.add_calendar(tx, principal(store, "bob"))


def test_one_file_of_all(store: Store) -> None:
    """CAL-24, CAL-25: initials before each title, no UID twice, no line too long, nothing that one may not see."""
    with store.write(actor(store, "bob")) as tx:
        calendar = events(tx, "bob")
        prepared = kinds.of(calendar.tool).prepare(event("same", "A secret"), "text/calendar")
        items.put(tx, calendar, "same.ics", prepared)
    with store.write(actor(store, "alice")) as tx:
        choosing.add_calendar(tx, principal(store, "bob"))
    subscribe(store, feed(one("same", "x" * 66), one("none").replace("SUMMARY:Fair\r\n", "")), "School Holidays")
    with store.read(actor(store, "alice")) as tx:
        found = merged.whole(tx)
        assert merged.whole(tx, frozenset({found.etag})).body is None
    body = found.body or b""
    assert all(len(line) <= 75 for line in body.split(b"\r\n"))
    text = body.replace(b"\r\n ", b"").decode()
    assert "SUMMARY:[SH] " + "x" * 66 in text
    assert "SUMMARY:[SH]\r\n" in text
    assert "SUMMARY:[Bob]" in text
    assert "secret" not in text
    uids = [line for line in text.split("\r\n") if line.startswith("UID:")]
    assert len(set(uids)) == 3
    with store.write(actor(store, "alice")) as tx:
        choosing.switch(tx, on=False)
        assert b"VEVENT" not in (merged.whole(tx).body or b"")


@pytest.mark.parametrize(
    ("name", "mark"),
    [("Alice Martin", "AM"), ("bob", "bob"), ("IAB", "IAB"), ("robert", "RO"), ("Éva  de Vries", "ÉV"), (" ", "?")],
)
def test_initials(name: str, mark: str) -> None:
    assert merged.initials(name) == mark


@pytest.mark.parametrize(
    "url",
    [
        *("", "calendar.ics", "file:///etc/passwd", "ftp://x.example/a", "https://", "https://u:p@x.example/", "a\0b"),
        *(
            "https://x.example:99999/",
            "http://[::1/",
            "https://x.example/a b",
            "javascript://x",
            "https://" + "a" * 3000,
        ),
        *("https://-/", "https://..../", "https://x.example\\@y.example/"),
    ],
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(Refused):
        choosing.clean_url(url)


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("webcal://X.Example/a.ics", "https://x.example/a.ics"),
        ("http://x.example", "http://x.example/"),
        ("https://bücher.example/ü?k=1&t=é#top", "https://xn--bcher-kva.example/%C3%BC?k=1&t=%C3%A9"),
        ("https://[2001:db8::1]:8443/c", "https://[2001:db8::1]:8443/c"),
    ],
)
def test_what_is_one(url: str, clean: str) -> None:
    assert choosing.clean_url(url) == clean


def test_attachments_of_other_servers_are_links(store: Store) -> None:
    """RFC 8607 §3.12.7: nobody here keeps them; and the same reading again changes nothing."""
    data = feed(one("a", more="ATTACH;MANAGED-ID=97S;FMTTYPE=text/html:https://cal.example.com/attach/64\r\n"))
    due = subscribe(store, data)
    with store.read(actor(store, "alice")) as tx:
        (item,) = viewing.load(tx, tree.by_id(tx, due.number), body=True)
        assert b"ATTACH;FMTTYPE=text/html:https://cal.example.com/attach/64\r\n" in (item.body or b"")
    assert refreshing.keep(store, due, data) == refreshing.Report()


def write(store: Store, login: str, uid: str, summary: str) -> None:
    with store.write(actor(store, login)) as tx:
        calendar = events(tx, login)
        items.put(tx, calendar, f"{uid}.ics", kinds.of(calendar.tool).prepare(event(uid, summary), "text/calendar"))


def together(store: Store) -> dict[str, str]:
    """Title and name of what alice's merged calendar holds, looked at now."""
    merging.freshen(store, actor(store, "alice"))
    with store.read(actor(store, "alice")) as tx:
        found = tree.find(tx, SpaceKind.PRIVATE, "alice", merging.NAME)
        assert found.rights == Right.SEE
        rows = [(item.name, item.body or b"") for item in viewing.load(tx, found, body=True)]
    pattern = re.compile(rb"SUMMARY:(.*)\r\n")
    return {pattern.search(body.replace(b"\r\n ", b""))[1].decode(): name for name, body in rows}  # type: ignore[index]


def test_one_calendar_of_all(store: Store) -> None:
    """CAL-25: it follows what its calendars show, what one may see of them, and what is chosen."""
    merging.freshen(store, actor(store, "alice"))
    with store.read(actor(store, "alice")) as tx, pytest.raises(NotFound):
        tree.find(tx, SpaceKind.PRIVATE, "alice", merging.NAME)  # who has no overlay has no such calendar
    write(store, "bob", "one", "Secret")
    with store.write(actor(store, "alice")) as tx:
        choosing.add_calendar(tx, principal(store, "bob"))
    due = subscribe(store, feed(one("a", "Bastille")), "School Holidays")
    seen = together(store)
    assert sorted(title[:5] for title in seen) == ["[Bob]", "[SH] "]
    assert "[SH] Bastille" in seen
    assert "Secret" not in str(seen)
    with store.write(actor(store, "bob")) as tx:
        grants.grant(tx, events(tx, "bob"), principal(store, "alice"), Right.SEE)
    assert set(together(store)) == {"[Bob] Secret", "[SH] Bastille"}
    write(store, "bob", "two", "Lunch")
    refreshing.keep(store, due, feed(one("a", "Fireworks")))
    before = together(store)
    assert set(before) == {"[Bob] Secret", "[Bob] Lunch", "[SH] Fireworks"}
    with store.write(actor(store, "bob")) as tx:
        items.delete(tx, events(tx, "bob"), "one.ics")
    after = together(store)
    assert set(after) == {"[Bob] Lunch", "[SH] Fireworks"}
    assert after["[Bob] Lunch"] == before["[Bob] Lunch"]
    with store.write(actor(store, "alice")) as tx:
        choosing.show(tx, "School Holidays", shown=False)
    assert set(together(store)) == {"[Bob] Lunch"}
    with store.write(actor(store, "alice")) as tx:
        choosing.show(tx, "School Holidays", shown=True)
    with store.write(actor(store, "bob")) as tx:
        grants.withdraw(tx, events(tx, "bob"), principal(store, "alice"), Right.SEE)
    assert "Lunch" not in str(together(store))
    with store.write(actor(store, "alice")) as tx:
        choosing.remove(tx, "School Holidays")
    assert len(together(store)) == 1
    with store.write(actor(store, "alice")) as tx:
        choosing.switch(tx, on=False)
    assert together(store) == {}


def test_the_merged_calendar_is_nobody_else_s(store: Store) -> None:
    with store.write(actor(store, "alice")) as tx:
        choosing.add_calendar(tx, principal(store, "bob"))
    write(store, "bob", "one", "Tea")
    together(store)
    with store.read(actor(store, "bob")) as tx, pytest.raises(NotFound):
        tree.find(tx, SpaceKind.PRIVATE, "alice", merging.NAME)
    with store.write(actor(store, "alice")) as tx:
        found = tree.find(tx, SpaceKind.PRIVATE, "alice", merging.NAME)
        with pytest.raises(StorageError):
            grants.grant(tx, found, principal(store, "bob"), Right.SEE)
        with pytest.raises(Denied):
            tree.delete(tx, found)
        with pytest.raises(Denied):
            items.put(tx, found, "x.ics", kinds.of(found.tool).prepare(event("x"), "text/calendar"))


def test_many_events_come_in_parts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "AT_ONCE", 3)
    subscribe(store, feed(*(one(f"u{number}", f"E{number}") for number in range(10))))
    assert len(together(store)) == 10
    with store.read(actor(store, "alice")) as tx:
        modseq = tree.find(tx, SpaceKind.PRIVATE, "alice", merging.NAME).modseq
    together(store)
    with store.read(actor(store, "alice")) as tx:
        assert tree.find(tx, SpaceKind.PRIVATE, "alice", merging.NAME).modseq == modseq
    with store.write(actor(store, "alice")) as tx:
        choosing.remove(tx, "Holidays")
    assert together(store) == {}
