"""The Python library `caldav` against the desk: its public interface, and the checks of its authors' server tester."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.interop import objects
from tests.interop.desk import GROUP, PASSWORDS, Desk, calendar, principal, program
from tests.interop.wire import Wire

warnings.filterwarnings("ignore", module="caldav")
caldav = pytest.importorskip("caldav")
UTC = dt.UTC


@pytest.fixture
def client(desk: Desk) -> Iterator[Callable[[str], Any]]:
    """Give a function that opens the library's client for a login, told only the server's root."""
    opened: list[Any] = []

    def connect(login: str) -> Any:
        opened.append(caldav.DAVClient(desk.caldav + "/", username=login, password=PASSWORDS[login]))
        return opened[-1]

    yield connect
    for one in opened:
        one.close()


@pytest.fixture
def agenda(client: Callable[[str], Any]) -> Iterator[Any]:
    """A calendar of alice that the library made under a name of its own choice."""
    it = client("alice").principal().make_calendar(name=f"Agenda {uuid.uuid4().hex[:6]}")
    yield it
    it.delete()


def test_principal_and_home(client: Callable[[str], Any]) -> None:
    """RFC 5397 from `/`, then RFC 4791 §6.2.1: the principal and the calendars (CALSYNC-03, SYS-14)."""
    me = client("alice").principal()
    assert me.url.path == principal("alice")
    names = {c.url.path for c in me.calendars()}
    assert calendar("alice") in names
    assert client("alice").check_cdav_support()
    assert any(a.lower().startswith("mailto:alice@") for a in me.calendar_user_address_set())


def test_group_calendars_are_found_without_set_up(client: Callable[[str], Any]) -> None:
    """CALSYNC-05, GRP-23: a member finds the group's calendar from his own principal."""
    calendars = client("bob").principal().calendars()
    assert any(GROUP in c.url.path or GROUP in (c.get_display_name() or "") for c in calendars)
    assert not any(
        GROUP in c.url.path or GROUP in (c.get_display_name() or "") for c in client("carol").principal().calendars()
    )


def test_calendar_life(client: Callable[[str], Any]) -> None:
    """MKCALENDAR with a name, PROPPATCH of the name, DELETE (RFC 4791 §5.3.1)."""
    me = client("alice").principal()
    made = me.make_calendar(name="Garden", cal_id=f"garden-{uuid.uuid4().hex[:6]}")
    assert made.get_display_name() == "Garden"
    made.set_properties([caldav.elements.dav.DisplayName("Kitchen garden")])
    assert made.get_property(caldav.elements.dav.DisplayName(), use_cached=False) == "Kitchen garden"
    made.delete()
    with pytest.raises(caldav.lib.error.NotFoundError):
        made.events()


def test_components_of_a_calendar(client: Callable[[str], Any]) -> None:
    """RFC 4791 §5.2.3: the components asked for are the components announced."""
    me = client("alice").principal()
    for components in (["VTODO"], ["VJOURNAL"], ["VEVENT", "VTODO"]):
        made = me.make_calendar(name="Only", supported_calendar_component_set=components)
        assert sorted(made.get_supported_components()) == sorted(components)
        made.delete()


def test_events(agenda: Any) -> None:
    """Create, change, find by UID, remove."""
    event = agenda.add_event(
        dtstart=dt.datetime(2026, 4, 1, 8, tzinfo=UTC), dtend=dt.datetime(2026, 4, 1, 9, tzinfo=UTC), summary="First"
    )
    uid = str(event.icalendar_component["UID"])
    found = agenda.event_by_uid(uid)
    assert str(found.icalendar_component["SUMMARY"]) == "First"
    with found.edit_icalendar_component() as component:
        component["SUMMARY"] = "Second"
    found.save()
    assert [str(e.icalendar_component["SUMMARY"]) for e in agenda.events()] == ["Second"]
    found.delete()
    assert agenda.events() == []


