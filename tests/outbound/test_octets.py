"""The pure parts of the deliverer, with whatever octets come (hypothesis)."""

from __future__ import annotations

import base64
import re
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servers.outbound import dane, reports, sts, wire
from servers.outbound.options import Options
from servers.outbound.signing import author_domain
from servers.outbound.transaction import writable, xtext
from storage.outbound.types import Lease, Notice, Outcome, QueueId, Recipient, Report, Result
from storage.types import PrincipalId

OPTIONS = Options("desk.example.test", "example.test", frozenset({"example.test"}))
LINES = st.lists(
    st.sampled_from(
        [b"From: a@b", b"Content-Type: multipart/mixed; boundary=x", b"--x", b"--x--", b"", b".", b"..", b"\xe9t\xe9"]
    )
    | st.binary(max_size=20),
    max_size=12,
)
ENDS = st.sampled_from([b"\r\n", b"\n", b"\r"])


@given(LINES, ENDS)
def test_a_letter_has_whole_lines_and_a_header_before_its_body(lines: list[bytes], end: bytes) -> None:
    data = end.join(lines)
    one = wire.letter(data)
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", one.data)
    assert one.data.startswith(one.header)
    assert wire.letter(one.data) == one
    assert re.split(rb"\r\n|\r|\n", data) == one.data.split(b"\r\n")


@given(LINES)
def test_seven_bits_or_nothing(lines: list[bytes]) -> None:
    converted = wire.seven_bits(wire.letter(b"\r\n".join(lines)))
    if converted is not None:
        assert converted.data.isascii()
        assert wire.letter(converted.data) == converted


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=300),
    st.sampled_from(["utf-8", "utf-16-le"]),
)
def test_text_in_seven_bits_is_the_same_text(text: str, charset: str) -> None:
    octets = text.encode(charset)
    octets = re.sub(rb"[\r\n]", b"", octets)
    head = b"From: a@b\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=%b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    original = wire.letter(head % charset.encode() + octets + b"\r\n")
    converted = wire.seven_bits(original)
    assert converted is not None
    assert message_from_bytes(converted.data).get_payload(decode=True) == message_from_bytes(original.data).get_payload(
        decode=True
    )
    assert max(map(len, converted.data.split(b"\r\n"))) <= 998


LONG = b"<p>" + b"word " * 400 + b"</p>"


@pytest.mark.parametrize(
    ("kind", "encoding", "body"),
    [
        (b"text/html; charset=us-ascii", b"7bit", LONG),
        (b"text/html; charset=utf-8", b"8bit", "é".encode() * 1_000 + b"\r\nshort"),
        (b"text/plain", b"quoted-printable", b"=41" + b"a" * 2_000),
        (b"image/png", b"base64", base64.b64encode(b"\x89PNG" * 500)),
        (b"application/octet-stream", b"7bit", b"x" * 5_000),
    ],
)
def test_long_lines_are_encoded(kind: bytes, encoding: bytes, body: bytes) -> None:
    """RFC 5321 §4.5.3.1.6, RFC 5322 §2.1.1: servers refuse what is longer than 998; it means the same afterwards."""
    data = (
        b"From: a@b\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: "
        + kind
    )
    data += (
        b"\r\nContent-Transfer-Encoding: "
        + encoding
        + b"\r\n\r\n"
        + body
        + b"\r\n--x\r\nX-Y: z\r\n\r\nt\xfft\r\n--x--\r\n"
    )
    before = wire.letter(data)
    after = wire.short_lines(before)
    assert max(map(len, after.data.split(b"\r\n"))) <= 998
    old, new = (
        [part.get_payload(decode=True) for part in message_from_bytes(one.data).walk()] for one in (before, after)
    )
    assert new == old
    assert b"\r\n\r\nt\xfft\r\n--x--" in after.data


def test_what_is_sealed_or_short_stays_as_it_is() -> None:
    """RFC 1847 §2.1: a signature covers the octets."""
    sealed = b"From: a@b\r\nContent-Type: multipart/signed; boundary=x\r\n\r\n--x\r\n\r\n" + LONG + b"\r\n--x--\r\n"
    for data in (sealed, b"From: a@b\r\n\r\n" + b"x" * 998 + b"\r\n", b"X: " + b"y" * 2_000 + b"\r\n\r\nshort\r\n"):
        assert wire.short_lines(wire.letter(data)).data == data


def test_attachments_in_eight_bits_are_converted_where_they_are() -> None:
    data = (
        b"From: a@b\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\nContent-Transfer-Encoding: 8bit\r\n"
        b"Subject: a long\r\n\tone, folded\r\n\r\n"
        b"--x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xc3\xa9t\xc3\xa9 \r\n"
        b"--x\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n\x89PNG\xff\r\n"
        b"--x\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\naGk=\r\n--x--\r\n"
    )
    converted = wire.seven_bits(wire.letter(data))
    assert converted is not None
    parts = [part for part in message_from_bytes(converted.data).walk() if not part.is_multipart()]
    assert [part.get_payload(decode=True) for part in parts] == [b"\xc3\xa9t\xc3\xa9 ", b"\x89PNG\xff", b"hi"]
    assert [part["Content-Transfer-Encoding"] for part in parts] == ["quoted-printable", "base64", "base64"]
    assert b"Subject: a long\r\n\tone, folded\r\n" in converted.data


