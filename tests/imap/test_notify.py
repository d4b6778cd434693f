"""What is told without being asked (RFC 5465): new messages with what is wanted of them, and the list of mailboxes."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from servers.imap.notify import Group
from tests.imap.client import Client

Connect = Callable[..., Client]
NEW = "MessageNew MessageExpunge"


def put(client: Client, mailbox: str = "INBOX", subject: str = "new") -> None:
    message = f"Subject: {subject}\r\n\r\nx\r\n"
    assert "APPENDUID" in client(f"APPEND {mailbox} {{{len(message)}+}}\r\n{message}")


def woken(client: Client) -> list[str]:
    return client.woken().split("\r\n")[:-1]


def test_new_messages_are_fetched(alice: Client, connect: Connect) -> None:
    """§5.2: EXISTS, then FETCH of what is wanted; not of what the client put there itself; \\Seen stays away."""
    other = connect()
    alice("NOTIFY SET (selected (MessageNew (UID BODY[HEADER.FIELDS (SUBJECT)]) MessageExpunge))")
    put(other)
    said = alice.woken()
    assert re.fullmatch(
        r"\* 4 EXISTS\r\n\* 1 RECENT\r\n\* 4 FETCH \(UID \d+ BODY\[HEADER.FIELDS \(SUBJECT\)\] \{16\}\r\nSubject: new\r\n\r\n\)\r\n",
        said,
    )
    assert alice.lines("SEARCH 4 SEEN") == ["* SEARCH"]
    message = "Subject: mine\r\n\r\n"
    assert "FETCH" not in alice(f"APPEND INBOX {{{len(message)}+}}\r\n{message}")
    assert "FETCH" not in alice("COPY 1 INBOX")
    put(other)
    assert "* 7 FETCH (UID " in alice("NOOP")


def test_flags_that_nobody_wants(alice: Client, connect: Connect) -> None:
    """§5: an event that is not in the list is not told; the client's own commands are answered as ever."""
    other = connect()
    alice(f"NOTIFY SET (selected ({NEW}))")
    other("SELECT INBOX")
    other("STORE 1 +FLAGS.SILENT \\Flagged")
    assert alice.woken() == ""
    assert alice.lines("NOOP") == []
    assert alice.lines("STORE 2 +FLAGS \\Seen") == ["* 2 FETCH (FLAGS (\\Seen))"]
    alice(f"NOTIFY SET (selected ({NEW} FlagChange))")
    other("STORE 1 -FLAGS.SILENT \\Flagged")
    assert re.fullmatch(r"\* 1 FETCH \(UID \d+ FLAGS \(\)\)\r\n", alice.woken())


def test_flags_with_their_uids(alice: Client, connect: Connect) -> None:
    """§5.1: the FETCH MUST include UID: whoever wants removals at any time cannot rely on numbers (§5.3)."""
    other = connect()
    alice("UID FETCH 1:* FLAGS")
    alice(f"NOTIFY SET (selected ({NEW} FlagChange))")
    other("SELECT INBOX")
    other("STORE 3 +FLAGS.SILENT \\Flagged")
    assert re.fullmatch(r"\* 3 FETCH \(UID \d+ FLAGS \(\\Flagged\)\)\r\n", alice.woken())


@pytest.mark.parametrize("groups", ["(selected NONE)", f"(personal ({NEW} FlagChange))"])
def test_idle_tells_what_is_wanted(alice: Client, connect: Connect, groups: str) -> None:
    """§4: IDLE MUST send exactly the events of NOTIFY; without a group of the selected mailbox none of its (§3.1)."""
    other = connect()
    alice("FETCH 1:3 FLAGS")
    alice(f"NOTIFY SET {groups}")
    assert "+ idling" in alice("IDLE")
    put(other)
    other("SELECT INBOX")
    other("STORE 1 +FLAGS.SILENT \\Deleted")
    other("EXPUNGE")
    assert alice.woken() == ""
    assert alice.feed(b"DONE\r\n") == "A OK IDLE done\r\n"
    assert "* 1 EXPUNGE" in alice("NOOP")


def test_idle_tells_what_was_delayed(alice: Client, connect: Connect) -> None:
    """§6.1.2: a removal waits for a command that may tell it, IDLE for one."""
    other = connect()
    alice("FETCH 1:3 FLAGS")
    alice(f"NOTIFY SET (selected-delayed ({NEW}))")
    other("SELECT INBOX")
    other("STORE 1 +FLAGS.SILENT \\Deleted")
    other("EXPUNGE")
    assert alice.woken() == ""
    assert "+ idling" in alice("IDLE")
    assert alice.woken() == "* 1 EXPUNGE\r\n"


