"""kill -9 amid Syncs, on both engines: phones and desk agree in the end, nothing doubled or lost (EAS-04, SYS-06)."""

from __future__ import annotations

import random
import threading
from collections import Counter
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import Final

import pytest
import sqlalchemy as sa

from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, ComposeMail, Contacts, Email
from storage import collections as tree
from storage import items
from storage.outbound import tables as outbound
from storage.store import Store
from storage.types import SITE, SpaceKind
from tests.activesync.wired_phone import GONE, WiredPhone
from tests.interop.desk import PASSWORDS, Desk

KILLS: Final = 6
SYNCS: Final = 40
"""Of all phones together, between two kills."""

pytestmark = pytest.mark.slow


@dataclass
class Owner:
    """Somebody with a phone: what he did to his contacts, and what the phone has not got rid of yet."""

    phone: WiredPhone
    name: str
    chance: random.Random
    book: str = ""
    sent_items: str = ""
    contacts: dict[str, str] = field(default_factory=dict)
    """First name and title of those of his making that are to be there in the end."""
    pending: list[Element] = field(default_factory=list)
    unsent: list[str] = field(default_factory=list)
    mails: int = 0
    numbers: int = 0
    syncs: int = 0
    wrong: str = ""

    def run(self, stop: threading.Event) -> None:
        """Use the phone until the line breaks."""
        try:
            while not stop.is_set():
                self.act()
                self.exchange()
                if self.chance.random() < 0.3:
                    self.send()
        except GONE:
            return
        except AssertionError as error:
            self.wrong = repr(error)
            raise

    def act(self) -> None:
        """Add, change or remove some contacts; the phone tells of it later."""
        for _ in range(self.chance.randint(0, 3)):
            held = {one.text_of(Contacts.FirstName) or "": key for key, one in self.items.items()}
            mine = [name for name in self.contacts if name in held and name not in self.spoken()]
            choice = self.chance.random()
            if choice < 0.5 or not mine:
                self.numbers += 1
                first, title = f"{self.name}{self.numbers}", str(self.chance.random())
                self.contacts[first] = title
                self.pending.append(AirSync.Add(AirSync.ClientId(first), card(first, title)))
            elif choice < 0.8:
                first = self.chance.choice(mine)
                self.contacts[first] = title = str(self.chance.random())
                changed = card(first, title)
                self.items[held[first]] = changed
                self.pending.append(AirSync.Change(AirSync.ServerId(held[first]), changed))
            else:
                first = self.chance.choice(mine)
                del self.contacts[first], self.items[held[first]]
                self.pending.append(AirSync.Delete(AirSync.ServerId(held[first])))

    @property
    def items(self) -> dict[str, Element]:
        return self.phone.items.setdefault(self.book, {})

    def spoken(self) -> set[str]:
        """Who is in a command that has not been answered: to these nothing more happens for now."""
        told = [one.find(AirSync.ApplicationData) for one in self.pending]
        return {one.text_of(Contacts.FirstName) or "" for one in told if one is not None}

    def exchange(self) -> bool:
        """One Sync; whether there was anything to say. Where no answer comes, all stays as it was."""
        commands = list(self.pending)
        document = AirSync.Sync(AirSync.Collections(self.phone.collection(self.book, *commands)))
        answer = self.phone.post("Sync", document)
        assert answer.status == 200, answer.status
        found = self.phone.take(answer, {one.text_of(AirSync.ClientId) or "": one for one in commands})
        assert found is None or found.text_of(AirSync.Status) == "1", found.text_of(AirSync.Status)
        responses = None if found is None else found.find(AirSync.Responses)
        for one in [] if responses is None else responses.known:
            assert one.text_of(AirSync.Status) == "1", one.text_of(AirSync.Status)
        self.pending = self.pending[len(commands) :]
        self.syncs += 1
        return found is not None

    def send(self) -> None:
        """Send a mail; one of which the phone does not know whether it was sent is sent again."""
        if not self.unsent:
            self.mails += 1
            self.unsent.append(f"{self.name}-mail-{self.mails}")
        subject = self.unsent[0]
        mime = f"From: alice@example.test\r\nTo: eve@far.test\r\nSubject: {subject}\r\n\r\nx\r\n".encode()
        document = ComposeMail.SendMail(
            ComposeMail.ClientId(subject), ComposeMail.SaveInSentItems(), ComposeMail.Mime(mime)
        )
        answer = self.phone.post("SendMail", document)
        assert (answer.status, answer.body) == (200, b"")
        self.unsent.pop(0)

    def settle(self) -> None:
        """Say and hear what there is."""
        while self.unsent:
            self.send()
        for _ in range(200):
            if not self.exchange() and not self.pending:
                return
        raise AssertionError("it never ends")


