"""Mail with programs that none of us wrote: mbsync, offlineimap, fetchmail, getmail, mutt, swaks, curl (POP, IMAP, SMTP).

Both ways, with content and flags compared.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop import mail
from tests.interop.desk import PASSWORDS, Desk, program
from tests.interop.mail import Mailbox, door, run

ONE = "From: Jörg <j@x.example>\r\nSubject: one\r\nMessage-ID: <{}@x>\r\n\r\n.dot\r\nGrüße\r\nFrom here\r\n"


def text(name: str) -> bytes:
    return ONE.format(name).encode()


@pytest.fixture
def box(desk: Desk) -> Iterator[tuple[str, Mailbox]]:
    """A mailbox of carol's with one flagged mail."""
    name = f"t-{uuid.uuid4().hex[:10]}"
    opened = Mailbox(desk, "carol", name, make=True)
    opened.append(text(name), "(\\Flagged)")
    yield name, opened
    opened.close()


def maildir(folder: Path) -> dict[bytes, str]:
    """What a client wrote: octets with CRLF, and its flags."""
    found = {}
    for file in [*folder.glob("cur/*"), *folder.glob("new/*")]:
        lines = file.read_bytes().replace(b"\r\n", b"\n").split(b"\n")
        kept = [line for line in lines if not line.startswith((b"X-TUID:", b"X-OfflineIMAP:"))]
        found[b"\r\n".join(kept)] = file.name.partition(":2,")[2]
    return found


def test_mbsync(desk: Desk, box: tuple[str, Mailbox], tmp_path: Path) -> None:
    """Down, up, flags both ways, and a second run that changes nothing."""
    name, here = box
    host, port = door(desk, "imap")
    (tmp_path / "rc").write_text(
        f"IMAPAccount desk\nHost {host}\nPort {port}\nUser carol\nPass {PASSWORDS['carol']}\nSSLType STARTTLS\n"
        f"CertificateFile {mail.certificate(desk)}\n\nIMAPStore desk\nAccount desk\n\nMaildirStore here\n"
        f"Path {tmp_path}/mail/\nInbox {tmp_path}/mail/INBOX\nSubFolders Verbatim\n\nChannel desk\nFar :desk:\nNear :here:\n"
        f"Patterns {name}\nCreate Both\nExpunge Both\nSyncState *\n"
    )
    (tmp_path / "mail").mkdir()
    sync = (mail.program("mbsync"), "-c", tmp_path / "rc", "desk")
    run(*sync)
    folder = tmp_path / "mail" / name
    assert maildir(folder) == {text(name): "F"}
    (folder / "new" / "1.2.local").write_bytes(text("local").replace(b"\r\n", b"\n"))
    (old,) = folder.rglob("*:2,F")
    old.rename(folder / "cur" / old.name.replace(":2,F", ":2,FS"))
    run(*sync)
    assert any(b"<local@x>" in one for one in here.mails())
    assert set(here.mails().values()) == {"\\Flagged \\Seen", ""}
    (old,) = folder.rglob("*FS")
    old.unlink()
    run(*sync)
    run(*sync)
    assert len(here.mails()) == 1


def test_offlineimap(desk: Desk, box: tuple[str, Mailbox], tmp_path: Path) -> None:
    name, here = box
    host, port = door(desk, "imaps")
    (tmp_path / "rc").write_text(
        f"[general]\naccounts = a\nmetadata = {tmp_path}/meta\nui = basic\n[Account a]\nlocalrepository = l\nremoterepository = r\n"
        f"[Repository l]\ntype = Maildir\nlocalfolders = {tmp_path}/mail\n[Repository r]\ntype = IMAP\nremotehost = {host}\n"
        f"remoteport = {port}\nremoteuser = carol\nremotepass = {PASSWORDS['carol']}\nssl = yes\n"
        f"sslcacertfile = {mail.certificate(desk)}\nfolderfilter = lambda name: name == '{name}'\n"
    )
    sync = (mail.program("offlineimap"), "-c", tmp_path / "rc", "-o")
    run(*sync)
    folder = tmp_path / "mail" / name
    assert maildir(folder) == {text(name): "F"}
    (folder / "new" / "1.2.local").write_bytes(text("offline").replace(b"\r\n", b"\n"))
    run(*sync)
    assert len(here.mails()) == 2
    assert any(b"<offline@x>" in one for one in here.mails())


