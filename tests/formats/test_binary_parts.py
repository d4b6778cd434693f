"""Binary parts become base64 where they hold a NUL (RFC 3516 §6)."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.formats import binary_parts, message_parts

OCTETS = bytes(range(256))
MIXED = (
    b"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\nprologue\r\n"
    b"--b\r\nContent-Type: image/png\r\ncontent-transfer-encoding:\r\n binary (as it is)\r\nX: y\r\n\r\n%b\r\n"
    b"--b\r\nContent-Transfer-Encoding: binary\r\n\r\nno nul\r\n"
    b"--b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: BINARY\r\n\r\n"
    b"Content-Transfer-Encoding: binary\r\n\r\na\0b\r\n--b--\r\n"
)


def test_parts_that_hold_a_nul() -> None:
    fresh = binary_parts.without_nul(MIXED % OCTETS)
    assert b"\0" not in fresh
    parts = {part.section: part for part in message_parts.sections(message_parts.read(fresh))}
    assert message_parts.decode(fresh, parts["1"]) == OCTETS
    assert {section: part.encoding for section, part in parts.items()} == {
        "": "8bit",
        "1": "base64",
        "2": "binary",
        "3": "8bit",
        "3.1": "base64",
    }
    assert message_parts.decode(fresh, parts["3.1"]) == b"a\0b"
    assert fresh.startswith(b"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\nprologue")
    assert b"\r\ncontent-transfer-encoding: base64\r\nX: y\r\n\r\n" in fresh
    assert max(map(len, fresh.split(b"\r\n"))) <= 76


def test_a_message_of_one_part() -> None:
    head = b"Subject: Content-Transfer-Encoding: binary\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    assert binary_parts.without_nul(head + b"\0") == head.replace(b"\r\n\r\n", b"").replace(
        b"\nContent-Transfer-Encoding: binary", b"\nContent-Transfer-Encoding: base64\r\n\r\n"
    ) + b64encode(b"\0")


@pytest.mark.parametrize(
    "data",
    [
        (MIXED % b"plain").replace(b"a\0b", b"ab"),
        b"Subject: a\0b\r\nContent-Transfer-Encoding: binary\r\n\r\nx",
        b"Content-Transfer-Encoding: 8bit\r\n\r\na\0b",
        b"\0",
    ],
)
def test_what_is_left_alone(data: bytes) -> None:
    assert binary_parts.without_nul(data) == data


@given(st.binary(max_size=300))
def test_any_octets_come_back(octets: bytes) -> None:
    fresh = binary_parts.without_nul(b"Content-Transfer-Encoding: binary\r\n\r\n" + octets)
    assert (b"\0" in fresh) is False
    part = message_parts.sections(message_parts.read(fresh))[1]
    assert message_parts.decode(fresh, part) == octets
