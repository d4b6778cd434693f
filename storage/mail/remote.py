"""Mails of another IMAP server, folder by folder, for the import: read only, nothing is changed there (MSG-71)."""

from __future__ import annotations

import imaplib
import re
import ssl
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from storage.formats.mail_files import MAIL_OCTETS, Filed, crlf
from storage.formats.message import plain_id
from storage.mail import utf7

TIMEOUT_S: Final = 120
_AT_ONCE: Final = 50
_UIDS_AT_ONCE: Final = 5_000
_FIRST: Final = re.compile(rb"\d+ \(")
_LIST: Final = re.compile(rb'\(([^)]*)\) (?:"((?:[^"\\]|\\.)*)"|NIL) (.*)\Z', re.DOTALL)
_ITEM: Final = re.compile(rb"UID (\d+)")
_SIZE: Final = re.compile(rb"RFC822\.SIZE (\d+)")
_FLAGS: Final = re.compile(rb"FLAGS \(([^)]*)\)")
_DATE: Final = re.compile(rb'INTERNALDATE "([^"]*)"')
_SPECIAL: Final = {b"\\sent": "Sent", b"\\trash": "Trash", b"\\drafts": "Drafts", b"\\junk": "Spam"}
_SKIPPED: Final = (b"\\noselect", b"\\nonexistent", b"\\all", b"\\flagged", b"\\important")


class RemoteError(Exception):
    """The other server refused or went away; the text says what it said."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where mails are fetched from."""

    host: str
    port: int
    tls: bool
    """From the first octet; without it STARTTLS is demanded, except on loopback."""
    login: str
    password: str
    verify: bool = True
    """The server's certificate must be valid."""


def fetch(source: Source, known: Callable[[str, str], bool] = lambda folder, message_id: False) -> Iterator[Filed]:
    """All mails of all folders that can be read; a mail whose Message-ID is `known` in its folder is left there.

    Raises:
        RemoteError: no connection, a wrong password, a broken answer.
    """
    try:
        client = _connect(source)
        try:
            for raw, folder in _folders(client):
                yield from _mails(client, raw, folder, known)
        finally:
            client.logout()
    except (OSError, imaplib.IMAP4.error, ssl.SSLError) as error:
        raise RemoteError(str(error) or type(error).__name__) from error


def _connect(source: Source) -> imaplib.IMAP4:
    context = ssl.create_default_context()
    if not source.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    client: imaplib.IMAP4
    if source.tls:
        client = imaplib.IMAP4_SSL(source.host, source.port, ssl_context=context, timeout=TIMEOUT_S)
    else:
        client = imaplib.IMAP4(source.host, source.port, timeout=TIMEOUT_S)
        if "STARTTLS" in client.capabilities:
            client.starttls(context)
        elif source.host not in ("127.0.0.1", "::1", "localhost"):
            raise RemoteError("the server offers no TLS: the password is not sent")
    client.login(source.login, source.password)
    return client


def _folders(client: imaplib.IMAP4) -> Iterator[tuple[bytes, str]]:
    """Name as the server writes it, and the folder here."""
    _, rows = client.list()
    for row in rows:
        line: Any = b" ".join(row) if isinstance(row, tuple) else row
        match = _LIST.match(line or b"")
        if not match or any(word in match[1].lower().split() for word in _SKIPPED):
            continue
        raw = match[3]
        bare = re.sub(rb"\\(.)", rb"\1", raw[1:-1]) if raw.startswith(b'"') else raw
        if isinstance(row, tuple):  # the name came as a literal
            bare = row[1]
            raw = b'"' + re.sub(rb'([\\"])', rb"\\\1", bare) + b'"'
        separator = (match[2] or b"").decode("ascii", "replace").removeprefix("\\") or "/"
        name = utf7.decode(bare)
        special = next((word for use, word in _SPECIAL.items() if use in match[1].lower().split()), None)
        yield raw, special or "/".join(part.replace("/", "_") for part in name.split(separator))


def _mails(client: imaplib.IMAP4, raw: bytes, folder: str, known: Callable[[str, str], bool]) -> Iterator[Filed]:
    name: Any = raw  # in octets: some servers write names in UTF-8, whatever the standard says
    state, count = client.select(name, readonly=True)
    if state != "OK":
        yield Filed(folder, b"", (), None, trouble=f"it cannot be opened there: {_said(count)}")
        return
    uids = _uids(client, int(count[0] or 0))
    for start in range(0, len(uids), _AT_ONCE):
        page = ",".join(map(str, uids[start : start + _AT_ONCE]))
        wanted = "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])"
        _, rows = client.uid("FETCH", page, wanted)
        for line, octets in _answers(rows):
            uid, size = _ITEM.search(line), _SIZE.search(line)
            if uid is None or size is None:
                continue  # something else that changed meanwhile
            message_id = re.search(rb"<([^<>\s]+)>", octets)
            if message_id and known(folder, plain_id(message_id[1])):
                continue
            flags = _FLAGS.search(line)
            words = tuple(flags[1].decode("ascii", "replace").split()) if flags else ()
            internal = _internal(_DATE.search(line))
            if int(size[1]) > MAIL_OCTETS:
                yield Filed(folder, b"", words, internal, too_large=True)
                continue
            _, bodies = client.uid("FETCH", uid[1].decode(), "(UID BODY.PEEK[])")
            for about, body in _answers(bodies):
                if body and (found := _ITEM.search(about)) and found[1] == uid[1]:
                    yield Filed(folder, crlf(body), words, internal)
                    break
            else:
                if int(size[1]):
                    yield Filed(folder, b"", words, internal, trouble=f"mail {int(uid[1])} is not handed out there")


def _said(answer: Iterable[Any]) -> str:
    return " ".join(one.decode("utf-8", "replace") for one in answer if isinstance(one, bytes))[:200]


def _uids(client: imaplib.IMAP4, count: int) -> list[int]:
    """The uids of a mailbox of so many mails, in parts: one line with all of them may be too long to be read."""
    found: list[int] = []
    for start in range(1, count + 1, _UIDS_AT_ONCE):
        _, rows = client.fetch(f"{start}:{min(count, start + _UIDS_AT_ONCE - 1)}", "(UID)")
        found += [int(uid[1]) for line, _ in _answers(rows) if (uid := _ITEM.search(line))]
    return found


def _answers(rows: Iterable[Any]) -> Iterator[tuple[bytes, bytes]]:
    """Each FETCH response's own words, and the string that it brought.

    What is asked for comes in any order, before or behind the string, which is "" in quotes where it is empty
    (RFC 3501 §7.4.2).
    """
    words, octets = b"", b""
    for row in rows:
        line, more = row if isinstance(row, tuple) else (row or b"", b"")
        if _FIRST.match(line):
            if words:
                yield words, octets
            words, octets = b"", b""
        words += b" " + line
        octets += more
    if words:
        yield words, octets


def _internal(found: re.Match[bytes] | None) -> float | None:
    if found is None:
        return None
    try:
        return datetime.strptime(found[1].decode("ascii").strip(), "%d-%b-%Y %H:%M:%S %z").timestamp()
    except (ValueError, UnicodeDecodeError):
        return None
