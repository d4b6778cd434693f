"""What the grammar refuses, with the codes that the standards name."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.smtp.conftest import Client

Connect = Callable[..., Client]


@pytest.mark.parametrize("command", ["RSET", "DATA", "QUIT"])
def test_nothing_follows(connect: Connect, command: str) -> None:
    """RFC 5321 §4.1.1: these take no parameters; the mail that is under way goes on."""
    client = connect().hello()
    client("MAIL FROM:<x@out.example>", "RCPT TO:<alice@example.test>")
    assert client.code(f"{command} now") == "501 5.5.4"
    assert client("DATA ").startswith("354")  # a blank alone is nothing


def test_data_without_recipients(connect: Connect) -> None:
    """RFC 2033 §4.2: 503 in LMTP; RFC 5321 §3.3 leaves the choice in SMTP."""
    local = connect("lmtp").hello()
    local("MAIL FROM:<x@out.example>", "RCPT TO:<nobody@example.test>")
    assert local.code("DATA") == "503 5.5.1"
    client = connect().hello()
    client("MAIL FROM:<x@out.example>", "RCPT TO:<nobody@example.test>")
    assert client.code("DATA") == "554 5.5.1"


@pytest.mark.parametrize(
    "value", ["alice@example.test", ";a@x.example", "rfc822;", "rf/c;a", "rfc822;" + "a" * 500, "rfc822;+ZZ"]
)
def test_original_recipient(connect: Connect, value: str) -> None:
    """RFC 3461 §4.2: a kind of address, a semicolon, and the address as xtext of at most 500 characters in all."""
    client = connect().hello()
    client("MAIL FROM:<x@out.example>")
    assert client.code(f"RCPT TO:<alice@example.test> ORCPT={value}") == "501 5.5.4"
    assert client.code("RCPT TO:<alice@example.test> ORCPT=rfc822;alice+2Bx@example.test") == "250 2.1.5"


def test_no_value(connect: Connect) -> None:
    """RFC 6531 §3.4, RFC 8689 §2: SMTPUTF8 and REQUIRETLS stand alone."""
    client = connect("submissions", tls=True).login()
    assert client.code("MAIL FROM:<alice@example.test> SMTPUTF8=yes") == "501 5.5.4"
    assert client.code("MAIL FROM:<alice@example.test> REQUIRETLS=yes") == "501 5.5.4"
    assert client.code("MAIL FROM:<alice@example.test> SMTPUTF8 REQUIRETLS") == "250 2.1.0"


@pytest.mark.parametrize(
    "written", ['"alice"@example.test', '"al\\ice"@example.test', '"alice+x"@example.test', "alice@example.test."]
)
def test_the_same_address_written_otherwise(
    connect: Callable[..., Client],
    inbox: Callable[..., list[bytes]],
    queued: Callable[[], list[tuple[str, str]]],
    written: str,
) -> None:
    """RFC 5321 §4.1.2: quotes and backslashes that are not needed mean nothing; nor does a domain's last dot."""
    client = connect().hello()
    assert client.mail('"x"@out.example', written).startswith("250")
    (mail,) = inbox("alice")
    assert b"Return-Path: <x@out.example>\r\n" in mail
    assert queued() == []


@pytest.mark.parametrize("written", ['"a b"@example.test', '"al..ice"@example.test', '"alice."@example.test', '""@example.test'])
def test_quotes_that_are_needed(connect: Callable[..., Client], written: str) -> None:
    """RFC 5321 §4.1.2: such a local part is another one than without its quotes."""
    client = connect().hello()
    client("MAIL FROM:<x@out.example>")
    assert client.code(f"RCPT TO:<{written}>") == "550 5.1.1"


def test_own_addresses_in_quotes(connect: Callable[..., Client]) -> None:
    """MSG-09: whoever submits may quote his address."""
    client = connect("submissions", tls=True).login()
    assert client.code('MAIL FROM:<"alice"@example.test>') == "250 2.1.0"