def test_expanded_search(agenda: Any) -> None:
    """RFC 4791 §9.6.5: instances in UTC, the override in its place, the excluded one absent (CAL-03)."""
    agenda.add_event(
        objects.calendar_object(
            "BEGIN:VEVENT\nUID:series\nDTSTAMP:20260101T000000Z\nDTSTART:20260401T080000Z\nDTEND:20260401T090000Z\n"
            "SUMMARY:Daily\nRRULE:FREQ=DAILY;COUNT=10\nEXDATE:20260403T080000Z\nEND:VEVENT",
            "BEGIN:VEVENT\nUID:series\nDTSTAMP:20260101T000000Z\nRECURRENCE-ID:20260404T080000Z\n"
            "DTSTART:20260404T120000Z\nDTEND:20260404T130000Z\nSUMMARY:Late\nEND:VEVENT",
        )
    )
    window = {"start": dt.datetime(2026, 4, 2, tzinfo=UTC), "end": dt.datetime(2026, 4, 5, tzinfo=UTC)}
    found = agenda.search(event=True, server_expand=True, **window)
    components = [c for e in found for c in e.icalendar_instance.walk("VEVENT")]
    # The library asks for a day more on either side, and leaves what it gets: 1 to 5 April.
    starts = sorted(c["DTSTART"].dt for c in components)
    assert starts == [dt.datetime(2026, 4, day, hour, tzinfo=UTC) for day, hour in ((1, 8), (2, 8), (4, 12), (5, 8))]
    assert {str(c["SUMMARY"]) for c in components} == {"Daily", "Late"}
    assert not any("RRULE" in c for c in components)
    afterwards = {"start": dt.datetime(2026, 4, 13, tzinfo=UTC), "end": dt.datetime(2026, 4, 14, tzinfo=UTC)}
    assert agenda.search(event=True, **afterwards) == []


def test_search_by_property(agenda: Any) -> None:
    """RFC 4791 §9.7.2, §9.7.5: text-match on a property, and its absence."""
    agenda.add_event(
        objects.event("a", "Choir practice", "20260401T080000Z", "20260401T090000Z", "CATEGORIES:MUSIC,EVENING")
    )
    agenda.add_event(objects.event("b", "Budget", "20260402T080000Z", "20260402T090000Z", "LOCATION:Town hall"))
    assert [str(e.icalendar_component["UID"]) for e in agenda.search(event=True, summary="Choir")] == ["a"]
    assert [str(e.icalendar_component["UID"]) for e in agenda.search(event=True, location="Town")] == ["b"]
    assert [str(e.icalendar_component["UID"]) for e in agenda.search(event=True, category="MUSIC")] == ["a"]
    assert [str(e.icalendar_component["UID"]) for e in agenda.search(event=True, no_location=True)] == ["a"]


def test_todos_and_journals(client: Callable[[str], Any]) -> None:
    """VTODO pending and complete, VJOURNAL by date (RFC 4791 §9.9)."""
    made = (
        client("alice").principal().make_calendar(name="Mixed", supported_calendar_component_set=["VTODO", "VJOURNAL"])
    )
    todo = made.add_todo(summary="Call the plumber", due=dt.datetime(2026, 5, 1, 12, tzinfo=UTC))
    made.add_todo(objects.todo("done", "Old", "STATUS:COMPLETED", "COMPLETED:20260101T120000Z"))
    assert [str(t.icalendar_component["SUMMARY"]) for t in made.todos()] == ["Call the plumber"]
    assert len(made.todos(include_completed=True)) == 2
    todo.complete()
    assert made.todos() == []
    journal = made.add_journal(
        objects.calendar_object(
            "BEGIN:VJOURNAL\nUID:diary\nDTSTAMP:20260101T000000Z\nDTSTART;VALUE=DATE:20260501\nSUMMARY:Day one\nEND:VJOURNAL"
        )
    )
    assert [str(j.icalendar_component["UID"]) for j in made.journals()] == ["diary"]
    found = made.search(
        journal=True, start=dt.datetime(2026, 5, 1, tzinfo=UTC), end=dt.datetime(2026, 5, 2, tzinfo=UTC)
    )
    assert len(found) == 1
    journal.delete()
    made.delete()


