"""What was told of messages is told again from memory, as far as there is room (IMAP-02, SYS-07)."""

from __future__ import annotations

from collections.abc import Callable

from servers.imap.finished import Finished
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
