"""What people and strangers call things stays one line of one header field in the mails of the desk (SYS-17)."""

from __future__ import annotations

import base64
import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import getaddresses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.formats.mail_policy import POLICY, POLICY_UTF8, one_line

NAMES = {b"subject", b"to", b"content-type", b"content-transfer-encoding", b"mime-version", b"content-disposition"}
EVIL = [
    "=?utf-8?q?=0d=0aX-Evil=3a_1?=",
    "=?utf-8?q?=0d=0a=0d=0aX-Evil=3a_1?=",
    f"=?utf-8?b?{base64.b64encode(b'boss@desk.test, x').decode()}?=",
    'x"=?utf-8*en?q?=0aX-Evil=3a?="',
    "=?utf-8?b?=?utf-8?q?=0d=0aX-Evil=3a_1?=?=",
    "\r\nX-Evil: 1",
    "a\x00b\u2028c\x0bd\udcffe\ud800f",
]


def fields(policy: EmailPolicy[Any], text: str) -> list[bytes]:
    """The names of all fields of a mail in which everything is called `text`."""
    mail: Any = EmailMessage(policy=policy)
    mail["To"] = [Address(text.replace("\r", "").replace("\n", ""), "dora", "else.test")]
    mail["Subject"] = text
    mail.set_content("x")
    mail.add_attachment(b"1", maintype="application", subtype="octet-stream", filename=one_line(text))
    octets: bytes = mail.as_bytes()
    assert b"\0" not in octets
    head, _, rest = octets.partition(b"\r\n\r\n")
    part = rest[rest.rindex(b"Content-Type") :].partition(b"\r\n\r\n")[0]
    found = [line.partition(b":")[0].lower() for line in re.split(rb"\r\n(?![ \t])", head + b"\r\n" + part)]
    assert b"\r" not in octets.replace(b"\r\n", b"")
    to = next(line for line in re.split(rb"\r\n(?![ \t])", head) if line.startswith(b"To:"))
    assert [address for _, address in getaddresses([to[3:].decode()])] == ["dora@else.test"]
    return found


@pytest.mark.parametrize("text", EVIL)
@pytest.mark.parametrize("policy", [POLICY, POLICY_UTF8])
def test_names_make_no_fields(policy: EmailPolicy[Any], text: str) -> None:
    assert set(fields(policy, text)) == NAMES


@given(
    st.lists(
        st.sampled_from(["=?", "?=", "utf-8", "?q?", "?b?", "=0d=0a", "DQpYOiAx", "x:", '"', ",", "\u2028", " ", "é"])
    )
)
def test_no_mixture_of_them_does(parts: list[str]) -> None:
    assert set(fields(POLICY, "".join(["a", *parts]))) == NAMES


def test_what_is_usual_stays() -> None:
    assert one_line("Réunion: 5 = 3 + 2 ?") == "Réunion: 5 = 3 + 2 ?"


def test_all_mails_of_the_desk_are_written_by_it() -> None:
    root = Path(__file__).parents[2]
    for path in (*root.glob("storage/**/*.py"), *root.glob("servers/**/*.py")):
        if path.name != "demo_mail.py":
            for made in re.findall(r"EmailMessage\((.*)\)", path.read_text()):
                assert "POLICY" in made, path
