"""Participants of this desk are told by mail of what is in their calendars already, as they like (MTG-06, 13, 15)."""

from __future__ import annotations

from email import message_from_bytes, policy

import pytest

from storage import preferences, principals
from storage.outbound import administration, queue
from storage.store import Store
from storage.types import SITE, Actor, SpaceKind
from tests.caldav.desk import Client, event, put
from tests.caldav.meetings import (
    ALICE,
    BOB,
    TIMES,
    answer,
    copy_of,
    invite,
    meeting,
    someone,
    text,
)


def wish(store: Store, login: str, choice: str) -> None:
    with store.read(SITE) as tx:
        who = principals.find(tx, SpaceKind.PRIVATE, login)
    with store.write(Actor(who.id, who.name)) as tx:
        preferences.choose(tx, who, "meeting_mails", choice)


def mails(store: Store) -> list[tuple[list[str], str]]:
    """Recipients and subject of each mail in the queue."""
    with store.read(SITE) as tx:
        rows = administration.every(tx)
        found = [message_from_bytes(queue.body(tx, one.id), policy=policy.default) for one in rows]
        return [
            ([to.address for to in one.recipients], str(mail["Subject"])) for one, mail in zip(rows, found, strict=True)
        ]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("all", ["Invitation: Plan", "Changed: Other", "Cancelled: Other"]),
        ("changes", ["Changed: Other", "Cancelled: Other"]),
        ("", ["Changed: Other", "Cancelled: Other"]),
        ("none", []),
    ],
)
def test_a_mail_to_each(alice: Client, store: Store, choice: str, expected: list[str]) -> None:
    wish(store, "bob", choice)
    path = invite(alice)
    put(alice, path, text(alice, path).replace("SUMMARY:Plan", "SUMMARY:Other").encode())
    put(alice, path, text(alice, path).replace("SUMMARY:Other", "SUMMARY:Other\r\nPRIORITY:1").encode())
    assert alice.request("DELETE", path).status == 204
    assert mails(store) == [(["bob@example.test"], subject) for subject in expected]


def test_many_share_one_and_none_is_a_calendars(alice: Client, bob: Client, store: Store, three: str) -> None:
    """Nobody is told who else is; whoever declined hears no more of it."""
    answer(bob, copy_of(bob, BOB), "bob@example.test", "ACCEPTED")
    put(alice, three, text(alice, three).replace("SUMMARY:Plan", "SUMMARY:Other").encode())
    assert mails(store) == [(["bob@example.test", "carol@example.test"], "Changed: Other")]
    assert bob.request("DELETE", copy_of(bob, BOB)).status == 204
    before = len(mails(store))
    assert alice.request("DELETE", three).status == 204
    assert [to for to, _ in mails(store)[before:]] == [["carol@example.test"]]
    with store.read(SITE) as tx:
        octets = queue.body(tx, administration.every(tx)[0].id)
    assert b"text/calendar" not in octets
    assert b"carol" not in octets
    assert b"2025-06-01 10:00 UTC" in octets


def test_who_is_served_by_nobody_is_told_nothing(alice: Client, store: Store) -> None:
    """MTG-15: SCHEDULE-AGENT=NONE switches it off, case by case."""
    wish(store, "bob", "all")
    path = f"{ALICE}m1.ics"
    put(alice, path, meeting(someone("bob@example.test", "SCHEDULE-AGENT=NONE")))
    assert alice.request("DELETE", path).status == 204
    put(alice, f"{ALICE}e.ics", event("e", *TIMES, "SUMMARY:Alone"))
    assert mails(store) == []
