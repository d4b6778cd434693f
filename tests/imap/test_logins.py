"""Who is let in, and until when: a session ends with what let it in (SYS-04, ACC-01, ACC-11; RFC 9051 §7.1.5)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from auth import leave, passwords
from servers.line.session import Then
from storage import accounts, plans, principals
from storage.store import Store
from storage.types import SITE, Principal, SpaceKind
from tests.imap.client import PASSWORD, Client

BYE = "* BYE log in again\r\n"
APPEND = b"A APPEND INBOX {5+}\r\na: b\n\r\n"


@pytest.fixture
def suspend(store: Store) -> Iterator[Callable[[], None]]:
    """Suspend bob; he is back after the test."""

    def bob(change: Callable[..., None]) -> None:
        with store.write(SITE) as tx:
            who: Principal = principals.find(tx, SpaceKind.PRIVATE, "bob")
            change(tx, who)
        time.sleep(leave.EVERY_S)

    yield lambda: bob(accounts.suspend)
    bob(accounts.resume)


@pytest.mark.parametrize("command", [b"A NOOP\r\n", b"A FETCH 1:* BODY[]\r\n", b"A LIST \"\" *\r\n", APPEND])
def test_the_next_command_is_the_last(connect: Callable[..., Client], suspend: Callable[[], None], command: bytes) -> None:
    client = connect(login="bob")
    client("SELECT INBOX")
    suspend()
    assert client.session.joint(command.removesuffix(b"\r\n")) is None
    assert client.feed(command).endswith(BYE)
    assert client.then is Then.CLOSE


def test_an_idle_client_hears_nothing_more(connect: Callable[..., Client], suspend: Callable[[], None]) -> None:
    client, other = connect(login="bob"), connect(login="bob")
    client("SELECT INBOX")
    client("IDLE")
    other.feed(APPEND)
    suspend()
    assert client.woken() == BYE
    assert client.then is Then.CLOSE


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize("form", [b'"%b"', b"{%d+}\r\n%b"])
def test_a_password_as_old_clients_send_it(
    store: Store, connect: Callable[..., Client], form: bytes, encoding: str
) -> None:
    """SYS-04: the same login and password for every protocol, in the octets that HTTP and SASL take."""
    secret = "pä:ss wörd".encode(encoding)
    with store.write(SITE) as tx:
        bob = principals.find(tx, SpaceKind.PRIVATE, "bob")
        accounts.set_password_hash(tx, bob, passwords.make_hash("pä:ss wörd"))
    try:
        written = form % ((len(secret), secret) if b"%d" in form else secret)
        assert connect(known=False)(b"LOGIN bob " + written).endswith("LOGIN done\r\n")
    finally:
        with store.write(SITE) as tx:
            accounts.set_password_hash(tx, bob, passwords.make_hash(PASSWORD))


def test_a_closed_gate(store: Store, connect: Callable[..., Client]) -> None:
    """ACC-11, SPEC 0.4: NO [CONTACTADMIN] at the login, and the text names the gate."""
    with store.write(SITE) as tx:
        plans.change(tx, plans.FULL, close_gates=["imap"])
    try:
        said = connect(known=False)(f'LOGIN alice "{PASSWORD}"')
    finally:
        with store.write(SITE) as tx:
            plans.change(tx, plans.FULL, open_gates=["imap"])
    assert said == "A NO [CONTACTADMIN] this account's plan does not include IMAP\r\n"


def test_others_go_on(connect: Callable[..., Client], suspend: Callable[[], None]) -> None:
    client = connect()
    suspend()
    assert client.end("NOOP") == "A OK NOOP done"
    assert client.end("UNAUTHENTICATE") == "A OK UNAUTHENTICATE done"
    assert client.end("NOOP") == "A OK NOOP done"
