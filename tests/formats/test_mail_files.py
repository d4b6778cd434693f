"""Mails in files as other programs write them (MSG-70, MSG-71, MSG-72; RFC 4155)."""

from __future__ import annotations

import io
import time
import zipfile
from pathlib import Path

import pytest

from storage.formats import mail_files
from storage.formats.mail_files import Filed

FROM = b"From x@y.example Sat Nov 28 10:00:00 2026\n"
HEADER = b"Subject: a\nFrom: x@y.example\n\n"
WHEN = 1_795_860_000.0


def bodies(tmp_path: Path, data: bytes) -> list[bytes]:
    """What stands behind the blank line of each mail of an mbox."""
    file = tmp_path / "box.mbox"
    file.write_bytes(data)
    return [one.data.partition(b"\r\n\r\n")[2] for one in mail_files.read(file)]


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
@pytest.mark.parametrize(
    ("data", "found"),
    [
        (FROM + HEADER + b"one\n\n" + FROM + HEADER + b"two\n", [b"one\n", b"two\n"]),
        (FROM + HEADER + b"one\n" + FROM + HEADER + b"two\n", [b"one\n", b"two\n"]),
        (
            FROM + HEADER + b"one\nFrom here on\nit is text\n\n" + FROM + HEADER,
            [b"one\nFrom here on\nit is text\n", b""],
        ),
        (FROM + HEADER + b"one\n\nFrom him I heard\n\n", [b"one\n\nFrom him I heard\n"]),
        (FROM + HEADER + b"From Ann on Mon, 3 Nov 2025 at 10:00\n", [b"From Ann on Mon, 3 Nov 2025 at 10:00\n"]),
        (FROM + HEADER + b">From a\n>>From b\n", [b"From a\n>From b\n"]),
        (FROM + HEADER + b"one\nStatus: open\n\nX-Keywords: no\n", [b"one\nStatus: open\n\nX-Keywords: no\n"]),
        (b"From \n" + HEADER + b"one\n\nFrom \n" + HEADER + b"two\n", [b"one\n", b"two\n"]),
        (b"From - Sat Nov 28 10:00:00 2026\n" + HEADER + b"one\n", [b"one\n"]),
        (b"From 12@xxx Sat Nov 28 10:00:00 +0000 2026\n" + HEADER + b"one\n", [b"one\n"]),
        (b"From x@y Sat Nov 28 10:00:00 CET 2026 remote from z\n" + HEADER + b"one\n", [b"one\n"]),
        (b"\xef\xbb\xbf\n" + FROM + HEADER + b"one\n", [b"one\n"]),
        (FROM + b"\nno header\n", [b""]),
        (
            FROM + b"Subject: FOLDER INTERNAL DATA\nX-IMAP: 1 2\n\nthis is ours\n\n" + FROM + HEADER + b"one\n",
            [b"one\n"],
        ),
    ],
)
def test_where_mails_begin(tmp_path: Path, data: bytes, found: list[bytes], ends: bytes) -> None:
    """RFC 4155 and its dialects: Thunderbird, Gmail, Pine; what was written in a text begins no mail."""
    if data.startswith(FROM + b"\n"):  # a mail without a header
        (tmp_path / "box.mbox").write_bytes(data.replace(b"\n", ends))
        assert [one.data for one in mail_files.read(tmp_path / "box.mbox")] == [b"\r\nno header\r\n"]
        return
    assert bodies(tmp_path, data.replace(b"\n", ends)) == [one.replace(b"\n", b"\r\n") for one in found]


def test_content_length(tmp_path: Path) -> None:
    """mboxcl2: a whole `From ` line in a body is text, if the number says so; a wrong number says nothing."""
    inner = b"see\n\n" + FROM + b"ends here\n"
    counted = FROM + b"Content-Length: %d\n" % len(inner) + HEADER + inner + b"\n" + FROM + HEADER + b"two\n"
    assert bodies(tmp_path, counted) == [inner.replace(b"\n", b"\r\n"), b"two\r\n"]
    for wrong in (b"3", b"9999", b"999999999"):
        data = FROM + b"Content-Length: " + wrong + b"\n" + HEADER + b"one\n\n" + FROM + HEADER + b"two\n"
        assert bodies(tmp_path, data) == [b"one\r\n", b"two\r\n"]


