"""The scanner of mails against the standard library's: the same parts, contents, addresses and words (RFC 2045…2047, 5322)."""

from __future__ import annotations

import email
import email.policy
import unicodedata
from email.message import EmailMessage, Message
from email.utils import getaddresses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.formats import addresses, message, message_parts
from storage.formats.message_parts import Part

pytestmark = pytest.mark.slow

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12)
PROSE = st.lists(WORDS, max_size=12).map(" ".join)
LINES = st.lists(PROSE, min_size=1, max_size=5).map(lambda lines: "\n".join(lines) + "\n")
ASCII = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=8)
NAMES = st.lists(st.text("abcäöüßéλ字 ", min_size=1, max_size=6), min_size=1, max_size=3).map(
    lambda n: " ".join(n).strip()
)
BOXES = st.tuples(NAMES, ASCII, ASCII).map(lambda one: (one[0].strip(), f"{one[1]}@{one[2]}.example"))


@st.composite
def leaves(draw: st.DrawFn) -> EmailMessage:
    """One part: text in some character set and encoding, or octets."""
    made = EmailMessage(policy=email.policy.SMTP)
    kind = draw(st.sampled_from(["plain", "html", "octets", "message"]))
    if kind in ("plain", "html"):
        made.set_content(
            draw(LINES),
            subtype=kind,
            charset="utf-8",
            cte=draw(st.sampled_from(["base64", "quoted-printable", "8bit"])),
        )
    elif kind == "octets":
        made.set_content(
            draw(st.binary(max_size=200)), "application", "x-data", cte="base64",
            disposition="attachment", filename=draw(WORDS),
        )  # fmt: skip
    else:
        inner = EmailMessage(policy=email.policy.SMTP)
        inner["Subject"] = draw(PROSE)
        inner.set_content(draw(LINES), cte="quoted-printable")
        made.set_content(inner)
    return made


TREES = st.recursive(
    leaves(),
    lambda below: st.tuples(
        st.sampled_from(["mixed", "alternative", "related"]), st.lists(below, min_size=1, max_size=4)
    ).map(lambda one: _multipart(*one)),
    max_leaves=8,
)


def _multipart(subtype: str, parts: list[EmailMessage]) -> EmailMessage:
    made = EmailMessage(policy=email.policy.SMTP)
    made["Content-Type"] = f"multipart/{subtype}"
    made.set_payload(parts)
    return made


def _sections(mail: Message[Any, Any], section: str = "") -> dict[str, Message[Any, Any]]:
    """Section numbers of IMAP to parts, as the standard library sees them (RFC 9051 §6.4.5.1)."""
    found: dict[str, Message[Any, Any]] = {}
    prefix = f"{section}." if section else ""
    if mail.get_content_maintype() == "multipart":
        children: Any = mail.get_payload()
        for number, child in enumerate(children, 1):
            here = f"{prefix}{number}"
            found[here] = child
            if child.get_content_type() == "message/rfc822":
                found |= _sections(child.get_payload(0), here)
            elif child.get_content_maintype() == "multipart":
                found |= _sections(child, here)
        return found
    found[f"{prefix}1"] = mail
    if mail.get_content_type() == "message/rfc822":
        inner: Any = mail.get_payload(0)
        found |= _sections(inner, f"{prefix}1")
    return found


def _parts(data: bytes) -> dict[str, Part]:
    return {part.section: part for part in message_parts.load(message.scan(data).parts) if part.section}


@given(TREES)
@settings(max_examples=60)
def test_parts_are_the_same(mail: EmailMessage) -> None:
    mail["From"] = "Ada <ada@example.test>"
    mail["Subject"] = "x"
    data = mail.as_bytes(policy=email.policy.SMTP)
    expected = _sections(email.message_from_bytes(data, policy=email.policy.default))
    found = _parts(data)
    assert found.keys() == expected.keys()
    for section, part in found.items():
        theirs = expected[section]
        assert part.kind == theirs.get_content_type(), section
        if theirs.get_content_maintype() in ("multipart", "message"):
            continue
        payload = theirs.get_payload(decode=True)
        assert isinstance(payload, bytes)
        assert message_parts.decode(data, part).replace(b"\r\n", b"\n") == payload.replace(b"\r\n", b"\n"), section
        if theirs.get_content_maintype() == "text":
            text: Any = theirs
            assert message_parts.text(data, part).replace("\r\n", "\n") == text.get_content().replace("\r\n", "\n")


@given(PROSE, st.lists(BOXES, min_size=1, max_size=4))
@settings(max_examples=60)
def test_fields_are_the_same(subject: str, boxes: list[tuple[str, str]]) -> None:
    """Encoded words are joined and decoded alike; addresses and names too."""
    mail = EmailMessage(policy=email.policy.SMTP)
    mail["Subject"] = subject
    mail["To"] = ", ".join(email.utils.formataddr(one) for one in boxes)
    mail.set_content("x")
    data = mail.as_bytes(policy=email.policy.SMTP)
    theirs = email.message_from_bytes(data, policy=email.policy.default)
    found = message.scan(data)
    assert _squeezed(found.subject) == _squeezed(str(theirs["Subject"]))
    raw = email.message_from_bytes(data)["To"].encode()
    ours = [(one.name, one.address) for one in addresses.parse_addresses(raw)]
    expected = [(one.display_name, one.addr_spec) for one in theirs["To"].addresses]
    assert [(_squeezed(name), box) for name, box in ours] == [(_squeezed(name), box) for name, box in expected]


def _squeezed(text: str) -> str:
    """Without white space: the library puts some between encoded words, against RFC 2047 §6.2."""
    return "".join(unicodedata.normalize("NFC", text).split())


@given(st.text(' ab.,;:<>@"()\\\t', max_size=30))
@settings(max_examples=300)
def test_simple_address_lists_are_the_same(value: str) -> None:
    """Where the standard library finds whole addresses in atoms and quoted names, so do we."""
    theirs = getaddresses([value])
    whole = [
        one
        for _, one in theirs
        if one.count("@") == 1 and all(one.split("@")) and one.replace("@", "").replace(".", "").isalnum()
    ]
    if (
        len(whole) != len(theirs)
        or ".." in value
        or any(one.strip(".") != one for box in whole for one in box.split("@"))
    ):
        return
    ours = [one.address for one in addresses.parse_addresses(value)]
    assert ours == whole
