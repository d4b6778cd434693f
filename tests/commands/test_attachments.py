"""`escritoire mail attachments` and `save`: what came by mail becomes a document (MSG-12)."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.commands.conftest import Line


@pytest.fixture(autouse=True)
def mails(line: Line, tmp_path: Path) -> None:
    """Mail 1 carries two files of one name, mail 2 none."""
    mail = EmailMessage()
    mail["From"], mail["Subject"], mail["Message-ID"] = "Dora <dora@x.example>", "Plans", "<1@x>"
    mail.set_content("See below.")
    mail.add_attachment(b"%PDF-1", maintype="application", subtype="pdf", filename="../../plan.pdf")
    mail.add_attachment(b"second", maintype="application", subtype="octet-stream", filename="plan.pdf")
    mail.add_attachment("BEGIN:VCALENDAR\n", subtype="calendar", filename="calendar.ics")
    one = tmp_path / "1.eml"
    one.write_bytes(mail.as_bytes())
    line("import", "alice/mail/Work", str(one))
    two = tmp_path / "2.eml"
    two.write_bytes(b"Subject: bare\r\nMessage-ID: <2@x>\r\n\r\nHello\r\n")
    line("import", "alice/mail/Work", str(two))


def test_they_are_listed(line: Line) -> None:
    found = line.json("mail", "attachments", "alice", "Work")
    assert [(one["mail"], one["part"], one["name"]) for one in found] == [
        (1, "2", "../../plan.pdf"), (1, "3", "plan.pdf"), (1, "4", "calendar.ics"),
    ]  # fmt: skip
    assert (found[0]["from"], found[0]["subject"]) == ("Dora <dora@x.example>", "Plans")
    assert line.json("mail", "attachments", "alice", "Work", "--mail", "2") == []
    assert line.json("mail", "attachments", "alice") == []
    for absent in ("9", str(10**30)):
        assert f"no mail {absent} in Work" in line("mail", "attachments", "alice", "Work", "--mail", absent, status=1)
    line("mail", "attachments", "alice", "Absent", status=1)


def test_they_become_documents(line: Line) -> None:
    """Two files of one name, a path for a name, a name that the root keeps for itself."""
    said = line("mail", "save", "alice", "Work", "1", "alice").split("\n")[:-1]
    assert said == ["alice/plan.pdf", "alice/plan (2).pdf", "alice/calendar (2).ics"]
    told = line.json("document", "show", "alice/plan.pdf")
    assert (told["size"], told["media_type"], told["creator"]) == (6, "application/pdf", "alice")
    assert line("mail", "save", "alice", "Work", "1", "groups/IAB", "--part", "3") == "groups/IAB/plan.pdf\n"
    assert line.json("document", "show", "groups/IAB/plan.pdf", "--as", "bob")["size"] == 6


def test_what_is_refused(line: Line) -> None:
    """The folder's rights are those of any other program, and all is kept or nothing."""
    assert "no alice/Absent" in line("mail", "save", "alice", "Work", "1", "alice/Absent", status=1)
    assert "carries no attachment" in line("mail", "save", "alice", "Work", "2", "alice", status=1)
    some = ("--part", "2", "--part", "7")
    assert "carries no attachment 7" in line("mail", "save", "alice", "Work", "1", "alice", *some, status=1)
    line("import", "bob/mail", str(line.data.parent / "1.eml"))
    assert "lacks the right add" in line("mail", "save", "bob", "INBOX", "1", "groups/IAB", status=1)
    line("plan", "add", "tight", "--limit", "docs_bytes=12")
    line("plan", "assign", "bob", "tight")
    assert "capacity" in line("mail", "save", "bob", "INBOX", "1", "bob", status=1)
    assert [one["path"] for one in line.json("document", "tree", "bob") if one["kind"] == "document"] == []


def test_a_drop_box_takes_them(line: Line) -> None:
    """DOC-31: a deposit by its very mail; the depositor sees no more of it."""
    line("mail", "save", "alice", "Work", "1", "bob/Drop box", "--part", "2")
    assert line.json("document", "show", "bob/Drop box/plan.pdf")["deposited_by"] == "alice"


def test_mails_are_listed_and_some_are_archived(line: Line) -> None:
    """MSG-41, MSG-61, MSG-73: selected ones, by the numbers of the list."""
    found = line.json("mail", "list", "alice", "Work")
    assert {(one["mail"], one["subject"], one["unread"]) for one in found} == {(1, "Plans", True), (2, "bare", True)}
    assert len(line.json("mail", "list", "alice", "Work", "--limit", "1")) == 1
    assert "no mailbox Absent" in line("mail", "list", "alice", "Absent", status=1)
    made = line.json("mail", "archive", "alice", "Work", "--mail", "2", "--remove")
    assert (made["mails"], made["moved"]) == (1, 1)
    assert line.json("document", "show", f"alice/{made['name']}")["size"] == made["octets"]
    assert [one["mail"] for one in line.json("mail", "list", "alice", "Work")] == [1]
    assert line("mail", "trash", "alice", "Work", "--mail", "7") == "0 moved to the Trash\n"
    assert line("mail", "trash", "alice", "Work", "--mail", "1") == "1 moved to the Trash\n"
