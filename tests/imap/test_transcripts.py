"""Sessions by the sections of the standards (RFC 9051, 3501 and the extensions that are announced)."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable

import pytest

from servers.line.session import Reply, Then
from tests.imap.client import PASSWORD, Client

Connect = Callable[..., Client]


def uid_next(client: Client, mailbox: str = "INBOX") -> int:
    found = re.search(r"UIDNEXT (\d+)", client(f"STATUS {mailbox} (UIDNEXT)"))
    assert found is not None
    return int(found[1])


def test_logging_in(connect: Connect) -> None:
    """RFC 9051 §6.2, RFC 4959, RFC 5530: every way, refusals alike, BYE after some."""
    stranger = connect(known=False)
    assert "[CAPABILITY IMAP4rev2 IMAP4rev1 " in stranger.greeting
    assert stranger.end("SELECT INBOX") == "A BAD log in first"
    plain = base64.b64encode(f"\0alice\0{PASSWORD}".encode()).decode()
    assert "OK [CAPABILITY" in connect(known=False)(f"AUTHENTICATE PLAIN {plain}")
    slow = connect(known=False)
    assert slow("AUTHENTICATE PLAIN") == "+ \r\n"
    assert "A OK" in slow.feed(plain.encode() + b"\r\n")
    old = connect(known=False)
    old("AUTHENTICATE LOGIN")
    old.feed(base64.b64encode(b"alice") + b"\r\n")
    assert "A OK" in old.feed(base64.b64encode(PASSWORD.encode()) + b"\r\n")
    assert connect(known=False)("AUTHENTICATE PLAIN =").startswith("A BAD")
    cancelled = connect(known=False)
    cancelled("AUTHENTICATE PLAIN")
    assert cancelled.feed(b"*\r\n") == "A BAD authentication cancelled\r\n"
    literal = connect(known=False)
    assert "A OK" in literal.feed(b"A LOGIN {5+}\r\nalice {%d+}\r\n%b\r\n" % (len(PASSWORD), PASSWORD.encode()))
    wrong = connect(known=False)
    said = wrong("LOGIN alice no")
    assert said == connect(known=False)("LOGIN nobody no")
    assert "[AUTHENTICATIONFAILED]" in said
    for _ in range(3):
        said = wrong("LOGIN alice no")
    assert "BYE" in said
    assert wrong.then is Then.CLOSE


def test_no_password_in_the_clear(connect: Connect) -> None:
    """SYS-05, RFC 9051 §6.2.1, §11.1: LOGINDISABLED until TLS."""
    far = connect(known=False, address="192.0.2.7")
    assert "LOGINDISABLED" in far.greeting
    assert "AUTH=" not in far.greeting
    assert "[PRIVACYREQUIRED]" in far(f'LOGIN alice "{PASSWORD}"')
    assert "[PRIVACYREQUIRED]" in far("AUTHENTICATE PLAIN")
    far("STARTTLS")
    assert far.then is Then.STARTTLS
    far.session.secured()
    assert "AUTH=PLAIN" in far("CAPABILITY")
    assert "A OK" in far(f'LOGIN alice "{PASSWORD}"')


def test_select(alice: Client) -> None:
    """RFC 9051 §6.3.2."""
    lines = alice.lines("SELECT INBOX")
    assert lines[0] == "* OK [CLOSED] the other mailbox is closed"
    assert "* 3 EXISTS" in lines
    assert "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)" in lines
    assert any("[PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)]" in line for line in lines)
    for code in ("UIDVALIDITY", "UIDNEXT", "HIGHESTMODSEQ", "MAILBOXID"):
        assert any(f"[{code} " in line for line in lines)
    assert "[READ-ONLY]" in alice.end("EXAMINE INBOX")
    assert alice.end("STORE 1 +FLAGS (\\Seen)").startswith("A NO")
    assert alice.end("SELECT Nowhere") == "A NO [NONEXISTENT] there is no such mailbox"
    assert alice.end("FETCH 1 FLAGS").startswith("A BAD")  # nothing is selected now


@pytest.mark.parametrize("items", ["FLAGS", "BODY.PEEK[]", "(FLAGS BODY[])", "RFC822", "BODYSTRUCTURE", "ENVELOPE", "ALL"])
def test_fetch_of_nothing(alice: Client, items: str) -> None:
    """RFC 9051 §6.4.9: UIDs that are not there are no error, and an empty mailbox has none."""
    assert alice.lines(f"UID FETCH 4000000000 {items}") == []
    alice("CREATE Empty")
    alice("SELECT Empty")
    assert alice.lines(f"UID FETCH 1:* {items}") == []
    assert alice.end(f"UID FETCH 1:* {items}").startswith("A OK")
    assert alice.end("UID STORE 1:* +FLAGS (\\Seen)").startswith("A OK")
    assert alice.end("UID COPY 1:* INBOX").startswith("A OK")
    assert alice.end("UID SEARCH ALL").startswith("A OK")
    assert alice.end("UID SORT (DATE) UTF-8 ALL").startswith("A OK")
    assert alice.end("UID THREAD REFERENCES UTF-8 ALL").startswith("A OK")
    assert alice.end("UID EXPUNGE 1:*").startswith("A OK")


def test_fetch(alice: Client) -> None:
    """RFC 9051 §6.4.5: items, sections, parts of them; \\Seen by reading."""
    assert alice.lines("FETCH 2 (UID FLAGS)")[0].endswith("FLAGS ())")
    assert "FLAGS (\\Seen)" in alice("FETCH 2 BODY[]")
    assert "FLAGS (\\Seen)" not in alice("FETCH 3 BODY.PEEK[]")
    assert 'ENVELOPE (NIL "nr 1" ((NIL NIL "a1" "x.example"))' in alice("FETCH 1 ENVELOPE")
    assert "BODY[HEADER.FIELDS (SUBJECT)] {17}\r\nSubject: nr 1\r\n\r\n" in alice(
        "FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT)]"
    )
    assert "BODY[HEADER.FIELDS.NOT (Subject)] {22}\r\nFrom: a1@x.example\r\n\r\n" in alice(
        "FETCH 1 BODY.PEEK[HEADER.FIELDS.NOT (Subject)]"
    )
    assert "BODY[HEADER] {37}\r\n" in alice("FETCH 1 BODY.PEEK[HEADER]")
    assert "RFC822.HEADER {37}\r\n" in alice("FETCH 1 RFC822.HEADER")
    assert "BODY[TEXT]<2> {4}\r\nxt 1" in alice("FETCH 1 BODY.PEEK[TEXT]<2.4>")
    assert "BODY[1]<0> {4}\r\ntext" in alice("FETCH 1 BODY.PEEK[1]<0.4>")
    assert "BODY[1.MIME]" in alice("FETCH 1 BODY.PEEK[1.MIME]")
    assert "BODY[7] NIL" in alice("FETCH 1 BODY.PEEK[7]")
    assert "BODY[TEXT]<99> {0}\r\n" in alice("FETCH 1 BODY.PEEK[TEXT]<99.4>")
    assert "BINARY.SIZE[1] 8" in alice("FETCH 1 BINARY.SIZE[1]")
    assert "BINARY[1] {8}\r\ntext 1\r\n" in alice("FETCH 1 BINARY.PEEK[1]")
    assert 'PREVIEW "text 1"' in alice("FETCH 1 PREVIEW (LAZY)")
    assert re.search(
        r"EMAILID \(E[0-9a-f]{32}\) THREADID \(T\d+\) SAVEDATE \"", alice("FETCH 1 (EMAILID THREADID SAVEDATE)")
    )
    assert len(alice.lines("FETCH 1:* FAST")) == 3
    assert [line[:10] for line in alice.lines("FETCH *:2 UID")] == ["* 2 FETCH ", "* 3 FETCH "]
    assert alice.lines("UID FETCH 999999:* UID")[0].startswith("* 3 FETCH")
    assert alice.lines(f"UID FETCH {uid_next(alice)} UID") == []
    for bad in (
        "4 UID",
        "0 UID",
        "1 NONSENSE",
        "1 BODY[0]",
        "1 BODY[MIME]",
        "1 (UID",
        "1 BODY[1.HEADER.FIELDS ()]",
        "1",
    ):
        assert alice.end(f"FETCH {bad}").startswith("A BAD"), bad


def test_parts(connect: Connect) -> None:
    """RFC 9051 §6.4.5.1: its own example's numbers; an encoded part in the clear (RFC 3516)."""
    inner = b"Subject: inner\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\none\r\n--i--\r\n"
    message = (
        b"Subject: outer\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\npreamble\r\n--o\r\n\r\nplain\r\n"
        b"--o\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC\r\n"
        b"--o\r\nContent-Type: message/rfc822\r\n\r\n" + inner + b"--o--\r\n"
    )
    client = connect()
    client(b"APPEND INBOX {%d+}\r\n%b" % (len(message), message))
    client("SELECT INBOX")
    assert "BODY[1] {5}\r\nplain" in client("FETCH 1 BODY.PEEK[1]")
    assert "BINARY[2] ~{3}\r\n\0\1\2" in client("FETCH 1 BINARY.PEEK[2]")
    assert "BODY[2.MIME] {75}\r\n" not in client("FETCH 1 BODY.PEEK[1.MIME]")
    assert "BODY[3.HEADER] {61}\r\nSubject: inner" in client("FETCH 1 BODY.PEEK[3.HEADER]")
    assert "BODY[3.HEADER.FIELDS (SUBJECT)] {18}\r\nSubject: inner\r\n\r\n" in client(
        "FETCH 1 BODY.PEEK[3.HEADER.FIELDS (SUBJECT)]"
    )
    assert "BODY[3.1] {3}\r\none" in client("FETCH 1 BODY.PEEK[3.1]")
    assert "BODY[3.TEXT] {17}\r\n--i\r\n" in client("FETCH 1 BODY.PEEK[3.TEXT]")
    structure = client("FETCH 1 BODYSTRUCTURE")
    assert '"message" "rfc822" NIL NIL NIL "7BIT"' in structure
    assert '(NIL "inner" NIL' in structure


