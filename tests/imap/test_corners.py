"""Corners of the standards in which clients and suites look: each test names the sentence that decides."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from storage.mail import appending, mailboxes
from storage.store import Store
from tests.imap.client import Client
from tests.storage.desk import actor
from tests.storage.full_disk import no_room

Connect = Callable[..., Client]
FLAGS = "\\Answered \\Flagged \\Deleted \\Seen \\Draft"


def modseq(client: Client) -> int:
    found = re.search(r"HIGHESTMODSEQ (\d+)", client("STATUS INBOX (HIGHESTMODSEQ)"))
    assert found is not None
    return int(found[1])


def test_uids_come_with_change_numbers(alice: Client, connect: Connect) -> None:
    """RFC 7162 §3.2.4: both in every untagged FETCH, after any command that asks for change numbers."""
    alice("STATUS INBOX (HIGHESTMODSEQ)")
    assert re.fullmatch(r"\* 1 FETCH \(UID \d+ FLAGS \(\\Flagged\) MODSEQ \(\d+\)\)", alice.lines("STORE 1 +FLAGS \\Flagged")[0])
    assert re.search(r"FLAGS \(\\Seen\) MODSEQ \(\d+\) UID \d+\)", alice("FETCH 2 BODY[TEXT]"))
    other = connect()
    other("SELECT INBOX")
    other("STORE 3 +FLAGS.SILENT \\Draft")
    assert re.fullmatch(r"\* 3 FETCH \(UID \d+ FLAGS \(\\Draft\) MODSEQ \(\d+\)\)", alice.lines("NOOP")[0])


def test_a_move_tells_its_change_number(alice: Client) -> None:
    """RFC 6851 §4.4: HIGHESTMODSEQ of the mailbox that the messages left."""
    assert re.fullmatch(r"A OK \[HIGHESTMODSEQ (\d+)\] MOVE done", alice.end("MOVE 1 Trash"))
    assert f"[HIGHESTMODSEQ {modseq(alice) + 1}]" in alice.end("UID MOVE 1:* Trash")
    assert alice.end("UID MOVE 1:* Trash") == "A OK UID MOVE done"


def test_what_is_replaced_tells_its_change_number(alice: Client) -> None:
    """RFC 8508 §4.5: as UID EXPUNGE does, once QRESYNC is enabled (RFC 7162 §3.2.9)."""
    assert alice.end(b"REPLACE 1 INBOX {5+}\r\na: b\n") == "A OK REPLACE done"
    alice("ENABLE QRESYNC")
    said = alice.end(b"REPLACE 1 Drafts {5+}\r\na: b\n")
    assert said == f"A OK [HIGHESTMODSEQ {modseq(alice)}] REPLACE done"


def test_sorts_tell_the_highest_change_number(alice: Client) -> None:
    """RFC 7162 §3.1.9, §3.1.10; a thread does not."""
    first, said = alice.lines("SORT (REVERSE ARRIVAL SUBJECT) UTF-8 MODSEQ 1")
    assert first.startswith("* OK [HIGHESTMODSEQ ")
    high = modseq(alice)
    assert re.fullmatch(rf"\* SORT [1-3 ]+ \(MODSEQ {high}\)", said)
    assert alice.lines("SORT RETURN (ALL) (SUBJECT) UTF-8 MODSEQ 1") == [f'* ESEARCH (TAG "A") ALL 1,2,3 MODSEQ {high}']
    assert alice.lines("SORT (DATE) UTF-8 MODSEQ 1 SUBJECT none") == ["* SORT"]
    assert alice.lines("THREAD REFERENCES UTF-8 MODSEQ 1") == ["* THREAD (1)(2)(3)"]


def test_what_a_refused_search_leaves(alice: Client) -> None:
    """RFC 5182 §2.1: after BAD the result stays, after NO it is empty."""
    alice("SEARCH RETURN (SAVE) 2")
    assert alice.end("SEARCH RETURN (SAVE) NONSENSE").startswith("A BAD")
    assert alice.lines("SEARCH $") == ["* SEARCH 2"]
    assert alice.end("SEARCH CHARSET NONE ALL").startswith("A NO")
    assert alice.lines("SEARCH $") == ["* SEARCH 2"]
    assert alice.end("SEARCH RETURN (SAVE) CHARSET NONE ALL").startswith("A NO [BADCHARSET")
    assert alice.lines("SEARCH $") == ["* SEARCH"]


def test_one_range_of_results(alice: Client) -> None:
    """RFC 9394 §3.1."""
    assert alice.end("SEARCH RETURN (PARTIAL 1:2 PARTIAL 1:3) ALL").startswith("A BAD")
    assert alice.end("SEARCH RETURN (PARTIAL 1:2 ALL) ALL").startswith("A BAD")


def test_no_character_set_beside_utf8(alice: Client) -> None:
    """RFC 6855 §3: SEARCH takes no CHARSET once UTF8=ACCEPT is enabled; strings are UTF-8 then."""
    alice("ENABLE UTF8=ACCEPT")
    assert alice.end("SEARCH CHARSET UTF-8 ALL").startswith("A BAD")
    assert alice.lines('SEARCH SUBJECT "nr ä"') == ["* SEARCH"]
    assert alice.end(b'SEARCH SUBJECT "nr \xe4"').startswith("A BAD")
    assert alice.end(b'CREATE "\xe4"').startswith("A BAD")
    assert alice.end("SORT (DATE) UTF-8 ALL").startswith("A OK")


def test_keywords_are_known_before_they_are_seen(connect: Connect) -> None:
    """RFC 9051 §7.3.5: FLAGS with a new keyword comes before the first message that has it."""
    client, other = connect(), connect()
    client("CREATE Words")
    client(b"APPEND Words {5+}\r\na: b\n {5+}\r\na: b\n")
    client("SELECT Words")
    assert client.lines("STORE 1 +FLAGS ($One)") == [f"* FLAGS ({FLAGS} $One)", "* 1 FETCH (FLAGS ($One \\Recent))"]
    assert client.lines("STORE 2 +FLAGS ($One)") == ["* 2 FETCH (FLAGS ($One \\Recent))"]
    assert client.lines("STORE 2 -FLAGS ($None)") == ["* 2 FETCH (FLAGS ($One \\Recent))"]
    assert client.lines(b"APPEND Words ($Two) {5+}\r\na: b\n")[-1] == f"* FLAGS ({FLAGS} $One $Two)"
    other("SELECT Words")
    other("STORE 1 FLAGS ($Three)")
    assert client.lines("NOOP") == [f"* FLAGS ({FLAGS} $One $Three $Two)", "* 1 FETCH (FLAGS ($Three \\Recent))"]


def test_a_mailbox_is_closed_before_another_fails(alice: Client) -> None:
    """RFC 7162 §3.2.11, RFC 9051 §6.3.2: CLOSED also where nothing is selected afterwards; BAD changes nothing."""
    assert alice.end("SELECT Drafts (NONSENSE)").startswith("A BAD")
    assert alice.end("FETCH 1 UID").startswith("A OK")
    assert alice("SELECT Nowhere").split("\r\n")[:2] == [
        "* OK [CLOSED] the other mailbox is closed",
        "A NO [NONEXISTENT] there is no such mailbox",
    ]
    assert alice("SELECT Nowhere") == "A NO [NONEXISTENT] there is no such mailbox\r\n"


@pytest.mark.parametrize(
    "said",
    [
        b'APPEND INBOX "hello"',
        b'APPEND INBOX "001-Jan-2020 00:00:00 +0000" {5+}\r\na: b\n',  # the day has two places (RFC 9051 §9, date-day-fixed)
        b"APPEND INBOX hello",
        b"ENABLE",
        b'ID ("name" "a" "version")',
        b"SETMETADATA INBOX ()",
        b'LIST "" ()',
        b"GETMETADATA INBOX /private",
        b"GETMETADATA (DEPTH 2) INBOX /private",
    ],
)
def test_what_the_grammar_does_not_have(alice: Client, said: bytes) -> None:
    """RFC 9051 §9, RFC 5161 §6, RFC 2971 §4, RFC 5464 §5, RFC 5258 §6; nothing is done."""
    assert alice.end(said).startswith("A BAD")
    assert "MESSAGES 3" in alice("STATUS INBOX (MESSAGES)")


def test_names_of_header_fields_are_astrings(alice: Client) -> None:
    """RFC 9051 §9, header-fld-name: what is no atom is told as a string."""
    assert 'BODY[HEADER.FIELDS (subject "a(b" "c\\"d")] {17}' in alice('FETCH 1 BODY[HEADER.FIELDS (subject "a(b" "c\\"d")]')


def test_subscribed_names_without_mailboxes(connect: Connect) -> None:
    """RFC 5258 §3.1, §3.5: parents that are not there either; RFC 3501 §6.3.9: of LSUB, only where % hides them."""
    client = connect()
    client("SUBSCRIBE gone/far/child")
    assert '* LIST (\\NonExistent) "/" "gone" ("CHILDINFO" ("SUBSCRIBED"))' in client.lines(
        'LIST (SUBSCRIBED RECURSIVEMATCH) "" %'
    )
    assert client.lines('LIST (SUBSCRIBED RECURSIVEMATCH) "" gone*') == [
        '* LIST (\\NonExistent \\Subscribed) "/" "gone/far/child"'
    ]
    assert client.lines('LIST (SUBSCRIBED) "" gone') == []
    assert client.lines('LSUB "" gone') == []
    assert client.lines('LSUB "" g%') == ['* LSUB (\\Noselect) "/" "gone"']
    assert client.lines('LSUB "" gone/%') == ['* LSUB (\\Noselect) "/" "gone/far"']
    assert client.lines('LSUB "" gone/*') == ['* LSUB (\\Noselect) "/" "gone/far/child"']


def test_the_use_of_a_child(connect: Connect) -> None:
    """RFC 6154 §4: the attribute can be read as an annotation; CHILDINFO names the option (RFC 5258 §3.5)."""
    client = connect()
    client("CREATE up/down (USE (\\Archive))")
    assert '* LIST (\\HasChildren) "/" "up" ("CHILDINFO" ("SPECIAL-USE"))' in client.lines(
        'LIST (SPECIAL-USE RECURSIVEMATCH) "" %'
    )
    assert client.lines("GETMETADATA up/down /private/specialuse") == [
        '* METADATA "up/down" (/private/specialuse "\\\\Archive")'
    ]
    assert client.lines("GETMETADATA up /private/specialuse") == ['* METADATA "up" (/private/specialuse NIL)']
    assert client.end('SETMETADATA up (/private/specialuse "\\\\Junk")').startswith("A NO [CANNOT]")
    assert client.end('SETMETADATA up/down (/private/specialuse "\\\\Archive")').startswith("A OK")


def test_empty_names_in_lists(connect: Connect) -> None:
    """RFC 5258 §3: only a LIST of the old form asks for the separator with them."""
    client = connect()
    assert client.lines('LIST "" ""') == ['* LIST (\\Noselect) "/" ""']
    assert client.lines('LIST "" "" RETURN (CHILDREN)') == []
    assert client.lines('LIST INBOX ("" Drafts)') == []
    assert len(client.lines('LIST "" ("" Drafts)')) == 1
    assert client.lines('LIST "" iNb%') == ['* LIST (\\NoInferiors) "/" "INBOX"']  # RFC 9051 §5.1


def test_all_annotations(connect: Connect) -> None:
    """RFC 5464 §4.2.2: a depth that goes below /private and /shared themselves."""
    client = connect()
    client("CREATE Notes")
    client('SETMETADATA Notes (/private/comment "a" /private/vendor/x "b" /shared/comment "c")')
    everything = '* METADATA "Notes" (/private/comment "a" /private/vendor/x "b" /shared/comment "c")'
    assert client.lines("GETMETADATA (DEPTH infinity) Notes (/private /shared)") == [everything]
    assert client.lines("GETMETADATA (DEPTH 1) Notes /PRIVATE") == ['* METADATA "Notes" (/private/comment "a")']
    assert client.end("GETMETADATA (DEPTH 2) Notes /private") == "A BAD DEPTH is 0, 1 or infinity"


def test_mistakes_are_forgiven(alice: Client) -> None:
    """Only those that follow one another end a connection."""
    for _ in range(15):
        assert "BYE" not in alice("NONSENSE")
    alice("NOOP")
    for _ in range(15):
        assert "BYE" not in alice("NONSENSE")


def test_searches_by_numbers_hold_removals_back(alice: Client, connect: Connect) -> None:
    """RFC 7162 §3.2.10.2: EXPUNGE comes with UID SEARCH, but not where it names messages by their numbers."""
    other = connect()
    other("SELECT INBOX")
    other("STORE 1 +FLAGS.SILENT (\\Deleted)")
    other("EXPUNGE")
    for command in ("UID SEARCH 2:3", "UID SEARCH OR 3 NOT (2)", "UID SORT (DATE) UTF-8 2:*", "UID THREAD REFS UTF-8 1:3"):
        assert "EXPUNGE" not in alice(command), command
    assert alice.lines("UID SEARCH UID 1:*")[-1] == "* 1 EXPUNGE"


def test_names_that_begin_like_the_inbox(connect: Connect) -> None:
    """RFC 9051 §5.1, §6.3.9: INBOX alone is the same in any case; `Inboxes` and `inbox-old` are names like others."""
    client = connect()
    for name in ("Inboxes", "inbox-old/sub"):
        client(f"CREATE {name}")
        client(f"SUBSCRIBE {name}")
        assert client.lines(f'LIST "" {name}') == [f'* LIST (\\HasNoChildren) "/" "{name}"']
        assert client.lines(f'LIST "" ({name}) RETURN (CHILDREN)') == [f'* LIST (\\HasNoChildren) "/" "{name}"']
        assert client.lines(f'LSUB "" {name}') == [f'* LSUB () "/" "{name}"']
    assert client.lines("LIST inbox-old/ %") == ['* LIST (\\HasNoChildren) "/" "inbox-old/sub"']
    assert [line.split('"/" ')[1] for line in client.lines('LIST "" "Inbox*"')] == ['"INBOX"', '"Inboxes"']
    assert [line.split('"/" ')[1] for line in client.lines('LSUB "" "inbox*"')] == ['"INBOX"', '"inbox-old/sub"']


def test_the_quota_root_of_what_is_not_there_yet(connect: Connect) -> None:
    """RFC 9208 §4.1.2: "the mailbox name parameter doesn't have to reference an existing mailbox"."""
    client = connect()
    assert client.lines("GETQUOTAROOT &AMQ-rger/new") == ['* QUOTAROOT "&AMQ-rger/new" ""', '* QUOTA "" ()']
    assert client.lines("GETQUOTAROOT iNbOx")[0] == '* QUOTAROOT "INBOX" ""'


def test_what_an_expunge_would_free(alice: Client, connect: Connect) -> None:
    """RFC 9208 §4.1.4: DELETED-STORAGE, which QUOTA=RES-STORAGE requires, in STATUS and in LIST."""
    alice("STORE 1,3 +FLAGS.SILENT (\\Deleted \\Seen)")
    octets = sum(int(size) for size in re.findall(r"SIZE (\d+)", alice("FETCH 1,3 RFC822.SIZE")))
    assert octets
    assert alice.lines("STATUS INBOX (DELETED-STORAGE DELETED)") == [
        f'* STATUS "INBOX" (DELETED-STORAGE {octets} DELETED 2)'
    ]
    said = connect().lines('LIST "" (INBOX Drafts) RETURN (STATUS (DELETED-STORAGE RECENT))')
    assert f'* STATUS "INBOX" (DELETED-STORAGE {octets} RECENT 0)' in said
    assert '* STATUS "Drafts" (DELETED-STORAGE 0 RECENT 0)' in said
    alice("EXPUNGE")
    assert alice.lines("STATUS INBOX (DELETED-STORAGE)") == ['* STATUS "INBOX" (DELETED-STORAGE 0)']


def test_copies_of_what_somebody_else_removed(alice: Client, connect: Connect) -> None:
    """RFC 9051 §6.4.7: "partial copy MUST NOT be done"; §7.1, EXPUNGEISSUED; a move takes what there is (RFC 6851)."""
    alice("SEARCH RETURN (SAVE) ALL")
    other = connect()
    other("SELECT INBOX")
    other("STORE 2 +FLAGS.SILENT (\\Deleted)")
    other("EXPUNGE")
    for command in ("COPY 2 Drafts", "COPY 1:3 Drafts", "MOVE 2 Drafts"):
        assert alice.end(command) == "A NO [EXPUNGEISSUED] some of the messages are gone", command
    assert "MESSAGES 0" in other("STATUS Drafts (MESSAGES)")
    said = alice("COPY $ Drafts")
    assert "* 2 EXPUNGE\r\n" in said
    assert "OK [COPYUID" in said
    other("STORE 1 +FLAGS.SILENT (\\Deleted)")
    other("EXPUNGE")
    assert "[COPYUID" in alice("MOVE 1:2 Drafts")
    assert "MESSAGES 3" in other("STATUS Drafts (MESSAGES)")
    assert alice.end("UID COPY 1:* Drafts") == "A OK UID COPY done"


def test_what_vanished_in_sets_of_any_order(alice: Client) -> None:
    """RFC 7162 §3.2.5, §3.2.6; RFC 9051 §9: 3:1 is 1:3, and no uid vanished that never was."""
    alice("ENABLE QRESYNC")
    validity = re.search(r"UIDVALIDITY (\d+)", alice("STATUS INBOX (UIDVALIDITY)"))
    uids = [int(one) for one in alice.lines("UID SEARCH ALL")[0].split()[2:]]
    before = modseq(alice)
    assert validity is not None
    alice(f"UID STORE {uids[1]} +FLAGS.SILENT (\\Deleted)")
    alice("EXPUNGE")
    for since in (before, before + 1_000_000):  # the second is beyond what was ever given out: all is told
        gone = f"* VANISHED (EARLIER) {uids[1]}"
        for known in (f"{uids[0]}:{uids[2]}", f"{uids[2]}:{uids[0]}", f"{uids[2]},{uids[1]},{uids[1]}:{uids[0]}"):
            assert gone in alice.lines(f"SELECT INBOX (QRESYNC ({validity[1]} {since} {known}))"), known
        for known in (f"{uids[0]}:*", f"*:{uids[0]}", f"{uids[2]}:{uids[0]}"):
            assert alice.lines(f"UID FETCH {known} (FLAGS) (CHANGEDSINCE {since} VANISHED)")[0] == gone, known
        assert alice.lines(f"UID FETCH {uids[2]}:* (FLAGS) (CHANGEDSINCE {since} VANISHED)") == []


def test_annotations_count_as_changes(alice: Client, connect: Connect) -> None:
    """RFC 7162 §3.2: the server "MUST increment the per-mailbox mod-sequence when SETMETADATA successfully changes"."""
    alice("ENABLE QRESYNC")
    before = modseq(alice)
    alice('SETMETADATA INBOX (/private/comment "new" /private/vendor/x "y")')
    assert modseq(alice) == before + 1
    alice('SETMETADATA INBOX (/private/comment "new")')
    alice('SETMETADATA "" (/private/comment "of the account")')
    assert alice.end(f'SETMETADATA INBOX (/private/vendor/x {{70000+}}\r\n{"x" * 70_000})').startswith("A NO")
    assert modseq(alice) == before + 1
    assert alice.lines("NOOP") == []
    alice("SETMETADATA INBOX (/private/comment NIL /private/vendor/x NIL)")
    assert modseq(alice) == before + 2
    validity = re.search(r"UIDVALIDITY (\d+)", alice("STATUS INBOX (UIDVALIDITY)"))
    assert validity is not None
    other = connect()
    other("ENABLE QRESYNC")
    assert "FETCH" not in other(f"SELECT INBOX (QRESYNC ({validity[1]} {before}))")


@pytest.mark.parametrize(
    "said",
    [
        "SELECT INBOX ",
        "FETCH 1 (FLAGS UID) ",
        "FETCH 1 ( FLAGS UID )",
        "STORE 1 +FLAGS ( \\Seen ) ",
        "CREATE blanks ",
        'LIST "" * ',
        'ID ( "name" "aioimaplib" "version" NIL )',
        "STATUS INBOX ( MESSAGES ) ",
        "APPEND INBOX ( \\Seen ) {5+}\r\na: b\n ",
        "ENABLE CONDSTORE ",
    ],
)
def test_blanks_of_clients(alice: Client, said: str) -> None:
    """IMAP-01: aioimaplib writes blanks inside parentheses, others leave one at a line's end; they mean nothing."""
    assert alice.end(said).startswith("A OK")


