"""A message, read once when it comes: all that clients ask for, finished, and the text that is searched.

Nothing here fails, whatever the octets, and time and memory are bounded: what is too deep, too long or too
many is passed over.
"""

from __future__ import annotations

import re
from calendar import timegm
from email.utils import mktime_tz, parsedate_tz
from functools import lru_cache
from typing import Final, NamedTuple

from storage.formats import (
    addresses,
    header_text,
    listed_fields,
    message_parts,
    message_structure,
    message_text,
    mime_words,
)
from storage.formats.base_subject import base_subject
from storage.formats.header_text import FIELD_OCTETS

_ID: Final = re.compile(rb"<([^<>\s\x00]{1,998})>")
_QUOTED_ID: Final = re.compile(r'"((?:[^"\\]|\\.)*)"(@.*)')
_BARE_ID: Final = re.compile(rb"[^<>\s\x00]{1,998}")
_ENVELOPE_DATE: Final = re.compile(rb'\("((?:[^"\\]|\\.)*)"')
_DATE: Final = re.compile(
    rb"[ \t]*[A-Z][a-z]{2}, (\d\d?) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) ([12]\d{3}) "
    rb"(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)\s*\Z"
)
"""As nearly all write it (RFC 5322 §3.3)."""
_MONTHS: Final = {
    name: number for number, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)
}
_REFERENCES: Final = 200
_JOINED: Final = frozenset({b"to", b"cc", b"bcc"})
"""More than one is forbidden, and occurs."""


class Scanned(NamedTuple):
    """What one pass over a message gave; the forms are those of RFC 9051 §7.5.2."""

    octets: int
    header_octets: int
    """Its header, the blank line included; all of it where there is no blank line."""
    envelope: bytes
    body: bytes
    bodystructure: bytes
    parts: bytes
    """`message_parts.dump` of its parts."""
    listed: bytes
    """The fields that clients list, as `listed_fields` keeps them."""
    listed_names: str
    sent: float | None
    """The Date field, seconds since the epoch."""
    subject: str
    """Decoded, as are the addresses."""
    from_: str
    to: str
    cc: str
    bcc: str
    base_subject: str
    is_reply: bool
    from_key: str
    """Local part of the first address (RFC 5256 §3)."""
    to_key: str
    cc_key: str
    display_from: str
    """Name of the first address, else the address (RFC 5957)."""
    display_to: str
    message_id: str
    """Without brackets, as are all such; "" if there is none."""
    in_reply_to: str
    references: tuple[str, ...]
    text: str
    """Of all text parts, tags of HTML gone."""
    header_text: str
    """One decoded field in each line; those of parts and enclosed messages begin with a blank."""
    preview: str
    attachments: int


def scan(data: bytes) -> Scanned:
    """Read a message."""
    root = message_parts.read(data)
    fields: dict[bytes, bytes] = {}
    listed: list[tuple[bytes, bytes]] = []
    for whole, name, value in root.fields:
        lower = name.lower()
        if lower not in fields:
            fields[lower] = value
        elif lower in _JOINED:
            fields[lower] += b"," + value
        if lower in listed_fields.LISTED:
            listed.append((lower, whole if whole.endswith(b"\n") else whole + b"\r\n"))
    body, structure = message_structure.structures(data, root)
    sections = message_parts.sections(root)
    texts = message_text.of(data, root)
    subject = header_text.decoded(fields.get(b"subject", b""))
    base, reply = base_subject(subject)
    listed_names, listed_octets = listed_fields.pack(listed)
    first_from, first_to, first_cc = (_first(fields.get(name)) for name in (b"from", b"to", b"cc"))
    return Scanned(
        octets=len(data),
        header_octets=root.body,
        envelope=message_structure.envelope(fields),
        body=body,
        bodystructure=structure,
        parts=message_parts.dump(sections),
        listed=listed_octets,
        listed_names=listed_names,
        sent=_sent(fields.get(b"date")),
        subject=subject,
        from_=_addresses(fields.get(b"from")),
        to=_addresses(fields.get(b"to")),
        cc=_addresses(fields.get(b"cc")),
        bcc=_addresses(fields.get(b"bcc")),
        base_subject=base,
        is_reply=reply,
        from_key=first_from[0],
        to_key=first_to[0],
        cc_key=first_cc[0],
        display_from=first_from[1],
        display_to=first_to[1],
        message_id=_one_id(fields.get(b"message-id")),
        in_reply_to=_parent(fields.get(b"in-reply-to")),
        references=_ids(fields.get(b"references")),
        text=texts.text,
        header_text=header_text.of(data[: min(root.body, message_parts.HEADER_OCTETS)], root.fields)
        + (header_text.of_parts(root) if root.children else ""),
        preview=texts.preview,
        attachments=texts.attachments,
    )