def test_counters_of_others(alice: Client, connect: Connect) -> None:
    """§5.1…3, §6.1: of the selected mailbox none; flags only where they are wanted."""
    other = connect()
    alice(f"NOTIFY SET (mailboxes (INBOX Drafts) ({NEW})) (mailboxes Trash ({NEW} FlagChange))")
    put(other, "INBOX")
    put(other, "Drafts")
    (line,) = woken(alice)
    assert line.startswith('* STATUS "Drafts" (MESSAGES 1 UIDNEXT ')
    other("SELECT Drafts")
    other("STORE 1 +FLAGS.SILENT \\Seen")
    assert woken(alice) == []
    other("COPY 1 Trash")
    assert len(woken(alice)) == 1
    other("SELECT Trash")
    other("STORE 1 -FLAGS.SILENT \\Seen")
    (line,) = woken(alice)
    assert line.startswith('* STATUS "Trash" (MESSAGES 1 ')


def test_a_new_mailbox_is_watched(alice: Client, connect: Connect) -> None:
    """§6.2, §6.4: what a group means is found out again when the list changes."""
    other = connect()
    alice(f"NOTIFY SET (subscribed ({NEW}))")
    other("CREATE late")
    assert woken(alice) == []
    other("SUBSCRIBE late")
    assert woken(alice) == []
    assert alice.wait is not None
    put(other, "late")
    (line,) = woken(alice)
    assert line.startswith('* STATUS "late" (MESSAGES 1 UIDNEXT 2 ')


def test_names(alice: Client, connect: Connect) -> None:
    """§5.4: made, renamed, deleted, with the parent of what came or went; what lies below a renamed one is not told."""
    other = connect()
    alice("NOTIFY SET (personal (MailboxName))")
    other("CREATE up")
    assert woken(alice) == ['* LIST (\\HasNoChildren) "/" "up"']
    other("CREATE up/down")
    assert woken(alice) == ['* LIST (\\HasNoChildren) "/" "up/down"', '* LIST (\\HasChildren) "/" "up"']
    other("SUBSCRIBE up")
    assert woken(alice) == []
    other("RENAME up over")
    assert woken(alice) == ['* LIST (\\HasChildren \\Subscribed) "/" "over" ("OLDNAME" ("up"))']
    other("DELETE over/down")
    assert woken(alice) == ['* LIST (\\NonExistent) "/" "over/down"', '* LIST (\\HasNoChildren \\Subscribed) "/" "over"']
    other("DELETE over")
    assert woken(alice) == ['* LIST (\\NonExistent \\Subscribed) "/" "over"']
    other("CREATE over")
    assert alice.lines("CREATE own") == ['* LIST (\\HasNoChildren \\Subscribed) "/" "over"']  # others' before, its own not
    assert woken(alice) == []
    assert alice.end("CREATE own").startswith("A NO [ALREADYEXISTS]")
    assert woken(alice) == []


def test_only_what_is_asked_for(alice: Client, connect: Connect) -> None:
    """§6: of the mailboxes named, and none of those that a group without events takes out."""
    other = connect()
    alice("NOTIFY SET (mailboxes b NONE) (subtree a (MailboxName)) (mailboxes (b c) (MailboxName))")
    for name in ("a/x", "b", "c", "d"):
        other(f"CREATE {name}")
    assert [line.split('"/" ')[1] for line in woken(alice)] == ['"a"', '"a/x"', '"c"']
    alice("NOTIFY NONE")
    other("DELETE c")
    assert alice.woken() == ""


def test_subscriptions(alice: Client, connect: Connect) -> None:
    """§5.5: also of names without a mailbox; the attributes are right."""
    other = connect()
    alice("NOTIFY SET (personal (SubscriptionChange))")
    other("SUBSCRIBE none")
    other("UNSUBSCRIBE Drafts")
    assert woken(alice) == [
        '* LIST (\\HasNoChildren \\Drafts) "/" "Drafts"',
        '* LIST (\\NonExistent \\Subscribed) "/" "none"',
    ]
    alice("SUBSCRIBE Drafts")
    assert woken(alice) == []


