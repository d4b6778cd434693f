"""What others changed before a client first looked at its messages is told like anything else (RFC 9051 §5.2; IMAP-02)."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.imap.client import Client


@pytest.fixture
def alice(connect: Callable[..., Client]) -> Client:
    """Three mails in a mailbox of its own: keywords are never forgotten where they were set."""
    client = connect()
    client.lines("CREATE Heard")
    for number in (1, 2, 3):
        client.lines(f"APPEND Heard {{6+}}\r\na: {number}\r\n")
    client.lines("SELECT Heard")
    return client


def test_changes_from_before_the_first_look_are_told(connect: Callable[..., Client], alice: Client) -> None:
    """RFC 9051 §7.5.2: FETCH also tells what others changed. A client with a cache takes it for whole up to there."""
    alice.lines("UID SEARCH ALL")
    other = connect()
    other.lines("ENABLE CONDSTORE")
    other.lines("SELECT Heard")  # its messages are not at hand yet
    alice.lines("STORE 2 +FLAGS (\\Flagged $Work)")
    said = other.lines("FETCH 1 UID")
    assert [line for line in said if "FLAGS (\\Flagged $Work" in line] == said[-1:]
    assert re.match(r"\* 2 FETCH \(UID \d+ FLAGS .*MODSEQ", said[-1])
    assert any(line.startswith("* FLAGS (") and "$Work" in line for line in said)
    assert other.lines("NOOP") == []


def test_a_silent_store_first_of_all_tells_what_others_changed(connect: Callable[..., Client], alice: Client) -> None:
    """RFC 9051 §6.4.6."""
    other = connect()
    other.lines("ENABLE IMAP4rev2")
    other.lines("SELECT Heard")
    alice.lines("STORE 2 +FLAGS (\\Flagged)")
    told = other.lines("STORE 2 +FLAGS.SILENT (\\Seen)")
    assert any("FLAGS (\\Flagged \\Seen)" in line for line in told)


def test_new_keywords_come_before_the_flags(connect: Callable[..., Client], alice: Client) -> None:
    other = connect()
    other.lines("SELECT Heard")
    alice.lines("STORE 1 +FLAGS ($Strange)")
    said = other.lines("FETCH 1 FLAGS")
    assert said[0].startswith("* FLAGS (")
    assert "$Strange" in said[0]


def test_new_keywords_come_before_the_flags_of_what_is_read(connect: Callable[..., Client], alice: Client) -> None:
    """RFC 9051 §6.4.5: FETCH BODY[] tells the flags as they are by then."""
    other = connect()
    other.lines("SELECT Heard")
    other.lines("FETCH 1:* FLAGS")
    alice.lines("STORE 1 +FLAGS ($Odd)")
    said = other.lines("FETCH 1 BODY[]")
    assert said[0].startswith("* FLAGS (")
    assert "$Odd" in said[0]


def test_who_waits_for_removals_is_told_up_to_where_it_knows_all(connect: Callable[..., Client], alice: Client) -> None:
    """RFC 7162 §3.2: "if the server sends MODSEQ FETCH data items while EXPUNGE (or VANISHED) replies with lower
    mod-sequences being delayed, the server MUST send the HIGHESTMODSEQ response code with a lower value"."""
    other = connect()
    other.lines("ENABLE QRESYNC")
    (known,) = (int(one[1]) for line in other.lines("SELECT Heard") if (one := re.search(r"HIGHESTMODSEQ (\d+)", line)))
    other.lines("FETCH 1:* FLAGS")
    alice.lines("STORE 3 +FLAGS.SILENT (\\Deleted)")
    other.lines("NOOP")
    alice.lines("EXPUNGE")
    told, code = other.lines("STORE 1 +FLAGS (\\Flagged)")
    assert f"MODSEQ ({known + 3})" in told
    assert code.startswith(f"* OK [HIGHESTMODSEQ {known + 1}]")
    assert other.lines("FETCH 1 MODSEQ")[-1].startswith(f"* OK [HIGHESTMODSEQ {known + 1}]")
    assert f"* OK [HIGHESTMODSEQ {known + 1}]" in other("FETCH 1:3 (MODSEQ)")  # NO [EXPUNGEISSUED]
    vanished, code = other.lines("NOOP")
    assert vanished.startswith("* VANISHED ")
    assert code.startswith(f"* OK [HIGHESTMODSEQ {known + 3}]")
    assert other.lines("NOOP") == []


def test_a_refused_silent_store_tells_the_flags(connect: Callable[..., Client], alice: Client) -> None:
    """RFC 7162 §3.1.3: what failed the UNCHANGEDSINCE test was not changed by this client, whatever it wanted."""
    other = connect()
    other.lines("ENABLE CONDSTORE")
    other.lines("SELECT Heard")
    modseq = max(int(one) for one in re.findall(r"MODSEQ \((\d+)\)", other("FETCH 1:* (FLAGS MODSEQ)")))
    alice.lines("STORE 2 FLAGS (\\Seen)")
    said = other(f"STORE 2 (UNCHANGEDSINCE {modseq}) FLAGS.SILENT (\\Seen)")
    assert "[MODIFIED 2]" in said
    assert re.search(r"\* 2 FETCH \(UID 2 FLAGS \(\\Seen[^)]*\) MODSEQ", said)


def test_what_is_there_is_fetched_beside_what_just_went(connect: Callable[..., Client], alice: Client) -> None:
    """RFC 9051 §7.1, EXPUNGEISSUED: "some" of the messages could not be returned; §6.4.5: that \\Seen is set, is told."""
    other = connect()
    other.lines("SELECT Heard")
    other.lines("FETCH 1:* FLAGS")
    alice.lines("STORE 3 +FLAGS.SILENT (\\Deleted)")
    alice.lines("EXPUNGE")
    said = other("FETCH 1:3 BODY[]")
    assert "A NO [EXPUNGEISSUED]" in said
    assert len(re.findall(r"\* \d FETCH \(BODY\[\] \{6\}\r\na: \d\r\n FLAGS \(\\Seen", said)) == 2


def test_seen_is_told_where_a_part_cannot_be_decoded(alice: Client) -> None:
    """RFC 3516 §4.3: NO [UNKNOWN-CTE]; the message has \\Seen all the same, and RFC 9051 §6.4.5 has that told."""
    message = "Content-Transfer-Encoding: x-strange\r\n\r\ntext\r\n"
    alice.lines(f"APPEND Heard {{{len(message)}+}}\r\n{message}")
    assert "NO [UNKNOWN-CTE]" in alice("FETCH 4 BINARY[1]")
    fetched = [line for line in alice.lines("NOOP") if "FLAGS (\\Seen" in line]
    assert len(fetched) == int("\\Seen" in alice("FETCH 4 FLAGS"))
