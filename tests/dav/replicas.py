"""A program with copies of collections, which it keeps in step by sync-collection and multiget alone (RFC 6578, SYS-07)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from servers.dav.names import CALDAV, CARDDAV
from tests.dav import desk
from tests.dav.desk import DAV, Answer, Client

WISH = "<D:prop><D:getetag/><D:resourcetype/></D:prop>"
FOLDER = ("", b"folder")
"""What is known of a subfolder: nothing but that it is one."""


@dataclass(frozen=True)
class Sort:
    """What one protocol keeps, and how a program asks for it."""

    name: str
    home: str
    stem: str = ""
    """What the names of its collections begin with: calendars and address books share a space of names."""
    data: str = ""
    """Clark name of the property that a multiget answers with; "" = bodies come by GET."""

    def body(self, uid: str, version: int, alarm: bool) -> bytes:
        if self.name == "calendar":
            extra = (
                "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:x\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\n" if alarm else ""
            )
            return desk.event(f"u{uid}", f"v{version}", extra=extra)
        if self.name == "addressbook":
            plain = desk.card(f"u{uid}", f"v{version}")
            return plain.replace(b"END:", b"CATEGORIES:Friends\r\nEND:") if alarm else plain
        return f"{uid} {version}".encode()

    def url(self, collection: str, name: str = "") -> str:
        return f"{self.home}{self.stem}{collection}/{name}"


CALENDARS = Sort("calendar", "/dav/alice/private/", "calendar-", f"{CALDAV}calendar-data")
BOOKS = Sort("addressbook", "/dav/alice/private/", "book-", f"{CARDDAV}address-data")
FOLDERS = Sort("folder", "/docs/alice/private/")


@dataclass
class Replica:
    """One collection as the program knows it: by href the entity tag, and the octets once they were fetched."""

    token: str = ""
    members: dict[str, tuple[str, bytes | None]] = field(default_factory=dict)


@dataclass
class Program:
    """One person's program for one protocol."""

    client: Client
    sort: Sort
    replicas: dict[str, Replica] = field(default_factory=dict)

    def ask(self, method: str, url: str, body: bytes | str = b"", /, *, lost: bool = False, **fields: str) -> Answer:
        """Send a request, and if its answer is lost on the way, send it once more."""
        answer = self.client.request(method, url, body, **fields)
        assert answer.status < 500, answer.text
        if lost:
            again = self.client.request(method, url, body, **fields)
            assert again.status < 500, again.text
            if method in ("REPORT", "GET"):  # who repeats a question is told the same
                assert (again.status, again.body) == (answer.status, answer.body)
            return again
        return answer

    def known(self, at: int) -> str:
        """One of the members that it knows; "" where it knows of none."""
        every = sorted(href for replica in self.replicas.values() for href in replica.members)
        return every[at % len(every)] if every else ""

    # --- learning

    def page(self, url: str, limit: int, lost: bool = False) -> tuple[bool, list[str]]:
        """One answer of sync-collection: whether there is more, and what it told of."""
        known = self.replicas.get(url, Replica())
        cut = f"<D:limit><D:nresults>{limit}</D:nresults></D:limit>" if limit else ""
        inner = f"<D:sync-token>{known.token}</D:sync-token><D:sync-level>1</D:sync-level>{cut}{WISH}"
        body = f'<D:sync-collection xmlns:D="DAV:">{inner}</D:sync-collection>'
        answer = self.ask("REPORT", url, body, lost=lost)
        if answer.status == 404:  # it was renamed, removed, or is not for this person any more
            self.replicas.pop(url, None)
            return False, []
        if answer.status == 403:  # another collection has this name now (RFC 6578 §3.2)
            assert known.token, answer.text
            assert answer.precondition == f"{DAV}valid-sync-token"
            self.replicas[url] = Replica()
            return True, []
        assert answer.status == 207, answer.text
        replica = self.replicas.setdefault(url, known)
        more, told = False, []
        for href, status, found in _responses(answer):
            if "507" in status:
                assert href == url
                more = True
                continue
            told.append(href)
            plain = href.rstrip("/")
            gone = [replica.members.pop(name, None) for name in (plain + "/", plain)]  # a file may become a folder
            former = gone[1] or gone[0]
            if not status:
                replica.members[href] = former if former and found != FOLDER and former[0] == found[0] else found
            else:
                assert "404" in status
                assert known.token, "what is gone is not told to who knows nothing (RFC 6578 §3.5.2)"
        assert not more or told, "an answer that is cut tells something"
        replica.token = answer.sync_token
        return more, told

    def whole(self, url: str, limit: int) -> None:
        """All answers, without anything in between: each member is told of once."""
        seen: list[str] = []
        for _ in range(60):
            begun = url in self.replicas and bool(self.replicas[url].token)
            more, told = self.page(url, limit)
            seen = [] if more and begun and not told else seen + told
            if not more:
                break
        else:
            raise AssertionError("the answers never end")
        assert len(seen) == len(set(seen)), seen

    def fetch(self, url: str, lost: bool = False) -> None:
        """Get the bodies of whatever changed."""
        replica = self.replicas.get(url, Replica())
        wanted = [href for href, (_, body) in replica.members.items() if body is None]
        if not self.sort.data:
            for href in wanted:
                answer = self.ask("GET", href, lost=lost)
                if answer.status == 200:
                    replica.members[href] = (answer.headers.get("etag", ""), answer.body)
                else:
                    assert answer.status == 404, answer.text
                    del replica.members[href]
        elif wanted:
            namespace, _, local = self.sort.data[1:].partition("}")
            hrefs = "".join(f"<D:href>{href}</D:href>" for href in wanted)
            root = f'{self.sort.name}-multiget xmlns:D="DAV:" xmlns="{namespace}"'
            body = f"<{root}><D:prop><D:getetag/><{local}/></D:prop>{hrefs}</{self.sort.name}-multiget>"
            answer = self.ask("REPORT", url, body, lost=lost)
            if answer.status == 404:
                self.replicas.pop(url, None)
                return
            for href, status, (etag, _) in _responses(answer):
                if status:
                    del replica.members[href]
                else:
                    data = answer.prop(href, self.sort.data)
                    assert data is not None
                    replica.members[href] = (etag, (data.text or "").encode())

    # --- changing

    def put(self, href: str, body: bytes, lost: bool) -> None:
        """Write what is known, or what is new."""
        fields = self._condition(href)
        content_type = {"calendar": "text/calendar", "addressbook": "text/vcard"}.get(self.sort.name, "text/plain")
        answer = self.ask("PUT", href, body, lost=lost, content_type=content_type, **fields)
        assert answer.status in (201, 204, 403, 404, 405, 409, 412), answer.text
        if answer.status in (201, 204) and (replica := self._of(href)):
            etag = answer.headers.get("etag", "")
            replica.members[href] = (etag, body if etag else None)

    def delete(self, href: str, lost: bool) -> None:
        answer = self.ask("DELETE", href, lost=lost, **self._condition(href))
        assert answer.status in (204, 403, 404, 412), answer.text
        if answer.status == 204 and (replica := self._of(href)):
            replica.members.pop(href, None)

    def move(self, source: str, target: str, lost: bool, overwrite: str) -> None:
        fields = self._condition(source) | {"destination": target, "overwrite": overwrite}
        answer = self.ask("MOVE", source, lost=lost, **fields)
        assert answer.status in (201, 204, 403, 404, 405, 409, 412), answer.text
        if answer.status in (201, 204):
            if replica := self._of(source):
                replica.members.pop(source, None)
            if replica := self._of(target):
                replica.members[target] = ("", None)

    def _of(self, href: str) -> Replica | None:
        """Where a member is kept; None before a first answer came, for that tells nothing of what is gone."""
        replica = self.replicas.get(href[: href.rstrip("/").rindex("/") + 1])
        return replica if replica and replica.token else None

    def _condition(self, href: str) -> dict[str, str]:
        replica = self._of(href)
        etag = replica.members.get(href, FOLDER)[0] if replica else ""
        return {"if_match": etag} if etag else {"if_none_match": "*"}

    def listed(self, url: str) -> dict[str, tuple[str, bytes | None]] | None:
        """What PROPFIND and GET show; None where nothing is to be seen."""
        answer = self.client.request("PROPFIND", url, f'<D:propfind xmlns:D="DAV:">{WISH}</D:propfind>', depth="1")
        if answer.status == 404:
            return None
        found: dict[str, tuple[str, bytes | None]] = {}
        for href, _, (etag, body) in list(_responses(answer))[1:]:
            if body is None:
                got = self.client.request("GET", href)
                assert (got.status, got.headers.get("etag", etag)) == (200, etag), got.text
                body = got.body
            found[href] = (etag, body)
        return found


def _responses(answer: Answer) -> Iterator[tuple[str, str, tuple[str, bytes | None]]]:
    """href, status if it is the whole response's, and what is known then."""
    for response in answer.xml.findall(f"{DAV}response"):
        known: tuple[str, bytes | None] = (response.findtext(f".//{DAV}getetag") or "", None)
        if response.find(f".//{DAV}collection") is not None:
            known = FOLDER
        yield response.findtext(f"{DAV}href") or "", response.findtext(f"{DAV}status") or "", known
