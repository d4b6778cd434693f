"""A phone that moves mails into `Spam?` and out of it teaches the filter as any program does (MSG-47, SYS-01)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from servers.activesync.wbxml.pages import Move
from storage.mail import learning
from storage.mail.learning import Lesson, Outcome
from storage.store import Limits, Store
from storage.types import Actor
from tests.activesync.phone import Phone
from tests.storage import desk


@pytest.fixture
def store(store: Store, tmp_path: Path) -> Iterator[Store]:
    """The desk, with a filter that learns."""
    url = store.engines.url.render_as_string(hide_password=False)
    opened = Store.open(url, tmp_path / "blobs", limits=Limits(spam_learning=True))
    yield opened
    opened.close()


@pytest.fixture
def alice(store: Store) -> Actor:
    return desk.actor(store, "alice")


def test_moved_by_a_phone(store: Store, phone: Phone, deliver: Callable[..., int]) -> None:
    deliver("buy now")
    deliver("a friend", "Spam?")
    phone.folder_sync()
    inbox, spam, trash = phone.folder("INBOX"), phone.folder("Spam?"), phone.folder("Trash")
    for one in (inbox, spam, trash):
        phone.sync(one)
    there = Move.Move(Move.SrcMsgId(phone.number(inbox, "buy now")), Move.SrcFldId(inbox), Move.DstFldId(spam))
    back = Move.Move(Move.SrcMsgId(phone.number(spam, "a friend")), Move.SrcFldId(spam), Move.DstFldId(inbox))
    phone.post("MoveItems", Move.MoveItems(there, back))
    phone.post("MoveItems", Move.MoveItems(there, back))  # said again after a lost answer
    heard: dict[bytes, bool] = {}

    def learns(lesson: Lesson) -> Outcome:
        subject = lesson.data.split(b"Subject: ")[1].split(b"\r\n")[0]
        assert subject not in heard
        heard[subject] = lesson.spam
        return Outcome.TAUGHT

    learning.run(store, learns)
    assert heard == {b"buy now": True, b"a friend": False}
