"""MIME of every broken kind: read as far as it goes, in time that grows as its length does (SYS-17)."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.formats import imip, mail_header, message, message_parts
from storage.formats.message import Scanned
from storage.formats.message_parts import DEPTH_MAX, PARTS_MAX, Part

HEAD = b"From: a@b.example\r\nSubject: x\r\nMIME-Version: 1.0\r\n"
FIELDS = (
    *("From", "To", "Subject", "Date", "References", "Message-ID", "In-Reply-To"),
    *("Content-Type", "Content-Disposition", "Content-Transfer-Encoding", "Content-Language"),
)
LONG = 100_000
VALUES = {
    "spaces before": b" " * LONG + b"x",
    "spaces within": b"a" + b" " * LONG + b"b",
    "folds": b"a" + b"\r\n\t" * (LONG // 3) + b"x",
    "commas": b"," * LONG,
    "angles": b"<" * LONG,
    "comments": b"(" * LONG,
    "backslashes": b"\\" * LONG,
    "quotes": b'"' * LONG,
    "open quote": b'"' + b"\\" * LONG,
    "ats": b"a@" * (LONG // 2),
    "semicolons": b"text/plain" + b";" * LONG,
    "parameters": b"text/plain" + b";a=b" * (LONG // 4),
    "one parameter": b"text/plain;" + b"a" * LONG,
    "equal signs": b"text/plain;" + b"=" * LONG,
    "continuations": b"text/plain;" + b"".join(b"name*%d=x;" % number for number in range(LONG // 10)),
    "an encoded word": b"=?utf-8?q?" + b"=41" * (LONG // 3) + b"?=",
    "open encoded words": b"=?utf-8?q?" * (LONG // 10),
    "encoded words": b"=?utf-8?q?a?= " * (LONG // 14),
    "groups": b"a:b@c;" * (LONG // 6),
    "ids": b"<a@b> " * (LONG // 6),
    "dots": b"a." * (LONG // 2) + b"@b",
    "brackets": b"[" * LONG,
    "NULs": b"\0" * LONG,
    "high octets": b"\xff" * LONG,
}


def whole(data: bytes) -> Scanned:
    """Scan, and hold what must hold of any octets: spans lie within, all that is stored can be stored and sent."""
    found = message.scan(data)
    assert found.octets == len(data)
    assert 0 <= found.header_octets <= len(data)
    parts = message_parts.load(found.parts)
    assert len({part.section for part in parts}) == len(parts) <= 2 * PARTS_MAX
    for part in parts:
        assert 0 <= part.header <= part.body <= part.end <= len(data)
        assert part.inner == 0 or part.body <= part.inner <= part.end
        assert part.section.count(".") <= 2 * DEPTH_MAX
    for octets in (found.envelope, found.body, found.bodystructure):
        assert octets.startswith(b"(")
        assert octets.endswith(b")")
        assert _balanced(octets)
    texts = {name: getattr(found, name) for name in found.__slots__}
    texts |= {
        f"{name} {at}": one for name, value in texts.items() if isinstance(value, tuple) for at, one in enumerate(value)
    }
    for name, text in texts.items():
        if isinstance(text, str):  # PostgreSQL stores no NUL, and nobody lone surrogates
            assert "\0" not in text, name
            text.encode()
    imip.find(data)
    return found


def _balanced(octets: bytes) -> bool:
    """Whether parentheses pair outside of quoted strings and literals (RFC 9051 §4)."""
    depth = at = 0
    while at < len(octets):
        one = octets[at : at + 1]
        if one == b'"':
            at += 1
            while octets[at : at + 1] != b'"':
                at += 2 if octets[at : at + 1] == b"\\" else 1
        elif one == b"{":
            end = octets.index(b"}\r\n", at)
            at = end + 2 + int(octets[at + 1 : end])
        else:
            depth += {b"(": 1, b")": -1}.get(one, 0)
            assert depth >= 0
        at += 1
    return depth == 0


def sections(data: bytes) -> list[str]:
    return [part.section for part in message_parts.load(whole(data).parts)]


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("name", VALUES)
def test_any_field_takes_as_long_as_it_is(field: str, name: str) -> None:
    """2,000 spaces in From once took eight seconds, growing with their third power."""
    whole(b"MIME-Version: 1.0\r\n" + field.encode() + b": " + VALUES[name] + b"\r\n\r\nx")


def test_nested_ten_thousand_deep() -> None:
    levels = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(10_000))
    assert len(sections(HEAD + levels + b"\r\nx")) <= DEPTH_MAX + 2
    same = b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" * 10_000
    assert len(sections(HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + same)) <= 2 * PARTS_MAX
    assert len(sections(HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 10_000)) <= DEPTH_MAX + 2


def test_a_hundred_thousand_parts() -> None:
    """What follows the thousandth belongs to it: nothing is lost."""
    data = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 100_000
    parts = message_parts.load(whole(data).parts)
    assert PARTS_MAX - 2 <= len(parts) <= PARTS_MAX + 1
    assert parts[-1].end == len(data)


@pytest.mark.slow
@pytest.mark.parametrize(
    "header",
    [b"X: " + b"a" * 50_000_000 + b"\r\n\r\n", b"X: a\r\n" * 8_000_000 + b"\r\n", b"a" * 50_000_000],
    ids=["one field", "many fields", "no field"],
)
def test_fifty_megabytes_of_header(header: bytes) -> None:
    found = whole(header)
    assert len(found.header_text) <= 2_000_000


def test_no_boundary_and_a_false_one() -> None:
    """A multipart that cannot be taken apart is octets."""
    for label in (b"", b"; boundary=", b'; boundary=""', b"; boundary=" + b"b" * 1_000):
        data = HEAD + b"Content-Type: multipart/mixed%b\r\n\r\n--b\r\n\r\nx\r\n" % label
        (_, part) = message_parts.load(whole(data).parts)
        assert part.kind == "application/octet-stream"
    data = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\nno delimiter\r\n"
    assert sections(data) == ["", "1"]
    whole(HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--bx\r\n" * 100_000)


def test_line_ends_of_all_kinds() -> None:
    """Bare LF is read as a line end, bare CR is not, NUL is no text."""
    unix = whole(HEAD.replace(b"\r", b"") + b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nin\0ner\n--b--\n")
    assert unix.subject == "x"
    assert unix.text == "inner"
    mac = whole(b"From: a\rSubject: b\r\rbody\r")
    assert mac.header_octets == 25
    assert whole(b"").header_octets == 0
    assert whole(b"\r\n").text == "\r\n"[2:]


@pytest.mark.parametrize(
    ("charset", "octets", "text"),
    [
        (b"utf-8", "größer".encode("latin1"), "größer"),
        (b"us-ascii", "größer".encode(), "größer"),
        (b"nonsense", "größer".encode(), "größer"),
        (b"x" * 5_000, b"a", "a"),
        (b"iso-8859-1", "„“".encode("cp1252"), "„“"),
        (b"punycode", b"abc-", "abc-"),
        (b"unicode_escape", rb"\x41", r"\x41"),
        (b"rot13", b"abc", "abc"),
        (b"..\\..\\x", b"abc", "abc"),
    ],
)
def test_wrong_character_sets(charset: bytes, octets: bytes, text: str) -> None:
    data = HEAD + b"Content-Type: text/plain; charset=%b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" % charset + octets
    assert whole(data).text == text


@pytest.mark.parametrize("field", FIELDS)
def test_halves_of_characters(field: str) -> None:
    """UTF-7 can say one half alone, which neither engine stores: such a mail could not be delivered."""
    for word in (b"=?utf-7?Q?+2AA-?=", b"=?utf-7?B?KzJBQS0=?=", b'"=?utf-7?Q?+3AA-?=" <a@b.example>', b"<=?utf-7?q?+2AA-?=@b>"):
        whole(field.encode() + b": " + word + b"\r\n\r\nx")
    assert whole(b"Subject: a=?utf-7?Q?+2AA- +2D3eAA-?=\r\n\r\n").subject == "a\ufffd \U0001f600"


@pytest.mark.parametrize("charset", ["utf-7", "hz", "iso-2022-jp", "utf-16", "utf-32", "big5hkscs", "johab", "cp037"])
def test_octets_that_their_character_set_does_not_know(charset: str) -> None:
    for octets in (b"+AGEA-\\x41~{\x1b$B" * 1_000, b"\xff\x80\0" * 1_000, b"\x1b$B" * 1_000):
        whole(HEAD + b"Content-Type: text/plain; charset=%b\r\n\r\n" % charset.encode() + octets)


@pytest.mark.parametrize(
    "markup",
    [b"<", b"<script>", b"<!--", b"<style></scr", b"&#1;&amp", b"<p <p", b"</", b"<script></SCRIPT x"],
)
def test_markup_that_never_ends(markup: bytes) -> None:
    whole(HEAD + b"Content-Type: text/html\r\n\r\n" + markup * 200_000)


@pytest.mark.parametrize("encoding", [b"base64", b"quoted-printable", b"8bit", b"x-unknown", b"BASE64 ", b"\xff"])
def test_encodings_that_are_broken(encoding: bytes) -> None:
    for body in (b"=" * 10_000, b" A" * 10_000, b"QUJD\r\n!!!\r\nREVG", b"=4\r\n=ZZ=", b"\0" * 100):
        whole(HEAD + b"Content-Type: text/plain\r\nContent-Transfer-Encoding: %b\r\n\r\n" % encoding + body)


PIECES = st.sampled_from(
    [
        *(b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b";", b"--b", b"--b--", b"--", b"\r\n\r\n", b"\n\n"),
        *(b"Content-Type: multipart/mixed; boundary=b", b"Content-Type: message/rfc822", b"Content-Type: text/html"),
        *(b"Content-Transfer-Encoding: base64", b"Subject: =?utf-8?q?=C3=A4?=", b"From: A <a@b>", b"Date: x"),
        *(b'Content-Type: multipart/digest; boundary="b"', b"Content-Disposition: attachment; filename*0*=utf-8''%C3"),
        *(b"<p>", b"x", b"\xff", b"QUJD", b"=?", b"?=", b'"', b"(", b")", b"<", b">", b"@", b",", b"From a"),
    ]
)


@pytest.mark.slow
@given(st.lists(PIECES, max_size=40).map(b"".join) | st.binary(max_size=200))
@settings(max_examples=400)
def test_any_octets(data: bytes) -> None:
    whole(data)


def test_parts_survive_storing() -> None:
    part = Part("1.2", 0, 1, 2, 0, "text/plain", "7bit", "")
    assert message_parts.load(message_parts.dump([part])) == [part]


@pytest.mark.parametrize("rest", [b"x" * LONG * 3, b"x." * LONG, b"<a@b> " + b"y" * LONG * 2])
def test_two_addresses_of_one_author_are_found_in_time_that_grows_as_they_do(rest: bytes) -> None:
    """SYS-17, MSG-09: each octet of a long word behind a second `<` was begun with anew."""
    begun = time.process_time()
    found = mail_header.authors(b"From: <alice@example.test> <" + rest + b"\r\n")
    assert time.process_time() - begun < 2
    assert "alice@example.test" in found
