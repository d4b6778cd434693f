"""Searches, orders and lists where a standard decides between two ways that both look right."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from servers.imap.view import View
from tests.imap.client import Client

Connect = Callable[..., Client]


def put(client: Client, *headers: str) -> None:
    """Append a message of these header fields each."""
    for header in headers:
        message = f"{header}\r\n\r\ntext\r\n"
        assert "APPENDUID" in client(f"APPEND INBOX {{{len(message)}+}}\r\n{message}")


def test_a_day_is_the_writers_day(connect: Connect) -> None:
    """RFC 9051 §6.4.4: SENTON and its like disregard the time zone of the Date field."""
    client = connect()
    put(
        client,
        "Date: Sat, 24 Mar 2007 23:00:00 -0500",
        "Date: Sun, 25 Mar 2007 01:00:00 +0200",
        "Date: Sun, 25 Mar 2007 12:00:00 +0000",
        "Date: Mon, 26 Mar 2007 00:30:00 +1300",
        "Subject: no date",
    )
    client("SELECT INBOX")
    assert client.lines("SEARCH SENTON 24-Mar-2007") == ["* SEARCH 1"]
    assert client.lines("SEARCH SENTON 25-Mar-2007") == ["* SEARCH 2 3"]
    assert client.lines("SEARCH SENTBEFORE 25-Mar-2007") == ["* SEARCH 1"]
    assert client.lines("SEARCH SENTSINCE 26-Mar-2007") == ["* SEARCH 4"]
    assert client.lines("SEARCH SENTBEFORE 1-Jan-2020 SENTSINCE 1-Jan-1990") == ["* SEARCH 1 2 3 4"]


def test_order_of_subjects(connect: Connect) -> None:
    """RFC 5256 §7, RFC 5051 §2: compared as capitals, so that `[` and `_` come after Z; accents beside their letters."""
    client = connect()
    put(client, *(f"Subject: {word}" for word in ("_", "[xyz]", "zebra", "A", "b", "=?utf-8?q?=C3=A9t=C3=A9?=", "F")))
    client("SELECT INBOX")
    assert client.lines("SORT (SUBJECT) UTF-8 ALL") == ["* SORT 4 5 6 7 3 2 1"]


def test_change_number_of_the_ends(alice: Client) -> None:
    """RFC 4731 §3.2: with MIN or MAX alone, MODSEQ is that of what is told."""
    alice("STORE 1 +FLAGS (\\Seen)")
    alice("STORE 3 +FLAGS (\\Seen)")
    alice("STORE 2 +FLAGS (\\Seen)")
    numbers = [int(one) for one in re.findall(r"MODSEQ \((\d+)\)", alice("FETCH 1:3 (MODSEQ)"))]
    assert numbers[0] < numbers[2] < numbers[1]

    def told(options: str) -> int:
        found = re.search(r"MODSEQ (\d+)\r\n", alice(f"SEARCH RETURN ({options}) MODSEQ 1"))
        assert found is not None
        return int(found[1])

    assert told("MIN") == numbers[0]
    assert told("MAX") == numbers[2]
    assert told("MIN MAX") == numbers[2]
    assert told("MIN COUNT") == told("ALL") == numbers[1]


def test_first_word_of_change_numbers(alice: Client) -> None:
    """RFC 7162 §3.1: the first command that enables CONDSTORE in a selected mailbox tells HIGHESTMODSEQ, no later one."""
    first = alice.lines("FETCH 1 (MODSEQ)")
    assert re.fullmatch(r"\* OK \[HIGHESTMODSEQ \d+\] .+", first[0])
    assert "HIGHESTMODSEQ" not in alice("FETCH 1 (MODSEQ)")


def test_first_word_in_a_long_answer(alice: Client) -> None:
    """The same where the answer is drawn bit by bit."""
    put(alice, *(f"Subject: {number}" for number in range(25)))
    assert alice.lines("FETCH 1:* (MODSEQ)")[0].startswith("* OK [HIGHESTMODSEQ ")


def test_reading_is_a_change(alice: Client) -> None:
    """RFC 7162 §3.1: who knows of change numbers is told that of the \\Seen that reading sets, and hears of it once."""
    assert "MODSEQ" not in alice("FETCH 1 BODY[]")
    alice("ENABLE CONDSTORE")
    said = alice("FETCH 2 BODY[TEXT]")
    found = re.search(r"FLAGS \(\\Seen\) MODSEQ \((\d+)\)", said)
    assert found is not None
    assert f"MODSEQ ({found[1]})" in alice("FETCH 2 MODSEQ")
    assert "FLAGS" not in alice("NOOP")
    assert "MODSEQ" not in alice("FETCH 2 BODY[TEXT]")  # nothing changed


def test_no_superfluous_parents(connect: Connect) -> None:
    """RFC 5258 §3.5: CHILDINFO for a name that was not chosen only where a chosen one below is not told."""
    client = connect()
    for name in ("Work/a", "Work/b"):
        client(f"CREATE {name}")
        client(f"SUBSCRIBE {name}")
    assert len(client.lines('LIST (SUBSCRIBED RECURSIVEMATCH) "" (Work Work/*)')) == 2
    assert "CHILDINFO" in client('LIST (SUBSCRIBED RECURSIVEMATCH) "" (Work Work/a)')
    client("SUBSCRIBE Work")
    assert "CHILDINFO" in client('LIST (SUBSCRIBED RECURSIVEMATCH) "" (Work Work/*)')


def test_first_counters_have_the_change_number(connect: Connect) -> None:
    """RFC 5465 §3.1: STATUS at the beginning contains HIGHESTMODSEQ, whatever is enabled."""
    said = connect()("NOTIFY SET STATUS (INBOXES (MessageNew MessageExpunge FlagChange))")
    assert "HIGHESTMODSEQ" in said
    assert "UIDVALIDITY" in said


def test_nothing_is_in_a_field_that_is_there(connect: Connect) -> None:
    """RFC 9051 §6.4.4: "" is in every field that a message has, and in none that it has not."""
    client = connect()
    put(client, "From: a@x.example\r\nCc: b@x.example", "Subject: one\r\nCc:", "From: c@x.example\r\nSubject:")
    client("SELECT INBOX")
    for key, found in (("FROM", " 1 3"), ("CC", " 1 2"), ("BCC", ""), ("TO", ""), ("SUBJECT", " 2 3"), ("HEADER Cc", " 1 2")):
        assert client.lines(f'SEARCH {key} ""') == [f"* SEARCH{found}"], key
    assert client.lines('SEARCH NOT CC "" TEXT ""') == ["* SEARCH 3"]


def test_a_field_that_stands_twice(connect: Connect) -> None:
    """RFC 9051 §6.4.4: HEADER asks for any field of the name; FROM and SUBJECT for what the envelope has of them."""
    client = connect()
    put(client, "From: a@x.example\r\nSubject: one\r\nFrom: =?utf-8?q?Zo=C3=AB?= <b@x.example>\r\nSubject: another")
    client("SELECT INBOX")
    for key in ("FROM a@x", "HEADER From a@x", "HEADER From B@X", 'HEADER From {4+}\r\nZoë', "HEADER Subject another"):
        assert client.lines(f"SEARCH CHARSET UTF-8 {key}") == ["* SEARCH 1"], key
    for key in ("FROM b@x", "SUBJECT another", "HEADER From c@x", "HEADER Subject a@x"):
        assert client.lines(f"SEARCH {key}") == ["* SEARCH"], key


def test_what_stands_in_the_headers_of_parts(connect: Connect) -> None:
    """RFC 9051 §6.4.4, TEXT: the names of files, and what enclosed messages say of themselves, are in the message.

    HEADER and its like ask for fields of the message itself.
    """
    client = connect()
    message = (
        "From: a@x.example\r\nSubject: outer\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: application/pdf; name=plan.pdf\r\nX-Part: odd\r\n"
        "Content-Disposition: attachment;\r\n filename*=utf-8''Gr%C3%B6%C3%9Fe.pdf\r\n\r\nx\r\n"
        "--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: Inner <in@x.example>\r\n"
        "Subject: =?utf-8?q?verschl=C3=BCsselt?=\r\n and folded\r\nContent-Type: text/plain\r\n\r\nwords\r\n--b--\r\n"
    )
    client(f"APPEND INBOX {{{len(message)}+}}\r\n{message}")
    put(client, "Subject: another")
    client("SELECT INBOX")
    for sought in ("plan.pdf", "größe.PDF", "X-Part: odd", "in@x.example", "Verschlüsselt and", "words", "outer"):
        literal = sought.encode()
        assert client.lines(b"SEARCH CHARSET UTF-8 TEXT {%d+}\r\n%b" % (len(literal), literal)) == ["* SEARCH 1"], sought
    for key in ("FROM in@x.example", "SUBJECT verschl", 'HEADER Subject "folded"', 'HEADER X-Part ""', "BODY inner"):
        assert client.lines(f"SEARCH {key}") == ["* SEARCH"], key
    assert client.lines("SEARCH TEXT text/plain") == ["* SEARCH"]  # what every part has is not kept


def test_removals_that_wait_are_looked_at_once(alice: Client, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-02, SYS-07: what somebody removed and the client may not hear of yet was copied for each message."""
    other = connect()
    other("SELECT INBOX")
    other("STORE 2 +FLAGS.SILENT (\\Deleted)")
    other("EXPUNGE")
    asked: list[int] = []
    gone = View.gone.fget
    assert gone is not None

    def counted(view: View) -> frozenset[int]:
        asked.append(view.id)
        return gone(view)

    monkeypatch.setattr(View, "gone", property(counted))
    for command in ("SEARCH ALL", "SEARCH ALL", "SORT (DATE) UTF-8 ALL", "THREAD REFS UTF-8 ALL", "UID SEARCH 1:3"):
        asked.clear()
        said = alice(command)
        assert "EXPUNGE" not in said
        assert len(asked) <= 3, command
    assert alice.lines("SEARCH ALL") == ["* SEARCH 1 3"]