def test_a_day_without_its_blank(connect: Connect) -> None:
    """RFC 9051 §9, date-day-fixed: node-imap 0.8 leaves the blank out, and could put no mail there on nine days a month."""
    client = connect()
    assert client.end('APPEND INBOX "1-Feb-2020 00:00:00 +0000" {5+}\r\na: b\n').startswith("A OK")
    client("SELECT INBOX")
    assert '" 1-Feb-2020 00:00:00 +0000"' in client("FETCH 1 INTERNALDATE")


def test_a_leap_second(connect: Connect) -> None:
    """RFC 9051 §9, time: 23:59:60 is one, and what was kept with it must be let in; there is no 61st."""
    client = connect()
    client("SELECT INBOX")
    assert client.end('APPEND INBOX "31-Dec-2016 23:59:60 +0000" {5+}\r\na: b\n').startswith("A OK")
    assert 'INTERNALDATE "31-Dec-2016 23:59:59 +0000"' in client("FETCH 1 INTERNALDATE")
    assert client.end('APPEND INBOX "31-Dec-2016 23:59:61 +0000" {5+}\r\na: b\n').startswith("A BAD")


def test_comments_beside_an_encoding(connect: Connect) -> None:
    """RFC 2045 §6.1, RFC 5322 §3.2.2: `base64 (for the gateway)` is base64, for BODYSTRUCTURE, BINARY and SEARCH."""
    client = connect()
    for encoding in ("base64 (as (it) is)", "(so) BASE64", "base64; x=y", '"base64"'):
        message = f"Content-Type: text/plain\r\nContent-Transfer-Encoding: {encoding}\r\n\r\nR3LDvMOfZQ==\r\n"
        client(f"APPEND INBOX {{{len(message)}+}}\r\n{message}")
    client("SELECT INBOX")
    for number in (1, 2, 3):
        assert ' NIL NIL "BASE64" 14 1' in client(f"FETCH {number} BODY")
        assert "BINARY[1] {7}\r\nGrüße)" in client(f"FETCH {number} BINARY.PEEK[1]")
    assert "[UNKNOWN-CTE]" in client.end("FETCH 4 BINARY.PEEK[1]")
    assert client.lines("SEARCH CHARSET UTF-8 BODY {7+}\r\nGrüße") == ["* SEARCH 1 2 3"]


