"""Messages of several sessions appended in one transaction (IMAP-02): what is wrong with one concerns no other."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from servers.imap import joint
from servers.line.session import Reply
from storage import plans
from storage.mail import mailboxes, reading
from storage.store import Store
from storage.types import SITE, Actor
from tests.imap.client import Client

Connect = Callable[..., Client]


def unit(client: Client, tag: str, what: str, *bodies: str, flags: str = "") -> tuple[Any, bytes]:
    """A session with a whole APPEND, which the kernel is about to have carried out."""
    said = f"{tag} APPEND {what}"
    for body in bodies:
        data = f"Subject: {body}\r\n\r\n{body}\r\n"
        said += f"{flags} {{{len(data)}+}}\r\n{data}"
    cut = client.session.cut(bytearray(said.encode() + b"\r\n"))
    assert isinstance(cut, bytes)
    return client.session, cut


def run(*units: tuple[Any, bytes]) -> list[str | None]:
    found: list[str | None] = []
    for one in joint.run(units):
        assert one is None or isinstance(one, Reply)
        found.append(None if one is None else b"".join(one.data).decode())
    return found


def actor(store: Store, login: str) -> Actor:
    from storage import accounts

    with store.read(SITE) as tx:
        return Actor(accounts.find(tx, login).principal.id, login)


def states(store: Store, login: str, name: str = "INBOX") -> list[tuple[int, int, str]]:
    with store.read(actor(store, login)) as tx:
        found = reading.snapshot(tx, mailboxes.find(tx, name).id).states
        return [(one.uid, one.modseq, one.flags) for one in found]


def test_one_transaction(store: Store, connect: Connect) -> None:
    first = states(store, "alice")
    units = [unit(connect(), f"t{number}", "INBOX", f"mail {number}", flags=" (\\Seen)") for number in range(3)]
    assert all(session.joint(one) is joint.run for session, one in units)
    answers = run(*units)
    added = states(store, "alice")[len(first) :]
    told = [re.match(r"(t\d) OK \[APPENDUID \d+ (\d+)\] APPEND done\r\n\Z", str(one)) for one in answers]
    assert [one and one.groups() for one in told] == [(f"t{at}", str(uid)) for at, (uid, _, _) in enumerate(added)]
    assert len({modseq for _, modseq, _ in added}) == 1
    assert {flags for _, _, flags in added} == {"\\Seen"}


def test_several_people_and_mailboxes(store: Store, connect: Connect) -> None:
    mine, other = connect(), connect(login="bob")
    mine("CREATE Work")
    before = len(states(store, "alice")), len(states(store, "bob"))
    answers = run(
        unit(mine, "a", "INBOX", "one", "two"),
        unit(other, "b", "INBOX", "three"),
        unit(connect(), "c", "Work", "four"),
    )
    assert all(answer is not None and " OK [APPENDUID " in answer for answer in answers)
    assert (len(states(store, "alice")), len(states(store, "bob"))) == (before[0] + 2, before[1] + 1)
    assert len(states(store, "alice", "Work")) == 1


def test_what_is_wrong_is_left_to_its_session(store: Store, connect: Connect) -> None:
    lost, good, bad = connect(), connect(), connect()
    units = [unit(lost, "a", "Nowhere", "x"), unit(good, "b", "INBOX", "y")]
    assert run(*units) == [None, None]  # one transaction: nothing of it was kept
    before = len(states(store, "alice"))
    assert b"".join(lost.session.run(units[0][1]).data).startswith(b"a NO [TRYCREATE]")
    assert b"".join(good.session.run(units[1][1]).data).startswith(b"b OK [APPENDUID")
    answers = run(unit(bad, "c", "INBOX", "z", flags=" (\\Nonsense)"), unit(good, "d", "INBOX", "y"))
    assert answers[0] is None
    assert str(answers[1]).startswith("d OK [APPENDUID")
    assert len(states(store, "alice")) == before + 2


def test_what_does_not_fit_is_refused_alone(store: Store, connect: Connect) -> None:
    mine, other = connect(), connect(login="bob")
    with store.write(SITE) as tx:
        plans.add(tx, "none", plans.GATES, {"mail_bytes": 1})
        plans.assign(tx, actor(store, "alice").id, "none")
    try:
        units = [unit(mine, "a", "INBOX", "x"), unit(other, "b", "INBOX", "y")]
        assert run(*units) == [None, None]
        assert b"".join(mine.session.run(units[0][1]).data).startswith(b"a NO [OVERQUOTA]")
        assert b"".join(other.session.run(units[1][1]).data).startswith(b"b OK ")
    finally:
        with store.write(SITE) as tx:
            plans.assign(tx, actor(store, "alice").id, plans.FULL)
            plans.remove(tx, "none")


def test_a_commit_that_fails_is_everybodys(monkeypatch: pytest.MonkeyPatch, store: Store, connect: Connect) -> None:
    units = [unit(connect(), "a", "INBOX", "x"), unit(connect(login="bob"), "b", "INBOX", "y")]
    before = states(store, "alice"), states(store, "bob")
    group = store.engines._group
    assert group is not None
    whole = group._commit

    def broken(batch: Any) -> None:
        batch.held.raw.rollback()
        monkeypatch.setattr(group, "_commit", whole)
        group._end(batch, OSError("the disk"))

    monkeypatch.setattr(group, "_commit", broken)
    found = joint.run(units)
    assert [type(one) for one in found] == [OSError, OSError]
    assert (states(store, "alice"), states(store, "bob")) == before


def test_the_selected_mailbox_tells_of_it(store: Store, connect: Connect) -> None:
    client, other = connect(), connect()
    client("SELECT INBOX")
    before = len(states(store, "alice"))
    (answer, _) = run(unit(client, "a", "INBOX", "x"), unit(other, "b", "INBOX", "y"))
    assert f"* {before + 2} EXISTS" in str(answer)


@pytest.mark.parametrize("what", ["NOOP", "STATUS INBOX (MESSAGES)", "xAPPEND INBOX {3+}\r\nabc"])
def test_other_commands_go_alone(connect: Connect, what: str) -> None:
    client = connect()
    cut = client.session.cut(bytearray(f"a {what}\r\n".encode()))
    assert isinstance(cut, bytes)
    assert client.session.joint(cut) is None


def test_long_ones_and_those_of_strangers_go_alone(connect: Connect) -> None:
    session, small = unit(connect(), "a", "INBOX", "x")
    assert session.joint(small) is not None
    session, long = unit(connect(), "a", "INBOX", "x" * 40_000)
    assert session.joint(long) is None
    assert connect(known=False).session.joint(small) is None
    idle = connect()
    idle.session.idling = "a"
    assert idle.session.joint(small) is None


def test_parts_of_other_messages_are_fetched_by_the_session(connect: Connect) -> None:
    client = connect()
    cut = client.session.cut(bytearray(b'a APPEND INBOX CATENATE (URL "/INBOX/;UID=1" TEXT {1+}\r\nx)\r\n'))
    assert isinstance(cut, bytes)
    assert run((client.session, cut), unit(connect(), "b", "INBOX", "y"))[0] is None


def test_nothing_is_appended_twice(monkeypatch: pytest.MonkeyPatch, store: Store, connect: Connect) -> None:
    """An answer that cannot be made is that session's error; the messages are there, once."""
    units = [unit(connect(), "a", "INBOX", "x"), unit(connect(), "b", "INBOX", "y")]
    before = len(states(store, "alice"))
    monkeypatch.setattr(type(units[0][0]), "put", lambda *_: 1 / 0)
    assert [type(one) for one in joint.run(units)] == [ZeroDivisionError] * 2
    assert len(states(store, "alice")) == before + 2