def test_flags_and_dates_of_an_mbox_with_crlf(tmp_path: Path) -> None:
    """MSG-71: what Windows writes is what others write."""
    file = tmp_path / "box"
    file.write_bytes((FROM + b"Status: RO\nX-Status: AF\n" + HEADER + b"one\n").replace(b"\n", b"\r\n"))
    (one,) = mail_files.read(file)
    assert one == Filed("", (HEADER + b"one\n").replace(b"\n", b"\r\n"), ("\\Seen", "\\Answered", "\\Flagged"), WHEN)


def test_thunderbirds_tags_are_keywords(tmp_path: Path) -> None:
    """MSG-70, MSG-71: an mbox of Thunderbird, with the blanks that it leaves for more."""
    fields = b"X-Mozilla-Status: 0001\nX-Mozilla-Status2: 00000000\nX-Mozilla-Keys: $label1 holiday" + b" " * 60 + b"\n"
    (tmp_path / "box.mbox").write_bytes(b"From - Sat Nov 28 10:00:00 2026\n" + fields + HEADER + b"one\n")
    (one,) = mail_files.read(tmp_path / "box.mbox")
    assert (one.flags, one.data) == (("\\Seen", "$label1", "holiday"), (HEADER + b"one\n").replace(b"\n", b"\r\n"))


@pytest.mark.parametrize(
    ("value", "labels", "flags"),
    [
        (b"Inbox,Opened,Category Updates,Important", ("Inbox",), ("\\Seen",)),
        (b"Archived,Unread,Starred", (), ("\\Flagged",)),
        (b"Work/2026,\n \"a, b\",Opened", ("Work/2026", "a, b"), ("\\Seen",)),
        (b"=?UTF-8?Q?Bo=C3=AEte_de_r=C3=A9ception,Non_lu?=", ("Boîte de réception",), ()),
        (b'"', (), ("\\Seen",)),
        (b"", (), ("\\Seen",)),
    ],
)
def test_labels_of_google_takeout(tmp_path: Path, value: bytes, labels: tuple[str, ...], flags: tuple[str, ...]) -> None:
    """MSG-70: one file holds all mails of an account, and a field says where each belonged."""
    head = b"From 18@xxx Sat Nov 28 10:00:00 +0000 2026\nX-GM-THRID: 18\nX-Gmail-Labels: " + value + b"\n"
    (tmp_path / "all.mbox").write_bytes(head + HEADER + b"one\n")
    (one,) = mail_files.read(tmp_path / "all.mbox")
    assert (one.labels, one.flags, one.internal) == (labels, flags, WHEN)


