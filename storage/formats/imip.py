"""Meetings in mails: the `text/calendar` part of a message, and who sent it (RFC 6047)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from storage.errors import StorageError
from storage.formats import contentline, icalendar, itip, message_parts, mime_charsets, mime_fields, mime_words
from storage.formats.addresses import parse_addresses
from storage.formats.contentline import Component

_MOST_OCTETS: Final = 1024 * 1024
METHODS: Final = frozenset({"REQUEST", "REPLY", "CANCEL", "ADD", "COUNTER", "DECLINECOUNTER", "REFRESH"})
_SPARSE: Final = frozenset({"REPLY", "REFRESH", "DECLINECOUNTER"})
"""What names a meeting and need not describe it: no DTSTART, for instance (RFC 5546 §3.2.3, §3.2.6, §3.2.8)."""
_MARKS: Final = (b"text/calendar", b"application/ics")
_PIECE_OCTETS: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Meeting:
    """A message about one meeting."""

    method: str
    sender: str
    """The From address, lower case (RFC 6047 §3: it must be the person that the message speaks for)."""
    calendar: Component
    """Without METHOD."""

    @property
    def uid(self) -> str:
        return itip.parts(self.calendar)[0].value("UID").strip()


def find(data: bytes) -> Meeting | None:
    """The meeting in a mail; None if there is none, or none that can be understood or belongs to one person."""
    if not _is_marked(data):
        return None
    root = message_parts.read(data)
    sender = _sender(data[root.header : root.body])
    for part in message_parts.sections(root):
        if part.kind in ("text/calendar", "application/ics") and part.end - part.body <= 2 * _MOST_OCTETS:
            found = _read(_in_utf8(message_parts.decode(data, part), part.charset), sender) if sender else None
            if found is not None and _labelled(data[part.header : part.body]) in ("", found.method):
                return found
    return None


def _in_utf8(octets: bytes, charset: str) -> bytes:
    """The text of a part in another character set, which Content-Type says (RFC 6047 §2.4); UTF-8 is seen as such."""
    if mime_charsets.codec(charset) in (None, "utf-8", "ascii"):
        return octets
    if not {0x00, 0x1B} & {*octets}:  # of UTF-16 and ISO 2022, which else look like ASCII
        try:
            octets.decode("utf-8")
        except UnicodeDecodeError:
            pass
        else:
            return octets
    return mime_charsets.decode(octets, charset).encode("utf-8", "replace")


def _is_marked(data: bytes) -> bool:
    """Whether a part may be a calendar: every mail is asked that, so no pattern runs over it."""
    overlap = max(map(len, _MARKS))
    for at in range(0, len(data), _PIECE_OCTETS):
        piece = data[at : at + _PIECE_OCTETS + overlap].lower()
        if any(mark in piece for mark in _MARKS):
            return True
    return False


def _read(octets: bytes, sender: str) -> Meeting | None:
    if len(octets) > _MOST_OCTETS:
        return None
    try:
        calendar = icalendar.one_calendar(contentline.parse(octets))
        method = calendar.value("METHOD").strip().upper()
        calendar.properties = [prop for prop in calendar.properties if prop.name != "METHOD"]
        if method in _SPARSE:
            uids = {each.value("UID").strip() for each in itip.parts(calendar)}
            one = len(uids) == 1 and "" not in uids
            return Meeting(method, sender, calendar) if one else None
        if method not in METHODS:
            return None
        icalendar.understand(calendar)
    except StorageError:  # the mail itself is delivered: its reader sees what it says
        return None
    organizers = {itip.address(each.value("ORGANIZER")) for each in itip.parts(calendar)}
    return Meeting(method, sender, calendar) if len(organizers) == 1 and "" not in organizers else None


def _labelled(header: bytes) -> str:
    """The `method` of a part's Content-Type: it is METHOD's, where there is one (RFC 6047 §2.4)."""
    for _, name, value in mime_fields.fields(header):
        if name.lower() == b"content-type":
            _, params = mime_fields.parameters(mime_words.unfold(value))
            return (
                next((said for key, said in params if key.lower() == b"method"), b"").decode("latin-1").strip().upper()
            )
    return ""


def _sender(header: bytes) -> str:
    for _, name, value in mime_fields.fields(header):
        if name.lower() == b"from":
            found = parse_addresses(mime_words.unfold(value))
            return found[0].address.lower() if len(found) == 1 and found[0].host else ""
    return ""
