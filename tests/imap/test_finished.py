"""What was told of messages is told again from memory, as far as there is room (IMAP-02, SYS-07)."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from servers.imap.finished import Decoded, Finished
from storage.formats import message_parts
from tests.imap.client import Client


def test_what_is_at_hand_is_not_read_again() -> None:
    finished, asked = Finished(), []

    def read(*there: int) -> Callable[[], dict[int, bytes]]:
        def some() -> dict[int, bytes]:
            asked.append(there)
            return {number: b"%d" % number for number in there}

        return some

    assert finished.of("E", [2, 1], read(1, 2, 3)) == [b"2", b"1"]
    assert finished.of("E", [3, 2], read()) == [b"3", b"2"]
    assert finished.of("S", [1], read(1)) == [b"1"]  # another kind
    assert finished.of("E", [1, 4], read(1)) == [b"1", None]  # gone
    assert asked == [(1, 2, 3), (1,), (1,)]


def test_memory_has_an_end() -> None:
    finished = Finished(1_000)
    for number in range(100):
        assert finished.of("E", [number], lambda number=number: {number: b"x" * 100}) == [b"x" * 100]  # type: ignore[misc]
        assert sum(map(len, finished._held.values())) <= 4
    assert finished.of("E", [7], lambda: {7: b"x" * 2_000}) == [b"x" * 2_000]
    assert 7 not in finished._held.get("E", {})


def test_parts_in_pieces_are_decoded_once(alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 3516 §4.2: imapflow asks for 64 KiB of BINARY at a time; each piece decoded the whole attachment."""
    octets = bytes(range(256)) * 40
    message = b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(octets).replace(b"\n", b"\r\n")
    alice(b"APPEND INBOX {%d+}\r\n%b" % (len(message), message))
    asked: list[int] = []
    unencoded = message_parts.unencoded

    def counted(content: bytes, encoding: str) -> bytes:
        asked.append(len(content))
        return unencoded(content, encoding)

    monkeypatch.setattr(message_parts, "unencoded", counted)
    said = b""
    for start in range(0, len(octets) + 1_000, 1_000):
        reply = alice(f"FETCH 4 BINARY.PEEK[1]<{start}.1000>").encode("utf-8", "surrogateescape")
        said += reply.partition(b"}\r\n")[2].removesuffix(b")\r\nA OK FETCH done\r\n")
    assert said == octets
    assert len(asked) == 1


def test_decoded_parts_have_an_end() -> None:
    decoded = Decoded(100)
    assert [decoded.of(1, "1", lambda: b"x" * 60), decoded.of(1, "1", lambda: b"")] == [b"x" * 60] * 2
    assert decoded.of(1, "2", lambda: b"y" * 60) == b"y" * 60  # there is no room for both
    assert decoded.of(1, "1", lambda: b"fresh") == b"fresh"
    assert decoded.of(1, "2", lambda: b"") == b"y" * 60
    assert [decoded.of(2, "1", lambda: b"z" * 101), decoded.of(2, "1", lambda: b"")] == [b"z" * 101, b""]


def test_each_client_is_told_the_same(connect: Callable[..., Client], alice: Client) -> None:
    asked = "FETCH 1:* (ENVELOPE BODYSTRUCTURE)"
    first = alice.lines(asked)
    assert len(first) == 3
    assert alice.lines(asked) == first
    other = connect()
    other("SELECT INBOX")
    assert other.lines(asked) == first


def test_accounts_do_not_meet(connect: Callable[..., Client], alice: Client) -> None:
    alice("FETCH 1:* (ENVELOPE)")
    bob = connect(login="bob")
    body = "From: b@x.example\r\nSubject: of bob\r\n\r\nx\r\n"
    bob(f"APPEND INBOX {{{len(body)}+}}\r\n{body}")
    bob("SELECT INBOX")
    (told,) = bob.lines("FETCH * (ENVELOPE)")
    assert '"of bob"' in told
    bob("STORE 1:* +FLAGS (\\Deleted)")
    bob("EXPUNGE")
