"""HTTP as the clients' transcripts need it: one request, one answer, and multistatus read strictly."""

from __future__ import annotations

import base64
import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from lxml import etree

from tests.interop.desk import PASSWORDS

DAV: Final = "{DAV:}"
CAL: Final = "{urn:ietf:params:xml:ns:caldav}"
CARD: Final = "{urn:ietf:params:xml:ns:carddav}"
CS: Final = "{http://calendarserver.org/ns/}"
APPLE: Final = "{http://apple.com/ns/ical/}"
NAMESPACES: Final = (
    'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CR="urn:ietf:params:xml:ns:carddav" '
    'xmlns:CS="http://calendarserver.org/ns/" xmlns:A="http://apple.com/ns/ical/"'
)


@dataclass(frozen=True, slots=True)
class Found:
    """One `DAV:response`: its status, or its properties by Clark name and status."""

    status: int | None
    props: Mapping[int, Mapping[str, etree._Element]]

    def get(self, name: str) -> etree._Element | None:
        """Give a property that was found (200)."""
        return self.props.get(200, {}).get(name)

    def text(self, name: str) -> str:
        """Give a found property's text, "" when it is absent."""
        element = self.get(name)
        return "" if element is None else "".join(str(part) for part in element.itertext()).strip()

    def hrefs(self, name: str) -> list[str]:
        """Give the hrefs inside a found property."""
        element = self.get(name)
        return [] if element is None else [h.text or "" for h in element.iter(f"{DAV}href")]

    def has(self, name: str, child: str) -> bool:
        """Say whether a found property contains an element `child`, at any depth."""
        element = self.get(name)
        return element is not None and element.find(f".//{child}") is not None


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def xml(self) -> etree._Element:
        return etree.fromstring(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()

    def responses(self) -> dict[str, Found]:
        """Read a multistatus by its schema (RFC 4918 §14.16, §14.24): path -> response, in the answer's order."""
        assert self.status == 207, (self.status, self.body[:500])
        root = self.xml
        assert root.tag == f"{DAV}multistatus"
        out: dict[str, Found] = {}
        for response in root.findall(f"{DAV}response"):
            hrefs = [unquote(urlsplit(h.text or "").path) for h in response.findall(f"{DAV}href")]
            assert hrefs, "RFC 4918 §14.24: a response has an href"
            status = response.find(f"{DAV}status")
            props: dict[int, dict[str, etree._Element]] = {}
            for propstat in response.findall(f"{DAV}propstat"):
                line = propstat.findtext(f"{DAV}status") or ""
                prop = propstat.find(f"{DAV}prop")
                assert prop is not None
                assert int(line.split()[1]) not in props, "one propstat for each status"
                props[int(line.split()[1])] = {str(e.tag): e for e in prop}
            for path in hrefs:
                assert path not in out, f"{path} is answered twice"
                out[path] = Found(int((status.text or "").split()[1]) if status is not None else None, props)
        return out

    def one(self) -> Found:
        """Give the only response."""
        (found,) = self.responses().values()
        return found

    @property
    def sync_token(self) -> str:
        return self.xml.findtext(f"{DAV}sync-token") or ""

    def precondition(self) -> str:
        """Give the Clark name of the precondition in a `DAV:error` body (RFC 4918 §16)."""
        root = self.xml
        assert root.tag == f"{DAV}error", self.body[:300]
        return str(root[0].tag)


class Wire:
    """A person's keep-alive connection to one server."""

    def __init__(self, root: str, login: str | None = None, password: str | None = None, agent: str = "") -> None:
        where = urlsplit(root)
        self.connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=60)
        self.headers: dict[str, str] = {}
        if login is not None:
            secret = PASSWORDS[login] if password is None else password
            self.headers["Authorization"] = "Basic " + base64.b64encode(f"{login}:{secret}".encode()).decode()
        if agent:
            self.headers["User-Agent"] = agent

    def __call__(
        self, method: str, path: str, body: str | bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send one request; XML bodies get their media type by themselves."""
        data = body.encode() if isinstance(body, str) else body
        sent = {**self.headers}
        if data.lstrip().startswith(b"<"):
            sent["Content-Type"] = "text/xml; charset=utf-8"
        elif data.startswith(b"BEGIN:VCALENDAR"):
            sent["Content-Type"] = "text/calendar; charset=utf-8"
        elif data.startswith(b"BEGIN:VCARD"):
            sent["Content-Type"] = "text/vcard; charset=utf-8"
        sent |= headers or {}
        where = urlsplit(path)
        target = where.path + (f"?{where.query}" if where.query else "")
        self.connection.request(method, target, data or None, sent)
        reply = self.connection.getresponse()
        return Answer(reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read())

    def propfind(self, path: str, props: str, depth: str = "0", headers: Mapping[str, str] | None = None) -> Answer:
        """Ask for `props`, written as in `<D:resourcetype/><C:calendar-home-set/>`."""
        body = f'<?xml version="1.0" encoding="utf-8"?><D:propfind {NAMESPACES}><D:prop>{props}</D:prop></D:propfind>'
        return self("PROPFIND", path, body, {"Depth": depth, **(headers or {})})

    def sync(self, path: str, token: str = "", props: str = "<D:getetag/>", limit: int | None = None) -> Answer:
        """Ask for the changes since `token` (RFC 6578 §3.2)."""
        bound = f"<D:limit><D:nresults>{limit}</D:nresults></D:limit>" if limit else ""
        body = (
            f'<?xml version="1.0" encoding="utf-8"?><D:sync-collection {NAMESPACES}><D:sync-token>{token}</D:sync-token>'
            f"<D:sync-level>1</D:sync-level>{bound}<D:prop>{props}</D:prop></D:sync-collection>"
        )
        return self("REPORT", path, body, {"Depth": "0"})

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