def _addresses(value: bytes | None) -> str:
    """Names, addresses and names of groups as they are searched: the decoded text, or what was taken apart."""
    if value is None:
        return ""
    return _remembered_addresses(value) if len(value) <= addresses.CACHED_OCTETS else _read_addresses(value)


def _read_addresses(value: bytes) -> str:
    decoded = header_text.decoded(value)
    if b"=?" in value or b'"' in value or b"(" in value:
        found = addresses.parse_addresses(value[:FIELD_OCTETS])
        groups = dict.fromkeys(one.group for one in found if one.group)
        decoded = ", ".join((*groups, *map(str, found))) or decoded
    return decoded.replace("\0", "")


def _first(value: bytes | None) -> tuple[str, str]:
    """Local part, and name or address, of the first address; a group counts by its name (RFC 5957 §3)."""
    if value is None:
        return "", ""
    return _remembered_first(value) if len(value) <= addresses.CACHED_OCTETS else _read_first(value)


def _read_first(value: bytes) -> tuple[str, str]:
    for raw in addresses.raw_addresses(value[:FIELD_OCTETS]):
        mailbox = mime_words.decode_words(raw.mailbox or b"").replace("\0", "")
        if raw.host is None:
            return mailbox, mailbox
        name = mime_words.decode_words(raw.name) if raw.name else ""
        return mailbox, (name or f"{mailbox}@{mime_words.decode_words(raw.host)}").replace("\0", "")
    return "", ""


_remembered_addresses = lru_cache(maxsize=1024)(_read_addresses)
_remembered_first = lru_cache(maxsize=1024)(_read_first)
"""The same people write and are written to (storage/formats/addresses.py)."""


def _sent(value: bytes | None) -> float | None:
    if value is None:
        return None
    match = _DATE.match(value[:200])
    if match is not None:
        day, month, year, hour, minute, second, sign, hours, minutes = match.groups()
        zone = 3600 * int(hours) + 60 * int(minutes)
        if zone or sign == b"+":  # -0000 says that nobody knows the zone
            moment = timegm((int(year), _MONTHS[month], int(day), int(hour), int(minute), int(second)))
            return float(moment - zone if sign == b"+" else moment + zone)
    try:
        parsed = parsedate_tz(mime_words.unfold(value[:200]).decode("ascii", "replace"))
        return None if parsed is None or not 1 <= parsed[0] <= 9999 else float(mktime_tz(parsed))
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def sent_day(envelope: bytes) -> int | None:
    """The day in the Date field of an ENVELOPE, as it stands there, in seconds at its midnight in UTC; None: none."""
    found = _ENVELOPE_DATE.match(envelope)
    parsed = None if found is None else parsedate_tz(found[1].decode("ascii", "replace"))
    try:
        return None if parsed is None else timegm((*parsed[:3], 0, 0, 0))
    except (ValueError, OverflowError):
        return None


def _one_id(value: bytes | None) -> str:
    if value is None:
        return ""
    match = _ID.search(value[:FIELD_OCTETS])
    if match:
        return plain_id(match[1])
    bare = _BARE_ID.search(value[:FIELD_OCTETS])
    return bare[0].decode("utf-8", "replace") if bare else ""


def plain_id(octets: bytes) -> str:
    """What stands between the angles, without quotes: with and without them it MUST be the same (RFC 5256 §3)."""
    text = octets.decode("utf-8", "replace")
    quoted = _QUOTED_ID.fullmatch(text) if text.startswith('"') else None
    return text if quoted is None else re.sub(r"\\(.)", r"\1", quoted[1]) + quoted[2]


def _parent(value: bytes | None) -> str:
    """The first valid Message-ID of In-Reply-To (RFC 5256 §3): old programs write there from whom, and of when it was.

    One without a host counts where nothing else stands there.
    """
    if value is None:
        return ""
    found = _ID.findall(value[:FIELD_OCTETS])
    valid = [one for one in found if b"@" in one]
    if not valid and value.strip() == b"".join(b"<%b>" % one for one in found):
        valid = found
    return plain_id(valid[0]) if valid else ""


def _ids(value: bytes | None) -> tuple[str, ...]:
    if value is None:
        return ()
    found = [plain_id(one) for one in _ID.findall(value[: 4 * FIELD_OCTETS])]
    # The first names the thread, the last ones the parents.
    return tuple(found if len(found) <= _REFERENCES else [found[0], *found[1 - _REFERENCES :]])