def test_a_nul_is_told_as_binary_only(connect: Connect, store: Store) -> None:
    """RFC 9051 §9: mails that came by SMTP may hold one, and a literal may not; as long it is, whatever is asked for."""
    with store.write(actor(store, "alice")) as tx:
        prepared = appending.prepare(store, b"Subject: a\0b\r\n\r\nc\0d\r\n")
        appending.append(tx, mailboxes.find(tx, "INBOX"), prepared)
    client = connect()
    client("SELECT INBOX")
    said = client("FETCH 1 (RFC822.SIZE BODY.PEEK[] BODY.PEEK[1]<1.2> BODY.PEEK[HEADER.FIELDS (SUBJECT)] BINARY.PEEK[1])")
    whole = said.encode("utf-8", "surrogateescape")
    assert b"RFC822.SIZE 21 BODY[] {21}\r\nSubject: a\x80b\r\n\r\nc\x80d\r\n BODY[1]<1> {2}\r\n\x80d " in whole
    assert b"{16}\r\nSubject: a\x80b\r\n\r\n BINARY[1] ~{5}\r\nc\0d\r\n)" in whole


def test_binary_parts_that_come(connect: Connect) -> None:
    """RFC 3516 §6: BODYSTRUCTURE and BODY show an encoding that IMAP can carry, BINARY the octets that were appended."""
    client = connect()
    octets = bytes(range(256)) + b"\r\n\0"
    message = (
        b"Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n%b\r\n--b--\r\n" % octets
    )
    assert "[APPENDUID" in client(b"APPEND INBOX (\\Seen) ~{%d+}\r\n%b" % (len(message), message))
    client("SELECT INBOX")
    assert '(("image" "png" NIL NIL NIL "BASE64" 356) "mixed")' in client("FETCH 1 BODY")
    assert "\0" not in client("FETCH 1 BODY[]")
    assert "BINARY.SIZE[1] 259" in client("FETCH 1 BINARY.SIZE[1]")
    said = client("FETCH 1 BINARY[1]").encode("utf-8", "surrogateescape")
    assert said.startswith(b"* 1 FETCH (BINARY[1] ~{259}\r\n" + octets + b")\r\n")
    assert "[APPENDUID" in client(b"REPLACE 1 INBOX ~{%d+}\r\n%b" % (len(message), message))
    assert '"BASE64" 356' in client("FETCH 1 BODY")


