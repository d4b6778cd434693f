"""Meetings in the store, on both engines: after any edits everybody's copy agrees with the organizer's (MTG)."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import calendar, check, collections, items
from storage.errors import NotFound
from storage.formats import icalendar, itip
from storage.scheduling import copies
from storage.store import Store
from storage.types import SITE, SpaceKind
from tests.storage import desk

MAILS = {name: f"{name}@example.test" for name in ("alice", "bob", "carol")}


def meeting(people: list[str], title: str = "Plan", day: int = 1) -> bytes:
    lines = [
        *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//tests//EN", "BEGIN:VEVENT", "UID:m"),
        *("DTSTAMP:20250101T000000Z", f"DTSTART:202506{day:02}T100000Z", f"DTEND:202506{day:02}T110000Z"),
        *(f"SUMMARY:{title}", "ORGANIZER:mailto:alice@example.test"),
        "ATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.test",
        *(f"ATTENDEE;RSVP=TRUE:mailto:{one}" for one in people),
        *("END:VEVENT", "END:VCALENDAR", ""),
    ]
    return "\r\n".join(lines).encode()


def put(store: Store, login: str, name: str, body: bytes) -> None:
    prepared = calendar.prepare(body)
    with store.write(desk.actor(store, login)) as tx:
        items.put(tx, desk.events(tx, login), name, prepared)


def held(store: Store, login: str) -> tuple[str, str] | None:
    """Name and body of somebody's copy."""
    person = desk.principal(store, login)
    with store.read(desk.actor(store, login)) as tx:
        found = copies.find(tx, person.id, "m")
        if found is None:
            return None
        return found.name, (items.get(tx, desk.events(tx, login), found.name).body or b"").decode()


def states(body: str) -> dict[str, str]:
    (part,) = itip.parts(icalendar.load(body.encode()).calendar)
    return {itip.address(prop.value): itip.partstat(prop) for prop in part.all("ATTENDEE")}


def answer(store: Store, login: str, how: str) -> None:
    found = held(store, login)
    assert found is not None
    name, body = found
    plain = body.replace("\r\n ", "")
    fresh = re.sub(rf"ATTENDEE[^\r\n]*:mailto:{MAILS[login]}", f"ATTENDEE;PARTSTAT={how}:mailto:{MAILS[login]}", plain)
    put(store, login, name, fresh.encode())


def remove(store: Store, login: str) -> None:
    found = held(store, login)
    assert found is not None
    with store.write(desk.actor(store, login)) as tx:
        items.delete(tx, desk.events(tx, login), found[0])


def agree(store: Store) -> None:
    """RFC 6638 §3.2: who is invited has the organizer's facts and states; who is not has nothing."""
    mine = held(store, "alice")
    wanted = states(mine[1]) if mine else {}
    for login in ("bob", "carol"):
        theirs = held(store, login)
        if theirs is None:
            assert wanted.get(MAILS[login], "DECLINED") == "DECLINED"
            continue
        assert mine is not None
        assert states(theirs[1]) == wanted
        facts = [icalendar.load(body.encode()).calendar for body in (mine[1], theirs[1])]
        assert not itip.changed(*facts)


def test_invite_answer_change_cancel(store: Store) -> None:
    put(store, "alice", "m.ics", meeting([MAILS["bob"], MAILS["carol"]]))
    agree(store)
    answer(store, "bob", "ACCEPTED")
    answer(store, "carol", "DECLINED")
    agree(store)
    put(store, "alice", "m.ics", meeting([MAILS["bob"]], title="Other"))
    with store.read(SITE) as tx:
        assert check.run(tx) == []
    assert held(store, "carol") is None
    agree(store)
    remove(store, "alice")
    assert held(store, "bob") is None


def test_many_attendees_twice_and_own_aliases(store: Store) -> None:
    """Duplicates are one person; the organizer invites nobody by inviting himself (MTG-17)."""
    put(store, "alice", "m.ics", meeting([MAILS["bob"], MAILS["bob"].upper(), MAILS["alice"].upper()]))
    assert held(store, "bob") is not None
    with store.read(desk.actor(store, "alice")) as tx:
        assert collections.find(tx, SpaceKind.PRIVATE, "alice", "inbox").item_count == 0
    with store.read(SITE) as tx, pytest.raises(NotFound):
        collections.find(tx, SpaceKind.GROUP, "IAB", "inbox")


_STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("put"),
            st.sets(st.sampled_from(["bob", "carol"])),
            st.sampled_from(["Plan", "Other"]),
            st.integers(1, 3),
        ),
        st.tuples(st.just("answer"), st.sampled_from(["bob", "carol"]), st.sampled_from(["ACCEPTED", "DECLINED"])),
        st.tuples(st.just("remove"), st.sampled_from(["alice", "bob", "carol"])),
    ),
    max_size=12,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS)
def test_after_quiet_everyones_copy_agrees(store: Store, steps: list[tuple[object, ...]]) -> None:
    """MTG-04…15: one organizer and two attendees do anything."""
    for step in steps:
        if step[0] == "put":
            names = sorted(step[1])  # type: ignore[call-overload]
            put(store, "alice", "m.ics", meeting([MAILS[one] for one in names], str(step[2]), int(str(step[3]))))
        elif held(store, str(step[1])) is not None:
            if step[0] == "remove":
                remove(store, str(step[1]))
            else:
                answer(store, str(step[1]), str(step[2]))
        agree(store)
    if held(store, "alice") is not None:
        remove(store, "alice")
    for login in ("bob", "carol"):
        if held(store, login) is not None:
            remove(store, login)
