"""What is read in a quick way where mails are written as usual is what the thorough way gives (SYS-07)."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from storage.formats import header_text, message_parts, mime_fields
from storage.mail.folding import fold

_PIECES = st.sampled_from(
    [
        *(
            b"Subject: a",
            b"To: b",
            b"X-Y",
            b":",
            b" ",
            b"\t",
            b"\r\n",
            b"\r\n ",
            b"\r\n\t",
            b"\n",
            b"\r",
            b"\0",
            b"\x0b",
        ),
        *(b"=?utf-8?q?=C3=A4?=", b"=?", b"?=", b"\xc3\xa4", b"From ", b"x" * 40, b"\r\nCc: c", b"\x1f"),
    ]
)


@given(st.lists(_PIECES, max_size=12).map(b"".join))
def test_both_ways_give_the_same(octets: bytes) -> None:
    block = octets + b"\r\n\r\n"
    fields = mime_fields.fields(block)
    assert header_text.of(block, fields) == header_text._any(fields)


@given(
    st.text(st.sampled_from("aÄ\nİſﬁ\u0301\u0345\u1100\u1161\u2028\0") | st.characters(codec="utf-8")),
    st.integers(1, 60),
)
def test_lines_are_folded_as_the_whole_is(text: str, width: int) -> None:
    text = f"\n{'x' * width}".join(text)
    whole = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).replace("\0", " ")
    assert fold(text) == whole


def test_fields_of_parts_are_bounded() -> None:
    """SYS-17: of however many parts, so much is kept; a line never looks like a field of the message itself."""
    part = b"--b\r\nX-Long: " + b"y" * 10_000 + b"\r\nSubject: =?utf-8?q?a=0Ato:_b?=\r\n\r\n\r\n"
    root = message_parts.read(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + part * 900 + b"--b--\r\n")
    text = header_text.of_parts(root)
    assert 60_000 < len(text) < 80_000
    assert all(line.startswith(" ") for line in text[1:].split("\n"))
    assert "\n Subject: a to: b" in text
