"""A phone that does anything, on a network that loses answers: in the end both sides agree (EAS-04, EAS-06, EAS-09).

What the phone shows is what is in the store, nothing doubled, nothing lost: contacts changed on both sides, mails that
come, are read, moved and removed, answers that never arrive, requests sent twice, servers started anew.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from auth import authenticate, passwords
from servers.activesync import application
from servers.activesync.call import EasSettings
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, Contacts, Email, Tasks
from storage import accounts, items, kinds
from storage import collections as tree
from storage.mail import appending, flagging, follow_ups, mailboxes, moving
from storage.mail.flags import SEEN
from storage.mail.follow_ups import FollowUp
from storage.mail.routing import Site
from storage.store import Store
from storage.types import SITE, Actor, SpaceKind
from tests.activesync.phone import Phone

WORDS = st.sampled_from(["", "one", "two", "three"])
FLAGS = st.tuples(
    st.sampled_from(["add", "remove"]), st.sampled_from([SEEN, "\\Flagged", "Red", "Project_X", "\\Flagged Red"])
)
DUE = Tasks.DueDate("2026-03-07T01:00:00.000Z")
DONE = (Email.CompleteTime("2026-03-05T10:00:00.000Z"), Tasks.DateCompleted("2026-03-05T10:00:00.000Z"))
KIND = Email.FlagType("Flag for follow up")
SAID = st.sampled_from(
    [
        Email.Read(1), Email.Read(0), Email.Flag(), Email.Flag(Email.Status(2), KIND),
        Email.Flag(Email.Status(2), KIND, DUE), Email.Flag(Email.Status(1), KIND, *DONE),
        Email.Categories(), Email.Categories(Email.Category("Project X")),
        Email.Categories(Email.Category("Project X"), Email.Category("Red")),
    ]
)  # fmt: skip
LOST = st.sampled_from([False, False, True])


class Machine(RuleBasedStateMachine):
    """One account, one phone."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.store = Store.open(f"sqlite:///{self.folder.name}/desk.sqlite3", Path(self.folder.name) / "blobs")
        self.store.migrate()
        with self.store.write(SITE) as tx:
            who = accounts.create(tx, "alice", passwords.make_hash("alice-secret"), email="alice@example.test")
        self.alice = Actor(who.id, "alice")
        self.phone = Phone(self.app(), window=3)
        self.phone.folder_sync()
        self.book = next(number for number, (_, kind) in self.phone.folders.items() if kind == 9)
        self.inbox = self.phone.folder("INBOX")
        self.pending: dict[str, list[Element]] = {self.book: [], self.inbox: []}
        self.numbers = 0
        for folder in (self.book, self.inbox):
            self.phone.items[folder] = {}
        self.agreed = True

    def app(self) -> Any:
        def verify(store: Store, login: str, password: str, address: str) -> Actor:
            return authenticate.verify(store, login, password, address=address, protocol="activesync")

        return application.make(self.store, EasSettings(site=Site("d.test", ("example.test",), {})), verify)

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()

    def fresh(self) -> str:
        self.numbers += 1
        self.agreed = False
        return f"n{self.numbers}"

    # --- what happens on the desk

    @rule(title=WORDS)
    def the_desk_adds_a_contact(self, title: str) -> None:
        self.put(f"{self.fresh()}.vcf", title)

    @rule(data=st.data(), title=WORDS)
    def the_desk_changes_a_contact(self, data: st.DataObject, title: str) -> None:
        names = self.names()
        if names:
            self.put(names[data.draw(st.integers(0, len(names) - 1))], title)

    @rule(data=st.data())
    def the_desk_removes_a_contact(self, data: st.DataObject) -> None:
        names = self.names()
        if names:
            self.agreed = False
            name = names[data.draw(st.integers(0, len(names) - 1))]
            with self.store.write(self.alice) as tx:
                items.delete(tx, self.collection(tx), name)

    @rule()
    def a_mail_comes(self) -> None:
        prepared = appending.prepare(self.store, f"Subject: {self.fresh()}\r\n\r\nx\r\n".encode())
        with self.store.write(self.alice) as tx:
            appending.append(tx, mailboxes.find(tx, "INBOX"), prepared)

    @rule(data=st.data(), gone=st.booleans())
    def a_mail_is_read_or_removed_elsewhere(self, data: st.DataObject, gone: bool) -> None:
        with self.store.write(self.alice) as tx:
            box = mailboxes.find(tx, "INBOX")
            uids = [one.uid for one in flagging.states_in(tx, box, [(1, 10**9)])]
            if not uids:
                return
            self.agreed = False
            uid = data.draw(st.sampled_from(uids))
            if gone:
                moving.remove(tx, box, [uid])
            else:
                way, flags = data.draw(FLAGS)
                flagging.set_flags(tx, box, [uid], way, flags)

    @rule()
    def the_server_starts_anew(self) -> None:
        self.phone.app = self.app()

    # --- what happens on the phone

    @rule(title=WORDS)
    def the_phone_adds_a_contact(self, title: str) -> None:
        client = self.fresh()
        data = AirSync.ApplicationData(Contacts.FirstName(client), Contacts.JobTitle.given(title))
        self.pending[self.book].append(AirSync.Add(AirSync.ClientId(client), data))

    @rule(data=st.data(), title=WORDS)
    def the_phone_changes_a_contact(self, data: st.DataObject, title: str) -> None:
        number = self.some(self.book, data)
        if number is not None:
            kept = [one for one in self.phone.items[self.book][number].children if one.tag is not Contacts.JobTitle]
            changed = AirSync.ApplicationData(*kept, Contacts.JobTitle.given(title))
            self.phone.items[self.book][number] = changed
            self.pending[self.book].append(AirSync.Change(AirSync.ServerId(number), changed))

    @rule(data=st.data(), mail=st.booleans())
    def the_phone_removes_something(self, data: st.DataObject, mail: bool) -> None:
        folder = self.inbox if mail else self.book
        number = self.some(folder, data)
        if number is not None:
            del self.phone.items[folder][number]
            self.pending[folder].append(AirSync.Delete(AirSync.ServerId(number)))

    @rule(data=st.data(), said=SAID)
    def the_phone_reads_flags_or_sorts_a_mail(self, data: st.DataObject, said: Element) -> None:
        number = self.some(self.inbox, data)
        if number is not None:
            kept = [one for one in self.phone.items[self.inbox][number].children if one.tag is not said.tag]
            self.phone.items[self.inbox][number] = AirSync.ApplicationData(*kept, said)
            self.pending[self.inbox].append(AirSync.Change(AirSync.ServerId(number), AirSync.ApplicationData(said)))

    @rule(mail=st.booleans(), lost=LOST, twice=LOST)
    def the_phone_synchronises(self, mail: bool, lost: bool, twice: bool) -> None:
        self.exchange(self.inbox if mail else self.book, lost=lost, twice=twice)

    @precondition(lambda self: not any(self.pending.values()))
    @rule(mail=st.booleans())
    def the_phone_forgets_where_it_was(self, mail: bool) -> None:
        folder = self.inbox if mail else self.book
        self.phone.keys[folder] = "0"
        self.agreed = False

    @rule()
    def all_is_brought_up_to_date(self) -> None:
        for folder in (self.book, self.inbox):
            for _ in range(200):
                if not self.exchange(folder, lost=False, twice=False):
                    break
            else:
                raise AssertionError("it never ends")
        self.agreed = True

    @invariant()
    def both_sides_agree(self) -> None:
        if not getattr(self, "agreed", False):
            return
        shown = sorted(
            (one.text_of(Contacts.FirstName) or "", one.text_of(Contacts.JobTitle) or "")
            for one in self.phone.items[self.book].values()
        )
        assert shown == sorted(self.cards().values())
        with self.store.read(self.alice) as tx:
            box = mailboxes.find(tx, "INBOX")
            states = flagging.states_in(tx, box, [(1, 10**9)])
            details = follow_ups.of(tx, box.id, [one.uid for one in states])
        there = {f"{box.id}:{one.uid}": self.meant(one.flags, details.get(one.uid)) for one in states}
        assert {number: self.seen(one) for number, one in self.phone.items[self.inbox].items()} == there

    def meant(self, flags: str, details: FollowUp | None) -> tuple[object, ...]:
        """What the phone is to show of a mail: read, status and due date of the flag, categories."""
        status = "1" if details and details.complete else "2" if "\\Flagged" in flags else None
        categories = {word.replace("_", " ") for word in flags.split() if not word.startswith("\\")}
        return SEEN in flags, status, (details.due or None) if details else None, categories

    def seen(self, mail: Element) -> tuple[object, ...]:
        categories = mail.find(Email.Categories)
        return (
            mail.text_of(Email.Read) == "1",
            mail.text_of(Email.Flag, Email.Status),
            mail.text_of(Email.Flag, Tasks.DueDate),
            set() if categories is None else {one.text for one in categories.children},
        )

    # --- the rest

    def exchange(self, folder: str, *, lost: bool, twice: bool) -> bool:
        """One Sync with what the phone has to say; whether there is more to be said."""
        key = self.phone.keys.get(folder, "0")
        commands = self.pending[folder] if key != "0" else []
        request = AirSync.Sync(AirSync.Collections(self.phone.collection(folder, *commands)))
        answer = self.phone.post("Sync", request)
        if twice:
            again = self.phone.post("Sync", request)
            if answer.body:
                answer = again
        if lost:
            return True
        sent = {one.text_of(AirSync.ClientId) or "": one for one in commands}
        found = self.phone.take(answer, sent)
        if found is not None and found.text_of(AirSync.Status) == "3":
            self.phone.keys[folder] = "0"
            return True
        if key != "0":
            self.pending[folder] = []
        else:
            self.pending[folder] = [one for one in self.pending[folder] if one.tag is AirSync.Add]
        return found is not None

    def some(self, folder: str, data: st.DataObject) -> str | None:
        spoken = {one.text_of(AirSync.ServerId) for one in self.pending[folder] if one.tag is AirSync.Delete}
        there = self.phone.items[folder]
        numbers = sorted(there.keys() - spoken, key=lambda number: self.called(there[number]))
        if not numbers:
            return None
        self.agreed = False
        return numbers[data.draw(st.integers(0, len(numbers) - 1))]

    def called(self, data: Element) -> str:
        """The name of a contact, the subject of a mail: unlike ids the same in every run, so that one can be repeated."""
        return data.text_of(Contacts.FirstName) or data.text_of(Email.Subject) or ""

    def names(self) -> list[str]:
        """The items of the address book, in the order of what they are called."""
        cards = self.cards()
        return sorted(cards, key=lambda name: cards[name])

    def collection(self, tx: Any) -> Any:
        return tree.find(tx, SpaceKind.PRIVATE, "alice", "contacts")

    def cards(self) -> dict[str, tuple[str, str]]:
        """Of each contact in the store first name and title."""
        with self.store.read(self.alice) as tx:
            names = [row.name for row in items.rows(tx, self.collection(tx))]
            found = {}
            for name, item in items.many(tx, self.collection(tx), names).items():
                lines = dict(line.split(":", 1) for line in (item.body or b"").decode().split("\r\n") if ":" in line)
                found[name] = (lines["N"].split(";")[1], lines.get("TITLE", ""))
            return found

    def put(self, name: str, title: str) -> None:
        self.agreed = False
        first = name.removesuffix(".vcf")
        known = self.cards().get(name)
        first = known[0] if known is not None else first
        with self.store.write(self.alice) as tx:
            uid = items.get(tx, self.collection(tx), name).body if known is not None else None
            said = (
                first
                if uid is None
                else next(line[4:] for line in uid.decode().split("\r\n") if line.startswith("UID:"))
            )
            text = f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{said}\r\nFN:{first}\r\nN:;{first};;;\r\n"
            text += f"TITLE:{title}\r\n" if title else ""
            items.put(tx, self.collection(tx), name, kinds.CARDS.prepare(f"{text}END:VCARD\r\n".encode(), "text/vcard"))


@pytest.mark.slow
@pytest.mark.laws
def test_both_sides_agree_whatever_happens() -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=40,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
