"""CalDAV-Timezones: answers with or without the definitions of time zones that everybody knows (RFC 7809 §3.1.3).

Without the field an object is given as it was stored, to the octet. `F` leaves out the VTIMEZONE of every zone of the
IANA database; `T` adds those that the client who stored the object left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from servers.http.request import Request
from storage.formats import contentline, timezones

FIELD: Final = "CalDAV-Timezones"
MOST_ZONES: Final = 100
"""Definitions added to one object; each look-up of an unknown name costs some files."""
_ZONE: Final = re.compile(rb"^BEGIN:VTIMEZONE\r\n.*?^END:VTIMEZONE\r\n", re.IGNORECASE | re.MULTILINE | re.DOTALL)
_TZID: Final = re.compile(rb"^TZID(?:;[^:\r\n]*)?:([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_USED: Final = re.compile(rb';TZID=(?:"([^"\r\n]*)"|([^":;,\r\n]*))', re.IGNORECASE)
_FIRST: Final = re.compile(rb"^BEGIN:(?!VCALENDAR\r)", re.IGNORECASE | re.MULTILINE)
_FOLD: Final = re.compile(rb"\r\n[ \t]")


def form(request: Request | None) -> Callable[[bytes], bytes] | None:
    """What is to be done to bodies for this request's CalDAV-Timezones field (§7.1); None = nothing."""
    value = (request.header(FIELD) or "").upper() if request is not None else ""
    return {"T": completed, "F": bare}.get(value)


def bare(body: bytes) -> bytes:
    """The object without the VTIMEZONEs whose identifier is a standard one."""
    if b"VTIMEZONE" not in body.upper():
        return body
    return _ZONE.sub(lambda found: b"" if _standard(_name(found[0])) else found[0], body)


def completed(body: bytes) -> bytes:
    """The object with a VTIMEZONE for every standard identifier that it refers to."""
    flat = _FOLD.sub(b"", body)
    used = {(quoted or plain).decode("utf-8", "replace").strip() for quoted, plain in _USED.findall(flat)}
    missing = sorted(used - {_name(zone) for zone in _ZONE.findall(body)})[:MOST_ZONES]
    definitions = [zone for name in missing if (zone := timezones.by_reference(name)) is not None]
    place = _FIRST.search(body)
    if not definitions or place is None:
        return body
    added = b"".join(map(contentline.render, definitions))
    return body[: place.start()] + added + body[place.start() :]


def _name(zone: bytes) -> str:
    found = _TZID.search(_FOLD.sub(b"", zone))
    return found[1].decode("utf-8", "replace").strip() if found else ""


def _standard(name: str) -> bool:
    """Whether the IANA database has it; a Windows name is none that a client can look up."""
    zone = timezones.loads(name)
    return zone is not None and (timezones.dumps(zone) == name or name in ("Etc/UTC", "GMT", "Etc/GMT"))