def card(first: str, title: str) -> Element:
    return AirSync.ApplicationData(Contacts.FirstName(first), Contacts.JobTitle(title))


def there(desk: Desk) -> tuple[Counter[tuple[str, str]], Counter[str]]:
    """The contacts of alice (first name and title), and the subjects of the mails in the queue."""
    store = Store.open(desk.database_url or f"sqlite:///{desk.data}/desk.sqlite3", desk.data / "blobs")
    contacts: Counter[tuple[str, str]] = Counter()
    with store.read(SITE) as tx:
        book = tree.find(tx, SpaceKind.PRIVATE, "alice", "contacts")
        names = [row.name for row in items.rows(tx, book)]
        for item in items.many(tx, book, names).values():
            lines = dict(line.split(":", 1) for line in (item.body or b"").decode().split("\r\n") if ":" in line)
            contacts[lines["N"].split(";")[1], lines.get("TITLE", "")] += 1
        bodies = tx.db.execute(sa.select(outbound.messages.c.body)).scalars().all()
    store.close()
    return contacts, Counter(str(message_from_bytes(body)["subject"]) for body in bodies)


def shown(owner: Owner) -> Counter[tuple[str, str]]:
    return Counter(
        (one.text_of(Contacts.FirstName) or "", one.text_of(Contacts.JobTitle) or "") for one in owner.items.values()
    )


def start(desk: Desk, owners: list[Owner]) -> None:
    desk.start("activesync")
    for owner in owners:
        owner.phone.root = str(desk.endpoints["activesync"]["url"]).rstrip("/")


def test_kill_amid_syncs(own_desk: Desk) -> None:
    owners = [
        Owner(WiredPhone(None, "alice", PASSWORDS["alice"], f"KILL{name}", window=7), name, random.Random(name))  # type: ignore[arg-type]
        for name in ("a", "b", "c")
    ]
    start(own_desk, owners)
    for owner in owners:
        owner.phone.folder_sync()
        owner.book = next(number for number, (_, kind) in owner.phone.folders.items() if kind == 9)
        owner.sent_items = next(number for number, (_, kind) in owner.phone.folders.items() if kind == 5)
        owner.exchange()
    for _ in range(KILLS):
        stop, goal = threading.Event(), sum(owner.syncs for owner in owners) + SYNCS
        threads = [threading.Thread(target=owner.run, args=(stop,)) for owner in owners]
        for thread in threads:
            thread.start()
        while sum(owner.syncs for owner in owners) < goal and any(thread.is_alive() for thread in threads):
            threads[0].join(0.002)
        own_desk.kill()
        stop.set()
        for thread in threads:
            thread.join()
        assert [owner.wrong for owner in owners] == [""] * len(owners), own_desk.log()
        start(own_desk, owners)
    for owner in [*owners, *owners]:  # what the last one says, the first one has to hear of
        owner.settle()
    wanted = Counter((first, title) for owner in owners for first, title in owner.contacts.items())
    contacts, mails = there(own_desk)
    assert contacts == wanted
    for owner in owners:
        assert shown(owner) == wanted
    sent = {f"{owner.name}-mail-{number + 1}" for owner in owners for number in range(owner.mails)}
    assert mails == Counter(dict.fromkeys(sent, 1))
    reader = owners[0].phone
    reader.sync(owners[0].sent_items)
    kept = Counter(one.text_of(Email.Subject) for one in reader.items[owners[0].sent_items].values())
    assert kept == mails
    assert sum(mails.values()) > 0
    own_desk.stop()
    own_desk.cli("check")
