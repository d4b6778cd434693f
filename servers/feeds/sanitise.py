"""HTML that somebody wrote, as others may see it: nh3 (the ammonia library) takes out what runs (WIKI-05)."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Final

import nh3

_ATTRIBUTES: Final = {
    **{tag: set(names) for tag, names in nh3.ALLOWED_ATTRIBUTES.items()},
    "a": {"href", "hreflang", "name", "title", "class"},
    "img": {"src", "alt", "height", "width", "align", "title"},
    "*": {"lang", "dir", "title", "id"},
}
_GONE: Final = {"script", "style", "title", "template", "noscript", "iframe", "object", "embed", "select", "textarea"}
"""Elements that go with all that is in them."""
_SCHEMES: Final = {"http", "https", "ftp", "mailto", "tel", "sip", "xmpp", "geo", "webcal"}
_TITLE: Final = re.compile(r"<title[^>]*>(.{0,500}?)</title>", re.IGNORECASE | re.DOTALL)


def fragment(text: str, target: Callable[[str], str | None]) -> str:
    """The body of a page, harmless, with its links led through `target` (None: the link goes)."""

    def rewritten(element: str, attribute: str, value: str) -> str | None:
        if attribute in ("href", "src", "cite"):
            return target(value)
        return value

    return nh3.clean(
        text,
        attributes=_ATTRIBUTES,
        clean_content_tags=_GONE,
        attribute_filter=rewritten,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer",
    )


def title(text: str) -> str:
    """What a page calls itself, "" if it does not."""
    found = _TITLE.search(text)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", found[1])).split()) if found else ""