def test_store(alice: Client) -> None:
    """RFC 9051 §6.4.6."""
    assert alice.lines("STORE 1:2 +FLAGS (\\Flagged $Work)") == [
        "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Work)",
        "* 1 FETCH (FLAGS (\\Flagged $Work))",
        "* 2 FETCH (FLAGS (\\Flagged $Work))",
    ]
    assert alice.lines("STORE 1 -FLAGS.SILENT \\Flagged") == []
    assert alice.lines("FETCH 1 FLAGS") == ["* 1 FETCH (FLAGS ($Work))"]
    assert alice.lines("STORE 1 FLAGS (\\Seen \\Recent)") == ["* 1 FETCH (FLAGS (\\Seen))"]
    assert alice.lines("STORE 1 FLAGS ()") == ["* 1 FETCH (FLAGS ())"]
    assert "UID" in alice.lines(f"UID STORE {uid_next(alice) - 1} +FLAGS \\Draft")[0]
    assert alice.end("STORE 1 +FLAGS (\\Nonsense)").startswith("A BAD")
    assert alice.end("STORE 1 FLAGZ ()").startswith("A BAD")
    assert "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Work)" in alice.lines("SELECT INBOX")


def test_conditional_store(alice: Client, connect: Connect) -> None:
    """RFC 7162 §3.1.3: MODIFIED for what another client changed; the number of the change is told."""
    lines = alice.lines("FETCH 1:3 (FLAGS MODSEQ)")
    since = int(re.findall(r"MODSEQ \((\d+)\)", lines[-1])[0])
    other = connect()
    other("SELECT INBOX")
    other("STORE 2 +FLAGS (\\Answered)")
    said = alice(f"STORE 1:3 (UNCHANGEDSINCE {since}) +FLAGS.SILENT (\\Seen)")
    assert "[MODIFIED 2]" in said
    assert re.search(r"\* 2 FETCH \(.*MODSEQ", said)
    assert re.search(r"\* 1 FETCH \(.*MODSEQ", said)
    assert "\\Seen" not in alice.lines("FETCH 2 FLAGS")[0]
    assert len(alice.lines(f"FETCH 1:* (FLAGS) (CHANGEDSINCE {since})")) == 3
    assert alice.lines("FETCH 1:* (FLAGS) (CHANGEDSINCE 99999)") == []


