"""BURL: a part of a submitted mail is fetched from a mailbox of the desk (RFC 4468)."""

from __future__ import annotations

from typing import NamedTuple

from servers.smtp.replies import Refusal
from storage.errors import NotFound
from storage.formats import imap_url
from storage.mail import url_parts
from storage.store import Store
from storage.types import Actor


class Burl(NamedTuple):
    """One command."""

    url: bytes
    last: bool
    """The mail ends with it."""


def read(argument: str) -> Burl:
    """`url [LAST]` (RFC 4468 §3.1).

    Raises:
        Refusal: something else stands there.
    """
    words = argument.split(" ")
    if not words[0].isascii() or "" in words or [word.upper() for word in words[1:]] not in ([], ["LAST"]):
        raise Refusal(501, "5.5.4", "BURL url [LAST]")
    if not words[0].lower().startswith("imap://"):
        raise Refusal(504, "5.5.4", "the URL of a message begins with imap://")
    return Burl(words[0].encode(), len(words) > 1)


def fetch(store: Store, actor: Actor, url: bytes) -> bytes:
    """The octets behind a URL with `;URLAUTH=submit+`, which its owner signed for the one who submits.

    Raises:
        Refusal: it leads nowhere, or is not for him (RFC 4468 §3.4).
    """
    parsed = imap_url.parse(url)
    if parsed is None or parsed.authority is None or not parsed.authority.token:
        raise Refusal(554, "5.6.6", "that is no signed URL of a message")
    if parsed.authority.kind != "submit":
        raise Refusal(554, "5.7.14", "the URL is not made for submission: urlauth=submit+you")
    try:
        with store.read(actor) as tx:
            return url_parts.submitted(tx, parsed)
    except NotFound:
        raise Refusal(554, "5.6.6", "the URL leads to nothing that you may submit") from None
