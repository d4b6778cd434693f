"""A WSGI client of thirty lines, and a desk with alice, bob (both in IAB) and carol, a stranger."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from lxml import etree

from servers.dav import application
from servers.dav.admission import Verifier
from servers.dav.names import CALDAV, CARDDAV
from servers.dav.protocol import Protocol, Representation
from servers.dav.settings import DavSettings
from servers.http.request import Request
from storage import accounts, calendar, contacts, errors, groups, kinds
from storage.store import Store
from storage.types import CALENDAR_TOOLS, SITE, Actor, Collection, Item, Tool

DAV = "{DAV:}"


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def xml(self) -> etree._Element:
        return etree.fromstring(self.body)

    def hrefs(self) -> list[str]:
        """The hrefs of the responses, in order."""
        return [str(href.text) for href in self.xml.findall(f"{DAV}response/{DAV}href")]

    def prop(self, href: str, name: str) -> etree._Element | None:
        """A property that was found (200) on a response."""
        for response in self.xml.findall(f"{DAV}response"):
            if response.findtext(f"{DAV}href") == href:
                for stat in response.findall(f"{DAV}propstat"):
                    if "200" in (stat.findtext(f"{DAV}status") or ""):
                        found = stat.find(f"{DAV}prop/{name}")
                        if found is not None:
                            return found
        return None

    def status_of(self, href: str) -> str:
        """The status of a response without propstats."""
        for response in self.xml.findall(f"{DAV}response"):
            if response.findtext(f"{DAV}href") == href:
                return (response.findtext(f"{DAV}status") or "").removeprefix("HTTP/1.1 ")
        return ""

    @property
    def precondition(self) -> str:
        """The Clark name of the first element in DAV:error."""
        assert self.xml.tag == f"{DAV}error"
        return str(self.xml[0].tag)

    @property
    def sync_token(self) -> str:
        return self.xml.findtext(f"{DAV}sync-token") or ""


@dataclass
class Client:
    """One person's program, talking to the WSGI callable."""

    app: Callable[..., Iterable[bytes]]
    login: str = "alice"
    password: str = ""

    def request(
        self, method: str, path: str, body: bytes | str = b"", /, environ: dict[str, Any] | None = None, **fields: str
    ) -> Answer:
        """Send one request; fields as `if_match='"x"'`."""
        data = body.encode() if isinstance(body, str) else body
        plain, _, query = path.partition("?")
        sent: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": unquote_to_bytes(plain).decode("latin-1"),
            "QUERY_STRING": query,
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(data),
            "HTTP_HOST": "desk.test",
            "CONTENT_LENGTH": str(len(data)),
        }
        if self.login:
            pair = f"{self.login}:{self.password or self.login}".encode()
            sent["HTTP_AUTHORIZATION"] = "Basic " + base64.b64encode(pair).decode()
        for name, value in fields.items():
            key = name.upper() if name == "content_type" else f"HTTP_{name.upper()}"
            sent[key] = value
        sent |= environ or {}
        got: list[Any] = []
        blocks = self.app(sent, lambda status, headers, *_: got.extend([status, headers]))
        content = b"".join(blocks)
        headers = {name.lower(): value for name, value in got[1]}
        return Answer(int(got[0].split()[0]), headers, content)

    def propfind(self, path: str, *names: str, depth: str = "0", **fields: str) -> Answer:
        """PROPFIND of some properties by Clark name; of everything without any."""
        props = "".join(_empty(name) for name in names)
        inner = f"<D:prop>{props}</D:prop>" if names else "<D:allprop/>"
        body = f'<D:propfind xmlns:D="DAV:">{inner}</D:propfind>'
        return self.request("PROPFIND", path, body, depth=depth, **fields)

    def sync(self, path: str, token: str = "", limit: int = 0, **fields: str) -> Answer:
        """REPORT sync-collection asking for ETags."""
        cut = f"<D:limit><D:nresults>{limit}</D:nresults></D:limit>" if limit else ""
        body = (
            f'<D:sync-collection xmlns:D="DAV:"><D:sync-token>{token}</D:sync-token><D:sync-level>1</D:sync-level>'
            f"{cut}<D:prop><D:getetag/></D:prop></D:sync-collection>"
        )
        return self.request("REPORT", path, body, **fields)


