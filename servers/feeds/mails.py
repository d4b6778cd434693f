"""A feed for each mailbox: the newest mails, as text alone (MSG-48, MSG-68)."""

from __future__ import annotations

from urllib.parse import quote

from servers.feeds.feed import Entry, Feed
from servers.feeds.visit import Visit
from servers.http.response import Response
from storage.errors import NotFound
from storage.formats import message_parts, message_text, mime_words
from storage.formats.message_parts import Part
from storage.mail import flags, mailboxes, reading
from storage.mail.types import Mailbox, State
from storage.store import Transaction

NEWEST = 30
_OCTETS = 256 * 1024
_CHARACTERS = 20_000


def mailbox(visit: Visit, login: str, path: str, form: str) -> Response:
    """The reader's own mails: they are always personal (MSG-67). Those flagged as deleted are not offered (IMAP-03)."""
    if login != visit.actor.login:
        raise NotFound(login)
    with visit.store.read(visit.actor) as tx:
        box = mailboxes.find(tx, path.strip("/"))
        states = [one for one in reading.snapshot(tx, box.id).states if not flags.has(one.flags, flags.DELETED)]
        newest = sorted(states, key=lambda one: (-one.internal, -one.uid))[:NEWEST]

        def build() -> Feed:
            return Feed(
                id=visit.identity("mailbox", box.id),
                title=f"{login}: {box.name}",
                subtitle=visit.say("{} unread of {}", box.unseen, box.exists),
                url=visit.url,
                home=visit.url,
                author=login,
                updated=float(max((one.internal for one in newest), default=0)),
                entries=tuple(_entry(tx, visit, box, one) for one in newest),
                minutes=10,
            )

        # A mailbox that was made anew under an old name has other mails under the same numbers.
        seen = (box.id, box.name, box.exists, box.unseen, [(one.uid, one.flags) for one in newest])
        return visit.feed(form, seen, build)


def _entry(tx: Transaction, visit: Visit, box: Mailbox, state: State) -> Entry:
    header = reading.header_of(tx, state.content)
    unread = "" if flags.has(state.flags, flags.SEEN) else "● "
    return Entry(
        id=visit.identity("mail", box.id, state.uid),
        title=unread + (header.subject or visit.say("(no subject)")),
        updated=float(state.internal),
        published=float(state.internal),
        text=_text(tx, state),
        link=f"mid:{quote(header.message_id)}" if header.message_id else "",
        author=header.sender,
    )


def _text(tx: Transaction, state: State) -> str:
    """The mail's own words: the plain part, else the HTML one without its tags, scripts and pictures."""
    parts = [one for one in reading.parts(tx, state.content) if one.section and one.kind.startswith("text/")]
    chosen: Part | None = next((one for one in parts if one.kind == "text/plain"), parts[0] if parts else None)
    if chosen is None:
        return ""
    octets = reading.body_range(tx, state.content, chosen.body, min(chosen.end - chosen.body, _OCTETS))
    alone = chosen._replace(body=0, end=len(octets))
    text = message_parts.text(octets, alone)
    if chosen.kind == "text/html":
        text = message_text.plain(text)
    return mime_words.printable(text)[:_CHARACTERS].strip()
