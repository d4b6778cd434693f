"""A desk of three: alice organizes a meeting, bob and carol are invited, and what each of them has of it."""

from __future__ import annotations

import re

from servers.dav.names import CALDAV, DAV
from storage.outbound import administration
from storage.store import Store
from storage.types import SITE, Actor, Principal
from tests.caldav import desk
from tests.caldav.desk import Answer, Client, event, put

ALICE = "/dav/alice/private/events/"
BOB = "/dav/bob/private/events/"
CAROL = "/dav/carol/private/events/"
PATH = f"{ALICE}m1.ics"
"""Where the organizer keeps the meeting that is made here."""
ORGANIZER = "ORGANIZER;CN=Alice:mailto:alice@example.test"
TIMES = ("DTSTART:20250601T100000Z", "DTEND:20250601T110000Z")


def someone(name: str, *params: str) -> str:
    """An ATTENDEE, who has not answered unless the parameters say so."""
    return ";".join(["ATTENDEE", *(params or ("PARTSTAT=NEEDS-ACTION", "RSVP=TRUE"))]) + f":mailto:{name}"


def meeting(
    *attendees: str, summary: str = "Plan", times: tuple[str, ...] = TIMES, more: tuple[str, ...] = ()
) -> bytes:
    """Alice's meeting with these attendees."""
    lines = [*times, f"SUMMARY:{summary}", ORGANIZER, someone("alice@example.test", "PARTSTAT=ACCEPTED"), *attendees]
    return event("m1", *lines, *more)


INVITED = someone("bob@example.test")
INVITED_TOO = someone("carol@example.test")


def members(client: Client, path: str) -> list[str]:
    """What lies in a calendar or an inbox."""
    answer = client.propfind(path, f"{DAV}getetag", depth="1")
    return [href for href in answer.hrefs() if href != path]


def text(client: Client, path: str) -> str:
    """An object, unfolded."""
    answer: Answer = client.request("GET", path)
    assert answer.status == 200, answer.text
    return re.sub(r"\r\n ", "", answer.text)


def state(client: Client, path: str, who: str, instance: str = "") -> str:
    """The PARTSTAT of somebody in the copy at a path."""
    for part in text(client, path).split("BEGIN:VEVENT")[1:]:
        found = re.search(r"^RECURRENCE-ID[^:\r\n]*:(.*)\r$", part, re.MULTILINE)
        if (found[1] if found else "") == instance:
            for line in part.split("\r\n"):
                if line.startswith("ATTENDEE") and line.lower().endswith(f":mailto:{who}"):
                    given = re.search(r"PARTSTAT=([A-Z-]+)", line)
                    return given[1] if given else "NEEDS-ACTION"
    return ""


def copy_of(client: Client, path: str) -> str:
    """The only thing in somebody's calendar."""
    (found,) = members(client, path)
    return found


def answer(client: Client, path: str, who: str, how: str) -> Answer:
    """PUT somebody's copy with his answer."""
    body = client.request("GET", path).text
    plain = re.sub(r"\r\n ", "", body)
    changed = re.sub(rf"ATTENDEE[^\r\n]*:mailto:{who}", f"ATTENDEE;PARTSTAT={how}:mailto:{who}", plain)
    return client.request("PUT", path, changed.encode(), content_type="text/calendar")


def invite(alice: Client, *attendees: str) -> str:
    """Alice invites bob, or these; gives where her meeting is."""
    put(alice, PATH, meeting(*(attendees or (INVITED,))))
    return PATH


def line_of(client: Client, path: str, who: str) -> str:
    """Somebody's ATTENDEE in the copy at a path, "" if there is none."""
    return next((one for one in text(client, path).split("\r\n") if one.endswith(f":mailto:{who}")), "")


def person(store: Store, login: str) -> tuple[Actor, Principal]:
    """An account as who acts, and as whose things they are."""
    found = desk.person(store, login)
    return Actor(found.id, found.name), found


def queued(store: Store) -> list[tuple[str, str]]:
    """Sender and first recipient of each mail that waits."""
    with store.read(SITE) as tx:
        return [(one.sender, one.recipients[0].address) for one in administration.every(tx)]


def message(method: str, *lines: str, part: str = "VEVENT") -> bytes:
    """A message about the meeting, as it is posted to an outbox (RFC 5546 §3.2)."""
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//tests//EN", f"METHOD:{method}", f"BEGIN:{part}", "UID:m1"]
    return "\r\n".join([*head, "DTSTAMP:20250102T000000Z", *lines, f"END:{part}", "END:VCALENDAR", ""]).encode()


def post(client: Client, body: bytes, whose: str = "") -> Answer:
    """POST to one's own outbox, or to somebody else's."""
    path = f"/dav/{whose or client.login}/private/outbox/"
    return client.request("POST", path, body, content_type="text/calendar")


def statuses(answer: Answer) -> list[tuple[str, str]]:
    """Recipient and the beginning of the status of each row that an outbox answers."""
    assert answer.status == 200, answer.text
    rows = answer.xml.findall(f"{CALDAV}response")
    return [
        ("".join(row.find(f"{CALDAV}recipient").itertext()), row.findtext(f"{CALDAV}request-status", "")[:3])  # type: ignore[union-attr]
        for row in rows
    ]