def test_others_changes_are_seen_at_once(alice: Client, connect: Connect) -> None:
    """RFC 9051 §7.5.1: removals not during FETCH, STORE, SEARCH; all else with the next answer; IDLE."""
    other = connect()
    other("SELECT INBOX")
    other("STORE 1 +FLAGS.SILENT (\\Deleted)")
    assert "* 1 FETCH (FLAGS (\\Deleted))" in alice("NOOP")
    other("EXPUNGE")
    assert "EXPUNGE" not in alice("FETCH 2 UID")
    assert "[EXPUNGEISSUED]" in alice("FETCH 1 ENVELOPE")
    assert "EXPUNGE" not in alice("SEARCH ALL")
    assert "* SEARCH 2 3\r\n" in alice("SEARCH ALL")
    assert alice.lines("NOOP") == ["* 1 EXPUNGE"]
    assert alice.lines("NOOP") == []
    assert alice("IDLE") == "+ idling\r\n"
    assert alice.wait is not None
    assert alice.wait.collections == {alice.session.selected.id}
    message = "Subject: new\r\n\r\n"
    other(f"APPEND INBOX {{{len(message)}+}}\r\n{message}")
    other("STORE 1 +FLAGS.SILENT (\\Seen)")
    assert alice.woken() == "* 3 EXISTS\r\n* 0 RECENT\r\n* 1 FETCH (FLAGS (\\Seen))\r\n"
    assert alice.woken() == ""
    assert alice.feed(b"DONE\r\n") == "A OK IDLE done\r\n"
    other("STORE 1:3 +FLAGS.SILENT (\\Deleted)")
    other("EXPUNGE")
    assert alice.lines("NOOP") == ["* 1 EXPUNGE", "* 1 EXPUNGE", "* 1 EXPUNGE"]


def test_quick_resynchronisation(alice: Client, connect: Connect) -> None:
    """RFC 7162 §3.2.5: what vanished and what changed since; VANISHED instead of EXPUNGE."""
    lines = alice.lines("SELECT INBOX")
    validity, modseq = (re.search(rf"\[{code} (\d+)\]", "\n".join(lines)) for code in ("UIDVALIDITY", "HIGHESTMODSEQ"))
    assert validity is not None
    assert modseq is not None
    first = uid_next(alice) - 3
    other = connect()
    assert other.lines("ENABLE QRESYNC") == ["* ENABLED QRESYNC"]
    other("SELECT INBOX")
    other(f"UID STORE {first} +FLAGS.SILENT (\\Deleted)")
    assert f"* VANISHED {first}\r\n" in other("EXPUNGE")
    other(f"UID STORE {first + 2} +FLAGS.SILENT (\\Flagged)")
    fresh = connect()
    assert fresh.end(f"SELECT INBOX (QRESYNC ({validity[1]} {modseq[1]}))").startswith("A BAD")
    fresh("ENABLE QRESYNC")
    said = fresh(f"SELECT INBOX (QRESYNC ({validity[1]} {modseq[1]}))")
    assert f"* VANISHED (EARLIER) {first}\r\n" in said
    assert re.search(rf"\* 2 FETCH \(UID {first + 2} FLAGS \(\\Flagged\) MODSEQ", said)
    said = fresh(f"SELECT INBOX (QRESYNC ({validity[1]} {modseq[1]} {first + 2} (1 {first})))")
    assert "VANISHED" not in said
    assert "FETCH" in said
    assert "FETCH" not in fresh(f"SELECT INBOX (QRESYNC (1 {modseq[1]}))")
    said = fresh(f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {modseq[1]} VANISHED)")
    assert f"* VANISHED (EARLIER) {first}\r\n" in said
    assert alice.end(f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {modseq[1]} VANISHED)").startswith("A BAD")


