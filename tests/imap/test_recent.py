"""Messages are recent for the first client that is told of them (RFC 3501 §2.3.2, §6.3.1, §6.4.4, §7.3.2)."""

from __future__ import annotations

from collections.abc import Callable

from servers.imap.view import Shared
from storage.mail import recent
from storage.store import Store
from tests.imap.client import Client

Connect = Callable[..., Client]


def append(client: Client, mailbox: str, count: int = 1, flags: str = "()") -> None:
    for _ in range(count):
        assert "APPENDUID" in client(f"APPEND {mailbox} {flags} {{5+}}\r\na: b\n")


def selected(client: Client, mailbox: str, command: str = "SELECT") -> tuple[str, str]:
    """What is said of RECENT and UNSEEN."""
    lines = client.lines(f"{command} {mailbox}")
    counted = next(line for line in lines if line.endswith("RECENT"))
    return counted, next((line.split("]")[0] for line in lines if "[UNSEEN" in line), "")


def test_the_first_who_selects(connect: Connect) -> None:
    """EXAMINE takes nothing from others; whoever comes later is told of none."""
    writer, first, second = connect(), connect(), connect()
    writer("CREATE New")
    append(writer, "New", 2)
    assert "(RECENT 2)" in writer("STATUS New (RECENT)")
    assert "(MESSAGES 2 RECENT 2)" in writer('LIST "" New RETURN (STATUS (MESSAGES RECENT))')
    assert selected(second, "New", "EXAMINE") == ("* 2 RECENT", "* OK [UNSEEN 1")
    assert selected(first, "New") == ("* 2 RECENT", "* OK [UNSEEN 1")
    assert first.lines("FETCH 1:* FLAGS") == ["* 1 FETCH (FLAGS (\\Recent))", "* 2 FETCH (FLAGS (\\Recent))"]
    assert selected(second, "New") == ("* 0 RECENT", "* OK [UNSEEN 1")
    assert second.lines("FETCH 1:* FLAGS") == ["* 1 FETCH (FLAGS ())", "* 2 FETCH (FLAGS ())"]
    assert "(RECENT 0)" in writer("STATUS New (RECENT)")
    assert "(RECENT 0)" in writer('LIST "" New RETURN (STATUS (RECENT))')


def test_what_comes_while_it_is_selected(connect: Connect) -> None:
    """The first who asks gets it; removals keep the count right."""
    first, second = connect(), connect()
    for client in (first, second):
        client("CREATE New")
        client.lines("SELECT New")
    append(second, "New", 1, "(\\Seen)")  # it sees its own
    assert first.lines("NOOP") == ["* 1 EXISTS", "* 0 RECENT"]
    append(connect(), "New", 2)
    assert first.lines("NOOP") == ["* 3 EXISTS", "* 2 RECENT"]
    assert second.lines("NOOP") == ["* 3 EXISTS", "* 1 RECENT"]
    assert first.lines("SEARCH RECENT") == ["* SEARCH 2 3"]
    assert first.lines("SEARCH OLD") == ["* SEARCH 1"]
    assert second.lines("SEARCH RECENT") == ["* SEARCH 1"]
    assert second.lines("SEARCH NEW") == ["* SEARCH"]
    assert second.lines("STORE 1 +FLAGS (\\Flagged \\Recent)") == ["* 1 FETCH (FLAGS (\\Flagged \\Seen \\Recent))"]
    assert first.lines("FETCH 1 (UID BODY[])")[0].startswith("* 1 FETCH")
    assert "FLAGS (\\Seen \\Recent)" in first("FETCH 2 BODY[]")
    first("STORE 2 +FLAGS.SILENT (\\Deleted)")
    first("EXPUNGE")
    append(first, "New")
    assert first.lines("NOOP") in ([], ["* 3 EXISTS", "* 2 RECENT"])
    assert first.lines("SEARCH RECENT") == ["* SEARCH 2 3"]


def test_other_processes_hear_of_it(store: Store, connect: Connect) -> None:
    """And it is on disk a moment later."""
    writer = connect()
    writer("CREATE New")
    append(writer, "New")
    assert selected(connect(), "New")[0] == "* 1 RECENT"
    recent.flush(store)
    assert selected(Client(store, shared=Shared()), "New")[0] == "* 0 RECENT"
    writer("DELETE New")
    recent.flush(store)


def test_nothing_of_it_for_clients_of_the_newer_standard(connect: Connect) -> None:
    """RFC 9051, appendix E: and they take nothing from others."""
    newer, older = connect(), connect()
    newer("ENABLE IMAP4rev2")
    newer("CREATE New")
    append(newer, "New")
    said = "\n".join(newer.lines("SELECT New"))
    assert "RECENT" not in said
    assert "UNSEEN" not in said
    assert "Recent" not in newer("FETCH 1 FLAGS")
    append(newer, "New")
    assert "RECENT" not in newer("NOOP")
    assert selected(older, "New")[0] == "* 2 RECENT"


def test_the_first_unread_one(connect: Connect) -> None:
    client = connect()
    client("CREATE New")
    append(client, "New", 2, "(\\Seen)")
    assert selected(client, "New")[1] == ""
    append(client, "New")
    assert selected(client, "New")[1] == "* OK [UNSEEN 3"


def test_a_long_session_knows_one_span(connect: Connect) -> None:
    """IMAP-02, SYS-07: what came one after another is recent as a whole; each had a span that every FETCH looked through."""
    client, other = connect(), connect()
    client("SELECT INBOX")
    for number in range(1, 21):
        other("APPEND INBOX {5+}\r\na: b\n")
        assert f"* {number} RECENT" in client.lines("NOOP")
    view = client.session.view
    assert view is not None
    assert len(view.recent) == 1
    assert client("FETCH 1:* FLAGS").count("FLAGS (\\Recent)") == 20
    assert client.lines("SEARCH RECENT") == ["* SEARCH " + " ".join(map(str, range(1, 21)))]