@given(st.binary(max_size=200))
def test_any_octets_are_a_policy_or_none(data: bytes) -> None:
    try:
        mode, mx, age = sts.parse(data)
    except sts.BadPolicy:
        return
    assert mode in {"enforce", "testing", "none"}
    assert (mx or mode == "none") and age >= 0  # noqa: PT018


def test_a_policy_is_read_as_it_is_written() -> None:
    text = (
        b"version: STSv1\nmode: enforce\nmx: MX.a.test\nmx: *.b.test.\nmode: none\nnew-field: x\nmax_age: 99999999\n\n"
    )
    assert sts.parse(text) == ("enforce", ("mx.a.test", "*.b.test"), 31_557_600)
    for bad in (b"mx", b"version: STSv2", b"mode: maybe", b"max_age: -1", b"max_age: 1x"):
        name = bad.split(b":")[0]
        with pytest.raises(sts.BadPolicy):
            sts.parse(re.sub(rb"(?m)^%b:.*$" % name, bad, text))


@pytest.mark.parametrize(
    ("host", "patterns", "found"),
    [
        ("mx.a.test", ["MX.a.test".lower()], True),
        ("MX.A.test.", ["mx.a.test"], True),
        ("mx.b.test", ["*.b.test"], True),
        ("x.mx.b.test", ["*.b.test"], False),
        ("b.test", ["*.b.test"], False),
        ("mxb.test", ["*.b.test"], False),
        ("", ["*."], False),
    ],
)
def test_patterns_stand_for_one_label(host: str, patterns: list[str], found: bool) -> None:
    assert sts.matches(host, patterns) is found


@pytest.mark.parametrize(
    ("texts", "name"),
    [
        (["v=STSv1; id=20160831085700Z;"], "20160831085700Z"),
        (["v=STSv1;id=a", "something else"], "a"),
        (["v=STSv1; foo=bar; id=b; baz=x"], "b"),
        (["v=STSv1; id=a", "v=STSv1; id=b"], ""),
        (["v=STSv1; id=" + "a" * 33], ""),
        (["v=STSv1; id=a-b"], ""),
        ([], ""),
    ],
)
def test_there_is_one_record_or_none(texts: list[str], name: str) -> None:
    assert sts.record_id(texts) == name


@given(
    st.lists(st.binary(max_size=50), max_size=3),
    st.lists(st.tuples(*[st.integers(0, 4)] * 3, st.binary(max_size=40)), max_size=3),
)
def test_no_certificate_and_no_record_can_hurt(chain: list[bytes], records: list[tuple[int, int, int, bytes]]) -> None:
    assert dane.verified(chain, [one for one in records if dane.usable(one)], ["mx.test"]) is False


@given(st.text(max_size=100))
def test_xtext_is_graphic_ascii(text: str) -> None:
    assert re.fullmatch(r"[!-~]*", xtext(text))


@given(st.text(max_size=40))
def test_what_can_be_written_breaks_no_command(address: str) -> None:
    if writable(address) and address:
        assert "@" in address
        assert not re.search(r"[\r\n\0]", address)
        plain = re.sub(r'"(?:[^"\\]|\\.)*"', "", address)
        assert not re.search(r"[<>\s]", plain)


@given(LINES)
def test_an_author_is_found_or_not(lines: list[bytes]) -> None:
    author_domain(wire.letter(b"\r\n".join(lines)))


@pytest.mark.parametrize(
    ("value", "domain"),
    [
        ("Alice <alice@Example.test>", "example.test"),
        ("alice@example.test", "example.test"),
        ('"x@evil.test" <a@example.test> (at home)', "example.test"),
        ("a@example.test, b@evil.test", ""),
        ("<a@evil.test>, a@example.test", ""),
        ("", ""),
    ],
)
def test_the_author_is_one(value: str, domain: str) -> None:
    assert author_domain(wire.letter(f"From: {value}\r\n\r\n".encode())) == domain


TEXT = st.text(max_size=60)


@given(TEXT, TEXT, TEXT, TEXT, st.sampled_from(Report), LINES, st.sampled_from(("en", "fr", "de", "nl", "xx")))
def test_a_report_is_one_whatever_is_in_it(
    address: str, orcpt: str, reply: str, envid: str, report: Report, lines: list[bytes], language: str
) -> None:
    recipient = Recipient(1, address, orcpt, "", 0, False)
    lease = Lease(
        QueueId(1),
        "t",
        "d",
        (recipient,),
        "alice@example.test",
        envid,
        "FULL",
        False,
        False,
        False,
        PrincipalId(0),
        1,
        0.0,
        0.0,
    )
    notice = Notice(report, recipient, Result(1, Outcome.FAILED, "5.0.0", reply, "mx.test"), 1e9)
    data = reports.compose(lease, wire.letter(b"\r\n".join(lines)), [notice], OPTIONS, 1.7e9, language)
    parsed = message_from_bytes(data, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    assert parsed.get_content_type() == "multipart/report"
    assert len(list(parsed.iter_parts())) == 3
    assert set(parsed.keys()) <= {
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "In-Reply-To",
        "References",
        "Auto-Submitted",
        "MIME-Version",
        "Content-Type",
    }
    head = data.split(b"message/", 1)[0]
    assert max(map(len, head.split(b"\r\n"))) <= 998
    status = re.search(rb"Action: (\w+)\r\nStatus: 5\.0\.0\r\n", data)
    assert status is not None
