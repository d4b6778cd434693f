"""Two programs at one mail at the same moment: nothing is sent twice, and nothing breaks (EAS-13, SYS-17)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, AirSyncBase, Email, Email2, Move
from storage.mail import mailboxes, moving
from storage.store import Store
from storage.types import Actor
from tests.activesync.phone import Answer, Phone
from tests.activesync.test_sending import queued

pytestmark = pytest.mark.slow

Connect = Callable[..., Phone]
BODY = AirSyncBase.Body(AirSyncBase.Type(1), AirSyncBase.Data("x"))


@pytest.fixture
def phone(connect: Connect) -> Phone:
    found = connect(version="16.1")
    found.folder_sync()
    return found


@contextmanager
def vanishing(store: Store, actor: Actor, mailbox: str, uid: int, ask: Callable[[], Answer]) -> Iterator[list[Answer]]:
    """Remove a mail in a transaction that ends while `ask` is under way; its answer is there afterwards."""
    answers: list[Answer] = []
    asking = threading.Thread(target=lambda: answers.append(ask()))
    with store.write(actor) as tx:
        moving.remove(tx, mailboxes.find(tx, mailbox), [uid])
        asking.start()
        time.sleep(0.7)  # it comes to where it has to wait
    asking.join()
    yield answers


def number_of(server_id: str) -> int:
    return int(server_id.rpartition(":")[2])


def sync(phone: Phone, folder: str, *commands: Element) -> Callable[[], Answer]:
    return lambda: phone.post("Sync", AirSync.Sync(AirSync.Collections(phone.collection(folder, *commands))))


def test_a_draft_is_sent_once(phone: Phone, store: Store, alice: Actor) -> None:
    """Somebody else sent it, and it went from the drafts: this phone hears that it is gone, and sends nothing."""
    drafts = phone.folder("Drafts")
    phone.sync(drafts)
    data = AirSync.ApplicationData(Email.To("carol@far.test"), Email.Subject("once"), BODY)
    phone.sync_once(drafts, AirSync.Add(AirSync.ClientId("d1"), data))
    number = phone.number(drafts, "once")
    send = AirSync.Change(AirSync.ServerId(number), Email2.Send(), AirSync.ApplicationData(Email.Subject("once")))
    with vanishing(store, alice, "Drafts", number_of(number), sync(phone, drafts, send)) as answers:
        assert queued(store) == []
    found = answers[0].document.find(AirSync.Collections, AirSync.Collection, AirSync.Responses, AirSync.Change)
    assert found is not None
    assert found.text_of(AirSync.Status) == "8"


def test_a_mail_that_goes_while_it_is_flagged(
    phone: Phone, store: Store, alice: Actor, deliver: Callable[..., int]
) -> None:
    uid = deliver("hello")
    inbox = phone.folder("INBOX")
    phone.sync(inbox)
    number = phone.number(inbox, "hello")
    read = AirSync.Change(AirSync.ServerId(number), AirSync.ApplicationData(Email.Read(1)))
    with vanishing(store, alice, "INBOX", uid, sync(phone, inbox, read)) as answers:
        found = answers[0].document.find(AirSync.Collections, AirSync.Collection, AirSync.Responses, AirSync.Change)
        assert found is not None
        assert found.text_of(AirSync.Status) == "8"


def test_a_mail_that_goes_while_it_is_moved(
    phone: Phone, store: Store, alice: Actor, deliver: Callable[..., int]
) -> None:
    uid = deliver("hello")
    inbox, target = phone.folder("INBOX"), phone.folder("Trash")
    phone.sync(inbox)
    number = phone.number(inbox, "hello")
    one = Move.Move(Move.SrcMsgId(number), Move.SrcFldId(inbox), Move.DstFldId(target))
    move = Move.MoveItems(one)
    with vanishing(store, alice, "INBOX", uid, lambda: phone.post("MoveItems", move)) as answers:
        assert answers[0].document.text_of(Move.Response, Move.Status) == "1"
