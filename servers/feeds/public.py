"""Public documents: what was published, for anybody, and nothing more (DOC-37…46)."""

from __future__ import annotations

import html
from typing import Final

from servers.feeds import folders as folder_feeds
from servers.feeds import pages
from servers.feeds.visit import Visit, path, validator
from servers.http import files
from servers.http.response import Response
from storage import folders
from storage.errors import NotFound
from storage.filing import File, Folder
from storage.store import Transaction
from storage.types import SpaceKind

_INDEX: Final = "index.html"


def private(visit: Visit, login: str, path: str) -> Response:
    """A person's public document or folder."""
    return _public(visit, SpaceKind.PRIVATE, login, path.strip("/"))


def group(visit: Visit, group: str, path: str) -> Response:
    """The same of a group."""
    return _public(visit, SpaceKind.GROUP, group, path.strip("/"))


def _public(visit: Visit, kind: SpaceKind, space: str, below: str) -> Response:
    with visit.store.read(visit.actor) as tx:
        found = folders.find(tx, kind, space, below, body=True)
        if isinstance(found, File):
            if visit.request.directory:
                raise NotFound(below)
            return _file(visit, found)
        if not visit.request.directory:  # relative links in a start page must begin in the folder
            address = visit.public_url(found.space, found.path) + "/"
            return Response(308, [("Location", address), ("Cache-Control", "public, no-cache")])
        start = _start(tx, found)
        if start is not None:
            return _file(visit, start)
        listed = folder_feeds.newest(tx, found)
        below_it = folders.subfolders(tx, found)
    return _page(visit, found, sorted(listed, key=lambda one: one.name.casefold()), below_it)


def _relative(name: str) -> str:
    """The address of a member from its folder's; before a colon it would begin with a scheme (RFC 3986 §4.2)."""
    found = path(name)
    return f".{found}" if ":" in name else found[1:]


def _start(tx: Transaction, folder: Folder) -> File | None:
    """The folder's own start page, if it has a public one."""
    below = f"{folder.path}/{_INDEX}" if folder.path else _INDEX
    try:
        found = folders.find(tx, folder.space.kind, folder.space.name, below, body=True)
    except NotFound:
        return None
    return found if isinstance(found, File) else None


def _file(visit: Visit, file: File) -> Response:
    fields = [("Cache-Control", "public, no-cache"), ("Referrer-Policy", "no-referrer")]
    return files.send(visit.request, visit.store, file, fields)


def _page(visit: Visit, folder: Folder, listed: list[File], below: list[Folder]) -> Response:
    """What is public in a folder, for a browser."""
    title = folder.title or folder.space.display_name or folder.space.name
    seen = [(one.name, one.description) for one in listed], [one.title for one in below]
    etag = validator("listing", 1, visit.url, title, folder.description, seen)
    known = visit.unchanged(etag)
    if known is not None:
        return known
    rows = [f"<li>{pages.link(_relative(one.title) + '/', one.title + '/')}</li>" for one in below]
    rows += [
        f"<li>{pages.link(_relative(one.name), one.name)}"
        + (f"<br>{html.escape(one.description)}" if one.description else "")
        + "</li>"
        for one in listed
    ]
    feed = visit.origin + path("feeds", "public", *visit.request.segments[1:], "index.rss")
    head = f'<link rel="alternate" type="application/rss+xml" href="{html.escape(feed)}">\n'
    body = (
        f"<h1>{html.escape(title)}</h1>\n<p>{html.escape(folder.description)}</p>\n<ul>\n" + "\n".join(rows) + "\n</ul>"
    )
    return pages.page(title, body, head=head, fields=visit.fields(etag))
