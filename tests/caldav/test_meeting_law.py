"""An organizer, two colleagues and somebody at another desk edit at random: when all mails came, all copies agree (MTG-05…13)."""

from __future__ import annotations

import atexit
import itertools
import re
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from storage import accounts
from storage.formats import itip
from storage.formats.contentline import Component, parse
from storage.mail.routing import Site
from storage.outbound import administration, queue, tables
from storage.store import Store
from storage.types import SITE
from tests.caldav import desk
from tests.caldav.meetings import members
from tests.dav.desk import Client, open_store
from tests.smtp.conftest import Client as Exchanger

ADDRESSES = {
    "alice": "alice@example.test",
    "bob": "bob@example.test",
    "carol": "carol@example.test",
    "dora": "dora@second.test",
}
OTHERS = ("bob", "carol", "dora")
ANSWERS = ("ACCEPTED", "DECLINED", "TENTATIVE")
DAYS = ("20260302", "20260309", "20260316", "20260323")
AT = st.integers(0, 2)
GUESTS = st.sets(st.sampled_from(OTHERS), min_size=1)


class Part(NamedTuple):
    """What all must agree on of one component; `states` are those of the people in it."""

    summary: str
    start: str
    end: str
    rule: str
    gone: frozenset[str]
    states: dict[str, str]


def parts(body: bytes) -> dict[str, Part]:
    """The components of a copy by instance, "" for the whole."""
    (found,) = parse(body)
    return {one.value("RECURRENCE-ID"): _part(one) for one in found.of("VEVENT")}


def _part(one: Component) -> Part:
    people = {prop.value.lower().removeprefix("mailto:"): prop for prop in one.all("ATTENDEE")}
    states = {
        login: people[address].param("PARTSTAT") or "NEEDS-ACTION"
        for login, address in ADDRESSES.items()
        if address in people
    }
    gone = frozenset(day for prop in one.all("EXDATE") for day in prop.value.split(","))
    return Part(one.value("SUMMARY"), one.value("DTSTART"), one.value("DTEND"), one.value("RRULE"), gone, states)


def _component(instance: str, summary: str, start: str, guests: set[str], *more: str) -> list[str]:
    day, _, hour = start.partition("T")
    recurrence = [f"RECURRENCE-ID:{instance}"] if instance else []
    return [
        "BEGIN:VEVENT", "UID:m1", "DTSTAMP:20260101T000000Z", *recurrence, f"SUMMARY:{summary}",
        f"DTSTART:{start}", f"DTEND:{day}T{int(hour[:2]) + 1:02}0000Z", "ORGANIZER:mailto:alice@example.test",
        "ATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.test",
        *(f"ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:{ADDRESSES[one]}" for one in sorted(guests)),
        *more, "END:VEVENT",
    ]  # fmt: skip


def _whole(*components: list[str]) -> bytes:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//tests//EN", *(line for one in components for line in one)]
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


