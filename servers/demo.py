"""What a throw-away desk holds: three people, their group, and a week in which their rights can be seen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from auth import passwords
from conf.settings import Settings
from servers import demo_documents, demo_mail
from storage import accounts, calendar, collections, contacts, grants, groups, items
from storage.store import Store
from storage.types import SITE, Actor, Principal, Right, SpaceKind

PEOPLE: Final = {"alice": "Alice Aumont", "bob": "Bob Berger", "carol": "Carol Cortez"}
GROUP: Final = "IAB"
_DOMAIN: Final = "localhost"


def password(login: str) -> str:
    """The password of a demonstration account; such a desk listens on loopback only."""
    return f"{login}-demo"


def furnish(settings: Settings, today: date) -> None:
    """Make the store of a demonstration desk and everything in it; its week is the one of `today`."""
    store = Store.open(settings.database_url, settings.blobs_directory)
    try:
        store.migrate()
        people = _people(store)
        with store.write(_actor(people["alice"])) as tx:
            own = collections.find(tx, SpaceKind.PRIVATE, "alice", "events")
            grants.grant(tx, own, people["bob"], Right.SEE)
            common = collections.find(tx, SpaceKind.GROUP, GROUP, "events")
            grants.grant(tx, common, people["bob"], Right.ADD)
        monday = today - timedelta(days=today.weekday())
        for login, kind, space, name, body in _events(monday):
            with store.write(_actor(people[login])) as tx:
                items.put(tx, collections.find(tx, kind, space, name), _file(body, "ics"), calendar.prepare(body))
        for login, kind, space, body in _cards():
            with store.write(_actor(people[login])) as tx:
                books = collections.find(tx, kind, space, "contacts")
                items.put(tx, books, _file(body, "vcf"), contacts.prepare(body, "text/vcard"))
        demo_documents.furnish(store, {login: _actor(who) for login, who in people.items()})
        demo_mail.furnish(store, {login: _actor(who) for login, who in people.items()}, datetime.now(UTC))
    finally:
        store.close()


def _people(store: Store) -> dict[str, Principal]:
    with store.write(SITE) as tx:
        people = {
            login: accounts.create(
                tx, login, passwords.make_hash(password(login)), display_name=name, email=f"{login}@{_DOMAIN}"
            )
            for login, name in PEOPLE.items()
        }
        group = groups.create(tx, GROUP, admin=people["alice"], full_name="Institute of Applied Bookkeeping")
        for login in ("bob", "carol"):
            groups.add_member(tx, group, people[login])
    return people


def _actor(who: Principal) -> Actor:
    return Actor(who.id, who.name)


def _events(monday: date) -> Iterator[tuple[str, SpaceKind, str, str, bytes]]:
    """Who writes, whose space, which collection, what."""

    def at(days: int, hour: int, minute: int = 0) -> str:
        moment = datetime.combine(monday + timedelta(days=days), time(hour, minute), UTC)
        return moment.strftime("%Y%m%dT%H%M%SZ")

    def day(days: int) -> str:
        return (monday + timedelta(days=days)).strftime("%Y%m%d")

    private, group = SpaceKind.PRIVATE, SpaceKind.GROUP
    yield (
        "alice",
        private,
        "alice",
        "events",
        _calendar("VEVENT", "dentist", f"DTSTART:{at(1, 8)}", f"DTEND:{at(1, 9)}", "SUMMARY:Dentist", "CLASS:PRIVATE"),
    )
    yield "alice", private, "alice", "events", _calendar(
        "VEVENT", "review", f"DTSTART:{at(2, 13)}", f"DTEND:{at(2, 14, 30)}", "SUMMARY:Quarterly review",
        "LOCATION:Room 4", "BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:-PT15M", "DESCRIPTION:Review", "END:VALARM",
    )  # fmt: skip
    yield "alice", private, "alice", "events", _calendar(  # it comes into the two others' calendars by itself (MTG-01)
        "VEVENT", "budget", f"DTSTART:{at(3, 9)}", f"DTEND:{at(3, 10)}", "SUMMARY:Budget", "LOCATION:Room 4",
        f"ORGANIZER;CN=Alice Aumont:mailto:alice@{_DOMAIN}",
        f"ATTENDEE;CN=Alice Aumont;PARTSTAT=ACCEPTED:mailto:alice@{_DOMAIN}",
        f"ATTENDEE;CN=Bob Berger;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:bob@{_DOMAIN}",
        f"ATTENDEE;CN=Carol Cortez;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:carol@{_DOMAIN}",
    )  # fmt: skip
    yield "alice", private, "alice", "events", _calendar(
        "VEVENT", "swimming", f"DTSTART:{at(3, 17)}", f"DTEND:{at(3, 18)}", "SUMMARY:Swimming", "RRULE:FREQ=WEEKLY",
        f"EXDATE:{at(10, 17)}",
    )  # fmt: skip
    yield (
        "bob",
        private,
        "bob",
        "events",
        _calendar("VEVENT", "holiday", f"DTSTART;VALUE=DATE:{day(4)}", f"DTEND;VALUE=DATE:{day(5)}", "SUMMARY:Day off"),
    )
    yield "alice", group, GROUP, "events", _calendar(
        "VEVENT", "standup", f"DTSTART:{at(0, 7, 30)}", f"DTEND:{at(0, 7, 45)}", "SUMMARY:Stand-up",
        "RRULE:FREQ=WEEKLY;BYDAY=MO,WE,FR",
    )  # fmt: skip
    yield (
        "bob",
        group,
        GROUP,
        "events",
        _calendar(
            "VEVENT",
            "picnic",
            f"DTSTART;VALUE=DATE:{day(12)}",
            f"DTEND;VALUE=DATE:{day(13)}",
            "SUMMARY:Picnic of the IAB",
        ),
    )
    yield (
        "alice",
        private,
        "alice",
        "tasks",
        _calendar("VTODO", "letter", f"DUE;VALUE=DATE:{day(4)}", "SUMMARY:Answer the ministry's letter", "PRIORITY:1"),
    )
    yield "alice", group, GROUP, "tasks", _calendar("VTODO", "projector", "SUMMARY:Have the projector repaired")
    yield (
        "alice",
        private,
        "alice",
        "notes",
        _calendar(
            "VJOURNAL",
            "ideas",
            f"DTSTART;VALUE=DATE:{day(0)}",
            "SUMMARY:Ideas",
            "DESCRIPTION:A reading group\\, on Thursdays",
        ),
    )


def _cards() -> Iterator[tuple[str, SpaceKind, str, bytes]]:
    private, group = SpaceKind.PRIVATE, SpaceKind.GROUP
    yield (
        "alice",
        private,
        "alice",
        _card("dora", "Dora Dumont", "Dumont;Dora;;;", "dora@example.org", "+32 2 555 01 01"),
    )
    yield "bob", private, "bob", _card("erik", "Erik Engel", "Engel;Erik;;;", "erik@example.org", "+49 30 5550102")
    yield "alice", group, GROUP, _card("frida", "Frida Fink", "Fink;Frida;;;", "frida@example.org", "+41 44 555 01 03")


def _calendar(component: str, uid: str, *lines: str) -> bytes:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    head = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Escritoire//demo//EN", f"BEGIN:{component}")
    foot = (f"END:{component}", "END:VCALENDAR", "")
    return "\r\n".join((*head, f"UID:{uid}@demo", f"DTSTAMP:{stamp}", *lines, *foot)).encode()


def _card(uid: str, name: str, parts: str, mail: str, phone: str) -> bytes:
    lines = (f"UID:{uid}@demo", f"FN:{name}", f"N:{parts}", f"EMAIL;TYPE=WORK:{mail}", f"TEL;TYPE=WORK:{phone}")
    return "\r\n".join(("BEGIN:VCARD", "VERSION:3.0", *lines, "END:VCARD", "")).encode()


def _file(body: bytes, extension: str) -> str:
    """The item's name, after its UID."""
    uid = next(line for line in body.decode().splitlines() if line.startswith("UID:"))
    return f"{uid.removeprefix('UID:').removesuffix('@demo')}.{extension}"