def test_search(alice: Client) -> None:
    """RFC 9051 §6.4.4 and its return options (RFC 4731, 5182, 9394)."""
    alice("STORE 2 +FLAGS.SILENT (\\Flagged $Work)")
    for keys, expected in (
        ("ALL", "1 2 3"), ("FLAGGED", "2"), ("UNFLAGGED", "1 3"), ("NOT FLAGGED", "1 3"), ("KEYWORD $work", "2"),
        ("OR FLAGGED SUBJECT \"nr 3\"", "2 3"), ("(FLAGGED SUBJECT nr)", "2"), ("2:3 UNFLAGGED", "3"), ("FROM a1@", "1"),
        ("HEADER Subject \"nr 1\"", "1"), ("BODY \"text 2\"", "2"), ("TEXT a3", "3"), ("LARGER 10", "1 2 3"), ("SMALLER 10", ""),
        ("SINCE 1-Jan-2020", "1 2 3"), ("BEFORE 1-Jan-2020", ""), ("SENTSINCE 1-Jan-1990", ""), ("YOUNGER 3600", "1 2 3"),
        ("OLDER 3600", ""), ("SAVEDSINCE 1-Jan-2020", "1 2 3"), ("FUZZY SUBJECT \"3 nr\"", "3"), ("CHARSET UTF-8 SUBJECT nr", "1 2 3"),
        ("UID 1:*", "1 2 3"), ("NEW", ""), ("OLD", "1 2 3"), ("*", "3"), ("4", ""), ("2:9", "2 3"), ("9:*", "3"),
    ):  # fmt: skip
        assert alice.lines(f"SEARCH {keys}")[0] == f"* SEARCH {expected}".rstrip(), keys
    assert alice.lines("SEARCH RETURN (MIN MAX COUNT ALL) ALL") == ['* ESEARCH (TAG "A") MIN 1 MAX 3 ALL 1:3 COUNT 3']
    assert alice.lines("SEARCH RETURN () FLAGGED") == ['* ESEARCH (TAG "A") ALL 2']
    assert alice.lines("SEARCH RETURN (COUNT) SUBJECT none") == ['* ESEARCH (TAG "A") COUNT 0']
    assert alice.lines("SEARCH RETURN (PARTIAL -1:-2) ALL") == ['* ESEARCH (TAG "A") PARTIAL (-1:-2 2:3)']
    assert alice.lines("SEARCH RETURN (SAVE) UNFLAGGED") == []
    assert [line[:4] for line in alice.lines("FETCH $ UID")] == ["* 1 ", "* 3 "]
    assert alice.lines('SEARCH $ SUBJECT "nr 3"') == ["* SEARCH 3"]
    first, found = alice.lines("SEARCH MODSEQ 1")
    assert first.startswith("* OK [HIGHESTMODSEQ ")  # RFC 7162 §3.1
    assert "(MODSEQ " in found
    assert "[BADCHARSET" in alice.end("SEARCH CHARSET X-NONE SUBJECT a")
    for bad in (
        "",
        "NONSENSE",
        "OR ALL",
        "(ALL",
        "SINCE yesterday",
        "SINCE 32-Jan-2020",
        "0",
        "(" * 60 + "ALL" + ")" * 60,
    ):
        assert alice.end(f"SEARCH {bad}").startswith("A BAD"), bad


def test_sort_and_thread(alice: Client) -> None:
    """RFC 5256, RFC 5267, RFC 5957."""
    assert alice.lines("SORT (REVERSE SUBJECT) UTF-8 ALL") == ["* SORT 3 2 1"]
    assert alice.lines("SORT (FROM) US-ASCII 2:3") == ["* SORT 2 3"]
    assert alice.lines("SORT RETURN (ALL COUNT) (REVERSE ARRIVAL DISPLAYFROM) UTF-8 ALL")[0].endswith("COUNT 3")
    assert alice.lines("THREAD REFERENCES UTF-8 ALL") == ["* THREAD (1)(2)(3)"]
    assert alice.lines("THREAD ORDEREDSUBJECT UTF-8 SUBJECT none") == ["* THREAD"]
    assert alice.end("THREAD NONE UTF-8 ALL").startswith("A BAD")
    assert alice.end("SORT (NONE) UTF-8 ALL").startswith("A BAD")


