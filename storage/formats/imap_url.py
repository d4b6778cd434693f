"""URLs of messages and of their parts, with or without an authorisation (RFC 5092, RFC 4467 §9)."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes

OCTETS_MAX: Final = 4_000
_ACCESS: Final = rb"(?:(?P<kind>submit|user)\+(?P<bearer>[^;:@/+\s]+)|authuser|anonymous)"
_URL: Final = re.compile(
    rb"(?:imap://(?P<user>[^;:@/\s]+)(?:;AUTH=[^;:@/\s]+)?@[^;@/\s]+(?=/[^;]))?"
    rb"(?:/(?P<mailbox>[^;]+?)(?:;UIDVALIDITY=(?P<validity>[1-9]\d{0,9}))?/)?"
    rb";UID=(?P<uid>[1-9]\d{0,9})"
    rb"(?:/;SECTION=(?P<section>[^;\r\n]+?))?"
    rb"(?:/;PARTIAL=(?P<first>\d{1,10})(?:\.(?P<count>[1-9]\d{0,9}))?)?"
    rb"(?P<authority>(?:;EXPIRE=(?P<expire>[0-9TZ:.+-]{1,40}))?;URLAUTH=(?P<access>" + _ACCESS + rb"))?"
    rb"(?::(?P<mechanism>[A-Z0-9.-]{1,40}):(?P<token>[0-9A-F]{32,200}))?",
    re.IGNORECASE,
)


class Authority(NamedTuple):
    """Who may use a URL, and what proves that its owner wants so (RFC 4467 §3)."""

    kind: str
    """user, submit, authuser, anonymous."""
    bearer: str
    """Of user and submit: who."""
    expires: float | None
    """Seconds since the epoch."""
    rump: bytes
    """The URL as it was signed: nothing but the mechanism and the token is taken off (RFC 4467 §6)."""
    mechanism: str
    """In capitals; "" where the URL is not signed yet."""
    token: str


class MessageUrl(NamedTuple):
    """What a URL points to."""

    owner: str
    """Login or main address of whose mailbox it is; "" is the session's own."""
    mailbox: str
    """Decoded; "" is the selected one, relative to which the URL is."""
    uid_validity: int
    """0 where the URL does not say it."""
    uid: int
    section: bytes
    """Decoded, as it stands between the brackets of BODY[…]."""
    partial: tuple[int, int | None] | None
    """The first octet, and how many at most."""
    authority: Authority | None


def parse(url: bytes) -> MessageUrl | None:
    """None: it is no URL of a message or of a part of one.

    An owner comes with an authority only, and the other way round (RFC 4467 §9, authimapurl).
    """
    found = _URL.fullmatch(url) if len(url) <= OCTETS_MAX else None
    if found is None or bool(found["user"]) != bool(found["authority"]) or (found["token"] and not found["authority"]):
        return None
    try:
        owner, mailbox = (unquote_to_bytes(found[name] or b"").decode() for name in ("user", "mailbox"))
        authority = _authority(url, found) if found["authority"] else None
    except ValueError:
        return None
    first, count = found["first"], found["count"]
    partial = None if first is None else (int(first), None if count is None else int(count))
    section = unquote_to_bytes(found["section"] or b"")
    return MessageUrl(owner, mailbox, int(found["validity"] or 0), int(found["uid"]), section, partial, authority)


def _authority(url: bytes, found: re.Match[bytes]) -> Authority:
    """Raises: ValueError: a name is not UTF-8, or there is no such time."""
    expires = None
    if found["expire"]:
        moment = datetime.fromisoformat(found["expire"].decode().upper())  # RFC 3339
        if moment.tzinfo is None:
            raise ValueError("a time without a zone")
        expires = moment.timestamp()
    bearer = unquote_to_bytes(found["bearer"] or b"").decode()
    kind = (found["kind"] or found["access"]).decode().lower()
    mechanism, token = ((found[name] or b"").decode() for name in ("mechanism", "token"))
    return Authority(kind, bearer, expires, url[: found.end("access")], mechanism.upper(), token.lower())