def test_a_full_disk(alice: Client) -> None:
    """RFC 5530 §3: UNAVAILABLE, and the connection stays; it was `BYE [SERVERBUG]`."""
    data = b"Subject: x\r\n\r\n" + b"y" * 300_000
    with no_room():
        assert alice.end(b"APPEND INBOX {%d+}\r\n%b" % (len(data), data)) == "A NO [UNAVAILABLE] the disk is full"
    assert "OK" in alice.end(b"APPEND INBOX {%d+}\r\n%b" % (len(data), data))


def test_what_is_selected_has_another_name_now(connect: Connect) -> None:
    """RFC 9051 §6.3.5, §7.1: whether it went with the mailbox above it is seen by where it lies, not by where it lay."""
    client, other = connect(), connect()
    for name in ("Old/Mine", "Top"):
        client(f"CREATE {name}")
    client("SELECT Old/Mine")
    other("RENAME Old/Mine Mine")
    assert client("DELETE Old") == "A OK DELETE done\r\n"
    assert client.end("FETCH 1:* UID").startswith("A OK")
    other("RENAME Mine Top/Mine")
    assert client("DELETE Top") == "* OK [CLOSED] the mailbox is gone\r\nA OK DELETE done\r\n"
    assert client.end("NOOP").startswith("A OK")
