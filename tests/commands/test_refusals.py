"""What a refusal says: what is missing, and what to type next."""

from __future__ import annotations

import pytest

from conf.load import load
from servers.http.start import open_store
from tests.commands.conftest import Line
from tests.storage import desk, disk


@pytest.fixture(autouse=True)
def documents(line: Line) -> None:
    """alice/Reports/2026/a.txt, groups/IAB/b.txt by bob."""
    line("grant", "add", "groups/IAB/docs", "bob", "add")
    store = open_store(load(line.data / "escritoire.toml"))
    try:
        alice, bob = desk.actor(store, "alice"), desk.actor(store, "bob")
        with store.write(alice) as tx:
            disk.mkdir(tx, "alice", "Reports")
            disk.mkdir(tx, "alice", "Reports/2026")
            disk.put(tx, "alice", "Reports/2026/a.txt", b"zebra")
        with store.write(bob) as tx:
            disk.put(tx, "IAB", "b.txt", b"bob's")
    finally:
        store.close()


@pytest.mark.parametrize(
    "words",
    [
        ("queue", "show", str(2**63)),
        ("queue", "retry", "1" * 40),
        ("feed", "revoke", "alice", str(2**64)),
        ("history", "restore", "alice/events", str(2**64)),
        ("document", "version", "alice/Reports/2026/a.txt", str(2**64)),
        ("group", "invitations", "delete", "IAB", str(2**64)),
        ("user", "app-password", "revoke", "alice", str(2**64)),
        ("search", "--as", "alice", "zebra", "--offset", str(2**64)),
    ],
)
def test_numbers_that_nothing_has(line: Line, words: tuple[str, ...]) -> None:
    """They are not understood; the database cannot even be asked for such numbers."""
    assert "Invalid value for" in line(*words, status=2)


@pytest.mark.parametrize("kind", ["--day", "--week", "--month", "--from", "--to"])
@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_first_and_the_last_of_all_days(line: Line, kind: str, day: str) -> None:
    line("export", "alice/events", kind, day[:7] if kind == "--month" else day)


def test_files_that_cannot_be_written(line: Line) -> None:
    for words in (("export", "alice/events"), ("export", "alice/mail"), ("favourites", "export", "alice")):
        said = line(*words, "--output", str(line.data / "nowhere" / "x"), status=1)
        assert said == f"Error: {line.data}/nowhere/x: No such file or directory\n"
    assert line("export", "alice/events", "--output", "/dev/full", status=1) == "Error: No space left on device\n"


def test_a_database_that_is_not_ours_to_write(line: Line) -> None:
    (line.data / "desk.sqlite3").unlink()
    (line.data / "desk.sqlite3").mkdir()
    said = line("user", "list", status=1)
    assert said.startswith("Error: the database cannot be used: unable to open database file; ")
    assert "sudo -u ACCOUNT escritoire" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("mail", "trash", "alice", "No such box"), "there is no mailbox No such box"),
        (("grant", "show", "alice/Reports"), "there are: contacts, events, notes, tasks"),
        (("grant", "show", "alice/Reports"), "docs/… and favourites/… on the disk"),
        (("document", "show", "alice/docs/Reports"), "written without docs/"),
        (("group", "admin", "IAB", "carol"), "carol is no member of IAB"),
        (("export", "alice/contacts/nope.vcf"), "there is no nope.vcf, or whoever acts may not see it"),
        (("export", "alice/contacts/My card.vcf"), "there is no My card.vcf, or whoever acts may not see it"),
        (("group", "remove", "IAB", "--yes", "--as", ""), "there is no account without a name"),
        (("document", "show", "alice/Reports", "--as", ""), "there is no account without a name"),
        (("document", "hide", "groups/IAB/b.txt", "alice", "--as", ""), "there is no account without a name"),
        (("absence", "off", ""), "there is no account without a name"),
        (("plan", "assign", "alice", "golden"), "`escritoire plan list`"),
        (("group", "add", "two words", "--admin", "\udcff"), "is not UTF-8"),
        (("contacts", "category", "rename", "alice", "a", "a"), "called a already"),
        (("user", "app-password", "revoke", "alice", "99"), "there is no 99"),
        (("user", "address", "confirm", "alice", "x@y.example"), "alice has no address x@y.example"),
        (("document", "share", "alice/Reports/2026/a.txt", "iab"), "alice is in no group iab (capitals count)"),
        (("document", "description", "groups/IAB/b.txt", "x"), "lacks the right edit on groups/IAB/docs/b.txt"),
        (("grant", "show", "alice/events", "--as", "bob"), "say who acts with --as"),
        (("document", "publish", "alice/web"), "made on the disk first"),
    ],
)
def test_it_says_what_to_do(line: Line, words: tuple[str, ...], said: str) -> None:
    assert said in line(*words, status=1)


def test_a_document_that_nobody_can_reach(line: Line) -> None:
    """ACL-12: the right on the document is worth nothing before the folders above it are seen."""
    done = line.run("grant", "add", "alice/docs/Reports/2026/a.txt", "bob", "see")
    assert done.stderr.splitlines()[1:] == [
        "    escritoire grant add alice/docs bob see-folder",
        "    escritoire grant add alice/docs/Reports bob see-folder",
        "    escritoire grant add alice/docs/Reports/2026 bob see-folder",
    ]
    line("grant", "add", "alice/docs", "bob", "see-folder")
    line("grant", "apply", "alice/docs")
    assert line.run("grant", "add", "alice/docs/Reports/2026/a.txt", "bob", "see").stderr == ""
    assert line.json("document", "show", "alice/Reports/2026/a.txt", "--as", "bob")["size"] == 5


def test_an_item_of_a_group_is_its_creators(line: Line) -> None:
    """ACL-07: its creator sets the rights, and so does the command line without --as."""
    line("grant", "remove", "groups/IAB/docs/b.txt", "IAB", "see")
    assert line.json("grant", "show", "groups/IAB/docs/b.txt")
    line("grant", "show", "groups/IAB/docs/b.txt", "--as", "alice", status=1)


def test_a_plan_that_is_too_small(line: Line) -> None:
    """ACC-11, ACC-12: what the site administrator would type."""
    line("plan", "add", "tight", "--limit", "contacts_max=0")
    line("plan", "assign", "alice", "tight")
    assert "`escritoire plan set PLAN --open doc_search`" in line("search", "--as", "alice", "x", status=1)
    card = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:d\r\nFN:D\r\nN:D;;;;\r\nEND:VCARD\r\n"
    line("import", "bob/contacts", "-", stdin=card)
    line("grant", "add", "groups/IAB/contacts", "bob", "add")
    refused = line("contacts", "share", "bob/contacts/d.vcf", "IAB", status=1)
    assert "limit contacts_max reached (0): `escritoire plan set PLAN --limit contacts_max=…`" in refused


@pytest.mark.parametrize("words", [("document", "hide"), ("document", "notify"), ("favourites", "hide")])
def test_help_says_who_acts(line: Line, words: tuple[str, ...]) -> None:
    """ACL-07, DOC-19: of a group's document its creator, not the admin."""
    said = line(*words, "--help")
    assert "without it whoever made it" in said
    assert "group's admin, without it" not in said


def test_a_database_that_is_away(line: Line) -> None:
    """SYS-15: the driver's own words tell what to look for; it said `busy`."""
    file = line.data / "escritoire.toml"
    file.write_text(file.read_text() + '[database]\nurl = "postgresql+psycopg://x@/desk?host=/nonexistent"\n')
    assert "the database cannot be used: " in (said := line("user", "list", status=1))
    assert "/nonexistent" in said