def test_long_lines_and_large_mails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SYS-17: the time grows as the file does; what is too large is passed over, and what follows is read."""
    monkeypatch.setattr(mail_files, "MAIL_OCTETS", 1_000_000)
    long = b"From " + b"Mon Jan 1 10:00 " * 100_000 + b"\n"
    (tmp_path / "box.mbox").write_bytes(FROM + HEADER + long + b"\n" + FROM + HEADER + b"two\n")
    begun = time.perf_counter()
    first, second = mail_files.read(tmp_path / "box.mbox")
    assert time.perf_counter() - begun < 2
    assert (first.too_large, first.data) == (True, b"")
    assert second.data.endswith(b"two\r\n")


@pytest.mark.parametrize("form", ["mbox", "maildir", "zip"])
def test_flags_and_dates_there_and_back(tmp_path: Path, form: str) -> None:
    """MSG-72, BACKUP-05: what is written is read again as it was, keywords and the time of arrival included."""
    words = [f"word{number}" for number in range(20)]
    mails = [
        Filed("", b"Subject: 1\r\nStatus: RO\r\nX-Mozilla-Status: 0005\r\n\r\nx\r\n", ("$Junk", "\\Answered"), 1.0),
        Filed("", b"Subject: 2\r\n\r\nx\r\n", ("\\Flagged", "\\Seen", "$Forwarded", *words), WHEN),
        Filed("", b"Subject: 3\r\n\r\nx\r\n", (), 2.0**31 - 1),
    ]
    if form == "mbox":  # it keeps flags among the fields of the mails, and has no others of these names
        mails[0] = mails[0]._replace(data=b"Subject: 1\r\n\r\nx\r\n")
    place = tmp_path / f"out.{form}"
    if form == "maildir":
        mail_files.write_maildir(place, mails)
    else:
        with place.open("wb") as file:
            (mail_files.write_mbox if form == "mbox" else mail_files.write_zip)(file, mails)
    found = sorted(mail_files.read(place), key=lambda one: one.data)
    assert [(one.data, set(one.flags), one.internal) for one in found] == [
        (one.data, set(one.flags), one.internal) for one in mails
    ]


def test_an_mbox_tells_its_own_flags_alone(tmp_path: Path) -> None:
    """MSG-72: what Thunderbird once left in a header does not make an unread mail read."""
    with (tmp_path / "box").open("wb") as file:
        mail_files.write_mbox(file, [Filed("", b"Status: RO\r\nX-Mozilla-Status: 0005\r\nA: b\r\n\r\nx\r\n", (), 1.0)])
    assert list(mail_files.read(tmp_path / "box")) == [Filed("", b"A: b\r\n\r\nx\r\n", (), 1.0)]


def test_a_folder_that_leads_out_of_the_archive(tmp_path: Path) -> None:
    """MSG-72: a mailbox may be called "..", and unpacking it writes beside nothing."""
    with (tmp_path / "a.zip").open("wb") as file:
        mail_files.write_zip(file, [Filed("../x", b"A: b\r\n\r\n", (), 1.0)])
    assert [one.folder for one in mail_files.read(tmp_path / "a.zip")] == ["_/x"]


def test_what_apple_mail_exports(tmp_path: Path) -> None:
    """MSG-70: a folder `Name.mbox` with the mbox in it."""
    folder = tmp_path / "Work.mbox"
    folder.mkdir()
    (folder / "mbox").write_bytes(FROM + HEADER + b"one\n")
    (folder / "table_of_contents").write_bytes(b"\0")
    assert len(list(mail_files.read(folder))) == 1


def test_a_tree_of_mboxes(tmp_path: Path) -> None:
    """MSG-70: a profile of Thunderbird, several folders of Apple Mail, .eml files in folders; what else lies there stays."""
    files = {
        "Inbox": FROM + HEADER + b"1\n",
        "Inbox.msf": b"// <!-- <mdb:mork:z v='1.4'/> -->",
        "Empty": b"",
        "Work": FROM + HEADER + b"2\n\n" + FROM + HEADER + b"3\n",
        "Work.sbd/2026.sbd/May": b"From \n" + HEADER + b"4\n",
        "Home.mbox/mbox": FROM + HEADER + b"5\n",
        "Home.mbox/table_of_contents": b"\0",
        "Old/All.mbox": FROM + HEADER + b"6\n",
        "Saved/a.EML": HEADER + b"7\n",
        ".hidden": FROM + HEADER + b"8\n",
    }
    for name, data in files.items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(data)
    found = {one.data[-3:-2].decode(): (one.folder, one.internal) for one in mail_files.read(tmp_path / "in")}
    assert found == {
        "1": ("Inbox", WHEN), "2": ("Work", WHEN), "3": ("Work", WHEN), "4": ("Work/2026/May", None),
        "5": ("Home", WHEN), "6": ("Old/All", WHEN), "7": ("Saved", None),
    }  # fmt: skip
    (tmp_path / "none").mkdir()
    with pytest.raises(ValueError, match=r"no mbox or \.eml in it"):
        list(mail_files.read(tmp_path / "none"))


def test_a_zip_that_a_mac_made(tmp_path: Path) -> None:
    """MSG-70: names in UTF-8 that is not announced, accents apart, and files about files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in ("mail/Entwu\u0308rfe/1.eml", "__MACOSX/mail/Entwu\u0308rfe/._1.eml", "mail/._2.eml", "mail/3.eml"):
            archive.writestr(name, b"Subject: x\n\n")
    raw = out.getvalue()
    flagged = b"PK\x01\x02", b"PK\x03\x04"
    for mark, at in zip(flagged, (8, 6), strict=True):
        start = -1
        while (start := raw.find(mark, start + 1)) >= 0:
            raw = raw[: start + at] + b"\0\0" + raw[start + at + 2 :]
    (tmp_path / "a.zip").write_bytes(raw)
    assert [one.folder for one in mail_files.read(tmp_path / "a.zip")] == ["Entwürfe", ""]


