"""Somebody with a phone of the tests', at his contacts while the line or the server fails (EAS-04)."""

from __future__ import annotations

import random
import threading
from collections import Counter
from dataclasses import dataclass, field

from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, ComposeMail, Contacts
from tests.activesync.phone import Phone
from tests.activesync.wired_phone import GONE


@dataclass
class Owner:
    """Somebody with a phone: what he did to his contacts, and what the phone has not got rid of yet."""

    phone: Phone
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
        except Exception as error:
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


def shown(owner: Owner) -> Counter[tuple[str, str]]:
    return Counter(
        (one.text_of(Contacts.FirstName) or "", one.text_of(Contacts.JobTitle) or "") for one in owner.items.values()
    )