def test_a_deep_thread(connect: Connect) -> None:
    """RFC 5256 §4: its own form of nested lists."""
    client = connect()
    for number, references in ((1, ""), (2, "<1@x>"), (3, "<1@x> <2@x>"), (4, "<1@x>"), (5, "<1@x> <4@x>")):
        message = f"Message-ID: <{number}@x>\r\nSubject: a\r\nReferences: {references}\r\n\r\n"
        client(f"APPEND INBOX {{{len(message)}+}}\r\n{message}")
    client("SELECT INBOX")
    assert client.lines("THREAD REFERENCES UTF-8 ALL") == ["* THREAD (1 (2 3)(4 5))"]


def test_copy_and_move(alice: Client) -> None:
    """RFC 9051 §6.4.7, §6.4.8; RFC 4315: COPYUID; TRYCREATE."""
    first = uid_next(alice) - 3
    target = uid_next(alice, "Drafts")
    assert f"{first},{first + 2} {target}:{target + 1}]" in alice.end("COPY 1,3 Drafts")
    assert "[TRYCREATE]" in alice.end("COPY 1 Nowhere")
    lines = alice.lines("MOVE 2 Trash")
    assert lines[0].startswith("* OK [COPYUID ")
    assert lines[1] == "* 2 EXPUNGE"
    assert alice.end("UID COPY 999999 Drafts") == "A OK UID COPY done"
    assert alice.end("COPY 9 Drafts").startswith("A BAD")


def test_append(connect: Connect) -> None:
    """RFC 9051 §6.3.12, RFC 3502, RFC 7889: one and several, dates, refusals before the octets come."""
    client = connect()
    assert client.feed(b'A APPEND INBOX (\\Seen) "17-Jul-1996 02:44:25 -0700" {5}\r\n') == "+ go on\r\n"
    said = client.feed(b"a: b\n\r\n")
    assert "[APPENDUID " in said
    client("SELECT INBOX")
    assert 'INTERNALDATE "17-Jul-1996 09:44:25 +0000"' in client("FETCH * INTERNALDATE")
    both = client(b"APPEND INBOX {5+}\r\na: b\n (\\Flagged) {5+}\r\nc: d\n")
    assert re.search(r"APPENDUID \d+ \d+:\d+\]", both)
    assert "[TRYCREATE]" in client(b"APPEND Nowhere {5+}\r\na: b\n")
    assert client.feed(b"A APPEND INBOX {52428801}\r\n") == "A NO [TOOBIG] a message has at most 52428800 octets\r\n"
    assert client.feed(b"A APPEND INBOX {4294967296}\r\n").startswith("A NO [TOOBIG]")
    assert client.end("APPEND INBOX").startswith("A BAD")
    assert client.end(b"APPEND INBOX {0+}\r\n").startswith("A NO")  # RFC 3502 §6.3.11
    assert "BYE [TOOBIG]" in client.feed(b"A APPEND INBOX {52428801+}\r\n")
    assert client.then is Then.CLOSE


def test_replace(alice: Client) -> None:
    """RFC 8508."""
    said = alice(b"REPLACE 2 INBOX (\\Seen) {5+}\r\na: b\n")
    assert "[APPENDUID " in said
    assert "* 2 EXPUNGE" in said
    assert "* 3 EXISTS" in said
    assert alice.end(b"UID REPLACE 999999 INBOX {5+}\r\na: b\n").startswith("A NO")


def test_expunge_and_close(alice: Client) -> None:
    """RFC 9051 §6.4.1…3, RFC 4315 §2.1."""
    alice("STORE 1:2 +FLAGS.SILENT (\\Deleted)")
    last = uid_next(alice) - 1
    assert alice.lines(f"UID EXPUNGE {last}") == []
    assert alice.lines(f"UID EXPUNGE {last - 1}") == ["* 2 EXPUNGE"]
    alice("UNSELECT")
    assert "MESSAGES 2" in alice("STATUS INBOX (MESSAGES)")
    alice("SELECT INBOX")
    assert alice.lines("CLOSE") == []
    assert "MESSAGES 1 UNSEEN 1" in alice("STATUS INBOX (MESSAGES UNSEEN)")


