"""What may lie in a tree of favourites: `.url` files with an address that is not refused (FAV-01, FAV-02)."""

from __future__ import annotations

from typing import Final

from storage import bodies, filing
from storage.bodies import Body
from storage.errors import Fixed, UnsupportedMedia
from storage.filing import FAVOURITES, Folder
from storage.formats import bookmarks_html, bookmarks_xbel, url_file

WHOLE: Final = {"bookmarks.html": bookmarks_html.MEDIA_TYPE, "bookmarks.xbel": bookmarks_xbel.MEDIA_TYPE}
"""The files in the root that are the whole tree (FAV-11), with their media types."""


def prepare(name: str, data: bytes, scheme: str = "https") -> bytes:
    """The body to be stored for a file in the tree, its address completed and judged (FAV-02).

    Raises:
        UnsupportedMedia: it is no `.url` file.
        BadFormat: it names no address, or one that is refused.
    """
    if filing.is_work_file(name) and len(data) <= url_file.MOST_OCTETS:
        return data
    if not name.lower().endswith(url_file.EXTENSION):
        raise UnsupportedMedia("favourites hold .url files")
    return url_file.clean(data, scheme)


def checked(folder: Folder, name: str, body: Body, scheme: str = "https") -> Body:
    """The body as it is stored below `folder`: of documents the very same, of bookmarks what `prepare` gives.

    Raises:
        Fixed: the name is that of the whole tree.
        UnsupportedMedia, BadFormat: as in `prepare`.
    """
    if folder.root != FAVOURITES:
        return body
    demand_free(folder, name)
    if body.data is None:
        raise UnsupportedMedia("favourites hold .url files")
    clean = prepare(name, body.data, scheme)
    return body if clean is body.data else bodies.small(clean)


def demand_free(folder: Folder, name: str) -> None:
    """Pass unless the name, in the root, is that of the whole tree as one file.

    Raises:
        Fixed: so it is.
    """
    if folder.root == FAVOURITES and not folder.path and name in WHOLE:
        raise Fixed("this file is the whole tree")
