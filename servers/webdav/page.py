"""A folder as a page for browsers: names, sizes, dates; no script, and nothing that is not escaped."""

from __future__ import annotations

import html
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from servers.dav import escape
from servers.dav.context import Reader
from servers.dav.methods.propfind import content_location
from servers.dav.resources import Resource
from servers.http.response import Response
from servers.webdav import favourites, fixed, listing, tree
from servers.webdav.spool import Spool
from storage import folders
from storage.filing import Folder

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.25rem .5rem;border-bottom:1px solid #ddd}"
    "td+td,th+th{text-align:right;white-space:nowrap;color:#555}a{color:#0645ad;text-decoration:none}"
    "a:hover{text-decoration:underline}"
)
_UNITS: Final = ("bytes", "KiB", "MiB", "GiB", "TiB")


def of(reader: Reader, found: Resource) -> Response:
    """The page of a folder or of the levels above the folders."""
    out = Spool()
    title = html.escape("/".join(reader.context.address.segments) or "/")
    out.add(
        (
            f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
            f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
            f"<h1>{_trail(reader)}</h1>\n<table><thead><tr>"
            "<th>Name</th><th>Size</th><th>Changed (UTC)</th></tr></thead>"
            "<tbody>\n",
        )
    )
    folder = tree.folder_of(found)
    for texts in _rows(reader, found, folder):
        out.add(texts)
    out.add(("</tbody></table></body></html>\n",))
    headers = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "same-origin"),
        ("Cache-Control", "private, no-cache"),
        *content_location(reader.context, found),
    ]
    return Response(200, headers, out.body())


def _rows(reader: Reader, found: Resource, folder: Folder | None) -> Iterator[list[str]]:
    if folder is None:
        yield [_row(one.href, one.name + "/") for one in listing.above(reader, found)]
        return
    inner = folders.subfolders(reader.tx, folder)
    yield [_row(f"{found.href}{escape.segment(one.title)}/", one.title + "/", when=one.modified) for one in inner]
    feed = fixed.entry(reader.tx, folder) if listing.is_main(folder) else None
    if feed is not None:
        yield [_row(found.href + feed.name, feed.name, when=feed.modified)]
    yield [_row(found.href + one.name, one.name, one.size) for one in favourites.entries(reader.tx, folder)]
    for files in folders.pages(reader.tx, folder):
        yield [_row(found.href + escape.segment(one.name), one.name, one.size, one.modified) for one in files]


def _row(href: str, name: str, size: int | None = None, when: float | None = None) -> str:
    changed = "" if when is None else datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d %H:%M")
    told = "" if size is None else measure(size)
    target = html.escape(href, quote=True)
    return f'<tr><td><a href="{target}">{html.escape(name)}</a></td><td>{told}</td><td>{changed}</td></tr>\n'


def measure(octets: int) -> str:
    """A size as people read it: `3.4 MiB`."""
    amount, unit = float(octets), 0
    while amount >= 1024 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{octets} {_UNITS[0]}" if unit == 0 else f"{amount:.1f} {_UNITS[unit]}"


def _trail(reader: Reader) -> str:
    """The way here, each part a link."""
    names = reader.context.address.segments
    parts = [
        f'<a href="{html.escape(escape.path(*names[: count + 1], directory=True), quote=True)}">{html.escape(name)}</a>'
        for count, name in enumerate(names)
    ]
    return " / ".join(parts) or "/"
