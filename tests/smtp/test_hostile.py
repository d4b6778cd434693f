"""Hostile octets on every door: an answer or a farewell, never an exception."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from servers.smtp import parser
from servers.smtp.replies import Refusal
from servers.smtp.wire import Cutter, Taken
from storage.formats import mail_header as header
from tests.smtp.conftest import Client

WORDS = (
    b"EHLO a|HELO|LHLO x|MAIL FROM:<a@b.example>|RCPT TO:<alice@example.test>|RCPT TO:<>|DATA|.|BDAT 3|BDAT 0 LAST|abc|RSET|AUTH PLAIN|"
    b"AUTH LOGIN|*|\xff\xfe|\x00|QUIT|STARTTLS|MAIL FROM:<\xc3\xa4@x> SMTPUTF8|Subject: x|..|VRFY|NOOP|"
    b"BURL x|BURL imap://alice@h/INBOX/;uid=1;urlauth=submit+alice:internal:00112233445566778899aabbccddeeff LAST"
).split(b"|")


@pytest.mark.parametrize("door", ["mx", "submission", "lmtp"])
@given(lines=st.lists(st.sampled_from(WORDS) | st.binary(max_size=40), max_size=15))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_session(connect: Callable[..., Client], door: str, lines: list[bytes]) -> None:
    client = connect(door)
    client.feed(b"".join(line + b"\r\n" for line in lines))
    client.session.closed()


@given(
    st.lists(st.sampled_from([b"\r", b"\n", b".", b"a", b"\r\n", b"\r\n."]), max_size=30).map(b"".join),
    st.integers(1, 9),
)
def test_data_is_the_same_however_it_comes(data: bytes, size: int) -> None:
    """RFC 5321 §4.5.2."""

    def take(pieces: list[bytes]) -> tuple[int, bytes, bytes] | None:
        cutter, buffer = Cutter(), bytearray()
        cutter.begin_data()
        found: Taken | None = None
        for piece in pieces:
            buffer += piece
            if found is None:
                unit = cutter.cut(buffer)
                assert unit is None or isinstance(unit, Taken)
                found = unit
        if found is None:
            return None
        return found.octets, found.read(), bytes(buffer)

    whole = data + b"\r\n.\r\nrest"
    once = take([whole])
    assert once is not None
    assert once == take([whole[at : at + size] for at in range(0, len(whole), size)])
    end = (b"\r\n" + whole).find(b"\r\n.\r\n")
    assert once[2] == (b"\r\n" + whole)[end + 5 :]
    body = (b"\r\n" + whole)[: end + 2][2:]
    plain = (b"\r\n" + body).replace(b"\r\n.", b"\r\n")[2:]
    assert once[0] == len(plain)
    assert once[1] == re.sub(rb"\r\n|\r|\n", b"\r\n", plain)


@given(st.text(max_size=80))
def test_any_path(text: str) -> None:
    for argument in (f"FROM:<{text}>", f"FROM:{text}"):
        try:
            path = parser.read(argument, "FROM", null=True)
        except Refusal:
            continue
        assert len(path.address) <= 400


@given(st.binary(max_size=200))
def test_any_header(data: bytes) -> None:
    block, rest = header.split(data)
    assert block == b"" or block.endswith(b"\r\n")
    assert rest.startswith(b"\r\n") or not rest or rest == data
    header.authors(block)
    header.hops(block)
    header.completed(block, "host.example")
    assert b"Bcc" not in header.without(b"bcc: x\r\n y\r\nBCC: z\r\nTo: t\r\n", b"bcc")


def test_an_author_far_down_is_one(connect: Callable[..., Client]) -> None:
    """MSG-09: whoever writes a long header before From is no more allowed to be somebody else."""
    padding = b"".join(b"X-Padding: %b\r\n" % (b"x" * 900) for _ in range(400))
    for field in (
        b"From: bob@example.test",
        b"FROM : bob@example.test",
        b"From: alice@example.test\r\nSender: bob@example.test",
    ):
        data = padding + field + b"\r\nSubject: x\r\n\r\nbody\r\n"
        said = connect("submission").login().mail("alice@example.test", "x@out.example", data=data)
        assert said.startswith("550 5.7.1")


@pytest.mark.parametrize(
    ("author", "code"),
    [
        ("<alice@example.test> <bob@example.test>", "550 5.7.1"),
        ("<alice@example.test>\r\n bob@example.test", "550 5.7.1"),
        ("<><bob@example.test>", "550 5.7.1"),
        ("alice@example.test, <alice@example.test> (it) <bob@example.test>", "550 5.7.1"),
        ('"bob <bob@example.test>" <alice@example.test> (5" <b@x> (c) d)', "250 2.0.0"),
        ("alice@example.test, <@a,@b:alice+x@example.test>", "250 2.0.0"),
    ],
)
def test_two_addresses_of_one_author(connect: Callable[..., Client], author: str, code: str) -> None:
    """MSG-09: what some programs would show as the sender is his own too; what is in quotes is a name."""
    client = connect("submission").login()
    data = f"From: {author}\r\nSubject: x\r\n\r\nbody\r\n".encode()
    assert client.mail("alice@example.test", "bob@example.test", data=data).startswith(code)


@pytest.mark.parametrize("number", ["\u00b2", "\u0663", "-1", "1.0", "0x1", "1" * 13, ""])
def test_a_size_of_a_chunk_is_a_number(connect: Callable[..., Client], number: str) -> None:
    """RFC 3030 §2: digits of ASCII; what only looks like one was an internal error."""
    client = connect().hello()
    client("MAIL FROM:<x@out.example>", "RCPT TO:<alice@example.test>")
    assert client(f"BDAT {number} LAST").startswith("501 5.5.4")