def test_mailboxes(connect: Connect) -> None:
    """RFC 9051 §6.3.4…9; RFC 5258, 5819, 6154; IMAP-04, IMAP-05, MSG-38."""
    client = connect()
    assert "\\Sent" in client('LIST "" "Sent Items"')
    assert client.lines('LIST "" ""') == ['* LIST (\\Noselect) "/" ""']
    assert "[MAILBOXID (M" in client.end("CREATE Work/2026/Tax")
    assert [line.split('"/" ')[1] for line in client.lines('LIST "" Work*')] == [
        '"Work"',
        '"Work/2026"',
        '"Work/2026/Tax"',
    ]
    assert [line.split('"/" ')[1] for line in client.lines('LIST "" Work/%')] == ['"Work/2026"']
    assert [line.split('"/" ')[1] for line in client.lines("LIST Work/ %")] == ['"Work/2026"']
    assert client.lines('LIST "" inbox')[0].endswith('"INBOX"')
    assert "[ALREADYEXISTS]" in client.end("CREATE Work")
    assert "[CANNOT]" in client.end("CREATE INBOX/sub")
    assert "[CANNOT]" in client.end('CREATE "a*"')
    assert "[CANNOT]" in client.end("DELETE Trash")
    assert "[CANNOT]" in client.end("RENAME Drafts Other")
    client("CREATE &AMQ-rger")
    assert '"&AMQ-rger"' in client('LIST "" &AMQ-*')
    client("SUBSCRIBE Work/2026")
    client("SUBSCRIBE Later")
    assert "\\NonExistent \\Subscribed" in client('LIST (SUBSCRIBED) "" Later')
    assert '("CHILDINFO" ("SUBSCRIBED"))' in client('LIST (SUBSCRIBED RECURSIVEMATCH) "" Work')
    assert client.lines('LSUB "" %')[-1].endswith('"Work"')
    assert '(\\Noselect) "/" "Work"' in client('LSUB "" %')
    assert len(client.lines('LIST (SPECIAL-USE) "" *')) == 4
    said = client('LIST "" (INBOX Drafts) RETURN (SUBSCRIBED CHILDREN SPECIAL-USE STATUS (MESSAGES UNSEEN))')
    assert said.count("* STATUS") == 2
    assert "\\Subscribed" in said
    client("RENAME Work/2026 Archive")
    assert "Archive/Tax" in client('LIST "" *')
    client("UNSUBSCRIBE Later")
    assert "Later" not in client('LSUB "" *')
    assert "[MAILBOXID" in client.end("CREATE Kept (USE (\\Archive))")
    assert "[USEATTR]" in client.end("CREATE Kept2 (USE (\\Archive))")
    assert client.end('LIST (NONSENSE) "" *').startswith("A BAD")
    assert client.end('LIST (RECURSIVEMATCH) "" *').startswith("A BAD")
    assert client.end("DELETE Archive") == "A OK DELETE done"
    assert "Archive/" not in client('LIST "" *')


@pytest.mark.slow
def test_patterns_are_matched_in_no_time() -> None:
    """Patterns that backtrack elsewhere."""
    from servers.imap.patterns import matches

    assert not matches("*a" * 200, "a" * 190 + "b" * 500)
    assert matches("*" * 500 + "x", "y" * 500 + "x")
    assert not matches("*%" * 5_000 + "x", "y/" * 5_000)
    assert matches("%*" * 5_000 + "x", "y/" * 5_000 + "x")
    assert matches("a/%/c", "a/b/c")
    assert not matches("a/%", "a/b/c")
    assert matches("*", "a/b/c")


def test_rev2(connect: Connect) -> None:
    """RFC 9051: ENABLE IMAP4rev2 changes names and answers."""
    client = connect()
    assert client.lines("ENABLE IMAP4rev2 CONDSTORE NONSENSE") == ["* ENABLED IMAP4rev2 CONDSTORE"]
    client('CREATE "Ärger"')
    assert '* LIST (\\HasNoChildren) "/" "Ärger"' in client('LIST "" "Ä*"')
    said = client('SELECT "Ärger"')
    assert '* LIST (\\HasNoChildren) "/" "Ärger"\r\n' in said  # §6.3.2: accurate attributes
    assert "RECENT" not in said
    assert client.lines("SEARCH ALL") == ['* ESEARCH (TAG "A")']


def test_names_that_are_not_composed(connect: Connect) -> None:
    """RFC 9051 §5.1: taken in all commands; §6.3.2…6, §6.3.9.7: told with OLDNAME, in SELECT too."""
    apart, whole = "Cafe\u0301", "Caf\u00e9"
    client = connect()
    client("ENABLE IMAP4rev2")
    assert client.lines(f'CREATE "{apart}"') == [f'* LIST (\\HasNoChildren) "/" "{whole}" ("OLDNAME" ("{apart}"))']
    told = f'* LIST (\\HasNoChildren \\Subscribed) "/" "{whole}"'
    client(f'SUBSCRIBE "{apart}"')
    assert f'{told} ("OLDNAME" ("{apart}"))\r\n' in client(f'SELECT "{apart}"')
    assert f"{told}\r\n" in client(f'EXAMINE "{whole}"')
    assert '* LIST (\\NoInferiors \\Subscribed) "/" "INBOX" ("OLDNAME" ("inbox"))\r\n' in client("SELECT inbox")
    for asked in (f'LIST "" "{apart}"', f'LIST "{apart}" "*"', 'LIST "Cafe" "\u0301*"', f'LSUB "" "{apart}"'):
        assert f'"{whole}"' in client(asked), asked
    assert client.lines(f'RENAME "{apart}" "{apart}2"') == [
        f'* LIST (\\HasNoChildren \\Subscribed) "/" "{whole}2" ("OLDNAME" ("{apart}"))'
    ]
    assert client.lines(f'RENAME "{whole}2" plain') == []
    client(f'RENAME plain "{whole}"')
    assert client.lines(f'DELETE "{apart}"') == [
        f'* LIST (\\NonExistent \\Subscribed) "/" "{whole}" ("OLDNAME" ("{apart}"))'
    ]
    client(f'UNSUBSCRIBE "{apart}"')
    old = connect()
    assert "OLDNAME" not in old("SELECT inbox")


