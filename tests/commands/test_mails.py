"""`escritoire import`, `export` and `mail` for mails: every kind of file, there and back (MSG-41, 42, 70…74)."""

from __future__ import annotations

import mailbox
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.formats import mail_files
from storage.formats.mail_files import Filed
from tests.commands.conftest import Line

ONE = b"From: a@x.example\r\nSubject: one\r\nMessage-ID: <1@x>\r\nDate: Mon, 01 Sep 2025 10:00:00 +0000\r\n\r\nFrom here\r\n>From there\r\n"
TWO = "Subject: zwei\r\nMessage-ID: <2@x>\r\n\r\nGrüße\r\n".encode()


def listing(line: Line) -> dict[str, int]:
    return {row["name"]: row["mails"] for row in line.json("mail", "list", "alice") if row["mails"]}


def test_a_zip_of_eml_files(line: Line, tmp_path: Path) -> None:
    """MSG-70: folders by their names in any language, missing ones made, duplicates passed over."""
    file = tmp_path / "old.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mail/1.eml", ONE)
        archive.writestr("mail/Gesendete Elemente/2.eml", TWO)
        archive.writestr("mail/Work/2026/3.EML", ONE)
        archive.writestr("mail/Inbox/4.eml", ONE)
        archive.writestr("mail/../../5.eml", ONE)
        archive.writestr("other.txt", b"no mail")
    said = line("import", "alice/mail", str(file))
    assert said == "3 added, 1 there already, 2 mailboxes made\n"
    assert listing(line) == {"INBOX": 1, "Sent Items": 1, "Work/2026": 1}
    assert line("import", "alice/mail", str(file)).startswith("0 added, 4 there already")


def test_google_takeout(line: Line, tmp_path: Path) -> None:
    """MSG-70, MSG-40: each mail into one folder, by the labels that it has in any language."""
    labels = ("Inbox,Unread,Work", "Sent,Work", "Archived,Opened", "Home/Garden,Opened", "Papierkorb,Work", "Spam,Inbox")
    with (tmp_path / "all.mbox").open("w") as file:
        for number, one in enumerate(labels):
            file.write(f"From {number}@xxx Sat Nov 28 10:00:00 +0000 2026\nX-Gmail-Labels: {one}\n")
            file.write(f"Message-ID: <{number}@x>\n\ntext\n\n")
    assert line("import", "alice/mail", str(tmp_path / "all.mbox")).startswith("6 added")
    boxes = ("INBOX", "Sent Items", "Archive", "Home/Garden", "Trash", "Spam?")
    assert listing(line) == dict.fromkeys(boxes, 1)
    assert line("import", "bob/mail/Gmail", str(tmp_path / "all.mbox")).startswith("6 added")
    assert {row["name"]: row["unread"] for row in line.json("mail", "list", "bob") if row["mails"]} == {
        "Gmail/Inbox": 1, "Gmail/Sent": 0, "Gmail/Archive": 0, "Gmail/Home/Garden": 0, "Gmail/Papierkorb": 0,
        "Gmail/Spam": 0,
    }  # fmt: skip


@pytest.mark.parametrize("form", ["mbox", "eml", "maildir"])
def test_there_and_back(line: Line, tmp_path: Path, form: str) -> None:
    """MSG-72: what was written is read again by another account, octet by octet; flags and dates of mbox and Maildir."""
    first = tmp_path / "one.eml"
    first.write_bytes(ONE)
    second = tmp_path / "two.eml"
    second.write_bytes(TWO)
    line("import", "alice/mail/Work", str(first))
    line("import", "alice/mail/Work", str(second))
    out = tmp_path / "out"
    line("export", "alice/mail/Work", "--format", form, "-o", str(out))
    if form != "maildir":
        out = out.rename(tmp_path / f"out.{'zip' if form == 'eml' else 'mbox'}")
    assert line("import", "bob/mail/Copy", str(out)).startswith("2 added")
    again = tmp_path / "again.zip"
    line("export", "bob/mail/Copy", "--format", "eml", "-o", str(again))
    with zipfile.ZipFile(again) as archive:
        assert {archive.read(name) for name in archive.namelist()} == {ONE, TWO}