def test_annotations(alice: Client, connect: Connect) -> None:
    """§5.6, §5.7; RFC 5464 §4.4.2: names of entries only, those that went among them."""
    other = connect()
    other("CREATE Notes")
    other('SETMETADATA Notes (/private/vendor/x "1")')
    alice("NOTIFY SET (personal (MailboxMetadataChange ServerMetadataChange))")
    other('SETMETADATA Notes (/shared/comment "a" /private/vendor/x NIL)')
    assert woken(alice) == ['* METADATA "Notes" /private/vendor/x /shared/comment']
    other('SETMETADATA Notes (/shared/comment "b")')
    other('SETMETADATA "" (/private/vendor/y "c")')
    assert woken(alice) == ['* METADATA "" /private/vendor/y', '* METADATA "Notes" /shared/comment']
    alice("SETMETADATA Notes (/shared/comment NIL)")
    alice('SETMETADATA "" (/private/vendor/y NIL)')
    assert woken(alice) == []
    assert alice.lines("GETMETADATA (DEPTH infinity) Notes (/private /shared)") == []


@pytest.mark.parametrize(
    "said",
    [
        "(selected (MessageNew))",
        "(personal (MessageExpunge))",
        "(personal (FlagChange))",
        "(selected (MailboxName))",
        f"(selected ({NEW})) (selected-delayed ({NEW}))",
        "(personal ())",
        "personal NONE",
        "(nobody NONE)",
        "",
    ],
)
def test_what_does_not_go_together(alice: Client, said: str) -> None:
    """§5, §6.1, §8."""
    assert alice.end(f"NOTIFY SET {said}").startswith("A BAD")


def test_unknown_events(alice: Client) -> None:
    """§3.1: NO and what there is; what was wanted before goes on."""
    alice("NOTIFY SET (personal (MailboxName))")
    for event in ("AnnotationChange", "SomethingNew"):
        assert "A NO [BADEVENT (MessageNew " in alice(f"NOTIFY SET (personal ({NEW} {event}))")
    assert alice.wait is not None


def test_searches_that_fetch(alice: Client, connect: Connect) -> None:
    """§7: EXISTS, FETCH, ADDTO; not of what only got other flags; each message once."""
    other = connect()
    assert alice.lines('SEARCH RETURN (COUNT UPDATE (UID FLAGS)) SUBJECT "boss" UNSEEN') == ['* ESEARCH (TAG "A") COUNT 0']
    put(other, subject="nobody")
    put(other, subject="boss")
    said = alice.lines("NOOP")
    assert said[0] == "* 5 EXISTS"
    assert re.fullmatch(r"\* 5 FETCH \(UID \d+ FLAGS \(\\Recent\)\)", said[-2])
    assert said[-1] == '* ESEARCH (TAG "A") ADDTO (0 5)'
    other("SELECT INBOX")
    other("STORE 5 +FLAGS.SILENT \\Seen")
    assert alice.lines("NOOP")[-1] == '* ESEARCH (TAG "A") REMOVEFROM (0 5)'
    other("STORE 5 -FLAGS.SILENT \\Seen")
    assert len([line for line in alice.lines("NOOP") if "UID" in line]) == 0
    alice("NOTIFY SET (selected (MessageNew (UID RFC822.SIZE) MessageExpunge))")
    put(other, subject="boss")
    said = woken(alice)
    assert len([line for line in said if "FETCH" in line]) == 1
    assert re.search(r"\* 6 FETCH \(UID \d+ RFC822.SIZE \d+ FLAGS ", "\n".join(said))


def test_sorts_that_fetch(alice: Client, connect: Connect) -> None:
    assert "A OK" in alice("SORT RETURN (UPDATE (UID) ALL) (REVERSE SUBJECT) UTF-8 ALL")
    put(connect(), subject="z")
    said = alice.lines("NOOP")
    assert re.fullmatch(r"\* 4 FETCH \(UID \d+\)", said[-2])
    assert said[-1] == '* ESEARCH (TAG "A") ADDTO (1 4)'


def test_many_names_in_a_group() -> None:
    """RFC 5465 §6, SYS-17: a subtree holds what lies in it; ten thousand of each were a hundred million comparisons."""
    names = frozenset(f"a{number}/b" for number in range(10_000))
    subtree, exactly = (Group(kind, names, frozenset({"MailboxName"})) for kind in ("subtree", "mailboxes"))
    for number in range(10_000):
        assert subtree.holds(f"a{number}/b/c/d", subscribed=False)
        assert subtree.holds(f"a{number}/b", subscribed=False)
        assert exactly.holds(f"a{number}/b", subscribed=False)
        assert not exactly.holds(f"a{number}/b/c", subscribed=False)
        for other in (f"a{number}", f"a{number}/bc", f"x/a{number}/b"):
            assert not subtree.holds(other, subscribed=True)