class Meeting(RuleBasedStateMachine):
    """Alice's calendar program sends what it has with one change; so do the others with their own copies."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        shutil.copytree(_templates(), self.folder, dirs_exist_ok=True)
        self.stores = {domain: _open(self.folder / domain) for domain in ("example.test", "second.test")}
        clients = {domain: desk.app(store) for domain, store in self.stores.items()}
        self.people = {login: Client(clients[address.partition("@")[2]], login) for login, address in ADDRESSES.items()}
        self.tick = 0
        self.uid = ""
        seconds = itertools.count()
        stamps = (f"20260101T{one // 3600:02}{one // 60 % 60:02}{one % 60:02}Z" for one in seconds)
        self.clock = mock.patch.object(itip, "stamp", side_effect=stamps)
        self.clock.start()  # people do not do two things within a second; DTSTAMP tells them apart

    def teardown(self) -> None:
        try:
            self.agree()
        finally:
            self.clock.stop()
            for store in self.stores.values():
                store.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    # What is where

    def place(self, login: str) -> str:
        return f"/dav/{login}/private/events/"

    def path(self, login: str) -> str | None:
        found = members(self.people[login], self.place(login))
        assert len(found) <= 1, (login, found)
        return found[0] if found else None

    def body(self, login: str) -> str:
        path = self.path(login)
        assert path is not None
        return re.sub(r"\r\n[ \t]", "", self.people[login].request("GET", path).text)

    def invited(self) -> bool:
        return any(self.path(one) is not None for one in OTHERS)

    def organized(self) -> bool:
        return self.path("alice") is not None

    def put(self, login: str, body: str) -> None:
        path = self.path(login)
        assert path is not None
        answer = self.people[login].request("PUT", path, body, content_type="text/calendar")
        assert answer.status in (200, 201, 204), (login, answer.text, body)

    def components(self, login: str) -> list[str]:
        """The VEVENTs of a copy as texts."""
        return re.findall(r"BEGIN:VEVENT\r\n.*?END:VEVENT\r\n", self.body(login), re.DOTALL)

    # The organizer

    @initialize(guests=GUESTS, series=st.booleans())
    def begin(self, guests: set[str], series: bool) -> None:
        self.create(guests, series)

    @precondition(lambda self: not self.organized())
    @rule(guests=GUESTS, series=st.booleans(), again=st.booleans())
    def create(self, guests: set[str], series: bool, again: bool = False) -> None:
        """A new meeting, or the one that was called off again, as programs undo it: with the same UID."""
        rule_of = ["RRULE:FREQ=WEEKLY;COUNT=4"] if series else []
        body = _whole(_component("", "first", f"{DAYS[0]}T100000Z", guests, *rule_of))
        self.tick += 1
        self.uid = self.uid if again else f"m{self.tick}"
        body = body.replace(b"UID:m1", f"UID:{self.uid}".encode())
        answer = self.people["alice"].request("PUT", f"{self.place('alice')}m.ics", body, content_type="text/calendar")
        assert answer.status == 201, answer.text

    @precondition(lambda self: self.organized())
    @rule()
    def rename(self) -> None:
        self.tick += 1
        self.put("alice", re.sub(r"SUMMARY:.*?\r\n", f"SUMMARY:n{self.tick}\r\n", self.body("alice"), count=1))

    @precondition(lambda self: self.organized())
    @rule(hour=st.integers(8, 18))
    def move(self, hour: int) -> None:
        """The whole, whose instances keep their days: what is overridden stays."""
        first, *rest = self.components("alice")
        if rest or "EXDATE" in first:
            return
        moved = re.sub(r"(DTSTART:\d{8}T)\d\d", rf"\g<1>{hour:02}", first)
        moved = re.sub(r"(DTEND:\d{8}T)\d\d", rf"\g<1>{hour + 1:02}", moved)
        self.put("alice", self.body("alice").replace(first, moved))

    @precondition(lambda self: self.organized())
    @rule(guest=st.sampled_from(OTHERS))
    def add_or_drop(self, guest: str) -> None:
        body = self.body("alice")
        line = rf"ATTENDEE[^\r\n]*:mailto:{ADDRESSES[guest]}\r\n"
        if re.search(line, body):
            without = re.sub(line, "", body)
            if any(address in without for login, address in ADDRESSES.items() if login != "alice"):
                self.put("alice", without)
            return
        fresh = f"ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:{ADDRESSES[guest]}\r\n"
        self.put("alice", body.replace("END:VEVENT\r\n", fresh + "END:VEVENT\r\n"))

    @precondition(lambda self: self.organized())
    @rule(day=st.sampled_from(DAYS[1:]), hour=st.integers(8, 18), without=st.sampled_from(("", *OTHERS)))
    def override(self, day: str, hour: int, without: str) -> None:
        """One instance at another hour, with the people and answers of the whole, or without one of them."""
        first, *rest = self.components("alice")
        start = re.search(r"DTSTART:\d{8}(T\d{6}Z)", first)
        assert start is not None
        instance = day + start[1]
        if "RRULE" not in first or instance in first or any(f"RECURRENCE-ID:{instance}" in one for one in rest):
            return
        self.tick += 1
        made = re.sub(r"RRULE:.*?\r\n|EXDATE.*?\r\n", "", first)
        made = re.sub(r"SUMMARY:.*?\r\n", f"SUMMARY:o{self.tick}\r\n", made)
        made = re.sub(r"DTSTART:[^\r]*", f"DTSTART:{day}T{hour:02}0000Z", made)
        made = re.sub(r"DTEND:[^\r]*", f"DTEND:{day}T{hour + 1:02}0000Z", made)
        if without:
            made = re.sub(rf"ATTENDEE[^\r\n]*:mailto:{ADDRESSES[without]}\r\n", "", made)
        made = made.replace("UID:", f"RECURRENCE-ID:{instance}\r\nUID:", 1)
        self.put("alice", self.body("alice").replace("END:VCALENDAR", made + "END:VCALENDAR"))

    @precondition(lambda self: self.organized())
    @rule(day=st.sampled_from(DAYS[1:]))
    def exclude(self, day: str) -> None:
        """One instance is called off."""
        first, *rest = self.components("alice")
        start = re.search(r"DTSTART:\d{8}(T\d{6}Z)", first)
        assert start is not None
        instance = day + start[1]
        if "RRULE" not in first or f"EXDATE:{instance}" in first:
            return
        body = self.body("alice")
        for one in rest:
            if f"RECURRENCE-ID:{instance}" in one:
                body = body.replace(one, "")
        self.put("alice", body.replace("RRULE:", f"EXDATE:{instance}\r\nRRULE:", 1))

    @precondition(lambda self: self.organized())
    @rule()
    def call_off(self) -> None:
        path = self.path("alice")
        assert path is not None
        assert self.people["alice"].request("DELETE", path).status == 204

    # The others

    def someone(self, at: int) -> str:
        """One of those who have a copy."""
        present = [one for one in OTHERS if self.path(one) is not None]
        return present[at % len(present)]

    @precondition(lambda self: self.invited())
    @rule(at=AT, how=st.sampled_from(ANSWERS))
    def answer(self, at: int, how: str) -> None:
        who = self.someone(at)
        line = rf"ATTENDEE[^\r\n]*:mailto:{ADDRESSES[who]}"
        self.put(who, re.sub(line, f"ATTENDEE;PARTSTAT={how}:mailto:{ADDRESSES[who]}", self.body(who)))

    @precondition(lambda self: self.invited())
    @rule(at=AT, how=st.sampled_from(ANSWERS), number=st.integers(0, 3))
    def answer_one(self, at: int, how: str, number: int) -> None:
        """An instance that has a component of its own."""
        who = self.someone(at)
        overridden = [one for one in self.components(who) if "RECURRENCE-ID" in one]
        if not overridden:
            return
        one = overridden[number % len(overridden)]
        line = rf"ATTENDEE[^\r\n]*:mailto:{ADDRESSES[who]}"
        changed = re.sub(line, f"ATTENDEE;PARTSTAT={how}:mailto:{ADDRESSES[who]}", one)
        self.put(who, self.body(who).replace(one, changed))

    @precondition(lambda self: self.invited())
    @rule(at=AT, day=st.sampled_from(DAYS[1:]))
    def skip_one(self, at: int, day: str) -> None:
        """An instance is thrown away, as calendar programs do it with EXDATE: that declines it (RFC 6638 §3.2.2.1)."""
        who = self.someone(at)
        first, *rest = self.components(who)
        start = re.search(r"DTSTART:\d{8}(T\d{6}Z)", first)
        assert start is not None
        instance = day + start[1]
        if "RRULE" not in first or instance in first:
            return
        body = self.body(who)
        for one in rest:
            if f"RECURRENCE-ID:{instance}" in one:
                body = body.replace(one, "")
        self.put(who, body.replace("RRULE:", f"EXDATE:{instance}\r\nRRULE:", 1))

    @precondition(lambda self: self.invited())
    @rule(at=AT)
    def delete(self, at: int) -> None:
        who = self.someone(at)
        if who == "dora":  # a change that crosses her refusal invites her again
            self.post(False, False)
        path = self.path(who)
        if path is not None:
            assert self.people[who].request("DELETE", path).status == 204
        if who == "dora":
            self.post(False, False)

    # The post

    @rule(backwards=st.booleans(), twice=st.booleans())
    def post(self, backwards: bool, twice: bool) -> None:
        """Each mail that waits comes to the other desk: in another order, or twice, as mail does."""
        mails = [(domain, mail) for domain, store in self.stores.items() for mail in _taken(store)]
        for domain, (sender, recipient, data) in reversed(mails) if backwards else mails:
            there = recipient.partition("@")[2]
            if there == domain:
                continue  # what people of the desk are told for reading
            site = Site(f"mx.{there}", (there,), {})
            for _ in range(1 + twice):
                said = Exchanger(self.stores[there], site=site).hello().mail(sender, recipient, data=data)
                assert said.startswith("250"), said

    def agree(self) -> None:
        """After quiet: each has what alice has, with the same answers."""
        for _ in range(10):
            self.post(False, False)
        alice = parts(self.body("alice").encode()) if self.organized() else {}
        for who in OTHERS:
            mine = self.path(who)
            invited = {at: one for at, one in alice.items() if who in one.states}
            if mine is None:
                # Whoever threw his copy away has declined all of it.
                assert all(one.states[who] == "DECLINED" for one in invited.values()), (who, alice)
                continue
            found = parts(self.body(who).encode())
            if not invited:
                assert "STATUS:CANCELLED" in self.body(who), (who, found)
                continue
            assert found.keys() <= invited.keys(), (who, found, alice)
            absent = invited.keys() - found.keys()
            left = absent & found[""].gone if "" in found else absent
            assert all(invited[at].states[who] == "DECLINED" for at in left), (who, found, alice)
            if absent - left:  # other desks hear nothing of what others answer to a single instance
                assert who == "dora", (who, found, alice)
                assert all(_as_the_series_says(at, alice, who) for at in absent - left), (who, found, alice)
            for at, one in invited.items():
                if at not in found:
                    continue
                missing = {other for other, part in alice.items() if other and who not in part.states}
                wanted = one._replace(gone=one.gone | missing | left if not at else one.gone)
                assert found[at]._replace(states={}) == wanted._replace(states={}), (who, at, found, alice)
                assert found[at].states.get(who) == one.states[who], (who, at, found[at], one)
                if who != "dora":  # colleagues see each other's answers at once
                    assert found[at].states == one.states, (who, at, found[at], one)


def _as_the_series_says(instance: str, whole: dict[str, Part], who: str) -> bool:
    """Whether a component says nothing of its instance but how people answered, and of one not even that."""
    one, series = whole[instance], whole[""]
    same = one.start == instance and one.summary == series.summary
    return same and one.states[who] == series.states[who]


@cache
def _templates() -> Path:
    """Both desks before anything happened; migrations take longer than copies."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for domain in ("example.test", "second.test"):
        (folder / domain).mkdir()
    open_store(folder / "example.test").close()
    store = _open(folder / "second.test")
    store.migrate()
    with store.write(SITE) as tx:
        accounts.create(tx, "dora", "*", email=ADDRESSES["dora"], display_name="Dora")
    store.close()
    return folder


def _open(folder: Path) -> Store:
    return Store.open(f"sqlite:///{folder}/desk.sqlite3", folder / "blobs")


def _taken(store: Store) -> Iterator[tuple[str, str, bytes]]:
    """Empty the queue: sender, recipient and octets of each mail."""
    with store.write(SITE) as tx:
        found = [
            (one.sender, to.address, queue.body(tx, one.id))
            for one in administration.every(tx)
            for to in one.recipients
        ]
        tx.db.execute(sa.delete(tables.messages))
    yield from found


@pytest.mark.slow
@pytest.mark.laws
def test_all_copies_agree_after_quiet() -> None:
    run_state_machine_as_test(
        Meeting,
        settings=settings(
            max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