def test_free_busy(agenda: Any) -> None:
    """RFC 4791 §7.10: busy and tentative periods, nothing of cancelled or transparent events."""
    for uid, day, more in (
        ("busy", "01", ()),
        ("tentative", "02", ("STATUS:TENTATIVE",)),
        ("off", "03", ("STATUS:CANCELLED",)),
        ("free", "04", ("TRANSP:TRANSPARENT",)),
    ):
        agenda.add_event(objects.event(uid, uid, f"202604{day}T080000Z", f"202604{day}T090000Z", *more))
    answer = agenda.freebusy_request(dt.datetime(2026, 4, 1, tzinfo=UTC), dt.datetime(2026, 4, 10, tzinfo=UTC))
    text = answer.data if isinstance(answer.data, str) else answer.data.decode()
    assert text.count("FREEBUSY") >= 2
    assert "20260401T080000Z/" in text
    assert "BUSY-TENTATIVE:20260402T080000Z/" in text
    assert "20260403" not in text
    assert "20260404T" not in text


def test_sync_tokens(agenda: Any) -> None:
    """RFC 6578: exactly what changed since the token, removals too."""
    for n in range(4):
        agenda.add_event(objects.event(f"e{n}", f"Event {n}"))
    everything = agenda.objects_by_sync_token()
    assert len(list(everything)) == 4
    token = everything.sync_token
    assert list(agenda.objects_by_sync_token(token)) == []
    agenda.event_by_uid("e1").delete()
    agenda.add_event(objects.event("e4", "Event 4"))
    changed = agenda.objects_by_sync_token(token)
    assert len(list(changed)) == 2
    mine = agenda.objects(load_objects=True)
    agenda.event_by_uid("e2").delete()
    agenda.add_event(objects.event("e5", "Event 5"))
    updated, deleted = mine.sync()
    assert len(list(updated)) == 1
    assert len(list(deleted)) == 1


def test_multiget(agenda: Any) -> None:
    """RFC 4791 §7.9: several objects in one request, a missing one among them."""
    urls = [agenda.add_event(objects.event(f"m{n}", f"Event {n}")).url for n in range(3)]
    found = list(agenda.multiget(urls))
    assert {str(e.icalendar_component["UID"]) for e in found} == {"m0", "m1", "m2"}


def test_rights_in_the_library(desk: Desk, client: Callable[[str], Any], agenda: Any) -> None:
    """Bob opens alice's calendar with his own login: stubs, no writing; carol is told it does not exist (CAL-07, SYS-09)."""
    agenda.add_event(objects.event("talk", "Salary talk", "20260401T080000Z", "20260401T090000Z", "LOCATION:Room 1"))
    agenda.add_event(objects.event("private", "Doctor", "20260402T080000Z", "20260402T090000Z", "CLASS:PRIVATE"))
    theirs = client("bob").calendar(url=agenda.url)
    (stub,) = theirs.events()
    assert str(stub.icalendar_component["SUMMARY"]) == "Busy"
    assert "LOCATION" not in stub.icalendar_component
    assert str(stub.icalendar_component["UID"]) != "talk"
    # Asking for the hidden words finds nothing: the filter sees what the viewer sees.
    assert theirs.search(event=True, summary="Salary") == []
    with pytest.raises(caldav.lib.error.AuthorizationError):
        theirs.add_event(objects.event("intruder"))
    with pytest.raises(caldav.lib.error.AuthorizationError):
        stub.delete()
    with pytest.raises(caldav.lib.error.NotFoundError):
        client("carol").calendar(url=agenda.url).events()
    assert len(agenda.events()) == 2


