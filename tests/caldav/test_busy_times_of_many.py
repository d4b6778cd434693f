"""When are these people busy? By POST to the outbox, about one person or about thousands (RFC 6638 §5, CAL-07)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from servers.dav.names import CALDAV, DAV
from storage import accounts, groups, preferences, principals
from storage.store import Store
from storage.types import SITE, Actor, Right, SpaceKind
from tests.caldav import desk
from tests.caldav.desk import Answer, Client
from tests.caldav.meetings import statuses

JUNE = ("20250601T000000Z", "20250701T000000Z")
PEOPLE = [f"p{number}" for number in range(40)]
OUTBOX = "/dav/alice/private/outbox/"


@pytest.fixture
def crowd(store: Store) -> Store:
    """Forty people in IAB, each with something of another sort in June."""
    with store.write(SITE) as tx:
        group = principals.find(tx, SpaceKind.GROUP, "IAB")
        for one in PEOPLE:
            who = accounts.create(tx, one, "*", email=f"{one}@example.test", display_name=one)
            groups.add_member(tx, group, who)
    sorts: list[tuple[str, ...]] = [
        (),
        ("CLASS:PRIVATE",),
        ("CLASS:CONFIDENTIAL",),
        ("STATUS:TENTATIVE",),
        ("TRANSP:TRANSPARENT",),
        ("RRULE:FREQ=WEEKLY",),
        ("RRULE:FREQ=WEEKLY", "CLASS:CONFIDENTIAL"),
        ("RRULE:FREQ=SECONDLY",),
    ]
    application = desk.app(store)
    for number, one in enumerate(PEOPLE):
        times = (f"DTSTART:202506{number % 28 + 1:02}T100000Z", "DURATION:PT1S")
        body = desk.event("x", *times, *sorts[number % len(sorts)])
        desk.put(Client(application, one), f"/dav/{one}/private/events/x.ics", body)
    person = desk.person(store, "p9")
    with store.write(Actor(person.id, person.name)) as tx:
        preferences.choose(tx, person, "day_start_hour", "9")
    desk.grant(store, "/dav/p2/private/events/", "alice", Right.SEE, by="p2")
    desk.grant(store, "/dav/p1/private/events/x.ics", "alice", Right.SEE, by="p1")
    return store


def ask(client: Client, *people: str, span: tuple[str, str] = JUNE) -> Answer:
    lines = [f"DTSTART:{span[0]}", f"DTEND:{span[1]}", "ORGANIZER:mailto:alice@example.test"]
    lines += [f"ATTENDEE:mailto:{one}@example.test" for one in people]
    body = desk.event("f", *lines, around="VFREEBUSY").replace(b"VERSION:2.0", b"VERSION:2.0\r\nMETHOD:REQUEST")
    return client.request("POST", OUTBOX, body, content_type="text/calendar")


def told(answer: Answer) -> dict[str, tuple[str, list[str]]]:
    """Status and periods of each person, as they are answered."""
    assert answer.status == 200, answer.text
    found: dict[str, tuple[str, list[str]]] = {}
    for row in answer.xml.findall(f"{CALDAV}response"):
        data = row.findtext(f"{CALDAV}calendar-data", "").replace("\n ", "").split("\n")
        who = row.findtext(f"{CALDAV}recipient/{DAV}href", "").removeprefix("mailto:").partition("@")[0]
        status = row.findtext(f"{CALDAV}request-status", "")[:3]
        found[who] = status, [line.strip() for line in data if line.startswith("FREEBUSY")]
    return found


@pytest.mark.slow
def test_about_many_as_about_each(crowd: Store, alice: Client) -> None:
    """Of everybody what a free-busy-query says of him, and of strangers nothing; in the order of the request."""
    together = told(ask(alice, *PEOPLE, "carol", "nobody", "alice"))
    assert list(together) == [*PEOPLE, "carol", "nobody", "alice"]
    assert together["carol"] == together["nobody"] == ("3.7", [])
    assert together["alice"] == ("2.0", [])
    for number, one in enumerate(PEOPLE):
        assert together[one] == told(ask(alice, one))[one]
        if number % 8 != 7:
            alone = desk.periods(desk.freebusy(alice, f"/dav/{one}/private/", *JUNE))
            assert [line.removeprefix("FREEBUSY;FBTYPE=") for line in together[one][1]] == alone
    assert together["p0"][1] == ["FREEBUSY;FBTYPE=BUSY:20250601T100000Z/20250601T100001Z"]
    assert together["p1"] == ("2.0", [])  # private
    assert len(together["p6"][1]) > 1
    assert any("BUSY-UNAVAILABLE" in line for line in together["p9"][1])


@pytest.mark.slow
def test_a_rule_without_measure_is_its_owners_alone(crowd: Store, alice: Client) -> None:
    """It does not stop the answer about all the others: he is busy all the time (SYS-17)."""
    assert told(ask(alice, "p7", "p0"))["p7"] == ("2.0", ["FREEBUSY;FBTYPE=BUSY:20250601T000000Z/20250701T000000Z"])


def test_as_many_queries_for_many_as_for_few(crowd: Store, alice: Client) -> None:
    counted: list[int] = []
    for people in (PEOPLE[:10], PEOPLE[:32]):
        seen: list[str] = []
        with crowd.read(SITE) as tx:
            tx.raw.set_trace_callback(seen.append)  # of this thread's connection
        assert len(told(ask(alice, *people))) == len(people)
        with crowd.read(SITE) as tx:
            tx.raw.set_trace_callback(None)
        counted.append(len(seen))
    assert counted[0] == counted[1] > 5


def test_too_many_people_are_refused(store: Store) -> None:
    """RFC 6638 §2.1: the limit is a property of the outbox, and the precondition has its name."""
    few: Callable[..., Iterable[bytes]] = desk.app(store, max_attendees=3)
    alice = Client(few, "alice")
    name = f"{CALDAV}max-attendees-per-instance"
    assert alice.propfind(OUTBOX, name).prop(OUTBOX, name).text == "3"  # type: ignore[union-attr]
    assert ask(alice, "bob", "carol", "eve").status == 200
    refused = ask(alice, "alice", "bob", "carol", "eve")
    assert (refused.status, refused.precondition) == (403, name)


def test_more_people_for_a_shorter_time(store: Store, alice: Client) -> None:
    """What it costs is people times time."""
    many = ["bob", *(f"s{number}" for number in range(600))]
    assert len(told(ask(alice, *many))) == 601
    refused = ask(alice, *many, span=("20250101T000000Z", "20270101T000000Z"))
    assert (refused.status, refused.precondition) == (403, f"{CALDAV}max-attendees-per-instance")
    endless = ask(alice, "bob", span=("20250101T000000Z", "20280101T000000Z"))
    assert (endless.status, endless.precondition) == (400, f"{CALDAV}valid-scheduling-message")


def test_whoever_is_asked_about_twice_is_told_of_once(alice: Client, crowd: Store) -> None:
    """The answer about one person is as long as his calendar is full: not ten thousand times that (SYS-17)."""
    answer = ask(alice, *["p5"] * 2_000, "p6")
    assert [one for one, _ in statuses(answer)] == ["mailto:p5@example.test", "mailto:p6@example.test"]
