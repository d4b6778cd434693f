"""`escritoire wiki`: pages that nothing leads to, and links that lead nowhere (WIKI-07)."""

from __future__ import annotations

import sys
from typing import Any, Final
from urllib.parse import unquote

import click
from lxml import etree

from servers.cli import Desk
from servers.commands.documents import Spot, acting_at, spot
from servers.commands.listing import json_option, table
from servers.commands.opened import opened
from servers.feeds import wiki_links
from servers.feeds.wiki_links import Around
from storage import bodies, filing, folders, wiki
from storage.errors import NotFound
from storage.filing import File, Folder
from storage.store import Transaction

_WIKI, _DOCS = "wiki:", "docs:"
_PAGE_OCTETS: Final = 10 * 1024 * 1024
_FOLDERS: Final = 10_000
_LINKS: Final = {"a": "href", "area": "href", "img": "src"}


@click.group()
def command() -> None:
    """Wikis.

    \b
    Examples:
        escritoire wiki check alice
        escritoire wiki check groups/IAB --json
    """


@command.command()
@click.argument("space", metavar="SPACE", type=spot)
@click.option("--as", "login", help="Who looks; the owner, or the group's admin, without it.")
@json_option
@click.pass_obj
def check(desk: Desk, space: Spot, login: str | None, as_json: bool) -> None:
    """List orphans, which no way from index.html leads to, and dead links, whose target is not there.

    Exit status 1 when there are any.
    """
    with opened(desk) as store, store.read(acting_at(store, space, login)) as tx:
        pages = {path: _links(tx, file) for path, file in _pages(tx, space)}
        dead = [
            {"kind": "dead link", "page": page, "target": _named(target)}
            for page, targets in sorted(pages.items())
            for target in sorted(targets)
            if target not in pages and not _exists(tx, space, target)
        ]
    reached = _reached(pages)
    orphans: list[dict[str, Any]] = [
        {"kind": "orphan", "page": page, "target": None} for page in sorted(pages) if page not in reached
    ]
    found = orphans + dead
    table(found, ("kind", "page", "target"), as_json, "every page is reached, and every link leads somewhere")
    if found:
        click.echo(f"{len(orphans)} orphans, {len(dead)} dead links", err=True)
        sys.exit(1)


def _pages(tx: Transaction, space: Spot) -> list[tuple[str, File]]:
    """The wiki's pages by their path below the documents; the group's message is no page of its wiki (INFO-02)."""
    top = wiki.folder(tx, space.kind, space.space)
    found = []
    for folder in folders.walk(tx, top, _FOLDERS):
        if filing.is_within(folder.path, filing.GROUP_INFO):
            continue
        found += [(one.path, one) for one in folders.files(tx, folder) if one.name.lower().endswith((".html", ".htm"))]
    return found


def _links(tx: Transaction, page: File) -> set[str]:
    """The paths below the documents that a page's links and images name."""
    found = folders.find(tx, page.folder.space.kind, page.folder.space.name, page.path, body=True)
    if not isinstance(found, File) or found.size > _PAGE_OCTETS:
        return set()
    with bodies.open_file(tx.store, found) as body:
        data = body.read()
    parser = etree.HTMLParser(no_network=True, huge_tree=False, recover=True, encoding="utf-8")
    root = etree.fromstring(data, parser) if data.strip() else None
    if root is None:
        return set()
    around = Around(page.path, _WIKI, _DOCS)
    targets: set[str] = set()
    for element in root.iter(*_LINKS):
        value = element.get(_LINKS[str(element.tag)])
        address = wiki_links.target(value, around) if value else None
        path = _path(address.partition("#")[0]) if address else None
        if path:
            targets.add(path)
    return targets


def _path(address: str) -> str | None:
    """The path that a resolved address stands for; None where it leads elsewhere, or only within the page."""
    if address.startswith(_WIKI):
        return f"{filing.WIKI}/{unquote(address[len(_WIKI) :]).strip('/')}.html"
    if address.startswith(_DOCS):
        return unquote(address[len(_DOCS) :]).strip("/")
    return None


def _named(path: str) -> str:
    """A missing target as its link means it: a page, unless it has an extension of its own."""
    bare = path.removesuffix(".html")
    return bare if "." in bare.rpartition("/")[2] else path


def _exists(tx: Transaction, space: Spot, path: str) -> bool:
    """Whether something is there; a page's address without its extension may also be a folder or a picture."""
    for one in (path, path.removesuffix(".html")):
        try:
            found = folders.find(tx, space.kind, space.space, one)
        except NotFound:
            continue
        if isinstance(found, File | Folder):
            return True
    return False


def _reached(pages: dict[str, set[str]]) -> set[str]:
    waiting = [filing.START_PAGE]
    reached: set[str] = set()
    while waiting:
        page = waiting.pop()
        if page in pages and page not in reached:
            reached.add(page)
            waiting += pages[page]
    return reached
