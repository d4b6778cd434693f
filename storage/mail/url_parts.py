"""The octets that a URL of a message leads to, for whoever submits a mail made of them (RFC 4467, RFC 4468)."""

from __future__ import annotations

import re
from typing import Final

from storage.errors import NotFound
from storage.formats.imap_url import MessageUrl
from storage.formats.message_parts import Part
from storage.mail import flagging, mailboxes, reading, url_keys
from storage.store import Transaction

_SECTION: Final = re.compile(
    rb"(?P<part>[1-9]\d{0,8}(?:\.[1-9]\d{0,8})*)?(?:(?(part)\.|)(?P<what>HEADER|TEXT|MIME))?", re.IGNORECASE
)


def submitted(tx: Transaction, url: MessageUrl) -> bytes:
    """What the actor may submit by a URL that was signed for him; nothing is decoded, nothing becomes \\Seen.

    Raises:
        NotFound: it is not for him, or it leads nowhere.
    """
    owned = url_keys.opened(tx, url, submitting=True)
    box = mailboxes.find(owned, url.mailbox)
    states = flagging.states_in(owned, box, [(url.uid, url.uid)])
    if url.uid_validity not in (0, box.uid_validity) or not states:
        raise NotFound("url")
    content = states[0].content
    parts = {part.section: part for part in reading.parts(owned, content)}
    first, last = _span(parts, url.section)
    if url.partial is not None:
        begin, count = url.partial
        first = min(first + begin, last)
        last = last if count is None else min(first + count, last)
    return reading.body_range(owned, content, first, last - first)


def _span(parts: dict[str, Part], section: bytes) -> tuple[int, int]:
    """Where a section begins and ends (RFC 9051 §6.4.5.1).

    Raises:
        NotFound: there is no such part, or it would be chosen fields, of which no mail is made.
    """
    found = _SECTION.fullmatch(section)
    part = None if found is None else parts.get((found["part"] or b"").decode())
    if found is None or part is None:
        raise NotFound("url")
    what = (found["what"] or b"").upper()
    whole = not part.section
    if what == b"":
        return (part.header if whole else part.body), part.end
    if what == b"MIME" and not whole:
        return part.header, part.body
    if what == b"MIME" or not (whole or part.inner):
        raise NotFound("url")
    if whole:
        return (part.header, part.body) if what == b"HEADER" else (part.body, part.end)
    return (part.body, part.inner) if what == b"HEADER" else (part.inner, part.end)
