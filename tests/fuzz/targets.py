"""One function for each reader: it takes any octets, and raises only where the reader breaks its promise."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

from auth import passwords
from servers.activesync.wbxml.decoder import decode
from servers.activesync.wbxml.encoder import encode
from servers.activesync.wbxml.errors import Malformed
from servers.dav import if_header, xml
from servers.http.errors import HttpError
from servers.imap.view import Shared
from storage import accounts, kinds
from storage.errors import BadFormat, StorageError
from storage.formats import bookmarks_html, bookmarks_xbel, contacts_csv, url_file
from storage.formats import ldif as ldif_file
from storage.store import Store
from storage.types import SITE
from tests.formats.test_message_hostile import whole
from tests.imap.client import PASSWORD
from tests.imap.client import Client as ImapClient
from tests.smtp.conftest import Client as SmtpClient

Target = Callable[[bytes], object]


def mime(data: bytes) -> None:
    """A mail: spans lie within it, what IMAP sends of it is well-formed."""
    whole(data)


def calendar(data: bytes) -> None:
    """A calendar object: refused, or stored and read again as the same."""
    with suppress(StorageError):
        prepared = kinds._prepare_event(data, "text/calendar")
        assert kinds._prepare_event(prepared.body, "text/calendar").body == prepared.body


def card(data: bytes) -> None:
    """A contact: the same."""
    with suppress(StorageError):
        prepared = kinds._prepare_card(data, "text/vcard")
        assert kinds._prepare_card(prepared.body, "text/vcard").body == prepared.body


def wbxml(data: bytes) -> None:
    """A phone's document: refused, or written and read again as the same."""
    with suppress(Malformed):
        root = decode(data)
        again = encode(root)
        assert encode(decode(again)) == again


def ldif(data: bytes) -> None:
    """An address book that is imported: cards that can be stored, or what is wrong with an entry."""
    with suppress(BadFormat):
        for one in ldif_file.read(data):
            if not isinstance(one, BadFormat):
                card(one.body)


def csv(data: bytes) -> None:
    """The same as a table."""
    with suppress(BadFormat):
        for one in contacts_csv.read(data):
            if not isinstance(one, BadFormat):
                card(one.body)


def bookmarks(data: bytes) -> None:
    """Bookmarks of a browser, in both forms."""
    for read in (bookmarks_html.read, bookmarks_xbel.read, url_file.read):
        with suppress(BadFormat):
            read(data)


def dav_xml(data: bytes) -> None:
    """A body of a DAV request."""
    with suppress(HttpError):
        xml.parse(data)


def dav_if(data: bytes) -> None:
    """The field If of WebDAV."""
    with suppress(HttpError):
        if_header.parse(data.decode("latin-1"))


def imap(data: bytes) -> None:
    """Commands of a client that is logged in, on a selected mailbox with three mails."""
    client = _imap()
    client.session._errors = 0
    if client.session.view is None:
        client.feed(b"A SELECT INBOX\r\n")
    client.session.exchange = None
    client.session.idling = ""
    client.session._cutter._begin()
    client._buffer.clear()
    client.feed(b"A " + data + b"\r\n")


def smtp(data: bytes) -> None:
    """A session of another server."""
    client = SmtpClient(_store(), "mx")
    client.feed(data)
    client.session.closed()


TARGETS: Final[dict[str, Target]] = {
    one.__name__: one for one in (mime, calendar, card, ldif, csv, bookmarks, wbxml, dav_xml, dav_if, imap, smtp)
}


@cache
def _store() -> Store:
    """A desk of this process' own, with alice and three mails."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    store = Store.open(f"sqlite:///{folder}/desk.sqlite3", folder / "blobs")
    store.migrate()
    with store.write(SITE) as tx:
        accounts.create(tx, "alice", passwords.make_hash(PASSWORD), email="alice@example.test")
    return store


@cache
def _imap() -> ImapClient:
    client = ImapClient(_store(), shared=Shared())
    for number in (1, 2, 3):
        message = f"From: a{number}@x.example\r\nSubject: nr {number}\r\n\r\ntext {number}\r\n"
        client(f"APPEND INBOX {{{len(message)}+}}\r\n{message}")
    client("SELECT INBOX")
    return client
