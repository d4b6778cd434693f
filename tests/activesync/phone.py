"""A phone of the tests' own: it keeps what it was told, as devices do ([MS-ASCMD] §3.1.5)."""

from __future__ import annotations

import asyncio
import base64
import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from servers.activesync.wbxml.decoder import decode
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.encoder import encode
from servers.activesync.wbxml.pages import AirSync, AirSyncBase, Email, FolderHierarchy
from servers.http.asgi import Asgi

PATH = "/Microsoft-Server-ActiveSync"


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Element:
        packed = self.headers.get("content-encoding") == "gzip"
        return decode(gzip.decompress(self.body) if packed else self.body)


@dataclass
class Phone:
    """One device of one account, over the ASGI callable."""

    app: Asgi
    login: str = "alice"
    password: str = "alice-secret"
    device: str = "PHONE1"
    version: str = "14.1"
    window: int = 100
    filter: int = 0
    hierarchy_key: str = "0"
    folders: dict[str, tuple[str, int]] = field(default_factory=dict)
    """ServerId to name and type."""
    keys: dict[str, str] = field(default_factory=dict)
    items: dict[str, dict[str, Element]] = field(default_factory=dict)
    """Of each folder: ServerId to ApplicationData, changes merged in."""

    def post(self, command: str, body: Element | bytes | None = None, **headers: str) -> Answer:
        query = f"Cmd={command}&User={self.login}&DeviceId={self.device}&DeviceType=Test"
        return self.request("POST", query, body, **headers)

    def request(self, method: str, query: str = "", body: Element | bytes | None = None, **headers: str) -> Answer:
        return asyncio.run(self.send(method, query, body, **headers))

    async def send(
        self, method: str, query: str, body: Element | bytes | None = None, leaves: asyncio.Event | None = None,
        path: str = PATH, **headers: str,
    ) -> Answer:  # fmt: skip
        data = encode(body) if isinstance(body, Element) else body or b""
        pair = base64.b64encode(f"{self.login}:{self.password}".encode()).decode()
        fields = {
            "Authorization": f"Basic {pair}", "MS-ASProtocolVersion": self.version, "Content-Length": str(len(data)),
            "Content-Type": "application/vnd.ms-sync.wbxml", **headers,
        }  # fmt: skip
        scope = {
            "type": "http", "method": method, "path": path, "query_string": query.encode(), "scheme": "http",
            "client": ("127.0.0.1", 1),
            "headers": [(name.lower().encode(), value.encode()) for name, value in fields.items()],
        }  # fmt: skip
        sent: list[Any] = []
        given = False

        async def receive() -> dict[str, Any]:
            nonlocal given
            if not given:
                given = True
                return {"type": "http.request", "body": data, "more_body": False}
            await (leaves or asyncio.Event()).wait()
            return {"type": "http.disconnect"}

        async def take(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, take)
        headers_got = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        answer = Answer(sent[0]["status"], headers_got, b"".join(one.get("body", b"") for one in sent[1:]))
        if answer.body and headers_got.get("content-type") == "application/vnd.ms-sync.wbxml":
            whole, _, part = self.version.partition(".")
            strange = [one.tag for one in answer.document.walk() if not one.tag.known_to(int(whole + part))]
            assert not strange, f"{self.version} has no {strange}"
        return answer

    def folder_sync(self) -> Element:
        """Bring the folders up to date."""
        asked = FolderHierarchy.FolderSync(FolderHierarchy.SyncKey(self.hierarchy_key))
        answer = self.post("FolderSync", asked).document
        assert answer.text_of(FolderHierarchy.Status) == "1"
        self.hierarchy_key = answer.text_of(FolderHierarchy.SyncKey) or ""
        changes = answer.find(FolderHierarchy.Changes)
        assert changes is not None
        for one in changes.known:
            number = one.text_of(FolderHierarchy.ServerId) or ""
            if one.tag is FolderHierarchy.Delete:
                del self.folders[number]
            elif one.tag in (FolderHierarchy.Add, FolderHierarchy.Update):
                kind = int(one.text_of(FolderHierarchy.Type) or 0)
                self.folders[number] = (one.text_of(FolderHierarchy.DisplayName) or "", kind)
        return answer

    def folder(self, name: str) -> str:
        """The ServerId of a folder."""
        return next(number for number, (shown, _) in self.folders.items() if shown == name)

    def collection(self, folder: str, *commands: Element, body: int = 1, size: int | None = None) -> Element:
        """A Collection element that asks for what changed and carries these commands."""
        wanted = AirSyncBase.BodyPreference(
            AirSyncBase.Type(body), None if size is None else AirSyncBase.TruncationSize(size)
        )
        key = self.keys.get(folder, "0")
        options = AirSync.Options(AirSync.FilterType(self.filter), AirSync.MIMESupport(0), wanted)
        return AirSync.Collection(
            AirSync.SyncKey(key),
            AirSync.CollectionId(folder),
            AirSync.DeletesAsMoves(1) if key != "0" else None,
            AirSync.GetChanges() if key != "0" else None,
            AirSync.WindowSize(self.window),
            options,
            AirSync.Commands(*commands) if commands else None,
        )

    def sync_once(self, folder: str, *commands: Element, **more: Any) -> Element | None:
        """One Sync; the answer's Collection, taken in; None if the answer was empty."""
        answer = self.post("Sync", AirSync.Sync(AirSync.Collections(self.collection(folder, *commands, **more))))
        assert answer.status == 200
        return self.take(answer, {one.text_of(AirSync.ClientId) or "": one for one in commands})

    def take(self, answer: Answer, sent: Mapping[str, Element] = MappingProxyType({})) -> Element | None:
        """Take an answer in; its one Collection. What was `sent` by ClientId has its ServerId from it."""
        if not answer.body:
            return None
        found = answer.document.find(AirSync.Collections, AirSync.Collection)
        assert found is not None, answer.document.children
        folder = found.text_of(AirSync.CollectionId) or ""
        if found.text_of(AirSync.Status) != "1":
            return found
        if self.keys.get(folder, "0") == "0":
            self.items[folder] = {}
        self.keys[folder] = found.text_of(AirSync.SyncKey) or ""
        responses = found.find(AirSync.Responses)
        for one in [] if responses is None else responses.all(AirSync.Add):
            number, command = one.text_of(AirSync.ServerId), sent.get(one.text_of(AirSync.ClientId) or "")
            data = None if command is None else command.find(AirSync.ApplicationData)
            if number and data is not None:
                self.items[folder].setdefault(number, data)
        commands = found.find(AirSync.Commands)
        for one in [] if commands is None else commands.known:
            self._command(self.items[folder], one)
        return found

    def _command(self, items: dict[str, Element], command: Element) -> None:
        number = command.text_of(AirSync.ServerId) or ""
        data = command.find(AirSync.ApplicationData)
        if command.tag is AirSync.Add:
            assert number not in items, "doubled"
            assert data is not None
            items[number] = data
        elif command.tag is AirSync.Change:
            assert data is not None
            # Of a mail only what changed is told; everything else comes whole, and what it lacks is gone
            # ([MS-ASCMD] §4.24.5: a deleted AssistantName is left out; Android removes what a Change does not name).
            mail = any(one.tag is Email.Read for one in items[number].children)
            tags = {one.tag for one in data.children}
            kept = [one for one in items[number].children if mail and one.tag not in tags]
            items[number] = AirSync.ApplicationData(*kept, *data.children)
        else:
            del items[number]

    def sync(self, folder: str, **more: Any) -> None:
        """Sync until there is nothing more."""
        for _ in range(1000):
            fresh = self.keys.get(folder, "0") == "0"
            found = self.sync_once(folder, **more)
            if found is None or (not fresh and AirSync.MoreAvailable not in found):
                return
            assert found.text_of(AirSync.Status) == "1", found.text_of(AirSync.Status)
        raise AssertionError("it never ends")

    def subjects(self, folder: str) -> list[str]:
        """What the phone shows of a mailbox."""
        return sorted(one.text_of(Email.Subject) or "" for one in self.items[folder].values())

    def number(self, folder: str, subject: str) -> str:
        """The ServerId of a mail."""
        return next(key for key, one in self.items[folder].items() if one.text_of(Email.Subject) == subject)


Connect = Callable[..., Phone]