@pytest.mark.parametrize("damage", ["deflated", "stored", "locked", "gone"])
def test_what_is_damaged_is_told_and_the_rest_read(tmp_path: Path, damage: str) -> None:
    """MSG-70: one broken member of an archive stops neither the program nor what follows it."""
    kind = zipfile.ZIP_STORED if damage == "stored" else zipfile.ZIP_DEFLATED
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", kind) as archive:
        for number in range(3):
            archive.writestr(f"mail/{number}.eml", b"Subject: x\r\n\r\n" + bytes(range(256)) * 50)
    raw = bytearray(out.getvalue())
    at, listed = raw.find(b"mail/1.eml"), raw.rfind(b"mail/1.eml")
    match damage:
        case "locked":
            raw[listed - 38] |= 1  # general purpose flags, in both places
            raw[at - 24] |= 1
        case "gone":
            raw[at - 30 : at - 26] = b"nope"
        case _:
            raw[at + 20 : at + 60] = b"\xff" * 40
    (tmp_path / "a.zip").write_bytes(raw)
    found = list(mail_files.read(tmp_path / "a.zip"))
    assert ["1.eml is broken" in one.trouble for one in found] == [False, True, False]
    assert [bool(one.data) for one in found] == [True, False, True]


def test_a_mail_that_is_moved_at_this_moment(tmp_path: Path) -> None:
    """MSG-71: the Maildir may be in use; what cannot be read is told, and the rest is read."""
    for name in ("1.x:2,S", "2.x:2,S"):
        (tmp_path / "cur").mkdir(exist_ok=True)
        (tmp_path / "cur" / name).write_bytes(b"Subject: x\n\n")
    found = mail_files.read(tmp_path)
    assert next(found).data
    (tmp_path / "cur" / "2.x:2,S").unlink()
    (second,) = found
    assert (second.data, second.trouble) == (b"", "2.x:2,S: No such file or directory")


def test_a_maildir_of_dovecot(tmp_path: Path) -> None:
    """MSG-71: folders in modified UTF-7, keywords by letters, flags on file systems without colons."""
    for name, file in (("", "1.x:2,Sa"), (".Entw&APw-rfe", "2.x!2,S"), (".A&-B.C", "3.x;2,R"), (".Größe", "4.x")):
        (tmp_path / name / "cur").mkdir(parents=True)
        (tmp_path / name / "cur" / file).write_bytes(b"Subject: x\n\n")
    (tmp_path / "dovecot-keywords").write_text("0 $Forwarded\n1 work\nx y\n")
    found = {one.folder: one.flags for one in mail_files.read(tmp_path)}
    assert found == {"": ("\\Seen", "$Forwarded"), "Entwürfe": ("\\Seen",), "A&B/C": ("\\Answered",), "Größe": ()}


def test_a_maildir_of_courier(tmp_path: Path) -> None:
    """MSG-71: keywords in a file of their own, by the names of mails without their flags."""
    for place in (tmp_path, tmp_path / ".Work"):
        (place / "cur").mkdir(parents=True)
        for name in ("1.M2P3.host,S=12:2,S", "2.host:2,"):
            (place / "cur" / name).write_bytes(b"Subject: %b\n\n" % name[:1].encode())
    (tmp_path / ".Work" / "courierimapkeywords").mkdir()
    listed = "$label1\nholiday\n\n1.M2P3.host,S=12:1 0\n2.host:7 x \n3.gone:0\nnonsense\n"
    (tmp_path / ".Work" / "courierimapkeywords" / ":list").write_text(listed)
    found = {(one.folder, one.data[9:10]): one.flags for one in mail_files.read(tmp_path)}
    assert found == {
        ("", b"1"): ("\\Seen",), ("", b"2"): (),
        ("Work", b"1"): ("\\Seen", "holiday", "$label1"), ("Work", b"2"): (),
    }  # fmt: skip


def test_a_maildir_for_dovecot(tmp_path: Path) -> None:
    """MSG-72: what is written is read by others, and here."""
    folders = ["Entwürfe", "A&B/ç", "", "A&-B"]
    mail_files.write_maildir(tmp_path / "out", [Filed(name, b"Subject: x\r\n\r\n", (), 1.0) for name in folders])
    assert (tmp_path / "out" / ".Entw&APw-rfe" / "cur").is_dir()
    assert {one.folder for one in mail_files.read(tmp_path / "out")} == set(folders)