def test_foreign_files(tmp_path: Path) -> None:
    """mutt's and Thunderbird's flags in an mbox, a Maildir++ as Dovecot writes it."""
    box = mailbox.mbox(tmp_path / "box")
    box.lock()
    message = mailbox.mboxMessage(TWO.replace(b"\r\n", b"\n"))
    message.set_flags("RAF")
    message.set_from("x@y.example", (2025, 9, 1, 10, 0, 0, 0, 0, 0))
    box.add(message)
    box.flush()
    box.close()
    (found,) = mail_files.read(tmp_path / "box")
    assert found.data == TWO
    assert set(found.flags) == {"\\Seen", "\\Answered", "\\Flagged"}
    assert found.internal == 1756720800.0
    maildir = mailbox.Maildir(tmp_path / "Maildir")
    entry = mailbox.MaildirMessage(ONE.replace(b"\r\n", b"\n"))
    entry.set_flags("SF")
    entry.set_subdir("cur")
    maildir.add_folder("Work.2026").add(entry)
    (filed,) = mail_files.read(tmp_path / "Maildir")
    assert (filed.folder, filed.data, set(filed.flags)) == ("Work/2026", ONE, {"\\Seen", "\\Flagged"})


@given(st.binary(max_size=200), st.booleans())
def test_mbox_quoting_is_undone(tmp_path_factory: pytest.TempPathFactory, body: bytes, seen: bool) -> None:
    data = mail_files.crlf(b"Subject: x\r\n\r\n" + body.replace(b"\0", b"") + (b"\r\n" if body else b""))
    file = tmp_path_factory.mktemp("mbox") / "box.mbox"
    with file.open("wb") as out:
        mail_files.write_mbox(out, [Filed("", data, ("\\Seen",) if seen else (), 0.0)] * 2)
    found = list(mail_files.read(file))
    assert [one.data for one in found] == [data, data]
    assert all(("\\Seen" in one.flags) is seen for one in found)


def test_what_is_no_mail(line: Line, tmp_path: Path) -> None:
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK\x03\x04 nonsense")
    assert "broken" in line("import", "alice/mail", str(broken), status=1)
    whole = tmp_path / "whole.zip"
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("mail/1.eml", ONE)
        archive.writestr("mail/2.eml", TWO)
    raw = whole.read_bytes()
    whole.write_bytes(raw.replace(b"one\r\n", b"two\r\n"))
    said = line("import", "alice/mail", str(whole), status=1)
    assert listing(line) == {"INBOX": 1}
    assert "failed: top: mail/1.eml is broken or locked: Bad CRC-32" in said
    (tmp_path / "text.txt").write_text("hello")
    assert "no mbox" in line("import", "alice/mail", str(tmp_path / "text.txt"), status=1)
    assert "no Maildir" in line("import", "alice/mail", str(tmp_path), status=1)
    assert "mailboxes only" in line("import", "alice/events", str(tmp_path), status=2)
    (tmp_path / "empty.eml").write_bytes(b"")
    assert line("import", "alice/mail", str(tmp_path / "empty.eml")).startswith("0 added")


def test_where_nothing_can_be_written(line: Line, tmp_path: Path) -> None:
    """MSG-72: a file that cannot be written is no mistake of ours; one that is there stays if there is no mailbox."""
    kept = tmp_path / "kept.mbox"
    kept.write_bytes(b"before")
    assert "there is no mailbox Nope" in line("export", "alice/mail/Nope", "-o", str(kept), status=1)
    assert kept.read_bytes() == b"before"
    (tmp_path / "one.eml").write_bytes(ONE)
    line("import", "alice/mail", str(tmp_path / "one.eml"))
    missing = str(tmp_path / "no" / "where")
    for words in (("alice/mail",), ("alice/mail", "--format", "eml"), ("alice/events",)):
        assert line("export", *words, "-o", missing, status=1) == f"Error: {missing}: No such file or directory\n"
    for form in ("mbox", "eml"):
        assert line("export", "alice/mail", "--format", form, "-o", "/dev/full", status=1).endswith(
            "No space left on device\n"
        )


def test_archive_and_trash(line: Line, tmp_path: Path) -> None:
    """MSG-41, 42, 73: a zip in the root of the documents, -2 for the next; then the Trash, then nothing."""
    file = tmp_path / "one.eml"
    file.write_bytes(ONE)
    line("import", "alice/mail", str(file))
    first = line.json("mail", "archive", "alice", "INBOX", "--before", "2030-01-01")
    second = line.json("mail", "archive", "alice", "INBOX", "--remove")
    assert first["mails"] == 1
    assert first["moved"] == 0
    assert second["name"] == first["name"].replace(".zip", "-2.zip")
    assert second["moved"] == 1
    assert listing(line) == {"Trash": 1}
    assert line.json("mail", "archive", "alice", "INBOX")["name"] == ""
    assert line("mail", "empty", "alice") == "1 removed\n"
    line("import", "alice/mail", str(file))
    assert line("mail", "trash", "alice", "INBOX", "--before", "2020-01-01") == "0 moved to the Trash\n"
    assert line("mail", "trash", "alice", "INBOX") == "1 moved to the Trash\n"
    line("plan", "set", "full", "--close", "archive")
    assert "archive" in line("mail", "archive", "alice", "Trash", status=1)
