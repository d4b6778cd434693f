"""LinkIds: how a device names what lies on the disk ([MS-ASDOC] §2.2.2.8, RFC 3986, RFC 8089 §E.3.1).

Two forms mean the same: the URL of a document on the desk (`https://desk.example.org/docs/alice/private/cv.pdf`), and
the UNC path that Windows makes of it (`\\\\desk.example.org\\docs\\alice\\private\\cv.pdf`). Answers have the form of
the question.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from storage.filing import DOCS

MOST: Final = 8_192
"""Characters of a LinkId."""
_REDIRECTOR: Final = "davwwwroot"
"""What Windows puts between a server and a share that it reaches by WebDAV."""
_SAFE: Final = "-._~!$()*+,;=:@"


@dataclass(frozen=True, slots=True)
class Link:
    """A place on the desk's disk."""

    head: str
    """What stands before the path, as the device wrote it: scheme and host, or the UNC server."""
    host: str
    """The server's name without its port, in lower case."""
    unc: bool
    names: tuple[str, ...]
    """The names below `/docs/`: a login, `private` or a group, and what is there."""

    @property
    def text(self) -> str:
        """The LinkId; where UNC cannot say a name, the URL."""
        if self.unc and not any("\\" in name or "/" in name for name in self.names):
            return "\\".join((self.head, DOCS, *self.names))
        head = f"https://{self.host}" if self.unc else self.head
        return "/".join((head, DOCS, *(quote(name, safe=_SAFE) for name in self.names)))

    def member(self, name: str) -> Link:
        """What is in the folder that this names."""
        return replace(self, names=(*self.names, name))


def parse(text: str) -> Link | None:
    """The place that a LinkId names; None if it is no URL or UNC path, or leads elsewhere than to the disk."""
    text = text.strip()
    if len(text) > MOST or "\0" in text:
        return None
    return _unc(text) if text.startswith("\\\\") else _url(text)


def _unc(text: str) -> Link | None:
    server, *names = text[2:].split("\\")
    names = [name for name in names if name]
    host = server.partition("@")[0].lower()  # Windows says desk@SSL and desk@SSL@8443
    if names and names[0].lower() == _REDIRECTOR:
        names = names[1:]
    return _link(f"\\\\{server}", host, True, names)


def _url(text: str) -> Link | None:
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").lower()
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        return None
    if parts.scheme.lower() not in ("http", "https") or parts.query or parts.fragment:
        return None
    shown = f"[{host}]" if ":" in host else host
    names = [unquote(name) for name in parts.path.split("/") if name]
    return _link(f"{parts.scheme.lower()}://{shown}{port}", host, False, names)


def _link(head: str, host: str, unc: bool, names: list[str]) -> Link | None:
    if not host or any(name in (".", "..") for name in names):
        return None
    if names and names[0].lower() != DOCS:
        return None
    return Link(head, host, unc, tuple(names[1:]))
