"""A meeting between two desks with a Postfix between them: invited, accepted, proposed, moved, called off (MTG-05…13)."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.interop.desk import Desk, calendar
from tests.interop.postfix import Postfix
from tests.interop.wire import Wire
from tests.servers.running import free_port_base

ALICE, DORA = "mailto:alice@example.test", "mailto:dora@second.test"
PATH = calendar("alice") + "board.ics"
INVITATION = f"""BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//tests//EN
BEGIN:VEVENT
UID:board-1
DTSTAMP:20260101T000000Z
DTSTART:20270301T100000Z
DTEND:20270301T110000Z
SUMMARY:Größe & Ziel
ORGANIZER;CN=Alice:{ALICE}
ATTENDEE;PARTSTAT=ACCEPTED:{ALICE}
ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:{DORA}
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n")
COUNTER = f"""BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//tests//EN
METHOD:COUNTER
BEGIN:VEVENT
UID:board-1
DTSTAMP:20260102T000000Z
DTSTART:20270301T140000Z
DTEND:20270301T150000Z
SUMMARY:Größe & Ziel
COMMENT:later\\, please
ORGANIZER;CN=Alice:{ALICE}
ATTENDEE;PARTSTAT=TENTATIVE:{DORA}
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n")
WAIT_S = 90


@pytest.fixture
def desks(tmp_path: Path) -> Iterator[tuple[Wire, Wire]]:
    """Alice at example.test and dora at second.test; all mail between them goes through the Postfix."""
    port = free_port_base()
    found: list[Desk] = []
    for login, domain in (("alice", "example.test"), ("dora", "second.test")):
        desk = Desk(tmp_path / domain)
        desk.make()
        settings = desk.data / "escritoire.toml"
        text = settings.read_text().replace("example.test", domain)
        settings.write_text(
            f'{text}\n[outbound]\nsmarthost = "127.0.0.1"\nsmarthost_port = {port}\nsmarthost_tls = "none"\n'
            "first_retry_s = 10\n"
        )
        desk.add_user(login)
        desk.start("caldav", "smtp", "outbound", "jobs")
        found.append(desk)
    routes = {desk.data.name: int(desk.endpoints["mx"]["port"]) for desk in found}
    postfix = Postfix(port, routes)
    postfix.start()
    with Wire(found[0].caldav, "alice") as alice, Wire(found[1].caldav, "dora") as dora:
        yield alice, dora
    postfix.remove()
    for desk in found:
        desk.stop()


def members(wire: Wire, path: str) -> list[str]:
    return [one for one in wire.propfind(path, "<D:getetag/>", "1").responses() if one != path]


def text(wire: Wire, path: str) -> str:
    return re.sub(r"\r\n[ \t]", "", wire("GET", path).text)


def until(look: Callable[[], object]) -> object:
    """Wait until something is there."""
    end = time.monotonic() + WAIT_S
    while not (found := look()):
        assert time.monotonic() < end
        time.sleep(0.1)
    return found


def test_a_meeting_across_two_domains(desks: tuple[Wire, Wire]) -> None:
    """RFC 6047 both ways: every step of one side reaches the other one's calendar."""
    alice, dora = desks
    assert alice("PUT", PATH, INVITATION).status == 201
    (copy,) = until(lambda: members(dora, calendar("dora")))  # type: ignore[misc]
    assert "SUMMARY:Größe & Ziel" in text(dora, copy)

    accepted = text(dora, copy).replace("PARTSTAT=NEEDS-ACTION", "PARTSTAT=ACCEPTED")
    assert dora("PUT", copy, accepted).status in (200, 204)
    until(lambda: re.search(f"ATTENDEE[^\r]*PARTSTAT=ACCEPTED[^\r]*{DORA}", text(alice, PATH)))

    posted = dora("POST", "/dav/dora/private/outbox/", COUNTER, {"Content-Type": "text/calendar; charset=utf-8"})
    assert posted.status == 200, posted.text
    proposals = until(
        lambda: [one for one in members(alice, "/dav/alice/private/inbox/") if "COUNTER" in text(alice, one)]
    )
    assert "COMMENT:later\\, please" in text(alice, proposals[0])  # type: ignore[index]
    assert "T100000Z" in text(alice, PATH)  # nothing moves before its organizer says so

    moved = text(alice, PATH).replace("T100000Z", "T140000Z").replace("T110000Z", "T150000Z")
    assert alice("PUT", PATH, moved).status in (200, 204)
    until(lambda: "DTSTART:20270301T140000Z" in text(dora, copy))
    assert re.search(f"ATTENDEE[^\r]*PARTSTAT=NEEDS-ACTION[^\r]*{DORA}", text(dora, copy))  # asked anew (MTG-13)

    assert alice("DELETE", PATH).status == 204
    until(lambda: "STATUS:CANCELLED" in text(dora, copy) or not members(dora, calendar("dora")))
    assert len(members(dora, calendar("dora"))) <= 1  # none came twice
