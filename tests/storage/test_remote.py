"""Mails of another IMAP server, whatever the form of its answers (MSG-71; RFC 3501 §7.4.2)."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator

import pytest

from storage.mail import remote
from storage.mail.remote import Source

MAILS = (
    b"Subject: a\r\nMessage-ID: <a@x>\r\n\r\none\r\n",
    b"Subject: b\r\n\r\ntwo\r\n",
    b"Subject: c\r\nMessage-ID: <c@x>\r\n\r\nthree\r\n",
)
DATE = b'INTERNALDATE "28-Nov-2026 10:00:00 +0000"'


class Elsewhere:
    """An IMAP server with one mailbox whose answers have what was asked for in another order."""

    def __init__(self) -> None:
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        self.said: list[bytes] = []
        self.folders = [b"INBOX"]
        self.kept: set[int] = set()
        """Mails that it lists and does not hand out."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._thread.join(10)
        self._door.close()

    def _run(self) -> None:
        client, _ = self._door.accept()
        with client, client.makefile("rwb") as wire:
            wire.write(b"* OK here\r\n")
            wire.flush()
            for line in wire:
                self.said.append(line)
                tag, _, command = line.strip().partition(b" ")
                end = b" NO [NOPERM] not you\r\n" if command == b"EXAMINE Locked" else b" OK done\r\n"
                wire.write(self._answer(command) + tag + end)
                wire.flush()
                if command == b"LOGOUT":
                    return

    def _answer(self, command: bytes) -> bytes:
        if command == b"CAPABILITY":
            return b"* CAPABILITY IMAP4rev1\r\n"
        if command.startswith(b"LIST"):
            return b"".join(b'* LIST (\\HasNoChildren) "." %b\r\n' % name for name in self.folders)
        if command.startswith(b"EXAMINE"):
            return b"* 3 EXISTS\r\n"
        if found := re.match(rb"FETCH (\d+):(\d+) \(UID\)", command):
            return b"".join(b"* %d FETCH (UID %d)\r\n" % (n, 10 * n) for n in range(int(found[1]), int(found[2]) + 1))
        if b"HEADER.FIELDS" in command:
            return b"* 3 FETCH (FLAGS (\\Answered))\r\n" + b"".join(map(self._about, (1, 2, 3)))
        if found := re.match(rb"UID FETCH (\d+) ", command):
            if int(found[1]) in self.kept:
                return b""
            mail = MAILS[int(found[1]) // 10 - 1]
            head = b"* %d FETCH (BODY[] {%d}\r\n" % (int(found[1]) // 10, len(mail))
            return b"* 1 FETCH (FLAGS (\\Seen))\r\n" + head + mail + b" UID %b)\r\n" % found[1]
        return b""

    def _about(self, number: int) -> bytes:
        field = re.search(rb"Message-ID: .*\r\n", MAILS[number - 1])
        text = b"{%d}\r\n%b\r\n" % (len(field[0]) + 2, field[0]) if field else b'""'
        rest = b" UID %d FLAGS (\\Seen $Work) %b RFC822.SIZE %d)\r\n" % (10 * number, DATE, len(MAILS[number - 1]))
        return b"* %d FETCH (BODY[HEADER.FIELDS (MESSAGE-ID)] " % number + text + rest


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    server = Elsewhere()
    yield server
    server.close()


def test_answers_in_any_order(elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 3501 §7.4.2: nothing is left there because UID comes last, or because a field is missing."""
    monkeypatch.setattr(remote, "_UIDS_AT_ONCE", 2)
    source = Source("127.0.0.1", elsewhere.port, tls=False, login="a", password="b")
    found = list(remote.fetch(source, lambda folder, message_id: message_id == "c@x"))
    assert [one.data for one in found] == [MAILS[0], MAILS[1]]
    assert {(one.folder, one.flags, one.internal) for one in found} == {("INBOX", ("\\Seen", "$Work"), 1_795_860_000.0)}
    assert not any(b"STORE" in line or b"SELECT" in line for line in elsewhere.said)


def test_what_stays_there_is_told(elsewhere: Elsewhere) -> None:
    """MSG-71: a folder that cannot be opened, a mail that does not come; names are asked for in their own octets."""
    elsewhere.folders = [b"Locked", b'"Gr\xc3\xb6\xc3\x9fe"']
    elsewhere.kept = {20}
    source = Source("127.0.0.1", elsewhere.port, tls=False, login="a", password="b")
    found = [(one.folder, one.data, one.trouble) for one in remote.fetch(source)]
    assert found == [
        ("Locked", b"", "it cannot be opened there: [NOPERM] not you"),
        ("Gr\u00f6\u00dfe", MAILS[0], ""),
        ("Gr\u00f6\u00dfe", b"", "mail 20 is not handed out there"),
        ("Gr\u00f6\u00dfe", MAILS[2], ""),
    ]
    assert any(b'EXAMINE "Gr\xc3\xb6\xc3\x9fe"' in line for line in elsewhere.said)
