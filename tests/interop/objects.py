"""Small calendar objects and cards to send; every text is what a client would write."""

from __future__ import annotations


def calendar_object(*components: str) -> str:
    """Wrap components in a VCALENDAR with CRLF line ends."""
    inner = "".join(line + "\r\n" for c in components for line in c.strip().splitlines())
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Escritoire//interop//EN\r\n{inner}END:VCALENDAR\r\n"


def event(
    uid: str, summary: str = "Standup", start: str = "20260316T090000Z", end: str = "20260316T093000Z", *more: str
) -> str:
    """Give one VEVENT; `start` and `end` are UTC date-times or dates, `more` further lines."""
    kind = ";VALUE=DATE" if len(start) == 8 else ""
    lines = [
        "BEGIN:VEVENT",
        f"UID:{uid}",
        "DTSTAMP:20260101T000000Z",
        f"DTSTART{kind}:{start}",
        f"DTEND{kind}:{end}",
        f"SUMMARY:{summary}",
        *more,
        "END:VEVENT",
    ]
    return calendar_object("\n".join(lines))


def todo(uid: str, summary: str = "Buy paper", *more: str) -> str:
    """Give one VTODO."""
    lines = ["BEGIN:VTODO", f"UID:{uid}", "DTSTAMP:20260101T000000Z", f"SUMMARY:{summary}", *more, "END:VTODO"]
    return calendar_object("\n".join(lines))


def card(uid: str, name: str = "Ada Lovelace", *more: str) -> str:
    """Give one vCard 3.0."""
    first, _, last = name.partition(" ")
    lines = ["BEGIN:VCARD", "VERSION:3.0", f"UID:{uid}", f"FN:{name}", f"N:{last};{first};;;", *more, "END:VCARD"]
    return "".join(line + "\r\n" for line in lines)
