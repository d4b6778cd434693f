"""CATENATE (RFC 4469)."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.imap.client import Client

Connect = Callable[..., Client]

LETTER = (
    "From: a@x.example\r\nSubject: two parts\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    "--b\r\nContent-Type: text/plain\r\n\r\nfirst\r\n"
    "--b\r\nContent-Type: application/x-a\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC\r\n--b--\r\n"
)


def text(octets: str) -> str:
    return f"TEXT {{{len(octets)}+}}\r\n{octets}"


@pytest.fixture
def writer(connect: Connect) -> Client:
    """The letter is the message with uid 1 of a new mailbox `The Box`, which is selected."""
    client = connect()
    client('CREATE "The Box"')
    client(f'APPEND "The Box" {{{len(LETTER)}+}}\r\n{LETTER}')
    client('SELECT "The Box"')
    return client


def made(client: Client, *parts: str) -> str:
    """Put a message of these parts into INBOX; its octets."""
    said = client.end(f"APPEND INBOX (\\Draft) CATENATE ({' '.join(parts)})")
    found = re.search(r"APPENDUID \d+ (\d+)\]", said)
    assert found is not None, said
    other = client("EXAMINE INBOX")
    assert "[READ-ONLY]" in other
    octets = client(f"UID FETCH {found[1]} (BODY.PEEK[])").partition("}\r\n")[2].rpartition(")\r\nA OK")[0]
    client('SELECT "The Box"')
    return octets


def test_parts_of_messages(writer: Client) -> None:
    """§3: as if the literal of a FETCH BODY response stood there; no decoding; nothing becomes \\Seen."""
    head = "Subject: new\r\n\r\n"
    assert made(writer, text(head), 'URL "/The%20Box/;UID=1/;SECTION=1"') == head + "first"
    assert made(writer, text(head), 'URL "/The%20Box/;uid=1/;section=2"') == head + "AAEC"
    assert made(writer, 'URL "/The%20Box/;UID=1"') == LETTER
    assert made(writer, 'URL ";UID=1/;SECTION=TEXT"', text("end")).endswith("--b--\r\nend")
    assert made(writer, 'URL "/The%20Box/;UID=1/;SECTION=HEADER.FIELDS%20(Subject)"', text("x")) == (
        "Subject: two parts\r\n\r\nx"
    )
    assert made(writer, text(head), 'URL "/The%20Box/;UID=1/;SECTION=1/;PARTIAL=1.3"') == head + "irs"
    assert made(writer, text(head), 'URL "/The%20Box/;UID=1/;SECTION=1/;PARTIAL=3"') == head + "st"
    assert "\\Seen" not in writer("FETCH 1 FLAGS")


def test_uid_validity(writer: Client) -> None:
    """RFC 5092 §6.1.2: a URL of an earlier life of the mailbox leads nowhere."""
    found = re.search(r"UIDVALIDITY (\d+)", writer('STATUS "The Box" (UIDVALIDITY)'))
    assert found is not None
    assert made(writer, f'URL "/The%20Box;UIDVALIDITY={found[1]}/;UID=1"') == LETTER
    said = writer.end(f'APPEND INBOX CATENATE (URL "/The%20Box;UIDVALIDITY={int(found[1]) + 1}/;UID=1")')
    assert said.startswith("A NO [BADURL /The%20Box;UIDVALIDITY=")


@pytest.mark.parametrize(
    "url",
    [
        "/The%20Box/;UID=2",
        "/The%20Box/;UID=1/;SECTION=7",
        "/The%20Box/;UID=1/;SECTION=MIME",
        "/Nowhere/;UID=1",
        "imap://other.example/INBOX/;UID=1",
        "/The%20Box",
        "/%FF/;UID=1",
        "/The%20Box/;UID=1/;SECTION=1]%20FLAGS",
        "http://x.example/",
        "",
    ],
)
def test_urls_that_lead_nowhere(writer: Client, url: str) -> None:
    """§4.1: BADURL with the first of them; nothing is appended, of none of the messages."""
    before = writer("STATUS INBOX (MESSAGES)")
    message = "Subject: x\r\n\r\n"
    said = writer.end(
        f'APPEND INBOX {{{len(message)}+}}\r\n{message} CATENATE ({text(message)} URL "{url}" URL "/Nowhere/;UID=9")'
    )
    assert said.startswith(f"A NO [BADURL {url.replace(']', '%5D')}] ")
    assert writer("STATUS INBOX (MESSAGES)") == before


def test_nobody_elses(writer: Client, connect: Connect) -> None:
    """§3: the messages are those of the session's user."""
    assert "[BADURL" in connect(login="bob").end('APPEND INBOX CATENATE (URL "/The%20Box/;UID=1")')


def test_refusals(writer: Client) -> None:
    """TRYCREATE comes before BADURL (RFC 9051 §6.3.12); the grammar of §5."""
    assert "[TRYCREATE]" in writer.end('APPEND None CATENATE (URL "/Nowhere/;UID=1")')
    assert writer.end("APPEND INBOX CATENATE ()").startswith("A BAD")
    assert writer.end('APPEND INBOX CATENATE (TEXT "quoted")').startswith("A BAD")
    assert writer.end("APPEND INBOX CATENATE (FILE x)").startswith("A BAD")
    assert "[CANNOT]" in writer.end('APPEND INBOX CATENATE (URL "/The%20Box/;UID=1/;SECTION=1/;PARTIAL=500")')


def test_with_others(writer: Client) -> None:
    """RFC 3502, RFC 8508: among several messages, and as the new one of REPLACE."""
    message = "Subject: x\r\n\r\n"
    url = 'CATENATE (URL "/The%20Box/;UID=1")'
    assert "A OK" in writer(f"APPEND INBOX {url} (\\Seen) {{{len(message)}+}}\r\n{message} {url}")
    assert "A OK" in writer(f'REPLACE 1 "The Box" (\\Draft) {url}')
    assert "two parts" in writer("FETCH 1 ENVELOPE")
