"""The mails of a throw-away desk: a thread, an attachment, a newsletter, a draft; some read, some flagged."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from storage.mail import appending, mailboxes
from storage.store import Store
from storage.types import Actor

_DOMAIN: Final = "localhost"


def furnish(store: Store, actors: dict[str, Actor], now: datetime) -> None:
    """Put the mails into the mailboxes; the newest is a minute old."""
    for login, mailbox, flags, hours, message in _mails():
        moment = now - timedelta(hours=hours, minutes=1)
        message["Date"] = format_datetime(moment)
        prepared = appending.prepare(store, message.as_bytes(policy=SMTP))
        with store.write(actors[login]) as tx:
            known = {box.name for box in mailboxes.every(tx)}
            box = mailboxes.find(tx, mailbox) if mailbox in known else mailboxes.create(tx, mailbox)
            if mailbox not in known:
                mailboxes.subscribe(tx, mailbox, True)
            appending.append(tx, box, prepared, flags=flags, internal=moment.astimezone(UTC).timestamp())


def _mails() -> Iterator[tuple[str, str, str, float, EmailMessage]]:
    """Whose, which mailbox, flags, how many hours old, what."""
    alice, bob = f"Alice Aumont <alice@{_DOMAIN}>", f"Bob Berger <bob@{_DOMAIN}>"
    question = _mail("picnic", bob, alice, "The picnic of the IAB", "Shall we have it at the lake?\n\nBob\n")
    yield "alice", "INBOX", "\\Answered \\Seen", 50, question
    answer = _mail("lake", alice, bob, "Re: The picnic of the IAB", "At the lake, yes. I bring the cups.\n", "picnic")
    yield "alice", "Sent Items", "\\Seen", 48, answer
    yield (
        "bob",
        "INBOX",
        "",
        48,
        _mail("lake", alice, bob, "Re: The picnic of the IAB", "At the lake, yes. I bring the cups.\n", "picnic"),
    )
    thanks = _mail("cups", bob, alice, "Re: The picnic of the IAB", "> I bring the cups.\n\nGlasses, please.\n", "lake")
    yield "alice", "INBOX", "", 3, thanks
    report = _mail(
        "report", "Dora Dumont <dora@example.org>", alice, "Grüße und der Bericht", "The report is attached.\n"
    )
    report.add_attachment(
        b"Quarter;Sum\r\n1;100\r\n2;120\r\n", maintype="text", subtype="csv", filename="Bericht März.csv"
    )
    yield "alice", "INBOX", "\\Flagged", 26, report
    letter = _mail(
        "news", "The Gazette <news@gazette.example>", alice, "This week in bookkeeping", "Double entry, twice.\n"
    )
    letter.add_alternative("<h1>This week</h1><p>Double entry, <b>twice</b>.</p>", subtype="html")
    letter["List-Id"] = "The Gazette <news.gazette.example>"
    yield "alice", "Newsletters", "\\Seen", 90, letter
    yield "alice", "Drafts", "\\Draft \\Seen", 1, _mail("draft", alice, "", "To the ministry", "Dear Sir or Madam,\n\n")


def _mail(name: str, sender: str, to: str, subject: str, text: str, answers: str = "") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["Subject"] = sender, subject
    if to:
        message["To"] = to
    message["Message-ID"] = f"<{name}@demo.{_DOMAIN}>"
    if answers:
        message["In-Reply-To"] = message["References"] = f"<{answers}@demo.{_DOMAIN}>"
    message.set_content(text)
    return message
