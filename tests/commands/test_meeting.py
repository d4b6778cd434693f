"""Meetings at the command line: tracking, answers from elsewhere, invitations sent again (MTG-05, 06, 10, 11)."""

from __future__ import annotations

from storage import calendar, collections, items
from storage.store import Store
from storage.types import SITE, Actor, SpaceKind
from tests.commands.conftest import Line

EVENT = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//tests//EN\r\nBEGIN:VEVENT\r\nUID:m\r\nDTSTAMP:20250101T000000Z\r\n"
    "DTSTART:20990301T100000Z\r\nDTEND:20990301T110000Z\r\nSUMMARY:Plan\r\nORGANIZER:mailto:{alice}\r\n"
    "ATTENDEE:mailto:{bob}\r\nATTENDEE:mailto:eve@else.test\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def invite(line: Line) -> str:
    """Alice invites bob, who has an account, and eve, who has none; gives bob's address."""
    people = {one["login"]: one for one in line.json("user", "list")}
    mails = {login: row.get("email") or row["address"] for login, row in people.items()}
    store = Store.open(f"sqlite:///{line.data}/desk.sqlite3", line.data / "blobs")
    prepared = calendar.prepare(EVENT.format(**mails).encode())
    with store.read(SITE) as tx:
        found = collections.find(tx, SpaceKind.PRIVATE, "alice", "events")
    with store.write(Actor(found.space.id, "alice")) as tx:
        items.put(tx, collections.find(tx, SpaceKind.PRIVATE, "alice", "events"), "m.ics", prepared)
    store.close()
    return str(mails["bob"])


def test_tracking_answering_and_resending(line: Line) -> None:
    assert "no meetings" in line("meeting", "list", "alice")
    bob = invite(line)
    (one,) = line.json("meeting", "list", "alice")
    assert (one["uid"], one["summary"], one["mark"]) == ("m", "Plan", "open")
    assert [(who["address"], who["state"]) for who in one["participants"]] == [
        (bob, "invited"),
        ("eve@else.test", "invited"),
    ]
    assert "sent to 2" in line("meeting", "resend", "alice", "m")
    line("meeting", "answer", "alice", "m", "Eve@else.test", "declined")
    (one,) = line.json("meeting", "list", "alice")
    assert one["mark"] == "declined"
    assert "sent to 1" in line("meeting", "resend", "alice", "m")
    assert "declined             eve@else.test" in line("meeting", "list", "alice")
    assert line.json("meeting", "list", "bob") == []
    line("meeting", "answer", "alice", "m", bob, "accepted", status=1)
    line("meeting", "answer", "alice", "m", "nobody@else.test", "accepted", status=1)
    line("meeting", "answer", "alice", "unknown", "eve@else.test", "accepted", status=1)
    line("meeting", "resend", "bob", "m", status=1)


def test_proposing_accepting_and_declining(line: Line) -> None:
    """RFC 5546 §3.2.6…3.2.8 at the command line."""
    bob = invite(line)
    assert "no proposals" in line("meeting", "proposals", "alice")
    when = ("2099-03-02 10:00", "2099-03-02 11:00")
    assert "delivered" in line("meeting", "propose", "bob", "m", *when, "--comment", "a day later")
    (one,) = line.json("meeting", "proposals", "alice")
    assert (one["sender"], one["summary"], one["comment"]) == (bob, "Plan", "a day later")
    assert one["name"] in line("meeting", "proposals", "alice")
    line("meeting", "accept", "alice", one["name"])
    line("meeting", "accept", "alice", one["name"], status=1)
    assert "2099-03-02 10:00" in line("meeting", "list", "alice")
    assert "delivered" in line("meeting", "propose", "bob", "m", *when)
    (one,) = line.json("meeting", "proposals", "alice")
    assert "delivered" in line("meeting", "decline", "alice", one["name"], "--comment", "no")
    assert line.json("meeting", "proposals", "alice") == []
    assert "delivered" in line("meeting", "refresh", "bob", "m")
    line("meeting", "propose", "bob", "m", *reversed(when), status=1)
    line("meeting", "propose", "carol", "m", *when, status=1)
    line("meeting", "propose", "bob", "m", *when, "--instance", "20990301T100000Z", status=1)
    line("meeting", "decline", "alice", "unknown", status=1)


def test_responding(line: Line) -> None:
    """MTG-07…09."""
    invite(line)
    assert "accepted" in line("meeting", "respond", "bob", "m", "accepted")
    (one,) = line.json("meeting", "list", "alice")
    assert one["participants"][0]["state"] == "accepted"
    line("meeting", "respond", "bob", "m", "declined", "--reason", "away", "--keep")
    line("meeting", "respond", "bob", "m", "declined")
    (one,) = line.json("meeting", "list", "alice")
    assert one["mark"] == "declined"
    line("meeting", "respond", "bob", "m", "accepted", status=1)
    line("meeting", "respond", "alice", "m", "accepted", status=1)


def test_notifying_some_and_cancelling(line: Line) -> None:
    """MTG-06: participants of one's choice; MTG-15: with a mail to each, or without."""
    bob = invite(line)
    line("meeting", "respond", "bob", "m", "accepted")
    assert "sent to 1" in line("meeting", "resend", "alice", "m", "Eve@else.test")
    assert "sent to 2" in line("meeting", "resend", "alice", "m", bob, "eve@else.test")
    line("meeting", "resend", "alice", "m", "nobody@else.test", status=1)
    before = len(line.json("queue", "list"))
    line("meeting", "cancel", "bob", "m", status=1)
    assert "cancelled" in line("meeting", "cancel", "alice", "m", "--silent")
    assert len(line.json("queue", "list")) == before
    assert line.json("meeting", "list", "alice") == []
    line("meeting", "respond", "bob", "m", "declined", status=1)
    invite(line)
    before = len(line.json("queue", "list"))
    line("meeting", "cancel", "alice", "m")
    assert len(line.json("queue", "list")) == before + 2  # both inside and outside
    line("meeting", "cancel", "alice", "m", status=1)