@pytest.mark.parametrize(
    ("protocol", "opened"), [("IMAP", "imap"), ("POP3", "pop3"), ("IMAP", "imaps"), ("POP3", "pop3s")]
)
def test_fetchmail(desk: Desk, tmp_path: Path, protocol: str, opened: str) -> None:
    """POP-01, POP-03: fetched and kept; by STARTTLS and by TLS."""
    inbox = Mailbox(desk, "dora")
    subject = f"f-{uuid.uuid4().hex[:8]}"
    inbox.append(text(subject))
    inbox.close()
    host, port = door(desk, opened)
    tls = "ssl" if opened.endswith("s") else "sslproto tls1.2+"
    rc = tmp_path / "rc"
    rc.write_text(
        f'poll {host} protocol {protocol} port {port} user dora password "{PASSWORDS["dora"]}" {tls} sslcertfile '
        f'{mail.certificate(desk)} sslcertck keep fetchall mda "cat >> {tmp_path}/got"\n'
    )
    rc.chmod(0o600)
    environment = {**os.environ, "FETCHMAILHOME": str(tmp_path)}
    os.environ.update(environment)
    run(mail.program("fetchmail"), "--nosyslog", "-f", rc)
    assert f"<{subject}@x>".encode() in (tmp_path / "got").read_bytes()
    assert ".dot\n" in (tmp_path / "got").read_text()


@pytest.mark.parametrize(
    ("retriever", "opened", "more"),
    [
        ("SimplePOP3SSLRetriever", "pop3s", ""),
        ("SimpleIMAPSSLRetriever", "imaps", 'mailboxes = ("INBOX",)\n'),
    ],
)
def test_getmail(desk: Desk, tmp_path: Path, retriever: str, opened: str, more: str) -> None:
    """POP-01, POP-03: fetched once, by UIDL or uid; a second run finds nothing new."""
    inbox = Mailbox(desk, "dora")
    subject = f"g-{uuid.uuid4().hex[:8]}"
    inbox.append(text(subject))
    inbox.close()
    host, port = door(desk, opened)
    got = tmp_path / "got"
    rc = tmp_path / "getmailrc"
    rc.write_text(
        f"[retriever]\ntype = {retriever}\nserver = {host}\nport = {port}\nusername = dora\n"
        f"password = {PASSWORDS['dora']}\nca_certs = {mail.certificate(desk)}\n{more}"
        f'[destination]\ntype = MDA_external\npath = /usr/bin/tee\narguments = ("-a", "{got}")\nallow_root_commands = true\n'
        "[options]\nread_all = false\ndelete = false\ndelivered_to = false\nreceived = false\n"
    )
    getmail = (program("getmail") or "getmail", "--getmaildir", tmp_path, "--rcfile", rc)
    run(*getmail)
    found = got.read_bytes()
    assert b"<%b@x>\n" % subject.encode() in found
    assert b"\n\n.dot\nGr\xc3\xbc\xc3\x9fe\nFrom here\n" in found
    run(*getmail)
    assert got.read_bytes() == found


def test_mutt(desk: Desk, tmp_path: Path) -> None:
    """Sends by submission, and saves its copy: there is one of it (MSG-11)."""
    subject = f"mutt-{uuid.uuid4().hex[:8]}"
    smtp, imap = door(desk, "submissions"), door(desk, "imaps")
    (tmp_path / "rc").write_text(
        f'set smtp_url="smtps://carol@{smtp[0]}:{smtp[1]}/" smtp_pass="{PASSWORDS["carol"]}" from="carol@example.test"\n'
        f'set folder="imaps://carol@{imap[0]}:{imap[1]}/" imap_pass="{PASSWORDS["carol"]}" record="=Sent Items" copy=yes\n'
        f'set certificate_file="{mail.certificate(desk)}" ssl_verify_host=no charset=utf-8\n'
    )
    (tmp_path / "note.txt").write_text("attached\n")
    command = (
        mail.program("mutt"),
        "-F",
        tmp_path / "rc",
        "-s",
        subject,
        "-a",
        tmp_path / "note.txt",
        "--",
        "dora@example.test",
    )
    run(*command, typed="Grüße\n")
    inbox = Mailbox(desk, "dora")
    assert b"attached" in inbox.await_subject(subject)
    inbox.close()
    sent = Mailbox(desk, "carol", "Sent Items")
    assert sent.subjects().count(subject) == 1
    sent.close()