def _empty(name: str) -> str:
    namespace, _, local = name[1:].partition("}")
    return f'<x:{local} xmlns:x="{namespace}"/>'


def show(collection: Collection, item: Item, request: Request | None) -> Representation:
    return Representation(item.body or b"", f"{item.media_type}; charset=utf-8")


def prepare(body: bytes, content_type: str) -> kinds.Prepared:
    if body.startswith(b"BEGIN:VCARD"):
        return contacts.prepare(body)
    return calendar.prepare(body)


CALENDARS = Protocol(
    name="caldav",
    tools=CALENDAR_TOOLS,
    dav_tokens=("calendar-access",),
    prepare=prepare,
    represent=show,
    preconditions={
        errors.BadFormat: f"{CALDAV}valid-calendar-data",
        errors.BadObject: f"{CALDAV}valid-calendar-object-resource",
        errors.UidConflict: f"{CALDAV}no-uid-conflict",
        errors.TooLarge: f"{CALDAV}max-resource-size",
        errors.UnsupportedComponent: f"{CALDAV}supported-calendar-component",
        errors.UnsupportedMedia: f"{CALDAV}supported-calendar-data",
    },
    collection_types={f"{CALDAV}calendar": Tool.CALENDAR},
)
BOOKS = Protocol(
    name="carddav",
    tools=frozenset({Tool.CONTACTS}),
    dav_tokens=("addressbook",),
    prepare=prepare,
    represent=show,
    preconditions={errors.BadFormat: f"{CARDDAV}valid-address-data"},
    collection_types={f"{CARDDAV}addressbook": Tool.CONTACTS},
)


def open_store(folder: Path) -> Store:
    """A new desk with its people."""
    store = Store.open(f"sqlite:///{folder}/desk.sqlite3", folder / "blobs")
    store.migrate()
    with store.write(SITE) as tx:
        people = {
            login: accounts.create(tx, login, "*", email=f"{login}@example.test", display_name=login.title())
            for login in ("alice", "bob", "carol")
        }
        iab = groups.create(tx, "IAB", admin=people["alice"])
        groups.add_member(tx, iab, people["bob"])
    return store


def verifier() -> Verifier:
    """Logins whose password is the login: the real verification is auth's own subject."""
    from auth.errors import BadCredentials

    def verify(store: Store, login: str, password: str, address: str, protocol: str) -> Actor:
        with store.read(SITE) as tx:
            known = accounts.credentials(tx, login)
        if known is None or password != known.login:
            raise BadCredentials
        return Actor(known.id, known.login)

    return verify


def app(store: Store, protocol: Protocol = CALENDARS, **settings: Any) -> Callable[..., Iterable[bytes]]:
    """The callable under test."""
    return application.make(store, protocol, DavSettings(**settings), verifier())


def event(uid: str, summary: str = "Tea", day: str = "20250601", extra: str = "") -> bytes:
    """An event of one hour."""
    return (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//tests//EN\r\nBEGIN:VEVENT\r\n"
        f"UID:{uid}\r\nDTSTAMP:20250101T000000Z\r\nDTSTART:{day}T100000Z\r\nDTEND:{day}T110000Z\r\n"
        f"SUMMARY:{summary}\r\n{extra}END:VEVENT\r\nEND:VCALENDAR\r\n"
    ).encode()


def card(uid: str, name: str = "Ada") -> bytes:
    """A vCard 3.0."""
    return f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{name}\r\nN:{name};;;;\r\nEND:VCARD\r\n".encode()
