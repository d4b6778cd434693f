"""The documents of a throw-away desk: two disks' folders, a wiki, bookmarks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from storage import bodies, files, filing, folders, trees
from storage.filing import DOCS, FAVOURITES
from storage.store import Store
from storage.types import Actor, SpaceKind

_GROUP: Final = "IAB"


def furnish(store: Store, actors: dict[str, Actor]) -> None:
    """Put folders and files into the disks of the people and their group."""
    for login, kind, space, root, path, text in _files():
        with store.write(actors[login]) as tx:
            for above in filing.above(path):
                place = folders.place(tx, kind, space, above, root=root)
                if not place.taken:
                    trees.mkdir(tx, place.folder, place.name)
            place = folders.place(tx, kind, space, path, root=root)
            files.put(tx, place, bodies.small(text.encode()))


def _files() -> Iterator[tuple[str, SpaceKind, str, str, str, str]]:
    """Who writes, whose space, which tree, where, what."""
    private, group = SpaceKind.PRIVATE, SpaceKind.GROUP
    yield (
        "alice",
        private,
        "alice",
        DOCS,
        "Letters/To the ministry.txt",
        "Dear Sir or Madam,\n\nin answer to your letter …\n",
    )
    yield "alice", private, "alice", DOCS, "Household.csv", "Month;Sum\nJanuary;812.40\nFebruary;790.15\n"
    yield "alice", group, _GROUP, DOCS, "Reports/2025/Bericht März.csv", "Quarter;Sum\n1;100\n2;120\n"
    yield "alice", group, _GROUP, DOCS, "Picnic.md", "# Picnic\n\n- glasses (Alice)\n- salad (Bob)\n"
    yield (
        "alice",
        group,
        _GROUP,
        DOCS,
        "wiki/index.html",
        _page("The IAB", '<p>See <a href="coffee.html">coffee</a>.</p>'),
    )
    yield "alice", group, _GROUP, DOCS, "wiki/coffee.html", _page("Coffee", "<p>The machine is emptied on Fridays.</p>")
    yield "alice", private, "alice", FAVOURITES, "Work/RFC Editor.url", _link("https://www.rfc-editor.org/")
    yield "alice", private, "alice", FAVOURITES, "Debian.url", _link("https://www.debian.org/")
    yield "alice", group, _GROUP, FAVOURITES, "Python.url", _link("https://www.python.org/")


def _page(title: str, text: str) -> str:
    return (
        f'<!DOCTYPE html>\n<html>\n<head><meta charset="utf-8"><title>{title}</title></head>\n'
        f"<body><h1>{title}</h1>{text}</body>\n</html>\n"
    )


def _link(address: str) -> str:
    return f"[InternetShortcut]\r\nURL={address}\r\n"
