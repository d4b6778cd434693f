"""Calendar objects and cards in the shapes that viewers tell apart, and short ways to store real ones."""

from __future__ import annotations

from storage import collections, items, kinds
from storage.store import Transaction
from storage.types import UNCONDITIONAL, Collection, Precondition, SpaceKind, Written

ALARM = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:{}\r\nTRIGGER:-PT{}M\r\nEND:VALARM\r\n"


def thing(
    component: str,
    uid: str,
    *,
    summary: str = "Tea",
    klass: str = "",
    status: str = "",
    alarm: int = 0,
    color: str = "",
    stamp: str = "20250101T000000Z",
    start: str = "DTSTART:20250601T100000Z",
    end: str = "",
    more: str = "",
    overrides: str = "",
) -> bytes:
    """A calendar object; `alarm` is in minutes before, 0 for none; `more` and `overrides` are whole lines."""
    lines = [f"UID:{uid}", f"DTSTAMP:{stamp}", start, f"SUMMARY:{summary}"]
    lines += [end] if end else []
    lines += [f"CLASS:{klass}"] if klass else []
    lines += [f"STATUS:{status}"] if status else []
    lines += [f"COLOR:{color}"] if color else []
    own = "\r\n".join(lines) + "\r\n" + more
    alarms = ALARM.format(summary, alarm) if alarm else ""
    return (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//tests//EN\r\n"
        f"BEGIN:{component}\r\n{own}{alarms}END:{component}\r\n{overrides}END:VCALENDAR\r\n"
    ).encode()


def event(uid: str, **parts: object) -> bytes:
    return thing("VEVENT", uid, **parts)  # type: ignore[arg-type]


def card(uid: str, name: str = "Ada", categories: str = "") -> bytes:
    """A vCard 3.0; `categories` as its line spells them."""
    line = f"CATEGORIES:{categories}\r\n" if categories else ""
    return (f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{name}\r\nN:{name};;;;\r\n{line}END:VCARD\r\n").encode()


def put(
    tx: Transaction, collection: Collection, name: str, body: bytes, precondition: Precondition = UNCONDITIONAL
) -> Written:
    """Store a body as a server does: parsed for what it is."""
    media_type = "text/vcard" if body.startswith(b"BEGIN:VCARD") else "text/calendar"
    prepared = kinds.of(collection.tool).prepare(body, media_type)
    return items.put(tx, collection, name, prepared, precondition)


def find(tx: Transaction, space: str, name: str) -> Collection:
    """A collection of a user, or of a group in capitals."""
    return collections.find(tx, SpaceKind.GROUP if space.isupper() else SpaceKind.PRIVATE, space, name)


def uid_of(body: bytes) -> str:
    return body.split(b"\nUID:")[1].split(b"\r\n")[0].decode()