@pytest.mark.parametrize(
    ("opened", "options"),
    [
        ("mx", ()),
        ("mx", ("-tls",)),
        ("submission", ("-a", "PLAIN")),
        ("submission", ("-tls", "-a", "LOGIN")),
        ("submissions", ("-tlsc", "-a", "PLAIN")),
        ("lmtp", ("--protocol", "LMTP")),
    ],
)
def test_swaks(desk: Desk, opened: str, options: tuple[str, ...]) -> None:
    """Every way of AUTH and TLS (SMTP-01, SMTP-08)."""
    host, port = door(desk, opened)
    subject = f"swaks-{uuid.uuid4().hex[:8]}"
    login = ("-au", "carol", "-ap", PASSWORDS["carol"]) if "-a" in options else ()
    run(
        mail.program("swaks"), "--server", host, "--port", str(port), *options, *login, "--from", "carol@example.test",
        "--to", "dora+tag@example.test", "--header", f"Subject: {subject}", "--body", ".dot\n..\nbody",
    )  # fmt: skip
    inbox = Mailbox(desk, "dora")
    got = inbox.await_subject(subject)
    inbox.close()
    assert b"Delivered-To: dora+tag@example.test\r\n" in got
    assert got.rstrip().endswith(b"\r\n.dot\r\n..\r\nbody")


def test_swaks_is_refused_what_is_not_its(desk: Desk) -> None:
    """MSG-09, no relay: 550 from another's address, and for another's domain."""
    swaks = mail.program("swaks")
    host, port = door(desk, "submission")
    login = ("-a", "PLAIN", "-au", "carol", "-ap", PASSWORDS["carol"])
    base = (swaks, "--server", host, "--port", str(port))
    said = run(*base, *login, "--from", "alice@example.test", "--to", "dora@example.test", status=23)
    assert "550 5.7.1" in said
    host, port = door(desk, "mx")
    said = run(
        swaks, "--server", host, "--port", str(port), "--from", "a@b.example", "--to", "x@else.example", status=24
    )
    assert "550 5.7.1" in said


def test_curl(desk: Desk, tmp_path: Path, box: tuple[str, Mailbox]) -> None:
    """imap, imaps, pop3s, smtps of one more library."""
    name, here = box
    curl = mail.program("curl")
    trust = ("--cacert", str(mail.certificate(desk)), "-sS", "-u", f"carol:{PASSWORDS['carol']}")
    host, port = door(desk, "imaps")
    got = run(curl, *trust, f"imaps://{host}:{port}/{name};MAILINDEX=1")
    assert "Grüße" in got
    (tmp_path / "up").write_bytes(text("curl"))
    run(curl, *trust, "-T", tmp_path / "up", f"imaps://{host}:{port}/{name}")
    assert text("curl") in here.mails()
    assert "SEARCH 1 2" in run(curl, *trust, f"imaps://{host}:{port}/{name}?ALL")
    host, port = door(desk, "submissions")
    subject = f"curl-{uuid.uuid4().hex[:8]}"
    (tmp_path / "out").write_text(
        f"From: carol@example.test\r\nTo: dora@example.test\r\nSubject: {subject}\r\n\r\nhi\r\n"
    )
    run(
        curl, *trust, f"smtps://{host}:{port}", "--mail-from", "carol@example.test", "--mail-rcpt", "dora@example.test",
        "-T", tmp_path / "out",
    )  # fmt: skip
    inbox = Mailbox(desk, "dora")
    inbox.await_subject(subject)
    inbox.close()
    host, port = door(desk, "pop3s")
    trust = ("--cacert", str(mail.certificate(desk)), "-sS", "-u", f"dora:{PASSWORDS['dora']}")
    assert run(curl, *trust, f"pop3s://{host}:{port}/").strip()