def test_library_is_refused_a_wrong_password(desk: Desk) -> None:
    """401 for a wrong password and for an unknown login alike (SPEC 0.4)."""
    for login in ("alice", "nobody-here"):
        with (
            caldav.DAVClient(desk.caldav + "/", username=login, password="not-the-password") as one,
            pytest.raises(caldav.lib.error.AuthorizationError),
        ):
            one.principal()


# What the tester finds other than full support, each with the reason why it stays so.
KNOWN: dict[str, str] = {
    "scheduling.schedule-tag.stable-partstat": "RFC 6638 §3.2.10: an attendee's own PUT MUST change the tag of his copy",
    "search.time-range.comp-type-optional": "RFC 4791 §9.7: a VCALENDAR has no time range, the filter is refused as not valid",
    "search.text.comp-type-optional": "RFC 4791 §9.7.2: a prop-filter directly in VCALENDAR is about VCALENDAR's own properties",
    "url.encode-at.identity": "RFC 3986 §6.2.2.2: `@` and `%40` in a path segment name the same resource here, by design",
}


def test_server_tester(desk: Desk, wire: Callable[..., Wire], tmp_path: Path) -> None:
    """The library's authors' compatibility check: every feature it knows is supported in full, except the listed ones."""
    command = program("caldav-server-tester")
    if command is None:
        pytest.skip("caldav-server-tester is not installed")
    config = tmp_path / ".config" / "caldav" / "calendar.conf"
    config.parent.mkdir(parents=True)
    url = desk.caldav + "/"
    sections = {
        login: {"caldav_url": url, "caldav_username": login, "caldav_password": PASSWORDS[login]}
        for login in ("alice", "bob")  # bob is invited by alice, and answers
    }
    config.write_text(json.dumps(sections))
    done = subprocess.run(
        [command, "--config-section", "alice", "--config-section", "bob", "--format", "json", "--quiet"],
        capture_output=True,
        check=False,
        timeout=240,
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    assert done.stdout, done.stderr.decode()[-3000:]
    features = json.loads(done.stdout[done.stdout.index(b"{") :])
    features = features.get("features", features)
    short = {
        name: value
        for name, value in features.items()
        if isinstance(value, dict) and value.get("support", "full") not in ("full", "unknown") and name not in KNOWN
    }
    assert not short, json.dumps(short, indent=1)


def test_a_meeting_by_the_library(client: Callable[[str], Any]) -> None:
    """MTG-02, 04, 07, 15: alice invites bob with the library, he accepts with it, she sees that and calls it off."""
    alice, bob = client("alice").principal(), client("bob").principal()
    uid = uuid.uuid4().hex
    body = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//tests//EN\r\nBEGIN:VEVENT\r\n"
        f"UID:{uid}\r\nDTSTAMP:20250101T000000Z\r\nDTSTART:20250601T100000Z\r\nDTEND:20250601T110000Z\r\n"
        "SUMMARY:By the library\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    calendar_of = {c.url.path: c for c in alice.calendars()}[calendar("alice")]
    mine = calendar_of.save_with_invites(body, [alice, bob.get_vcal_address()])
    invitations = [one for one in bob.schedule_inbox().get_items() if uid in one.data]
    assert [one.is_invite_request() for one in invitations] == [True]
    theirs = {c.url.path: c for c in bob.calendars()}[calendar("bob")].event_by_uid(uid)
    theirs.change_attendee_status(partstat="ACCEPTED")
    theirs.save()
    mine.load()
    assert (
        "PARTSTAT=ACCEPTED"
        in mine.data.replace("\r\n ", "").replace("\n ", "").partition("bob@")[0].rpartition("ATTENDEE")[2]
    )
    assert any(uid in one.data for one in alice.schedule_inbox().get_items())
    mine.delete()
    with pytest.raises(caldav.lib.error.NotFoundError):
        theirs.load()
    busy = alice.freebusy_request(
        dt.datetime(2025, 6, 1, tzinfo=UTC), dt.datetime(2025, 6, 2, tzinfo=UTC), [bob.get_vcal_address()]
    )
    assert busy["errors"] == {}
    assert "mailto:bob@example.test" in busy