def test_odds_and_ends(alice: Client) -> None:
    """ID, NAMESPACE, quota, rights, UNAUTHENTICATE, COMPRESS (RFC 2971, 2342, 9208, 4314, 8437, 4978)."""
    assert "Escritoire" in alice('ID ("name" "test" "version" NIL)')
    assert alice.lines("NAMESPACE") == ['* NAMESPACE (("" "/")) NIL NIL']
    assert alice.lines("GETQUOTAROOT INBOX")[0] == '* QUOTAROOT "INBOX" ""'
    assert "QUOTA" in alice('GETQUOTA ""')
    assert "[NONEXISTENT]" in alice("GETQUOTA other")
    assert "[NOPERM]" in alice('SETQUOTA "" (STORAGE 10)')
    assert alice.lines("MYRIGHTS INBOX") == ['* MYRIGHTS "INBOX" lrswipkxtecd']
    assert alice.lines("GETACL INBOX") == ['* ACL "INBOX" "alice" lrswipkxtecd']
    assert "[NOPERM]" in alice("SETACL INBOX bob lr")
    assert alice.lines("LISTRIGHTS INBOX bob") == ['* LISTRIGHTS "INBOX" "bob" ""']
    assert alice.end("XYZZY") == "A BAD unknown command"
    assert alice.end("CHECK") == "A OK CHECK done"
    alice("COMPRESS DEFLATE")
    assert alice.then is Then.DEFLATE
    assert "[COMPRESSIONACTIVE]" in alice("COMPRESS DEFLATE")
    assert alice.end("UNAUTHENTICATE").startswith("A BAD")
    assert "* BYE" in alice("LOGOUT")


def test_a_deleted_mailbox_ends_its_sessions(alice: Client, connect: Connect) -> None:
    """RFC 9051 §6.3.5: another client deleted what is selected here."""
    other = connect()
    other("CREATE doomed")
    alice("SELECT doomed")
    other("DELETE doomed")
    assert "* BYE" in alice("NOOP")
    assert alice.then is Then.CLOSE  # RFC 9051 §7.1.5: BYE is the end


def test_a_deleted_mailbox_ends_what_waits_for_it(connect: Connect) -> None:
    """RFC 9051 §7.1.5, RFC 2177, RFC 5465: BYE is followed by the end, in IDLE and with NOTIFY too."""
    other = connect()
    idle, notified, late = connect(), connect(), connect()
    for client, begin in ((idle, "IDLE"), (notified, "NOTIFY SET (selected (MessageNew MessageExpunge))"), (late, "IDLE")):
        other("CREATE doomed")
        client("SELECT doomed")
        client(begin)
        other("DELETE doomed")
        said = client.feed(b"DONE\r\n") if client is late else client.woken()
        assert said.startswith("* BYE the selected mailbox is gone\r\n")
        assert client.then is Then.CLOSE


def test_an_append_beside_a_mailbox_that_went(connect: Connect) -> None:
    """RFC 9051 §7.1.5: also where it is kept along with other sessions' (decision 0279)."""
    from servers.imap import joint

    client, other = connect(), connect()
    other("CREATE doomed")
    client("SELECT doomed")
    other("DELETE doomed")
    (reply,) = joint.run([(client.session, b"A APPEND INBOX {5+}\r\na: b\n")])
    assert isinstance(reply, Reply)
    assert b"* BYE" in b"".join(reply.data)
    assert reply.then is Then.CLOSE


def test_a_long_answer_of_a_mailbox_that_goes(connect: Connect) -> None:
    """RFC 9051 §7.1.5: what was begun is told, and the next command hears BYE."""
    client, other = connect(), connect()
    other("CREATE doomed")
    for _ in range(25):
        other("APPEND doomed {5+}\r\na: b\n")
    client("SELECT doomed")
    reply = client.session.run(b"A FETCH 1:* (FLAGS)")
    other("DELETE doomed")
    said = b"".join(reply.data)
    assert said.count(b" FETCH (") == 25
    assert b"BYE" not in said
    assert "* BYE" in client("NOOP")
    assert client.then is Then.CLOSE


@pytest.mark.parametrize("count", [1, 400])
def test_a_late_look_at_an_early_selection(connect: Connect, count: int) -> None:
    """What was selected is numbered as it was told, even where it is read for the first time after changes."""
    client, other = connect(), connect()
    message = b"a: b\n"
    for _ in range(count + 2):
        client(b"APPEND INBOX {5+}\r\n" + message)
    assert f"* {count + 2} EXISTS" in client("SELECT INBOX")
    other("SELECT INBOX")
    other("STORE 1 +FLAGS.SILENT (\\Deleted)")
    other("EXPUNGE")
    other(b"APPEND INBOX {5+}\r\n" + message)
    said = client("NOOP")
    assert "* 1 EXPUNGE\r\n" in said
    assert f"* {count + 2} EXISTS" in said
    assert len(client.lines("FETCH 1:* UID")) == count + 2


