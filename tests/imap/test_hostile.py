"""Hostile octets: an answer or a farewell, never an exception; nothing is read that is too long (SYS-17)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from servers.imap.errors import Bad
from servers.imap.reader import Reader
from servers.imap.render import mailbox, string
from servers.imap.wire import Cutter
from servers.line.session import Reply, Then
from storage.mail import utf7
from storage.store import Store
from tests.imap.client import Client

Connect = Callable[..., Client]
WORDS = (
    b'FETCH 1 SEARCH UID STORE ( ) [ ] {3}\r\nabc {5+}\r\nabcde " \\ * % $ 1:* , BODY[ HEADER.FIELDS RETURN NIL LIST APPEND INBOX '
    b"+FLAGS \\Seen OR NOT SELECT STATUS (MESSAGES) SORT THREAD CHARSET UTF-8 99999999999 ~{2+}\r\nab \xff\xfe \x00 "
    b"GENURLAUTH URLFETCH RESETKEY INTERNAL BINARY BODYPARTSTRUCTURE imap://alice@h/INBOX/;uid=1;urlauth=authuser "
    b"UPDATE CONTEXT CANCELUPDATE UIDBATCHES 500 2:1"
).split(b" ")


def test_sizes_are_judged_before_anything_is_read(connect: Connect) -> None:
    """A literal of 4 GB, a line without end, a stranger's long command."""
    client = connect()
    assert client.feed(b"A LOGIN {4294967296}\r\n").startswith("A NO [TOOBIG]")
    assert "BYE" in client.feed(b"A FETCH " + b"1," * 40_000)
    assert client.then is Then.CLOSE
    assert client.session._cutter.most < 200_000
    stranger = connect(known=False)
    assert stranger.feed(b"A LOGIN {20000}\r\n").startswith("A NO [TOOBIG]")
    assert "BYE" in stranger.feed(b"A LOGIN {20000+}\r\n")
    assert stranger.then is Then.CLOSE
    assert "BYE" in connect(known=False).feed(b"x" * 70_000)


@pytest.mark.slow
@given(st.lists(st.sampled_from(WORDS), max_size=12).map(b" ".join) | st.binary(max_size=200))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_command(alice: Client, data: bytes) -> None:
    alice.session._errors = 0
    if alice.session.view is None:
        alice.feed(b"A SELECT INBOX\r\n")
    alice.session.exchange = None
    alice.session.idling = ""
    alice.session._cutter._begin()
    alice._buffer.clear()
    said = alice.feed(b"A " + data + b"\r\n")
    assert isinstance(said, str)


@given(st.binary(max_size=400), st.integers(1, 40))
def test_any_stream(data: bytes, size: int) -> None:
    """However it is cut into pieces, the commands are the same."""

    def cut(pieces: list[bytes]) -> list[object]:
        cutter, buffer, found = Cutter(), bytearray(), list[object]()
        for piece in pieces:
            buffer += piece
            while (unit := cutter.cut(buffer)) is not None:
                found.append(unit if isinstance(unit, bytes) else tuple(unit.data))
                if isinstance(unit, Reply) and unit.then is Then.CLOSE:
                    return found
        return found

    assert cut([data]) == cut([data[at : at + size] for at in range(0, len(data), size)])


@given(st.text(max_size=60))
def test_names_round_trip(name: str) -> None:
    """RFC 3501 §5.1.3: modified UTF-7 there and back; also through a reader."""
    clean = name.encode("utf-8", "replace").decode()
    assert utf7.decode(utf7.encode(clean)) == clean
    reader = Reader(mailbox(clean, utf8=False))
    assert reader.mailbox() == clean


@given(st.binary(max_size=100))
def test_strings_round_trip(value: bytes) -> None:
    reader = Reader(string(value))
    assert reader.string() == value
    assert reader.done


@given(st.binary(max_size=60))
def test_any_name_is_read(name: bytes) -> None:
    utf7.decode(name)


@given(st.binary(max_size=60))
def test_any_set(data: bytes) -> None:
    try:
        Reader(data).set()
    except Bad:
        return


def test_too_many_mistakes_end_it(store: Store) -> None:
    client = Client(store, known=False)
    said = ""
    for _ in range(30):
        said += client("NONSENSE")
        if client.then is Then.CLOSE:
            break
    assert "* BYE too many mistakes" in said


@pytest.mark.parametrize("line", [b"\r\n", b"   \r\n", b"A\r\n", b"\xff\xff NOOP\r\n", b"A  NOOP\r\n", b"+ NOOP\r\n"])
def test_odd_lines(connect: Connect, line: bytes) -> None:
    assert " BAD " in connect().feed(line)
