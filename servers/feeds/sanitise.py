"""HTML that somebody wrote, as others may see it: nh3 (the ammonia library) takes out what runs (WIKI-05)."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Final

import nh3
from lxml import etree

_ATTRIBUTES: Final = {
    **{tag: set(names) for tag, names in nh3.ALLOWED_ATTRIBUTES.items()},
    "a": {"href", "hreflang", "name", "title", "class"},
    "img": {"src", "alt", "height", "width", "align", "title"},
    "*": {"lang", "dir", "title", "id"},
}
_GONE: Final = {"script", "style", "title", "template", "noscript", "iframe", "object", "embed", "select", "textarea"}
"""Elements that go with all that is in them."""
_SCHEMES: Final = {"http", "https", "ftp", "mailto", "tel", "sip", "xmpp", "geo", "webcal"}
# No "<" inside: a tag without end must not make the rest be read again and again.
_TITLE: Final = re.compile(r"<title\b[^<>]*>(.{0,500}?)</title>", re.IGNORECASE | re.DOTALL)
_FREELY: Final = 1_000
"""A page of more tags is read by libxml2 first. The HTML standard's own algorithm opens every unclosed <b> again in
every paragraph, and looks for each <li> through all that it lies in: two megabytes took hours and all memory."""
_DEPTH: Final = 200
_REOPENED: Final = ("b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u")
"""Of those that are exactly alike, three at most are opened again."""
_TABLE: Final = ("table", "thead", "tbody", "tfoot", "tr")
_IN_TABLE: Final = frozenset({*_TABLE, "td", "th", "caption", "colgroup", "col"})
_MISPLACED: Final = 1_000
"""What stands in a table and in no cell is put before it, after a look at all that is there already."""
TANGLED: Final = "<p>This page is nested in a way that cannot be shown.</p>"


def fragment(text: str, target: Callable[[str], str | None]) -> str:
    """The body of a page, harmless, with its links led through `target` (None: the link goes)."""

    def rewritten(element: str, attribute: str, value: str) -> str | None:
        if attribute in ("href", "src", "cite"):
            return target(value)
        return value

    return nh3.clean(
        text if text.count("<") <= _FREELY else _flattened(text),
        attributes=_ATTRIBUTES,
        clean_content_tags=_GONE,
        attribute_filter=rewritten,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer",
    )


def _flattened(text: str) -> str:
    """A large page whose elements are closed where they were opened, and not nested for its reader's sake."""
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=False)
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError:
        return ""
    if root is None:
        return ""
    depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > _DEPTH:
            return TANGLED
    if sum(map(_misplaced, root.iter(*_TABLE))) > _MISPLACED:
        return TANGLED
    for element in root.iter(*_REOPENED):
        element.attrib.clear()
    return str(etree.tostring(root, method="html", encoding="unicode"))


def _misplaced(table: etree._Element) -> int:
    """How much is in a part of a table that belongs into its cells."""
    texts = [table.text, *(inner.tail for inner in table)]
    return sum(1 for one in texts if one and one.strip()) + sum(1 for inner in table if inner.tag not in _IN_TABLE)


def title(text: str) -> str:
    """What a page calls itself, "" if it does not."""
    found = _TITLE.search(text)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", found[1])).split()) if found else ""