def test_metadata(connect: Connect) -> None:
    """RFC 5464: private and shared annotations of mailboxes, private ones of the server; depth, sizes."""
    client = connect()
    assert client.end('SETMETADATA INBOX (/private/comment "My" /Private/vendor/x/y {3+}\r\na\0b)').startswith("A OK")
    assert client.lines("GETMETADATA INBOX /private/comment") == ['* METADATA "INBOX" (/private/comment "My")']
    assert "/private/vendor/x/y ~{3}" in client("GETMETADATA (DEPTH infinity) INBOX (/private/vendor)")
    assert client.lines("GETMETADATA (DEPTH 1) INBOX (/private/vendor)") == []
    assert client.lines("GETMETADATA INBOX /shared/comment") == ['* METADATA "INBOX" (/shared/comment NIL)']
    assert "[METADATA LONGENTRIES 2]" in client.end("GETMETADATA (MAXSIZE 1) INBOX /private/comment")
    assert client.end('SETMETADATA "" (/private/vendor/a "1")').startswith("A OK")
    assert client.lines('GETMETADATA "" /private/vendor/a') == ['* METADATA "" (/private/vendor/a "1")']
    assert "[NOPERM]" in client.end('SETMETADATA "" (/shared/comment "x")')
    client("SETMETADATA INBOX (/private/comment NIL)")
    assert client.lines("GETMETADATA INBOX /private/comment") == ['* METADATA "INBOX" (/private/comment NIL)']
    assert "[METADATA MAXSIZE 65536]" in client.end(
        b"SETMETADATA INBOX (/private/comment {70000+}\r\n" + b"x" * 70_000 + b")"
    )
    assert "[NONEXISTENT]" in client.end("GETMETADATA Nowhere /private/comment")
    for bad in ("comment", "/other/x", "/private", "/private//x", "/private/*"):
        assert client.end(f"GETMETADATA INBOX {bad}").startswith("A BAD"), bad


def test_notify(alice: Client, connect: Connect) -> None:
    """RFC 5465: others' counters and the selected mailbox are told without being asked."""
    other = connect()
    said = alice.lines(
        "NOTIFY SET STATUS (selected (MessageNew MessageExpunge FlagChange)) (personal (MessageNew MessageExpunge))"
    )
    assert len(said) == 5
    assert all(line.startswith("* STATUS") for line in said)
    assert alice.wait is not None
    assert len(alice.wait.collections) == 7  # the list of mailboxes is one more
    assert alice.woken() == ""
    message = b"a: b\n"
    other(b"APPEND Drafts {5+}\r\n" + message)
    assert alice.woken().startswith('* STATUS "Drafts" (MESSAGES 1 UIDNEXT ')
    other(b"APPEND INBOX {5+}\r\n" + message)
    assert alice.woken() == "* 4 EXISTS\r\n* 1 RECENT\r\n"
    other("SELECT INBOX")
    other("STORE 1 +FLAGS.SILENT (\\Deleted)")
    other("EXPUNGE")
    assert alice.woken() == "* 1 EXPUNGE\r\n"
    assert (
        "[BADEVENT (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange "
        "ServerMetadataChange)]" in alice.end("NOTIFY SET (personal (MessageNew MessageExpunge AnnotationChange))")
    )
    assert alice.end("NOTIFY SET (personal (MessageNew))").startswith("A BAD")
    assert alice.end("NOTIFY SET (nobody (FlagChange))").startswith("A BAD")
    assert (
        alice.end("NOTIFY SET (subtree (Drafts Work) (MessageNew (UID FLAGS) MessageExpunge)) (mailboxes INBOX NONE)")
        == "A OK NOTIFY done"
    )
    assert alice.end("NOTIFY NONE") == "A OK NOTIFY done"
    assert alice.wait is None


def test_the_day_of_a_date_is_the_one_that_stands_there(connect: Connect) -> None:
    """RFC 9051 §6.4.4: SENTBEFORE, SENTON and SENTSINCE disregard time and zone."""
    client = connect()
    client("CREATE Days")
    dates = (
        "Sat, 24 Mar 2007 23:00:00 +0200", "Sun, 25 Mar 2007 00:00:00 +0200", "Sun, 25 Mar 2007 23:59:59 -1100",
        "Mon, 26 Mar 2007 00:00:00 +1400", "25 Mar 2007 12:00 (noon \"here\")", "no date at all",
    )  # fmt: skip
    for one in dates:
        message = f"Date: {one}\r\n\r\nx\r\n"
        assert "APPENDUID" in client(f"APPEND Days {{{len(message)}+}}\r\n{message}")
    client.lines("SELECT Days")
    for keys, expected in (
        ("SENTON 24-Mar-2007", "1"), ("SENTON 25-Mar-2007", "2 3 5"), ("SENTON 26-Mar-2007", "4"),
        ("SENTBEFORE 25-Mar-2007", "1"), ("SENTSINCE 26-Mar-2007", "4"), ("SENTSINCE 1-Jan-2000", "1 2 3 4 5"),
        ("NOT SENTSINCE 1-Jan-2000", "6"), ("SENTBEFORE 1-Jan-2030", "1 2 3 4 5"),
    ):  # fmt: skip
        assert client.lines(f"SEARCH {keys}")[0] == f"* SEARCH {expected}", keys
