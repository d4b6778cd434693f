"""POP3 sessions without sockets, over a real store (RFC 1939, 2449, 2595, 3206, 5034, 6856; POP-01…05)."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth import leave, passwords
from auth.sasl.context import Context
from auth.throttle import DEFAULT
from servers.line.session import Peer, Reply, Then
from servers.pop3 import wire
from servers.pop3.connection import Connection
from storage import accounts, plans
from storage.mail import appending, flagging, flags, mailboxes, reading
from storage.store import Store
from storage.types import SITE, Actor
from tests.storage.away import away

PASSWORD = "a secret with blanks"
MAIL = b"From: a@x.example\r\nSubject: one\r\n\r\n.dot\r\nline\r\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Actor]]:
    folder = tmp_path_factory.mktemp("pop3")
    store = Store.open(f"sqlite:///{folder}/desk.sqlite3", folder / "blobs")
    store.migrate()
    with store.write(SITE) as tx:
        who = accounts.create(tx, "alice", passwords.make_hash(PASSWORD), email="alice@example.test")
    yield store, Actor(who.id, who.name)
    store.close()


@pytest.fixture
def desk(made: tuple[Store, Actor]) -> tuple[Store, Actor]:
    """The desk with two mails in the INBOX and nothing else."""
    store, alice = made
    from storage.mail import moving

    with store.write(alice) as tx:
        for box in mailboxes.every(tx):
            moving.remove_all(tx, box)
        inbox = mailboxes.find(tx, "INBOX")
        appending.append_many(
            tx, inbox, [appending.New(appending.prepare(store, MAIL + b"x" * number)) for number in (0, 5)]
        )
    return store, alice


class Client:
    """Speaks as the kernel would."""

    def __init__(self, store: Store, *, address: str = "127.0.0.1", tls: bool = False, starttls: bool = True) -> None:
        peer = Peer(address, 1, address == "127.0.0.1", tls, "pop3s" if tls else "pop3", starttls)
        self.session = Connection(store, peer, lambda on: Context(store, "pop3", address, on, DEFAULT))
        self.last: Reply = self.session.greeting()

    def __call__(self, *lines: bytes) -> bytes:
        buffer = bytearray(b"".join(line + b"\r\n" for line in lines))
        said = b""
        while buffer:
            unit = self.session.cut(buffer)
            assert unit is not None
            self.last = unit if isinstance(unit, Reply) else self.session.run(unit)
            said += b"".join(self.last.data)
            if self.last.then is Then.CLOSE:
                break
        return said

    def login(self) -> Client:
        assert self(b"USER alice", b"PASS " + PASSWORD.encode()).count(b"+OK") == 2
        return self


def test_a_whole_session(desk: tuple[Store, Actor]) -> None:
    """RFC 1939 §10: as its example, pipelined (RFC 2449 §6.6)."""
    store, alice = desk
    client = Client(store).login()
    assert client(b"STAT") == b"+OK 2 %d\r\n" % (2 * len(MAIL) + 5)
    assert client(b"LIST") == b"+OK scan listing\r\n1 %d\r\n2 %d\r\n.\r\n" % (len(MAIL), len(MAIL) + 5)
    assert client(b"LIST 2") == b"+OK 2 %d\r\n" % (len(MAIL) + 5)
    assert client(b"RETR 1") == b"+OK %d octets\r\n" % len(MAIL) + MAIL.replace(b"\n.", b"\n..") + b".\r\n"
    assert client(b"RETR 2").endswith(b"line\r\nxxxxx\r\n.\r\n")
    assert client(b"TOP 1 1") == b"+OK top of it\r\nFrom: a@x.example\r\nSubject: one\r\n\r\n..dot\r\n.\r\n"
    assert client(b"DELE 1", b"DELE 1", b"LIST 1", b"STAT").split(b"\r\n")[:3] == [
        b"+OK message 1 deleted",
        b"-ERR no such message",
        b"-ERR no such message",
    ]
    assert client(b"RSET", b"STAT").startswith(b"+OK\r\n+OK 2 ")
    assert client(b"DELE 2", b"QUIT").endswith(b"+OK 1 moved to Trash\r\n")
    assert client.last.then is Then.CLOSE
    with store.read(alice) as tx:  # POP-04, POP-05: in the Trash, and RETR left it unseen
        assert mailboxes.find(tx, "Trash").exists == 1
        (left,) = reading.snapshot(tx, mailboxes.find(tx, "INBOX").id).states
    assert left.flags == ""


def test_only_the_inbox_and_nothing_flagged_deleted(desk: tuple[Store, Actor]) -> None:
    """POP-02, IMAP-03."""
    store, alice = desk
    with store.write(alice) as tx:
        inbox = mailboxes.find(tx, "INBOX")
        uid = reading.snapshot(tx, inbox.id).states[0].uid
        flagging.set_flags(tx, inbox, [uid], "add", flags.DELETED)
        appending.append(tx, mailboxes.find(tx, "Spam?"), appending.prepare(store, b"Subject: spam\r\n\r\n"))
    client = Client(store).login()
    assert client(b"STAT").startswith(b"+OK 1 ")
    client(b"QUIT")


def test_unique_ids_are_stable(desk: tuple[Store, Actor]) -> None:
    """RFC 1939 §7, POP-05."""
    store, _ = desk
    first, second = Client(store).login(), Client(store)
    ids = first(b"UIDL")
    first(b"DELE 1")
    assert b"[IN-USE]" in second(b"USER alice", b"PASS " + PASSWORD.encode())  # RFC 2449 §8.1.2
    first.session.closed()  # dropped: nothing is deleted, and the lock is free
    second.login()
    assert second(b"UIDL") == ids
    assert second(b"UIDL 1").split()[2] in ids
    second(b"QUIT")


def test_auth(desk: tuple[Store, Actor]) -> None:
    """RFC 5034: with and without an initial response, cancelled, malformed; RFC 3206."""
    store, _ = desk
    plain = base64.b64encode(b"\0alice\0" + PASSWORD.encode())
    client = Client(store)
    assert client(b"AUTH") == b"+OK mechanisms\r\nPLAIN\r\nLOGIN\r\nSCRAM-SHA-256\r\n.\r\n"
    assert client(b"AUTH PLAIN " + plain).startswith(b"+OK 2 messages")
    client(b"QUIT")
    client = Client(store)
    assert client(b"AUTH PLAIN") == b"+ \r\n"
    assert client(plain).startswith(b"+OK 2 messages")
    client(b"QUIT")
    client = Client(store)
    assert client(b"AUTH login", base64.b64encode(b"alice"), base64.b64encode(PASSWORD.encode())).count(b"+") == 3
    client(b"QUIT")
    client = Client(store)
    assert client(b"AUTH PLAIN", b"*").endswith(b"-ERR authentication cancelled\r\n")
    assert client(b"AUTH PLAIN", b"%%%").endswith(b"-ERR malformed authentication exchange\r\n")
    assert client(b"AUTH NONSENSE").startswith(b"-ERR no such mechanism")
    wrong = Client(store)
    unknown = Client(store)
    assert wrong(b"USER alice", b"PASS no") == unknown(b"USER nobody", b"PASS no")
    assert b"-ERR [AUTH] " in wrong(b"USER alice", b"PASS no")
    wrong(b"USER alice", b"PASS no")
    assert wrong.last.then is Then.CLOSE


def test_no_password_in_the_clear(desk: tuple[Store, Actor]) -> None:
    """SYS-05, RFC 8314: not offered and refused, until TLS; RFC 2595 §4."""
    store, _ = desk
    client = Client(store, address="192.0.2.7")
    assert b"STLS" in client(b"CAPA")
    assert b"SASL" not in client(b"CAPA")
    assert b"[AUTH]" in client(b"USER alice")
    assert b"-ERR" in client(b"AUTH PLAIN AGFsaWNlAHg=")
    assert client(b"STLS").startswith(b"+OK")
    assert client.last.then is Then.STARTTLS
    client.session.secured()
    assert b"STLS" not in client(b"CAPA")
    assert b"SASL PLAIN" in client(b"CAPA")
    client.login()
    client(b"QUIT")


def test_the_gate(desk: tuple[Store, Actor]) -> None:
    """POP-01, ACC-11: a plan without POP3."""
    store, _ = desk
    with store.write(SITE) as tx:
        plans.change(tx, plans.FULL, close_gates=["pop3"])
    try:
        said = Client(store)(b"USER alice", b"PASS " + PASSWORD.encode())
        assert said.endswith(b"-ERR [SYS/PERM] this account's plan does not include POP3\r\n")  # SPEC 0.4
    finally:
        with store.write(SITE) as tx:
            plans.change(tx, plans.FULL, open_gates=["pop3"])


def test_refusals(desk: tuple[Store, Actor]) -> None:
    store, _ = desk
    client = Client(store)
    assert client(b"STAT") == b"-ERR not in this state\r\n"
    assert client(b"XYZZY") == b"-ERR unknown command\r\n"
    client.login()
    for line in (
        b"RETR",
        b"RETR 0",
        b"RETR 9",
        b"RETR -1",
        b"TOP 1",
        b"TOP 1 x",
        b"DELE " + b"9" * 50,
        b"LIST x",
        b"USER a",
    ):
        assert client(line).startswith(b"-ERR"), line
    client.session.closed()
    long = Client(store)
    assert long.session.cut(bytearray(b"x" * 5_000)).then is Then.CLOSE  # type: ignore[union-attr]


@given(st.binary(max_size=300))
def test_any_octets(made: tuple[Store, Actor], data: bytes) -> None:
    """Hostile bytes: an answer or a farewell, never an exception."""
    client = Client(made[0])
    buffer = bytearray(data)
    while buffer and (unit := client.session.cut(buffer)) is not None:
        reply = unit if isinstance(unit, Reply) else client.session.run(unit)
        if reply.then is Then.CLOSE:
            break


@given(st.binary(max_size=200))
def test_stuffing_is_undone(data: bytes) -> None:
    """RFC 1939 §3: a client gets the lines that were sent."""
    sent = wire.stuffed(data)
    assert sent.endswith(b".\r\n")
    lines = sent[: -len(b".\r\n")].split(b"\r\n")[:-1]
    assert b"." not in lines
    assert (
        b"\n".join(line.removeprefix(b".") for line in lines).replace(b"\r", b"")
        == (data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").removesuffix(b"\n"))
        or b"\r" in data
    )


def test_the_lock_is_lost_with_its_time(desk: tuple[Store, Actor], tmp_path: Path) -> None:
    """POP-05: who died holds it no longer."""
    from storage.mail import maildrop

    store, alice = desk
    with store.write(alice) as tx:
        assert maildrop.hold(tx, "a")
        assert not maildrop.hold(tx, "b")
        tx.now += maildrop.LEASE_S + 1
        assert maildrop.hold(tx, "b")
        assert not maildrop.hold(tx, "a")
        maildrop.release(tx, "a")
        assert not maildrop.hold(tx, "a")
        maildrop.release(tx, "b")
        assert maildrop.hold(tx, "a")
        maildrop.release(tx, "a")


def test_capabilities_in_both_states(desk: tuple[Store, Actor]) -> None:
    """RFC 2449 §5: what holds before the login is announced after it, too; but STLS (RFC 2595 §8)."""
    client = Client(desk[0])
    before = set(client(b"CAPA").split(b"\r\n"))
    after = set(client.login()(b"CAPA").split(b"\r\n"))
    assert before - after == {b"STLS"}
    assert {b"USER", b"UIDL", b"TOP", b"SASL PLAIN LOGIN SCRAM-SHA-256"} <= after
    client.session.closed()


def test_mistakes_are_forgiven(desk: tuple[Store, Actor]) -> None:
    """Only those that follow one another end a session."""
    client = Client(desk[0]).login()
    for _ in range(8):
        assert client(b"RETR 9").startswith(b"-ERR")
    client(b"NOOP")
    for _ in range(8):
        client(b"RETR 9")
    assert client.last.then is Then.GO_ON
    client.session.closed()


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_password_as_old_clients_send_it(desk: tuple[Store, Actor], encoding: str) -> None:
    """SYS-04: the same login and password for every protocol, in the octets that HTTP and SASL take."""
    store, _ = desk
    with store.write(SITE) as tx:
        accounts.set_password_hash(tx, accounts.find(tx, "alice").principal, passwords.make_hash("pä:ss wörd"))
    client = Client(store)
    try:
        assert client(b"USER alice", b"PASS " + "pä:ss wörd".encode(encoding)).count(b"+OK") == 2
    finally:
        client.session.closed()
        with store.write(SITE) as tx:
            accounts.set_password_hash(tx, accounts.find(tx, "alice").principal, passwords.make_hash(PASSWORD))


def test_a_session_ends_with_what_let_it_in(desk: tuple[Store, Actor]) -> None:
    """SYS-04, ACC-01: after a suspension nothing is read any more, and nothing deleted (RFC 1939 §6)."""
    store, _ = desk
    client = Client(store).login()
    assert client(b"DELE 1").startswith(b"+OK")
    with store.write(SITE) as tx:
        accounts.suspend(tx, accounts.find(tx, "alice").principal)
    time.sleep(leave.EVERY_S)
    assert client.session.woken() == client.session.run(b"RETR 2") == client.session.run(b"QUIT")
    assert client(b"QUIT") == b"-ERR [AUTH] log in again\r\n"
    assert client.last.then is Then.CLOSE
    client.session.closed()
    with store.write(SITE) as tx:
        accounts.resume(tx, accounts.find(tx, "alice").principal)
    again = Client(store).login()
    assert again(b"STAT").startswith(b"+OK 2 ")
    again.session.closed()


def test_the_top_of_a_mail_without_header() -> None:
    """RFC 1939 §7: the blank line ends the header, also where it comes first."""
    assert wire.top(b"\r\none\r\n\r\ntwo\r\n", 1) == b"\r\none\r\n"


def test_a_name_belongs_to_user(desk: tuple[Store, Actor]) -> None:
    """RFC 1939 §7, POP-01: USER alone is refused; blanks around the name are not part of it, those of a password are."""
    client = Client(desk[0])
    assert client(b"USER").startswith(b"-ERR")
    assert client(b"USER  ").startswith(b"-ERR")
    assert client(b"PASS " + PASSWORD.encode()).startswith(b"-ERR")
    assert client(b"USER alice ", b"PASS " + PASSWORD.encode()).count(b"+OK") == 2


def test_a_login_while_the_database_is_away(tmp_path: Path) -> None:
    """RFC 3206 §4: SYS/TEMP, and what comes next is a command again."""
    store = Store.open(f"sqlite:///{tmp_path}/desk.sqlite3", tmp_path / "blobs")
    store.migrate()
    with store.write(SITE) as tx:
        accounts.create(tx, "alice", passwords.make_hash(PASSWORD))
    client = Client(store)
    login = base64.b64encode(f"\0alice\0{PASSWORD}".encode())
    with away(store):
        assert client(b"AUTH PLAIN " + login) == b"-ERR [SYS/TEMP] try again\r\n"
        assert client(b"AUTH PLAIN", login) == b"+ \r\n-ERR [SYS/TEMP] try again\r\n"
        assert client(b"CAPA").startswith(b"+OK")
    assert client(b"AUTH PLAIN " + login).startswith(b"+OK")
    client.session.closed()
    store.close()
