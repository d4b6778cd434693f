"""URLs of a message or a part of it, as CATENATE takes them: without a server (RFC 4469 §3, RFC 5092 §11)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes

from servers.imap import fetch_items
from servers.imap.errors import Bad
from servers.imap.fetch_items import Item
from servers.imap.reader import Reader
from storage.mail.types import MESSAGE_OCTETS

_URL: Final = re.compile(
    rb"(?:/(?P<mailbox>[^;]+?)(?:;UIDVALIDITY=(?P<validity>[1-9]\d{0,9}))?/)?"
    rb";UID=(?P<uid>[1-9]\d{0,9})"
    rb"(?:/;SECTION=(?P<section>[^;\r\n]+?))?"
    rb"(?:/;PARTIAL=(?P<first>\d{1,10})(?:\.(?P<count>[1-9]\d{0,9}))?)?",
    re.IGNORECASE,
)


class MessageUrl(NamedTuple):
    """What a URL points to."""

    mailbox: str
    """Decoded; "" is the selected one, relative to which the URL is."""
    uid_validity: int
    """0 where the URL does not say it."""
    uid: int
    item: Item
    """BODY[…] with its part of octets."""


def parse(url: bytes) -> MessageUrl | None:
    """None: it is no URL of a message on this server in this session."""
    found = _URL.fullmatch(url)
    if found is None:
        return None
    first, count = found["first"], found["count"]
    partial = b"" if first is None else b"<%b.%b>" % (first, count or b"%d" % MESSAGE_OCTETS)
    reader = Reader(b"BODY.PEEK[%b]%b" % (unquote_to_bytes(found["section"] or b""), partial))
    try:
        items = fetch_items.read(reader)
        reader.end()
        mailbox = unquote_to_bytes(found["mailbox"] or b"").decode()
    except (Bad, UnicodeDecodeError):
        return None
    return MessageUrl(mailbox, int(found["validity"] or 0), int(found["uid"]), items[0]) if len(items) == 1 else None
