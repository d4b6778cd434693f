"""Mailboxes of the running desk for real clients: doors, and what is in a mailbox as Python's imaplib sees it."""

from __future__ import annotations

import imaplib
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.interop.desk import PASSWORDS, Desk

PATIENCE_S = 90.0


def door(desk: Desk, name: str) -> tuple[str, int]:
    """Host and port of a door; the self-made certificate is for localhost too."""
    return "localhost", int(desk.endpoints[name]["port"])


def certificate(desk: Desk) -> Path:
    return desk.data / "tls" / "own.crt"


def program(name: str) -> str:
    """A client of the machine (.ci/packages)."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"needs {name}")
    return found


def run(*command: str | Path, typed: str = "", status: int = 0) -> str:
    """Run a client; what it printed."""
    done = subprocess.run(
        list(map(str, command)), input=typed.encode(), capture_output=True, check=False, timeout=PATIENCE_S
    )
    said = (done.stdout + done.stderr).decode(errors="replace")
    assert done.returncode == status, said
    return said


class Mailbox:
    """One mailbox, seen by a client that is none of those under test."""

    def __init__(self, desk: Desk, login: str, name: str = "INBOX", *, make: bool = False) -> None:
        host, port = door(desk, "imap")
        self._client = imaplib.IMAP4(host, port, timeout=PATIENCE_S)
        self._client.login(login, PASSWORDS[login])
        self._name = f'"{name}"'
        if make:
            self._client.create(self._name)

    def append(self, data: bytes, flags: str = "") -> None:
        assert self._client.append(self._name, flags, None, data)[0] == "OK"  # type: ignore[arg-type]

    def mails(self) -> dict[bytes, str]:
        """Octets and flags of all that is in it."""
        assert self._client.select(self._name, readonly=True)[0] == "OK"
        _, found = self._client.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[])")
        mails: dict[bytes, str] = {}
        for one in found:
            if isinstance(one, tuple):
                mails[one[1]] = one[0].decode().partition("FLAGS (")[2].partition(")")[0]
        self._client.unselect()
        return mails

    def subjects(self) -> list[str]:
        """The Subject fields, undecoded."""
        return [
            next((line[9:].decode() for line in mail.split(b"\r\n") if line.startswith(b"Subject: ")), "")
            for mail in self.mails()
        ]

    def await_subject(self, subject: str) -> bytes:
        """Wait for a mail with that subject; its octets."""
        end = time.monotonic() + PATIENCE_S
        while True:
            for mail in self.mails():
                if f"Subject: {subject}\r\n".encode() in mail:
                    return mail
            assert time.monotonic() < end, f"no mail {subject!r} came"
            time.sleep(0.1)

    def close(self) -> None:
        self._client.logout()
