"""The wiki's view: pages to be read in a browser, with links that work (WIKI-04, WIKI-05, WIKI-06, WIKI-09)."""

from __future__ import annotations

import html
from functools import partial
from typing import Final

from servers.feeds import pages, sanitise, wiki_links
from servers.feeds.visit import Visit, path, validator
from servers.feeds.wiki_links import Around
from servers.http import files
from servers.http.response import Response
from storage import bodies, folders
from storage import wiki as storage_wiki
from storage.errors import NotFound
from storage.filing import WIKI, File, Folder
from storage.store import Store, Transaction
from storage.types import Principal, Right, SpaceKind, View

START: Final = "index"
_MOST: Final = 2 * 1024 * 1024
"""Octets of a page that is shown; a longer one is offered as it is."""


def private(visit: Visit, login: str, path: str) -> Response:
    """A page of a person's wiki."""
    return _view(visit, SpaceKind.PRIVATE, login, path.strip("/"))


def group(visit: Visit, group: str, path: str) -> Response:
    """A page of a group's wiki."""
    return _view(visit, SpaceKind.GROUP, group, path.strip("/"))


def address(space: Principal, name: str = "") -> str:
    """The path of a page's view."""
    top = ("groups", space.name) if space.kind is SpaceKind.GROUP else (space.name, "private")
    return path("wiki", *top, *filter(None, name.split("/")))


def read(store: Store, file: File) -> str | None:
    """A page's text (WIKI-01: UTF-8); None if it is too long to be shown."""
    with bodies.open_file(store, file) as source:
        data = source.read(_MOST + 1)
    return None if len(data) > _MOST else data.decode("utf-8-sig", "replace")


def body(visit: Visit, file: File, text: str) -> str:
    """The page's content, harmless, with absolute addresses that lead somewhere."""
    space = file.folder.space
    around = Around(file.path, visit.origin + address(space), visit.docs_url(space, ""))
    return sanitise.fragment(text, partial(wiki_links.target, around=around))


def _view(visit: Visit, kind: SpaceKind, space: str, name: str) -> Response:
    name = name or START
    with visit.store.read(visit.actor) as tx:
        wiki = storage_wiki.folder(tx, kind, space)
        found = _find(tx, wiki, name)
    if found is None and name == START and wiki.rights & Right.ADD:
        with visit.store.write(visit.actor) as tx:  # WIKI-02: made when the wiki is first opened
            wiki = storage_wiki.open_wiki(tx, kind, space)
        with visit.store.read(visit.actor) as tx:
            found = _find(tx, wiki, name)
    if found is None:
        return _missing(visit, wiki, name)
    if not found.name.lower().endswith((".html", ".htm")):
        return files.send(visit.request, visit.store, found, [("Cache-Control", "private, no-cache")])
    return _page(visit, found)


def _find(tx: Transaction, wiki: Folder, name: str) -> File | None:
    """The page of that name, else the file: a picture, or a page given with its extension."""
    for wanted in (f"{name}.html", name):
        try:
            found = folders.find(tx, wiki.space.kind, wiki.space.name, f"{WIKI}/{wanted}", body=True)
        except NotFound:
            continue
        if isinstance(found, File) and found.view is View.FULL:
            return found
    return None


def _page(visit: Visit, file: File) -> Response:
    etag = validator("wiki", 1, visit.url, visit.language, file.id, file.etag)
    known = visit.unchanged(etag)
    if known is not None:
        return known
    text = read(visit.store, file)
    home = f"<nav>{pages.link(address(file.folder.space, START), visit.say('Home'))}</nav>\n"
    stem = file.name.rpartition(".")[0]
    if text is None:
        raw = pages.link(visit.docs_url(file.folder.space, file.path), file.name)
        said = visit.say("This page is too long to be shown: {}", raw)
        return pages.page(stem, f"{home}<p>{said}</p>", fields=visit.fields(etag))
    title = sanitise.title(text) or stem
    return pages.page(title, f"{home}<main>\n{body(visit, file, text)}\n</main>", fields=visit.fields(etag))


def _missing(visit: Visit, wiki: Folder, name: str) -> Response:
    """WIKI-06: 404, and for those who may write the page the place where it would be."""
    home = f"<nav>{pages.link(address(wiki.space, START), visit.say('Home'))}</nav>\n"
    text = f"{home}<p>{visit.say('There is no page {}.', html.escape(name))}</p>"
    if wiki.rights & Right.ADD:
        place = visit.docs_url(wiki.space, f"{WIKI}/{name}.html")
        text += f"\n<p>{visit.say('Create it by saving an HTML file as {}', pages.link(place, place))}</p>"
    return pages.page(name, text, status=404, fields=[("Cache-Control", "private, no-store")])
