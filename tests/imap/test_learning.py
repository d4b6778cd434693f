"""Mails that a program moves into `Spam?` and out of it are noted for the filter (MSG-47)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from storage.mail.tables import contents, lessons
from storage.store import Limits, Store
from storage.types import SITE
from tests.imap.client import Client


@pytest.fixture
def learning(store: Store) -> Iterator[Client]:
    """A program of alice's on a desk with a filter that learns; three mails are in her INBOX, which is selected."""
    limits = Limits(spam_learning=True)
    opened = Store.open(str(store.engines.url), store.blobs.root, limits=limits)
    client = Client(opened)
    for number in (1, 2, 3):
        message = f"Subject: nr {number}\r\n\r\ntext {number}\r\n"
        client.lines(f"APPEND INBOX {{{len(message)}+}}\r\n{message}")
    client.lines("SELECT INBOX")
    yield client
    opened.close()


def noted(client: Client) -> dict[str, bool]:
    """What the filter will be taught, by the first line of the mails."""
    query = sa.select(contents.c.base_subject, lessons.c.spam).join(contents, contents.c.id == lessons.c.content_id)
    with client.session.store.read(SITE) as tx:
        return {subject.lower(): bool(spam) for subject, spam in tx.db.execute(query)}


@pytest.mark.parametrize("command", ["MOVE", "UID MOVE", "COPY", "UID COPY"])
def test_into_spam_and_out_of_it(learning: Client, command: str) -> None:
    uids = [line.split("UID ")[1].rstrip(")") for line in learning.lines("FETCH 1:2 UID")]
    chosen = ",".join(uids) if command.startswith("UID") else "1:2"
    learning.lines(f'{command} {chosen} "Spam?"')
    assert noted(learning) == {"nr 1": True, "nr 2": True}
    learning.lines('SELECT "Spam?"')
    learning.lines("MOVE 1 INBOX")
    learning.lines("MOVE 1 Trash")
    assert noted(learning) == {"nr 1": False, "nr 2": True}


def test_what_is_put_there_is_no_lesson(learning: Client) -> None:
    message = "Subject: nr 4\r\n\r\n"
    learning.lines(f'APPEND "Spam?" {{{len(message)}+}}\r\n{message}')
    assert noted(learning) == {}
