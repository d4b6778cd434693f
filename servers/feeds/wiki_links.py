"""Where the links of a wiki page lead (WIKI-04): pages by name, documents by their path on the disk."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, unquote_plus, urlsplit

from servers.feeds.visit import path

_FOLDER: Final = "wiki"
_PAGE: Final = re.compile(r"(?:\A|&)WikiPage=([^&]*(?:&[^&=]*(?=&|\Z))*)")
"""A name may hold `&` as it is: what follows it is another parameter only if it has a value."""
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


@dataclass(frozen=True, slots=True)
class Around:
    """What a page's links are resolved against."""

    page: str
    """Path of the page's file below the environment's documents: `wiki/index.html`."""
    wiki: str
    """Address of the wiki's view, without a final slash."""
    docs: str
    """Address of the environment's documents, without a final slash."""


def target(link: str, around: Around) -> str | None:
    """The address that a link's or an image's own leads to; None where it leads out of the environment."""
    link = link.strip()
    if _SCHEME.match(link) or link.startswith(("//", "/", "#")):
        return link  # whether the scheme may be followed is the sanitiser's matter
    try:
        parts = urlsplit(link)
    except ValueError:
        return None
    fragment = f"#{parts.fragment}" if parts.fragment else ""
    if parts.path.rpartition("/")[2] == "sw":
        # WIKI-04: the page's name without its extension; `WikiPage=x.html` means the file x.html.html.
        named = _PAGE.search(parts.query)
        names = _names(unquote_plus(named[1])) if named else []
        return around.wiki + path(*names) + fragment if names else None
    if not parts.path:
        return fragment or None
    whole = posixpath.normpath(posixpath.join(posixpath.dirname(around.page), unquote(parts.path)))
    if whole == ".." or whole.startswith(("../", "/")):
        return None
    if whole == _FOLDER:
        return around.wiki + path("index") + fragment
    if not whole.startswith(_FOLDER + "/"):
        return around.docs + path(*_names(whole)) + fragment
    name = whole.removeprefix(_FOLDER + "/")
    return around.wiki + path(*_names(name.removesuffix(".html"))) + fragment


def _names(below: str) -> list[str]:
    return [one for one in below.split("/") if one not in ("", ".", "..")]
