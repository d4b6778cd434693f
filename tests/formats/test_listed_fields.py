"""Chosen header fields are the same whether they are found by their names or by reading (RFC 9051 §6.4.5.1)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from storage.formats import listed_fields, message

NAMES = ("from", "to", "cc", "subject", "references", "x-mailer")
_value = st.lists(st.binary(max_size=12).map(lambda one: one.translate(None, b"\r\n\0")), min_size=1, max_size=3)
_field = st.tuples(st.sampled_from([*NAMES, "FROM", "Subject"]), _value)


def _header(fields: list[tuple[str, list[bytes]]]) -> bytes:
    return b"".join(name.encode() + b": " + b"\r\n ".join(lines) + b"\r\n" for name, lines in fields)


@given(st.lists(_field, max_size=8), st.sets(st.sampled_from(NAMES), min_size=1))
def test_chosen_by_name_as_by_reading(fields: list[tuple[str, list[bytes]]], names: set[str]) -> None:
    header = _header(fields)
    wanted = tuple(sorted(names))
    scanned = message.scan(header + b"\r\nbody\r\n")
    plain = listed_fields.plain(scanned.listed_names, scanned.listed)
    assert plain == header
    (found,) = listed_fields.choose([(1, scanned.listed_names, scanned.listed)], wanted)
    assert found == b"".join(listed_fields.pattern(wanted).findall(plain))


@given(st.binary(max_size=300))
def test_any_octets(data: bytes) -> None:
    scanned = message.scan(b"Subject: " + data + b"\r\nFrom: a\0b\r\nTo: " + data)
    plain = listed_fields.plain(scanned.listed_names, scanned.listed)
    for wanted in (("from",), ("subject", "to"), ("cc",)):
        (found,) = listed_fields.choose([(1, scanned.listed_names, scanned.listed)], wanted)
        assert found == b"".join(listed_fields.pattern(wanted).findall(plain))


def test_a_nul_in_a_header_is_kept() -> None:
    data = b"From: a\r\nSubject: one\0two\r\nTo: b\r\n\r\n"
    scanned = message.scan(data)
    assert scanned.listed_names == ""
    assert listed_fields.choose([(1, scanned.listed_names, scanned.listed), None], ("subject",)) == [
        b"Subject: one\0two\r\n",
        None,
    ]


def test_no_field_and_one_field() -> None:
    assert listed_fields.pack([]) == ("", b"")
    names, octets = listed_fields.pack([(b"to", b"To: a\r\n")])
    assert (names, octets) == ("to", b"To: a\r\n")
    assert listed_fields.choose([(1, names, octets), (2, "", b"")], ("to",)) == [b"To: a\r\n", b""]
    assert listed_fields.choose([(1, names, octets)], ("cc",)) == [b""]
